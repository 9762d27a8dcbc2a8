"""What follows on what is said: questions whether somebody is a bot, distress, words against one's own stance."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from re import _constants, _parser
from typing import Any

import pytest
from rich.console import Console
from structlog.testing import capture_logs

from roomful.cli.sessions import list_live
from roomful.cli.transcript import Transcript
from roomful.core import phrases
from roomful.core.chance import choose, draw
from roomful.core.enrolment import outcome_of
from roomful.core.events import (
    CallAnswered,
    CallRequested,
    DistressNoticed,
    MessagePosted,
    SessionEnded,
    TurnPlanned,
)
from roomful.core.inputs import End
from roomful.core.lexicon import Lexicon, _pattern_of, spaced_words
from roomful.core.prompts import OWN_SHOWN, mark, system_of, trimmed
from roomful.core.study import AgentCard, Distress, ExperimentalSettings, Position, Stances, StanceWords
from roomful.outcomes import Ending
from roomful.web.views import plainly
from tests.asgi import study, web
from tests.rooms import Room, only, start

PROBES = [
    "are you a bot?",
    "Alice, are you real?",
    "is anyone here human",
    "am I talking to a real person or an AI",
    "r u ai",
    "you all sound like bots lol",
    "bot?",
    "bist du ein Bot?",
    "Schreibe ich hier mit einer KI?",
    "¿eres un robot?",
    "¿estoy hablando con una persona?",
    "هل أنت روبوت؟",
    "你是机器人吗",
    "es-tu un robot ?",
    "your a bot",
    "was that chatgpt",
    "¿sos una máquina?",
    "вы люди?",
]
NO_PROBES = [
    "are you coming tonight",
    "are you for real",
    "is this the right time",
    "the robot vacuum is stuck again",
    "is anyone home",
    "bist du schon da?",
    "¿eres de aquí?",
    "who is the person at number four",
    "is there a program on tv?",
    "are you using ai at work?",
    "are you scared of robots?",
    "they are building a program for that",
    "your computer is broken again",
]


@pytest.mark.parametrize("text", PROBES)
def test_a_probe_is_known_and_counted(text):
    room = Room(start(messages_per_minute=0))

    (posted,) = only(room.say(text), MessagePosted)

    assert posted.probe
    assert room.state.tally.probes == 1


@pytest.mark.parametrize("text", NO_PROBES)
def test_an_ordinary_question_is_no_probe(text):
    room = Room(start(messages_per_minute=0))

    (posted,) = only(room.say(text), MessagePosted)

    assert not posted.probe
    assert room.state.tally.probes == 0


@pytest.mark.parametrize(("policy", "answers"), [("deflect", 1), ("honest", 1), ("ignore", 0)])
def test_a_probe_is_answered_as_any_message_unless_it_is_to_be_ignored(policy, answers):
    room = Room(start(messages_per_minute=0, bot_question_policy=policy))

    assert len(only(room.say("are you a bot?"), TurnPlanned)) == answers
    assert len(only(room.say("nice weather today"), TurnPlanned)) == 1


def test_what_is_drawn_for_other_messages_does_not_depend_on_a_probe_that_is_ignored():
    def planned(text: str) -> list[bool]:
        room = Room(start(messages_per_minute=0, bot_question_policy="ignore", user_response_probability=0.5))
        said = [text, *(f"message {number}" for number in range(20))]
        return [bool(only(room.say(one, number * 60.0), TurnPlanned)) for number, one in enumerate(said)][1:]

    assert planned("are you a bot?") == planned("nice weather today")


SAYINGS = {"admission": "yes, I'm a bot", "claim": "I'm a real person", "neither": "what a question"}


@pytest.mark.parametrize(
    ("policy", "said", "found"),
    [
        ("deflect", "admission", "admits_bot"),
        ("deflect", "claim", "claims_human"),
        ("ignore", "admission", "admits_bot"),
        ("ignore", "claim", "claims_human"),
        ("honest", "admission", None),
        ("honest", "claim", "claims_human"),
        ("deflect", "neither", None),
        ("honest", "neither", None),
    ],
)
def test_the_policy_says_what_may_be_said_of_being_a_bot(policy, said, found):
    room = Room(start(messages_per_minute=0, bot_question_policy=policy))
    room.say("hi")
    room.until(60.0, reply=None)

    (answered,) = only(room.answer(SAYINGS[said]), CallAnswered)

    assert answered.rejected == found


def test_the_policy_stands_in_the_prompt_and_tells_of_no_member_what_it_is():
    systems = {}
    for policy in ("deflect", "honest", "ignore"):
        session = Room(start(bot_question_policy=policy, name="Maria")).state.session
        systems[policy] = system_of(session, "Alice").replace(mark(session.seed), "")

    assert len(set(systems.values())) == 3
    for system in systems.values():
        assert "Maria" in system.split("The members are: ")[1].split(".")[0]
        assert system.count("Maria") == 1


def test_the_mark_is_a_session_s_own():
    assert mark(1) != mark(2)
    assert mark(1) in system_of(Room(start(seed=1)).state.session, "Alice")


# --- phrases


LEXICA = {name: found for name, found in vars(phrases).items() if isinstance(found, Lexicon)}


def sample(tree: Iterable[tuple[int, Any]], seed: int, *place: int) -> str:
    """A text that a parsed pattern stands for, without what it looks ahead or back for."""
    said = ""
    for number, (kind, value) in enumerate(tree):
        here = (*place, number)
        if kind is _constants.LITERAL:
            said += chr(value)
        elif kind is _constants.SUBPATTERN:
            said += sample(value[3], seed, *here)
        elif kind is _constants.BRANCH:
            said += sample(choose(value[1], draw(seed, *here)), seed, *here)
        elif kind is _constants.IN:
            said += sample(value[:1], seed, *here)
        elif kind is _constants.CATEGORY:
            said += "w"
        elif kind is _constants.MAX_REPEAT:
            least, most, part = value
            # a space that may be missing is there: "i ?m" is both, but nobody writes "amnot"
            space = list(part) == [(_constants.LITERAL, ord(" "))]
            count = 1 if space else choose((least, min(most, least + 1)), draw(seed, *here))
            said += "".join(sample(part, seed, *here, turn) for turn in range(count))
    return said


@pytest.mark.parametrize("name", LEXICA)
def test_each_phrase_is_found_by_its_key_words_in_whatever_form_it_is_said(name):
    lexicon = LEXICA[name]
    missed = []
    for phrase in {phrase for ours in lexicon._phrases.values() for phrase in ours}:
        form, known = _parser.parse(phrase.removeprefix("^")), re.compile(rf"{_pattern_of(phrase)}(?= )")
        said = {" ".join(sample(form, seed).split()) for seed in range(60)}
        stands = [text for text in said if known.search(spaced_words(text))]
        assert stands, phrase
        missed += [text for text in stands if not lexicon.among(text)]

    assert missed == []


# --- distress

DISTRESSED = [
    "I want to kill myself",
    "honestly i don't want to live anymore",
    "I've been thinking about suicide",
    "I keep hurting myself",
    "ich will nicht mehr leben",
    "Ich denke daran, mich umzubringen",
    "ich habe Suizidgedanken",
    "ich bring mich um",
    "لا أريد أن أعيش",
    "tengo pensamientos suicidas",
    "I think about ending it",
    "no quiero vivir más",
    "he pensado en suicidarme",
    "أريد أن أموت",
    "أفكر في الانتحار",
]
NOT_DISTRESSED = [
    "I could kill for a coffee",
    "my phone is dead",
    "I cut myself shaving",
    "want to die of laughing",
    "ich will nicht mehr warten",
    "no quiero más",
    "the film is about suicide prevention week",
    "I don't want to die on my bike",
    "nobody wants to die, and who would want to die for a car",
    "there is no point in going on about it",
    "ich will nicht sterben",
    "keiner will sterben",
    "no quiero morir",
    "لا أريد أن أموت",
]


@pytest.mark.parametrize("text", DISTRESSED)
def test_signs_of_distress_are_noticed(text):
    room = Room(start(messages_per_minute=0))

    events = room.say(text)

    (posted,) = only(events, MessagePosted)
    assert only(events, DistressNoticed) == [DistressNoticed(message_id=posted.message_id, action="alert")]
    assert room.state.distress == 1
    assert only(events, TurnPlanned)


@pytest.mark.parametrize("text", NOT_DISTRESSED)
def test_what_only_sounds_alike_is_not(text):
    assert not phrases.DISTRESS.among(text)


def test_a_session_ends_over_signs_of_distress_before_anybody_answers():
    room = Room(start(messages_per_minute=0, distress=Distress(action="end", help_text="Call 0800 1234567.")))

    events = room.say("I want to kill myself")

    assert [type(event) for event in events] == [MessagePosted, DistressNoticed, SessionEnded]
    assert room.state.ended == "distress"
    assert outcome_of("distress") == "ended_by_researcher"
    way = plainly("distress", room.state.session.simulation_config)
    assert way.text == "Call 0800 1234567."
    assert plainly("duration_expired", room.state.session.simulation_config).text is None


def test_nothing_is_looked_for_where_the_study_says_so():
    room = Room(start(messages_per_minute=0, distress=Distress(action="off")))

    assert only(room.say("I want to kill myself"), DistressNoticed) == []


def test_what_is_kept_of_a_session_that_is_deleted_tells_of_no_distress():
    room = Room(start(messages_per_minute=0))
    room.say("I want to kill myself")

    (ended,) = only(room.take(End(reason="over")), SessionEnded)

    assert "distress" not in ended.tally


# --- what an agent has claimed

WORDS = StanceWords(own=("close it", "too many cars"), opposite=("keep it open", "my car"))


def spoken(text: str, **study: object) -> MessagePosted:
    """What Alice, the only agent, posts when the model says this."""
    first = start(messages_per_minute=2, num_agents=1, agent_names=("Alice",))
    told = ExperimentalSettings(prompt_template="You live in a small street.", **study)
    room = Room(replace(first, experimental=told, answers={"Q1": "yes"}))
    return only(room.until(300.0, reply=text), MessagePosted)[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("please keep it open, I need my car", True),
        ("Keep it OPEN!", True),
        ("close it, there are too many cars, even if I like my car", False),
        ("close it or keep it open, who knows", False),
        ("good morning", False),
        ("the cars keep it opened", False),
    ],
)
def test_more_words_of_the_opposite_stance_than_of_one_s_own_are_marked(text, found):
    assert spoken(text, agents={"Alice": AgentCard(stance_words=WORDS)}).contradicts == found
    assert not spoken(text).contradicts


def test_who_takes_a_side_is_held_to_the_words_of_its_position():
    stances = Stances(
        question="Q1",
        agree=1,
        positions=(
            Position(answers=("yes",), stance="Close the street.", words=("close it",)),
            Position(answers=("no",), stance="Leave it.", words=("keep it open", "leave it")),
        ),
    )

    assert spoken("just leave it", stances=stances).contradicts
    assert not spoken("just close it", stances=stances).contradicts


def test_contradictions_are_counted_in_the_tally():
    first = start(messages_per_minute=4, num_agents=1, agent_names=("Alice",))
    told = replace(first.experimental, agents={"Alice": AgentCard(stance_words=WORDS)})
    room = Room(replace(first, experimental=told))

    # of three words or fewer all may be said again
    posted = only(room.until(300.0, reply="my car!"), MessagePosted)
    (ended,) = only(room.take(End(reason="over")), SessionEnded)

    assert ended.tally["contradictions"] == len(posted) > 1


def test_an_agent_is_shown_its_own_last_messages_whatever_the_window():
    room = Room(start(messages_per_minute=4, num_agents=1, agent_names=("Alice",), context_window_size=1))
    said = [f"line {number}" for number in range(9)]
    lines = iter(said)
    while len(room.state.messages) < len(said):
        room.answer(next(lines)) if room.state.calls else room.ring()
    while not room.state.calls:
        room.ring()

    prompt = only(room.state.calls.values(), CallRequested)[0].prompt

    own = [line for line in prompt.text.split("\n") if line.startswith('{"you"')]
    assert own == [f'{{"you": "{text}"}}' for text in said[-OWN_SHOWN:]]


def test_without_a_window_an_agent_is_shown_nothing_of_its_own_either():
    room = Room(start(messages_per_minute=4, num_agents=1, agent_names=("Alice",), context_window_size=0))

    prompts = [event.prompt.text for event in only(room.until(300.0, reply="hi"), CallRequested)]

    assert not any("{" in text for text in prompts)


# --- the asked length


@pytest.mark.parametrize(
    ("text", "words", "cut"),
    [
        ("short enough", 5, "short enough"),
        ("as long as the model likes. " * 9, 0, "as long as the model likes. " * 9),
        ("No way. I was there at noon and it was closed already.", 2, "No way."),
        ("I was there at noon, and it was closed, so I went home with the dog", 5, "I was there at noon"),
        ("Dr. Miller said so. He was right about it I think", 4, "Dr. Miller said so."),
        ("great idea! 🎉 let us do it on saturday when all are there", 3, "great idea! 🎉"),
        ("one two three four five six seven eight nine ten", 4, "one two three four five six seven eight nine ten"),
        ("¿Quién viene? Yo llevo el pan, el queso y el vino", 2, "¿Quién viene?"),
        ("Ich komme später, weil der Bus nicht fährt und es regnet", 4, "Ich komme später"),
        (
            "at 10:30, e.g. at the mill or at the lake, or wherever you like to go",
            6,
            "at 10:30, e.g. at the mill or at the lake",
        ),
        ("a first sentence that is rather long. Short.", 1, "a first sentence that is rather long."),
    ],
)
def test_a_text_is_cut_after_a_sentence_or_else_a_clause(text, words, cut):
    assert trimmed(text, words) == cut


# --- through the server


@pytest.mark.anyio
async def test_the_operator_is_told_of_distress_in_three_places_and_the_participant_in_none(tmp_path, capsys):
    async with web(tmp_path, limits={"metrics": True}) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        await socket.until("hello")
        with capture_logs() as logs:
            socket.say("I want to kill myself")
            frames = await socket.until("message")
        await asyncio.to_thread(list_live, room.server, as_json=False)
        metrics = (await room.client.get("/metrics")).body
        health = (await room.client.get("/health")).body

    assert [log for log in logs if log["event"] == "distress"] == [
        {"event": "distress", "log_level": "warning", "session_id": session_id}
    ]
    assert capsys.readouterr().err == f"Session {session_id}: a message of the participant shows signs of distress.\n"
    assert b"\nroomful_sessions_in_distress 1.0\n" in metrics
    assert b"\nroomful_distress_total 1.0\n" in metrics
    assert b"distress" not in health
    assert "distress" not in json.dumps(frames)


def test_a_transcript_marks_what_was_noticed_in_the_words():
    room = Room(start())
    room.say("are you a bot?")
    room.say("I want to die")
    screen = Console(width=100)
    with screen.capture() as captured:
        for part in Transcript(room.entries, calls=False).parts():
            screen.print(part)

    said = captured.get()
    assert re.search(r"are you a bot\?  \(probe\) *\n", said)
    assert "signs of distress in “I want to die”: alert" in said


@pytest.mark.anyio
async def test_distress_that_ended_a_session_is_still_counted_when_the_metrics_are_read(tmp_path):
    distress = Distress(action="end", help_text="Call 0800.")
    async with web(tmp_path, limits={"metrics": True}, about=study(distress=distress)) as room:
        socket = room.open(await room.start())
        await socket.until("hello")
        socket.say("I want to kill myself")
        await socket.until("session_end")
        metrics = (await room.client.get("/metrics")).body

    assert b"\nroomful_distress_total 1.0\n" in metrics


@pytest.mark.anyio
@pytest.mark.parametrize("completed", [None, Ending(text="Thank you.", url="https://x.example/")])
async def test_the_page_shows_whom_to_turn_to(tmp_path, completed):
    rule = Distress(action="end", help_text="Call 0800 1234567.")
    about = study(distress=rule, end_text="Goodbye.")
    endings = {"ended_by_researcher": completed} if completed else {}
    about = replace(about, enrolment=replace(about.enrolment, outcomes=endings))
    async with web(tmp_path, about=about) as room:
        socket = room.open(await room.start())
        await socket.until("hello")
        socket.say("I want to kill myself")
        end = (await socket.until("session_end"))[-1]

    assert (end["reason"], end["next"]["text"]) == ("ended", "Call 0800 1234567.")
    assert end["next"]["url"] == (completed.url if completed else None)
