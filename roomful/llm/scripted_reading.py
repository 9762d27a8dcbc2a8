"""What scripted agents understand of what others wrote: who said what, what about, and what kind of thing it was."""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from roomful.core.records import value
from roomful.llm.scripted_lines import THREADS

_READ = 6
"""Messages of the history that an agent takes notice of."""
_LONGEST_READ = 4000
"""Characters of one line of the history; a longer one is passed over."""


@value
class Said:
    """A message of the history."""

    sender: str
    text: str
    words: tuple[str, ...]


_WORD = re.compile(r"[a-z']+")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in lower case."""
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


TOPICS = {word: number for number, thread in reversed(tuple(enumerate(THREADS))) for word in thread.words}
"""The number of the thread that a word is about."""


def last_messages(text: str) -> list[Said]:
    """Read the last messages, newest first; what does not read as a message is passed over."""
    found: list[Said] = []
    for line in reversed(text.split("\n")):
        if line.startswith('{"id":') and len(line) <= _LONGEST_READ and (said := message(line)):
            found.append(said)
            if len(found) == _READ:
                break
    return found


@lru_cache(maxsize=512)
def message(line: str) -> Said | None:
    """Read one line of the history; None if it is no message."""
    # the room shows a line to several calls in a row, so it is read once for all of them
    try:
        shown = _read(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return Said(shown.sender, shown.text, words_of(shown.text))


class _Shown(msgspec.Struct):
    sender: str = msgspec.field(name="from")
    text: str


_read = msgspec.json.Decoder(_Shown).decode


def topic_of(words: Sequence[str]) -> int | None:
    """Return the thread that most of these words are about."""
    hits = [TOPICS[word] for word in words if word in TOPICS]
    return max(hits, key=hits.count) if hits else None


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ASKING = _set(
    "who what when where why how which whose do does did is are was were can could would will has have should "
    "anyone anybody any isn't aren't don't doesn't whats what's who's where's"
)
_HELLO = _set("hi hello hey heya hiya morning afternoon evening yo howdy hallo greetings")
_BYE = _set("bye goodbye goodnight night laters cya gtg")
_YES = _set("yes yeah yep yup sure ok okay true agreed exactly definitely absolutely right indeed")
_NO = _set("no nope nah never disagree wrong")
_BAD = _set(
    "hate annoying annoyed mad awful terrible worst horrible angry sad tired ugh rubbish broken boring stressed bad"
)
_GOOD = _set(
    "love great happy won brilliant amazing lovely birthday excited best wonderful engaged passed fantastic nice"
)
_LAUGH = re.compile(r"\b(a?(ha){2,}h?|he(he)+|lo+l|lmao|rofl)\b|[😂🤣😆]")
_BOT = re.compile(r"\b(bots?|chatbots?|robots?|ai|a\.i\.|gpt|language model|real (people|person|humans?)|humans?)\b")
_ORDERS = re.compile(
    r"\b(ignore|disregard|forget)\b.{0,40}\b(instructions?|prompts?|rules)\b|system prompt|you are now\b"
)
_WELLBEING = re.compile(
    r"\bhow('?s| is| are|re)\s+(you|u|ya|it|things|everyone|everybody|life|all)\b|\bwhat'?s up\b"
    r"|\b(you|everyone|u|all) (ok|okay|alright|all right|well)\b"
)
_NEWCOMER = re.compile(r"\b(new here|i'?m new|i am new|just moved|moved in|new to)\b")
_HELP = re.compile(r"\b(recommend|looking for|know a|know any|borrow|lend|help|i need)\b")
_OPINION = re.compile(r"\b(think|opinion|like|prefer|favou?rite|agree|feel|should)\b")
_THANKS = _set("thanks thank thx cheers ta")
_SORRY = _set("sorry apologies oops whoops")


def understood(heard: str) -> tuple[str, int | None]:
    """Return what kind of thing was said, and its topic for those kinds that have one."""
    low = heard.lower().replace("’", "'")
    words = words_of(low)
    if not words:
        return _without_words(low), None
    if _BOT.search(low):
        return "bot", None
    if _ORDERS.search(low):
        return "puzzled", None
    topic = topic_of(words)
    asks = "?" in low or words[0] in _ASKING
    if topic is None or len(words) <= 3:
        social = _social(low, words, asks=asks)
        if social:
            return social, None
    if topic is not None:
        return ("asked" if asks else "told"), topic
    return (_question(low, words) if asks else _statement(low, words)), None


def _without_words(low: str) -> str:
    if _LAUGH.search(low):
        return "laugh"
    if any(char.isalpha() for char in low) or not low.strip():
        return "puzzled"
    if "👍" in low:
        return "agree"
    return "asked" if "?" in low else "told"


def _social(low: str, words: Sequence[str], *, asks: bool) -> str | None:
    if _WELLBEING.search(low):
        return "wellbeing"
    if _NEWCOMER.search(low):
        return "newcomer"
    if len(words) > 8:
        return None
    said = set(words)
    if said & _THANKS:
        return "thanks"
    if said & _SORRY:
        return "sorry"
    if (said & _BYE or "see you" in low) and not asks:
        return "goodbye"
    greets = words[0] in _HELLO or (words[0] == "good" and words[1:2] and words[1] in _HELLO)
    if greets and (not asks or len(words) <= 2):
        return "greeting"
    return None


def _question(low: str, words: Sequence[str]) -> str:
    if _HELP.search(low):
        return "help"
    if _OPINION.search(low):
        return "opinion"
    for word in words:
        if word in ("why", "when", "where", "who", "how"):
            return word
    return "asked"


def _statement(low: str, words: Sequence[str]) -> str:
    said = set(words)
    if len(words) <= 4:
        if _LAUGH.search(low):
            return "laugh"
        if words[0] in _YES:
            return "agree"
        if words[0] in _NO:
            return "disagree"
    if _HELP.search(low):
        return "help"
    if said & _BAD:
        return "complaint"
    if said & _GOOD:
        return "good news"
    return "told"
