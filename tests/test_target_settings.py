"""What a study may declare as a target, and how everything that is wrong with one is told."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.core.study import Target
from roomful.patterns import PATTERN, WAYS_MOST, ways
from roomful.rules import Wrong
from roomful.settings import SettingsError, StudySettings, load_settings
from roomful.target_settings import MEASURES, TARGET_RULES
from tests.test_factors import ROOM

STANCES = {
    "question": "Q1",
    "agree": 1,
    "disagree": 2,
    "positions": [
        {"answers": ["1..3", "no"], "stance": "You are against it."},
        {"answers": ["4..7"], "stance": "You are for it."},
    ],
}


def load(folder: Path, targets: Any, **experimental: Any) -> StudySettings:
    design = {"prompt_template": "Chat.", "targets": targets} | experimental
    (folder / "experimental_settings.json").write_text(json.dumps(design))
    (folder / "simulation_settings.json").write_text(json.dumps(ROOM))
    return load_settings(folder)


def faults(folder: Path, targets: Any, **experimental: Any) -> list[str]:
    """The faults, without the file's name."""
    with pytest.raises(SettingsError) as caught:
        load(folder, targets, **experimental)
    return [re.sub(r"^.*?_settings.json: ", "", str(fault)) for fault in caught.value.faults]


def test_targets_are_read(tmp_path):
    declared = {
        "incivility": {"measure": "share_matching", "lexicon": ["idiot", "get lost"], "at_least": 0.2, "at_most": 1},
        "shouting": {"measure": "share_matching", "pattern": "[A-Z]{4}", "lexicon": None, "seeded": True},
        "split": {"measure": "agents_on_side", "side": "disagree", "at_least": 0.5},
        "said": {"measure": "messages_on_side", "side": "agree", "positions": {"no": ["stop"], "4..7": ["go on"]}},
        "length": {"measure": "words_per_message", "at_most": 12.5, "exclude_above": 40},
        "gone": None,
    }

    assert load(tmp_path, declared, stances=STANCES).experimental.targets == {
        "incivility": Target(measure="share_matching", lexicon=("idiot", "get lost"), at_least=0.2, at_most=1.0),
        "shouting": Target(measure="share_matching", pattern="[A-Z]{4}", seeded=True),
        "split": Target(measure="agents_on_side", side="disagree", at_least=0.5),
        "said": Target(measure="messages_on_side", side="agree", positions={"no": ("stop",), "4..7": ("go on",)}),
        "length": Target(measure="words_per_message", at_most=12.5, exclude_above=40.0),
    }
    assert load(tmp_path, None).experimental.targets == {}


def test_a_treatment_has_limits_of_its_own_for_what_all_measure(tmp_path):
    base = {"incivility": {"measure": "share_matching", "lexicon": ["idiot"]}}
    arms = {
        "civil": {"targets": {"incivility": {"at_most": 0.05}}},
        "uncivil": {"targets": {"incivility": {"at_least": 0.2, "exclude_below": 0.1}}},
        "alone": {"targets": {"incivility": None}},
        "none": {"targets": None},
    }

    study = load(tmp_path, base, treatments=arms)

    found = {treatment.name: treatment.experimental.targets for treatment in study.treatments}
    assert found["civil"]["incivility"].at_most == 0.05
    assert found["uncivil"]["incivility"].exclude_below == 0.1
    assert found["uncivil"]["incivility"].lexicon == ("idiot",)
    assert found["alone"] == found["none"] == {}


def matches(**target: Any) -> dict[str, Any]:
    return {"t": {"measure": "share_matching", "lexicon": ["x"]} | target}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], ["targets: found an array, expected an object"]),
        ({"t": 1}, ["targets.t: found 1, expected an object"]),
        ({" t": {"measure": "words_per_message"}}, ['targets. t: found " t", expected a name without']),
        ({"t": {}}, ['targets.t.measure: found nothing, expected one of "share_matching", "words']),
        ({"t": {"measure": "share_matchin"}}, ['(the nearest: "share_matching")']),
        ({"t": {"measure": "words_per_message", "at_leats": 1}}, ["at_leats: found an unknown key, expected at_least"]),
        (matches(lexicon=[]), ["targets.t.lexicon: found an array of 0, expected an array of 1 to 1000 words"]),
        (matches(lexicon=["a", "?!", 3]), ['lexicon[1]: found "?!", expected a word', "lexicon[2]: found 3, expected"]),
        (matches(lexicon=None), ["targets.t.lexicon: found nothing, expected an array of 1 to 1000 words and phrases"]),
        (matches(pattern="x"), ["targets.t.pattern: found a pattern beside a lexicon, expected one of the two"]),
        (matches(side="agree"), ["t.side: found a key that share_matching has no use for, expected it with agents_on"]),
        (matches(at_least=0.6, at_most=0.2), ["t.at_most: found 0.2, less than at_least, expected at least 0.6"]),
        (matches(at_least=0.2, exclude_below=0.3), ["at_least: found 0.2, less than exclude_below, expected at leas"]),
        (matches(at_most=0.3, exclude_above=0.2), ["exclude_above: found 0.2, less than at_most, expected at least"]),
        (matches(exclude_above=0.1, exclude_below=0.2), ["exclude_above: found 0.1, less than exclude_below"]),
        (matches(at_least=20), ["targets.t.at_least: found 20, expected a share, from 0 to 1"]),
        (matches(at_least=-1), ["targets.t.at_least: found -1, expected a number of at least 0, or null"]),
        (matches(seeded="yes"), ['targets.t.seeded: found "yes", expected true or false']),
        ({"t": {"measure": "agents_on_side"}}, ['side: found nothing, expected one of "agree", "disagree", "neutral"']),
        (
            {"t": {"measure": "messages_on_side", "side": "neutral", "positions": {"no": ["a"], "4..7": ["b"]}}},
            ['targets.t.side: found "neutral", which no position is, expected one of "agree", "disagree"'],
        ),
        (
            {"t": {"measure": "messages_on_side", "side": "agree"}},
            ["targets.t.positions: found nothing, expected an object: an answer of each position to an array"],
        ),
        (
            {"t": {"measure": "messages_on_side", "side": "agree", "positions": {"1..3": ["a"], "no": ["b"]}}},
            ['positions.no: found an answer of the same position as "1..3", expected each position once'],
        ),
        (
            {"t": {"measure": "messages_on_side", "side": "agree", "positions": {"1..4": ["a"], "4..7": ["b"]}}},
            ['targets.t.positions.1..4: found an answer of no position, expected "1..3" (the nearest answer)'],
        ),
        (
            {"t": {"measure": "messages_on_side", "side": "agree", "positions": {"4..7": ["b"]}}},
            ["targets.t.positions: found words of one position, expected those of two at least"],
        ),
    ],
)
def test_what_is_wrong_with_a_target_is_told(tmp_path, targets, expected):
    found = faults(tmp_path, targets, stances=STANCES)

    assert len(found) == len(expected)
    assert all(words in told for words, told in zip(expected, found, strict=True)), found


def test_sides_need_stances(tmp_path):
    declared = {"split": {"measure": "agents_on_side", "side": "agree"}}

    assert faults(tmp_path, declared) == [
        'targets.split.side: found "agree", expected stances, of which agents take a side'
    ]


def test_all_faults_are_told_at_once_each_where_it_stands(tmp_path):
    base = {"a": {"measure": "share_matching", "pattern": "("}, "b": {"measure": "word_per_message"}}
    arms = {"one": {}, "two": {"targets": {"c": {"measure": "words_per_message", "at_most": "x"}}}}

    found = faults(tmp_path, base, treatments=arms)

    assert [told.partition(": ")[0] for told in found] == [
        "targets.a.pattern",
        "targets.b.measure",
        "treatments.two.targets.c.at_most",
    ]
    assert 'found "(" (missing ), unterminated subpattern at position 0), expected a regular expression' in found[0]


def test_a_name_that_stands_twice_is_a_fault(tmp_path):
    load(tmp_path, matches())
    twice = '{"prompt_template": "x", "targets": {"t": null, "t": null}}'
    (tmp_path / "experimental_settings.json").write_text(twice)

    with pytest.raises(SettingsError, match=r"targets.t: found the key more than once, expected each key once"):
        load_settings(tmp_path)


# --- patterns


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bidiots?\b",
        "(?i)shut (the [a-z]{1,8} )?up",
        "stupid.*people",
        ".*a.*b",
        r"(?:ha|he){2,5}",
        r"[A-Z]{4,}(?=[!?])",
        r"(?<!not )\bgood\b|\bfine\b",
        r"(?P<word>\w{3,12}) (?P=word)",
        r"(?#a comment)[]()*+]+\)",
        r"a{}b{,3}c{2}\{4,\}",
        "\\N{PILE OF POO}{2}",
        "(?:never )?(?>ever)++",
    ],
)
def test_a_pattern_that_is_quick_on_any_message_is_read(pattern):
    assert PATTERN.read(pattern) == pattern


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|aa)*b", "(a*)*b", ".*a.*b.*c", r"(\w+\s?)*!", "(a?){30}b", "((a{1,9}){1,9}){1,9}b", "x*+" * 9],
)
def test_a_pattern_that_could_hold_up_a_session_is_refused(pattern):
    with pytest.raises(Wrong) as caught:
        PATTERN.read(pattern + "z")

    assert "quick on any message" in caught.value.faults[0].expected


@pytest.mark.parametrize("pattern", ["(", "[a", "*a", "a{2,1}", r"\8", "(?P<a>x)(?P<a>y)", "a{99999999999}", "[[a]"])
def test_a_pattern_that_python_does_not_read_is_told_with_its_reason(pattern):
    with pytest.raises(Wrong) as caught:
        PATTERN.read(pattern)

    (fault,) = caught.value.faults
    assert fault.expected == "a regular expression"
    assert re.search(r" \(.{8,}\)$", fault.found)


@pytest.mark.parametrize(("pattern", "found"), [("", '""'), ("x" * 301, "x"), ("a*", "without a character"), (3, "3")])
def test_a_pattern_of_no_use_is_refused(pattern, found):
    with pytest.raises(Wrong) as caught:
        PATTERN.read(pattern)

    assert found in caught.value.faults[0].found


def test_a_pattern_over_lines_with_comments_is_refused():
    with pytest.raises(Wrong, match="flag x"):
        PATTERN.read("(?x) a b  # and (")


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("abc", 1),
        ("a?", 2),
        ("a{2,4}", 3),
        ("a*", 601),
        ("a+", 600),
        ("ab|c|d", 3),
        ("(a|b)(c|d)", 4),
        ("(a|b){2}", 4),
        ("(a|b)?", 3),
        ("(ab){0,9}", 10),
        (r"[a|b(]\(\|", 1),
    ],
)
def test_ways_are_counted(pattern, count):
    assert ways(pattern) == count


@given(st.text(alphabet="ab()|*+?{}1,[]\\^.", max_size=12))
def test_any_pattern_is_read_or_refused(pattern):
    with suppress(Wrong):
        assert 1 <= ways(PATTERN.read(pattern)) <= WAYS_MOST


# --- the documentation

PAGE = (Path(__file__).parent.parent / "docs" / "treatments.md").read_text("utf-8")
SECTION = re.split(r"\n## ", PAGE.partition("\n## Targets\n")[2])[0]


def test_every_key_of_a_target_and_every_measure_is_on_the_page():
    heads = "\n".join(re.findall(r"^\| ([^|]+) \|", SECTION, re.MULTILINE))

    assert set(re.findall(r"`(\w+)`", heads)) == {*TARGET_RULES, *MEASURES}
