"""The server as it is run: `uvicorn main:app` in a process of its own, real sockets, real signals."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests import rooms
from tests.asgi import PATIENCE, TEMPLATE, V2
from tests.fake_gemini import HANG, FakeGemini
from tests.forked import Forked
from tests.ports import free_port

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent


@dataclass
class Process:
    """A server in a process of its own, and its folder."""

    forked: Forked
    port: int
    folder: Path

    async def start(self) -> str:
        async with httpx.AsyncClient() as client:
            response = await client.post(f"http://127.0.0.1:{self.port}/session/start", json={"token": "1234"})
        assert response.status_code == 200, response.text
        session_id: str = response.json()["session_id"]
        return session_id

    def socket(self, session_id: str, after: int = 0, *, v1: bool = False, **more: Any) -> connect:
        url = f"ws://127.0.0.1:{self.port}/ws/{session_id}?after={after}"
        return connect(url, subprotocols=None if v1 else [V2], proxy=None, ping_interval=None, **more)

    def log(self, session_id: str) -> list[dict[str, Any]]:
        path = self.folder / "logs" / f"{session_id}.json"
        lines = path.read_text("ascii").splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def count(self, session_id: str, event_type: str) -> int:
        """How many whole lines of the log are of this type: without reading them, as it is asked again and again."""
        path = self.folder / "logs" / f"{session_id}.json"
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        return whole.count(f'"event_type":"{event_type}"'.encode())

    def event_types(self, session_id: str) -> list[str]:
        return [line["event_type"] for line in self.log(session_id)]

    async def stop(self, number: int = signal.SIGTERM) -> int:
        self.forked.send_signal(number)
        return await asyncio.to_thread(self.forked.wait, PATIENCE)


@asynccontextmanager
async def serving(
    folder: Path, *options: str, environ: Mapping[str, str] | None = None, **simulation: Any
) -> AsyncIterator[Process]:
    """A server on the folder, until the end of the context, however it ends."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    room = asdict(rooms.settings(**{"messages_per_minute": 0, "user_response_probability": 0} | simulation))
    (config / "simulation_settings.json").write_text(json.dumps(room))
    (config / "experimental_settings.json").write_text(json.dumps({"prompt_template": TEMPLATE}))
    port = free_port()
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ROOMFUL_", "G", "DATABASE"))}
    command = ["-m", "uvicorn", "main:app", "--app-dir", str(ROOT), "--port", str(port)]
    environment = {**ours, "ROOMFUL_FRAMES_BURST": "1000", **(environ or {})}
    forked = Forked([*command, "--log-level", "warning", *options], folder, environment, folder / "out.txt")
    process = Process(forked, port, folder)
    try:
        await healthy(process)
        yield process
    finally:
        forked.kill()
        forked.wait()


async def healthy(process: Process) -> None:
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
        while True:
            assert process.forked.poll() is None, (process.folder / "out.txt").read_text()
            try:
                if (await client.get(f"http://127.0.0.1:{process.port}/health")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.02)


async def receive(ws: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        frame: dict[str, Any] = json.loads(await ws.recv())
        return frame


async def until(ws: ClientConnection, key: str, value: object) -> list[dict[str, Any]]:
    frames = [await receive(ws)]
    while frames[-1].get(key) != value:
        frames.append(await receive(ws))
    return frames


async def rest(ws: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    frames = []
    try:
        while True:
            frames.append(await receive(ws))
    except ConnectionClosed as closed:
        return frames, closed.rcvd.code if closed.rcvd else 1006


async def say(ws: ClientConnection, content: str, client_id: str) -> None:
    await ws.send(json.dumps({"type": "user_message", "content": content, "client_id": client_id}))


async def logged(process: Process, session_id: str, event_type: str, number: int = 1) -> None:
    """Return once so many events of a type are in the log's file."""
    async with asyncio.timeout(PATIENCE):
        while process.count(session_id, event_type) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def numbers(frames: list[dict[str, Any]]) -> list[int]:
    return [frame["seq"] for frame in frames if "seq" in frame and frame["type"] != "hello"]


@pytest.fixture(scope="module")
async def server(tmp_path_factory):
    """A server without compression of frames, with a small limit of its own on a frame, and quick pings."""
    options = ["--ws-per-message-deflate", "false", "--ws-max-size", "65536"]
    async with serving(tmp_path_factory.mktemp("server"), *options, "--ws-ping-interval", "0.5") as process:
        yield process


async def test_a_plain_client_holds_a_conversation_for_a_whole_session(tmp_path):
    talking = {"messages_per_minute": 900, "user_response_probability": 1, "session_duration_minutes": 3 / 60}
    async with serving(tmp_path, **talking) as process:
        session_id = await process.start()
        other_id = await process.start()
        async with process.socket(session_id, v1=True) as plain, process.socket(other_id) as ws:
            await plain.send(json.dumps({"type": "user_message", "content": "Hello everyone!"}))
            await say(ws, "Hello everyone!", "c1")
            (bubbles, code), (frames, code2) = await asyncio.gather(rest(plain), rest(ws))
        await logged(process, session_id, "session_end")

    assert (code, code2) == (1000, 1000)
    assert len(bubbles) > 3
    assert {tuple(bubble) for bubble in bubbles} == {("sender", "content", "timestamp", "message_id")}
    messages = [line["data"] for line in process.log(session_id) if line["event_type"] == "message"]
    assert [m["message_id"] for m in messages if m["sender"] != "user"] == [b["message_id"] for b in bubbles]
    assert "Hello everyone!" in [message["content"] for message in messages]
    assert numbers(frames) == list(range(1, len(numbers(frames)) + 1))
    assert frames[-1]["type"] == "session_end"


async def test_a_session_that_was_not_given_out_is_closed_with_1008(server):
    for path in ("nonsense", "..%2f..%2fetc", "%2e%2e", "a/b", "00000000-0000-4000-8000-000000000000"):
        async with server.socket(path) as ws:
            assert await rest(ws) == ([], 1008)


async def test_a_foreign_page_is_refused(server):
    session_id = await server.start()
    with pytest.raises(Exception, match="403"):
        async with server.socket(session_id, origin="https://example.org"):
            pass


async def test_pings_are_answered_and_asked(server):
    session_id = await server.start()
    async with server.socket(session_id) as ws:
        async with asyncio.timeout(PATIENCE):
            await (await ws.ping())
        # the server pings twice in a second, and who answers stays
        await asyncio.sleep(1.2)
        await say(ws, "still here", "c1")
        await until(ws, "client_id", "c1")


async def test_who_does_not_answer_pings_is_absent(tmp_path):
    options = ["--ws-ping-interval", "0.2", "--ws-ping-timeout", "0.2"]
    async with serving(tmp_path, *options, reconnect_grace_seconds=0.2) as process:
        session_id = await process.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        heads = ("Host: x", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        writer.write("\r\n".join((f"GET /ws/{session_id} HTTP/1.1", *heads, key, "\r\n")).encode())
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n\r\n")
            await reader.read()
        await logged(process, session_id, "session_end")
        writer.close()

    assert process.log(session_id)[-1]["data"]["reason"] == "websocket_disconnect"


async def test_a_frame_too_large_for_the_server_closes_and_the_session_goes_on(server):
    session_id = await server.start()
    async with server.socket(session_id) as ws:
        await receive(ws)
        await ws.send("x" * 70_000)
        _, code = await rest(ws)
    async with server.socket(session_id) as ws:
        await say(ws, "still here", "c1")
        await until(ws, "client_id", "c1")

    assert code == 1009


async def test_a_client_that_does_not_read_gets_all_later_and_holds_up_nobody(server):
    slow_id, other_id = await server.start(), await server.start()
    narrow = socket.create_connection(("127.0.0.1", server.port))
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    narrow.setblocking(False)
    # 24 KB each as they come back, 3 MB together: more than the system keeps on the way to a client that does not read
    balloons = "🎈" * 2000
    # what is still to come keeps this one's end from being answered
    narrowly = {"sock": narrow, "max_queue": 1, "close_timeout": 0.1}
    async with server.socket(slow_id, **narrowly) as slow, server.socket(other_id) as other:
        for number in range(130):
            frame = {"type": "user_message", "content": balloons, "client_id": f"c{number}"}
            await slow.send(json.dumps(frame, ensure_ascii=False))
        await logged(server, slow_id, "message", 130)
        await say(other, "hello", "c1")
        await until(other, "client_id", "c1")
        frames = await until(slow, "client_id", "c129")

    assert numbers(frames) == list(range(1, len(numbers(frames)) + 1))
    assert [frame["client_id"] for frame in frames if frame["type"] == "message"] == [f"c{n}" for n in range(130)]


async def test_sigterm_suspends_and_the_next_start_goes_on(tmp_path):
    async with serving(tmp_path) as process:
        session_id = await process.start()
        async with process.socket(session_id) as ws:
            await say(ws, "before", "c1")
            before = await until(ws, "client_id", "c1")
            stopped = asyncio.create_task(process.stop())
            more, code = await rest(ws)
        await stopped
    suspended = process.event_types(session_id)
    async with serving(tmp_path) as process:
        last = max(numbers(before + more))
        async with process.socket(session_id, after=last) as ws:
            await say(ws, "before", "c1")
            await say(ws, "after", "c2")
            after = await until(ws, "client_id", "c2")
        await logged(process, session_id, "session_resumed")

    assert code == 1012
    assert suspended[-1] == "session_suspended"
    assert "session_end" not in suspended
    assert [frame for frame in after if frame.get("client_id") == "c1"] == before[-1:]
    new = [number for number in numbers(after) if number > last]
    assert new == list(range(last + 1, last + 1 + len(new)))


async def test_after_a_kill_nothing_acknowledged_is_lost(tmp_path):
    talking = {"messages_per_minute": 600, "user_response_probability": 1}
    acknowledged, frames, session_id = [], [], ""
    for turn in range(2):
        async with serving(tmp_path, **talking) as process:
            session_id = session_id or await process.start()
            async with process.socket(session_id, after=max(numbers(frames), default=0)) as ws:
                for number in range(10):
                    await say(ws, f"{turn} {number}", f"c{turn}-{number}")
                frames += [frame for frame in await until(ws, "client_id", f"c{turn}-9") if "seq" in frame]
                frames = [frame for frame in frames if frame["type"] != "hello"]
                acknowledged += [f"{turn} {number}" for number in range(10)]
                await process.stop(signal.SIGKILL)
    async with serving(tmp_path, **talking) as process:
        await logged(process, session_id, "session_resumed", 2)
        async with process.socket(session_id) as ws:
            hello = await receive(ws)
            again = await until(ws, "seq", hello["seq"])
        log = process.log(session_id)

    said = [line["data"]["content"] for line in log if line["event_type"] == "message"]
    assert [content for content in said if content in acknowledged] == acknowledged
    assert [line["seq"] for line in log] == list(range(1, len(log) + 1))
    assert numbers(frames) == list(range(1, len(frames) + 1))
    shown = [frame for frame in again if "seq" in frame]
    assert shown[: len(frames)] == frames
    assert [line["data"]["gap"] >= 0 for line in log if line["event_type"] == "session_resumed"] == [True] * 2


async def test_the_same_session_runs_on_gemini(tmp_path):
    talking = {"messages_per_minute": 300, "user_response_probability": 1, "model": "gemini-test"}
    async with FakeGemini() as gemini:
        environ = {"GEMINI_API_KEY": "a-key", "GOOGLE_GEMINI_BASE_URL": gemini.url}
        async with serving(tmp_path, environ=environ, **talking) as process:
            session_id = await process.start()
            async with process.socket(session_id) as ws:
                frames = [await receive(ws)]
                while sum(frame.get("sender") not in (None, "You") for frame in frames) < 10:
                    frames.append(await receive(ws))
            await logged(process, session_id, "llm_call")
        first = gemini.requests[0]

    texts = [frame["content"] for frame in frames if frame["type"] == "message"]
    assert first.model == "gemini-test"
    assert TEMPLATE in first.system
    assert texts
    assert all(text.startswith("reply ") for text in texts)
    call = next(line["data"] for line in process.log(session_id) if line["event_type"] == "llm_call")
    assert (call["error"], call["model"]) == (None, "gemini-test-001")
    assert b"a-key" not in b"".join(path.read_bytes() for path in (tmp_path / "logs").iterdir())


async def test_a_dead_model_is_told_in_the_log_and_to_nobody_else(tmp_path):
    dead = {"messages_per_minute": 600, "timeout_seconds": 0.3, "max_attempts": 1}
    async with FakeGemini(plan=lambda number: HANG if number % 2 else "500") as gemini:
        environ = {"GEMINI_API_KEY": "a-key", "GOOGLE_GEMINI_BASE_URL": gemini.url}
        async with serving(tmp_path, environ=environ, **dead) as process:
            session_id = await process.start()
            async with process.socket(session_id) as ws:
                await say(ws, "anybody?", "c1")
                async with asyncio.timeout(PATIENCE):
                    while failures(process, session_id) != {"timeout", "server_error"}:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                await ws.send('{"type": "leave"}')
                frames, code = await rest(ws)
            await logged(process, session_id, "session_end")

    assert code == 1000
    assert {frame["type"] for frame in frames} <= {"hello", "message", "receipt", "typing", "session_end"}
    assert [frame["content"] for frame in frames if frame["type"] == "message"] == ["anybody?"]
    assert frames[-1]["reason"] == "participant_left"
    assert failures(process, session_id) == {"timeout", "server_error"}


def failures(process: Process, session_id: str) -> set[str | None]:
    """How the calls of a session ended, by its log's file."""
    return {line["data"]["error"] for line in process.log(session_id) if line["event_type"] == "llm_call"}
