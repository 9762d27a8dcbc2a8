"""What happens next: from what is true and what comes in, the facts that follow."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from itertools import islice
from typing import assert_never

from roomful.core import cards, checks, phrases, prompts, targets, turns
from roomful.core.chance import choose, draw, identifier
from roomful.core.events import (
    SHOWN,
    USER,
    ActivityRecorded,
    CallAnswered,
    CallFailed,
    CallRequested,
    DistressNoticed,
    Entry,
    ErrorRecorded,
    Event,
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
from roomful.core.inputs import (
    Answered,
    Block,
    Complain,
    Connect,
    Disconnect,
    End,
    Failed,
    Input,
    Leave,
    Observe,
    Rang,
    React,
    Report,
    Resume,
    Say,
    Start,
    Suspend,
)
from roomful.core.records import value
from roomful.core.state import ABSENCE, CLOCK, END, UNAVAILABLE, Message, SessionState, Turn, take_up
from roomful.core.study import IN_DISTRESS, SCRIPTED, ModelSettings, name_of

ASKED_MOST = 2
"""Calls for one turn: a reply of which nothing can be shown is asked for once more."""
HEARD_MOST = 40
"""Messages back that one may still take up."""
NESTED_MOST = 8
"""Levels of lists and objects in what a page reports."""
_READ_AT_ONCE: Mapping[str, float] = {}


class Refused(Exception):
    """The input is not taken, and nothing has changed. `reason` is one word for programs; the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@value
class Decided:
    """The entries that follow from an input, numbered, and the state after them."""

    entries: list[Entry]
    state: SessionState


def numbered(state: SessionState, events: Iterable[Event], at: float, input: Input | None = None) -> Decided:
    """Number and fold facts that follow on a state at `at` (seconds of the session); `input` is what led to them."""
    draft = _Draft(state.copy(), input, at)
    for event in events:
        draft.add(event)
    return Decided(draft.entries, draft.state)


class _Draft:
    """The entries decided so far and the state they lead to: later decisions of a batch see the earlier ones.

    It brings the state up to date in its place.
    """

    def __init__(self, state: SessionState, input: Input | None, now: float) -> None:
        self.now = now
        self.state = state
        self.entries: list[Entry] = []
        self._input = input

    def add(self, event: Event) -> None:
        state = self.state
        shown = state.shown + 1 if isinstance(event, SHOWN) else None
        entry = Entry(state.seq + 1, self.now, event, shown, self._input)
        # the first of a batch tells what led to it
        self._input = None
        self.entries.append(entry)
        take_up(state, entry)


def decide(state: SessionState, input: Input, now: float) -> list[Event]:
    """Return what follows from `input` at `now` (seconds of the session); nothing for what is known or over.

    Raises Refused when the participant should be told that it was not taken.
    """
    return [entry.event for entry in enter(state, input, now).entries]


def enter(state: SessionState, input: Input, now: float, *, in_place: bool = False) -> Decided:
    """Decide as `decide` does, and number what follows: the entries as they are to be stored. Raises Refused.

    `in_place` brings the state itself up to date, in less time: for a caller that has no use of it as it was. One that
    refuses has changed nothing.
    """
    draft = _Draft(state if in_place else state.copy(), input, now)
    _decide(draft, input)
    return Decided(draft.entries, draft.state)


def _decide(draft: _Draft, input: Input) -> None:
    state = draft.state
    if isinstance(input, Start):
        if state.started is None:
            _start(draft, input)
    elif state.started is None:
        raise Refused("not_started", "The session has not started.")
    elif state.ended is not None:
        if isinstance(input, Say | React | Report | Block):
            raise Refused("ended", "The session is over.")
    elif not isinstance(input, Observe) or state.session.simulation_config.record_activity:
        _take(draft, input)


type _Taken = Say | Answered | Failed | Rang | Leave | End | Resume | _Noted


def _take(draft: _Draft, input: _Taken) -> None:
    match input:
        case Say():
            _say(draft, input)
        case Answered():
            _answered(draft, input)
        case Failed():
            _failed(draft, input)
        case Rang():
            _rang(draft, input.alarm)
        case Leave():
            _end(draft, WITHDREW if input.delete else "participant_left")
        case End():
            _end(draft, input.reason)
        case Resume():
            _resume(draft, input)
        case _:
            draft.add(_noted(draft, input))


type _Noted = Connect | Disconnect | Suspend | React | Report | Block | Observe | Complain


def _noted(draft: _Draft, input: _Noted) -> Event:
    """The fact that an input leaves which leads to nothing else."""
    match input:
        case Connect():
            return ParticipantConnected(protocol=input.protocol)
        case Disconnect():
            return ParticipantDisconnected(sent=input.sent, absent_at=_absent_at(draft))
        case Suspend():
            return SessionSuspended()
        case React():
            _message_of(draft, input.message_id)
            return ReactionSet(message_id=input.message_id, sender=USER, emoji=input.emoji)
        case Report():
            _message_of(draft, input.message_id)
            return MessageReported(message_id=input.message_id, reason=input.reason)
        case Block():
            _member_of(draft, input.member)
            return MemberBlocked(member=input.member, blocked=input.blocked)
        case Observe():
            if not _storable(input.details, NESTED_MOST):
                raise Refused("bad_frame", "The details hold a number without an end, or are nested too deeply.")
            return ActivityRecorded(kind=input.kind, details=input.details)
        case Complain():
            return _complaint(input)
        case _:
            assert_never(input)


def _resume(draft: _Draft, input: Resume) -> None:
    """Go on after an outage; a session whose time ran out meanwhile ends, and nobody speaks in it any more."""
    draft.add(SessionResumed(gap=input.gap, absent_at=_absent_at(draft)))
    if draft.state.alarms[END] <= draft.now:
        _end(draft, "duration_expired", draft.state.alarms[END])


def _start(draft: _Draft, input: Start) -> None:
    started = SessionStarted(
        session_id=input.session_id,
        experimental_config=input.experimental,
        simulation_config=input.simulation,
        seed=input.seed,
        participant_name=input.participant_name,
        model=input.model,
        versions=input.versions,
        treatment=input.treatment,
        levels=input.levels,
        answers=input.answers,
        freeze=input.freeze,
        rehearsal=input.rehearsal,
    )
    _enter(draft, started)
    _seed_first(draft)
    _schedule(draft, 1, previous=0.0)


def _enter(draft: _Draft, started: SessionStarted) -> None:
    """Start the session; where agents take sides on an answer of the participant, draw who takes which."""
    stances = started.experimental_config.stances
    if stances is None:
        draft.add(started)
        return
    answer = started.answers.get(stances.question)
    taken = cards.take_sides(stances, started.simulation_config.agent_names, answer, started.seed)
    draft.add(replace(started, sides=taken.sides, stances=taken.words))
    if not taken.found:
        message = "The participant's answer is no position's: one was drawn to stand for it."
        context = {"question": stances.question, "answer": answer}
        draft.add(ErrorRecorded(error_type="no_position", error_message=message, context=context))


def _seed_first(draft: _Draft) -> None:
    """Post the seeded messages that are there before anybody speaks, the earliest first."""
    seeded = draft.state.session.experimental_config.seeded_messages
    early = [(message.at, number) for number, message in enumerate(seeded, 1) if message.at <= 0]
    for _, number in sorted(early):
        _seed(draft, number)


def _seed(draft: _Draft, number: int) -> None:
    message = draft.state.session.experimental_config.seeded_messages[number - 1]
    posted = MessagePosted(
        message_id=_message_id(draft),
        sender=message.sender,
        content=cards.named(message.text, message.sender),
        turn_id=f"s{number}",
        late=_micros(draft.now - message.at) if message.at > 0 else 0.0,
        reaction_at=_reaction_at(draft, message.sender),
        seeded=number,
    )
    draft.add(posted)


def _typist(draft: _Draft, turn_id: str) -> str:
    if turn := draft.state.turns.get(turn_id):
        return turn.agent_name
    # what is typed without a turn is a seeded message
    return draft.state.session.experimental_config.seeded_messages[int(turn_id.removeprefix("s")) - 1].sender


def _schedule(draft: _Draft, number: int, previous: float) -> None:
    """Set the time of the next background turn, unless the session is over by then."""
    session = draft.state.session
    due = turns.next_due(session.simulation_config, session.seed, number, previous)
    if due >= draft.state.alarms[END]:
        return
    room, gap = session.simulation_config, due - previous
    plan_at = turns.plan_at(room, session.seed, number, due=due, gap=gap, now=draft.now)
    kept = _micros(gap) if room.timing.lengths else 0.0
    draft.add(TurnScheduled(number=number, plan_at=_micros(plan_at), due=_micros(due), gap=kept))


def _rang(draft: _Draft, alarm: str) -> None:
    if draft.state.alarms.get(alarm, math.inf) > draft.now:
        return
    kind, _, of = alarm.partition(":")
    match kind:
        case "call":
            _call(draft, draft.state.turns[of])
        case "typing":
            draft.add(TypingStarted(sender=_typist(draft, of), turn_id=of))
        case "seeded":
            _seed(draft, int(of))
        case "post":
            _post(draft, draft.state.turns[of])
        case "delivered":
            draft.add(ReceiptGiven(message_id=of, status="delivered"))
        case "read":
            draft.add(ReceiptGiven(message_id=of, status="read"))
        case "reaction":
            _react(draft, int(of))
        case _ if alarm == CLOCK:
            _background(draft)
        case _ if alarm == END:
            _end(draft, "duration_expired", draft.state.alarms[END])
        case _ if alarm == ABSENCE:
            _end(draft, "websocket_disconnect", draft.state.alarms[ABSENCE])
        case _ if alarm == UNAVAILABLE:
            _end(draft, "llm_unavailable")
        case _:
            raise ValueError(f"there is no alarm of the name {alarm!r}")


def _background(draft: _Draft) -> None:
    scheduled, now = draft.state.scheduled, draft.now
    if scheduled is None:
        return
    turn_id = f"b{scheduled.number}"
    if now - scheduled.due > turns.OUTAGE_LEAST:
        draft.add(TurnDropped(turn_id=turn_id, agent_name=None, kind="background", reason="outage"))
    else:
        draft.add(_planned(draft, scheduled))
        _call(draft, draft.state.turns[turn_id])
    _schedule(draft, scheduled.number + 1, previous=scheduled.due)


def _planned(draft: _Draft, scheduled: TurnScheduled) -> TurnPlanned:
    """Who writes the message that is scheduled, how long, of what kind, and to whom."""
    state, session, now, due = draft.state, draft.state.session, draft.now, scheduled.due
    room, seed, turn_id = session.simulation_config, session.seed, f"b{scheduled.number}"
    # where lengths are drawn, one message leaves its writer time for the next or it is short
    composing = [turn.agent_name for turn in state.turns.values() if turn.kind == "answer" or not room.timing.lengths]
    spoke = {} if room.timing.plain else _spoke_by(state, due)
    named = () if room.timing.named_boost == 1 else _named_last(state)
    name = turns.background_speaker(room, composing, spoke, named, seed=seed, number=scheduled.number, due=due)
    silent = due - spoke.get(name, -math.inf)
    words = turns.length(room, seed, turn_id, name, gap=scheduled.gap, silent=silent) if room.timing.lengths else 0
    typing = turns.typing_time(room, seed, turn_id, name, words)
    drawn = _drawn(state, turn_id, name) if room.timing.lengths else _Drawn()
    return TurnPlanned(
        turn_id=turn_id,
        agent_name=name,
        kind="background",
        read_at=now,
        typing_at=_micros(turns.background_pace(typing, due, now, since=spoke.get(name, 0.0)).typing_at),
        due=due,
        words=words,
        speech=drawn.speech,
        to=drawn.to,
        quote=drawn.quote,
        emoji=drawn.emoji,
    )


@value
class _Drawn:
    """What a background message takes up, and in which way: as in TurnPlanned."""

    to: str | None = None
    speech: str = ""
    quote: bool = False
    emoji: bool | None = None


def _drawn(state: SessionState, turn_id: str, name: str) -> _Drawn:
    room, seed = state.session.simulation_config, state.session.seed
    # an agent alone has nobody else whose messages it could take up
    to_user = room.timing.background_may_address_user or room.num_agents == 1
    unheard = (name,) if to_user else (name, USER)
    latest = (message for message in reversed(state.messages[-HEARD_MOST:]) if message.sender not in unheard)
    heard = list(islice(latest, turns.TAKEN_UP_MOST))
    place = turns.taken_up(len(heard), seed, turn_id)
    to = heard[place].message_id if place is not None else None
    speech = turns.kind_of_speech(room, seed, turn_id, first=name not in state.spoke, reply=to is not None)
    quote = to is not None and turns.quotes(room, seed, turn_id)
    return _Drawn(to, speech, quote, turns.has_emoji(room, seed, turn_id))


def _spoke_by(state: SessionState, at: float) -> dict[str, float]:
    """When each agent will have posted last by then, as far as is known: what is meant to be posted counts."""
    spoke = dict(state.spoke)
    for turn in state.turns.values():
        if turn.due <= at:
            spoke[turn.agent_name] = max(spoke.get(turn.agent_name, turn.due), turn.due)
    return spoke


def _named_last(state: SessionState) -> list[str]:
    """The agents whom the last message names or quotes."""
    if not state.messages:
        return []
    last = state.messages[-1]
    quoted = state.message(last.reply_to) if last.reply_to else None
    found = turns.named(state.session.simulation_config.agent_names, last.content)
    return [*found, quoted.sender] if quoted else found


def _call(draft: _Draft, turn: Turn, rejected: str | None = None) -> None:
    prompt = prompts.ask(draft.state, turn, draft.now, rejected)
    session = draft.state.session
    own = session.simulation_config.llm.agents.get(turn.agent_name)
    llm = own or session.simulation_config.llm
    requested = CallRequested(
        call_id=f"c{prompt.number}",
        turn_id=turn.turn_id,
        prompt=prompt,
        model=session.model if own is None else _model_of(own, session.model),
        parameters={
            "temperature": llm.temperature,
            "top_p": llm.top_p,
            "max_output_tokens": llm.max_output_tokens,
            "thinking_budget": llm.thinking_budget,
            "thinking_level": llm.thinking_level,
        },
    )
    draft.add(requested)


def _model_of(own: ModelSettings, common: str) -> str:
    """What the model of one agent is called; where nobody named a provider, it is the one of the others."""
    return common if own.provider is None and common == SCRIPTED else name_of(own)


def _say(draft: _Draft, input: Say) -> None:
    state, session = draft.state, draft.state.session
    if input.client_id and any(message.client_id == input.client_id for message in reversed(state.messages)):
        # a retry after a lost acknowledgement must not post twice
        return
    if not input.content.strip():
        raise Refused("empty", "The message is empty.")
    quoted = _message_of(draft, input.reply_to) if input.reply_to else None
    said = state.tally.said + 1
    room, probe = session.simulation_config, phrases.PROBE.among(input.content)
    passed_over = probe and room.bot_question_policy == "ignore"
    answer = None if passed_over else _answer(draft, input.content, quoted.sender if quoted else None, said)
    noticed = {answer.agent_name: answer.read_at} if answer else {}
    receipts = turns.receipts(room, session.seed, said, draft.now, noticed)
    message = MessagePosted(
        message_id=_message_id(draft),
        sender=USER,
        content=input.content,
        reply_to=input.reply_to,
        client_id=input.client_id,
        receipts={name: _micros(due) for name, due in receipts.of_all.items()},
        read_by={name: _micros(at) for name, at in receipts.read_by.items()},
        reaction_at=_reaction_at(draft, USER, receipts.read_by),
        probe=probe,
    )
    draft.add(message)
    _heed(draft, message)
    if answer is None or draft.state.ended is not None:
        return
    for turn in state.turns.values():
        if turn.kind == "answer" and turn.agent_name == answer.agent_name:
            # a second message to an agent whose answer is under way is answered by the same one
            draft.add(TurnMerged(turn_id=turn.turn_id, message_id=message.message_id))
            return
    draft.add(replace(answer, answers=(message.message_id,)))


def _heed(draft: _Draft, message: MessagePosted) -> None:
    """Notice signs of distress in what the participant says, and end the session where the study wants that."""
    action = draft.state.session.simulation_config.distress.action
    if action == "off" or not phrases.DISTRESS.among(message.content):
        return
    draft.add(DistressNoticed(message_id=message.message_id, action=action))
    if action == "end":
        _end(draft, IN_DISTRESS)


def _answer(draft: _Draft, content: str, quoted: str | None, said: int) -> TurnPlanned | None:
    """The answer to what the participant says, if it is drawn that one agent will give one."""
    state, session, now = draft.state, draft.state.session, draft.now
    room, seed = session.simulation_config, session.seed
    if not turns.answers(room, seed, said):
        return None
    turn_id = f"a{state.tally.answers + 1}"
    read_at, typing_at = turns.begun_at(seed, turn_id, content, now)
    spoke = {} if room.timing.plain else _spoke_by(state, typing_at)
    name = turns.answering_speaker(room, content, quoted, spoke, seed=seed, said=said, at=typing_at)
    silent = typing_at - spoke.get(name, -math.inf)
    words = turns.length(room, seed, turn_id, name, gap=None, silent=silent) if room.timing.lengths else 0
    typing = turns.typing_time(room, seed, turn_id, name, words)
    typing_at = _hands_free(state, name, typing_at, typing) if room.timing.lengths else typing_at
    return TurnPlanned(
        turn_id=turn_id,
        agent_name=name,
        kind="answer",
        read_at=_micros(read_at),
        typing_at=_micros(typing_at),
        due=_micros(typing_at + typing),
        words=words,
        quote=room.timing.lengths and turns.quotes(room, seed, turn_id),
        emoji=turns.has_emoji(room, seed, turn_id),
    )


def _hands_free(state: SessionState, name: str, typing_at: float, typing: float) -> float:
    """From when somebody can type for so long who has other messages to type: nobody writes two at once."""
    own = sorted((turn.typing_at, turn.due) for turn in state.turns.values() if turn.agent_name == name)
    for begins, ends in own:
        if begins < typing_at + typing and typing_at < ends:
            typing_at = ends
    return typing_at


def _reaction_at(draft: _Draft, sender: str, read_by: Mapping[str, float] = _READ_AT_ONCE) -> float | None:
    """When somebody reacts to the message that is posted now, and not before they read it."""
    session, number = draft.state.session, len(draft.state.messages) + 1
    room = session.simulation_config
    if not room.speech.reaction_rate or room.agent_names == (sender,):
        return None
    at = turns.reacts_at(room, session.seed, number, draft.now)
    if at is None:
        return None
    by = turns.reaction(room.agent_names, sender, session.seed, number).sender
    return _micros(max(at, read_by.get(by, at)))


def _react(draft: _Draft, number: int) -> None:
    session, message = draft.state.session, draft.state.messages[number - 1]
    found = turns.reaction(session.simulation_config.agent_names, message.sender, session.seed, number)
    draft.add(ReactionSet(message_id=message.message_id, sender=found.sender, emoji=found.emoji))


def _answered(draft: _Draft, input: Answered) -> None:
    call = draft.state.calls.get(input.call_id)
    if call is None:
        return
    session = draft.state.session
    agent_name = call.prompt.agent_name
    members = [*session.simulation_config.agent_names, session.participant_name]
    cleaned = prompts.cleaned(input.reply.text, agent_name, members)
    shown = cleaned.text
    if draft.state.turns[call.turn_id].emoji is False:
        shown = prompts.without_emoji(shown)
    rejected = checks.rejection(shown, call.prompt, draft.state)
    text = None if rejected else prompts.trimmed(shown, call.prompt.words)
    answered = CallAnswered(
        call_id=call.call_id,
        prompt=call.prompt,
        reply=input.reply,
        text=text,
        rejected=rejected,
        repairs=cleaned.repairs if text in (None, shown) else (*cleaned.repairs, "words"),
    )
    draft.add(answered)
    turn, llm = draft.state.turns[call.turn_id], session.simulation_config.llm
    if rejected and turn.rejected < ASKED_MOST:
        _call(draft, turn, rejected)
    elif rejected:
        _give_up(draft, turn, rejected, llm.when_rejected or llm.when_unavailable)
    elif turn.due <= draft.now:
        _post(draft, turn)
    if _over_budget(draft.state):
        _end(draft, "budget_exhausted")


def _failed(draft: _Draft, input: Failed) -> None:
    call = draft.state.calls.get(input.call_id)
    if call is None:
        return
    failed = CallFailed(
        call_id=call.call_id,
        prompt=call.prompt,
        error=input.error,
        message=input.message,
        latency=input.latency,
        attempts=input.attempts,
        reply=input.reply,
    )
    draft.add(failed)
    llm = draft.state.session.simulation_config.llm
    _give_up(draft, draft.state.turns[call.turn_id], input.error, llm.when_unavailable)
    if _over_budget(draft.state):
        _end(draft, "budget_exhausted")


def _give_up(draft: _Draft, turn: Turn, reason: str, then: str) -> None:
    """Ask no more for a turn: a line that nobody has used yet stands in (`then`), or there will be no message."""
    session, used = draft.state.session, draft.state.lines_used
    known = session.simulation_config.llm.fallback_lines if then == "fallback" else ()
    lines = [line for line in known if line not in used]
    if not lines:
        _drop(draft, turn, reason)
        return
    text = choose(lines, draw(session.seed, "fallback", turn.turn_id))
    draft.add(TurnFilled(turn_id=turn.turn_id, agent_name=turn.agent_name, text=text, reason=reason))
    if turn.due <= draft.now:
        _post(draft, draft.state.turns[turn.turn_id])


def _drop(draft: _Draft, turn: Turn, reason: str) -> None:
    draft.add(TurnDropped(turn_id=turn.turn_id, agent_name=turn.agent_name, kind=turn.kind, reason=reason))


def _post(draft: _Draft, turn: Turn) -> None:
    session = draft.state.session
    if turn.text is None:
        return
    posted = MessagePosted(
        message_id=_message_id(draft),
        sender=turn.agent_name,
        content=turn.text,
        reply_to=_quoted(turn),
        turn_id=turn.turn_id,
        late=_micros(draft.now - turn.due),
        reaction_at=_reaction_at(draft, turn.agent_name),
        contradicts=cards.contradicts(session, turn.agent_name, turn.text),
        fallback=turn.filled,
    )
    draft.add(posted)


def _quoted(turn: Turn) -> str | None:
    """The message that an agent's message quotes."""
    if not turn.quote:
        return None
    return turn.answers[-1] if turn.answers else turn.to


def _member_of(draft: _Draft, member: str) -> None:
    if member not in draft.state.session.simulation_config.agent_names:
        raise Refused("unknown_member", f"There is no member {member!r} in this group.")


def _message_of(draft: _Draft, message_id: str) -> Message:
    message = draft.state.message(message_id)
    if message is None:
        raise Refused("unknown_message", f"There is no message {message_id!r} in this group.")
    return message


def _storable(value: object, levels: int) -> bool:
    """Whether a log can hold it and be read: a page's 1e999 is read as inf, which JSON cannot write."""
    if isinstance(value, float):
        return math.isfinite(value)
    if not isinstance(value, Mapping | list):
        return True
    items = value.values() if isinstance(value, Mapping) else value
    return levels > 0 and all(_storable(item, levels - 1) for item in items)


def _complaint(input: Complain) -> ErrorRecorded:
    return ErrorRecorded(
        error_type=input.error_type,
        error_message=input.error_message,
        context=input.context,
        count=input.count,
    )


WITHDREW = "participant_withdrew"
"""The reason of an end after which what the participant has written is deleted."""


def _end(draft: _Draft, reason: str, due: float | None = None) -> None:
    """End the session; turns that are under way stay unfinished and are counted as such."""
    state = draft.state
    unfinished = {"unfinished": len(state.turns)}
    late = due is not None and draft.now - due > turns.OUTAGE_LEAST
    ended = SessionEnded(
        reason=reason,
        tally=asdict(state.tally) | unfinished,
        llm_degraded_seconds=state.degraded_seconds(draft.now),
        due=due if late else None,
        targets=targets.measured(state),
    )
    draft.add(ended)


def _over_budget(state: SessionState) -> bool:
    llm = state.session.simulation_config.llm
    if llm.max_tokens_per_session is not None and state.tokens >= llm.max_tokens_per_session:
        return True
    return llm.max_cost_per_session is not None and state.cost >= llm.max_cost_per_session


def _absent_at(draft: _Draft) -> float:
    return _micros(draft.now + draft.state.session.simulation_config.reconnect_grace_seconds)


def _message_id(draft: _Draft) -> str:
    session = draft.state.session
    return identifier(session.seed, session.session_id, "message", len(draft.state.messages) + 1)


def _micros(seconds: float) -> float:
    return round(seconds, 6)
