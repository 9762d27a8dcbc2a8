"""How the model serves a session: degraded seconds, the end of patience, and lines that stand in."""

import pytest

from roomful.cli.output import put
from roomful.cli.transcript import Transcript
from roomful.codec import decode, encode
from roomful.core.decide import decide
from roomful.core.events import CallFailed, MessagePosted, SessionEnded, TurnDropped, TurnFilled
from roomful.core.inputs import Answered, Connect, Failed, Leave, Rang, Resume
from roomful.core.service import Service
from roomful.core.state import UNAVAILABLE, SessionState, fold
from roomful.core.study import LLMSettings
from roomful.web.views import View
from tests.rooms import SESSION, Room, happened, only, reply, start, texts

LLM = LLMSettings(timeout_seconds=30.0, unavailable_seconds=60.0)


def fail(room: Room, at: float | None = None, error: str = "server_error") -> list:
    """Let the oldest call fail."""
    call_id = next(iter(room.state.calls))
    return room.take(Failed(call_id=call_id, error=error, message="503"), at)


def until_call(room: Room) -> float:
    """Let alarms ring until a call is asked for; the time of it."""
    while not room.state.calls:
        room.ring()
    return room.now


def ended(events: list) -> SessionEnded:
    (end,) = only(events, SessionEnded)
    return end


def test_nothing_is_degraded_while_calls_are_answered():
    room = Room(start())

    end = ended(room.until(900.0))

    assert end.llm_degraded_seconds == 0.0


def test_from_a_failure_to_the_next_answer_the_session_is_degraded():
    room = Room(start())
    until_call(room)
    failed_at = room.now
    fail(room)
    answered_at = until_call(room)
    room.answer("fine")
    room.until(answered_at + 100.0)

    end = ended(room.take(Leave()))

    assert end.llm_degraded_seconds == pytest.approx(answered_at - failed_at, abs=1e-6)


def test_a_call_that_does_not_come_back_degrades_from_when_it_is_overdue_to_the_end():
    room = Room(start(messages_per_minute=0))
    room.say("hi")
    asked_at = until_call(room)
    room.until(asked_at + 50.0, reply=None)

    end = ended(room.take(Leave()))

    assert end.llm_degraded_seconds == pytest.approx(30.0)


@pytest.mark.parametrize(("timeout", "overdue"), [(5.0, 5.0), (20.0, 20.0), (60.0, 20.0)])
def test_a_call_is_overdue_after_its_timeout_but_never_later_than_twenty_seconds(timeout, overdue):
    service = Service().asking("c1", 100.0)

    assert service.degraded_since(LLMSettings(timeout_seconds=timeout)) == 100.0 + overdue


def test_failure_and_overdue_together_count_once():
    service = Service().asking("c1", 0.0).asking("c2", 1.0).failed("c2", 5.0)

    assert service.passed(5.0, 35.0, LLM).degraded == 30.0
    assert service.passed(5.0, 15.0, LLM).passed(15.0, 35.0, LLM).degraded == 30.0


def test_an_overdue_call_that_is_answered_ends_it():
    service = Service().asking("c1", 0.0).passed(0.0, 25.0, LLM).answered("c1", 25.0)

    assert service.passed(25.0, 100.0, LLM).degraded == 5.0


def test_an_outage_of_the_server_is_no_fault_of_the_models():
    room = Room(start(messages_per_minute=0))
    room.say("hi")
    asked_at = until_call(room)
    room.take(Resume(gap=300.0), asked_at + 300.0)
    room.until(asked_at + 300.0 + 25.0, reply=None)

    end = ended(room.take(Leave()))

    assert end.llm_degraded_seconds == pytest.approx(5.0)


def test_a_rejected_reply_degrades_like_a_failure():
    room = Room(start(messages_per_minute=0))
    room.say("hi")
    until_call(room)
    room.answer("")
    room.answer("")
    room.until(room.now + 10.0)

    assert ended(room.take(Leave())).llm_degraded_seconds == pytest.approx(10.0)


def failing(room: Room, seconds: float) -> list:
    """Every call fails at once, for so long or until the session ends."""
    events, until = [], room.now + seconds
    while room.state.ended is None and room.now < until:
        events += fail(room) if room.state.calls else room.ring()
    return events


@pytest.mark.parametrize("policy", ["wait", "fallback"])
def test_a_session_that_waits_does_not_end_before_its_time(policy):
    room = Room(start(when_unavailable=policy, fallback_lines=("a",), unavailable_seconds=30.0))

    end = ended(failing(room, 900.0))

    assert (end.reason, room.now) == ("duration_expired", 900.0)
    assert end.llm_degraded_seconds > 850


def test_with_end_a_session_ends_once_the_model_was_unavailable_for_long_enough():
    room = Room(start(when_unavailable="end", unavailable_seconds=60.0, messages_per_minute=12))
    first = until_call(room)

    end = ended(failing(room, 900.0))

    assert end.reason == "llm_unavailable"
    assert room.now == pytest.approx(first + 60.0)
    assert end.llm_degraded_seconds == pytest.approx(60.0)
    assert fold(room.entries) == room.state


def test_the_participant_is_only_told_that_it_has_ended():
    room = Room(start(when_unavailable="end", unavailable_seconds=60.0))
    failing(room, 900.0)

    frame = View(room.state.session, 0).frame(room.entries[-1])

    assert frame["reason"] == "ended"
    assert "llm" not in str(frame)


def test_one_success_begins_the_reckoning_anew():
    room = Room(start(when_unavailable="end", unavailable_seconds=60.0))
    failing(room, 50.0)
    until_call(room)
    room.answer("fine")
    answered_at = room.now

    assert UNAVAILABLE not in room.state.alarms
    assert ended(failing(room, 900.0)).reason == "llm_unavailable"
    assert room.now >= answered_at + 60.0


def test_one_or_two_failures_are_no_outage_however_long_ago():
    room = Room(start(when_unavailable="end", unavailable_seconds=1.0, messages_per_minute=0))
    for text in ("hi", "still there?"):
        room.say(text)
        until_call(room)
        fail(room)
    room.until(600.0)

    assert room.state.ended is None

    room.say("hello?")
    until_call(room)
    fail(room)
    assert room.state.alarms[UNAVAILABLE] <= room.now
    assert ended(room.ring()).reason == "llm_unavailable"


def test_calls_that_hang_end_a_session_as_failures_do():
    room = Room(start(when_unavailable="end", unavailable_seconds=60.0, messages_per_minute=12))
    first = until_call(room)

    end = ended(room.until(900.0, reply=None))

    assert end.reason == "llm_unavailable"
    assert room.state.at == pytest.approx(first + 20.0 + 60.0)


def test_a_resumed_session_gives_the_model_its_whole_time_again():
    room = Room(start(when_unavailable="end", unavailable_seconds=60.0, messages_per_minute=12))
    until_call(room)
    room.until(60.0, reply=None)
    room.take(Resume(gap=200.0), 260.0)
    room.take(Connect(protocol=2))

    events = room.until(900.0, reply=None)

    assert ended(events).reason == "llm_unavailable"
    assert room.state.at == pytest.approx(260.0 + 20.0 + 60.0)


LINES = ("what a day", "haha", "same here")


def test_reviewed_lines_stand_in_each_once_and_at_their_turns_time():
    room = Room(start(when_unavailable="fallback", fallback_lines=LINES))

    events = failing(room, 900.0)

    posted = only(events, MessagePosted)
    filled = only(events, TurnFilled)
    assert sorted(texts(events)) == sorted(LINES)
    assert all(message.fallback and message.late == 0 for message in posted)
    assert {event.turn_id for event in filled} == {message.turn_id for message in posted}
    assert {event.reason for event in filled} == {"server_error"}
    tally = ended(events).tally
    assert tally["filled"] == 3
    assert tally["scheduled"] == tally["posted"] + tally["dropped"] + tally["unfinished"]
    assert len(only(events, CallFailed)) == len(only(events, TurnDropped)) + 3


def test_the_lines_differ_from_session_to_session_and_not_from_run_to_run():
    orders = {
        seed: texts(failing(Room(start(seed=seed, when_unavailable="fallback", fallback_lines=LINES)), 900.0))
        for seed in (1, 2, 3, 4, 5, 1)
    }

    assert orders[1] == texts(failing(Room(start(when_unavailable="fallback", fallback_lines=LINES)), 900.0))
    assert len({tuple(order) for order in orders.values()}) > 1


def test_a_line_stands_in_for_a_reply_that_was_rejected_twice():
    room = Room(start(messages_per_minute=0, when_unavailable="fallback", fallback_lines=("haha",)))
    room.say("hi")
    until_call(room)
    room.answer("")

    events = room.answer("") + room.until(60.0)

    assert texts(events) == ["haha"]
    assert only(events, TurnFilled)[0].reason == "nothing_to_show"


def test_a_shown_transcript_marks_what_stood_in(capsys):
    room = Room(start(messages_per_minute=0, when_unavailable="fallback", fallback_lines=("haha",)))
    room.say("hi")
    until_call(room)
    fail(room)

    for part in Transcript(room.entries, calls=False).parts():
        put(part)

    name = only(happened(room.entries), TurnFilled)[0].agent_name
    assert f"a reviewed line stands in for {name}'s message: server_error" in capsys.readouterr().out


def test_a_line_whose_time_has_passed_is_posted_at_once():
    room = Room(start(messages_per_minute=0, when_unavailable="fallback", fallback_lines=("haha",)))
    room.say("hi")
    until_call(room)

    (message,) = only(fail(room, room.now + 60.0), MessagePosted)

    assert (message.content, message.fallback) == ("haha", True)
    assert message.late > 0


def test_a_reply_after_a_line_is_no_fallback():
    room = Room(start(when_unavailable="fallback", fallback_lines=("haha",)))
    until_call(room)
    fail(room)

    posted = only(room.until(200.0), MessagePosted)

    assert [message.content for message in posted if message.fallback] == ["haha"]
    assert len(posted) > 3


def test_no_wire_tells_a_fallback_line_from_a_reply():
    room = Room(start(when_unavailable="fallback", fallback_lines=("haha",)))
    until_call(room)
    fail(room)
    room.until(200.0)
    view = View(room.state.session, 0)
    messages = [entry for entry in room.entries if isinstance(entry.event, MessagePosted)]

    shapes = {(tuple(view.frame(entry) or ()), tuple(view.bubble(entry) or ())) for entry in messages}

    assert {entry.event.fallback for entry in messages} == {True, False}
    assert len(shapes) == 1


def test_what_was_decided_follows_again_from_the_log():
    for policy in ("wait", "end", "fallback"):
        room = Room(start(when_unavailable=policy, fallback_lines=LINES, unavailable_seconds=60.0))
        failing(room, 100.0)
        again = SessionState()
        lines = [encode(entry, SESSION, 0, "", "").text for entry in room.entries]
        entries = [decode(line) for line in lines]
        assert entries == room.entries
        for entry in entries:
            if entry.input:
                batch = decide(again, entry.input, entry.at)
                assert batch == [found.event for found in entries[entry.seq - 1 : entry.seq - 1 + len(batch)]]
            again = fold([entry], again)


def test_a_late_answer_or_alarm_of_an_ended_session_is_nothing():
    room = Room(start(when_unavailable="end", unavailable_seconds=60.0, messages_per_minute=12))
    until_call(room)
    call_id = next(iter(room.state.calls))
    room.until(900.0, reply=None)

    assert room.take(Answered(call_id=call_id, reply=reply("hi"))) == []
    assert room.take(Rang(alarm=UNAVAILABLE)) == []
