"""The study's two files, checked whole: every fault is told at once, none by a traceback."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from roomful.core.events import USER
from roomful.core.study import ExperimentalSettings, LLMSettings, SimulationSettings
from roomful.rules import (
    NAME,
    TEXT,
    Fault,
    Rule,
    SettingsError,
    Wrong,
    integer,
    mapping,
    number,
    object_of,
    one_of,
    or_null,
    parse_json,
    read_items,
    read_text,
    shown,
    wrong,
)

__all__ = [
    "ASK",
    "EXPERIMENTAL_RULES",
    "LLM_RULES",
    "SIMULATION_RULES",
    "Fault",
    "SettingsError",
    "StudySettings",
    "load_settings",
]

ASK = "ask"
"""The `participant_name` that lets the participant choose."""

# --- the study's files


def _same(name: str) -> str:
    """Return what two names have in common that a reader could not tell apart, or would say alike."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


_NAMES_EXPECTED = "an array of names, each of its own"


def _read_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise wrong(value, _NAMES_EXPECTED)
    names, faults = read_items(value, NAME)
    taken: dict[str, int] = {}
    for index, name in enumerate(value):
        if not isinstance(name, str):
            continue
        first = taken.setdefault(_same(name), index)
        if first != index:
            found = f"{shown(name)}, which agent_names[{first}] is already"
            faults.append(Fault("", f"[{index}]", found, "a name of its own, also without regard to capitals"))
        elif _same(name) == USER:
            faults.append(Fault("", f"[{index}]", shown(name), f'another name: the log calls the participant "{USER}"'))
    if faults:
        raise Wrong(*faults)
    return tuple(names)


# those of the generative language API; more exist on Vertex AI and for images
_HARM_CATEGORIES = (
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
)
_HARM_THRESHOLDS = ("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE")

EXPERIMENTAL_RULES: Mapping[str, Rule[object]] = {"prompt_template": TEXT}

LLM_RULES: Mapping[str, Rule[object]] = {
    "provider": or_null(one_of("gemini", "scripted")),
    "model": NAME,
    "temperature": or_null(number(2)),
    "top_p": or_null(number(1)),
    "max_output_tokens": integer(1),
    "thinking_budget": or_null(integer(-1)),
    "safety_settings": mapping(_HARM_CATEGORIES, one_of(*_HARM_THRESHOLDS)),
    "timeout_seconds": number(600, positive=True),
    "max_attempts": integer(1, 10),
    "max_concurrent_calls": integer(1),
    "requests_per_minute": or_null(number(positive=True)),
    "max_tokens_per_session": or_null(integer(1)),
    "max_cost_per_session": or_null(number(positive=True)),
    "input_price_per_million": number(),
    "output_price_per_million": number(),
}


def _check_nothing(_found: Mapping[str, object], _good: Mapping[str, object]) -> Iterable[Fault]:
    return ()


def _check_llm(_found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    prices = [good.get("input_price_per_million"), good.get("output_price_per_million")]
    if good.get("max_cost_per_session") is not None and prices == [0, 0]:
        found = f"{good['max_cost_per_session']:g} while both prices are 0"
        expected = "input_price_per_million or output_price_per_million above 0, or no limit"
        yield Fault("", "max_cost_per_session", found, expected)


SIMULATION_RULES: Mapping[str, Rule[object]] = {
    "num_agents": integer(1),
    "agent_names": Rule(_NAMES_EXPECTED, _read_names),
    "messages_per_minute": number(),
    "user_response_probability": number(1),
    "context_window_size": integer(0),
    "session_duration_minutes": number(positive=True),
    "reconnect_grace_seconds": number(),
    "participant_name": NAME,
    "seed": integer(),
    "llm": object_of(LLMSettings, LLM_RULES, _check_llm),
}


def _check_simulation(found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    names = found.get("agent_names")
    if not isinstance(names, list):
        return
    if good.get("num_agents") not in (None, len(names)):
        expected = f"{len(names)}, the number of agent_names"
        yield Fault("", "num_agents", shown(good["num_agents"]), expected)
    participant = good.get("participant_name")
    if not isinstance(participant, str) or participant == ASK:
        return
    for index, name in enumerate(names):
        if isinstance(name, str) and _same(name) == _same(participant):
            found_name = f"{shown(name)}, which is the participant_name"
            yield Fault("", f"agent_names[{index}]", found_name, "a name of its own")


_EXPERIMENTAL = object_of(ExperimentalSettings, EXPERIMENTAL_RULES, _check_nothing)
_SIMULATION = object_of(SimulationSettings, SIMULATION_RULES, _check_simulation)


class StudySettings(NamedTuple):
    """The two files of a study, checked."""

    experimental: ExperimentalSettings
    simulation: SimulationSettings


def load_settings(folder: Path) -> StudySettings:
    """Read the study's two files. Raises SettingsError with every fault of both."""
    faults: list[Fault] = []
    experimental = _load(folder / "experimental_settings.json", _EXPERIMENTAL, faults)
    simulation = _load(folder / "simulation_settings.json", _SIMULATION, faults)
    if experimental is None or simulation is None:
        raise SettingsError(faults)
    return StudySettings(experimental, simulation)


def _load[T](path: Path, rule: Rule[T], faults: list[Fault]) -> T | None:
    try:
        return rule.read(parse_json(read_text(path)))
    except Wrong as error:
        faults += [replace(fault, file=str(path)) for fault in error.faults]
        return None
