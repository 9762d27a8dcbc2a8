"""An event loop whose time leaps: when nothing is ready, it is at once as late as the next timer.

For tests of what runs in live time, such as a host. There are no threads and no sockets on it.
"""

import asyncio
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from roomful import timeline

STARTED = 1_772_461_800.0
"""The wall clock's reading at the beginning: 2026-03-02T14:30:00Z."""


class _Leaping(selectors.SelectSelector):
    """A selector that does not wait: it adds to `passed` what it should have waited."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing is left to happen on this loop")
        found = super().select(0)
        if not found and timeout > 0:
            # less than that could be lost in rounding, and whoever looks at the clock would wait for ever
            self.passed += max(timeout, 1e-9)
        return found


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.passed


@contextmanager
def leaping() -> Iterator[asyncio.Runner]:
    """A runner whose loop's time is also the time of all live timelines made meanwhile, and of the wall clock."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner, pytest.MonkeyPatch.context() as patch:
        loop = runner.get_loop()
        clock = SimpleNamespace(monotonic=loop.time, time_ns=lambda: round((STARTED + loop.time()) * 1e9))
        patch.setattr(timeline, "time", clock)
        yield runner
