"""Sessions whose logs are kept under tests/golden: on simulated time, with models and salts that never change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from roomful.core import CORE_VERSION
from roomful.core.chance import identifier
from roomful.core.events import Prompt
from roomful.core.inputs import (
    Block,
    Complain,
    Connect,
    Disconnect,
    End,
    Input,
    Leave,
    Observe,
    React,
    Reply,
    Report,
    Resume,
    Say,
    Start,
    Suspend,
)
from roomful.core.study import (
    AgentCard,
    Distress,
    ExperimentalSettings,
    Position,
    SeededMessage,
    Stances,
    StanceWords,
)
from roomful.core.timing import AMBIENT, ATTENTIVE, Speech
from roomful.llm import LLM, LLMError
from roomful.log import SessionLog
from roomful.session import SimulationSession
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline
from tests.rooms import SESSION, start
from tests.stores import claimed

FOLDER = Path(__file__).parent / "golden"
THIS_VERSION = FOLDER / f"core-{CORE_VERSION}"

type Script = list[tuple[float, Input]]

LINES = (
    "morning all",
    "has anyone seen my cat?",
    "Bob: not since sunday",
    '"the bins went out early again"',
    "lovely weather, isn't it 🌞",
    "**so** many delivery vans today\nand all of them double-parked",
    "who has a ladder?",
    "I might",
    "as an AI I have no ladder",
    "the baker is closed on mondays",
    "not today",
    "I'll bring some chairs for the party",
    "which party?",
    "saturday at six, in the yard behind number nine",
    "oh nice",
    "no idea, honestly, ask the people upstairs",
    "they moved out in spring",
    "then I don't know either",
)


async def talking(prompt: Prompt) -> Reply:
    """A model that says its lines in turn, each a little later than the one before."""
    latency = 0.4 + prompt.number % 5 * 0.7
    text = LINES[prompt.number % len(LINES)]
    return Reply(text=text, model="double", latency=latency, input_tokens=90, output_tokens=len(text))


async def failing(prompt: Prompt) -> Reply:
    """A model that fails in one way after the other."""
    match prompt.number % 7:
        case 0:
            raise LLMError("timeout", "The model gave no answer within 20 seconds.", attempts=("timeout: 20.0 s",))
        case 1:
            blocked = Reply(text="", model="double", finish_reason="SAFETY", input_tokens=90)
            raise LLMError("blocked", "The reply was blocked: SAFETY.", reply=blocked)
        case 2 | 3:
            return Reply(text='{"from": "Nobody"}', model="double", latency=0.3, output_tokens=4)
        case 4:
            return replace(await talking(prompt), latency=31.0, attempts=("busy: 429 (0.2 s)",))
        case _:
            return await talking(prompt)


async def dead(prompt: Prompt) -> Reply:
    """A model that is not there any more."""
    del prompt
    raise LLMError("unreachable", "There is no connection to the model.")


def first(**changes: object) -> Start:
    """A room of two minutes, so that the logs stay small."""
    settings = {"session_duration_minutes": 2, "messages_per_minute": 8, "context_window_size": 4, **changes}
    return replace(start(**settings), versions={"core": str(CORE_VERSION)})


def treated() -> Start:
    """The start of a session in a treatment with all that one can have."""
    settings = ExperimentalSettings(
        prompt_template="You live in a small street.",
        agents={"Alice": AgentCard(style="Short.", facts=("You have a cat.", "The mill is empty."))},
        stances=Stances(
            question="Q1",
            agree=1,
            disagree=2,
            positions=(
                Position(answers=("yes", "5..7"), stance="You want the street closed to cars."),
                Position(answers=("no", "1..4"), stance="You want the street open to cars."),
            ),
        ),
        seeded_messages=(
            SeededMessage(sender="Bob", text="Have you seen the paper?", at=-5),
            SeededMessage(sender="Carol", text="They mean to close the street to cars.", at=35.5),
        ),
    )
    levels = {"source": "paper", "majority": "against"}
    given = replace(first(seed=12), experimental=settings, levels=levels, answers={"Q1": "6"})
    return replace(given, treatment="source=paper+majority=against")


@dataclass(frozen=True)
class Golden:
    """A session: how it begins, who speaks, what comes in at which time. A Resume is another start of the server."""

    start: Start
    llm: LLM
    script: Script


def _posted(number: int, seed: int) -> str:
    """The id of a session's message of this number."""
    return identifier(seed, SESSION, "message", number)


LIVELY = Speech(quote_rate=0.4, reaction_rate=0.4, emoji_rate=0.3)
HERE: Script = [(0.0, Connect(protocol=2))]
ODD = "\0 \ud800 \u202e مرحبا 👩‍👩‍👧 \u2028"

SAYING: Script = [
    (20.0, Say(content="Hello everyone!", client_id="1")),
    (21.0, Say(content="Alice, are you there?", client_id="2")),
    (22.5, Say(content="Alice? Carol?", client_id="3")),
    (22.5, Say(content="Alice? Carol?", client_id="3")),
    (60.0, Say(content=ODD, client_id="4")),
    (61.0, Say(content="and Bob?")),
]
OUTAGES: Script = [
    (0.0, Connect(protocol=1)),
    (9.0, Disconnect(sent=2)),
    (11.0, Connect(protocol=2)),
    (30.0, Suspend()),
    (35.0, Resume(gap=5.0)),
    (36.0, Connect(protocol=2)),
    (40.0, Say(content="hi", client_id="1")),
    (45.0, Suspend()),
    # turns that were due more than half a minute ago are given up
    (95.0, Resume(gap=50.0)),
    (95.5, Connect(protocol=2)),
]
NOTED: Script = [
    # what is refused leaves nothing
    (5.0, Say(content="   ")),
    (5.1, React(message_id="0b0e8a51-5d0c-4c3e-9b5f-6f0a9b1f6a57", emoji="👍")),
    (5.2, Say(content="hi", reply_to="0b0e8a51-5d0c-4c3e-9b5f-6f0a9b1f6a57")),
    (8.5, Block(member="Nobody")),
    (6.0, Complain(error_type="bad_frame", error_message="The frame is not a JSON object.", count=3)),
    (7.0, Observe(kind="visibility", details={"visible": False, "levels": [1, 2.5, None, {"x": "y"}]})),
    (8.0, Block(member="Bob")),
    (9.0, Observe(kind="typing", details={"active": True})),
    (50.0, React(message_id=_posted(1, 5), emoji="👍")),
    (51.0, Report(message_id=_posted(1, 5), reason="rude")),
    (52.0, React(message_id=_posted(1, 5), emoji=None)),
    (53.0, Say(content="you there?", client_id="9", reply_to=_posted(1, 5))),
]

ASKING: Script = [
    (20.0, Say(content="are you a bot, Alice?", client_id="1")),
    (40.0, Say(content="I don't want to live anymore", client_id="2")),
]


def guarded() -> Start:
    """The start of a session with what a study may set about words."""
    study = ExperimentalSettings(
        prompt_template="You live in a small street.",
        agents={"Bob": AgentCard(stance_words=StanceWords(own=("my cat",), opposite=("the bins", "delivery vans")))},
        licences=("incivility",),
    )
    room = {
        "chat_language": "en",
        "bot_question_policy": "ignore",
        "distress": Distress(action="end", help_text="Call us."),
    }
    return replace(first(seed=13, **room), experimental=study)


GOLDENS: Mapping[str, Golden] = {
    "guarded": Golden(guarded(), talking, [*HERE, *ASKING]),
    "plain": Golden(first(), talking, HERE),
    "answers": Golden(first(seed=2), talking, [*HERE, *SAYING]),
    "failures": Golden(first(seed=3), failing, [*HERE, (30.0, Say(content="anyone?", client_id="1"))]),
    "filled": Golden(first(seed=10, when_unavailable="fallback", fallback_lines=LINES[:3]), failing, HERE),
    "unavailable": Golden(first(seed=11, when_unavailable="end", unavailable_seconds=40), dead, HERE),
    "outages": Golden(first(seed=4), talking, OUTAGES),
    "noted": Golden(first(seed=5), talking, [*HERE, *NOTED]),
    "left": Golden(first(seed=6), talking, [*HERE, (15.0, Say(content="bye")), (16.0, Leave())]),
    "absence": Golden(first(seed=7, reconnect_grace_seconds=5), talking, [*HERE, (30.0, Disconnect(sent=3))]),
    "budget": Golden(first(seed=8, max_tokens_per_session=500), talking, HERE),
    "ended": Golden(first(seed=9), talking, [*HERE, (20.0, End(reason="fire_alarm"))]),
    "attentive": Golden(first(seed=13, timing=ATTENTIVE, speech=LIVELY), talking, [*HERE, *SAYING]),
    "ambient": Golden(first(seed=14, timing=AMBIENT, speech=LIVELY), failing, [*HERE, *SAYING]),
    "treated": Golden(treated(), talking, [*HERE, (50.0, Say(content="Bob, what do you think?", client_id="1"))]),
}
"""The sessions by the name of their file."""


async def play(golden: Golden) -> list[str]:
    """The lines of the whole session."""
    store = MemoryStore()
    for script in _runs([(0.0, golden.start), *golden.script]):
        await run(store, golden.llm, script)
    return [line.text for line in await store.read(SESSION)]


def _runs(script: Script) -> list[Script]:
    begins = [0, *(place for place, (_, input) in enumerate(script) if isinstance(input, Resume)), len(script)]
    return [script[begin:end] for begin, end in pairwise(begins)]


async def run(store: MemoryStore, llm: LLM, script: Script) -> SessionLog:
    """Open a session at the time of the first input, and run it until it ends or is suspended."""
    timeline = SimulatedTimeline()
    await timeline.next(script[0][0], ())
    session = SimulationSession(await claimed(store), llm, timeline)
    for at, input in script:
        session.put(input, at)
    await session.run()
    return session.log


def read(path: Path) -> list[str]:
    """The lines of a log file."""
    return path.read_text("ascii").splitlines()
