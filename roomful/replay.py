"""A session run again from its log: recorded inputs, recorded replies; the result must be the log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import zip_longest

from roomful.chain import Checked, check_chain
from roomful.codec import EVENT_TYPES, CodecError, decode
from roomful.core import CORE_VERSION
from roomful.core.decide import Refused, enter
from roomful.core.events import Entry, Erased, Event, SessionStarted
from roomful.core.inputs import Rang
from roomful.core.state import SessionState, fold
from roomful.log import folded

EXCERPT = 60
"""Characters of a value that a difference shows."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where a session run again leaves its log: the line's number, its event, and which part of it."""

    seq: int
    event: str
    field: str
    recorded: str
    now: str

    def __str__(self) -> str:
        return f"seq {self.seq} ({self.event}), {self.field}: recorded {self.recorded}, now {self.now}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying a log has found: its chain, what cannot be read, and what differs when it is run again."""

    checked: Checked
    unreadable: str | None = None
    difference: Difference | None = None
    not_run: str | None = None
    """Why it was not run again, if it was not; no fault."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.checked.faults and self.unreadable is None and self.difference is None


def verify(lines: Sequence[str], *, run: bool = True) -> Verdict:
    """Check a log's lines: the chain, then the fold, then (with `run`, and under its core version) run it again."""
    checked = check_chain(lines)
    try:
        if not run:
            folded(lines)
            return Verdict(checked)
        entries = [decode(text) for text in lines]
    except CodecError as fault:
        return Verdict(checked, unreadable=str(fault))
    if reason := _not_to_be_run(entries):
        fold(entries)
        return Verdict(checked, not_run=reason)
    return Verdict(checked, difference=run_again(entries))


def core_version(entries: Sequence[Entry]) -> str | None:
    """The version of the core that made a log; None where it says nothing of it."""
    started = entries[0].event if entries else None
    return started.versions.get("core") if isinstance(started, SessionStarted) else None


def _not_to_be_run(entries: Sequence[Entry]) -> str | None:
    if not entries:
        return "nobody has come in yet"
    if any(isinstance(entry.event, Erased) for entry in entries):
        return "parts of it were erased"
    version = core_version(entries)
    if version != str(CORE_VERSION):
        return f"made by version {version or 'unknown'} of the core, and this is version {CORE_VERSION}"
    return None


def run_again(entries: Sequence[Entry]) -> Difference | None:
    """Decide each recorded input anew at its recorded time; return the first difference, or None.

    The recorded replies stand for the model. An alarm must not have rung early, nor before another that was due.
    """
    state = SessionState()
    for batch in batches(entries):
        outcome = run_batch(state, batch)
        if isinstance(outcome, Difference):
            return outcome
        state = outcome
    return None


def run_batch(state: SessionState, batch: Sequence[Entry]) -> Difference | SessionState:
    """Decide the input of one batch anew: the state, brought up to it in its place, or the first difference."""
    return _alarm(state, batch[0]) or _batch(state, batch)


def batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries in groups that were appended together: the first of each has the input that led to it."""
    begin = 0
    for place in range(1, len(entries) + 1):
        if place == len(entries) or entries[place].input is not None:
            yield entries[begin:place]
            begin = place


def _alarm(state: SessionState, first: Entry) -> Difference | None:
    """Whether an alarm rang that was not set, not due, or not the first of those that were."""
    if not isinstance(first.input, Rang):
        return None
    alarm = first.input.alarm
    due = state.alarms.get(alarm)
    if due is None:
        return _difference(first, f"alarm {alarm}", f"rang at {first.at}", "was not set")
    if due > first.at:
        return _difference(first, f"alarm {alarm}", f"rang at {first.at}", f"is due at {due}")
    foremost, _ = state.next_alarm
    if foremost != alarm:
        return _difference(first, "alarm", f"{alarm} rang first", f"{foremost} was due before it")
    return None


def _batch(state: SessionState, batch: Sequence[Entry]) -> Difference | SessionState:
    """The state after a batch that comes about again as it is recorded, else what differs first."""
    first = batch[0]
    if first.input is None:
        return _difference(first, "input", "none", "every batch begins with one")
    if first.at < state.at:
        return _difference(first, "at", str(first.at), f"not before {state.at}")
    try:
        decided = enter(state, first.input, first.at, in_place=True)
    except Refused as refusal:
        return _difference(first, "input", _brief(first.input), f"refused: {refusal.reason}")
    except Exception as fault:  # noqa: BLE001
        # whatever the core makes of a log that it did not write is a difference, and the others are still looked at
        return _difference(first, "input", _brief(first.input), f"failed: {fault!r}")
    return _compare(batch, decided.entries) or decided.state


def _compare(batch: Sequence[Entry], entries: Sequence[Entry]) -> Difference | None:
    for recorded, now in zip_longest(batch, entries):
        if now is None:
            return _difference(recorded, "event", _name(recorded.event), "nothing")
        if recorded is None:
            return Difference(now.seq, _name(now.event), "event", "nothing", _name(now.event))
        if recorded != now:
            return _first_field(recorded, now)
    return None


def _first_field(recorded: Entry, now: Entry) -> Difference:
    """Name what differs of two entries that are not the same: the innermost field, as a path."""
    if type(recorded.event) is not type(now.event):
        return _difference(recorded, "event", _name(recorded.event), _name(now.event))
    if recorded.event == now.event:
        name = next(name for name in ("seq", "at", "shown") if getattr(recorded, name) != getattr(now, name))
        return _difference(recorded, name, str(getattr(recorded, name)), str(getattr(now, name)))
    path, before, after = _innermost("", recorded.event, now.event)
    if isinstance(before, str) and isinstance(after, str):
        return _difference(recorded, path, *_around(before, after))
    return _difference(recorded, path, _brief(before), _brief(after))


def _innermost(path: str, before: object, after: object) -> tuple[str, object, object]:
    """Follow two values that differ into the first part of them that does."""
    for name, one, other in _parts(before, after):
        if one != other:
            return _innermost(f"{path}.{name}" if path else name, one, other)
    return path, before, after


def _parts(before: object, after: object) -> Iterator[tuple[str, object, object]]:
    if is_dataclass(before) and type(before) is type(after):
        for item in fields(before):
            yield item.name, getattr(before, item.name), getattr(after, item.name)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            yield str(name), before.get(name, "(none)"), after.get(name, "(none)")
    elif isinstance(before, tuple) and isinstance(after, tuple):
        for number, (one, other) in enumerate(zip_longest(before, after, fillvalue="(none)")):
            yield str(number), one, other


def _around(before: str, after: str) -> tuple[str, str]:
    """Two texts that differ, cut to the place where they begin to."""
    same = next((place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), None)
    place = min(len(before), len(after)) if same is None else same
    begin = max(place - EXCERPT // 3, 0)
    return _cut(before, begin), _cut(after, begin)


def _cut(text: str, begin: int) -> str:
    part = text[begin : begin + EXCERPT]
    return f"{'…' if begin else ''}{part!r}{'…' if begin + EXCERPT < len(text) else ''}"


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _name(event: Event) -> str:
    return EVENT_TYPES.get(type(event), "erased")


def _difference(entry: Entry, field: str, recorded: str, now: str) -> Difference:
    return Difference(entry.seq, _name(entry.event), field, recorded, now)
