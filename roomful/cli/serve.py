"""`roomful serve`: the server, and what it says of itself when it is up."""

import gc
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

import roomful
from roomful.assembly import SCRIPT, all_models, described, provided
from roomful.cli.output import Failure, plain, say
from roomful.logs import configure_logs
from roomful.settings import ServerSettings, StudySettings, load_settings, put_into_environment
from roomful.web.access import DEMO_TOKEN
from roomful.web.app import create_app
from roomful.web.server import Server
from roomful.web.wire import Released

GRACE = 5
"""Seconds that open requests are given when the server is stopped."""


def serve(server: ServerSettings) -> None:
    """Serve the room until stopped. Raises SettingsError, SetupError; ends with a sentence on other faults."""
    study = load_settings(server.study)
    configure_logs(server.log_format)
    app = create_app(server, study)
    listener = _listen(server.host, server.port)
    host, port = listener.getsockname()[:2]
    serving = _Serving(config(app, server), lambda: _introduce(app, server, study, host, port))
    try:
        serving.run([listener])
    except SystemExit:
        raise Failure(getattr(app.state, "startup_fault", None) or "The server could not start.") from None
    finally:
        listener.close()


def serve_reloading(server: ServerSettings) -> None:
    """Serve, and start anew whenever the code or the study's files change."""
    from uvicorn.supervisors import ChangeReload

    root = Path(roomful.__file__).parent.parent
    if not (root / "main.py").exists():
        raise Failure(f"--reload is for a clone of the repository: there is no {root / 'main.py'}")
    put_into_environment(server)
    folders = [str(root / "roomful"), str(server.study)]
    watched = ["*.py", "*.json", "*.md"]
    reloading = config("main:app", server, reload=True, reload_dirs=folders, reload_includes=watched)
    sys.path.insert(0, str(root))
    listener = _listen(server.host, server.port)
    say(f"Roomful {roomful.__version__} at {_address(*listener.getsockname()[:2])}, started anew at each change")
    ChangeReload(reloading, target=uvicorn.Server(reloading).run, sockets=[listener]).run()


def config(app: object, server: ServerSettings, **more: object) -> uvicorn.Config:
    """How uvicorn serves the app."""
    make: Callable[..., uvicorn.Config] = uvicorn.Config
    return make(
        app,
        log_config=None,
        access_log=False,
        # X-Forwarded-For is ours to read, as ROOMFUL_TRUSTED_PROXIES says
        proxy_headers=False,
        server_header=False,
        ws=Released,
        # compression of frames would cost 40 % of the throughput
        ws_per_message_deflate=False,
        ws_max_size=max(1 << 20, server.max_frame_bytes * 2),
        timeout_graceful_shutdown=GRACE,
        **more,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Bind before anything else is opened, so that a port in use costs nothing."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # bound alone, a second server would bind it too where both reuse addresses
        listener.listen()
    except socket.gaierror:
        raise Failure(f"{plain(host)} is no address of this machine: take 127.0.0.1, or 0.0.0.0 for all") from None
    except PermissionError:
        raise Failure(
            f"Port {port} needs more rights than this user has: take one from 1024 on, such as --port 8000"
        ) from None
    except OSError as fault:
        if port and "in use" in str(fault):
            raise Failure(
                f"Port {port} of {plain(host)} is in use: stop what runs there, or take another: --port {port + 1}"
            ) from fault
        raise Failure(f"The server cannot listen on {plain(host)}, port {port}: {fault.strerror}") from fault
    return listener


class _Serving(uvicorn.Server):
    """A server that says so when it is up."""

    def __init__(self, config: uvicorn.Config, up: Callable[[], None]) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so: what is said has been tried. Why it failed is told once, by `serve`."""
        told = logging.getLogger("uvicorn.error")
        told.disabled = True
        try:
            await super().startup(sockets)
        finally:
            told.disabled = False
            gc.enable()
        if self.started:
            self._up()


def _introduce(app: FastAPI, server: ServerSettings, study: StudySettings, host: str, port: int) -> None:
    simulation = study.simulation
    database = "PostgreSQL" if (server.database_url or "").startswith("postgres") else f"{server.data}/"
    running: Server = app.state.server
    way_in = f"token {DEMO_TOKEN}" if not running.enrolment.state.guarded else "for those who have a token or a link"
    say(f"Roomful {roomful.__version__} is at {_address(host, port)}   {way_in}")
    say(f"Agents  {speakers(server, study)}")
    say(
        f"Study   {server.study}/: {plain(', '.join(simulation.agent_names))}; "
        f"{simulation.messages_per_minute:g} messages a minute, {simulation.session_duration_minutes:g} minutes"
    )
    say(f"Data    {database}   logs {server.logs}/")
    say("Ctrl-C stops it; sessions go on at the next start.")


def speakers(server: ServerSettings, study: StudySettings) -> str:
    """Who speaks for the agents, in a sentence."""
    llm = study.simulation.llm
    others = [described(model) for _, model in all_models(provided(llm, server))]
    if set(others) != {SCRIPT}:
        return f"speak through {plain('; '.join(dict.fromkeys(others)))}"
    if llm.provider is None:
        return "are scripted: no GEMINI_API_KEY in the environment or in .env"
    return 'are scripted: llm.provider is "scripted"'


def _address(host: str, port: int) -> str:
    named = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"
