"""The numbers of a rehearsal, each with its interval where it has one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from roomful.rehearsal.intervals import Interval, mean, ratio, share, total
from roomful.rehearsal.runner import Findings
from roomful.rehearsal.summary import Cell

OUTCOMES_IN_ORDER = (
    "completed",
    "withdrew_keep_data",
    "withdrew_delete_data",
    "dropped_out",
    "technical_problem",
    "failed_check",
    "screened_out",
    "stuck",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aimed:
    """What came of a target: its mean over sessions, in how many of those with limits it was met, who is left out."""

    name: str
    measure: str
    value: Interval
    at_least: float | None
    at_most: float | None
    met: int
    of: int
    excluded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a table has of a treatment. Rates are messages a minute, latencies seconds, money the prices' currency."""

    treatment: str
    share: float
    sessions: int
    completed: Interval
    reasons: Mapping[str, int]
    outcomes: Mapping[str, int]
    kinds: Mapping[str, int]
    minutes: Interval
    messages: Interval
    said: Interval
    asked: float
    rate: Interval
    answers_asked: float
    answers: Interval
    words: float
    calls: int
    latency_median: float
    latency_95: float
    late: float
    failed: Mapping[str, int]
    rejected: Mapping[str, int]
    input_tokens: Interval
    output_tokens: Interval
    money: Interval
    spoken: Mapping[str, int]
    targets: tuple[Aimed, ...]


def numbers_of(cell: Cell) -> Numbers:
    """The numbers of a cell."""
    simulation = cell.treatment.simulation
    posted = cell.spoken.total()
    return Numbers(
        treatment=cell.name,
        share=cell.share,
        sessions=cell.sessions,
        completed=share(cell.outcomes["completed"], cell.sessions),
        reasons=dict(cell.reasons.most_common()),
        outcomes={name: cell.outcomes[name] for name in _in_order(cell.outcomes)},
        kinds=dict(sorted(cell.kinds.items())),
        minutes=mean(cell.minutes),
        messages=mean(cell.messages),
        said=mean(cell.said),
        asked=simulation.messages_per_minute,
        rate=ratio(cell.posted, cell.minutes),
        answers_asked=simulation.user_response_probability,
        answers=ratio(cell.answered, cell.answerable).at_most(1.0),
        words=cell.words / posted if posted else 0.0,
        calls=cell.calls,
        latency_median=cell.latency.quantile(0.5),
        latency_95=cell.latency.quantile(0.95),
        late=cell.late / posted if posted else 0.0,
        failed=dict(cell.failed.most_common()),
        rejected=dict(cell.rejected.most_common()),
        input_tokens=mean(cell.input_tokens),
        output_tokens=mean(cell.output_tokens),
        money=mean(cell.costs),
        spoken=dict(cell.spoken.most_common()),
        targets=tuple(_aimed(cell, name) for name in cell.targets),
    )


def _aimed(cell: Cell, name: str) -> Aimed:
    target, found = cell.treatment.experimental.targets[name], cell.targets[name]
    met = [measured.met for measured in found if measured.met is not None]
    return Aimed(
        name=name,
        measure=target.measure,
        value=mean([measured.value for measured in found if measured.value is not None]),
        at_least=target.at_least,
        at_most=target.at_most,
        met=sum(met),
        of=len(met),
        excluded=sum(measured.excluded is True for measured in found),
    )


def _in_order(outcomes: Mapping[str, int]) -> list[str]:
    others = sorted(name for name in outcomes if name not in OUTCOMES_IN_ORDER)
    return [name for name in (*OUTCOMES_IN_ORDER, *others) if name in outcomes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What so many participants would cost and use; sessions as they were here, in the shares that they had here."""

    planned: int
    money: Interval
    input_tokens: Interval
    output_tokens: Interval
    calls: float
    hours: float
    """Of sessions, one after the other."""


def forecast(findings: Findings, planned: int) -> Forecast:
    """What the study itself will need."""
    cells = findings.cells.values()
    costs = [cost for cell in cells for cost in cell.costs]
    sessions = max(findings.sessions, 1)
    return Forecast(
        planned=planned,
        money=total(costs, planned),
        input_tokens=total([number for cell in cells for number in cell.input_tokens], planned),
        output_tokens=total([number for cell in cells for number in cell.output_tokens], planned),
        calls=planned * sum(cell.calls for cell in cells) / sessions,
        hours=planned * sum(sum(cell.minutes) for cell in cells) / sessions / 60,
    )


def planned_of(findings: Findings) -> int:
    """How many participants the study wants: its quotas, else as many as were rehearsed."""
    quotas: Sequence[int | None] = [treatment.quota for treatment in findings.plan.study.treatments]
    wanted = [quota for quota in quotas if quota is not None]
    return sum(wanted) if len(wanted) == len(quotas) else findings.plan.sessions


def as_json(value: object) -> dict[str, object]:
    """Numbers as JSON has them."""
    return asdict(value)  # type: ignore[call-overload, no-any-return]
