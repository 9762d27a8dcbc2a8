"""What a crash, a power cut or a take-over leaves, and how sessions go on from there."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from roomful.core.events import (
    USER,
    CallRequested,
    Entry,
    ErrorRecorded,
    Event,
    MessagePosted,
    Prompt,
    SessionEnded,
    SessionResumed,
)
from roomful.core.inputs import Complain, Connect, Leave, Rang, Reply, Say
from roomful.core.state import CRASHED, END
from roomful.core.study import SimulationSettings
from roomful.host import CRASHES_MOST, RESTARTING, Host, Study
from roomful.log import SessionLog
from roomful.store import Folded, Line, Store, StoreError
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from roomful.timeline import wall_clock
from tests import rooms
from tests.asgi import web
from tests.rooms import SESSION, happened, only, reply, salts, settings, start
from tests.test_store import postgres_url, server, sqlite_url, store

__all__ = ["postgres_url", "server", "sqlite_url", "store"]
"""Fixtures: a store of each kind."""

pytestmark = pytest.mark.anyio

MINUTE = 60.0


async def llm(prompt: Prompt) -> Reply:
    return reply(f"number {prompt.number}")


async def silent(prompt: Prompt) -> Reply:
    del prompt
    return await asyncio.get_running_loop().create_future()


def host(store: Store, speak: Callable[[Prompt], object] = llm, simulation: SimulationSettings | None = None) -> Host:
    study = Study(
        experimental=start().experimental,
        simulation=simulation or settings(messages_per_minute=0),
        model="scripted",
        versions={},
    )
    return Host(store, speak, study)


async def left(store: Store, room: rooms.Room, ago: float, session_id: str = SESSION) -> None:
    """Leave this session in the store as a crash would have left it, `ago` seconds ago."""
    started = wall_clock() - round((room.state.at + ago) * 1e6)
    await store.reserve(session_id, started / 1e6, "{}")
    row = await store.claim(session_id)
    log = await SessionLog.open(store, session_id, row.epoch, started, salts())
    for entry in room.entries:
        await log.append([entry.event], entry.at, entry.input)


async def events_of(live: Host, session_id: str = SESSION) -> list[Event]:
    return happened([entry async for entry in (await live.open(session_id)).log.follow()])


async def test_a_session_whose_time_ran_out_in_the_outage_ends_at_once_and_tells_both_times():
    store, room = MemoryStore(), rooms.Room(start(session_duration_minutes=2, messages_per_minute=0))
    room.take(Connect(protocol=2), 1.0)
    await left(store, room, ago=3600.0)

    async with host(store).running() as live:
        events = await events_of(live)
        resumed, ended = events[-2:]

    assert isinstance(resumed, SessionResumed)
    assert ended.reason == "duration_expired"
    assert ended.due == 2 * MINUTE
    (*_, last) = await store.read(SESSION)
    assert last.ended == "duration_expired"


async def test_nobody_speaks_any_more_in_a_session_whose_time_ran_out_in_the_outage():
    store, room = MemoryStore(), rooms.Room(start(session_duration_minutes=2, messages_per_minute=30))
    room.until(1.5 * MINUTE)
    before = len(room.entries)
    assert room.state.turns or room.state.scheduled
    await left(store, room, ago=600.0)

    async with host(store).running() as live:
        events = await events_of(live)

    assert [type(event) for event in events[before:]] == [SessionResumed, SessionEnded]


async def test_a_session_that_ends_in_time_tells_one_time_only():
    room = rooms.Room(start(session_duration_minutes=2, messages_per_minute=0))

    events = room.until(2 * MINUTE)

    assert [event.due for event in only(events, SessionEnded)] == [None]


async def test_what_was_due_in_an_outage_happens_in_its_order_and_calls_are_asked_again():
    store, room = MemoryStore(), rooms.Room(start(messages_per_minute=0, user_response_probability=1))
    room.take(Connect(protocol=2), 1.0)
    room.say("What do you think?", 2.0)
    (asked,) = only(room.until(room.state.alarms["call:a1"], reply=None), CallRequested)
    overdue = sorted((due, name) for name, due in room.state.alarms.items() if name != END)
    await left(store, room, ago=120.0)
    prompts: list[Prompt] = []

    async def listening(prompt: Prompt) -> Reply:
        prompts.append(prompt)
        return reply("fine")

    async with host(store, listening).running() as live:
        followed = (await live.open(SESSION)).log.follow(after=len(room.entries))
        resumed = (await anext(followed)).event
        rest = [entry async for entry in until_posted(followed)]
        await followed.aclose()

    assert prompts == [asked.prompt]
    assert resumed.gap == pytest.approx(120.0, abs=20.0)
    rang = [entry.input.alarm for entry in rest if isinstance(entry.input, Rang)]
    assert rang[: len(overdue)] == [name for _, name in overdue]
    assert rest[-1].event.content == "fine"


async def until_posted(entries: AsyncIterator[Entry]) -> AsyncIterator[Entry]:
    async for entry in entries:
        yield entry
        if isinstance(entry.event, MessagePosted):
            return


class PoisonedStore(MemoryStore):
    """Breaks down over lines that hold a word, and counts how often."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word, self.count = word, 0

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        if any(self.word in line.text for line in lines):
            self.count += 1
            raise ZeroDivisionError("a fault in the code")
        await super().append(session_id, epoch, lines, folded)


def crash(times: int, over: str = "rang:clock") -> rooms.Room:
    room = rooms.Room(start(messages_per_minute=600))
    for _ in range(times):
        room.take(Complain(error_type=CRASHED, error_message="oh", context={"input": over}))
    return room


async def test_crashes_of_processes_before_this_one_count():
    store = PoisonedStore('"llm_request"')
    await left(store, crash(CRASHES_MOST - 1), ago=0.5)

    async with host(store).running() as live:
        events = await events_of(live)

    assert store.count == 1
    assert len(only(events, ErrorRecorded)) == CRASHES_MOST
    assert events[-1].reason == "error"


async def test_a_session_given_up_just_before_the_process_stopped_is_ended_by_the_next():
    store = PoisonedStore('"llm_request"')
    await left(store, crash(CRASHES_MOST), ago=0.5)

    async with host(store).running() as live:
        events = await events_of(live)

    assert store.count == 0
    assert events[-1].reason == "error"


async def test_crashes_over_different_inputs_do_not_add_up():
    store, room = MemoryStore(), rooms.Room(start(messages_per_minute=0))
    for number in range(2 * CRASHES_MOST):
        room.take(Complain(error_type=CRASHED, error_message="oh", context={"input": f"say:{number}"}))
    await left(store, room, ago=0.5)

    async with host(store).running() as live:
        again = await live.open(SESSION)

        assert again.state.ended is None
        assert await again.session.submit(Say(content="hi"))


async def test_a_log_that_cannot_be_read_is_a_fault_of_the_store_for_who_asks():
    store = MemoryStore()
    await left(store, rooms.Room(start()), ago=1.0)
    store._folded.clear()
    store._lines[SESSION][0] = store._lines[SESSION][0]._replace(text="{}")

    async with host(store).running() as live:
        with pytest.raises(StoreError):
            await live.open(SESSION)


async def test_many_sessions_resume_beside_each_other():
    """One after the other would take two waits for each of them."""

    class Waiting(MemoryStore):
        at_once = most = 0

        async def claim(self, session_id: str):
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await asyncio.sleep(0)
            self.at_once -= 1
            return await super().claim(session_id)

    store = Waiting()
    ids = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(100)]
    for session_id in ids:
        await left(store, rooms.Room(start(session_id=session_id, messages_per_minute=0)), 1.0, session_id)

    async with host(store).running() as live:
        assert set(live.rooms) == set(ids)
    assert 10 < store.most < 100


# --- power cuts


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SQLStore]:
    store = await SQLStore.open(f"sqlite:///{path}")
    try:
        yield store
    finally:
        await store.close()


FRAME = 24 + 4096
"""Bytes of a frame of SQLite's write-ahead log: its header and a page."""


@pytest.mark.parametrize("cut", [0, 1, 24, 25, FRAME - 1, FRAME, FRAME + 100])
async def test_after_a_power_cut_everything_acknowledged_is_there_and_the_session_goes_on(cut, tmp_path):
    """What was not synced yet may be gone or be there in part; `cut` is how many bytes of it are."""
    before, after = tmp_path / "before.db", tmp_path / "after.db"
    async with opened(before) as store, host(store).running() as live:
        session_id = await live.start()
        room = await live.open(session_id)
        await room.session.submit(Connect(protocol=2))
        await room.session.submit(Say(content="acknowledged", client_id="1"))
        synced = (tmp_path / "before.db-wal").stat().st_size
        await room.session.submit(Say(content="on its way", client_id="2"))
        shutil.copy(before, after)
        with (tmp_path / "before.db-wal").open("rb") as file:
            (tmp_path / "after.db-wal").write_bytes(file.read(synced + cut))
        await room.session.submit(Leave())

    async with opened(after) as store, host(store).running() as live:
        again = await live.open(session_id)
        assert next(message.content for message in again.state.messages if message.sender == USER) == "acknowledged"
        await again.session.submit(Say(content="on its way", client_id="2"))
        await again.session.submit(Leave())
        events = await events_of(live, session_id)

    assert [event.content for event in only(events, MessagePosted)] == ["acknowledged", "on its way"]
    assert len(only(events, SessionResumed)) == 1


# --- a take-over


class Shared:
    """A store that several servers use, and none of them closes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def close(self) -> None:
        """It is another's to close."""


async def test_a_claim_fences_the_former_owner_and_nothing_of_it_shows_after_that(store: Store, tmp_path: Path):
    async with (
        web(tmp_path / "1", store=Shared(store)) as first,
        web(tmp_path / "2", store=Shared(store)) as second,
    ):
        session_id = await first.start()
        socket = await first.open(session_id).opened()
        socket.say("before", "1")
        await socket.until("message")
        room = first.room(session_id)
        seen: list[Entry] = []
        following = asyncio.create_task(keep(room.log.follow(), seen))

        taken = await second.open(session_id).opened()
        await taken.until("message")
        last = room.log.state.seq
        socket.say("too late", "2")
        frames, code = await socket.rest()
        taken.say("after", "3")
        await taken.until(lambda frame: frame.get("client_id") == "3")

        assert code == RESTARTING
        assert "message" not in [frame["type"] for frame in frames]
        assert session_id not in first.host.rooms
        assert [entry.seq for entry in seen] == list(range(1, last + 1))
        following.cancel()
        said = [event.content for event in await second.logged(session_id, MessagePosted)]
        assert said == ["before", "after"]


async def keep(entries: AsyncIterator[Entry], seen: list[Entry]) -> None:
    async for entry in entries:
        seen += [entry]


# --- the end


@pytest.mark.parametrize("restarted", [False, True])
async def test_whoever_comes_back_after_the_end_gets_the_end(restarted, tmp_path):
    store = MemoryStore()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(web(tmp_path, store=store, user_response_probability=1))
        session_id = await first.start()
        socket = await first.open(session_id).opened()
        socket.say("hi", "1")
        await socket.until("message")
        socket.send({"type": "leave"})
        frames, code = await socket.rest()
        assert (frames[-1]["type"], code) == ("session_end", 1000)
        if restarted:
            await stack.aclose()
        later = await stack.enter_async_context(web(tmp_path, store=store)) if restarted else first

        everything, _ = await later.open(session_id).rest()
        again, closed = await later.open(session_id, after=frames[-1]["seq"]).rest()

        assert [frame["type"] for frame in everything][:2] == ["hello", "message"]
        assert [frame["type"] for frame in again] == ["hello", "session_end"]
        assert everything[-1] == again[-1] == frames[-1]
        assert closed == 1000
        assert later.host.rooms == {}


async def test_a_client_of_protocol_1_gets_its_bubbles_once_and_then_the_end(tmp_path):
    store = MemoryStore()
    async with web(tmp_path, store=store, messages_per_minute=600) as first:
        session_id = await first.start()
        socket = await first.open1(session_id).opened()
        await socket.receive()
        await first.host.end(session_id, "ended_by_operator")
        _, code = await socket.rest()
        assert code == 1000

    async with web(tmp_path, store=store) as later:
        assert await later.open1(session_id).rest() == ([], 1000)
        assert await later.open1(session_id).rest() == ([], 1000)


async def test_the_end_is_told_however_long_after(tmp_path):
    store, room = MemoryStore(), rooms.Room(start(messages_per_minute=0))
    room.take(Leave(), 10.0)
    await left(store, room, ago=400 * 24 * 3600.0)

    async with web(tmp_path, store=store) as later:
        frames, code = await later.open(SESSION).rest()

    assert [frame["type"] for frame in frames] == ["hello", "session_end"]
    assert (frames[0]["ended"], frames[1]["reason"], code) == (True, "participant_left", 1000)
