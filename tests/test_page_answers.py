"""What participants fill in: taken as data, or told what is the matter."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.core.pages import Option, Page, Problem, Question, fill, values

NO_YES = (Option("1", "no"), Option("2", "yes"))
ABC = tuple(Option(code, code.upper()) for code in "abc")


def asked(kind: str, **about: object) -> Question:
    return Question(**{"name": "Q", "kind": kind, "text": "?"} | about)


def page(*questions: Question) -> Page:
    return Page(name="before", role="before", hash="", parts=questions)


def filled(question: Question, *given: str, row: str | None = None):
    return fill(page(question), {"Q" if row is None else f"Q.{row}": given})


QUESTIONS = [
    asked("single", options=NO_YES),
    asked("multiple", options=ABC, least=1, most=2),
    asked("likert", options=NO_YES, required=False),
    asked("matrix", options=NO_YES, rows=(Option("x", "X"), Option("y", "Y"))),
    asked("slider"),
    asked("number", low=Decimal(1), high=Decimal("9.5"), step=Decimal("0.1")),
    asked("text", max_chars=20, required=False),
]
FORMS = st.dictionaries(
    st.sampled_from(["Q", "Q.x", "Q.y", "R"]),
    st.lists(st.sampled_from(["1", "2", "a", "b", "c", "", "3,5", "1e5", "nan"]) | st.text(max_size=30), max_size=4),
)


@given(question=st.sampled_from(QUESTIONS), form=FORMS)
def test_whatever_is_sent_is_data_or_a_problem(question, form):
    found = fill(page(question), form)

    wanted = set(question.answers)
    problems = {problem.answer for problem in found.problems}
    assert set(found.answers) | problems <= wanted
    assert not set(found.answers) & problems
    if question.required:
        assert set(found.answers) | problems == wanted
    known = values(question)
    for answer in found.answers.values():
        if known is not None:
            assert answer in list(values(question) or ())
        elif question.kind == "multiple":
            assert 1 <= len(answer.split(",")) <= 2


@given(question=st.sampled_from(QUESTIONS), form=FORMS)
def test_what_was_taken_is_taken_again(question, form):
    taken = fill(page(question), form).answers
    again = {name: answer.split(",") if question.kind == "multiple" else [answer] for name, answer in taken.items()}

    assert fill(page(question), again).answers == taken


@pytest.mark.parametrize(
    ("entered", "answer"),
    [("5", "5"), (" 5 ", "5"), ("5,50", "5.5"), ("5.0", "5"), ("٥", "5"), ("٥٫٥", "5.5"), ("−1", "-1"), ("-0", "0")],
)  # fmt: skip
def test_a_number_is_the_same_however_it_is_written(entered, answer):
    number = asked("number", bounded=(False, False), step=Decimal("0.1"))

    assert filled(number, entered).answers == {"Q": answer}


@pytest.mark.parametrize(
    ("question", "given", "problem"),
    [
        (QUESTIONS[0], [], ("choose", "")),
        (QUESTIONS[0], ["3"], ("unknown", "")),
        (QUESTIONS[1], ["a", "b", "c"], ("too_many", "2")),
        (asked("multiple", options=ABC, least=2), ["a"], ("too_few", "2")),
        (QUESTIONS[1], ["a", "z"], ("unknown", "")),
        (QUESTIONS[5], ["0.9"], ("too_low", "1")),
        (QUESTIONS[5], ["9.6"], ("too_high", "9.5")),
        (QUESTIONS[5], ["2.55"], ("decimals", "1")),
        (asked("number", bounded=(False, False)), ["2,5"], ("whole", "")),
        (asked("number", bounded=(False, False)), ["NaN"], ("not_a_number", "")),
        (asked("number", bounded=(False, False)), ["9" * 31], ("not_a_number", "")),
        (asked("number"), ["  "], ("missing", "")),
        (asked("slider", low=Decimal(1), high=Decimal(9), step=Decimal(4)), ["4"], ("not_a_number", "")),
        (asked("text"), [" \r\n "], ("missing", "")),
        (QUESTIONS[6], ["x" * 21], ("too_long", "20")),
    ],
)
def test_what_is_amiss_is_told(question, given, problem):
    assert filled(question, *given).problems == (Problem("Q", *problem),)


def test_several_choices_are_in_the_order_of_the_options():
    assert filled(QUESTIONS[1], "b", "a").answers == {"Q": "a,b"}


def test_a_text_stays_as_it_was_written():
    text = '  "Grüße", \u200fשלום 😀\r\n, done '

    assert filled(asked("text"), text).answers == {"Q": text.replace("\r\n", "\n")}


def test_each_row_of_a_matrix_is_an_answer():
    found = filled(QUESTIONS[3], "2", row="y")

    assert found.answers == {"Q.y": "2"}
    assert found.problems == (Problem("Q.x", "choose"),)


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (asked("single", options=NO_YES, correct=("2",)), ["2"], ["1"]),
        (asked("multiple", options=ABC, correct=("a", "b")), ["b", "a"], ["a"]),
        (asked("number", bounded=(False, False), correct=("10..12",)), ["11"], ["13"]),
        (asked("slider", correct=("50",)), ["50"], ["51"]),
        (asked("text", correct=("the harbour",)), [" The  Harbour"], ["harbour"]),
    ],
)
def test_a_check_is_passed_by_the_right_answer(question, right, wrong):
    assert filled(question, *right).missed == ()
    assert filled(question, *wrong).missed == ("Q",)


def test_a_check_may_be_one_row_of_a_matrix():
    question = asked("matrix", options=NO_YES, rows=(Option("x", "X"), Option("y", "Y")), correct=("y=2",))

    found = [fill(page(question), {"Q.x": ["1"], "Q.y": [code]}).missed for code in "12"]

    assert found == [("Q",), ()]


@pytest.mark.parametrize(
    ("question", "out", "stays"),
    [
        (asked("single", options=NO_YES, screen_out=("1",)), ["1"], ["2"]),
        (asked("multiple", options=ABC, screen_out=("c",)), ["a", "c"], ["a", "b"]),
        (asked("number", bounded=(False, False), screen_out=("0..17",)), ["17"], ["18"]),
        (asked("number", bounded=(False, False), screen_out=("0..17",), required=False), ["3"], []),
    ],
)
def test_an_answer_may_screen_out(question, out, stays):
    assert filled(question, *out).screened
    assert not filled(question, *stays).screened
