"""Tokens from CSV files: every fault with its line, and nothing taken of a file that has one."""

from pathlib import Path

import pytest

from roomful.core.roster import StudyState
from roomful.core.study import Treatment
from roomful.enrolment_settings import AssignmentSettings, EnrolmentSettings
from roomful.rules import SettingsError
from roomful.settings import StudySettings
from roomful.token_file import hashed, read_tokens
from tests.asgi import study
from tests.enrolling import Door, token

BASE = study()
STUDY = StudySettings(
    BASE.experimental,
    BASE.simulation,
    tuple(
        Treatment(name=name, experimental=BASE.experimental, simulation=BASE.simulation) for name in ("warm", "cold")
    ),
    EnrolmentSettings(assignment=AssignmentSettings(strata={"site": ("Berlin", "Wien")})),
)


def faults(folder: Path, text: str | bytes, state: StudyState | None = None) -> list[str]:
    path = folder / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        _, found = read_tokens(path, STUDY, state or StudyState())
    except SettingsError as error:
        found = list(error.faults)
    return [f"{fault.key}: {fault.found}" for fault in found]


def test_a_whole_file_is_read_with_commas_quotes_and_line_breaks(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(
        "\ufefftoken,participant_id,label,treatment,test,site\r\n"
        'secret-1,P1,"Desk 1, left",warm,,Wien\r\n'
        "\r\n"
        "secret-2,P2,,,yes,\r\n",
        "utf-8",
        newline="",
    )

    tokens, found = read_tokens(path, STUDY, StudyState())

    assert found == []
    assert tokens == (
        token("secret-1", label="Desk 1, left", participant="P1", treatment="warm", variables={"site": "Wien"}),
        token("secret-2", label="002", participant="P2", test=True),
    )


def test_semicolons_separate_where_spreadsheets_write_them(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("token;label\nsecret-1;a,b\n", "utf-8")

    tokens, found = read_tokens(path, STUDY, StudyState())

    assert (found, tokens) == ([], (token("secret-1", label="a,b"),))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["line 1: no columns"]),
        ("tokens,label\nsecret-1,a\n", ["line 1: the columns tokens, label", "line 1, tokens: an unknown column"]),
        ("token\n", [": no tokens"]),
        ("token,token\na,b\n", ["line 1, token: the column more than once"]),
        ("token,lable\nsecret-1,a\n", ["line 1, lable: an unknown column"]),
        ("token,label\nsecret-1\n", ["line 2: 1 cells"]),
        ('token\n"secret-1\n', ["line 2: a fault (unexpected end of data)"]),
        (b"token\n\xff\xfe\n", [": the byte 0xff on line 2, which is not UTF-8"]),
        ("token\n1234\n", ["line 2, token: 4 characters"]),
        ("token,label\n,a\n", ["line 2, token: nothing"]),
        ("token,treatment\nsecret-1,warn\n", ['line 2, treatment: "warn"']),
        ("token,test\nsecret-1,maybe\n", ['line 2, test: "maybe"']),
        ("token,site\nsecret-1,Rome\n", ['line 2, site: "Rome"']),
        ("token,participant_id\nsecret-1,P1\nsecret-2,P1\n", ['line 3, participant_id: "P1" that line 2 has already']),
        (
            "token,treatment\nsecret-1,hot\nx,warm\n\nsecret-1,warm\n",
            [
                'line 2, treatment: "hot"',
                "line 3, token: 1 characters",
                "line 5, token: a token that line 2 has already",
            ],
        ),
    ],
)
def test_every_fault_is_told_with_its_line(tmp_path, text, found):
    assert faults(tmp_path, text) == found


def test_line_breaks_within_cells_do_not_shift_the_lines(tmp_path):
    assert faults(tmp_path, 'token,label\nsecret-1,"a\nb"\nx,c\n') == [
        'line 2, label: "a\\nb"',
        "line 4, token: 1 characters",
    ]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        read_tokens(tmp_path / "nowhere.csv", STUDY, StudyState())


def test_tokens_that_the_study_has_are_told_unless_the_whole_file_was_taken_before(tmp_path):
    door = Door()
    door.create("secret-1", "secret-2")

    assert faults(tmp_path, "token\nsecret-1\nsecret-3\n", door.state) == [
        "line 2, token: a token that the study has already (secret-1)"
    ]
    assert faults(tmp_path, "token\nsecret-1\nsecret-2\n", door.state) == []


def test_a_token_is_never_shown_in_a_fault(tmp_path):
    text = "token,treatment\nvery-secret,hot\nvery-secret,cold\n" + "very-secret" * 20 + ",cold\n"

    assert not any("very-secret" in fault for fault in faults(tmp_path, text))


def test_a_token_is_known_by_its_hash():
    assert hashed("1234") == "03ac674216f3e15c761ee1a5e255f067953623c8b388b4459e13f978d7c846f4"
