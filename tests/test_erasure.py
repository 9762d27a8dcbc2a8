"""What a participant has said is taken out of every place it was kept in, and everything else stays as it was."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomful.chain import check_chain
from roomful.codec import CodecError, decode
from roomful.core.admission import Arrive, Begin, EndChat, Erase, FillPage, SetUp, Withdraw
from roomful.core.audit import audit
from roomful.core.decide import Refused
from roomful.core.enrolment import DataErased, OutcomeReached, ParticipantArrived
from roomful.core.events import Erased, SessionEnded, SessionStarted
from roomful.core.pages import PageRules
from roomful.core.roster import StudyState, fold_study
from roomful.enrolment_settings import EnrolmentSettings, EntryLink
from roomful.erasure import Eraser
from roomful.export import CONVENTIONS, export
from roomful.logfile import LogFiles
from roomful.outcomes import Ending
from roomful.settings import StudySettings
from roomful.store import STUDY, Line, UnknownSession
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from roomful.study_codec import decode_study
from tests import rooms
from tests.asgi import Web, eventually, study, web
from tests.enrolling import NOON, Door, rules
from tests.test_enrolment import opened, postgres_url, server
from tests.test_export import keep, table, talk
from tests.test_store import lines as some_lines

__all__ = ["postgres_url", "server"]
"""The fixtures of another module that are used here."""

pytestmark = pytest.mark.anyio

SECRET = "my-Secret-is-7f3a"
OTHER = "1c7d7c8e-52a1-4c3c-8f0e-0d8f4a1d2b3c"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = f"sqlite:///{tmp_path / 'data' / 'roomful.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    made = await SQLStore.open(url)
    yield made
    await made.close()


# --- stores


async def test_a_line_is_rewritten_under_its_hash_and_nobody_is_fenced(store):
    await store.reserve(rooms.SESSION, 1.0, '{"participant_name":"Ann"}')
    row = await store.claim(rooms.SESSION)
    lines = some_lines(1, 4)
    await store.append(rooms.SESSION, row.epoch, lines)

    await store.rewrite(rooms.SESSION, {2: '{"seq":2,"new":1}'}, "{}")
    await store.append(rooms.SESSION, row.epoch, some_lines(5, 5))
    assert await store.scrub()

    kept = await store.read(rooms.SESSION)
    assert kept[1] == lines[1]._replace(text='{"seq":2,"new":1}')
    assert [line for line in kept if line.seq != 2] == [*lines[:1], *lines[2:], *some_lines(5, 5)]
    assert (await store.find(rooms.SESSION)).about == "{}"


async def test_a_line_that_is_not_there_or_no_line_is_not_rewritten(store):
    await store.reserve(rooms.SESSION, 1.0, "{}")
    row = await store.claim(rooms.SESSION)
    await store.append(rooms.SESSION, row.epoch, some_lines(1, 2))

    for texts in ({1: "x", 3: "y"}, {1: "two\nlines"}, {0: "x"}):
        with pytest.raises(ValueError, match="line"):
            await store.rewrite(rooms.SESSION, texts)
    with pytest.raises(UnknownSession):
        await store.rewrite(OTHER, {1: "x"})

    assert [line.text for line in await store.read(rooms.SESSION)] == [line.text for line in some_lines(1, 2)]


async def test_a_journal_that_somebody_reads_is_told_and_emptied_later(tmp_path):
    store = await SQLStore.open(f"sqlite:///{tmp_path / 'roomful.db'}", busy_timeout=0.05)
    await store.reserve(rooms.SESSION, 1.0, "{}")
    row = await store.claim(rooms.SESSION)
    await store.append(rooms.SESSION, row.epoch, [some_lines(1, 1)[0]._replace(text=f'"{SECRET}"')])
    reader = sqlite3.connect(tmp_path / "roomful.db", isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from entries").fetchone()

    await store.rewrite(rooms.SESSION, {1: "{}"})
    meanwhile = await store.scrub()
    reader.close()

    assert not meanwhile
    assert await store.scrub()
    assert SECRET.encode() not in everything(tmp_path)
    await store.close()


# --- everywhere


def everything(folder: Path) -> bytes:
    while True:
        # a file may get another name between its being found and its being read
        with suppress(FileNotFoundError):
            return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def held_by(store: Any, enrolment: Any, session_id: str, link: str | None = "prolific") -> list[Line]:
    """A session of somebody who came by a link, and said a secret many times: some of it in pages of their own."""
    who = {"PROLIFIC_PID": f"{SECRET}-pid", "STUDY_ID": f"{SECRET}-study"} if link else {}
    await enrolment.submit(
        Arrive(session_id=session_id, link=link, participant=who.get("PROLIFIC_PID"), parameters=who)
    )
    lines = await keep(store, session_id, talk(*[SECRET, SECRET * 2000] * 5, session_id=session_id))
    await enrolment.submit(Begin(session_id=session_id))
    await enrolment.submit(EndChat(session_id=session_id, reason="duration_expired"))
    return lines


async def test_nothing_is_left_in_the_database_its_journal_or_the_log_files(tmp_path):
    store = await SQLStore.open(f"sqlite:///{tmp_path / 'data' / 'roomful.db'}")
    files = LogFiles(tmp_path / "logs", store, pause=lambda: asyncio.sleep(0))
    enrolment = await opened(store, on_lines=files.add)
    await enrolment.submit(SetUp(rules=rules(1, 1, links=["prolific"])))
    lines = await held_by(store, enrolment, rooms.SESSION)
    others = await keep(store, OTHER, talk("hello", session_id=OTHER))
    files.add(rooms.SESSION, lines)
    files.add(OTHER, others)
    await files.flush()
    before = (tmp_path / "logs" / f"{OTHER}.json").read_bytes()
    assert SECRET.encode() in everything(tmp_path / "data")
    assert SECRET.encode() in everything(tmp_path / "logs")

    done = await Eraser(store, enrolment, files).withdraw(rooms.SESSION, delete=True)

    assert done.scrubbed
    assert SECRET.encode() not in everything(tmp_path)
    after = [line.text for line in await store.read(rooms.SESSION)]
    assert (checked := check_chain(after)).faults == ()
    assert checked.head == lines[-1].hash == (await store.find(rooms.SESSION)).head_hash
    assert checked.erased == len(lines) - 1
    assert isinstance(decode(after[-1]).event, SessionEnded)
    assert (tmp_path / "logs" / f"{rooms.SESSION}.json").read_text().splitlines() == after
    assert (tmp_path / "logs" / f"{OTHER}.json").read_bytes() == before
    people = [line.text for line in await store.read(STUDY)]
    assert check_chain(people).faults == ()
    assert (tmp_path / "logs" / "study.json").read_text().splitlines() == people
    await files.close()
    await store.close()


async def test_an_export_afterwards_has_nothing_of_it(tmp_path):
    store = MemoryStore()
    enrolment = await opened(store)
    await enrolment.submit(SetUp(rules=rules(1, 1, links=["prolific"])))
    await held_by(store, enrolment, rooms.SESSION)

    await Eraser(store, enrolment, LogFiles(tmp_path / "logs", store, pause=no_pause)).withdraw(
        rooms.SESSION, delete=True
    )
    await export(store, tmp_path / "tables", CONVENTIONS)

    assert SECRET.encode() not in everything(tmp_path)
    (session,) = table(tmp_path / "tables", "sessions")
    (person,) = table(tmp_path / "tables", "participants")
    assert (session["state"], session["messages_participant"]) == ("ended", "0")
    assert int(session["erased"]) == int(session["entries"]) - 1
    assert (person["outcome"], person["participant_id"], person["parameters"]) == ("withdrew_delete_data", "", "{}")
    assert (person["entry"], person["link"]) == ("link", "prolific")


async def texts(store: Any, session_id: str) -> str:
    return "".join([line.text for name in (session_id, STUDY) for line in await store.read(name)])


async def no_pause() -> None:
    """No time passes."""


async def on_pages(enrolment: Any, session_id: str) -> None:
    """Somebody agrees, misses a check, and answers with a secret."""
    await enrolment.submit(FillPage(session_id=session_id, page="consent", agreed=True))
    for attempt, missed in ((1, ("Q2",)), (2, ())):
        answers = {"Q1": SECRET, "Q2": f"{SECRET}-{attempt}"}
        await enrolment.submit(
            FillPage(session_id=session_id, page="before", answers=answers, missed=missed, attempt=attempt)
        )


PAGES = (
    PageRules(name="consent", role="consent", hash="c", version="3"),
    PageRules(name="before", role="before", hash="b", asks=("Q1", "Q2"), tries=2),
)


@pytest.mark.parametrize("link", ["prolific", None])
async def test_no_answer_on_a_page_survives_a_deletion_and_those_of_others_do(tmp_path, store, link):
    files = LogFiles(tmp_path / "logs", store, pause=no_pause)
    enrolment = await opened(store, on_lines=files.add)
    await enrolment.submit(SetUp(rules=rules(1, 1, links=["prolific"] if link else [], pages=PAGES)))
    for session_id, who in ((rooms.SESSION, "P1"), (OTHER, "P2")):
        await enrolment.submit(Arrive(session_id=session_id, link=link, participant=who if link else None))
        await store.reserve(session_id, 1.0, "{}")
        await on_pages(enrolment, session_id)
    before = await store.read(STUDY)
    others = [line for line in before if OTHER in line.text]
    assert sum(SECRET in line.text for line in before) == 4

    await Eraser(store, enrolment, files).withdraw(rooms.SESSION, delete=True)

    after = await store.read(STUDY)
    assert [line for line in after if SECRET in line.text] == [line for line in others if SECRET in line.text]
    assert [line for line in after if OTHER in line.text] == others
    assert check_chain([line.text for line in after]).faults == ()
    await files.flush()
    await files.close()
    assert (tmp_path / "logs" / "study.json").read_text().splitlines() == [line.text for line in after]
    again = fold_study([decode_study(line.text) for line in after])
    for name in ("pools", "totals", "live", "due", "people", "arrivals", "seq"):
        assert getattr(again, name) == getattr(enrolment.state, name), name
    gone, kept = again.participations[rooms.SESSION], again.participations[OTHER]
    live = enrolment.state.participations[rooms.SESSION]
    assert (gone.answers, gone.consent, gone.missed) == (live.answers, live.consent, live.missed) == ({}, None, {})
    assert (gone.shown, live.shown, gone.done, live.done) == ({}, {}, (), ())
    assert (kept.answers["Q1"], kept.consent) == (SECRET, True)
    assert audit([decode_study(line.text) for line in after]).faults == ()


async def test_to_erase_twice_is_safe_and_completes_what_was_broken_off(tmp_path):
    store = MemoryStore()
    enrolment = await opened(store)
    await enrolment.submit(SetUp(rules=rules(links=["prolific"])))
    await held_by(store, enrolment, rooms.SESSION)
    eraser = Eraser(store, enrolment, LogFiles(tmp_path / "logs", store, pause=no_pause))
    await enrolment.submit(Erase(session_id=rooms.SESSION))
    assert SECRET in (await store.read(rooms.SESSION))[2].text

    first = await eraser.withdraw(rooms.SESSION, delete=True)
    once = await store.read(rooms.SESSION)
    second = await eraser.withdraw(rooms.SESSION, delete=True)

    assert first == second
    assert await store.read(rooms.SESSION) == once
    assert SECRET not in "".join(line.text for line in once)


async def test_a_session_under_way_is_not_erased(tmp_path):
    store = MemoryStore()
    enrolment = await opened(store)
    lines = await keep(store, rooms.SESSION, talk("hi", end=False))
    eraser = Eraser(store, enrolment, LogFiles(tmp_path / "logs", store, pause=no_pause))

    with pytest.raises(Refused, match="under way"):
        await eraser.erase([rooms.SESSION])
    with pytest.raises(UnknownSession):
        await eraser.erase([OTHER])
    with pytest.raises(UnknownSession):
        await eraser.erase([STUDY])

    assert await store.read(rooms.SESSION) == lines


async def test_a_line_that_cannot_be_read_is_told_and_nothing_is_lost(tmp_path):
    store = MemoryStore()
    await store.reserve(rooms.SESSION, 1.0, "{}")
    row = await store.claim(rooms.SESSION)
    await store.append(rooms.SESSION, row.epoch, some_lines(1, 2, ended="error"))

    with pytest.raises(Exception, match="cannot be read") as fault:
        await Eraser(store, await opened(store), LogFiles(tmp_path, store, pause=no_pause)).erase([rooms.SESSION])

    assert isinstance(fault.value.__cause__, CodecError)
    assert [line.text for line in await store.read(rooms.SESSION)] == [line.text for line in some_lines(1, 2)]


# --- the study's log


def erased(door: Door, *session_ids: str) -> StudyState:
    """The study as the next process reads it, when these arrivals are tombstones."""
    entries = [
        replace(entry, event=Erased(event_type="arrival"))
        if isinstance(entry.event, ParticipantArrived) and entry.event.session_id in session_ids
        else entry
        for entry in door.entries
    ]
    door.entries = entries
    return fold_study(entries)


@pytest.mark.parametrize("weights", [(1, 1, 2), ()])
def test_the_next_process_decides_as_the_one_that_erased(weights):
    door = Door(rules(*weights, links=["prolific"], release_after=10.0))
    people = [door.arrive(link="prolific", who=f"P{number}") for number in range(6)]
    for one in people[:4]:
        door.enter(Begin(session_id=one.session_id), NOON + 10)
        door.enter(EndChat(session_id=one.session_id, reason="duration_expired"), NOON + 900)
    gone = [people[0].session_id, people[3].session_id]
    for session_id in gone:
        door.enter(Withdraw(session_id=session_id, delete=True), NOON + 1000)
        door.enter(Erase(session_id=session_id), NOON + 1000)

    again = erased(door, *gone)

    for name in ("pools", "totals", "live", "due", "people", "tokens", "arrivals", "seq"):
        assert getattr(again, name) == getattr(door.state, name), name
    for session_id in gone:
        known, kept = again.participations[session_id], door.state.participations[session_id]
        assert (known.treatment, known.outcome, known.link) == (kept.treatment, kept.outcome, kept.link)
        assert (known.number, known.arrived) == (kept.number, kept.arrived)
        assert known.outcome == "withdrew_delete_data"
        assert (kept.person, kept.participant, kept.parameters, kept.erased) == (None, None, {}, True)
    numbers = {name: known.number for name, known in door.state.participations.items()}
    assert {name: known.number for name, known in again.participations.items()} == numbers
    found = audit(door.entries)
    assert found.faults == ()
    assert found.erased == (2 if weights else 0)


@pytest.mark.parametrize("weights", [(1, 1), ()])
def test_whoever_never_came_leaves_no_place_behind(weights):
    door = Door(rules(*weights, links=["prolific"], reserve_for=60.0))
    first, second = (door.arrive(link="prolific", who=f"P{number}") for number in range(2))

    events = door.enter(Erase(session_id=first.session_id), NOON + 86_400)
    again = erased(door, first.session_id)

    assert [type(event).__name__ for event in events] == ["PlaceReleased", "DataErased"]
    assert (again.live, dict(again.due), again.pools) == (1, {second.session_id: NOON + 60}, door.state.pools)
    assert (again.live, again.due, again.totals) == (door.state.live, door.state.due, door.state.totals)


def test_a_withdrawal_is_told_once_and_what_was_deleted_is_never_kept_again():
    door = Door(rules(links=["prolific"]))
    one = door.arrive(link="prolific", who="P1")
    door.enter(Begin(session_id=one.session_id))
    with pytest.raises(Refused, match="under way"):
        door.enter(Withdraw(session_id=one.session_id, delete=False))
    door.enter(EndChat(session_id=one.session_id, reason="duration_expired"))

    first = door.enter(Withdraw(session_id=one.session_id, delete=False))
    again = door.enter(Withdraw(session_id=one.session_id, delete=False))
    deleted = door.enter(Withdraw(session_id=one.session_id, delete=True))
    gone = door.enter(Erase(session_id=one.session_id))
    late = door.enter(Withdraw(session_id=one.session_id, delete=False)) + door.enter(Erase(session_id=one.session_id))

    assert first == [OutcomeReached(session_id=one.session_id, outcome="withdrew_keep_data")]
    assert deleted == [OutcomeReached(session_id=one.session_id, outcome="withdrew_delete_data")]
    assert gone == [DataErased(session_id=one.session_id, number=1, arrived=NOON, link="prolific")]
    assert again == late == []


def test_somebody_may_withdraw_who_has_not_begun():
    door = Door(rules(links=["prolific"]))
    one = door.arrive(link="prolific", who="P1")

    events = door.enter(Withdraw(session_id=one.session_id, delete=True))

    assert events == [OutcomeReached(session_id=one.session_id, outcome="withdrew_delete_data")]
    assert door.state.live == 0


def test_the_place_of_somebody_who_withdrew_is_there_for_others():
    door = Door(rules(1, quota=1, links=["prolific"], release_after=60.0))
    one = door.arrive(link="prolific", who="P1")
    door.enter(EndChat(session_id=one.session_id, reason="duration_expired"), NOON + 900)
    door.enter(Withdraw(session_id=one.session_id, delete=True), NOON + 1000)

    door.now = NOON + 1100
    other = door.arrive(link="prolific", who="P2")

    assert other.treatment == one.treatment == "A"


# --- over the web


def deleting(**enrolment: Any) -> StudySettings:
    base = study(participant_name="Ann")
    settings = EnrolmentSettings(entry=(EntryLink(panel="prolific"),), **enrolment)
    return StudySettings(base.experimental, base.simulation, base.treatments, settings)


async def come(room: Web) -> str:
    query = f"PROLIFIC_PID={SECRET}-pid&STUDY_ID=S1"
    session_id: str = (await room.client.post("/join", b"", query=query)).json["session_id"]
    return session_id


async def test_who_leaves_with_that_wish_has_it_deleted_and_is_told_the_end_for_ever(tmp_path):
    ending = {"withdrew_delete_data": Ending(text="It is gone.", code="W1")}
    about = deleting(may_delete=True, outcomes=ending)
    store = MemoryStore()
    async with web(tmp_path, store=store, about=about) as room:
        session_id = await come(room)
        socket = room.open(session_id)
        hello = await socket.receive()
        socket.say(SECRET)
        await socket.until("message")
        socket.send({"type": "leave", "delete": True})
        frames, code = await socket.rest()
        await eventually(lambda: room.state.enrolment.state.participations[session_id].erased)
        await eventually(lambda: SECRET.encode() not in everything(tmp_path / "logs"))
        back, _ = await room.open(session_id).rest()
    async with web(tmp_path, store=store, about=about) as room:
        late, late_code = await room.open(session_id).rest()

    told = {"text": "It is gone.", "url": None, "code": "W1"}
    assert hello["may_delete"] is True
    assert (frames[-1]["reason"], frames[-1]["next"], code) == ("participant_withdrew", told, 1000)
    assert [frame["type"] for frame in late] == ["hello", "session_end"]
    assert back[-1]["next"] == late[-1]["next"] == told
    assert (late[-1]["reason"], late_code) == ("participant_withdrew", 1000)
    kept = await texts(store, session_id)
    assert SECRET not in kept
    assert "Ann" not in kept


async def test_who_withdrew_before_the_chat_never_begins_it(tmp_path):
    async with web(tmp_path, about=deleting()) as room:
        session_id = await come(room)
        await room.state.enrolment.submit(Withdraw(session_id=session_id, delete=False))

        assert await room.open(session_id).rest() == ([], 1008)
        assert room.host.rooms == {}


async def test_a_study_that_does_not_offer_it_refuses_and_the_session_goes_on(tmp_path):
    async with web(tmp_path, about=deleting()) as room:
        socket = room.open(await come(room))
        hello = await socket.receive()
        socket.send({"type": "leave", "delete": True})
        (refusal,) = [frame for frame in await socket.until("refused") if frame["type"] == "refused"]
        socket.say("still here")
        (message,) = await socket.until("message")

    assert "may_delete" not in hello
    assert (refusal["reason"], message["content"]) == ("not_offered", "still here")


async def test_what_a_process_could_not_erase_the_next_one_does(tmp_path):
    store = MemoryStore()
    enrolment = await opened(store)
    await enrolment.submit(SetUp(rules=rules(links=["prolific"])))
    await enrolment.submit(Arrive(session_id=rooms.SESSION, link="prolific", participant=f"{SECRET}-pid"))
    left = talk(SECRET, end=False)
    left.append(replace(left[-1], seq=left[-1].seq + 1, event=SessionEnded(reason="participant_withdrew")))
    await keep(store, rooms.SESSION, left)

    async with web(tmp_path, store=store, about=deleting()) as room:
        await eventually(lambda: room.state.enrolment.state.participations[rooms.SESSION].erased)
        await eventually((tmp_path / "logs" / f"{rooms.SESSION}.json").exists)

    assert SECRET not in await texts(store, rooms.SESSION)
    first = decode((await store.read(rooms.SESSION))[0].text).event
    assert not isinstance(first, SessionStarted)


async def test_the_log_of_the_study_tells_the_deletion(tmp_path):
    store = MemoryStore()
    enrolment = await opened(store)
    await enrolment.submit(SetUp(rules=rules(links=["prolific"])))
    await held_by(store, enrolment, rooms.SESSION)

    await Eraser(store, enrolment, LogFiles(tmp_path, store, pause=no_pause)).withdraw(rooms.SESSION, delete=True)

    entries = [decode_study(line.text) for line in await store.read(STUDY)]
    assert [json.loads(line.text)["event_type"] for line in await store.read(STUDY)][-2:] == ["outcome", "data_erased"]
    assert [entry.event.event_type for entry in entries if isinstance(entry.event, Erased)] == ["arrival"]
