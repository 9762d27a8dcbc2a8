"""The report of a rehearsal: all that was found, and the page that shows it, in one file that loads nothing."""

import re
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from roomful.realism.compare import ACCEPTABLE
from roomful.rehearsal import figures
from roomful.rehearsal.concerns import Concern, concerns
from roomful.rehearsal.intervals import Interval, mean, share
from roomful.rehearsal.likeness import WORDS, Likeness, likeness
from roomful.rehearsal.numbers import Forecast, Numbers, forecast, numbers_of, planned_of
from roomful.rehearsal.prices import Prices
from roomful.rehearsal.runner import Findings
from roomful.rehearsal.summary import Cell, Histogram, Sample

if TYPE_CHECKING:
    from jinja2 import Template

PAGE = Path(__file__).with_name("report.html")

_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML or UTF-8 cannot hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a rehearsal tells. `configured`: with the study's own model; else scripted agents of this `latency`."""

    findings: Findings
    cells: tuple[Numbers, ...]
    """Of the treatments that were rehearsed."""
    forecast: Forecast
    concerns: tuple[Concern, ...]
    likeness: Likeness | None
    configured: bool
    latency: float

    @property
    def prices(self) -> Prices | None:
        """What money was reckoned by."""
        return self.findings.prices

    @property
    def currency(self) -> str:
        """Empty where no price tells one."""
        return self.prices.currency if self.prices else ""

    def as_json(self) -> dict[str, object]:
        """The report's numbers for programs."""
        plan = self.findings.plan
        return {
            "sessions": plan.sessions,
            "begun": self.findings.begun,
            "participants": list(plan.kinds),
            "seed": plan.seed,
            "model": plan.model,
            "scripted_latency": None if self.configured else self.latency,
            "prices": asdict(self.prices) if self.prices else None,
            "spent": self.findings.spent if self.configured else 0.0,
            "kept_out": dict(self.findings.kept_out),
            "cells": [asdict(cell) for cell in self.cells],
            "forecast": asdict(self.forecast),
            "realism": self.likeness.comparison.as_json() if self.likeness else None,
            "warnings": [asdict(concern) for concern in self.concerns],
        }


def report_of(findings: Findings, *, planned: int | None = None, configured: bool, latency: float = 0.0) -> Report:
    """The report of what was found; `planned` participants are forecast for, by default those of the quotas."""
    plan = findings.plan
    return Report(
        findings=findings,
        cells=tuple(numbers_of(cell) for cell in rehearsed_cells(findings)),
        forecast=forecast(findings, planned or planned_of(findings)),
        concerns=tuple(concerns(findings)),
        likeness=likeness(findings.rooms, plan.treatments[0].simulation, plan.seed),
        configured=configured,
        latency=latency,
    )


def rehearsed_cells(findings: Findings) -> list[Cell]:
    """The cells of the treatments that were asked for, in the study's order."""
    names = {treatment.name for treatment in findings.plan.treatments}
    return [cell for cell in findings.cells.values() if cell.treatment.name in names]


def page_of(report: Report, study: str, made: str) -> str:
    """The page, in HTML. `study` is what the study is called, `made` when it was rehearsed."""
    page = _template().render(report=report, study=study, made=made, **_shown(report))
    return _UNSHOWABLE.sub("\ufffd", page)


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["clock"] = lambda seconds: f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    made.filters["words"] = lambda name: name.replace("_", " ")
    made.filters["number"] = _number
    made.filters["breakable"] = _breakable
    made.filters["within"] = _within
    return made.from_string(PAGE.read_text("utf-8"))


def _breakable(name: str) -> Markup:
    """A treatment's name that may go on in the next line between its parts."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[+=])", name))


def _number(value: float) -> str:
    """A number with three digits that mean something; thousands and millions are named."""
    size = abs(value)
    if size >= 1e4:
        return f"{value / 1e6:.2f} M" if size >= 1e6 else f"{value / 1e3:.1f} k"
    if size >= 10:
        return f"{value:,.0f}" if size >= 100 else f"{value:.1f}"
    return f"{value:#.3g}" if value else "0"


def _within(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return _number(interval.value)
    return f"{_number(interval.low)} to {_number(interval.high)}"


def _shown(report: Report) -> dict[str, object]:
    """What the page draws."""
    found, cells = report.findings, [cell for cell in report.cells if cell.sessions]
    costs = [cost for cell in found.cells.values() for cost in cell.costs]
    latency = Histogram()
    for cell in found.cells.values():
        latency.update(cell.latency)
    names = {cell.treatment.name: cell.name for cell in found.cells.values()}
    measures = {target.name: target.measure for cell in cells for target in cell.targets}
    money = "{:.4f}" if report.prices and mean(costs).value < 0.1 else "{:.2f}"
    return {
        "outcomes": figures.outcome_bars(cells),
        "outcome_names": list(dict.fromkeys(name for cell in cells for name in cell.outcomes)),
        "speakers": figures.speaker_bars(cells),
        "rates": figures.dots([(cell.treatment, cell.rate, cell.asked) for cell in cells], "{:.3g}"),
        "answers": figures.dots(
            [(cell.treatment, cell.answers.times(100), cell.answers_asked * 100) for cell in cells if cell.said.value],
            "{:.0f}",
            suffix=" %",
        ),
        "moneys": figures.dots([(cell.treatment, cell.money, None) for cell in cells], money, least=0.0),
        "strips": figures.strips(found.lines, names),
        "targets": [(name, measure, figures.target_dots(cells, name)) for name, measure in measures.items()],
        "likeness": _alike(report.likeness),
        "calls": figures.distribution(latency),
        "completed": share(sum(cell.outcomes.get("completed", 0) for cell in cells), found.sessions),
        "messages": mean([each for cell in found.cells.values() for each in cell.messages]),
        "money": mean(costs),
        "failed": sum(sum(cell.failed.values()) for cell in cells),
        "made_calls": sum(cell.calls for cell in cells),
        "failures": sorted(sum((Counter(cell.failed) for cell in cells), Counter()).items()),
        "rejections": sorted(sum((Counter(cell.rejected) for cell in cells), Counter()).items()),
        "samples": [(sample, names[sample.treatment], _hues(sample)) for sample in found.samples],
    }


def _alike(found: Likeness | None) -> figures.Dots | None:
    """How far each statistic is from people's, in standard deviations of their chats."""
    if found is None:
        return None
    rows = [(WORDS.get(row.name, row.name), row) for row in found.comparison.rows]
    drawn = [(label, Interval(row.d, row.low, row.high), None) for label, row in rows if row.d is not None]
    return figures.banded(figures.dots(drawn, "{:+.2f}", also=(-1.0, 1.0), signed=True), -ACCEPTABLE, ACCEPTABLE)


def _hues(sample: Sample) -> dict[str, int]:
    """A colour for each sender, by the order in which they first wrote."""
    senders = dict.fromkeys(bubble.sender for bubble in sample.bubbles if not bubble.own)
    return {sender: number % figures.HUES for number, sender in enumerate(senders)}
