"""Intervals of 95 % around what a rehearsal has found. Sessions are independent of each other; messages are not.

Nothing that is counted here can be below 0, and no interval goes there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.95
_TAIL = 0.5 + LEVEL / 2
_Z = NormalDist().inv_cdf(_TAIL)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its interval; without one (`low` and `high` are None) there are too few sessions to tell."""

    value: float
    low: float | None = None
    high: float | None = None

    def at_most(self, limit: float) -> "Interval":
        """The same of what cannot be more than this."""
        return Interval(self.value, self.low, None if self.high is None else min(self.high, limit))

    def times(self, factor: float) -> "Interval":
        """The same of so many times as much."""
        low, high = self.low, self.high
        return Interval(
            self.value * factor, None if low is None else low * factor, None if high is None else high * factor
        )


def quantile_of_t(df: int) -> float:
    """The 97.5 % quantile of Student's t, found by bisection of its exact distribution (Abramowitz, Stegun 26.7)."""
    low, high = 0.0, 13.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        low, high = (middle, high) if _within_t(middle, df) < LEVEL else (low, middle)
    return (low + high) / 2


def _within_t(t: float, df: int) -> float:
    """The probability that |T| is at most `t`: the finite series for whole degrees of freedom."""
    if df > 200:
        # the series is exact for any, and the normal distribution close enough from here on (Cornish, Fisher 1938)
        return 2 * NormalDist().cdf(t * (1 - 1 / (4 * df)) / math.sqrt(1 + t * t / (2 * df))) - 1
    theta = math.atan(t / math.sqrt(df))
    sine, square = math.sin(theta), math.cos(theta) ** 2
    odd = df % 2 == 1
    term, whole = (math.cos(theta), 0.0) if odd else (1.0, 0.0)
    for number in range((df - 1) // 2 if odd else df // 2):
        whole += term
        step = 2 * number
        term *= square * ((step + 2) / (step + 3) if odd else (step + 1) / (step + 2))
    return 2 / math.pi * (theta + sine * whole) if odd else sine * whole


def mean(values: Sequence[float]) -> Interval:
    """The mean with Student's t interval; 0 of nothing."""
    count = len(values)
    found = math.fsum(values) / count if count else 0.0
    if count < 2:
        return Interval(found)
    half = quantile_of_t(count - 1) * _deviation(values, found) / math.sqrt(count)
    return Interval(found, max(found - half, 0.0), found + half)


def ratio(tops: Sequence[float], bottoms: Sequence[float]) -> Interval:
    """The sum of one by the sum of the other, pairs by session; t interval by linearisation (Cochran 1977, 6.4)."""
    whole, count = math.fsum(bottoms), len(bottoms)
    if whole <= 0:
        return Interval(0.0)
    found = math.fsum(tops) / whole
    if count < 2:
        return Interval(found)
    left = [top - found * bottom for top, bottom in zip(tops, bottoms, strict=True)]
    half = quantile_of_t(count - 1) * math.sqrt(count) * _deviation(left, 0.0) / whole
    return Interval(found, max(found - half, 0.0), found + half)


def share(count: int, of: int) -> Interval:
    """A proportion with Wilson's interval (1927)."""
    if of == 0:
        return Interval(0.0)
    found, square = count / of, _Z * _Z
    middle = (found + square / (2 * of)) / (1 + square / of)
    half = _Z / (1 + square / of) * math.sqrt(found * (1 - found) / of + square / (4 * of * of))
    return Interval(found, max(middle - half, 0.0), min(middle + half, 1.0))


def total(values: Sequence[float], planned: int) -> Interval:
    """The sum of so many further values like these, with its prediction interval by Student's t."""
    found = mean(values)
    if found.low is None or planned == 0:
        return Interval(found.value * planned)
    spread = quantile_of_t(len(values) - 1) * _deviation(values, found.value)
    half = planned * spread * math.sqrt(1 / len(values) + 1 / planned)
    return Interval(found.value * planned, max(found.value * planned - half, 0.0), found.value * planned + half)


def _deviation(values: Sequence[float], around: float) -> float:
    return math.sqrt(math.fsum((value - around) ** 2 for value in values) / (len(values) - 1))
