"""The settings: what loads, and that every fault is told, all at once and in words."""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from functools import cache
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from roomful.core.study import Distress, ExperimentalSettings, LLMSettings, ModelSettings, SimulationSettings
from roomful.core.timing import AMBIENT, ATTENTIVE, PLAIN, SEED, VARIED, Speech, Timing
from roomful.manner import SPEECH_RULES, TIMING_RULES
from roomful.settings import (
    DESIGN_KEYS,
    EXPERIMENTAL_RULES,
    LLM_RULES,
    PICTURE_MOST,
    SERVER_VARIABLES,
    SIMULATION_RULES,
    Fault,
    ServerSettings,
    SettingsError,
    load_server_settings,
    load_settings,
)
from roomful.spoken import DISTRESS_RULES

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


def server(env_file: Path | None = None, **environ: str) -> ServerSettings:
    return load_server_settings(environ, env_file)


def server_faults(env_file: Path | None = None, **environ: str) -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as caught:
        load_server_settings(environ, env_file)
    return caught.value.faults


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
        timing=ATTENTIVE,
        speech=VARIED,
    )


@pytest.mark.parametrize(
    ("keys", "timing", "speech"),
    [
        ({"timing": {"preset": "seed"}}, SEED, PLAIN),
        ({"timing": {"preset": "ambient", "burstiness": 0.1}}, replace(AMBIENT, burstiness=0.1), VARIED),
        ({"timing": {}, "speech": {"emoji_rate": None}}, ATTENTIVE, replace(VARIED, emoji_rate=None)),
        ({"timing": {"lengths": False}}, replace(ATTENTIVE, lengths=False), PLAIN),
        ({"timing": {"preset": "seed"}, "speech": {"reaction_rate": 1}}, SEED, replace(PLAIN, reaction_rate=1.0)),
    ],
)
def test_a_preset_sets_what_is_not_set_by_itself(tmp_path, keys, timing, speech):
    room = load_settings(write(tmp_path, simulation=simulation(**keys))).simulation

    assert (room.timing, room.speech) == (timing, speech)


@pytest.mark.parametrize(
    ("keys", "key", "expected"),
    [
        ({"timing": {"preset": "ambiant"}}, "timing.preset", 'one of "seed", "attentive", "ambient"'),
        ({"timing": {"burstiness": -1}}, "timing.burstiness", "a number from -0.9 to 0.9"),
        ({"timing": {"burstyness": 0}}, "timing.burstyness", "burstiness"),
        ({"speech": {"kinds": {"asks": 1}}}, "speech.kinds.asks", "ask"),
        ({"speech": {"kinds": {"ask": -1}}}, "speech.kinds.ask", "a number from 0 to 1000000"),
        ({"speech": {"kinds": {"ask": 0}}}, "speech.kinds", "at least one weight above 0"),
        ({"speech": {"kinds": []}}, "speech.kinds", "an object"),
    ],
)
def test_a_fault_of_manner_is_told_by_its_key(tmp_path, keys, key, expected):
    fault = only_fault(write(tmp_path, simulation=simulation(**keys)))

    assert fault.key == key
    assert expected in fault.expected


@pytest.mark.parametrize(
    ("keys", "key", "expected"),
    [
        ({"chat_language": "english"}, "chat_language", 'one of "en"'),
        ({"bot_question_policy": "deny"}, "bot_question_policy", 'one of "deflect", "honest", "ignore"'),
        ({"distress": {"action": "ends"}}, "distress.action", "end"),
        ({"distress": {"action": "end"}}, "distress.help_text", "whom to turn to"),
        ({"distress": {"action": "end", "help_text": " "}}, "distress.help_text", "whom to turn to"),
    ],
)
def test_a_fault_of_what_is_said_is_told_by_its_key(tmp_path, keys, key, expected):
    fault = only_fault(write(tmp_path, simulation=simulation(**keys)))

    assert fault.key == key
    assert expected in fault.expected


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
        "thinking_level": None,
        "safety_settings": {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        "timeout_seconds": 5,
        "max_attempts": 1,
        "max_concurrent_calls": 7,
        "requests_per_minute": 30,
        "max_tokens_per_session": 1000,
        "max_cost_per_session": 0.5,
        "input_price_per_million": 0.3,
        "output_price_per_million": 2.5,
        "when_unavailable": "fallback",
        "unavailable_seconds": 30,
        "when_rejected": "drop",
        "fallback_lines": ["what a day", "haha"],
    }
    elsewhere = {"base_url", "model_path", "fallbacks", "agents"}
    assert llm.keys() == LLM_RULES.keys() - elsewhere

    loaded = load_settings(write(tmp_path, simulation=simulation(llm=llm))).simulation.llm

    assert loaded == LLMSettings(**llm | {"fallback_lines": ("what a day", "haha")})


OLLAMA = {"provider": "openai", "base_url": "http://127.0.0.1:11434/v1", "model": "llama3.2"}


def loaded_llm(tmp_path: Path, **llm: object) -> LLMSettings:
    return load_settings(write(tmp_path, simulation=simulation(llm=llm))).simulation.llm


def test_a_fallback_takes_over_all_but_what_belongs_to_another_provider(tmp_path):
    llm = loaded_llm(
        tmp_path,
        model="gemini-3.7-flash",
        thinking_level="low",
        safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        input_price_per_million=0.3,
        temperature=0.4,
        timeout_seconds=7,
        fallbacks=[OLLAMA | {"timeout_seconds": 9}, {"model": "gemini-2.5-flash", "thinking_budget": 0}],
    )

    local, older = llm.fallbacks
    assert local == ModelSettings(**OLLAMA, temperature=0.4, timeout_seconds=9.0)
    assert older == ModelSettings(
        model="gemini-2.5-flash",
        thinking_budget=0,
        safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        temperature=0.4,
        timeout_seconds=7.0,
    )


def test_an_agent_s_own_entry_changes_what_it_names_and_nothing_else(tmp_path):
    name = simulation()["agent_names"][0]

    llm = loaded_llm(tmp_path, **OLLAMA, input_price_per_million=0.2, agents={name: {"temperature": 0.1}})

    assert llm.agents == {name: ModelSettings(**OLLAMA, input_price_per_million=0.2, temperature=0.1)}
    assert llm.speaking_for(name).temperature == 0.1
    assert llm.speaking_for("somebody else") is llm


@pytest.mark.parametrize(
    ("llm", "key", "words"),
    [
        ({"provider": "openai"}, "llm.model", "the model's name"),
        ({"provider": "olama", "model": "m"}, "llm.provider", 'one of "gemini", "openai"'),
        ({"provider": "local"}, "llm.model_path", "the path of the model's .gguf file"),
        ({"provider": "local", "model_path": "model.bin"}, "llm.model_path", ".gguf"),
        ({"model_path": "m.gguf"}, "llm.model_path", 'null, or "provider": "local"'),
        ({"base_url": "http://127.0.0.1:1/v1"}, "llm.base_url", "GOOGLE_GEMINI_BASE_URL"),
        (OLLAMA | {"base_url": "127.0.0.1:11434"}, "llm.base_url", "an address such as"),
        (OLLAMA | {"base_url": "https://me:hush@example.org"}, "llm.base_url", "without a user"),
        (OLLAMA | {"safety_settings": {"HARM_CATEGORY_HARASSMENT": "OFF"}}, "llm.safety_settings", "only Gemini"),
        (OLLAMA | {"thinking_budget": 0}, "llm.thinking_budget", "only Gemini 2.5 and Anthropic's"),
        ({"provider": "anthropic", "model": "m", "temperature": 1.2}, "llm.temperature", "from 0 to 1"),
        ({"provider": "anthropic", "model": "m", "thinking_budget": 100}, "llm.thinking_budget", "1024"),
        ({"fallbacks": {}}, "llm.fallbacks", "an array of objects"),
        ({"fallbacks": ["openai"]}, "llm.fallbacks[0]", "an object"),
        ({"fallbacks": [{"modle": "m"}]}, "llm.fallbacks[0].modle", "model (the nearest known key)"),
        ({"fallbacks": [OLLAMA, {"provider": "mistral"}]}, "llm.fallbacks[1].model", "the model's name"),
        ({"fallbacks": [OLLAMA | {"fallbacks": []}]}, "llm.fallbacks[0].fallbacks", "one of provider"),
        ({"fallbacks": [OLLAMA | {"temperature": 9}]}, "llm.fallbacks[0].temperature", "from 0 to 2"),
        ({"fallbacks": [{"temperature": 0.5}]}, "llm.fallbacks[0]", "another model, or another provider"),
        ({"fallbacks": [OLLAMA, OLLAMA]}, "llm.fallbacks[1]", "another model, or another provider"),
        ({"agents": []}, "llm.agents", "an object of agents' names"),
        ({"agents": {"Alise": OLLAMA}}, "llm.agents.Alise", '"Alice", the nearest of agent_names'),
        ({"agents": {"Alice": {"temprature": 1}}}, "llm.agents.Alice.temprature", "temperature (the nearest"),
        ({"agents": {"Alice": {"provider": "openai"}}}, "llm.agents.Alice.model", "the model's name"),
        ({"agents": {"Alice": {"fallbacks": []}}}, "llm.agents.Alice.fallbacks", "one of provider"),
    ],
)
def test_a_fault_of_a_model_is_told_where_it_stands(tmp_path, llm, key, words):
    (fault,) = faults(write(tmp_path, simulation=simulation(llm=llm)))

    assert fault.key == key
    assert words in fault.expected


def test_the_faults_of_all_entries_and_of_llm_itself_are_told_at_once(tmp_path):
    llm = {
        "temperature": 9,
        "fallbacks": ["openai", {"provider": "openai", "temperature": "x"}, {"provider": "mistral"}, OLLAMA],
        "agents": {"Alice": {"provider": "local"}, "Bob": {"temprature": 1}},
    }

    found = faults(write(tmp_path, simulation=simulation(llm=llm)))

    assert sorted(fault.key for fault in found) == [
        "llm.agents.Alice.model_path",
        "llm.agents.Bob.temprature",
        "llm.fallbacks[0]",
        "llm.fallbacks[1].model",
        "llm.fallbacks[1].temperature",
        "llm.fallbacks[2].model",
        "llm.temperature",
    ]


def test_an_entry_is_not_blamed_for_a_provider_that_llm_itself_has_wrong(tmp_path):
    llm = {"provider": "openay", "model": "m", "fallbacks": [{"model": "n"}, {"provider": "local"}]}

    found = faults(write(tmp_path, simulation=simulation(llm=llm)))

    assert [fault.key for fault in found] == ["llm.provider", "llm.fallbacks[1].model_path"]


def test_an_agent_of_one_treatment_alone_may_have_a_model_of_its_own(tmp_path):
    names = simulation()["agent_names"]
    other = ["Zoe", *names[1:]]
    experimental = {**EXPERIMENTAL, "treatments": {"a": {}, "b": {"simulation": {"agent_names": other}}}}
    folder = write(tmp_path, experimental=experimental, simulation=simulation(llm={"agents": {"Zoe": OLLAMA}}))

    assert set(load_settings(folder).simulation.llm.agents) == {"Zoe"}


def test_a_price_of_any_model_is_enough_for_a_limit_in_money(tmp_path):
    priced = {"fallbacks": [OLLAMA | {"output_price_per_million": 0.1}], "max_cost_per_session": 1}

    assert loaded_llm(tmp_path, **priced).max_cost_per_session == 1


@pytest.mark.parametrize(
    ("llm", "key"),
    [
        ({"when_unavailable": "fallback"}, "llm.fallback_lines"),
        ({"when_rejected": "fallback"}, "llm.fallback_lines"),
        ({"when_rejected": "wait"}, "llm.when_rejected"),
        ({"fallback_lines": "haha"}, "llm.fallback_lines"),
        ({"fallback_lines": ["haha", " "]}, "llm.fallback_lines[1]"),
        ({"fallback_lines": ["haha", "two\nlines"]}, "llm.fallback_lines[1]"),
        ({"fallback_lines": ["x" * 601]}, "llm.fallback_lines[0]"),
        ({"fallback_lines": ["haha", 5, "haha"]}, "llm.fallback_lines[1]"),
        ({"fallback_lines": ["haha", "ok", "haha"]}, "llm.fallback_lines[2]"),
        ({"when_unavailable": "stop"}, "llm.when_unavailable"),
        ({"unavailable_seconds": 0}, "llm.unavailable_seconds"),
    ],
)
def test_what_happens_without_the_model_is_checked_at_the_start(tmp_path, llm, key):
    assert faults(write(tmp_path, simulation=simulation(llm=llm)))[0].key == key


@pytest.mark.parametrize(
    ("kind", "rules"),
    [
        (ExperimentalSettings, EXPERIMENTAL_RULES),
        (SimulationSettings, SIMULATION_RULES),
        (LLMSettings, LLM_RULES),
        (Timing, TIMING_RULES),
        (Speech, SPEECH_RULES),
        (Distress, DISTRESS_RULES),
    ],
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

    fault = only_fault(tmp_path)

    assert fault.found == f"a folder at {tmp_path / 'experimental_settings.json'}"
    assert fault.expected == "a file"


def test_a_file_in_the_folder_s_place_is_told_as_such(tmp_path):
    (tmp_path / "study").write_text("{}")

    assert {fault.found for fault in faults(tmp_path / "study")} == {f"a file at {tmp_path / 'study'}"}


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
        ("messages_per_minute", 10_001),
        ("user_response_probability", 1.01),
        ("user_response_probability", -0.01),
        ("context_window_size", -1),
        ("session_duration_minutes", 0),
        ("session_duration_minutes", 1e12),
        ("reconnect_grace_seconds", -1),
        ("reconnect_grace_seconds", 1e300),
        ("participant_name", ""),
        ("participant_name", " Sam"),
        ("participant_name", None),
        ("seed", None),
        ("seed", 2**53),
        ("llm", []),
        ("llm", None),
        ("group_picture", "../secret.png"),
        ("group_picture", ".png"),
        ("group_picture", "group.svg"),
        ("language", 5),
        ("record_activity", 1),
        ("end_text", 7),
        ("end_url", "javascript:alert(1)"),
        ("end_url", "https://"),
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
        ("thinking_level", "none"),
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


def test_two_ways_to_limit_thinking_at_once_are_a_fault(tmp_path):
    llm = {"thinking_budget": 0, "thinking_level": "low"}

    fault = only_fault(write(tmp_path, simulation=simulation(llm=llm)))

    assert (fault.key, fault.found) == ("llm.thinking_level", '"low" beside a thinking_budget of 0')


def test_a_whole_number_with_a_point_is_an_integer(tmp_path):
    study = load_settings(write(tmp_path, simulation=simulation(num_agents=2.0)))

    assert study.simulation.num_agents == 2
    assert isinstance(study.simulation.num_agents, int)


def test_an_unknown_key_is_a_fault_with_the_nearest_known_one(tmp_path):
    fault = only_fault(write(tmp_path, simulation=simulation(llm={"Temprature": 1})))

    assert fault.key == "llm.Temprature"
    assert fault.expected == "temperature (the nearest known key)"


def test_a_word_that_has_one_letter_of_two_in_common_is_not_near(tmp_path):
    fault = only_fault(write(tmp_path, simulation=simulation(language="fr")))

    assert fault.expected == 'one of "en", "de", "es", "ar", or null'


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
    from google.genai import types as genai

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


def test_pictures_are_files_of_the_study(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "harbour.jpg").write_bytes(b"\xff\xd8")
    changes = {"group_picture": "harbour.jpg", "member_pictures": {"Alice": "harbour.jpg"}}

    study = load_settings(write(tmp_path, simulation=simulation(**changes)))

    assert study.simulation.member_pictures == {"Alice": "harbour.jpg"}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"group_picture": "gone.png"}, "group_picture"),
        ({"group_picture": "huge.png"}, "group_picture"),
        ({"member_pictures": {"Bob": "gone.png"}}, "member_pictures.Bob"),
        ({"member_pictures": {"Bob": "a/b.png"}}, "member_pictures.Bob"),
        ({"member_pictures": {"Bobb": "small.png"}}, "member_pictures.Bobb"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_a_fault(tmp_path, changes, key):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "small.png").write_bytes(b"\x89PNG")
    (tmp_path / "pictures" / "huge.png").write_bytes(bytes(PICTURE_MOST + 1))

    assert only_fault(write(tmp_path, simulation=simulation(**changes))).key == key


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
            room = study.simulation
            for settings in (study.experimental, room, room.llm, room.timing, room.speech):
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


# --- how the server is run


def test_an_empty_environment_gives_the_defaults():
    assert server() == ServerSettings()


def test_every_server_setting_has_its_variable():
    assert [field.name for field in fields(ServerSettings)] == list(SERVER_VARIABLES)


def test_every_variable_is_read():
    settings = server(
        ROOMFUL_HOST="0.0.0.0",
        ROOMFUL_PORT="9000",
        ROOMFUL_STUDY="studies/pilot",
        ROOMFUL_DATA="d",
        ROOMFUL_LOGS="l",
        DATABASE_URL="postgresql://me:hush@localhost/roomful",
        ROOMFUL_ALLOWED_ORIGINS="https://Chat.Example.org:443, http://localhost:*",
        ROOMFUL_MAX_LIVE_SESSIONS="5",
        ROOMFUL_STARTS_PER_MINUTE_PER_ADDRESS="6",
        ROOMFUL_MAX_FRAME_BYTES="4096",
        ROOMFUL_MAX_MESSAGE_CHARS="500",
        ROOMFUL_FRAMES_PER_SECOND="2.5",
        ROOMFUL_FRAMES_BURST="7",
        ROOMFUL_MAX_TOKENS_PER_DAY="1000",
        ROOMFUL_MAX_COST_PER_DAY="1.5",
        ROOMFUL_METRICS="Yes",
        ROOMFUL_OPEN_DOCS="1",
        ROOMFUL_TRUSTED_PROXIES="127.0.0.1,10.0.0.0/8,::1",
        ROOMFUL_LOG_FORMAT="json",
        ROOMFUL_RETURN_KEY="hush-hush-hush-hush",
        GEMINI_API_KEY="hush",
        OPENAI_API_KEY="hush",
        ANTHROPIC_API_KEY="hush",
        MISTRAL_API_KEY="hush",
        GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:9/x",
    )

    assert not [f.name for f in fields(settings) if f.default == getattr(settings, f.name)]
    assert settings.allowed_origins == ("https://chat.example.org", "http://localhost:*")
    assert [str(network) for network in settings.trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]
    assert_well_typed(settings)


def test_the_environment_wins_over_the_file(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text("export ROOMFUL_PORT=9000 # the lab's\nROOMFUL_LOGS='$HOME/ä'\n", encoding="utf-8-sig")

    settings = server(env_file, ROOMFUL_PORT="9001")

    assert (settings.port, settings.logs) == (9001, Path("$HOME/ä"))


def test_reading_the_file_leaves_the_environment_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("ROOMFUL_PORT", raising=False)
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("ROOMFUL_PORT=9000\n")

    assert [load_server_settings(env_file=None).port, load_server_settings().port] == [8000, 9000]
    assert load_server_settings(env_file=None).port == 8000


def test_an_empty_variable_counts_as_not_set(tmp_path):
    (tmp_path / ".env").write_text("ROOMFUL_PORT=9000\nGEMINI_API_KEY=\n")

    settings = server(tmp_path / ".env", ROOMFUL_PORT="", GOOGLE_API_KEY="other")

    assert (settings.port, settings.gemini_api_key) == (8000, "other")


def test_the_file_of_the_environment_may_be_missing(tmp_path):
    assert server(tmp_path / ".env") == ServerSettings()


def test_gemini_s_own_variable_comes_first():
    assert server(GEMINI_API_KEY="one", GOOGLE_API_KEY="two").gemini_api_key == "one"


def test_all_faults_of_the_environment_and_the_file_are_told_at_once(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text("ROOMFUL_METRICS=maybe\n'hush\nROOMFUL_PROT=1\n")

    found = server_faults(env_file, ROOMFUL_PORT="http", ROOMFUL_ALLOWED_ORIGINS="https://a.org,b.org/")

    assert [(fault.file, fault.key) for fault in found] == [
        (str(env_file), ""),
        ("environment", "ROOMFUL_PORT"),
        ("environment", "ROOMFUL_ALLOWED_ORIGINS[1]"),
        (str(env_file), "ROOMFUL_METRICS"),
        (str(env_file), "ROOMFUL_PROT"),
    ]
    assert "line 2" in found[0].found
    assert found[-1].expected == "ROOMFUL_PORT (the nearest known one)"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOMFUL_PORT", "65536"),
        ("ROOMFUL_PORT", "-1"),
        ("ROOMFUL_PORT", "8_000"),
        ("ROOMFUL_PORT", "٨٠٠٠"),
        ("ROOMFUL_MAX_LIVE_SESSIONS", "0"),
        ("ROOMFUL_FRAMES_PER_SECOND", "nan"),
        ("ROOMFUL_FRAMES_PER_SECOND", "1e999"),
        ("ROOMFUL_MAX_COST_PER_DAY", "0"),
        ("ROOMFUL_MAX_MESSAGE_CHARS", "true"),
        ("ROOMFUL_METRICS", "2"),
        ("ROOMFUL_LOG_FORMAT", "jsno"),
        ("ROOMFUL_STUDY", "a\x00b"),
        ("DATABASE_URL", "mysql://me:hush@localhost/x"),
        ("GEMINI_API_KEY", "hush hush"),
        ("GEMINI_API_KEY", "hush\u2026"),
        ("GOOGLE_GEMINI_BASE_URL", "https://me:hush@example.org"),
    ],
)
def test_a_variable_outside_its_range_is_a_fault(name, value):
    (fault,) = server_faults(**{name: value})

    assert fault.key == name
    assert "hush" not in str(fault)


@pytest.mark.parametrize(
    "value", ["example.org", "https://example.org/", "ftp://a.org", "null", "http://a.org:99999999"]
)
def test_an_origin_is_scheme_host_and_port(value):
    assert [fault.key for fault in server_faults(ROOMFUL_ALLOWED_ORIGINS=value)] == ["ROOMFUL_ALLOWED_ORIGINS[0]"]


@pytest.mark.parametrize("value", ["me", "10.0.0.0/33", "10.0.0.1-9"])
def test_a_proxy_is_an_address_or_a_network(value):
    assert [fault.key for fault in server_faults(ROOMFUL_TRUSTED_PROXIES=value)] == ["ROOMFUL_TRUSTED_PROXIES[0]"]


def test_a_frame_has_room_for_the_longest_message():
    (fault,) = server_faults(ROOMFUL_MAX_MESSAGE_CHARS="5000")

    assert fault.key == "ROOMFUL_MAX_FRAME_BYTES"


@pytest.mark.parametrize(
    ("allowed", "origin", "let_in"),
    [
        ("", "http://localhost:5173", True),
        ("", "https://localhost", True),
        ("", "http://[::1]:8000", True),
        ("", "http://localhost.evil.org", False),
        ("", "http://localhost:5173.evil.org", False),
        ("", "null", False),
        ("https://chat.example.org", "https://chat.example.org", True),
        ("https://chat.example.org", "https://chatxexample.org", False),
        ("https://chat.example.org", "https://chat.example.org:8443", False),
        ("https://a.org,https://b.org", "https://b.org", True),
        ("*", "https://anyone.org", True),
        (",", "https://a.org", False),
    ],
)
def test_the_origin_pattern_lets_in_whom_the_list_names(allowed, origin, let_in):
    pattern = server(ROOMFUL_ALLOWED_ORIGINS=allowed).origin_pattern

    assert bool(re.fullmatch(pattern, origin)) is let_in


def test_secrets_are_not_in_what_a_program_shows_of_its_settings():
    settings = server(GEMINI_API_KEY="hush", DATABASE_URL="postgresql://me:hush@localhost/x")

    assert settings.gemini_api_key == "hush"
    assert "hush" not in f"{settings} {settings!r}"


def test_a_secret_in_the_wrong_variable_is_not_shown():
    key = "AIzaSyA-0123456789-not-a-real-key"

    found = server_faults(ROOMFUL_PORT=key, ROOMFUL_ALLOWED_ORIGINS=f"https://me:hush@a.org,{key}", ROOMFUL_KEY="hush")

    assert not re.search("0123456789|hush", "\n".join(map(str, found)))


names = st.sampled_from([name for variable in SERVER_VARIABLES.values() for name in variable.names]) | st.text()


@given(environ=st.dictionaries(names, st.text(st.characters(exclude_categories=[]))), data=st.binary())
def test_an_arbitrary_environment_is_settings_or_a_settings_error(tmp_path_factory, environ, data):
    env_file = tmp_path_factory.mktemp("env") / ".env"
    env_file.write_bytes(data)
    try:
        settings = load_server_settings(environ, env_file)
    except SettingsError as error:
        str(error).encode()
    else:
        assert_well_typed(settings)


def test_the_example_environment_has_every_variable_and_loads(tmp_path):
    text = (ROOT / ".env.example").read_text()
    filled = re.sub(r"(?m)^#([A-Z_]+=)", r"\1", text).replace("GEMINI_API_KEY=\n", "GEMINI_API_KEY=x\n")
    (tmp_path / ".env").write_text(filled)

    assert server(ROOT / ".env.example") == ServerSettings()
    for variable in SERVER_VARIABLES.values():
        assert all(re.search(rf"(?m)^{name}=", filled) for name in variable.names)
    assert server(tmp_path / ".env").max_tokens_per_day == 5_000_000


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
    return "`{}`" if isinstance(value, LLMSettings | Timing | Speech | Distress) else f"`{json.dumps(value)}`"


@pytest.mark.parametrize(
    ("kind", "rules", "prefix"),
    [
        (ExperimentalSettings, EXPERIMENTAL_RULES, ""),
        (SimulationSettings, SIMULATION_RULES, ""),
        (LLMSettings, LLM_RULES, "llm."),
        (Timing, TIMING_RULES, "timing."),
        (Speech, SPEECH_RULES, "speech."),
        (Distress, DISTRESS_RULES, "distress."),
    ],
)
def test_every_key_is_documented(kind, rules, prefix):
    for name, rule in rules.items():
        expected, told_default, meaning = rows()[prefix + name]
        assert rule.expected.startswith("an object of") or expected == rule.expected
        assert told_default == default(kind, name)
        assert meaning


def test_every_key_of_a_design_is_documented():
    for name, told in DESIGN_KEYS.items():
        assert rows()[name][:2] == [told, "*none*"]


def test_every_variable_is_documented():
    for field in fields(ServerSettings):
        variable = SERVER_VARIABLES[field.name]
        expected, told_default, meaning = rows()[variable.names[0]]
        assert expected == variable.rule.expected
        assert told_default == spelled(field.default)
        assert all(f"`{name}`" in meaning for name in variable.names[1:])


def spelled(value: object) -> str:
    if value is None or value == ():
        return "*none*"
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text.lower() if isinstance(value, bool) else text}`"


def test_the_documentation_names_nothing_that_is_not_there():
    known = {*EXPERIMENTAL_RULES, *DESIGN_KEYS, *SIMULATION_RULES, *(f"llm.{name}" for name in LLM_RULES)}
    known |= {f"distress.{name}" for name in DISTRESS_RULES}
    known |= {f"timing.{name}" for name in TIMING_RULES} | {f"speech.{name}" for name in SPEECH_RULES}

    assert rows().keys() == known | {variable.names[0] for variable in SERVER_VARIABLES.values()}


@pytest.mark.parametrize("document", ["README.md", "docs/settings.md"])
def test_the_documentation_s_examples_load(tmp_path, document):
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
    (experimental,) = (block for block in blocks if "prompt_template" in block)
    (simulated,) = (block for block in blocks if "num_agents" in block)

    assert load_settings(write(tmp_path, experimental.encode(), simulated.encode()))
