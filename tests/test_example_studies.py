"""The example studies, run with scripted agents on simulated time: what every agent is told is what was declared."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomful.core.chance import derive
from roomful.core.decide import decide
from roomful.core.events import CallRequested, MessagePosted, SessionEnded, SessionStarted
from roomful.core.inputs import Connect, Say, Start
from roomful.core.state import Message, SessionState
from roomful.core.study import Treatment
from roomful.core.targets import measure
from roomful.llm.scripted import Scripted
from roomful.settings import StudySettings, load_settings
from roomful.store.memory import MemoryStore
from tests.goldens import run
from tests.rooms import SESSION, happened, only

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parent.parent / "examples"
STUDIES = {folder.name: load_settings(folder) for folder in sorted(EXAMPLES.iterdir()) if folder.is_dir()}
ARMS = [(name, treatment.name) for name, study in STUDIES.items() for treatment in study.treatments]
RULES = "\n\nYour name in this group chat is "


def declared(study: str) -> Any:
    return json.loads((EXAMPLES / study / "experimental_settings.json").read_text("utf-8"))


def arm(study: str, name: str) -> Treatment:
    return next(treatment for treatment in STUDIES[study].treatments if treatment.name == name)


def start(study: StudySettings, treatment: Treatment, number: int = 1, **answers: str) -> Start:
    """The start of a session, as a host would give it."""
    return Start(
        session_id=SESSION,
        seed=derive(study.simulation.seed, f"session {number}"),
        experimental=treatment.experimental,
        simulation=treatment.simulation,
        participant_name="You",
        model="scripted",
        treatment=treatment.name or None,
        levels=treatment.levels,
        answers=answers,
    )


async def played(given: Start) -> list[Any]:
    """All events of a session to its end, in which the participant says something."""
    script = [(0.0, given), (0.1, Connect(protocol=2)), (20.0, Say(content="Hello everyone!"))]
    log = await run(MemoryStore(), Scripted(), script)
    return happened([entry async for entry in log.follow()])


def told(events: list[Any]) -> dict[str, set[str]]:
    """What each agent was told before the rules, in all its prompts."""
    found: dict[str, set[str]] = {}
    for event in only(events, CallRequested):
        found.setdefault(event.prompt.agent_name, set()).add(event.prompt.system.partition(RULES)[0])
    return found


def expected(study: str, treatment: Treatment, name: str, stance: str | None = None) -> str:
    """What an agent is to be told, put together from the file alone."""
    file = declared(study)
    text, levels = file["prompt_template"], file.get("factors", {})
    for factor, level in treatment.levels.items():
        found = levels.get(factor, {}).get(level, "")
        text = text.replace(f"{{{factor}}}", found if isinstance(found, str) else found.get("text", ""))
    card = file.get("agents", {}).get(name, {})
    lines = [f"How you write: {card['style']}"] if "style" in card else []
    lines += [f"What you think: {stance}"] if stance else []
    lines += ["What you know:", *(f"- {fact}" for fact in card["facts"])] if "facts" in card else []
    return "\n\n".join([text.replace("{agent_name}", name), *(["\n".join(lines)] if lines else [])])


def test_every_example_has_a_readme_and_tells_its_treatments():
    for name, study in STUDIES.items():
        readme = (EXAMPLES / name / "README.md").read_text("utf-8")
        assert f"--study examples/{name}" in readme
        assert [arm.name for arm in study.treatments if arm.name not in readme] == []


@pytest.mark.parametrize(("study", "name"), ARMS)
async def test_every_agent_in_every_cell_is_told_what_was_declared(study, name):
    treatment = arm(study, name)
    events = await played(start(STUDIES[study], treatment, Q1="4"))

    (started,) = only(events, SessionStarted)
    found = told(events)
    assert only(events, SessionEnded)[0].reason == "duration_expired"
    assert found.keys() == set(treatment.simulation.agent_names)
    for agent, texts in found.items():
        assert texts == {expected(study, treatment, agent, started.stances.get(agent))}


@pytest.mark.parametrize(("study", "name"), ARMS)
async def test_every_seeded_message_is_posted_once_in_its_words(study, name):
    treatment = arm(study, name)

    posted = only(await played(start(STUDIES[study], treatment, Q1="4")), MessagePosted)

    seeded = [(message.sender, message.content) for message in posted if message.seeded]
    wanted = sorted(treatment.experimental.seeded_messages, key=lambda message: message.at)
    assert seeded == [(message.sender, message.text) for message in wanted]


def test_the_source_of_the_report_is_what_tobias_posts():
    shared = declared("misinformation")["factors"]["article"]["shared"]["factors"]["source"]

    for name, words in shared.items():
        (_, report) = arm("misinformation", f"article=shared+source={name}").experimental.seeded_messages
        assert (report.sender, report.text, report.at) == ("Tobias", words, 45)


OPEN, CLOSED = (position["stance"] for position in declared("two_by_two")["stances"]["positions"])
SPLITS = {"with": {"agree": 4, "disagree": 1}, "against": {"agree": 1, "disagree": 4}}


@pytest.mark.parametrize("answer", ["1", "2", "3", "4"])
@pytest.mark.parametrize("name", [treatment.name for treatment in STUDIES["two_by_two"].treatments])
async def test_the_split_of_stances_is_right_in_the_prompts(name, answer):
    treatment = arm("two_by_two", name)

    found = told(await played(start(STUDIES["two_by_two"], treatment, 2, Q1=answer)))

    own, other = (OPEN, CLOSED) if answer in "12" else (CLOSED, OPEN)
    counts = Counter(next(text for text in (own, other) if text in min(texts)) for texts in found.values())
    split = SPLITS[treatment.levels["majority"]]
    assert all(len(texts) == 1 for texts in found.values())
    assert counts == {own: split["agree"], other: split["disagree"]}


@pytest.mark.parametrize("name", [treatment.name for treatment in STUDIES["two_by_two"].treatments])
def test_the_split_of_stances_is_right_in_all_of_a_thousand_sessions(name):
    treatment = arm("two_by_two", name)
    given = start(STUDIES["two_by_two"], treatment)
    for number in range(1000):
        answer = str(number % 4 + 1)
        started = decide(SessionState(), replace(given, seed=derive(number), answers={"Q1": answer}), 0.0)[0]
        assert isinstance(started, SessionStarted)
        own, other = (OPEN, CLOSED) if answer in "12" else (CLOSED, OPEN)
        split = SPLITS[treatment.levels["majority"]]
        assert Counter(started.sides.values()) == split
        assert Counter(started.stances.values()) == {own: split["agree"], other: split["disagree"]}


@pytest.mark.parametrize("answer", ["1", "4", "no answer of the scale"])
@pytest.mark.parametrize("name", [treatment.name for treatment in STUDIES["two_by_two"].treatments])
async def test_the_split_of_every_cell_meets_its_target_and_would_miss_that_of_the_other(name, answer):
    treatment = arm("two_by_two", name)
    (other,) = (
        one
        for one in STUDIES["two_by_two"].treatments
        if one.levels["tone"] == treatment.levels["tone"] and one.name != name
    )
    swapped = replace(treatment, experimental=replace(treatment.experimental, stances=other.experimental.stances))

    found = [
        only(await played(start(STUDIES["two_by_two"], one, Q1=answer)), SessionEnded)[0].targets["disagreeing"]
        for one in (treatment, swapped)
    ]

    assert [one.met for one in found] == [True, False]


SCORN = ("Oh please, not again 🙄", "That is NONSENSE", "come on, wake up!")
RESPECT = ("I see what you mean", "the naivety of it", "maybe, as is usual here", "Coming on Sunday?")


@pytest.mark.parametrize("treatment", STUDIES["two_by_two"].treatments, ids=lambda treatment: treatment.name)
def test_the_tone_of_every_cell_is_told_from_the_other(treatment):
    def said(*texts: str) -> list[Message]:
        return [
            Message(message_id=text, number=number, sender="Maren", content=text, at=0.0)
            for number, text in enumerate(texts, 1)
        ]

    target = treatment.experimental.targets["scorn"]
    (given, *_) = decide(SessionState(), start(STUDIES["two_by_two"], treatment, Q1="1"), 0.0)

    rude, kind = measure(target, given, said(*SCORN)), measure(target, given, said(*RESPECT))

    uncivil = treatment.levels["tone"] == "uncivil"
    assert (rude.value, kind.value) == (1.0, 0.0)
    assert (rude.met, rude.excluded) == (uncivil, not uncivil)
    assert (kind.met, kind.excluded) == (not uncivil, uncivil)
