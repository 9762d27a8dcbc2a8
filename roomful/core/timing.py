"""How people in a group chat keep time and how they write, as numbers: what a study may set, with its sources.

Sources in short. DeliData: 500 groups of 2 to 5 people (Karadzhov, Stafford & Vlachos 2023, CC-BY-4.0). IRC: channels
of new domains (CC-BY-4.0), ten minutes at a time. Palin 2019: 37,000 people who type on phones (Palin, Feit, Kim,
Kristensson & Oulasvirta 2019). The statistics of the corpora are in `roomful realism`'s references.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

type Preset = Literal["seed", "attentive", "ambient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When agents post, who does, how long it takes. Times in seconds; a `spread` is a standard deviation of logs.

    What follows from nothing measured is said to be set by us.
    """

    preset: Preset = "attentive"
    gap_law: Literal["gamma", "lognormal"] = "gamma"
    """The law of the time between two background messages."""
    burstiness: float = -0.05
    """(sd - mean) / (sd + mean) of that time: -1 like a metronome, 0 without memory. DeliData -.05, IRC +.27."""
    recovery_seconds: float = 40.0
    """How long it takes until somebody who has posted is likely to post again; 0: no rest. Logit on DeliData."""
    recovery_shape: float = 0.7
    """The Weibull shape of that. Logit on DeliData."""
    return_boost: float = 0.0
    """How much likelier than others somebody is to go on right after a message of their own. IRC .6."""
    return_seconds: float = 60.0
    """In which time that wears off. IRC."""
    talkativeness_spread: float = 0.5
    """How unequal the members are. Gini of DeliData and IRC."""
    named_boost: float = 1.7
    """How much likelier somebody posts who was named or quoted in the last message. Logit on DeliData."""
    lengths: bool = True
    """Whether a message's length is drawn before it is written, and the kind of what is said."""
    words_log_mean: float = 1.75
    """Mean of ln words. DeliData 1.75, IRC 2.10."""
    words_spread: float = 0.84
    """Between the messages of one person. DeliData .84, IRC .89."""
    words_person_spread: float = 0.38
    """Between persons. DeliData .38, IRC .41."""
    words_gap_exponent: float = 0.14
    """How much longer a message is that was waited for longer. DeliData."""
    words_most: int = 60
    """The longest message."""
    typing_speed: float = 3.0
    """Characters a second, the median of persons: 36 words a minute of 5 characters. Palin 2019."""
    typing_speed_spread: float = 0.35
    """Between persons. Palin 2019."""
    typing_speed_most: float = 7.0
    """The 99th percentile: no message is longer than this allows since its sender's last one. Palin 2019."""
    background_may_address_user: bool = False
    """Whether a message that is no answer may take up what the participant said: more than the set share is answered
    then."""

    @property
    def plain(self) -> bool:
        """Whether everybody is alike at every moment, and nothing but the time is drawn."""
        return not self.lengths and not self.recovery_seconds and not self.return_boost


SEED = Timing(
    preset="seed",
    burstiness=0.0,
    recovery_seconds=0.0,
    talkativeness_spread=0.0,
    named_boost=1.0,
    lengths=False,
    background_may_address_user=True,
)
"""A clock without memory, anyone speaks, the model decides how long."""
ATTENTIVE = Timing()
"""The others are here now, as in a task group. From DeliData."""
AMBIENT = Timing(
    preset="ambient",
    gap_law="lognormal",
    burstiness=0.27,
    recovery_seconds=0.0,
    return_boost=0.6,
    words_log_mean=2.10,
    words_spread=0.89,
    words_person_spread=0.41,
)
"""A community that is there all day. From IRC."""
TIMINGS: Mapping[Preset, Timing] = {"seed": SEED, "attentive": ATTENTIVE, "ambient": AMBIENT}

type Kind = Literal["tell", "ask", "agree", "disagree", "joke", "greet"]
KINDS: tuple[Kind, ...] = ("tell", "ask", "agree", "disagree", "joke", "greet")


def _kinds() -> Mapping[str, float]:
    return {"tell": 0.55, "ask": 0.15, "agree": 0.13, "disagree": 0.06, "joke": 0.07, "greet": 0.04}


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What agents' messages are like beside their length; rates are shares from 0 to 1."""

    kinds: Mapping[str, float] = field(default_factory=_kinds)
    """Weights of the kinds of speech; empty: not drawn. People ask in 12 to 18 % of messages, the rest is set by us."""
    emoji_rate: float | None = 0.1
    """Messages that have an emoji, the others none; null: as the model likes. Set by us."""
    quote_rate: float = 0.06
    """Messages that quote the one they take up. Set by us."""
    reaction_rate: float = 0.05
    """Messages to which somebody reacts with an emoji. Set by us."""
    styles: bool = True
    """Whether agents without a style on their card are given one each: capitals, full stops, typing errors."""


PLAIN = Speech(kinds={}, emoji_rate=None, quote_rate=0.0, reaction_rate=0.0, styles=False)
"""Nothing drawn: what goes with the preset `seed`."""
VARIED = Speech()
"""What goes with the other presets."""
