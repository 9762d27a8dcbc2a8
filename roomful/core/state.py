"""What is true in a session: a fold of its entries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Never, assert_never

from roomful.core.events import (
    USER,
    ActivityRecorded,
    CallAnswered,
    CallFailed,
    CallRequested,
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
from roomful.core.records import amended
from roomful.core.service import Service
from roomful.core.turns import seeded_typing_at

CRASHED = "session_crashed"
"""The `error_type` of a fault of the engine itself; its context names the `input` over which it came."""

END, CLOCK, ABSENCE, UNAVAILABLE = "end", "clock", "absence", "unavailable"
"""Alarms of the room itself; those of turns and messages are named `call:b7`, `seeded:2`, `delivered:<message id>` …"""


@dataclass(frozen=True, slots=True)
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


# named tuples where something changes with every entry: copying a frozen dataclass takes four times as long
class Turn(NamedTuple):
    """A message that an agent means to post, until it is posted or dropped."""

    turn_id: str
    agent_name: str
    kind: Literal["background", "answer"]
    typing_at: float
    due: float
    answers: tuple[str, ...] = ()
    asked: int = 0
    """How many calls were made for it."""
    typing: bool = False
    text: str | None = None
    """What will be posted, once a reply has come."""
    filled: bool = False
    """Whether that is a line that stands in for a reply."""


class Tally(NamedTuple):
    """What has been counted so far: of background turns and of answers, how many were meant, posted and given up."""

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


_NOTHING: Mapping[str, Never] = MappingProxyType({})


class SessionState(NamedTuple):
    """All that decides what may happen next. `SessionState()` is a session that has not started."""

    started: SessionStarted | None = None
    seq: int = 0
    at: float = 0.0
    shown: int = 0
    messages: tuple[Message, ...] = ()
    turns: Mapping[str, Turn] = _NOTHING
    calls: Mapping[str, CallRequested] = _NOTHING
    """LLM calls asked for and not yet answered."""
    scheduled: TurnScheduled | None = None
    """The next background turn, until somebody is chosen for it."""
    alarms: Mapping[str, float] = _NOTHING
    """Times to wake, in seconds of the session: set and not yet rung."""
    tally: Tally = Tally()
    service: Service = Service()
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
    crashes: Mapping[str, int] = _NOTHING
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
    def deadline(self) -> float:
        """The time of the earliest alarm, or inf."""
        return min(self.alarms.values(), default=inf)

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


type _Changes = dict[str, Any]


def evolve(state: SessionState, entry: Entry) -> SessionState:
    """Return the state after this entry. Never refuses, so that an old log always folds."""
    shown = state.shown if entry.shown is None else entry.shown
    if state.service.asked or state.service.failures:
        state = _passed(state, entry)
    changes = _changes(state, entry)
    changes["seq"], changes["at"], changes["shown"] = entry.seq, entry.at, shown
    return amended(state, changes)


def fold(entries: Iterable[Entry], state: SessionState | None = None) -> SessionState:
    """Return the state after all these entries."""
    state = state or SessionState()
    for entry in entries:
        state = evolve(state, entry)
    return state


def _changes(state: SessionState, entry: Entry) -> _Changes:
    event = entry.event
    # the frequent ones first: each arm costs those behind it a little
    match event:
        case CallRequested():
            return _requested(state, event, entry.at)
        case CallAnswered():
            return _answered(state, event, entry.at)
        case TypingStarted():
            return _typing(state, event)
        case MessagePosted():
            return _posted(state, event, entry)
        case ReceiptGiven():
            return {"alarms": _without(state.alarms, f"{event.status}:{event.message_id}")}
        case TurnScheduled():
            tally = amended(state.tally, {"scheduled": event.number})
            return {"tally": tally, "scheduled": event, "alarms": {**state.alarms, CLOCK: event.plan_at}}
        case TurnPlanned():
            return _planned(state, event)
        case SessionStarted():
            return {"started": event, "alarms": _first_alarms(event)}
        case SessionResumed():
            # until the outage each shown entry went out at once to whoever was connected
            sent = state.shown if state.connected else state.sent
            absent = {**state.alarms, ABSENCE: event.absent_at}
            return {"connected": False, "sent": sent} | _serving(state, state.service.resumed(entry.at), absent)
        case ParticipantConnected():
            return {"connected": True, "alarms": _without(state.alarms, ABSENCE)}
        case ParticipantDisconnected():
            absent = {**state.alarms, ABSENCE: event.absent_at}
            return {"connected": False, "sent": event.sent, "alarms": absent}
        case TurnMerged():
            merged = state.turns.get(event.turn_id)
            answers = (*merged.answers, event.message_id) if merged else ()
            return {"turns": _changed(state.turns, event.turn_id, answers=answers)}
        case TurnDropped():
            return _dropped(state, event)
        case TurnFilled():
            return _filled(state, event)
        case CallFailed():
            return _failed(state, event, entry.at)
        case SessionEnded():
            return _ended(state, event)
        case MemberBlocked(member=member, blocked=blocked):
            return _blocked(state, member, blocked=blocked)
        case SessionSuspended() | ReactionSet() | MessageReported():
            return {}
        case ErrorRecorded():
            return _crashed(state, event) if event.error_type == CRASHED else {}
        case ActivityRecorded() | Erased():
            return {}
        case _:
            assert_never(event)


def _first_alarms(event: SessionStarted) -> Mapping[str, float]:
    alarms = {END: round(event.simulation_config.session_duration_minutes * 60.0, 6)}
    for number, message in enumerate(event.experimental_config.seeded_messages, 1):
        if message.at > 0:
            alarms[f"typing:s{number}"] = round(seeded_typing_at(message), 6)
            alarms[f"seeded:{number}"] = round(message.at, 6)
    return alarms


def _ended(state: SessionState, event: SessionEnded) -> _Changes:
    # whoever was connected was sent everything before the socket was closed
    sent = state.shown if state.connected else state.sent
    over: _Changes = {"alarms": {}, "calls": {}, "turns": {}, "service": state.service.only(())}
    return over | {"ended": event.reason, "sent": sent}


def _blocked(state: SessionState, member: str, *, blocked: bool) -> _Changes:
    others = tuple(name for name in state.blocked if name != member)
    return {"blocked": (*others, member) if blocked else others}


def _crashed(state: SessionState, event: ErrorRecorded) -> _Changes:
    over = str(event.context.get("input", ""))
    return {"crashes": {**state.crashes, over: state.crashes.get(over, 0) + event.count}}


def _planned(state: SessionState, event: TurnPlanned) -> _Changes:
    turn = Turn(
        turn_id=event.turn_id,
        agent_name=event.agent_name,
        kind=event.kind,
        typing_at=event.typing_at,
        due=event.due,
        answers=event.answers,
    )
    alarms: Mapping[str, float] = {
        **state.alarms,
        f"call:{event.turn_id}": event.read_at,
        f"typing:{event.turn_id}": event.typing_at,
    }
    if event.kind == "background":
        return {"turns": {**state.turns, turn.turn_id: turn}, "alarms": _without(alarms, CLOCK), "scheduled": None}
    tally = amended(state.tally, {"answers": state.tally.answers + 1})
    return {"turns": {**state.turns, turn.turn_id: turn}, "alarms": alarms, "tally": tally}


def _typing(state: SessionState, event: TypingStarted) -> _Changes:
    alarms = _without(state.alarms, f"typing:{event.turn_id}")
    return {"turns": _changed(state.turns, event.turn_id, typing=True), "alarms": alarms}


def _dropped(state: SessionState, event: TurnDropped) -> _Changes:
    if event.kind == "answer":
        tally = amended(state.tally, {"answers_dropped": state.tally.answers_dropped + 1})
    else:
        tally = amended(state.tally, {"dropped": state.tally.dropped + 1})
    changes = _closed(state, event.turn_id) | {"tally": tally}
    if event.turn_id not in state.turns:
        # it was given up before anybody was chosen for it: the clock had rung too late
        changes |= {"scheduled": None, "alarms": _without(state.alarms, CLOCK)}
    return changes


def _filled(state: SessionState, event: TurnFilled) -> _Changes:
    turn = state.turns.get(event.turn_id)
    return {
        "turns": _changed(state.turns, event.turn_id, text=event.text, filled=True),
        "alarms": {**state.alarms, f"post:{turn.turn_id}": turn.due} if turn else state.alarms,
        "lines_used": state.lines_used | {event.text},
        "tally": amended(state.tally, {"filled": state.tally.filled + 1}),
    }


def _requested(state: SessionState, event: CallRequested, at: float) -> _Changes:
    turn = state.turns.get(event.turn_id)
    changes: _Changes = {
        "calls": {**state.calls, event.call_id: event},
        "turns": _changed(state.turns, event.turn_id, asked=turn.asked + 1) if turn else state.turns,
        "tally": amended(state.tally, {"calls": state.tally.calls + 1}),
    }
    alarms = _without(state.alarms, f"call:{event.turn_id}")
    return changes | _serving(state, state.service.asking(event.call_id, at), alarms)


def _answered(state: SessionState, event: CallAnswered, at: float) -> _Changes:
    call = state.calls.get(event.call_id)
    turn = state.turns.get(call.turn_id) if call else None
    service = state.service
    service = service.failed(event.call_id, at) if event.text is None else service.answered(event.call_id, at)
    changes: _Changes = {"calls": _without(state.calls, event.call_id)} | _spent(state, event.reply)
    if turn is None or event.text is None:
        return changes | _serving(state, service, state.alarms)
    turns = _changed(state.turns, turn.turn_id, text=event.text)
    return changes | {"turns": turns} | _serving(state, service, {**state.alarms, f"post:{turn.turn_id}": turn.due})


def _failed(state: SessionState, event: CallFailed, at: float) -> _Changes:
    spent = _spent(state, event.reply) if event.reply else {}
    failing = _serving(state, state.service.failed(event.call_id, at), state.alarms)
    return {"calls": _without(state.calls, event.call_id)} | spent | failing


def _serving(state: SessionState, service: Service, alarms: Mapping[str, float]) -> _Changes:
    """How the model serves the session now, and when that will have been borne for long enough."""
    if state.started is None:
        return {"service": service, "alarms": alarms}
    llm = state.started.simulation_config.llm
    if llm.when_unavailable == "end":
        alarms = _without(alarms, UNAVAILABLE)
        at = service.unavailable_at(llm)
        alarms = alarms if at == inf else {**alarms, UNAVAILABLE: round(at, 6)}
    return {"service": service, "alarms": alarms}


def _passed(state: SessionState, entry: Entry) -> SessionState:
    """The state in which an entry finds a session that waits for its model, or waits in vain."""
    if isinstance(entry.event, SessionResumed) or state.started is None:
        # nobody ran it: that time is no fault of the model's
        return state
    service = state.service.passed(state.at, entry.at, state.started.simulation_config.llm)
    return state if service is state.service else amended(state, {"service": service})


def _spent(state: SessionState, reply: Reply) -> _Changes:
    """What a reply cost in tokens, and in money by the prices of the settings."""
    if state.started is None:
        return {}
    llm = state.started.simulation_config.llm
    output = reply.output_tokens + reply.thinking_tokens
    cost = (reply.input_tokens * llm.input_price_per_million + output * llm.output_price_per_million) / 1e6
    return {"tokens": state.tokens + reply.input_tokens + output, "cost": state.cost + cost}


def _posted(state: SessionState, event: MessagePosted, entry: Entry) -> _Changes:
    message = Message(
        message_id=event.message_id,
        number=len(state.messages) + 1,
        sender=event.sender,
        content=event.content,
        at=entry.at,
        shown=entry.shown or 0,
        reply_to=event.reply_to,
        client_id=event.client_id,
    )
    changes: _Changes = {"messages": (*state.messages, message)}
    tally = state.tally
    if event.sender == USER:
        receipts = {f"{status}:{event.message_id}": due for status, due in event.receipts.items()}
        return changes | {"alarms": {**state.alarms, **receipts}, "tally": amended(tally, {"said": tally.said + 1})}
    if event.seeded:
        return changes | {"alarms": _without(state.alarms, f"seeded:{event.seeded}")}
    turn = state.turns.get(event.turn_id or "")
    if turn is None:
        return changes
    if turn.kind == "background":
        tally = amended(tally, {"posted": tally.posted + 1})
    else:
        tally = amended(tally, {"answers_posted": tally.answers_posted + 1})
    return changes | _closed(state, turn.turn_id) | {"tally": tally}


def _closed(state: SessionState, turn_id: str) -> _Changes:
    alarms = dict(state.alarms)
    for kind in ("call", "typing", "post"):
        alarms.pop(f"{kind}:{turn_id}", None)
    calls = {call_id: call for call_id, call in state.calls.items() if call.turn_id != turn_id}
    changes: _Changes = {"turns": _without(state.turns, turn_id), "alarms": alarms, "calls": calls}
    if len(calls) < len(state.calls):
        changes |= _serving(state, state.service.only(calls), alarms)
    return changes


def _changed(turns: Mapping[str, Turn], turn_id: str, **changes: Any) -> Mapping[str, Turn]:  # noqa: ANN401
    """The turns with one of them changed, if it is there: what planned it may have been erased."""
    turn = turns.get(turn_id)
    return turns if turn is None else {**turns, turn_id: amended(turn, changes)}


def _without[T](items: Mapping[str, T], name: str) -> Mapping[str, T]:
    if name not in items:
        return items
    rest = dict(items)
    del rest[name]
    return rest
