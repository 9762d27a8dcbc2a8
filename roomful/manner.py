"""What the settings may say of how agents keep time and how they write: a preset, and each number of it."""

from collections.abc import Mapping
from dataclasses import replace

from roomful.core.study import SimulationSettings
from roomful.core.timing import ATTENTIVE, KINDS, PLAIN, TIMINGS, VARIED, Preset, Speech, Timing
from roomful.rules import (
    SWITCH,
    JSONObject,
    Rule,
    Wrong,
    integer,
    number,
    object_of,
    one_of,
    or_null,
    wrong,
)


def _between(low: float, high: float) -> Rule[float]:
    expected = f"a number from {low:g} to {high:g}"

    def read(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise wrong(value, expected)
        return float(value)

    return Rule(expected, read)


def _preset(value: object) -> Preset:
    for name in TIMINGS:
        if name == value:
            return name
    raise wrong(value, _PRESET.expected)


_PRESET = Rule(one_of(*TIMINGS).expected, _preset)

TIMING_RULES: Mapping[str, Rule[object]] = {
    "preset": _PRESET,
    "gap_law": one_of("gamma", "lognormal"),
    "burstiness": _between(-0.9, 0.9),
    "recovery_seconds": number(3600),
    "recovery_shape": number(5, positive=True),
    "return_boost": number(10),
    "return_seconds": number(3600, positive=True),
    "talkativeness_spread": number(3),
    "named_boost": number(10, positive=True),
    "lengths": SWITCH,
    "words_log_mean": number(4),
    "words_spread": number(3),
    "words_person_spread": number(3),
    "words_gap_exponent": number(2),
    "words_most": integer(1, 120),
    "typing_speed": number(50, positive=True),
    "typing_speed_spread": number(2),
    "typing_speed_most": number(100, positive=True),
    "background_may_address_user": SWITCH,
}


_TIMING = object_of(Timing, TIMING_RULES)


def _read_timing(value: object) -> Timing:
    given = _TIMING.read(value)
    # what was read is an object, or the rule would have objected
    told = {name: getattr(given, name) for name in value} if isinstance(value, JSONObject) else {}
    return replace(TIMINGS[given.preset], **told)


def _read_kinds(value: object) -> Mapping[str, float]:
    if not isinstance(value, JSONObject):
        raise wrong(value, "an object")
    faults, weights = list(value.strays(KINDS)), dict[str, float]()
    for name in [name for name in KINDS if name in value]:
        try:
            weights[name] = _WEIGHT.read(value[name])
        except Wrong as error:
            faults += [fault.under(name) for fault in error.faults]
    if faults:
        raise Wrong(*faults)
    if weights and not any(weights.values()):
        raise wrong(value, "at least one weight above 0, or no kinds at all")
    return weights


_WEIGHT = number(1e6)

SPEECH_RULES: Mapping[str, Rule[object]] = {
    "kinds": Rule(f"an object of {', '.join(KINDS)}, each {_WEIGHT.expected}", _read_kinds),
    "emoji_rate": or_null(number(1)),
    "quote_rate": number(1),
    "reaction_rate": number(1),
    "styles": SWITCH,
}

MANNER_RULES: Mapping[str, Rule[object]] = {
    "timing": Rule("an object", _read_timing),
    "speech": object_of(Speech, SPEECH_RULES),
}
"""The two keys of the simulation settings."""


def mannered(room: SimulationSettings, found: JSONObject) -> SimulationSettings:
    """The settings as they were read from a file, with what goes with their preset where the file is silent."""
    timing = room.timing if "timing" in found else ATTENTIVE
    base = VARIED if timing.lengths else PLAIN
    given = found.get("speech")
    told = {name: getattr(room.speech, name) for name in given} if isinstance(given, JSONObject) else {}
    return replace(room, timing=timing, speech=replace(base, **told))
