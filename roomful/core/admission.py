"""Who is let in, and what comes of it: `decide_study` on the study's own log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import assert_never

from roomful.core.assignment import AssignmentRules, Pool, allocate
from roomful.core.decide import Refused
from roomful.core.enrolment import (
    ChatEnded,
    DataErased,
    DeviationRecorded,
    EnrolmentRules,
    Outcome,
    OutcomeReached,
    ParticipantArrived,
    ParticipationBegun,
    PlaceReleased,
    PlaceRetaken,
    StudyEvent,
    StudyFrozen,
    StudyPaused,
    StudyResumed,
    StudySetUp,
    Token,
    TokensCreated,
    TokensRevoked,
    TreatmentAssigned,
    outcome_of,
)
from roomful.core.roster import Participation, StudyState, happen, person_of, pool_of

TOKENS_MOST = 500
"""Tokens in one entry: more would make lines that no editor opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """The server knows these rules from the study's files."""

    rules: EnrolmentRules


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTokens:
    """Make tokens; with `balanced` each is allocated a treatment now, as the weights demand."""

    tokens: tuple[Token, ...]
    balanced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeTokens:
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    """Somebody asks to be let in: with the demo token, a token (its hash), or by a link that tells who they are.

    `session_id` is what they get if they have none yet; `participant` is their id with whoever sent them.
    """

    session_id: str
    token: str | None = None
    link: str | None = None
    participant: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first socket of a session is up."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndChat:
    """A session has ended, for the reason of its `session_end`."""

    session_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Somebody whose session is not live takes their participation back; with `delete` their data go."""

    session_id: str
    delete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """The data of a participation are taken out of the logs."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Let nobody new in; with `stop` nobody begins either who was let in before."""

    reason: str = ""
    stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpause:
    """Let people in again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Let the study stay as it is, by the hash over its parts."""

    hash: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviate:
    """Let a frozen study be another from now on, for a reason; `changes` names what differs."""

    reason: str
    changes: tuple[str, ...]
    hash: str
    parts: Mapping[str, str]


type StudyInput = (
    SetUp
    | CreateTokens
    | RevokeTokens
    | Arrive
    | Begin
    | EndChat
    | Withdraw
    | Erase
    | Pause
    | Unpause
    | Freeze
    | Deviate
)


def decide_study(state: StudyState, input: StudyInput, now: float) -> list[StudyEvent]:
    """Return what comes of an input; nothing where it has been done before. Raises Refused.

    `now` is in seconds since the epoch (UTC).
    """
    match input:
        case SetUp():
            return [] if input.rules == state.rules else [StudySetUp(rules=input.rules)]
        case CreateTokens():
            return list(_create(state, input))
        case RevokeTokens():
            return _revoke(state, input)
        case Arrive():
            return _arrive(state, input, now)
        case Begin():
            known = state.participations.get(input.session_id)
            return [ParticipationBegun(session_id=input.session_id)] if known and known.begun is None else []
        case EndChat():
            return _end(state, input)
        case Withdraw():
            return _withdraw(state, input)
        case Erase():
            return _erase(state, input)
        case Pause():
            pause = StudyPaused(reason=input.reason, stopped=input.stop)
            return [] if pause == state.paused else [pause]
        case Unpause():
            return [StudyResumed()] if state.paused else []
        case Freeze():
            return _freeze(state, input)
        case Deviate():
            return _deviate(state, input)
        case _:
            assert_never(input)


# --- tokens


def _create(state: StudyState, input: CreateTokens) -> Iterator[TokensCreated]:
    known = {token.token: state.tokens[token.token].record for token in input.tokens if token.token in state.tokens}
    tokens = input.tokens
    if input.balanced:
        # also of tokens that are known: asked for once more, they get what they got
        first = min((state.tokens[name].number for name in known), default=len(state.tokens) + 1)
        tokens = balanced(state.rules.assignment, first, tokens)
    if known and tokens == tuple(known.get(token.token) for token in tokens):
        return
    if known:
        labels = ", ".join(sorted(record.label for record in known.values()))
        raise Refused("known_token", f"{len(known)} of the tokens are there already: {labels}")
    arms = {arm.name for arm in state.rules.assignment.arms}
    if strange := sorted({token.treatment for token in tokens if token.treatment is not None} - arms):
        raise Refused("unknown_treatment", f"The study has no treatment {', '.join(strange)}.")
    for part in batched(tokens, TOKENS_MOST):
        yield TokensCreated(tokens=part, balanced=input.balanced)


def balanced(rules: AssignmentRules, first: int, tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The tokens, each with a treatment: at every place in their order as the weights demand. `first` numbers them."""
    open_rules = replace(rules, arms=tuple(replace(arm, quota=None) for arm in rules.arms))
    pool, made = Pool(), []
    for token in tokens:
        allocation = allocate(open_rules, pool, {}, "tokens", first)
        if allocation is None:
            raise Refused("no_treatments", "The study has no treatments among which tokens could be balanced.")
        pool = pool.fill(*allocation)
        made.append(replace(token, treatment=allocation.treatment))
    return tuple(made)


def _revoke(state: StudyState, input: RevokeTokens) -> list[StudyEvent]:
    if strange := [token for token in input.tokens if token not in state.tokens]:
        raise Refused("unknown_token", f"{len(strange)} of the tokens are not known.")
    left = tuple(token for token in dict.fromkeys(input.tokens) if not state.tokens[token].revoked)
    return [TokensRevoked(tokens=left)] if left else []


# --- arrivals


def _arrive(state: StudyState, input: Arrive, now: float) -> list[StudyEvent]:
    if input.session_id in state.participations:
        # asked again after an answer that was lost
        return []
    input = _identified(state, input)
    known = _known(state, input)
    if known and not (known.released and known.begun is None):
        return []
    events: list[StudyEvent] = list(_due(state, now))
    state = _after(state, events, now)
    _check_open(state, now)
    expires = round(now + state.rules.reserve_for, 6)
    if known:
        return [*events, PlaceRetaken(session_id=known.session_id, expires=expires)]
    arrived = ParticipantArrived(
        session_id=input.session_id,
        token=input.token,
        link=input.link,
        participant=input.participant,
        parameters=input.parameters,
        test=_is_test(state, input),
        expires=expires,
    )
    state = happen(state, arrived, now)
    return [*events, arrived, *assigned(state, state.participations[input.session_id])]


def _identified(state: StudyState, input: Arrive) -> Arrive:
    """The arrival with who it is; Refused where they may not come in this way."""
    if input.token is not None:
        admission = state.tokens.get(input.token)
        if admission is None or admission.revoked:
            raise Refused("unknown_token", "The token is not known, or was revoked.")
        return replace(input, participant=admission.record.participant)
    if input.link is None and state.guarded:
        raise Refused("unknown_token", "The study has ways in of its own.")
    if input.link is not None and input.link not in state.rules.links:
        raise Refused("unknown_link", "This way in is not open.")
    return input


def _known(state: StudyState, input: Arrive) -> Participation | None:
    """The participation that somebody comes back to. Refused where it is a second one, and not allowed."""
    found = participation_of(state, input)
    if found or input.token is None or state.rules.repeat:
        return found
    person = person_of(None, input.token, input.participant)
    if person in state.people:
        raise Refused("second", "This person takes part already, by another token.")
    return None


def participation_of(state: StudyState, input: Arrive) -> Participation | None:
    """Whose session an arrival leads to, if they have one: a token's for ever, a person's until they may repeat."""
    if input.session_id in state.participations:
        return state.participations[input.session_id]
    if input.token is not None:
        admission = state.tokens.get(input.token)
        session_id = admission.session_id if admission else None
        return state.participations[session_id] if session_id else None
    person = person_of(input.link, None, input.participant)
    session_id = state.people.get(person) if person else None
    known = state.participations[session_id] if session_id else None
    return None if known and known.outcome and state.rules.repeat else known


def _is_test(state: StudyState, input: Arrive) -> bool:
    if input.token is not None:
        return state.tokens[input.token].record.test
    return input.link is None


def _check_open(state: StudyState, now: float) -> None:
    """Raise Refused unless somebody new may come in now."""
    rules = state.rules
    if state.paused:
        raise Refused("paused", "The study is paused.")
    if rules.opens is not None and now < rules.opens:
        raise Refused("too_early", "The study has not begun yet.")
    if rules.closes is not None and now >= rules.closes:
        raise Refused("too_late", "The study is over.")
    if rules.max_live is not None and state.live >= rules.max_live:
        raise Refused("full", "All places are taken at the moment.")


def _due(state: StudyState, now: float) -> Iterator[PlaceReleased]:
    """The places whose time has come, the first first."""
    for _, session_id in sorted((due, session_id) for session_id, due in state.due.items() if due <= now):
        begun = state.participations[session_id].begun is not None
        yield PlaceReleased(session_id=session_id, reason="not_completed" if begun else "not_begun")


def _after(state: StudyState, events: Sequence[StudyEvent], now: float) -> StudyState:
    for event in events:
        state = happen(state, event, now)
    return state


# --- assignment


def assigned(state: StudyState, known: Participation) -> list[TreatmentAssigned]:
    """The treatment of a participation that has none yet; none where the study has none. Raises Refused."""
    rules = state.rules.assignment
    stratum = rules.stratum(known.variables)
    given = state.tokens[known.token].record.treatment if known.token else None
    if given is not None:
        if all(arm.name != given for arm in rules.arms):
            raise Refused("unknown_treatment", f"The study has no treatment {given}, which the token is for.")
        return [
            TreatmentAssigned(session_id=known.session_id, treatment=given, method="token", stratum=stratum, place=None)
        ]
    if not rules.arms:
        return []
    # test runs go through the treatments by themselves, and no quota is theirs
    name, totals = (("test",), {}) if known.test else (stratum, state.totals)
    allocation = allocate(rules, pool_of(state, stratum, test=known.test), totals, len(name), *name)
    if allocation is None:
        raise Refused("quota_full", "Every treatment has as many as are wanted.")
    treatment, place = allocation
    return [
        TreatmentAssigned(
            session_id=known.session_id, treatment=treatment, method=rules.method, stratum=stratum, place=place
        )
    ]


# --- the way out


def _end(state: StudyState, input: EndChat) -> list[StudyEvent]:
    known = state.participations.get(input.session_id)
    if known is None or known.ended is not None:
        return []
    begun = [] if known.begun is not None else [ParticipationBegun(session_id=input.session_id)]
    ended = ChatEnded(session_id=input.session_id, reason=input.reason)
    outcome = OutcomeReached(session_id=input.session_id, outcome=outcome_of(input.reason))
    return [*begun, ended, outcome]


def _withdraw(state: StudyState, input: Withdraw) -> list[StudyEvent]:
    known = state.participations.get(input.session_id)
    if known is None:
        return []
    if known.begun is not None and known.ended is None:
        raise Refused("not_over", "The participation is under way: its session has to be ended first.")
    outcome: Outcome = "withdrew_delete_data" if input.delete else "withdrew_keep_data"
    # what was deleted cannot be kept any more
    if known.outcome in (outcome, "withdrew_delete_data"):
        return []
    return [OutcomeReached(session_id=known.session_id, outcome=outcome)]


def _erase(state: StudyState, input: Erase) -> list[StudyEvent]:
    known = state.participations.get(input.session_id)
    if known is None or known.erased:
        return []
    events: list[StudyEvent] = []
    if known.under_way:
        # who has not come for so long is not waited for: without their arrival nothing tells when to stop
        events.append(PlaceReleased(session_id=known.session_id, reason="not_begun"))
    gone = DataErased(session_id=known.session_id, number=known.number, arrived=known.arrived, link=known.link)
    return [*events, gone]


# --- the freeze


def _freeze(state: StudyState, input: Freeze) -> list[StudyEvent]:
    if state.frozen is None:
        return [StudyFrozen(hash=input.hash, parts=input.parts)]
    if state.frozen.hash == input.hash:
        return []
    raise Refused("frozen", "The study is frozen, and was changed since: a change is recorded as a deviation.")


def _deviate(state: StudyState, input: Deviate) -> list[StudyEvent]:
    if state.frozen is None:
        raise Refused("not_frozen", "The study is not frozen: there is nothing to deviate from.")
    if state.frozen.hash == input.hash:
        return []
    number = state.deviations + 1
    return [
        DeviationRecorded(number=number, reason=input.reason, changes=input.changes, hash=input.hash, parts=input.parts)
    ]
