"""What a terminal participant knows of the room: frames in, lines for people out, and what is still to be sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.table import Table
from rich.text import Text

from roomful.cli.output import plain, plain_lines
from roomful.cli.transcript import YOURS, colour, excerpt

type Frame = Mapping[str, object]
type Shown = Table | Text

AGAIN = {"too_frequent", "store"}
"""Reasons of a refusal after which the same message may be taken a little later."""

ENDS = {
    "duration_expired": "The time is over.",
    "participant_left": "You have left the room.",
    "websocket_disconnect": "You were away for too long: the session has ended.",
}

HELP = """\
Type a line to say it. Commands:
  /reply N text   answer message number N
  /leave          leave the room for good
  /help           these lines
A line that begins with // is said with one slash. Ctrl-C goes away without leaving."""


class NotSaid(Exception):
    """A line that cannot be sent as it is, and why."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in the room, as far as others may refer to it."""

    message_id: str
    sender: str
    content: str


class Conversation:
    """One participant's view of a session, over as many connections as it takes."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        """`new_id` makes the client's id of each message."""
        self.seq = 0
        """The last frame that was taken: what to come back after."""
        self.you = "You"
        self.heard = 0
        """Messages of others."""
        self.typing: list[str] = []
        self.outbox: dict[str, Frame] = {}
        """Messages that are not acknowledged, by client id; sent again after each reconnection."""
        self.ended: str | None = None
        self._new_id = new_id
        self._messages: list[Message] = []
        self._greeted = False

    def say(self, line: str) -> Frame:
        """The frame that a typed line makes; it stays in the outbox until it is acknowledged. Raises NotSaid."""
        frame: dict[str, object] = {"type": "user_message", "content": line, "client_id": self._new_id()}
        if line.startswith("//"):
            frame["content"] = line[1:]
        elif line.startswith("/"):
            frame |= self._reply(line)
        self.outbox[str(frame["client_id"])] = frame
        return frame

    def _reply(self, line: str) -> Frame:
        command, number, content = ([*line.split(None, 2), "", ""])[:3]
        if command != "/reply":
            raise NotSaid(f"There is no command {plain(command)}: /help lists them.")
        if not (number.isascii() and number.isdigit()) or not content.strip():
            raise NotSaid("Write /reply, the number of a message, and the text: /reply 3 So do I!")
        if not 1 <= int(number) <= len(self._messages):
            raise NotSaid(f"There is no message {number} yet.")
        return {"content": content, "reply_to": self._messages[int(number) - 1].message_id}

    def take(self, frame: Frame) -> Iterator[Shown]:
        """What a frame of the server shows. Frames that were taken before show nothing."""
        seq = frame.get("seq")
        if frame.get("type") not in ("hello", "message") and isinstance(seq, int):
            if seq <= self.seq:
                return
            self.seq = seq
        match frame.get("type"):
            case "hello":
                yield from self._hello(frame)
            case "message":
                yield from self._message(frame)
            case "typing":
                self._type(_text(frame, "sender"), active=frame.get("active") is True)
            case "receipt":
                yield from self._receipt(frame)
            case "reaction":
                yield self._reaction(frame)
            case "refused":
                yield from self._refused(frame)
            case "session_end":
                yield from self._end(frame)
            case _:
                # more types may come with later servers
                return

    def _hello(self, frame: Frame) -> Iterator[Shown]:
        self.you = _text(frame, "you") or self.you
        self.typing.clear()
        if self._greeted:
            yield Text("You are back in the room.", "dim")
            return
        self._greeted = True
        group, members = frame.get("group"), frame.get("members")
        name = _text(group, "name") if isinstance(group, Mapping) else ""
        yield Text(plain(name or "The room"), "bold")
        if isinstance(members, list):
            yield _members([str(member) for member in members], self.you)
        yield Text(f"until {_time(_text(frame, 'ends_at'))}; /help lists the commands", "dim")

    def _message(self, frame: Frame) -> Iterator[Shown]:
        seq, client_id = frame.get("seq"), frame.get("client_id")
        mine = isinstance(client_id, str)
        if isinstance(client_id, str):
            self.outbox.pop(client_id, None)
        message = Message(_text(frame, "message_id"), _text(frame, "sender"), _text(frame, "content"))
        if not isinstance(seq, int) or seq <= self.seq:
            return
        self.seq = seq
        self._messages.append(message)
        mine = mine or message.sender == self.you
        self.heard += not mine
        self._type(message.sender, active=False)
        quoted = next((one for one in self._messages if one.message_id == frame.get("reply_to")), None)
        yield from self._bubble(message, _time(_text(frame, "timestamp")), quoted, mine=mine)

    def _bubble(self, message: Message, time: str, quoted: Message | None, *, mine: bool) -> Iterator[Shown]:
        if quoted:
            yield Text(f"            ↳ {plain(quoted.sender)}: {excerpt(quoted.content)}", "dim")
        grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
        grid.add_column(width=5, justify="right")
        grid.add_column(min_width=4, justify="right")
        grid.add_column(overflow="fold")
        said = Text().append(f"{plain(message.sender)}: ", YOURS if mine else colour(message.sender))
        said.append(plain_lines(message.content))
        if mine:
            said.append(" ✓", "dim")
        grid.add_row(Text(time, "dim"), Text(f"#{len(self._messages)}", "dim"), said)
        yield grid

    def _type(self, sender: str, *, active: bool) -> None:
        if sender in self.typing:
            self.typing.remove(sender)
        if active:
            self.typing.append(sender)

    def _receipt(self, frame: Frame) -> Iterator[Shown]:
        number = self._number(frame.get("message_id"))
        words = {"delivered": "✓✓ delivered", "read": "✓✓ read by all"}.get(_text(frame, "status"))
        if number and words:
            yield Text(f"{'':5} {f'#{number}':>4} {words}", "dim")

    def _reaction(self, frame: Frame) -> Text:
        sender, emoji = plain(_text(frame, "sender")), frame.get("emoji")
        number = self._number(frame.get("message_id")) or "?"
        done = f"reacted with {plain(emoji)}" if emoji else "took a reaction back"
        return Text(f"{'':5} {f'#{number}':>4} {sender} {done}", "dim")

    def _refused(self, frame: Frame) -> Iterator[Shown]:
        client_id = _text(frame, "client_id")
        if frame.get("reason") in AGAIN and client_id in self.outbox:
            return
        lost = self.outbox.pop(client_id, None)
        words = f": “{excerpt(_text(lost, 'content'))}”" if lost else ""
        yield Text(f"Not taken{words}. {plain(_text(frame, 'message'))}", "yellow")

    def _end(self, frame: Frame) -> Iterator[Shown]:
        self.ended = _text(frame, "reason") or "ended"
        self.typing.clear()
        yield Text(ENDS.get(self.ended, "The session has ended."), "bold")
        following = frame.get("next")
        if isinstance(following, Mapping):
            for part in (following.get("text"), following.get("url")):
                if part:
                    yield Text(plain(part))
        for frame_left in self.outbox.values():
            yield Text(f"Not taken: “{excerpt(_text(frame_left, 'content'))}”.", "yellow")

    def _number(self, message_id: object) -> int | None:
        numbers = (number for number, one in enumerate(self._messages, 1) if one.message_id == message_id)
        return next(numbers, None)

    @property
    def status(self) -> str:
        """Who is typing, in words."""
        if not self.typing:
            return ""
        if len(self.typing) == 1:
            return f"{plain(self.typing[0])} is typing…"
        return f"{plain(', '.join(self.typing[:-1]))} and {plain(self.typing[-1])} are typing…"


def _members(names: Sequence[str], you: str) -> Text:
    text = Text("with ")
    for number, name in enumerate(names):
        text.append(", " if number else "")
        text.append(plain(name), colour(name))
    return text.append(" and ").append(plain(you), YOURS).append(" (you)")


def _text(frame: Frame, key: str) -> str:
    value = frame.get(key)
    return value if isinstance(value, str) else ""


def _time(timestamp: str) -> str:
    """A timestamp of the server as hours and minutes of this machine."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime("%H:%M")
    except ValueError:
        return "--:--"
