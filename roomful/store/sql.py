"""The store in a database. All that wait at one moment share a transaction, and with it one fsync."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import repeat
from typing import Any

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    Connection,
    Delete,
    Dialect,
    Insert,
    Select,
    Update,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    update,
)

from roomful.store import STUDY, Fenced, Folded, Line, SessionRow, StoreError, UnknownSession, Watch, rules
from roomful.store.databases import Database, Work, database
from roomful.store.migrations import migrate
from roomful.store.tables import checks, entries, sessions
from roomful.store.tables import folded as kept_folded

type Values = tuple[str | int | float | bytes | None, ...]

_LARGEST_GROUP = 1_000
"""Operations a transaction takes at most: those behind them should not wait for ever."""

_ADD_SESSION = insert(sessions)
_MOVE_SESSION = (
    update(sessions)
    .where(sessions.c.session_id == bindparam("id"))
    .values({name: bindparam(f"new_{name}") for name in ("epoch", "head", "head_hash", "ended")})
)
_ADD_ENTRY = insert(entries)
_REWRITE_ENTRY = (
    update(entries)
    .where(entries.c.session_id == bindparam("id"), entries.c.seq == bindparam("number"))
    .values(text=bindparam("new_text"))
)
_REWRITE_ABOUT = update(sessions).where(sessions.c.session_id == bindparam("id")).values(about=bindparam("new_about"))
_KEEP_FOLDED = insert(kept_folded)
_FORGET_FOLDED = delete(kept_folded).where(kept_folded.c.session_id == bindparam("id"))
_READ_FOLDED = select(kept_folded.c.seq, kept_folded.c.hash, kept_folded.c.state).where(
    kept_folded.c.session_id == bindparam("id")
)
_COUNT_CHECK = update(checks).values(number=checks.c.number + literal_column("1"))
_READ = select(entries.c.seq, entries.c.text, entries.c.hash, entries.c.shown, entries.c.ended).where(
    entries.c.session_id == bindparam("id"), entries.c.seq > bindparam("after")
)
_READ_LINES = _READ.order_by(entries.c.seq)
_READ_ENDS = (
    select(entries.c.session_id, entries.c.text)
    .join(sessions, (sessions.c.session_id == entries.c.session_id) & (sessions.c.head == entries.c.seq))
    .where(sessions.c.ended.is_not(None), sessions.c.session_id != STUDY)
)
_READ_FIRST = _READ.where(entries.c.seq == literal_column("1"))
# an entry's number among the shown ones is never above its seq, so `seq > after` loses none
_READ_SHOWN = _READ.where(entries.c.shown > bindparam("after")).order_by(entries.c.seq)
_FIND = select(sessions).where(sessions.c.session_id == bindparam("id"))
_ALL = select(sessions).where(sessions.c.session_id != STUDY).order_by(sessions.c.created, sessions.c.session_id)
_LIVE = _ALL.where(sessions.c.head > 0, sessions.c.ended.is_(None))


class SQLStore:
    """Sessions and their lines in SQLite or PostgreSQL."""

    lasting = True

    def __init__(
        self,
        database: Database,
        gather: Callable[[], Awaitable[None]] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._database = database
        self._gather = gather
        self._watch = watch
        self._waiting: list[_Waiting[Any]] = []
        self._committer: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        gather: Callable[[], Awaitable[None]] | None = None,
        busy_timeout: float = 5.0,
        watch: Watch | None = None,
    ) -> "SQLStore":
        """Open the database of this `DATABASE_URL`, its tables made or migrated. Or ValueError, StoreError, Damaged.

        `gather` is awaited before each commit, so that more may come and share it: a few milliseconds of sleep
        save a busy server half of the work. `busy_timeout` is how many seconds SQLite waits for another process
        that has the file locked. `watch` is told of every commit.
        """
        opened = database(url, busy_timeout)
        try:
            await opened.write(migrate)
            await opened.look()
        except StoreError:
            await opened.close()
            raise
        return cls(opened, gather, watch)

    async def reserve(self, session_id: str, created: float, about: str) -> None:
        await self._write(session_id, lambda group: group.reserve(session_id, created, about))

    async def claim(self, session_id: str) -> SessionRow:
        return await self._write(session_id, lambda group: group.claim(session_id))

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        """Store the lines durably. Cancelling the wait does not take them back: claim again and read."""
        if not lines:
            return
        rules.check_lines(lines)
        await self._write(session_id, lambda group: group.append(session_id, epoch, lines, folded))

    async def folded(self, session_id: str) -> Folded | None:
        return await self._read(partial(_kept, session_id))

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        return await self._read(partial(_lines, _READ_LINES, session_id, after))

    async def read_shown(self, session_id: str, after: int = 0) -> list[Line]:
        return await self._read(partial(_lines, _READ_SHOWN, session_id, after))

    async def first(self, session_id: str) -> Line | None:
        lines = await self._read(partial(_lines, _READ_FIRST, session_id, 0))
        return lines[0] if lines else None

    async def ends(self) -> dict[str, str]:
        """The text of the line that each session has ended with, by session."""
        return await self._read(_ends)

    async def find(self, session_id: str) -> SessionRow | None:
        rows = await self._read(partial(_rows, _FIND, {"id": session_id}))
        return rows[0] if rows else None

    async def sessions(self, *, live: bool = False) -> list[SessionRow]:
        return await self._read(partial(_rows, _LIVE if live else _ALL, {}))

    async def rewrite(self, session_id: str, texts: Mapping[int, str], about: str | None = None) -> None:
        await self._database.write(partial(_rewrite, session_id, texts, about))

    async def scrub(self) -> bool:
        return await self._database.scrub()

    async def check(self) -> None:
        await self._write(None, _Group.check)

    async def close(self) -> None:
        """Wait for what is being written, then close the database."""
        self._closed = True
        if self._committer is not None:
            await self._committer
        await self._database.close()

    async def _read[T](self, work: Work[T]) -> T:
        try:
            return await self._database.read(work)
        except StoreError as fault:
            if self._watch:
                self._watch.unread(fault)
            raise

    async def _write[T](self, session_id: str | None, operation: "Callable[[_Group], T]") -> T:
        if self._closed:
            raise StoreError("the store is closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(session_id, operation, done)
        self._waiting.append(waiting)
        if self._committer is None or self._committer.done():
            # it belongs to no single append, as it commits for all; close() awaits it
            self._committer = asyncio.create_task(self._commit_waiting())  # noqa: TID251
        return await done

    async def _commit_waiting(self) -> None:
        """Commit group after group until nobody waits: what comes in meanwhile makes the next group."""
        while self._waiting:
            if self._gather is not None and not self._closed:
                await self._gather()
            group, self._waiting = self._waiting[:_LARGEST_GROUP], self._waiting[_LARGEST_GROUP:]
            failed = StoreError("the commit was broken off")
            try:
                await self._commit(group)
            except StoreError as error:
                failed = error
            else:
                for waiting in group:
                    waiting.settle()
            finally:
                for waiting in group:
                    waiting.fail(failed)

    async def _commit(self, group: "Sequence[_Waiting[Any]]") -> None:
        if self._watch is None:
            await self._database.write(partial(_run, group))
            return
        self._watch.committing()
        try:
            await self._database.write(partial(_run, group))
        except StoreError as fault:
            self._watch.failed(fault)
            raise
        self._watch.committed()


class _Waiting[T]:
    """An operation in the queue, and the future that its caller awaits."""

    def __init__(self, session_id: str | None, operation: "Callable[[_Group], T]", done: asyncio.Future[T]) -> None:
        self.session_id = session_id
        self._operation = operation
        self._done = done
        self._settle: Callable[[], None] | None = None

    def run(self, group: "_Group") -> None:
        """Do it in the group, and keep what came of it until the group is committed."""
        try:
            outcome = self._operation(group)
        except (Fenced, UnknownSession, ValueError) as refusal:
            self._settle = partial(self._done.set_exception, refusal)
        else:
            self._settle = partial(self._done.set_result, outcome)

    def settle(self) -> None:
        """Tell the caller, unless it was cancelled meanwhile."""
        if self._settle is not None and not self._done.done():
            self._settle()

    def fail(self, error: StoreError) -> None:
        """Tell a caller that has not been told that nothing was stored."""
        if not self._done.done():
            # an exception of its own for each caller: a traceback grows with every raise
            self._done.set_exception(StoreError(*error.args))


class _Group:
    """What a transaction has read, under lock, and is going to write."""

    def __init__(self, rows: Sequence[SessionRow]) -> None:
        self._rows = {row.session_id: row for row in rows}
        self._given_out: set[str] = set()
        self._moved: set[str] = set()
        self._entries: list[Values] = []
        self._folded: dict[str, Folded | None] = {}
        self._checked = False

    def reserve(self, session_id: str, created: float, about: str) -> None:
        known = self._rows.get(session_id)
        self._rows[session_id] = rules.reserve(known, session_id, created, about)
        if known is None:
            self._given_out.add(session_id)

    def claim(self, session_id: str) -> SessionRow:
        row = self._rows.get(session_id)
        if row is None:
            raise UnknownSession(session_id)
        return self._move(row._replace(epoch=row.epoch + 1))

    def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None) -> None:
        row = self._rows.get(session_id)
        moved = rules.advance(row, epoch, lines)
        if moved is row:
            return
        self._move(moved)
        self._entries += [(session_id, line.seq, line.text, line.hash, line.shown, line.ended) for line in lines]
        if moved.ended:
            self._folded[session_id] = None
        elif folded:
            self._folded[session_id] = folded

    def check(self) -> None:
        self._checked = True

    def _move(self, row: SessionRow) -> SessionRow:
        self._rows[row.session_id] = row
        self._moved.add(row.session_id)
        return row

    def write(self, connection: Connection) -> None:
        moved = [self._rows[name] for name in sorted(self._moved - self._given_out)]
        given_out = [self._rows[name] for name in sorted(self._given_out)]
        if given_out:
            _execute(connection, _ADD_SESSION, given_out)
        if moved:
            changes: list[Values] = [(row.epoch, row.head, row.head_hash, row.ended, row.session_id) for row in moved]
            _execute(connection, _MOVE_SESSION, changes)
        if self._entries:
            _execute(connection, _ADD_ENTRY, self._entries)
        if self._folded:
            _execute(connection, _FORGET_FOLDED, [(name,) for name in self._folded])
            if kept := [(name, *folded) for name, folded in self._folded.items() if folded]:
                _execute(connection, _KEEP_FOLDED, kept)
        if self._checked and not (moved or given_out):
            connection.execute(_COUNT_CHECK)


def _run(group: "Sequence[_Waiting[Any]]", connection: Connection) -> None:
    """Do the operations in the order they came in, in three statements however many they are.

    The rows stay locked from reading to commit, so what is decided on them in between still holds when the
    lines are inserted; a session that is refused adds nothing and disturbs nobody.
    """
    names = sorted({waiting.session_id for waiting in group if waiting.session_id is not None})
    transaction = _Group(_lock(names, connection) if names else [])
    for waiting in group:
        waiting.run(transaction)
    transaction.write(connection)


def _rewrite(session_id: str, texts: Mapping[int, str], about: str | None, connection: Connection) -> None:
    rows = _lock([session_id], connection)
    if not rows:
        raise UnknownSession(session_id)
    rules.check_texts(rows[0], texts)
    _execute(connection, _FORGET_FOLDED, [(session_id,)])
    if texts:
        changes: list[Values] = [(text, session_id, seq) for seq, text in sorted(texts.items())]
        _execute(connection, _REWRITE_ENTRY, changes)
    if about is not None:
        _execute(connection, _REWRITE_ABOUT, [(about, session_id)])


def _lock(names: Sequence[str], connection: Connection) -> list[SessionRow]:
    # powers of two, filled up with the last name: a database prepares few statements, not one for each number
    size = 1 << (len(names) - 1).bit_length()
    filled = (*names, *repeat(names[-1], size - len(names)))
    return [SessionRow(*row) for row in connection.exec_driver_sql(_text(_lock_rows(size), connection.dialect), filled)]


@cache
def _lock_rows(size: int) -> Select[*tuple[Any, ...]]:
    # in one order everywhere, so that two workers on PostgreSQL never wait for each other in a circle
    ids: list[BindParameter[str]] = [bindparam(f"id{number}") for number in range(size)]
    return select(sessions).where(sessions.c.session_id.in_(ids)).order_by(sessions.c.session_id).with_for_update()


def _execute(connection: Connection, statement: Insert | Update | Delete, rows: Sequence[Values]) -> None:
    """Execute for each row; its values stand in the order of the statement's columns, those of `where` last."""
    connection.exec_driver_sql(_text(statement, connection.dialect), rows)


@lru_cache(maxsize=64)
def _text(statement: ClauseElement, dialect: Dialect) -> str:
    # what runs a hundred times a second is compiled once: SQLAlchemy's own cache costs as much as SQLite's work
    return str(statement.compile(dialect=dialect))


def _rows(query: Select[*tuple[Any, ...]], values: Mapping[str, object], connection: Connection) -> list[SessionRow]:
    return [SessionRow(*row) for row in connection.execute(query, values)]


def _ends(connection: Connection) -> dict[str, str]:
    return {str(session_id): str(text) for session_id, text in connection.execute(_READ_ENDS)}


def _kept(session_id: str, connection: Connection) -> Folded | None:
    row = connection.execute(_READ_FOLDED, {"id": session_id}).one_or_none()
    return Folded(*row) if row else None


def _lines(query: Select[*tuple[Any, ...]], session_id: str, after: int, connection: Connection) -> list[Line]:
    result = connection.execute(query, {"id": session_id, "after": after})
    # a log is read by the thousands of lines, and texts and integers need nothing of what a row of SQLAlchemy's does
    return [Line(*row) for row in result.cursor.fetchall()]
