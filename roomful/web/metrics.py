"""What the operator's monitoring reads at `/metrics`: sessions, entries, commits, calls."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from roomful.core.events import DistressNoticed, Entry

_COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_CALL_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._live = Gauge("roomful_sessions_live", "Sessions that are running", registry=self._registry)
        self._failing = Gauge("roomful_llm_failing", "Whether the model fails: 1 or 0", registry=self._registry)
        self._distressed = Gauge(
            "roomful_sessions_in_distress",
            "Live sessions whose participant's words show signs of distress",
            registry=self._registry,
        )
        # a session that ends over it is no longer live at the next reading
        self._distress = Counter(
            "roomful_distress", "Messages of participants with signs of distress", registry=self._registry
        )
        self._entries = Counter("roomful_entries", "Entries stored", registry=self._registry)
        self._commit = Histogram(
            "roomful_commit_seconds",
            "From deciding entries to having them stored",
            buckets=_COMMIT_SECONDS,
            registry=self._registry,
        )
        self._calls = Counter("roomful_llm_calls", "Calls to the model", ["outcome"], registry=self._registry)
        self._latency = Histogram(
            "roomful_llm_call_seconds", "Duration of a call", buckets=_CALL_SECONDS, registry=self._registry
        )

    def look_at(self, live: Callable[[], int], distressed: Callable[[], int], failing: Callable[[], bool]) -> None:
        """Ask at each reading for the number of live sessions, of those in distress, and whether the model fails."""
        self._distressed.set_function(distressed)
        self._live.set_function(live)
        self._failing.set_function(failing)

    def on_commit(self, entries: Sequence[Entry], seconds: float) -> None:
        """Count a batch that was stored."""
        self._entries.inc(len(entries))
        self._distress.inc(sum(isinstance(entry.event, DistressNoticed) for entry in entries))
        self._commit.observe(seconds)

    def on_call(self, outcome: str, seconds: float) -> None:
        """Count a call to the model."""
        self._calls.labels(outcome).inc()
        self._latency.observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
