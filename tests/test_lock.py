"""One server a data folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from roomful.store.lock import DataFolderLock, FolderInUse

HOLD = """
import sys
from pathlib import Path
from roomful.store.lock import DataFolderLock
with DataFolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_data_folder_has_one_server(tmp_path: Path):
    folder = tmp_path / "data"
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"

    with pytest.raises(FolderInUse) as told:
        DataFolderLock(folder).acquire()

    assert str(folder) in str(told.value)
    assert f"process {first.pid}" in str(told.value)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    with DataFolderLock(folder):
        assert (folder / "roomful.lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_was_let_go_can_be_taken_again(tmp_path: Path):
    lock = DataFolderLock(tmp_path)
    with lock, pytest.raises(FolderInUse):
        DataFolderLock(tmp_path).acquire()

    with DataFolderLock(tmp_path):
        lock.release()
        with pytest.raises(FolderInUse):
            lock.acquire()
