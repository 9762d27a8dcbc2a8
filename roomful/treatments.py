"""The experimental settings, and the treatments made of them: each is read as if it were a file of its own.

A treatment's parameters are the file's, with those of its levels and its own laid over them. The faults of what
comes out are told where the value stands that is wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from roomful.core.study import ExperimentalSettings, SimulationSettings, Treatment
from roomful.experiment import EXPERIMENTAL, EXPERIMENTAL_RULES
from roomful.factors import DESIGN_KEYS, Arm, arms
from roomful.rules import Fault, JSONObject, Rule, Wrong, legible, nearest, shown, wrong

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Design:
    """The treatments of a file, and in `keys` where each of them stands in it."""

    treatments: tuple[Treatment, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Simulated:
    """The other file: as JSON, its rule, and what it was read as. None where it has faults of its own."""

    found: JSONObject
    rule: Rule[SimulationSettings]
    settings: SimulationSettings


def read_design(value: object, simulated: Simulated | None) -> Design:
    """Read the experimental settings into treatments; keys of the faults are of that file. Raises Wrong."""
    try:
        return _read_design(value, simulated)
    except RecursionError:
        raise Wrong(Fault("", "", "objects or arrays nested too deeply to read", "a plain JSON object")) from None


def _read_design(value: object, simulated: Simulated | None) -> Design:
    if not isinstance(value, JSONObject):
        raise wrong(value, "an object")
    faults = list(value.strays([*EXPERIMENTAL_RULES, *DESIGN_KEYS]))
    base = JSONObject({name: value[name] for name in EXPERIMENTAL_RULES if name in value})
    found = arms(value, faults)
    if not sum(arm.weight for arm in found) and not faults:
        faults.append(Fault("", found[0].key, "no treatment with a weight above 0", "at least one"))
    declared = {name for arm in found for name in arm.levels}
    read = [_read_arm(arm, base, simulated, declared) for arm in found]
    faults += _shared([told for _, told in read], [arm.name for arm in found])
    if faults:
        raise Wrong(*dict.fromkeys(faults))
    return Design(tuple(arm for arm, _ in read if arm), tuple(arm.key for arm in found))


@dataclass(slots=True)
class _Laid:
    """Settings with patches laid over them, and where each key comes from that a patch brought."""

    value: JSONObject
    origins: dict[str, str] = field(default_factory=dict)

    def lay(self, patch: JSONObject, key: str) -> None:
        """Objects are joined key by key; anything else, null too, takes the place of what was there."""
        self.value = self._joined(self.value, patch, "", key)

    def _joined(self, old: JSONObject, new: JSONObject, at: str, key: str) -> JSONObject:
        joined = JSONObject(old)
        joined.repeated = (*old.repeated, *new.repeated)
        for name, value in new.items():
            inner, before = _at(at, name), old.get(name)
            if not isinstance(value, JSONObject):
                self.origins[inner] = _at(key, name)
                joined[name] = value
                continue
            if not isinstance(before, JSONObject):
                # of an object that is joined with another only the keys come from here
                self.origins[inner], before = _at(key, name), JSONObject()
            joined[name] = self._joined(before, value, inner, _at(key, name))
        return joined

    def traced(self, fault: Fault) -> tuple[Fault, bool]:
        """The fault where its value stands, and whether that is in a patch."""
        found = [key for key in self.origins if fault.key == key or fault.key.startswith((f"{key}.", f"{key}["))]
        if not found:
            return fault, False
        longest = max(found, key=len)
        return replace(fault, key=self.origins[longest] + fault.key.removeprefix(longest)), True


def _at(key: str, name: str) -> str:
    return f"{key}.{legible(name)}" if key else legible(name)


type _Traced = tuple[Fault, bool]


def _read_arm(
    arm: Arm, base: JSONObject, simulated: Simulated | None, declared: set[str]
) -> tuple[Treatment | None, list[_Traced]]:
    laid, faults = _Laid(base), list[_Traced]()
    for patch in arm.patches:
        laid.lay(patch.experimental, patch.key)
    texts = _Texts(arm, declared)
    filled = texts.filled(laid.value, "")
    # these tell by themselves in which treatment they are
    faults += [(laid.traced(fault)[0], True) for fault in texts.faults]
    faults += [(fault, True) for fault in texts.of_levels]
    simulation = _read_simulation(arm, simulated, faults) if simulated else None
    try:
        experimental = EXPERIMENTAL.read(filled)
    except Wrong as error:
        return None, faults + [laid.traced(fault) for fault in error.faults]
    if simulation is None:
        return None, faults
    faults += [laid.traced(fault) for fault in _check_room(experimental, simulation)]
    treatment = Treatment(
        name=arm.name,
        weight=arm.weight,
        quota=arm.quota,
        levels={factor: level.name for factor, level in arm.levels.items()},
        experimental=experimental,
        simulation=simulation,
    )
    return treatment, faults


def _read_simulation(arm: Arm, simulated: Simulated, faults: list[_Traced]) -> SimulationSettings | None:
    if not any(patch.simulation for patch in arm.patches):
        return simulated.settings
    laid = _Laid(simulated.found)
    for patch in arm.patches:
        laid.lay(patch.simulation, f"{patch.key}.simulation")
    try:
        return simulated.rule.read(laid.value)
    except Wrong as error:
        for fault in error.faults:
            told, found = laid.traced(fault)
            # the other file is sound by itself: what is wrong here is so because of this treatment
            faults.append((told if found else fault.under(f"{arm.key}.simulation"), found))
        return None


class _Texts:
    """The texts that stand for placeholders in a treatment; `{name}` of no factor is literal text."""

    def __init__(self, arm: Arm, declared: set[str]) -> None:
        self.faults: list[Fault] = []
        self.of_levels: list[Fault] = []
        """Faults in the levels' own texts, with their keys in the file."""
        self._arm, self._declared = arm, declared
        self._values: dict[str, str] = {}
        for factor in arm.levels:
            self._expand(factor, ())

    def _expand(self, factor: str, within: tuple[str, ...]) -> str:
        level = self._arm.levels[factor]
        if factor not in self._values and level.text is not None:
            key = f"{level.patch.key}.text"
            if factor in within:
                found = f"{{{factor}}} within itself"
                self.of_levels.append(Fault("", key, found, "texts that do not stand in each other"))
                return ""
            inner = (*within, factor)
            text = _PLACEHOLDER.sub(lambda found: self._of(found, key, self.of_levels, inner), level.text)
            self._values[factor] = text
        return self._values.get(factor, "")

    def _of(self, found: re.Match[str], key: str, faults: list[Fault], within: tuple[str, ...] = ()) -> str:
        name = found[1]
        if name not in self._declared:
            return found[0]
        level = self._arm.levels.get(name)
        if level is None:
            told = f"{{{name}}}, a factor that does not exist in {self._arm.name}"
            faults.append(Fault("", key, told, "a placeholder with a level in every treatment that has this text"))
        elif level.text is None:
            faults.append(
                Fault("", key, f"{{{name}}}, whose level {shown(level.name)} has no text", "a level with a text")
            )
        else:
            return self._expand(name, within)
        return ""

    def filled(self, value: object, key: str) -> object:
        """A value with the placeholders in all its strings replaced."""
        if isinstance(value, str):
            return _PLACEHOLDER.sub(lambda found: self._of(found, key, self.faults), value)
        if isinstance(value, JSONObject):
            made = JSONObject({name: self.filled(item, _at(key, name)) for name, item in value.items()})
            made.repeated = value.repeated
            return made
        if isinstance(value, list):
            return [self.filled(item, f"{key}[{index}]") for index, item in enumerate(value)]
        return value


def _check_room(experimental: ExperimentalSettings, simulation: SimulationSettings) -> Iterator[Fault]:
    """What the experimental settings say of agents and times that the room does not have."""
    names = simulation.agent_names
    for name in experimental.agents:
        yield from _stranger(f"agents.{legible(name)}", name, names)
    for index, message in enumerate(experimental.seeded_messages):
        yield from _stranger(f"seeded_messages[{index}].sender", message.sender, names)
        if message.at >= simulation.session_duration_minutes * 60:
            expected = f"less than the {simulation.session_duration_minutes * 60:g} seconds of the session"
            yield Fault("", f"seeded_messages[{index}].at", f"{message.at:g}", expected)
    if stances := experimental.stances:
        counts = (stances.agree, stances.disagree, stances.neutral)
        if sum(counts) != len(names):
            found = "{} who agree, {} who disagree, {} neutral".format(*counts)
            yield Fault("", "stances", found, f"numbers that add up to the {len(names)} agents")


def _stranger(key: str, name: str, names: tuple[str, ...]) -> Iterator[Fault]:
    if name not in names:
        near = nearest(name, names)
        expected = f"{shown(near)}, the nearest of agent_names" if near else "one of agent_names"
        yield Fault("", key, f"{shown(name)}, who is none of agent_names", expected)


def _shared(found: list[list[_Traced]], names: list[str]) -> Iterator[Fault]:
    """The faults of all treatments, once each; those of what they share tell in which, unless it is in all."""
    for faults, name in zip(found, names, strict=True):
        for fault, traced in faults:
            if traced or all((fault, False) in others for others in found):
                yield fault
            else:
                yield replace(fault, found=f"{fault.found} (in {legible(name)})")
