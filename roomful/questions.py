"""A question of a page, read from the block that stands for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import get_args

from roomful.blocks import PLAIN_NUMBER, Block
from roomful.core.cards import range_of
from roomful.core.pages import Kind, Option, Question, Role
from roomful.rules import Fault, nearest, shown

TEXT_MOST = 4000
"""Characters that all texts of one page may have: what a participant writes is sent at once."""

STEPS_MOST = 1000
"""Steps of a slider, and answers of a question that agents take sides on."""

_KINDS: tuple[Kind, ...] = get_args(Kind.__value__)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")

_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")

_COMMON = ("name", "kind", "text", "hint", "required")
_SCALE = ("options", "scale", "low", "high")
QUESTION_KEYS: Mapping[Kind, tuple[str, ...]] = {
    "single": (*_COMMON, "options", "correct", "screen_out"),
    "multiple": (*_COMMON, "options", "least", "most", "correct", "screen_out"),
    "likert": (*_COMMON, *_SCALE, "correct", "screen_out"),
    "matrix": (*_COMMON, "rows", *_SCALE, "correct"),
    "slider": (*_COMMON, "min", "max", "step", "low", "high", "correct", "screen_out"),
    "number": (*_COMMON, "min", "max", "decimals", "unit", "correct", "screen_out"),
    "text": (*_COMMON, "lines", "max_chars", "correct"),
}
"""What a block of each kind may say."""


def read_question(content: str, line: int, role: Role, faults: list[Fault]) -> Question | None:
    """The question of a block that begins on this line; None where not even its kind can be told. Adds all faults."""
    block = Block.of(enumerate(content.split("\n"), line + 1), faults, line)
    kind = _kind(block)
    if kind is None:
        return None
    block.strays(QUESTION_KEYS[kind])
    question = _of_kind(kind, block)
    _Checks(block, question, role).look()
    return question


def _kind(block: Block) -> Kind | None:
    text = block.text("kind", required=True)
    found = next((kind for kind in _KINDS if kind == text), None)
    if found is None and text:
        near = nearest(text, _KINDS)
        hint = f" (the nearest: {near})" if near else ""
        block.fault(block.at("kind"), shown(text), f"one of {', '.join(_KINDS)}{hint}")
    return found


def _of_kind(kind: Kind, block: Block) -> Question:
    name = block.text("name", required=True)
    if name and not _NAME.fullmatch(name):
        block.fault(block.at("name"), shown(name), "a letter, then letters, digits and _, at most 40")
    question = Question(
        name=name,
        kind=kind,
        text=block.text("text", required=True),
        hint=block.text("hint"),
        required=block.switch("required", default=True),
        low_label=block.text("low"),
        high_label=block.text("high"),
        correct=block.several("correct"),
        screen_out=block.several("screen_out"),
        line=block.line,
    )
    match kind:
        case "single":
            return replace(question, options=block.options("options", 2))
        case "multiple":
            options = block.options("options", 1)
            most = block.integer("most", 1, 100, 0) or None
            return replace(question, options=options, least=block.integer("least", 0, 100, 0), most=most)
        case "likert":
            return replace(question, options=_scale(block))
        case "matrix":
            return replace(question, rows=_rows(block), options=_scale(block))
        case "slider" | "number":
            return _limited(question, block)
        case "text":
            chars = block.integer("max_chars", 1, TEXT_MOST, 1000)
            return replace(question, lines=block.integer("lines", 1, 30, 1), max_chars=chars)


def _rows(block: Block) -> tuple[Option, ...]:
    """What a matrix asks: the codes are parts of the answers' names."""
    rows = block.options("rows", 1)
    for row in rows:
        if not _CODE.fullmatch(row.code):
            block.fault(block.at("rows"), shown(row.code), "`code = label`, the code of letters, digits and _")
    return rows


def _scale(block: Block) -> tuple[Option, ...]:
    """The options of a scale: numbers from one to another, or a list."""
    if "scale" not in block.said:
        return block.options("options", 2)
    if "options" in block.said:
        block.fault(block.at("scale"), "a scale beside options", "one of the two")
    text = block.text("scale")
    found = re.fullmatch(r"(-?\d{1,3})\.\.(-?\d{1,3})", text)
    if not found or not 1 <= int(found[2]) - int(found[1]) <= 20:
        block.fault(block.at("scale"), shown(text), "two whole numbers such as 1..7, at most 20 apart")
        return ()
    return tuple(Option(str(n), str(n)) for n in range(int(found[1]), int(found[2]) + 1))


def _limited(question: Question, block: Block) -> Question:
    slides = question.kind == "slider"
    low = block.decimal("min", Decimal(0) if slides else None)
    high = block.decimal("max", Decimal(100) if slides else None)
    if low is not None and high is not None and low >= high:
        block.fault(block.at("max"), str(high), f"more than min, which is {low}")
    if slides:
        step = block.decimal("step", Decimal(1)) or Decimal(0)
        span = (high or Decimal(0)) - (low or Decimal(0))
        if step <= 0 or span % step or span / step > STEPS_MOST:
            block.fault(block.at("step"), str(step), f"a number that divides max - min into at most {STEPS_MOST} steps")
            step = Decimal(1)
    else:
        step = Decimal(1).scaleb(-block.integer("decimals", 0, 6, 0))
    return replace(
        question,
        low=low or Decimal(0),
        high=high if high is not None else Decimal(0),
        step=step,
        bounded=(low is not None, high is not None),
        unit=block.text("unit"),
    )


@dataclass(frozen=True, slots=True)
class _Checks:
    """What the keys of a sound question must be to each other."""

    block: Block
    question: Question
    role: Role

    def look(self) -> None:
        """Tell of all that does not fit."""
        question, block = self.question, self.block
        options = len(question.options)
        if question.least > options > 0:
            block.fault(block.at("least"), str(question.least), f"at most {options}, the number of options")
        if question.most is not None and options and not max(question.least, 1) <= question.most <= options:
            limit = f"from {max(question.least, 1)} to {options}, the number of options"
            block.fault(block.at("most"), str(question.most), limit)
        if question.screen_out and self.role == "after":
            block.fault(block.at("screen_out"), "a question after the chat", "questions that screen out before it")
        for key, given in (("correct", question.correct), ("screen_out", question.screen_out)):
            for one in given:
                if expected := self._strange(one):
                    block.fault(block.at(key), shown(one), expected)
        if question.correct and not question.required:
            block.fault(block.at("correct"), "a check that may be left out", "required: true")

    def _strange(self, one: str) -> str:
        """What an answer should be that nobody could give; empty where it is sound."""
        question = self.question
        codes = [option.code for option in question.options]
        if not codes and question.kind in ("single", "multiple", "likert", "matrix"):
            # told already
            return ""
        if question.kind == "matrix":
            row, _, code = one.partition("=")
            sound = row.strip() in {each.code for each in question.rows} and code.strip() in codes
            return "" if sound and one == f"{row.strip()}={code.strip()}" else "row=code, of the rows and options"
        if question.kind in ("slider", "number"):
            return "" if range_of(one) or PLAIN_NUMBER.fullmatch(one) else "a number, or a range such as 0..17"
        if question.kind == "text" or one in codes or (question.kind != "multiple" and range_of(one)):
            return ""
        near = nearest(one, codes)
        return f"{near} (the nearest code)" if near else f"one of the codes {', '.join(codes)}"
