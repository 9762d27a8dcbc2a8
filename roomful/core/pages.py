"""The pages around the chat as plain values, and what a participant fills in on them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from roomful.core.cards import range_of

type Role = Literal["consent", "instructions", "before", "after", "debrief", "end"]
type Kind = Literal["single", "multiple", "likert", "matrix", "slider", "number", "text"]

ROLES: tuple[Role, ...] = ("consent", "instructions", "before", "after", "debrief", "end")
"""In the order in which participants come to them; the chat is between `before` and `after`."""

BEFORE: tuple[Role, ...] = ("consent", "instructions", "before")
"""The roles of pages before the chat."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose: `code` is what the data have, `label` what is read."""

    code: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question on a page. What of its fields has a meaning depends on `kind`."""

    name: str
    kind: Kind
    text: str
    """Markdown of one paragraph."""
    hint: str = ""
    required: bool = True
    options: tuple[Option, ...] = ()
    rows: tuple[Option, ...] = ()
    """What is asked line by line of a matrix; the answer to each is named `question.row`."""
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(100)
    step: Decimal = Decimal(1)
    bounded: tuple[bool, bool] = (True, True)
    """Whether `low` and `high` are limits of a number."""
    low_label: str = ""
    high_label: str = ""
    unit: str = ""
    least: int = 0
    """Options that must be chosen at least, and at most (None: all)."""
    most: int | None = None
    lines: int = 1
    max_chars: int = 1000
    correct: tuple[str, ...] = ()
    """The answers that pass; none: it is no check. Of a matrix as `row=code`, of several choices all together."""
    screen_out: tuple[str, ...] = ()
    """Answers, or ranges of numbers, that end the participation."""
    line: int = 0
    """Where it begins in its file."""

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of its answers: one, or one for each row."""
        return tuple(f"{self.name}.{row.code}" for row in self.rows) if self.kind == "matrix" else (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: `parts` are Markdown and questions in their order."""

    name: str
    """The file's, without its ending."""
    role: Role
    hash: str
    """SHA-256 of the file in hex."""
    parts: tuple[str | Question, ...]
    title: str = ""
    version: str | None = None
    required: bool = True
    """Whether a participation needs this consent."""
    tries: int = 2
    """How often the checks of the page may be answered."""
    on_failure: Literal["end", "continue"] = "end"
    time_limit: int | None = None
    """Seconds from when somebody first comes to the page until their answers are too late; None: they never are."""
    agree: str | None = None
    """The words on the buttons; None: those of the language."""
    decline: str | None = None
    button: str | None = None
    data_consent: str | None = None
    """The sentence of the second consent: to the use of the data."""

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions in their order."""
        return tuple(part for part in self.parts if isinstance(part, Question))

    @property
    def asks(self) -> tuple[str, ...]:
        """The names of all answers."""
        return tuple(name for question in self.questions for name in question.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRules:
    """What the study's log knows of a page: who may pass it, and which text it was."""

    name: str
    role: Role
    hash: str
    version: str | None = None
    asks: tuple[str, ...] = ()
    required: bool = True
    tries: int = 2
    on_failure: Literal["end", "continue"] = "end"
    time_limit: int | None = None


def rules_of_page(page: Page) -> PageRules:
    """What the study's log is told of a page."""
    return PageRules(
        name=page.name,
        role=page.role,
        hash=page.hash,
        version=page.version,
        asks=page.asks,
        required=page.required,
        tries=page.tries,
        on_failure=page.on_failure,
        time_limit=page.time_limit,
    )


# --- what is filled in

type Form = Mapping[str, Sequence[str]]
"""What a page sends: the values of each answer's field, as they were entered."""

type Complaint = Literal[
    "missing",
    "choose",
    "unknown",
    "not_a_number",
    "whole",
    "decimals",
    "too_low",
    "too_high",
    "too_few",
    "too_many",
    "too_long",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an answer cannot be taken; `limit` is the number that its sentence names."""

    answer: str
    complaint: Complaint
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a participant has filled in: answers by name, those left out are not there.

    `missed` are the checks that were not passed; neither they nor `screened` say anything where there are problems.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    missed: tuple[str, ...] = ()
    screened: bool = False


NUMBER_MOST = 30
"""Characters of a number."""

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_SIGNS = str.maketrans({"\u2212": "-", "\u066b": ".", "\u00a0": "", "\u202f": ""})
"""The minus that word processors write, the Arabic decimal sign, and spaces that do not break."""


class _Wrong(Exception):
    def __init__(self, complaint: Complaint, limit: object = "") -> None:
        self.complaint = complaint
        self.limit = str(limit)


def fill(page: Page, form: Form) -> Filled:
    """Read what was entered; every problem is told at once, in the order of the page."""
    answers: dict[str, str] = {}
    problems: list[Problem] = []
    for question in page.questions:
        for name in question.answers:
            try:
                found = _read(question, form.get(name, ()))
            except _Wrong as wrong:
                problems.append(Problem(name, wrong.complaint, wrong.limit))
                continue
            if found:
                answers[name] = found
            elif question.required:
                chooses = question.kind in ("single", "multiple", "likert", "matrix")
                problems.append(Problem(name, "choose" if chooses else "missing"))
    missed = tuple(question.name for question in page.questions if not passes(question, answers))
    screened = any(screens_out(question, answers) for question in page.questions)
    return Filled(answers=answers, problems=tuple(problems), missed=missed, screened=screened)


def passes(question: Question, answers: Mapping[str, str]) -> bool:
    """Whether the answers are right, where the question is a check."""
    if not question.correct:
        return True
    given = answers.get(question.name, "")
    match question.kind:
        case "matrix":
            pairs = {f"{row.code}={answers.get(f'{question.name}.{row.code}', '')}" for row in question.rows}
            return set(question.correct) <= pairs
        case "multiple":
            return set(given.split(",")) == set(question.correct)
        case "text":
            return _plain(given) in map(_plain, question.correct)
        case _:
            return _is_one_of(given, question.correct)


def screens_out(question: Question, answers: Mapping[str, str]) -> bool:
    """Whether somebody who answers so cannot take part."""
    given = answers.get(question.name, "")
    each = given.split(",") if question.kind == "multiple" else [given]
    return bool(given) and any(_is_one_of(one, question.screen_out) for one in each)


def values(question: Question) -> Iterator[str] | None:
    """All answers there can be, as the data have them; None where they cannot be counted."""
    if question.kind in ("single", "likert", "matrix"):
        return (option.code for option in question.options)
    if question.kind in ("slider", "number") and question.bounded == (True, True):
        return _steps(question)
    return None


def _steps(question: Question) -> Iterator[str]:
    value = question.low
    while value <= question.high:
        yield _written(value)
        value += question.step


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _is_one_of(given: str, wanted: Sequence[str]) -> bool:
    if given in wanted:
        return True
    ranges = [found for one in wanted if (found := range_of(one))]
    return bool(ranges) and _NUMBER.fullmatch(given) is not None and any(a <= float(given) <= b for a, b in ranges)


def _read(question: Question, entered: Sequence[str]) -> str:
    """An answer as the data have it; empty where there is none."""
    match question.kind:
        case "multiple":
            return _chosen(question, entered)
        case "single" | "likert" | "matrix":
            code = entered[-1] if entered else ""
            if code and all(code != option.code for option in question.options):
                raise _Wrong("unknown")
            return code
        case "slider" | "number":
            return _number(question, entered[-1] if entered else "")
        case "text":
            text = (entered[-1] if entered else "").replace("\r\n", "\n")
            if len(text) > question.max_chars:
                raise _Wrong("too_long", question.max_chars)
            return text if text.strip() else ""


def _chosen(question: Question, entered: Sequence[str]) -> str:
    if set(entered) - {option.code for option in question.options}:
        raise _Wrong("unknown")
    chosen = [option.code for option in question.options if option.code in entered]
    if chosen and len(chosen) < question.least:
        raise _Wrong("too_few", question.least)
    if question.most is not None and len(chosen) > question.most:
        raise _Wrong("too_many", question.most)
    return ",".join(chosen)


def _number(question: Question, entered: str) -> str:
    """A number as people write it: with a comma or a point, in the digits of their script."""
    text = entered.strip().translate(_SIGNS)
    if not text:
        return ""
    if len(text) > NUMBER_MOST or not _NUMBER.fullmatch(text):
        raise _Wrong("not_a_number")
    value = Decimal(text.replace(",", "."))
    low, high = question.bounded
    if low and value < question.low:
        raise _Wrong("too_low", _written(question.low))
    if high and value > question.high:
        raise _Wrong("too_high", _written(question.high))
    base = question.low if question.kind == "slider" else Decimal(0)
    if (value - base) % question.step:
        if question.kind == "slider":
            raise _Wrong("not_a_number")
        raise _Wrong("whole") if question.step == 1 else _Wrong("decimals", -int(question.step.as_tuple().exponent))
    return _written(value)


def _written(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
