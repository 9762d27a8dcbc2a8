"""Given entries, when an input comes, then events."""

from dataclasses import asdict

import pytest

from roomful.core.decide import Refused
from roomful.core.events import (
    USER,
    CallAnswered,
    CallFailed,
    CallRequested,
    ErrorRecorded,
    MessagePosted,
    ParticipantDisconnected,
    ReceiptGiven,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    SessionSuspended,
    TurnDropped,
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
    Suspend,
)
from roomful.core.state import ABSENCE, END
from roomful.core.turns import OUTAGE_LEAST
from tests.rooms import Room, happened, only, reply, start, texts


def quiet(**changes) -> Room:
    """A started room in which nobody speaks unasked."""
    return Room(start(**{"messages_per_minute": 0, **changes}))


def kinds(events) -> list[type]:
    return [type(event) for event in events]


def test_a_session_starts_with_its_settings_and_its_clock():
    room = Room()

    events = room.take(start())

    assert kinds(events) == [SessionStarted, TurnScheduled]
    assert room.state.alarms[END] == 900


def test_starting_twice_changes_nothing():
    room = Room(start())

    assert room.take(start(seed=2)) == []


def test_nothing_is_taken_before_the_start():
    with pytest.raises(Refused) as refused:
        Room().say("hi")

    assert refused.value.reason == "not_started"


def test_a_session_ends_when_its_time_is_up():
    room = quiet(session_duration_minutes=1 / 7)

    events = room.until(900.0)

    assert events == [SessionEnded(reason="duration_expired", tally=asdict(room.state.tally) | {"unfinished": 0})]
    assert room.entries[-1].at == 8.571429


@pytest.mark.parametrize(
    "input",
    [
        Answered(call_id="c1", reply=reply("hi")),
        Failed(call_id="c1", error="timeout", message=""),
        Rang(alarm="end"),
        Rang(alarm="post:b1"),
        Leave(),
        End(reason="again"),
        Connect(protocol=2),
        Disconnect(sent=0),
        Suspend(),
        Resume(gap=1),
        Observe(kind="seen", details={}),
        Complain(error_type="x", error_message="y"),
        start(),
    ],
    ids=lambda input: type(input).__name__,
)
def test_after_the_end_nothing_happens(input: Input):
    room = Room(start())
    room.until(60.0, reply=None)
    room.take(Leave())

    assert room.take(input) == []


@pytest.mark.parametrize(
    "input",
    [Say(content="hi"), React(message_id="x", emoji=None), Report(message_id="x", reason="y"), Block(member="Bob")],
    ids=lambda input: type(input).__name__,
)
def test_after_the_end_a_participant_is_told_so(input: Input):
    room = quiet()
    room.take(End(reason="study_over"))

    with pytest.raises(Refused) as refused:
        room.take(input)

    assert refused.value.reason == "ended"


def test_a_background_message_is_planned_asked_for_typed_and_posted_when_due():
    room = Room(start())
    due = room.state.scheduled.due

    events = room.until(due)

    assert kinds(events)[:2] == [TurnPlanned, CallRequested]
    planned, posted = only(events, TurnPlanned)[0], only(events, MessagePosted)[0]
    assert kinds(events).index(TypingStarted) < kinds(events).index(MessagePosted)
    assert (posted.sender, posted.turn_id, posted.late) == (planned.agent_name, "b1", 0)
    assert planned.read_at <= planned.typing_at <= planned.due == due
    assert next(entry.at for entry in room.entries if entry.event is posted) == due


def test_the_next_message_does_not_wait_for_the_one_before():
    room = Room(start())

    events = room.until(120.0, reply=None)

    assert len(only(events, CallRequested)) == len(only(events, TurnPlanned)) > 2
    assert not only(events, MessagePosted)


def test_the_clock_is_the_same_whatever_the_participant_does_and_however_slow_the_model_is():
    silent, busy = Room(start()), Room(start())

    silent.until(300.0)
    for at in range(10, 300, 10):
        busy.until(at, reply=None)
        busy.say(f"hello {at}")
    busy.until(300.0, reply=None)

    plan = only(happened(silent.entries), TurnScheduled)
    assert [turn.due for turn in plan] == [turn.due for turn in only(happened(busy.entries), TurnScheduled)]


def test_a_late_reply_is_posted_when_it_comes():
    room = Room(start())
    due = room.state.scheduled.due
    room.until(due + 2.5, reply=None)

    (posted,) = only(room.answer("sorry"), MessagePosted)

    assert posted.late == 2.5


def test_a_reply_with_nothing_to_show_is_asked_for_once_more_then_given_up():
    room = Room(start())
    due = room.state.scheduled.due
    room.until(due - 0.1, reply=None)

    again, given_up = room.answer("```\n```"), room.answer('""')

    assert kinds(again) == [CallAnswered, CallRequested]
    assert (again[0].text, again[0].rejected, again[0].reply.text) == (None, "nothing_to_show", "```\n```")
    assert kinds(given_up) == [CallAnswered, TurnDropped]
    assert given_up[1].reason == "nothing_to_show"
    assert not room.state.turns
    assert not room.state.calls


def test_a_failed_call_drops_its_turn_and_keeps_the_clock():
    room = Room(start())
    room.until(room.state.scheduled.due, reply=None)
    before = room.state.scheduled

    events = room.take(Failed(call_id="c1", error="blocked", message="SAFETY", latency=1.5, attempts=("a",)))

    assert kinds(events) == [CallFailed, TurnDropped]
    assert events[1].reason == "blocked"
    assert room.state.scheduled == before
    assert room.state.tally.dropped == 1


def test_a_reply_to_an_unknown_call_changes_nothing():
    room = quiet()

    assert room.take(Answered(call_id="c9", reply=reply("hi"))) == []
    assert room.take(Failed(call_id="c9", error="timeout", message="")) == []


def test_a_reply_is_taken_once():
    room = quiet()
    room.say("hi")
    room.until(10.0, reply=None)

    assert room.answer("hello")
    assert room.take(Answered(call_id="c1", reply=reply("hello"))) == []


def test_a_message_of_the_participant_is_answered_by_one_agent_after_typing():
    room = quiet()

    said = room.say("Hello everyone!", at=1.0)
    events = room.until(60.0)

    assert kinds(said) == [MessagePosted, TurnPlanned]
    assert said[0].sender == USER
    assert said[1].answers == (said[0].message_id,)
    kept = [kind for kind in kinds(events) if kind is not ReceiptGiven]
    assert kept == [CallRequested, CallAnswered, TypingStarted, MessagePosted]
    assert texts(events) == ["fine"]


def test_nobody_answers_at_a_probability_of_zero():
    room = quiet(user_response_probability=0)

    assert kinds(room.say("Bob?")) == [MessagePosted]


def test_an_agent_asked_again_before_it_answered_answers_both_at_once():
    room = quiet()
    first = room.say("Bob, are you there?", at=1.0)

    second = room.say("Bob, hello?", at=1.5)
    events = room.until(60.0)

    assert kinds(second) == [MessagePosted, TurnMerged]
    assert second[1].turn_id == first[1].turn_id
    (asked,) = only(events, CallRequested)
    assert asked.prompt.answering == "Bob, hello?"
    assert len(texts(events)) == 1


def test_two_who_are_asked_answer_each():
    room = quiet()
    room.say("Bob, are you there?", at=1.0)
    room.say("And you, Carol?", at=1.5)

    assert {event.sender for event in only(room.until(60.0), MessagePosted)} == {"Bob", "Carol"}


def test_the_one_whose_message_is_quoted_answers():
    room = Room(start(messages_per_minute=10))
    room.until(30.0)
    theirs = room.state.messages[0]

    (planned,) = only(room.say("what do you mean?", reply_to=theirs.message_id), TurnPlanned)

    assert planned.agent_name == theirs.sender


def test_the_same_client_id_posts_once():
    room = quiet()
    room.say("hi", client_id="a")

    assert room.say("hi", client_id="a") == []
    assert len(room.state.messages) == 1


def test_messages_without_a_client_id_are_each_posted():
    room = quiet()
    room.say("hi")
    room.say("hi")

    assert len(room.state.messages) == 2


@pytest.mark.parametrize(
    ("input", "reason"),
    [
        (Say(content=" \n\u2003"), "empty"),
        (Say(content="hi", reply_to="nonsense"), "unknown_message"),
        (React(message_id="nonsense", emoji="👍"), "unknown_message"),
        (Report(message_id="nonsense", reason="rude"), "unknown_message"),
        (Block(member="Zoe"), "unknown_member"),
        (Observe(kind="seen", details={"at": float("inf")}), "bad_frame"),
        (Observe(kind="seen", details={"at": [{"x": float("nan")}]}), "bad_frame"),
    ],
    ids=repr,
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(input: Input, reason: str):
    room = quiet()
    before = room.state

    with pytest.raises(Refused) as refused:
        room.take(input)

    assert refused.value.reason == reason
    assert room.state == before


def test_what_is_nested_without_end_is_refused():
    details: dict[str, object] = {}
    for _ in range(100_000):
        details = {"x": details}

    with pytest.raises(Refused):
        quiet().take(Observe(kind="seen", details=details))


def test_receipts_come_in_their_time():
    room = quiet(user_response_probability=0)
    (posted,) = room.say("hi", at=5.0)

    events = room.until(300.0)

    assert [(event.message_id, event.status) for event in events] == [
        (posted.message_id, "delivered"),
        (posted.message_id, "read"),
    ]
    assert [entry.at for entry in room.entries[-2:]] == [posted.receipts["delivered"], posted.receipts["read"]]


def test_a_session_ends_when_the_participant_stays_away():
    room = quiet(reconnect_grace_seconds=60)
    room.take(Connect(protocol=2), 1.0)
    room.take(Disconnect(sent=3), 10.0)

    events = room.until(900.0)

    assert [event.reason for event in events] == ["websocket_disconnect"]
    assert room.entries[-1].at == 70


def test_a_participant_who_comes_back_in_time_goes_on():
    room = quiet(reconnect_grace_seconds=60)
    room.take(Disconnect(sent=3), 10.0)
    room.take(Connect(protocol=2), 69.9)

    assert [event.reason for event in room.until(900.0)] == ["duration_expired"]


def test_without_grace_a_lost_connection_ends_the_session_at_once():
    room = quiet(reconnect_grace_seconds=0)
    room.take(Disconnect(sent=3), 10.0)

    assert room.until(10.0)[0].reason == "websocket_disconnect"


def test_the_grace_begins_anew_after_an_outage():
    room = quiet(reconnect_grace_seconds=60)
    room.take(Disconnect(sent=3), 10.0)
    room.take(Suspend(), 20.0)

    (resumed,) = room.take(Resume(gap=480.0), 500.0)
    room.until(559.9)

    assert resumed == SessionResumed(gap=480.0, absent_at=560.0)
    assert room.state.ended is None
    assert room.ring()[0].reason == "websocket_disconnect"


def test_what_was_due_long_ago_is_dropped_as_an_outage():
    room = Room(start(messages_per_minute=60))
    room.until(60.0)
    room.take(Suspend())
    room.take(Resume(gap=300.0), 360.0)
    room.take(Connect(protocol=2))

    events = room.until(360.0)

    dropped = only(events, TurnDropped)
    assert len(dropped) > 100
    assert {event.reason for event in dropped} == {"outage"}
    assert all(turn.due >= 360 - OUTAGE_LEAST for turn in only(events, TurnPlanned))
    assert room.state.next_alarm[1] > 360
    tally = room.state.tally
    assert tally.scheduled == tally.posted + tally.dropped + len(room.state.turns) + 1


def test_a_session_over_its_tokens_ends():
    room = quiet(max_tokens_per_session=100)
    room.say("hi")
    room.until(10.0, reply=None)

    events = room.answer("hello", input_tokens=60, output_tokens=30, thinking_tokens=10)

    assert events[-1].reason == "budget_exhausted"


def test_a_session_over_its_cost_ends_even_by_a_failed_call():
    room = quiet(max_cost_per_session=0.001, input_price_per_million=1, output_price_per_million=10)
    room.say("hi")
    room.until(10.0, reply=None)
    blocked = reply("", input_tokens=500, output_tokens=25, thinking_tokens=25)

    events = room.take(Failed(call_id="c1", error="blocked", message="SAFETY", reply=blocked))

    assert kinds(events) == [CallFailed, TurnDropped, SessionEnded]
    assert room.state.cost == pytest.approx(0.001)


def test_a_session_within_its_budget_goes_on():
    room = quiet(max_tokens_per_session=101, max_cost_per_session=1)
    room.say("hi")
    room.until(10.0, reply=None)
    room.answer("hello", input_tokens=100)

    assert room.state.ended is None


def test_leaving_ends_the_session_and_counts_what_was_under_way():
    room = Room(start())
    room.until(room.state.scheduled.due, reply=None)

    (ended,) = room.take(Leave())

    assert ended.reason == "participant_left"
    assert ended.tally["unfinished"] == len([e for e in happened(room.entries) if isinstance(e, TurnPlanned)])
    assert not room.state.alarms
    assert not room.state.calls


def test_facts_are_noted():
    room = quiet()
    (posted,) = only(room.say("hi"), MessagePosted)

    assert room.take(React(message_id=posted.message_id, emoji="👍"))[0].sender == USER
    assert room.take(Report(message_id=posted.message_id, reason="rude"))[0].reason == "rude"
    assert room.take(Block(member="Bob"))[0].blocked
    assert room.take(Observe(kind="typing", details={"active": True}))[0].kind == "typing"
    assert room.take(Suspend()) == [SessionSuspended()]
    assert room.take(Complain(error_type="frame", error_message="x", count=3)) == [
        ErrorRecorded(error_type="frame", error_message="x", count=3)
    ]
    assert room.take(Disconnect(sent=2), 5.0) == [ParticipantDisconnected(sent=2, absent_at=65.0)]
    assert room.state.alarms[ABSENCE] == 65.0


def test_an_alarm_that_is_not_due_or_not_set_does_nothing():
    room = Room(start())

    assert room.take(Rang(alarm="end"), 10.0) == []
    assert room.take(Rang(alarm="post:b99")) == []


def test_what_a_page_reports_is_kept_unless_the_study_turns_it_off():
    seen = Observe(kind="seen", details={"messages": []})

    assert len(Room(start()).take(seen)) == 1
    assert Room(start(record_activity=False)).take(seen) == []


def test_a_member_is_blocked_until_the_participant_says_otherwise():
    room = Room(start())
    for member, blocked in [("Alice", True), ("Bob", True), ("Alice", True), ("Bob", False)]:
        room.take(Block(member=member, blocked=blocked))

    assert room.state.blocked == ("Alice",)
