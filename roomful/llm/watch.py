"""Whether the model answers at all, as its attempts of the last seconds tell."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

import structlog

SILENCE = 20.0
"""Seconds without a success, though asked, before the model counts as failing."""
FAILURES_LEAST = 3
"""Attempts that failed in them, if none is overdue: one or two may be chance."""
OVERDUE_MOST = 20.0
"""Seconds after which an attempt that has not come back is overdue, if its time-out is not shorter."""
LOOK_SECONDS = 2.0
"""How often the server's log looks whether there is something to tell."""
OVERDUE = "overdue"
"""The kind of a failure that nothing but waiting has told of."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Failing:
    """The model fails: for how many seconds nothing has succeeded, how often it failed, and mostly in which way."""

    seconds: float
    failures: int
    kind: str


class Watch:
    """Hears of every attempt, and says whether the model is failing.

    It is, once the first attempt that was begun after the last success is 20 seconds ago, and of those begun since
    three have failed or one is overdue: a lone hanging call of a quiet server is all the evidence there can be. It is
    until an attempt succeeds. Cancelled attempts tell nothing unless they were overdue. `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float], timeout_seconds: float) -> None:
        self._clock = clock
        self._overdue_after = min(timeout_seconds, OVERDUE_MOST)
        self._count = 0
        self._out: dict[int, float] = {}
        self._kinds: Counter[str] = Counter()
        self._first_failed = inf
        self._failing = False

    def began(self) -> int:
        """An attempt begins; returns its number."""
        self._count += 1
        self._out[self._count] = self._clock()
        return self._count

    def ended(self, number: int, outcome: str) -> None:
        """An attempt has come back: `ok`, `cancelled`, or a kind of failure."""
        now = self._clock()
        began = self._out.pop(number, now)
        if outcome == "ok":
            # those still out may have been begun before the model came back, or just before it failed: no evidence
            self._out.clear()
            self._kinds.clear()
            self._first_failed, self._failing = inf, False
        elif outcome != "cancelled" or now - began >= self._overdue_after:
            self._kinds[OVERDUE if outcome == "cancelled" else outcome] += 1
            self._first_failed = min(self._first_failed, began)

    def failing(self) -> Failing | None:
        """How the model fails, or None."""
        now = self._clock()
        overdue = sum(now - began >= self._overdue_after for began in self._out.values())
        kinds = self._kinds + Counter({OVERDUE: overdue})
        since = min(self._first_failed, next(iter(self._out.values()), inf))
        if now - since >= SILENCE and (overdue or kinds.total() >= FAILURES_LEAST):
            self._failing = True
        return Failing(now - since, kinds.total(), kinds.most_common(1)[0][0]) if self._failing else None


async def announce(watch: Watch, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
    """Tell the server's log when the model begins to fail and when it answers again, each in one line, for ever."""
    since: float | None = None
    while True:
        failing = watch.failing()
        if failing and since is None:
            since = clock() - failing.seconds
            _log.error("llm_failing", kind=failing.kind, failures=failing.failures, seconds=round(failing.seconds))
        elif failing is None and since is not None:
            _log.warning("llm_answers_again", seconds=round(clock() - since))
            since = None
        await sleep(LOOK_SECONDS)
