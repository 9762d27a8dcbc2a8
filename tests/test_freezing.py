"""A frozen study: its hash, what a change is called, and that nothing else is run."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomful.assembly import SetupError, looked_at
from roomful.codec import decode, encode
from roomful.core.admission import Arrive, Deviate, Freeze
from roomful.core.decide import Refused
from roomful.core.enrolment import DeviationRecorded, StudyFrozen
from roomful.core.events import Entry, SessionStarted
from roomful.export import export
from roomful.freezing import Fingerprint, canonical, differing, parts_of
from roomful.settings import ServerSettings, StudySettings, load_settings
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from tests import examples, rooms
from tests.asgi import web
from tests.commands import invoke
from tests.enrolling import Door, rules
from tests.paging import documented, write
from tests.test_cli_people import lab, make_study
from tests.test_enrolment import opened
from tests.test_enrolment_settings import SIMULATION
from tests.test_export import keep, table

__all__ = ["lab"]
"""The fixture of another module that is used here."""

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parent.parent / "docs" / "freeze.md").read_text("utf-8")


def study(folder: Path, **simulation: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "experimental_settings.json").write_text('{"prompt_template": "Chat."}')
    whole = SIMULATION | {"llm": {"provider": "scripted"}} | simulation
    (folder / "simulation_settings.json").write_text(json.dumps(whole))
    return folder


def loaded(folder: Path, **simulation: Any) -> tuple[StudySettings, Fingerprint]:
    settings = load_settings(study(folder, **simulation))
    return settings, looked_at(ServerSettings(), settings)


# --- the hash


def test_the_example_of_the_page_has_the_hash_that_stands_there(tmp_path):
    first, second = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "experimental_settings.json").write_text(first, "utf-8")
    (tmp_path / "simulation_settings.json").write_text(second, "utf-8")
    shown = re.findall(r"```\n(\{.*?\}|[0-9a-f]{64})\n```", PAGE)

    own = {"model": "scripted", "version: core": "1", "version: roomful": "0.1.0"}
    found = Fingerprint(parts_of(tmp_path) | own)

    assert [canonical(dict(sorted(found.parts.items()))), found.hash] == shown


def test_spelling_makes_no_difference_and_order_within_a_value_does(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    one = '{"prompt_template": "Zo\\u00eb", "treatments": {"x": {"weight": 1.0}, "y": {"weight": 2}}}'
    same = '\ufeff{ "treatments":{"x":{"weight":1},"y":{"weight":2.0}},\n"prompt_template":"Zoë" }\n'
    other = '{"prompt_template": "Zoë", "treatments": {"y": {"weight": 2}, "x": {"weight": 1}}}'
    for name, text in (("a", one), ("b", same), ("c", other)):
        (tmp_path / name / "experimental_settings.json").write_text(text, "utf-8")
        (tmp_path / name / "simulation_settings.json").write_text("{}")

    a, b, c = (Fingerprint(parts_of(tmp_path / name)) for name in "abc")

    assert a.hash == b.hash != c.hash
    assert differing(a.parts, c.parts) == ["experimental_settings.json: treatments was changed"]


def test_pages_and_pictures_count_and_texts_about_the_study_do_not(tmp_path):
    folder = study(tmp_path / "config")
    before = parts_of(folder)
    for name in ("README.md", "preregistration.md", ".hidden.md", "notes.txt"):
        (folder / name).write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.md").write_text("x")
    assert parts_of(folder) == before
    for name in ("pages/consent.md", "pictures/group.png", "end.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")

    after = parts_of(folder)
    (folder / "study.json").write_text('{"repeat": true}')

    assert differing(before, after) == ["end.md is new", "pages/consent.md is new", "pictures/group.png is new"]
    assert differing(parts_of(folder), after) == ["study.json: repeat is gone"]


def test_the_pages_around_the_chat_count_each_for_itself(tmp_path):
    folder = write(study(tmp_path / "config"), documented())
    before = load_settings(folder).parts
    (folder / "pages" / "debrief.md").write_text("# Another\n", "utf-8")
    (folder / "pages" / "before-2.md").unlink()

    after = load_settings(folder).parts

    assert {f"pages/{name}" for name in documented()} <= before.keys()
    assert differing(before, after) == ["pages/before-2.md is gone", "pages/debrief.md was changed"]


def test_another_model_or_version_is_named_plainly():
    before, after = {"model": "gemini a", "version: core": "1"}, {"model": "gemini b", "version: core": "2"}

    assert differing(before, after) == ["model is gemini b, it was gemini a", "version: core is 2, it was 1"]


# --- the study's log


def test_a_study_is_frozen_once_and_deviations_are_numbered():
    door = Door(rules())
    with pytest.raises(Refused, match="not frozen"):
        door.enter(Deviate(reason="x", changes=(), hash="b", parts={}))

    frozen = door.enter(Freeze(hash="a", parts={"p": "1"}))
    again = door.enter(Freeze(hash="a", parts={"p": "1"}))
    with pytest.raises(Refused, match="changed since"):
        door.enter(Freeze(hash="b", parts={"p": "2"}))
    first = door.enter(Deviate(reason="why", changes=("p was changed",), hash="b", parts={"p": "2"}))
    same = door.enter(Deviate(reason="why", changes=(), hash="b", parts={"p": "2"}))
    (second,) = door.enter(Deviate(reason="back", changes=("p was changed",), hash="a", parts={"p": "1"}))

    assert frozen == [StudyFrozen(hash="a", parts={"p": "1"})]
    assert [type(event) for event in first] == [DeviationRecorded]
    assert (first[0].number, second.number, again, same) == (1, 2, [], [])
    assert door.state.frozen == second


def test_the_demo_token_is_refused_from_then_on():
    door = Door(rules())
    door.arrive()
    door.enter(Freeze(hash="a", parts={}))

    with pytest.raises(Refused):
        door.enter(Arrive(session_id="s9"))


# --- sessions


def test_a_session_that_was_not_frozen_has_no_such_key():
    (entry,) = [entry for entry in examples.entries() if isinstance(entry.event, SessionStarted)]

    text = encode(entry, examples.SESSION, examples.STARTED, "", "").text

    assert '"freeze"' not in text
    assert decode(text).event.freeze == ""


async def test_sessions_under_different_hashes_are_told_apart(tmp_path):
    store = MemoryStore()
    people = {"limits": {"study": tmp_path / "config"}}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "study.json").write_text('{"entry": [{"panel": "anonymous"}]}')

    async def one_session(about: StudySettings, freeze: Any = None) -> str:
        async with web(tmp_path, store=store, about=about, **people) as room:
            if freeze:
                await room.state.enrolment.submit(freeze)
            session_id: str = (await room.client.post("/join", b"")).json["session_id"]
            await room.open(session_id).receive()
            (started,) = await room.until_logged(session_id, SessionStarted)
            assert started == decode((await store.first(session_id)).text).event
            return session_id

    settings, found = loaded(tmp_path / "config")
    await one_session(settings)
    await one_session(settings, Freeze(hash=found.hash, parts=found.parts))
    changed, other = loaded(tmp_path / "config", messages_per_minute=2)
    with pytest.raises(SetupError) as refusal:
        await one_session(changed)
    enrolment = await opened(store)
    await enrolment.submit(Deviate(reason="why", changes=("messages",), hash=other.hash, parts=other.parts))
    await one_session(changed)
    with pytest.raises(SetupError, match="was changed"):
        await one_session(settings)
    await export(store, tmp_path / "tables", ())

    assert "\n- simulation_settings.json: messages_per_minute was changed\n" in str(refusal.value)
    page = (tmp_path / "tables" / "codebook.md").read_text("utf-8")
    assert f"with the hash `{found.hash}`" in page
    assert f"why (messages). From then on `{other.hash}`" in page
    assert [row["freeze"] for row in table(tmp_path / "tables", "sessions")] == ["", found.hash, other.hash]


# --- commands


def test_a_study_is_frozen_and_its_changes_are_recorded(lab, monkeypatch):
    config = lab / "config"
    tried = invoke("freeze", "--dry-run")
    assert not (lab / "data").exists()
    frozen = invoke("freeze")
    again = invoke("freeze")
    make_study(config, repeat=True)
    refused = invoke("freeze", code=1)
    checked = " ".join(invoke("check", code=1).split())
    started = invoke("serve", "--port", "0", code=1)
    empty = invoke("freeze", "--deviation", " ", code=2)
    recorded = invoke("freeze", "--deviation", "we allow it")
    twice = invoke("freeze", "--deviation", "we allow it")

    (found,) = re.findall(r"The hash would be ([0-9a-f]{64})\.", tried)
    assert frozen == f"The study is frozen: {found}\n"
    assert again == f"The study was frozen before, and is as it was: {found}\n"
    assert "is recorded as a deviation" in refused
    assert "fault freeze the study differs from what was frozen: study.json: repeat is new" in checked
    assert "- study.json: repeat is new" in started
    assert "has a reason" in empty
    assert re.match(r"Deviation 1 is recorded: [0-9a-f]{64}\n- study.json: repeat is new\n", recorded)
    assert "no deviation to record" in twice
    assert "as it was frozen, with 1 deviation" in " ".join(invoke("check").split())


def test_a_study_whose_agents_would_be_scripted_by_accident_is_not_frozen(lab):
    (lab / "config" / "simulation_settings.json").write_text(json.dumps(SIMULATION))

    assert "set the key" in invoke("freeze", code=1)


@pytest.mark.parametrize(
    ("changes", "page", "frozen"),
    [
        ({}, None, False),
        ({}, "consent", False),
        ({"end_url": "https://x.example/debrief"}, None, True),
        ({"end_url": "https://x.example/debrief"}, "consent", False),
        ({}, "debrief", True),
        ({"bot_question_policy": "honest"}, None, True),
    ],
)
def test_a_study_that_never_tells_who_the_agents_are_is_not_frozen(lab, changes, page, frozen):
    whole = SIMULATION | {"llm": {"provider": "scripted"}} | changes
    (lab / "config" / "simulation_settings.json").write_text(json.dumps(whole))
    if page:
        (lab / "config" / "pages").mkdir()
        (lab / "config" / "pages" / f"{page}.md").write_text("---\nversion: 1\n---\nWell.\n")

    said = invoke("freeze", code=0 if frozen else 1)
    checked = invoke("check", code=1 if page == "consent" else 0)

    assert ("never told" in said) == (not frozen)
    assert ("never told" in " ".join(checked.split())) == (page != "debrief" and "bot_question_policy" not in changes)


def test_commands_keep_to_the_frozen_rules_while_the_files_differ(lab):
    invoke("freeze")
    make_study(lab / "config", entry=[{"panel": "prolific"}])

    invoke("pause")

    state = json.loads((lab / "logs" / "study.json").read_text().splitlines()[0])
    kinds = [json.loads(line)["event_type"] for line in (lab / "logs" / "study.json").read_text().splitlines()]
    assert state["data"]["rules"]["links"] == []
    assert kinds == ["study_setup", "study_frozen", "study_paused"]


def test_a_preregistration_tells_every_cell_every_prompt_and_no_code(lab):
    ending = {"completed": {"code": "SECRET-CODE", "url": "https://x.example/?cc=[CODE]"}}
    make_study(lab / "config", outcomes=ending, entry=[{"panel": "prolific"}])

    said = invoke("preregister", "--out", "p.md")
    text = (lab / "p.md").read_text("utf-8")

    assert "p.md: 2 cells" in said
    assert "| warm | 1 | 33.3% | none |" in text
    assert "| cold | 2 | 66.7% | none |" in text
    assert "Be warm." in text
    assert "Be cold." in text
    assert "| `completed` | duration_expired | a completion code, an address |" in text
    assert "SECRET-CODE" not in text
    assert "## Hypotheses\n\n*To be written.*" in text
    assert "is there already" in invoke("preregister", "--out", "p.md", code=1)
    assert invoke("freeze", "--dry-run").split("The hash would be ")[1][:64] in text


def test_a_preregistration_tells_what_agents_may_say_and_what_follows_on_distress(lab):
    rude = {"licences": ["incivility"], "simulation": {"distress": {"action": "off"}}}
    design = {"prompt_template": "Chat.", "treatments": {"civil": {}, "rude": rude}}
    (lab / "config" / "experimental_settings.json").write_text(json.dumps(design))

    invoke("preregister", "--out", "p.md")
    text = (lab / "p.md").read_text("utf-8")

    assert "| distress.action | alert |" in text
    assert "### rude\n\n|  |  |\n|---|---|\n| simulation.distress.action | off |\n| licences | incivility |" in text


def test_the_words_by_which_contradictions_are_counted_are_told(lab):
    sides = [
        {"answers": ["1..3"], "stance": "Keep the cars.", "words": ["keep them", "open"]},
        {"answers": ["4..7"], "stance": "No cars."},
    ]
    names = ["Alice", "Bob"]
    design = {
        "prompt_template": "Chat.",
        "agents": {names[0]: {"stance_words": {"own": ["more trees"], "opposite": ["fell them"]}}},
        "stances": {"question": "Q1", "agree": 2, "positions": sides},
    }
    (lab / "config" / "experimental_settings.json").write_text(json.dumps(design))

    invoke("preregister", "--out", "p.md")
    text = (lab / "p.md").read_text("utf-8")
    checked = " ".join(invoke("check").split())
    as_json = json.loads(invoke("check", "--json"))["design"][0]["agents"][0]

    assert "1..3: Keep the cars. (counted by: keep them \\| open); 4..7: No cars." in text
    assert f"| {names[0]}: stance_words.own | more trees |" in text
    assert f"| {names[0]}: stance_words.opposite | fell them |" in text
    assert f"**{names[0]}**, where it thinks: No cars." in text
    assert "1..3: Keep the cars. counted by: keep them | open 4..7: No cars." in checked
    assert "counted as its own: more trees; as the opposite: fell them" in checked
    assert as_json["stance_words"] == {"own": ["more trees"], "opposite": ["fell them"]}


def test_a_preregistration_without_a_key_warns_that_the_model_is_a_script(lab):
    scripted = invoke("preregister", "--out", "a.md")
    (lab / "config" / "simulation_settings.json").write_text(json.dumps(SIMULATION))
    silent = invoke("preregister", "--out", "b.md")

    assert "No GEMINI_API_KEY" not in scripted
    assert "No GEMINI_API_KEY is set, so text and hash are those of a study with scripted agents" in silent


def test_a_prompt_that_holds_a_fence_stays_whole(lab):
    (lab / "config" / "experimental_settings.json").write_text('{"prompt_template": "a\\n```\\n# b"}')

    invoke("preregister", "--out", "p.md")

    (prompt, *_) = re.findall(r"````text\n(.*?)\n````\n", (lab / "p.md").read_text("utf-8"), re.DOTALL)
    assert "a\n```\n# b" in prompt


def test_sessions_are_listed_with_the_hash_that_they_were_held_under(lab):
    async def held() -> None:
        store = await SQLStore.open(f"sqlite:///{lab}/data/roomful.db")
        entry = examples.entries()[0]
        await keep(store, rooms.SESSION, [replace(entry, event=replace(entry.event, freeze="ab" * 32))])
        await keep(store, examples.SESSION, [entry], created=1.0)
        await store.close()

    asyncio.run(held())
    before = invoke("sessions")
    invoke("freeze")
    heads, first, second = invoke("sessions").splitlines()

    assert "freeze" not in before
    assert heads.split()[-1] == "freeze"
    assert (first.split()[-1], second.split()[-1]) == ("–", "abababab")
    listed = json.loads(invoke("sessions", "--json"))
    assert [one["freeze"] for one in listed] == [None, "ab" * 32]


def test_an_entry_with_a_hash_is_read_as_it_was_written():
    (entry,) = [entry for entry in examples.entries() if isinstance(entry.event, SessionStarted)]
    started = Entry(1, 0.0, replace(entry.event, freeze="ab" * 32))

    assert decode(encode(started, examples.SESSION, examples.STARTED, "", "").text) == started
