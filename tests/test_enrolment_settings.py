"""study.json: how people come in, read and checked like the other two files."""

import json
import re
from dataclasses import MISSING, Field, fields
from pathlib import Path

import pytest

from roomful.core.enrolment import EnrolmentRules
from roomful.enrolment_settings import (
    ASSIGNMENT_RULES,
    ENROLMENT_RULES,
    ENTRY_RULES,
    ID_PARAMETERS,
    AssignmentSettings,
    EnrolmentSettings,
    EntryLink,
)
from roomful.settings import SettingsError, load_settings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "enrolment.md").read_text("utf-8")

SIMULATION = {
    "num_agents": 1,
    "agent_names": ["Alice"],
    "messages_per_minute": 1,
    "user_response_probability": 1,
    "context_window_size": 5,
    "session_duration_minutes": 1,
}


def write(folder: Path, study: object, **simulation: object) -> Path:
    (folder / "experimental_settings.json").write_text('{"prompt_template": "x"}')
    (folder / "simulation_settings.json").write_text(json.dumps(SIMULATION | simulation))
    if study is not None:
        (folder / "study.json").write_text(study if isinstance(study, str) else json.dumps(study))
    return folder


def faults(folder: Path, study: object, **simulation: object) -> list[tuple[str, str]]:
    with pytest.raises(SettingsError) as error:
        load_settings(write(folder, study, **simulation))
    return [(Path(fault.file).name, fault.key) for fault in error.value.faults]


@pytest.mark.parametrize("study", [None, {}])
def test_without_the_file_a_study_is_as_it_was(tmp_path, study):
    loaded = load_settings(write(tmp_path, study))

    assert loaded.enrolment == EnrolmentSettings()
    assert loaded.rules == EnrolmentRules()


def test_every_key_can_be_set(tmp_path):
    loaded = load_settings(
        write(
            tmp_path,
            {
                "entry": [{"panel": "prolific"}, {"panel": "label", "name": "desks", "id_parameter": "desk"}],
                "assignment": {
                    "method": "blocks",
                    "block_size": 8,
                    "strata": {"site": ["Berlin", "Wien"]},
                    "reserve_minutes": 5,
                    "release_minutes": 0,
                },
                "repeat": True,
                "opens": "2026-03-02T09:00:00+01:00",
                "closes": "2026-03-02T09:00:00Z",
                "max_live_sessions": 40,
            },
            seed=9,
        )
    )

    assert loaded.enrolment == EnrolmentSettings(
        entry=(EntryLink(panel="prolific"), EntryLink(panel="label", name="desks", id_parameter="desk")),
        assignment=AssignmentSettings(
            method="blocks",
            block_size=8,
            strata={"site": ("Berlin", "Wien")},
            reserve_minutes=5,
            release_minutes=0,
        ),
        repeat=True,
        opens=1_772_438_400.0,
        closes=1_772_442_000.0,
        max_live_sessions=40,
    )
    assert (loaded.rules.assignment.seed, loaded.rules.links, loaded.rules.reserve_for) == (
        9,
        ("prolific", "desks"),
        300,
    )


@pytest.mark.parametrize(
    ("study", "keys"),
    [
        ("[]", [""]),
        ("{", [""]),
        ({"entri": []}, ["entri"]),
        ({"entry": {}}, ["entry"]),
        ({"entry": [{}]}, ["entry[0].panel"]),
        ({"entry": [{"panel": "prolifik"}, {"panel": "sona", "x": 1}]}, ["entry[0].panel", "entry[1].x"]),
        ({"entry": [{"panel": "sona"}, {"panel": "sona"}]}, ["entry[1].name", "entry[1].id_parameter"]),
        (
            {"entry": [{"panel": "sona"}, {"panel": "label", "id_parameter": "SURVEY_CODE"}]},
            ["entry[1].id_parameter"],
        ),
        ({"entry": [{"panel": "anonymous", "id_parameter": "x"}]}, ["entry[0].id_parameter"]),
        ({"assignment": {"method": "random", "strata": {"sex": []}}}, ["assignment.method", "assignment.strata.sex"]),
        (
            {"assignment": {"strata": {"sex": ["f", "f", "other"]}}},
            ["assignment.strata.sex[1]", "assignment.strata.sex[2]"],
        ),
        ({"assignment": {"block_size": 4}}, ["assignment.block_size"]),
        (
            {"assignment": {"reserve_minutes": 0, "release_minutes": -1}},
            ["assignment.reserve_minutes", "assignment.release_minutes"],
        ),
        ({"repeat": "yes", "max_live_sessions": 0}, ["repeat", "max_live_sessions"]),
        ({"before_chat_minutes": 0}, ["before_chat_minutes"]),
        ({"before_chat_minutes": 20_000}, ["before_chat_minutes"]),
        ({"opens": "2026-03-02T09:00:00"}, ["opens"]),
        ({"opens": "soon", "closes": 5}, ["opens", "closes"]),
        ({"opens": "2026-03-02T09:00:00Z", "closes": "2026-03-02T09:00:00Z"}, ["closes"]),
    ],
)
def test_every_fault_is_told_with_its_key(tmp_path, study, keys):
    assert faults(tmp_path, study) == [("study.json", key) for key in keys]


def test_the_faults_of_all_files_are_told_at_once(tmp_path):
    found = faults(tmp_path, {"repeat": 1}, num_agents=7)

    assert found == [("simulation_settings.json", "num_agents"), ("study.json", "repeat")]


# --- the documentation


def documented(prefix: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines()]
    return {row[0].strip("`").removeprefix(prefix): row[1:] for row in cells if row[0].startswith(f"`{prefix}")}


def default(field: Field[object]) -> str:
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    if value is MISSING:
        return "*required*"
    return "`{}`" if isinstance(value, AssignmentSettings) else f"`{json.dumps(value)}`"


@pytest.mark.parametrize(
    ("kind", "rules", "prefix"),
    [
        (EnrolmentSettings, ENROLMENT_RULES, ""),
        (AssignmentSettings, ASSIGNMENT_RULES, "assignment."),
        (EntryLink, ENTRY_RULES, "entry[]."),
    ],
)
def test_every_key_has_its_rule_and_is_documented(kind, rules, prefix):
    rows = documented(prefix)

    assert [field.name for field in fields(kind)] == list(rules)
    for field in fields(kind):
        assert rows[field.name][1] == default(field)


def test_every_panel_is_documented():
    for panel, parameter in ID_PARAMETERS.items():
        assert re.search(rf'^\| `"{panel}"` \| {f"`{parameter}`" if parameter else "–"} \|', PAGE, re.MULTILINE)


def test_the_examples_of_the_page_load(tmp_path):
    examples = [block for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if '"session_id"' not in block]

    assert examples
    for example in examples:
        assert load_settings(write(tmp_path, example)).enrolment != EnrolmentSettings()
