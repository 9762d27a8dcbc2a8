"""Messages of real rooms: out of a session's log, or out of a file that anybody can write."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from roomful.codec import decode
from roomful.core.events import Entry, MessagePosted
from roomful.realism.measures import Post
from roomful.rules import Fault, Wrong, legible, read_text, shown

COLUMNS = ("room", "at", "sender", "text")
"""What a line of a file of rooms has; what else it has is passed over."""

SUFFIXES = (".jsonl", ".csv")
"""Names of files of rooms end so."""

_A_TIME = "seconds (a number) or a time such as 2026-03-02T14:30:21Z"


class RoomsError(ValueError):
    """A file of rooms that cannot be used; `faults` has all that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def posts_of(entries: Iterable[Entry]) -> list[Post]:
    """The messages of a session's log: those of the agents and of the participant, without the study's seeded ones."""
    return [
        Post(entry.at, entry.event.sender, entry.event.content)
        for entry in entries
        if isinstance(entry.event, MessagePosted) and not entry.event.seeded
    ]


def posts_of_lines(lines: Iterable[str]) -> list[Post]:
    """As `posts_of`, from the lines of a log. Raises CodecError."""
    return posts_of([decode(line, folding=True) for line in lines])


def read_rooms(path: Path) -> dict[str, list[Post]]:
    """The messages of each room of a JSONL or CSV file. Raises RoomsError with the faults of all lines."""
    try:
        text = read_text(path)
    except Wrong as fault:
        raise RoomsError(Fault(str(path), one.key, one.found, one.expected) for one in fault.faults) from None
    reading = _Reading(str(path))
    for line, values in _csv(text, reading) if path.suffix.lower() == ".csv" else _jsonl(text, reading):
        reading.take(line, values)
    if not reading.faults and not reading.rooms:
        reading.fault("", "no messages", "a line for each")
    if reading.faults:
        raise RoomsError(reading.faults)
    return reading.rooms


def _jsonl(text: str, reading: "_Reading") -> Iterator[tuple[int, Mapping[str, object]]]:
    # not splitlines: a text may hold line separators that are no line's end
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            reading.fault(f"line {number}", legible(line), "a JSON object")
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            reading.fault(f"line {number}", shown(value), "a JSON object")


def _csv(text: str, reading: "_Reading") -> Iterator[tuple[int, Mapping[str, object]]]:
    first = text.partition("\n")[0]
    # spreadsheets of many countries write semicolons
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        columns = [name.strip() for name in next(rows, [])]
        missing = [name for name in COLUMNS if name not in columns]
        if missing:
            reading.fault("line 1", f"the columns {legible(', '.join(columns))}", f"the columns {', '.join(COLUMNS)}")
            return
        line = rows.line_num + 1
        for cells in rows:
            if len(cells) == len(columns):
                yield line, dict(zip(columns, cells, strict=True))
            elif cells:
                reading.fault(f"line {line}", f"{len(cells)} cells", f"{len(columns)}, as the first line has")
            line = rows.line_num + 1
    except csv.Error as error:
        reading.fault(f"line {rows.line_num}", f"a fault ({error})", "comma-separated values")


class _Reading:
    """The rooms of a file as far as they have been read, and its faults."""

    def __init__(self, file: str) -> None:
        self.rooms: dict[str, list[Post]] = {}
        self.faults: list[Fault] = []
        self._file = file
        self._dated: dict[str, bool] = {}

    def fault(self, key: str, found: str, expected: str) -> None:
        self.faults.append(Fault(self._file, key, found, expected))

    def take(self, line: int, values: Mapping[str, object]) -> None:
        """Take up a line, or what is wrong with it."""
        before = len(self.faults)
        room = self._name(line, "room", values)
        sender = self._name(line, "sender", values)
        moment = self._moment(line, values)
        text = values.get("text")
        if not isinstance(text, str):
            self.fault(f"line {line}, text", _found(values, "text"), "a string")
        elif len(self.faults) == before and moment is not None:
            if self._dated.setdefault(room, moment.dated) != moment.dated:
                expected = "a time" if self._dated[room] else "seconds"
                self.fault(f"line {line}, at", _found(values, "at"), f"{expected}, as the room has before")
                return
            self.rooms.setdefault(room, []).append(Post(moment.at, sender, text))

    def _name(self, line: int, key: str, values: Mapping[str, object]) -> str:
        value = values.get(key)
        named = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not named:
            self.fault(f"line {line}, {key}", _found(values, key), "a name")
        return named

    def _moment(self, line: int, values: Mapping[str, object]) -> "_Moment | None":
        found = _moment(values.get("at"))
        if found is None:
            self.fault(f"line {line}, at", _found(values, "at"), _A_TIME)
        return found


@dataclass(frozen=True, slots=True)
class _Moment:
    at: float
    dated: bool


def _moment(value: object) -> _Moment | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _date(str(value))
    except OverflowError:
        return None
    return _Moment(seconds, dated=False) if math.isfinite(seconds) else None


def _date(text: str) -> _Moment | None:
    """A time as ISO 8601 writes it; one that names no time zone is taken for UTC, as only differences matter."""
    try:
        found = datetime.fromisoformat(text.strip())
        return _Moment((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp(), dated=True)
    except (ValueError, OverflowError):
        return None


def _found(values: Mapping[str, object], key: str) -> str:
    return shown(values[key]) if key in values else "nothing"
