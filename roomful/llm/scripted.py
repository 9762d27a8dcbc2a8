"""Agents that need no network: a neighbourhood chat in which nobody says the same thing twice.

A call's number decides which lines it may use, and no two numbers share one: the room's small talk goes through
a permutation of all lines, an answer's head, core and tail are the digits of the number. So nothing needs to be
remembered between calls, and what was said before only chooses among lines that are this call's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from roomful.core.chance import derive
from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm.scripted_drawn import drawn
from roomful.llm.scripted_lines import ASIDE, KINDS, PICKUP, TAILS, THREADS, Kind
from roomful.llm.scripted_reading import TOPICS, Said, last_messages, topic_of, understood, words_of
from roomful.llm.scripted_style import joined, revisited, style_of

_PICKUP_EVERY = 4
"""One call in so many may take up what others talk about instead of the room's next line."""


class Scripted:
    """An LLM without a network: its replies depend on the prompt alone, so sessions can share one."""

    async def __call__(self, prompt: Prompt) -> Reply:
        return Reply(text=compose(prompt), model="scripted", finish_reason="STOP")


def compose(prompt: Prompt) -> str:
    """Return this call's message: unlike that of any other number of the same seed, 1 … 300 characters.

    One whose length is drawn may have up to 600, and is unlike those of as many calls as a session has.
    """
    if prompt.words > 0:
        return drawn(prompt)
    turn = max(prompt.number - 1, 0)
    plan = _plan(prompt.seed)
    history = last_messages(prompt.text)
    if prompt.answering is None:
        chosen = _small_talk(prompt.agent_name, turn, plan, history)
    else:
        chosen = _answer(prompt.answering, turn, plan, history)
    style, chance = style_of(prompt.seed, prompt.agent_name), derive(prompt.seed, "scripted", "call", prompt.number)
    return style.write(chosen.text, chosen.more, chosen.emoji, chance)


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


def _read_line(raw: str, thread: int, place: int) -> _Line:
    text, _, more = raw.removeprefix("~").partition("[")
    return _Line(
        text=text.rstrip(),
        more=f", {more.rstrip(']')}" if more else "",
        emoji=THREADS[thread].emoji,
        thread=thread,
        place=place,
        reacts=raw.startswith("~"),
        words=frozenset(words_of(text)),
    )


_LINES = tuple(
    tuple(_read_line(raw, number, place) for place, raw in enumerate(thread.lines))
    for number, thread in enumerate(THREADS)
)
_IN_PASSING = tuple(
    _Line(core, words=frozenset(words_of(core)))
    for kind in (PICKUP, ASIDE, *KINDS.values())
    for core in kind.cores
    if any(word in TOPICS for word in words_of(core))
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


def _small_talk(name: str, turn: int, plan: _Plan, history: Sequence[Said]) -> _Line:
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


def _alike(said: Said, line: _Line) -> bool:
    # people shorten, misspell and add, so a line is known by half of its words
    return len(line.words.intersection(said.words)) * 2 >= len(line.words)


def _line(turn: int, plan: _Plan) -> _Line:
    """The room's line of this turn; after the last one, the first again in other words."""
    again, place = divmod(max(turn, 0), len(plan.lines))
    line = plan.lines[place]
    return replace(line, text=revisited(line.text, again)) if again else line


def _brought_up(others: Sequence[Said], turn: int, plan: _Plan) -> int | None:
    """Return the topic of the latest message that has one and is not merely a line of ours in passing."""
    place = turn % len(plan.lines)
    lately = plan.lines[max(place - 12, 0) : place + 1]
    current = {line.thread for line in lately}
    for said in others:
        topic = topic_of(said.words)
        # a line about the bakery may well mention the bus: that has changed no subject
        if topic in current or (topic is not None and not any(_alike(said, line) for line in (*lately, *_IN_PASSING))):
            return topic
    return None


def _answer(heard: str, turn: int, plan: _Plan, history: Sequence[Said]) -> _Line:
    heard = heard[:1000]
    kind, topic = understood(heard)
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
    text = joined(kind.heads[head], kind.cores[which].replace("{w}", noun))
    if TAILS[tail]:
        end = "?" if text.endswith("?") else ""
        text = f"{text.removesuffix('?')}, {TAILS[tail]}{end}"
    return _Line(revisited(text, again), emoji=kind.emoji)
