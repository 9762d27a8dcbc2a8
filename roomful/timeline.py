"""Time as the sessions know it: one await in which it passes. Live, rehearsal and tests differ in this object alone."""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from roomful.core.events import Entry
from roomful.core.inputs import Input


@dataclass(slots=True)
class Arrival:
    """An input on its way to a session. `at` is when it comes, in seconds of the session; None: now."""

    input: Input
    at: float | None = None
    waiter: asyncio.Future[list[Entry]] | None = field(default=None, compare=False)
    told: bool = field(default=False, compare=False)
    """Whoever waited knows what became of it: it is not entered any more."""


class Timeline(Protocol):
    """When it is, and what comes next. Seconds since the session started, in whole microseconds, never backwards."""

    def now(self) -> float: ...

    def put(self, arrival: Arrival) -> None: ...

    async def next(self, deadline: float, calls: Collection[asyncio.Task[None]]) -> Arrival | None:
        """Wait for the next arrival, or return None once `deadline` has come. `calls` are under way."""
        ...


def wall_clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def monotonic() -> float:
    """Seconds on a clock that never goes back; only differences mean something."""
    return time.monotonic()


async def sleep(seconds: float) -> None:
    """Wait. The one place where real time is slept away."""
    await asyncio.sleep(seconds)


AT_ONCE_MOST = 16
"""Overdue alarms that ring one after the other before other tasks have their turn."""


class LiveTimeline:
    """Real time, anchored to the wall clock once: a clock that is set anew later does not move the session."""

    __slots__ = ("_arrivals", "_at_once", "_offset", "_reached", "_waiting")

    def __init__(self, started: int, at_least: float = 0.0) -> None:
        """`started` is the session's start in microseconds since the epoch; time is not before `at_least`."""
        elapsed = (wall_clock() - started) / 1e6
        self._offset = max(elapsed, at_least) - time.monotonic()
        self._reached = at_least
        self._arrivals: deque[Arrival] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._at_once = 0

    def now(self) -> float:
        self._reached = max(self._reached, round(self._offset + time.monotonic(), 6))
        return self._reached

    def put(self, arrival: Arrival) -> None:
        self._arrivals.append(arrival)
        self._wake()

    async def next(self, deadline: float, calls: Collection[asyncio.Task[None]]) -> Arrival | None:
        del calls
        loop = asyncio.get_running_loop()
        self._at_once = self._at_once + 1 if not self._arrivals and deadline <= self.now() else 0
        if self._at_once >= AT_ONCE_MOST:
            # a session with many alarms overdue must let the others, and its own calls, have their turn
            self._at_once = 0
            await asyncio.sleep(0)
        # arrivals before alarms, as on a simulated timeline: a resumed session learns of its outage before its
        # alarms of that time ring
        while not self._arrivals:
            left = deadline - self.now()
            if left <= 0:
                return None
            self._waiting = loop.create_future()
            alarm = loop.call_later(left, self._wake) if deadline < inf else None
            try:
                await self._waiting
            finally:
                self._waiting = None
                if alarm:
                    alarm.cancel()
        return self._arrivals.popleft()

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)


class SimulatedTimeline:
    """Time that leaps: to whatever is due first, once all calls under way have come back.

    A reply arrives when its latency says, an input when its `at` says; of what is due at one moment, arrivals come
    before alarms and in the order of their putting, so that real concurrency never shows.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._count = 0
        self._arrivals: list[tuple[float, int, Arrival]] = []

    def now(self) -> float:
        return self._now

    def put(self, arrival: Arrival) -> None:
        at = self._now if arrival.at is None else max(arrival.at, self._now)
        self._count += 1
        heapq.heappush(self._arrivals, (round(float(at), 6), self._count, arrival))

    async def next(self, deadline: float, calls: Collection[asyncio.Task[None]]) -> Arrival | None:
        if calls and not all(call.done() for call in calls):
            await self._let_finish(calls)
        until = max(deadline, self._now)
        if self._arrivals and self._arrivals[0][0] <= until:
            at, _, arrival = heapq.heappop(self._arrivals)
            self._now = max(self._now, at)
            return arrival
        if until == inf:
            raise RuntimeError("nothing is left to happen on this simulated timeline")
        self._now = until
        return None

    async def _let_finish(self, calls: Collection[asyncio.Task[None]]) -> None:
        # most doubles answer within one turn of the loop, which is cheaper to give them than a wait
        await asyncio.sleep(0)
        pending = [call for call in calls if not call.done()]
        if pending:
            await asyncio.wait(pending)


def simulated_loop() -> asyncio.AbstractEventLoop:
    """A loop for sessions on simulated timelines: a call whose reply is there at once takes no turn of it."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


class PacedTimeline:
    """Time that has passed, once more: waits until a moment of it comes, `speed` times as fast as it was."""

    def __init__(self, speed: float, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        """`clock` is in seconds, and only its differences mean something; `sleep` waits for seconds."""
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._began = clock()

    def now(self) -> float:
        return (self._clock() - self._began) * self._speed

    async def until(self, at: float) -> None:
        """Return at this moment, at once if it is over: what takes long to show does not add up."""
        left = at - self.now()
        if left > 0:
            await self._sleep(left / self._speed)

    def leap(self, at: float) -> None:
        """Pass over the time until a moment, if it is not over."""
        self._began -= max(at - self.now(), 0.0) / self._speed
