"""Copies of a study, made while it runs, and the way back to one."""

import json
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from roomful.store import StoreError
from roomful.store.backup import Copied, back_up
from roomful.store.sql import SQLStore
from tests.serving import Server, said, serving, until
from tests.test_store import A, B, claimed, lines

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """A closed database of two sessions."""
    path = tmp_path / "roomful.db"
    store = await SQLStore.open(f"sqlite:///{path}")
    await claimed(store, A, B)
    await store.append(A, 1, lines(1, 500))
    await store.close()
    return path


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


async def test_a_copy_holds_all_sessions_in_one_file(database, tmp_path):
    target = tmp_path / "backups" / "copy.db"

    copied = back_up(database, target)

    assert copied == Copied(sessions=2, entries=500, size=target.stat().st_size)
    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]
    store = await SQLStore.open(f"sqlite:///{target}")
    assert await store.read(A) == lines(1, 500)
    await store.close()


async def test_nothing_is_overwritten_unasked(database, tmp_path):
    target = tmp_path / "copy.db"
    target.write_text("dear diary")

    with pytest.raises(FileExistsError):
        back_up(database, target)
    assert target.read_text() == "dear diary"

    back_up(database, target, overwrite=True)
    assert target.read_bytes().startswith(b"SQLite format 3")


async def test_the_database_is_not_copied_over_itself(database):
    with pytest.raises(FileExistsError):
        back_up(database, database, overwrite=True)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from entries where seq = 500",
        "delete from entries where seq = 250",
        "update entries set hash = 'x' where seq = 500",
        "update sessions set head = head + 1",
    ],
)
async def test_a_copy_whose_logs_are_not_what_they_should_be_is_none(statement, database, tmp_path):
    change(database, statement)

    with pytest.raises(StoreError, match="sessions"):
        back_up(database, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy*"))


async def test_a_damaged_database_gives_no_copy(database, tmp_path):
    with database.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 3 * 4096)

    with pytest.raises(StoreError):
        back_up(database, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy*"))


def test_a_study_goes_on_from_a_copy_that_was_made_under_load(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    Server(first, first).study(messages_per_minute=120, user_response_probability=0.5)
    acknowledged: list[str] = []
    enough = threading.Event()
    with serving(first) as server:
        with server.participant() as participant:

            def talk() -> None:
                while not enough.is_set() and len(acknowledged) < 500:
                    if participant.say(f"message {len(acknowledged)}")["type"] == "message":
                        acknowledged.append(f"message {len(acknowledged)}")
                    # as many a second as the server takes
                    enough.wait(0.1)

            talking = threading.Thread(target=talk)
            talking.start()
            until(lambda: len(acknowledged) >= 5, "a talk under way")
            known = len(acknowledged)
            done = server.run("backup", "../copies/now.db")
            later = len(acknowledged)
            until(lambda: len(acknowledged) > later, "the talk to go on")
            enough.set()
            talking.join()
        server.kill()
    assert done.returncode == 0, done.stderr
    assert "1 sessions" in done.stdout
    assert "is there already" in server.run("backup", "../copies/now.db").stderr

    second.mkdir()
    shutil.copytree(first / "config", second / "config")
    (second / "data").mkdir()
    shutil.copy(tmp_path / "copies" / "now.db", second / "data" / "roomful.db")
    with serving(second) as restored, restored.participant(participant.session_id) as again:
        assert again.say("and on")["type"] == "message"
        kept = said(restored.stored(again.session_id))
        until(lambda: said(restored.logged(again.session_id)) == kept, "the log file to be written again")

    assert known <= len(kept) - 1
    assert kept[:-1] == acknowledged[: len(kept) - 1]
    assert kept[-1] == "and on"
    kinds = [json.loads(line)["event_type"] for line in restored.stored(again.session_id)]
    assert kinds.count("session_resumed") == 1


def test_a_study_in_postgresql_is_left_to_its_own_tools(tmp_path):
    server = Server(tmp_path, tmp_path, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/study"})

    done = server.run("backup", "copy.db")

    assert done.returncode == 1
    assert "pg_dump" in done.stderr
    assert not (tmp_path / "copy.db").exists()


def test_where_there_is_no_study_there_is_nothing_to_copy(tmp_path):
    done = Server(tmp_path, tmp_path).run("backup", "copy.db", "--data", "nowhere")

    assert done.returncode == 1
    assert "no database" in done.stderr
