"""How many calls at once, and how many a minute: those who wait are served in the order they came."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm import LLM, LLMError
from roomful.llm.retry import PATIENCE


def limited(
    llm: LLM,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    max_concurrent_calls: int = 100,
    requests_per_minute: float | None = None,
    patience: float = PATIENCE,
) -> LLM:
    """Let at most so many calls run at once and begin within any minute.

    A call that cannot begin within `patience` seconds of the time its message is due is given up (`queue_full`).
    """
    return Limits(clock, sleep, max_concurrent_calls, requests_per_minute, patience).around(llm)


class Limits:
    """As `limited`, for several LLMs that share one limit."""

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        max_concurrent_calls: int,
        requests_per_minute: float | None,
        patience: float = PATIENCE,
    ) -> None:
        self._slots = _Slots(max_concurrent_calls, clock, sleep)
        self._pace = _Pace(requests_per_minute, clock, sleep) if requests_per_minute else None
        self._clock = clock
        self._patience = patience

    def around(self, llm: LLM) -> LLM:
        """The same LLM under these limits."""

        async def ask(prompt: Prompt) -> Reply:
            deadline = self._clock() + prompt.due_in + self._patience
            async with self._slots.one(deadline):
                # inside the slot, so that calls begin in the order of their reserved times
                if self._pace:
                    await self._pace.turn(deadline)
                return await llm(prompt)

        return ask


class _Slots:
    """A semaphore whose waiters give up at their deadlines. A free slot and a waiter never exist together."""

    def __init__(self, count: int, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._free = count
        self._clock = clock
        self._sleep = sleep
        self._waiting: deque[asyncio.Future[bool]] = deque()

    @asynccontextmanager
    async def one(self, deadline: float) -> AsyncIterator[None]:
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(deadline)
        try:
            yield
        finally:
            self._release()

    async def _wait(self, deadline: float) -> None:
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.TaskGroup() as group:
                timer = group.create_task(self._expire(turn, deadline))
                granted = await turn
                timer.cancel()
        except asyncio.CancelledError:
            self._withdraw(turn)
            raise
        if not granted:
            raise LLMError("queue_full", "Too many calls were waiting: it was not this one's turn in time.")

    async def _expire(self, turn: asyncio.Future[bool], deadline: float) -> None:
        await self._sleep(max(0.0, deadline - self._clock()))
        if not turn.done():
            self._waiting.remove(turn)
            turn.set_result(False)

    def _withdraw(self, turn: asyncio.Future[bool]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif turn.done() and not turn.cancelled() and turn.result():
            # it was given the slot in the moment it was cancelled
            self._release()

    def _release(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._free += 1


class _Pace:
    """At most `per_minute` beginnings in any minute; below one a minute, one in so much longer a time."""

    def __init__(
        self, per_minute: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._count = max(1, int(per_minute))
        self._window = 60.0 * self._count / per_minute
        self._clock = clock
        self._sleep = sleep
        self._begun: deque[float] = deque(maxlen=self._count)

    async def turn(self, deadline: float) -> None:
        now = self._clock()
        at = now if len(self._begun) < self._count else max(now, self._begun[0] + self._window)
        if at > deadline:
            message = f"requests_per_minute is reached: the next call could begin in {at - now:.0f} s."
            raise LLMError("queue_full", message)
        # a call cancelled while it waits keeps its place: giving it back would let later ones begin too early
        self._begun.append(at)
        if at > now:
            await self._sleep(at - now)
