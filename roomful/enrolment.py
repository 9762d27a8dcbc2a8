"""The study's own log, kept: who comes in is decided here, by one process at a time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from roomful.codec import GENESIS, CodecError
from roomful.core.admission import Arrive, Begin, EndChat, StudyInput, decide_study, participation_of
from roomful.core.decide import Refused
from roomful.core.enrolment import StudyEntry
from roomful.core.journey import place_of, time_left
from roomful.core.roster import Participation, StudyState, evolve_study, fold_study
from roomful.log import OnLines
from roomful.store import STUDY, Fenced, Line, Store, StoreError
from roomful.study_codec import STUDY_INPUTS, decode_study, encode_study

TRIES_MOST = 100
"""How often a batch is decided anew because another process was first, before the store counts as failing."""

BATCH_MOST = 100
"""Inputs that are decided together: what takes 50 ms stops nobody's room."""

BACKOFF_FIRST, BACKOFF_MOST = 0.25, 5.0
"""Seconds until what nobody waits for is tried again: doubled each time up to the most."""

CREATED = 0.0
"""When the stream is given out: whoever comes first does it, so all must do it alike."""

REHEARSAL = '{"rehearsal": true}'
"""What is known of the stream where a rehearsal's sessions are kept."""


@dataclass(slots=True)
class _Waiting:
    input: StudyInput
    waiter: asyncio.Future[list[StudyEntry]] | None


class Enrolment:
    """Who takes part in a study: inputs are decided one after the other, and appended in batches.

    Processes need not know of each other. Each reads what others have appended before it decides, and whose append
    comes second is refused by the store, reads on, and decides anew.
    """

    def __init__(
        self, store: Store, *, clock: Callable[[], int], salt: Callable[[], str], on_lines: OnLines | None = None
    ) -> None:
        """`clock` gives microseconds since the epoch, `salt` a fresh random hex string for each line."""
        self.state = StudyState()
        self._store = store
        self._clock = clock
        self._salt = salt
        self._on_lines = on_lines
        self._hash = GENESIS
        self._epoch = 0
        self._waiting: deque[_Waiting] = deque()
        # one batch at a time: what is decided next is decided on what has been stored
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()

    async def open(self) -> None:
        """Read the study's log, and begin it where there is none. Raises StoreError."""
        row = await self._store.find(STUDY)
        if row is None:
            with suppress(ValueError):
                await self._store.reserve(STUDY, CREATED, "{}")
        else:
            self._epoch = row.epoch
        async with self._turn:
            # what there is already needs no telling: whoever follows the log completes it by itself
            await self._catch_up(telling=False)

    async def look(self) -> StudyState:
        """The state with what other processes have appended until now. Raises StoreError."""
        async with self._turn:
            await self._catch_up()
        return self.state

    async def submit(self, input: StudyInput) -> list[StudyEntry]:
        """Hand in an input and return the entries it led to, durable; none where it was done before.

        Raises Refused when it was not taken, StoreError when it could not be stored.
        """
        waiter: asyncio.Future[list[StudyEntry]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(input, waiter))
        try:
            # whoever's turn it is does it for all who wait
            while not waiter.done():
                async with self._turn:
                    if not waiter.done():
                        await self._enter()
            return waiter.result()
        finally:
            waiter.cancel()

    async def check(self, arrival: Arrive) -> None:
        """Raise Refused where somebody would not be let in now, be it by what another process did. Or StoreError."""
        state = self.state if arrival.token is None or arrival.token in self.state.tokens else await self.look()
        decide_study(state, arrival, self._now())

    async def arrive(self, arrival: Arrive) -> Participation:
        """Let somebody in, or back in, and return their participation. Raises Refused, StoreError."""
        await self.submit(arrival)
        known = participation_of(self.state, arrival)
        if known is None:
            # a person's next participation took the place of this one meanwhile
            raise Refused("second", "This person takes part already.")
        return known

    def begun(self, session_id: str) -> None:
        """The first socket of a session is up: its token is spent. To be told each time; once is enough."""
        known = self.state.participations.get(session_id)
        if known is None or known.begun is None:
            self._put(Begin(session_id=session_id))

    def ended(self, session_id: str, reason: str) -> None:
        """A session has ended."""
        self._put(EndChat(session_id=session_id, reason=reason))

    def may_begin(self, session_id: str) -> bool:
        """Whether a session may start now: after a stop only those go on that have begun."""
        known = self.state.participations.get(session_id)
        return not (self.state.paused and self.state.paused.stopped) or bool(known and known.begun)

    def time_left(self, session_id: str) -> float | None:
        """Seconds that somebody has left for the page where they are, below 0 when it is too late; None: any number."""
        known = self.state.participations.get(session_id)
        return time_left(self.state.rules, known, self._now()) if known else None

    async def find(self, session_id: str) -> Participation | None:
        """Somebody's participation, with what other processes have appended until now. Raises StoreError."""
        await self.flush()
        return (await self.look()).participations.get(session_id)

    async def lets_in(self, session_id: str) -> bool:
        """Whether no page lies between a session and its chat, and nothing ended it before. Raises StoreError."""
        known = self.state.participations.get(session_id)
        if self.state.rules.pages:
            known = await self.find(session_id)
        # a session that nobody came in for, such as one that a program gave out, has no pages
        return known is None or place_of(self.state.rules.pages, known) == "chat" or known.ended is not None

    async def reconcile(self) -> None:
        """Learn of sessions that began or ended while nobody could tell. Raises StoreError."""
        for row in await self._store.sessions():
            known = self.state.participations.get(row.session_id)
            if known is None or known.ended is not None:
                continue
            if row.ended is not None:
                self.ended(row.session_id, row.ended)
            elif row.head:
                self.begun(row.session_id)
        await self.flush()

    async def run(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Enter what nobody waits for, until cancelled; while the store fails, later."""
        backoff = BACKOFF_FIRST
        while True:
            await self._woken.wait()
            try:
                await self.flush()
                backoff = BACKOFF_FIRST
            except StoreError:
                # the store's own watch tells of it
                await sleep(backoff)
                backoff = min(backoff * 2, BACKOFF_MOST)

    async def flush(self) -> None:
        """Enter all that waits. Raises StoreError; what nobody waits for is kept for later then."""
        while self._waiting:
            async with self._turn:
                await self._enter(telling=True)
        self._woken.clear()

    def _put(self, input: StudyInput) -> None:
        self._waiting.append(_Waiting(input, None))
        self._woken.set()

    async def _enter(self, *, telling: bool = False) -> None:
        """Decide and append what waits now. A failing store is told to those who wait, and raised if `telling`."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MOST))]
        # who has gone away meanwhile was promised nothing
        batch = [waiting for waiting in batch if waiting.waiter is None or not waiting.waiter.done()]
        try:
            outcomes = await self._decided(batch)
        except StoreError as fault:
            self._put_back(waiting for waiting in batch if waiting.waiter is None)
            for waiting in batch:
                _answer(waiting, StoreError(*fault.args))
            if telling:
                raise
        except BaseException:
            # whoever did it for all was cancelled, or met a fault of the program: nobody else may wait for ever
            self._put_back(waiting for waiting in batch if waiting.waiter is None or not waiting.waiter.done())
            raise
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                _answer(waiting, outcome)

    def _put_back(self, batch: Iterable[_Waiting]) -> None:
        self._waiting.extendleft(reversed(list(batch)))
        if any(waiting.waiter is None for waiting in self._waiting):
            self._woken.set()

    async def _decided(self, batch: Sequence[_Waiting]) -> list[list[StudyEntry] | Refused]:
        """What came of each input, stored."""
        for _ in range(TRIES_MOST):
            await self._catch_up()
            state, outcomes = self._decide(batch)
            entries = [entry for outcome in outcomes if isinstance(outcome, list) for entry in outcome]
            if not entries:
                return outcomes
            lines = self._lines(entries)
            try:
                await self._store.append(STUDY, self._epoch, lines)
            except Fenced:
                row = await self._store.find(STUDY)
                self._epoch = row.epoch if row else 0
                continue
            self._take(lines, state)
            return outcomes
        raise StoreError(f"the study's log was written by others {TRIES_MOST} times while this was decided")

    def _now(self) -> float:
        # time in a log never runs backwards, whatever the clocks of several machines say
        return max(self._clock() / 1e6, self.state.at)

    def _decide(self, batch: Sequence[_Waiting]) -> tuple[StudyState, list[list[StudyEntry] | Refused]]:
        now, state = self._now(), self.state
        outcomes: list[list[StudyEntry] | Refused] = []
        for waiting in batch:
            try:
                events = decide_study(state, waiting.input, now)
            except Refused as refusal:
                outcomes.append(refusal)
                continue
            name = STUDY_INPUTS[type(waiting.input)]
            entries = [
                StudyEntry(state.seq + number, now, event, name if number == 1 else None)
                for number, event in enumerate(events, 1)
            ]
            state = fold_study(entries, state)
            outcomes.append(entries)
        return state, outcomes

    def _lines(self, entries: Sequence[StudyEntry]) -> list[Line]:
        link, lines = self._hash, []
        for entry in entries:
            encoded = encode_study(entry, link, self._salt())
            link = encoded.hash
            lines.append(Line(entry.seq, encoded.text, encoded.hash))
        return lines

    async def _catch_up(self, *, telling: bool = True) -> None:
        """Take what others have appended."""
        lines = await self._store.read(STUDY, self.state.seq)
        if not lines:
            return
        state = self.state
        try:
            for line in lines:
                state = evolve_study(state, decode_study(line.text))
        except CodecError as fault:
            raise StoreError(f"the study's log cannot be read: {fault}") from fault
        self._take(lines, state, telling=telling)

    def _take(self, lines: Sequence[Line], state: StudyState, *, telling: bool = True) -> None:
        self.state, self._hash = state, lines[-1].hash
        if self._on_lines and telling:
            self._on_lines(STUDY, lines)


async def holds_rehearsal(store: Store) -> bool:
    """Whether a store holds the sessions of a rehearsal, among which nobody's data belong. Raises StoreError."""
    row = await store.find(STUDY)
    return row is not None and row.about == REHEARSAL


def _answer(waiting: _Waiting, outcome: list[StudyEntry] | Exception) -> None:
    if waiting.waiter is None or waiting.waiter.done():
        return
    if isinstance(outcome, Exception):
        waiting.waiter.set_exception(outcome.with_traceback(None))
    else:
        waiting.waiter.set_result(outcome)
