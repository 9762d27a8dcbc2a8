"""Who is let in, and what comes of it: `decide_study` on the study's own log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import assert_never

from roomful.core.assignment import AssignmentRules, Pool, allocate
from roomful.core.decide import Refused
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
from roomful.core.journey import is_too_late, left_after, left_before, place_of
from roomful.core.pages import PageRules
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
class ShowPage:
    """Somebody has come to a page."""

    session_id: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillPage:
    """Somebody has filled in a page, with nothing amiss.

    `missed` are the checks that were not passed, `screened` whether an answer ends the participation. `attempt` is
    1, 2 … of those that the checks allow. `agreed` is the answer to a consent, where the page asks for one.
    """

    session_id: str
    page: str
    answers: Mapping[str, str] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    screened: bool = False
    attempt: int = 1
    agreed: bool | None = None


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
    | ShowPage
    | FillPage
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
        case ShowPage():
            return _show(state, input, now)
        case FillPage():
            return _fill(state, input, now)
        case Begin():
            known = state.participations.get(input.session_id)
            begins = known is not None and known.begun is None and known.outcome is None
            return [ParticipationBegun(session_id=input.session_id)] if begins else []
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
    if known and not (known.released and known.begun is None and known.outcome is None):
        return []
    if known and is_too_late(state.rules, known, now):
        # they come to the page that tells them, and take no place for that
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
    known = state.participations[input.session_id]
    return [*events, arrived, *(() if awaits_answers(state.rules, known) else assigned(state, known))]


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


def _due(state: StudyState, now: float) -> Iterator[PlaceReleased | OutcomeReached]:
    """The places whose time has come, the first first; with each the outcome of whoever could not go on any more."""
    for _, session_id in sorted((due, session_id) for session_id, due in state.due.items() if due <= now):
        known = state.participations[session_id]
        yield PlaceReleased(session_id=session_id, reason="not_completed" if known.begun else "not_begun")
        if is_too_late(state.rules, known, now):
            yield _outcome(known, "timed_out")


def _after(state: StudyState, events: Sequence[StudyEvent], now: float) -> StudyState:
    for event in events:
        state = happen(state, event, now)
    return state


# --- assignment


def assigned(state: StudyState, known: Participation) -> list[TreatmentAssigned]:
    """The treatment of a participation that has none yet; none where the study has none. Raises Refused."""
    rules = state.rules.assignment
    stratum = rules.stratum({**known.variables, **known.answers})
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


def awaits_answers(rules: EnrolmentRules, known: Participation) -> bool:
    """Whether a stratum is the answer to a question that lies before somebody: their treatment waits for it."""
    strata = {variable.name for variable in rules.assignment.strata}
    return any(strata & set(page.asks) for page in left_before(rules.pages, known))


# --- pages


def _here(state: StudyState, session_id: str, page: str) -> tuple[Participation, PageRules] | None:
    """Who is meant, and the page if they are there now. Raises Refused where nobody has this session."""
    known = state.participations.get(session_id)
    if known is None:
        raise Refused("unknown_session", "No session of this id was given out.")
    place = place_of(state.rules.pages, known)
    return (known, place) if isinstance(place, PageRules) and place.name == page else None


def _show(state: StudyState, input: ShowPage, now: float) -> list[StudyEvent]:
    here = _here(state, input.session_id, input.page)
    if here is None:
        return []
    if is_too_late(state.rules, here[0], now):
        return [_outcome(here[0], "timed_out")]
    if input.page in here[0].shown:
        return []
    return [PageShown(session_id=input.session_id, page=input.page)]


def _fill(state: StudyState, input: FillPage, now: float) -> list[StudyEvent]:
    here = _here(state, input.session_id, input.page)
    # a form that is sent twice, or sent again from the browser's history, is of a page or an attempt that is past
    if here is None or input.attempt != here[0].missed.get(input.page, 0) + 1:
        return []
    known, page = here
    if known.erased:
        # they are debriefed all the same, and nothing of theirs is kept again
        return [PageAnswered(session_id=input.session_id, page=page.name, hash=page.hash, answers={})]
    consent = list(_consent(page, input))
    if page.role == "consent" and page.required and not input.agreed:
        # a no is a no, however late
        return [*consent, _outcome(known, "no_consent")]
    if is_too_late(state.rules, known, now):
        return [_outcome(known, "timed_out")]
    events: list[StudyEvent] = []
    if input.missed:
        missed = ChecksMissed(
            session_id=input.session_id,
            page=page.name,
            checks=input.missed,
            answers=input.answers,
            attempt=input.attempt,
        )
        if input.attempt < page.tries:
            return [missed]
        if page.on_failure == "end":
            return [missed, *_retaken(state, known, now), _outcome(known, "failed_check")]
        events.append(missed)
    events += _retaken(state, known, now)
    answered = PageAnswered(session_id=input.session_id, page=page.name, hash=page.hash, answers=input.answers)
    events += [*consent, answered]
    return [*events, *_further(_after(state, events, now), input, now)]


def _consent(page: PageRules, input: FillPage) -> Iterable[ConsentAnswered]:
    if input.agreed is not None:
        yield ConsentAnswered(
            session_id=input.session_id,
            page=page.name,
            version=page.version,
            hash=page.hash,
            about="participation" if page.role == "consent" else "data",
            given=input.agreed,
        )


def _further(state: StudyState, input: FillPage, now: float) -> list[StudyEvent]:
    """What comes of a page that has been filled in; the state is that after it."""
    known, rules = state.participations[input.session_id], state.rules
    if known.ended is not None:
        if known.outcome is not None or _asks_more(rules.pages, known):
            return []
        return [_outcome(known, outcome_of(known.reason or ""))]
    if input.screened:
        return [_outcome(known, "screened_out")]
    if known.treatment is not None or awaits_answers(rules, known):
        return []
    due = list(_due(state, now))
    state = _after(state, due, now)
    try:
        return [*due, *assigned(state, state.participations[input.session_id])]
    except Refused as refusal:
        if refusal.reason != "quota_full":
            raise
        return [_outcome(known, "quota_full")]


def _asks_more(pages: Sequence[PageRules], known: Participation) -> bool:
    """Whether questions follow somebody's chat: until they are answered there is no outcome."""
    return any(page.role == "after" for page in left_after(pages, known))


def _retaken(state: StudyState, known: Participation, now: float) -> list[StudyEvent]:
    """Somebody who goes on after their place was released counts all the same."""
    if not known.released or known.outcome is not None:
        return []
    return [PlaceRetaken(session_id=known.session_id, expires=round(now + state.rules.reserve_for, 6))]


def _outcome(known: Participation, outcome: Outcome) -> OutcomeReached:
    return OutcomeReached(session_id=known.session_id, outcome=outcome)


# --- the way out


def _end(state: StudyState, input: EndChat) -> list[StudyEvent]:
    known = state.participations.get(input.session_id)
    if known is None or known.ended is not None or (known.outcome is not None and known.begun is None):
        return []
    begun = [] if known.begun is not None else [ParticipationBegun(session_id=input.session_id)]
    ended = ChatEnded(session_id=input.session_id, reason=input.reason)
    over = replace(known, ended=0.0, reason=input.reason)
    if known.outcome is not None or _asks_more(state.rules.pages, over):
        return [*begun, ended]
    return [*begun, ended, _outcome(known, outcome_of(input.reason))]


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
        events.append(
            PlaceReleased(session_id=known.session_id, reason="not_completed" if known.begun else "not_begun")
        )
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
