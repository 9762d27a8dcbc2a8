"""Whether the store can be written, known within milliseconds however slow it is."""

import asyncio
from collections.abc import Callable

from roomful.store import Store, StoreError
from roomful.trouble import Trouble

FRESH = 2.0
"""Seconds for which a finding holds."""
WAIT_MOST = 0.2
"""Seconds that an answer waits for a check under way."""
SLOW = 5.0
"""Seconds after which a check that has not come back is a finding itself."""


class Health:
    """The last finding about the store, renewed by whoever asks; nobody waits long for it."""

    def __init__(self, store: Store, trouble: Trouble, tasks: asyncio.TaskGroup, clock: Callable[[], float]) -> None:
        self._store, self._trouble, self._tasks, self._clock = store, trouble, tasks, clock
        self._fault: str | None = None
        self._checked = float("-inf")
        self._began = 0.0
        self._check: asyncio.Task[None] | None = None

    async def fault(self) -> str | None:
        """Why the store cannot be written, or None."""
        if known := self._trouble.reason():
            return known
        now = self._clock()
        if self._check is None and now - max(self._checked, self._trouble.good) >= FRESH:
            self._began = now
            self._check = self._tasks.create_task(self._look())
        if self._check:
            await asyncio.wait([self._check], timeout=WAIT_MOST)
        if self._check and self._clock() - self._began > SLOW:
            return f"the store has not answered for {self._clock() - self._began:.0f} s"
        # a commit since then has shown more than the check
        return self._trouble.reason() or (self._fault if self._checked > self._trouble.good else None)

    async def _look(self) -> None:
        try:
            await self._store.check()
            self._fault = None
        except StoreError as fault:
            self._fault = str(fault)
        self._checked = self._clock()
        self._check = None
