"""What a folder's disk is like, tried out: written, synced, measured."""

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from roomful.store.lock import make_folder

TRIALS = 9
"""Times that something is written and synced; the median is told."""
BYTES = 16 << 10
"""What is written each time: about as much as a commit."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What was found: seconds that a sync takes, bytes that are free, and what is odd about the folder, in words."""

    sync: float
    free: int
    oddity: str | None


def look_at(folder: Path, clock: Callable[[], float]) -> Disk:
    """Write to a folder and see how it does; it is made if it is not there. Raises OSError."""
    make_folder(folder)
    trial = folder / ".roomful-check"
    file = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        seconds = [_synced(file, clock) for _ in range(TRIALS)]
    finally:
        os.close(file)
        trial.unlink()
    return Disk(median(seconds), shutil.disk_usage(folder).free, _oddity(folder))


def _synced(file: int, clock: Callable[[], float]) -> float:
    began = clock()
    os.write(file, b"\0" * BYTES)
    os.fsync(file)
    return clock() - began


def _oddity(folder: Path) -> str | None:
    about = folder.stat()
    if about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX:
        return "every user of this machine may change what is in it: chmod o-w"
    if about.st_uid != os.geteuid():
        return f"it belongs to another user (number {about.st_uid}): a server of this user may be kept out one day"
    return None
