"""A study's arms: which one a session is in, and what it runs by."""

from collections import Counter
from dataclasses import replace

import pytest

from roomful.core.decide import Refused
from roomful.core.study import Treatment, drawn_treatment, treatment_of
from roomful.host import Host, Study
from roomful.settings import StudySettings
from roomful.store.memory import MemoryStore
from roomful.web.page import Page
from tests.asgi import web
from tests.rooms import reply, start
from tests.rooms import settings as room_settings

pytestmark = pytest.mark.anyio


def arm(name: str, weight: float = 1.0, **simulation: object) -> Treatment:
    """A treatment whose template is its name."""
    experimental = replace(start().experimental, prompt_template=name)
    return Treatment(name=name, weight=weight, experimental=experimental, simulation=room_settings(**simulation))


def test_sessions_are_drawn_into_treatments_in_proportion_to_the_weights():
    arms = (arm("rare"), arm("never", 0), arm("often", 3))

    drawn = Counter(drawn_treatment(arms, seed).name for seed in range(4000))

    assert drawn["never"] == 0
    assert drawn["often"] / 4000 == pytest.approx(0.75, abs=0.02)


def test_a_treatment_is_found_by_its_name():
    arms = (arm("one"), arm("two"))

    assert treatment_of(arms, "two") is arms[1]
    with pytest.raises(KeyError):
        treatment_of(arms, "three")


def host(*arms: Treatment, store: MemoryStore | None = None) -> Host:
    async def llm(prompt):
        return reply(f"number {prompt.number}")

    given = start(messages_per_minute=0)
    study = Study(
        experimental=given.experimental, simulation=given.simulation, model="scripted", versions={}, treatments=arms
    )
    return Host(store or MemoryStore(), llm, study)


async def test_a_session_runs_by_the_settings_of_its_treatment():
    async with host(arm("one"), arm("two", messages_per_minute=0, group_name="Two")).running() as live:
        room = await live.open(await live.start(treatment="two", answers={"Q1": "yes"}))

    started = room.state.session
    assert started.treatment == "two"
    assert started.answers == {"Q1": "yes"}
    assert started.experimental_config.prompt_template == "two"
    assert started.simulation_config.group_name == "Two"


async def test_nobody_is_let_into_a_treatment_that_is_not_there():
    store = MemoryStore()
    async with host(arm("one"), store=store).running() as live:
        with pytest.raises(KeyError):
            await live.start(treatment="two")
        session_id = await live.start(treatment="one")

    # the study was changed in the meantime
    async with host(arm("two"), store=store).running() as live:
        with pytest.raises(Refused):
            await live.open(session_id)
        assert live.rooms == {}


async def test_a_session_without_a_treatment_is_in_one_drawn_by_its_seed():
    arms = (arm("one", messages_per_minute=0), arm("two", messages_per_minute=0))
    async with host(*arms).running() as live:
        rooms = [await live.open(await live.start()) for _ in range(20)]

    sessions = [room.state.session for room in rooms]
    assert {started.treatment for started in sessions} == {"one", "two"}
    assert all(started.treatment == drawn_treatment(arms, started.seed).name for started in sessions)


async def test_a_study_without_treatments_has_one_and_says_nothing_of_it():
    async with host().running() as live:
        room = await live.open(await live.start())

    assert [treatment.name for treatment in live.study.treatments] == [""]
    assert room.state.session.treatment is None


def two_rooms() -> StudySettings:
    """A study whose treatments differ in who is there, and in the group's picture."""
    given = start(participant_name="ask").simulation
    other = replace(given, agent_names=("Alice", "Bob", "Zoe"), group_picture="night.png")
    arms = [
        Treatment(name=name, experimental=start().experimental, simulation=simulation)
        for name, simulation in (("one", replace(given, group_picture="day.png")), ("two", other))
    ]
    return StudySettings(start().experimental, given, tuple(arms))


async def test_a_participant_can_be_called_like_no_agent_of_any_treatment(tmp_path):
    async with web(tmp_path, about=two_rooms()) as room:
        answers = [
            await room.client.post("/session/start", {"token": "1234", "name": name})
            for name in ("Carol", "ZOE", "Kim")
        ]

    assert [answer.status for answer in answers] == [422, 422, 200]
    assert answers[0].json == answers[1].json


def test_the_page_has_the_pictures_of_all_treatments(tmp_path):
    study = two_rooms()

    page = Page(study.simulation, tmp_path, arms=[arm.simulation for arm in study.treatments])

    assert {path.name for path in page.pictures.values()} == {"day.png", "night.png"}
