"""Who speaks, when, how long it takes, to whom: pure draws, no LLM. Times in seconds of the session.

The questions are kept apart, and each draw has a name of its own. When background messages are due, and what is drawn
for each of them, follows from the session's seed alone; what has happened only decides what the draws select. The
numbers are in `roomful.core.timing`; with `timing.plain` everybody is alike and only the time is drawn.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from roomful.core.chance import choose, draw, exponential, gamma, lognormal, normal, weighted
from roomful.core.records import value
from roomful.core.study import SeededMessage, SimulationSettings
from roomful.core.timing import Timing

CHARACTERS_PER_SECOND = 3.0
"""Typing on a phone: 36 words a minute of 5 characters (Palin et al. 2019)."""
READING_WORDS_PER_SECOND = 238 / 60
"""Silent reading (Brysbaert 2019)."""
WORDS_MEDIAN, WORDS_SIGMA = math.exp(1.75), 0.84
"""Words of a message in live group chat: ln W ~ N(1.75, 0.84) (DeliData)."""
WORDS_MOST = 40
NOTICE_MEDIAN, NOTICE_SIGMA = 1.5, 0.6
"""Seconds until someone who is in the room looks at a new message."""
THINK_MEDIAN, THINK_SIGMA = 2.0, 0.9
"""Seconds between having read a message and beginning to type."""
TYPING_LEAST, TYPING_MOST = 1.0, 12.0
GLANCE = 3.0
"""Seconds an agent looks at the room before it types a message of its own; the LLM is asked when they begin."""
OUTAGE_LEAST = 30.0
"""A background turn found overdue by more than this was due while nobody ran the room, and is given up."""


@value
class Pace:
    """When a message is read for, typed from, and due."""

    read_at: float
    typing_at: float
    due: float


def next_due(settings: SimulationSettings, seed: int, number: int, previous: float) -> float:
    """When background message `number` is due, after `previous`; inf at a rate of 0.

    The times between are independent, of the law that is set. The first is what is left of one that began before the
    session did, so that the expected number of messages is rate times time from the start.
    """
    if settings.messages_per_minute == 0:
        return math.inf
    mean, timing = 60 / settings.messages_per_minute, settings.timing
    if timing.gap_law == "lognormal":
        return previous + _lognormal_gap(mean, timing.burstiness, seed, number)
    if timing.burstiness == 0:
        # without memory, what is left is like the whole
        return previous + exponential(mean, draw(seed, "clock", number))
    return previous + _gamma_gap(mean, timing.burstiness, seed, number)


def _gamma_gap(mean: float, burstiness: float, seed: int, number: int) -> float:
    shape = ((1 - burstiness) / (1 + burstiness)) ** 2
    if number > 1:
        return mean / shape * gamma(shape, seed, "clock", number)
    # a gap that somebody comes into is longer, by its length; they come at any moment of it
    return mean / shape * gamma(shape + 1, seed, "clock", number) * draw(seed, "clock", "left")


def _lognormal_gap(mean: float, burstiness: float, seed: int, number: int) -> float:
    variance = math.log1p(((1 + burstiness) / (1 - burstiness)) ** 2)
    gap = lognormal(mean * math.exp(-variance / 2), math.sqrt(variance), draw(seed, "clock", number))
    return gap if number > 1 else gap * math.exp(variance) * draw(seed, "clock", "left")


# asked for when a turn is scheduled, and again when somebody is chosen for it
@lru_cache(4096)
def words(seed: int, turn_id: str) -> float:
    """How many words the message of this turn is drawn to have."""
    return min(max(lognormal(WORDS_MEDIAN, WORDS_SIGMA, draw(seed, "words", turn_id)), 1.0), WORDS_MOST)


def typing_seconds(count: float) -> float:
    """How long typing this many words takes."""
    return min(max(count * 5 / CHARACTERS_PER_SECOND, TYPING_LEAST), TYPING_MOST)


def background_pace(typing: float, due: float, now: float, since: float = 0.0) -> Pace:
    """The pace of a message due at `due` that takes so long to type, squeezed into what is left when that is near.

    Nobody types it before `since`, when the same hands finish another one.
    """
    typing_at = max(due - typing, now, min(since, due))
    return Pace(read_at=max(typing_at - GLANCE, now), typing_at=typing_at, due=due)


def begun_at(seed: int, turn_id: str, content: str, now: float) -> tuple[float, float]:
    """When an answer to a message that was posted `now` is read for, and from when it is typed."""
    notice = lognormal(NOTICE_MEDIAN, NOTICE_SIGMA, draw(seed, "notice", turn_id))
    reading = len(content.split()) / READING_WORDS_PER_SECOND
    think = lognormal(THINK_MEDIAN, THINK_SIGMA, draw(seed, "think", turn_id))
    return now + notice, now + notice + reading + think


AHEAD_LEAST = 6.0
"""Seconds before its time at which a message is asked for at the latest: a short one must not wait for its model."""
TYPING_SHOWN_MOST = 30.0
"""Seconds that somebody is seen typing one message."""


def plan_at(settings: SimulationSettings, seed: int, number: int, *, due: float, gap: float, now: float) -> float:
    """When it is chosen who writes background message `number`, which is due a `gap` after the one before."""
    timing, turn_id = settings.timing, f"b{number}"
    if not timing.lengths:
        return background_pace(typing_seconds(words(seed, turn_id)), due, now).read_at
    # as long before as somebody of middle speed, whose words are the mean of all, takes to write it
    typing = 5 * math.exp(_log_words(settings, seed, turn_id, gap)) / timing.typing_speed
    return max(due - max(min(typing, TYPING_SHOWN_MOST) + GLANCE, AHEAD_LEAST), now)


# asked for when a turn is scheduled, and again when somebody is chosen for it
@lru_cache(4096)
def _wordy(seed: int, turn_id: str) -> float:
    return normal(draw(seed, "words", turn_id))


def _log_words(settings: SimulationSettings, seed: int, turn_id: str, gap: float | None) -> float:
    """Ln words of a message, but for its writer: mu + gamma ln(gap / mean gap) + sigma Z; `gap` in seconds."""
    timing = settings.timing
    length = timing.words_log_mean + timing.words_spread * _wordy(seed, turn_id)
    if not gap:
        return length
    return length + timing.words_gap_exponent * math.log(gap * settings.messages_per_minute / 60)


@lru_cache(4096)
def _person(seed: int, name: str, what: str) -> float:
    """By how many standard deviations somebody differs from the others in something, for the whole session."""
    return normal(draw(seed, what, name))


def length(
    settings: SimulationSettings, seed: int, turn_id: str, name: str, *, gap: float | None, silent: float
) -> int:
    """How many words a message has whose writer has been `silent` for so long; `gap` is None for an answer."""
    timing = settings.timing
    most = min(timing.words_most, timing.typing_speed_most * silent / 5)
    own = timing.words_person_spread * _person(seed, name, "wordiness")
    return max(int(min(math.exp(_log_words(settings, seed, turn_id, gap) + own) + 0.5, most)), 1)


def typing_time(settings: SimulationSettings, seed: int, turn_id: str, name: str, count: int) -> float:
    """How long somebody is seen typing a message of so many words; 0 words: of a length that is nobody's business."""
    timing = settings.timing
    if not count:
        return typing_seconds(words(seed, turn_id))
    speed = timing.typing_speed * math.exp(timing.typing_speed_spread * _person(seed, name, "typing_speed"))
    return min(max(5 * count / speed, TYPING_LEAST), TYPING_SHOWN_MOST)


def who(
    settings: SimulationSettings,
    names: Sequence[str],
    spoke: Mapping[str, float],
    named: Sequence[str],
    *,
    seed: int,
    at: float,
    u: float,
) -> str:
    """Who posts at a time: each by talkativeness, by how long ago the own last message was, and by being named."""
    timing = settings.timing
    weights = [
        _talkativeness(timing.talkativeness_spread, seed, name)
        * _recovered(timing, at - spoke[name] if name in spoke else math.inf)
        * (timing.named_boost if name in named else 1.0)
        for name in names
    ]
    # somebody who posts at this very moment has no weight; where that is everybody, all are alike
    return weighted(names, weights, u) if any(weights) else choose(names, u)


@lru_cache(4096)
def _talkativeness(spread: float, seed: int, name: str) -> float:
    return math.exp(spread * _person(seed, name, "talkativeness"))


def _recovered(timing: Timing, silent: float) -> float:
    """r(t) = [1 - exp(-(t / rho)^beta)] [1 + epsilon exp(-t / delta)], of seconds since the own last message."""
    if silent == math.inf:
        return 1.0
    rested, silent = 1.0, abs(silent)
    if timing.recovery_seconds:
        rested = -math.expm1(-((silent / timing.recovery_seconds) ** timing.recovery_shape))
    if not timing.return_boost:
        return rested
    return rested * (1 + timing.return_boost * math.exp(-silent / timing.return_seconds))


NEW_THREAD = 0.09
"""Background messages that begin something new (DeliData)."""
TAKEN_UP = (0.57, 0.16, 0.10, 0.10, 0.08)
"""Which of the last messages of others the rest takes up, from the newest back (DeliData)."""
TAKEN_UP_MOST = len(TAKEN_UP)
"""Messages of others that one may take up."""


def taken_up(candidates: int, seed: int, turn_id: str) -> int | None:
    """Which of the last messages of others a message takes up, from the newest back: 0, 1, 2 …; None: none."""
    u = draw(seed, "thread", turn_id)
    if not candidates or u < NEW_THREAD:
        return None
    places = range(min(candidates, TAKEN_UP_MOST))
    return weighted(places, TAKEN_UP[: len(places)], (u - NEW_THREAD) / (1 - NEW_THREAD))


def kind_of_speech(settings: SimulationSettings, seed: int, turn_id: str, *, first: bool, reply: bool) -> str:
    """What a background message does; nobody greets a second time, or agrees with nothing. "" where not drawn."""
    kinds = settings.speech.kinds
    if not kinds:
        return ""
    kind = weighted(list(kinds), list(kinds.values()), draw(seed, "speech", turn_id))
    if (kind == "greet" and not first) or (kind in ("agree", "disagree") and not reply):
        return "tell"
    return kind


def has_emoji(settings: SimulationSettings, seed: int, turn_id: str) -> bool | None:
    """Whether a message has an emoji; None: as the model likes."""
    rate = settings.speech.emoji_rate
    return None if rate is None else draw(seed, "emoji", turn_id) < rate


def quotes(settings: SimulationSettings, seed: int, turn_id: str) -> bool:
    """Whether a message quotes the one that it takes up or answers."""
    return draw(seed, "quote", turn_id) < settings.speech.quote_rate


REACTIONS = {"👍": 0.4, "😂": 0.2, "❤️": 0.2, "😮": 0.1, "🙏": 0.1}
"""What members react with. Set by us."""
REACTION_MEDIAN, REACTION_SIGMA = 6.0, 0.8
"""Seconds until they do: as long as a message takes to be read by all. Set by us."""


@value
class Reaction:
    """Who reacts to a message, and with what."""

    sender: str
    emoji: str


def reacts_at(settings: SimulationSettings, seed: int, number: int, now: float) -> float | None:
    """When somebody reacts to message `number`, which is posted now; None: nobody does."""
    if draw(seed, "reaction", number) >= settings.speech.reaction_rate:
        return None
    return now + lognormal(REACTION_MEDIAN, REACTION_SIGMA, draw(seed, "reaction", number, "at"))


def reaction(names: Sequence[str], sender: str, seed: int, number: int) -> Reaction:
    """Who of the others reacts to message `number` of this sender, and how. There is at least one other."""
    others = [name for name in names if name != sender]
    emoji = weighted(list(REACTIONS), list(REACTIONS.values()), draw(seed, "reaction", number, "emoji"))
    return Reaction(choose(others, draw(seed, "reaction", number, "by")), emoji)


def answers(settings: SimulationSettings, seed: int, said: int) -> bool:
    """Whether the participant's message number `said` will be answered: one draw a message."""
    return draw(seed, "answers", said) < settings.user_response_probability


def background_speaker(
    settings: SimulationSettings,
    composing: Sequence[str],
    spoke: Mapping[str, float],
    named: Sequence[str],
    *,
    seed: int,
    number: int,
    due: float,
) -> str:
    """Who writes background message `number`, those who are composing left out where that leaves somebody.

    `spoke` has when each who has posted last did, or means to; `named` are those in the last message.
    """
    names = settings.agent_names
    free = [name for name in names if name not in composing] or names
    u = draw(seed, "speaker", number)
    return choose(free, u) if settings.timing.plain else who(settings, free, spoke, named, seed=seed, at=due, u=u)


def answering_speaker(
    settings: SimulationSettings,
    content: str,
    quoted: str | None,
    spoke: Mapping[str, float],
    *,
    seed: int,
    said: int,
    at: float,
) -> str:
    """Who answers the participant's message number `said`: the one quoted, else one of those named, else anyone."""
    names = settings.agent_names
    if quoted is not None and quoted in names:
        return quoted
    called = named(names, content) or names
    u = draw(seed, "answerer", said)
    return choose(called, u) if settings.timing.plain else who(settings, called, spoke, (), seed=seed, at=at, u=u)


def named(names: Sequence[str], content: str) -> list[str]:
    """Those of the names that a text has."""
    folded = content.casefold()
    return [name for name in names if (found := _called(name)).name in folded and found.whole.search(folded)]


def mentions(content: str, name: str) -> bool:
    """Whether a text names somebody, as a word of its own, whatever the case."""
    return bool(named((name,), content))


@value
class _Called:
    """A name as it is looked for in a text without capitals."""

    name: str
    whole: re.Pattern[str]


@lru_cache(1024)
def _called(name: str) -> _Called:
    folded = name.casefold()
    return _Called(folded, re.compile(rf"(?<!\w){re.escape(folded)}(?!\w)"))


def seeded_typing_at(message: SeededMessage) -> float:
    """From when the sender of a seeded message is seen typing it."""
    return max(message.at - typing_seconds(len(message.text.split())), 0.0)


DELIVERED_MEDIAN, DELIVERED_SIGMA = 0.6, 0.5
READ_MEDIAN, READ_SIGMA = 6.0, 0.8
"""Seconds until a message has reached a member, and from then on until it is read. Set by us."""


@value
class Receipts:
    """When a message counts as delivered to all and as read by all, and when each member reads it."""

    of_all: dict[str, float]
    read_by: dict[str, float]


def receipts(settings: SimulationSettings, seed: int, said: int, now: float, noticed: Mapping[str, float]) -> Receipts:
    """The receipts of the participant's message number `said`; `noticed` has who is known to read it when."""
    if settings.timing.plain:
        delivered = now + _reached(seed, said)
        return Receipts({"delivered": delivered, "read": delivered + _looked(seed, said)}, {})
    delivered_to, read_by = dict[str, float](), dict[str, float]()
    for name in settings.agent_names:
        arrives, looked = now + _reached(seed, said, name), _looked(seed, said, name)
        read_by[name] = min(arrives + looked, noticed.get(name, math.inf))
        delivered_to[name] = min(arrives, read_by[name])
    return Receipts({"delivered": max(delivered_to.values()), "read": max(read_by.values())}, read_by)


def _reached(seed: int, said: int, *name: str) -> float:
    return lognormal(DELIVERED_MEDIAN, DELIVERED_SIGMA, draw(seed, "delivered", said, *name))


def _looked(seed: int, said: int, *name: str) -> float:
    return lognormal(READ_MEDIAN, READ_SIGMA, draw(seed, "read", said, *name))
