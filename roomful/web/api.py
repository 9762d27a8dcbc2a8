"""REST: who we are, whether we are well, and the start of a session."""

from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

from roomful import __version__
from roomful.web.entry import Denied, Started, arrival_by_token, check_pace, let_in, server_of
from roomful.web.server import Server
from roomful.web.socket import serve

router = APIRouter()

_ENDPOINTS = {
    "start": "/session/start",
    "join": "/join",
    "socket": "/ws/{session_id}",
    "health": "/health",
    "chat": "/chat",
}


class StartRequest(BaseModel):
    """What a participant brings: a token, and a name where the study lets them choose one."""

    token: Annotated[str, Field(max_length=200)]
    name: Annotated[str | None, Field(max_length=60)] = None


class Detail(BaseModel):
    """Why a request was not taken, in words for people; `reason`, where it is there, is for programs."""

    detail: str
    reason: str | None = None


class BodyFault(BaseModel):
    """What is wrong with one field of a body: where it is, what kind of fault, and a sentence."""

    loc: list[str | int]
    type: str
    msg: str


class Faults(BaseModel):
    """Why a body was not taken, one entry a field."""

    detail: list[BodyFault]


_REFUSALS: dict[int | str, dict[str, object]] = {
    **{status: {"model": Detail} for status in (400, 401, 403, 409, 413, 429, 503)},
    422: {"model": Faults},
}


@router.get("/", responses={200: {"content": {"application/json": {}}}, 307: {"description": "To the chat page"}})
async def root(request: Request) -> Response:
    """Say who we are; a browser is sent to the chat page, its query kept."""
    vary = {"Vary": "Accept"}
    if "text/html" in request.headers.get("accept", ""):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/chat{query}", headers=vary)
    return JSONResponse({"name": "Roomful", "version": __version__, "endpoints": _ENDPOINTS}, headers=vary)


@router.get("/health", responses={503: {"description": "The store cannot be written"}})
async def health(request: Request) -> JSONResponse:
    """Say whether the store can be written. Answers at once, whatever the sessions are doing."""
    server = server_of(request)
    fault = await server.health.fault()
    body: dict[str, object] = (
        {"status": "error", "reason": fault} if fault else {"status": "ok", "version": __version__}
    )
    if not fault and server.watch.failing():
        # participants can read this: what is wrong, and that there is a model at all, is told to the operator alone
        body["degraded"] = True
    return JSONResponse(body, status_code=503 if fault else 200)


@router.post(
    "/session/start",
    response_model=Started,
    responses=_REFUSALS,
)
async def start(body: StartRequest, request: Request) -> Started | JSONResponse:
    """Give out a session for a token, or come back to the one it has."""
    server = server_of(request)
    try:
        check_pace(server, request)
        return await let_in(server, arrival_by_token(body.token), body.name)
    except Denied as denied:
        return JSONResponse(denied.body, denied.status)


async def unreadable(_request: Request, fault: Exception) -> JSONResponse:
    """Answer a body of the wrong shape field by field, without what was sent: it may be no JSON can hold."""
    if not isinstance(fault, RequestValidationError):
        raise fault
    faults = [{key: error[key] for key in ("loc", "type", "msg")} for error in fault.errors()]
    return JSONResponse({"detail": faults}, 422)


@router.websocket("/ws/{session_id:path}")
async def socket(
    websocket: WebSocket,
    session_id: str,
    after: Annotated[str, Query()] = "0",
    batches: Annotated[str, Query()] = "",
) -> None:
    """Speak with one participant: protocol 2 for those who ask for it, else protocol 1."""
    server = server_of(websocket)
    if not _same_or_allowed(websocket, server):
        await websocket.close(1008)
        return
    seen = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
    leads = partial(server.after_chat, session_id)
    await serve(websocket, server.host, server.limits, seen, batches=batches == "1", leads=leads)


def _same_or_allowed(websocket: WebSocket, server: Server) -> bool:
    """Whether the page that opens the socket is ours or allowed; clients that are no browser name no origin."""
    origin = websocket.headers.get("origin")
    if origin is None or server.allows_origin(origin):
        return True
    try:
        return urlsplit(origin).netloc == websocket.headers.get("host")
    except ValueError:
        return False
