"""Logs that are kept: run again they are what they were, and broken off anywhere they go on the same."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from roomful.codec import decode, encode, parse_timestamp
from roomful.core import CORE_VERSION
from roomful.core.events import (
    Entry,
    Erased,
    Event,
    MessagePosted,
    Prompt,
    TurnPlanned,
    TurnScheduled,
)
from roomful.core.inputs import Answered, Connect, Failed, Input, Rang, Reply, Resume
from roomful.core.state import SessionState, fold, take_up
from roomful.llm import LLM
from roomful.log import folded
from roomful.replay import batches, core_version, verify
from roomful.store import Line
from roomful.store.memory import MemoryStore
from tests.goldens import FOLDER, GOLDENS, THIS_VERSION, Golden, Script, play, read, run, talking
from tests.rooms import SESSION, happened, only
from tests.stores import claimed

pytestmark = pytest.mark.anyio

ALL = sorted(FOLDER.rglob("*.json"))
PRESENT = sorted(THIS_VERSION.glob("*.json"))


def named(path: Path) -> str:
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", ALL, ids=named)
def test_a_golden_log_of_any_version_is_whole_and_folds(path):
    verdict = verify(read(path), run=False)

    assert verdict.sound, verdict
    assert fold([decode(text) for text in read(path)]).ended


@pytest.mark.parametrize("path", PRESENT, ids=named)
def test_a_golden_log_of_this_version_is_the_same_when_it_is_run_again(path):
    verdict = verify(read(path))

    assert verdict.not_run is None
    assert verdict.sound, f"the core decides otherwise: raise CORE_VERSION, then scripts/golden. {verdict.difference}"


@pytest.mark.parametrize("path", PRESENT, ids=named)
def test_the_lines_of_a_golden_log_are_written_as_they_were_read(path):
    texts = read(path)
    first, *others = [json.loads(text) for text in texts]
    started, link = parse_timestamp(first["timestamp"]), first["hash"]

    # all but the start, where settings stand that are younger than the log
    for text, whole in zip(texts[1:], others, strict=True):
        assert encode(decode(text), SESSION, started, link, whole["salt"]) == (text, whole["hash"])
        link = whole["hash"]


@pytest.mark.parametrize("path", [path for path in ALL if path not in PRESENT], ids=named)
def test_a_golden_log_of_another_version_is_not_run_again(path):
    verdict = verify(read(path))

    assert verdict.sound
    # of a former form of this version's logs one is kept, and that is run again
    assert (verdict.not_run is None) == (core_version([decode(text) for text in read(path)]) == str(CORE_VERSION))


@pytest.mark.parametrize("name", GOLDENS)
async def test_the_golden_logs_are_what_is_written_today(name):
    assert sorted(GOLDENS) == [path.stem for path in PRESENT]

    # after a change of form alone: scripts/golden --anew; after one of decisions: raise CORE_VERSION, scripts/golden
    assert await play(GOLDENS[name]) == read(THIS_VERSION / f"{name}.json")


def test_the_golden_logs_have_every_event_and_input():
    entries = [entry for path in PRESENT for entry in [decode(text) for text in read(path)]]

    assert {type(entry.event) for entry in entries} == set(Event.__value__.__args__) - {Erased}
    assert {type(entry.input) for entry in entries} == {*Input.__value__.__args__, type(None)}


# --- broken off at every boundary of an append

BROKEN_OFF = [name for name in GOLDENS if name not in ("outages", "absence", "filled", "unavailable")]
"""An outage leaves the participant time anew to come back, so a session of absence ends later by that; and one whose
model is away is given time anew too."""


async def at_once(prompt: Prompt) -> Reply:
    # every reply can be shown: what failed before an outage is of the past after it, and would count no more
    return replace(await talking(prompt), latency=0.0, text=f"line {prompt.number}")


async def broken_off(lines: list[str], entries: list[Entry], kept: int, llm: LLM) -> list[Entry]:
    """What follows so many entries of a log, when it is opened again there at once; the resume left out."""
    store, keep = MemoryStore(), entries[:kept]
    await claimed(store)
    await store.append(SESSION, 1, [_line(lines, entry) for entry in keep])
    state = fold(keep)
    coming: Script = [(state.at, Resume(gap=0.0))]
    if state.connected:
        coming.append((state.at, Connect(protocol=2)))
    later = [entry for entry in entries[kept:] if _from_outside(entry.input)]
    await run(store, llm, [*coming, *((entry.at, entry.input) for entry in later)])
    return [decode(line.text) for line in await store.read(SESSION, kept + len(coming))]


def _line(lines: list[str], entry: Entry) -> Line:
    text = lines[entry.seq - 1]
    link = text.partition('","hash":"')[2][:64]
    return Line(entry.seq, text, link, entry.shown, None)


def _from_outside(input: Input | None) -> bool:
    return input is not None and not isinstance(input, Rang | Answered | Failed)


async def each_boundary(golden: Golden) -> AsyncIterator[tuple[list[Entry], list[Entry]]]:
    """For each place between two appends: what follows it in the log, and what follows when it is stopped there."""
    lines = await play(golden)
    entries = [decode(text) for text in lines]
    place = 0
    for group in list(batches(entries))[:-1]:
        place += len(group)
        yield entries[place:], await broken_off(lines, entries, place, golden.llm)


@pytest.mark.parametrize("name", BROKEN_OFF)
async def test_stopped_at_any_boundary_and_continued_the_log_is_the_same(name):
    golden = GOLDENS[name]
    count = 0

    async for rest, follows in each_boundary(replace(golden, llm=at_once)):
        count += 1
        assert [(e.at, e.event, e.shown, e.input) for e in follows] == [(e.at, e.event, e.shown, e.input) for e in rest]

    assert count > 10


@pytest.mark.parametrize("name", ["plain", "answers", "noted"])
async def test_with_a_slow_model_only_times_move_as_a_call_under_way_is_asked_again(name):
    async for rest, follows in each_boundary(GOLDENS[name]):
        assert only(happened(follows), TurnScheduled) == only(happened(rest), TurnScheduled)
        assert (follows[-1].at, follows[-1].event.reason) == (rest[-1].at, rest[-1].event.reason)
        assert posted(follows) == posted(rest)


def posted(entries: list[Entry]) -> set[str | None]:
    """The turns that were posted, whenever."""
    return {event.turn_id for event in only(happened(entries), MessagePosted)}


@pytest.mark.parametrize("path", PRESENT, ids=named)
def test_what_is_read_for_a_fold_folds_to_the_same_state_at_every_boundary(path):
    lines = read(path)
    state = SessionState()
    for count, text in enumerate(lines, 1):
        take_up(state, decode(text))
        if count % 7 == 0:
            assert folded(lines[:count]) == state


@pytest.mark.parametrize("name", ["plain", "outages", "noted", "left", "absence", "ended", "treated"])
def test_with_the_preset_seed_everybody_speaks_when_they_did_under_the_first_version(name):
    # of the others a reply is rejected today that was not then, and who is still writing decides who is free
    def planned(folder: Path) -> list[TurnPlanned | TurnScheduled]:
        return only(happened([decode(text) for text in read(folder / f"{name}.json")]), TurnPlanned | TurnScheduled)

    before = planned(FOLDER / "core-1")

    assert len(before) > 5
    assert planned(THIS_VERSION) == before
