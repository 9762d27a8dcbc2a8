"""What sessions are measured against: a corpus of which the package knows numbers, or sessions of one's own."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from math import exp, inf, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

from roomful.core.chance import draw
from roomful.realism.markers import Markers, markers
from roomful.realism.measures import NAMES, Post, Statistics, bubbles, gaps, ln_gaps, statistics, word_count

DATA = "group_chat_statistics.json"
"""The numbers of the corpora; their sources and licences stand in the text file beside it."""

RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("B_room", "M_room", "B_person", "self_excess", "aba_excess", "rho_len_gap"), (-1.0, 1.0)),
    **dict.fromkeys(("gini", "one_word"), (0.0, 1.0)),
    **dict.fromkeys(("sd_ln_gap", "mean_ln_words", "sd_ln_words"), (0.0, inf)),
    "ln_self/turn": (-inf, inf),
}
"""What each statistic can be at least and at most."""

POINTS = 1000
"""Quantiles that stand for a distribution of which only mean and deviation are known."""


class Summary(NamedTuple):
    """A statistic over the sessions of a corpus: mean, standard deviation, the mean's 95 % interval, percentiles."""

    mean: float
    sd: float
    lo: float
    hi: float
    p05: float
    p95: float


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """What one half of a corpus differs from the other half: less cannot be asked of a simulation."""

    mean_abs_d: float
    auc: float
    wasserstein: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus of which only numbers are known: its sessions are not in the package."""

    key: str
    name: str
    about: str
    summaries: Mapping[str, Summary]
    floor: NoiseFloor | None = None

    def drawn(self, count: int, seed: int) -> list[Statistics]:
        """Sessions that stand in for the corpus' own.

        Each statistic is drawn by itself from a normal distribution with the corpus' mean and standard deviation,
        cut off where the statistic's own range ends: what hangs together in real sessions does not in these.
        """
        return [
            {name: _drawn(self.summaries[name], RANGES[name], draw(seed, self.key, name, number)) for name in NAMES}
            for number in range(count)
        ]

    def ln_words(self) -> list[float]:
        """Logarithms of words as the corpus' means imply: a lognormal distribution, as whole words and at least one.

        Its variance is that between the sessions' means and the mean one within them.
        """
        mean, within = self.summaries["mean_ln_words"], self.summaries["sd_ln_words"]
        law = NormalDist(mean.mean, sqrt(mean.sd**2 + within.mean**2 + within.sd**2))
        return [log(max(round(exp(law.inv_cdf((point + 0.5) / POINTS))), 1)) for point in range(POINTS)]


def _drawn(summary: Summary, allowed: tuple[float, float], u: float) -> float:
    law = NormalDist(summary.mean, summary.sd)
    low, high = (law.cdf(end) if abs(end) < inf else float(end > 0) for end in allowed)
    # inv_cdf is undefined at the very ends
    return law.inv_cdf(min(max(low + u * (high - low), 2.0**-54), 1 - 2.0**-53))


_CORPORA = {
    "delidata": ("DeliData", "500 groups of 2 to 5 people who solve a task in a chat; CC-BY-4.0"),
    "irc": ("IRC-10min", "ten minutes of open IRC channels on several subjects; CC-BY-4.0"),
    "mafia": ("Mafia-2019", "games of Mafia between people by text chat"),
    "llmafia": ("LLMafia", "games of Mafia between people and one agent by text chat; MIT"),
}
CORPORA = tuple(_CORPORA)
"""The corpora that the package knows, by the words that name them on a command line."""


def corpus(key: str) -> Corpus:
    """A corpus of the package: `delidata`, `irc`, `mafia` or `llmafia`. Raises KeyError for another."""
    name, about = _CORPORA[key]
    found = _data()
    summaries = {statistic: Summary(**found.stats[name][statistic]) for statistic in NAMES}
    return Corpus(key, name, about, summaries, found.floors.get(name))


class _Data(NamedTuple):
    stats: Mapping[str, Mapping[str, Mapping[str, float]]]
    floors: Mapping[str, NoiseFloor]


@cache
def _data() -> _Data:
    whole = json.loads(files("roomful.realism").joinpath(DATA).read_text("utf-8"))
    floors = {
        name: NoiseFloor(mean_abs_d=floor["mean_abs_d"], auc=floor["auc"], wasserstein=floor["W1"])
        for name, floor in whole["noise_floor"].items()
    }
    return _Data(whole["stats"], floors)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of sessions: their statistics, all their gaps and words together, their text markers.

    `left_out` sessions had fewer than 12 messages or 2 speakers; nothing of them is in it.
    """

    sessions: tuple[Statistics, ...]
    left_out: int
    pooled: Mapping[str, Sequence[float]]
    """`ln gap`, `ln turn gap` (before a message of somebody else), `ln self gap` (of one's own), `ln words`."""
    markers: Markers
    messages: int


def measure(rooms: Iterable[Sequence[Post]]) -> Measured:
    """Measure sessions, each given as its messages."""
    found = [(sorted(posts, key=lambda post: post.at), statistics(posts)) for posts in rooms]
    kept = [posts for posts, values in found if values is not None]
    return Measured(
        sessions=tuple(values for _, values in found if values is not None),
        left_out=len(found) - len(kept),
        pooled=_pooled(kept),
        markers=markers(kept),
        messages=sum(len(posts) for posts in kept),
    )


def _pooled(rooms: Sequence[Sequence[Post]]) -> dict[str, list[float]]:
    waits = [gaps(posts) for posts in rooms]
    kinds = [bubbles([post.sender for post in posts], its) for posts, its in zip(rooms, waits, strict=True)]
    return {
        "ln gap": ln_gaps(list(chain.from_iterable(waits))),
        "ln turn gap": ln_gaps([wait for _, turn in kinds for wait in turn]),
        "ln self gap": ln_gaps([wait for own, _ in kinds for wait in own]),
        "ln words": [log(word_count(post.text)) for posts in rooms for post in posts],
    }


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions that are there themselves, such as a lab's own exports. `name` is what outputs call them."""

    name: str
    measured: Measured


type Reference = Corpus | Sessions
