"""`roomful chat`: a participant in a terminal, who speaks protocol 2."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from urllib.parse import SplitResult, urlsplit

from rich.text import Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from roomful.cli.conversation import HELP, Conversation, Frame, NotSaid
from roomful.cli.output import Failure, plain
from roomful.cli.terminal import Editor, Terminal, terminal
from roomful.core.chance import identifier
from roomful.host import salt
from roomful.timeline import sleep
from roomful.web.socket import SUBPROTOCOL, SUPERSEDED, TRY_LATER, UNKNOWN

WAITS = (0.5, 1.0, 2.0, 4.0, *(5.0,) * 60)
"""Seconds between attempts to come back; then the server is given up."""

BETWEEN_LINES = 0.1
"""Seconds between two lines of a pipe: as many frames a second as a server takes in the long run."""

REFUSED_WAIT = 1.0
"""Seconds until a message that came too fast is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where to go and when to leave; `seconds` and `messages` (of others) end the visit, None: the session does."""

    url: str
    token: str
    name: str | None = None
    session_id: str | None = None
    seconds: float | None = None
    messages: int | None = None


class Gone(Exception):
    """The way into the room is lost for good, and why."""


def chat(visit: Visit) -> None:
    """Take part in a session until it ends."""
    address = _address(visit.url)
    session_id, pages = (visit.session_id, None) if visit.session_id else _start(address, visit)
    numbers, seed = count(), int(salt(), 16)
    conversation = Conversation(lambda: identifier(seed, "message", next(numbers)))
    with terminal() as at:
        at.show(Text(f"Session {plain(session_id)}", "dim"))
        try:
            reason = _run(Chat(_socket_url(address, session_id), visit, conversation, at, pages))
        except KeyboardInterrupt:
            at.show(Text("You went away without leaving: --session and the id above lead back.", "dim"))
            raise
    if reason:
        raise Failure(reason)


def _run(chat: "Chat") -> str:
    """Stay in the room until the session ends, or return why there is no way back. Raises BrokenPipeError."""
    reason, unread = "", None
    try:
        asyncio.run(chat.run())
    except* Gone as group:
        reason = str(group.exceptions[0])
    except* BrokenPipeError as group:
        unread = group.exceptions[0]
    if unread:
        # what reads us has closed the pipe; as any other command's it comes alone, and is no fault
        raise unread
    return reason


def _address(url: str) -> SplitResult:
    try:
        address = urlsplit(url if "//" in url else f"http://{url}")
        if address.scheme in ("http", "https") and address.hostname and address.port != 0:
            return address
    except ValueError:
        pass
    raise Failure(f"{plain(url)} is not the address of a server: try http://127.0.0.1:8000", 2)


def _where(address: SplitResult) -> str:
    return f"{address.scheme}://{address.netloc}"


def _nobody_at(where: str) -> str:
    return f"No server answers at {where}: start one with `roomful serve`."


def _socket_url(address: SplitResult, session_id: str) -> str:
    scheme = "wss" if address.scheme == "https" else "ws"
    return f"{scheme}://{address.netloc}{address.path.rstrip('/')}/ws/{session_id}"


def _start(address: SplitResult, visit: Visit) -> tuple[str, str | None]:
    """Ask the server for a session; return its id, and where its pages are if there are some around the chat."""
    make = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = make(address.netloc, timeout=10)
    body = {"token": visit.token} | ({"name": visit.name} if visit.name else {})
    where = _where(address)
    try:
        path = f"{address.path.rstrip('/')}/session/start"
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read(1 << 20) or b"null")
    except ConnectionRefusedError:
        raise Failure(_nobody_at(where)) from None
    except (HTTPException, ValueError):
        raise Failure(f"What answers at {where} is not a Roomful server.") from None
    except OSError as fault:
        raise Failure(f"No server answers at {where}: {fault}") from fault
    finally:
        connection.close()
    if answer.status == 200 and isinstance(content, dict) and isinstance(content.get("session_id"), str):
        session_id = str(content["session_id"])
        has_pages = content.get("next") == f"session/{session_id}"
        return session_id, f"{where}{address.path.rstrip('/')}/session/{session_id}" if has_pages else None
    raise Failure(_refusal(answer.status, content, where))


def _refusal(status: int, content: object, where: str) -> str:
    detail = content.get("detail") if isinstance(content, dict) else None
    if status == 401:
        return f"The token was not taken: {plain(detail)}."
    if status == 422 and isinstance(detail, str):
        return f"{plain(detail)} (--name NAME)"
    if isinstance(detail, str) and status != 404:
        return plain(detail)
    return f"What answers at {where} is not a Roomful server (status {status})."


class Chat:
    """A visit: connections one after the other, what is typed, and when to leave."""

    def __init__(
        self, url: str, visit: Visit, conversation: Conversation, at: Terminal, pages: str | None = None
    ) -> None:
        self._url = url
        self._pages = pages
        """Where a browser finds the pages around the chat."""
        self._visit = visit
        self._conversation = conversation
        self._at = at
        self._socket: ClientConnection | None = None
        """The connection, once the server has said hello on it."""
        self._leaving = False
        self._all_said = isinstance(at, Editor)
        self._attempts = 0
        self._retrying: set[asyncio.Task[None]] = set()
        self._been_in = asyncio.Event()

    async def run(self) -> None:
        """Stay until the session ends. Raises a group with Gone."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            beside = [tasks.create_task(self._listen()), tasks.create_task(self._watch_the_time())]
            await self._stay()
            for task in (*beside, *self._retrying):
                task.cancel()

    async def _stay(self) -> None:
        while self._conversation.ended is None:
            code = await self._connect()
            self._socket = None
            self._at.status("")
            if self._conversation.ended is None:
                await self._lost(code)

    async def _connect(self) -> int | None:
        """Be connected for as long as it lasts; return the code that the connection was closed with."""
        url = f"{self._url}?after={self._conversation.seq}"
        protocols = [Subprotocol(SUBPROTOCOL)]
        try:
            async with connect(url, subprotocols=protocols, compression=None, proxy=None, max_size=1 << 20) as socket:
                with suppress(ConnectionClosed):
                    async for text in socket:
                        await self._take(json.loads(text), socket)
                return socket.close_code
        except InvalidStatus as fault:
            raise Gone(f"The server does not let this program in (status {fault.response.status_code}).") from fault
        except ValueError as fault:
            raise Gone("What answers there does not speak as a Roomful server does.") from fault
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException):
            return None

    async def _lost(self, code: int | None) -> None:
        """Wait before coming back. Raises Gone where there is nothing to come back to."""
        if code == UNKNOWN and self._pages:
            raise Gone(f"Pages come first: fill them in at {plain(self._pages)}, then come back with --session.")
        if code == UNKNOWN:
            raise Gone("The server knows no such session.")
        if code is None and self._visit.session_id and not self._been_in.is_set():
            # as without --session: only who has been in a room can expect that its server comes back
            raise Gone(_nobody_at(_where(_address(self._visit.url))))
        if code == SUPERSEDED:
            raise Gone("The session was opened in another place; this one is closed.")
        if self._leaving and self._attempts:
            raise Gone("The server could not be told that you leave.")
        if self._attempts >= len(WAITS):
            raise Gone("The server does not come back.")
        if self._attempts == 0:
            why = "The server takes nobody at the moment" if code == TRY_LATER else "The connection is lost"
            self._at.show(Text(f"{why}; trying again…", "dim"))
        self._attempts += 1
        await sleep(WAITS[self._attempts - 1])

    async def _take(self, frame: object, socket: ClientConnection) -> None:
        if not isinstance(frame, dict):
            return
        for part in self._conversation.take(frame):
            self._at.show(part)
        self._at.status(self._conversation.status)
        if frame.get("type") == "hello":
            await self._arrived(socket)
        if frame.get("type") == "refused" and frame.get("client_id") in self._conversation.outbox:
            self._later(self._conversation.outbox[str(frame["client_id"])])
        await self._leave_if_enough()

    async def _arrived(self, socket: ClientConnection) -> None:
        """Send again what was never acknowledged: the server knows it by its client_id if it had come."""
        self._socket = socket
        self._attempts = 0
        self._been_in.set()
        waiting = list(self._conversation.outbox.values())
        if waiting:
            messages = "1 message" if len(waiting) == 1 else f"{len(waiting)} messages"
            self._at.show(Text(f"Sending {messages} that waited.", "dim"))
        for frame in waiting:
            await self._send(frame)
        if self._leaving:
            await self._send({"type": "leave"})

    def _later(self, frame: Frame) -> None:
        async def again() -> None:
            await sleep(REFUSED_WAIT)
            await self._send(frame)

        task = self._tasks.create_task(again())
        self._retrying.add(task)
        task.add_done_callback(self._retrying.discard)

    async def _send(self, frame: Frame) -> None:
        """Send, if there is a connection; what has to arrive is sent again by the next one."""
        if self._socket:
            with suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame))

    async def _listen(self) -> None:
        await self._been_in.wait()
        async for line in self._at.lines():
            await self._typed(line.strip())
        self._all_said = True
        await self._leave_if_enough()
        if self._visit.seconds is None and self._visit.messages is None and isinstance(self._at, Editor):
            # Ctrl-D at the keyboard; the end of a pipe only means that nothing more will be said
            await self._leave()

    async def _leave_if_enough(self) -> None:
        """Leave when as many messages as wanted have come, and what a pipe had to say is said."""
        most = self._visit.messages
        if most is not None and self._conversation.heard >= most and self._all_said:
            await self._leave()

    async def _typed(self, line: str) -> None:
        if not line:
            return
        if line == "/help":
            self._at.show(Text(HELP, "dim"))
        elif line == "/leave":
            await self._leave()
        else:
            await self._say(line)

    async def _say(self, line: str) -> None:
        try:
            frame = self._conversation.say(line)
        except NotSaid as fault:
            self._at.show(Text(str(fault), "yellow"))
            return
        if self._socket is None:
            self._at.show(Text("There is no connection at the moment: this waits until there is one again.", "dim"))
        await self._send(frame)
        await sleep(BETWEEN_LINES)

    async def _watch_the_time(self) -> None:
        if self._visit.seconds is not None:
            await self._been_in.wait()
            await sleep(self._visit.seconds)
            await self._leave()

    async def _leave(self) -> None:
        if not self._leaving:
            self._leaving = True
            await self._send({"type": "leave"})
