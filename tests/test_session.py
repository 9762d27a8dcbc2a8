"""Sessions on simulated time, with models and stores that fail in every way."""

import asyncio
from collections.abc import Callable, Collection
from statistics import fmean

import pytest

from roomful.core.chance import derive
from roomful.core.decide import Refused
from roomful.core.events import (
    USER,
    CallAnswered,
    CallFailed,
    CallRequested,
    Event,
    MessagePosted,
    ParticipantDisconnected,
    Prompt,
    SessionEnded,
    SessionResumed,
    TurnDropped,
    TurnPlanned,
    TurnScheduled,
)
from roomful.core.inputs import (
    Complain,
    Connect,
    Disconnect,
    Input,
    Leave,
    React,
    Reply,
    Resume,
    Say,
    Start,
    Suspend,
)
from roomful.core.state import fold
from roomful.llm import LLM, LLMError
from roomful.llm.scripted import Scripted
from roomful.log import SessionLog
from roomful.replay import run_again
from roomful.session import SimulationSession
from roomful.store.memory import MemoryStore
from roomful.timeline import Arrival, LiveTimeline, SimulatedTimeline, simulated_loop, wall_clock
from tests.rooms import SESSION, Room, happened, only, reply, start
from tests.stores import ShakyStore, claimed

pytestmark = pytest.mark.anyio

type Script = list[tuple[float, Input]]
STAYS: Script = [(0.0, Connect(protocol=2))]


class CountingTimeline(SimulatedTimeline):
    """Counts how often something came next."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def next(self, deadline: float, calls: Collection[asyncio.Task[None]]) -> Arrival | None:
        self.count += 1
        return await super().next(deadline, calls)


def speaking(latency: float = 0.0) -> LLM:
    async def llm(prompt: Prompt) -> Reply:
        return reply(f"number {prompt.number}", latency=latency)

    return llm


def raising(fault: Callable[[], BaseException]) -> LLM:
    async def llm(prompt: Prompt) -> Reply:
        raise fault()

    return llm


async def session_on(
    store: MemoryStore, llm: LLM, script: Script, timeline: SimulatedTimeline | None = None
) -> SimulationSession:
    """A session with what will come in at which time."""
    session = SimulationSession(await claimed(store), llm, timeline or SimulatedTimeline())
    for at, input in script:
        session.put(input, at)
    return session


async def played(first: Start, llm: LLM, script: Script = STAYS, store: MemoryStore | None = None) -> SessionLog:
    """The log of a whole session."""
    session = await session_on(store or MemoryStore(), llm, [(0.0, first), *script])
    await session.run()
    return session.log


async def events_of(log: SessionLog) -> list[Event]:
    return happened([entry async for entry in log.follow()])


def says(*times: float) -> Script:
    return [*STAYS, *((at, Say(content=f"hello at {at}", client_id=str(at))) for at in times)]


async def test_a_whole_session():
    log = await played(start(), speaking(0.8), says(100.0, 300.0))

    entries = [entry async for entry in log.follow()]
    events = happened(entries)
    tally = only(events, SessionEnded)[0].tally
    senders = [event.sender for event in only(events, MessagePosted)]
    assert fold(entries) == log.state
    assert log.state.ended == "duration_expired"
    assert (entries[-1].at, events[-1]) == (900.0, only(events, SessionEnded)[0])
    assert senders.count(USER) == tally["said"] == 2
    assert len(senders) == 2 + tally["posted"] + tally["answers_posted"]
    assert tally["calls"] == len(only(events, CallRequested))
    assert 30 < tally["posted"] < 90


async def outcomes(session: SimulationSession, *submitted: tuple[float, Input]) -> list:
    """Run a session; what became of each input that somebody waited for."""
    waiting = [asyncio.ensure_future(session.submit(input, at)) for at, input in submitted]
    await asyncio.sleep(0)  # all of them are handed in before time passes
    await session.run()
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_input_is_answered_with_its_entries_or_the_reason_against_it():
    store = MemoryStore()
    session = await session_on(store, speaking(), [(0.0, start()), (10.0, Leave())])

    said, refused, late = await outcomes(
        session, (5.0, Say(content="hi")), (6.0, React(message_id="nonsense", emoji="x")), (20.0, Say(content="hi"))
    )

    assert said[0].event.content == "hi"
    assert (await store.read(SESSION))[said[0].seq - 1].seq == said[0].seq
    assert refused.reason == "unknown_message"
    assert late.reason == "ended"
    with pytest.raises(Refused):
        await session.submit(Connect(protocol=2))


async def test_a_session_that_is_over_answers_at_once_although_nobody_runs_it():
    store = MemoryStore()
    await played(start(), speaking(), [(1.0, Leave())], store)
    session = await session_on(store, speaking(), [])

    with pytest.raises(Refused) as refused:
        await session.submit(Say(content="hi"))

    assert refused.value.reason == "ended"


async def test_a_message_sent_twice_is_posted_once():
    log = await played(start(), speaking(), [*says(5.0), *says(5.0), *says(5.0)])

    assert log.state.tally.said == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lambda: LLMError("timeout", "no answer", attempts=("a", "b")), "timeout"),
        (lambda: LLMError("blocked", "SAFETY", reply=reply("", input_tokens=9)), "blocked"),
        (lambda: ZeroDivisionError("oh"), "unexpected"),
        (TimeoutError, "unexpected"),
        (lambda: ExceptionGroup("several", [OSError("x")]), "unexpected"),
        (lambda: asyncio.CancelledError("by itself"), "unexpected"),
    ],
    ids=["timeout", "blocked", "error", "time-out", "group", "cancelled"],
)
async def test_whatever_the_model_does_the_session_goes_on(fault, kind):
    log = await played(start(), raising(fault), says(100.0))

    events = await events_of(log)
    tally = only(events, SessionEnded)[0].tally
    assert log.state.ended == "duration_expired"
    assert {event.error for event in only(events, CallFailed)} == {kind}
    assert len(only(events, CallFailed)) == tally["calls"] > 30
    assert tally["dropped"] == tally["scheduled"]
    assert tally["answers_dropped"] == 1
    assert [event.sender for event in only(events, MessagePosted)] == [USER]


@pytest.mark.parametrize("text", ["", "Bob: ", '{"' * 5_000, "\0\ud800"])
async def test_a_model_that_says_nothing_is_asked_twice_for_each_turn(text):
    async def llm(prompt: Prompt) -> Reply:
        return reply(text)

    tally = only(await events_of(await played(start(), llm)), SessionEnded)[0].tally

    assert tally["calls"] == 2 * tally["scheduled"]
    assert tally["dropped"] == tally["scheduled"]


async def test_a_model_that_never_answers_does_not_hold_the_end_of_the_session():
    never, log = Never(), await claimed(MemoryStore())
    session = SimulationSession(log, never, LiveTimeline(wall_clock()))
    session.put(start(messages_per_minute=60_000, session_duration_minutes=0.05 / 60))

    await session.run()

    assert log.state.ended == "duration_expired"
    assert log.state.tally.calls >= never.asked > never.waiting == 0


async def test_calls_of_a_session_that_has_ended_are_cancelled():
    never, log = Never(), await claimed(MemoryStore())
    session = SimulationSession(log, never, LiveTimeline(wall_clock()))
    session.put(start(messages_per_minute=600))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run())
        async for entry in log.follow():
            if isinstance(entry.event, CallRequested):
                session.put(Leave())

    assert log.state.ended == "participant_left"
    assert never.asked > never.waiting == 0


class Never:
    """A model that does not answer; counts who asked and who still waits."""

    def __init__(self) -> None:
        self.asked = self.waiting = 0

    async def __call__(self, prompt: Prompt) -> Reply:
        self.asked += 1
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
        raise AssertionError


def failing_between(first: float, last: float) -> tuple[ShakyStore, CountingTimeline]:
    """A store that is down from one time to another."""
    store, timeline = ShakyStore(), CountingTimeline()
    store.down = lambda: first <= timeline.now() < last
    return store, timeline


async def test_while_the_store_fails_nothing_is_acknowledged_and_nothing_spins():
    store, timeline = failing_between(100.0, 400.0)
    session = await session_on(store, speaking(0.8), [(0.0, start()), *says(90.0)], timeline)

    before, during, after = await outcomes(
        session,
        (50.0, Say(content="before", client_id="1")),
        (200.0, Say(content="during", client_id="2")),
        (450.0, Say(content="after", client_id="3")),
    )

    assert before
    assert "disk is full" in str(during)
    assert after
    entries = [entry async for entry in session.log.follow()]
    assert not [entry for entry in entries if 100 <= entry.at < 400]
    # every five seconds at most, once the waits have grown
    assert timeline.count < len(entries) + 300 / 5 + 10


async def test_after_an_outage_of_the_store_the_rate_recovers_and_what_is_overdue_is_dropped():
    store, timeline = failing_between(100.0, 400.0)
    session = await session_on(store, speaking(0.8), [(0.0, start()), *STAYS], timeline)
    await session.run()

    events = await events_of(session.log)
    undisturbed = await events_of(await played(start(), speaking(0.8)))
    tally = only(events, SessionEnded)[0].tally
    assert {event.reason for event in only(events, TurnDropped)} == {"outage"}
    assert tally["scheduled"] == tally["posted"] + tally["dropped"] + tally["unfinished"]
    assert [event.due for event in only(events, TurnScheduled)] == [e.due for e in only(undisturbed, TurnScheduled)]
    later = {event.turn_id for event in only(undisturbed, TurnPlanned) if event.due > 420}
    assert later <= {event.turn_id for event in only(events, MessagePosted)} | {None}


async def test_a_reply_that_comes_while_the_store_fails_is_kept():
    store, timeline = failing_between(6.0, 30.0)
    first = start(messages_per_minute=0)
    session = await session_on(store, speaking(5.0), [(0.0, first), (1.0, Say(content="hi"))], timeline)

    await session.run()

    events = await events_of(session.log)
    assert len(only(events, CallRequested)) == len(only(events, CallAnswered)) == 1
    assert len(only(events, MessagePosted)) == 2


async def test_what_was_stored_without_an_answer_may_set_an_alarm_that_is_first():
    store, timeline = ShakyStore(), CountingTimeline()
    store.mute = lambda: 9.0 <= timeline.now() < 11.0
    first = start(messages_per_minute=0)
    session = await session_on(store, speaking(), [(0.0, first), (0.0, Disconnect(sent=0))], timeline)
    # its receipt is due at 9.2, and the answer's alarms at once; nobody knows of them until the store is asked again
    (said,) = await outcomes(session, (9.0, Say(content="hi")))

    assert "lost before the answer" in str(said)
    entries = [entry async for entry in session.log.follow()]
    assert run_again(entries) is None
    assert only(happened(entries), MessagePosted)


async def test_who_comes_back_while_the_store_fails_does_not_overtake_going_away():
    store, timeline = failing_between(10.0, 11.0)
    script: Script = [(0.0, start(reconnect_grace_seconds=60)), *STAYS, (10.5, Disconnect(sent=1))]
    session = await session_on(store, speaking(), script, timeline)

    (back,) = await outcomes(session, (11.0, Connect(protocol=2)))

    assert back
    assert session.log.state.ended == "duration_expired"


async def test_what_is_held_is_entered_in_the_order_of_its_coming():
    store, timeline = failing_between(10.0, 20.0)
    coming = [Complain(error_type="x", error_message=str(number)) for number in range(5)]
    script: Script = [(0.0, start(messages_per_minute=0)), *((10.0 + at, input) for at, input in enumerate(coming))]
    session = await session_on(store, speaking(), script, timeline)
    await session.run()

    found = [
        entry.input for entry in [entry async for entry in session.log.follow()] if isinstance(entry.input, Complain)
    ]
    assert found == coming


async def test_what_was_stored_without_an_answer_is_entered_once():
    store, timeline = ShakyStore(), CountingTimeline()
    store.mute = lambda: 10.0 <= timeline.now() < 12.0
    script: Script = [
        (0.0, start(messages_per_minute=0)),
        *STAYS,
        (10.5, Disconnect(sent=1)),
        (11.0, Connect(protocol=2)),
    ]
    session = await session_on(store, speaking(), script, timeline)
    await session.run()

    events = await events_of(session.log)
    assert only(events, ParticipantDisconnected) == [ParticipantDisconnected(sent=1, absent_at=70.5)]
    assert session.log.state.ended == "duration_expired"


async def test_a_session_that_is_suspended_goes_on_from_its_log():
    store = MemoryStore()
    first = await session_on(store, speaking(5.0), [(0.0, start()), *STAYS, (200.0, Suspend())])
    await first.run()
    suspended = first.log.state

    timeline = SimulatedTimeline()
    await timeline.next(260.0, ())
    second = await session_on(store, speaking(5.0), [(260.0, Resume(gap=60.0)), (261.0, Connect(protocol=2))], timeline)
    assert second.log.state == suspended
    await second.run()

    events = await events_of(second.log)
    assert only(events, SessionResumed) == [SessionResumed(gap=60.0, absent_at=320.0)]
    assert second.log.state.ended == "duration_expired"
    undisturbed = await events_of(await played(start(), speaking(5.0)))
    assert [event.due for event in only(events, TurnScheduled)] == [e.due for e in only(undisturbed, TurnScheduled)]
    with pytest.raises(Refused) as refused:
        await first.submit(Say(content="hi"))
    assert refused.value.reason == "closed"


async def test_calls_under_way_at_a_crash_are_asked_again():
    store, room = MemoryStore(), Room(start(messages_per_minute=0))
    room.say("hi")
    room.until(10.0, reply=None)
    log = await claimed(store)
    for entry in room.entries:
        await log.append([entry.event], entry.at, entry.input)
    asked = []

    async def llm(prompt: Prompt) -> Reply:
        asked.append(prompt)
        return reply("sorry, I was away")

    timeline = SimulatedTimeline()
    await timeline.next(10.0, ())
    session = await session_on(store, llm, [(20.0, Leave())], timeline)
    await session.run()

    assert asked == [only(happened(room.entries), CallRequested)[0].prompt]


@pytest.mark.parametrize(("grace", "ends"), [(60, 160.0), (5, 105.0), (0, 100.0)])
async def test_an_absence_beyond_the_grace_ends_the_session(grace, ends):
    script: Script = [*STAYS, (100.0, Disconnect(sent=4))]

    log = await played(start(reconnect_grace_seconds=grace), speaking(), script)

    assert (log.state.ended, log.state.at) == ("websocket_disconnect", ends)


async def test_leaving_ends_the_session():
    log = await played(start(), speaking(), [*STAYS, (100.0, Leave()), (101.0, Say(content="hi"))])

    assert (log.state.ended, log.state.at, log.state.tally.said) == ("participant_left", 100.0, 0)


async def test_a_session_over_its_budget_ends():
    async def llm(prompt: Prompt) -> Reply:
        return reply("hi", input_tokens=100, output_tokens=5)

    log = await played(start(max_tokens_per_session=1_000), llm)

    assert (log.state.ended, log.state.tally.calls, log.state.tokens) == ("budget_exhausted", 10, 1_050)


async def test_the_same_seed_gives_the_same_log_byte_for_byte():
    first, second, other = MemoryStore(), MemoryStore(), MemoryStore()
    for store, seed in ((first, 1), (second, 1), (other, 2)):
        await played(start(seed=seed), speaking(1.7), says(20.0, 21.0, 200.0), store)

    assert await first.read(SESSION) == await second.read(SESSION)
    assert await first.read(SESSION) != await other.read(SESSION)


def test_a_loop_on_which_replies_are_there_at_once_changes_nothing():
    async def lines() -> list[str]:
        store = MemoryStore()
        await played(start(seed=3), Scripted(), says(20.0, 21.0, 200.0), store)
        return [line.text for line in await store.read(SESSION)]

    with asyncio.Runner() as usual, asyncio.Runner(loop_factory=simulated_loop) as simulated:
        assert simulated.run(lines()) == usual.run(lines())


SESSIONS, RATE, MINUTES = 40, 6, 5


async def background(latency: float, seed: int) -> tuple[set[str], int]:
    """The turns that were posted in a whole session, and how many were unfinished at its end."""
    first = start(seed=derive(seed, "rate"), messages_per_minute=RATE, session_duration_minutes=MINUTES)
    events = await events_of(await played(first, speaking(latency), says(30.0, 100.0)))
    posted = {event.turn_id for event in only(events, MessagePosted) if (event.turn_id or "").startswith("b")}
    return posted, only(events, SessionEnded)[0].tally["unfinished"]


async def test_a_slow_model_does_not_change_the_rate():
    counts = []
    for seed in range(SESSIONS):
        (prompt, left), (slow, unfinished) = await background(0.0, seed), await background(5.0, seed)
        assert left == 0
        assert slow <= prompt
        assert len(prompt) - len(slow) <= unfinished <= 3
        counts.append(len(prompt))

    assert abs(fmean(counts) - RATE * MINUTES) < 4 * (RATE * MINUTES / SESSIONS) ** 0.5
