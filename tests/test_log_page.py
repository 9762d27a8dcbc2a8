"""docs/log.md shows every event as the codec writes it."""

import json
import re
from pathlib import Path

import pytest

from roomful.codec import EVENT_TYPES, decode, tombstone
from roomful.core.events import Entry, Erased, Event
from tests import examples

WHOLE = (Path(__file__).parent.parent / "docs" / "log.md").read_text("utf-8")
PAGE = WHOLE.partition("\n## The study's own log\n")[0]
SHOWN = re.findall(r"^```json\n(.*?)\n```$", PAGE.partition("\n## The chain\n")[0], re.MULTILINE | re.DOTALL)


def one_line(block: str) -> str:
    return block.replace(',\n "data":', ',"data":')


def numbered(block: str) -> int:
    return int(json.loads(block)["seq"])


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.__name__)
def test_every_event_has_an_example_under_its_own_heading(kind):
    _, _, section = PAGE.partition(f"\n### `{EVENT_TYPES[kind]}`\n")
    section = re.split(r"\n###? ", section)[0]

    types = [json.loads(block)["event_type"] for block in re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)]

    assert f"<!-- {kind.__name__} -->\n\n```json" in section
    assert set(types) == {EVENT_TYPES[kind]}


def test_every_event_but_what_was_erased_is_written():
    assert {*EVENT_TYPES, Erased} == set(Event.__value__.__args__)


def test_the_tombstone_of_the_page_is_one_of_its_examples():
    (shown,) = re.findall(r"^```json\n(.*?)\n```$", PAGE.partition("\n## The chain\n")[2], re.MULTILINE | re.DOTALL)

    assert one_line(shown) == tombstone(examples.lines()[numbered(shown) - 1])


def test_the_examples_are_what_the_codec_writes_today():
    # after a change of form: `scripts/examples` writes them anew
    assert sorted(SHOWN, key=numbered) == examples.blocks()


@pytest.mark.parametrize("entry", examples.entries(), ids=lambda entry: f"{entry.seq}-{type(entry.event).__name__}")
def test_an_example_reads_back_as_what_happened(entry: Entry):
    (block,) = (block for block in SHOWN if numbered(block) == entry.seq)

    assert decode(one_line(block)) == entry
