"""A copy of a SQLite database, made while a server writes it, and looked through before it counts."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from roomful.store import STUDY, StoreError

BUSY_SECONDS = 5.0
"""How long to wait for somebody who has the database locked."""

# what the table of sessions says of each log, and what of it is there
_DIFFERING = """
    select count(*) from sessions left join (
        select session_id, count(*) as number, max(seq) as last from entries group by session_id
    ) as kept using (session_id)
    where head <> coalesce(last, 0) or head <> coalesce(number, 0)
    or (head > 0 and head_hash <> (select hash from entries as line
        where line.session_id = sessions.session_id and line.seq = head))
"""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds. `size` is in bytes."""

    sessions: int
    entries: int
    size: int


def back_up(source: Path, target: Path, *, overwrite: bool = False) -> Copied:
    """Copy a database as it stands at one moment into one file, which is there only once it is whole and on disk.

    Raises FileExistsError unless it may `overwrite`, OSError, and StoreError where the database, or the copy, is bad.
    """
    if not source.is_file():
        raise StoreError(f"there is no database at {source}")
    if target.exists() and (target.samefile(source) or not overwrite):
        raise FileExistsError(f"{target} exists")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with _told(source):
            copied = _copy(source, part)
        _sync(part)
        part.replace(target)
        _sync(target.absolute().parent)
    finally:
        part.unlink(missing_ok=True)
    return copied


def _copy(source: Path, part: Path) -> Copied:
    with closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as reading, closing(sqlite3.connect(part)) as writing:
        # all pages in one step: under one reading transaction nothing that is written meanwhile shows
        reading.backup(writing)
        # one file without companions, whatever the server's has
        writing.execute("pragma journal_mode = delete")
        (found,) = writing.execute("pragma integrity_check(1)").fetchone()
        if found != "ok":
            raise StoreError(f"the copy of {source} is damaged ({found})")
        (differing,) = writing.execute(_DIFFERING).fetchone()
        if differing:
            raise StoreError(f"{source}: the logs of {differing} sessions are not what the table of sessions says")
        (sessions,) = writing.execute("select count(*) from sessions where session_id <> ?", (STUDY,)).fetchone()
        (entries,) = writing.execute("select count(*) from entries").fetchone()
    return Copied(sessions, entries, part.stat().st_size)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _told(source: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied: {error}") from error
