"""Who speaks, when, and how long it takes: pure draws, no LLM. Times in seconds of the session.

The four questions are kept apart, so that a richer model can answer one of them without touching the others.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from roomful.core.chance import choose, draw, exponential, lognormal
from roomful.core.study import SeededMessage, SimulationSettings

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


@dataclass(frozen=True, slots=True)
class Pace:
    """When a message is read for, typed from, and due."""

    read_at: float
    typing_at: float
    due: float


def next_due(settings: SimulationSettings, seed: int, number: int, previous: float) -> float:
    """When background message `number` is due, after `previous`: a memoryless clock; inf at a rate of 0."""
    if settings.messages_per_minute == 0:
        return math.inf
    return previous + exponential(60 / settings.messages_per_minute, draw(seed, "clock", number))


# asked for when a turn is scheduled, and again when somebody is chosen for it
@lru_cache(4096)
def words(seed: int, turn_id: str) -> float:
    """How many words the message of this turn is drawn to have."""
    return min(max(lognormal(WORDS_MEDIAN, WORDS_SIGMA, draw(seed, "words", turn_id)), 1.0), WORDS_MOST)


def typing_seconds(count: float) -> float:
    """How long typing this many words takes."""
    return min(max(count * 5 / CHARACTERS_PER_SECOND, TYPING_LEAST), TYPING_MOST)


def background_pace(seed: int, turn_id: str, due: float, now: float) -> Pace:
    """The pace of a message due at `due`, squeezed into what is left when that is near."""
    typing_at = max(due - typing_seconds(words(seed, turn_id)), now)
    return Pace(read_at=max(typing_at - GLANCE, now), typing_at=typing_at, due=due)


def answer_pace(seed: int, turn_id: str, content: str, now: float) -> Pace:
    """The pace of an answer to a message that was posted `now`."""
    notice = lognormal(NOTICE_MEDIAN, NOTICE_SIGMA, draw(seed, "notice", turn_id))
    reading = len(content.split()) / READING_WORDS_PER_SECOND
    think = lognormal(THINK_MEDIAN, THINK_SIGMA, draw(seed, "think", turn_id))
    typing_at = now + notice + reading + think
    return Pace(read_at=now + notice, typing_at=typing_at, due=typing_at + typing_seconds(words(seed, turn_id)))


def answers(settings: SimulationSettings, seed: int, said: int) -> bool:
    """Whether the participant's message number `said` will be answered: one draw a message."""
    return draw(seed, "answers", said) < settings.user_response_probability


def background_speaker(names: Sequence[str], composing: Sequence[str], seed: int, number: int) -> str:
    """Who writes background message `number`: each with the same probability, those who are composing left out."""
    free = [name for name in names if name not in composing]
    return choose(free or names, draw(seed, "speaker", number))


def answering_speaker(names: Sequence[str], content: str, quoted: str | None, seed: int, said: int) -> str:
    """Who answers the participant: the one quoted, else one of those named, else anyone."""
    if quoted is not None and quoted in names:
        return quoted
    named = [name for name in names if mentions(content, name)]
    return choose(named or names, draw(seed, "answerer", said))


def mentions(content: str, name: str) -> bool:
    """Whether a text names somebody, as a word of its own, whatever the case."""
    return re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", content.casefold()) is not None


def seeded_typing_at(message: SeededMessage) -> float:
    """From when the sender of a seeded message is seen typing it."""
    return max(message.at - typing_seconds(len(message.text.split())), 0.0)


def receipts(seed: int, said: int, now: float) -> dict[str, float]:
    """When the participant's message counts as delivered to all, and as read by all."""
    delivered = now + lognormal(0.6, 0.5, draw(seed, "delivered", said))
    return {"delivered": delivered, "read": delivered + lognormal(6.0, 0.8, draw(seed, "read", said))}
