"""The app: routes, their middleware, and the life of the host behind them."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from roomful import __version__
from roomful.assembly import assembled, check_setup
from roomful.garbage import collect_seldom_among_the_old
from roomful.llm import LLM
from roomful.outcomes import WaysOut
from roomful.settings import ServerSettings, StudySettings, load_server_settings, load_settings
from roomful.store import Store
from roomful.timeline import monotonic
from roomful.web.access import Starts
from roomful.web.api import router, unreadable
from roomful.web.health import Health
from roomful.web.join import join_routes
from roomful.web.operator import operating
from roomful.web.page import Page, page_routes
from roomful.web.server import Server
from roomful.web.session_pages import follows, session_routes
from roomful.web.socket import Limits
from roomful.web.startup import Explained

if TYPE_CHECKING:
    from roomful.web.metrics import Metrics

BODY_MOST, PAGE_MOST = 64 * 1024, 128 * 1024
"""Bytes of a request's body, and of a filled-in page: a text that is too long comes back to be shortened."""


_PROXIED = {"forwarded", "via", "x-forwarded-for", "x-real-ip"}
"""Headers by which a proxy shows."""


def create_app(
    server: ServerSettings | None = None,
    study: StudySettings | None = None,
    *,
    llm: LLM | None = None,
    store: Store | None = None,
) -> FastAPI:
    """Make the app of these settings; those left out are read from the environment and the study's folder.

    A model or a store that is given takes the place of the one that the settings name. Raises SettingsError with
    every fault, and SetupError.
    """
    server = server or load_server_settings()
    study = study or load_settings(server.study)
    check_setup(server, study)
    metrics = _metered() if server.metrics else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        on_call, on_commit = (metrics.on_call, metrics.on_commit) if metrics else (None, None)
        async with assembled(server, study, on_call=on_call, on_commit=on_commit, llm=llm, store=store) as parts:
            if metrics:
                rooms = parts.host.rooms
                metrics.look_at(
                    lambda: len(rooms),
                    lambda: sum(room.state.distress > 0 for room in rooms.values()),
                    lambda: parts.watch.failing() is not None,
                )
            app.state.server = Server(
                server,
                parts.host,
                parts.enrolment,
                study.enrolment.entry,
                WaysOut(endings=study.enrolment.outcomes, key=server.return_key),
                bool(study.pages),
                follows(study.pages),
                parts.silent_script,
                replace(_limits(server), may_delete=study.enrolment.may_delete),
                Health(parts.store, parts.trouble, parts.tasks, monotonic),
                Starts(server.starts_per_minute_per_address, monotonic),
                parts.budget,
                parts.watch,
                metrics,
            )
            async with operating(server, parts.host, parts.enrolment, parts.eraser, parts.watch):
                collect_seldom_among_the_old()
                _give_way_soon()
                yield

    docs = {} if server.open_docs else {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(title="Roomful", version=__version__, lifespan=lifespan, **docs)  # type: ignore[arg-type]
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, unreadable)
    arms = [arm.simulation for arm in study.treatments]
    page = Page(study.simulation, server.study, arms=arms, has_pages=bool(study.pages))
    app.include_router(page_routes(page))
    app.include_router(join_routes(page))
    app.include_router(session_routes(page, study.pages))
    if server.metrics:
        app.add_api_route("/metrics", _metrics, include_in_schema=False)
    app.add_middleware(Explained)
    app.add_middleware(SmallBodies)
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=server.origin_pattern,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type"],
    )
    return app


def _metered() -> "Metrics":
    # prometheus_client is slow to import, and most servers have nobody who asks for metrics
    from roomful.web.metrics import Metrics

    return Metrics()


def _give_way_soon() -> None:
    """Let the threads that commit and write files hold up the rooms for half a millisecond at a time, not for five."""
    sys.setswitchinterval(0.0005)


def _limits(server: ServerSettings) -> Limits:
    return Limits(
        max_frame_bytes=server.max_frame_bytes,
        max_message_chars=server.max_message_chars,
        frames_per_second=server.frames_per_second,
        frames_burst=server.frames_burst,
    )


async def _metrics(request: Request) -> Response:
    """Counters for the operator: only this machine may read them, and not through a proxy."""
    peer = request.client.host if request.client else ""
    proxied = _PROXIED & set(request.headers)
    if proxied or not _is_loopback(peer):
        raise HTTPException(404)
    server: Server = request.app.state.server
    text = server.metrics.text() if server.metrics else b""
    return Response(text, media_type="text/plain; version=0.0.4")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


class SmallBodies:
    """Refuses requests with a body larger than anybody needs, before it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_small(scope):
            await self._app(scope, receive, send)
            return
        response = Response('{"detail":"The request is too large."}', 413, media_type="application/json")
        await response(scope, receive, send)

    def _is_small(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers:
            # its size is not known before it is read, and no client of ours sends one
            return False
        length = headers.get(b"content-length", b"0")
        path = scope["path"]
        most = PAGE_MOST if path.startswith("/session/") and path != "/session/start" else BODY_MOST
        return length.isdigit() and int(length) <= most
