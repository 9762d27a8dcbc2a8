"""The figure of a comparison: how far each statistic is from the reference, as one SVG by itself. Pure."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple
from xml.sax.saxutils import escape

from roomful.realism.compare import ACCEPTABLE, GOOD, Comparison, Row
from roomful.realism.measures import TIMING, WORDS

MEANINGS = {
    "B_room": "bursts in the room",
    "M_room": "long gaps follow long ones",
    "B_person": "bursts of one person",
    "sd_ln_gap": "gaps differ in length",
    "self_excess": "people speak twice in a row",
    "aba_excess": "the floor goes back and forth",
    "ln_self/turn": "slow to go on, quick to answer",
    "gini": "a few talk most",
    "rho_len_gap": "long messages take longer",
    "mean_ln_words": "words per message",
    "sd_ln_words": "messages differ in length",
    "one_word": "messages of one word",
}
"""What more of each statistic means, in a few words."""

WIDTH, LEFT, RIGHT = 900.0, 320.0, 720.0
"""Of the figure; and where the axis begins and ends, in pixels."""
ROW, HEAD, SERIES = 34.0, 30.0, 22.0
"""Heights of a statistic's row, of a group's heading, and of a line of the legend."""
AXIS_LEAST, AXIS_MOST = 1.0, 3.0
"""Values of d at the ends of the axis; what is beyond is an arrow with its number."""

_STYLE = """
svg { --paper: #ffffff; --ink: #1c2530; --soft: #5a6675; --line: #c9d1da; --good: #d5ecdc; --fair: #eef3e2;
  --s0: #0b5cad; --s1: #b3420c; --s2: #6b3fa0; --s3: #2d6a1e; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #14191f; --ink: #e8edf2; --soft: #a3afbc; --line: #3b4652; --good: #1f4a30; --fair: #2a3626;
    --s0: #7fb8f5; --s1: #ffa06b; --s2: #c8a6f0; --s3: #9fd889; }
}
text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--ink); }
.title { font-size: 20px; font-weight: 600; } .head { font-weight: 600; }
.soft { fill: var(--soft); font-size: 12.5px; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.line { stroke: var(--line); } .zero { stroke: var(--ink); stroke-width: 1.5; }
.good { fill: var(--good); } .fair { fill: var(--fair); } .paper { fill: var(--paper); }
.s0 { fill: var(--s0); stroke: var(--s0); } .s1 { fill: var(--s1); stroke: var(--s1); }
.s2 { fill: var(--s2); stroke: var(--s2); } .s3 { fill: var(--s3); stroke: var(--s3); }
.reach { stroke-width: 2; } .mark { stroke: var(--paper); stroke-width: 1.5; } text.far { stroke: none; }
"""

SERIES_MOST = 4
"""Comparisons that one figure can show beside each other."""


class Series(NamedTuple):
    """A comparison and what to call it."""

    label: str
    comparison: Comparison


def figure(series: Sequence[Series]) -> str:
    """An SVG of one to four comparisons with the same reference. Raises ValueError for more, or for none."""
    if not 1 <= len(series) <= SERIES_MOST:
        raise ValueError(f"a figure shows 1 to {SERIES_MOST} comparisons, not {len(series)}")
    top = 64 + SERIES * len(series) + 26
    height = top + 2 * HEAD + ROW * (len(TIMING) + len(WORDS)) + 78
    drawing = _Drawing(series, _axis(series), top)
    described = "; ".join(_sum(one) for one in series)
    reference = series[0].comparison.reference
    size = f'viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" height="{height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
        f'<title id="title">{_safe(f"Distance of sessions from {reference}")}</title>',
        f'<desc id="description">{_safe(described)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH:g}" height="{height:g}"/>',
        *drawing.lines(height),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _sum(one: Series) -> str:
    return f"{one.label}: {', '.join(_facts(one.comparison))}"


def _facts(comparison: Comparison) -> Iterator[str]:
    yield "1 session" if comparison.sessions == 1 else f"{comparison.sessions} sessions"
    timing, tested = comparison.mean_abs_d_timing, comparison.classifier
    if timing is not None:
        yield f"mean |d| of timing {timing:.2f}"
    if comparison.mean_abs_d is not None:
        yield f"of all {comparison.mean_abs_d:.2f}"
    if tested:
        yield f"AUC of timing {tested.auc_timing:.2f}, of all {tested.auc:.2f}"
    if not comparison.enough:
        yield "too few for a verdict"


def _axis(series: Sequence[Series]) -> float:
    """The d at the right end of the axis, in halves."""
    ends = [abs(row.d) for one in series for row in one.comparison.rows if row.d is not None]
    return min(max(ceil((max(ends, default=0.0) + 0.1) * 2) / 2, AXIS_LEAST), AXIS_MOST)


class _Drawing:
    """Where things stand in a figure."""

    def __init__(self, series: Sequence[Series], reach: float, top: float) -> None:
        self._series = series
        self._reach = reach
        self._top = top

    def _x(self, d: float) -> float:
        return LEFT + (d + self._reach) / (2 * self._reach) * (RIGHT - LEFT)

    def lines(self, height: float) -> Iterator[str]:
        yield from self._legend()
        bottom = height - 78
        yield from self._ground(bottom)
        y = self._top
        for head, names in (("When, and who", TIMING), ("How much", WORDS)):
            yield _text(24, y + 20, head, "head")
            y += HEAD
            for name in names:
                yield from self._row(name, y)
                y += ROW
        yield from self._foot(bottom)

    def _legend(self) -> Iterator[str]:
        reference = self._series[0].comparison.reference
        yield _text(24, 36, f"How far from {reference}?", "title")
        for number, one in enumerate(self._series):
            y = 64 + SERIES * number
            yield _mark(number, 32, y - 5)
            yield _text(46, y, _sum(one))

    def _ground(self, bottom: float) -> Iterator[str]:
        top = self._top
        for name, limit in (("fair", ACCEPTABLE), ("good", GOOD)):
            low, high = self._x(-limit), self._x(limit)
            yield _rect(name, low, top, high - low, bottom - top)
        yield _line("zero", self._x(0), top, self._x(0), bottom)
        yield _text(self._x(0), top - 8, "good", "soft middle")
        yield _text(WIDTH - 24, top - 8, f"here / {_short(self._series[0].comparison.reference)}", "soft end")

    def _row(self, name: str, y: float) -> Iterator[str]:
        middle = y + ROW / 2
        yield _line("line", 24, y + ROW, WIDTH - 24, y + ROW)
        yield _text(24, middle + 5, name)
        yield _text(142, middle + 4.5, MEANINGS[name], "soft")
        rows = [next(row for row in one.comparison.rows if row.name == name) for one in self._series]
        apart = 0.0 if len(rows) == 1 else min(12.0, 22.0 / (len(rows) - 1))
        for number, row in enumerate(rows):
            yield from self._d(number, row, middle + apart * (number - (len(rows) - 1) / 2))
        here = " · ".join(_number(row.mean) for row in rows[:2])
        yield _text(WIDTH - 24, middle + 5, f"{here} / {_number(rows[0].reference_mean)}", "soft end")

    def _d(self, number: int, row: Row, y: float) -> Iterator[str]:
        if row.d is None:
            yield _text(self._x(0) + 8, y + 4, "no value", "soft")
            return
        if abs(row.d) > self._reach:
            yield from self._beyond(number, row.d, y)
            return
        if row.low is not None and row.high is not None:
            low, high = (self._x(max(-self._reach, min(end, self._reach))) for end in (row.low, row.high))
            yield _line(f"reach s{number}", low, y, high, y)
        yield _mark(number, self._x(row.d), y)

    def _beyond(self, number: int, d: float, y: float) -> Iterator[str]:
        end, way = (RIGHT, 1) if d > 0 else (LEFT, -1)
        points = f"{end:.1f},{y:.1f} {end - 9 * way:.1f},{y - 5:.1f} {end - 9 * way:.1f},{y + 5:.1f}"
        yield f'<polygon class="s{number}" points="{points}"/>'
        yield _text(end - 14 * way, y + 4.5, f"{d:+.1f}", f"far s{number} {'end' if d > 0 else ''}")

    def _foot(self, bottom: float) -> Iterator[str]:
        steps = int(self._reach * 2)
        for step in range(-steps, steps + 1):
            d = step / 2
            yield _line("line", self._x(d), bottom, self._x(d), bottom + 5)
            if self._reach <= 2 or step % 2 == 0:
                yield _text(self._x(d), bottom + 20, "0" if d == 0 else f"{d:+g}", "soft middle")
        less = "d: ← less than the reference, more than the reference →; bars: 95 % by the number of sessions"
        yield _text((LEFT + RIGHT) / 2, bottom + 40, less, "soft middle")
        floor = self._series[0].comparison.floor
        real = f"Real against real: mean |d| {floor.mean_abs_d:.2f}, AUC {floor.auc:.2f}. " if floor else ""
        bands = f"Bands: |d| < {GOOD:g} good, < {ACCEPTABLE:g} acceptable."
        yield _text((LEFT + RIGHT) / 2, bottom + 60, real + bands, "soft middle")


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:23]}…"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def _text(x: float, y: float, text: str, name: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{name.strip()}">{_safe(text)}</text>'


def _safe(text: str) -> str:
    """The text as XML may hold it."""
    return escape("".join(char if char.isprintable() else "�" for char in text))


def _line(name: str, x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line class="{name}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def _rect(name: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _mark(number: int, x: float, y: float) -> str:
    """A mark of one of the series: their shapes differ as well as their colours."""
    name = f'class="mark s{number}"'
    if number == 0:
        return f'<circle {name} cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
    shape = {1: ((0, -7), (7, 0), (0, 7), (-7, 0)), 2: ((-5, -5), (5, -5), (5, 5), (-5, 5))}
    corners = shape.get(number, ((0, -7), (7, 6), (-7, 6)))
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon {name} points="{points}"/>'
