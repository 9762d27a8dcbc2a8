"""The sessions of this process: given out, opened, run, ended, suspended."""

import asyncio
import json
import secrets
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from roomful import __version__
from roomful.codec import CodecError
from roomful.core import CORE_VERSION
from roomful.core.chance import derive
from roomful.core.decide import WITHDREW, Refused
from roomful.core.events import SessionStarted
from roomful.core.inputs import Complain, Disconnect, End, Resume, Start
from roomful.core.state import CRASHED, SessionState
from roomful.core.study import ExperimentalSettings, SimulationSettings, Treatment, drawn_treatment, treatment_of
from roomful.enrolment import Enrolment
from roomful.erasure import Eraser
from roomful.llm import LLM
from roomful.log import SessionLog
from roomful.session import OnCommit, SimulationSession
from roomful.store import STUDY, Fenced, Line, SessionRow, Store, StoreError, UnknownSession
from roomful.timeline import LiveTimeline, wall_clock

CRASHES_MOST = 3
"""Failures of a session over one input, in this process and those before it, after which it is ended."""

RESUMING_MOST = 64
"""Sessions that are opened at a time after a start: enough to share commits, few enough to leave room for others."""

RESTARTING = 1012
"""The close code (service restart) of a session that goes on elsewhere, or later."""

_log = structlog.get_logger()


TOKEN_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105
"""What tokens are made of: nothing that could be taken for something else when it is read from paper."""


class Full(Exception):
    """No session may begin now: as many are live as the settings allow, or the study was stopped."""


class NotReady(Full):
    """A session may not begin yet, or never: pages lie before it."""


class Connection(Protocol):
    """A socket of a participant. `sent` is the number of the last shown entry that went out."""

    sent: int

    def close(self, code: int | None) -> None:
        """End it with a close code."""
        ...


class LineKeeper(Protocol):
    """Who is told of durable lines: the writer of the log files."""

    def add(self, session_id: str, lines: Sequence[Line]) -> None:
        """Take the lines of a batch that has become durable; called in the log's order, and must not wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What every session of this process starts with. `model` is the model's name, `"scripted"` without one."""

    experimental: ExperimentalSettings
    simulation: SimulationSettings
    model: str
    versions: Mapping[str, str]
    fingerprint: str = ""
    """The hash over all that the study is made of."""
    treatments: tuple[Treatment, ...] = ()
    """At least one, with the settings that hold in it; without any given the study itself is the one."""

    def __post_init__(self) -> None:
        if not self.treatments:
            only = Treatment(name="", experimental=self.experimental, simulation=self.simulation)
            object.__setattr__(self, "treatments", (only,))


def salt() -> str:
    """A fresh salt for a line of a log: 128 random bits in hex."""
    return secrets.token_hex(16)


class Salts:
    """Gives out fresh salts. The system is asked for many at a time: each asking takes as long as writing a line."""

    def __init__(self) -> None:
        self._left: list[str] = []

    def __call__(self) -> str:
        """Return one that was not given out before."""
        if not self._left:
            drawn = secrets.token_hex(16 * 256)
            self._left = [drawn[at : at + 32] for at in range(0, len(drawn), 32)]
        return self._left.pop()


def new_id() -> str:
    """A fresh id for a session."""
    return str(uuid.uuid4())


def new_token() -> str:
    """A fresh token: 12 signs, 59 random bits."""
    return "".join(secrets.choice(TOKEN_SIGNS) for _ in range(12))


class Room:
    """A session that is live in this process, and whoever is connected to it."""

    def __init__(self, session: SimulationSession, timeline: LiveTimeline, blank: SessionStarted) -> None:
        """`blank` stands for the start of a session that has none."""
        self.session = session
        self._blank = blank
        self.timeline = timeline
        self.socket: Connection | None = None
        """The socket that speaks for the participant; a newer one takes its place."""

    def suspend(self) -> None:
        """Stop running, and leave the session to be resumed; whoever is connected is told to come back."""
        if socket := self.socket:
            self.socket = None
            socket.close(RESTARTING)
            # what is not sent yet is sent to whoever comes back
            self.session.put(Disconnect(sent=socket.sent))
        self.session.suspend()

    @property
    def log(self) -> SessionLog:
        return self.session.log

    @property
    def state(self) -> SessionState:
        return self.session.log.state

    @property
    def started(self) -> SessionStarted:
        """What the session started with; of one that was erased, what is no secret of anybody's."""
        return self.state.started or self._blank


class Host:
    """Gives sessions out and runs them. `async with host.running():` is its life."""

    def __init__(
        self,
        store: Store,
        llm: LLM,
        study: Study,
        *,
        log_files: LineKeeper | None = None,
        enrolment: Enrolment | None = None,
        eraser: Eraser | None = None,
        max_live_sessions: int = 2000,
        clock: Callable[[], int] = wall_clock,
        on_commit: OnCommit | None = None,
    ) -> None:
        self.store = store
        self.study = study
        self.rooms: dict[str, Room] = {}
        self._llm = llm
        self.log_files = log_files
        self._enrolment = enrolment
        self._eraser = eraser
        self._max_live = max_live_sessions
        self._clock = clock
        self._on_commit = on_commit
        self._salt = Salts()
        # of all treatments: which answers a session is given must not tell in which one it is
        self._asked = sorted(
            {arm.experimental.stances.question for arm in study.treatments if arm.experimental.stances}
        )
        self._opening: dict[str, asyncio.Task[Room | Exception]] = {}
        self._tasks: asyncio.TaskGroup
        self.closing = False

    @asynccontextmanager
    async def running(self, *, resume: bool = True) -> AsyncIterator["Host"]:
        """Run sessions inside this context. At its end they are suspended, to go on at the next start.

        Without `resume` those that were live before stay as they are until they are opened.
        """
        async with asyncio.TaskGroup() as self._tasks:
            try:
                if resume:
                    await self.resume()
                yield self
            finally:
                self.closing = True
                for room in self.rooms.values():
                    room.suspend()

    async def start(
        self,
        participant_name: str | None = None,
        *,
        treatment: str | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> str:
        """Give out a session and return its id; its clock starts when it is opened. Raises Full, StoreError.

        Without a `treatment` it is in the one drawn by its seed; a name that is none raises KeyError. `answers` are
        to questions before the chat.
        """
        if treatment is not None:
            treatment_of(self.study.treatments, treatment)
        self.check_room()
        session_id = new_id()
        about = {"participant_name": participant_name, "treatment": treatment, "answers": dict(answers or {})}
        await self.give_out(session_id, self._clock() / 1e6, about)
        return session_id

    async def give_out(self, session_id: str, created: float, about: Mapping[str, object]) -> None:
        """Give out a session of this id, as often as it is asked for: what was asked first holds. Raises StoreError.

        `created` is in seconds since the epoch; `about` may hold `participant_name`, `treatment` and `answers`.
        """
        kept = json.dumps({name: value for name, value in about.items() if value})
        with suppress(ValueError):
            # it has been given out before, with another name
            await self.store.reserve(session_id, created, kept)

    def came_in(self, session_id: str) -> None:
        """A socket of the session is up."""
        if self._enrolment:
            self._enrolment.begun(session_id)

    async def open(self, session_id: str) -> Room:
        """Return the room of a session that was given out, started or resumed where it is not live yet.

        The room of a session that has ended is not run: its log tells the end. Raises UnknownSession, NotReady, Full,
        StoreError.
        """
        opening = self._opening.get(session_id)
        # a room that is still being opened has no start in its log yet
        if opening is None and (room := self.rooms.get(session_id)):
            return room
        if opening is None:
            self._check_open()
            opening = self._opening[session_id] = self._tasks.create_task(self._try_open(session_id))
        # shielded: one who is cancelled while waiting must not take the opening away from the others
        outcome = await asyncio.shield(opening)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def resume(self) -> None:
        """Open all sessions that were live when the process before this one stopped."""
        left = deque(await self.store.sessions(live=True))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(RESUMING_MOST, len(left))):
                tasks.create_task(self._resume(left))

    async def _resume(self, left: deque[SessionRow]) -> None:
        while left:
            row = left.popleft()
            try:
                await self.open(row.session_id)
            except Exception as fault:  # noqa: BLE001
                # one log that cannot be read must not keep all the others from going on
                _log.error("session_not_resumed", session_id=row.session_id, error=str(fault))

    async def end(self, session_id: str, reason: str) -> bool:
        """End a session; False when it had ended before. Raises as `open` and `submit` do."""
        room = await self.open(session_id)
        if room.state.ended is not None:
            return False
        try:
            await room.session.submit(End(reason=reason))
        except Refused as refusal:
            if refusal.reason != "ended":
                raise
            return False
        return True

    async def _try_open(self, session_id: str) -> Room | Exception:
        try:
            return await self._open(session_id)
        except Exception as fault:  # noqa: BLE001
            # raised again where it was asked for: raised here it would end the group, and every session with it
            return fault
        finally:
            del self._opening[session_id]

    async def _open(self, session_id: str) -> Room:
        row = await self.store.find(session_id)
        if row is None or session_id == STUDY:
            raise UnknownSession(f"no session {session_id} was given out")
        if row.ended is None:
            row = await self.store.claim(session_id)
        log = await self._read(row)
        if log.state.started is None and row.ended is None:
            await self._check_pages(session_id)
        timeline = LiveTimeline(log.started, at_least=log.state.at)
        room = Room(SimulationSession(log, self._llm, timeline, self._on_commit), timeline, self._blank(session_id))
        if log.state.ended is not None:
            return room
        # nothing is awaited between these checks and the room's entry: a shutdown or another start cannot come between
        self._check_open()
        if log.state.started is None:
            self.check_room()
            self._check_stopped(session_id)
        self.rooms[session_id] = room
        self._tasks.create_task(self._run(session_id, room))
        try:
            await self._enter(room, row)
        except (StoreError, Refused):
            if room.state.started is None:
                # without a start there is nothing to run: whoever asks next begins anew
                room.session.suspend()
                self._forget(session_id, room)
            raise
        return room

    async def _enter(self, room: Room, row: SessionRow) -> None:
        """Start the session of a room, or resume it."""
        state = room.state
        if state.started is None:
            await room.session.submit(self._first(row))
            return
        resume = Resume(gap=round(room.timeline.now() - state.at, 6))
        if max(state.crashes.values(), default=0) < CRASHES_MOST:
            await room.session.submit(resume)
            return
        # the process before this one stopped between the last crash and the end
        room.session.put(resume)
        with suppress(Refused):
            await room.session.submit(End(reason="error"))

    async def _read(self, row: SessionRow) -> SessionLog:
        keep = self.log_files.add if self.log_files else None
        try:
            return await SessionLog.open(self.store, row.session_id, row.epoch, self._clock(), self._salt, keep)
        except CodecError as fault:
            raise StoreError(f"the log of session {row.session_id} cannot be read: {fault}") from fault

    def _first(self, row: SessionRow) -> Start:
        study, about = self.study, json.loads(row.about)
        seed = derive(study.simulation.seed, row.session_id)
        known = self._enrolment.state.participations.get(row.session_id) if self._enrolment else None
        # one who was asked something first has got the treatment after the session was given out
        treatment = self._treatment(about.get("treatment") or (known.treatment if known else None), seed)
        answered = known.answers if known else {}
        return Start(
            session_id=row.session_id,
            seed=seed,
            experimental=treatment.experimental,
            simulation=treatment.simulation,
            participant_name=about.get("participant_name") or study.simulation.participant_name,
            model=study.model,
            versions={"roomful": __version__, "core": str(CORE_VERSION), **study.versions},
            treatment=treatment.name or None,
            levels=treatment.levels,
            answers={name: answered[name] for name in self._asked if name in answered} | about.get("answers", {}),
            freeze=study.fingerprint if self._enrolment and self._enrolment.state.frozen else "",
        )

    def _blank(self, session_id: str) -> SessionStarted:
        return SessionStarted(
            session_id=session_id,
            experimental_config=self.study.experimental,
            simulation_config=self.study.simulation,
            seed=0,
            participant_name=self.study.simulation.participant_name,
            model=self.study.model,
        )

    def _treatment(self, name: str | None, seed: int) -> Treatment:
        """The treatment a session was given out for, else one drawn by its seed."""
        if name is None:
            return drawn_treatment(self.study.treatments, seed)
        try:
            return treatment_of(self.study.treatments, name)
        except KeyError:
            # the study was changed between the start and the first socket
            raise Refused("no_treatment", f"The study has no treatment {name!r} any more.") from None

    async def _run(self, session_id: str, room: Room) -> None:
        """Keep a session running, whatever happens in it; nothing of it reaches another session."""
        # the log remembers crashes of processes before this one; here those are counted too that it could not keep
        crashes = Counter(room.state.crashes)
        while (fault := await _outcome(room.session)) is not None and not self.closing:
            over = room.session.entering
            crashes[over] += 1
            _log.error("session_crashed", session_id=session_id, input=over, crashes=crashes[over], exc_info=fault)
            if crashes[over] > CRASHES_MOST:
                break
            if crashes[over] == CRASHES_MOST:
                # nothing that is still on its way may crash it once more before it has ended
                room.timeline = LiveTimeline(room.log.started, at_least=room.state.at)
            room.session = SimulationSession(room.log, self._llm, room.timeline, self._on_commit)
            room.session.put(Complain(error_type=CRASHED, error_message=repr(fault), context={"input": over}))
            if crashes[over] == CRASHES_MOST:
                room.session.put(End(reason="error"))
        self._forget(session_id, room)
        if self._enrolment and room.state.ended is not None:
            self._enrolment.ended(session_id, room.state.ended)
        if self._eraser and room.state.ended == WITHDREW:
            self._tasks.create_task(self._erase(self._eraser, session_id))
        if room.socket and room.state.ended is None:
            room.socket.close(RESTARTING)

    async def _erase(self, eraser: Eraser, session_id: str) -> None:
        """Take out of all logs what somebody said who has left with that wish."""
        try:
            await eraser.withdraw(session_id, delete=True)
        except (StoreError, Refused) as fault:
            # the next start does it
            _log.error("session_not_erased", session_id=session_id, error=str(fault))

    def _forget(self, session_id: str, room: Room) -> None:
        if self.rooms.get(session_id) is room:
            del self.rooms[session_id]

    def _check_open(self) -> None:
        if self.closing:
            raise Refused("closed", "The server is shutting down.")

    def _check_stopped(self, session_id: str) -> None:
        if self._enrolment and not self._enrolment.may_begin(session_id):
            raise Full("the study was stopped")

    async def _check_pages(self, session_id: str) -> None:
        if self._enrolment and not await self._enrolment.lets_in(session_id):
            raise NotReady(f"pages lie before the chat of {session_id}")

    def check_room(self) -> None:
        """Raise Full when no more sessions may be live."""
        if len(self.rooms) >= self._max_live:
            raise Full(f"{self._max_live} sessions are live, as many as ROOMFUL_MAX_LIVE_SESSIONS allows")


async def _outcome(session: SimulationSession) -> Exception | None:
    """Run a session; return what went wrong in it, or None. Being fenced is no fault: it goes on elsewhere."""
    fault: Exception | None = None
    try:
        await session.run()
    except* Fenced:
        _log.warning("session_fenced", session_id=session.log.session_id)
    except* Exception as group:  # noqa: BLE001
        fault = group
    return fault
