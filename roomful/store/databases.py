"""The two databases: how each runs a function on a connection without blocking the event loop."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from roomful.store import Damaged, StoreError

LOOKED_THROUGH_MOST = 256 << 20
"""Bytes of a database that are looked through at each start: about half a second of work."""

type Work[T] = Callable[[Connection], T]


class Database(Protocol):
    """Runs functions on a connection; StoreError with the reason in a sentence when that fails."""

    async def write[T](self, work: Work[T]) -> T:
        """Run `work` in a transaction of its own that is on disk when this returns. One at a time."""
        ...

    async def read[T](self, work: Work[T]) -> T:
        """Run `work`, which only reads, beside what is being written."""
        ...

    async def scrub(self) -> bool:
        """Leave nothing of what was changed in the files; False when somebody who reads keeps it for now."""
        ...

    async def look(self) -> None:
        """Look whether what is kept is whole, as far as that is quickly done. Or Damaged."""
        ...

    async def close(self) -> None: ...


class SQLite:
    """A file, written by one thread and read by another, so that neither waits for the other (WAL)."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._path = path
        self._where = str(path)
        with _told(self._where):
            path.parent.mkdir(parents=True, exist_ok=True)
        url = URL.create("sqlite+pysqlite", database=str(path))
        self._writing = create_engine(url, hide_parameters=True)
        self._reading = create_engine(url, hide_parameters=True, isolation_level="AUTOCOMMIT")
        _configure(self._writing, (*_DURABLE, f"busy_timeout = {int(busy_timeout * 1000)}"))
        _configure(self._reading, (f"busy_timeout = {int(busy_timeout * 1000)}", "query_only = on"))
        event.listen(self._writing, "begin", _begin_immediate)
        self._connection: Connection | None = None
        self._writer = ThreadPoolExecutor(1, "roomful-store-writer")
        self._reader = ThreadPoolExecutor(1, "roomful-store-reader")

    async def write[T](self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, work)

    def _write[T](self, work: Work[T]) -> T:
        with _told(self._where):
            if self._connection is None:
                self._connection = self._writing.connect()
            with self._connection.begin():
                return work(self._connection)

    async def read[T](self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, work)

    def _read[T](self, work: Work[T]) -> T:
        with _told(self._where), self._reading.connect() as connection:
            return work(connection)

    async def scrub(self) -> bool:
        # until then the WAL has the pages as they were
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._truncate_wal)

    def _truncate_wal(self) -> bool:
        with _told(self._where):
            if self._connection is None:
                self._connection = self._writing.connect()
            # sqlite3's own cursor: through SQLAlchemy it would be inside a transaction, where nothing is folded in
            with closing(self._connection.connection.cursor()) as cursor:
                try:
                    cursor.execute("pragma wal_checkpoint(truncate)")
                except sqlite3.Error as error:
                    raise StoreError(str(error)) from error
                busy, *_ = cursor.fetchone() or (1,)
        return not busy

    def _close(self) -> None:
        if self._connection is not None:
            # the pool does not close what it has given out
            self._connection.close()
        self._writing.dispose()

    async def look(self) -> None:
        if self._path.stat().st_size > LOOKED_THROUGH_MOST:
            return
        found = await self.read(lambda connection: connection.exec_driver_sql("pragma quick_check(1)").scalar())
        if found != "ok":
            raise Damaged(f"{self._where}: {_REASONS['SQLITE_CORRUPT']} ({found})")

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        # the writer last: SQLite folds the WAL into the file when its last connection closes, if that may write
        await loop.run_in_executor(self._reader, self._reading.dispose)
        await loop.run_in_executor(self._writer, self._close)
        self._reader.shutdown()
        self._writer.shutdown()


class PostgreSQL:
    """A PostgreSQL server, over asyncpg."""

    def __init__(self, url: URL) -> None:
        # it takes long to import, and SQLite does without
        from sqlalchemy.ext.asyncio import create_async_engine

        self._where = url.set(query={}).render_as_string(hide_password=True)
        settings = {"application_name": "roomful", "synchronous_commit": "on"}
        # seconds; without a limit a server that vanished would keep every session waiting
        arguments = {"server_settings": settings, "timeout": 10, "command_timeout": 30}
        try:
            self._engine = create_async_engine(url, hide_parameters=True, connect_args=arguments)
        except ImportError as error:
            raise ValueError(f'{self._where} needs asyncpg: pip install "roomful[postgres]"') from error
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def write[T](self, work: Work[T]) -> T:
        with _told(self._where):
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)

    async def read[T](self, work: Work[T]) -> T:
        with _told(self._where):
            async with self._reading.connect() as connection:
                return await connection.run_sync(work)

    async def scrub(self) -> bool:
        with _told(self._where):
            async with self._reading.connect() as connection:
                # rows as they were before a change are kept until then
                await connection.exec_driver_sql("vacuum entries, folded, sessions")
        return True

    async def look(self) -> None:
        """Its server looks after its own files."""

    async def close(self) -> None:
        await self._engine.dispose()


def database(url: str, busy_timeout: float) -> Database:
    """Return the database that a `DATABASE_URL` names. Or ValueError."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return SQLite(_path(parsed), busy_timeout)
    query = dict(parsed.query)
    # libpq's name for what asyncpg calls ssl
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return PostgreSQL(parsed.set(drivername="postgresql+asyncpg", query=query))


def sqlite_path(url: str) -> Path | None:
    """Return the file that a `DATABASE_URL` names, None if it names a PostgreSQL server. Or ValueError."""
    parsed = _parse(url)
    return _path(parsed) if parsed.get_backend_name() == "sqlite" else None


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("the database URL cannot be read: expected sqlite:///file or postgresql://…") from error
    if parsed.get_backend_name() == "postgres":
        parsed = parsed.set(drivername="postgresql")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ValueError(f"the database URL begins with {parsed.drivername}: expected sqlite or postgresql")
    return parsed


def _path(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.query:
        raise ValueError("the database URL must name a file: sqlite:///data/roomful.db")
    return Path(url.database)


# what is changed or taken away is overwritten with zeros, so that what a participant had deleted is gone from the file
_DURABLE = ("journal_mode = wal", "synchronous = full", "secure_delete = on")


def _configure(engine: Engine, pragmas: tuple[str, ...]) -> None:
    def connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # sqlite3 would begin transactions by itself, and only at the first change
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"pragma {pragma}")
        cursor.close()

    event.listen(engine, "connect", connect)


def _begin_immediate(connection: Connection) -> None:
    # the write lock comes first: what is read under it holds until the commit
    connection.exec_driver_sql("begin immediate")


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        kind, reason = _reason(error.orig)
        raise kind(f"{where}: {reason}") from error
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(f"{where}: {error}") from error
    except StoreError as error:
        raise StoreError(f"{where}: {error}") from error


_RESTORE = "restore a copy that `roomful backup` made, as docs/backup.md says"
_DAMAGED = {
    "SQLITE_CORRUPT": f"the file is damaged: {_RESTORE}",
    "SQLITE_NOTADB": f"the file is not a database: {_RESTORE}",
}

_REASONS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": "another process has it locked",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_IOERR": "the disk fails",
    "SQLITE_CANTOPEN": "it cannot be opened",
    **_DAMAGED,
    "53100": "the server's disk is full",
    "53300": "the server has no connection left",
    "25006": "it is read-only",
    "28P01": "the password is wrong",
    "3D000": "there is no such database",
    "55P03": "another process has it locked",
    "57P01": "the server is shutting down",
}
"""By SQLite's result code, and by PostgreSQL's SQLSTATE."""


def _reason(error: BaseException | None) -> tuple[type[StoreError], str]:
    name: str = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    # extended codes add to the plain one: SQLITE_IOERR_WRITE
    plain = "_".join(name.split("_")[:2])
    kind = Damaged if plain in _DAMAGED else StoreError
    return kind, f"{_REASONS[plain]} ({error})" if plain in _REASONS else str(error)
