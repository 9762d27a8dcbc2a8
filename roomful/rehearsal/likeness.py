"""How much like people's chats the rooms of a rehearsal were."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from roomful.core.events import USER, Entry
from roomful.core.study import SimulationSettings
from roomful.realism import Comparison, Post, compare, corpus, posts_of

ROOMS_MOST = 200
"""Chats that are compared: more would make the interval finer than the reference is."""

WORDS: Mapping[str, str] = {
    "B_room": "bursts in the room",
    "M_room": "memory of the gaps",
    "B_person": "bursts of each",
    "sd_ln_gap": "spread of the gaps",
    "self_excess": "the same one twice",
    "aba_excess": "the floor returns",
    "ln_self/turn": "gap before one's own next",
    "gini": "unequal shares",
    "rho_len_gap": "long ones take longer",
    "mean_ln_words": "length",
    "sd_ln_words": "spread of lengths",
    "one_word": "one word alone",
}
"""The statistics in words of a page."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Agents' messages beside those of people in a corpus."""

    comparison: Comparison


def agents_posts(entries: Iterable[Entry]) -> list[Post]:
    """The messages of the agents: what stand-ins do is set, and nothing to be judged."""
    return [post for post in posts_of(entries) if post.sender != USER]


def likeness(rooms: Sequence[Sequence[Post]], simulation: SimulationSettings, seed: int) -> Likeness | None:
    """Compare rooms with the corpus that their timing is made after; None where none of them can be measured."""
    reference = corpus("irc" if simulation.timing.preset == "ambient" else "delidata")
    found = compare(rooms, reference, seed)
    return Likeness(found) if found.sessions else None
