"""Whether agents do what their treatment means them to do: its declared targets, counted over a session's messages.

What counts as a word in a lexicon: letters, marks and digits that nothing else divides, whatever the case (NFKC, case
folding); in scripts that put no spaces between words, and of emoji, each character for itself.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, assert_never

from roomful.core.cards import AGREE, own_position
from roomful.core.events import USER, Measured, SessionStarted
from roomful.core.state import Message, SessionState
from roomful.core.study import Target

UNNAMED = "you"
"""What a participant is called who has no name, which is no name to be called by."""


def measured(state: SessionState) -> Mapping[str, Measured]:
    """What has come of each target of a session up to now."""
    declared = state.session.experimental_config.targets
    return {name: measure(target, state.session, state.messages) for name, target in declared.items()}


def measure(target: Target, session: SessionStarted, messages: Sequence[Message]) -> Measured:
    """What comes of a target in a session with these messages."""
    found = _found(target, session, messages)
    value = found.sum / found.n if found.n else None
    return Measured(
        value=value,
        n=found.n,
        met=_within(value, target.at_least, target.at_most),
        excluded=_beyond(value, target.exclude_below, target.exclude_above),
    )


def _within(value: float | None, low: float | None, high: float | None) -> bool | None:
    if value is None or (low is None and high is None):
        return None
    return (low is None or value >= low) and (high is None or value <= high)


def _beyond(value: float | None, low: float | None, high: float | None) -> bool | None:
    within = _within(value, low, high)
    return None if within is None else not within


class _Found(NamedTuple):
    """What is divided by what."""

    sum: int
    n: int


def _found(target: Target, session: SessionStarted, messages: Sequence[Message]) -> _Found:
    counted = [message for message in messages if message.sender != USER and (target.seeded or not message.seeded)]
    match target.measure:
        case "share_matching":
            return _share(counted, _matcher(target))
        case "words_per_message":
            return _Found(sum(words(message.content) for message in counted), len(counted))
        case "share_to_participant":
            return _share(counted, _addressed(session, messages))
        case "agents_on_side":
            return _Found(list(session.sides.values()).count(target.side or ""), len(session.sides))
        case "messages_on_side":
            return _on_side(target, session, counted)
        case _:
            assert_never(target.measure)


def _share(messages: Sequence[Message], fits: Callable[[Message], bool]) -> _Found:
    return _Found(sum(map(fits, messages)), len(messages))


def _matcher(target: Target) -> Callable[[Message], bool]:
    """What tells whether a message matches the pattern of a target, or has a word of its lexicon."""
    if target.pattern is not None:
        pattern = re.compile(target.pattern)
        return lambda message: pattern.search(_composed(message.content)) is not None
    lexicon = _lexicon(target.lexicon)
    return lambda message: _has(message.content, lexicon)


def _addressed(session: SessionStarted, messages: Sequence[Message]) -> Callable[[Message], bool]:
    """What tells whether a message answers, quotes or names the participant."""
    theirs = {message.message_id for message in messages if message.sender == USER}
    named = _lexicon((session.participant_name,))
    if named == _lexicon((UNNAMED,)):
        return lambda message: message.answer or message.reply_to in theirs
    return lambda message: message.answer or message.reply_to in theirs or _has(message.content, named)


def _on_side(target: Target, session: SessionStarted, messages: Iterable[Message]) -> _Found:
    """Of the messages with words of one position alone: those whose position is on the target's side."""
    stances = session.experimental_config.stances
    if stances is None:
        return _Found(0, 0)
    own = own_position(stances, session.answers.get(stances.question), session.seed).answers
    agreeing = {answer: answer in own for answer in target.positions}
    lexica = {answer: _lexicon(said) for answer, said in target.positions.items()}
    taken = [{agreeing[answer] for answer in lexica if _has(message.content, lexica[answer])} for message in messages]
    clear = [agrees for sides in taken if len(sides) == 1 for agrees in sides]
    return _Found(clear.count(target.side == AGREE), len(clear))


# --- words


def words(text: str) -> int:
    """The words of a message: what spaces divide, and each letter of scripts without spaces."""
    return len(text.split() if text.isascii() else text.translate(_SPACED).split())


def spaced(text: str) -> str:
    """The words of a text as a lexicon knows them, a space before, between and behind them; one space without any."""
    divided = _folded(text).translate(_DIVIDED).split()
    return f" {' '.join(divided)} " if divided else " "


# the same messages are looked at for several targets
_spaced = lru_cache(256)(spaced)


class _Lexicon(NamedTuple):
    """What is looked for: words, and phrases of several."""

    words: frozenset[str]
    phrases: tuple[str, ...]


# a treatment's lexicon is that of every session in it
@lru_cache(64)
def _lexicon(entries: tuple[str, ...]) -> _Lexicon:
    read = [spaced(entry) for entry in entries]
    # a name may be all signs: then it has no word to be found by
    single = frozenset(entry.strip() for entry in read if len(entry.split()) == 1)
    return _Lexicon(single, tuple(entry for entry in read if len(entry.split()) > 1))


def _has(text: str, lexicon: _Lexicon) -> bool:
    said = _spaced(text)
    return not lexicon.words.isdisjoint(said.split()) or any(phrase in said for phrase in lexicon.phrases)


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _folded(text: str) -> str:
    # what folding makes of a composed letter may be two that compose again
    return text.casefold() if text.isascii() else _composed(_composed(text).casefold())


_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts that put no spaces between words."""


def _unspaced(code: int) -> bool:
    return any(low <= code <= high for low, high in _UNSPACED)


class _Divided(dict[int, str | None]):
    """What stands for a character between the words of a lexicon."""

    def __missing__(self, code: int) -> str | None:
        self[code] = self._of(chr(code), code)
        return self[code]

    def _of(self, char: str, code: int) -> str | None:
        category = unicodedata.category(char)
        if category == "Cf" or 0xFE00 <= code <= 0xFE0F or 0x1F3FB <= code <= 0x1F3FF:
            # joiners, soft hyphens, skin colours and what only says how a character looks
            return None
        if category == "So" or (category[0] in "LMN" and _unspaced(code)):
            return f" {char} "
        return char if category[0] in "LMN" else " "


class _Spaced(dict[int, str]):
    """A character with spaces around it where its script has none."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = f" {char} " if char.isalpha() and _unspaced(code) else char
        return self[code]


_DIVIDED, _SPACED = _Divided(), _Spaced()
