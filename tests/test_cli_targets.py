"""Targets where a researcher looks for them: check, preregister, show, sessions, and the tables."""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomful.codec import tombstone
from roomful.core.events import Entry, SessionEnded
from roomful.core.inputs import Connect, End
from roomful.core.study import ExperimentalSettings, Position, SeededMessage, Stances, Target
from roomful.export import CONVENTIONS, export
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from tests import examples, rooms
from tests.commands import invoke
from tests.paging import question, write
from tests.test_cli_people import lab
from tests.test_export import keep, table

__all__ = ["lab"]
"""The fixture of another module that is used here."""

pytestmark = pytest.mark.anyio

TARGETS = {
    "incivility": Target(
        measure="share_matching", lexicon=("idiot", "fool", "shut up"), at_least=0.5, exclude_below=0.25
    ),
    "length": Target(measure="words_per_message", at_most=3),
    "split": Target(measure="agents_on_side", side="disagree"),
}


def session(*replies: str, ended: bool = True) -> list[Entry]:
    """A session in which agents say this, after a seeded message."""
    positions = (Position(answers=("yes",), stance="For."), Position(answers=("no",), stance="Against."))
    experimental = ExperimentalSettings(
        prompt_template="Chat.",
        stances=Stances(question="Q1", positions=positions, agree=1, disagree=2),
        seeded_messages=(SeededMessage(sender="Bob", text="You fool!"),),
        targets=TARGETS,
        licences=("incivility",),
    )
    given = replace(rooms.start(messages_per_minute=20), experimental=experimental, treatment="uncivil")
    room = rooms.Room(given)
    room.take(Connect(protocol=2), 0.1)
    for text in replies:
        posted = len(room.state.messages)
        while len(room.state.messages) == posted:
            if room.state.calls:
                room.answer(text)
            else:
                room.ring()
    if ended:
        room.take(End(reason="fire_alarm"))
    return room.entries


def held(folder: Path, *sessions: tuple[str, Sequence[Entry]]) -> None:
    async def keep_all() -> None:
        (folder / "data").mkdir(exist_ok=True)
        store = await SQLStore.open(f"sqlite:///{folder}/data/roomful.db")
        for number, (name, entries) in enumerate(sessions):
            await keep(store, name, entries, created=float(number))
        await store.close()

    asyncio.run(keep_all())


def test_show_tells_the_targets_of_a_session_and_up_to_now_of_one_that_lives(lab):
    living = session("ok then", ended=False)
    held(lab, (rooms.SESSION, session("you idiot", "nice", "fine")), (examples.SESSION, living))

    over, live = invoke("show", rooms.SESSION), invoke("show", examples.SESSION)

    _, _, found = over.partition("\nTargets\n")
    incivility, length, split = (re.sub(" +", " ", line).strip() for line in found.splitlines())
    assert incivility == "incivility 0.333 (n = 3), missed at least 0.5, excluded below 0.25"
    assert length == "length 1.33 (n = 3), met at most 3"
    assert split == "split 0.667 (n = 3)"
    _, _, found = live.partition("\nTargets up to now\n")
    assert re.sub(" +", " ", found).startswith("incivility 0 (n = 1), missed, excluded at least 0.5")


def test_show_tells_sides_treatment_and_what_was_seeded(lab):
    held(lab, (rooms.SESSION, session("you idiot")))

    said = invoke("show", rooms.SESSION)

    assert "treatment uncivil" in said
    assert re.search(r"^agree: (Alice|Bob|Carol); disagree: \w+, \w+$", said, re.MULTILINE)
    assert re.search(r"Bob +You fool!  \(seeded\)\n", said)
    assert re.search(r"you idiot\n", said)


def test_sessions_tells_which_targets_were_met_and_what_excludes(lab):
    plain = examples.entries()[0]
    held(lab, (examples.SESSION, [plain]))
    without = invoke("sessions")
    ids = [f"{number:08x}{rooms.SESSION[8:]}" for number in (1, 2)]
    held(lab, (ids[0], session("you idiot", "fool", "shut up")), (ids[1], session("fine", "ok")))

    heads, *lines = invoke("sessions").splitlines()
    told = json.loads(invoke("sessions", "--json"))

    assert "targets" not in without
    assert heads.split()[-1] == "targets"
    by_session = {line.split()[0]: " ".join(line.split()[4:]) for line in lines}
    assert by_session[ids[0]].endswith("fire_alarm 2/2 met")
    assert by_session[ids[1]].endswith("fire_alarm 1/2 met, excluded by incivility")
    assert by_session[examples.SESSION].endswith("live –")
    found = {one["session_id"]: one["targets"] for one in told}
    assert found[ids[1]]["incivility"] == {"value": 0.0, "n": 2, "met": False, "excluded": True}
    assert found[examples.SESSION] == {}


# --- what is declared

DESIGN: dict[str, Any] = {
    "prompt_template": "Chat. {tone}",
    "targets": {"incivility": {"measure": "share_matching", "lexicon": [f"word{n}" for n in range(7)]}},
    "factors": {
        "tone": {
            "kind": {"text": "Be kind.", "targets": {"incivility": {"at_most": 0.05, "exclude_above": 0.2}}},
            "rude": {
                "text": "Be rude.",
                "targets": {"incivility": {"at_least": 0.2}, "length": {"measure": "words_per_message", "at_most": 20}},
            },
        }
    },
}


def declare(folder: Path) -> None:
    (folder / "config" / "experimental_settings.json").write_text(json.dumps(DESIGN))


def test_check_tells_the_targets_of_every_cell(lab):
    declare(lab)

    said, told = invoke("check"), json.loads(invoke("check", "--json"))

    kind, rude = re.findall(r"^tone=\w+ .*?\n\n", said, re.DOTALL | re.MULTILINE)
    words = r"share_matching; words: word0 \| word1 \| word2 \| word3 \| word4 and 2 more"
    assert re.search(rf"target +incivility: {words}; at most 0\.05; excluded above 0\.2\n", kind)
    assert re.search(rf"target +incivility: {words}; at least 0\.2\n", rude)
    assert re.search(r"target +length: words_per_message; at most 20\n", rude)
    assert told["design"][0]["targets"]["incivility"]["exclude_above"] == 0.2


def test_check_tells_the_targets_of_a_study_without_treatments(lab):
    design = {"prompt_template": "x", "targets": {"pace": {"measure": "words_per_message"}}}
    (lab / "config" / "experimental_settings.json").write_text(json.dumps(design))

    assert re.search(r"the one treatment\n.*target +pace: words_per_message\n", invoke("check"), re.DOTALL)


def test_a_preregistration_has_the_whole_rule_of_every_exclusion(lab):
    declare(lab)

    invoke("preregister", "--out", "p.md")
    text = (lab / "p.md").read_text("utf-8")

    everything = " \\| ".join(f"word{n}" for n in range(7))
    assert "## Manipulation fidelity" in text
    rule = f"share_matching; words: {everything}; at most 0.05; excluded above 0.2"
    assert f"| tone=kind | incivility | {rule} |" in text
    assert "| tone=rude | length | words_per_message; at most 20 |" in text


def test_a_preregistration_of_a_study_without_targets_and_pages_says_nothing_of_them(lab):
    invoke("preregister", "--out", "p.md")

    text = (lab / "p.md").read_text("utf-8")
    assert "## Manipulation fidelity" not in text
    assert "## Pages" not in text


def test_a_preregistration_lists_pages_and_questions(lab):
    block = question(
        name="Q1", kind="single", text="Should it be | closed?", options=["1 = no", "2 = yes"], correct="2"
    )
    number = question(name="age", kind="number", text="How old are you?", min="18", screen_out=["0..17"])
    consent = "---\nversion: 7\ntime_limit_seconds: 300\n---\nDo you agree?\n"
    write(lab / "config", {"consent.md": consent, "before.md": f"{block}\n{number}"})

    invoke("preregister", "--out", "p.md")
    text = (lab / "p.md").read_text("utf-8")

    assert "| Time before the chat | not limited |" in text
    assert re.search(
        r"### consent\n\nconsent; version 7; at most 300 seconds; SHA-256 `[0-9a-f]{64}`\n\n### before\n", text
    )
    assert "before; 2 tries, then end; SHA-256" in text
    assert "| Q1 | Should it be \\| closed? | single, 1 = no \\| 2 = yes, correct: 2 |" in text
    assert "| age | How old are you? | number, 18 to …, screens out: 0..17 |" in text


# --- the table


async def test_the_table_has_a_row_for_each_target_of_each_session_that_ended(tmp_path):
    store = MemoryStore()
    await keep(store, rooms.SESSION, session("you idiot", "nice", "fine"))
    await keep(store, examples.SESSION, session("ok", ended=False))
    nobody = session()
    await keep(store, f"2{rooms.SESSION[1:]}", nobody)

    await export(store, tmp_path / "tables", CONVENTIONS)

    found = table(tmp_path / "tables", "targets")
    assert [tuple(row.values()) for row in found if row["session_id"] == rooms.SESSION] == [
        (rooms.SESSION, "incivility", "share_matching", str(1 / 3), "3", "false", "false", ""),
        (rooms.SESSION, "length", "words_per_message", str(4 / 3), "3", "true", "", ""),
        (rooms.SESSION, "split", "agents_on_side", str(2 / 3), "3", "", "", ""),
    ]
    assert [row["session_id"] for row in found].count(examples.SESSION) == 0
    (silent,) = (row for row in found if row["session_id"][0] == "2" and row["target"] == "incivility")
    assert (silent["value"], silent["n"], silent["met"], silent["excluded"]) == ("", "0", "", "")


async def test_the_table_has_nothing_of_a_session_that_was_erased(tmp_path):
    store, entries = MemoryStore(), session("you idiot")
    lines = await keep(store, rooms.SESSION, entries)
    gone = {line.seq: tombstone(line.text) for line in lines[:-1]}
    await store.rewrite(rooms.SESSION, gone)

    await export(store, tmp_path / "tables", CONVENTIONS)

    assert isinstance(entries[-1].event, SessionEnded)
    assert len(table(tmp_path / "tables", "sessions")) == 1
    assert table(tmp_path / "tables", "targets") == []
