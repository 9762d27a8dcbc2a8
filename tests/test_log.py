"""One session's log: durable before it is visible, followed by whoever wants to know."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from roomful.core.events import ActivityRecorded, Entry, MessagePosted, SessionEnded
from roomful.core.inputs import Say
from roomful.core.state import fold
from roomful.log import BEHIND_MOST, KEPT_EVERY, SessionLog
from roomful.replay import batches
from roomful.store import Fenced, Line, StoreError
from roomful.store.memory import MemoryStore
from tests.rooms import SESSION, Room, happened, start
from tests.stores import STARTED, ShakyStore, claimed

pytestmark = pytest.mark.anyio

NOTE = ActivityRecorded(kind="seen", details={})
END = SessionEnded(reason="duration_expired")


def message(number: int) -> MessagePosted:
    return MessagePosted(message_id=str(number), sender="Alice", content=f"message {number}")


async def take(entries, count: int) -> list[Entry]:
    return [await anext(entries) for _ in range(count)]


async def all_of(log: SessionLog, after: int = 0) -> list[int]:
    async with aclosing(log.follow(after)) as entries:
        return [entry.seq async for entry in entries]


async def test_entries_are_numbered_and_only_the_first_of_a_batch_keeps_the_input():
    log, cause = await claimed(MemoryStore()), Say(content="message 1")

    entries = await log.append([message(1), NOTE, message(2)], 1.5, cause)

    assert [(entry.seq, entry.at, entry.shown) for entry in entries] == [(1, 1.5, 1), (2, 1.5, None), (3, 1.5, 2)]
    assert [entry.input for entry in entries] == [cause, None, None]
    assert (log.state.seq, log.state.shown) == (3, 2)


async def test_a_log_that_is_opened_again_goes_on_where_it_was():
    store, room = MemoryStore(), Room(start())
    room.until(60.0)
    log = await claimed(store)
    for entry in room.entries:
        await log.append([entry.event], entry.at)

    again = await SessionLog.open(store, SESSION, 1, STARTED + 99_000_000, lambda: "5a17")
    await again.append([END], 61.0)

    assert again.started == log.started == STARTED
    lines = await store.read(SESSION)
    assert [line.seq for line in lines] == list(range(1, len(room.entries) + 2))
    assert replace(fold(room.entries), seq=0) == replace(log.state, seq=0)
    assert lines[-1].ended == "duration_expired"


async def test_what_is_not_stored_is_not_shown():
    store = ShakyStore()
    log = await claimed(store)
    store.down = lambda: True

    with pytest.raises(StoreError):
        await log.append([message(1)], 1.0)

    assert log.state.seq == 0


async def test_what_was_stored_although_the_store_failed_is_taken_up():
    store = ShakyStore()
    log = await claimed(store)
    store.mute = lambda: True
    with pytest.raises(StoreError):
        await log.append([message(1), message(2)], 1.0)
    store.mute = lambda: False

    settled = await log.settle()

    assert happened(settled) == [message(1), message(2)]
    assert log.state.seq == 2
    assert await log.settle() == []
    assert [entry.seq for entry in await log.append([END], 2.0)] == [3]
    assert await all_of(log) == [1, 2, 3]


async def test_what_was_not_stored_is_forgotten():
    store = ShakyStore()
    log = await claimed(store)
    store.down = lambda: True
    with pytest.raises(StoreError):
        await log.append([message(1)], 1.0)
    with pytest.raises(StoreError):
        await log.settle()
    store.down = lambda: False

    assert await log.settle() == []
    assert [entry.seq for entry in await log.append([message(2)], 2.0)] == [1]


async def test_a_former_owner_is_fenced():
    store = ShakyStore()
    former = await claimed(store)
    await former.append([message(1)], 1.0)
    owner = await claimed(store)
    await owner.append([message(2)], 2.0)

    with pytest.raises(Fenced):
        await former.append([message(3)], 3.0)
    assert former.state.seq == 1


async def test_one_who_cannot_tell_finds_another_has_written():
    store = ShakyStore()
    former = await claimed(store)
    store.down = lambda: True
    with pytest.raises(StoreError):
        await former.append([message(1)], 1.0)
    store.down = lambda: False
    await (await claimed(store)).append([message(2)], 2.0)

    with pytest.raises(Fenced):
        await former.settle()


async def test_durable_lines_are_told_in_order():
    store, told = MemoryStore(), []
    await store.reserve(SESSION, 0.0, "{}")
    await store.claim(SESSION)
    log = await SessionLog.open(store, SESSION, 1, STARTED, lambda: "5a17", lambda _, lines: told.extend(lines))

    await log.append([message(1), NOTE], 1.0)
    await log.append([END], 2.0)

    assert told == await store.read(SESSION)


async def test_a_log_is_followed_from_the_start_and_live_until_the_end():
    log = await claimed(MemoryStore())
    await log.append([message(1), message(2)], 1.0)
    entries = log.follow()

    assert [entry.seq for entry in await take(entries, 2)] == [1, 2]
    await log.append([message(3)], 2.0)
    await log.append([END], 3.0)

    assert [entry.seq async for entry in entries] == [3, 4]


async def test_a_log_is_followed_from_the_middle():
    log = await claimed(MemoryStore())
    await log.append([message(number) for number in range(1, 6)], 1.0)
    await log.append([END], 2.0)

    assert await all_of(log, after=3) == [4, 5, 6]
    assert await all_of(log, after=6) == []


async def test_nothing_is_missed_between_asking_and_the_first_entry():
    log = await claimed(MemoryStore())
    entries = log.follow()
    shown = log.follow_shown()

    await log.append([message(1)], 1.0)
    await log.append([END], 2.0)

    assert [entry.seq async for entry in entries] == [1, 2]
    assert [entry.seq async for entry in shown] == [1, 2]


async def test_what_is_shown_is_followed_by_its_own_number():
    log = await claimed(MemoryStore())
    await log.append([NOTE, message(1), NOTE, message(2), NOTE, message(3)], 1.0)
    entries = log.follow_shown(after=1)

    assert [entry.shown for entry in await take(entries, 2)] == [2, 3]
    await log.append([NOTE, END], 2.0)
    assert [entry.seq async for entry in entries] == [7, 8]


async def test_a_follower_waits_without_missing_what_comes_meanwhile():
    log = await claimed(MemoryStore())

    async with asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(all_of(log)) for _ in range(3)]
        for number in range(1, 50):
            await log.append([message(number)], float(number))
            await asyncio.to_thread(lambda: None)
        await log.append([END], 50.0)

    assert [task.result() for task in followers] == [list(range(1, 51))] * 3


@pytest.mark.parametrize("seen", [0, 1, 5])
@pytest.mark.parametrize("count", [BEHIND_MOST, BEHIND_MOST + 1, BEHIND_MOST * 5])
async def test_a_follower_that_falls_behind_reads_on_from_the_store(seen, count):
    store = MemoryStore()
    log = await claimed(store)
    await log.append([message(number) for number in range(10)], 1.0)
    entries = log.follow()
    found = await take(entries, seen)

    for number in range(count):
        await log.append([message(number)], 2.0)
    found += await take(entries, 12)
    for number in range(count):
        await log.append([message(number)], 3.0)
    await log.append([END], 4.0)
    found += [entry async for entry in entries]

    assert [entry.seq for entry in found] == list(range(1, 2 * count + 12))


async def test_one_that_reads_from_the_store_sees_nothing_unsettled():
    store = ShakyStore()
    log = await claimed(store)
    await log.append([message(1)], 1.0)
    entries = log.follow()
    await take(entries, 1)
    for number in range(BEHIND_MOST + 1):
        await log.append([message(number)], 2.0)
    store.mute = lambda: True
    with pytest.raises(StoreError):
        await log.append([END], 3.0)

    assert [entry.seq for entry in await take(entries, BEHIND_MOST + 1)] == list(range(2, BEHIND_MOST + 3))
    store.mute = lambda: False
    await log.settle()

    assert [entry.event async for entry in entries] == [END]


async def test_a_follower_that_stops_is_forgotten():
    log = await claimed(MemoryStore())
    await log.append([message(1)], 1.0)
    async with aclosing(log.follow()) as entries:
        await anext(entries)

    assert log._followers == []


class CountingStore(MemoryStore):
    """Stands for a disk, and remembers from where lines were read."""

    lasting = True

    def __init__(self) -> None:
        super().__init__()
        self.read_after: list[int] = []

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        self.read_after.append(after)
        return await super().read(session_id, after)


async def spoken(store: MemoryStore) -> tuple[SessionLog, Room]:
    """The log of a room some minutes old, in which somebody waits for a reply."""
    room = Room(start(messages_per_minute=30))
    room.until(200.0)
    room.say("hello?")
    while not room.state.calls:
        room.until(room.now + 0.5, reply=None)
    log = await claimed(store)
    for batch in batches(room.entries):
        await log.append([entry.event for entry in batch], batch[0].at, batch[0].input)
    return log, room


async def test_a_log_is_opened_from_what_it_folded_to_and_the_lines_since():
    store = CountingStore()
    log, room = await spoken(store)

    again = await claimed(store)

    assert again.state == log.state == room.state
    assert (again.started, again._hash) == (log.started, log._hash)
    assert store.read_after[-1] > len(room.entries) - 2 * KEPT_EVERY > 0


async def test_nothing_is_kept_for_a_restart_where_the_store_forgets_everything_itself():
    store = MemoryStore()
    await spoken(store)

    assert await store.folded(SESSION) is None


@pytest.mark.parametrize(
    "changed",
    [
        lambda kept: kept._replace(state=b"\0" * 32 + kept.state[32:]),
        lambda kept: kept._replace(state=kept.state[:-40]),
        lambda kept: kept._replace(hash="f" * 64),
        lambda kept: kept._replace(seq=kept.seq - 1),
        lambda kept: kept._replace(seq=kept.seq + 1000),
    ],
    ids=["of another core", "cut off", "another hash", "another line", "beyond the end"],
)
async def test_a_folded_state_that_is_not_this_logs_is_passed_over(changed):
    store = CountingStore()
    log, _ = await spoken(store)
    store._folded[SESSION] = changed(store._folded[SESSION])

    again = await claimed(store)

    assert store.read_after[-1] == 0
    assert (again.state, again.started, again._hash) == (log.state, log.started, log._hash)


async def test_words_that_no_bytes_can_hold_keep_nobody_from_going_on():
    store = CountingStore()
    log = await claimed(store)
    await log.append([replace(message(number), content="\ud800") for number in range(2 * KEPT_EVERY)], 1.0)

    again = await claimed(store)

    assert store.read_after[-1] == 0
    assert again.state == log.state
