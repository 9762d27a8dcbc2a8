"""The app in this process, on the test's own loop, behind the server that `roomful serve` starts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from roomful.cli.serve import config
from roomful.host import Host
from roomful.settings import ServerSettings
from roomful.web.app import create_app
from tests.asgi import eventually, study, talker


@dataclass
class Listening:
    """A server with a real store that listens on loopback."""

    app: FastAPI
    port: int

    @property
    def host(self) -> Host:
        host: Host = self.app.state.server.host
        return host


@asynccontextmanager
async def listening(
    folder: Path,
    *,
    limits: Mapping[str, Any] | None = None,
    uvicorn_options: Mapping[str, Any] | None = None,
    **simulation: Any,
) -> AsyncIterator[Listening]:
    """A server of a folder. `limits` changes its settings, the rest those of the simulation."""
    settings = ServerSettings(data=folder / "data", logs=folder / "logs", starts_per_minute_per_address=1000)
    settings = replace(settings, **limits or {})
    app = create_app(settings, study(**simulation), llm=talker())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config(app, settings, **uvicorn_options or {}))
    task = asyncio.create_task(server.serve([listener]))
    try:
        await eventually(lambda: server.started)
        yield Listening(app, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()
