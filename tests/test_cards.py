"""Who an agent is: its card, the side it takes on the participant's answer, and what was seeded in its name."""

from collections import Counter
from dataclasses import replace

import pytest

from roomful.codec import decode, encode
from roomful.core.cards import position_of, take_sides
from roomful.core.events import CallAnswered, CallRequested, ErrorRecorded, MessagePosted, Prompt, TypingStarted
from roomful.core.inputs import Connect, Resume, Start, Suspend
from roomful.core.study import AgentCard, ExperimentalSettings, Position, SeededMessage, Stances
from tests.rooms import SESSION, Room, only, start
from tests.stores import STARTED

FOR = Position(answers=("yes", "5..7"), stance="You want the street closed to cars.")
AGAINST = Position(answers=("no", "1..3"), stance="You want the street open to cars.")
UNDECIDED = Position(answers=("4",), stance="You have not made up your mind.")
NAMES = ("Alice", "Bob", "Carol", "Dan", "Eve")


def stances(*positions: Position, agree: int = 2, disagree: int = 3, neutral: int = 0) -> Stances:
    return Stances(
        question="Q1", positions=positions or (FOR, AGAINST), agree=agree, disagree=disagree, neutral=neutral
    )


def begun(answers: dict[str, str] | None = None, **experimental: object) -> Start:
    """The start of a session of five agents."""
    given = start(agent_names=NAMES, num_agents=5, messages_per_minute=6)
    settings = ExperimentalSettings(prompt_template="You live in a small street.", **experimental)
    return replace(given, experimental=settings, answers=answers or {})


def prompts(room: Room, until: float = 890.0) -> dict[str, Prompt]:
    """The last prompt of each agent up to a time."""
    return {event.prompt.agent_name: event.prompt for event in only(room.until(until), CallRequested)}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("yes", FOR),
        ("no", AGAINST),
        ("5", FOR),
        ("7.0", FOR),
        ("2.5", AGAINST),
        ("4", UNDECIDED),
        ("4.5", None),
        ("maybe", None),
        ("nan", None),
        (None, None),
    ],
)
def test_an_answer_has_its_position(answer, expected):
    assert position_of((FOR, AGAINST, UNDECIDED), answer) is expected


@pytest.mark.parametrize(("answer", "own", "other"), [("yes", FOR, AGAINST), ("no", AGAINST, FOR)])
def test_so_many_agree_and_disagree_as_are_wanted_whatever_the_seed(answer, own, other):
    for seed in range(500):
        taken = take_sides(stances(), NAMES, answer, seed)

        assert Counter(taken.sides.values()) == {"agree": 2, "disagree": 3}
        assert taken.words == {name: (own if side == "agree" else other).stance for name, side in taken.sides.items()}
        assert taken.found


def test_each_agent_takes_each_side_as_often_as_the_others():
    counts = Counter(
        name
        for seed in range(3000)
        for name, side in take_sides(stances(), NAMES, "yes", seed).sides.items()
        if side == "disagree"
    )

    assert all(count / 3000 == pytest.approx(3 / 5, abs=0.04) for count in (counts[name] for name in NAMES))


def test_the_neutral_ones_are_told_nothing():
    taken = take_sides(stances(agree=1, disagree=1, neutral=3), NAMES, "yes", 7)

    assert Counter(taken.sides.values()) == {"agree": 1, "disagree": 1, "neutral": 3}
    assert taken.words.keys() == {name for name, side in taken.sides.items() if side != "neutral"}


def test_those_who_disagree_have_any_of_the_other_positions():
    found = Counter(
        word
        for seed in range(400)
        for word in take_sides(stances(FOR, AGAINST, UNDECIDED, agree=0, disagree=5), NAMES, "yes", seed).words.values()
    )

    assert found.keys() == {AGAINST.stance, UNDECIDED.stance}
    assert found[AGAINST.stance] / found.total() == pytest.approx(0.5, abs=0.05)


def test_the_sides_are_recorded_and_the_same_when_drawn_again():
    room, again = Room(begun({"Q1": "yes"}, stances=stances())), Room(begun({"Q1": "yes"}, stances=stances()))

    started = room.state.session
    assert started.answers == {"Q1": "yes"}
    assert Counter(started.sides.values()) == {"agree": 2, "disagree": 3}
    assert started == again.state.session
    assert only([entry.event for entry in room.entries], ErrorRecorded) == []


@pytest.mark.parametrize("answers", [{}, {"Q1": "maybe"}, {"Q2": "yes"}])
def test_an_answer_of_no_position_is_stood_for_by_a_drawn_one_and_that_is_recorded(answers):
    rooms = [Room(replace(begun(answers, stances=stances()), seed=seed)) for seed in range(20)]

    assert all(Counter(room.state.session.sides.values()) == {"agree": 2, "disagree": 3} for room in rooms)
    (recorded,) = only([entry.event for entry in rooms[0].entries], ErrorRecorded)
    assert (recorded.error_type, recorded.context["question"]) == ("no_position", "Q1")
    # whichever it is
    assert {room.state.session.stances[name] for room in rooms for name in NAMES} == {FOR.stance, AGAINST.stance}


def test_a_card_stands_in_its_agent_s_own_prompt_alone():
    card = AgentCard(
        style="All in small letters.", stance="You like trees.", facts=("{agent_name} has a cat.", "It rains.")
    )

    found = prompts(Room(begun(agents={"Alice": card})))

    assert found.keys() == set(NAMES)
    assert found["Alice"].system.startswith(
        "You live in a small street.\n\n"
        "How you write: All in small letters.\n"
        "What you think: You like trees.\n"
        "What you know:\n- Alice has a cat.\n- It rains.\n\n"
        "Your name in this group chat is Alice."
    )
    for name in NAMES[1:]:
        assert found[name].system.startswith(f"You live in a small street.\n\nYour name in this group chat is {name}.")


def test_a_side_takes_the_place_of_the_card_s_stance_and_the_rest_of_the_card_stays():
    cards = {name: AgentCard(style="Short.", stance="You like trees.") for name in NAMES}
    room = Room(begun({"Q1": "no"}, agents=cards, stances=stances(agree=2, disagree=2, neutral=1)))

    found = prompts(room)

    for name, side in room.state.session.sides.items():
        stance = {"agree": AGAINST.stance, "disagree": FOR.stance, "neutral": "You like trees."}[side]
        assert f"How you write: Short.\nWhat you think: {stance}\n\n" in found[name].system


def test_no_prompt_tells_that_there_was_a_question_or_who_answered_it():
    room = Room(begun({"Q1": "yes"}, stances=stances()))
    room.say("hello", 20.0)

    found = prompts(room)

    for prompt in found.values():
        words = f"{prompt.system}\n{prompt.text}".casefold()
        assert not any(word in words for word in ("q1", "participant", "agree", "human", "question"))


def rejected(text: str, card: AgentCard) -> str | None:
    """Why the first message of Alice, if it is this, is not shown."""
    settings = ExperimentalSettings(prompt_template="You live here.", agents={"Alice": card})
    given = start(agent_names=("Alice",), num_agents=1, messages_per_minute=0)
    room = Room(replace(given, experimental=settings))
    room.say("hello")
    while not room.state.calls:
        room.ring()
    return only(room.answer(text), CallAnswered)[0].rejected


LONG = "I have seen with my own eyes that the old bridge was closed on Sunday morning"


def test_an_agent_may_say_what_it_thinks_and_knows_but_not_how_it_is_to_write():
    assert rejected(LONG, AgentCard(facts=("The mill is empty.", LONG))) is None
    assert rejected(LONG, AgentCard(stance=LONG)) is None
    assert rejected(LONG, AgentCard(style=LONG)) == "prompt_leak"


SEEDED = (
    SeededMessage(sender="Bob", text="and then?", at=0),
    SeededMessage(sender="Carol", text="Have you read the article in the paper this morning?", at=40),
    SeededMessage(sender="Alice", text="morning all, {agent_name} here", at=-60),
)


def test_seeded_messages_of_before_are_there_when_the_session_starts():
    room = Room(begun(seeded_messages=SEEDED))

    posted = only([entry.event for entry in room.entries], MessagePosted)

    assert [(message.sender, message.content, message.seeded, message.late) for message in posted] == [
        ("Alice", "morning all, Alice here", 3, 0.0),
        ("Bob", "and then?", 1, 0.0),
    ]
    assert room.state.shown == 2
    assert len({message.message_id for message in posted}) == 2


def test_a_seeded_message_is_typed_and_posted_at_its_time():
    room = Room(replace(begun(seeded_messages=SEEDED), simulation=start(messages_per_minute=0).simulation))
    room.take(Connect(protocol=2))

    events = room.until(60.0)

    (typing,) = only(events, TypingStarted)
    (posted,) = only(events, MessagePosted)
    at = {id(entry.event): entry.at for entry in room.entries}
    assert (typing.sender, typing.turn_id) == ("Carol", "s2")
    assert (posted.sender, posted.turn_id, posted.seeded) == ("Carol", "s2", 2)
    assert at[id(posted)] == 40.0
    assert 40 - 12 <= at[id(typing)] < 40


def test_seeded_messages_are_seen_by_agents_and_count_in_no_rate():
    room, plain = Room(begun(seeded_messages=SEEDED)), Room(begun())

    found = prompts(room, 90.0)
    room.until(300.0)
    plain.until(300.0)

    assert any("morning all" in prompt.text for prompt in found.values())
    assert room.state.tally == plain.state.tally
    due = [event.due for event in (entry.event for entry in room.entries) if hasattr(event, "due")]
    assert due == [event.due for event in (entry.event for entry in plain.entries) if hasattr(event, "due")]


def test_a_seeded_message_that_fell_due_during_an_outage_is_posted_late():
    room = Room(replace(begun(seeded_messages=SEEDED), simulation=start(messages_per_minute=0).simulation))
    room.take(Suspend(), 30.0)
    room.take(Resume(gap=70.0), 100.0)

    (posted,) = only(room.until(100.0), MessagePosted)

    assert (posted.content, posted.late) == (SEEDED[1].text, 60.0)
    assert not any("s2" in alarm or "seeded" in alarm for alarm in room.state.alarms)


def test_all_of_a_treated_start_comes_back_from_its_line():
    given = replace(
        begun({"Q1": "yes"}, agents={"Alice": AgentCard(facts=("x",))}, stances=stances(), seeded_messages=SEEDED),
        treatment="tone=rude",
        levels={"tone": "rude"},
    )
    first = Room(given).entries[0]

    line = encode(first, SESSION, STARTED, "0" * 64, "0" * 32).text

    assert decode(line) == first
    assert decode(line).input == given


def test_the_line_of_a_study_without_treatments_has_nothing_of_them():
    line = encode(Room(start()).entries[0], SESSION, STARTED, "0" * 64, "0" * 32).text

    assert '"experimental_config":{"prompt_template":"You live in a small street."},' in line
    assert line.endswith('"treatment":null}}')
