"""Pages as files: what may stand in them, every fault of what may not, and what the rest of a study makes of them."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.core.pages import Option, Page, Question
from roomful.pages import _FRONT, _read_page, load_pages
from roomful.questions import QUESTION_KEYS
from roomful.settings import SettingsError, load_settings
from tests.paging import DOCS, documented, faults, question, read, write

EXAMPLES = Path(__file__).parent.parent / "examples"
SINGLE = {"name": "Q1", "kind": "single", "text": "Well?", "options": ["1 = no", "2 = yes"]}


def one(folder: Path, **keys: object) -> Question:
    """The question of a page that has one."""
    (page,) = read(folder, {"before.md": question(**SINGLE | keys)})
    return page.questions[0]


def told(folder: Path, role: str = "before", **keys: object) -> list[str]:
    """The faults of a page with one question; None takes a key out."""
    block = {key: value for key, value in (SINGLE | keys).items() if value is not None}
    return faults(folder, {f"{role}.md": question(**block)})


# --- what may be there


def test_the_examples_of_the_documentation_are_pages(tmp_path):
    pages = read(tmp_path, documented())

    assert [page.name for page in pages] == [
        "consent",
        "instructions",
        "before-1",
        "before-2",
        "after",
        "debrief",
        "end",
    ]
    assert {question.kind for page in pages for question in page.questions} == set(QUESTION_KEYS)


def test_every_key_is_documented():
    text = DOCS.read_text("utf-8")
    front, questions = text.partition("## Questions")[::2]

    for keys, words in ((_FRONT.values(), front), (QUESTION_KEYS.values(), questions)):
        rows = re.findall(r"^\| (.*?) \|", words, re.MULTILINE)
        named = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
        assert {key for kind in keys for key in kind} <= named


def test_a_study_without_the_folder_has_no_pages(tmp_path):
    assert load_pages(tmp_path, []) == ()


def test_pages_come_in_the_order_of_roles_and_of_numbers(tmp_path):
    names = ["end.md", "before-10.md", "before-2.md", "instructions-b.md", "instructions-a.md", "after.md"]

    pages = read(tmp_path, dict.fromkeys(names, "Words."))

    assert [page.name for page in pages] == [
        "instructions-a",
        "instructions-b",
        "before-2",
        "before-10",
        "after",
        "end",
    ]


def test_words_and_questions_keep_their_order_and_their_lines(tmp_path):
    text = f"---\ntitle: About\n  you\n---\nFirst.\n\n{question(**SINGLE)}\nThen.\n\n```text\nkept\n```\n"

    (page,) = read(tmp_path, {"before.md": text})

    first, asked, last = page.parts
    assert (page.title, first, last) == ("About you", "First.", "Then.\n\n```text\nkept\n```")
    assert asked.line == 7
    assert asked.options == (Option("1", "no"), Option("2", "yes"))


def test_the_hash_is_that_of_the_file(tmp_path):
    (page,) = read(tmp_path, {"end.md": "Bye.\n"})

    assert page.hash == sha256(b"Bye.\n").hexdigest()


def test_an_option_without_a_code_is_its_own_code(tmp_path):
    assert one(tmp_path, options=["rather no", "1 = a = b"]).options == (
        Option("rather no", "rather no"),
        Option("1", "a = b"),
    )


def test_a_scale_is_numbers_from_one_end_to_the_other(tmp_path):
    (page,) = read(tmp_path, {"before.md": question(name="Q", kind="likert", text="?", scale="-2..2")})

    assert [option.code for option in page.questions[0].options] == ["-2", "-1", "0", "1", "2"]


# --- what may not


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"name": None}, "line 1, name: found nothing, expected a text"),
        ({"name": "1st"}, 'line 2, name: found "1st", expected a letter, then letters, digits and _, at most 40'),
        ({"kind": "singel"}, "(the nearest: single)"),
        ({"text": ""}, "line 4, text: found nothing, expected a text"),
        ({"textt": "x"}, "textt: found an unknown key, expected text (the nearest known key)"),
        ({"required": "perhaps"}, 'required: found "perhaps", expected true or false'),
        ({"options": ["1 = a"]}, "options: found 1 of them, expected a list of at least 2 options"),
        ({"options": "a, b"}, 'options: found "a, b", expected a list of at least 2 options'),
        ({"options": ["1 = a", "1 = b"]}, 'line 7, options: found the code "1" once more, expected a code of its own'),
        ({"options": ["a, b", "c"]}, 'line 6, options: found "a, b", expected `code = label`, the code without comma'),
        ({"correct": "3"}, 'correct: found "3", expected one of the codes 1, 2'),
        ({"screen_out": "3"}, 'screen_out: found "3", expected one of the codes 1, 2'),
        ({"correct": "1", "required": "false"}, "correct: found a check that may be left out, expected required: true"),
        ({"kind": "multiple", "most": "3"}, "most: found 3, expected from 1 to 2, the number of options"),
        ({"kind": "multiple", "least": "3"}, "least: found 3, expected at most 2, the number of options"),
        ({"kind": "likert", "scale": "1..3"}, "scale: found a scale beside options, expected one of the two"),
        ({"kind": "likert", "options": None, "scale": "3..1"}, "expected two whole numbers such as 1..7"),
        ({"kind": "matrix", "rows": ["a b"]}, 'rows: found "a b", expected `code = label`, the code of letters'),
        ({"kind": "matrix", "rows": None}, "rows: found nothing, expected a list of at least 1 options"),
        ({"kind": "matrix", "rows": ["a = x"], "correct": "a=3"}, 'correct: found "a=3", expected row=code'),
        ({"kind": "slider", "options": None, "max": "-1"}, "max: found -1, expected more than min, which is 0"),
        ({"kind": "slider", "options": None, "step": "7"}, "step: found 7, expected a number that divides max - min"),
        ({"kind": "slider", "options": None, "step": "0"}, "step: found 0, expected a number that divides max - min"),
        ({"kind": "number", "options": None, "min": "a"}, 'min: found "a", expected a number'),
        (
            {"kind": "number", "options": None, "screen_out": "x"},
            'screen_out: found "x", expected a number, or a',
        ),
        ({"kind": "text", "options": None, "max_chars": "5000"}, "expected an integer from 1 to 4000"),
        ({"kind": "text"}, "options: found an unknown key"),
    ],
)
def test_a_question_with_a_fault_is_told_by_file_line_and_key(tmp_path, keys, expected):
    found = told(tmp_path, **keys)

    assert any(fault.startswith("before.md: line ") and expected in fault for fault in found), found


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("consent.md", "Words.", "line 1, version: found nothing, expected a text"),
        ("consent.md", "---\nversion: 1\nrequird: no\n---\nx", "line 3, requird: found an unknown key"),
        ("before.md", "---\nversion 1\n---\nx", 'line 2: found "version 1", expected key: value'),
        ("before.md", "---\ntitle: a\n\nx", "line 1: found --- with no second one"),
        ("before.md", "---\ntitle: a\ntitle: b\n---\nx", "line 3, title: found the key more than once"),
        ("before.md", "---\ntries: 0\n---\nx", 'line 2, tries: found "0", expected an integer from 1 to 20'),
        ("before.md", "---\ntime_limit_seconds: 1.5\n---\nx", 'found "1.5", expected an integer from 1 to 86400'),
        ("before.md", "---\ntime_limit_seconds: 0\n---\nx", 'line 2, time_limit_seconds: found "0", expected'),
        ("debrief.md", "---\ntime_limit_seconds: 60\n---\nx", "time_limit_seconds: found an unknown key"),
        ("before.md", "---\non_failure: ende\n---\nx", "(the nearest: end)"),
        ("before.md", "---\ndata_consent: x\n---\nx", "data_consent: found an unknown key"),
        ("before.md", "", "found an empty page"),
        ("before.md", "a\n\n![logo](x.png)", "line 3: found an image"),
        ("before.md", "- a\n\n  ```question\n  name: Q\n  ```\n", "a question within a list or a quote"),
        ("before.md", "```qestion\nname: Q\n```\n", 'line 1: found "qestion", expected question'),
        ("end.md", question(**SINGLE), "line 1: found a question on the end page"),
        ("debrief.md", question(**SINGLE), "line 1: found a question on the debrief page"),
        ("befor.md", "x", "found a name that tells no role, expected one of consent, "),
        ("end-screened.md", "x", "expected end-screened_out (the nearest outcome)"),
    ],
)
def test_a_page_with_a_fault_is_told_by_file_line_and_key(tmp_path, name, text, expected):
    (found,) = faults(tmp_path, {name: text})

    assert found.startswith(f"{name}: ")
    assert expected in found


def test_text_that_is_not_utf_8_is_told(tmp_path):
    write(tmp_path, {})
    (tmp_path / "pages" / "end.md").write_bytes(b"a\n\xff")
    found = []
    load_pages(tmp_path, found)

    assert "0xff on line 2" in str(found[0])


def test_texts_of_one_page_have_a_limit_together(tmp_path):
    texts = [question(name=f"T{n}", kind="text", text="?", max_chars=1500) for n in range(3)]

    assert "texts of 4500 characters" in faults(tmp_path, {"before.md": "\n".join(texts)})[0]


def test_all_faults_of_all_pages_are_told_at_once(tmp_path):
    pages = {
        "before-1.md": question(**SINGLE) + question(**SINGLE | {"name": "q1"}),
        "before-2.md": question(**SINGLE) + question(**SINGLE | {"name": "Q2", "kindd": "x", "correct": "9"}),
        "debrief.md": "x",
        "debrief-2.md": "x",
    }

    found = faults(tmp_path, pages)

    assert [fault.partition(": found")[0] for fault in found if "/pages" not in fault] == [
        "before-2.md: line 16, kindd",
        "before-2.md: line 17, correct",
        "before-1.md: line 9, name",
        "before-2.md: line 1, name",
    ]
    assert any(": debrief: found 2 files, expected one file of this role" in fault for fault in found)


def test_a_question_after_the_chat_screens_nobody_out(tmp_path):
    assert "screen_out: found a question after the chat" in told(tmp_path, "after", screen_out="1")[0]


@given(st.text(alphabet=st.sampled_from("`-:= \n#*[]()ab1question kindname"), max_size=200))
def test_whatever_stands_in_a_file_is_a_page_or_a_fault(text):
    found: list[object] = []
    page = _read_page("before", "before", text, found)

    assert isinstance(page, Page)
    assert all(fault.found and fault.expected for fault in found)


# --- pages and the other files

ROOM = {
    "num_agents": 2,
    "agent_names": ["Alice", "Bob"],
    "messages_per_minute": 1,
    "user_response_probability": 1,
    "context_window_size": 5,
    "session_duration_minutes": 1,
}


def study(
    folder: Path, pages: dict[str, str], *, positions: object = None, asked: str = "Q1", **enrolment: object
) -> Path:
    """A study with these pages, perhaps with stances towards the answer to a question."""
    experimental: dict[str, object] = {"prompt_template": "x"}
    if positions:
        named = [{"answers": answers, "stance": f"You think {answers[0]}."} for answers in positions]
        experimental["stances"] = {"question": asked, "agree": 1, "disagree": 1, "positions": named}
    write(folder, pages)
    (folder / "experimental_settings.json").write_text(json.dumps(experimental))
    (folder / "simulation_settings.json").write_text(json.dumps(ROOM))
    (folder / "study.json").write_text(json.dumps(enrolment))
    return folder


def refused(folder: Path) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_settings(folder)
    return [str(fault).removeprefix(f"{folder}/") for fault in error.value.faults]


@pytest.mark.parametrize(
    ("asked", "more", "expected"),
    [
        ("Q", {}, 'stances.question: found "Q", asked on no page, expected Q1 (the nearest)'),
        ("Q1", {"required": "false"}, "stances.question: found Q1 (before.md), which may be left out"),
        ("Q1", {"options": ["1 = a", "2 = b", "5 = c"]}, "stances.positions: found none for 5 of Q1 (before.md)"),
        ("Q1", {"kind": "multiple"}, "stances.question: found Q1 (before.md), whose answers cannot be counted"),
        ("Q1", {"kind": "slider", "options": None}, "stances.positions: found none for 0, 4, 5, 6, 7 and 93 more"),
    ],
)
def test_stances_must_fit_the_question(tmp_path, asked, more, expected):
    block = {key: value for key, value in (SINGLE | more).items() if value is not None}
    folder = study(tmp_path, {"before.md": question(**block)}, positions=[[1, 2], ["3..3"]], asked=asked)

    (found,) = refused(folder)

    assert found.startswith(f"experimental_settings.json: {expected}")


def test_stances_towards_a_question_after_the_chat_are_a_fault(tmp_path):
    folder = study(tmp_path, {"after.md": question(**SINGLE)}, positions=[[1], [2]])

    assert "a question after the chat" in refused(folder)[0]


def test_stances_may_be_towards_a_row_of_a_matrix(tmp_path):
    page = question(name="M", kind="matrix", text="?", rows=["a = A"], scale="1..2")

    assert load_settings(study(tmp_path, {"before.md": page}, positions=[[1], [2]], asked="M.a")).pages


def test_without_pages_stances_are_as_they_were(tmp_path):
    assert load_settings(study(tmp_path, {}, positions=[[1], [2]])).pages == ()


@pytest.mark.parametrize(
    ("pages", "strata", "expected"),
    [
        ({"before.md": question(**SINGLE)}, {"Q1": ["1", "3"]}, 'found "3", expected one of the codes 1, 2'),
        ({"after.md": question(**SINGLE)}, {"Q1": ["1"]}, "found a question of after.md, after the chat"),
        ({"before.md": question(name="Q1", kind="text", text="?")}, {"Q1": ["1"]}, "found a question of the kind text"),
    ],
)
def test_strata_must_fit_the_question(tmp_path, pages, strata, expected):
    (found,) = refused(study(tmp_path, pages, assignment={"strata": strata}))

    assert found.startswith(f"study.json: assignment.strata.Q1: {expected}")


def test_who_deceives_must_debrief(tmp_path):
    folder = study(tmp_path, {"before.md": "x"}, deception=True)
    (found,) = refused(folder)
    write(folder, {"debrief.md": "It was not so."})

    assert found == "study.json: deception: found true without a debrief page, expected a file pages/debrief.md"
    assert load_settings(folder).enrolment.deception


def test_a_time_before_the_chat_needs_pages_before_it(tmp_path):
    folder = study(tmp_path, {"after.md": "x"}, before_chat_minutes=20)
    (found,) = refused(folder)
    write(folder, {"before.md": "---\ntime_limit_seconds: 90\n---\nx"})
    rules = load_settings(folder).rules

    expected = "null, or pages before it in the folder pages"
    assert (
        found == f"study.json: before_chat_minutes: found a limit without a page before the chat, expected {expected}"
    )
    assert rules.before_chat == 1200.0
    assert [page.time_limit for page in rules.pages] == [90, None]


def test_the_log_is_told_of_every_page():
    study = load_settings(EXAMPLES / "two_by_two")

    assert [(page.name, page.version) for page in study.rules.pages] == [
        ("consent", "1"),
        ("before", None),
        ("after", None),
        ("debrief", None),
        ("end", None),
    ]
    assert study.rules.pages[1].asks == ("Q1", "topic")
