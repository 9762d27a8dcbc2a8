"""A real server in a process of its own, and participants of protocol 2 who talk to it."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.forked import Forked, run
from tests.ports import free_port

ROOT = Path(__file__).parent.parent
PATIENCE = 20.0
"""Seconds after which a test gives up waiting."""

SIMULATION = {
    "num_agents": 2,
    "agent_names": ["Alice", "Bob"],
    "messages_per_minute": 0,
    "user_response_probability": 0,
    "context_window_size": 5,
    "session_duration_minutes": 15,
}

type Frame = dict[str, Any]


def until[T](look: Callable[[], T | None], what: str) -> T:
    """Wait until `look` finds something; return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


@dataclass
class Server:
    """`roomful serve` with its study in `folder`, and data and logs in `disk`."""

    folder: Path
    disk: Path
    variables: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | Forked | None = None

    def study(self, **changes: object) -> None:
        config = self.folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "experimental_settings.json").write_text('{"prompt_template": "Chat."}', "utf-8")
        (config / "simulation_settings.json").write_text(json.dumps(SIMULATION | changes), "utf-8")

    @property
    def database(self) -> Path:
        return self.disk / "data" / "roomful.db"

    @property
    def environment(self) -> dict[str, str]:
        foreign = re.compile(r"ROOMFUL_|GEMINI_|GOOGLE_|DATABASE_")
        kept = {name: value for name, value in os.environ.items() if not foreign.match(name)}
        ours = {
            "PYTHONPATH": str(ROOT),
            "ROOMFUL_DATA": str(self.disk / "data"),
            "ROOMFUL_LOGS": str(self.disk / "logs"),
            "ROOMFUL_LOG_FORMAT": "json",
        }
        return kept | ours | self.variables

    def start(self) -> "Server":
        """Start, and wait until it answers."""
        self.launch()
        until(self._answers, f"an answer: {self.output!r}")
        return self

    def launch(self) -> subprocess.Popen[bytes] | Forked:
        """Start the process only."""
        if not (self.folder / "config").exists():
            self.study()
        command = ("-m", "roomful", "serve", "--port", str(self.port))
        if "LD_PRELOAD" not in self.variables:
            self.process = Forked(command, self.folder, self.environment, self.folder / "output.txt")
            return self.process
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self.process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server."""
        if "LD_PRELOAD" not in self.variables:
            return run(("-m", "roomful", *arguments), self.folder, self.environment, timeout=60)
        return subprocess.run(
            [sys.executable, "-m", "roomful", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def stop(self) -> int:
        assert self.process
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(PATIENCE)

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text("utf-8")

    def told(self, event: str) -> list[Frame]:
        """What the operator's log says of this."""
        # it is written meanwhile: the last line may not be whole yet
        whole, _, _ = self.output.rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def health(self) -> tuple[int, Frame]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def _answers(self) -> bool:
        assert self.process
        if self.process.poll() is not None:
            raise AssertionError(f"the server has stopped: {self.output}")
        try:
            return self.health()[0] == 200
        except OSError:
            return False

    def well(self) -> bool:
        return self.health()[0] == 200

    def begin(self) -> str:
        """Get a session."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/session/start",
            b'{"token": "1234"}',
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return str(json.load(answer)["session_id"])

    def stored(self, session_id: str) -> list[str]:
        """The lines of a session's log in the database."""
        with sqlite3.connect(self.database) as connection:
            query = "select text from entries where session_id = ? order by seq"
            found = [text for (text,) in connection.execute(query, (session_id,))]
        connection.close()
        return found

    def logged(self, session_id: str) -> list[str]:
        """The lines of a session's log file."""
        path = self.disk / "logs" / f"{session_id}.json"
        return path.read_text("ascii").splitlines() if path.exists() else []

    @contextmanager
    def participant(self, session_id: str | None = None, after: int = 0) -> Iterator["Participant"]:
        where = session_id or self.begin()
        url = f"ws://127.0.0.1:{self.port}/ws/{where}?after={after}"
        with connect(url, subprotocols=[Subprotocol("roomful.v2")], close_timeout=1) as connection:
            yield Participant(where, connection)


@dataclass
class Participant:
    """One who keeps all frames that came."""

    session_id: str
    socket: ClientConnection
    frames: list[Frame] = field(default_factory=list)

    def receive(self) -> Frame:
        frame: Frame = json.loads(self.socket.recv(PATIENCE))
        self.frames.append(frame)
        return frame

    def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        while not wanted(frame := self.receive()):
            pass
        return frame

    def say(self, content: str, client_id: str | None = None) -> Frame:
        """Say something, and return the frame that answers it: the message itself, or why it was refused."""
        identity = self.send(content, client_id)
        return self.until(lambda frame: frame.get("client_id") == identity)

    def send(self, content: str, client_id: str | None = None) -> str:
        identity = client_id or str(uuid4())
        self.socket.send(json.dumps({"type": "user_message", "content": content, "client_id": identity}))
        return identity

    def rest(self) -> int | None:
        """Receive until the server closes; the code."""
        try:
            while True:
                self.receive()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


@contextmanager
def serving(folder: Path, disk: Path | None = None, **variables: str) -> Iterator[Server]:
    """A server that runs, and is gone afterwards whatever happens."""
    server = Server(folder, disk or folder, variables)
    try:
        yield server.start()
    finally:
        if server.process and server.process.poll() is None:
            server.kill()


def said(lines: list[str]) -> list[str]:
    """What the participant said, by the lines of a log."""
    entries = [json.loads(line) for line in lines]
    return [
        entry["data"]["content"]
        for entry in entries
        if entry["event_type"] == "message" and entry["data"]["sender"] == "user"
    ]
