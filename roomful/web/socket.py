"""A participant's WebSocket: protocol 1, which knows bubbles only, and protocol 2."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from roomful.core.decide import Refused
from roomful.core.events import SessionEnded
from roomful.core.inputs import Complain, Connect, Disconnect, Input, Leave, Say
from roomful.host import RESTARTING, Connection, Full, Host, NotReady, Room
from roomful.store import StoreError, UnknownSession
from roomful.timeline import monotonic
from roomful.web.incoming import ID_MOST, BadFrame, read
from roomful.web.views import Frame, Leads, ProtocolNumber, Typing, View, plainly, refused, typing

SUBPROTOCOL = "roomful.v2"
OVER, UNKNOWN, TRY_LATER, SUPERSEDED = 1000, 1008, 1013, 4001
"""Codes that a socket is closed with."""
COMPLAINTS_MOST = 5
"""Bad frames of one socket that get an entry each; the rest are counted in one."""
BATCH_MOST = 100
"""Frames of what a client missed that go out as one: of the longest messages some hundred KiB."""

_SESSION_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CLOSED = (WebSocketDisconnect, RuntimeError)
"""What sending raises when the socket has closed meanwhile."""
_dumps = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one socket may do: bytes of a frame, characters of a message, frames a second after a burst."""

    max_frame_bytes: int = 16384
    max_message_chars: int = 2000
    frames_per_second: float = 10.0
    frames_burst: int = 40
    may_delete: bool = False
    """Whether who leaves may have what they wrote deleted."""


class Pace:
    """A bucket of `burst` tokens that fills at `rate` a second."""

    __slots__ = ("_burst", "_clock", "_last", "_left", "_rate")

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left, self._last = float(burst), clock()

    def allows(self) -> bool:
        """Take one, if there is one."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._last) * self._rate)
        self._last = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


async def serve(
    websocket: WebSocket, host: Host, limits: Limits, after: int, *, batches: bool = False, leads: Leads = plainly
) -> None:
    """Speak with one participant until the socket closes.

    `after` is the last number a client of protocol 2 has, `batches` whether it takes what it missed in batches;
    `leads` gives the way out.
    """
    room = await _room(websocket, host)
    if room is None:
        return
    protocol = SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None
    try:
        await websocket.accept(protocol)
    except _CLOSED:
        # gone while the room was opened for it: absent from the start, unless another socket is there
        if room.socket is None:
            room.session.put(Disconnect(sent=room.state.sent))
        return
    host.came_in(room.log.session_id)
    if protocol:
        await Socket2(websocket, room, limits, after, BATCH_MOST if batches else 1, leads).serve()
    else:
        await Socket1(websocket, room, limits, after=0).serve()


async def _room(websocket: WebSocket, host: Host) -> Room | None:
    """The room to speak in; where there is none the socket is closed, after accepting, so that the code is seen."""
    session_id = websocket.path_params["session_id"]
    try:
        # only ids of the form that is given out ever reach the store or a path
        if _SESSION_ID.fullmatch(session_id):
            return await host.open(session_id)
        code = UNKNOWN
    except (UnknownSession, NotReady):
        code = UNKNOWN
    except (Full, StoreError):
        code = TRY_LATER
    except Refused:
        code = RESTARTING
    with suppress(*_CLOSED):
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
        await websocket.close(code)
    return None


class Socket:
    """What both protocols share: one reader, one writer, and the end of both."""

    protocol: ProtocolNumber

    def __init__(self, websocket: WebSocket, room: Room, limits: Limits, after: int, leads: Leads = plainly) -> None:
        self._websocket = websocket
        self._room = room
        self._limits = limits
        # a number beyond what there is would count as sent what is still to come
        self.sent = min(after, room.state.shown)
        """The number of the last shown entry that went out."""
        self._view = View(room.started, room.log.started, leads)
        self._pace = Pace(limits.frames_per_second, limits.frames_burst, monotonic)
        self._complaints = 0
        self._restarting = False
        """Closed by the server's own shutdown, which comes to the sockets before it comes to the app."""
        self._closed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def close(self, code: int | None) -> None:
        """End this socket with a code; None when it is closed already."""
        if not self._closed.done():
            self._closed.set_result(code)

    async def serve(self) -> None:
        """Speak until the participant goes, the session ends, or a newer socket takes over."""
        room, older = self._room, self._room.socket
        self.take_over(older)
        room.socket = self
        if older:
            older.close(SUPERSEDED)
        try:
            await self._connect()
            async with asyncio.TaskGroup() as tasks:
                both = [tasks.create_task(self._write()), tasks.create_task(self._read())]
                code = await self._closed
                for task in both:
                    task.cancel()
        finally:
            self._gone()
        if code is not None:
            with suppress(*_CLOSED):
                await self._websocket.close(code)

    async def _connect(self) -> None:
        try:
            await self._room.session.submit(Connect(protocol=self.protocol))
        except Refused:
            # after its end a session takes nothing more, and its log still has the end to tell
            if self._room.state.ended is None:
                self.close(RESTARTING)
        except StoreError:
            self.close(TRY_LATER)

    def take_over(self, older: Connection | None) -> None:
        """Learn from the socket that this one supersedes."""

    def _gone(self) -> None:
        session = self._room.session
        if self._complaints > COMPLAINTS_MOST:
            more = self._complaints - COMPLAINTS_MOST
            session.put(Complain(error_type="bad_frame", error_message="Further frames not taken", count=more))
        if self._room.socket is not self:
            # a newer socket speaks for the participant now: this one's end is nobody's absence
            return
        if self._restarting:
            self._room.suspend()
            return
        self._room.socket = None
        session.put(Disconnect(sent=self.sent))

    async def _submit(self, input: Input) -> bool:
        """Hand in an input that is no message; whether it was taken."""
        try:
            await self._room.session.submit(input)
        except Refused as refusal:
            await self.refuse(refusal.reason, str(refusal))
        except StoreError:
            await self.refuse("store", "The server cannot keep this at the moment.")
        else:
            return True
        return False

    async def _write(self) -> None:
        try:
            await self.write()
        except _CLOSED:
            self.close(None)
        except StoreError:
            # what was missed cannot be read
            self.close(TRY_LATER)

    async def write(self) -> None:
        """Send what the participant may see, in order, until the session has ended."""
        raise NotImplementedError

    async def refuse(self, reason: str, message: str, client_id: str | None = None) -> None:
        """Tell the client that a frame was not taken, where the protocol has words for it."""

    async def acknowledge_again(self, client_id: str) -> None:
        """Tell the client that a message it has sent again is known."""

    async def send(self, frame: Frame) -> None:
        """Send one frame; nothing any more once a newer socket has taken over: it sends all that this one has not."""
        if self._closed.done():
            raise WebSocketDisconnect
        await self._websocket.send({"type": "websocket.send", "text": _dumps(frame)})

    async def _read(self) -> None:
        with suppress(*_CLOSED):
            while (event := await self._websocket.receive())["type"] == "websocket.receive":
                await self._take(event.get("text") or (event.get("bytes") or b"").decode("utf-8", "replace"))
            self._restarting = event.get("code") == RESTARTING
        self.close(None)

    async def _take(self, text: str) -> None:
        try:
            input = self._input(text)
        except BadFrame as fault:
            await self.refuse(fault.reason, str(fault), fault.client_id)
            self._complain(fault)
            return
        if isinstance(input, Say):
            await self._say(input)
        elif isinstance(input, Leave) and input.delete and not self._limits.may_delete:
            # who wants it gone must not believe it is
            await self.refuse("not_offered", "This study keeps what was said. Ask the researchers to delete it.")
        elif self.protocol == 2:
            await self._submit(input)
        else:
            # a client of protocol 1 knows no other frame, so one is a fault
            self._complain(BadFrame("unknown_type", "Protocol 1 has user_message only."))

    def _input(self, text: str) -> Input:
        if not self._pace.allows():
            raise BadFrame("too_frequent", "Too many frames: please wait a moment.", self._client_id(text))
        most = self._limits.max_frame_bytes
        if len(text) > most or len(text.encode("utf-8", "surrogatepass")) > most:
            raise BadFrame("too_long", f"A frame has at most {most} bytes.", self._client_id(text))
        return read(text, self._limits.max_message_chars)

    def _client_id(self, text: str) -> str | None:
        """The `client_id` of a frame that is not read otherwise, so that its words can be kept."""
        if len(text) > self._limits.max_frame_bytes * 4:
            # reading megabytes to refuse them would stop everybody's room
            return None
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return None
        found = frame.get("client_id") if isinstance(frame, dict) else None
        return found if isinstance(found, str) and len(found) <= ID_MOST else None

    async def _say(self, say: Say) -> None:
        try:
            entries = await self._room.session.submit(say)
        except Refused as refusal:
            await self.refuse(refusal.reason, str(refusal), say.client_id)
        except StoreError:
            await self.refuse("store", "The message could not be kept. Please try again.", say.client_id)
        else:
            if not entries and say.client_id:
                await self.acknowledge_again(say.client_id)

    def _complain(self, fault: BadFrame) -> None:
        self._complaints += 1
        if self._complaints <= COMPLAINTS_MOST:
            complaint = Complain(error_type="bad_frame", error_message=str(fault), context={"reason": fault.reason})
            self._room.session.put(complaint)


class Socket1(Socket):
    """Protocol 1: the agents' bubbles and nothing else."""

    protocol = 1

    def take_over(self, older: Connection | None) -> None:
        """Go on after the last bubble that was sent, be it by a socket that is still open."""
        self.sent = max(self._room.state.sent, older.sent if older else 0)

    async def write(self) -> None:
        """Send each bubble once, then close: the session is over."""
        async with aclosing(self._room.log.follow_shown(self.sent)) as entries:
            async for entry in entries:
                if bubble := self._view.bubble(entry):
                    await self.send(bubble)
                self.sent = entry.shown or self.sent
        self.close(OVER)


class Socket2(Socket):
    """Protocol 2: typed frames with numbers."""

    protocol = 2

    def __init__(
        self, websocket: WebSocket, room: Room, limits: Limits, after: int, batch: int = 1, leads: Leads = plainly
    ) -> None:
        super().__init__(websocket, room, limits, after, leads)
        self._batch = batch

    async def write(self) -> None:
        """Send hello, what came after the number the client has, and what comes."""
        state = self._room.state
        missed = state.shown
        typists = Typing(state)
        now = self._room.timeline.now()
        await self.send(
            self._view.hello(state, now, self._limits.max_message_chars, may_delete=self._limits.may_delete)
        )
        for member in typists.members():
            await self.send(typing(member, active=True))
        told = False
        frames: list[Frame] = []
        async with aclosing(self._room.log.follow_shown(self.sent)) as entries:
            async for entry in entries:
                if change := typists.take(entry):
                    frames.append(change)
                if frame := self._view.frame(entry):
                    frames.append(frame)
                    told = isinstance(entry.event, SessionEnded)
                if (entry.shown or missed) < missed and len(frames) < self._batch:
                    continue
                await self._send_all(frames)
                frames = []
                self.sent = entry.shown or self.sent
        if not told:
            # whoever comes back is told the end again
            await self.send(self._view.end(self._room.state.ended or "", self._room.state.shown))
        self.close(OVER)

    async def _send_all(self, frames: list[Frame]) -> None:
        if len(frames) > 1 and self._batch > 1:
            await self.send({"type": "batch", "frames": frames})
            return
        for frame in frames:
            await self.send(frame)

    async def refuse(self, reason: str, message: str, client_id: str | None = None) -> None:
        """Say why, with the client's id of what was not taken, so that its words can be kept."""
        await self.send(refused(reason, message, client_id))

    async def acknowledge_again(self, client_id: str) -> None:
        """Send the message frame of a known `client_id` once more, unless this socket is still to send it.

        Ahead of its turn it would have the client believe that it has everything up to there.
        """
        for message in reversed(self._room.state.messages):
            if message.client_id == client_id:
                if message.shown <= self.sent:
                    await self.send(self._view.acknowledgement(message))
                return
