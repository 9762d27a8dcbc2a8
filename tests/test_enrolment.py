"""The study's log as it is kept: in batches, by several processes, through faults of the store."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest

from roomful.chain import check_chain
from roomful.core.admission import Arrive, CreateTokens, Pause, SetUp
from roomful.core.audit import audit
from roomful.core.decide import Refused
from roomful.core.roster import fold_study
from roomful.enrolment import Enrolment
from roomful.logfile import LogFiles
from roomful.store import STUDY, Fenced, Folded, Line, Store, StoreError
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from roomful.study_codec import decode_study
from tests.enrolling import NOON, hashed, rules, token
from tests.stores import ShakyStore
from tests.test_store import postgres_url, server

__all__ = ["postgres_url", "server"]
"""The fixtures of another module that are used here."""

pytestmark = pytest.mark.anyio

type Opens = Callable[[], AsyncIterator[Store]]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def stores(request, tmp_path: Path) -> AsyncIterator[list[Store]]:
    """Two ways to the same lines, as two processes have them."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            store = MemoryStore()
            yield [store, store]
            return
        url = f"sqlite:///{tmp_path / 'study.db'}"
        if request.param == "postgres":
            url = request.getfixturevalue("postgres_url")
        opened = []
        for _ in range(2):
            opened.append(await SQLStore.open(url))
            stack.push_async_callback(opened[-1].close)
        yield opened


def enrolment(store: Store, **more: object) -> Enrolment:
    numbers = count()
    return Enrolment(store, **{"clock": lambda: int(NOON * 1e6), "salt": lambda: f"{next(numbers):032x}"} | more)


async def opened(store: Store, **more: object) -> Enrolment:
    made = enrolment(store, **more)
    await made.open()
    return made


async def written(store: Store) -> list[str]:
    return [line.text for line in await store.read(STUDY)]


async def test_two_processes_write_one_log_and_no_token_is_given_twice(stores):
    one, other = [await opened(store) for store in stores]
    await one.submit(SetUp(rules=rules(1, 1, links=["p"])))
    await other.submit(CreateTokens(tokens=tuple(token(f"t{n}") for n in range(60))))

    async def arrive(n: int) -> str:
        arrival = Arrive(session_id=f"{n:04d}", token=hashed(f"t{n % 60}"))
        return (await (one if n % 3 else other).arrive(arrival)).session_id

    sessions = await asyncio.gather(*(arrive(n) for n in range(120)))
    lines = await written(stores[0])
    entries = [decode_study(line) for line in lines]

    assert sessions[:60] == sessions[60:]
    assert len(set(sessions)) == 60
    assert check_chain(lines).faults == ()
    assert audit(entries).faults == ()
    assert await one.look() == await other.look() == fold_study(entries)
    assert one.state.totals == {"A": 30, "B": 30}


async def test_what_another_process_has_made_is_known_at_once(stores):
    one, other = [await opened(store) for store in stores]
    await one.submit(CreateTokens(tokens=(token("t1"),)))

    assert (await other.arrive(Arrive(session_id="a", token=hashed("t1")))).session_id == "a"
    await one.submit(Pause())
    with pytest.raises(Refused) as refused:
        await other.submit(Arrive(session_id="b"))
    assert refused.value.reason == "unknown_token"


async def test_all_who_wait_at_a_moment_share_few_commits():
    appends: list[int] = []

    class Counting(MemoryStore):
        async def append(self, session_id: str, epoch: int, lines: list[Line], folded: Folded | None = None) -> None:
            await asyncio.sleep(0)
            appends.append(len(lines))
            await super().append(session_id, epoch, lines, folded)

    door = await opened(Counting())
    await door.submit(SetUp(rules=rules(1, 1, links=["p"])))
    arrivals = [Arrive(session_id=f"{n}", link="p", participant=f"P{n}") for n in range(1000)]

    people = await asyncio.gather(*(door.arrive(arrival) for arrival in arrivals))

    assert len(appends) <= 13
    assert Counter(one.treatment for one in people) == {"A": 500, "B": 500}
    assert [one.session_id for one in people] == [arrival.session_id for arrival in arrivals]


async def test_a_refusal_is_told_to_whom_it_concerns_alone():
    door = await opened(MemoryStore())
    await door.submit(CreateTokens(tokens=(token("t1"),)))

    good, bad = await asyncio.gather(
        door.arrive(Arrive(session_id="a", token=hashed("t1"))),
        door.arrive(Arrive(session_id="b", token=hashed("t9"))),
        return_exceptions=True,
    )

    assert good.session_id == "a"
    assert isinstance(bad, Refused)


async def test_a_log_is_read_on_after_a_restart():
    store = MemoryStore()
    before = await opened(store)
    await before.submit(SetUp(rules=rules(1, 1, 1)))
    await before.submit(CreateTokens(tokens=(token("t1"), token("t2")), balanced=True))
    first = await before.arrive(Arrive(session_id="a", token=hashed("t1")))

    after = await opened(store)

    assert after.state == before.state
    assert await after.arrive(Arrive(session_id="b", token=hashed("t1"))) == first
    assert await after.submit(SetUp(rules=rules(1, 1, 1))) == []


@pytest.mark.parametrize("fault", ["down", "mute"])
async def test_what_could_not_be_stored_is_told_and_can_be_asked_again(fault):
    store = ShakyStore()
    door = await opened(store)
    await door.submit(CreateTokens(tokens=(token("t1"),)))
    setattr(store, fault, lambda: True)
    with pytest.raises(StoreError):
        await door.arrive(Arrive(session_id="a", token=hashed("t1")))
    setattr(store, fault, lambda: False)

    again = await door.arrive(Arrive(session_id="b", token=hashed("t1")))
    lines = await written(store)

    # where the answer alone was lost, the first one holds
    assert again.session_id == ("a" if fault == "mute" else "b")
    assert len(door.state.participations) == 1
    assert check_chain(lines).faults == ()


async def test_what_nobody_waits_for_is_entered_once_the_store_can_be_written_again():
    store = ShakyStore()
    door = await opened(store)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            store.down = lambda: False
        await asyncio.sleep(0)

    await door.arrive(Arrive(session_id="a"))
    store.down = lambda: True
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(door.run(sleep))
        door.begun("a")
        door.ended("a", "duration_expired")
        async with asyncio.timeout(5):
            while (known := door.state.participations["a"]).outcome is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
        running.cancel()

    assert slept == [0.25, 0.5, 1.0]
    assert (known.begun, known.reason, known.outcome) == (NOON, "duration_expired", "completed")


async def test_who_is_cancelled_takes_nobody_with_them():
    gate, held = asyncio.Event(), asyncio.Event()

    class Held(MemoryStore):
        async def append(self, session_id: str, epoch: int, lines: list[Line], folded: Folded | None = None) -> None:
            held.set()
            await gate.wait()
            await super().append(session_id, epoch, lines, folded)

    door = await opened(Held())
    first = asyncio.create_task(door.arrive(Arrive(session_id="a")))
    await held.wait()
    others = [asyncio.create_task(door.arrive(Arrive(session_id=f"b{n}"))) for n in range(3)]
    # a turn of the loop for the others to come and wait
    await asyncio.sleep(0)
    first.cancel()
    others[0].cancel()
    await asyncio.wait([first, others[0]])
    gate.set()

    done = await asyncio.gather(*others, return_exceptions=True)

    assert [one.session_id for one in done[1:]] == ["b1", "b2"]
    assert isinstance(done[0], asyncio.CancelledError)
    assert "b0" not in door.state.participations


async def test_a_log_that_others_write_all_the_time_is_a_fault_of_the_store():
    class Contended(MemoryStore):
        async def append(self, session_id: str, epoch: int, lines: list[Line], folded: Folded | None = None) -> None:
            raise Fenced("another was first")

    door = await opened(Contended())

    with pytest.raises(StoreError, match="written by others"):
        await door.arrive(Arrive(session_id="a"))


async def test_a_log_that_cannot_be_read_is_a_fault_of_the_store():
    store = MemoryStore()
    await store.reserve(STUDY, 0.0, "{}")
    await store.append(STUDY, 0, [Line(1, '{"seq":1}', "x")])

    with pytest.raises(StoreError, match="cannot be read"):
        await opened(store)


async def test_time_in_the_log_never_runs_backwards():
    times = iter([NOON, NOON - 3600, NOON + 1])
    door = await opened(MemoryStore(), clock=lambda: int(next(times) * 1e6))
    for n in range(3):
        await door.submit(Arrive(session_id=f"{n}"))

    assert [one.arrived for one in map(door.state.participations.get, "012")] == [NOON, NOON, NOON + 1]


async def test_what_was_missed_is_learnt_from_the_sessions_themselves():
    store = MemoryStore()
    door = await opened(store)
    for name in ("began", "over", "waiting"):
        await door.arrive(Arrive(session_id=name))
        await store.reserve(name, 1.0, "{}")
    for name, ended in (("began", None), ("over", "duration_expired")):
        row = await store.claim(name)
        await store.append(name, row.epoch, [Line(1, "{}", "x", ended=ended)])

    await door.reconcile()
    found = {name: (one.begun is not None, one.outcome) for name, one in door.state.participations.items()}

    assert found == {"began": (True, None), "over": (True, "completed"), "waiting": (False, None)}


async def test_after_a_stop_only_who_has_begun_goes_on():
    door = await opened(MemoryStore())
    for name in ("a", "b"):
        await door.arrive(Arrive(session_id=name))
    door.begun("a")
    await door.flush()
    assert door.may_begin("b")

    await door.submit(Pause(stop=True))

    assert door.may_begin("a")
    assert not door.may_begin("b")
    assert not door.may_begin("unheard of")


# --- beside the sessions


async def test_the_study_is_none_of_the_sessions(stores):
    await opened(stores[0])
    door = await opened(stores[1])
    await door.submit(Arrive(session_id="a"))
    await stores[0].reserve("0c7d7c8e-52a1-4c3c-8f0e-0d8f4a1d2b3c", 5.0, "{}")

    assert [row.session_id for row in await stores[0].sessions()] == ["0c7d7c8e-52a1-4c3c-8f0e-0d8f4a1d2b3c"]
    assert await stores[0].sessions(live=True) == []
    assert (await stores[1].find(STUDY)).head == 1


async def no_pause() -> None:
    await asyncio.sleep(0)


async def test_the_studys_file_follows_its_log_whoever_writes_it(tmp_path):
    store = MemoryStore()
    files = [LogFiles(tmp_path, store, pause=no_pause) for _ in range(2)]
    doors = [await opened(store, on_lines=one.add) for one in files]
    for n in range(12):
        await doors[n % 2].submit(Arrive(session_id=f"{n}"))
        if n % 4 == 3:
            await files[n // 4 % 2].flush()
    for one in files:
        await one.close()

    assert (tmp_path / "study.json").read_text("ascii").splitlines() == await written(store)


async def test_the_studys_file_is_completed_at_the_start(tmp_path):
    store = MemoryStore()
    door = await opened(store)
    await door.submit(Arrive(session_id="a"))
    files = LogFiles(tmp_path, store, pause=no_pause)
    await files.complete()
    await files.close()

    (line,) = (tmp_path / "study.json").read_text("ascii").splitlines()
    assert json.loads(line)["session_id"] == "study"
    assert [line] == await written(store)
