"""Who speaks, when, and how long it takes."""

from collections.abc import Sequence
from functools import partial
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.core import turns
from roomful.core.chance import derive
from roomful.core.timing import ATTENTIVE, SEED
from tests.rooms import settings

SESSIONS = 2_000


def posts(seed: int, rate: float) -> int:
    """How many background messages are due in a session of 15 minutes, by the clock alone."""
    room, number, due = settings(messages_per_minute=rate), 0, 0.0
    while due < 900:
        number += 1
        due = turns.next_due(room, seed, number, due)
    return number - 1


@pytest.mark.parametrize("rate", [0.2, 1, 4, 11.5])
def test_the_clock_keeps_the_rate(rate):
    counts = [posts(derive(1, "rate", session), rate) for session in range(SESSIONS)]

    standard_error = (rate * 15 / SESSIONS) ** 0.5
    assert abs(fmean(counts) - rate * 15) < 4 * standard_error
    # of a memoryless clock the variance is the mean
    variance = fmean((count - rate * 15) ** 2 for count in counts)
    assert abs(variance / (rate * 15) - 1) < 4 * (2 / SESSIONS + 1 / (rate * 15) / SESSIONS) ** 0.5


def test_a_rate_of_zero_is_silence():
    assert turns.next_due(settings(messages_per_minute=0), 1, 1, 0.0) == float("inf")


@pytest.mark.parametrize("probability", [0, 0.3, 0.7, 1])
def test_messages_are_answered_with_the_probability_that_is_set(probability):
    room = settings(user_response_probability=probability)

    answered = [turns.answers(room, derive(1, session), said) for session in range(1_000) for said in range(1, 11)]

    assert abs(fmean(answered) - probability) <= 4 * (probability * (1 - probability) / len(answered)) ** 0.5


@given(st.integers(), st.integers(1, 500), st.floats(0, 1e6), st.floats(-100, 100))
def test_a_background_message_is_read_for_then_typed_then_due(seed, number, now, lead):
    pace = turns.background_pace(turns.typing_seconds(turns.words(seed, f"b{number}")), now + lead, now)

    assert now <= pace.read_at <= pace.typing_at
    assert pace.due == now + lead
    if lead > turns.TYPING_MOST + turns.GLANCE:
        assert turns.TYPING_LEAST - 1e-6 <= pace.due - pace.typing_at <= turns.TYPING_MOST + 1e-6


@given(st.integers(), st.text(), st.floats(0, 1e6))
def test_an_answer_takes_its_time(seed, content, now):
    read_at, typing_at = turns.begun_at(seed, "a1", content, now)

    assert now < read_at < typing_at


def test_a_longer_message_takes_longer_to_read():
    short, long = (turns.begun_at(1, "a1", "word " * count, 0.0)[1] for count in (1, 239))

    assert long - short == pytest.approx(60)


@pytest.mark.parametrize(
    ("content", "quoted", "who"),
    [
        ("Bob, are you there?", None, {"Bob"}),
        ("what do BOB and Carol say?", None, {"Bob", "Carol"}),
        ("Bob!", "Alice", {"Alice"}),
        ("Bobby is nice", None, {"Alice", "Bob", "Carol"}),
        ("@Carol hi", "user", {"Carol"}),
        ("hi", None, {"Alice", "Bob", "Carol"}),
    ],
)
def test_who_is_quoted_or_named_answers(content, quoted, who):
    for timing in (SEED, ATTENTIVE):
        room = settings(timing=timing)
        answer = partial(turns.answering_speaker, room, content, quoted, {"Bob": 3.0}, seed=1, at=20.0)
        assert {answer(said=said) for said in range(1, 90)} == who


@pytest.mark.parametrize(
    ("content", "name"),
    [("hi José!", "josé"), ("STRASSE", "Straße"), ("a.b?", "a.b"), ("hello C++", "C++"), ("李雷 在吗", "李雷")],
)
def test_names_of_any_kind_are_recognised(content, name):
    assert turns.mentions(content, name)


def test_who_is_composing_does_not_begin_another_message():
    room = settings()
    names = room.agent_names

    def speakers(composing: Sequence[str]) -> set[str]:
        begin = partial(turns.background_speaker, room, composing, {}, (), seed=1, due=9.0)
        return {begin(number=number) for number in range(50)}

    assert speakers(["Alice", "Bob"]) == {"Carol"}
    assert speakers(names) == set(names)
