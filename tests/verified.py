"""Every session that the tests make is run again from its log when the test is over."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from roomful.chain import check_chain
from roomful.codec import GENESIS, decode
from roomful.core.decide import Decided
from roomful.core.events import Entry, SessionStarted
from roomful.core.state import SessionState
from roomful.log import SessionLog
from roomful.replay import Difference, batches, run_batch
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

    def beginnings(self) -> Iterator["Place"]:
        """The places before the first batch of each session."""
        for session_id, previous in list(self._batches):
            if previous == GENESIS:
                yield Place(session_id, GENESIS)

    def following(self, place: "Place") -> list[Batch]:
        """The batches that came at this place: none where a log ends, several where it was taken up anew."""
        return list(self._batches.get((place.session_id, place.link), {}).values())


@dataclass(frozen=True)
class Place:
    """A place between two batches of a log: the hash and the lines before it, and what they were found to be.

    `by_session`: whether a session made the log, and not a test by hand. `undecided` are the entries of the last
    input, which others may follow, and `state` is that before them.
    """

    session_id: str
    link: str
    lines: tuple[str, ...] = ()
    by_session: bool = False
    undecided: tuple[Entry, ...] = ()
    state: SessionState = field(default_factory=SessionState)


MADE = Made()


def remember() -> None:
    """From now on, remember what every session's log takes up."""
    publish = SessionLog._publish

    def remembered(log: SessionLog, lines: Sequence[Line], decided: Decided) -> None:
        MADE.add(log.session_id, log._hash, lines)
        publish(log, lines, decided)

    SessionLog._publish = remembered


def verify_made(made: Made) -> int:
    """Check each log, and run it again if a session made it and not a test by hand; return how many were run.

    What logs have in common, as those of a session that is opened again and again, is run once.
    """
    waiting = list(made.beginnings())
    count = 0
    try:
        while waiting:
            place = waiting.pop()
            following = made.following(place)
            if not following:
                assert check_chain(place.lines).faults == ()
                _decided(place.state, place.undecided)
                count += place.by_session
            waiting += [_after(place, batch) for batch in following]
    finally:
        made.clear()
    return count


def _after(place: Place, batch: Batch) -> Place:
    """The place after a batch; what is before it must have been decided so."""
    texts = [line.text for line in batch]
    entries = [decode(text) for text in texts]
    first = entries[0]
    lines = (*place.lines, *texts)
    if not place.by_session and (not isinstance(first.event, SessionStarted) or first.input is None):
        return Place(place.session_id, batch[-1].hash, lines)
    *groups, last = batches([*place.undecided, *entries])
    state = place.state
    for group in groups:
        state = _decided(state, group)
    return Place(place.session_id, batch[-1].hash, lines, by_session=True, undecided=tuple(last), state=state)


def _decided(state: SessionState, group: Sequence[Entry]) -> SessionState:
    """The state after the entries of one input, which must be what is decided of it."""
    outcome = run_batch(state.copy(), group) if group else state
    assert not isinstance(outcome, Difference), f"run again, a session differs from its log: {outcome}"
    return outcome
