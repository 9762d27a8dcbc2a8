"""A session's entries as lines for people: what was said stands out, what happened around it is dim."""

from collections.abc import Iterator, Mapping, Sequence
from zlib import crc32

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from roomful.cli.output import clock, plain, plain_lines
from roomful.core.cards import AGREE, DISAGREE, NEUTRAL
from roomful.core.events import (
    USER,
    CallAnswered,
    CallFailed,
    DistressNoticed,
    Entry,
    ErrorRecorded,
    Event,
    MemberBlocked,
    MessagePosted,
    MessageReported,
    ParticipantConnected,
    ParticipantDisconnected,
    Prompt,
    ReactionSet,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    SessionSuspended,
    TurnDropped,
    TurnFilled,
)
from roomful.core.inputs import Reply

COLOURS = ("cyan", "magenta", "yellow", "blue", "red", "bright_cyan", "bright_magenta", "bright_yellow")
YOURS = "bold green"
NAME_MOST = 16
"""Columns of a name; longer ones are cut."""

type Part = Text | Table | Padding


def colour(name: str) -> str:
    """The colour of a member, the same in every session."""
    return COLOURS[crc32(name.encode("utf-8", "surrogatepass")) % len(COLOURS)]


def excerpt(content: str, most: int = 40) -> str:
    """The beginning of a message in one line."""
    text = plain(" ".join(content.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


class Transcript:
    """A session's entries, rendered one by one."""

    def __init__(self, entries: Sequence[Entry], *, calls: bool) -> None:
        """`calls`: LLM calls are shown too, with what was asked and what came."""
        self._entries = entries
        self._calls = calls
        self._messages: dict[str, MessagePosted] = {}
        self._systems: dict[str, str] = {}
        started = entries[0].event
        self._you = started.participant_name if isinstance(started, SessionStarted) else "You"
        names = (
            [*started.simulation_config.agent_names, f"▸ {self._you}"] if isinstance(started, SessionStarted) else []
        )
        self._width = min(max((len(name) for name in names), default=8), NAME_MOST)

    def parts(self) -> Iterator[Part]:
        """What to print, in order."""
        for entry in self._entries:
            yield from self._of(entry)

    def _of(self, entry: Entry) -> Iterator[Part]:
        event = entry.event
        match event:
            case SessionStarted():
                yield from self._heading(event)
            case MessagePosted():
                yield from self._message(entry.at, event)
            case CallAnswered() | CallFailed() if self._calls:
                yield from self._call(entry.at, event)
            case _:
                if note := self._note(event):
                    yield self._line(entry.at, "", Text(note, "dim"))

    def _heading(self, event: SessionStarted) -> Iterator[Part]:
        simulation = event.simulation_config
        about = f"{', '.join(simulation.agent_names)} and {event.participant_name} (▸ the participant)"
        yield Text(f"Session {plain(event.session_id)}", "bold")
        yield Text(f"{plain(simulation.group_name)}: {plain(about)}")
        treatment = f", treatment {event.treatment}" if event.treatment else ""
        minutes = f"{simulation.session_duration_minutes:g} minutes"
        yield Text(plain(f"{minutes}, model {event.model}, seed {event.seed}{treatment}"), "dim")
        if event.rehearsal:
            yield Text(plain(f"a rehearsal: the participant was a stand-in ({event.rehearsal})"), "bold")
        if event.sides:
            yield Text(plain(_sides(event.sides)), "dim")
        yield Text()

    def _message(self, at: float, posted: MessagePosted) -> Iterator[Part]:
        self._messages[posted.message_id] = posted
        if quoted := self._messages.get(posted.reply_to or ""):
            yield self._line(None, "", Text(f"↳ {plain(self._name(quoted.sender))}: {excerpt(quoted.content)}", "dim"))
        mine = posted.sender == USER
        name = f"▸ {self._you}" if mine else posted.sender
        content = Text(plain_lines(posted.content), "bold" if mine else "")
        marks = ((posted.seeded, "seeded"), (posted.probe, "probe"), (posted.contradicts, "against the own stance"))
        for marked, words in marks:
            if marked:
                content.append(f"  ({words})", "dim")
        yield self._line(at, name, content, YOURS if mine else colour(posted.sender))

    def _line(self, at: float | None, name: str, content: Text, style: str = "") -> Table:
        grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        grid.add_column(width=5, justify="right")
        grid.add_column(width=self._width, no_wrap=True, overflow="ellipsis")
        grid.add_column(overflow="fold")
        grid.add_row(Text("" if at is None else clock(at), "dim"), Text(plain(name), style), content)
        return grid

    def _name(self, sender: str) -> str:
        return self._you if sender == USER else sender

    def _note(self, event: Event) -> str | None:
        """What happened around the talk, in words; None for what only the machinery wants to know."""
        match event:
            case ParticipantConnected():
                return "the participant is connected"
            case ParticipantDisconnected():
                return "the participant is gone"
            case SessionSuspended():
                return "the server was stopped"
            case SessionResumed():
                return f"the session goes on after {event.gap:.0f} s"
            case ReactionSet():
                return self._reaction(event)
            case MessageReported():
                return f"the participant reported “{self._quote(event.message_id)}”: {plain(event.reason)}"
            case MemberBlocked():
                return f"the participant {'blocked' if event.blocked else 'unblocked'} {plain(event.member)}"
            case DistressNoticed():
                return f"signs of distress in “{self._quote(event.message_id)}”: {plain(event.action)}"
            case TurnDropped():
                whose = f"{plain(event.agent_name)}'s message" if event.agent_name else "a message"
                return f"{whose} was given up: {plain(event.reason)}"
            case TurnFilled():
                return f"a reviewed line stands in for {plain(event.agent_name)}'s message: {plain(event.reason)}"
            case CallFailed():
                return f"the call for {plain(event.prompt.agent_name)} failed: {plain(event.error)}"
            case ErrorRecorded():
                times = f" ({event.count} times)" if event.count > 1 else ""
                return f"error {plain(event.error_type)}: {plain(event.error_message)}{times}"
            case SessionEnded():
                tally = ", ".join(f"{plain(name)} {count}" for name, count in event.tally.items() if count)
                return f"the end: {plain(event.reason)}" + (f" ({tally})" if tally else "")
            case _:
                return None

    def _call(self, at: float, event: CallAnswered | CallFailed) -> Iterator[Part]:
        """An LLM call: what was asked, what came, what of it was shown, and what it took."""
        yield Text(f"{clock(at):>5}  call {plain(event.call_id)} for {plain(event.prompt.agent_name)}", "yellow")
        yield from _labelled(self._asked(event.prompt))
        if isinstance(event, CallAnswered):
            shown = event.text or f"nothing: {event.rejected}"
            yield from _labelled([("reply", event.reply.text), ("shown", shown)])
        else:
            yield from _labelled([("error", f"{event.error}: {event.message}")])
            yield from _labelled([("reply", event.reply.text)] if event.reply else [])
        taken = event.reply if isinstance(event, CallAnswered) else event
        yield from _labelled([("took", f"{taken.latency:.2f} s{_spent(event.reply)}")])
        yield from _labelled([("attempt", line) for line in taken.attempts])

    def _asked(self, prompt: Prompt) -> list[tuple[str, str]]:
        """What an agent was asked; who it is told to be is said once, as long as it stays the same."""
        known = self._systems.get(prompt.agent_name) == prompt.system
        self._systems[prompt.agent_name] = prompt.system
        return [("system", "as before" if known else prompt.system), ("prompt", prompt.text)]

    def _reaction(self, event: ReactionSet) -> str:
        name, quote = plain(self._name(event.sender)), self._quote(event.message_id)
        if event.emoji is None:
            return f"{name} took back a reaction to “{quote}”"
        return f"{name} reacted with {plain(event.emoji)} to “{quote}”"

    def _quote(self, message_id: str) -> str:
        message = self._messages.get(message_id)
        return excerpt(message.content) if message else plain(message_id)


def _sides(sides: Mapping[str, str]) -> str:
    """Who agrees and who disagrees with the participant."""
    taken = {side: [name for name in sides if sides[name] == side] for side in (AGREE, DISAGREE, NEUTRAL)}
    return "; ".join(f"{side}: {', '.join(names)}" for side, names in taken.items() if names)


def _spent(reply: Reply | None) -> str:
    if reply is None:
        return ""
    thinking = f" ({reply.thinking_tokens} thinking)" if reply.thinking_tokens else ""
    finish = f", {reply.finish_reason}" if reply.finish_reason else ""
    return f", {reply.model}, {reply.input_tokens} tokens in, {reply.output_tokens} out{thinking}{finish}"


def _labelled(pairs: Sequence[tuple[str, str]]) -> Iterator[Part]:
    for label, text in pairs:
        grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        grid.add_column(width=7, justify="right")
        grid.add_column(overflow="fold")
        grid.add_row(Text(label, "dim"), Text(plain_lines(text), "dim"))
        yield Padding(grid, (0, 0, 0, 5))
