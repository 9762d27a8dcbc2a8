"""The server killed again and again, in the short form; and that the checks of `scripts/crash` find what is broken."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from roomful.codec import decode
from roomful.core.inputs import Connect, Leave, Say
from roomful.log import SessionLog
from roomful.session import SimulationSession
from roomful.store import Line, SessionRow
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline
from roomful.web.views import View
from tests.promises import Reading, Visit, broken_by_log, broken_by_visit, started_at
from tests.rooms import SESSION, reply, start
from tests.servers import ROOT
from tests.stores import claimed


@pytest.mark.timeout(240)
def test_ten_kills_lose_nothing(tmp_path):
    wanted = {"kills": 10, "clients": 16, "gap": 0.5, "pause": 0.2, "session-seconds": 8, "grace": 4}
    command = [sys.executable, "scripts/crash", "--model", "scripted", "--json", str(tmp_path / "result.json")]
    command += [f"--{name}={value}" for name, value in wanted.items()]

    command += ["--forked", f"--folder={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=230, check=False)

    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    result = json.loads((tmp_path / "result.json").read_text())
    assert set(result["broken"].values()) == {0}
    assert result["kills"] == 10
    assert result["acknowledged"] > 50
    assert result["sessions"] >= 20


async def kept(*inputs: object) -> tuple[SessionRow, list[Line]]:
    """The row and the lines of a session that runs to its end, one input a second."""
    store = MemoryStore()
    log: SessionLog = await claimed(store)
    timeline = SimulatedTimeline()
    session = SimulationSession(log, llm, timeline)
    for second, input in enumerate((start(messages_per_minute=0), Connect(protocol=2), *inputs)):
        session.put(input, second)
    await session.run()
    row = await store.find(SESSION)
    assert row
    return row, await store.read(SESSION)


async def llm(_prompt: object) -> object:
    return reply("fine")


def frames(lines: Sequence[Line]) -> list[str]:
    """What a client is sent of these lines."""
    entries = [decode(line.text) for line in lines]
    view = View(entries[0].event, started_at(lines))
    return [json.dumps(frame) for entry in entries if (frame := view.frame(entry))]


async def visited() -> tuple[Visit, SessionRow, list[Line]]:
    """A visit in which nothing went wrong: three messages, all acknowledged, then the end."""
    visit = Visit(SESSION)
    sent = [json.loads(visit.write(f"message {number}")) for number in range(3)]
    visit.goes = "participant_left"
    row, lines = await kept(*(Say(content=frame["content"], client_id=frame["client_id"]) for frame in sent), Leave())
    reading = Reading(visit)
    for frame in frames(lines):
        reading.take(frame.encode())
    return visit, row, lines


def kinds(visit: Visit, row: SessionRow, lines: Sequence[Line]) -> set[str]:
    return {kind for kind, _ in broken_by_visit(visit, row, lines)}


@pytest.mark.anyio
async def test_where_nothing_is_broken_nothing_is_found():
    visit, row, lines = await visited()
    file = "".join(f"{line.text}\n" for line in lines).encode()

    assert len(visit.acknowledged) == 3
    assert visit.ended == "participant_left"
    assert kinds(visit, row, lines) == set()
    assert list(broken_by_log(row, lines, file)) == []


@pytest.mark.anyio
async def test_a_message_that_is_not_in_the_log_was_lost():
    visit, row, lines = await visited()
    visit.acknowledged.append("another")

    assert kinds(visit, row, lines) == {"lost"}


@pytest.mark.anyio
async def test_messages_posted_twice_or_in_another_order_are_found():
    visit, *_ = await visited()
    ids = visit.sent
    row, twice = await kept(*(Say(content=name, client_id=name) for name in ids), Leave())
    second = next(line for line in twice if f'"client_id":"{ids[1]}"' in line.text)

    assert "doubled" in kinds(visit, row, [*twice, second])
    row, mixed = await kept(*(Say(content=name, client_id=name) for name in reversed(ids)), Leave())
    assert "disordered" in kinds(visit, row, mixed)


@pytest.mark.anyio
async def test_a_frame_that_became_another_was_taken_back():
    visit, row, lines = await visited()
    visit.frames[2] = visit.frames[1]

    assert kinds(visit, row, lines) == {"taken_back"}


def own(number: int) -> str:
    return json.dumps({"type": "message", "seq": number, "client_id": f"c{number}"})


def receipt(number: int) -> str:
    return json.dumps({"type": "receipt", "seq": number})


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([own(1), receipt(2), receipt(3)], set()),
        ([own(1), receipt(2), own(1), receipt(3)], set()),
        ([own(2), receipt(1), own(2), receipt(3)], set()),
        ([own(1), receipt(3)], {"numbers"}),
        ([own(1), receipt(2), receipt(2)], {"numbers"}),
        ([json.dumps({"type": "hello", "seq": -1})], {"taken_back"}),
    ],
    ids=["in order", "acknowledged again", "acknowledged early", "a gap", "a repeat", "an older head"],
)
def test_numbers_have_no_gaps_and_no_repeats(texts, found):
    visit = Visit(SESSION)
    reading = Reading(visit)
    for text in texts:
        reading.take(text.encode())

    assert {kind for kind, _ in visit.faults} == found


@pytest.mark.anyio
async def test_a_session_that_goes_on_must_have_taken_everything_and_not_be_left():
    visit, row, lines = await visited()
    running = row._replace(ended=None)

    assert kinds(visit, running, lines) == {"stranded"}
    assert kinds(visit, row._replace(ended="error"), lines) == {"stranded"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (
            lambda row, lines: (row, [lines[0]._replace(text=lines[0].text.replace("small", "large")), *lines[1:]]),
            "chain",
        ),
        (lambda row, lines: (row._replace(head_hash="0" * 64), lines), "chain"),
        (lambda row, lines: (row, [*lines[:2], *lines[3:]]), "log"),
        (lambda row, lines: (row._replace(ended=None), lines), "log"),
        (lambda row, lines: (row._replace(ended="duration_expired"), lines), "stranded"),
    ],
    ids=["an edit", "another head", "a missing line", "an end the store does not know", "an end before its time"],
)
async def test_a_log_that_is_damaged_is_found(
    broken: Callable[[SessionRow, list[Line]], tuple[SessionRow, list[Line]]], kind: str
):
    _, row, lines = await visited()

    assert kind in {found for found, _ in broken_by_log(*broken(row, lines), None)}


@pytest.mark.anyio
async def test_a_log_file_that_is_short_is_found():
    _, row, lines = await visited()
    file = "".join(f"{line.text}\n" for line in lines[:-1]).encode()

    assert [kind for kind, _ in broken_by_log(row, lines, file)] == ["log_file"]
