"""The operator's API: a listener of its own on loopback, for commands beside a running server.

Its address and key are in a file of the data folder that only its owner can read. Participants cannot reach it:
it is another port, and every request needs the key.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hmac import compare_digest
from pathlib import Path

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from roomful.codec import CodecError, timestamp
from roomful.core.admission import Freeze, Pause
from roomful.core.decide import WITHDREW, Refused
from roomful.enrolment import Enrolment
from roomful.erasure import Eraser
from roomful.host import Full, Host, NotReady, salt
from roomful.llm.watch import Watch
from roomful.settings import ServerSettings
from roomful.store import StoreError, UnknownSession
from roomful.study_codec import decode_input
from roomful.timeline import wall_clock

FILE = "server.json"
"""In the data folder: `url` and `key` of the running server's operator API."""


class LiveSession(BaseModel):
    """A session that is running. Times in seconds of the session."""

    session_id: str
    at: float
    connected: bool
    messages: int
    calls_waiting: int
    calls: int
    dropped: int
    llm_degraded_seconds: float = 0.0
    """For how long the model has not served it."""
    distress: int = 0
    """Messages of the participant with signs of distress."""


class Model(BaseModel):
    """Whether the model fails: since when (ISO 8601, UTC), for how many seconds, how often, mostly in which way."""

    failing: bool
    since: str | None = None
    seconds: float | None = None
    failures: int | None = None
    kind: str | None = None


class Ended(BaseModel):
    """Whether a session was ended just now; false when it had ended before."""

    ended: bool


class EndRequest(BaseModel):
    """Why a session is ended."""

    reason: str = "ended_by_operator"


class WithdrawRequest(BaseModel):
    """Whether what the participant has written is to be deleted."""

    delete: bool = False


class Withdrawn(BaseModel):
    """Whether it ended a session; whether nothing of what was deleted is left in the database's files, and in logs."""

    ended: bool
    scrubbed: bool
    renewed: bool


class EraseRequest(BaseModel):
    """Sessions to erase, all of them over."""

    sessions: list[str]


class StudyRequest(BaseModel):
    """Something to enter into the study's log: the name of an input, and its fields."""

    input: str
    data: dict[str, object]


class Entered(BaseModel):
    """How many entries it led to; none where it had been done before."""

    entries: int


class StopRequest(BaseModel):
    """Why everything is stopped."""

    reason: str = "ended_by_operator"


class Stopped(BaseModel):
    """How many sessions were ended."""

    ended: int


def operator_app(host: Host, enrolment: Enrolment, eraser: Eraser, key: str, watch: Watch) -> FastAPI:
    """Make the operator's routes for a host."""

    async def keyed(request: Request) -> None:
        if not compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {key}".encode()):
            raise HTTPException(401, "The operator's key is missing or wrong")

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(keyed)])

    @app.get("/sessions")
    async def sessions() -> list[LiveSession]:
        return [
            LiveSession(
                session_id=session_id,
                at=room.timeline.now(),
                connected=room.state.connected,
                messages=len(room.state.messages),
                calls_waiting=len(room.state.calls),
                calls=room.state.tally.calls,
                dropped=room.state.tally.dropped + room.state.tally.answers_dropped,
                llm_degraded_seconds=room.state.degraded_seconds(room.timeline.now()),
                distress=room.state.distress,
            )
            for session_id, room in host.rooms.items()
            if room.state.started
        ]

    @app.get("/llm")
    async def llm() -> Model:
        failing = watch.failing()
        if failing is None:
            return Model(failing=False)
        since = timestamp(wall_clock(), -failing.seconds)
        seconds = round(failing.seconds, 3)
        return Model(failing=True, since=since, seconds=seconds, failures=failing.failures, kind=failing.kind)

    @app.post("/sessions/{session_id}/end")
    async def end(session_id: str, body: EndRequest) -> Ended:
        try:
            return Ended(ended=await host.end(session_id, body.reason))
        except UnknownSession as fault:
            raise HTTPException(404, str(fault)) from fault
        except (StoreError, Full, Refused) as fault:
            raise HTTPException(503, str(fault)) from fault

    _add_study(app, host, enrolment)
    _add_erasure(app, host, eraser)
    return app


def _add_erasure(app: FastAPI, host: Host, eraser: Eraser) -> None:
    """Add what takes data out of the logs."""

    @app.post("/sessions/{session_id}/withdraw")
    async def withdraw(session_id: str, body: WithdrawRequest) -> Withdrawn:
        try:
            reason = WITHDREW if body.delete else "participant_left"
            try:
                ended = await host.end(session_id, reason)
            except NotReady:
                # still among the pages before the chat, or out: withdrawn it never begins
                ended = False
            done = await eraser.withdraw(session_id, delete=body.delete)
        except UnknownSession as fault:
            raise HTTPException(404, str(fault)) from fault
        except (StoreError, Full, Refused) as fault:
            raise HTTPException(503, str(fault)) from fault
        return Withdrawn(ended=ended, scrubbed=done.scrubbed, renewed=done.renewed)

    @app.post("/erase")
    async def erase(body: EraseRequest) -> Withdrawn:
        try:
            done = await eraser.erase(body.sessions)
        except UnknownSession as fault:
            raise HTTPException(404, str(fault)) from fault
        except (StoreError, Refused) as fault:
            raise HTTPException(503, str(fault)) from fault
        return Withdrawn(ended=False, scrubbed=done.scrubbed, renewed=done.renewed)


def _add_study(app: FastAPI, host: Host, enrolment: Enrolment) -> None:
    """Add what concerns the study as a whole."""

    @app.post("/study")
    async def study(body: StudyRequest) -> Entered:
        try:
            wished = decode_input(body.input, body.data)
            if isinstance(wished, Freeze) and wished.hash != host.study.fingerprint:
                raise HTTPException(409, "The server runs with other files, or another model: start it again first.")
            return Entered(entries=len(await enrolment.submit(wished)))
        except CodecError as fault:
            raise HTTPException(422, str(fault)) from fault
        except Refused as refusal:
            raise HTTPException(409, str(refusal)) from refusal
        except StoreError as fault:
            raise HTTPException(503, str(fault)) from fault

    @app.post("/stop")
    async def stop(body: StopRequest) -> Stopped:
        try:
            return Stopped(ended=await stop_all(host, enrolment, body.reason))
        except (StoreError, Full, Refused) as fault:
            raise HTTPException(503, str(fault)) from fault


async def stop_all(host: Host, enrolment: Enrolment, reason: str) -> int:
    """Let nobody in or begin any more, and end all sessions that are live; return how many. Or StoreError."""
    await enrolment.submit(Pause(reason=reason, stop=True))
    ended = 0
    for row in await host.store.sessions(live=True):
        ended += await host.end(row.session_id, reason)
    return ended


class _Quiet(uvicorn.Server):
    """A second server in a process: it leaves the signals to the first, and is told to stop instead of looking."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def stop(self) -> None:
        """Let `serve` come to its end."""
        self.should_exit = True
        self._told.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Serve until told, where uvicorn looks ten times a second."""
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End at once when nobody is connected, where uvicorn always waits a tenth of a second."""
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for served in self.servers:
            served.close()
        for listener in sockets or []:
            listener.close()


@asynccontextmanager
async def operating(
    server: ServerSettings, host: Host, enrolment: Enrolment, eraser: Eraser, watch: Watch
) -> AsyncIterator[None]:
    """Serve the operator's API inside this context, and tell its address in the data folder."""
    key = salt()
    # the protocol by its name: by a listener of the system's choice asyncio sets no TCP_NODELAY, and answers wait
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    # whoever reads the file may call at once, and waits until we serve
    listener.listen()
    config = uvicorn.Config(
        operator_app(host, enrolment, eraser, key, watch),
        lifespan="off",
        log_config=None,
        access_log=False,
        # its time would stand still, as it is set when uvicorn looks
        date_header=False,
        ws="none",
    )
    inner = _Quiet(config)
    path = server.data / FILE
    _write(path, {"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "key": key})
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(inner.serve([listener]))
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            inner.stop()
            await serving


def _write(path: Path, content: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as writer:
        json.dump(content, writer)
