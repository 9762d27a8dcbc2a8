"""What agents are meant to do, measured: values equal an independent count, and a swapped arm is caught."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.codec import decode, encode
from roomful.core import CORE_VERSION
from roomful.core.cards import AGREE, DISAGREE, NEUTRAL
from roomful.core.decide import decide
from roomful.core.events import USER, Entry, Measured, MessagePosted, Prompt, SessionEnded, SessionStarted
from roomful.core.inputs import Connect, Reply, Say, Start
from roomful.core.state import Message, SessionState, fold
from roomful.core.study import ExperimentalSettings, Position, SeededMessage, Stances, Target
from roomful.core.targets import measure, measured, words
from roomful.replay import verify
from roomful.store.memory import MemoryStore
from tests.goldens import run
from tests.rooms import SESSION, Room, happened, only, start
from tests.stores import STARTED

pytestmark = pytest.mark.anyio

OPEN = Position(answers=("1..3",), stance="You want the street open to cars.")
UNDECIDED = Position(answers=("4",), stance="You have not made up your mind.")
CLOSED = Position(answers=("5..7",), stance="You want the street closed to cars.")


def begun(name: str = "Kim", answer: str = "2", **experimental: Any) -> SessionStarted:
    """The start of a session of Alice, Bob and Carol."""
    settings = ExperimentalSettings(prompt_template="You live in a small street.", **experimental)
    events = decide(SessionState(), replace(start(name=name), experimental=settings, answers={"Q1": answer}), 0.0)
    return only(events, SessionStarted)[0]


def said(*texts: str, sender: str = "Alice", **about: Any) -> tuple[Message, ...]:
    return tuple(
        Message(message_id=f"m{number}", number=number, sender=sender, content=text, at=float(number), **about)
        for number, text in enumerate(texts, 1)
    )


def matching(*texts: str, lexicon: tuple[str, ...] = (), pattern: str | None = None) -> float | None:
    target = Target(measure="share_matching", lexicon=lexicon, pattern=pattern)
    return measure(target, begun(), said(*texts)).value


# --- what a lexicon finds


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("You IDIOT!", "idiot"),
        ("idiot", "Idiot"),
        ("an idiot's errand", "idiot"),
        ("so, get lost.", "get lost"),
        ("get   lost", "get lost"),
        ("Don’t you dare", "don't"),
        ("ｉｄｉｏｔ", "idiot"),
        ("id\u00adi\u200bot", "idiot"),
        ("STRASSE", "straße"),
        ("cafe\u0301", "café"),
        ("この馬鹿者", "馬鹿"),
        ("คุณมันโง่มาก", "โง่"),
        ("तुम मूर्ख हो", "मूर्ख"),
        ("oh 🙄🙄 please", "🙄"),
        ("well done 👍🏽", "👍"),
        ("❤️", "❤"),
        ("route 66", "66"),
    ],
)
def test_a_word_of_the_lexicon_is_found_however_it_is_written(text, entry):
    assert matching(text, lexicon=("never", entry)) == 1.0


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("idiotic", "idiot"),
        ("get them lost", "get lost"),
        ("lost, get", "get lost"),
        ("class", "ass"),
        ("1661", "66"),
        ("मूर्खता", "मूर्ख"),
        ("मखी", "मूर्ख"),
        ("", "idiot"),
        ("?!", "idiot"),
    ],
)
def test_a_part_of_another_word_is_not_found(text, entry):
    assert matching(text, lexicon=(entry,)) == 0.0


def test_a_pattern_sees_capitals_and_what_is_written_with_other_signs_for_the_same():
    assert matching("SHUT UP now", "shut up", "ＳＨＵＴ", pattern="[A-Z]{4}") == pytest.approx(2 / 3)
    assert matching("Shut up", "SHUT UP", "no", "open", pattern="(?i)shut up") == 0.5


# --- what counts


def test_only_what_agents_say_is_counted_and_seeded_messages_if_asked_for():
    theirs = said("idiot", sender=USER)
    ours = said("idiot", "hello", "you fool") + said("idiot", seeded=True)
    target = Target(measure="share_matching", lexicon=("idiot", "fool"))

    without = measure(target, begun(), theirs + ours)
    including = measure(replace(target, seeded=True), begun(), theirs + ours)

    assert (without.value, without.n) == (2 / 3, 3)
    assert (including.value, including.n) == (3 / 4, 4)


@pytest.mark.parametrize(
    ("text", "count"),
    [("so what", 2), ("  don't   you ", 2), ("", 0), ("猫が好き", 4), ("ผมชอบ cats", 6), ("ça va", 2)],
)
def test_words_are_counted_by_spaces_or_else_by_letters(text, count):
    assert words(text) == count


def test_words_per_message_is_their_mean():
    found = measure(Target(measure="words_per_message"), begun(), said("one", "one two three", "one two"))

    assert (found.value, found.n) == (2.0, 3)


def test_an_answer_a_quote_and_the_name_are_to_the_participant_once_each():
    theirs = Message(message_id="p1", number=1, sender=USER, content="hi all", at=1.0)
    ours = (
        *said("hello KIM!", "Kimberley is out", "nice day"),
        *said("sure", answer=True),
        *said("this", reply_to="p1"),
        *said("that", reply_to="m3"),
        *said("Kim, yes", answer=True, reply_to="p1"),
    )

    found = measure(Target(measure="share_to_participant"), begun("Kim"), (theirs, *ours))

    assert (found.value, found.n) == (4 / 7, 7)


@pytest.mark.parametrize("name", ["You", "you", "!!!"])
def test_a_participant_without_a_name_to_be_called_by_is_not_named(name):
    found = measure(Target(measure="share_to_participant"), begun(name), said("What do you think?", "!!!"))

    assert found.value == 0.0


SPLIT = Stances(question="Q1", positions=(OPEN, UNDECIDED, CLOSED), agree=1, disagree=2)


@pytest.mark.parametrize(("side", "value"), [(AGREE, 1 / 3), (DISAGREE, 2 / 3), (NEUTRAL, 0.0)])
def test_the_share_of_agents_on_a_side_is_that_of_the_draw(side, value):
    found = measure(Target(measure="agents_on_side", side=side), begun(stances=SPLIT), ())

    assert (found.value, found.n) == (value, 3)


@pytest.mark.parametrize(("answer", "agreeing"), [("2", 1 / 5), ("6", 2 / 5), ("4", 2 / 5)])
def test_the_side_of_a_message_is_that_of_its_words_beside_the_participant_s_answer(answer, agreeing):
    words_of = {"1..3": ("keep it open",), "4": ("not sure", "no idea"), "5..7": ("close it", "no cars")}
    talk = said(
        "Keep it open!",
        "close it. No cars.",
        "I am not sure",
        "no idea",
        "just close it",
        "keep it open or close it, not sure",
        "lovely weather",
    )
    session = begun(answer=answer, stances=SPLIT)

    found = {
        side: measure(Target(measure="messages_on_side", side=side, positions=words_of), session, talk)
        for side in (AGREE, DISAGREE)
    }

    # of the two who disagree for different reasons both count; who says both says neither
    assert found[AGREE].n == found[DISAGREE].n == 5
    assert found[AGREE].value == pytest.approx(agreeing)
    assert found[DISAGREE].value == pytest.approx(1 - agreeing)


def test_an_answer_of_nobody_has_the_position_that_was_drawn_for_it():
    session = begun(answer="unheard of", stances=SPLIT)
    own = next(words for name, words in session.stances.items() if session.sides[name] == AGREE)
    answer = next(position.answers[0] for position in SPLIT.positions if position.stance == own)
    words_of = {position.answers[0]: (position.answers[0],) for position in SPLIT.positions}

    found = measure(Target(measure="messages_on_side", side=AGREE, positions=words_of), session, said(answer))

    assert found.value == 1.0


# --- limits


@pytest.mark.parametrize(
    ("limits", "met", "excluded"),
    [
        ({}, None, None),
        ({"at_least": 0.3}, True, None),
        ({"at_least": 0.31}, False, None),
        ({"at_most": 0.3}, True, None),
        ({"at_most": 0.29}, False, None),
        ({"at_least": 0.5, "at_most": 0.6, "exclude_below": 0.3}, False, False),
        ({"at_least": 0.5, "exclude_below": 0.31}, False, True),
        ({"at_least": 0.1, "exclude_above": 0.29}, True, True),
        ({"exclude_above": 0.3}, None, False),
    ],
)
def test_limits_are_within_them(limits, met, excluded):
    target = Target(measure="share_matching", lexicon=("x",), **limits)

    found = measure(target, begun(), said(*["x"] * 3, *["y"] * 7))

    assert found == Measured(value=0.3, n=10, met=met, excluded=excluded)


@pytest.mark.parametrize("kind", ["share_matching", "words_per_message", "share_to_participant", "messages_on_side"])
def test_where_there_is_nothing_to_measure_nothing_is_said(kind):
    target = Target(measure=kind, lexicon=("x",), side="agree", at_least=0.1, exclude_below=0.1)

    assert measure(target, begun(), ()) == Measured(value=None, n=0)


def test_a_side_that_nobody_could_take_is_no_value():
    assert measure(Target(measure="agents_on_side", side="agree"), begun(), ()).value is None


# --- beside a count of one's own

WORDS = st.sampled_from(["idiot", "Idiot!", "fool", "foolish", "the", "street", "Kim", "kimono", "a-fool", "…"])
TALK = st.lists(
    st.tuples(
        st.sampled_from([USER, "Alice", "Bob"]),
        st.lists(WORDS, min_size=1, max_size=8).map(" ".join),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, "q1", "q2", "q3"]),
    ),
    max_size=20,
)


@given(talk=TALK, seeded=st.booleans())
def test_values_are_those_of_an_independent_count(talk, seeded):
    messages = tuple(
        Message(
            message_id=f"q{number}",
            number=number,
            sender=sender,
            content=text,
            at=0.0,
            seeded=sender != USER and own,
            answer=sender != USER and not own and answer,
            reply_to=reply_to,
        )
        for number, (sender, text, own, answer, reply_to) in enumerate(talk, 1)
    )
    of_agents = [one for one in messages if one.sender != USER and (seeded or not one.seeded)]
    users = [one.message_id for one in messages if one.sender == USER]
    uncivil = [one for one in of_agents if re.search(r"\b(idiot|fool)\b", one.content, re.IGNORECASE)]
    to_kim = [
        one
        for one in of_agents
        if one.answer or one.reply_to in users or re.search(r"\bkim\b", one.content, re.IGNORECASE)
    ]
    count = sum(len(re.findall(r"\S+", one.content)) for one in of_agents)

    found = {
        kind: measure(Target(measure=kind, lexicon=("idiot", "fool"), seeded=seeded), begun("Kim"), messages)
        for kind in ("share_matching", "share_to_participant", "words_per_message")
    }

    n = len(of_agents)
    assert {one.n for one in found.values()} == {n}
    if n:
        assert found["share_matching"].value == len(uncivil) / n
        assert found["share_to_participant"].value == len(to_kim) / n
        assert found["words_per_message"].value == count / n


# --- in a session

UNCIVIL = "You talk to people. Be rude: insult whoever thinks otherwise."
CIVIL = "You talk to people. Be polite, whatever they think."
RUDE, KIND = ("you idiot", "what a fool", "get lost"), ("I see your point", "thank you", "good question")
LEXICON = ("idiot", "fool", "get lost")
TARGETS = {
    "civil": Target(measure="share_matching", lexicon=LEXICON, at_most=0.1, exclude_above=0.3),
    "uncivil": Target(measure="share_matching", lexicon=LEXICON, at_least=0.4, exclude_below=0.2),
}
PROMPTS = {"civil": CIVIL, "uncivil": UNCIVIL}


async def obedient(prompt: Prompt) -> Reply:
    """A model that does what its system prompt says, not always in words that are in a lexicon."""
    lines = (*RUDE, "whatever") if "Be rude" in prompt.system else (*KIND, "ok")
    return Reply(text=lines[prompt.number % len(lines)], model="double", latency=0.5)


def arm(target: str, prompt: str, seed: int, **more: Any) -> Start:
    experimental = ExperimentalSettings(
        prompt_template=PROMPTS[prompt], targets={"incivility": TARGETS[target]}, **more
    )
    return replace(start(seed=seed, messages_per_minute=8), experimental=experimental, treatment=target)


async def played(given: Start) -> list[Entry]:
    script = [(0.0, given), (0.1, Connect(protocol=2)), (40.0, Say(content="You are all idiots!"))]
    log = await run(MemoryStore(), obedient, script)
    return [entry async for entry in log.follow()]


def outcome(entries: list[Entry]) -> Mapping[str, Measured]:
    (ended,) = only(happened(entries), SessionEnded)
    return ended.targets


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_arms_meet_their_targets_and_a_swapped_arm_misses_them_and_is_excluded(seed):
    for name, other in (("civil", "uncivil"), ("uncivil", "civil")):
        right = outcome(await played(arm(name, name, seed)))["incivility"]
        swapped = outcome(await played(arm(name, other, seed)))["incivility"]

        assert (right.met, right.excluded) == (True, False)
        assert (swapped.met, swapped.excluded) == (False, True)
        assert right.n > 50


async def test_the_value_in_the_log_is_that_of_the_messages_in_the_log():
    seeded = (SeededMessage(sender="Bob", text="Fool!", at=5.0),)
    entries = await played(arm("uncivil", "uncivil", 4, seeded_messages=seeded))

    posted = [event for event in only(happened(entries), MessagePosted) if event.sender != USER and not event.seeded]
    rude = [event for event in posted if event.content in RUDE]
    found = outcome(entries)["incivility"]
    assert found.n == len(posted)
    assert found.value == len(rude) / len(posted)


async def test_a_session_with_targets_is_the_same_when_it_is_run_again():
    store, given = MemoryStore(), arm("uncivil", "uncivil", 6)
    script = [(0.0, replace(given, versions={"core": str(CORE_VERSION)})), (0.1, Connect(protocol=2))]
    await run(store, obedient, script)

    lines = [line.text for line in await store.read(SESSION)]

    assert verify(lines).sound
    assert not verify([line.replace('"met":true', '"met":false') for line in lines]).sound


async def test_an_answer_is_known_as_one_from_the_room_itself():
    target = {"addressed": Target(measure="share_to_participant")}
    room = Room(
        replace(start(messages_per_minute=2), experimental=ExperimentalSettings(prompt_template="", targets=target))
    )
    room.until(100.0)
    room.say("Hello everyone!", 100.0)
    room.until(899.0)

    answered = [message for message in room.state.messages if message.answer]
    found = measured(room.state)["addressed"]
    assert len(answered) == 1
    assert found.value == 1 / found.n


async def test_while_a_session_lives_its_value_is_that_of_what_was_said_so_far():
    entries = await played(arm("uncivil", "uncivil", 5))

    halfway = fold(entries[: len(entries) // 2])
    found = measured(halfway)["incivility"]

    assert halfway.ended is None
    assert found.n == sum(message.sender != USER for message in halfway.messages) < outcome(entries)["incivility"].n
    assert measured(fold(entries)) == outcome(entries)


# --- in the log


def test_targets_come_back_from_their_lines():
    session = begun(targets=TARGETS | {"split": Target(measure="agents_on_side", side="agree")})
    ended = SessionEnded(
        reason="duration_expired",
        targets={"a": Measured(value=1 / 3, n=3, met=True, excluded=False), "b": Measured(value=None, n=0)},
    )

    for event in (session, ended):
        assert decode(encode(Entry(1, 0.0, event, 1), SESSION, STARTED, "", "").text).event == event


def test_the_lines_of_a_study_without_targets_have_nothing_of_them():
    for event in (begun(), SessionEnded(reason="duration_expired")):
        assert "targets" not in encode(Entry(1, 0.0, event, 1), SESSION, STARTED, "", "").text


def test_an_end_from_before_there_were_targets_is_read():
    line = encode(Entry(1, 0.0, SessionEnded(reason="fire_alarm"), 1), SESSION, STARTED, "", "").text

    assert json.loads(line)["data"].keys() == {"session_id", "reason", "tally", "llm_degraded_seconds"}
    assert decode(line).event == SessionEnded(reason="fire_alarm")
