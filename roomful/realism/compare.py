"""Sessions beside a reference: how far each statistic is from it, and how easily they are told apart. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal, assert_never

from roomful.realism.classifier import SESSIONS_LEAST, two_sample_auc
from roomful.realism.classifier import SESSIONS_MOST as CLASSIFIED_MOST
from roomful.realism.markers import Markers
from roomful.realism.measures import MESSAGES_LEAST, NAMES, SPEAKERS_LEAST, TIMING, Post, Statistics
from roomful.realism.numeric import average, sample_spread, wasserstein
from roomful.realism.references import Corpus, Measured, NoiseFloor, Reference, Sessions, measure

GOOD, ACCEPTABLE = 0.2, 0.5
"""|d| below which a statistic is good, and acceptable."""
SESSIONS_FOR_VERDICT = 30
DRAWN = 200
"""Sessions that stand in for those of a corpus, at least."""

_NORMAL_95 = NormalDist().inv_cdf(0.975)

type Verdict = Literal["good", "acceptable", "off"]
type Against = Literal["sessions", "drawn", "implied"]
"""What a number was computed against: the reference's sessions; sessions drawn from its means; what its means imply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A statistic of the sessions beside the reference's.

    d is the difference of the means in standard deviations of the reference's sessions; `low` and `high` are the ends
    of its 95 % interval, as far as it is uncertain by the number of our sessions. `sessions` had a value.
    """

    name: str
    sessions: int
    mean: float | None
    sd: float | None
    reference_mean: float | None
    reference_sd: float | None
    d: float | None
    low: float | None
    high: float | None

    @property
    def verdict(self) -> Verdict | None:
        """Whether it is near enough; None without a d."""
        if self.d is None:
            return None
        return "good" if abs(self.d) < GOOD else "acceptable" if abs(self.d) < ACCEPTABLE else "off"


@dataclass(frozen=True, slots=True)
class Distance:
    """The Wasserstein-1 distance of all values together; None where it is not available, as `against` None says."""

    name: str
    value: float | None
    against: Against | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierTest:
    """How well a classifier tells the sessions from the reference's, by all statistics and by the nine of timing.

    See `roomful.realism.classifier`. `sessions` of the reference were there, or drawn in their place.
    """

    auc: float
    auc_timing: float
    against: Against
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Sessions beside a reference. `sessions` were measured, `left_out` were too short for it."""

    reference: str
    about: str
    reference_sessions: int | None
    sessions: int
    left_out: int
    messages: int
    rows: tuple[Row, ...]
    mean_abs_d: float | None
    mean_abs_d_timing: float | None
    """Of the nine statistics of timing alone."""
    classifier: ClassifierTest | None
    distances: tuple[Distance, ...]
    markers: Markers
    reference_markers: Markers | None
    floor: NoiseFloor | None
    warnings: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether there are sessions enough for a verdict, on both sides."""
        others = self.reference_sessions
        return self.sessions >= SESSIONS_FOR_VERDICT and (others is None or others >= SESSIONS_FOR_VERDICT)

    def as_json(self) -> dict[str, object]:
        """The comparison in values that JSON has."""
        found = asdict(self)
        for row, told in zip(self.rows, found["rows"], strict=True):
            told["verdict"] = row.verdict if self.enough else None
        return found | {"enough": self.enough}


def compare(rooms: Iterable[Sequence[Post]], reference: Reference, seed: int = 1) -> Comparison:
    """Compare sessions, each given as its messages, with a reference; `seed` draws folds and stand-ins."""
    ours = measure(rooms)
    rows = tuple(_row(name, ours, _reference(name, reference)) for name in NAMES)
    theirs = reference.measured if isinstance(reference, Sessions) else None
    return Comparison(
        reference=reference.name,
        about=reference.about if isinstance(reference, Corpus) else "",
        reference_sessions=len(theirs.sessions) if theirs else None,
        sessions=len(ours.sessions),
        left_out=ours.left_out,
        messages=ours.messages,
        rows=rows,
        mean_abs_d=_mean_abs_d(rows, NAMES),
        mean_abs_d_timing=_mean_abs_d(rows, TIMING),
        classifier=_classifier(ours, reference, seed),
        distances=tuple(_distance(name, ours, reference) for name in ours.pooled),
        markers=ours.markers,
        reference_markers=theirs.markers if theirs else None,
        floor=reference.floor if isinstance(reference, Corpus) else None,
        warnings=tuple(_warnings(ours, reference)),
    )


def _values(sessions: Sequence[Statistics], name: str) -> list[float]:
    return [value for session in sessions if (value := session[name]) is not None]


def _reference(name: str, reference: Reference) -> tuple[float | None, float | None]:
    """Mean and standard deviation of a statistic over the reference's sessions."""
    if isinstance(reference, Corpus):
        return reference.summaries[name].mean, reference.summaries[name].sd
    values = _values(reference.measured.sessions, name)
    return average(values), sample_spread(values)


def _row(name: str, ours: Measured, theirs: tuple[float | None, float | None]) -> Row:
    values = _values(ours.sessions, name)
    mean, sd = average(values), sample_spread(values)
    reference_mean, reference_sd = theirs
    d = reach = None
    if mean is not None and reference_mean is not None and reference_sd:
        d = (mean - reference_mean) / reference_sd
        reach = None if sd is None else _NORMAL_95 * sd / sqrt(len(values)) / reference_sd
    return Row(
        name=name,
        sessions=len(values),
        mean=mean,
        sd=sd,
        reference_mean=reference_mean,
        reference_sd=reference_sd,
        d=d,
        low=None if d is None or reach is None else d - reach,
        high=None if d is None or reach is None else d + reach,
    )


def _mean_abs_d(rows: Sequence[Row], names: Sequence[str]) -> float | None:
    return average([abs(row.d) for row in rows if row.d is not None and row.name in names])


def _classifier(ours: Measured, reference: Reference, seed: int) -> ClassifierTest | None:
    against: Against = "sessions" if isinstance(reference, Sessions) else "drawn"
    theirs: Sequence[Statistics]
    if isinstance(reference, Sessions):
        theirs = reference.measured.sessions
    else:
        theirs = reference.drawn(min(max(DRAWN, len(ours.sessions)), CLASSIFIED_MOST), seed)
    by_all, by_timing = (_auc(ours.sessions, theirs, names, seed) for names in (NAMES, TIMING))
    if by_all is None or by_timing is None:
        return None
    return ClassifierTest(auc=by_all, auc_timing=by_timing, against=against, sessions=len(theirs))


def _auc(ours: Sequence[Statistics], theirs: Sequence[Statistics], names: Sequence[str], seed: int) -> float | None:
    return two_sample_auc(
        [[session[name] for name in names] for session in ours],
        [[session[name] for name in names] for session in theirs],
        seed,
    )


def _distance(name: str, ours: Measured, reference: Reference) -> Distance:
    if isinstance(reference, Sessions):
        return _told(name, wasserstein(ours.pooled[name], reference.measured.pooled[name]), "sessions")
    if name == "ln words":
        return _told(name, wasserstein(ours.pooled[name], reference.ln_words()), "implied")
    return Distance(name, None, None)


def _told(name: str, value: float | None, against: Against) -> Distance:
    return Distance(name, value, None if value is None else against)


def _warnings(ours: Measured, reference: Reference) -> Iterable[str]:
    short = f"fewer than {MESSAGES_LEAST} messages or {SPEAKERS_LEAST} speakers"
    if ours.left_out:
        yield f"{_counted(ours.left_out)} left out: {short}"
    if len(ours.sessions) < SESSIONS_FOR_VERDICT:
        yield f"{_counted(len(ours.sessions))} measured: fewer than {SESSIONS_FOR_VERDICT}, so there is no verdict"
    if len(ours.sessions) < SESSIONS_LEAST:
        yield f"No AUC: a classifier needs at least {SESSIONS_LEAST} sessions of either kind"
    if isinstance(reference, Sessions):
        theirs = reference.measured
        if theirs.left_out:
            yield f"{_counted(theirs.left_out)} of the reference left out: {short}"
        if len(theirs.sessions) < SESSIONS_FOR_VERDICT:
            few = f"fewer than {SESSIONS_FOR_VERDICT}, so there is no verdict"
            yield f"{_counted(len(theirs.sessions))} of the reference measured: {few}"
    missing = [name for name in NAMES if ours.sessions and not _values(ours.sessions, name)]
    if missing:
        yield f"No session has a value of {', '.join(missing)}"


def _counted(sessions: int) -> str:
    return "1 session" if sessions == 1 else f"{sessions} sessions"


def against_words(against: Against, reference: str) -> str:
    """What a number was computed against, in words."""
    match against:
        case "sessions":
            return f"sessions of {reference}"
        case "drawn":
            return f"stand-ins drawn from independent normals of {reference}'s means and sds"
        case "implied":
            return f"the lognormal that {reference}'s means of ln words imply"
        case _:
            assert_never(against)
