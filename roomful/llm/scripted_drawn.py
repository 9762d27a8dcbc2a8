"""What scripted agents say when the length and the kind of a message are drawn before it is written.

Here as well a call's number decides what it may say. Short messages stand in lists, one for each kind and number of
words, in which every number has a place of its own; longer ones are made of tales, of which each belongs to one number.
What was said before only chooses between what is this number's own, so that no two numbers say the same.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, product, zip_longest
from math import gcd

from roomful.core.chance import derive
from roomful.core.events import Prompt
from roomful.core.records import value
from roomful.llm.scripted_lines import KINDS, PICKUP, TAILS, THREADS
from roomful.llm.scripted_reading import Said, message, topic_of, understood, words_of
from roomful.llm.scripted_short import AFTERTHOUGHTS, ASKED_FURTHER, QUESTIONS, SHORTS, TOLD_FURTHER, Short
from roomful.llm.scripted_style import Draft, joined, revisited, style_of
from roomful.llm.scripted_tales import ASKED_EACH, TALES, TOLD_EACH

SHORT_MOST = 6
"""Words of the longest messages that stand in the lists of short ones."""
_WORDS_MOST = 60
"""Words of the longest message that there is enough to tell for."""
_SPREAD = 0.2
"""By which share a message may be longer or shorter than drawn; by one word it always may. As people count: about."""
_ONE_FOR_TWO = 0.25
"""Messages drawn to have two words that have one. DeliData has more of one word than its law of lengths gives."""
_ONE_MORE = 0.3
"""Short messages that have one word more: the fastest that people type has cut some of the lengths before."""
_TOLD_SHORT = 0.65
"""Messages of up to six words, of those for which there is a tale as short, that tell it. Set by us."""
_LED, _CLOSED, _LAUGHED = (0.2, 0.4), 0.08, 0.5
"""Longer messages that begin, those that begin something new, those that end in some way though they are long enough;
and jokes that end in a laugh. Set by us."""
_SLOT = 9
"""Calls for which the room has one topic."""
_LATE = TOLD_EACH - _SLOT
"""Calls after them that may still have it."""
_COURSE = 22
"""Topics that the room goes through; the others come up where somebody begins something new."""
_MANNERS = 4
"""Words of a greeting and the like before somebody goes on to something else."""
_LONG_ANSWER = 12
"""Words from which an answer has more than one part."""
_RAMBLING = 40
"""Words of a message that says all that there is on a topic before it comes to another."""


@value
class _Manner:
    """What the prompt says of a message beside its length and kind."""

    to: Said | None
    """The message that it takes up."""
    new: bool
    emoji: bool | None


@value
class _Call:
    """One message to be written."""

    seed: int
    turn: int
    drawn: int
    words: int
    """As many of them as drawn, or one more or less."""
    kind: str
    manner: _Manner
    chance: int
    """53 random bits of its own."""

    def bit(self, place: int) -> float:
        """One of five numbers in [0, 1) for this message."""
        return (self.chance >> 10 * place & 0x3FF) / 1024

    @property
    def most(self) -> int:
        most = self.drawn + max(1, int(_SPREAD * self.drawn))
        # an emoji stands apart, as one more
        return max(most - 1, 1) if self.manner.emoji and self.words > 1 else most

    @property
    def least(self) -> int:
        return max(self.drawn - max(1, int(_SPREAD * self.drawn)), 1)


def drawn(prompt: Prompt) -> str:
    """Return this call's message, of about as many words as are drawn and of the kind that is drawn."""
    chance = derive(prompt.seed, "scripted", "drawn", prompt.number)
    manner = _manner(prompt.text)
    count = min(prompt.words, _WORDS_MOST)
    words = _about(count, (chance >> 43) / 1024, full=bool(manner.emoji) or prompt.answering is not None)
    kind = "new" if manner.new and prompt.speech in ("tell", "") else prompt.speech
    known = kind if kind in SHORTS else "tell"
    call = _Call(prompt.seed, max(prompt.number - 1, 0), count, words, known, manner, chance)
    draft = _message(call) if prompt.answering is None else _answer(call, prompt.answering)
    style = style_of(prompt.seed, prompt.agent_name)
    return style.dress(draft, chance, with_emoji=manner.emoji)


def _about(words: int, u: float, *, full: bool) -> int:
    """How many words it is to have: `full` where there is to be no more."""
    if words == 2 and u < _ONE_FOR_TWO:
        return 1
    more = 2 <= words <= SHORT_MOST and u > 1 - _ONE_MORE and not full
    return words + 1 if more else words


_TAKES_UP = re.compile(r"takes up the message (m\d+)\.")


def _manner(text: str) -> _Manner:
    # a newline cannot stand within a message, so nobody in the chat writes this line
    asked = text[text.rfind("\nWrite ") + 1 :][-2000:]
    found = _TAKES_UP.search(asked)
    emoji = True if "It has one emoji." in asked else False if "It has no emoji." in asked else None
    return _Manner(_named(text, found[1]) if found else None, "It begins something new." in asked, emoji)


def _named(text: str, number: str) -> Said | None:
    begin = text.find(f'{{"id": "{number}", ')
    end = text.find("\n", begin)
    return message(text[begin : end if end >= 0 else None]) if begin >= 0 else None


# --- which topic, and what of it


@lru_cache(1024)
def _course(seed: int) -> tuple[int, ...]:
    """The topics by chance: first those that the room goes through."""
    return tuple(sorted(range(len(THREADS)), key=lambda thread: derive(seed, "scripted", "thread", thread)))


@value
class _Tale:
    """What a number may tell: the tale of this place in a topic's list."""

    topic: int
    place: int
    again: int = 0
    """How often the course has been gone through before."""

    @property
    def parts(self) -> Sequence[str]:
        parts = _TALES[self.topic].told[self.place]
        return (revisited(parts[0], self.again), *parts[1:]) if self.again else parts


_TALES = tuple(TALES[thread.noun] for thread in THREADS)
_TOLD_WORDS = tuple(tuple(frozenset(words_of(parts[0])) for parts in tales.told) for tales in _TALES)
_WORDS: Mapping[str, int] = {part: len(part.split()) for tales in _TALES for parts in tales.told for part in parts}


def _tale(call: _Call) -> _Tale:
    """The tale that is this number's own: of the room's topic, or of the one before where that is taken up."""
    course, (slot, place) = _course(call.seed), divmod(call.turn, _SLOT)
    again, slot_of_course = divmod(slot, _COURSE)
    if place < _LATE and slot and not call.manner.new and _goes_on(call, course, slot, place):
        again, slot_of_course = divmod(slot - 1, _COURSE)
        place += _SLOT
    return _Tale(course[slot_of_course], place, again)


def _goes_on(call: _Call, course: Sequence[int], slot: int, place: int) -> bool:
    """Whether a message takes up the topic that was the room's before."""
    to = call.manner.to
    topic = topic_of(to.words) if to else None
    if topic == course[slot % _COURSE]:
        return False
    return topic == course[(slot - 1) % _COURSE] or call.bit(1) * _LATE > place


def _another(call: _Call) -> _Tale | None:
    """The tale of a topic that the room does not come to, which is this number's own; None for later numbers."""
    course = _course(call.seed)[_COURSE:]
    place, topic = divmod(call.turn, len(course))
    return _Tale(course[topic], place) if place < TOLD_EACH else None


def _elsewhere(call: _Call, own: _Tale) -> int | None:
    """The topic of the message that is taken up, where somebody has brought up one of their own."""
    to = call.manner.to
    topic = topic_of(to.words) if to else None
    if to is None or topic is None or topic == own.topic:
        return None
    before = _course(call.seed)[(call.turn // _SLOT - 1) % _COURSE]
    # a tale of the bakery may well have a bus in it: that has changed no subject
    known = chain(_TOLD_WORDS[own.topic], _TOLD_WORDS[before], _in_passing())
    ours = any(len(words.intersection(to.words)) * 2 >= len(words) for words in known)
    return None if ours or topic == before else topic


@lru_cache(1)
def _in_passing() -> Sequence[frozenset[str]]:
    """The words of what can be said about anything and happens to name a topic."""
    lines = chain.from_iterable(lines for short in SHORTS.values() for lines in short.by_words.values())
    return [frozenset(words) for words in map(words_of, lines) if topic_of(words) is not None]


# --- messages of one's own accord


def _message(call: _Call) -> Draft:
    if call.words <= 3:
        # nobody bursts out laughing at nothing
        return _listed(call, "new" if call.manner.new and call.kind == "joke" else call.kind, call.words)
    tale = _tale(call)
    if call.kind == "ask":
        return _question(call, tale) or _listed(call, "ask", min(call.words, SHORT_MOST))
    topic = _elsewhere(call, tale)
    if topic is not None and call.kind in ("tell", "agree", "disagree") and 5 <= call.words < _LONG_ANSWER:
        return _reaction(call, topic)
    if call.kind == "joke" and call.bit(2) < 0.5 and (draft := _quip(call, tale)):
        return draft
    if call.kind == "new":
        tale = _another(call) or tale
    if call.words <= SHORT_MOST and call.bit(3) >= _TOLD_SHORT:
        return _listed(call, call.kind, call.words)
    return _told(call, tale) or _listed(call, call.kind, min(call.words, SHORT_MOST))


def _listed(call: _Call, kind: str, words: int) -> Draft:
    """The short message of this kind and length that is this number's own."""
    lines, block = _list(kind, words)
    return Draft((_own(lines, block, call.turn, call.seed),), emoji=_EMOJI[kind])


def _own(lines: Sequence[str], block: int, turn: int, seed: int) -> str:
    """Go through the lines block by block, each in an order of the session's own."""
    begin = turn // block * block % len(lines)
    return lines[begin + (turn % block * _stride(block) + seed) % block]


@lru_cache(256)
def _stride(size: int) -> int:
    """A step that comes to every place, and to near ones late."""
    return next(step for step in range(max(int(size * 0.618), 1), size + 2) if gcd(step, size) == 1)


def _told(call: _Call, tale: _Tale) -> Draft | None:
    """A tale of about as many words, after what makes it one of this kind; None where it is too long."""
    short = SHORTS[call.kind]
    # what makes it another kind than telling goes first
    leading = 0 if call.kind in ("tell", "new") else 1
    parts, count = _beginning(tale.parts, call.words - leading, call.most - leading)
    if not parts:
        return None
    if count + leading < call.least:
        parts, count = _lengthened(call, tale, parts, count, call.most - leading)
    lead = _around(short.leads, call, count, must=bool(leading), often=_LED[call.kind == "new"])
    close = _around(short.closes, call, count + len(lead.split()), must=False, often=_CLOSED)
    return Draft(parts, lead, close, _EMOJI.get(call.kind, ()) if call.kind == "joke" else THREADS[tale.topic].emoji)


def _beginning(parts: Sequence[str], words: int, most: int) -> tuple[Sequence[str], int]:
    """As many of the parts as there are words for, and how many words they have."""
    count = 0
    for taken, part in enumerate(parts):
        more = _WORDS.get(part) or len(part.split())
        if count >= words or count + more > most:
            return parts[:taken], count
        count += more
    return parts, count


def _lengthened(call: _Call, tale: _Tale, parts: Sequence[str], count: int, most: int) -> tuple[Sequence[str], int]:
    """A tale that has come to its end, with more on its topic, then on another."""
    thread = THREADS[tale.topic]
    more = list(_turned(thread.told, tale.place))
    other = _another(call)
    if call.kind != "new" and other:
        more[2 if call.words < _RAMBLING else 4 :] = [joined("Also", other.parts[0]), *other.parts[1:]]
    added, words = _beginning(more, call.words - count, most - count)
    return (*parts, *added), count + words


def _around(choice: Mapping[int, Sequence[str]], call: _Call, count: int, *, must: bool, often: float) -> str:
    """What stands before or behind a message of so many words: as much as it lacks; else now and then a little."""
    room = call.words - count
    if not must and count >= call.least:
        room = min(call.most - count, 2) if often > call.chance % 997 / 997 else 0
    sizes = [words for words in choice if words <= (max(room, 1) if must else room)]
    if not sizes:
        return ""
    lines = choice[sizes[int(call.bit(4) * len(sizes))] if must else max(sizes)]
    return lines[(call.turn + call.chance) % len(lines)]


def _question(call: _Call, tale: _Tale) -> Draft | None:
    """A question about the topic, and why it is asked where there are words for it."""
    thread = THREADS[tale.topic]
    which, rest = divmod(tale.place, TOLD_EACH // ASKED_EACH)
    asked = _TALES[tale.topic].asked[which]
    if rest or tale.again:
        asked = QUESTIONS[call.turn % len(QUESTIONS)].replace("{w}", thread.noun)
        asked = revisited(asked, tale.again)
    count = len(asked.split())
    if count > call.most:
        return None
    parts, more = _beginning(tale.parts, call.words - count, call.most - count)
    if count + more < call.least and len(parts) == len(tale.parts):
        parts, more = _lengthened(call, tale, parts, more + count, call.most)
        more -= count
    lead = _around(SHORTS["ask"].leads, call, count + more, must=False, often=_LED[0])
    if parts and call.bit(2) < 0.5:
        return Draft((*parts, asked), "", "", thread.emoji)
    return Draft((asked, *parts), lead, "", thread.emoji)


def _quip(call: _Call, tale: _Tale) -> Draft | None:
    """A joke about the topic, whichever it is."""
    core = PICKUP.cores[call.turn % len(PICKUP.cores)].replace("{w}", THREADS[tale.topic].noun)
    core = revisited(core, tale.again)
    count = len(core.split())
    if core.endswith("?") or not call.least - 3 <= count <= call.most:
        return None
    return Draft(
        (core,), close=_around(SHORTS["joke"].closes, call, count, must=False, often=_LAUGHED), emoji=_EMOJI["joke"]
    )


def _reaction(call: _Call, topic: int) -> Draft:
    """What is said to somebody who has brought up a topic of their own."""
    core = _replied(call, "told", topic, call.words)
    if core is None:
        return _listed(call, call.kind, min(call.words, SHORT_MOST))
    return Draft((core,), emoji=THREADS[topic].emoji)


# --- answers

_SOCIAL = {"wellbeing", "newcomer", "thanks", "sorry", "goodbye", "greeting", "bot", "puzzled", "laugh"}
_INSTEAD = {
    "greeting": "greet",
    "newcomer": "greet",
    "laugh": "joke",
    "agree": "agree",
    "disagree": "disagree",
    "bot": "ask",
    "puzzled": "ask",
    "told": "tell",
    "thanks": "tell",
    "sorry": "tell",
    "complaint": "tell",
    "good news": "tell",
    "wellbeing": "tell",
    "goodbye": "tell",
}
"""What else can be said, by what was said to the agent; whatever is not here was a question."""


def _answer(call: _Call, heard: str) -> Draft:
    """Answer somebody, and go on where there are words for it: with a tale where the answer was mere manners."""
    kind, topic = understood(heard[:1000])
    social = kind in _SOCIAL
    words = _MANNERS if social and call.words > SHORT_MOST else call.words if call.words < _LONG_ANSWER else SHORT_MOST
    core = _replied(call, kind, topic, words) if topic is not None else None
    core = core or _replied(call, kind, None, words)
    if core is None:
        core = _listed(call, _INSTEAD.get(kind, "answer"), min(words, SHORT_MOST)).parts[0]
    count = len(core.split())
    parts: Sequence[str] = ()
    if social and call.words > words:
        parts, added = _beginning(_tale(call).parts, call.words - count, call.most - count)
        count += added
    further = () if call.words <= words else _further(call, kind, topic, count, core.lower())
    return Draft((core[0].upper() + core[1:], *parts, *further), emoji=_emoji_of(kind, topic))


def _further(call: _Call, kind: str, topic: int | None, count: int, core: str) -> Iterator[str]:
    """What is added to an answer of so many words; what does not fit is passed over."""
    asked = kind not in _INSTEAD
    lines = [] if topic is None else [line for line in THREADS[topic].told if line not in core]
    more = ASKED_FURTHER if asked else TOLD_FURTHER
    for line in (*_turned(lines, call.turn), *_turned(more, call.turn * 3)):
        words = len(line.split())
        if count < call.least and count + words <= call.most:
            count += words
            yield line


def _replied(call: _Call, kind: str, topic: int | None, words: int) -> str | None:
    """The answer of about this length that is this number's own; None if it has none."""
    social = kind in _SOCIAL
    sizes = (words, words - 1, words + 1) if call.bit(1) < 0.5 else (words - 1, words, words + 1)
    for size in sizes if words > 1 else (1,):
        lines, block = _made(kind, topic, size)
        again, turn = divmod(call.turn, len(lines)) if lines else (0, 0)
        if not lines or again > len(AFTERTHOUGHTS) or (again and (social or size > words)) or size > call.most:
            continue
        text = _own(lines, block, turn, call.seed)
        return _with("", text, AFTERTHOUGHTS[again - 1]) if again else text
    return None


def _emoji_of(kind: str, topic: int | None) -> Sequence[str]:
    return KINDS[kind].emoji if topic is None else THREADS[topic].emoji


def _turned(lines: Sequence[str], turn: int) -> Iterator[str]:
    begin = turn % max(len(lines), 1)
    for line in (*lines[begin:], *lines[:begin]):
        yield line[0].upper() + line[1:]


@lru_cache(4096)
def _made(kind: str, topic: int | None, words: int) -> tuple[tuple[str, ...], int]:
    """All answers of so many words, a core and what may stand before and behind it, and how many have no tail."""
    heads, cores = KINDS[kind].heads, KINDS[kind].cores
    if topic is not None:
        cores = THREADS[topic].asked if kind == "asked" else THREADS[topic].told
    lines: list[str] = []
    plain = 0
    for tail in TAILS:
        for shift in range(len(heads)):
            pairs = zip((heads[(shift + place) % len(heads)] for place in range(len(cores))), cores, strict=True)
            lines += [text for head, core in pairs if len((text := _with(head, core, tail)).split()) == words]
        plain = plain or len(lines)
    return _in_blocks(lines, plain)


def _in_blocks(lines: Sequence[str], block: int) -> tuple[tuple[str, ...], int]:
    """As many of them as make up whole blocks, so that none is used up before the others."""
    return tuple(lines[: len(lines) // block * block] if block else ()), block


def _with(head: str, core: str, tail: str) -> str:
    text = joined(head, core)
    if not tail:
        return text
    end = "?" if text.endswith("?") else ""
    return f"{text.removesuffix('?')}, {tail}{end}"


# --- the lists of short messages

_EMOJI = {
    "tell": ("😅", "🙂", "😬", "😮"),
    "ask": ("🤔", "👀"),
    "agree": ("👍", "💯", "🙌"),
    "disagree": ("🤷", "😬", "🤨"),
    "joke": ("😂", "🤣", "😆"),
    "greet": ("👋", "😊"),
    "new": ("😴", "🙃", "☕"),
    "answer": ("🤔", "🤷"),
}


@lru_cache(64)
def _list(kind: str, words: int) -> tuple[tuple[str, ...], int]:
    """The short messages of a kind and length, the best ones first, and how many of them make up a block."""
    short = SHORTS[kind]
    if words == 1:
        return _in_blocks(tuple(dict.fromkeys(_singles(short))), len(short.singles))
    plain = short.by_words.get(words, ())
    made = list(dict.fromkeys(text for text in _decorated(short, words) if text not in plain))
    both = [text for pair in zip_longest(plain, made[: len(plain)]) for text in pair if text]
    return _in_blocks([*both, *made[len(plain) :]], len(both))


def _singles(short: Short) -> Iterator[str]:
    yield from short.singles
    for length in range(3):
        for end in short.ends:
            for single in short.singles:
                bare = single.removesuffix("?")
                yield f"{bare}{bare[-1] * length * (2 if len(bare) < 6 else 0)}{end}"


def _decorated(short: Short, words: int) -> Iterator[str]:
    """A message of a word or two less, with one before or behind it, or both, that it does not begin with already."""
    one_less = short.by_words.get(words - 1) or short.singles
    two_less = short.by_words.get(words - 2) or (short.singles if words == 3 else ())
    around = [*((head, "") for head in short.heads), *(("", tail) for tail in short.tails)]
    both = list(product(short.heads, short.tails))
    for cores, ways in ((one_less, around), (two_less, both)):
        for shift in range(len(ways)):
            for place, core in enumerate(cores):
                head, tail = ways[(shift + place) % len(ways)]
                bare = core.removesuffix("?") if tail else core
                said = bare.removesuffix("?").lower().split()
                if tail.removesuffix("?") not in said and not (head and said[0] in short.heads):
                    yield " ".join(part for part in (head, bare, tail) if part)
