"""Rehearsals in a test: a small study, scripted agents, simulated time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from roomful.core.study import ExperimentalSettings, Stances, Treatment
from roomful.llm import LLM
from roomful.llm.scripted import Scripted
from roomful.rehearsal.prices import Price, Prices, Purse
from roomful.rehearsal.runner import Findings, Keeper, OnSession, Plan, Rehearsal, chosen
from roomful.rehearsal.speaking import estimated
from roomful.settings import StudySettings
from roomful.timeline import simulated_loop
from tests import rooms

PRICE = Price(model="scripted", input=1.0, output=10.0, date="2026-11-22", source="https://example.org/prices")
PRICES = Prices(common=PRICE)


def treatment(name: str, weight: float = 1.0, quota: int | None = None, template: str = "", **room: Any) -> Treatment:
    """A treatment of three agents for four minutes."""
    return Treatment(
        name=name,
        weight=weight,
        quota=quota,
        experimental=ExperimentalSettings(prompt_template=template or f"You live in the street of {name}."),
        simulation=rooms.settings(**{"session_duration_minutes": 4, **room}),
    )


def study(*treatments: Treatment, stances: Stances | None = None, **more: Any) -> StudySettings:
    """A study of these treatments, of two alike without any."""
    arms = treatments or (treatment("A"), treatment("B"))
    if stances:
        arms = tuple(replace(arm, experimental=replace(arm.experimental, stances=stances)) for arm in arms)
    return StudySettings(arms[0].experimental, arms[0].simulation, arms, **more)


def plan(
    about: StudySettings | None = None,
    *,
    sessions: int = 6,
    kinds: Sequence[str] = ("mixed",),
    only: Sequence[str] = (),
    seed: int = 1,
    at_once: int = 1,
) -> Plan:
    """A rehearsal of a study, of all or some of its treatments."""
    about = about or study()
    return Plan(
        study=about,
        treatments=chosen(about.treatments, only),
        kinds=tuple(kinds),
        sessions=sessions,
        seed=seed,
        model="scripted",
        at_once=at_once,
    )


def rehearsed(
    about: Plan | None = None,
    *,
    llm: LLM | None = None,
    purse: Purse | None = None,
    keeper: Keeper | None = None,
    on_session: OnSession | None = None,
) -> Findings:
    """What comes of a rehearsal, with scripted agents unless there are others."""
    speaks = llm or estimated(Scripted(), 1.0)
    rehearsal = Rehearsal(about or plan(), speaks, purse or Purse(PRICES), keeper=keeper, on_session=on_session)
    with asyncio.Runner(loop_factory=simulated_loop) as runner:
        return runner.run(rehearsal.run())
