"""A study's arms: which one a session is in, and what it runs by."""

from collections import Counter
from dataclasses import replace

import pytest

from roomful.core.study import Treatment, drawn_treatment, treatment_of
from roomful.host import Host, Study
from roomful.store.memory import MemoryStore
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


def host(*arms: Treatment) -> Host:
    async def llm(prompt):
        return reply(f"number {prompt.number}")

    given = start(messages_per_minute=0)
    study = Study(
        experimental=given.experimental, simulation=given.simulation, model="scripted", versions={}, treatments=arms
    )
    return Host(MemoryStore(), llm, study)


async def test_a_session_runs_by_the_settings_of_its_treatment():
    async with host(arm("one"), arm("two", messages_per_minute=0, group_name="Two")).running() as live:
        room = await live.open(await live.start(treatment="two", answers={"Q1": "yes"}))

    started = room.state.session
    assert started.treatment == "two"
    assert started.answers == {"Q1": "yes"}
    assert started.experimental_config.prompt_template == "two"
    assert started.simulation_config.group_name == "Two"


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
