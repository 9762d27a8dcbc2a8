"""The sessions of a process: given out, opened, run, ended, suspended; none of them another's business."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import pytest

from roomful.core.decide import Refused
from roomful.core.events import ErrorRecorded, Event, Prompt, SessionEnded, SessionResumed, SessionSuspended
from roomful.core.inputs import Connect, Disconnect, Input, Leave, React, Reply, Say
from roomful.core.study import SimulationSettings
from roomful.host import CRASHES_MOST, Full, Host, Room, Salts, Study
from roomful.store import Folded, Line, SessionRow, StoreError, UnknownSession
from roomful.store.memory import MemoryStore
from tests import rooms
from tests.rooms import happened, only, reply, settings, start
from tests.stores import ShakyStore, claimed

pytestmark = pytest.mark.anyio


async def llm(prompt: Prompt) -> Reply:
    return reply(f"number {prompt.number}")


def host(store: MemoryStore, *, simulation: SimulationSettings | None = None, **about: object) -> Host:
    """A host of a study in which nobody speaks unasked."""
    study = Study(
        experimental=start().experimental,
        simulation=simulation or settings(messages_per_minute=0),
        model="scripted",
        versions={"python": "3.12"},
    )
    return Host(store, llm, study, **about)


async def opened(live: Host, count: int) -> list[Room]:
    ids = [await live.start() for _ in range(count)]
    return list(await asyncio.gather(*(live.open(session_id) for session_id in ids)))


async def events_of(room: Room) -> list[Event]:
    """All events of a session that comes to its end."""
    return happened([entry async for entry in room.log.follow()])


async def test_many_sessions_run_at_once_each_with_a_seed_of_its_own():
    async with host(MemoryStore()).running() as live:
        many = await opened(live, 50)
        said = await asyncio.gather(*(room.session.submit(Say(content="hi")) for room in many))
        seeds = {room.state.session.seed for room in many}
        await asyncio.gather(*(room.session.submit(Leave()) for room in many[:20]))

        assert all(entries[0].event.content == "hi" for entries in said)
        assert len(seeds) == 50
        assert len(live.rooms) == 30


async def test_opening_twice_at_once_gives_one_room_that_has_started():
    store = MemoryStore()
    async with host(store).running() as live:
        session_id = await live.start("Zoe")
        first, second = await asyncio.gather(live.open(session_id), live.open(session_id))

        assert first is second is await live.open(session_id)
        assert first.state.session.participant_name == "Zoe"
        assert (await store.find(session_id)).epoch == 1


class SlowStore(MemoryStore):
    """Claims and appends when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.claiming, self.appending = asyncio.Event(), asyncio.Event()
        self.let_claim, self.let_append = asyncio.Event(), asyncio.Event()

    async def claim(self, session_id: str) -> SessionRow:
        self.claiming.set()
        await self.let_claim.wait()
        return await super().claim(session_id)

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        self.appending.set()
        await self.let_append.wait()
        await super().append(session_id, epoch, lines, folded)


async def test_nobody_gets_a_room_before_its_start_is_durable():
    store = SlowStore()
    store.let_claim.set()
    async with host(store).running() as live, asyncio.TaskGroup() as tasks:
        session_id = await live.start()
        first = tasks.create_task(live.open(session_id))
        await store.appending.wait()
        second = tasks.create_task(live.open(session_id))
        await asyncio.sleep(0)

        assert not first.done()
        assert not second.done()
        store.let_append.set()
        assert (await second).state.started


async def test_one_who_gives_up_waiting_does_not_take_the_room_from_the_others():
    store = SlowStore()
    async with host(store).running() as live:
        session_id = await live.start()
        first, second = (asyncio.ensure_future(live.open(session_id)) for _ in range(2))
        await store.claiming.wait()
        first.cancel()
        store.let_claim.set()
        store.let_append.set()

        assert (await second).state.started
        assert first.cancelled()


async def test_a_session_that_was_not_given_out_is_unknown():
    async with host(MemoryStore()).running() as live:
        with pytest.raises(UnknownSession):
            await live.open("00000000-0000-4000-8000-000000000000")


async def test_no_more_sessions_are_live_than_the_limit():
    async with host(MemoryStore(), max_live_sessions=2).running() as live:
        ids = [await live.start() for _ in range(5)]
        found = await asyncio.gather(*(live.open(session_id) for session_id in ids), return_exceptions=True)

        assert [isinstance(room, Full) for room in found].count(True) == 3
        assert len(live.rooms) == 2
        with pytest.raises(Full):
            await live.start()
        (room, *_) = live.rooms.values()
        await room.session.submit(Leave())
        await live.open(ids[-1])


async def test_a_start_that_could_not_be_stored_can_be_tried_again():
    store = ShakyStore()
    async with host(store).running() as live:
        session_id = await live.start()
        fails = [False, True]  # its log is read, its start is not stored
        store.down = lambda: bool(fails) and fails.pop(0)
        with pytest.raises(StoreError):
            await live.open(session_id)

        room = await live.open(session_id)

        assert await room.session.submit(Connect(protocol=2))
        assert live.rooms == {session_id: room}


class PoisonedStore(MemoryStore):
    """Breaks down, with no fault that anybody expects, over lines of a session that hold a word."""

    def __init__(self) -> None:
        super().__init__()
        self.poison: dict[str, str] = {}

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        if any(self.poison.get(session_id, "\0") in line.text for line in lines):
            raise ZeroDivisionError("a fault in the code")
        await super().append(session_id, epoch, lines, folded)


async def test_a_session_that_crashes_is_retried_then_ended_and_its_neighbour_goes_on():
    store = PoisonedStore()
    async with host(store, simulation=settings(messages_per_minute=600)).running() as live:
        broken_id, sound_id = await live.start(), await live.start()
        store.poison = {broken_id: "llm_request"}
        broken, sound = await live.open(broken_id), await live.open(sound_id)

        events = await events_of(broken)

        assert [event.error_type for event in only(events, ErrorRecorded)] == ["session_crashed"] * CRASHES_MOST
        assert only(events, SessionEnded)[0].reason == "error"
        assert await sound.session.submit(Say(content="hi"))
        assert list(live.rooms) == [sound_id]


async def test_a_session_that_crashed_once_goes_on():
    store = PoisonedStore()
    async with host(store).running() as live:
        (room,) = await opened(live, 1)
        store.poison = {room.log.session_id: "poison"}
        with pytest.raises(Refused) as refused:
            await room.session.submit(Say(content="poison"))

        assert refused.value.reason == "closed"
        assert await room.session.submit(Say(content="hi"))
        assert [message.content for message in room.state.messages] == ["hi"]


async def test_what_was_refused_at_a_crash_is_not_posted_after_all():
    store = PoisonedStore()
    async with host(store).running() as live:
        (room,) = await opened(live, 1)
        store.poison = {room.log.session_id: "poison"}
        told = await asyncio.gather(
            *(room.session.submit(Say(content=content)) for content in ("poison", "hi")), return_exceptions=True
        )
        await room.session.submit(Connect(protocol=2))

        assert [refusal.reason for refusal in told] == ["closed", "closed"]
        assert not room.state.messages


async def test_a_session_that_cannot_even_start_is_given_up():
    store = PoisonedStore()
    async with host(store).running() as live:
        session_id = await live.start()
        store.poison = {session_id: "session_start"}
        with pytest.raises(Refused):
            await live.open(session_id)
        store.poison = {}

        assert (await live.open(session_id)).state.started


async def test_a_crash_during_the_shutdown_does_not_hold_it_up():
    store = PoisonedStore()
    async with host(store).running() as live:
        (room,) = await opened(live, 1)
        store.poison = {room.log.session_id: "session_suspended"}

    assert room.state.ended is None


async def test_a_session_taken_over_by_another_host_stops_here_alone():
    store = MemoryStore()
    async with host(store).running() as first, host(store).running() as second:
        one, other = await opened(first, 2)
        taken_id = one.log.session_id

        taken = await second.open(taken_id)
        with pytest.raises(Refused) as refused:
            await one.session.submit(Say(content="hi"))

        assert refused.value.reason == "closed"
        assert list(first.rooms) == [other.log.session_id]
        assert await taken.session.submit(Say(content="hi"))
        assert await other.session.submit(Say(content="hi"))


async def test_sessions_are_suspended_at_the_end_and_go_on_in_the_next_process():
    store = MemoryStore()
    async with host(store).running() as first:
        left, *kept = await opened(first, 3)
        for room in (left, *kept):
            await room.session.submit(Connect(protocol=2))
            await room.session.submit(Say(content="before"))
        await left.session.submit(Leave())
    assert first.rooms == {}

    async with host(store).running() as second:
        assert set(second.rooms) == {room.log.session_id for room in kept}
        for room in list(second.rooms.values()):
            await room.session.submit(Say(content="after"))
            assert [message.content for message in room.state.messages] == ["before", "after"]
            await room.session.submit(Leave())
            events = await events_of(room)
            assert len(only(events, SessionSuspended)) == len(only(events, SessionResumed)) == 1


async def test_what_was_due_in_an_outage_comes_after_the_session_has_learnt_of_it():
    """By its log this session was left in March with a grace of a minute."""
    store, before = MemoryStore(), rooms.Room(start(messages_per_minute=0, session_duration_minutes=1e9))
    before.take(Disconnect(sent=0), 10.0)
    log = await claimed(store)
    for entry in before.entries:
        await log.append([entry.event], entry.at, entry.input)

    async with host(store).running() as live:
        room = await live.open(log.session_id)
        assert await room.session.submit(Connect(protocol=2))
        await room.session.submit(Leave())
        events = await events_of(room)

    (resumed,) = only(events, SessionResumed)
    assert resumed.gap > 1e7
    assert only(events, SessionEnded)[0].reason == "participant_left"


async def test_nothing_is_opened_once_the_end_has_begun():
    store = SlowStore()
    store.let_append.set()
    live = host(store)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(live.running())
        session_id = await live.start()
        opening = asyncio.ensure_future(live.open(session_id))
        await store.claiming.wait()
        asyncio.get_running_loop().call_soon(store.let_claim.set)
    with pytest.raises(Refused):
        await opening
    with pytest.raises(Refused):
        await live.open(session_id)


async def test_a_log_that_cannot_be_read_does_not_keep_the_others_from_going_on():
    store = MemoryStore()
    async with host(store).running() as first:
        broken, sound = await opened(first, 2)
    lines = store._lines[broken.log.session_id]
    lines[1] = Line(2, '{"seq":2,"at":0,"event_type":"typing","data":{"sender":"A"}}', "x")

    async with host(store).running() as second:
        assert list(second.rooms) == [sound.log.session_id]


async def test_an_ended_session_opens_to_its_end_and_is_not_run():
    store = MemoryStore()
    async with host(store).running() as live:
        (room,) = await opened(live, 1)
        await room.session.submit(Leave())

        again = await live.open(room.log.session_id)

        assert live.rooms == {}
        assert again.state.ended == "participant_left"
        assert (await events_of(again))[-1].reason == "participant_left"
        with pytest.raises(Refused):
            await again.session.submit(Connect(protocol=2))
        assert (await store.find(room.log.session_id)).epoch == 1


async def test_a_session_in_which_something_was_refused_leaves_nothing_in_memory():
    """It would wait for a search for circles of references, which a server makes seldom."""
    gc.disable()
    try:
        async with host(MemoryStore()).running() as live:
            (room,) = await opened(live, 1)
            log = weakref.ref(room.log)
            with suppress(Refused):
                await room.session.submit(React(message_id="unknown", emoji=None))
            await room.session.submit(Leave())
            del room
            await asyncio.sleep(0)

            assert live.rooms == {}
            assert log() is None
    finally:
        gc.enable()


async def test_a_session_that_ended_before_something_came_leaves_nothing_in_memory():
    """What nobody takes any more must not lead from its refusal back to the session."""
    gc.disable()
    try:
        async with host(MemoryStore()).running() as live:
            (room,) = await opened(live, 1)
            log = weakref.ref(room.log)
            left, late = await asyncio.gather(
                room.session.submit(Leave()), _refusal(room, Say(content="hi")), return_exceptions=True
            )
            del room
            await asyncio.sleep(0)

            assert (len(left), late) == (1, "ended")
            assert live.rooms == {}
            assert log() is None
    finally:
        gc.enable()


async def _refusal(room: Room, input: Input) -> str:
    try:
        await room.session.submit(input)
    except Refused as refusal:
        return refusal.reason
    return ""


async def test_an_operator_ends_a_session_once():
    async with host(MemoryStore()).running() as live:
        (room,) = await opened(live, 1)

        assert await live.end(room.log.session_id, "operator")
        assert not await live.end(room.log.session_id, "operator")
        assert room.state.ended == "operator"


async def test_an_operator_who_is_late_is_told_so():
    async with host(MemoryStore()).running() as live:
        (room,) = await opened(live, 1)

        _, ended = await asyncio.gather(room.session.submit(Leave()), live.end(room.log.session_id, "operator"))

        assert not ended
        assert room.state.ended == "participant_left"


def test_no_salt_is_given_out_twice():
    salts, count = Salts(), 1000

    given = [salts() for _ in range(count)]

    assert len(set(given)) == count
    assert all(len(bytes.fromhex(salt)) == 16 for salt in given)
