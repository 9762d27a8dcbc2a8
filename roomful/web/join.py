"""The way in by an open link: a page that uses nothing up, and the button on it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ValidationError

from roomful.core.admission import Arrive, participation_of
from roomful.core.decide import Refused
from roomful.enrolment_settings import EntryLink
from roomful.host import new_id
from roomful.settings import ASK
from roomful.store import StoreError
from roomful.web.entry import STATUSES, Denied, check_pace, let_in, server_of
from roomful.web.notices import NOTICES
from roomful.web.page import HEADERS, LANGUAGES, Page
from roomful.web.server import Server

if TYPE_CHECKING:
    from jinja2 import Template

PARAMETERS_MOST, PARAMETER_MOST = 50, 1000
"""Parameters of a link that are kept, and characters of each; a link beyond that is no panel's."""

_UNREPLACED = ("{{", "}}", "${", "[%", "%%")
"""What placeholders of panels begin and end with: a person has no such id."""


class JoinPage:
    """The page of the way in, in the study's language or the browser's."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._headers = HEADERS | {
            # no script at all
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'self'",
            "Cache-Control": "no-store",
            "Vary": "Accept, Accept-Language",
        }

    @cached_property
    def _template(self) -> "Template":
        # it takes its time to import, and most servers are never asked for this page
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        loader = FileSystemLoader(Path(__file__).parent)
        return Environment(autoescape=True, loader=loader, undefined=StrictUndefined).get_template("join.html")

    def invitation(self, request: Request, *, asks_name: bool, problem: bool = False, name: str = "") -> Response:
        """The page with the button."""
        words = self._words(request)
        shown = {"title": words["join_title"], "text": words["join_hint"], "may_join": True, "name": name}
        told = words["name_wrong"] if problem else ""
        return self._rendered(request, 422 if problem else 200, shown | {"asks_name": asks_name, "problem": told})

    def closed(self, request: Request, denied: Denied) -> Response:
        """The page that says why somebody is not let in."""
        words = self._words(request)
        shown = {"title": words["no_entry"], "text": words[denied.reason], "may_join": False}
        return self._rendered(request, denied.status, shown | {"asks_name": False, "problem": "", "name": ""})

    def _rendered(self, request: Request, status: int, shown: Mapping[str, object]) -> Response:
        language = self._language(request)
        html = self._template.render(
            shown,
            language=language,
            direction=LANGUAGES[language],
            version=self._page.version,
            words=NOTICES[language],
        )
        return HTMLResponse(html, status, headers=self._headers)

    def _words(self, request: Request) -> Mapping[str, str]:
        return NOTICES[self._language(request)]

    def _language(self, request: Request) -> str:
        return self._page.language(request.headers.get("accept-language", ""))


def join_routes(page: Page) -> APIRouter:
    """Make the routes of the way in by a link."""
    router = APIRouter(include_in_schema=False)
    joining = JoinPage(page)

    @router.get("/join")
    async def invitation(request: Request) -> Response:
        """Show the way in. Whoever fetches it, such as a messenger for its preview, uses nothing up."""
        server = server_of(request)
        try:
            arrival = arrival_by_link(request, server.entry)
            await _look(server, arrival)
        except Denied as denied:
            return joining.closed(request, denied)
        return joining.invitation(request, asks_name=_asks_name(server, arrival))

    @router.post("/join")
    async def join(request: Request) -> Response:
        """Let somebody in, and send them on."""
        server = server_of(request)
        as_page = "text/html" in request.headers.get("accept", "")
        name = await _written_name(request)
        try:
            check_pace(server, request)
            arrival = arrival_by_link(request, server.entry)
            started = await let_in(server, arrival, name)
        except Denied as denied:
            return joining.closed(request, denied) if as_page else JSONResponse(denied.body, denied.status)
        except RequestValidationError:
            if not as_page:
                raise
            return joining.invitation(request, asks_name=True, problem=True, name=name or "")
        if as_page:
            return RedirectResponse(started.next, 303)
        return JSONResponse(started.model_dump())

    return router


def arrival_by_link(request: Request, links: Sequence[EntryLink]) -> Arrive:
    """Somebody's arrival by the link whose parameter tells who they are, its capitals aside. Raises Denied."""
    parameters = dict(request.query_params)
    if len(parameters) > PARAMETERS_MOST or any(len(text) > PARAMETER_MOST for text in _texts(parameters)):
        raise Denied("unknown_link")
    folded = {name.casefold(): value.strip() for name, value in parameters.items()}
    for link in links:
        participant = folded.get(link.tells.casefold()) if link.tells else None
        if participant and not any(sign in participant for sign in _UNREPLACED):
            return _arrival(link, participant, parameters)
    for link in links:
        if link.tells is None:
            return _arrival(link, None, parameters)
    raise Denied("unknown_link")


def _arrival(link: EntryLink, participant: str | None, parameters: Mapping[str, str]) -> Arrive:
    return Arrive(session_id=new_id(), link=link.called, participant=participant, parameters=parameters)


def _texts(parameters: Mapping[str, str]) -> list[str]:
    return [*parameters, *parameters.values()]


async def _look(server: Server, arrival: Arrive) -> None:
    """Raise Denied where the button would not let them in."""
    try:
        await server.enrolment.check(arrival)
    except Refused as refusal:
        raise Denied(refusal.reason if refusal.reason in STATUSES else "unavailable") from refusal
    except StoreError as fault:
        raise Denied("unavailable") from fault


def _asks_name(server: Server, arrival: Arrive) -> bool:
    """Whether a name is to be chosen: who comes back has one."""
    asks = server.host.study.simulation.participant_name == ASK
    return asks and participation_of(server.enrolment.state, arrival) is None


class _Named(BaseModel):
    name: str | None = None


async def _written_name(request: Request) -> str | None:
    """The name in a form, or in a JSON object."""
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        return _name_in_json(body)
    found = parse_qs(body.decode("utf-8", "replace")).get("name", [None])
    return found[0]


def _name_in_json(body: bytes) -> str | None:
    try:
        return _Named.model_validate_json(body or b"{}").name
    except ValidationError as fault:
        message = "Please send a name as text, in a JSON object."
        raise RequestValidationError([{"loc": ("body", "name"), "type": "name_wrong", "msg": message}]) from fault
