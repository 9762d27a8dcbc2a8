"""What a value must be: rules that read JSON and text, and tell every fault in words."""

import json
import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: in which file (or the environment), under which key, what is there and what should be."""

    file: str
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: found {self.found}, expected {self.expected}"

    def under(self, key: str) -> Self:
        """Return the same fault as seen from the object or array that holds `key`."""
        joint = "." if self.key and not self.key.startswith("[") else ""
        return replace(self, key=f"{key}{joint}{self.key}")


class SettingsError(ValueError):
    """Settings that cannot be used; `faults` has all that was found, the message is one line a fault."""

    def __init__(self, faults: Iterable[Fault], begin: str = "The settings have") -> None:
        """`begin` says what has them, where it is something else."""
        self.faults = tuple(faults)
        count = "a fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{begin} {count}:", *(f"- {fault}" for fault in self.faults)]))


class Wrong(Exception):
    """A value breaks its rule; the faults' keys are relative to the value, their file is not known yet."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


class Missing(Wrong):
    """There is no such file."""


# a key pasted into the wrong place, or a password in an address: neither may reach a terminal or a log
_SECRET = re.compile(r"(?<=//)[^/@\s]*(?=@)|AIza[\w-]{8,}|AQ\.[\w-]{8,}|\bsk-[\w-]{8,}")


def shown(value: object) -> str:
    """Return the value as it stands in JSON: one line of at most 60 characters, without control characters or keys."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return legible(json.dumps(value[:1000] if isinstance(value, str) else value, ensure_ascii=False))


def legible(text: str) -> str:
    """Return the text in one line of at most 60 characters, with escapes for what cannot be seen."""
    text = _SECRET.sub("…", text)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:61])
    return text if len(text) <= 60 else f"{text[:59]}…"


def wrong(value: object, expected: str) -> Wrong:
    """Return the exception that says this value was found where that was expected."""
    return Wrong(Fault("", "", shown(value), expected))


def _stray(names: Iterable[str], known: Sequence[str]) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"{near} (the nearest known key)" if near else f"one of {', '.join(known)}"
            yield Fault("", legible(name), "an unknown key", hint)


def nearest(word: str, known: Iterable[str], prefix: str = "") -> str | None:
    """Return the known word that `word` was probably meant to be, or None when none is near."""
    # what all have in common would make anything look near, and so would one of two letters
    bare = {name.removeprefix(prefix).casefold(): name for name in known}
    near = get_close_matches(word.removeprefix(prefix).casefold()[:80], bare, n=1, cutoff=0.51)
    return bare[near[0]] if near else None


@dataclass(frozen=True, slots=True)
class Rule[T]:
    """What a value must be: in words, and as a function that returns it in our type or raises Wrong."""

    expected: str
    read: Callable[[object], T]


# beyond it readers that hold numbers as doubles, such as JavaScript's, round: the log would tell another number
_EXACT = 2**53 - 1


def integer(low: int | None = None, high: int | None = None) -> Rule[int]:
    """A whole number within these limits, 5.0 being 5; never true, false or text."""
    limits = "" if low is None else f" of at least {low}" if high is None else f" from {low} to {high}"
    expected = f"an integer{limits}"

    def read(value: object) -> int:
        # JSON knows one kind of number: what writes 5 as 5.0 (some spreadsheets do) means 5
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(value, expected)
        if not -_EXACT <= value <= _EXACT:
            raise wrong(value, f"{expected}, between ±{_EXACT}")
        if (low is not None and value < low) or (high is not None and value > high):
            raise wrong(value, expected)
        return value

    return Rule(expected, read)


def number(high: float = math.inf, *, positive: bool = False) -> Rule[float]:
    """A finite number from 0, or with `positive` above 0, to `high`."""
    if positive:
        expected = "a number above 0" if high == math.inf else f"a number above 0, at most {high:.12g}"
    else:
        expected = "a number of at least 0" if high == math.inf else f"a number from 0 to {high:.12g}"

    def read(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong(value, expected)
        # false for NaN, for the infinities, and for integers that no float can hold
        if not 0 <= value <= min(high, sys.float_info.max) or (positive and value == 0):
            raise wrong(value, expected)
        return float(value)

    return Rule(expected, read)


def or_null[T](rule: Rule[T]) -> Rule[T | None]:
    """The same rule, with null as one more value."""
    expected = f"{rule.expected}, or null"

    def read(value: object) -> T | None:
        try:
            return None if value is None else rule.read(value)
        except Wrong as error:
            # null instead of a part of the value would not do
            told = (
                fault if fault.key else replace(fault, expected=f"{fault.expected}, or null") for fault in error.faults
            )
            raise Wrong(*told) from None

    return Rule(expected, read)


def one_of(*words: str) -> Rule[str]:
    """One of these words, as they are spelled here."""
    expected = f"one of {', '.join(json.dumps(word) for word in words)}"

    def read(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        near = nearest(value, words) if isinstance(value, str) else None
        raise wrong(value, f"{expected} (the nearest: {json.dumps(near)})" if near else expected)

    return Rule(expected, read)


def _read_string(value: object) -> str:
    if not isinstance(value, str):
        raise wrong(value, "a string")
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise Wrong(Fault("", "", "half of a surrogate pair (\\ud800 … \\udfff)", "a string of whole characters"))
    return value


_A_NAME = "a name without control characters, line breaks, or spaces around it"


def _read_name(value: object) -> str:
    if not isinstance(value, str) or value != value.strip():
        raise wrong(value, _A_NAME)
    categories = {unicodedata.category(c) for c in value}
    visible = any(category[0] not in "CZ" for category in categories)
    if not visible or categories & {"Cc", "Cs", "Zl", "Zp"}:
        raise wrong(value, _A_NAME)
    return value


def _read_switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong(value, "true or false")
    return value


def matching(expected: str, pattern: str) -> Rule[str]:
    """A string that all of a regular expression matches; capitals make no difference."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.IGNORECASE):
            raise wrong(value, expected)
        return value

    return Rule(expected, read)


TEXT = Rule("a string", _read_string)
SWITCH = Rule("true or false", _read_switch)
NAME = Rule(_A_NAME, _read_name)


def read_items[T](values: Sequence[object], rule: Rule[T]) -> tuple[list[T], list[Fault]]:
    """Return the items in order and the faults of the others, which name their index."""
    good: list[T] = []
    faults: list[Fault] = []
    for index, value in enumerate(values):
        try:
            good.append(rule.read(value))
        except Wrong as error:
            faults += [fault.under(f"[{index}]") for fault in error.faults]
    return good, faults


def array_of[T](expected: str, item: Rule[T], least: int = 0) -> Rule[tuple[T, ...]]:
    """An array of at least so many items, each under one rule; the faults of all of them are told at once."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) < least:
            raise wrong(value, expected)
        items, faults = read_items(value, item)
        if faults:
            raise Wrong(*faults)
        return tuple(items)

    return Rule(expected, read)


class JSONObject(dict[str, object]):
    """A JSON object as it was read."""

    repeated: tuple[str, ...] = ()
    """Keys that stood there more than once."""

    @classmethod
    def of(cls, pairs: list[tuple[str, object]]) -> Self:
        """Make one of what stood there, in order."""
        made = cls(pairs)
        if len(made) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            made.repeated = tuple(key for key, count in counts.items() if count > 1)
        return made

    def strays(self, known: Sequence[str]) -> Iterator[Fault]:
        """Faults of the keys that are none of these, and of those that stood there more than once."""
        yield from _stray(self, known)
        for key in self.repeated:
            yield Fault("", legible(key), "the key more than once", "each key once")


def mapping(keys: Sequence[str] | None, rule: Rule[str]) -> Rule[Mapping[str, str]]:
    """An object that may have these keys (None: any), each with a value under one rule."""
    expected = f"an object of {', '.join(keys) if keys else 'names'}, each {rule.expected}"

    def read(value: object) -> Mapping[str, str]:
        if not isinstance(value, JSONObject):
            raise wrong(value, "an object")
        known = list(value) if keys is None else keys
        faults = list(value.strays(known))
        good: dict[str, str] = {}
        for key in [key for key in known if key in value]:
            try:
                good[key] = rule.read(value[key])
            except Wrong as error:
                faults += [fault.under(key) for fault in error.faults]
        if faults:
            raise Wrong(*faults)
        return good

    return Rule(expected, read)


def _defaults(kind: "type[DataclassInstance]") -> dict[str, object]:
    plain: dict[str, object] = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    return plain | {f.name: f.default_factory() for f in fields(kind) if f.default_factory is not MISSING}


type Check = Callable[[Mapping[str, object], Mapping[str, object]], Iterable[Fault]]
"""Holds keys against each other: given the object as it stands, and of its values and defaults those in order."""


def _nothing_more(_found: Mapping[str, object], _good: Mapping[str, object]) -> Iterable[Fault]:
    return ()


def object_of[T: DataclassInstance](
    kind: type[T], rules: Mapping[str, Rule[object]], check: Check = _nothing_more
) -> Rule[T]:
    """An object read into a dataclass: a rule for each field, those without a default required."""
    build: Callable[..., T] = kind

    def read(value: object) -> T:
        if not isinstance(value, JSONObject):
            raise wrong(value, "an object")
        faults = list(value.strays(list(rules)))
        good = _defaults(kind)
        faults += [Fault("", key, "nothing", rules[key].expected) for key in rules if key not in value | good]
        for key in [key for key in rules if key in value]:
            try:
                good[key] = rules[key].read(value[key])
            except Wrong as error:
                good.pop(key, None)
                faults += [fault.under(key) for fault in error.faults]
        faults += check(value, good)
        if faults:
            raise Wrong(*faults)
        return build(**good)

    return Rule("an object", read)


def read_text(path: Path) -> str:
    """Return the file's text without its byte order mark. Raises Missing, or Wrong when it cannot be read as UTF-8."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Missing(Fault("", "", "no such file", f"a file at {path.absolute()}")) from None
    except IsADirectoryError:
        raise Wrong(Fault("", "", f"a folder at {path.absolute()}", "a file")) from None
    except NotADirectoryError:
        raise Wrong(Fault("", "", f"a file at {path.parent.absolute()}", f"a folder with {path.name}")) from None
    except OSError as error:
        raise Wrong(Fault("", "", f"{error.strerror} at {path.absolute()}", "a file that can be read")) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{error.object[error.start]:02x} on line {line}, which is not UTF-8"
        raise Wrong(Fault("", "", found, "text in UTF-8")) from None


def parse_json(text: str) -> object:
    """Return what the JSON says, for rules to read: doubled keys and NaN are theirs to find. Raises Wrong."""
    try:
        parsed: object = json.loads(text, object_pairs_hook=JSONObject.of)
    except json.JSONDecodeError as error:
        found = f"a fault at line {error.lineno}, column {error.colno} ({error.msg})"
        raise Wrong(Fault("", "", found, "JSON")) from None
    except RecursionError:
        raise Wrong(Fault("", "", "objects or arrays nested too deeply to read", "a plain JSON object")) from None
    except ValueError:
        # the one other thing that json.loads refuses: Python does not read integers of thousands of digits
        raise Wrong(Fault("", "", "a number of thousands of digits", "numbers of a sensible size")) from None
    return parsed
