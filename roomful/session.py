"""The shell around the core: makes the calls, hears the alarms, keeps the entries."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import structlog

from roomful.codec import input_name
from roomful.core.decide import Refused
from roomful.core.events import CallRequested, Entry
from roomful.core.inputs import Answered, Failed, Input, Rang, Say, Suspend
from roomful.llm import LLM, LLMError
from roomful.log import SessionLog
from roomful.store import StoreError
from roomful.timeline import Arrival, Timeline

_log = structlog.get_logger()

type OnCommit = Callable[[Sequence[Entry], float], None]
"""Told of each batch that was stored: its entries, and the seconds it took."""

BACKOFF_FIRST, BACKOFF_MOST = 0.25, 5.0
"""Seconds until a failing store is tried again: doubled each time up to the most."""


class SimulationSession:
    """Keeps the world in step with the state: its calls made, its alarms heard, its entries kept."""

    def __init__(self, log: SessionLog, llm: LLM, timeline: Timeline, on_commit: OnCommit | None = None) -> None:
        self.log = log
        self._llm = llm
        self._on_commit = on_commit
        self._timeline = timeline
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._wanted: Mapping[str, CallRequested] | None = None
        self._waiters: dict[asyncio.Future[list[Entry]], Arrival] = {}
        self._held: deque[Arrival] = deque()
        self._retry_at = 0.0
        self._backoff = BACKOFF_FIRST
        self._stopped = False
        self._entering: Input | None = None

    @property
    def entering(self) -> str:
        """The name of the input that is being entered, or was when the session broke down."""
        return _name(self._entering) if self._entering else ""

    async def submit(self, input: Input, at: float | None = None) -> list[Entry]:
        """Hand in an input and return the entries it led to, durable. `at` is when it comes; None: now.

        Raises Refused when it was not taken, StoreError when it could not be stored.
        """
        if self._stopped or self.log.state.ended is not None:
            raise self._too_late()
        waiter: asyncio.Future[list[Entry]] = asyncio.get_running_loop().create_future()
        arrival = self._waiters[waiter] = Arrival(input, at, waiter)
        self._timeline.put(arrival)
        try:
            return await waiter
        finally:
            del self._waiters[waiter]
            # raised here, its exception knows this frame
            del waiter

    def put(self, input: Input, at: float | None = None) -> None:
        """Hand in an input that nobody waits for."""
        self._timeline.put(Arrival(input, at))

    def suspend(self) -> None:
        """Stop running, and leave the session to be resumed."""
        self.put(Suspend())

    async def run(self) -> None:
        """Run the session until it has ended or is suspended. Raises a group with Fenced when it was taken over."""
        try:
            async with asyncio.TaskGroup() as tasks:
                try:
                    await self._loop(tasks)
                finally:
                    for call in self._calls.values():
                        call.cancel()
        finally:
            self._stopped = True
            for arrival in self._waiters.values():
                self._answer(arrival, self._too_late())

    async def _loop(self, tasks: asyncio.TaskGroup) -> None:
        self._match_calls(tasks)
        while self.log.state.ended is None:
            arrival = await self._next()
            await self._take(arrival)
            if arrival and isinstance(arrival.input, Suspend):
                return
            self._match_calls(tasks)

    async def _next(self) -> Arrival | None:
        """Return what comes next; None: it is time to try again what is held."""
        alarm, due = self.log.state.next_alarm
        # after a failure of the store nothing is tried before its time, unless somebody comes who waits
        deadline = self._retry_at if self._held else max(due, self._retry_at)
        arrival = await self._timeline.next(deadline, self._calls.values())
        if arrival is not None or self._held:
            return arrival
        return Arrival(Rang(alarm=alarm))

    async def _take(self, arrival: Arrival | None) -> None:
        """Enter what is held and then this, in the order of coming: a return must not overtake a departure."""
        if arrival:
            self._held.append(arrival)
        try:
            while self._held:
                first = self._held[0]
                if not first.told:
                    self._answer(first, await self._entered(first.input))
                self._held.popleft()
        except StoreError as fault:
            self._back_off(fault)

    async def _entered(self, input: Input) -> list[Entry] | Refused:
        """Enter one input. Raises StoreError."""
        self._entering = input
        if self.log.unsure:
            settled = await self.log.settle()
            if settled and (settled[0].input is input or isinstance(input, Rang)):
                # which alarm is the first was seen before it was known what is stored: it is looked at again
                return settled
        now = self._timeline.now()
        signs = self.log.state.distress
        try:
            decided = self.log.decide(input, now)
        except Refused as refusal:
            return refusal
        if not decided.entries:
            return []
        await self.log.enter(decided)
        if decided.state.distress > signs:
            _log.warning("distress", session_id=self.log.session_id)
        self._backoff, self._retry_at = BACKOFF_FIRST, 0.0
        if self._on_commit:
            self._on_commit(decided.entries, self._timeline.now() - now)
        return decided.entries

    def _back_off(self, fault: StoreError) -> None:
        # in whole microseconds, as the clock is read: less than one would be waited for ever anew
        self._retry_at = round(self._timeline.now() + self._backoff, 6)
        self._backoff = min(self._backoff * 2, BACKOFF_MOST)
        for arrival in self._held:
            self._answer(arrival, fault)
        # kept is what nobody will tell again, such as a reply; an alarm rings again by itself
        kept = (left for left in self._held if not (left.told or left.waiter or isinstance(left.input, Rang)))
        self._held = deque(kept)

    def _answer(self, arrival: Arrival, outcome: list[Entry] | Exception) -> None:
        waiter = arrival.waiter
        if waiter is None or waiter.done():
            return
        # an outcome knows the frames that it was raised through, and they the session with all that has come to it:
        # a circle, which would keep an ended session in memory
        arrival.told, arrival.waiter = True, None
        if isinstance(outcome, Exception):
            waiter.set_exception(outcome.with_traceback(None))
        else:
            waiter.set_result(outcome)

    def _match_calls(self, tasks: asyncio.TaskGroup) -> None:
        """Start the calls that the state asks for, and cancel those that it no longer does."""
        wanted = self.log.state.calls
        if wanted is self._wanted:
            # most entries change nothing about them
            return
        self._wanted = wanted
        for call_id in self._calls.keys() - wanted.keys():
            self._calls.pop(call_id).cancel()
        for call_id, call in wanted.items():
            if call_id not in self._calls:
                self._calls[call_id] = tasks.create_task(self._call(call))

    async def _call(self, call: CallRequested) -> None:
        asked = self._timeline.now()
        try:
            reply = await self._llm(call.prompt)
        except LLMError as error:
            self._failed(call, asked, error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # nobody cancelled this call: it is a fault of the model's client, and the turn must not wait for ever
            self._failed(call, asked, LLMError("unexpected", f"{type(error).__name__}: {error}"))
        except Exception as error:  # noqa: BLE001
            # a model is foreign code: whatever it raises, the session goes on
            self._failed(call, asked, LLMError("unexpected", f"{type(error).__name__}: {error}"))
        else:
            self._timeline.put(Arrival(Answered(call_id=call.call_id, reply=reply), asked + reply.latency))

    def _failed(self, call: CallRequested, asked: float, error: LLMError) -> None:
        failed = Failed(
            call_id=call.call_id,
            error=error.kind,
            message=str(error),
            latency=round(self._timeline.now() - asked, 6),
            attempts=error.attempts,
            reply=error.reply,
        )
        self._timeline.put(Arrival(failed))

    def _too_late(self) -> Refused:
        if self.log.state.ended is None:
            return Refused("closed", "The session is not running here at the moment.")
        return Refused("ended", "The session is over.")


def _name(input: Input) -> str:
    """What tells this input from others, also when it comes again in another process."""
    match input:
        case Answered() | Failed():
            return f"{input_name(input)}:{input.call_id}"
        case Say(client_id=str(client_id)):
            return f"{input_name(input)}:{client_id}"
        case _:
            return input_name(input)
