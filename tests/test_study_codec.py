"""The study's log as JSON, and the page that shows it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from roomful.chain import check_chain
from roomful.codec import CodecError, tombstone
from roomful.core.admission import Arrive, CreateTokens, Pause, SetUp, StudyInput
from roomful.core.enrolment import StudyEntry, StudyEvent
from roomful.core.events import Erased
from roomful.study_codec import (
    STUDY_EVENT_TYPES,
    STUDY_INPUTS,
    decode_input,
    decode_study,
    encode_input,
    encode_study,
)
from tests import study_examples
from tests.enrolling import token

WHOLE = (Path(__file__).parent.parent / "docs" / "log.md").read_text("utf-8")
PAGE = WHOLE.partition("\n## The study's own log\n")[2]
SHOWN = re.findall(r"^```json\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)


KINDS = ("dance", "arrival")


def numbered(block: str) -> int:
    return int(json.loads(block)["seq"])


def test_every_event_and_every_input_has_a_name():
    assert {*STUDY_EVENT_TYPES, Erased} == set(StudyEvent.__value__.__args__)
    assert set(STUDY_INPUTS) == set(StudyInput.__value__.__args__)


@pytest.mark.parametrize("kind", STUDY_EVENT_TYPES, ids=lambda kind: kind.__name__)
def test_every_event_has_an_example_under_its_own_heading(kind):
    _, _, section = PAGE.partition(f"\n### `{STUDY_EVENT_TYPES[kind]}`\n")

    assert f"<!-- {kind.__name__} -->\n\n```json" in re.split(r"\n###? ", section)[0]


def test_the_examples_are_what_the_codec_writes_today():
    # after a change of form: `scripts/examples` writes them anew
    assert sorted(SHOWN, key=numbered) == study_examples.blocks()
    assert check_chain(study_examples.lines()).faults == ()


@pytest.mark.parametrize("entry", study_examples.entries(), ids=lambda entry: type(entry.event).__name__)
def test_an_entry_reads_back_as_what_happened(entry: StudyEntry):
    assert decode_study(study_examples.lines()[entry.seq - 1]) == entry


@pytest.mark.parametrize(
    "input",
    [
        SetUp(rules=study_examples.RULES),
        CreateTokens(tokens=(token("t1", variables={"site": "Wien"}), token("t2")), balanced=True),
        Arrive(session_id="a", link="p", participant="\ud800\0 ✓", parameters={"x": '"'}),
        Pause(reason="x", stop=True),
    ],
    ids=lambda input: type(input).__name__,
)
def test_an_input_reads_back_as_it_was(input):
    written = json.loads(json.dumps(encode_input(input)))

    assert decode_input(written["input"], written["data"]) == input


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        "null",
        *(f'{{"event_type":"{kind}","data":{{}},"seq":1,"at":0}}' for kind in ("dance", "arrival")),
    ],
)
def test_what_is_no_entry_is_refused(line):
    with pytest.raises(CodecError, match="not an entry of a study's log"):
        decode_study(line)


@pytest.mark.parametrize(("name", "data"), [("dance", {}), ("arrive", {}), ("revoke_tokens", {"tokens": 5})])
def test_what_is_no_input_is_refused(name, data):
    with pytest.raises(CodecError):
        decode_input(name, data)


def test_what_was_erased_keeps_its_place():
    lines = study_examples.lines()
    lines[3] = tombstone(lines[3])

    assert decode_study(lines[3]).event == Erased(event_type="arrival")
    assert check_chain(lines).faults == ()
    with pytest.raises(TypeError):
        encode_study(replace(study_examples.entries()[0], event=Erased(event_type="arrival")), "", "")
