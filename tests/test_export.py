"""A study as tables: equal to the store, whatever was written, and there whole or not at all."""

import csv
import json
import shutil
import subprocess
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomful.codec import GENESIS, decode, encode
from roomful.core.enrolment import (
    ChecksMissed,
    ConsentAnswered,
    DataErased,
    PageAnswered,
    ParticipantArrived,
    StudyEvent,
)
from roomful.core.events import (
    CallAnswered,
    CallRequested,
    DistressNoticed,
    Entry,
    MessagePosted,
    SessionEnded,
)
from roomful.core.inputs import Reply
from roomful.core.study import Distress
from roomful.export import CONVENTIONS, FILES, FolderTaken, export
from roomful.export.columns import HEADS, TABLES
from roomful.export.rows import moment
from roomful.store import STUDY, Line, StoreError
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from roomful.study_codec import encode_study
from tests import examples, rooms, study_examples
from tests.commands import invoke
from tests.test_cli import make_study

pytestmark = pytest.mark.anyio

STARTED = 1_772_461_800_000_000
TEXTS = [
    "plain",
    "a, b; c\td",
    'she said "no", twice ""',
    "two\nlines, and\r\na third\rand this",
    "🎉 👩‍👩‍👧 café",
    "שלום עולם, مرحبا \u202eabc",
    '=HYPERLINK("http://x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "=1+1",
    "-5 people",
    "1-2",
    "3/4",
    "1e5",
    "123456789012345678",
    "TRUE",
    "NA",
    "null",
    "",
    "  spaces  ",
    "007",
    "2026-03-02",
    "back\\slash \\n",
    "'",
    "'twas",
    "\u2028\x85\x0b\x1b[31m",
]


def line(entry: Entry, session_id: str, previous: str) -> Line:
    encoded = encode(entry, session_id, STARTED, previous, f"{entry.seq:032x}")
    ended = entry.event.reason if isinstance(entry.event, SessionEnded) else None
    return Line(entry.seq, encoded.text, encoded.hash, entry.shown, ended)


async def keep(store: Any, session_id: str, happened: Sequence[Any], created: float = STARTED / 1e6) -> list[Line]:
    """Keep a session of these entries."""
    await store.reserve(session_id, created, "{}")
    row = await store.claim(session_id)
    link, lines = GENESIS, []
    for entry in happened:
        lines.append(line(entry, session_id, link))
        link = lines[-1].hash
    await store.append(session_id, row.epoch, lines)
    return lines


def talk(*texts: str, session_id: str = rooms.SESSION, end: bool = True) -> list[Entry]:
    """The entries of a session in which these texts were said."""
    room = rooms.Room(rooms.start(session_id=session_id))
    entries = list(room.entries)
    for number, text in enumerate(texts, 1):
        posted = MessagePosted(message_id=f"m{number}", sender="user" if number % 2 else "Alice", content=text)
        entries.append(Entry(entries[-1].seq + 1, number + 0.123456, posted, number))
    if end:
        entries.append(Entry(entries[-1].seq + 1, 900.0, SessionEnded(reason="duration_expired"), len(texts) + 1))
    return entries


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """A table as the csv module reads it; what is missing is empty."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        heads, *rows = csv.reader(file, strict=True)
        return [dict(zip(heads, row, strict=True)) for row in rows]


async def exported(store: Any, folder: Path, **more: Any) -> Path:
    await export(store, folder / "tables", CONVENTIONS, **more)
    return folder / "tables"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        yield MemoryStore()
    else:
        opened_store = await SQLStore.open(f"sqlite:///{tmp_path}/roomful.db")
        yield opened_store
        await opened_store.close()


async def full_study(store: Any) -> None:
    """The sessions and the study's log of the documentation's examples."""
    await keep_study(store, [one for one in study_examples.HAPPENED if not isinstance(one[1], DataErased)])
    happened = [Entry(seq, at, event, None, cause) for seq, (at, event, cause) in enumerate(examples.HAPPENED, 1)]
    await keep(store, examples.SESSION, happened)


async def keep_study(store: Any, happened: Sequence[tuple[float, StudyEvent, str | None]]) -> None:
    """Keep the study's log with these events."""
    await store.reserve(STUDY, 0.0, "{}")
    row = await store.claim(STUDY)
    link, lines = GENESIS, []
    for seq, (at, event, cause) in enumerate(happened, 1):
        entry = study_examples.StudyEntry(seq, study_examples.STARTED + at, event, cause)
        encoded = encode_study(entry, link, f"{seq:032x}")
        link = encoded.hash
        lines.append(Line(seq, encoded.text, encoded.hash))
    await store.append(STUDY, row.epoch, lines)


# --- round trips


async def test_the_csv_module_reads_every_message_as_it_is_in_the_store(tmp_path, store):
    await keep(store, rooms.SESSION, talk(*TEXTS))

    folder = await exported(store, tmp_path)

    kept = [decode(one.text).event for one in await store.read(rooms.SESSION)]
    said = [event.content for event in kept if isinstance(event, MessagePosted)]
    assert [row["content"] for row in table(folder, "messages")] == said == TEXTS
    assert {row["escaped"] for row in table(folder, "messages")} == {""}


async def test_pandas_reads_every_message_as_it_is_in_the_store(tmp_path):
    import pandas as pd

    store = MemoryStore()
    await keep(store, rooms.SESSION, talk(*TEXTS))

    folder = await exported(store, tmp_path)

    frame = pd.read_csv(folder / "messages.csv", keep_default_na=False, dtype={"content": str})
    assert frame["content"].tolist() == TEXTS
    assert frame["elapsed"].tolist() == [number + 0.123456 for number in range(1, len(TEXTS) + 1)]
    assert pd.to_datetime(frame["time"])[0].isoformat() == "2026-03-02T14:30:01.123000+00:00"


async def test_duckdb_reads_every_message_as_it_is_in_the_store(tmp_path):
    import duckdb

    store = MemoryStore()
    await keep(store, rooms.SESSION, talk(*TEXTS))

    folder = await exported(store, tmp_path)

    source = f"read_csv('{folder}/messages.csv', header=true, quote='\"', escape='\"', allow_quoted_nulls=false)"
    with duckdb.connect() as database:
        rows = database.sql(f"select content, escaped, elapsed, by_participant from {source} order by seq").fetchall()
    assert [row[0] for row in rows] == TEXTS
    assert rows[0][1:] == (None, 1.123456, True)


SPREADSHEET = shutil.which("soffice")
AS_TEXT = (
    f"CSV:44,34,76,1,{'/'.join(f'{n}/2' for n in range(1, max(len(one.columns) for one in TABLES) + 1))},0,true,false"
)
"""How a careful person has a spreadsheet open a table: commas, quotation marks, UTF-8, and every column is text."""
AS_SHOWN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false"
"""How it is to be told to write what its cells show: the same, all in quotation marks."""


def converted(files: Sequence[Path], to: str, folder: Path, *options: str) -> list[Path]:
    """The files as the spreadsheet program opens them and saves them in another format."""
    about = [f"-env:UserInstallation={folder.parent.as_uri()}/profile", "--headless", "--convert-to", to, *options]
    subprocess.run([str(SPREADSHEET), *about, "--outdir", folder, *files], check=True, capture_output=True, timeout=240)
    return [folder / f"{path.stem}.{to.partition(':')[0]}" for path in files]


def with_one_line_end(text: str) -> str:
    """A text as the cell of a spreadsheet can have it: there is one line end in cells, whatever was entered."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.skipif(
    SPREADSHEET is None, reason="no soffice: apt-get install --no-install-recommends libreoffice-calc-nogui"
)
async def test_a_spreadsheet_that_takes_all_for_text_gives_back_what_is_in_the_store(tmp_path):
    # given every table, with the texts
    store = MemoryStore()
    await full_study(store)
    await keep(store, rooms.SESSION, talk(*TEXTS))
    folder = await exported(store, tmp_path)

    # when they are opened, saved as a workbook, opened again, and saved as CSV
    books = converted(sorted(folder.glob("*.csv")), "xlsx", tmp_path / "books", f"--infilter={AS_TEXT}")
    converted(books, AS_SHOWN, tmp_path / "back")

    # then each is as it was, and the messages are those of the store
    said = [row["content"] for row in table(tmp_path / "back", "messages") if row["session_id"] == rooms.SESSION]
    assert said == [with_one_line_end(text) for text in TEXTS]
    for one in TABLES:
        rows = table(folder, one.name)
        kept = [{name: with_one_line_end(cell) for name, cell in row.items()} for row in rows]
        assert table(tmp_path / "back", one.name) == kept, one.name
        assert rows or one.name == "targets"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(texts=st.lists(st.text(alphabet=st.characters(codec=None), max_size=40), min_size=1, max_size=4))
async def test_any_text_comes_back_also_what_no_csv_can_hold(tmp_path_factory, texts):
    store = MemoryStore()
    await keep(store, rooms.SESSION, talk(*texts))

    folder = await exported(store, tmp_path_factory.mktemp("any"))

    rows = table(folder, "messages")
    found = [json.loads(row["content"]) if row["escaped"] == "content" else row["content"] for row in rows]
    assert found == texts


async def test_a_nul_and_half_a_pair_are_told_and_can_be_read_back(tmp_path):
    store = MemoryStore()
    await keep(store, rooms.SESSION, talk("a\0b", "\ud83d", "whole 🎉"))

    rows = table(await exported(store, tmp_path), "messages")

    assert [row["escaped"] for row in rows] == ["content", "content", ""]
    assert [row["content"] for row in rows] == ['"a\\u0000b"', '"\\ud83d"', "whole 🎉"]


async def test_files_are_as_rfc_4180_has_them(tmp_path):
    store = MemoryStore()
    await keep(store, rooms.SESSION, talk("one", 'two "2"'))

    data = (await exported(store, tmp_path) / "messages.csv").read_bytes()

    head, first, second, rest = data.split(b"\r\n")
    assert head.startswith(b'"session_id","seq",')
    assert b'"one",,,0.0,"false",,' in first
    assert b'"two ""2"""' in second
    assert rest == b""


# --- all tables


async def test_every_table_tells_what_the_store_has(tmp_path, store):
    await full_study(store)
    await keep(store, rooms.SESSION, talk("hi", "hello"), created=STARTED / 1e6 + 5)

    folder = await exported(store, tmp_path)

    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    first, second = table(folder, "sessions")
    assert (first["session_id"], first["started_at"]) == (examples.SESSION, "2026-03-02T14:30:00.000Z")
    assert (second["state"], second["end_reason"], second["duration"]) == ("ended", "duration_expired", "900.0")
    assert (second["messages_participant"], second["messages_agents"]) == ("1", "1")
    lines = [json.loads(one.text) for one in await store.read(examples.SESSION)]
    events = [row for row in table(folder, "events") if row["session_id"] == examples.SESSION]
    assert [json.loads(row["data"]) for row in events] == [one["data"] for one in lines]
    assert [row["event_type"] for row in events] == [one["event_type"] for one in lines]
    asked = [one["data"] for one in lines if one["event_type"] == "llm_request"]
    calls = table(folder, "llm_calls")
    assert [(row["call_id"], row["prompt"], row["system"]) for row in calls] == [
        (one["call_id"], one["prompt"], one["system"]) for one in asked
    ]
    came = {one["data"]["call_id"]: one["data"] for one in lines if one["event_type"] == "llm_call"}
    assert [row["response"] for row in calls] == [came[row["call_id"]]["response"] or "" for row in calls]
    people = {row["session_id"]: row for row in table(folder, "participants")}
    assert people[study_examples.FIRST]["participant_id"] == "5f9a3c1e7b2d4a0016c8e9d1"
    assert json.loads(people[study_examples.FIRST]["parameters"])["STUDY_ID"] == "64c1"
    assert (people[study_examples.SECOND]["entry"], people[study_examples.SECOND]["token_label"]) == ("token", "001")
    assert [row["treatment"] for row in table(folder, "assignments")][:1] == ["cold"]


async def test_what_was_answered_on_pages_comes_back_as_it_was(tmp_path, store):
    session_id = study_examples.FIRST
    answers = {f"Q{number}": text for number, text in enumerate(TEXTS)}
    arrived, *_ = [one for one in study_examples.HAPPENED if isinstance(one[1], ParticipantArrived)]
    told = (
        arrived[1],
        ConsentAnswered(
            session_id=session_id, page="consent", version="3", hash="c", about="participation", given=True
        ),
        ChecksMissed(session_id=session_id, page="before", checks=("Q0", "Q99"), answers=answers, attempt=1),
        PageAnswered(session_id=session_id, page="before", hash="b", answers=answers | {"stance": "4"}),
        ConsentAnswered(session_id=session_id, page="debrief", version=None, hash="d", about="data", given=False),
    )
    await keep_study(store, [(float(number), event, None) for number, event in enumerate(told)])
    started = rooms.Room(replace(rooms.start(session_id=session_id), answers={"stance": "4", "club": "chess"}))
    await keep(store, session_id, started.entries)

    folder = await exported(store, tmp_path)

    found = table(folder, "answers")
    on_pages = [row for row in found if row["source"] == "page"]
    assert {row["question"]: row["answer"] for row in on_pages} == answers | {"stance": "4"}
    assert {(row["session_id"], row["page"], row["page_hash"]) for row in on_pages} == {(session_id, "before", "b")}
    assert {row["time"] for row in on_pages} == {moment(study_examples.STARTED + 3)}
    # what the room was told of the pages is not there twice
    assert [(row["question"], row["answer"], row["page"]) for row in found if row["source"] == "start"] == [
        ("club", "chess", "")
    ]
    missed = table(folder, "missed_checks")
    assert {row["question"]: row["answer"] for row in missed} == answers | {"Q99": ""}
    assert [row["question"] for row in missed if row["missed"] == "true"] == ["Q0", "Q99"]
    assert {row["attempt"] for row in missed} == {"1"}
    assert [(row["page"], row["about"], row["version"], row["given"]) for row in table(folder, "consents")] == [
        ("consent", "participation", "3", "true"),
        ("debrief", "data", "", "false"),
    ]
    (person,) = table(folder, "participants")
    assert (person["consent"], person["data_consent"]) == ("true", "false")


def followed_up(*, looked_for: bool = True) -> list[Entry]:
    """A session with a probe, a contradiction and a sign of distress."""
    distress = Distress(action="alert" if looked_for else "off")
    entries = list(rooms.Room(rooms.start(distress=distress)).entries)
    happened = [
        MessagePosted(message_id="m1", sender="user", content="are you a bot?", probe=True),
        MessagePosted(message_id="m2", sender="Alice", content="keep it open", contradicts=True),
        MessagePosted(message_id="m3", sender="user", content="I want to die"),
    ]
    happened += [DistressNoticed(message_id="m3", action="alert")] if looked_for else []
    for event in happened:
        entries.append(Entry(entries[-1].seq + 1, 1.0 * len(entries), event))
    return entries


async def test_what_was_noticed_in_the_words_is_told(tmp_path):
    store = MemoryStore()
    await keep(store, rooms.SESSION, followed_up())

    folder = await exported(store, tmp_path)

    (session,) = table(folder, "sessions")
    assert [session[name] for name in ("probes", "contradictions", "distress")] == ["1", "1", "1"]
    marks = [(row["probe"], row["contradicts"]) for row in table(folder, "messages")]
    assert marks == [("true", ""), ("", "true"), ("false", "")]


async def test_distress_that_was_not_looked_for_is_missing_and_not_none_at_all(tmp_path):
    store = MemoryStore()
    await keep(store, rooms.SESSION, followed_up(looked_for=False))

    (session,) = table(await exported(store, tmp_path), "sessions")

    assert (session["probes"], session["distress"]) == ("1", "")


async def test_who_answered_a_call_and_what_was_repaired_is_told(tmp_path):
    store = MemoryStore()
    room = rooms.Room(rooms.start())
    room.until(60.0, reply=None)
    asked = next(entry.event for entry in room.entries if isinstance(entry.event, CallRequested))
    came = CallAnswered(
        call_id=asked.call_id,
        prompt=asked.prompt,
        reply=Reply(text="hi", model="second", provider="mistral", fallback=1),
        text="hi",
        repairs=("name", "words"),
    )
    await keep(store, rooms.SESSION, [*room.entries, Entry(room.state.seq + 1, room.now, came)])

    call = table(await exported(store, tmp_path), "llm_calls")[0]

    assert (call["answered_by"], call["provider"], call["fallback"]) == ("second", "mistral", "1")
    assert json.loads(call["repairs"]) == ["name", "words"]


async def test_an_anonymized_export_has_nobodys_name_id_or_parameters(tmp_path):
    store = MemoryStore()
    await full_study(store)
    room = rooms.Room(rooms.start(name="Xaver-Unverwechselbar"))
    await keep(store, rooms.SESSION, room.entries)

    folder = await exported(store, tmp_path, anonymize=True)

    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    for secret in ("5f9a3c1e7b2d4a0016c8e9d1", "64c1", "Xaver", rooms.SESSION, examples.SESSION, "P-17"):
        assert secret.encode() not in everything
    sessions, people = table(folder, "sessions"), table(folder, "participants")
    assert "participant_name" not in sessions[0]
    assert {"participant_id", "parameters", "token_label"} & set(people[0]) == set()
    # the key between the tables still is one
    assert {row["session_id"] for row in table(folder, "events")} <= {row["session_id"] for row in sessions}
    assert len({row["session_id"] for row in sessions}) == len(sessions)


async def test_the_codebook_has_every_column_of_every_file_in_order(tmp_path):
    store = MemoryStore()
    await full_study(store)
    for anonymize in (False, True):
        folder = tmp_path / str(anonymize)
        await export(store, folder, CONVENTIONS, anonymize=anonymize)

        found = []
        for one in TABLES:
            with (folder / f"{one.name}.csv").open(encoding="utf-8", newline="") as file:
                found += [(one.name, name) for name in next(csv.reader(file))]
        with (folder / "codebook.csv").open(encoding="utf-8", newline="") as file:
            heads, *rows = csv.reader(file)
        page = (folder / "codebook.md").read_text("utf-8")
        assert tuple(heads) == HEADS
        assert [(row[0], row[1]) for row in rows] == found
        assert all(row[2] and row[4] for row in rows)
        assert [name for _, name in found if f"| `{name}` |" not in page] == []


async def test_cells_are_what_the_codebook_says_they_are(tmp_path):
    store = MemoryStore()
    await full_study(store)
    await keep(store, rooms.SESSION, talk("hi"))
    folder = await exported(store, tmp_path)
    readers = {"integer": int, "number": float, "json": json.loads, "time": moment_of, "text": str, "boolean": str}

    for one in TABLES:
        for row in table(folder, one.name):
            for column in one.columns:
                cell = row[column.name]
                if cell:
                    readers[column.kind](cell)
                    assert not column.allowed or cell in column.allowed, (one.name, column.name, cell)


def moment_of(text: str) -> None:
    from datetime import datetime

    assert datetime.fromisoformat(text).utcoffset().total_seconds() == 0
    assert len(text) == len("2026-03-02T14:30:20.123Z")


def test_milliseconds_are_cut_so_that_no_moment_lies_in_the_future():
    assert moment(1_772_461_800.9999) == "2026-03-02T14:30:00.999Z"


async def test_a_session_that_goes_on_is_told_as_it_was_when_it_was_looked_at(tmp_path):
    store = MemoryStore()
    await keep(store, rooms.SESSION, talk("hi", end=False))
    await store.reserve(examples.SESSION, 1.0, "{}")

    sessions = table(await exported(store, tmp_path), "sessions")

    assert [row["state"] for row in sessions] == ["not_started", "live"]
    assert sessions[1]["ended_at"] == ""


# --- whole or not at all


class Broken(MemoryStore):
    """Cannot read its second session."""

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        if session_id == rooms.SESSION:
            raise StoreError("the disk fails")
        return await super().read(session_id, after)


async def test_a_fault_leaves_nothing(tmp_path):
    store = Broken()
    await full_study(store)
    await keep(store, rooms.SESSION, talk("hi"), created=STARTED / 1e6 + 5)

    with pytest.raises(StoreError):
        await exported(store, tmp_path)

    assert list(tmp_path.iterdir()) == []


async def test_what_is_there_is_never_written_over(tmp_path):
    store = MemoryStore()
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")

    for name in ("tables", "file"):
        with pytest.raises(FolderTaken, match="is there already"):
            await export(store, tmp_path / name, CONVENTIONS)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "tables"]


async def test_an_empty_folder_and_what_a_killed_export_left_are_no_hindrance(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables.part").mkdir()
    (tmp_path / "tables.part" / "messages.csv").write_text("half")

    folder = await exported(MemoryStore(), tmp_path)

    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert not (tmp_path / "tables.part").exists()


async def test_somebody_elses_folder_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "tables.part").mkdir()
    (tmp_path / "tables.part" / "thesis.tex").write_text("mine")

    with pytest.raises(FolderTaken, match="in the way"):
        await exported(MemoryStore(), tmp_path)

    assert (tmp_path / "tables.part" / "thesis.tex").exists()


class Long(MemoryStore):
    """Has many sessions, each of which it makes when it is read."""

    def __init__(self, sessions: int) -> None:
        super().__init__()
        self.count = sessions

    async def sessions(self, *, live: bool = False) -> list[Any]:
        from roomful.store import SessionRow

        return [SessionRow(f"s{n}", 0.0, 1, 99, "", "duration_expired", "{}") for n in range(self.count)]

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        if session_id == STUDY:
            return []
        link, lines = GENESIS, []
        for entry in talk(*["x" * 20_000] * 10):
            lines.append(line(entry, rooms.SESSION, link))
            link = lines[-1].hash
        return lines


async def test_one_session_at_a_time_is_in_memory(tmp_path):
    tracemalloc.start()
    try:
        await exported(Long(40), tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # 40 sessions of 200 KB are 8 MB, in several forms
    assert (tmp_path / "tables" / "messages.csv").stat().st_size > 8_000_000
    assert peak < 5_000_000


def test_the_command_tells_what_it_wrote_and_what_is_in_its_way(tmp_path, monkeypatch):
    make_study(tmp_path / "config", llm={"provider": "scripted"})
    monkeypatch.chdir(tmp_path)
    assert "There is no database" in invoke("export", "--out", "tables", code=1)
    invoke("tokens", "create", "--count", "1", "--out", "t.csv")

    said = invoke("export", "--out", "tables")

    assert "tables: 0 participants, 0 assignments, 0 sessions" in said
    assert "is there already" in invoke("export", "--out", "tables", code=1)
    assert "Anonymized" not in (tmp_path / "tables" / "codebook.md").read_text("utf-8")
    invoke("export", "--out", "public", "--anonymize")
    assert "Anonymized" in (tmp_path / "public" / "codebook.md").read_text("utf-8")
