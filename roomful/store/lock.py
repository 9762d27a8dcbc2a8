"""One server a data folder: SQLite files and logs have one writing process at a time."""

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


def make_folder(folder: Path) -> None:
    """Make a folder if it is not there. OSError, in words of its own where a file has its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(errno.ENOTDIR, "a file is in the place of a folder", str(folder)) from error


class FolderInUse(Exception):
    """Another server works in the data folder."""


class DataFolderLock:
    """Holds `roomful.lock` in the folder, with this process's id in it. The system frees it when the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the folder, made if need be. FolderInUse if a server has it, OSError if it cannot be written."""
        if self._file is not None:
            return
        make_folder(self._folder)
        file = os.open(self._folder / "roomful.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise FolderInUse(
                f"{self._folder} is in use by another Roomful server (process {holder}): "
                "stop that one, or give this one a data folder of its own"
            ) from error
        # the file stays when the lock is let go: deleting it would let two servers lock two files of one name
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Let the folder go; without effect if it is not held."""
        if self._file is None:
            return
        os.close(self._file)
        self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
