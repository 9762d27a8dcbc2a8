"""How the model serves a session, as far as its entries tell. Times in seconds of the session."""

from collections.abc import Collection, Mapping
from math import inf
from types import MappingProxyType
from typing import Never

from roomful.core.records import value
from roomful.core.study import LLMSettings

OVERDUE_MOST = 20.0
"""Seconds after which a call that has not come back is overdue, if its time-out is not shorter."""
UNAVAILABLE_LEAST = 3
"""Calls that failed in a row or are overdue before the model counts as unavailable: one or two may be chance."""

_NOTHING: Mapping[str, Never] = MappingProxyType({})


@value
class Service:
    """A call fails when it brings nothing that can be shown, be it an error or a reply that was rejected."""

    asked: Mapping[str, float] = _NOTHING
    """When each call that is not answered yet was asked; after an outage of the server, asked again."""
    answered_at: float = 0.0
    """When the last good reply came."""
    failures: int = 0
    """Calls that have failed since then, and when the first of them did."""
    failed_at: float = inf
    degraded: float = 0.0
    """Seconds up to the last entry in which the last finished call was a failure, or one was overdue."""

    def asking(self, call_id: str, at: float) -> "Service":
        """A call was asked for."""
        return self._waiting({**self.asked, call_id: at})

    def answered(self, call_id: str, at: float) -> "Service":
        """A call brought something to show."""
        return Service(self._without(call_id), at, degraded=self.degraded)

    def failed(self, call_id: str, at: float) -> "Service":
        """A call brought nothing to show."""
        failed_at = min(self.failed_at, at)
        return Service(self._without(call_id), self.answered_at, self.failures + 1, failed_at, self.degraded)

    def only(self, calls: Collection[str]) -> "Service":
        """No other calls than these are waited for any longer."""
        return self._waiting({call_id: at for call_id, at in self.asked.items() if call_id in calls})

    def resumed(self, at: float) -> "Service":
        """Nobody ran the session until now: what is outstanding is asked again, and failures are of the past."""
        return Service(asked=dict.fromkeys(self.asked, at), answered_at=at, degraded=self.degraded)

    def passed(self, since: float, until: float, llm: LLMSettings) -> "Service":
        """Time has passed in which nothing happened."""
        began = max(self.degraded_since(llm), since)
        if began >= until:
            return self
        degraded = self.degraded + until - began
        return Service(self.asked, self.answered_at, self.failures, self.failed_at, degraded)

    def degraded_since(self, llm: LLMSettings) -> float:
        """Since when the last finished call is a failure, or one is overdue; inf if neither is so."""
        return min(self.failed_at, min(self.asked.values(), default=inf) + overdue_after(llm))

    def unavailable_at(self, llm: LLMSettings) -> float:
        """When the model will have been unavailable for as long as the settings bear, if nothing good comes; or inf."""
        overdue = sorted(at + overdue_after(llm) for at in self.asked.values())
        evidence = [self.failed_at] * self.failures + overdue
        if len(evidence) < UNAVAILABLE_LEAST:
            return inf
        since = max(min(evidence), self.answered_at)
        return max(since + llm.unavailable_seconds, evidence[UNAVAILABLE_LEAST - 1])

    def _waiting(self, asked: Mapping[str, float]) -> "Service":
        return Service(asked, self.answered_at, self.failures, self.failed_at, self.degraded)

    def _without(self, call_id: str) -> Mapping[str, float]:
        return {known: at for known, at in self.asked.items() if known != call_id}


def overdue_after(llm: LLMSettings) -> float:
    """Seconds after which a call that has not come back is overdue."""
    return min(llm.timeout_seconds, OVERDUE_MOST)
