"""Sessions under crashes, faults of the store, duplicates, reconnects and take-overs, in any order that can be drawn.

Two hosts share a store, as two workers share a database. Whatever is done, the promises of `tests.promises` hold.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from itertools import count, pairwise
from types import SimpleNamespace
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from roomful import host as host_module
from roomful import log as log_module
from roomful.codec import decode
from roomful.core.chance import draw
from roomful.core.decide import Refused
from roomful.core.events import USER, Entry, MessagePosted, Prompt
from roomful.core.inputs import Connect, Disconnect, Input, Leave, Observe, React, Reply, Say
from roomful.core.state import SessionState, fold
from roomful.host import Host, Room, Study
from roomful.llm import LLMError
from roomful.store import Fenced, Folded, Line, SessionRow, StoreError
from tests import rooms
from tests.leaping import leaping
from tests.promises import broken_by_log
from tests.rooms import reply, start
from tests.stores import ShakyStore

PATIENCE = 120.0
"""Seconds of the leaping loop after which something that was asked for counts as stranded."""

READING = 0.007
"""Seconds that the store takes to read: long enough that something is stored meanwhile."""

type Moment = Literal["before", "after"]
type Trouble = Literal["down", "mute"]


class WatchedStore(ShakyStore):
    """Notes where the fence was open to a former owner, or closed to the present one."""

    def __init__(self) -> None:
        super().__init__()
        self.trespasses: list[str] = []
        self.shut_out: list[str] = []

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        before = self._rows[session_id]
        try:
            await super().append(session_id, epoch, lines, folded)
        except Fenced as fault:
            if epoch == before.epoch:
                self.shut_out.append(str(fault))
            raise
        finally:
            if epoch != before.epoch and self._rows[session_id] != before:
                self.trespasses.append(f"line {lines[0].seq} by owner {epoch} after {before.epoch} had claimed")


class Cable:
    """The way of one process to the store, which a crash cuts: before a commit, or before its answer."""

    lasting = True

    def __init__(self, store: ShakyStore) -> None:
        self._store = store
        self.cut = False
        self.cuts_at: Moment | None = None

    async def reserve(self, session_id: str, created: float, about: str) -> None:
        await self._hold()
        await self._store.reserve(session_id, created, about)

    async def claim(self, session_id: str) -> SessionRow:
        await self._hold()
        return await self._store.claim(session_id)

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        await self._hold("before")
        await self._store.append(session_id, epoch, lines, folded)
        await self._hold("after")

    async def folded(self, session_id: str) -> Folded | None:
        await self._hold(seconds=READING)
        return await self._store.folded(session_id)

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        await self._hold(seconds=READING)
        return await self._store.read(session_id, after)

    async def read_shown(self, session_id: str, after: int = 0) -> list[Line]:
        await self._hold(seconds=READING)
        return await self._store.read_shown(session_id, after)

    async def find(self, session_id: str) -> SessionRow | None:
        await self._hold()
        return await self._store.find(session_id)

    async def sessions(self, *, live: bool = False) -> list[SessionRow]:
        await self._hold()
        return await self._store.sessions(live=live)

    async def check(self) -> None:
        await self._store.check()

    async def close(self) -> None:
        await self._store.close()

    async def _hold(self, moment: Moment | None = None, seconds: float = 0.002) -> None:
        # a real store takes a moment, in which other sessions and other inputs come in
        await asyncio.sleep(seconds)
        self.cut = self.cut or (moment is not None and self.cuts_at == moment)
        if self.cut:
            await asyncio.get_running_loop().create_future()


async def llm(prompt: Prompt) -> Reply:
    """Take a second or so; fail or say nothing now and then."""
    await asyncio.sleep(0.3 + 2 * draw(prompt.seed, "latency", prompt.number))
    outcome = draw(prompt.seed, "outcome", prompt.number)
    if outcome < 0.1:
        raise LLMError("unavailable", "not now")
    return reply("" if outcome < 0.2 else f"number {prompt.number}")


class Process:
    """A host that runs, and can be killed."""

    def __init__(self, store: ShakyStore) -> None:
        self._store = store
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        return self._task is not None

    async def begin(self) -> None:
        study = Study(
            experimental=start().experimental,
            simulation=rooms.settings(
                messages_per_minute=20, user_response_probability=0.7, session_duration_minutes=2
            ),
            model="scripted",
            versions={},
        )
        self.cable = Cable(self._store)
        self.host = Host(self.cable, llm, study)
        self._stop, running = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._run(running))
        await running.wait()

    async def _run(self, running: asyncio.Event) -> None:
        async with self.host.running():
            running.set()
            await self._stop.wait()

    async def suspend(self) -> None:
        assert self._task
        self._stop.set()
        await self._task
        self._task = None

    async def crash(self) -> None:
        assert self._task
        self.cable.cut = True
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None


@dataclass
class Follower:
    """What one reader has been shown, of a log that it began to read after a number."""

    after: int
    entries: list[Entry] = field(default_factory=list)
    compared: int = 0
    """How many of them were found in the store."""

    async def follow(self, room: Room) -> None:
        async with aclosing(room.log.follow_shown(self.after)) as entries:
            async for entry in entries:
                self.entries.append(entry)


@dataclass
class Person:
    """A participant with an outbox, and whoever reads along."""

    session_id: str
    sent: list[str] = field(default_factory=list)
    outbox: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    readings: list[asyncio.Task[None]] = field(default_factory=list)


class Sessions(RuleBasedStateMachine):
    people = Bundle("people")
    which = st.integers(0, 1)

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.runner = self.exits.enter_context(leaping())
        # the same ids in every run, so that a failure that was found is found again
        patch, numbers = self.exits.enter_context(pytest.MonkeyPatch.context()), count(1)
        patch.setattr(host_module, "uuid", SimpleNamespace(uuid4=lambda: UUID(int=next(numbers))))
        # followers fall behind soon, and read from the store what they have missed
        patch.setattr(log_module, "BEHIND_MOST", 2)
        self.store = WatchedStore()
        self.troubles: list[Trouble | None] = []
        self.store.down, self.store.mute = lambda: self._trouble("down"), lambda: self._trouble("mute")
        self.everybody: list[Person] = []
        self.looked_at: dict[str, tuple[SessionRow, int, int]] = {}
        """What logs were when they were looked at, so that those are left out that have not changed."""
        self.folded: dict[str, SessionState] = {}
        self.processes = [Process(self.store), Process(self.store)]

    def do[T](self, work: Awaitable[T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(PATIENCE):
                return await work

        return self.runner.run(bounded())

    # --- what can happen

    @initialize(target=people)
    def begin(self) -> object:
        for process in self.processes:
            self.do(process.begin())
        return multiple(self._enter(0), self._enter(1))

    @rule(target=people, number=which)
    def enter(self, number: int) -> object:
        return multiple() if len(self.everybody) >= 4 else self._enter(number)

    def _enter(self, number: int) -> Person:
        session_id = None
        while session_id is None:
            process = self._process(number)
            session_id = self.do(self._or_crash(process, process.host.start))
        person = Person(session_id)
        self.everybody.append(person)
        self._room(person, number)
        return person

    @rule(person=people, number=which, messages=st.integers(1, 4), again=st.booleans())
    def say(self, person: Person, number: int, messages: int, again: bool) -> None:
        """Write messages and send the outbox; `again`: everything in it twice."""
        for _ in range(messages):
            name = f"{len(person.sent) + 1}"
            person.sent.append(name)
            person.outbox.append(name)
        self._send(person, number, again=again)

    @rule(person=people, number=which)
    def send_again(self, person: Person, number: int) -> None:
        self._send(person, number, again=False)

    @rule(person=people, number=which, back=st.integers(0, 9))
    def repeat_a_known_message(self, person: Person, number: int, back: int) -> None:
        if person.acknowledged:
            name = person.acknowledged[-1 - back % len(person.acknowledged)]
            taken = self._submit(person, number, Say(content="other words", client_id=name))
            assert taken in (None, [])

    @rule(
        person=people,
        number=which,
        input=st.sampled_from(
            [Connect(protocol=2), Connect(protocol=1), Disconnect(sent=0), Observe(kind="typing", details={"on": True})]
        ),
    )
    def come_and_go(self, person: Person, number: int, input: Input) -> None:
        self._submit(person, number, input)

    @rule(person=people, number=which)
    def react(self, person: Person, number: int) -> None:
        room = self._room(person, number)
        if room and room.state.messages:
            self._submit(person, number, React(message_id=room.state.messages[-1].message_id, emoji="👍"))

    @precondition(lambda self: len(self.everybody) > 1)
    @rule(person=people, number=which)
    def leave(self, person: Person, number: int) -> None:
        self._submit(person, number, Leave())

    @rule(person=people, number=which, back=st.integers(0, 5), busy=st.booleans())
    def follow(self, person: Person, number: int, back: int, busy: bool) -> None:
        """Read along from a number on; `busy`: while something is stored and not shown yet."""
        room = self._room(person, number)
        if room is None:
            return
        follower = Follower(max(0, room.state.shown - back))
        person.followers.append(follower)

        async def join() -> None:
            deeds: list[asyncio.Future[object]] = []
            if busy and room.state.messages:
                react = React(message_id=room.state.messages[0].message_id, emoji="🎈")
                deeds.append(asyncio.ensure_future(room.session.submit(react)))
                await asyncio.sleep(0.001)
            person.readings.append(asyncio.create_task(follower.follow(room)))
            # a cable may be cut meanwhile, and then it waits in vain
            await asyncio.wait([*deeds, asyncio.ensure_future(asyncio.sleep(0.01))], timeout=10)
            for deed in deeds:
                deed.cancel()
            await asyncio.gather(*deeds, return_exceptions=True)

        self.do(join())

    @rule(seconds=st.sampled_from([0.001, 0.2, 1.0, 3.0, 10.0, 30.0, 70.0, 130.0]))
    def pass_time(self, seconds: float) -> None:
        """Agents answer meanwhile; an absent participant is waited for in vain, and at last the session ends."""
        self.runner.run(asyncio.sleep(seconds))

    @rule(person=people)
    def send_by_two_ways(self, person: Person) -> None:
        """A message on its way to two hosts at once, one of which has lost the session."""
        rooms_there = [room for number in (0, 1) if (room := self._room(person, number))]
        if person.outbox or not rooms_there:
            return
        name = f"{len(person.sent) + 1}"
        person.sent.append(name)
        person.outbox.append(name)

        async def both() -> list[object]:
            says = (room.session.submit(Say(content=f"message {name}", client_id=name)) for room in rooms_there)
            async with asyncio.timeout(20):
                return list(await asyncio.gather(*says, return_exceptions=True))

        with suppress(TimeoutError):
            # a cable may be cut meanwhile, and then one of them waits in vain
            if any(isinstance(outcome, list) for outcome in self.do(both())):
                person.outbox.remove(name)
                person.acknowledged.append(name)

    @rule(person=people, number=which, inputs=st.integers(1, 4))
    def take_over_while_the_other_writes(self, person: Person, number: int, inputs: int) -> None:
        """The session is claimed by one host while inputs are on their way through the other."""
        former = self._owned(person, 1 - number)
        if person.session_id in self._process(number).host.rooms:
            # it learns that it has lost the session
            self._submit(person, number, Observe(kind="typing", details={}))
        process = self._process(number)
        if former is None or person.session_id in process.host.rooms:
            return

        async def both() -> None:
            deeds: list[asyncio.Future[object]] = [asyncio.ensure_future(process.host.open(person.session_id))]
            for chars in range(inputs):
                typing = Observe(kind="typing", details={"chars": chars})
                deeds.append(asyncio.ensure_future(former.session.submit(typing)))
            # a cable may be cut meanwhile, and then they wait in vain
            await asyncio.wait(deeds, timeout=10)
            for deed in deeds:
                deed.cancel()
            await asyncio.gather(*deeds, return_exceptions=True)

        self.do(both())

    def _owned(self, person: Person, number: int) -> Room | None:
        """The session's room in this process, which owns it: opened anew where another has claimed it."""
        room = self._room(person, number)
        if room and room.log._epoch != self._stored(person)[0].epoch:
            self._submit(person, number, Observe(kind="typing", details={}))
            room = self._room(person, number)
        return room

    @rule(troubles=st.lists(st.sampled_from(["down", "mute", None]), min_size=1, max_size=6))
    def let_the_store_fail(self, troubles: list[Trouble | None]) -> None:
        """It refuses an operation, or stores and does not say so; None: it works in between."""
        self.troubles = troubles

    @rule(number=which, moment=st.sampled_from(["before", "after"]))
    def crash_at_the_next_append(self, number: int, moment: Moment) -> None:
        self._process(number).cable.cuts_at = moment

    @rule(number=which, orderly=st.booleans(), outage=st.sampled_from([0.0, 0.5, 20.0, 100.0]))
    def begin_again(self, number: int, orderly: bool, outage: float) -> None:
        """It takes over what the other one runs."""
        process = self._process(number)
        if orderly:
            self.do(self._or_crash(process, process.suspend))
        elif process.up:
            self.do(process.crash())
        self.do(asyncio.sleep(outage))
        self._process(number)

    # --- how

    def _process(self, number: int) -> Process:
        """The process of this number, begun again where it has crashed."""
        process = self.processes[number]
        if process.up and process.cable.cut:
            self.do(process.crash())
        if not process.up:
            self.do(process.begin())
        return process

    def _trouble(self, kind: Trouble) -> bool:
        """Whether the store fails now in this way; told about the other way it works, and the trouble stays."""
        if not self.troubles or self.troubles[0] not in (kind, None):
            return False
        return self.troubles.pop(0) == kind

    async def _or_crash[T](self, process: Process, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do it; when the cable is cut meanwhile, the process crashes."""
        task = asyncio.ensure_future(work())
        while not task.done():
            await asyncio.wait([task], timeout=0.5)
            if process.cable.cut and not task.done():
                if process.up:
                    await process.crash()
                task.cancel()
                await asyncio.wait([task])
        if task.cancelled() or (process.cable.cut and task.exception()):
            return None
        return await task

    def _room(self, person: Person, number: int) -> Room | None:
        process = self._process(number)

        async def opened() -> Room | None:
            with suppress(StoreError, Refused):
                return await process.host.open(person.session_id)
            return None

        return self.do(self._or_crash(process, opened))

    def _submit(self, person: Person, number: int, input: Input) -> list[Entry] | None:
        """The entries it led to; None when it was not taken, or the process crashed over it."""
        room = self._room(person, number)
        if room is None:
            return None

        async def submitted() -> list[Entry] | None:
            with suppress(StoreError, Refused):
                return await room.session.submit(input)
            return None

        return self.do(self._or_crash(self.processes[number], submitted))

    def _send(self, person: Person, number: int, *, again: bool) -> None:
        for name in list(person.outbox):
            say = Say(content=f"message {name}", client_id=name)
            if self._submit(person, number, say) is None:
                return
            person.outbox.remove(name)
            person.acknowledged.append(name)
            if again:
                self._submit(person, number, say)

    # --- what holds

    @invariant()
    def logs_are_whole_and_what_is_acknowledged_is_posted_once_and_in_order(self) -> None:
        for person in self.everybody:
            row, lines = self._stored(person)
            now = row, len(lines), len(person.acknowledged)
            if self.looked_at.get(person.session_id) == now:
                continue
            assert list(broken_by_log(row, lines, None)) == []
            events = [decode(line.text).event for line in lines]
            posted = [e.client_id for e in events if isinstance(e, MessagePosted) and e.sender == USER]
            assert set(person.acknowledged) <= set(posted)
            assert [name for name, count in Counter(posted).items() if count > 1] == []
            assert posted == sorted(posted, key=lambda name: int(name or 0))
            self.looked_at[person.session_id] = now

    @invariant()
    def a_state_is_the_fold_of_the_log(self) -> None:
        for process in self.processes:
            for session_id, room in process.host.rooms.items() if process.up else ():
                if self.folded.get(session_id) is not room.state:
                    lines = self.store._lines[session_id][: room.state.seq]
                    assert fold(decode(line.text) for line in lines) == room.state
                    self.folded[session_id] = room.state

    @invariant()
    def followers_see_what_is_stored_without_gaps_and_nothing_twice(self) -> None:
        for person in self.everybody:
            _, lines = self._stored(person)
            for follower in person.followers:
                shown = [entry.shown for entry in follower.entries if entry.shown is not None]
                assert shown == list(range(follower.after + 1, follower.after + 1 + len(shown)))
                numbers = [entry.seq for entry in follower.entries]
                assert all(one < another for one, another in pairwise(numbers))
                # what is stored stays as it is, so each is looked up once
                assert all(decode(lines[e.seq - 1].text) == e for e in follower.entries[follower.compared :])
                follower.compared = len(follower.entries)

    @invariant()
    def nobody_writes_after_another_has_claimed(self) -> None:
        assert self.store.trespasses == []

    @invariant()
    def nobody_is_fenced_but_former_owners(self) -> None:
        assert self.store.shut_out == []

    def _stored(self, person: Person) -> tuple[SessionRow, list[Line]]:
        return self.store._rows[person.session_id], self.store._lines[person.session_id]

    def teardown(self) -> None:
        """When all is well again every session goes on, or has ended for a reason that there is."""
        try:
            self.troubles = []
            for process in self.processes:
                if process.up:
                    self.do(process.crash())
            self._process(0)
            for person in self.everybody:
                self._send(person, 0, again=True)
                reason = self._stored(person)[0].ended
                assert reason or not person.outbox
                assert reason in (None, "participant_left", "duration_expired", "websocket_disconnect")
            self.logs_are_whole_and_what_is_acknowledged_is_posted_once_and_in_order()
            self.do(self.processes[0].crash())
        finally:
            for person in self.everybody:
                for reading in person.readings:
                    reading.cancel()
            self.exits.close()


TestSessions = pytest.mark.timeout(300)(Sessions.TestCase)
TestSessions.settings = settings(
    max_examples=20, stateful_step_count=40, suppress_health_check=list(HealthCheck), deadline=None
)
