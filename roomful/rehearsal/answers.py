"""What a stand-in fills in on the pages around the chat: any of the possible answers, and those that are asked for."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from roomful.core.assignment import Variable
from roomful.core.chance import choose, draw
from roomful.core.pages import Form, Page, Question, screens_out, values

type Chance = Callable[..., float]
"""A draw by name."""

TRIES_MOST = 20
"""Answers that are drawn until one does not end the participation."""

REMARK = "No remark: this is a rehearsal."

_OPEN = (Decimal(18), Decimal(80))
"""What stands for the limits of a number that has none: most such questions ask for an age."""


def chance_of(seed: int) -> Chance:
    """The draws of a stand-in for its answers, apart from all others."""
    return lambda *name: draw(seed, "stand-in", "answer", *name)


def entered(page: Page, chance: Chance) -> Form:
    """A page filled in: right where it checks something, and not such that it ends the participation, if possible."""
    return {name: found for question in page.questions for name, found in _entered(question, chance)}


def variables(strata: Sequence[Variable], asked: Sequence[str], chance: Chance) -> dict[str, str]:
    """Values that an entry link would bring for those strata that no page asks for."""
    return {one.name: choose(one.values, chance("variable", one.name)) for one in strata if one.name not in asked}


def _entered(question: Question, chance: Chance) -> list[tuple[str, Sequence[str]]]:
    if question.kind == "matrix":
        right = dict(pair.split("=", 1) for pair in question.correct)
        codes = [option.code for option in question.options]
        return [
            (f"{question.name}.{row.code}", [right.get(row.code) or choose(codes, chance(question.name, row.code))])
            for row in question.rows
        ]
    found = _right(question) or _drawn(question, chance)
    return [(question.name, found)]


def _right(question: Question) -> list[str]:
    """What passes a check; nothing where the question is none."""
    if question.kind == "multiple":
        return list(question.correct)
    # of a range its beginning
    return [question.correct[0].partition("..")[0]] if question.correct else []


def _drawn(question: Question, chance: Chance) -> list[str]:
    found: list[str] = []
    for number in range(TRIES_MOST):
        found = _any(question, lambda *name, number=number: chance(question.name, number, *name))
        if not screens_out(question, {question.name: ",".join(found)}):
            break
    return found


def _any(question: Question, chance: Chance) -> list[str]:
    match question.kind:
        case "text":
            return [REMARK[: question.max_chars]]
        case "multiple":
            least, most = max(question.least, 1), question.most or len(question.options)
            count = least + int(chance("count") * (most - least + 1))
            order = sorted(question.options, key=lambda option: (chance("option", option.code), option.code))
            return [option.code for option in order[:count]]
        case "number" if question.bounded != (True, True):
            low, high = question.bounded
            begin = question.low if low else min(_OPEN[0], question.high) if high else _OPEN[0]
            end = question.high if high else max(_OPEN[1], begin)
            return [str(begin + int(chance("value") * int(end - begin + 1)))]
        case _:
            possible = list(values(question) or ())
            return [choose(possible, chance("value"))] if possible else []
