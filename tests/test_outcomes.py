"""Ways out: what is shown at the end of each outcome, and what an address carries."""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.assembly import SetupError, check_setup
from roomful.core.enrolment import OUTCOMES, outcome_of
from roomful.outcomes import OUTCOME_NAMES, Ending, WayOut, WaysOut, signed
from roomful.settings import ServerSettings, SettingsError, load_settings
from tests.test_enrolment_settings import write

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "outcomes.md").read_text("utf-8")
PROLIFIC = "https://app.prolific.com/submissions/complete?cc=[CODE]"
KEY = "a-key-that-nobody-knows"


def ways(key: str | None = None, **ending: object) -> WaysOut:
    return WaysOut(endings={"completed": Ending(**ending)}, key=key)


def faults(folder: Path, study: object) -> list[tuple[str, str]]:
    with pytest.raises(SettingsError) as error:
        load_settings(write(folder, study))
    return [(fault.key, fault.expected) for fault in error.value.faults]


def test_an_outcome_has_its_text_its_code_and_its_address():
    found = ways(text="Thank you!", code="C1X", url=PROLIFIC).way_out("completed", {})

    assert found == WayOut("Thank you!", "C1X", "https://app.prolific.com/submissions/complete?cc=C1X")


def test_an_outcome_that_is_not_declared_has_no_way_out():
    assert ways(text="Thank you!").way_out("timed_out", {}) is None


def test_parameters_are_found_without_regard_to_capitals_and_missing_ones_are_empty():
    url = "https://x.example/[OUTCOME]?id=[prolific_pid]&s=[SESSION]&m=[STUDY_ID]"

    found = ways(url=url).way_out("completed", {"PROLIFIC_PID": "5f9a", "SESSION": "6f1c"})

    assert found.url == "https://x.example/completed?id=5f9a&s=6f1c&m="


@given(st.text())
def test_a_value_comes_back_as_it_was_and_changes_nothing_beside_it(value):
    found = ways(url="https://x.example/a?id=[ID]&b=2#end").way_out("completed", {"ID": value})

    parts = urlsplit(found.url)
    assert (parts.netloc, parts.path, parts.fragment) == ("x.example", "/a", "end")
    expected = value.encode("utf-8", "replace").decode()
    assert parse_qsl(parts.query, keep_blank_values=True) == [("id", expected), ("b", "2")]


def test_a_value_is_not_looked_through_for_parameters_and_a_host_in_brackets_stays():
    found = ways(url="http://[::1]:8000/?a=[A]&b=[B]").way_out("completed", {"A": "[B]", "B": "secret"})

    assert found.url == "http://[::1]:8000/?a=%5BB%5D&b=secret"


def test_a_signature_is_over_the_query_as_it_stands():
    found = ways(KEY, url="https://x.example/?id=[ID]#end", sign=True).way_out("completed", {"ID": "a b"})

    expected = hmac.new(KEY.encode(), b"id=a%20b", sha256).hexdigest()
    assert found.url == f"https://x.example/?id=a%20b&signature={expected}#end"


def test_the_example_of_a_signature_is_right():
    url = next(line for line in PAGE.splitlines() if "signature=" in line and line.startswith("https://"))
    bare = url.partition("&signature=")[0]

    assert signed(bare, KEY) == url
    assert f"ROOMFUL_RETURN_KEY={KEY}" in PAGE


@pytest.mark.parametrize(
    ("ending", "key", "expected"),
    [
        ({"txt": "x"}, "outcomes.completed.txt", "text (the nearest known key)"),
        ({"url": "javascript:alert(1)"}, "outcomes.completed.url", "https://"),
        ({"url": "https://x.example/?id=[PROLIFIC_PDI]"}, "outcomes.completed.url", "[PROLIFIC_PID] (the nearest)"),
        ({"url": "https://x.example/?id=[]"}, "outcomes.completed.url", "one of CODE, OUTCOME"),
        ({"page": "end.html"}, "outcomes.completed.page", ".md"),
        ({"page": "../end.md"}, "outcomes.completed.page", ".md"),
        ({"page": "/etc/end.md"}, "outcomes.completed.page", ".md"),
        ({"page": "missing.md"}, "outcomes.completed.page", "missing.md"),
        ({"page": "end.md", "text": "x"}, "outcomes.completed.page", "one of the two"),
        ({"sign": True}, "outcomes.completed.sign", "parameters to sign"),
        ({"sign": True, "url": "https://x.example/#?id=1"}, "outcomes.completed.sign", "parameters to sign"),
        ({"code": " x"}, "outcomes.completed.code", "name"),
    ],
)
def test_a_fault_is_told_with_its_key(tmp_path, ending, key, expected):
    (found,) = faults(tmp_path, {"entry": [{"panel": "prolific"}], "outcomes": {"completed": ending}})

    assert found[0] == key
    assert expected in found[1]


def test_all_faults_are_told_at_once(tmp_path):
    study = {"outcomes": {"complete": {}, "timed_out": {"url": "ftp://x"}, "no_consent": {"sign": 1}}}

    assert [key for key, _ in faults(tmp_path, study)] == [
        "outcomes.complete",
        "outcomes.no_consent.sign",
        "outcomes.timed_out.url",
    ]


def test_a_page_is_read_and_other_parameters_are_declared(tmp_path):
    (tmp_path / "ends").mkdir()
    (tmp_path / "ends" / "done.md").write_text("# Done\n")
    url = "https://x.example/?t=[transaction]&site=[site]"
    study = {
        "assignment": {"strata": {"site": ["Wien"]}},
        "return_parameters": ["transaction"],
        "outcomes": {"completed": {"page": "ends/done.md", "url": url}},
    }

    loaded = load_settings(write(tmp_path, study)).enrolment

    assert loaded.outcomes["completed"] == Ending(text="# Done\n", page="ends/done.md", url=url)


def test_a_study_that_signs_needs_the_key(tmp_path):
    ending = {"url": "https://x.example/?a=[CODE]", "sign": True}
    study = load_settings(write(tmp_path, {"outcomes": {"completed": ending}}, llm={"provider": "scripted"}))

    with pytest.raises(SetupError, match="completed are to be signed, but ROOMFUL_RETURN_KEY is not set"):
        check_setup(ServerSettings(), study)
    check_setup(ServerSettings(return_key=KEY), study)


def test_the_page_tells_the_whole_vocabulary_and_what_reasons_mean():
    assert [name for name in OUTCOME_NAMES if f"| `{name}` |" not in PAGE] == []
    rows = [f"| `{reason}` | `{outcome}` |" for reason, outcome in OUTCOMES.items()]
    assert [row for row in rows if row not in PAGE] == []
    assert f"| any other: what the operator gave | `{outcome_of('fire_alarm')}` |" in PAGE


def test_the_example_of_the_page_can_be_used(tmp_path):
    example = json.loads(PAGE.split("```json\n")[1].split("```")[0])
    for ending in example["outcomes"].values():
        if "page" in ending:
            (tmp_path / ending["page"]).parent.mkdir(exist_ok=True)
            (tmp_path / ending["page"]).write_text("Thank you.")

    assert set(load_settings(write(tmp_path, example)).enrolment.outcomes) == set(example["outcomes"])
