"""The study's third file, `study.json`: how people come in. It may be missing, and every key of it too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, cast

from roomful.core.assignment import OTHER, Arm, AssignmentRules, Variable, block
from roomful.core.enrolment import EnrolmentRules, Outcome
from roomful.core.pages import Page, rules_of_page
from roomful.core.study import Treatment
from roomful.outcomes import ENDINGS, Ending, check_places
from roomful.rules import (
    NAME,
    SWITCH,
    Fault,
    Rule,
    Wrong,
    array_of,
    integer,
    number,
    object_of,
    one_of,
    or_null,
    read_items,
    shown,
    wrong,
)

type Panel = Literal["prolific", "sona", "qualtrics", "cloudresearch", "mturk", "label", "anonymous"]

ID_PARAMETERS: Mapping[Panel, str | None] = {
    "prolific": "PROLIFIC_PID",
    "sona": "survey_code",
    "qualtrics": "ResponseID",
    "cloudresearch": "participantId",
    "mturk": "workerId",
    "label": "participant_label",
    "anonymous": None,
}
"""The parameter of a link that tells who comes, as each panel calls it; nobody tells on an anonymous link."""

PANEL_PARAMETERS: Mapping[Panel, tuple[str, ...]] = {
    "prolific": ("STUDY_ID", "SESSION_ID"),
    "sona": (),
    "qualtrics": (),
    "cloudresearch": ("assignmentId", "projectId"),
    "mturk": ("assignmentId", "hitId"),
    "label": (),
    "anonymous": (),
}
"""What else each panel is known to send along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLink:
    """A way in without tokens: `/join` with the parameters that the panel adds."""

    panel: Panel
    name: str | None = None
    """None: the panel's."""
    id_parameter: str | None = None
    """None: as the panel calls it."""

    @property
    def called(self) -> str:
        """What the log calls it."""
        return self.name or self.panel

    @property
    def tells(self) -> str | None:
        """The parameter that tells who comes."""
        return self.id_parameter or ID_PARAMETERS[self.panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentSettings:
    """How treatments are given at the door."""

    method: Literal["least_filled", "blocks"] = "least_filled"
    block_size: int | None = None
    strata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reserve_minutes: float = 30.0
    """How long a place waits for the first socket."""
    release_minutes: float = 10.0
    """How long the place of somebody who has not completed still counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentSettings:
    """How people come in. `opens` and `closes` are in seconds since the epoch (UTC)."""

    entry: tuple[EntryLink, ...] = ()
    assignment: AssignmentSettings = field(default_factory=AssignmentSettings)
    repeat: bool = False
    opens: float | None = None
    closes: float | None = None
    max_live_sessions: int | None = None
    before_chat_minutes: float | None = None
    """How long somebody may take over all pages before the chat, from their arrival; None: as long as they like."""
    outcomes: Mapping[Outcome, Ending] = field(default_factory=dict)
    """What is shown at the end of each outcome; those left out have the words of the simulation settings."""
    return_parameters: tuple[str, ...] = ()
    """Further parameters of entry links that addresses of outcomes may hold."""
    may_delete: bool = False
    """Whether who leaves the chat may have what they wrote deleted."""
    deception: bool = False
    """Whether participants are deceived, so that they must be told once it is over."""


_MOMENT = 'a time with its offset, such as "2026-03-02T09:00:00+01:00"'


def _read_moment(value: object) -> float:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    # without an offset it would be another moment wherever the server is moved
    if found is None or found.tzinfo is None or not 1970 < found.year < 9999:
        raise wrong(value, _MOMENT)
    return found.astimezone(UTC).timestamp()


MOMENT = Rule(_MOMENT, _read_moment)

ENTRY_RULES: Mapping[str, Rule[object]] = {
    "panel": one_of(*ID_PARAMETERS),
    "name": or_null(NAME),
    "id_parameter": or_null(NAME),
}


def _check_entry(_found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    if good.get("panel") == "anonymous" and good.get("id_parameter") is not None:
        expected = 'no id_parameter, or the panel "label"'
        yield Fault("", "id_parameter", f"{shown(good['id_parameter'])} of an anonymous link", expected)


_ENTRY = object_of(EntryLink, ENTRY_RULES, _check_entry)
_LINKS_EXPECTED = "an array of links, each an object"


def _read_links(value: object) -> tuple[EntryLink, ...]:
    if not isinstance(value, list):
        raise wrong(value, _LINKS_EXPECTED)
    links, faults = read_items(value, _ENTRY)
    if not faults:
        faults = [*_doubled("name", [link.called for link in links])]
        faults += _doubled("id_parameter", [link.tells for link in links])
    if faults:
        raise Wrong(*faults)
    return tuple(links)


def _doubled(key: str, values: Sequence[str | None]) -> Iterator[Fault]:
    """Faults of links that could not be told apart."""
    folded = [value.casefold() if value else None for value in values]
    for index, value in enumerate(folded):
        if (first := folded.index(value)) != index:
            found = f"{shown(values[index])}, which entry[{first}] has already" if value else "none, as entry[{first}]"
            yield Fault("", f"[{index}].{key}", found.replace("{first}", str(first)), "one of its own")


_VALUES_EXPECTED = f'an array of values, each of its own, none of them "{OTHER}"'


def _read_values(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise wrong(value, _VALUES_EXPECTED)
    values, faults = read_items(value, NAME)
    for index, one in enumerate(value):
        if isinstance(one, str) and (one == OTHER or value.index(one) != index):
            faults.append(Fault("", f"[{index}]", shown(one), _VALUES_EXPECTED))
    if faults:
        raise Wrong(*faults)
    return tuple(values)


_VALUES = Rule(_VALUES_EXPECTED, _read_values)
_STRATA_EXPECTED = "an object of variables, each an array of its values"


def _read_strata(value: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise wrong(value, _STRATA_EXPECTED)
    good: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for name, values in value.items():
        try:
            good[NAME.read(name)] = _VALUES.read(values)
        except Wrong as error:
            faults += [fault.under(name) for fault in error.faults]
    if faults:
        raise Wrong(*faults)
    return good


ASSIGNMENT_RULES: Mapping[str, Rule[object]] = {
    "method": one_of("least_filled", "blocks"),
    "block_size": or_null(integer(1, 1000)),
    "strata": Rule(_STRATA_EXPECTED, _read_strata),
    "reserve_minutes": number(positive=True),
    "release_minutes": number(),
}


def _check_assignment(_found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    if good.get("block_size") is not None and good.get("method") == "least_filled":
        expected = 'null, or the method "blocks"'
        yield Fault("", "block_size", f'{good["block_size"]} while the method is "least_filled"', expected)


MINUTES_MOST = 10_080.0
"""A week: who takes longer to come to the chat does not come."""

ENROLMENT_RULES: Mapping[str, Rule[object]] = {
    "entry": Rule(_LINKS_EXPECTED, _read_links),
    "assignment": object_of(AssignmentSettings, ASSIGNMENT_RULES, _check_assignment),
    "repeat": SWITCH,
    "opens": or_null(MOMENT),
    "closes": or_null(MOMENT),
    "max_live_sessions": or_null(integer(1)),
    "before_chat_minutes": or_null(number(MINUTES_MOST, positive=True)),
    "outcomes": ENDINGS,
    "return_parameters": array_of("an array of names", NAME),
    "may_delete": SWITCH,
    "deception": SWITCH,
}


def _check_enrolment(found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    opens, closes = good.get("opens"), good.get("closes")
    if isinstance(opens, float) and isinstance(closes, float) and closes <= opens:
        yield Fault("", "closes", f"{shown(found['closes'])}, which is not after opens", "a later time")
    parts = [good.get(key) for key in ("entry", "return_parameters", "assignment", "outcomes")]
    if None not in parts:
        links, more, assignment, endings = parts
        known = returnable(cast("tuple[EntryLink, ...]", links), cast("AssignmentSettings", assignment))
        named = [*known, *cast("tuple[str, ...]", more)]
        yield from check_places(cast("Mapping[Outcome, Ending]", endings), named)


def returnable(links: Sequence[EntryLink], assignment: AssignmentSettings) -> list[str]:
    """The parameters that entry links are known to bring: each panel's own, and those that make strata."""
    names = [name for link in links for name in (link.tells, *PANEL_PARAMETERS[link.panel]) if name]
    return list(dict.fromkeys([*names, *assignment.strata]))


ENROLMENT = object_of(EnrolmentSettings, ENROLMENT_RULES, _check_enrolment)


def check_blocks(settings: EnrolmentSettings, treatments: Sequence[Treatment]) -> Iterator[Fault]:
    """The fault of a block size that cannot hold the weights of the treatments."""
    try:
        if settings.assignment.method == "blocks" and assigned_arms(treatments):
            block(rules_of(settings, treatments, 0).assignment)
    except ValueError as fault:
        yield Fault("", "assignment.block_size", shown(settings.assignment.block_size), str(fault))


def assigned_arms(treatments: Sequence[Treatment]) -> tuple[Arm, ...]:
    """The treatments as assignment sees them; none where the study declares none."""
    return tuple(
        Arm(name=treatment.name, weight=treatment.weight, quota=treatment.quota)
        for treatment in treatments
        if treatment.name
    )


def rules_of(
    settings: EnrolmentSettings, treatments: Sequence[Treatment], seed: int, pages: Sequence[Page] = ()
) -> EnrolmentRules:
    """What the study's log is told of the settings. `seed` is the study's."""
    assignment = settings.assignment
    return EnrolmentRules(
        assignment=AssignmentRules(
            arms=assigned_arms(treatments),
            method=assignment.method,
            block_size=assignment.block_size,
            strata=tuple(Variable(name=name, values=values) for name, values in assignment.strata.items()),
            seed=seed,
        ),
        links=tuple(link.called for link in settings.entry),
        repeat=settings.repeat,
        opens=settings.opens,
        closes=settings.closes,
        max_live=settings.max_live_sessions,
        reserve_for=assignment.reserve_minutes * 60,
        release_after=assignment.release_minutes * 60,
        pages=tuple(rules_of_page(page) for page in pages),
        before_chat=None if settings.before_chat_minutes is None else settings.before_chat_minutes * 60,
    )
