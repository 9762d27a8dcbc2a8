"""Targets and what came of them, in words."""

from collections.abc import Iterator, Mapping

from roomful.core.events import Measured
from roomful.core.study import Target

LEXICON_FEW = 5
"""Words of a lexicon that are named where there is little room."""


def target_words(target: Target, *, in_full: bool = False) -> str:
    """What a target measures, and its limits; the whole of its words `in_full`."""
    return "; ".join([f"{target.measure}{_of(target)}", *_looked_for(target, in_full=in_full), *limits(target)])


def _of(target: Target) -> str:
    return f" {target.side}" if target.side else ""


def _looked_for(target: Target, *, in_full: bool) -> Iterator[str]:
    if target.lexicon:
        yield f"words: {_listed(target.lexicon, in_full=in_full)}"
    if target.pattern is not None:
        yield f"pattern: {target.pattern}"
    for answer, words in target.positions.items():
        yield f"words of {answer}: {_listed(words, in_full=in_full)}"
    if target.seeded:
        yield "with seeded messages"


def _listed(words: tuple[str, ...], *, in_full: bool) -> str:
    more = len(words) - LEXICON_FEW
    if in_full or more <= 0:
        return " | ".join(words)
    return f"{' | '.join(words[:LEXICON_FEW])} and {more} more"


def limits(target: Target) -> list[str]:
    """The limits of a target, and the thresholds of exclusion."""
    named = {
        "at least": target.at_least,
        "at most": target.at_most,
        "excluded below": target.exclude_below,
        "excluded above": target.exclude_above,
    }
    return [f"{name} {limit:g}" for name, limit in named.items() if limit is not None]


def measured_words(measured: Measured) -> str:
    """What came of a target."""
    if measured.value is None:
        return "nothing to measure"
    verdicts = [{True: "met", False: "missed", None: ""}[measured.met], "excluded" if measured.excluded else ""]
    return ", ".join([f"{measured.value:.3g} (n = {measured.n})", *filter(None, verdicts)])


def in_short(targets: Mapping[str, Measured]) -> str:
    """What came of all targets of a session, in the room of a column: how many were met, and what excludes it."""
    judged = [measured.met for measured in targets.values() if measured.met is not None]
    excluded = [name for name, measured in targets.items() if measured.excluded]
    parts = [f"{sum(judged)}/{len(judged)} met"] if judged else []
    parts += [f"excluded by {', '.join(excluded)}"] if excluded else []
    return ", ".join(parts) or "–"
