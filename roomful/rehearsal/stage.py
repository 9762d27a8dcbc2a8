"""One room of a rehearsal: the same session as a live one, on a simulated timeline, with a stand-in in it."""

import asyncio
from collections.abc import Callable, Collection, Iterator

from roomful.core.decide import Decided, enter
from roomful.core.events import Entry
from roomful.core.inputs import Connect, End, Input, Start
from roomful.core.state import SessionState
from roomful.llm import LLM
from roomful.log import SessionLog
from roomful.rehearsal.standins import Move, Seen
from roomful.session import SimulationSession
from roomful.store import Line
from roomful.store.memory import MemoryStore
from roomful.timeline import Arrival, SimulatedTimeline

BROKEN_OFF = "budget_exhausted"
"""The reason of a session that the rehearsal ends because its budget is used."""


class Attended(SimulatedTimeline):
    """A simulated timeline on which somebody acts at times of their own, by what they have seen until then."""

    def __init__(self, moves: Iterator[Move], state: Callable[[], SessionState], enough: Callable[[], bool]) -> None:
        """`enough` tells whether the session is to be ended at once."""
        super().__init__()
        self._moves = moves
        self._move = next(moves, None)
        self._state = state
        self._enough = enough

    async def next(self, deadline: float, calls: Collection[asyncio.Task[None]]) -> Arrival | None:
        """Return the next arrival or move, or None once the deadline has come."""
        if self._enough() and self._state().started:
            return Arrival(End(reason=BROKEN_OFF))
        move = self._move
        if move is None:
            return await super().next(deadline, calls)
        arrival = await super().next(min(deadline, move.at), calls)
        if arrival is not None or self.now() < move.at:
            return arrival
        self._move = next(self._moves, None)
        state = self._state()
        return Arrival(move.act(Seen(state.messages, state.shown)))


class _Kept(SessionLog):
    """A log that keeps its entries as they were made: to read them back from its lines would take as long as all."""

    def __init__(
        self,
        store: MemoryStore,
        session_id: str,
        epoch: int,
        started: int,
        salt: Callable[[], str],
        *,
        written: bool,
    ) -> None:
        super().__init__(store, session_id, epoch, started, salt)
        self.entries: list[Entry] = []
        self._written = written

    def decide(self, input: Input, now: float) -> Decided:
        # whatever is decided here is stored: nobody needs the state as it was
        return enter(self.state, input, now, in_place=True)

    async def enter(self, decided: Decided) -> None:
        if self._written:
            await super().enter(decided)
        else:
            self.state = decided.state
        self.entries += decided.entries


class Stage:
    """Plays sessions one after the other or side by side; nothing is left of one that is over."""

    def __init__(self, llm: LLM, salt: Callable[[], str], enough: Callable[[], bool], *, written: bool) -> None:
        """With `written` there are lines of each session, which takes a quarter of the time."""
        self._llm = llm
        self._salt = salt
        self._enough = enough
        self._written = written

    async def play(self, start: Start, started: int, moves: Iterator[Move]) -> tuple[list[Entry], list[Line], str]:
        """Run a whole session; return its entries, its lines, and what it crashed over (empty: nothing).

        `started` is in microseconds since the epoch of the simulated time.
        """
        store = MemoryStore()
        await store.reserve(start.session_id, started / 1e6, "{}")
        row = await store.claim(start.session_id)
        log = _Kept(store, start.session_id, row.epoch, started, self._salt, written=self._written)
        timeline = Attended(moves, lambda: log.state, self._enough)
        session = SimulationSession(log, self._llm, timeline)
        session.put(start, 0)
        session.put(Connect(protocol=2), 0)
        crash = ""
        try:
            await session.run()
        except* Exception as group:  # noqa: BLE001
            # as in a live host: one room that breaks down must not take all others with it
            crash = repr(group.exceptions[0])
        return log.entries, await store.read(start.session_id), crash
