"""The figures of a report as places on a scale, in per cent of its width: the page draws them with CSS and SVG."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from roomful.rehearsal.intervals import Interval
from roomful.rehearsal.numbers import Aimed, Numbers
from roomful.rehearsal.summary import Histogram, Line

TICKS_MOST = 5

HUES = 8
"""Colours that tell agents apart."""
NO_HUES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis and what it says."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From one number to another, with round ticks."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    def place(self, value: float) -> float:
        """Where a number stands, in per cent; what is beyond stands at the end."""
        return round(min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * 100, 3)


def scale(low: float, high: float, *, exact: bool = False) -> Scale:
    """A scale over these numbers, whose ends are round; an `exact` one ends with the greater."""
    span = high - low or abs(high) or 1.0
    size = 10 ** math.floor(math.log10(span / TICKS_MOST))
    step = next(step for step in (size, 2 * size, 5 * size, 10 * size) if span / step <= TICKS_MOST)
    begin, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    end = max(end, begin + 1)
    bare = Scale(begin * step, high if exact and high > low else end * step, ())
    marks = [mark for number in range(begin, end + 1) if (mark := number * step) <= bare.high]
    ticks = tuple(Tick(bare.place(mark), f"{round(mark, 10):g}") for mark in marks)
    return Scale(bare.low, bare.high, ticks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A treatment's value with its interval, and what was asked for, if anything was."""

    label: str
    place: float
    low: float | None
    high: float | None
    asked: float | None
    told: str
    band: tuple[float, float] | None = None
    """From where to where a value is as it should be: place and width."""


@dataclass(frozen=True, slots=True)
class Dots:
    """Dots on one scale."""

    dots: tuple[Dot, ...]
    scale: Scale


def dots(
    found: Sequence[tuple[str, Interval, float | None]],
    form: str,
    *,
    least: float | None = None,
    suffix: str = "",
    also: Sequence[float] = (),
    signed: bool = False,
) -> Dots:
    """Dots of values with what was asked for.

    The scale begins at `least`, or a little before the smallest, and has room for the numbers that are there `also`;
    it goes below 0 only where it is `signed`.
    """
    numbers = [
        number
        for _, interval, asked in found
        for number in (interval.value, interval.low, interval.high, asked)
        if number is not None
    ] + list(also)
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    pad = max((high - low) * 0.15, abs(high) * 0.03)
    axis = scale(least if least is not None else low - pad if signed else max(low - pad, 0.0), high + pad)
    return Dots(tuple(_dot(axis, label, interval, asked, form, suffix) for label, interval, asked in found), axis)


def _dot(axis: Scale, label: str, interval: Interval, asked: float | None, form: str, suffix: str) -> Dot:
    told = form.format(interval.value) + suffix
    if interval.low is not None and interval.high is not None:
        told += f" ({form.format(interval.low)} to {form.format(interval.high)})"
    return Dot(
        label=label,
        place=axis.place(interval.value),
        low=None if interval.low is None else axis.place(interval.low),
        high=None if interval.high is None else axis.place(interval.high),
        asked=None if asked is None else axis.place(asked),
        told=told,
    )


def target_dots(cells: Sequence[Numbers], name: str) -> Dots:
    """What came of a target in each treatment that has it, beside the limits that it declares."""
    aimed = [(cell.treatment, target) for cell in cells for target in cell.targets if target.name == name]
    # a count of words is one; all other measures are shares
    unit, form, suffix = (1.0, "{:.3g}", "") if aimed[0][1].measure == "words_per_message" else (100.0, "{:.1f}", " %")
    aimed = [(label, _times(target, unit)) for label, target in aimed]
    limits = [limit for _, target in aimed for limit in (target.at_least, target.at_most) if limit is not None]
    found = dots([(label, target.value, None) for label, target in aimed], form, suffix=suffix, also=limits)
    axis = found.scale
    drawn = []
    for dot, (_, target) in zip(found.dots, aimed, strict=True):
        low = axis.low if target.at_least is None else target.at_least
        high = axis.high if target.at_most is None else target.at_most
        begin = axis.place(low)
        band = (begin, round(axis.place(high) - begin, 3)) if (low, high) != (axis.low, axis.high) else None
        met = f"; met in {target.met} of {target.of}" if target.of else ""
        drawn.append(replace(dot, band=band, told=dot.told + met))
    return Dots(tuple(drawn), axis)


def banded(figure: Dots, low: float, high: float) -> Dots:
    """The same with a band from one number to another behind every dot."""
    begin = figure.scale.place(low)
    band = (begin, round(figure.scale.place(high) - begin, 3))
    return Dots(tuple(replace(dot, band=band) for dot in figure.dots), figure.scale)


def _times(target: Aimed, unit: float) -> Aimed:
    """A target in another unit; none of what is measured can be below 0."""
    value = target.value.times(unit)
    return replace(
        target,
        value=replace(value, low=None if value.low is None else max(value.low, 0.0)),
        at_least=None if target.at_least is None else target.at_least * unit,
        at_most=None if target.at_most is None else target.at_most * unit,
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: what it is, how wide it is in per cent, how many it stands for, and its colour if it has one."""

    name: str
    width: float
    count: int
    hue: int | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """The parts of a treatment's sessions."""

    label: str
    parts: tuple[Part, ...]


def outcome_bars(cells: Iterable[Numbers]) -> tuple[Bar, ...]:
    """How the sessions of each treatment ended."""
    return tuple(Bar(cell.treatment, _parts(cell.outcomes)) for cell in cells if cell.sessions)


def speaker_bars(cells: Iterable[Numbers]) -> tuple[Bar, ...]:
    """Which agent wrote how much of what agents wrote, in each treatment."""
    held = [cell for cell in cells if cell.spoken]
    # the same agent has the same place and colour in all treatments
    names = sorted({name for cell in held for name in cell.spoken})
    hues = {name: number % HUES for number, name in enumerate(names)}
    return tuple(
        Bar(cell.treatment, _parts({name: cell.spoken[name] for name in names if name in cell.spoken}, hues))
        for cell in held
    )


def _parts(counts: Mapping[str, int], hues: Mapping[str, int] = NO_HUES) -> tuple[Part, ...]:
    whole = sum(counts.values()) or 1
    return tuple(Part(name, round(count / whole * 100, 3), count, hues.get(name)) for name, count in counts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A session over time: the places of messages as the paths of an SVG of 1000 by 20, and where it ended."""

    label: str
    kind: str
    reason: str
    agents: str
    own: str
    end: float
    told: str


@dataclass(frozen=True, slots=True)
class Strips:
    """Sessions over one axis of time, in minutes."""

    groups: tuple[tuple[str, tuple[Strip, ...]], ...]
    scale: Scale


def strips(lines: Sequence[Line], names: Mapping[str, str]) -> Strips:
    """When messages came, sessions grouped by treatment; `names` is what the treatments are called."""
    axis = scale(0.0, max((line.seconds for line in lines), default=60.0) / 60, exact=True)
    groups = {name: [line for line in lines if line.treatment == name] for name in names}
    return Strips(
        tuple((names[name], tuple(_strip(axis, line) for line in group)) for name, group in groups.items() if group),
        axis,
    )


def _strip(axis: Scale, line: Line) -> Strip:
    own, agents = len(line.own), len(line.agents)
    return Strip(
        label=f"{line.number}",
        kind=line.kind,
        reason=line.reason,
        agents=_path(axis, line.agents, 4, 16),
        own=_path(axis, line.own, 0, 20),
        end=axis.place(line.seconds / 60),
        told=f"Session {line.number}, {line.kind}: {agents} messages of agents, {own} of its own; {line.reason}",
    )


def _path(axis: Scale, times: Iterable[float], top: int, bottom: int) -> str:
    return "".join(f"M{axis.place(at / 60) * 10:.1f} {top}V{bottom}" for at in times)


@dataclass(frozen=True, slots=True)
class Bars:
    """A distribution: columns of (place, width, height) in per cent, and marks with what they say."""

    columns: tuple[tuple[float, float, float], ...]
    scale: Scale
    marks: tuple[Tick, ...]


COLUMNS = 40


def distribution(histogram: Histogram) -> Bars | None:
    """How long calls took; beyond the 99.5 % all are in the last column. None where none came back in any time."""
    if not histogram.quantile(0.995):
        return None
    axis = scale(0.0, histogram.quantile(0.995))
    heights = [0.0] * COLUMNS
    for index, count in histogram.bins.items():
        # bins and columns do not coincide: each bin is spread over the columns that it covers
        low, high = (axis.place(histogram.value(index) * edge) / 100 * COLUMNS for edge in (1 / 1.0247, 1.0247))
        for column in range(min(int(low), COLUMNS - 1), min(int(high), COLUMNS - 1) + 1):
            # what is beyond the scale is all in the last column
            covered = min(high, column + 1) - max(low, column) if high > low else 1.0
            heights[column] += count * covered / ((high - low) or 1.0)
    highest, width = max(heights), 100 / COLUMNS
    columns = tuple(
        (round(column * width, 3), width, round(height / highest * 100, 2)) for column, height in enumerate(heights)
    )
    marks = [(name, histogram.quantile(q)) for name, q in (("half within", 0.5), ("95 % within", 0.95))]
    return Bars(columns, axis, tuple(Tick(axis.place(value), f"{name} {value:.1f} s") for name, value in marks))
