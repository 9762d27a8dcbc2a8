"""A session seen again, run again from its log, and its log proved: by the functions and by the commands."""

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from roomful.codec import GENESIS, decode, encode, parse_timestamp, tombstone
from roomful.core import CORE_VERSION
from roomful.core.events import CallAnswered, Entry, MessagePosted, ReceiptGiven, TurnPlanned
from roomful.core.inputs import Rang
from roomful.host import Study
from roomful.log import SessionLog
from roomful.logfile import LogFiles
from roomful.replay import batches, run_again, verify
from roomful.session import SimulationSession
from roomful.store.sql import SQLStore
from roomful.timeline import PacedTimeline, SimulatedTimeline
from tests.commands import invoke
from tests.goldens import GOLDENS, THIS_VERSION, read
from tests.rooms import SESSION, salts
from tests.stores import STARTED
from tests.verified import Made, verify_made

LINES = read(THIS_VERSION / "answers.json")
ENTRIES = [decode(text) for text in LINES]
OTHER = "11111111-1111-4111-8111-111111111111"


def first(kind: type, entries: list[Entry] = ENTRIES) -> Entry:
    return next(entry for entry in entries if isinstance(entry.event, kind))


def with_(entry: Entry, **event: object) -> list[Entry]:
    """The log with one event changed."""
    changed = replace(entry, event=replace(entry.event, **event))
    return [changed if one is entry else one for one in ENTRIES]


def chained(entries: list[Entry]) -> list[str]:
    """The lines of entries in a chain that is whole."""
    link, lines, salt = GENESIS, [], salts()
    for entry in entries:
        encoded = encode(entry, SESSION, STARTED, link, salt())
        link = encoded.hash
        lines.append(encoded.text)
    return lines


def test_a_log_is_what_it_gives_when_it_is_run_again():
    assert run_again(ENTRIES) is None
    assert verify(LINES).sound
    assert sum(len(batch) for batch in batches(ENTRIES)) == len(ENTRIES)


@pytest.mark.parametrize(
    ("kind", "change", "field", "recorded", "now"),
    [
        (TurnPlanned, {"agent_name": "Zoe"}, "agent_name", "'Zoe'", "'"),
        (TurnPlanned, {"due": 1.5}, "due", "1.5", ""),
        (MessagePosted, {"message_id": "m"}, "message_id", "'m'", "-"),
        (MessagePosted, {"late": 3.0}, "late", "3.0", "0."),
        (CallAnswered, {"text": "not what was said"}, "text", "'not what was said'", ""),
        (CallAnswered, {"rejected": "mood"}, "rejected", "'mood'", "None"),
    ],
)
def test_the_first_difference_is_named(kind, change, field, recorded, now):
    entry = first(kind)

    found = run_again(with_(entry, **change))

    assert (found.seq, found.field, found.recorded) == (entry.seq, field, recorded)
    assert now in found.now
    assert str(entry.seq) in str(found)


def test_a_difference_deep_inside_is_named_by_its_path_and_shown_where_it_begins():
    entry = next(
        entry for entry in ENTRIES if isinstance(entry.event, CallAnswered) and len(entry.event.prompt.text) > 200
    )
    text = entry.event.prompt.text

    found = run_again(with_(entry, prompt=replace(entry.event.prompt, text=f"{text[:150]}X{text[151:]}")))

    assert found.field == "prompt.text"
    assert "X" in found.recorded
    assert text[145:160].strip() in eval(found.now.strip("…"))
    assert max(len(found.recorded), len(found.now)) < 100


@pytest.mark.parametrize("about", [{"seq": 99}, {"shown": 99}, {"at": 119.0}])
def test_numbers_and_times_are_compared(about):
    entry = next(entry for entry in ENTRIES if entry.shown is not None and entry.input is None)
    entries = [replace(entry, **about) if one is entry else one for one in ENTRIES]

    assert run_again(entries).field == next(iter(about))


def test_an_event_that_is_missing_or_too_many_is_a_difference():
    place = next(place for place, entry in enumerate(ENTRIES) if place > 3 and entry.input is None)
    extra = replace(ENTRIES[place], input=None)

    missing = run_again([*ENTRIES[:place], *ENTRIES[place + 1 :]])
    doubled = run_again([*ENTRIES[: place + 1], extra, *ENTRIES[place + 1 :]])

    # a line is named by the number that stands in it: behind a gap that is the next one's
    assert (missing.seq, missing.field) == (ENTRIES[place + 1].seq, "event")
    assert (doubled.seq, doubled.field) == (ENTRIES[place].seq, "event")


def test_a_log_that_breaks_off_within_an_append_differs_there():
    place = next(place for place, entry in enumerate(ENTRIES) if place > 3 and entry.input is None)

    found = run_again(ENTRIES[:place])

    assert (found.seq, found.recorded) == (place + 1, "nothing")
    assert run_again(ENTRIES[: place - 1]) is None


def rings(place: int, at: float) -> str:
    """What is said when the alarm of this place rings at another time."""
    batch_end = next(n for n in range(place + 1, len(ENTRIES)) if ENTRIES[n].input is not None)
    moved = [replace(entry, at=at) for entry in ENTRIES[place:batch_end]]
    return str(run_again([*ENTRIES[:place], *moved]))


def test_an_alarm_that_rang_early_is_found():
    place = next(n for n, e in enumerate(ENTRIES) if isinstance(e.input, Rang) and e.at > ENTRIES[n - 1].at + 0.1)

    assert "is due at" in rings(place, ENTRIES[place].at - 0.05)
    assert "late" not in rings(place, ENTRIES[place].at)


def test_an_alarm_that_rang_before_another_that_was_due_is_found():
    receipts = [n for n, e in enumerate(ENTRIES) if isinstance(e.event, ReceiptGiven)]
    place = next(n for n in receipts if isinstance(ENTRIES[n - 1].input, Rang) and ENTRIES[n - 1].input and n > 1)
    entries = list(ENTRIES[: place - 1])
    # the alarm before it is left out, as if this one had rung first
    entries.append(replace(ENTRIES[place], seq=ENTRIES[place - 1].seq))

    assert "was due before it" in str(run_again(entries))


def test_an_alarm_that_was_not_set_is_found():
    place = next(n for n, e in enumerate(ENTRIES) if isinstance(e.input, Rang))
    entry = replace(ENTRIES[place], input=Rang(alarm="typing:b99"))

    assert "was not set" in str(run_again([*ENTRIES[:place], entry]))


def test_time_that_goes_back_is_found():
    place = next(n for n, e in enumerate(ENTRIES) if e.input is not None and not isinstance(e.input, Rang) and e.at > 1)

    assert "not before" in str(run_again([*ENTRIES[:place], replace(ENTRIES[place], at=0.5)]))


@pytest.mark.parametrize("version", [None, "0", "99"])
def test_a_log_of_another_version_of_the_core_is_not_run_again_and_still_checked(version):
    started = ENTRIES[0].event
    versions = {"core": version} if version else {}
    event, cause = (replace(one, versions=versions) for one in (started, ENTRIES[0].input))
    entries = [replace(ENTRIES[0], event=event, input=cause), *with_(first(TurnPlanned), agent_name="Zoe")[1:]]

    verdict = verify(chained(entries))

    assert verdict.sound
    assert f"version {version or 'unknown'} of the core" in verdict.not_run
    assert f"version {CORE_VERSION}" in verdict.not_run
    assert not verify([*chained(entries)[:-1], "x"]).sound


def test_a_log_of_which_parts_were_erased_is_not_run_again():
    verdict = verify([tombstone(line) if '"sender":"user"' in line else line for line in LINES])

    assert verdict.sound
    assert verdict.not_run == "parts of it were erased"


def test_the_tests_themselves_notice_a_session_that_differs():
    made, lines = Made(), chained(with_(first(TurnPlanned), agent_name="Zoe"))

    class Kept:
        def __init__(self, text: str) -> None:
            self.text, self.hash = text, json.loads(text)["hash"]

    made.add(SESSION, GENESIS, [Kept(line) for line in lines])
    with pytest.raises(AssertionError, match="differs from its log"):
        verify_made(made)

    made.add(SESSION, GENESIS, [Kept(line) for line in LINES])
    assert verify_made(made) == 1


def test_paced_time_waits_as_long_as_it_took_divided_by_the_speed():
    now, slept = [100.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    async def played() -> None:
        timeline = PacedTimeline(10, clock=lambda: now[0], sleep=sleep)
        await timeline.until(5.0)
        now[0] += 2.0
        # showing it took longer than until the next
        await timeline.until(15.0)
        timeline.leap(1_000.0)
        await timeline.until(1_010.0)

    asyncio.run(played())

    assert slept == [pytest.approx(0.5), pytest.approx(1.0)]


# --- the commands


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A study's folder with two sessions in its database and their files, and one that nobody has come to."""
    monkeypatch.chdir(tmp_path)
    asyncio.run(held(tmp_path))
    return tmp_path


async def held(folder: Path) -> None:
    (folder / "data").mkdir()
    store = await SQLStore.open(f"sqlite:///{folder / 'data' / 'roomful.db'}")
    files = LogFiles(folder / "logs", store, pause=lambda: asyncio.sleep(0))
    for session_id, name in ((SESSION, "left"), (OTHER, "absence")):
        golden = GOLDENS[name]
        await store.reserve(session_id, 0.0, "{}")
        row = await store.claim(session_id)
        log = await SessionLog.open(store, session_id, row.epoch, STARTED, salts(), files.add)
        session = SimulationSession(log, golden.llm, SimulatedTimeline())
        for at, input in [(0.0, replace(golden.start, session_id=session_id)), *golden.script]:
            session.put(input, at)
        await session.run()
    await store.reserve("22222222-2222-4222-8222-222222222222", 1.0, "{}")
    await files.close()
    await store.close()


def edit(folder: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(folder / "data" / "roomful.db") as database:
        assert database.execute(statement, values).rowcount > 0
    database.close()


def test_every_session_of_the_database_is_run_again(folder):
    said = invoke("replay", "--verify", "--all")

    assert f"{SESSION}  identical: 26 entries" in said
    assert "nobody has come in yet" in said
    assert "3 sessions: 2 identical, 1 not run again" in said


def test_a_session_is_run_again_from_its_exported_file_alone(folder):
    (folder / "data" / "roomful.db").unlink()

    assert "identical" in invoke("replay", "--verify", f"logs/{SESSION}.json")
    assert "2 sessions: 2 identical" in invoke("replay", "--verify", "logs")


def test_a_session_that_differs_is_named_with_its_first_difference(folder):
    path = folder / "logs" / f"{SESSION}.json"
    entries = [decode(text) for text in read(path)]
    planned = first(TurnPlanned, entries)
    changed = replace(planned, event=replace(planned.event, agent_name="Zoe"))
    path.write_text("\n".join(chained([changed if one is planned else one for one in entries])) + "\n", "ascii")

    said = invoke("replay", "--verify", "logs", code=1)

    assert f"differs at seq {planned.seq} (turn_planned), agent_name: recorded 'Zoe', now" in said
    assert "2 sessions: 1 identical, 1 different" in said


def test_a_session_is_played_as_its_participant_saw_it(folder, monkeypatch):
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("roomful.cli.replay.sleep", sleep)

    said = invoke("replay", SESSION[:6], "--speed", "20")

    assert "is typing…" in said
    assert "You: bye ✓" in said
    assert "You have left the room." in said
    assert waited
    for hidden in ("turn_planned", "prompt", "double", "alarm"):
        assert hidden not in said


@pytest.mark.parametrize("option", ["0", "21", "x"])
def test_the_speed_is_from_1_to_20(option, folder):
    invoke("replay", SESSION, "--speed", option, code=2)


@pytest.mark.parametrize(
    "command",
    [["replay"], ["replay", "--verify"], ["replay", "logs"], ["verify"], ["verify", SESSION, "--all"]],
)
def test_a_command_that_does_not_say_what_is_not_understood(command, folder):
    assert "Say which session" in invoke(*command, code=2)


@pytest.mark.parametrize("command", ["replay", "verify"])
def test_a_session_or_file_that_is_not_there_is_said_in_a_sentence(command, folder):
    invoke(command, "abcdef", code=1)
    invoke(command, "logs/none.json", code=1)


def test_whole_logs_are_said_to_be_whole(folder):
    said = invoke("verify", "--all")

    assert f"{SESSION}  whole: 26 lines" in said
    assert "3 logs: 3 whole" in said
    assert "whole: 26 lines" in invoke("verify", f"logs/{SESSION}.json")


def test_an_edit_in_the_database_is_located(folder):
    edit(folder, "update entries set text = replace(text, '\"bye\"', '\"byE\"') where session_id = ?", SESSION)

    said = invoke("verify", SESSION, code=1)

    (number,) = (n for n, line in enumerate(read(folder / "logs" / f"{SESSION}.json"), 1) if '"bye"' in line)
    assert "was changed" in said
    assert f"line {number}: it was changed" in said
    assert f"line {number} of logs/{SESSION}.json is not that of the database" in said


def test_a_tail_cut_off_is_found_by_the_head_that_the_database_keeps(folder):
    path = folder / "logs" / f"{SESSION}.json"
    lines = read(path)
    path.write_text("".join(f"{line}\n" for line in lines[:-3]), "ascii")

    assert "its tail is missing: 23 lines of 26" in invoke("verify", f"logs/{SESSION}.json", code=1)
    assert f"logs/{SESSION}.json lacks the last 3 lines" in invoke("verify", SESSION, code=1)

    edit(folder, "delete from entries where session_id = ? and seq > 23", SESSION)

    assert "its tail is missing: 23 lines of 26" in invoke("verify", SESSION, code=1)


def test_a_chain_made_anew_is_found_by_the_head_that_the_database_keeps(folder):
    path = folder / "logs" / f"{SESSION}.json"
    entries = [decode(text) for text in read(path)]
    other = [
        replace(one, event=replace(one.event, content="no")) if one is first(MessagePosted, entries) else one
        for one in entries
    ]
    path.write_text("".join(f"{line}\n" for line in chained(other)), "ascii")

    assert "not the one the database has the hash of" in invoke("verify", f"logs/{SESSION}.json", code=1)


def test_a_torn_last_line_is_told(folder):
    path = folder / "logs" / f"{SESSION}.json"
    path.write_bytes(path.read_bytes()[:-30])

    assert "line 26 is torn" in invoke("verify", f"logs/{SESSION}.json", code=1)


def test_without_a_database_a_file_is_checked_and_its_end_is_said_to_be_open(folder):
    (folder / "data" / "roomful.db").unlink()

    assert "a tail that was cut off would not show" in invoke("verify", f"logs/{SESSION}.json")


def test_an_empty_file_is_no_whole_log(folder):
    (folder / "empty.json").write_text("")

    assert "empty.json  was changed: 0 lines" in invoke("verify", "empty.json", code=1)
    assert "it is empty: a log has a first line at least" in invoke("verify", "empty.json", code=1)
    assert "it is empty" in invoke("replay", "--verify", "empty.json", code=1)


def test_files_of_another_database_are_not_taken_for_its_own(folder):
    (folder / "data").rename(folder / "older")
    path = folder / "logs" / f"{SESSION}.json"
    path.write_text("another study's\n")

    said = invoke("verify", SESSION, "--data", "older")

    assert f"{SESSION}  whole: 26 lines, its file was not looked at: --logs" in said
    assert "is not that of the database" in invoke("verify", SESSION, "--data", "older", "--logs", "logs", code=1)
    (folder / "older").rename(folder / "data")
    assert "is not that of the database" in invoke("verify", SESSION, "--data", str(folder / "data"), code=1)


def test_erased_lines_pass_and_are_counted(folder):
    path = folder / "logs" / f"{SESSION}.json"
    lines = [tombstone(line) if '"sender":"user"' in line else line for line in read(path)]
    path.write_text("".join(f"{line}\n" for line in lines), "ascii")

    assert "26 lines, 1 of them erased" in invoke("verify", f"logs/{SESSION}.json")
    assert "parts of it were erased" in invoke("replay", "--verify", f"logs/{SESSION}.json")
    assert "Alice" in invoke("show", f"logs/{SESSION}.json")


def test_what_a_host_starts_records_the_version_of_the_core():
    from roomful.host import Host
    from roomful.store import SessionRow
    from roomful.store.memory import MemoryStore

    start = GOLDENS["plain"].start
    study = Study(experimental=start.experimental, simulation=start.simulation, model="scripted", versions={})
    host = Host(MemoryStore(), GOLDENS["plain"].llm, study)

    begun = host._first(SessionRow(SESSION, 0.0, 1, 0, "", None, "{}"))

    assert begun.versions["core"] == str(CORE_VERSION)
    assert parse_timestamp(json.loads(LINES[0])["timestamp"]) == STARTED
