"""The arms of a study as its file declares them: named treatments, or factors crossed in full, in part or nested.

What they bring is kept as it was read: what it comes to is for `roomful.treatments`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod

from roomful.core.study import LLMSettings, SimulationSettings
from roomful.experiment import EXPERIMENTAL_RULES
from roomful.rules import NAME, TEXT, Fault, JSONObject, Rule, Wrong, integer, legible, nearest, number, or_null, shown

CELLS_MOST = 500
"""Treatments of one study: more are a slip of the pen, and no study could fill them."""

_WEIGHT = number(10_000)
_QUOTA = or_null(integer(1))
_A_FACTOR = re.compile(r"[^\W\d]\w{0,59}")
_A_LEVEL = re.compile(r"\w([\w.\- ]{0,58}[\w.\-])?")

DESIGN_KEYS: Mapping[str, str] = {
    "treatments": "an object of names, each a treatment",
    "factors": "an object of names, each a factor",
    "cells": "an array of cells",
}
TREATMENT_KEYS = ("weight", "quota", "simulation")
LEVEL_KEYS = ("text", "weight", "simulation", "factors")
CELL_KEYS = ("levels", "name", "weight", "quota", "simulation")

SIMULATION_KEYS = (
    "num_agents",
    "agent_names",
    "messages_per_minute",
    "user_response_probability",
    "context_window_size",
    "session_duration_minutes",
    "reconnect_grace_seconds",
    "group_name",
    "group_picture",
    "member_pictures",
    "bot_question_policy",
    "distress",
    "record_activity",
    "end_text",
    "end_url",
    "llm",
)
"""The simulation's parameters that may differ by treatment: those that a session reads, and no page before it."""
LLM_KEYS = (
    "max_tokens_per_session",
    "max_cost_per_session",
    "when_unavailable",
    "unavailable_seconds",
    "when_rejected",
    "fallback_lines",
)
"""The same of `llm`: the others are of the connection that all sessions share."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What is laid over the settings: where it stands, and what of it is experimental and what of the simulation."""

    key: str
    experimental: JSONObject
    simulation: JSONObject


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a factor: the text that stands for it, what it changes, and the factors that exist under it."""

    name: str
    text: str | None
    weight: float
    patch: Patch
    factors: "tuple[Factor, ...]"


@dataclass(frozen=True, slots=True)
class Factor:
    name: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """A treatment before its settings are read."""

    name: str
    key: str
    weight: float
    quota: int | None
    levels: Mapping[str, Level]
    patches: tuple[Patch, ...]


def arms(value: JSONObject, faults: list[Fault]) -> list[Arm]:
    """The arms that a file declares, at least one; what is wrong with them is added to the faults."""
    sole = [Arm("", "", 1.0, None, {}, ())]
    if "treatments" in value and "factors" in value:
        faults.append(Fault("", "factors", "factors beside treatments", "one of the two"))
        return sole
    if "cells" in value and "factors" not in value:
        faults.append(Fault("", "cells", "cells without factors", "factors, whose levels a cell names"))
    if "treatments" in value:
        return _treatments(value["treatments"], faults) or sole
    if "factors" not in value:
        return sole
    factors = _factors(value["factors"], "factors", faults)
    count = _count(factors)
    if count > CELLS_MOST:
        faults.append(Fault("", "factors", f"{count} combinations of levels", f"at most {CELLS_MOST}"))
        return sole
    crossed = [dict(cell) for cell in _crossed(factors)]
    if "cells" not in value:
        return [_arm(levels) for levels in crossed] or sole
    return _cells(value["cells"], crossed, faults) or sole


def _treatments(value: object, faults: list[Fault]) -> list[Arm]:
    if not isinstance(value, JSONObject) or not value:
        faults.append(Fault("", "treatments", shown(value), DESIGN_KEYS["treatments"]))
        return []
    faults += (fault.under("treatments") for fault in value.strays(list(value)))
    _check_names(value, "treatments", faults)
    return [_treatment(name, found, faults) for name, found in value.items()]


def _check_names(names: Iterable[str], under: str, faults: list[Fault]) -> None:
    """No two names that a reader could not tell apart."""
    taken: dict[str, str] = {}
    for name in names:
        key = f"{under}.{legible(name)}"
        try:
            NAME.read(name)
        except Wrong as error:
            faults += (replace(fault, key=key) for fault in error.faults)
        other = taken.setdefault(name.casefold(), name)
        if other != name:
            faults.append(Fault("", key, f"a name like {shown(other)}", "names that differ by more than capitals"))


def _treatment(name: str, found: object, faults: list[Fault]) -> Arm:
    key = f"treatments.{legible(name)}"
    if not isinstance(found, JSONObject):
        faults.append(Fault("", key, shown(found), "an object"))
        found = JSONObject()
    patch = _patch(found, TREATMENT_KEYS, key, faults)
    weight = _value(found, "weight", _WEIGHT, 1.0, key, faults)
    return Arm(name, key, weight, _value(found, "quota", _QUOTA, None, key, faults), {}, (patch,))


def _value[T](found: JSONObject, name: str, rule: Rule[T], default: T, key: str, faults: list[Fault]) -> T:
    try:
        return rule.read(found[name]) if name in found else default
    except Wrong as error:
        faults += (fault.under(f"{key}.{name}") for fault in error.faults)
        return default


def _patch(found: JSONObject, own: tuple[str, ...], key: str, faults: list[Fault]) -> Patch:
    """What of an object is laid over the settings, beside the keys that are its own."""
    faults += (fault.under(key) for fault in found.strays([*EXPERIMENTAL_RULES, *own]))
    experimental = JSONObject({name: found[name] for name in found if name in EXPERIMENTAL_RULES})
    simulation = found.get("simulation", JSONObject())
    if not isinstance(simulation, JSONObject):
        faults.append(Fault("", f"{key}.simulation", shown(simulation), "an object"))
        simulation = JSONObject()
    return Patch(key, experimental, _simulation(simulation, f"{key}.simulation", faults))


def _simulation(found: JSONObject, key: str, faults: list[Fault]) -> JSONObject:
    """The overrides that a treatment may have; the others would hold for the whole server."""
    kept = _kept(found, SIMULATION_KEYS, SimulationSettings.__dataclass_fields__, key, faults)
    llm = kept.get("llm")
    if isinstance(llm, JSONObject):
        kept["llm"] = _kept(llm, LLM_KEYS, LLMSettings.__dataclass_fields__, f"{key}.llm", faults)
    return kept


def _kept(
    found: JSONObject, allowed: tuple[str, ...], known: Iterable[str], key: str, faults: list[Fault]
) -> JSONObject:
    common = {name for name in found if name in set(known) - set(allowed)}
    faults += (fault.under(key) for fault in found.strays([*allowed, *common]))
    for name in sorted(common):
        expected = "it in simulation_settings.json alone, or a key that may differ by treatment"
        faults.append(Fault("", f"{key}.{name}", "what all treatments have in common", expected))
    return JSONObject({name: value for name, value in found.items() if name in allowed})


def _factors(value: object, key: str, faults: list[Fault], above: tuple[str, ...] = ()) -> tuple[Factor, ...]:
    if not isinstance(value, JSONObject) or not value:
        faults.append(Fault("", key, shown(value), DESIGN_KEYS["factors"]))
        return ()
    faults += (fault.under(key) for fault in value.strays(list(value)))
    for name in value:
        if not _A_FACTOR.fullmatch(name) or name == "agent_name":
            expected = "letters, digits and _, a letter first, and not agent_name"
            faults.append(Fault("", f"{key}.{legible(name)}", shown(name), expected))
        if name in above:
            faults.append(Fault("", f"{key}.{legible(name)}", "a factor within itself", "a name of its own"))
    inner = (*above, *value)
    return tuple(Factor(name, _levels(found, f"{key}.{legible(name)}", faults, inner)) for name, found in value.items())


def _levels(value: object, key: str, faults: list[Fault], above: tuple[str, ...]) -> tuple[Level, ...]:
    if not isinstance(value, JSONObject) or not value:
        faults.append(Fault("", key, shown(value), "an object of levels, each a text or an object"))
        return ()
    faults += (fault.under(key) for fault in value.strays(list(value)))
    _check_names(value, key, faults)
    for name in value:
        if not _A_LEVEL.fullmatch(name):
            expected = "a name of letters, digits, spaces, dots and dashes"
            faults.append(Fault("", f"{key}.{legible(name)}", shown(name), expected))
    return tuple(_level(name, found, f"{key}.{legible(name)}", faults, above) for name, found in value.items())


def _level(name: str, found: object, key: str, faults: list[Fault], above: tuple[str, ...]) -> Level:
    if isinstance(found, str):
        found = JSONObject(text=found)
    if not isinstance(found, JSONObject):
        faults.append(Fault("", key, shown(found), "a string, or an object"))
        found = JSONObject()
    patch = _patch(found, LEVEL_KEYS, key, faults)
    text = _value(found, "text", or_null(TEXT), None, key, faults)
    weight = _value(found, "weight", _WEIGHT, 1.0, key, faults)
    nested = _factors(found["factors"], f"{key}.factors", faults, above) if "factors" in found else ()
    return Level(name, text, weight, patch, nested)


type _Pairs = tuple[tuple[str, Level], ...]


def _count(factors: Iterable[Factor]) -> int:
    return prod(sum(_count(level.factors) for level in factor.levels) for factor in factors)


def _crossed(factors: Iterable[Factor]) -> Iterator[_Pairs]:
    """All combinations of levels, those of a nested factor only under the level that has it."""
    for cell in product(*(tuple(_within(factor)) for factor in factors)):
        yield tuple(pair for pairs in cell for pair in pairs)


def _within(factor: Factor) -> Iterator[_Pairs]:
    for level in factor.levels:
        yield from (((factor.name, level), *below) for below in _crossed(level.factors))


def _named(levels: Mapping[str, Level]) -> str:
    return "+".join(f"{factor}={level.name}" for factor, level in levels.items())


def _arm(levels: Mapping[str, Level]) -> Arm:
    weight = prod(level.weight for level in levels.values())
    return Arm(_named(levels), "factors", weight, None, levels, tuple(level.patch for level in levels.values()))


def _cells(value: object, crossed: list[dict[str, Level]], faults: list[Fault]) -> list[Arm]:
    if not isinstance(value, list) or not value:
        faults.append(Fault("", "cells", shown(value), DESIGN_KEYS["cells"]))
        return []
    arms = [arm for index, found in enumerate(value) if (arm := _cell(found, f"cells[{index}]", crossed, faults))]
    _check_names([arm.name for arm in arms], "cells", faults)
    for before, arm in pairwise(sorted(arms, key=lambda arm: _named(arm.levels))):
        if _named(before.levels) == _named(arm.levels):
            faults.append(Fault("", arm.key, f"the levels of {before.key}", "each combination once"))
    if len(arms) == len(value):
        used = {level.patch.key for arm in arms for level in arm.levels.values()}
        unused = dict.fromkeys(level.patch.key for cell in crossed for level in cell.values())
        faults += (
            Fault("", key, "a level in none of the cells", "a cell with it") for key in unused if key not in used
        )
    return arms


def _cell(found: object, key: str, crossed: list[dict[str, Level]], faults: list[Fault]) -> Arm | None:
    if not isinstance(found, JSONObject) or not isinstance(found.get("levels"), JSONObject):
        faults.append(Fault("", key, shown(found), 'an object with "levels": factor and level of each'))
        return None
    patch = _patch(found, CELL_KEYS, key, faults)
    wanted = found["levels"]
    levels = next((cell for cell in crossed if {name: level.name for name, level in cell.items()} == wanted), None)
    if levels is None or not isinstance(wanted, JSONObject):
        faults += _astray(wanted if isinstance(wanted, JSONObject) else JSONObject(), f"{key}.levels", crossed)
        return None
    arm = _arm(levels)
    name = _value(found, "name", NAME, arm.name, key, faults)
    weight = _value(found, "weight", _WEIGHT, arm.weight, key, faults)
    quota = _value(found, "quota", _QUOTA, None, key, faults)
    return Arm(name, key, weight, quota, levels, (*arm.patches, patch))


def _astray(wanted: JSONObject, key: str, crossed: list[dict[str, Level]]) -> Iterator[Fault]:
    """What is wrong with levels that are no combination of those there are."""
    known: dict[str, dict[str, None]] = {}
    for cell in crossed:
        for name, level in cell.items():
            known.setdefault(name, {})[level.name] = None
    told = False
    for name, found in wanted.items():
        names = known.get(name)
        if names is None:
            told, near = True, nearest(name, known)
            expected = f"{near} (the nearest factor)" if near else f"one of {', '.join(known)}"
            yield Fault("", f"{key}.{legible(name)}", "an unknown factor", expected)
        elif found not in names:
            told, near = True, nearest(found, names) if isinstance(found, str) else None
            expected = f"{shown(near)} (the nearest level)" if near else f"one of {', '.join(map(shown, names))}"
            yield Fault("", f"{key}.{legible(name)}", shown(found), expected)
    if not told:
        of = f"levels of {', '.join(map(legible, wanted)) or 'no factor'}"
        yield Fault("", key, of, "a level of each factor, and of those alone that exist under the others")
