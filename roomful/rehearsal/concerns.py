"""What a researcher should look at before real participants come, as far as a rehearsal can tell."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from roomful.rehearsal.numbers import Numbers, numbers_of
from roomful.rehearsal.runner import Findings
from roomful.rehearsal.summary import Cell

type Code = Literal[
    "never_runs",
    "no_sessions",
    "budget",
    "too_much",
    "too_little",
    "never_answers",
    "never_speaks",
    "ended_by_error",
    "calls_fail",
    "rejected",
    "stood_in",
    "late",
    "placeholder",
    "no_price",
    "target",
    "kept_out",
    "stuck",
]

SCRIPTED = "scripted"
"""What the model of scripted agents is called."""

RATE_OFF = 0.1
"""By how much of the setting agents may talk more or less before it is told, if the interval says so too."""
FAILED_MOST, REJECTED_MOST, STOOD_IN_MOST, LATE_MOST = 0.05, 0.1, 0.05, 0.1
"""Shares of calls that failed, of replies that were rejected, that a fallback gave, of messages that were late."""
SAID_LEAST = 5
"""Messages of stand-ins from which it is no chance that nobody answers."""
SPOKEN_LEAST = 50
"""Messages in a cell from which it is no chance that one of the agents never speaks."""


@dataclass(frozen=True, slots=True)
class Concern:
    """A sentence, and the treatment it is about; empty: all of it. `grave`: a study should not begin so."""

    code: Code
    treatment: str
    sentence: str
    grave: bool = False


def concerns(findings: Findings) -> list[Concern]:
    """All that there is to warn of, the graver first."""
    names = {treatment.name for treatment in findings.plan.treatments}
    cells = [cell for cell in findings.cells.values() if cell.treatment.name in names]
    found = [*_of_all(findings)]
    # what is so in all treatments together is said once
    everywhere = list(_of_calls("", Calls.of(cells)))
    codes = {concern.code for concern in everywhere}
    found += everywhere
    for cell in cells:
        found += [concern for concern in _of_cell(cell, findings) if concern.code not in codes]
    return sorted(_joined(found), key=lambda concern: not concern.grave)


def _joined(found: Sequence[Concern]) -> list[Concern]:
    """Each sentence once, with all the treatments that it is about."""
    about: dict[tuple[Code, str, bool], list[str]] = {}
    for concern in found:
        about.setdefault((concern.code, concern.sentence, concern.grave), []).append(concern.treatment)
    return [
        Concern(code, ", ".join(treatments), sentence, grave=grave)
        for (code, sentence, grave), treatments in about.items()
    ]


class Calls(NamedTuple):
    """What came of the calls of some cells: how many failed, were rejected or given by fallbacks; late messages."""

    made: int
    failed: Counter[str]
    rejected: Counter[str]
    stood_in: Counter[str]
    posted: int
    late: int

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> "Calls":
        """All calls of these cells."""
        return cls(
            sum(cell.calls for cell in cells),
            sum((cell.failed for cell in cells), Counter()),
            sum((cell.rejected for cell in cells), Counter()),
            sum((cell.stood_in for cell in cells), Counter()),
            sum(cell.spoken.total() for cell in cells),
            sum(cell.late for cell in cells),
        )


def _of_all(findings: Findings) -> Iterator[Concern]:
    planned = findings.plan.sessions
    if findings.over_budget:
        yield Concern(
            "budget",
            "",
            f"The budget bore {findings.begun} of {planned} sessions: {findings.spent:.2f} were spent, and a further "
            f"session costs about {findings.expected:.2f}.",
        )
    if cut := sum(cell.cut for cell in findings.cells.values()):
        yield Concern("budget", "", f"{_sessions(cut)} broken off because the budget was used up.")
    if findings.prices is None:
        model = findings.plan.study.simulation.llm.model
        yield Concern("no_price", "", f"There is no price for {model}, so nothing is said of money: see --prices.")
    for model in findings.prices.unknown if findings.prices else ():
        yield Concern("no_price", "", f"There is no price for {model}, so its replies count as free: see --prices.")
    for outcome, count in sorted(findings.kept_out.items()):
        if outcome != "stuck":
            yield Concern("kept_out", "", f"{count} of {findings.begun} did not come to the chat: {outcome}.")
    for page, count in sorted(findings.stuck.items()):
        yield Concern("stuck", "", f"No stand-in could fill in the page {page} ({count} tried).", grave=True)


def _of_cell(cell: Cell, findings: Findings) -> Iterator[Concern]:
    if not cell.share:
        yield Concern("never_runs", cell.name, "Its weight is 0: nobody comes to it but by a token made for it.")
    elif not cell.sessions and not findings.over_budget:
        yield Concern("no_sessions", cell.name, "It had no session in this rehearsal: ask for more --sessions.")
    if cell.unresolved:
        named = ", ".join(sorted(cell.unresolved))
        yield Concern("placeholder", cell.name, f"Prompts still hold {named}: nothing was put there.", grave=True)
    if cell.sessions:
        yield from _of_sessions(cell, _told_by(findings, numbers_of(cell)))


def _told_by(findings: Findings, numbers: Numbers) -> Numbers:
    """Without the targets that tell nothing: a script does not read the prompts that should make agents meet them."""
    if findings.plan.model != SCRIPTED:
        return numbers
    told = tuple(target for target in numbers.targets if target.measure == "agents_on_side")
    return replace(numbers, targets=told)


def _of_sessions(cell: Cell, numbers: Numbers) -> Iterator[Concern]:
    for reason in ("error", "llm_unavailable"):
        if count := cell.reasons[reason]:
            why = f": {cell.crashes[0]}" if reason == "error" and cell.crashes else ""
            yield Concern("ended_by_error", cell.name, f"{_sessions(count)} ended by {reason}{why}.", grave=True)
    if count := cell.reasons["budget_exhausted"] - cell.cut:
        yield Concern(
            "ended_by_error", cell.name, f"{_sessions(count)} ended by the study's own limit on tokens or money."
        )
    yield from _of_rate(cell, numbers)
    if cell.treatment.simulation.user_response_probability and sum(cell.said) >= SAID_LEAST and not sum(cell.answered):
        sentence = f"Agents answered none of {sum(cell.said):.0f} messages."
        yield Concern("never_answers", cell.name, sentence, grave=True)
    if cell.spoken.total() >= SPOKEN_LEAST:
        silent = [name for name in cell.treatment.simulation.agent_names if not cell.spoken[name]]
        if silent:
            yield Concern("never_speaks", cell.name, f"Never said a word: {', '.join(silent)}.")
    yield from _of_calls(cell.name, Calls.of([cell]))
    yield from _of_targets(cell, numbers)


def _of_targets(cell: Cell, numbers: Numbers) -> Iterator[Concern]:
    for target in numbers.targets:
        if target.met * 2 < target.of:
            sentence = f"The target {target.name} was met in {target.met} of {target.of} sessions."
            yield Concern("target", cell.name, sentence)
        if target.excluded:
            sentence = f"By the target {target.name}, {target.excluded} of {cell.sessions} sessions would be left out."
            yield Concern("target", cell.name, sentence)


def _of_rate(cell: Cell, numbers: Numbers) -> Iterator[Concern]:
    """Agents that talk too much or too little, where more than chance says so."""
    asked, rate = cell.treatment.simulation.messages_per_minute, numbers.rate
    told = f"{rate.value:.2f} messages a minute, while messages_per_minute is {asked:g}."
    if rate.low is None or rate.high is None:
        return
    if rate.low > asked * (1 + RATE_OFF):
        yield Concern("too_much", cell.name, f"Agents talk too much: {told}")
    if rate.high < asked * (1 - RATE_OFF):
        yield Concern("too_little", cell.name, f"Agents talk too little: {told}")


def _of_calls(where: str, calls: Calls) -> Iterator[Concern]:
    failed, rejected = calls.failed.total(), calls.rejected.total()
    if failed > FAILED_MOST * calls.made:
        kinds = ", ".join(f"{kind} {count}" for kind, count in calls.failed.most_common())
        yield Concern("calls_fail", where, f"{failed / calls.made:.0%} of the calls failed ({kinds}).", grave=True)
    if rejected > REJECTED_MOST * calls.made:
        kinds = ", ".join(f"{kind} {count}" for kind, count in calls.rejected.most_common())
        yield Concern("rejected", where, f"{rejected / calls.made:.0%} of the replies were not shown ({kinds}).")
    if (stood_in := calls.stood_in.total()) > STOOD_IN_MOST * calls.made:
        models = ", ".join(f"{model} {count}" for model, count in calls.stood_in.most_common())
        yield Concern(
            "stood_in", where, f"{stood_in / calls.made:.0%} of the calls were answered by fallbacks ({models})."
        )
    if calls.late > LATE_MOST * calls.posted:
        yield Concern("late", where, f"{calls.late / calls.posted:.0%} of the messages came late: calls take too long.")


def _sessions(count: int) -> str:
    return "1 session was" if count == 1 else f"{count} sessions were"
