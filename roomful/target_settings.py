"""What the targets of a treatment must be: every fault is told at once, each where it stands."""

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from roomful.core.study import Measure, Position, Side, Stances, Target
from roomful.core.targets import spaced
from roomful.patterns import PATTERN
from roomful.rules import (
    NAME,
    SWITCH,
    TEXT,
    Fault,
    JSONObject,
    Rule,
    Wrong,
    legible,
    nearest,
    number,
    object_of,
    one_of,
    or_null,
    read_items,
    shown,
    wrong,
)

MEASURES: tuple[Measure, ...] = get_args(Measure.__value__)
"""What can be measured."""

LEXICON_MOST = 1000
"""Words and phrases of a lexicon: all of them are looked for in every message."""

_SIDES: tuple[Side, ...] = get_args(Side.__value__)

USED: Mapping[Measure, tuple[str, ...]] = {
    "share_matching": ("lexicon", "pattern", "seeded"),
    "words_per_message": ("seeded",),
    "share_to_participant": ("seeded",),
    "agents_on_side": ("side",),
    "messages_on_side": ("side", "positions", "seeded"),
}
"""Which keys have a meaning for a measure, beside the limits, which all have."""


def _read_entry(value: object) -> str:
    text = TEXT.read(value)
    if spaced(text) == " ":
        raise wrong(value, _ENTRY.expected)
    return text


_ENTRY = Rule("a word or a phrase: at least a letter, a digit or an emoji", _read_entry)

_LEXICON_EXPECTED = f"an array of 1 to {LEXICON_MOST} words and phrases"


def _read_lexicon(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= LEXICON_MOST:
        raise Wrong(Fault("", "", _sized(value), _LEXICON_EXPECTED))
    entries, faults = read_items(value, _ENTRY)
    if faults:
        raise Wrong(*faults)
    return tuple(entries)


def _sized(value: object) -> str:
    return f"an array of {len(value)}" if isinstance(value, list) else shown(value)


_LEXICON = Rule(_LEXICON_EXPECTED, _read_lexicon)


def _read_lexicon_or_null(value: object) -> tuple[str, ...]:
    return () if value is None else _LEXICON.read(value)


_POSITIONS_EXPECTED = "an object: an answer of each position to an array of words and phrases"


def _read_positions(value: object) -> Mapping[str, tuple[str, ...]]:
    if value is None:
        return {}
    if not isinstance(value, JSONObject) or not value:
        raise wrong(value, _POSITIONS_EXPECTED)
    return _of_each(value, _LEXICON)


def _of_each[T](value: JSONObject, rule: Rule[T]) -> Mapping[str, T]:
    """The values of an object under one rule, under any name. Raises Wrong with all faults."""
    faults, good = list(value.strays(list(value))), dict[str, T]()
    for name, item in value.items():
        try:
            good[name] = rule.read(item)
        except Wrong as error:
            faults += [fault.under(legible(name)) for fault in error.faults]
    if faults:
        raise Wrong(*faults)
    return good


_LIMIT = or_null(number())

TARGET_RULES: Mapping[str, Rule[object]] = {
    "measure": one_of(*MEASURES),
    "lexicon": Rule(_LEXICON_EXPECTED, _read_lexicon_or_null),
    "pattern": or_null(PATTERN),
    "side": or_null(one_of(*_SIDES)),
    "positions": Rule(_POSITIONS_EXPECTED, _read_positions),
    "at_least": _LIMIT,
    "at_most": _LIMIT,
    "exclude_below": _LIMIT,
    "exclude_above": _LIMIT,
    "seeded": SWITCH,
}


def _check_target(found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    yield from _check_limits(good)
    measure = next((known for known in MEASURES if known == good.get("measure")), None)
    if measure is None:
        return
    for key in ("lexicon", "pattern", "side", "positions", "seeded"):
        if key not in USED[measure] and found.get(key) not in (None, False):
            yield Fault("", key, f"a key that {measure} has no use for", f"it with {_users(key)}, or null")
    for key in ("lexicon", "positions", "side"):
        if key in USED[measure] and found.get(key) is None and not (key == "lexicon" and found.get("pattern")):
            expected = f"{TARGET_RULES[key].expected}{', or a pattern' if key == 'lexicon' else ''}"
            yield Fault("", key, "nothing", f"{expected}, for {measure}")
    if measure == "share_matching" and found.get("lexicon") is not None and found.get("pattern") is not None:
        yield Fault("", "pattern", "a pattern beside a lexicon", "one of the two")
    if measure == "messages_on_side" and good.get("side") == "neutral":
        yield Fault("", "side", '"neutral", which no position is', 'one of "agree", "disagree"')
    if measure != "words_per_message":
        yield from _check_shares(good)


def _users(key: str) -> str:
    return " or ".join(measure for measure in MEASURES if key in USED[measure])


def _check_shares(good: Mapping[str, object]) -> Iterator[Fault]:
    for key in ("at_least", "at_most", "exclude_below", "exclude_above"):
        limit = good.get(key)
        if isinstance(limit, float) and limit > 1:
            yield Fault("", key, f"{limit:g}", "a share, from 0 to 1")


_ORDERED = (
    ("at_most", "at_least"),
    ("at_least", "exclude_below"),
    ("exclude_above", "at_most"),
    ("exclude_above", "exclude_below"),
)
"""Pairs of limits, of which the first must not be the smaller one."""


def _check_limits(good: Mapping[str, object]) -> Iterator[Fault]:
    for upper, lower in _ORDERED:
        high, low = good.get(upper), good.get(lower)
        if isinstance(high, float) and isinstance(low, float) and high < low:
            yield Fault("", upper, f"{high:g}, less than {lower}", f"at least {low:g}")


_TARGET: Rule[Target] = object_of(Target, TARGET_RULES, _check_target)

_EXPECTED = "an object of targets' names, each a target"


def _read_target(value: object) -> Target | None:
    # null takes away what the file itself declares
    return None if value is None else _TARGET.read(value)


def _read_targets(value: object) -> Mapping[str, Target]:
    if value is None:
        return {}
    if not isinstance(value, JSONObject):
        raise wrong(value, "an object")
    faults = list(_check_names(value))
    try:
        read = _of_each(value, Rule("a target", _read_target))
    except Wrong as error:
        raise Wrong(*faults, *error.faults) from None
    if faults:
        raise Wrong(*faults)
    return {name: target for name, target in read.items() if target}


def _check_names(names: Iterable[str]) -> Iterator[Fault]:
    for name in names:
        try:
            NAME.read(name)
        except Wrong as error:
            yield from (fault.under(legible(name) or '""') for fault in error.faults)


TARGETS: Rule[Mapping[str, Target]] = Rule(_EXPECTED, _read_targets)


def check_targets(targets: Mapping[str, Target], stances: Stances | None) -> Iterator[Fault]:
    """Faults of targets that ask for sides which nobody takes, or for positions that are none."""
    for name, target in targets.items():
        key = f"targets.{legible(name)}"
        if target.side is not None and stances is None:
            yield Fault("", f"{key}.side", shown(target.side), "stances, of which agents take a side")
        elif target.positions and stances:
            faults = _check_positions(target.positions, stances.positions)
            yield from (fault.under(f"{key}.positions") for fault in faults)


def _check_positions(found: Mapping[str, object], positions: tuple[Position, ...]) -> Iterator[Fault]:
    known = {answer: number for number, position in enumerate(positions) for answer in position.answers}
    taken: dict[int, str] = {}
    for answer in found:
        if answer not in known:
            near = nearest(answer, known)
            expected = f"{shown(near)} (the nearest answer)" if near else f"one of {', '.join(map(shown, known))}"
            yield Fault("", legible(answer), "an answer of no position", expected)
            continue
        other = taken.setdefault(known[answer], answer)
        if other != answer:
            yield Fault("", legible(answer), f"an answer of the same position as {shown(other)}", "each position once")
    if len(found) == 1:
        yield Fault("", "", "words of one position", "those of two at least, to tell them apart")
