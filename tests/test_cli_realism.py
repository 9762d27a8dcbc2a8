"""`roomful realism` as it is typed, misuse included."""

import asyncio
import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from roomful.assembly import open_store
from roomful.core.inputs import Connect, Say
from roomful.llm.scripted import Scripted
from roomful.log import SessionLog
from roomful.realism import NAMES
from roomful.realism.rehearsed import Rooms, held, starts
from roomful.session import SimulationSession
from roomful.settings import load_server_settings
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline
from tests.commands import invoke
from tests.test_cli import ROOT, environment


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    return tmp_path


def make_logs(folder: Path, sessions: int = 3, **rooms: object) -> list[str]:
    """Write logs as the server does; their sessions' ids."""

    async def all_of() -> None:
        for start in begun:
            lines = await held(start, MemoryStore())
            (folder / f"{start.session_id}.json").write_text("".join(f"{line}\n" for line in lines), "ascii")

    begun = list(starts(Rooms(sessions=sessions, **rooms)))
    folder.mkdir(exist_ok=True)
    asyncio.run(all_of())
    return [start.session_id for start in begun]


def make_database(sessions: int = 3) -> list[str]:
    """Hold sessions in the database of this folder; their ids."""

    async def all_of() -> None:
        store = await open_store(load_server_settings())
        for start in begun:
            await held(start, store)
        await store.reserve("0c7d7c8e-52a1-4c3c-8f0e-0d8f4a1d2b3c", 0.0, "{}")
        await store.close()

    begun = list(starts(Rooms(sessions=sessions)))
    asyncio.run(all_of())
    return [start.session_id for start in begun]


def column(said: str, head: str) -> dict[str, str]:
    """The first two cells of the rows of a table that begins with this."""
    rows = said.partition(f"\n{head} ")[2].splitlines()[1:]
    cells = [re.split(r"\s{2,}", row) for row in rows[: rows.index("")] if row] if "" in rows else []
    return {row[0]: row[1] for row in cells}


def test_rehearsed_sessions_are_measured_beside_delidata(lab):
    said = invoke("realism", "--rehearse", "30")

    found = column(said, "statistic")
    assert said.startswith("Beside DeliData: 500 groups of 2 to 5 people")
    assert "rehearsed, preset attentive: 30 sessions" in said
    assert tuple(found) == NAMES
    assert all(re.fullmatch(r"-?\d\.\d{3}", value) for value in found.values())
    assert "against 200 stand-ins drawn from independent normals of DeliData's means and sds" in said
    assert "not available without the sessions of DeliData" in said
    assert "real against real 0.078" in said
    assert re.search(r"^B_room .*(good|acceptable|off)$", said, re.MULTILINE)
    assert re.search(r"^near duplicates +\d", said, re.MULTILINE)
    # nothing is left behind: the sessions were held in memory
    assert list(lab.iterdir()) == []


def test_presets_stand_side_by_side_in_table_json_and_figure(lab):
    said = invoke("realism", "--rehearse", "12", "--preset", "seed", "--preset", "attentive", "--preset", "seed",
                  "--json", "r.json", "--figure", "r.svg")  # fmt: skip

    written = json.loads((lab / "r.json").read_text())
    assert re.search(r"^statistic +DeliData +seed +d +attentive +d$", said, re.MULTILINE)
    assert [one["label"] for one in written["series"]] == ["rehearsed, preset seed", "rehearsed, preset attentive"]
    assert written["rehearsed"][0] == {
        "sessions": 12, "preset": "seed", "people": [2, 5], "minutes": 7.0, "rate": 4.0, "seed": 1
    }  # fmt: skip
    shown = column(said, "statistic")
    assert f"{written['series'][0]['rows'][0]['reference_mean']:.3f}" == shown["B_room"]
    assert written["series"][1]["classifier"]["against"] == "drawn"
    ET.parse(lab / "r.svg")


def test_json_alone_goes_to_stdout(lab):
    written = json.loads(invoke("realism", "--rehearse", "30", "--json", "-"))

    assert len(written["series"][0]["rows"]) == 12


def test_the_same_command_says_the_same(lab):
    assert invoke("realism", "--rehearse", "3") == invoke("realism", "--rehearse", "3")
    assert invoke("realism", "--rehearse", "3") != invoke("realism", "--rehearse", "3", "--seed", "2")


def test_rooms_are_as_was_asked(lab):
    said = invoke("realism", "--rehearse", "4", "--people", "6", "--minutes", "10", "--rate", "12")

    (count,) = re.findall(r"4 sessions, (\d+) messages", said)
    assert 400 < int(count) < 560
    assert "4 sessions measured: fewer than 30, so there is no verdict." in said
    assert "No AUC: a classifier needs at least 10 sessions of either kind." in said
    assert not re.search(r"(good|acceptable|off)$", said, re.MULTILINE)


def test_logs_and_folders_of_logs_are_measured(lab):
    ids = make_logs(lab / "logs")
    (lab / "logs" / "study.json").write_text('{"timestamp":"2026-03-02T14:30:00.000000Z","session_id":"study"}\n')

    assert "logs/: 3 sessions" in invoke("realism", "logs/")
    assert f"logs/{ids[0]}.json: 1 session," in invoke("realism", f"logs/{ids[0]}.json")
    assert "the sessions: 2 sessions" in invoke("realism", *(f"logs/{one}.json" for one in ids[:2]))


def test_a_line_that_is_being_written_is_no_fault(lab):
    (one,) = make_logs(lab / "logs", 1)
    log = lab / "logs" / f"{one}.json"
    whole = log.read_text("ascii")
    whole_said = invoke("realism", str(log))

    log.write_text(whole + '{"timestamp":"2026-03', "ascii")

    assert invoke("realism", str(log)) == whole_said
    # a last line that is whole counts
    log.write_text(whole.removesuffix("\n"), "ascii")
    assert invoke("realism", str(log)) == whole_said


def test_sessions_of_the_database_are_measured(lab):
    ids = make_database()

    # the one that nobody has come into yet has nothing to measure
    assert "the sessions: 3 sessions" in invoke("realism")
    assert f"{ids[1][:8]}: 1 session," in invoke("realism", ids[1][:8])
    assert "There is no session ffff." in invoke("realism", "ffff", code=1)


def test_sessions_of_one_s_own_are_a_reference(lab):
    make_logs(lab / "ours", 10)
    make_logs(lab / "theirs", 12, seed=5)
    rooms = [
        {"room": f"r{number}", "at": n * 8 + (n * n) % 5, "sender": "ABC"[(n + n // 5) % 3], "text": "so " * (n % 6)}
        for number in range(30)
        for n in range(25)
    ]
    (lab / "export.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in rooms))

    alike = invoke("realism", "ours/", "--reference", "theirs/", "--json", "alike.json")
    other = invoke("realism", "export.jsonl", "--reference", "theirs", "--json", "other.json")

    alike_json, other_json = (
        json.loads((lab / name).read_text())["series"][0] for name in ("alike.json", "other.json")
    )
    assert "Beside theirs: 12 sessions" in alike
    assert "against 12 sessions of theirs" in other
    assert "not available" not in alike
    assert "12 sessions of the reference measured: fewer than 30, so there is no verdict." in alike
    assert other_json["classifier"]["auc"] > 0.9
    assert {one["against"] for one in alike_json["distances"]} == {"sessions"}
    assert alike_json["distances"][0]["value"] < other_json["distances"][0]["value"]
    assert re.search(r"^text marker +here +theirs$", alike, re.MULTILINE)


def test_bad_files_are_told_all_at_once_and_nothing_is_measured(lab):
    begun = make_logs(lab / "logs", 1)
    (lab / "logs" / "torn.json").write_text((lab / "logs" / f"{begun[0]}.json").read_text("ascii") + '{"time":"2\n')
    (lab / "logs" / "other.json").write_text('{\n  "a": 1,\n  "b": 2\n}\n')
    (lab / "rooms.jsonl").write_text("no\n" * 30)

    said = invoke("realism", "logs", "rooms.jsonl", "nowhere.csv", "--figure", "f.svg", code=1)

    assert said.startswith(
        "There are 33 faults, and nothing was measured:\n"
        "- logs/other.json: found something else, expected a session's log, or rooms as .jsonl or .csv\n"
        "- logs/torn.json: line "
    )
    assert "- rooms.jsonl: line 2: found no, expected a JSON object" in said
    assert said.endswith("- and 13 more\n")
    assert not (lab / "f.svg").exists()


def test_what_is_too_short_or_not_there_cannot_be_measured(lab):
    short = [{"room": "r", "at": n, "sender": "AB"[n % 2], "text": "hi"} for n in range(5)]
    (lab / "short.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in short))
    (lab / "empty").mkdir()

    assert "1 had fewer than 12 messages or 2 speakers" in invoke("realism", "short.jsonl", code=1)
    assert "There is no log (*.json) in empty" in invoke("realism", "empty", code=1)
    assert "There is no database" in invoke("realism", code=1)
    assert "nowhere.json" in invoke("realism", "nowhere.json", code=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rehearse", "0"], "--rehearse"),
        (["logs/", "--rehearse", "3"], "one of them"),
        (["logs/", "--people", "3"], "--people says how to hold sessions: give --rehearse too."),
        (["--preset", "seed"], "--preset says how to hold sessions"),
        (["--rehearse", "3", "--preset", "sed"], "found sed, expected one of seed, attentive, ambient"),
        (["--rehearse", "3", "--people", "1-3"], "--people: found 1-3, expected a number from 2 to 12"),
        (["--rehearse", "3", "--people", "5-3"], "found 5-3"),
        (["--rehearse", "3", "--people", "²"], "found ²"),
        (["--rehearse", "3", "--minutes", "0"], "--minutes"),
        (["--rehearse", "3", "--reference", "delidat"], "found delidat, expected delidata (the nearest corpus)"),
        (["--rehearse", "3", "--reference", "x.jsonl"], "or the path of a file or folder"),
    ],
)
def test_what_makes_no_sense_is_refused(lab, options, said):
    assert said in invoke("realism", *options, code=2)


def test_a_file_that_is_there_is_not_written_over(lab):
    (lab / "kept.svg").write_text("mine")

    assert "expected a file that ends in .svg" in invoke("realism", "--rehearse", "3", "--figure", "f.png", code=2)
    assert "kept.svg is there already" in invoke("realism", "--rehearse", "3", "--figure", "kept.svg", code=1)
    assert "kept.svg is there already" in invoke("realism", "--rehearse", "3", "--json", "kept.svg", code=1)
    assert (lab / "kept.svg").read_text() == "mine"
    assert "nowhere" in invoke("realism", "--rehearse", "3", "--figure", "nowhere/f.svg", code=1)


def test_a_message_of_the_participant_counts(lab):
    async def lines() -> list[str]:
        start = next(starts(Rooms(sessions=1)))
        store = MemoryStore()
        await store.reserve(start.session_id, 0.0, "{}")
        epoch = (await store.claim(start.session_id)).epoch
        log = await SessionLog.open(store, start.session_id, epoch, 0, lambda: "00" * 16)
        session = SimulationSession(log, Scripted(), SimulatedTimeline())
        session.put(start, 0)
        session.put(Connect(protocol=2), 0)
        for number in range(12):
            session.put(Say(content="hm", client_id=str(number)), 30 * number)
        await session.run()
        return [line.text for line in await store.read(start.session_id)]

    make_logs(lab / "without", 1)
    (lab / "with.json").write_text("".join(f"{line}\n" for line in asyncio.run(lines())), "ascii")

    counts = [
        int(re.search(r"1 session, (\d+) messages", invoke("realism", name))[1]) for name in ("without", "with.json")
    ]
    assert counts[1] == counts[0] + 12


@pytest.mark.long
def test_the_table_of_presets_in_the_documentation_is_what_its_command_prints(lab):
    page = (ROOT / "docs" / "realism.md").read_text("utf-8")
    command, printed = re.search(r"<!-- presets -->\n```\n\$ roomful (.*?)\n(.*?)\n```\n", page, re.DOTALL).groups()

    # after a change of agents' timing or words: `scripts/realism` writes it anew
    assert invoke(*command.split()).strip() == printed
    assert (lab / "realism.svg").read_text("utf-8") == (ROOT / "docs" / "images" / "realism.svg").read_text("utf-8")
