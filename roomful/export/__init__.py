"""A study as tables: CSV files with a codebook, made session after session, and there only once they are whole."""

import csv
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from roomful.codec import CodecError
from roomful.core.enrolment import (
    ChecksMissed,
    ConsentAnswered,
    DeviationRecorded,
    PageAnswered,
    StudyEntry,
    StudyFrozen,
    TreatmentAssigned,
)
from roomful.core.roster import StudyState, fold_study
from roomful.export import rows
from roomful.export.columns import HEADS, TABLES, Column, codebook_page, codebook_rows
from roomful.export.rows import Cell, Row, held
from roomful.store import STUDY, SessionRow, Store, StoreError
from roomful.study_codec import decode_study

if TYPE_CHECKING:
    from _csv import Writer

FILES = (*(f"{table.name}.csv" for table in TABLES), "codebook.csv", "codebook.md")
"""What an export consists of."""

CONVENTIONS = (
    """\
Comma-separated values as RFC 4180 has them: UTF-8 without a byte order mark, lines end with CRLF, texts stand in
quotation marks. A cell that is missing is empty and has none; an empty text is `""`.""",
    """\
Texts are never altered: not trimmed, not shortened, and a text that begins with `=` stays one. A program that would
take such a cell for a formula (a spreadsheet) must be told to import the column as text.""",
    """\
Test runs are in all tables; `test` in participants, sessions and assignments tells them. Sessions of a study that was
frozen, and changed since, differ in `freeze`.""",
    """\
What a participant had deleted is not there: of their session the tables sessions and events alone have rows.""",
)
"""What holds for all tables, for the codebook."""


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What readers of CSV stop at, and what UTF-8 cannot hold."""


class FolderTaken(Exception):
    """There is something where the tables should go."""


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows each table has."""

    rows: Mapping[str, int]


async def export(store: Store, out: Path, about: Sequence[str], *, anonymize: bool = False) -> Exported:
    """Write all tables and their codebook into the folder `out`, which must not be there, or be empty.

    `about` are paragraphs for the codebook. One session at a time is in memory. Raises FolderTaken, OSError, and
    StoreError; nothing is left then.
    """
    with _part_of(out) as part, ExitStack() as files:
        tables = Tables(part, files, anonymize=anonymize)
        entries = await _write(store, tables)
        with (part / "codebook.csv").open("x", encoding="utf-8", newline="") as file:
            _writer(file).writerows([HEADS, *codebook_rows(anonymized=anonymize)])
        page = codebook_page([*about, *_freezes(entries)], anonymized=anonymize)
        (part / "codebook.md").write_text(page, encoding="utf-8", newline="\n")
    return Exported(tables.counts)


class Tables:
    """The tables' files, each begun with its head."""

    def __init__(self, folder: Path, files: ExitStack, *, anonymize: bool) -> None:
        self.anonymize = anonymize
        self.counts: dict[str, int] = {}
        self._columns: dict[str, tuple[Column, ...]] = {}
        self._files: dict[str, TextIO] = {}
        self._names: dict[str, str] = {}
        for table in TABLES:
            self.counts[table.name] = 0
            self._columns[table.name] = table.kept(anonymized=anonymize)
            file = files.enter_context((folder / f"{table.name}.csv").open("x", encoding="utf-8", newline=""))
            self._files[table.name] = file
            _writer(file).writerow([column.name for column in self._columns[table.name]])

    def add(self, table: str, new: Iterable[Row]) -> None:
        """Write rows, each of which has a cell for every column of the table."""
        columns = self._columns[table]
        writer = _writer(self._files[table])
        for row in new:
            named = {**row, "session_id": self.name(str(row["session_id"]))}
            cells, escaped = _storable([named[column.name] for column in columns[:-1]], columns)
            writer.writerow([*cells, escaped])
            self.counts[table] += 1

    def name(self, session_id: str) -> str:
        """What a session is called: by its id, which lets its owner back in, or by a number."""
        if not self.anonymize:
            return session_id
        return self._names.setdefault(session_id, f"s{len(self._names) + 1}")


def _writer(file: TextIO) -> "Writer":
    # texts are quoted and what is missing is not, so that a reader can tell an empty text from none
    return csv.writer(file, quoting=csv.QUOTE_STRINGS, lineterminator="\r\n")


def _storable(cells: list[Cell], columns: Sequence[Column]) -> tuple[list[Cell], str | None]:
    """The cells as a CSV file can hold them, and the names of the columns that had to be escaped for it."""
    escaped = []
    for number, cell in enumerate(cells):
        if isinstance(cell, bool):
            cells[number] = "true" if cell else "false"
        elif isinstance(cell, str) and _UNSTORABLE.search(cell):
            escaped.append(number)
    for number in escaped:
        cells[number] = json.dumps(cells[number])
    return cells, " ".join(columns[number].name for number in escaped) or None


@contextmanager
def _part_of(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place at the end; gone if there is a fault."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FolderTaken(f"{out} is there already, and not an empty folder: name another")
    part = out.with_name(f"{out.name}.part")
    if part.exists():
        _clear(part)
    part.mkdir(parents=True)
    try:
        yield part
        # an empty folder of this name is replaced
        part.replace(out)
    finally:
        # once it has its name, there is nothing of this one
        shutil.rmtree(part, ignore_errors=True)


def _clear(part: Path) -> None:
    """Take away what an export that was killed has left, and nothing else."""
    if not part.is_dir() or {path.name for path in part.iterdir()} - set(FILES):
        raise FolderTaken(f"{part} is in the way: take it away")
    shutil.rmtree(part)


async def _write(store: Store, tables: Tables) -> list[StudyEntry]:
    """Write all tables; return the study's log."""
    entries = await _study(store)
    state = fold_study(entries)
    known = sorted(state.participations.values(), key=lambda one: one.number)
    tables.add("participants", (rows.participant(one, state) for one in known))
    _write_study(tables, entries, state)
    for row in await store.sessions():
        await _write_session(store, tables, row, state)
    return entries


def _freezes(entries: Sequence[StudyEntry]) -> Iterator[str]:
    """What the codebook says of the hashes that sessions were held under."""
    for entry in entries:
        match entry.event:
            case StudyFrozen(hash=frozen):
                yield f"The study was frozen at {rows.moment(entry.at)} with the hash `{frozen}`."
            case DeviationRecorded(number=number, reason=reason, changes=changes, hash=changed):
                what = "; ".join(changes)
                yield f"Deviation {number}, at {rows.moment(entry.at)}: {reason} ({what}). From then on `{changed}`."
            case _:
                pass


async def _study(store: Store) -> list[StudyEntry]:
    try:
        return [decode_study(line.text) for line in await store.read(STUDY)]
    except CodecError as fault:
        raise StoreError(f"the study's log cannot be read: {fault}") from fault


def _write_study(tables: Tables, entries: Sequence[StudyEntry], state: StudyState) -> None:
    """Write what the study's log alone tells: allocations, and what was answered on pages."""
    for entry in entries:
        match entry.event:
            case TreatmentAssigned() as event:
                tables.add("assignments", [rows.assignment(entry, event, state)])
            case PageAnswered() as event:
                tables.add("answers", rows.page_answers(entry, event))
            case ChecksMissed() as event:
                tables.add("missed_checks", rows.missed_checks(entry, event))
            case ConsentAnswered() as event:
                tables.add("consents", [rows.consent(entry, event)])
            case _:
                pass


async def _write_session(store: Store, tables: Tables, row: SessionRow, state: StudyState) -> None:
    # a running server may go on with it meanwhile: it is told as it was when its row was read
    lines = [line.text for line in await store.read(row.session_id) if line.seq <= row.head]
    try:
        one = held(row, lines, state.participations.get(row.session_id))
    except CodecError as fault:
        raise StoreError(f"the log of session {row.session_id} cannot be read: {fault}") from fault
    tables.add("sessions", [rows.session(one)])
    tables.add("targets", rows.targets(one))
    tables.add("messages", rows.messages(one))
    tables.add("llm_calls", rows.llm_calls(one))
    tables.add("answers", rows.answers(one))
    tables.add("events", rows.events(one, anonymized=tables.anonymize))
