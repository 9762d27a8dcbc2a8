"""A participant's WebSocket over a raw socket, for programs that drive many of them.

It costs little, as it masks with zeros and a frame is its payload behind a header, and it can write frames that no
library would.
"""

import asyncio
import base64
import json
import os
import re
import socket
from collections.abc import Callable

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
"""Opcodes of RFC 6455."""


class NoSocket(ConnectionError):
    """The server did not take the WebSocket, or went away before it had."""


class Client(asyncio.Protocol):
    """One socket. `closed` brings the code it was closed with, None when the connection broke without one."""

    def __init__(self, host: str, path: str, on_text: Callable[["Client", bytes], None], protocol: int = 2) -> None:
        self._host, self._path, self._on_text = host, path, on_text
        self._protocol = protocol
        self._buffer = bytearray()
        self._open = False
        self._code: int | None = None
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int | None] = loop.create_future()
        self.sent: dict[str, float] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        )
        if self._protocol == 2:
            request += "Sec-WebSocket-Protocol: roomful.v2\r\n"
        transport.write(f"{request}\r\n".encode())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(NoSocket("the connection was lost before the WebSocket was open"))
        if not self.closed.done():
            self.closed.set_result(self._code)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.ready.set_exception(NoSocket(f"no WebSocket: {head[:200]!r}"))
                self.transport.abort()
                return
            self._open, self._buffer = True, bytearray(rest)
            self.ready.set_result(None)
        self._frames()

    def _frames(self) -> None:
        buffer = self._buffer
        while len(buffer) >= 2:
            length, start = buffer[1] & 127, 2
            if length == 126:
                length, start = int.from_bytes(buffer[2:4]), 4
            elif length == 127:
                length, start = int.from_bytes(buffer[2:10]), 10
            if len(buffer) < start + length:
                return
            opcode, payload = buffer[0] & 15, bytes(buffer[start : start + length])
            del buffer[: start + length]
            self._take(opcode, payload)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._on_text(self, payload)
        elif opcode == PING:
            self.write(PONG, payload)
        elif opcode == CLOSE:
            self._code = int.from_bytes(payload[:2]) if len(payload) >= 2 else 1005
            self.write(CLOSE, payload[:2])
            self.transport.close()

    def send(self, text: str) -> None:
        self.write(TEXT, text.encode("utf-8", "replace"))

    def write(self, opcode: int, payload: bytes, *, last: bool = True) -> None:
        """Send one frame; without `last`, the first or a middle part of a message."""
        size = len(payload)
        if size < 126:
            length = bytes([128 | size])
        elif size < 65536:
            length = bytes([254]) + size.to_bytes(2)
        else:
            length = bytes([255]) + size.to_bytes(8)
        self.raw(bytes([128 * last | opcode]) + length + b"\0\0\0\0" + payload)

    def raw(self, data: bytes) -> None:
        """Send bytes as they are, be they frames or not."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        self.transport.close()

    def drop(self) -> None:
        """Break the connection without a word, as a lost network does."""
        self.transport.abort()


async def connect(
    port: int,
    path: str,
    on_text: Callable[[Client, bytes], None],
    protocol: int = 2,
    wait_most: float = 20.0,
    *,
    receive_buffer: int | None = None,
) -> Client:
    """Open a WebSocket on loopback. Raises OSError, NoSocket among them, when there is nobody to take it.

    `receive_buffer` is how many bytes the system takes for a client that does not read, where that is to be few.
    """
    loop = asyncio.get_running_loop()
    end = socket.socket()
    end.setblocking(False)
    if receive_buffer is not None:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        await loop.sock_connect(end, ("127.0.0.1", port))
    except OSError:
        end.close()
        raise
    _, client = await loop.create_connection(lambda: Client(f"127.0.0.1:{port}", path, on_text, protocol), sock=end)
    try:
        async with asyncio.timeout(wait_most):
            await asyncio.shield(client.ready)
    except TimeoutError:
        # nobody will look at what becomes of it
        client.ready.cancel()
        client.drop()
        raise
    return client


async def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send one HTTP request on loopback; return the status and the body. Raises OSError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    try:
        writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    head_line, _, content = answer.partition(b"\r\n\r\n")
    words = head_line.split(None, 2)
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head_line)
    if len(words) < 2 or (length and len(content) < int(length[1])):
        raise ConnectionResetError("the connection was lost before the whole answer had come")
    return int(words[1]), content


async def start_session(port: int, token: str = "1234") -> str:
    """Start a session; return its id. Raises OSError, ConnectionError when none was given out."""
    status, content = await ask(port, "POST", "/session/start", json.dumps({"token": token}).encode())
    if status != 200:
        raise ConnectionError(f"no session: {status} {content[:200]!r}")
    return str(json.loads(content)["session_id"])
