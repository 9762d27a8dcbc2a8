"""One session's log: numbered, durable before it is visible, followed by whoever wants to know."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager

from roomful.codec import GENESIS, decode, encode, parse_timestamp
from roomful.core.decide import Decided, enter, numbered
from roomful.core.events import CallRequested, Entry, Event, SessionEnded
from roomful.core.inputs import Input
from roomful.core.state import SessionState, fold
from roomful.folded import packed, unpacked
from roomful.store import Fenced, Folded, Line, Store, StoreError

type OnLines = Callable[[str, Sequence[Line]], None]
"""Told of each batch that has become durable: the session's id and the lines."""

KEPT_EVERY = 60
"""Entries after which the state is kept anew beside the lines, so that a restart reads few of them: a minute's."""

BEHIND_MOST = 200
"""Entries that wait for a slow follower in memory; one that is further behind reads them from the store."""


async def _read(store: Store, session_id: str) -> tuple[SessionState | None, list[Line]]:
    """What is kept of a session's state, and the lines from the last that it knows; or all lines."""
    kept = await store.folded(session_id)
    if kept and (state := unpacked(kept.state)):
        lines = await store.read(session_id, kept.seq - 1)
        if lines and (lines[0].seq, lines[0].hash, state.seq) == (kept.seq, kept.hash, kept.seq):
            return state, lines
    return None, await store.read(session_id)


def _start_of(line: Line) -> int:
    """When `at` was 0, in microseconds since the epoch."""
    return parse_timestamp(line.text.split('"', 4)[3]) - round(decode(line.text, folding=True).at * 1e6)


def folded(texts: Sequence[str], state: SessionState | None = None) -> SessionState:
    """Return the state after the lines of a log, or after those that follow on a state. Raises CodecError."""
    entries = [decode(text, folding=True) for text in texts]
    state = fold(entries, state)
    if state.calls:
        # they may be asked again, and the prompts, which are most of a log, were not read
        asked = (text for text, entry in zip(texts, entries, strict=True) if isinstance(entry.event, CallRequested))
        calls = [event for text in asked if isinstance(event := decode(text).event, CallRequested)]
        state.calls = {**state.calls, **{call.call_id: call for call in calls if call.call_id in state.calls}}
    return state


class SessionLog:
    """One session's entries: durable before they are visible.

    Used by one task, the session's own; followers only read. `started` is when the session's clock was 0, in
    microseconds since the epoch. `salt` makes a fresh random hex string for each line.
    """

    def __init__(
        self,
        store: Store,
        session_id: str,
        epoch: int,
        started: int,
        salt: Callable[[], str],
        on_lines: OnLines | None = None,
    ) -> None:
        self.session_id = session_id
        self.started = started
        self.state = SessionState()
        self._store = store
        self._epoch = epoch
        self._salt = salt
        self._on_lines = on_lines
        self._hash = GENESIS
        self._kept = 0
        self._unsure: tuple[list[Line], Decided] | None = None
        self._followers: list[_Follower] = []

    @classmethod
    async def open(
        cls,
        store: Store,
        session_id: str,
        epoch: int,
        now: int,
        salt: Callable[[], str],
        on_lines: OnLines | None = None,
    ) -> "SessionLog":
        """Read a session's log and fold it. One without entries starts `now` (microseconds since the epoch)."""
        kept, lines = await _read(store, session_id)
        state = folded([line.text for line in lines if kept is None or line.seq > kept.seq], kept)
        log = cls(store, session_id, epoch, _start_of(lines[0]) if lines else now, salt, on_lines)
        log.state = state
        log._hash = lines[-1].hash if lines else GENESIS
        log._kept = kept.seq if kept else 0
        return log

    def decide(self, input: Input, now: float) -> Decided:
        """Return what follows from an input at `now`, to be entered next. Raises Refused."""
        return enter(self.state, input, now)

    async def append(self, events: Sequence[Event], at: float, input: Input | None = None) -> list[Entry]:
        """Number the events, store them, then show them, as `enter` does. `input` is what led to them."""
        decided = numbered(self.state, events, at, input)
        await self.enter(decided)
        return decided.entries

    async def enter(self, decided: Decided) -> None:
        """Store entries that were decided on this log's state, then show them.

        Raises StoreError when it is not known to be stored (see `settle`), and Fenced.
        """
        lines = self._lines(decided.entries)
        kept = self._folded(decided.state, lines[-1])
        try:
            await self._store.append(self.session_id, self._epoch, lines, kept)
        except StoreError:
            self._unsure = (lines, decided)
            raise
        if kept:
            self._kept = kept.seq
        self._publish(lines, decided)

    def _folded(self, state: SessionState, last: Line) -> Folded | None:
        """What to keep of a state beside the lines, if it is time to."""
        if not self._store.lasting or state.ended is not None or state.seq - self._kept < KEPT_EVERY:
            return None
        data = packed(state)
        return Folded(state.seq, last.hash, data) if data else None

    def _lines(self, entries: Sequence[Entry]) -> list[Line]:
        link, lines = self._hash, []
        for entry in entries:
            event = entry.event
            text, link = encode(entry, self.session_id, self.started, link, self._salt())
            ended = event.reason if isinstance(event, SessionEnded) else None
            lines.append(Line(entry.seq, text, link, entry.shown, ended))
        return lines

    @property
    def unsure(self) -> bool:
        """Whether it is not known of the last append if it was stored (see `settle`)."""
        return self._unsure is not None

    async def settle(self) -> list[Entry]:
        """Find out whether the last append that failed was stored after all; return its entries, taken up, if so.

        Raises StoreError while the store cannot be read, and Fenced when somebody else has written instead.
        """
        if self._unsure is None:
            return []
        lines, decided = self._unsure
        found = await self._store.read(self.session_id, self.state.seq)
        if found and [line.hash for line in found] != [line.hash for line in lines]:
            raise Fenced(f"another owner has written to session {self.session_id}")
        self._unsure = None
        if not found:
            return []
        self._publish(lines, decided)
        return decided.entries

    async def follow(self, after: int = 0) -> AsyncGenerator[Entry]:
        """Yield the entries with a `seq` greater than `after`, then each new one, until the session has ended."""
        with self._joined() as follower:
            if after < follower.seen:
                for line in await self._store.read(self.session_id, after):
                    if line.seq <= follower.seen:
                        yield decode(line.text)
            async for entry in self._live(follower):
                yield entry

    async def follow_shown(self, after: int = 0) -> AsyncGenerator[Entry]:
        """Yield the entries with a `shown` greater than `after`, then each new one of any kind, until the end."""
        with self._joined() as follower:
            joined = follower.seen
            if after < self.state.shown:
                for line in await self._store.read_shown(self.session_id, after):
                    if line.seq <= joined:
                        yield decode(line.text)
            async for entry in self._live(follower):
                yield entry

    @contextmanager
    def _joined(self) -> Iterator["_Follower"]:
        follower = _Follower(self.state.seq)
        self._followers.append(follower)
        try:
            yield follower
        finally:
            self._followers.remove(follower)

    async def _live(self, follower: "_Follower") -> AsyncGenerator[Entry]:
        while self.state.ended is None or follower.seen < self.state.seq:
            if follower.lost:
                follower.lost = False
                for line in await self._store.read(self.session_id, follower.seen):
                    if line.seq <= self.state.seq:
                        follower.seen = line.seq
                        yield decode(line.text)
            elif follower.waiting:
                entry = follower.waiting.popleft()
                if entry.seq > follower.seen:
                    follower.seen = entry.seq
                    yield entry
            else:
                await follower.wait()

    def _publish(self, lines: Sequence[Line], decided: Decided) -> None:
        self.state, self._hash = decided.state, lines[-1].hash
        if self._on_lines:
            self._on_lines(self.session_id, lines)
        for follower in self._followers:
            follower.tell(decided.entries)


class _Follower:
    """What one follower has not seen yet."""

    __slots__ = ("_woken", "lost", "seen", "waiting")

    def __init__(self, seen: int) -> None:
        self.seen = seen
        self.waiting: deque[Entry] = deque()
        self.lost = False
        """It fell too far behind; what it misses has to be read from the store."""
        self._woken: asyncio.Future[None] | None = None

    def tell(self, entries: Sequence[Entry]) -> None:
        if not self.lost:
            self.waiting.extend(entries)
        if len(self.waiting) > BEHIND_MOST:
            self.lost = True
            self.waiting.clear()
        if self._woken and not self._woken.done():
            self._woken.set_result(None)

    async def wait(self) -> None:
        """Return when there is something new."""
        if self.waiting or self.lost:
            return
        self._woken = asyncio.get_running_loop().create_future()
        try:
            await self._woken
        finally:
            self._woken = None
