"""Treatments and factors as a study's file declares them: what they come to, and every fault told where it stands."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomful.core.study import AgentCard, Position, SeededMessage, Stances, Treatment
from roomful.experiment import CARD_RULES, POSITION_RULES, SEEDED_RULES, STANCES_RULES
from roomful.factors import CELL_KEYS, CELLS_MOST, DESIGN_KEYS, LEVEL_KEYS, LLM_KEYS, SIMULATION_KEYS, TREATMENT_KEYS
from roomful.settings import SettingsError, load_settings

SIMULATION = {
    "num_agents": 2,
    "agent_names": ["Maren", "Tobias"],
    "messages_per_minute": 6,
    "user_response_probability": 0.8,
    "context_window_size": 10,
    "session_duration_minutes": 15,
}
STANCES = {
    "question": "Q1",
    "positions": [{"answers": ["yes"], "stance": "You are for it."}, {"answers": ["no"], "stance": "Against it."}],
}


def write(folder: Path, experimental: object, simulation: object = SIMULATION) -> Path:
    (folder / "experimental_settings.json").write_text(json.dumps(experimental))
    (folder / "simulation_settings.json").write_text(json.dumps(simulation))
    return folder


def arms(folder: Path, **experimental: object) -> dict[str, Treatment]:
    """The treatments of a file, by name; its template is "Chat." unless it says otherwise."""
    study = load_settings(write(folder, {"prompt_template": "Chat."} | experimental))
    return {treatment.name: treatment for treatment in study.treatments}


def told(folder: Path, simulation: object = SIMULATION, **experimental: object) -> list[str]:
    """The faults of a file, without its name."""
    with pytest.raises(SettingsError) as caught:
        load_settings(write(folder, {"prompt_template": "Chat."} | experimental, simulation))
    files = {Path(fault.file).name for fault in caught.value.faults}
    assert files == {"experimental_settings.json"}
    return [str(fault).removeprefix(f"{fault.file}: ") for fault in caught.value.faults]


def test_a_file_without_treatments_is_one_treatment(tmp_path):
    study = load_settings(write(tmp_path, {"prompt_template": "Chat."}))

    (treatment,) = study.treatments
    assert treatment == Treatment(name="", experimental=study.experimental, simulation=study.simulation)
    assert study.experimental.prompt_template == "Chat."


def test_cards_stances_and_seeded_messages_are_read(tmp_path):
    (treatment,) = arms(
        tmp_path,
        agents={"Maren": {"style": "All in small letters.", "facts": ["You have a cat."]}},
        stances=STANCES | {"agree": 1, "disagree": 1},
        seeded_messages=[{"sender": "Tobias", "text": "Morning!"}, {"sender": "Maren", "text": "Hi", "at": 30}],
    ).values()

    assert treatment.experimental.agents == {
        "Maren": AgentCard(style="All in small letters.", facts=("You have a cat.",))
    }
    assert treatment.experimental.stances == Stances(
        question="Q1",
        positions=(
            Position(answers=("yes",), stance="You are for it."),
            Position(answers=("no",), stance="Against it."),
        ),
        agree=1,
        disagree=1,
    )
    assert treatment.experimental.seeded_messages == (
        SeededMessage(sender="Tobias", text="Morning!"),
        SeededMessage(sender="Maren", text="Hi", at=30.0),
    )


def test_numbers_are_answers_as_they_are_written(tmp_path):
    positions = [{"answers": [1, 2.0, "3..4"], "stance": "A"}, {"answers": [5.5, "other"], "stance": "B"}]
    (treatment,) = arms(tmp_path, stances={"question": "Q1", "positions": positions, "agree": 2}).values()

    found = treatment.experimental.stances
    assert found
    assert [position.answers for position in found.positions] == [("1", "2", "3..4"), ("5.5", "other")]


def test_a_treatment_lays_its_parameters_over_those_of_the_file(tmp_path):
    found = arms(
        tmp_path,
        agents={"Maren": {"style": "Short.", "stance": "You like trees."}, "Tobias": {"facts": ["You have a dog."]}},
        seeded_messages=[{"sender": "Maren", "text": "Hi"}],
        treatments={
            "control": {},
            "other": {
                "weight": 2,
                "quota": 40,
                "prompt_template": "Be rude.",
                "agents": {"Maren": {"stance": "You like cars."}, "Tobias": None},
                "seeded_messages": None,
                "simulation": {"messages_per_minute": 9, "llm": {"fallback_lines": ["hm"]}},
            },
        },
    )

    control, other = found["control"], found["other"]
    assert (control.weight, control.quota, control.experimental.prompt_template) == (1.0, None, "Chat.")
    assert (other.weight, other.quota, other.experimental.prompt_template) == (2.0, 40, "Be rude.")
    assert other.experimental.agents == {"Maren": AgentCard(style="Short.", stance="You like cars.")}
    assert len(control.experimental.seeded_messages) == 1
    assert other.experimental.seeded_messages == ()
    assert (control.simulation.messages_per_minute, other.simulation.messages_per_minute) == (6, 9)
    assert other.simulation.llm.fallback_lines == ("hm",)


TONE = {"kind": "Be kind.", "rude": {"text": "Be rude.", "weight": 2}}
LENGTH = {"short": "Be brief.", "long": {"text": "Write much.", "simulation": {"messages_per_minute": 2}}}


def test_factors_are_crossed_in_full(tmp_path):
    found = arms(tmp_path, prompt_template="{tone} {length} {name}", factors={"tone": TONE, "length": LENGTH})

    assert [treatment.experimental.prompt_template for treatment in found.values()] == [
        "Be kind. Be brief. {name}",
        "Be kind. Write much. {name}",
        "Be rude. Be brief. {name}",
        "Be rude. Write much. {name}",
    ]
    rude = found["tone=rude+length=long"]
    assert rude.levels == {"tone": "rude", "length": "long"}
    assert (rude.weight, rude.simulation.messages_per_minute) == (2, 2)
    assert found["tone=kind+length=short"].weight == 1


def test_factors_are_crossed_in_part_by_a_list_of_cells(tmp_path):
    found = arms(
        tmp_path,
        prompt_template="{tone} {length}",
        factors={"tone": TONE, "length": LENGTH},
        cells=[
            {"levels": {"tone": "kind", "length": "short"}, "name": "control", "quota": 20},
            {"levels": {"length": "long", "tone": "rude"}, "weight": 5, "prompt_template": "Last: {tone}"},
        ],
    )

    assert list(found) == ["control", "tone=rude+length=long"]
    assert (found["control"].quota, found["control"].weight) == (20, 1)
    assert found["tone=rude+length=long"].weight == 5
    assert found["tone=rude+length=long"].experimental.prompt_template == "Last: Be rude."


def test_a_nested_factor_exists_under_its_level_alone(tmp_path):
    slant = {"left": "from the left", "right": "from the right"}
    article = {
        "text": "An article {slant}.",
        "factors": {"slant": slant},
        "seeded_messages": [{"sender": "Maren", "text": "Look: {source}"}],
    }
    found = arms(tmp_path, prompt_template="{source}", factors={"source": {"none": "", "article": article}})

    assert list(found) == ["source=none", "source=article+slant=left", "source=article+slant=right"]
    right = found["source=article+slant=right"].experimental
    assert right.prompt_template == "An article from the right."
    assert right.seeded_messages[0].text == "Look: An article from the right."
    assert found["source=none"].experimental.prompt_template == ""


def test_placeholders_stand_in_every_text_and_other_braces_are_literal(tmp_path):
    (treatment,) = arms(
        tmp_path,
        prompt_template='{topic} {"json": {}} {topics} {agent_name}',
        agents={"Maren": {"style": "{topic}", "facts": ["{topic}!"]}},
        stances=STANCES
        | {"agree": 2, "positions": [*STANCES["positions"][:1], {"answers": ["no"], "stance": "{topic}?"}]},
        factors={"topic": {"cats": "Cats {literally}"}},
    ).values()

    texts = treatment.experimental
    assert texts.prompt_template == 'Cats {literally} {"json": {}} {topics} {agent_name}'
    assert texts.agents["Maren"] == AgentCard(style="Cats {literally}", facts=("Cats {literally}!",))
    assert texts.stances
    assert texts.stances.positions[1].stance == "Cats {literally}?"


# --- faults

BAD = [
    ({"treatment": {}}, ["treatment: found an unknown key, expected treatments (the nearest known key)"]),
    (
        {"treatments": {"a": {"wieght": 1, "weight": -1, "quota": 0}}},
        [
            "treatments.a.wieght: found an unknown key, expected weight (the nearest known key)",
            "treatments.a.weight: found -1, expected a number from 0 to 10000",
            "treatments.a.quota: found 0, expected an integer of at least 1, or null",
        ],
    ),
    (
        {"treatments": {"a": {"weight": 0}, "b": {"weight": 0}}},
        ["treatments.a: found no treatment with a weight above 0, expected at least one"],
    ),
    ({"treatments": {}}, ["treatments: found an object, expected an object of names, each a treatment"]),
    ({"treatments": {}, "factors": {}}, ["factors: found factors beside treatments, expected one of the two"]),
    (
        {"treatments": {"a": {}, "A": {}}},
        ['treatments.A: found a name like "a", expected names that differ by more than capitals'],
    ),
    (
        {"treatments": {"a": {"simulation": {"messages_per_minute": -1, "seed": 5, "num_agent": 2}}}},
        [
            "treatments.a.simulation.num_agent: found an unknown key, expected num_agents (the nearest known key)",
            (
                "treatments.a.simulation.seed: found what all treatments have in common, expected it in "
                "simulation_settings.json alone, or a key that may differ by treatment"
            ),
            "treatments.a.simulation.messages_per_minute: found -1, expected a number from 0 to 10000",
        ],
    ),
    (
        {"treatments": {"a": {"simulation": {"agent_names": ["Maren"]}}}},
        ["treatments.a.simulation.num_agents: found 2, expected 1, the number of agent_names"],
    ),
    (
        {"treatments": {"a": {"simulation": {"llm": {"model": "x"}}}}},
        [
            (
                "treatments.a.simulation.llm.model: found what all treatments have in common, expected it in "
                "simulation_settings.json alone, or a key that may differ by treatment"
            )
        ],
    ),
    (
        {"agents": {"Marn": {"stile": "x"}}},
        ["agents.Marn.stile: found an unknown key, expected style (the nearest known key)"],
    ),
    (
        {"agents": {"Marn": {}}},
        ['agents.Marn: found "Marn", who is none of agent_names, expected "Maren", the nearest of agent_names'],
    ),
    (
        {"treatments": {"a": {}, "b": {"agents": {"Marn": {}}}}},
        [
            (
                'treatments.b.agents.Marn: found "Marn", who is none of agent_names, '
                'expected "Maren", the nearest of agent_names'
            )
        ],
    ),
    (
        {"seeded_messages": [{"sender": "user", "text": " "}, {"sender": "You", "text": "hi", "at": 900}]},
        ['seeded_messages[0].text: found " ", expected a string of 1 to 2000 characters'],
    ),
    (
        {"seeded_messages": [{"sender": "user", "text": "hi"}, {"sender": "Maren", "text": "hi", "at": 900}]},
        [
            'seeded_messages[0].sender: found "user", who is none of agent_names, expected one of agent_names',
            "seeded_messages[1].at: found 900, expected less than the 900 seconds of the session",
        ],
    ),
    (
        {"stances": STANCES | {"agree": 1, "disagree": 2}},
        ["stances: found 1 who agree, 2 who disagree, 0 neutral, expected numbers that add up to the 2 agents"],
    ),
    (
        {"stances": STANCES, "treatments": {"a": {"stances": {"agree": 2}}, "b": {"stances": {"agree": 3}}}},
        ["stances: found 3 who agree, 0 who disagree, 0 neutral (in b), expected numbers that add up to the 2 agents"],
    ),
    (
        {"treatments": {"a": {"stances": {"agree": -1}}}},
        [
            (
                "treatments.a.stances.question: found nothing, expected a name without control characters, "
                "line breaks, or spaces around it"
            ),
            "treatments.a.stances.positions: found nothing, expected an array of at least two positions",
            "treatments.a.stances.agree: found -1, expected an integer of at least 0",
        ],
    ),
    (
        {
            "stances": {
                "question": "Q1",
                "agree": 2,
                "positions": [{"answers": ["1..3", "7..5"], "stance": "A"}, {"answers": [2], "stance": ""}],
            }
        },
        [
            (
                'stances.positions[0].answers[1]: found "7..5", expected a string or a number, or a range of numbers '
                'such as "1..3", the smaller first'
            ),
            'stances.positions[1].stance: found "", expected a string that is not empty',
        ],
    ),
    (
        {
            "stances": {
                "question": "Q1",
                "agree": 2,
                "positions": [{"answers": ["1..3"], "stance": "A"}, {"answers": [2], "stance": "B"}],
            }
        },
        [
            (
                'stances.positions[1].answers: found "2", which positions[0] has already, '
                "expected each answer in one position"
            )
        ],
    ),
    ({"cells": []}, ["cells: found cells without factors, expected factors, whose levels a cell names"]),
    (
        {"factors": {"2x": {"a=b": 5}, "agent_name": {}}},
        [
            'factors.2x: found "2x", expected letters, digits and _, a letter first, and not agent_name',
            (
                'factors.agent_name: found "agent_name", expected letters, digits and _, a letter first, and not '
                "agent_name"
            ),
            'factors.2x.a=b: found "a=b", expected a name of letters, digits, spaces, dots and dashes',
            "factors.2x.a=b: found 5, expected a string, or an object",
            "factors.agent_name: found an object, expected an object of levels, each a text or an object",
        ],
    ),
    (
        {"factors": {"tone": {"kind": {"weight": -2, "txt": "x"}}}},
        [
            "factors.tone.kind.txt: found an unknown key, expected text (the nearest known key)",
            "factors.tone.kind.weight: found -2, expected a number from 0 to 10000",
        ],
    ),
    (
        {
            "prompt_template": "{slant} {tone}",
            "factors": {"tone": {"kind": {}, "rude": {"text": "x", "factors": {"slant": {"left": "y"}}}}},
        },
        [
            (
                "prompt_template: found {slant}, a factor that does not exist in tone=kind, "
                "expected a placeholder with a level in every treatment that has this text"
            ),
            'prompt_template: found {tone}, whose level "kind" has no text, expected a level with a text',
        ],
    ),
    (
        {"factors": {"a": {"x": "{b}"}, "b": {"y": "{a}"}}},
        ["factors.a.x.text: found {a} within itself, expected texts that do not stand in each other"],
    ),
    (
        {"factors": {"a": {"x": {"factors": {"a": {"y": ""}}}}}},
        ["factors.a.x.factors.a: found a factor within itself, expected a name of its own"],
    ),
    (
        {"factors": {"a": {"x": {"prompt_template": 5}, "y": ""}}},
        ["factors.a.x.prompt_template: found 5, expected a string"],
    ),
    (
        {"factors": {f"f{number}": {"a": "", "b": ""} for number in range(10)}},
        [f"factors: found 1024 combinations of levels, expected at most {CELLS_MOST}"],
    ),
    (
        {
            "factors": {"tone": TONE, "length": LENGTH},
            "cells": [
                {"levels": {"tone": "kindly", "lenght": "short"}},
                {"levels": {"tone": "kind"}},
                {"levels": {"tone": "kind", "length": "short"}, "weigth": 3},
                [],
            ],
        },
        [
            'cells[0].levels.tone: found "kindly", expected "kind" (the nearest level)',
            "cells[0].levels.lenght: found an unknown factor, expected length (the nearest factor)",
            (
                "cells[1].levels: found levels of tone, expected a level of each factor, and of those alone that exist "
                "under the others"
            ),
            "cells[2].weigth: found an unknown key, expected weight (the nearest known key)",
            'cells[3]: found an array, expected an object with "levels": factor and level of each',
        ],
    ),
    (
        {
            "factors": {"tone": TONE},
            "cells": [{"levels": {"tone": "kind"}}, {"levels": {"tone": "kind"}, "name": "again"}],
        },
        [
            "cells[1]: found the levels of cells[0], expected each combination once",
            "factors.tone.rude: found a level in none of the cells, expected a cell with it",
        ],
    ),
]


@pytest.mark.parametrize(("experimental", "expected"), BAD, ids=range(len(BAD)))
def test_every_fault_of_a_design_is_told_where_it_stands(tmp_path, experimental, expected):
    assert told(tmp_path, **experimental) == expected


def test_faults_of_a_design_and_of_the_other_file_are_told_at_once(tmp_path):
    folder = write(tmp_path, {"treatments": {"a": {"weight": -1}}}, {**SIMULATION, "messages_per_minute": -1})

    with pytest.raises(SettingsError) as caught:
        load_settings(folder)

    assert [fault.key for fault in caught.value.faults] == [
        "treatments.a.weight",
        "prompt_template",
        "messages_per_minute",
    ]


def test_a_picture_that_a_treatment_alone_has_must_be_there(tmp_path):
    treatments = {"a": {}, "b": {"simulation": {"group_picture": "b.png"}}}

    (fault,) = told(tmp_path, treatments=treatments)

    assert fault.startswith('treatments.b.simulation.group_picture: found "b.png", which is no such file')


KEYS = [*DESIGN_KEYS, *TREATMENT_KEYS, *LEVEL_KEYS, *CELL_KEYS, "prompt_template", "agents", "stances", "Maren", "tone"]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["{tone}", "kind"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), anything))
def test_any_design_is_treatments_or_a_settings_error(tmp_path_factory, design):
    folder = write(tmp_path_factory.mktemp("study"), {"prompt_template": "Chat."} | design)
    try:
        study = load_settings(folder)
    except SettingsError as error:
        # to be told at all is what is asked of it
        str(error).encode()
    else:
        assert sum(treatment.weight for treatment in study.treatments) > 0


@pytest.mark.parametrize("nested", ["[" * 900 + "]" * 900, '{"agents":' * 900 + "1" + "}" * 900])
def test_a_design_nested_too_deeply_is_a_fault(tmp_path, nested):
    folder = write(tmp_path, {})
    (folder / "experimental_settings.json").write_text(f'{{"prompt_template": {nested}}}')

    with pytest.raises(SettingsError) as caught:
        load_settings(folder)

    assert caught.value.faults


# --- the documentation

PAGE = (Path(__file__).parent.parent / "docs" / "treatments.md").read_text("utf-8")
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
ROOM, *FILES = BLOCKS


@pytest.mark.parametrize("file", FILES, ids=range(len(FILES)))
def test_the_examples_of_the_page_are_files_that_load(tmp_path, file):
    assert load_settings(write(tmp_path, file, ROOM)).treatments


def test_the_page_s_nested_example_has_the_treatments_it_says(tmp_path):
    (nested,) = (file for file in FILES if "source" in file.get("factors", {}))

    names = [arm.name for arm in load_settings(write(tmp_path, nested, ROOM)).treatments]

    assert len(names) == 3
    assert all(f"`{name}`" in PAGE for name in names)


def test_the_page_s_faults_are_told_so(tmp_path):
    rude = {"weight": -1, "agents": {"Marn": {}}, "stances": {"agree": 3, "disagree": 1}}
    design = {"stances": STANCES | {"agree": 3}, "treatments": {"control": {}, "rude": rude}}

    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, {"prompt_template": "Chat."} | design, ROOM))

    faults = re.findall(r"^- config/(.*)$", PAGE, re.MULTILINE)
    assert [str(fault).removeprefix(f"{tmp_path}/") for fault in caught.value.faults] == faults


@pytest.mark.parametrize(
    "keys", [TREATMENT_KEYS, SIMULATION_KEYS, LLM_KEYS, CARD_RULES, STANCES_RULES, POSITION_RULES, SEEDED_RULES]
)
def test_every_key_is_on_the_page(keys):
    assert [key for key in keys if f"`{key}`" not in PAGE and f'"{key}"' not in PAGE] == []
