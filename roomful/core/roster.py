"""What is true in a study: its tokens, who takes part and where, and the places of each treatment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple, assert_never

from roomful.core.assignment import Pool, Stratum
from roomful.core.enrolment import (
    ChatEnded,
    ChecksMissed,
    ConsentAnswered,
    DataErased,
    DeviationRecorded,
    EnrolmentRules,
    Outcome,
    OutcomeReached,
    PageAnswered,
    PageShown,
    ParticipantArrived,
    ParticipationBegun,
    PlaceReleased,
    PlaceRetaken,
    StudyEntry,
    StudyEvent,
    StudyFrozen,
    StudyPaused,
    StudyResumed,
    StudySetUp,
    Token,
    TokensCreated,
    TokensRevoked,
    TreatmentAssigned,
)
from roomful.core.events import Erased
from roomful.core.table import Table


@dataclass(frozen=True, slots=True)
class Admission:
    """A token, and what became of it: whose session it opened, and whether it was revoked."""

    record: Token
    number: int
    """1, 2, 3 … in the order of creation."""
    session_id: str | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation:
    """Somebody's way through the study. Times are in seconds since the epoch."""

    session_id: str
    number: int
    """1, 2, 3 … in the order of arrival."""
    person: str | None
    """What makes them the same person when they come again; None: nothing does."""
    token: str | None
    link: str | None
    participant: str | None
    parameters: Mapping[str, str]
    variables: Mapping[str, str]
    test: bool
    arrived: float
    expires: float
    treatment: str | None = None
    stratum: Stratum | None = None
    begun: float | None = None
    ended: float | None = None
    """When the chat ended."""
    reason: str | None = None
    outcome: Outcome | None = None
    over: float | None = None
    """When the outcome was reached."""
    released: bool = False
    shown: Mapping[str, float] = field(default_factory=dict)
    """The pages it has come to, in order, and when."""
    done: tuple[str, ...] = ()
    """Those it has left behind."""
    missed: Mapping[str, int] = field(default_factory=dict)
    """Page to how often its checks were not passed."""
    answers: Mapping[str, str] = field(default_factory=dict)
    consent: bool | None = None
    data_consent: bool | None = None
    erased: bool = False
    """Whether what was known of it was taken out of the logs."""

    @property
    def under_way(self) -> bool:
        """Whether it is let in and not over."""
        return self.outcome is None and not self.released


ARRIVAL = "arrival"
"""What the log calls a `ParticipantArrived`, also where only this is left of it."""

_NO_POOLS: Mapping[Stratum, Pool] = MappingProxyType({})
_NO_TOTALS: Mapping[str, int] = MappingProxyType({})


class StudyState(NamedTuple):
    """All that decides who is let in, and where to. `StudyState()` is a study of which nothing is known yet."""

    seq: int = 0
    at: float = 0.0
    rules: EnrolmentRules = EnrolmentRules()
    tokens: Table[Admission] = Table()
    """By hash."""
    participations: Table[Participation] = Table()
    """By session id."""
    people: Table[str] = Table()
    """Person to the id of their latest session."""
    due: Table[float] = Table()
    """Session id to when its place is released, of those that have not begun or not completed."""
    pools: Mapping[Stratum, Pool] = _NO_POOLS
    tests: Pool = Pool()
    """The places of test runs, which count nowhere else."""
    totals: Mapping[str, int] = _NO_TOTALS
    """Treatment to how many are completed or in progress."""
    arrivals: int = 0
    """How many have been let in, those included whose arrival was erased."""
    live: int = 0
    """How many participations are under way."""
    paused: StudyPaused | None = None
    frozen: StudyFrozen | DeviationRecorded | None = None
    """What the study is to be like, by its last freeze or deviation; None: as its files say."""
    deviations: int = 0

    @property
    def guarded(self) -> bool:
        """Whether participants may come: the demo token is no longer taken then, and agents are not scripted silently.

        It stays so when all tokens are revoked.
        """
        return bool(self.tokens or self.rules.links or self.frozen)


def person_of(link: str | None, token: str | None, participant: str | None) -> str | None:
    """What tells a person from others: their id among those of their link or of the tokens, else their token."""
    if participant is not None:
        return f"{link or 'token'}:{participant}"
    return token


def evolve_study(state: StudyState, entry: StudyEntry) -> StudyState:
    """Return the state after an entry. Never refuses one."""
    return happen(state, entry.event, entry.at)._replace(seq=entry.seq, at=entry.at)


def fold_study(entries: Iterable[StudyEntry], state: StudyState | None = None) -> StudyState:
    """The state after these entries."""
    state = state or StudyState()
    for entry in entries:
        state = evolve_study(state, entry)
    return state


def happen(state: StudyState, event: StudyEvent, at: float) -> StudyState:
    """Return the state after an event at this time."""
    match event:
        case StudySetUp():
            return state._replace(rules=event.rules)
        case TokensCreated():
            return _with_tokens(state, event.tokens)
        case TokensRevoked():
            return _without_tokens(state, event.tokens)
        case ParticipantArrived():
            return _with_arrival(state, event, at)
        case TreatmentAssigned():
            return _with_treatment(state, event, at)
        case StudyPaused():
            return state._replace(paused=event)
        case StudyResumed():
            return state._replace(paused=None)
        case StudyFrozen():
            return state._replace(frozen=event)
        case DeviationRecorded():
            return state._replace(frozen=event, deviations=event.number)
        case Erased():
            return state._replace(arrivals=state.arrivals + (event.event_type == ARRIVAL))
        case _:
            state = _with_place(state, event.session_id, at)
            return _further(state, state.participations[event.session_id], event, at)


def _with_tokens(state: StudyState, tokens: tuple[Token, ...]) -> StudyState:
    table = state.tokens
    for token in tokens:
        table = table.put(token.token, Admission(token, len(table) + 1))
    return state._replace(tokens=table)


def _without_tokens(state: StudyState, tokens: tuple[str, ...]) -> StudyState:
    table = state.tokens
    for token in tokens:
        if token in table:
            table = table.put(token, replace(table[token], revoked=True))
    return state._replace(tokens=table)


def _with_arrival(state: StudyState, event: ParticipantArrived, at: float) -> StudyState:
    admission = state.tokens.get(event.token) if event.token else None
    person = person_of(event.link, event.token, event.participant)
    participation = Participation(
        session_id=event.session_id,
        number=state.arrivals + 1,
        person=person,
        token=event.token,
        link=event.link,
        participant=event.participant,
        parameters=event.parameters,
        variables={**event.parameters, **(admission.record.variables if admission else {})},
        test=event.test,
        arrived=at,
        expires=event.expires,
    )
    if admission:
        state = state._replace(
            tokens=state.tokens.put(admission.record.token, replace(admission, session_id=event.session_id))
        )
    return state._replace(
        participations=state.participations.put(event.session_id, participation),
        people=state.people.put(person, event.session_id) if person else state.people,
        due=state.due.put(event.session_id, event.expires),
        arrivals=state.arrivals + 1,
        live=state.live + 1,
    )


def _with_place(state: StudyState, session_id: str, at: float) -> StudyState:
    """The state with a participation of this id, of which nothing is known where its arrival was erased.

    Arrivals by links alone are: nobody else tells the study's log who they are.
    """
    if session_id in state.participations:
        return state
    bare = Participation(
        session_id=session_id,
        number=state.arrivals,
        person=None,
        token=None,
        link=None,
        participant=None,
        parameters={},
        variables={},
        test=False,
        arrived=at,
        expires=at,
    )
    return state._replace(participations=state.participations.put(session_id, bare), live=state.live + 1)


def _with_treatment(state: StudyState, event: TreatmentAssigned, at: float) -> StudyState:
    state = _with_place(state, event.session_id, at)
    known = state.participations[event.session_id]
    changed = replace(known, treatment=event.treatment, stratum=event.stratum)
    state = state._replace(participations=state.participations.put(event.session_id, changed))
    pool = pool_of(state, event.stratum, test=known.test)
    return _counted(state, changed, pool.fill(event.treatment, event.place), 1)


def pool_of(state: StudyState, stratum: Stratum, *, test: bool) -> Pool:
    """The places of a stratum, or those of test runs."""
    return state.tests if test else state.pools.get(stratum, Pool())


def _counted(state: StudyState, known: Participation, pool: Pool, more: int) -> StudyState:
    if known.test:
        return state._replace(tests=pool)
    treatment = known.treatment or ""
    return state._replace(
        pools={**state.pools, known.stratum or (): pool},
        totals={**state.totals, treatment: state.totals.get(treatment, 0) + more},
    )


def _further(
    state: StudyState,
    known: Participation,
    event: PageShown
    | ConsentAnswered
    | ChecksMissed
    | PageAnswered
    | ParticipationBegun
    | PlaceReleased
    | PlaceRetaken
    | ChatEnded
    | OutcomeReached
    | DataErased,
    at: float,
) -> StudyState:
    match event:
        case PageShown() | ConsentAnswered() | ChecksMissed() | PageAnswered():
            known = _with_page(known, event, at)
        case ParticipationBegun():
            state = _placed(state._replace(due=state.due.without(known.session_id)), known)
            known = replace(known, begun=at, released=False)
        case PlaceReleased():
            state = _vacated(state, known)
            known = replace(known, released=True)
        case PlaceRetaken():
            state = _placed(state._replace(due=state.due.put(known.session_id, event.expires)), known)
            known = replace(known, released=False, expires=event.expires)
        case ChatEnded():
            # with an outcome, which comes at once unless pages follow, it is due at another time
            state = state._replace(due=state.due.put(known.session_id, at + state.rules.reserve_for))
            known = replace(known, ended=at, reason=event.reason)
        case OutcomeReached():
            due = at + state.rules.release_after
            state = state._replace(
                live=state.live - known.under_way,
                # somebody whose place was released before has none to release again
                due=state.due.without(known.session_id)
                if event.outcome == "completed" or known.released
                else state.due.put(known.session_id, due),
            )
            known = replace(known, outcome=event.outcome, over=at)
        case DataErased():
            if known.person is not None and known.token is None and state.people.get(known.person) == known.session_id:
                state = state._replace(people=state.people.without(known.person))
            known = _bared(known, event)
        case _:
            assert_never(event)
    return state._replace(participations=state.participations.put(known.session_id, known))


def _with_page(
    known: Participation, event: PageShown | ConsentAnswered | ChecksMissed | PageAnswered, at: float
) -> Participation:
    match event:
        case PageShown():
            return replace(known, shown={**known.shown, event.page: at})
        case ConsentAnswered(about="data"):
            return replace(known, data_consent=event.given)
        case ConsentAnswered():
            return replace(known, consent=event.given)
        case ChecksMissed():
            return replace(known, missed={**known.missed, event.page: event.attempt})
        case PageAnswered():
            return replace(known, done=(*known.done, event.page), answers={**known.answers, **event.answers})
        case _:
            assert_never(event)


def _bared(known: Participation, event: DataErased) -> Participation:
    """The participation without who it is and what was answered; the event has what is left of an erased arrival."""
    known = replace(
        known,
        erased=True,
        number=event.number,
        arrived=event.arrived,
        link=event.link,
        shown={},
        done=(),
        missed={},
        answers={},
        consent=None,
        data_consent=None,
    )
    if known.token is not None:
        # what the token tells is the researcher's own
        return known
    return replace(known, person=None, participant=None, parameters={}, variables={})


def _placed(state: StudyState, known: Participation) -> StudyState:
    """The state after somebody whose place was released has one again."""
    if not known.released:
        return state
    state = state._replace(live=state.live + 1)
    if known.treatment is None:
        return state
    pool = pool_of(state, known.stratum or (), test=known.test)
    return _counted(state, known, pool.fill(known.treatment, None, given=False), 1)


def _vacated(state: StudyState, known: Participation) -> StudyState:
    state = state._replace(due=state.due.without(known.session_id), live=state.live - known.under_way)
    if known.treatment is None:
        return state
    pool = pool_of(state, known.stratum or (), test=known.test)
    return _counted(state, known, pool.vacate(known.treatment), -1)
