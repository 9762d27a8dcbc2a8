"""Agents that need no network: a neighbourhood chat in which nobody says the same thing twice.

A call's number decides which lines it may use, and no two numbers share one: the room's small talk goes through
a permutation of all lines, an answer's head, core and tail are the digits of the number. So nothing needs to be
remembered between calls, and what was said before only chooses among lines that are this call's own.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from roomful.core.chance import derive, draw
from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm.scripted_lines import ASIDE, KINDS, PICKUP, REVISITS, TAILS, THREADS, Kind

_READ = 6
"""Messages of the history that an agent takes notice of."""
_LONGEST_READ = 4000
"""Characters of one line of the history; a longer one is passed over."""
_PICKUP_EVERY = 4
"""One call in so many may take up what others talk about instead of the room's next line."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SHORT = {
    "you": "u",
    "your": "ur",
    "though": "tho",
    "because": "cos",
    "tomorrow": "tmrw",
    "probably": "prob",
    "please": "pls",
    "thanks": "thx",
    "people": "ppl",
    "really": "rly",
    "about": "abt",
    "definitely": "defo",
    "minutes": "mins",
    "tonight": "tonite",
    "something": "smth",
}
_SLIPS = {
    "the": "teh",
    "that": "taht",
    "just": "jsut",
    "with": "wiht",
    "again": "agian",
    "until": "untill",
    "apparently": "apparantly",
    "believe": "beleive",
    "going": "gonig",
    "weird": "wierd",
    "actually": "actualy",
    "everyone": "eveyrone",
    "have": "ahve",
}
_KEPT_APOSTROPHES = _set("we're we'll he'll she'll i'll i'd she'd he'd we'd you're they're who's")


class Scripted:
    """An LLM without a network: its replies depend on the prompt alone, so sessions can share one."""

    async def __call__(self, prompt: Prompt) -> Reply:
        return Reply(text=compose(prompt), model="scripted", finish_reason="STOP")


def compose(prompt: Prompt) -> str:
    """Return this call's message: unlike that of any other number of the same seed, 1 … 300 characters."""
    turn = max(prompt.number - 1, 0)
    plan = _plan(prompt.seed)
    history = _history(prompt.text)
    if prompt.answering is None:
        chosen = _small_talk(prompt.agent_name, turn, plan, history)
    else:
        chosen = _answer(prompt.answering, turn, plan, history)
    return _style(prompt.seed, prompt.agent_name).write(chosen, derive(prompt.seed, "scripted", "call", prompt.number))


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    more: str = ""
    """What somebody of many words adds."""
    emoji: tuple[str, ...] = ()
    thread: int = -1
    place: int = 0
    """Where in its thread it stands: 0, 1, 2 …"""
    reacts: bool = False
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Plan:
    """The order in which a session uses the lines."""

    lines: tuple[_Line, ...]
    start: int


@dataclass(frozen=True, slots=True)
class _Said:
    sender: str
    text: str
    words: tuple[str, ...]


_WORD = re.compile(r"[a-z']+")


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


def _read_line(raw: str, thread: int, place: int) -> _Line:
    text, _, more = raw.removeprefix("~").partition("[")
    return _Line(
        text=text.rstrip(),
        more=f", {more.rstrip(']')}" if more else "",
        emoji=THREADS[thread].emoji,
        thread=thread,
        place=place,
        reacts=raw.startswith("~"),
        words=frozenset(_words(text)),
    )


_LINES = tuple(
    tuple(_read_line(raw, number, place) for place, raw in enumerate(thread.lines))
    for number, thread in enumerate(THREADS)
)
_TOPICS = {word: number for number, thread in reversed(tuple(enumerate(THREADS))) for word in thread.words}

_IN_PASSING = tuple(
    _Line(core, words=frozenset(_words(core)))
    for kind in (PICKUP, ASIDE, *KINDS.values())
    for core in kind.cores
    if any(word in _TOPICS for word in _words(core))
)
"""What is said about anything and happens to name a topic."""


@lru_cache(maxsize=1024)
def _plan(seed: int) -> _Plan:
    """Order the threads by chance; the end of one runs into the beginning of the next."""
    order = sorted(range(len(THREADS)), key=lambda thread: derive(seed, "scripted", "thread", thread))
    timed: list[tuple[float, _Line]] = []
    for thread in order:
        lines, begin = _LINES[thread], len(timed)
        loose = not any(line.reacts for line in lines[-2:])
        overlap = derive(seed, "scripted", "overlap", thread) % 4 if loose else 0
        for place, line in enumerate(lines):
            # the last two lines come while somebody has already changed the subject
            late = overlap - 0.5 if place >= len(lines) - 2 and overlap else 0.0
            timed.append((begin + place + late, line))
    timed.sort(key=lambda pair: pair[0])
    return _Plan(tuple(line for _, line in timed), derive(seed, "scripted", "start") % 1000)


def _history(text: str) -> list[_Said]:
    """Read the last messages, newest first; what does not read as a message is passed over."""
    found: list[_Said] = []
    for line in reversed(text.split("\n")):
        if line.startswith('{"id":') and len(line) <= _LONGEST_READ and (said := _message(line)):
            found.append(said)
            if len(found) == _READ:
                break
    return found


@lru_cache(maxsize=512)
def _message(line: str) -> _Said | None:
    # the room shows a line to several calls in a row, so it is read once for all of them
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    sender, said = value.get("from"), value.get("text")
    if not isinstance(sender, str) or not isinstance(said, str):
        return None
    return _Said(sender, said, _words(said))


def _topic(words: Sequence[str]) -> int | None:
    """Return the thread that most of these words are about."""
    hits = [_TOPICS[word] for word in words if word in _TOPICS]
    return max(hits, key=hits.count) if hits else None


def _small_talk(name: str, turn: int, plan: _Plan, history: Sequence[_Said]) -> _Line:
    line, after = _line(turn, plan), _line(turn + 1, plan)
    if not history or not line.place:
        return line
    before = _LINES[line.thread][line.place - 1]
    said_before = next((said.sender for said in history if _alike(said, before)), None)
    if said_before == name and (line.reacts or before.text.endswith("?")):
        return _made(ASIDE, turn, plan)
    if line.text.endswith("?") or after.reacts or (turn + plan.start) % _PICKUP_EVERY:
        return line
    topic = _brought_up([said for said in history[:3] if said.sender != name], turn, plan)
    if topic is None or (topic == line.thread and (turn + plan.start) % (2 * _PICKUP_EVERY)):
        return line
    return _made(PICKUP, turn, plan, THREADS[topic].noun)


def _alike(said: _Said, line: _Line) -> bool:
    # people shorten, misspell and add, so a line is known by half of its words
    return len(line.words.intersection(said.words)) * 2 >= len(line.words)


def _line(turn: int, plan: _Plan) -> _Line:
    """The room's line of this turn; after the last one, the first again in other words."""
    again, place = divmod(max(turn, 0), len(plan.lines))
    line = plan.lines[place]
    return replace(line, text=_revisited(line.text, again)) if again else line


def _revisited(text: str, again: int) -> str:
    leads: list[str] = []
    while again and len(leads) < 5:
        again, which = divmod(again - 1, len(REVISITS))
        leads.append(REVISITS[which])
    for lead in leads:
        text = _joined(lead, text)
    return text


def _brought_up(others: Sequence[_Said], turn: int, plan: _Plan) -> int | None:
    """Return the topic of the latest message that has one and is not merely a line of ours in passing."""
    place = turn % len(plan.lines)
    lately = plan.lines[max(place - 12, 0) : place + 1]
    current = {line.thread for line in lately}
    for said in others:
        topic = _topic(said.words)
        # a line about the bakery may well mention the bus: that has changed no subject
        if topic in current or (topic is not None and not any(_alike(said, line) for line in (*lately, *_IN_PASSING))):
            return topic
    return None


def _answer(heard: str, turn: int, plan: _Plan, history: Sequence[_Said]) -> _Line:
    heard = heard[:1000]
    kind, topic = _understood(heard)
    if topic is None:
        return _made(KINDS[kind], turn, plan)
    thread, general = THREADS[topic], KINDS[kind]
    own = Kind(emoji=thread.emoji, heads=general.heads, cores=thread.asked if kind == "asked" else thread.told)
    core = own.cores[(turn + plan.start) % len(own.cores)]
    if any(core.lower() in said.text.lower() for said in history):
        return _made(general, turn, plan)
    return _made(own, turn, plan)


def _made(kind: Kind, turn: int, plan: _Plan, noun: str = "") -> _Line:
    """Compose core, head and tail as the digits of the turn: no two turns have all three in common."""
    which = (turn + plan.start) % len(kind.cores)
    again, digits = divmod(turn // len(kind.cores), len(kind.heads) * len(TAILS))
    tail, head = divmod(digits, len(kind.heads))
    if head:
        # each core goes through the heads from a place of its own, or the whole room would say "Oh" for a while
        head = 1 + (head + which) % (len(kind.heads) - 1)
    text = _joined(kind.heads[head], kind.cores[which].replace("{w}", noun))
    if TAILS[tail]:
        end = "?" if text.endswith("?") else ""
        text = f"{text.removesuffix('?')}, {TAILS[tail]}{end}"
    return _Line(_revisited(text, again), emoji=kind.emoji)


def _joined(head: str, text: str) -> str:
    if not head:
        return text
    return f"{head}, {text}" if re.match(r"I\b", text) else f"{head}, {text[0].lower()}{text[1:]}"


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


def _understood(heard: str) -> tuple[str, int | None]:
    """Return what kind of thing was said, and its topic for those kinds that have one."""
    low = heard.lower().replace("’", "'")
    words = _words(low)
    if not words:
        return _without_words(low), None
    if _BOT.search(low):
        return "bot", None
    if _ORDERS.search(low):
        return "puzzled", None
    topic = _topic(words)
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


@dataclass(frozen=True, slots=True)
class _Style:
    """How one person writes."""

    lower: bool
    commas: bool
    apostrophes: bool
    stop: float
    exclaim: float
    emoji: float
    slips: float
    wordy: float
    shorts: dict[str, str]

    def write(self, line: _Line, chance: int) -> str:
        """Write a line this person's way; `chance` is 53 random bits."""
        digits = [(chance >> shift & 0x3FF) / 1024 for shift in (0, 10, 20, 30, 40)]
        text = line.text + line.more if line.more and digits[0] < self.wordy else line.text
        text = text.lower() if self.lower else text[:1].upper() + text[1:]
        if not self.commas:
            text = text.replace(",", "")
        text = self._spelt(text, slip=digits[1] < self.slips)
        if text[-1:].isalnum():
            text += "." if digits[2] < self.stop else "!" if digits[2] > 1 - self.exclaim else ""
        if digits[3] < self.emoji and line.emoji and not text.endswith("?"):
            text += " " + line.emoji[int(digits[4] * len(line.emoji))]
        return text

    def _spelt(self, text: str, *, slip: bool) -> str:
        words = text.split(" ")
        for place, word in enumerate(words):
            bare = word.rstrip(",.?!")
            spelt = self.shorts.get(bare, bare)
            if slip and bare in _SLIPS:
                spelt, slip = _SLIPS[bare], False
            elif not self.apostrophes and bare.lower() not in _KEPT_APOSTROPHES:
                spelt = spelt.replace("'", "")
            words[place] = spelt + word[len(bare) :]
        return " ".join(words)


@lru_cache(maxsize=4096)
def _style(seed: int, name: str) -> _Style:
    """Draw a person's way of writing from the session's seed and the name, so that it stays the same."""

    def u(what: str) -> float:
        return draw(seed, "scripted", "style", name, what)

    hasty = u("hasty")
    shorts = {word: short for word, short in _SHORT.items() if u(word) < 0.6} if hasty > 0.7 else {}
    return _Style(
        lower=hasty > 0.6,
        commas=u("commas") > hasty - 0.2,
        apostrophes=u("apostrophes") > hasty - 0.2,
        stop=0.5 * u("stop") if hasty < 0.4 else 0.0,
        exclaim=0.12 * u("exclaim") ** 2,
        emoji=0.22 * u("emoji") ** 2,
        slips=0.1 * hasty * u("slips"),
        wordy=0.7 * u("wordy"),
        shorts=shorts,
    )
