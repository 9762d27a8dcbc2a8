"""The settings: what loads, and that every fault is told, all at once and in words."""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import get_type_hints

import pytest
from google.genai import types as genai
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from roomful.core.study import ExperimentalSettings, LLMSettings, SimulationSettings
from roomful.settings import (
    EXPERIMENTAL_RULES,
    LLM_RULES,
    SIMULATION_RULES,
    Fault,
    SettingsError,
    load_settings,
)

ROOT = Path(__file__).parent.parent
EXPERIMENTAL: dict[str, object] = {"prompt_template": "You are {name}, a neighbour. {not a field}"}
SIMULATION: dict[str, object] = {
    "num_agents": 2,
    "agent_names": ["Alice", "Bob"],
    "messages_per_minute": 6,
    "user_response_probability": 0.8,
    "context_window_size": 10,
    "session_duration_minutes": 15,
}


def write(folder: Path, experimental: object = EXPERIMENTAL, simulation: object = SIMULATION) -> Path:
    for name, content in (("experimental", experimental), ("simulation", simulation)):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / f"{name}_settings.json").write_bytes(data)
    return folder


def faults(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(folder)
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)
    return caught.value.faults


def only_fault(folder: Path) -> Fault:
    (fault,) = faults(folder)
    return fault


def simulation(**changes: object) -> dict[str, object]:
    return SIMULATION | changes


# --- the study's files


def test_the_seven_keys_of_the_first_release_are_enough(tmp_path):
    study = load_settings(write(tmp_path))

    assert study.experimental == ExperimentalSettings(prompt_template="You are {name}, a neighbour. {not a field}")
    assert study.simulation == SimulationSettings(
        num_agents=2,
        agent_names=("Alice", "Bob"),
        messages_per_minute=6,
        user_response_probability=0.8,
        context_window_size=10,
        session_duration_minutes=15,
    )


def test_the_example_study_loads_and_leaves_the_model_open():
    study = load_settings(ROOT / "config")

    assert study.simulation.num_agents == 5
    assert study.simulation.llm == LLMSettings()


def test_every_key_of_the_model_can_be_set(tmp_path):
    llm = {
        "provider": "gemini",
        "model": "gemini-2.5-pro",
        "temperature": 0,
        "top_p": None,
        "max_output_tokens": 100,
        "thinking_budget": -1,
        "safety_settings": {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        "timeout_seconds": 5,
        "max_attempts": 1,
        "max_concurrent_calls": 7,
        "requests_per_minute": 30,
        "max_tokens_per_session": 1000,
        "max_cost_per_session": 0.5,
        "input_price_per_million": 0.3,
        "output_price_per_million": 2.5,
    }
    assert llm.keys() == LLM_RULES.keys()

    assert load_settings(write(tmp_path, simulation=simulation(llm=llm))).simulation.llm == LLMSettings(**llm)


@pytest.mark.parametrize(
    ("kind", "rules"),
    [(ExperimentalSettings, EXPERIMENTAL_RULES), (SimulationSettings, SIMULATION_RULES), (LLMSettings, LLM_RULES)],
)
def test_every_field_has_its_rule(kind, rules):
    assert [field.name for field in fields(kind)] == list(rules)


def test_the_faults_of_both_files_are_told_at_once(tmp_path):
    broken = {**simulation(num_agents="2", llm={"temperature": 3}), "sed": 1}
    del broken["context_window_size"]

    found = faults(write(tmp_path, experimental={"prompt_template": 5}, simulation=broken))

    assert [(Path(fault.file).name, fault.key) for fault in found] == [
        ("experimental_settings.json", "prompt_template"),
        ("simulation_settings.json", "sed"),
        ("simulation_settings.json", "context_window_size"),
        ("simulation_settings.json", "num_agents"),
        ("simulation_settings.json", "llm.temperature"),
    ]


def test_a_fault_is_one_line_with_file_key_found_and_expected(tmp_path):
    folder = write(tmp_path, simulation=simulation(llm={"temperature": "hot"}))

    with pytest.raises(SettingsError) as caught:
        load_settings(folder)

    file = folder / "simulation_settings.json"
    assert str(caught.value) == (
        f'The settings have a fault:\n- {file}: llm.temperature: found "hot", expected a number from 0 to 2, or null'
    )


def test_a_missing_file_says_where_it_was_looked_for(tmp_path):
    found = faults(tmp_path / "nowhere")

    assert [fault.found for fault in found] == ["no such file"] * 2
    assert str(tmp_path / "nowhere" / "simulation_settings.json") in found[1].expected


def test_a_folder_in_a_file_s_place_is_a_fault(tmp_path):
    write(tmp_path)
    (tmp_path / "experimental_settings.json").unlink()
    (tmp_path / "experimental_settings.json").mkdir()

    assert only_fault(tmp_path).expected == "a file that can be read"


def test_bad_json_names_line_and_column(tmp_path):
    fault = only_fault(write(tmp_path, experimental=b'{\n  "prompt_template": oops\n}'))

    assert "line 2, column 22" in fault.found
    assert fault.expected == "JSON"


def test_a_byte_order_mark_does_no_harm(tmp_path):
    folder = write(tmp_path, experimental=b"\xef\xbb\xbf" + json.dumps(EXPERIMENTAL).encode())

    assert load_settings(folder).experimental.prompt_template == EXPERIMENTAL["prompt_template"]


def test_text_that_is_not_utf_8_is_a_fault_with_its_line(tmp_path):
    fault = only_fault(write(tmp_path, experimental='{\n"prompt_template": "café"}'.encode("latin-1")))

    assert fault.found == "the byte 0xe9 on line 2, which is not UTF-8"


def test_a_key_that_stands_twice_is_a_fault(tmp_path):
    text = json.dumps(simulation(llm={"top_p": 1})).replace('"top_p": 1', '"top_p": 1, "top_p": 0.5')

    fault = only_fault(write(tmp_path, simulation=text.encode()))

    assert (fault.key, fault.found) == ("llm.top_p", "the key more than once")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_a_number_that_is_not_finite_is_a_fault(tmp_path, value):
    text = json.dumps(simulation(messages_per_minute=0)).replace('minute": 0', f'minute": {value}')

    assert only_fault(write(tmp_path, simulation=text.encode())).key == "messages_per_minute"


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"prompt_template": ' + b"1" * 5000 + b"}"]
)
def test_a_file_that_is_no_object_of_settings_is_a_fault(tmp_path, text):
    assert faults(write(tmp_path, experimental=text))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_agents", 0),
        ("num_agents", True),
        ("num_agents", "2"),
        ("num_agents", 2.5),
        ("agent_names", "Alice"),
        ("messages_per_minute", -1),
        ("messages_per_minute", False),
        ("messages_per_minute", "6"),
        ("user_response_probability", 1.01),
        ("user_response_probability", -0.01),
        ("context_window_size", -1),
        ("session_duration_minutes", 0),
        ("reconnect_grace_seconds", -1),
        ("participant_name", ""),
        ("participant_name", " Sam"),
        ("participant_name", None),
        ("seed", None),
        ("seed", 2**53),
        ("llm", []),
        ("llm", None),
    ],
)
def test_a_value_outside_its_range_is_a_fault(tmp_path, key, value):
    fault = only_fault(write(tmp_path, simulation=simulation(**{key: value})))

    assert fault.key == key
    assert SIMULATION_RULES[key].expected in fault.expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("provider", "gemni"),
        ("model", ""),
        ("temperature", 2.1),
        ("temperature", True),
        ("top_p", 1.1),
        ("max_output_tokens", 0),
        ("thinking_budget", -2),
        ("timeout_seconds", 0),
        ("timeout_seconds", 20000),
        ("max_attempts", 0),
        ("max_concurrent_calls", 0),
        ("requests_per_minute", 0),
        ("max_tokens_per_session", 0),
        ("max_cost_per_session", 0),
        ("max_cost_per_session", 1),
        ("input_price_per_million", -1),
        ("safety_settings", []),
    ],
)
def test_a_model_s_value_outside_its_range_is_a_fault(tmp_path, key, value):
    assert only_fault(write(tmp_path, simulation=simulation(llm={key: value}))).key == f"llm.{key}"


def test_a_whole_number_with_a_point_is_an_integer(tmp_path):
    study = load_settings(write(tmp_path, simulation=simulation(num_agents=2.0)))

    assert study.simulation.num_agents == 2
    assert isinstance(study.simulation.num_agents, int)


def test_an_unknown_key_is_a_fault_with_the_nearest_known_one(tmp_path):
    fault = only_fault(write(tmp_path, simulation=simulation(llm={"Temprature": 1})))

    assert fault.key == "llm.Temprature"
    assert fault.expected == "temperature (the nearest known key)"


def test_an_unknown_key_like_no_other_is_told_with_all_known_ones(tmp_path):
    fault = only_fault(write(tmp_path, simulation=simulation(zzz=1)))

    assert "num_agents, agent_names" in fault.expected


def test_safety_settings_are_known_by_gemini_s_names(tmp_path):
    safety = {"HARM_CATEGORY_HARASMENT": "OFF", "HARM_CATEGORY_HATE_SPEECH": "BLOCK_NOE"}

    category, threshold = faults(write(tmp_path, simulation=simulation(llm={"safety_settings": safety})))

    assert category.expected == "HARM_CATEGORY_HARASSMENT (the nearest known key)"
    assert threshold.key == "llm.safety_settings.HARM_CATEGORY_HATE_SPEECH"
    assert '(the nearest: "BLOCK_NONE")' in threshold.expected


def test_gemini_s_own_client_knows_every_name_that_is_accepted():
    words = set(re.findall(r"[A-Z_]{3,}", LLM_RULES["safety_settings"].expected))

    assert len(words) == 10
    assert words <= {item.value for item in genai.HarmCategory} | {item.value for item in genai.HarmBlockThreshold}


@pytest.mark.parametrize(
    ("names", "index"),
    [
        (["Alice", ""], 1),
        (["Alice", "  "], 1),
        (["Alice", "\u200b"], 1),
        (["Alice", "Bob\nAlice:"], 1),
        (["Alice", "Bob\u2028"], 1),
        (["Alice", "B\u0000b"], 1),
        (["Alice", "\ud800"], 1),
        (["Alice", 5], 1),
        (["Alice", "ALICE"], 1),
        (["Zo\u00eb", "Zoe\u0308"], 1),
        (["Straße", "STRASSE"], 1),
        (["User", "Bob"], 0),
        (["Alice", "you"], 1),
    ],
)
def test_a_name_that_could_be_mistaken_is_a_fault(tmp_path, names, index):
    assert only_fault(write(tmp_path, simulation=simulation(agent_names=names))).key == f"agent_names[{index}]"


def test_every_bad_name_is_told(tmp_path):
    found = faults(
        write(tmp_path, simulation=simulation(num_agents=5, agent_names=["user", "Eve", "eve", "", "Sam\n"]))
    )

    assert [fault.key for fault in found] == [f"agent_names[{index}]" for index in (3, 4, 0, 2)]


def test_a_participant_who_chooses_a_name_leaves_ask_to_the_agents(tmp_path):
    folder = write(tmp_path, simulation=simulation(participant_name="ask", agent_names=["Ask", "You"]))

    assert load_settings(folder).simulation.participant_name == "ask"


def test_the_number_of_agents_is_that_of_their_names(tmp_path):
    fault = only_fault(write(tmp_path, simulation=simulation(num_agents=3)))

    assert (fault.key, fault.found, fault.expected) == ("num_agents", "3", "2, the number of agent_names")


def test_half_a_surrogate_pair_in_the_template_is_a_fault(tmp_path):
    fault = only_fault(write(tmp_path, experimental={"prompt_template": "\ud83d"}))

    assert fault.key == "prompt_template"


def test_a_fault_shows_no_key_and_no_control_character(tmp_path):
    llm = {"provider": "AIzaSyA-0123456789-not-a-real-key", "model": "\x1b[2J\n", "api_key": "hush"}

    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, simulation=simulation(llm=llm)))

    assert not re.search(r"0123456789|hush|\x1b", str(caught.value))
    assert len(str(caught.value).splitlines()) == 4


numbers = st.integers() | st.floats() | st.booleans() | st.none()
anything = st.recursive(
    numbers | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(list(LLM_RULES)) | st.text(), inner),
    max_leaves=8,
)


@given(experimental=anything, changes=st.dictionaries(st.sampled_from(list(SIMULATION_RULES)) | st.text(), anything))
def test_arbitrary_json_is_well_typed_settings_or_a_settings_error(tmp_path_factory, experimental, changes):
    folder = tmp_path_factory.mktemp("study")
    for content in (EXPERIMENTAL, experimental):
        try:
            study = load_settings(write(folder, experimental=content, simulation=simulation(**changes)))
        except SettingsError as error:
            str(error).encode()
        else:
            for settings in (*study, study.simulation.llm):
                assert_well_typed(settings)


@given(st.binary())
def test_arbitrary_bytes_are_a_settings_error(tmp_path_factory, data):
    assert faults(write(tmp_path_factory.mktemp("study"), experimental=data))


@cache
def adapters(kind: type) -> Mapping[str, TypeAdapter[object]]:
    return {name: TypeAdapter(hint) for name, hint in get_type_hints(kind).items()}


def assert_well_typed(settings: object) -> None:
    # the rules build the dataclasses by name; pydantic, strict, is an independent witness of the types
    for name, hint in adapters(type(settings)).items():
        value = getattr(settings, name)
        assert hint.validate_python(value, strict=True) == value


# --- the documentation


def rows() -> Mapping[str, list[str]]:
    lines = (ROOT / "docs" / "settings.md").read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def default(kind: type, name: str) -> str:
    (field,) = (field for field in fields(kind) if field.name == name)
    if field.default is MISSING and field.default_factory is MISSING:
        return "*required*"
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    return "`{}`" if isinstance(value, LLMSettings) else f"`{json.dumps(value)}`"


@pytest.mark.parametrize(
    ("kind", "rules", "prefix"),
    [
        (ExperimentalSettings, EXPERIMENTAL_RULES, ""),
        (SimulationSettings, SIMULATION_RULES, ""),
        (LLMSettings, LLM_RULES, "llm."),
    ],
)
def test_every_key_is_documented(kind, rules, prefix):
    for name, rule in rules.items():
        expected, told_default, meaning = rows()[prefix + name]
        assert rule.expected.startswith("an object of") or expected == rule.expected
        assert told_default == default(kind, name)
        assert meaning


def test_the_documentation_names_nothing_that_is_not_there():
    known = {*EXPERIMENTAL_RULES, *SIMULATION_RULES, *(f"llm.{name}" for name in LLM_RULES)}

    assert rows().keys() == known


@pytest.mark.parametrize("document", ["README.md", "docs/settings.md"])
def test_the_documentation_s_examples_load(tmp_path, document):
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
    (experimental,) = (block for block in blocks if "prompt_template" in block)
    (simulated,) = (block for block in blocks if "num_agents" in block)

    assert load_settings(write(tmp_path, experimental.encode(), simulated.encode()))
