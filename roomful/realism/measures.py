"""Twelve statistics of a session: when people post, who posts, and how much. Pure; times in seconds."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from roomful.realism.numeric import average, rank_correlation, spread

MESSAGES_LEAST, SPEAKERS_LEAST = 12, 2
"""A session with fewer tells nothing."""
OWN_POSTS_LEAST = 6
"""Posts of a member whose own rhythm is looked at."""
BUBBLES_LEAST = 3
"""Gaps of either kind that a median is taken of in `ln_self/turn`."""
GAP_LEAST = 1.0
"""Seconds that count as the shortest gap where a logarithm is taken: most exports of chats have whole seconds."""


@dataclass(frozen=True, slots=True)
class Post:
    """A message of a room: `at` is in seconds from any fixed moment."""

    at: float
    sender: str
    text: str


type Statistics = Mapping[str, float | None]
"""Name to value, in the order of `NAMES`; None where a session cannot tell, such as when nobody posts six times."""

TIMING = (
    "B_room",
    "M_room",
    "B_person",
    "sd_ln_gap",
    "self_excess",
    "aba_excess",
    "ln_self/turn",
    "gini",
    "rho_len_gap",
)
"""The nine statistics of when and who."""
WORDS = ("mean_ln_words", "sd_ln_words", "one_word")
"""The three statistics of how much."""
NAMES = (*TIMING, *WORDS)


def statistics(posts: Sequence[Post]) -> Statistics | None:
    """The twelve statistics of a session; None of one with fewer than 12 messages or 2 speakers."""
    posts = sorted(posts, key=lambda post: post.at)
    senders = [post.sender for post in posts]
    if len(posts) < MESSAGES_LEAST or len(set(senders)) < SPEAKERS_LEAST:
        return None
    waits = gaps(posts)
    ln_words = [math.log(word_count(post.text)) for post in posts]
    return {
        "B_room": burstiness(waits),
        "M_room": rank_correlation(waits[:-1], waits[1:]),
        "B_person": _own_burstiness(posts),
        "sd_ln_gap": spread(ln_gaps(waits)),
        "self_excess": self_excess(senders),
        "aba_excess": aba_excess(senders),
        "ln_self/turn": _self_to_turn(senders, waits),
        "gini": gini(list(Counter(senders).values())),
        "rho_len_gap": rank_correlation(ln_words[1:], waits),
        "mean_ln_words": average(ln_words),
        "sd_ln_words": spread(ln_words),
        "one_word": average([float(word_count(post.text) == 1) for post in posts]),
    }


def gaps(posts: Sequence[Post]) -> list[float]:
    """Seconds between each message and the one before, of messages in the order of time."""
    # in microseconds: what is equal must not differ by rounding, for ranks make much of it
    return [round(after.at - before.at, 6) for before, after in pairwise(posts)]


def ln_gaps(waits: Sequence[float]) -> list[float]:
    """Natural logarithms of gaps, each gap at least a second."""
    return [math.log(max(wait, GAP_LEAST)) for wait in waits]


def word_count(text: str) -> int:
    """How many words a message has: what stands between white space, at least one."""
    return max(len(text.split()), 1)


def burstiness(waits: Sequence[float]) -> float | None:
    """Burstiness of n gaps, freed from the effect of a small n: -1 regular, 0 memoryless, 1 in bursts.

    Kim and Jo 2016, Physical Review E 94, 032311; r is the standard deviation (divided by n) over the mean.
    """
    count, mean, sd = len(waits), average(waits), spread(waits)
    if not mean or sd is None:
        return None
    ratio, more, less = sd / mean, math.sqrt(count + 1), math.sqrt(count - 1)
    return (more * ratio - less) / ((more - 2) * ratio + less)


def _own_burstiness(posts: Sequence[Post]) -> float | None:
    """The mean burstiness of the members who posted often enough."""
    times: dict[str, list[float]] = {}
    for post in posts:
        times.setdefault(post.sender, []).append(post.at)
    own = [
        burstiness([round(after - before, 6) for before, after in pairwise(ats)])
        for ats in times.values()
        if len(ats) >= OWN_POSTS_LEAST
    ]
    return average([value for value in own if value is not None])


def self_excess(senders: Sequence[str]) -> float | None:
    """How much more often a message follows one of the same sender than if the same messages came in any order."""
    count = len(senders)
    if count < 2:
        return None
    repeats = sum(before == after for before, after in pairwise(senders)) / (count - 1)
    chance = sum(own * (own - 1) for own in Counter(senders).values()) / (count * (count - 1))
    return repeats - chance


def aba_excess(senders: Sequence[str]) -> float | None:
    """How much more often the floor returns than if the same messages came in any order.

    Of three messages in a row of which the middle one is by another sender than both its neighbours: the share in
    which the neighbours are one person, minus the share that all orders of these messages would give.
    """
    threes = [(a, c) for a, b, c in zip(senders, senders[1:], senders[2:], strict=False) if b not in (a, c)]
    if not threes:
        return None
    counts = Counter(senders).values()
    count, pairs = len(senders), sum(own * (own - 1) for own in counts)
    back = sum(own * (pairs - own * (own - 1)) for own in counts)
    all_threes = sum(own * (count - own) * (count - own - 1) for own in counts)
    return sum(a == c for a, c in threes) / len(threes) - back / all_threes


def _self_to_turn(senders: Sequence[str], waits: Sequence[float]) -> float | None:
    """Logarithm of the median gap before a further message of one's own over that before one of somebody else's."""
    own, turn = bubbles(senders, waits)
    if len(own) < BUBBLES_LEAST or len(turn) < BUBBLES_LEAST:
        return None
    return math.log(max(median(own), GAP_LEAST) / max(median(turn), GAP_LEAST))


def bubbles(senders: Sequence[str], waits: Sequence[float]) -> tuple[list[float], list[float]]:
    """The gaps before messages of the sender of the message before, and those before messages of somebody else."""
    same = [before == after for before, after in pairwise(senders)]
    own = [wait for wait, is_own in zip(waits, same, strict=True) if is_own]
    turn = [wait for wait, is_own in zip(waits, same, strict=True) if not is_own]
    return own, turn


def gini(counts: Sequence[int]) -> float | None:
    """How unequally people take part, 0 … 1: Gini's coefficient of their counts, times k/(k - 1) for k people."""
    people, total = len(counts), sum(counts)
    if people < 2 or not total:
        return None
    ordered = enumerate(sorted(counts), 1)
    return sum((2 * place - people - 1) * count for place, count in ordered) / ((people - 1) * total)
