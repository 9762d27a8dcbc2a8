"""Every session that the tests make is run again from its log when the test is over."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from roomful.chain import check_chain
from roomful.codec import GENESIS, decode
from roomful.core.decide import Decided
from roomful.core.events import SessionStarted
from roomful.log import SessionLog
from roomful.replay import run_again
from roomful.store import Line

type Batch = tuple[Line, ...]


class Made:
    """The batches that became durable, each under its session and the hash that it follows.

    A session may be opened again, from another store or by another owner: its log is a path from the first hash.
    """

    def __init__(self) -> None:
        self._batches: dict[tuple[str, str], dict[str, Batch]] = defaultdict(dict)

    def add(self, session_id: str, previous: str, batch: Sequence[Line]) -> None:
        self._batches[session_id, previous][batch[-1].hash] = tuple(batch)

    def clear(self) -> None:
        self._batches.clear()

    def logs(self) -> Iterator[list[str]]:
        """The text of each whole log that came about, from its first line."""
        for session_id, previous in list(self._batches):
            if previous == GENESIS:
                yield from self._paths(session_id)

    def _paths(self, session_id: str) -> Iterator[list[str]]:
        waiting: list[tuple[str, list[str]]] = [(GENESIS, [])]
        while waiting:
            link, lines = waiting.pop()
            following = self._batches.get((session_id, link), {})
            if not following:
                yield lines
            waiting += [(last, [*lines, *(line.text for line in batch)]) for last, batch in following.items()]


MADE = Made()


def remember() -> None:
    """From now on, remember what every session's log takes up."""
    publish = SessionLog._publish

    def remembered(log: SessionLog, lines: Sequence[Line], decided: Decided) -> None:
        MADE.add(log.session_id, log._hash, lines)
        publish(log, lines, decided)

    SessionLog._publish = remembered


def verify_made(made: Made) -> int:
    """Check each log, and run it again if a session made it and not a test by hand; return how many were run."""
    logs = list(made.logs())
    made.clear()
    count = 0
    for lines in logs:
        assert check_chain(lines).faults == ()
        entries = [decode(text) for text in lines]
        if isinstance(entries[0].event, SessionStarted) and entries[0].input is not None:
            assert (found := run_again(entries)) is None, f"run again, a session differs from its log: {found}"
            count += 1
    return count
