"""Who gets which treatment: least-filled or in permuted blocks, within strata, by draws that have names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from types import MappingProxyType
from typing import Literal, NamedTuple

from roomful.core.chance import draw

type Method = Literal["least_filled", "blocks"]
type Stratum = tuple[str, ...]
"""A value of each declared variable, in the order of their declaration."""

OTHER = "other"
"""The value of a variable that is not known, or none of those that were declared."""

_NONE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A treatment as assignment sees it. `quota`: how many it takes at most, completed and in progress; None: any."""

    name: str
    weight: float = 1.0
    """Relative to the others'; 0: by a token only."""
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """Something known of participants at the door, and the values that make strata."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentRules:
    """How treatments are given at the door: within each stratum that the values of `strata` make."""

    arms: tuple[Arm, ...] = ()
    method: Method = "least_filled"
    block_size: int | None = None
    """Places of a permuted block; None: twice the smallest that holds the weights."""
    strata: tuple[Variable, ...] = ()
    seed: int = 0

    def stratum(self, variables: Mapping[str, str]) -> Stratum:
        """The stratum of somebody with these variables."""
        found = ((variables.get(one.name, OTHER), one.values) for one in self.strata)
        return tuple(value if value in values else OTHER for value, values in found)


class Pool(NamedTuple):
    """The places of one stratum. A place is opened once; given back by a dropout it is vacant until it is refilled."""

    filled: Mapping[str, int] = _NONE
    """Treatment to how many are completed or in progress."""
    vacant: Mapping[str, int] = _NONE
    opened: int = 0
    """How many places have been opened, those that a full treatment has passed over included."""
    given: int = 0
    """How many allocations there were, refilled places included."""

    def fill(self, treatment: str, place: int | None, *, given: bool = True) -> "Pool":
        """Return the pool with one more in a treatment: in a new place of this number, or in one that was vacant."""
        left = self.vacant.get(treatment, 0)
        vacant = {**self.vacant, treatment: left - 1} if place is None and left else self.vacant
        filled = {**self.filled, treatment: self.filled.get(treatment, 0) + 1}
        return Pool(filled, vacant, place or self.opened, self.given + given)

    def vacate(self, treatment: str) -> "Pool":
        """Return the pool with one fewer in a treatment, whose place is vacant now."""
        filled = {**self.filled, treatment: self.filled.get(treatment, 0) - 1}
        return self._replace(filled=filled, vacant={**self.vacant, treatment: self.vacant.get(treatment, 0) + 1})


class Allocation(NamedTuple):
    """A treatment, and the number of the new place that was opened for it; None: a vacant one was refilled."""

    treatment: str
    place: int | None


def allocate(
    rules: AssignmentRules, pool: Pool, totals: Mapping[str, int], *name: str | int, refill: bool = True
) -> Allocation | None:
    """Choose a treatment for the next one in this pool; None when every treatment has its quota.

    `totals` counts all who are completed or in progress, `name` names the draws. Vacant places are refilled before
    new ones are opened, so that what has been opened is always as the weights demand.
    """
    left = [arm for arm in rules.arms if arm.weight and (arm.quota is None or totals.get(arm.name, 0) < arm.quota)]
    if not left:
        return None
    u = draw(rules.seed, "assignment", *name, pool.given + 1)
    if vacant := [arm for arm in left if refill and pool.vacant.get(arm.name, 0) > 0]:
        return Allocation(_least_filled(vacant, pool.filled, u), None)
    if rules.method == "blocks":
        return _next_in_block(rules, {arm.name for arm in left}, pool.opened, name)
    return Allocation(_demanded(left, pool.filled, u), pool.opened + 1)


def _demanded(arms: Sequence[Arm], filled: Mapping[str, int], u: float) -> str:
    """The least-filled of those that stay within what the weights demand.

    The quota method of Balinski and Young (1975), which keeps every treatment within 1 of its share at every moment;
    the least-filled alone would not, where there are four treatments or more of unlike weights.
    """
    following = sum(filled.get(arm.name, 0) for arm in arms) + 1
    whole = sum(_weight(arm) for arm in arms)
    within = [arm for arm in arms if filled.get(arm.name, 0) * whole < _weight(arm) * following]
    return _least_filled(within, filled, u)


def _least_filled(arms: Sequence[Arm], filled: Mapping[str, int], u: float) -> str:
    """The treatment that one more leaves the least filled for its weight; of several the one that is drawn."""
    levels = {arm.name: (filled.get(arm.name, 0) + 1) / _weight(arm) for arm in arms}
    least = min(levels.values())
    # sorted, so that the order of the settings file is no part of chance
    names = sorted(name for name, level in levels.items() if level == least)
    return names[int(u * len(names))]


def _weight(arm: Arm) -> Fraction:
    # by its digits: 0.1 and 0.3 are then one to three, so that ties are found
    return Fraction(str(arm.weight))


def _next_in_block(rules: AssignmentRules, left: set[str], opened: int, name: Sequence[str | int]) -> Allocation | None:
    """The next place of the sequence whose treatment has places left."""
    slots = block(rules)
    place = opened
    # every block holds every treatment, so two of them hold one that is left
    while place < opened + 2 * len(slots):
        number, position = divmod(place, len(slots))
        place += 1
        treatment = permuted(slots, rules.seed, number, name)[position]
        if treatment in left:
            return Allocation(treatment, place)
    return None


def permuted(slots: Sequence[str], seed: int, number: int, name: Sequence[str | int]) -> list[str]:
    """The slots of block `number` in the order that is drawn for it."""
    order = sorted(range(len(slots)), key=lambda slot: (draw(seed, "block", *name, number, slot), slot))
    return [slots[slot] for slot in order]


def block(rules: AssignmentRules) -> list[str]:
    """The treatments of a block, before it is permuted. ValueError where `block_size` cannot hold the weights."""
    arms = sorted((arm for arm in rules.arms if arm.weight), key=lambda arm: arm.name)
    shares = _shares(arms)
    size = rules.block_size or 2 * sum(shares)
    times, rest = divmod(size, sum(shares))
    if rest or times < 1:
        raise ValueError(f"a multiple of {sum(shares)}, which is the smallest block that holds the weights")
    return [arm.name for arm, share in zip(arms, shares, strict=True) for _ in range(share * times)]


def _shares(arms: Sequence[Arm]) -> list[int]:
    """The weights as the smallest whole numbers."""
    weights = [_weight(arm) for arm in arms]
    common = lcm(*(weight.denominator for weight in weights))
    whole = [int(weight * common) for weight in weights]
    divisor = gcd(*whole)
    return [number // divisor for number in whole]
