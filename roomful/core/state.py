"""What is true in a session: a fold of its entries."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from math import inf
from typing import Literal, assert_never

from roomful.core.events import (
    USER,
    ActivityRecorded,
    CallAnswered,
    CallFailed,
    CallRequested,
    DistressNoticed,
    Entry,
    Erased,
    ErrorRecorded,
    MemberBlocked,
    MessagePosted,
    MessageReported,
    ParticipantConnected,
    ParticipantDisconnected,
    ReactionSet,
    ReceiptGiven,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    SessionSuspended,
    TurnDropped,
    TurnFilled,
    TurnMerged,
    TurnPlanned,
    TurnScheduled,
    TypingStarted,
)
from roomful.core.inputs import Reply
from roomful.core.records import changing, value
from roomful.core.service import Service
from roomful.core.turns import seeded_typing_at

CRASHED = "session_crashed"
"""The `error_type` of a fault of the engine itself; its context names the `input` over which it came."""

END, CLOCK, ABSENCE, UNAVAILABLE = "end", "clock", "absence", "unavailable"
"""Alarms of the room itself; those of turns and messages are named `call:b7`, `seeded:2`, `delivered:<message id>` …"""


@value
class Message:
    """A message in the room: `number` counts 1, 2, 3 … as posted, `shown` is its entry's, `at` is in seconds."""

    message_id: str
    number: int
    sender: str
    content: str
    at: float
    shown: int = 0
    reply_to: str | None = None
    client_id: str | None = None
    seeded: bool = False
    """Whether it is one of the study's own."""
    answer: bool = False
    """Whether an agent answers the participant with it."""


@changing
class Turn:
    """A message that an agent means to post, until it is posted or dropped.

    It is part of its state as the dictionaries are: only `take_up` changes it, in a copy that nobody else holds.
    """

    turn_id: str
    agent_name: str
    kind: Literal["background", "answer"]
    typing_at: float
    due: float
    answers: tuple[str, ...] = ()
    rejected: int = 0
    """How many replies to it could not be shown."""
    text: str | None = None
    """What will be posted, once a reply has come."""
    filled: bool = False
    """Whether that is a line that stands in for a reply."""
    words: int = 0
    speech: str = ""
    to: str | None = None
    quote: bool = False
    emoji: bool | None = None
    """As in TurnPlanned."""


@changing
class Tally:
    """What has been counted so far: of background turns and of answers, how many were meant, posted and given up.

    It is part of its state as the dictionaries are: only `take_up` counts, in a copy that nobody else holds.
    """

    calls: int = 0
    said: int = 0
    """Messages of the participant."""
    scheduled: int = 0
    """Background turns whose time was set, the next one included."""
    posted: int = 0
    dropped: int = 0
    answers: int = 0
    answers_posted: int = 0
    answers_dropped: int = 0
    filled: int = 0
    """Turns of either kind for which a reviewed line stood in."""
    probes: int = 0
    """Messages of the participant that ask who is a machine."""
    contradictions: int = 0
    """Messages of agents against their own stance."""


_UNASKED = Service()


@changing
class SessionState:
    """All that decides what may happen next. `SessionState()` is a session that has not started.

    It is a value: `evolve` and `fold` make a new one, and nobody changes one that others may hold.
    """

    started: SessionStarted | None = None
    seq: int = 0
    at: float = 0.0
    shown: int = 0
    messages: tuple[Message, ...] = ()
    spoke: Mapping[str, float] = field(default_factory=dict)
    """When each agent that has posted did last."""
    turns: dict[str, Turn] = field(default_factory=dict)
    calls: Mapping[str, CallRequested] = field(default_factory=dict)
    """LLM calls asked for and not yet answered."""
    distress: int = 0
    """Messages of the participant with signs of distress. Not among what is kept of a session that is deleted."""
    scheduled: TurnScheduled | None = None
    """The next background turn, until somebody is chosen for it."""
    alarms: dict[str, float] = field(default_factory=dict)
    """Times to wake, in seconds of the session: set and not yet rung."""
    tally: Tally = field(default_factory=Tally)
    service: Service = _UNASKED
    lines_used: frozenset[str] = frozenset()
    """Reviewed lines that have stood in for failed calls."""
    tokens: int = 0
    cost: float = 0.0
    connected: bool = False
    sent: int = 0
    """The last shown entry that a socket of protocol 1 was sent before it closed."""
    blocked: tuple[str, ...] = ()
    """Members whose messages the participant does not want to see."""
    ended: str | None = None
    crashes: Mapping[str, int] = field(default_factory=dict)
    """How often the session has crashed over an input, by the input's name."""

    @property
    def next_alarm(self) -> tuple[str, float]:
        """The earliest alarm, of several at one time the first by name: its name and time; ("", inf) without one."""
        earliest, at = "", inf
        for name, due in self.alarms.items():
            if due < at or (due == at and name < earliest):
                earliest, at = name, due
        return earliest, at

    @property
    def session(self) -> SessionStarted:
        """What the session started with. Only asked of a session that has started."""
        if self.started is None:
            raise ValueError("the session has not started")
        return self.started

    def degraded_seconds(self, now: float) -> float:
        """For how long the model has not served the session by now."""
        service = self.service.passed(self.at, now, self.session.simulation_config.llm)
        return round(service.degraded, 6)

    def message(self, message_id: str) -> Message | None:
        """The message of this id, or None."""
        return next((message for message in reversed(self.messages) if message.message_id == message_id), None)

    def copy(self) -> "SessionState":
        """A state of one's own, for `take_up`."""
        copied = _copied(self)
        # what changes seldom is replaced by `take_up`, and need not be copied
        copied.turns = {turn_id: _copied(turn) for turn_id, turn in self.turns.items()}
        copied.alarms = self.alarms.copy()
        copied.tally = _copied(self.tally)
        return copied


def _copied[T](value: T) -> T:
    # what dataclasses.replace does, in a tenth of the time: there is one for every batch of every session
    copied = object.__new__(type(value))
    copied.__dict__ = value.__dict__.copy()
    return copied


def evolve(state: SessionState, entry: Entry) -> SessionState:
    """Return the state after this entry. Never refuses, so that an old log always folds."""
    return fold((entry,), state)


def fold(entries: Iterable[Entry], state: SessionState | None = None) -> SessionState:
    """Return the state after all these entries."""
    folded = state.copy() if state else SessionState()
    for entry in entries:
        take_up(folded, entry)
    return folded


def take_up(state: SessionState, entry: Entry) -> None:
    """Bring a state up to this entry, in its place: only for a copy that nobody else holds."""
    event = entry.event
    if entry.at > state.at and (state.service.asked or state.service.failures):
        _pass(state, entry)
    state.seq, state.at = entry.seq, entry.at
    if entry.shown is not None:
        state.shown = entry.shown
    # the frequent ones first: each arm costs those behind it a little
    match event:
        case CallRequested():
            _requested(state, event)
        case CallAnswered():
            _answered(state, event)
        case TypingStarted():
            state.alarms.pop(f"typing:{event.turn_id}", None)
        case MessagePosted():
            _posted(state, event, entry)
        case ReceiptGiven():
            state.alarms.pop(f"{event.status}:{event.message_id}", None)
        case TurnScheduled():
            state.scheduled = event
            state.alarms[CLOCK] = event.plan_at
            state.tally.scheduled = event.number
        case TurnPlanned():
            _planned(state, event)
        case _:
            _take_up_rare(state, event)


type _Presence = SessionStarted | SessionResumed | ParticipantConnected | ParticipantDisconnected
type _Rare = (
    _Presence
    | SessionSuspended
    | TurnMerged
    | TurnDropped
    | TurnFilled
    | CallFailed
    | DistressNoticed
    | ReactionSet
    | MessageReported
    | MemberBlocked
    | ActivityRecorded
    | ErrorRecorded
    | SessionEnded
    | Erased
)


def _take_up_rare(state: SessionState, event: _Rare) -> None:
    match event:
        case SessionStarted() | SessionResumed() | ParticipantConnected() | ParticipantDisconnected():
            _came_or_went(state, event)
        case TurnMerged():
            # what planned it may have been erased
            if turn := state.turns.get(event.turn_id):
                turn.answers = (*turn.answers, event.message_id)
        case TurnDropped():
            _dropped(state, event)
        case TurnFilled():
            _filled(state, event)
        case CallFailed():
            _failed(state, event)
        case SessionEnded():
            _ended(state, event)
        case MemberBlocked(member=member, blocked=blocked):
            others = tuple(name for name in state.blocked if name != member)
            state.blocked = (*others, member) if blocked else others
        case ErrorRecorded():
            _crashed(state, event)
        case ReactionSet():
            _reacted(state, event)
        case DistressNoticed():
            state.distress += 1
        case SessionSuspended() | MessageReported() | ActivityRecorded() | Erased():
            pass
        case _:
            assert_never(event)


def _reacted(state: SessionState, event: ReactionSet) -> None:
    message = state.message(event.message_id) if event.sender != USER else None
    if message:
        state.alarms.pop(f"reaction:{message.number}", None)


def _came_or_went(state: SessionState, event: _Presence) -> None:
    match event:
        case SessionStarted():
            state.started = event
            state.alarms = _first_alarms(event)
        case SessionResumed():
            # until the outage each shown entry went out at once to whoever was connected
            state.sent = state.shown if state.connected else state.sent
            state.connected = False
            state.alarms[ABSENCE] = event.absent_at
            _serve(state, state.service.resumed(state.at))
        case ParticipantConnected():
            state.connected = True
            state.alarms.pop(ABSENCE, None)
        case ParticipantDisconnected():
            state.connected, state.sent = False, event.sent
            state.alarms[ABSENCE] = event.absent_at
        case _:
            assert_never(event)


def _first_alarms(event: SessionStarted) -> dict[str, float]:
    alarms = {END: round(event.simulation_config.session_duration_minutes * 60.0, 6)}
    for number, message in enumerate(event.experimental_config.seeded_messages, 1):
        if message.at > 0:
            alarms[f"typing:s{number}"] = round(seeded_typing_at(message), 6)
            alarms[f"seeded:{number}"] = round(message.at, 6)
    return alarms


def _ended(state: SessionState, event: SessionEnded) -> None:
    # whoever was connected was sent everything before the socket was closed
    state.sent = state.shown if state.connected else state.sent
    state.ended = event.reason
    state.alarms, state.calls, state.turns = {}, {}, {}
    state.service = state.service.only(())


def _crashed(state: SessionState, event: ErrorRecorded) -> None:
    if event.error_type == CRASHED:
        over = str(event.context.get("input", ""))
        state.crashes = {**state.crashes, over: state.crashes.get(over, 0) + event.count}


def _planned(state: SessionState, event: TurnPlanned) -> None:
    state.turns[event.turn_id] = Turn(
        turn_id=event.turn_id,
        agent_name=event.agent_name,
        kind=event.kind,
        typing_at=event.typing_at,
        due=event.due,
        answers=event.answers,
        words=event.words,
        speech=event.speech,
        to=event.to,
        quote=event.quote,
        emoji=event.emoji,
    )
    state.alarms[f"call:{event.turn_id}"] = event.read_at
    state.alarms[f"typing:{event.turn_id}"] = event.typing_at
    if event.kind == "background":
        state.scheduled = None
        state.alarms.pop(CLOCK, None)
    else:
        state.tally.answers += 1


def _dropped(state: SessionState, event: TurnDropped) -> None:
    if event.turn_id not in state.turns:
        # it was given up before anybody was chosen for it: the clock had rung too late
        state.scheduled = None
        state.alarms.pop(CLOCK, None)
    _close(state, event.turn_id)
    if event.kind == "answer":
        state.tally.answers_dropped += 1
    else:
        state.tally.dropped += 1


def _filled(state: SessionState, event: TurnFilled) -> None:
    turn = state.turns.get(event.turn_id)
    if turn:
        turn.text, turn.filled = event.text, True
        state.alarms[f"post:{turn.turn_id}"] = turn.due
    state.lines_used |= {event.text}
    state.tally.filled += 1


def _requested(state: SessionState, event: CallRequested) -> None:
    state.calls = {**state.calls, event.call_id: event}
    state.alarms.pop(f"call:{event.turn_id}", None)
    state.tally.calls += 1
    _serve(state, state.service.asking(event.call_id, state.at))


def _answered(state: SessionState, event: CallAnswered) -> None:
    call = state.calls.get(event.call_id)
    _came_back(state, event.call_id)
    turn = state.turns.get(call.turn_id) if call else None
    _spend(state, event.reply, event.prompt.agent_name)
    service = state.service
    if event.text is None:
        if turn:
            turn.rejected += 1
        _serve(state, service.failed(event.call_id, state.at))
        return
    if turn:
        turn.text = event.text
        state.alarms[f"post:{turn.turn_id}"] = turn.due
    _serve(state, service.answered(event.call_id, state.at))


def _failed(state: SessionState, event: CallFailed) -> None:
    _came_back(state, event.call_id)
    if event.reply:
        _spend(state, event.reply, event.prompt.agent_name)
    _serve(state, state.service.failed(event.call_id, state.at))


def _came_back(state: SessionState, call_id: str) -> None:
    state.calls = {known: call for known, call in state.calls.items() if known != call_id}


def _serve(state: SessionState, service: Service) -> None:
    """How the model serves the session now, and when that will have been borne for long enough."""
    state.service = service
    if state.started is None:
        return
    llm = state.started.simulation_config.llm
    if llm.when_unavailable == "end":
        state.alarms.pop(UNAVAILABLE, None)
        at = service.unavailable_at(llm)
        if at < inf:
            state.alarms[UNAVAILABLE] = round(at, 6)


def _pass(state: SessionState, entry: Entry) -> None:
    """Let time pass up to an entry in a session that waits for its model, or waits in vain."""
    if isinstance(entry.event, SessionResumed) or state.started is None:
        # nobody ran it: that time is no fault of the model's
        return
    state.service = state.service.passed(state.at, entry.at, state.started.simulation_config.llm)


def _spend(state: SessionState, reply: Reply, agent: str) -> None:
    """Count what a reply cost in tokens, and in money by the prices of who gave it."""
    if state.started is None:
        return
    llm = state.started.simulation_config.llm.speaking_for(agent, reply.fallback)
    output = reply.output_tokens + reply.thinking_tokens
    state.tokens += reply.input_tokens + output
    state.cost += (reply.input_tokens * llm.input_price_per_million + output * llm.output_price_per_million) / 1e6


def _posted(state: SessionState, event: MessagePosted, entry: Entry) -> None:
    turn = state.turns.get(event.turn_id or "")
    message = Message(
        message_id=event.message_id,
        number=len(state.messages) + 1,
        sender=event.sender,
        content=event.content,
        at=entry.at,
        shown=entry.shown or 0,
        reply_to=event.reply_to,
        client_id=event.client_id,
        seeded=event.seeded > 0,
        answer=turn is not None and turn.kind == "answer",
    )
    state.messages = (*state.messages, message)
    if event.reaction_at is not None:
        state.alarms[f"reaction:{message.number}"] = event.reaction_at
    if event.sender == USER:
        for status, due in event.receipts.items():
            state.alarms[f"{status}:{event.message_id}"] = due
        state.tally.said += 1
        state.tally.probes += event.probe
        return
    state.spoke = {**state.spoke, event.sender: entry.at}
    if event.contradicts:
        state.tally.contradictions += 1
    if event.seeded:
        state.alarms.pop(f"seeded:{event.seeded}", None)
        return
    if turn is None:
        return
    _close(state, turn.turn_id)
    if turn.kind == "background":
        state.tally.posted += 1
    else:
        state.tally.answers_posted += 1


def _close(state: SessionState, turn_id: str) -> None:
    for kind in ("call", "typing", "post"):
        state.alarms.pop(f"{kind}:{turn_id}", None)
    state.turns.pop(turn_id, None)
    if state.calls and any(call.turn_id == turn_id for call in state.calls.values()):
        state.calls = {call_id: call for call_id, call in state.calls.items() if call.turn_id != turn_id}
        _serve(state, state.service.only(state.calls))
