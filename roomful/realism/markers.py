"""Text markers: what tells the messages of a language model from those of people at a glance. Pure."""

import math
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median

from roomful.realism.measures import Post, word_count
from roomful.realism.numeric import average, spread

REPEATED_LEAST = 4
"""Words of a message that can be a near-duplicate or an echo; shorter ones repeat by nature."""
OWN_ALIKE, OTHERS_ALIKE = 0.6, 0.7
"""Jaccard similarity of two messages' words from which one repeats the other: one's own, anyone's."""
RECENT = 20
"""Messages of the room that count as recent."""
ECHOED_LEAST = 3
"""Words in a row of the message before that make an echo."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_EMOJI = re.compile("[\u203c\u2049\u231a-\u23ff\u2600-\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f000-\U0001faff]")
_QUESTION = re.compile("[?؟？]")
_PERIOD = re.compile(r"(?<![.…])[.。]$")
_ASSISTANT = re.compile(
    r"\bas an? (ai|language model|assistant)\b|\bi'?m (just )?an ai\b|\b(happy|glad|here) to (help|assist)\b"
    r"|\bhow (can|may) i (help|assist)\b|\blet me know if\b|\bfeel free to\b|\b(great|good|excellent) question\b"
    r"|\bit'?s (important|worth noting|crucial) (to|that)\b"
    r"|\bi (completely |totally |fully )?understand (your|how you)\b"
    r"|\bthat'?s a (great|good|valid|fair|excellent) (point|question|idea)\b|^(certainly|absolutely|of course)[!,]"
    r"|\bi (can'?t|cannot|am unable to|'?m unable to) (assist|help with|provide)\b|\bin (conclusion|summary)\b"
    r"|\bi (don'?t|do not) have personal\b|\bthank you for (sharing|your)\b|\bdelv(e|ing) into\b",
    re.IGNORECASE,
)
_AGREEMENT = re.compile(
    r"^(yes|yeah|yep|yup|ye|ya|sure|ok|okay|true|agreed?|exactly|totally|absolutely|definitely|indeed|same|right"
    r"|good (point|idea|call)|great (point|idea)|fair (point|enough)|me too|of course"
    r"|i (totally |completely |fully )?agree|that'?s (true|right))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Markers:
    """Of all messages together; shares are 0 … 1, and None where no message could have the mark.

    `near_duplicates` and `echo` are shares of the messages of four words and more, the latter of those that follow
    somebody else's; `capital_start` is a share of those that begin with a letter that has capitals.
    """

    messages: int
    median_words: float | None
    sd_ln_words: float | None
    near_duplicates: float | None
    questions: float | None
    final_period: float | None
    capital_start: float | None
    assistant_speak: float | None
    agreement_openers: float | None
    echo: float | None
    emoji: float | None


MARKERS = tuple(name for name in Markers.__dataclass_fields__ if name != "messages")


def markers(rooms: Iterable[Sequence[Post]]) -> Markers:
    """The text markers of all messages of these rooms."""
    ordered = [sorted(posts, key=lambda post: post.at) for posts in rooms]
    texts = [post.text.strip() for posts in ordered for post in posts]
    counts = [word_count(text) for text in texts]
    repeats = [mark for posts in ordered for mark in near_duplicates(posts)]
    echoes = [mark for posts in ordered for mark in _echoes(posts)]
    return Markers(
        messages=len(texts),
        median_words=median(counts) if counts else None,
        sd_ln_words=spread([math.log(count) for count in counts]),
        near_duplicates=_share(repeats),
        questions=_share(_QUESTION.search(text) is not None for text in texts),
        final_period=_share(_PERIOD.search(text) is not None for text in texts),
        capital_start=_share(text[0].isupper() for text in texts if text[:1].upper() != text[:1].lower()),
        assistant_speak=_share(_ASSISTANT.search(text.replace("’", "'")) is not None for text in texts),
        agreement_openers=_share(_AGREEMENT.search(text.replace("’", "'")) is not None for text in texts),
        echo=_share(echoes),
        emoji=_share(_EMOJI.search(text) is not None for text in texts),
    )


def _share(marks: Iterable[bool]) -> float | None:
    return average([float(mark) for mark in marks])


# each message is looked at for what it repeats, for what it takes up, and for what takes it up
@lru_cache(4096)
def words_of(text: str) -> Sequence[str]:
    """The words of a text in small letters, without punctuation."""
    return _WORD.findall(text.casefold().replace("’", "'"))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """How much two sets of words have in common: 0 nothing, 1 all."""
    both = len(one & other)
    either = len(one) + len(other) - both
    return both / either if either else 0.0


def near_duplicates(posts: Sequence[Post]) -> list[bool]:
    """Of each message of four words and more, whether it repeats one of its sender's or a recent one of anyone's."""
    own: dict[str, list[frozenset[str]]] = {}
    recent: deque[frozenset[str]] = deque(maxlen=RECENT)
    found = []
    for post in posts:
        words = words_of(post.text)
        said = frozenset(words)
        mine = own.setdefault(post.sender, [])
        if len(words) >= REPEATED_LEAST:
            repeats_own = any(jaccard(said, before) >= OWN_ALIKE for before in mine)
            found.append(repeats_own or any(jaccard(said, before) >= OTHERS_ALIKE for before in recent))
            mine.append(said)
            recent.append(said)
        else:
            # it takes a place among the recent ones, but cannot be repeated
            recent.append(frozenset())
    return found


def _echoes(posts: Sequence[Post]) -> list[bool]:
    """Of each message of four words and more after somebody else's, whether it takes up words in a row of that one."""
    found = []
    for before, after in pairwise(posts):
        words = words_of(after.text)
        if before.sender != after.sender and len(words) >= REPEATED_LEAST:
            heard = f" {' '.join(words_of(before.text))} "
            runs = zip(*(words[start:] for start in range(ECHOED_LEAST)), strict=False)
            found.append(any(f" {' '.join(run)} " in heard for run in runs))
    return found
