"""What is promised to a participant and of a log, checked against what clients saw, the store and the log files."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from roomful.codec import GENESIS, chain, decode, digest, parse_timestamp
from roomful.core.events import USER, Entry, MessagePosted, SessionEnded, SessionStarted
from roomful.core.state import fold
from roomful.store import Line, SessionRow
from roomful.web.views import View

type Fault = tuple[str, str]
"""Which promise was broken, and how."""

KINDS = ("lost", "doubled", "disordered", "numbers", "taken_back", "stranded", "log_file", "chain", "log")
"""The promises, by what breaks them."""


@dataclass
class Visit:
    """A session as its participant knows it. `frames` are by number, as they came first."""

    session_id: str
    seen: int = 0
    frames: dict[int, str] = field(default_factory=dict)
    outbox: dict[str, str] = field(default_factory=dict)
    """What has not been acknowledged, in the order of its writing."""
    sent: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    ended: str | None = None
    goes: str | None = None
    """The reason its end will have, where the participant has left or gone away."""
    refused: Counter[str] = field(default_factory=Counter)
    again: int = 0
    """Acknowledgements of what had been acknowledged."""
    faults: list[Fault] = field(default_factory=list)

    def write(self, content: str) -> str:
        """Put a message in the outbox; return the frame that sends it."""
        client_id = f"{self.session_id[:8]}-{len(self.sent) + 1}"
        self.sent.append(client_id)
        self.outbox[client_id] = json.dumps({"type": "user_message", "content": content, "client_id": client_id})
        return self.outbox[client_id]


class Reading:
    """One socket of a visit: its numbers begin after the one that it asked for, and have no gaps and no repeats."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._next = visit.seen + 1
        self.greeted = False

    def take(self, text: bytes) -> None:
        frame, visit = json.loads(text), self._visit
        kind, number = frame["type"], frame.get("seq")
        if kind == "hello":
            self.greeted = True
            if number < visit.seen:
                visit.faults.append(("taken_back", f"frame {visit.seen} was seen, and the last is {number}"))
        elif kind == "refused":
            visit.refused[frame["reason"]] += 1
        elif kind == "session_end" and self._next > number and number in visit.frames:
            # whoever comes back after the end is told it again, under its old number
            visit.ended = frame["reason"]
        elif number is not None:
            self._numbered(frame, number, text.decode())

    def _numbered(self, frame: Mapping[str, object], number: int, text: str) -> None:
        visit, client_id = self._visit, frame.get("client_id")
        if visit.frames.setdefault(number, text) != text:
            visit.faults.append(("taken_back", f"frame {number} was {visit.frames[number]} and became {text}"))
        if number == self._next:
            self._next += 1
        elif client_id is None:
            # only the participant's own message may come out of turn: as an acknowledgement, once more
            visit.faults.append(("numbers", f"frame {number} came where {self._next} was due"))
            self._next = max(self._next, number + 1)
        visit.seen = max(visit.seen, self._next - 1)
        if frame["type"] == "session_end":
            visit.ended = str(frame["reason"])
        if isinstance(client_id, str):
            self._acknowledged(client_id)

    def _acknowledged(self, client_id: str) -> None:
        visit = self._visit
        if visit.outbox.pop(client_id, None) is None:
            visit.again += 1
        else:
            visit.acknowledged.append(client_id)


def broken_by_visit(visit: Visit, row: SessionRow, lines: Sequence[Line]) -> Iterator[Fault]:
    """Compare what a participant saw with the log of the session."""
    entries = [decode(line.text) for line in lines]
    own = [entry.event for entry in entries if isinstance(entry.event, MessagePosted) and entry.event.sender == USER]
    posted = [str(message.client_id) for message in own]
    yield from visit.faults
    yield from (("lost", f"{name} was acknowledged") for name in visit.acknowledged if name not in posted)
    yield from (("doubled", f"{name} is there {count} times") for name, count in Counter(posted).items() if count > 1)
    order = {name: number for number, name in enumerate(visit.sent)}
    numbers = [order.get(name, -1) for name in dict.fromkeys(posted)]
    if numbers != sorted(numbers) or -1 in numbers:
        yield "disordered", f"the messages were written 0, 1, 2 … and are in the log as {numbers}"
    yield from _seen_otherwise(visit, entries, lines)
    if row.ended is None:
        if visit.outbox:
            yield "stranded", f"{len(visit.outbox)} messages are in the outbox of a session that goes on"
        if visit.ended or visit.goes:
            yield "stranded", f"it should have ended by {visit.ended or visit.goes}, and goes on"
    elif row.ended not in {visit.goes, "duration_expired"}:
        yield "stranded", f"it ended by {row.ended}, expected {visit.goes or 'duration_expired'}"


def _seen_otherwise(visit: Visit, entries: Sequence[Entry], lines: Sequence[Line]) -> Iterator[Fault]:
    if not entries or not isinstance(entries[0].event, SessionStarted):
        if visit.frames:
            yield "taken_back", f"{len(visit.frames)} frames were seen of a session without a log"
        return
    view = View(entries[0].event, started_at(lines))
    shown = {entry.shown: view.frame(entry) for entry in entries if entry.shown is not None}
    for number, text in visit.frames.items():
        if json.loads(text) != shown.get(number):
            yield "taken_back", f"frame {number} was {text}, and by the log it is {json.dumps(shown.get(number))}"


def started_at(lines: Sequence[Line]) -> int:
    """When the clock of the session of these lines was 0, in microseconds since the epoch."""
    first = json.loads(lines[0].text)
    return parse_timestamp(first["timestamp"]) - round(first["at"] * 1e6)


def broken_by_log(row: SessionRow, lines: Sequence[Line], file: bytes | None) -> Iterator[Fault]:
    """Check a log by itself: numbers, times, chain, head, end, and its file (None: it is not looked at)."""
    entries = [decode(line.text) for line in lines]
    if [entry.seq for entry in entries] != list(range(1, row.head + 1)):
        yield "log", f"its numbers are not 1 … {row.head}"
    shown = [entry.shown for entry in entries if entry.shown is not None]
    if shown != list(range(1, len(shown) + 1)):
        yield "numbers", f"its shown numbers are {shown}"
    times = [entry.at for entry in entries]
    if times != sorted(times):
        yield "log", "its times run backwards"
    yield from _broken_chain(row, lines)
    ends = [(entry.seq, entry.event.reason) for entry in entries if isinstance(entry.event, SessionEnded)]
    if ends != ([(row.head, row.ended)] if row.ended else []):
        yield "log", f"its ends are {ends}, its head is {row.head}, and the store says {row.ended}"
    state = fold(entries)
    if row.ended == "duration_expired" and state.at < state.session.simulation_config.session_duration_minutes * 60:
        yield "stranded", f"its time was up at {state.at}"
    if file is not None and file != "".join(f"{line.text}\n" for line in lines).encode("ascii"):
        yield "log_file", f"the file has {file.count(b'\n')} lines and differs from the {len(lines)} in the store"


def _broken_chain(row: SessionRow, lines: Sequence[Line]) -> Iterator[Fault]:
    link = GENESIS
    for line in lines:
        # the data stand last, and neither the head nor the salt can hold what comes before them
        head, _, rest = line.text.partition(',"salt":"')
        salt, _, rest = rest.partition('","hash":"')
        told, _, data = rest.partition('","data":')
        link = chain(link, head, digest(salt, data[:-1]))
        if not told == link == line.hash:
            yield "chain", f"line {line.seq} breaks the chain"
            return
    if lines and row.head_hash != link:
        yield "chain", "the head in the store is not the last line's hash"
