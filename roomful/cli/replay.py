"""`roomful replay` and `roomful verify`: a session seen again, run again, and its log proved."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer
from rich.text import Text

from roomful.assembly import SetupError
from roomful.chain import check_chain
from roomful.cli.conversation import Conversation, Shown
from roomful.cli.output import Failure, clock, plain, put, say
from roomful.cli.records import NoSuchSession, chosen, reading
from roomful.codec import CodecError, decode, parse_timestamp
from roomful.core.events import Entry, Erased, SessionResumed, SessionStarted
from roomful.core.state import SessionState
from roomful.enrolment import holds_rehearsal
from roomful.replay import Verdict
from roomful.replay import verify as verify_lines
from roomful.settings import ServerSettings
from roomful.store import STUDY, Line, SessionRow, Store, StoreError
from roomful.study_codec import decode_study
from roomful.timeline import PacedTimeline, monotonic, sleep
from roomful.web.views import Typing, View

FAULTS_MOST = 10
"""Faults of one log that are named."""


@dataclass(frozen=True, slots=True)
class Log:
    """A session's lines, from the database or from a file. `row` is what the database knows of it."""

    name: str
    lines: Sequence[str]
    row: SessionRow | None = None
    faults: tuple[str, ...] = ()
    """What reading it has found."""
    of_file: bool = False
    rehearsed: bool = False
    """Whether it is of a rehearsal, which writes no files: what lies in the logs folder is another's."""

    @property
    def is_study(self) -> bool:
        """Whether it is the study's own log, and no session's."""
        return self.row.session_id == STUDY if self.row else f',"session_id":"{STUDY}"' in "".join(self.lines[:1])[:200]


# --- played


def play(server: ServerSettings, which: str | None, speed: float) -> None:
    """Show a session as its participant saw it, at the pace it had."""
    if which is None or Path(which).is_dir():
        raise Failure("Say which session, or the path of its log: roomful replay SESSION", 2)
    (log,) = asyncio.run(_all_of(server, which))
    try:
        entries = [decode(text) for text in log.lines]
    except CodecError:
        raise Failure(f"{log.name} cannot be read: `roomful verify` says where it was changed.") from None
    started = entries[0].event if entries else None
    if not isinstance(started, SessionStarted):
        raise Failure(f"{log.name} has no beginning: there is nothing to play.")
    began = parse_timestamp(log.lines[0].split('"', 4)[3]) - round(entries[0].at * 1e6)
    asyncio.run(_play(seen(started, began, entries), speed))


async def _all_of(server: ServerSettings, which: str) -> list[Log]:
    return [log async for log in _logs(server, which, every=False)]


async def _play(scenes: Iterator[tuple[float, Shown | SessionResumed]], speed: float) -> None:
    timeline = PacedTimeline(speed, clock=monotonic, sleep=sleep)
    for at, shown in scenes:
        if isinstance(shown, SessionResumed):
            timeline.leap(at)
            put(Text(f"{'':10} (nobody ran the session for {clock(shown.gap)})", "dim"))
        else:
            await timeline.until(at)
            put(shown)


def seen(
    started: SessionStarted, began: int, entries: Sequence[Entry]
) -> Iterator[tuple[float, Shown | SessionResumed]]:
    """What the participant saw, and when; of an outage, that there was one. `began` is in microseconds."""
    view, typing, conversation = View(started, began), Typing(SessionState()), Conversation(str)
    conversation.you = started.participant_name
    members = ", ".join(started.simulation_config.agent_names)
    yield 0.0, Text(plain(started.simulation_config.group_name), "bold")
    yield 0.0, Text(f"with {plain(members)} and {plain(conversation.you)} (you)")
    for entry in entries:
        if isinstance(entry.event, SessionResumed):
            yield entry.at, entry.event
        if isinstance(entry.event, Erased) and entry.shown is not None:
            yield entry.at, Text(f"{'':10} (erased)", "dim")
        begins = typing.take(entry)
        for frame in (begins, view.frame(entry)):
            for shown in conversation.take(frame) if frame else ():
                yield entry.at, shown
        if begins and begins["active"]:
            yield entry.at, Text(f"{'':10} {conversation.status}", "dim")


# --- run again


def run_again(server: ServerSettings, which: str | None, *, every: bool) -> None:
    """Run sessions again from their logs and say what differs. Exits with 1 where something does."""
    asyncio.run(_run_again(server, which, every=every))


async def _run_again(server: ServerSettings, which: str | None, *, every: bool) -> None:
    counts = {"identical": 0, "different": 0, "not run again": 0, "broken": 0}
    async for log in _logs(server, which, every=every):
        if log.is_study:
            # `roomful assignments --audit` does with it what is done here with sessions
            continue
        verdict = verify_lines(log.lines)
        outcome, words = _outcome(log, verdict)
        counts[outcome] += 1
        say(f"{log.name}  {words}")
        _tell([*log.faults, *(str(fault) for fault in verdict.checked.faults)])
    _sum_up(counts, "sessions", bad=("different", "broken"))


def _outcome(log: Log, verdict: Verdict) -> tuple[str, str]:
    if verdict.unreadable:
        return "broken", f"cannot be read: {plain(verdict.unreadable)}"
    if verdict.difference:
        return "different", f"differs at {plain(verdict.difference)}"
    if verdict.checked.faults or log.faults:
        return "broken", "its log was changed"
    if verdict.not_run:
        return "not run again", f"hash and fold are checked; it was not run again: {verdict.not_run}"
    return "identical", f"identical: {len(log.lines)} entries"


# --- verified


def verify(server: ServerSettings, which: str | None, *, every: bool, files: bool) -> None:
    """Check the chain of logs, their end in the database, and their files. Exits with 1 where something was changed.

    `files`: whether what lies in the logs folder is this database's.
    """
    asyncio.run(_verify(server, which, every=every, files=files))


async def _verify(server: ServerSettings, which: str | None, *, every: bool, files: bool) -> None:
    counts = {"whole": 0, "changed": 0}
    async for log in _logs(server, which, every=every):
        verdict = _study_verdict(log.lines) if log.is_study else verify_lines(log.lines, run=False)
        checked = verdict.checked
        faults = [*log.faults, *(str(fault) for fault in checked.faults)]
        if verdict.unreadable and not faults:
            faults.append(verdict.unreadable)
        faults += _end_faults(log, checked.head)
        notes = [f"{checked.lines} line{'' if checked.lines == 1 else 's'}"]
        notes += [f"{checked.erased} of them erased"] if checked.erased else []
        notes += _end_notes(log)
        if not log.of_file and not log.rehearsed:
            faults += _file_faults(server, log, notes) if files else _noted(notes, "its file was not looked at: --logs")
        counts["changed" if faults else "whole"] += 1
        say(f"{log.name}  {'was changed' if faults else 'whole'}: {', '.join(notes)}")
        _tell(faults)
    _sum_up(counts, "logs", bad=("changed",))


def _study_verdict(lines: Sequence[str]) -> Verdict:
    checked = check_chain(lines)
    try:
        for line in lines:
            decode_study(line)
    except CodecError as fault:
        return Verdict(checked, unreadable=str(fault))
    return Verdict(checked)


def _end_notes(log: Log) -> list[str]:
    if log.row is None:
        return ["not in the database, so a tail that was cut off would not show"]
    if log.row.head == 0:
        return ["nobody has come in yet"]
    return ["it goes on, and its file may be behind"] if log.of_file and log.row.ended is None else []


def _end_faults(log: Log, head: str) -> list[str]:
    """Whether it ends as the database says."""
    row, count = log.row, len(log.lines)
    if row is None:
        return []
    if count > row.head:
        return [f"it has {count} lines, and the database {row.head}"]
    if count < row.head and not (log.of_file and row.ended is None):
        return [f"its tail is missing: {count} lines of {row.head}"]
    if count == row.head and count and head != row.head_hash:
        return ["its last line is not the one the database has the hash of: it was made anew, or another was put there"]
    return []


def _file_faults(server: ServerSettings, log: Log, notes: list[str]) -> list[str]:
    """How the file under the logs folder differs from these lines; what a running server has yet to write is a note."""
    row = log.row
    if row is None or row.head == 0:
        return []
    path = server.logs / f"{row.session_id}.json"
    if not path.exists():
        return _noted(notes, f"there is no {path}")
    lines, faults = _lines_of(path)
    for number, (one, other) in enumerate(zip(log.lines, lines, strict=False), 1):
        if one != other:
            return [*faults, f"line {number} of {path} is not that of the database"]
    if len(lines) > len(log.lines):
        return [*faults, f"{path} has {len(lines) - len(log.lines)} lines more than the database"]
    if missing := len(log.lines) - len(lines):
        lacking = f"{path} lacks the last {missing} lines"
        return [*faults, lacking] if row.ended else _noted(notes, lacking)
    return faults


def _noted(notes: list[str], words: str) -> list[str]:
    notes.append(words)
    return []


def _tell(faults: Sequence[str]) -> None:
    for fault in faults[:FAULTS_MOST]:
        say(f"    {plain(fault)}")
    if len(faults) > FAULTS_MOST:
        say(f"    and {len(faults) - FAULTS_MOST} more")


def _sum_up(counts: dict[str, int], what: str, bad: Sequence[str]) -> None:
    total = sum(counts.values())
    if total != 1:
        some = [f"{count} {name}" for name, count in counts.items() if count]
        say(f"{total} {what}{': ' if some else ''}{', '.join(some)}")
    if any(counts[name] for name in bad):
        raise typer.Exit(1)


# --- where the logs are


async def _logs(server: ServerSettings, which: str | None, *, every: bool) -> AsyncIterator[Log]:
    """The logs that are asked for. Raises Failure where there is none such."""
    if every == (which is not None):
        raise Failure("Say which session, or the path of its log, or --all: one of them.", 2)
    if which is not None and (paths := _paths(which)):
        async for log in _of_files(server, paths):
            yield log
        return
    async with reading(server) as store:
        rows = await _all_rows(store)
        rehearsed = await holds_rehearsal(store)
        for row in rows if which is None else [_chosen(rows, which)]:
            yield replace(await _of_store(store, row), rehearsed=rehearsed)


def _paths(which: str) -> list[Path]:
    """The files that are meant, if it is a path."""
    path = Path(which)
    if not path.is_dir():
        return [path] if which.endswith(".json") or "/" in which or path.exists() else []
    if found := sorted(path.glob("*.json")):
        return found
    raise Failure(f"There is no log (*.json) in {which}.")


def _chosen(rows: list[SessionRow], which: str) -> SessionRow:
    try:
        return chosen(rows, which)
    except NoSuchSession as fault:
        raise Failure(str(fault)) from fault


async def _of_store(store: Store, row: SessionRow) -> Log:
    lines = await store.read(row.session_id)
    faults = tuple(f"line {line.seq}: the database's number or hash of it is another" for line in lines if _odd(line))
    # a running server may have added lines since its row was read: what is checked ends where the row does
    texts = [line.text for line in lines if row.ended is not None or line.seq <= row.head]
    return Log(row.session_id, texts, row, faults)


def _odd(line: Line) -> bool:
    return f',"seq":{line.seq},' not in line.text or f'","hash":"{line.hash}"' not in line.text


async def _of_files(server: ServerSettings, paths: Sequence[Path]) -> AsyncIterator[Log]:
    rows = await _rows(server)
    for path in paths:
        lines, faults = _lines_of(path)
        row = rows.get(path.stem)
        if not lines and not faults and row is None:
            faults = ["it is empty: a log has a first line at least"]
        yield Log(str(path), lines, row, tuple(faults), of_file=True)


async def _all_rows(store: Store) -> list[SessionRow]:
    """The study's own log, where there is something in it, and all sessions."""
    study = await store.find(STUDY)
    return [*([study] if study and study.head else []), *await store.sessions()]


async def _rows(server: ServerSettings) -> dict[str, SessionRow]:
    """What the database knows of the sessions, where there is one: files can be looked at without."""
    try:
        async with reading(server) as store:
            return {row.session_id: row for row in await _all_rows(store)}
    except (StoreError, SetupError):
        return {}


def _lines_of(path: Path) -> tuple[list[str], list[str]]:
    """The lines of a file, and what is wrong with its end: a line that was not written whole."""
    try:
        *lines, rest = path.read_bytes().decode("ascii", "surrogateescape").split("\n")
    except OSError as fault:
        raise Failure(f"{path}: {fault.strerror}") from fault
    if not rest:
        return lines, []
    try:
        decode(rest)
    except CodecError:
        return lines, [f"line {len(lines) + 1} is torn: the file ends in the middle of it"]
    return [*lines, rest], []
