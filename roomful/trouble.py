"""Whether the store is in trouble: known at once by whoever asks, told to the operator once when it begins and ends."""

from collections.abc import Awaitable, Callable

import structlog

from roomful.store import Damaged, Store, StoreError

SLOW = 2.0
"""Seconds that a commit may take; one that takes longer is a fault of the disk, even if it comes to its end."""
LOOK = 0.5
"""Seconds between two looks at a commit under way, and between two tries whether a fault is over."""
QUIET = 2.0
"""Seconds without a fault after which a commit that succeeds is a sign that the trouble is over."""

_log = structlog.get_logger()


class Trouble:
    """What is wrong with the store at the moment. Of a damaged file it is told until the server is started anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.good = float("-inf")
        """When something was last committed, on that clock."""
        self._reason: str | None = None
        self._damaged = False
        self._began = 0.0
        self._last = 0.0
        self._committing: float | None = None

    def reason(self) -> str | None:
        """Why the store cannot be written, or None."""
        return self._reason or (self._hanging() if self._hangs() else None)

    def committing(self) -> None:
        """A commit begins; the one before it has come to its end."""
        self._committing = self._clock()

    def committed(self) -> None:
        """The commit under way has been made."""
        now = self._clock()
        took = now - (self._committing if self._committing is not None else now)
        self._committing = None
        self.good = now
        if took > SLOW:
            self._fails(f"the disk is slow: a commit took {took:.1f} s")
        elif self._reason and not self._damaged and now - self._last >= QUIET:
            self._reason = None
            _log.info("store_mended", after_seconds=round(now - self._began, 1))

    def failed(self, fault: StoreError) -> None:
        """The commit under way was not made."""
        self._committing = None
        self._fails(str(fault))
        self._damaged |= isinstance(fault, Damaged)

    def unread(self, fault: StoreError) -> None:
        """Something could not be read; of that only a damaged file is told, for the rest shows in commits too."""
        if isinstance(fault, Damaged):
            self._fails(str(fault))
            self._damaged = True

    async def watch(self, store: Store, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Notice commits that hang, and try whether a fault is over, until cancelled."""
        while True:
            await sleep(LOOK)
            if self._hangs():
                self._fails(self._hanging())
            elif self._reason and not self._damaged and self._committing is None:
                await self._try(store)

    async def _try(self, store: Store) -> None:
        try:
            await store.check()
        except StoreError as fault:
            # said before, if the store is one that tells of its commits
            self._fails(str(fault))

    def _hangs(self) -> bool:
        return self._committing is not None and self._clock() - self._committing > SLOW

    def _hanging(self) -> str:
        seconds = self._clock() - (self._committing or 0.0)
        return f"the disk does not answer: a commit has been under way for {seconds:.0f} s"

    def _fails(self, reason: str) -> None:
        self._last = self._clock()
        if self._reason is None:
            self._began = self._last
            _log.error("store_failing", reason=reason)
        if not self._damaged:
            self._reason = reason
