"""When it is, and what comes next."""

import asyncio

import pytest

from roomful.core.inputs import Connect, Leave, Observe
from roomful.timeline import Arrival, LiveTimeline, SimulatedTimeline, wall_clock

pytestmark = pytest.mark.anyio

INF = float("inf")


def note(name: str, at: float | None = None) -> Arrival:
    return Arrival(Observe(kind="seen", details={"name": name}), at)


async def test_simulated_time_leaps_to_what_is_due_first():
    timeline = SimulatedTimeline()
    late, early = note("late", 20.0), note("early", 5.0)
    timeline.put(late)
    timeline.put(early)

    assert (await timeline.next(100.0, ()), timeline.now()) == (early, 5.0)
    assert (await timeline.next(10.0, ()), timeline.now()) == (None, 10.0)
    assert (await timeline.next(100.0, ()), timeline.now()) == (late, 20.0)


async def test_of_what_is_due_at_once_arrivals_come_first_in_their_order():
    timeline = SimulatedTimeline()
    arrivals = [note(str(number), 5.0) for number in range(20)]
    for arrival in arrivals:
        timeline.put(arrival)

    assert [await timeline.next(5.0, ()) for _ in range(21)] == [*arrivals, None]


async def test_simulated_time_never_goes_back():
    timeline = SimulatedTimeline()
    await timeline.next(10.0, ())
    timeline.put(note("of the past", 3.0))

    await timeline.next(INF, ())
    assert timeline.now() == 10.0
    await timeline.next(2.0, ())
    assert timeline.now() == 10.0


async def test_simulated_time_waits_for_the_calls_under_way():
    timeline = SimulatedTimeline()
    reply = note("reply", 3.0)
    waiting = asyncio.Event()

    async def call() -> None:
        await waiting.wait()
        timeline.put(reply)

    async with asyncio.TaskGroup() as tasks:
        under_way = tasks.create_task(call())
        tasks.create_task(asyncio.to_thread(lambda: None)).add_done_callback(lambda _: waiting.set())
        assert await timeline.next(100.0, [under_way]) is reply


async def test_a_simulation_with_nothing_left_says_so():
    with pytest.raises(RuntimeError, match="nothing is left"):
        await SimulatedTimeline().next(INF, ())


async def test_live_time_counts_from_the_start_of_the_session():
    timeline = LiveTimeline(wall_clock() - 10_000_000)

    assert 10.0 <= timeline.now() < 60.0
    now = timeline.now()
    assert now == round(now, 6)


async def test_live_time_is_never_before_the_last_entry_whatever_the_wall_clock_says():
    timeline = LiveTimeline(wall_clock() + 3_600_000_000, at_least=42.0)

    assert 42.0 <= timeline.now() < 100.0


async def test_a_live_deadline_comes():
    timeline = LiveTimeline(wall_clock())

    assert await timeline.next(timeline.now() + 0.002, ()) is None
    assert timeline.now() >= 0.002


async def test_live_arrivals_come_in_order_and_before_alarms_that_are_due():
    timeline = LiveTimeline(wall_clock())
    first, second = Arrival(Connect(protocol=2)), Arrival(Leave())
    timeline.put(first)
    timeline.put(second)

    assert [await timeline.next(-1.0, ()) for _ in range(3)] == [first, second, None]


async def test_an_arrival_ends_the_wait():
    timeline = LiveTimeline(wall_clock())
    arrival = note("now")

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(timeline.next(INF, ()))
        tasks.create_task(asyncio.to_thread(lambda: None)).add_done_callback(lambda _: timeline.put(arrival))

    assert waiting.result() is arrival


async def test_a_wait_that_is_given_up_loses_no_arrival():
    timeline = LiveTimeline(wall_clock())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(timeline.next(INF, ()), 0.001)
    arrival = note("later")

    timeline.put(arrival)

    assert await timeline.next(INF, ()) is arrival
