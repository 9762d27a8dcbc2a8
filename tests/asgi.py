"""A client of the app in this process, on the test's own loop: its life, HTTP requests, WebSockets."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import Message

from roomful.codec import decode
from roomful.core.events import Entry, Event, Prompt
from roomful.core.inputs import Reply
from roomful.core.study import ExperimentalSettings
from roomful.host import Host, Room
from roomful.llm import LLM
from roomful.settings import ServerSettings, StudySettings
from roomful.store import Folded, Line, SessionRow, Store, StoreError
from roomful.store.memory import MemoryStore
from roomful.web import page
from roomful.web.app import create_app
from roomful.web.page_view import PageView
from roomful.web.server import Server
from tests import rooms

V2 = "roomful.v2"
PATIENCE = 20
"""Seconds after which a test gives up waiting."""

type Frame = dict[str, Any]
type Headers = Sequence[tuple[str, str]]


def make_once() -> None:
    """From now on, pack the page's files and compile its templates once for all apps, which have the same."""
    read, compiled = page.read_files, cache(PageView.__dict__["_environment"].func)
    packed = read(page.STATIC)
    page.read_files = lambda folder: packed if folder == page.STATIC else read(folder)
    PageView._environment = property(lambda _: compiled(PageView))


make_once()


@dataclass(frozen=True)
class Response:
    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


class Closed(Exception):
    """The server closed the socket, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Socket:
    """A client's WebSocket. With a `window` the client takes so many frames and no more until it reads them."""

    def __init__(self, window: int = 0) -> None:
        self.subprotocol: str | None = None
        self.accepted = False
        self.code: int | None = None
        self.raw: list[str] = []
        """Every frame that was read, as it came."""
        self.task: asyncio.Task[None]
        self.waiting: deque[str] = deque()
        self._window = window
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._gone = False
        self._changed = asyncio.Event()
        self._incoming.put_nowait({"type": "websocket.connect"})

    def send(self, frame: object) -> None:
        """Send an object as JSON, or text and bytes as they are."""
        kind = "bytes" if isinstance(frame, bytes) else "text"
        data = frame if isinstance(frame, str | bytes) else json.dumps(frame)
        self._incoming.put_nowait({"type": "websocket.receive", kind: data})

    def say(self, content: str, client_id: str | None = None, **more: object) -> None:
        identity = {"client_id": client_id} if client_id else {}
        self.send({"type": "user_message", "content": content} | identity | more)

    def close(self, code: int = 1000) -> None:
        """Go away, as a client does that closes the connection or loses it."""
        self._gone = True
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": code})
        self._change()

    async def left(self, code: int = 1000) -> None:
        """Go away, and wait until the server has noticed."""
        self.close(code)
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self.task])

    async def receive(self) -> Frame:
        """The next frame. Raises Closed."""
        async with asyncio.timeout(PATIENCE):
            while not self.waiting:
                if self.code is not None:
                    raise Closed(self.code)
                if self.task.done():
                    raise Closed(1006)
                await self._wait()
        text = self.waiting.popleft()
        self.raw.append(text)
        self._change()
        frame: Frame = json.loads(text)
        return frame

    async def until(self, wanted: str | Callable[[Frame], bool]) -> list[Frame]:
        """All frames up to the first of this type, or for which `wanted` is true."""
        matches = (lambda frame: frame.get("type") == wanted) if isinstance(wanted, str) else wanted
        frames = [await self.receive()]
        while not matches(frames[-1]):
            frames.append(await self.receive())
        return frames

    async def rest(self) -> tuple[list[Frame], int]:
        """All frames until the server closes, and the code it closes with."""
        frames: list[Frame] = []
        while True:
            try:
                frames.append(await self.receive())
            except Closed as closed:
                return frames, closed.code

    async def opened(self) -> "Socket":
        async with asyncio.timeout(PATIENCE):
            while not self.accepted and not self.task.done():
                await self._wait()
        return self

    async def get(self) -> Message:
        """What the app receives."""
        return await self._incoming.get()

    async def put(self, message: Message) -> None:
        """What the app sends."""
        match message["type"]:
            case "websocket.accept":
                self.accepted, self.subprotocol = True, message.get("subprotocol")
            case "websocket.close":
                if self._gone:
                    raise OSError("the client is gone")
                self.code = message.get("code", 1000)
                self._incoming.put_nowait({"type": "websocket.disconnect", "code": self.code})
            case "websocket.send":
                while self._window and len(self.waiting) >= self._window and not self._gone:
                    await self._wait()
                if self._gone:
                    raise OSError("the client is gone")
                self.waiting.append(message["text"])
        self._change()

    async def _wait(self) -> None:
        changed = self._changed
        self.task.add_done_callback(lambda _: changed.set())
        await changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass
class Client:
    """Speaks ASGI with an app. `faults` are exceptions that came out of it: a real server would answer 500."""

    app: FastAPI
    peer: str = "127.0.0.1"
    faults: list[BaseException] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def request(
        self, method: str, path: str, body: object = b"", *, headers: Headers = (), query: str = "", peer: str = ""
    ) -> Response:
        """Ask and wait for the whole answer; what is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        length = [("content-length", str(len(data)))] if data else []
        kind = [] if isinstance(body, bytes) else [("content-type", "application/json")]
        sent: list[Message] = []
        received = iter([{"type": "http.request", "body": data}])

        async def receive() -> Message:
            return next(received, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            sent.append(message)

        scope = self._scope("http", path, [*length, *kind, *headers], query, peer)
        async with asyncio.timeout(PATIENCE):
            await self.app(scope | {"method": method}, receive, send)
        heads = [(key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in sent[0]["headers"]]
        return Response(sent[0]["status"], heads, b"".join(message.get("body", b"") for message in sent[1:]))

    async def get(self, path: str, **more: Any) -> Response:
        return await self.request("GET", path, **more)

    async def post(self, path: str, body: object, **more: Any) -> Response:
        return await self.request("POST", path, body, **more)

    def connect(
        self,
        path: str,
        subprotocols: Sequence[str] = (),
        *,
        query: str = "",
        headers: Headers = (),
        window: int = 0,
    ) -> Socket:
        """Open a WebSocket; the app gets to it when the test next waits."""
        socket = Socket(window)
        scope = self._scope("websocket", path, headers, query, "")
        socket.task = asyncio.create_task(self._speak(scope | {"subprotocols": list(subprotocols)}, socket))
        self.tasks.add(socket.task)
        return socket

    async def _speak(self, scope: Message, socket: Socket) -> None:
        try:
            await self.app(scope, socket.get, socket.put)
        except Exception as fault:  # noqa: BLE001
            self.faults.append(fault)

    def _scope(self, kind: str, path: str, headers: Headers, query: str, peer: str) -> Message:
        given = [(key.lower().encode(), value.encode("latin-1")) for key, value in headers]
        host = [] if any(key == b"host" for key, _ in given) else [(b"host", b"room.test")]
        return {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "http" if kind == "http" else "ws",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [*host, *given],
            "client": (peer or self.peer, 50000),
            "server": ("room.test", 80),
            "extensions": {},
        }


@asynccontextmanager
async def living(app: FastAPI) -> AsyncIterator[Client]:
    """The app between its startup and its shutdown. Sockets that are open at the end are the app's to close."""
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()
    incoming.put_nowait({"type": "lifespan.startup"})
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, outgoing.put))
    started = asyncio.create_task(outgoing.get())
    await asyncio.wait([life, started], return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        started.cancel()
        await life
    client = Client(app)
    try:
        yield client
    finally:
        incoming.put_nowait({"type": "lifespan.shutdown"})
        async with asyncio.timeout(PATIENCE):
            await life
            if client.tasks:
                await asyncio.wait(client.tasks)
    assert client.faults == []


@dataclass
class Web:
    """A running app for tests, with its insides where a test has to look at them."""

    client: Client
    server: ServerSettings
    store: Store

    @property
    def host(self) -> Host:
        return self.state.host

    @property
    def state(self) -> Server:
        state: Server = self.client.app.state.server
        return state

    async def start(self, **body: object) -> str:
        """Start a session with the demo token and return its id."""
        response = await self.client.post("/session/start", {"token": "1234"} | body)
        assert response.status == 200, response
        session_id: str = response.json["session_id"]
        return session_id

    def open(self, session_id: str, after: int | None = None, **more: Any) -> Socket:
        """A socket of protocol 2."""
        query = "" if after is None else f"after={after}"
        return self.client.connect(f"/ws/{session_id}", [V2], query=query, **more)

    def open1(self, session_id: str, **more: Any) -> Socket:
        """A socket of protocol 1."""
        return self.client.connect(f"/ws/{session_id}", **more)

    def room(self, session_id: str) -> Room:
        return self.host.rooms[session_id]

    async def log(self, session_id: str) -> list[Entry]:
        return [decode(line.text) for line in await self.store.read(session_id)]

    async def logged[E: Event](self, session_id: str, kind: type[E]) -> list[E]:
        return [entry.event for entry in await self.log(session_id) if isinstance(entry.event, kind)]

    async def until_logged[E: Event](self, session_id: str, kind: type[E], number: int = 1) -> list[E]:
        """Wait until so many events of a kind are stored."""
        async with asyncio.timeout(PATIENCE):
            while len(found := await self.logged(session_id, kind)) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return found


async def eventually(condition: Callable[[], object]) -> None:
    """Return once the condition holds; a time-out otherwise."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


class Yielding(MemoryStore):
    """A store that lets others go first, as every store does that writes to somewhere."""

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        await asyncio.sleep(0)
        await super().append(session_id, epoch, lines, folded)


class Failing(Yielding):
    """A store whose operations fail or wait when they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.held = asyncio.Event()

    async def _pass(self, operation: str) -> None:
        if not self.gate.is_set():
            self.held.set()
            await self.gate.wait()
        if operation in self.failing:
            raise StoreError("SECRET: the disk is full")

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        await self._pass("append")
        await super().append(session_id, epoch, lines, folded)

    async def find(self, session_id: str) -> SessionRow | None:
        await self._pass("find")
        return await super().find(session_id)

    async def read_shown(self, session_id: str, after: int = 0) -> list[Line]:
        await self._pass("read_shown")
        return await super().read_shown(session_id, after)


def talker() -> LLM:
    """A model that answers at once, with a new line each time."""
    numbers = count(1)

    async def speak(prompt: Prompt) -> Reply:
        return Reply(text=f"line {next(numbers)}", model="talker-1")

    return speak


TEMPLATE = "TEMPLATE-WORDS: you live in a small street."


def study(**simulation: Any) -> StudySettings:
    """A room of Alice, Bob and Carol in which nobody speaks unless it is changed."""
    quiet: dict[str, Any] = {"messages_per_minute": 0.0, "user_response_probability": 0.0}
    return StudySettings(ExperimentalSettings(prompt_template=TEMPLATE), rooms.settings(**quiet | simulation))


@asynccontextmanager
async def web(
    folder: Path,
    *,
    store: Store | None = None,
    llm: LLM | None = None,
    limits: Mapping[str, Any] | None = None,
    about: StudySettings | None = None,
    **simulation: Any,
) -> AsyncIterator[Web]:
    """A running app in a folder. `limits` changes the server's settings, the rest those of the simulation.

    The study `about` takes the place of the usual one.
    """
    server = ServerSettings(data=folder / "data", logs=folder / "logs", starts_per_minute_per_address=1000)
    server = replace(server, **limits or {})
    store = store or Yielding()
    app = create_app(server, about or study(**simulation), llm=llm or talker(), store=store)
    async with living(app) as client:
        yield Web(client, server, store)
