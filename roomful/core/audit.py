"""Every allocation computed again from the study's log, as somebody would who trusts the rules and nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from roomful.core.admission import assigned, balanced
from roomful.core.decide import Refused
from roomful.core.enrolment import ParticipantArrived, StudyEntry, TokensCreated, TreatmentAssigned
from roomful.core.events import Erased
from roomful.core.roster import StudyState, evolve_study


@dataclass(frozen=True, slots=True)
class Fault:
    """What is not as the rules demand, and the number of the entry that tells it."""

    seq: int
    message: str

    def __str__(self) -> str:
        return f"entry {self.seq}: {self.message}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What was computed again: allocations at the door, of tokens when they were made, and what differs."""

    at_the_door: int
    of_tokens: int
    faults: tuple[Fault, ...]
    erased: int = 0
    """Allocations of those who had their data deleted: without them they cannot be computed again."""


def audit(entries: Sequence[StudyEntry]) -> Audit:
    """Compute every allocation of a study's log again, and look that nobody has two, or none, or another's token."""
    state = StudyState()
    faults: list[Fault] = []
    door = tokens = erased = 0
    for batch in _batches(entries):
        created = [entry for entry in batch if isinstance(entry.event, TokensCreated) and entry.event.balanced]
        if created:
            tokens += sum(len(entry.event.tokens) for entry in created if isinstance(entry.event, TokensCreated))
            faults += _of_tokens(state, created)
        hidden = any(isinstance(entry.event, Erased) for entry in batch)
        for entry in batch:
            if isinstance(entry.event, TreatmentAssigned) and hidden:
                erased += 1
            elif isinstance(entry.event, TreatmentAssigned):
                door += entry.event.method != "token"
                faults += _of_participant(state, entry, entry.event)
            elif isinstance(entry.event, ParticipantArrived):
                faults += _of_arrival(state, entry, entry.event)
            state = evolve_study(state, entry)
    faults += _left_out(state)
    return Audit(door, tokens, tuple(faults), erased)


def _batches(entries: Sequence[StudyEntry]) -> Iterator[Sequence[StudyEntry]]:
    """The entries that one input led to each."""
    begin = 0
    for place in range(1, len(entries) + 1):
        if place == len(entries) or entries[place].input is not None:
            yield entries[begin:place]
            begin = place


def _of_tokens(state: StudyState, created: Sequence[StudyEntry]) -> Iterator[Fault]:
    """Whether tokens were balanced as the weights demand; they were made at once, however many entries tell it."""
    tokens = [
        (entry.seq, token)
        for entry in created
        if isinstance(entry.event, TokensCreated)
        for token in entry.event.tokens
    ]
    bare = [replace(token, treatment=None) for _, token in tokens]
    try:
        again = balanced(state.rules.assignment, len(state.tokens) + 1, bare)
    except Refused as refusal:
        yield Fault(tokens[0][0], f"tokens were balanced; computed again: {refusal}")
        return
    for (seq, token), now in zip(tokens, again, strict=True):
        if token != now:
            yield Fault(seq, f"the token {token.label} has {token.treatment}, computed again it is {now.treatment}")
            return


def _of_participant(state: StudyState, entry: StudyEntry, event: TreatmentAssigned) -> Iterator[Fault]:
    known = state.participations.get(event.session_id)
    if known is None:
        yield Fault(entry.seq, f"{event.session_id} was allocated before anybody had arrived with it")
        return
    if known.treatment is not None:
        yield Fault(entry.seq, f"{event.session_id} was allocated {event.treatment}, and {known.treatment} before")
        return
    try:
        again = assigned(state, known)
    except Refused as refusal:
        yield Fault(entry.seq, f"{event.session_id} was allocated {event.treatment}; computed again: {refusal}")
        return
    if again != [event]:
        now = ", ".join(f"{one.treatment} (place {one.place})" for one in again) or "nothing"
        yield Fault(
            entry.seq,
            f"{event.session_id} was allocated {event.treatment} (place {event.place}), computed again it is {now}",
        )


def _of_arrival(state: StudyState, entry: StudyEntry, event: ParticipantArrived) -> Iterator[Fault]:
    if event.session_id in state.participations:
        yield Fault(entry.seq, f"{event.session_id} was given to two arrivals")
    admission = state.tokens.get(event.token) if event.token else None
    if admission and admission.session_id is not None:
        yield Fault(entry.seq, f"the token {admission.record.label} let somebody in twice")
    if event.token and admission is None:
        yield Fault(entry.seq, f"{event.session_id} came by a token that was never made")


def _left_out(state: StudyState) -> Iterator[Fault]:
    for known in sorted(state.participations.values(), key=lambda one: one.number):
        if known.treatment is None and known.begun is not None and state.rules.assignment.arms:
            yield Fault(state.seq, f"{known.session_id} has begun without an allocation")
