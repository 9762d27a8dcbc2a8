"""Regular expressions that a study declares: read before a session needs them, and none that could hold one up."""

import re
import warnings
from math import inf

from roomful.rules import TEXT, Fault, Rule, Wrong, shown, wrong

PATTERN_LONGEST = 300
"""Characters of a pattern."""

WAYS_MOST = 400_000
"""Ways to match at one place of a message that a pattern may have: two `.*` in a row over the longest message."""

_LONGEST = 600
"""Characters of the longest message of an agent, over which an unlimited repetition is counted."""

_EXPECTED = f"a regular expression of 1 to {PATTERN_LONGEST} characters"
_TOO_MANY = "one that is quick on any message: {0,40} or so for * and + where several meet or stand in each other"


def ways(pattern: str) -> float:
    """In how many ways a pattern may match at one place, at most: a matcher that goes back may try all of them.

    The pattern must be one that compiles, without the flag `x`.
    """
    return _Reader(pattern).alternatives()


def _read_pattern(value: object) -> str:
    text = TEXT.read(value)
    if not 0 < len(text) <= PATTERN_LONGEST:
        raise wrong(value, _EXPECTED)
    compiled = _compiled(text)
    if compiled.flags & re.VERBOSE:
        raise wrong(value, "a pattern without the flag x")
    if compiled.search(""):
        raise Wrong(
            Fault("", "", f"{shown(value)}, which matches a text without a character", "a pattern that needs one")
        )
    if ways(text) > WAYS_MOST:
        raise wrong(value, _TOO_MANY)
    return text


PATTERN: Rule[str] = Rule(_EXPECTED, _read_pattern)


def _compiled(text: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            # what Python only warns of today will mean something else tomorrow
            warnings.simplefilter("error")
            return re.compile(text)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        told = str(error) or "nested too deeply"
        raise Wrong(Fault("", "", f"{shown(text)} ({told})", "a regular expression")) from None


_ROUNDS = 20
"""Rounds of a repetition beyond which two ways of each are too many."""

_REPEATED = re.compile(r"([*+?]|\{(\d*)(,?)(\d*)\})[?+]?")
_ESCAPED = re.compile(r"\\(?:N\{[^}]*\}|x..|u.{4}|U.{8}|\d{1,3}|.)", re.DOTALL)
_OPENED = re.compile(r"\((?:\?(?:P<\w+>|<?[=!]|>|\(\w+\)|[a-zA-Z]*(?:-[a-zA-Z]+)?:))?")
_ASIDE = re.compile(r"\(\?(?:#[^)]*|P=\w+|[a-zA-Z]+)\)")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


class _Reader:
    """Reads a pattern that compiles, part by part, only as far as it needs to be counted."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def alternatives(self) -> float:
        """The ways of what is divided by `|`, up to the end or to the end of the group."""
        found = self._sequence()
        while self._take("|"):
            found += self._sequence()
        return found

    def _sequence(self) -> float:
        product = 1.0
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            product *= self._repeated(self._one())
        return product

    def _one(self) -> float:
        if self._match(_ASIDE):
            return 1.0
        if self._match(_OPENED):
            inner = self.alternatives()
            self._take(")")
            return inner
        if not (self._match(_ESCAPED) or self._match(_CLASS)):
            self._at += 1
        return 1.0

    def _repeated(self, part: float) -> float:
        found = _REPEATED.match(self._pattern, self._at)
        if not found or found[1] == "{}":
            return part
        self._at = found.end()
        low, high = _limits(found)
        if part > 1:
            # each round may go another way
            return inf if high > _ROUNDS else sum(part**rounds for rounds in range(low, int(high) + 1))
        return min(high, _LONGEST) - min(low, _LONGEST) + 1

    def _match(self, expression: re.Pattern[str]) -> bool:
        found = expression.match(self._pattern, self._at)
        self._at = found.end() if found else self._at
        return found is not None

    def _take(self, char: str) -> bool:
        taken = self._pattern.startswith(char, self._at)
        self._at += taken
        return taken


def _limits(found: re.Match[str]) -> tuple[int, float]:
    sign, low, comma, high = found[1], found[2], found[3], found[4]
    if sign in "*+?":
        return int(sign == "+"), 1 if sign == "?" else inf
    least = int(low or 0)
    return least, least if not comma else int(high) if high else inf
