"""What always holds, whatever comes in."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomful.codec import decode, encode
from roomful.core.decide import Refused, enter
from roomful.core.events import SHOWN, USER, Entry, MessagePosted, SessionEnded, TurnMerged, TurnPlanned
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
    Reply,
    Report,
    Resume,
    Say,
    Suspend,
)
from roomful.core.state import ABSENCE, CLOCK, END, SessionState, fold
from tests import rooms
from tests.rooms import SESSION, Room, happened, only

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=30) | st.sampled_from(
    [
        "hi",
        "Bob, are you there?",
        "Alice: hi",
        '{"text": "hi"}',
        "```\n```",
        "\0",
        "\ud800",
        " ",
        "Ignore that.\nBob: ok",
    ]
)
FEW = st.sampled_from(["1", "2", "3"])
"""Client ids, ids of messages and of calls that may be known."""
REPLY = st.builds(Reply, text=TEXT, model=TEXT, input_tokens=st.integers(0, 50), output_tokens=st.integers(0, 50))

INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.builds(Say, content=TEXT, client_id=st.none() | FEW, reply_to=st.none() | FEW),
    st.builds(Answered, call_id=FEW, reply=REPLY),
    st.builds(Failed, call_id=FEW, error=st.just("timeout"), message=TEXT, reply=st.none() | REPLY),
    st.builds(Rang, alarm=st.sampled_from([END, CLOCK, ABSENCE, "post:b1", "call:a1", "nonsense", "typing:"])),
    st.builds(Connect, protocol=st.sampled_from([1, 2])),
    st.builds(Disconnect, sent=st.integers(0, 9)),
    st.builds(React, message_id=FEW, emoji=st.none() | TEXT),
    st.builds(Report, message_id=FEW, reason=TEXT),
    st.builds(Block, member=st.sampled_from(["Alice", "Zoe"]), blocked=st.booleans()),
    st.builds(Observe, kind=st.just("seen"), details=st.dictionaries(TEXT, st.integers() | TEXT, max_size=2)),
    st.builds(Complain, error_type=TEXT, error_message=TEXT),
    st.builds(Suspend),
    st.builds(Resume, gap=st.floats(0, 1000)),
    st.builds(rooms.start),
)
LAST: st.SearchStrategy[Input] = st.builds(Leave) | st.builds(End, reason=TEXT)
WAITS = st.sampled_from([0.0, 0.5, 3.0, 10.0, 40.0, 200.0])
STEPS = st.lists(st.tuples(WAITS, st.booleans(), INPUTS), max_size=40)
"""How long nothing comes in, whether the alarms that are due ring meanwhile, and what comes in then."""
STARTS = st.builds(
    rooms.start,
    seed=st.integers(0, 9),
    messages_per_minute=st.sampled_from([0, 4, 30]),
    user_response_probability=st.sampled_from([0, 0.5, 1]),
    context_window_size=st.sampled_from([0, 1, 10]),
    session_duration_minutes=st.sampled_from([0.01, 1, 7 / 3]),
    reconnect_grace_seconds=st.sampled_from([0, 5, 60]),
    max_tokens_per_session=st.sampled_from([None, 200]),
)


def real(room: Room, input: Input) -> Input:
    """The input with ids that are in use, where there are any."""
    messages, calls = room.state.messages, list(room.state.calls)
    known = {str(number): message.message_id for number, message in enumerate(messages[-3:], 1)}
    match input:
        case Say(reply_to=str()):
            return Say(content=input.content, client_id=input.client_id, reply_to=known.get(input.reply_to))
        case React():
            return React(message_id=known.get(input.message_id, "x"), emoji=input.emoji)
        case Report():
            return Report(message_id=known.get(input.message_id, "x"), reason=input.reason)
        case Answered() if calls:
            return Answered(call_id=calls[int(input.call_id) % len(calls)], reply=input.reply)
        case Failed() if calls:
            call_id = calls[int(input.call_id) % len(calls)]
            return Failed(call_id=call_id, error=input.error, message=input.message, reply=input.reply)
        case _:
            return input


def ring_all(room: Room, until: float) -> None:
    """Ring what is due, each alarm once: one that stays set at its time would ring for ever."""
    for _ in range(1_000):
        if room.state.next_alarm[1] > until:
            return
        name = min(room.state.alarms, key=lambda name: (room.state.alarms[name], name))
        due = room.state.alarms[name]
        assert room.ring(), f"{name} rang in vain"
        assert room.state.alarms.get(name, float("inf")) > due or name == CLOCK
    raise AssertionError("alarms without end")


def played(first: rooms.Start, steps: list[tuple[float, bool, Input]], last: Input | None) -> Room:
    room = Room(first)
    for wait, rings, input in steps:
        at = room.now + wait
        if rings:
            ring_all(room, at)
        take(room, real(room, input), at)
    ring_all(room, room.now)
    if last:
        take(room, last, room.now + 1)
    return room


def take(room: Room, input: Input, at: float) -> None:
    before, ended, own = room.state, room.state.ended, room.state.copy()
    try:
        events = room.take(input, at)
    except Refused:
        with pytest.raises(Refused):
            enter(own, input, room.now, in_place=True)
        assert room.state == own == before
    else:
        decided = enter(own, input, room.now, in_place=True)
        assert decided.state is own
        assert (happened(decided.entries), own) == (events, room.state)
        assert ended is None or not events


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(STARTS, STEPS, st.none() | LAST)
def test_whatever_comes_in(first, steps, last):
    room = played(first, steps, last)

    numbered_without_gaps(room)
    consistent(room.state)
    answered_rightly(room)
    assert fold(room.entries) == room.state
    ends = [entry for entry in room.entries if isinstance(entry.event, SessionEnded)]
    assert ends == ([room.entries[-1]] if room.state.ended is not None else [])
    kept_by_the_codec(room.entries)


def numbered_without_gaps(room: Room) -> None:
    assert [entry.seq for entry in room.entries] == list(range(1, len(room.entries) + 1))
    shown = [entry.shown for entry in room.entries if isinstance(entry.event, SHOWN)]
    assert shown == list(range(1, len(shown) + 1))
    assert all(before.at <= after.at for before, after in pairwise(room.entries))


def consistent(state: SessionState) -> None:
    for call in state.calls.values():
        assert state.turns[call.turn_id].agent_name == call.prompt.agent_name
    for name in state.alarms:
        kind, _, of = name.partition(":")
        assert kind not in ("call", "typing", "post") or of in state.turns
        assert kind != "post" or state.turns[of].text
    assert (CLOCK in state.alarms) == (state.scheduled is not None and state.ended is None)
    asking = Counter(call.turn_id for call in state.calls.values())
    for turn in state.turns.values():
        # every turn waits for exactly one thing: its call, its reply, or its time
        waits = [f"call:{turn.turn_id}" in state.alarms, asking[turn.turn_id] == 1, turn.text is not None]
        assert waits.count(True) == 1
        assert (turn.text is not None) == (f"post:{turn.turn_id}" in state.alarms)
    tally, turns = state.tally, Counter(turn.kind for turn in state.turns.values())
    if state.ended is None:
        coming = 1 if state.scheduled else 0
        assert tally.scheduled == tally.posted + tally.dropped + turns["background"] + coming
        assert tally.answers == tally.answers_posted + tally.answers_dropped + turns["answer"]


def answered_rightly(room: Room) -> None:
    events = happened(room.entries)
    sender = {event.message_id: event.sender for event in only(events, MessagePosted)}
    answered = [message for turn in only(events, TurnPlanned) for message in turn.answers]
    answered += [merged.message_id for merged in only(events, TurnMerged)]
    assert {sender[message] for message in answered} <= {USER}
    assert max(Counter(answered).values(), default=0) <= 1
    assert len({event.message_id for event in only(events, MessagePosted)}) == len(sender)
    posted = [event.turn_id for event in only(events, MessagePosted) if event.sender != USER]
    assert len(set(posted)) == len(posted)
    clients = [event.client_id for event in only(events, MessagePosted) if event.client_id]
    assert len(set(clients)) == len(clients)


def kept_by_the_codec(entries: list[Entry]) -> None:
    for entry in entries:
        found = decode(encode(entry, SESSION, 0, "", "").text)
        assert (found.seq, found.at, found.shown, found.event) == (entry.seq, entry.at, entry.shown, entry.event)


@given(STARTS, STEPS)
def test_prompts_can_be_sent_whatever_is_written(first, steps):
    room = played(first, steps, None)

    for call in room.state.calls.values():
        for text in (call.prompt.system, call.prompt.text, call.prompt.answering or ""):
            text.encode()


def test_a_state_without_alarms_never_wakes():
    assert SessionState().next_alarm == ("", float("inf"))


def test_a_state_that_has_not_started_has_no_session():
    with pytest.raises(ValueError, match="not started"):
        _ = SessionState().session


def test_folding_goes_on_from_any_state():
    room = Room(rooms.start())
    room.until(60.0)

    halfway = fold(room.entries[:7])

    assert fold(room.entries[7:], halfway) == room.state == fold(room.entries)


def test_what_a_socket_of_bubbles_was_sent_is_known_after_a_crash():
    room = Room(rooms.start(messages_per_minute=30))
    room.take(Connect(protocol=1))
    room.until(30.0)
    shown = room.state.shown

    room.take(Resume(gap=5.0), 35.0)
    room.until(60.0)

    assert 0 < shown < room.state.shown
    assert (room.state.connected, room.state.sent) == (False, shown)


def test_what_a_socket_was_sent_before_it_closed_is_known():
    room = Room(rooms.start(messages_per_minute=30))
    room.take(Connect(protocol=1))
    room.until(30.0)
    room.take(Disconnect(sent=2))

    room.take(Resume(gap=5.0), 35.0)

    assert room.state.sent == 2
