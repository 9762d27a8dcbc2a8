"""A disk that fills up, fails, hangs or is locked, under a real server with real participants."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tests.serving import Server, said, serving, until

PAGE = 4096


def command(*words: str) -> bool:
    """Run a command of the system; whether it could be done."""
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@dataclass
class Fault:
    """A server on a disk that can be broken and mended."""

    server: Server
    begin: Callable[[], None]
    end: Callable[[], None]


@contextmanager
def full(folder: Path) -> Iterator[Fault]:
    """A small disk of its own, filled to the last byte."""
    disk = folder / "disk"
    disk.mkdir()
    if not command("mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)):
        pytest.skip("needs the right to mount")
    ballast = disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * PAGE):
                    pass
            except OSError as fault:
                assert fault.errno == errno.ENOSPC  # noqa: PT017

    try:
        with serving(folder, disk) as server:
            yield Fault(server, fill, ballast.unlink)
    finally:
        command("umount", "-l", str(disk))


@contextmanager
def limited(folder: Path) -> Iterator[Fault]:
    """No file may grow any more."""
    with serving(folder) as server:
        assert server.process
        pid = server.process.pid
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        yield Fault(
            server,
            lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (PAGE, most)) and None,
            lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most)) and None,
        )


@contextmanager
def read_only(folder: Path) -> Iterator[Fault]:
    """Files that nobody may write, not even root."""
    with serving(folder) as server:
        files = [str(server.database), f"{server.database}-wal"]
        if not command("chattr", "+i", *files):
            pytest.skip("needs a file system and the right to make files immutable")
        command("chattr", "-i", *files)
        try:
            yield Fault(
                server,
                lambda: command("chattr", "+i", *files) and None,
                lambda: command("chattr", "-i", *files) and None,
            )
        finally:
            command("chattr", "-i", *files)


@contextmanager
def locked(folder: Path) -> Iterator[Fault]:
    """Another program that keeps the database to itself."""
    holding = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('begin exclusive'); "
        "print(flush=True); sys.stdin.read()"
    )
    with serving(folder) as server:
        holders: list[subprocess.Popen[bytes]] = []

        def begin() -> None:
            arguments = [sys.executable, "-c", holding, str(server.database)]
            holders.append(subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            assert holders[0].stdout
            holders[0].stdout.readline()

        def end() -> None:
            holders[0].communicate()

        try:
            yield Fault(server, begin, end)
        finally:
            for holder in holders:
                holder.kill()
                holder.communicate()


def preloads(folder: Path) -> dict[str, str]:
    """Variables under which a process finds its disk as the file `fault` in this folder says."""
    library, source = folder / "fault_disk.so", Path(__file__).with_name("fault_disk.c")
    if not command("cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"):
        pytest.skip("needs a C compiler")
    return {"LD_PRELOAD": str(library), "DISK_FAULT": str(folder / "fault")}


@contextmanager
def preloaded(folder: Path, content: str) -> Iterator[Fault]:
    """A disk whose syncs are slow or fail."""
    with serving(folder, **preloads(folder)) as server:
        switch = folder / "fault"
        yield Fault(server, lambda: switch.write_text(content) and None, switch.unlink)


@contextmanager
def failing(folder: Path) -> Iterator[Fault]:
    """A disk that reports an error at each sync."""
    with preloaded(folder, f"0 {errno.EIO}") as fault:
        yield fault


@pytest.mark.parametrize("kind", [full, limited, read_only, locked, failing], ids=lambda kind: kind.__name__)
def test_nothing_is_acknowledged_that_is_not_stored_and_all_goes_on_when_the_fault_is_gone(kind, tmp_path):
    with kind(tmp_path) as fault, fault.server.participant() as participant:
        server, client_id = fault.server, str(uuid4())
        assert participant.say("before")["type"] == "message"

        fault.begin()
        refused = participant.say("during", client_id)
        status, told = server.health()
        again = participant.say("during", client_id)
        fault.end()

        assert (refused["type"], refused["reason"]) == ("refused", "store")
        assert (status, told["status"]) == (503, "error")
        assert told["reason"]
        assert again["type"] == "refused"
        until(server.well, "the store to be mended")
        assert participant.say("during", client_id)["type"] == "message"
        assert participant.say("after")["type"] == "message"
        assert said(server.stored(participant.session_id)) == ["before", "during", "after"]
        # the session goes on meanwhile, so both are looked at until they agree
        until(
            lambda: server.logged(participant.session_id) == server.stored(participant.session_id),
            "the log file to be as the store",
        )
        assert [len(server.told(event)) for event in ("store_failing", "store_mended")] == [1, 1]


def test_what_is_due_while_the_disk_is_full_is_posted_afterwards(tmp_path):
    server = Server(tmp_path, tmp_path)
    server.study(messages_per_minute=120)
    with limited(tmp_path) as fault, fault.server.participant() as participant:
        server, session_id = fault.server, participant.session_id
        # whoever types has its reply, and means to post it within seconds
        participant.until(lambda frame: frame["type"] == "typing" and frame["active"])
        fault.begin()
        assert participant.say("hm?")["type"] == "refused"
        times = scheduled(server, session_id)
        # the next one's time is always set
        waiting = times.keys() - posted(server, session_id).keys()
        due = min(times[turn_id] for turn_id in waiting)
        until(lambda: time.time() > due + LATE, "a message to be due")
        assert server.health()[0] == 503
        assert waiting.isdisjoint(posted(server, session_id).keys())
        fault.end()

        until(lambda: waiting <= posted(server, session_id).keys(), "what was due to be posted")
        late = {posted(server, session_id)[turn_id] for turn_id in waiting}
        while late:
            late.discard(participant.receive().get("message_id"))


LATE = 0.1
"""Seconds after its time that a message has surely been tried to be posted."""


def scheduled(server: Server, session_id: str) -> dict[str, float]:
    """When each background turn is due, as the wall clock counts."""
    lines = [json.loads(line) for line in server.stored(session_id)]
    began = datetime.fromisoformat(lines[0]["timestamp"]).timestamp() - lines[0]["at"]
    events = [line["data"] for line in lines if line["event_type"] == "turn_scheduled"]
    return {f"b{event['number']}": began + event["due"] for event in events}


def posted(server: Server, session_id: str) -> dict[str, str]:
    """The ids of the agents' messages, by their turns."""
    lines = [json.loads(line) for line in server.stored(session_id)]
    messages = [line["data"] for line in lines if line["event_type"] == "message"]
    return {message["turn_id"]: message["message_id"] for message in messages if message["sender"] != "user"}


def test_a_slow_disk_is_told_and_what_was_said_is_acknowledged_once_it_is_stored(tmp_path):
    with preloaded(tmp_path, "60 0") as fault, fault.server.participant() as participant:
        participant.say("before")

        fault.begin()
        client_id = participant.send("during")
        reason = until(lambda: fault.server.health()[1].get("reason"), "health to know")
        assert "during" not in said(fault.server.stored(participant.session_id))
        fault.end()
        acknowledged = participant.until(lambda frame: frame.get("client_id") == client_id)

        assert "the disk" in reason
        assert acknowledged["type"] == "message"
        assert said(fault.server.stored(participant.session_id)) == ["before", "during"]
        until(fault.server.well, "the disk to be quick again")
        assert [len(fault.server.told(event)) for event in ("store_failing", "store_mended")] == [1, 1]


def spoil(database: Path, first: int) -> None:
    """Write nonsense over the pages from this one on; they count from 0."""
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(first * PAGE)
        file.write(os.urandom(size - first * PAGE))


def test_a_database_damaged_while_it_runs_is_told_and_takes_nothing_more(tmp_path):
    with serving(tmp_path) as server, server.participant() as participant:
        participant.say("before")
        assert command(sys.executable, "-c", _CHECKPOINT, str(server.database))

        spoil(server.database, 1)
        refused = participant.say("during")

        assert (refused["type"], refused["reason"]) == ("refused", "store")
        status, told = server.health()
        assert status == 503
        assert "docs/backup.md" in told["reason"]
        assert len(server.told("store_failing")) == 1


_CHECKPOINT = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')"


@pytest.mark.parametrize("page", [0, 1], ids=["its head", "a page inside"])
def test_a_server_does_not_start_on_a_damaged_database_and_says_what_to_do(page, tmp_path):
    with serving(tmp_path) as server:
        with server.participant() as participant:
            participant.say("hello")
        server.stop()
        spoil(server.database, page)

        code = server.launch().wait(20)

        assert code == 1
        assert "docs/backup.md" in server.output
        assert "Traceback" not in server.output


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [("0.06 0", 0, "that is slow"), (f"0 {errno.EIO}", 1, "cannot be written: Input/output error")],
    ids=["slow", "failing"],
)
def test_check_finds_a_bad_disk_before_the_study_does(fault, code, words, tmp_path):
    server = Server(tmp_path, tmp_path, preloads(tmp_path))
    server.study()
    (tmp_path / "fault").write_text(fault)

    done = server.run("check")

    assert done.returncode == code
    assert words in done.stdout


def test_check_tells_of_a_folder_that_anybody_may_change(tmp_path):
    server = Server(tmp_path, tmp_path)
    server.study()
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o777)

    assert "every user of this machine may change" in server.run("check").stdout
