"""The pages around the chat at `/session/{session_id}`: where a participant is now, and the way on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from roomful.core.admission import EndChat, FillPage, ShowPage
from roomful.core.decide import Refused
from roomful.core.journey import Place, place_of
from roomful.core.pages import Filled, Form, Page, PageRules, Problem, fill
from roomful.core.roster import Participation
from roomful.core.study import treatment_of
from roomful.outcomes import WayOut
from roomful.store import StoreError
from roomful.web.entry import server_of
from roomful.web.notices import NOTICES
from roomful.web.page import HEADERS
from roomful.web.page import Page as Files
from roomful.web.page_view import DATA, FIELD, Entered, PageView, Shown, read_page
from roomful.web.page_words import PAGE_WORDS
from roomful.web.server import Server

_log = structlog.get_logger()

FIELDS_MOST = 1000
"""Fields of a form; one with more is none of ours."""

_SESSION_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)


def session_path(session_id: str) -> str:
    """Where a participant's pages are, relative to the server's address."""
    return f"session/{session_id}"


def follows(pages: Sequence[Page]) -> bool:
    """Whether there is anything to see after the chat."""
    return any(page.role in ("after", "debrief", "end") for page in pages)


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came."""

    page: str
    attempt: int
    action: str
    data: str
    form: Form


class SessionPages:
    """The pages of one study, read once."""

    def __init__(self, files: Files, pages: Sequence[Page]) -> None:
        self._files = files
        self._view = PageView(files.version)
        self._pages: Mapping[str, Shown] = {page.name: read_page(page) for page in pages}
        self._headers = HEADERS | {
            "Content-Security-Policy": _POLICY,
            # who goes back comes to the page where they are now
            "Cache-Control": "no-store",
            "Vary": "Accept-Language",
        }

    async def show(self, request: Request) -> Response:
        """Answer with the page where somebody is, or send them to the chat."""
        server = server_of(request)
        try:
            known = await _found(server, request.path_params["session_id"])
            if known is None:
                return self._notice(request, 404, "unknown_title", "unknown_session")
            place = await self._place(server, known)
            if known.ended is None and place != "over" and not server.enrolment.may_begin(known.session_id):
                return self._stopped(request)
            if isinstance(place, PageRules) and not await _stays(server, known, place):
                return _onwards(known, self._headers)
        except (StoreError, Refused):
            return self._notice(request, 503, "unavailable_title", "unavailable")
        if place == "chat":
            return RedirectResponse(f"../chat?session={known.session_id}", 303, headers=self._headers)
        known = server.enrolment.state.participations[known.session_id]
        if place == "over":
            return self._over(request, server, known)
        return self._asked(request, place, known, Entered(attempt=known.missed.get(place.name, 0) + 1))

    async def take(self, request: Request) -> Response:
        """Take what somebody has filled in; whatever comes of it, they are sent to where they are then."""
        server = server_of(request)
        sent = _sent(await request.body())
        try:
            known = await _found(server, request.path_params["session_id"])
            if known is None:
                return self._notice(request, 404, "unknown_title", "unknown_session")
            place = place_of(server.enrolment.state.rules.pages, known)
            if not isinstance(place, PageRules) or place.name != sent.page or place.name not in self._pages:
                return _onwards(known, self._headers)
            return await self._filled(request, server, known, place, sent)
        except StoreError:
            return self._unkept(request, server, sent)
        except Refused as refusal:
            _log.error("page_not_taken", reason=refusal.reason, why=str(refusal))
            return self._unkept(request, server, sent)

    def _unkept(self, request: Request, server: Server, sent: Sent) -> Response:
        """The page once more with what was entered, which could not be stored."""
        state = server.enrolment.state
        known = state.participations.get(request.path_params["session_id"])
        place = place_of(state.rules.pages, known) if known else "over"
        if known is None or not isinstance(place, PageRules) or place.name != sent.page:
            return self._notice(request, 503, "unavailable_title", "unavailable")
        entered = Entered(form={**sent.form, DATA: [sent.data]}, attempt=sent.attempt, unkept=True)
        return self._asked(request, place, known, entered, 503)

    async def _filled(
        self, request: Request, server: Server, known: Participation, place: PageRules, sent: Sent
    ) -> Response:
        page = self._pages[place.name].page
        agreed = _agreed(page, sent)
        refused = page.role == "consent" and page.required and not agreed
        # who does not consent is asked nothing
        filled = Filled() if refused else fill(page, sent.form)
        problems = {problem.answer: problem for problem in filled.problems}
        if page.data_consent and agreed is None:
            problems[DATA] = Problem(DATA, "choose")
        entered = Entered(form={**sent.form, DATA: [sent.data]}, said=problems, attempt=sent.attempt)
        if problems:
            # who is too late is told that, and not what is amiss
            if not await _stays(server, known, place):
                return _onwards(known, self._headers)
            return self._asked(request, place, known, entered, 422)
        entries = await server.enrolment.submit(
            FillPage(
                session_id=known.session_id,
                page=page.name,
                answers=filled.answers,
                missed=filled.missed,
                screened=filled.screened,
                attempt=sent.attempt,
                agreed=agreed,
            )
        )
        known = server.enrolment.state.participations[known.session_id]
        still = place_of(server.enrolment.state.rules.pages, known) == place
        if entries and still and filled.missed:
            again = Entered(form=sent.form, missed=filled.missed, attempt=sent.attempt + 1)
            return self._asked(request, place, known, again, 422)
        return _onwards(known, self._headers)

    async def _place(self, server: Server, known: Participation) -> Place:
        pages = server.enrolment.state.rules.pages
        place = place_of(pages, known)
        if place == "chat":
            row = await server.host.store.find(known.session_id)
            if row is not None and row.ended is not None:
                # the chat's page may be quicker than the news of the chat's end
                await server.enrolment.submit(EndChat(session_id=known.session_id, reason=row.ended))
                return place_of(pages, server.enrolment.state.participations[known.session_id])
        return place

    def _asked(
        self, request: Request, place: PageRules, known: Participation, entered: Entered, status: int = 200
    ) -> Response:
        shown = self._pages.get(place.name)
        if shown is None:
            # another process has the study's rules from files that this one has not read
            return self._notice(request, 503, "unavailable_title", "unavailable")
        missed = known.missed.get(place.name, 0)
        tries = place.tries - missed if missed and not entered.said else None
        left = server_of(request).enrolment.time_left(known.session_id)
        entered = replace(entered, tries=tries, left=None if left is None else max(0.0, left))
        return HTMLResponse(
            self._view.page(shown, self._language(request), known.session_id, entered), status, headers=self._headers
        )

    def _over(self, request: Request, server: Server, known: Participation) -> Response:
        """The last page: the study's own for this outcome, else its own for who has been in the chat, else ours.

        With the words, the code and the address that the study declares for the outcome.
        """
        language = self._language(request)
        way_out = _way_out(server, known)
        own = self._pages.get(f"end-{known.outcome}")
        if own is None and known.ended is not None and not way_out.text:
            own = self._pages.get("end")
        if own:
            return HTMLResponse(self._view.end(own, language, way_out), headers=self._headers)
        words = PAGE_WORDS[language]
        text = words.get(f"over_{known.outcome}", words["over_other"])
        return HTMLResponse(self._view.notice(language, words["end"], text, way_out), headers=self._headers)

    def _notice(self, request: Request, status: int, title: str, text: str) -> Response:
        language = self._language(request)
        words = PAGE_WORDS[language]
        return HTMLResponse(self._view.notice(language, words[title], words[text]), status, headers=self._headers)

    def _stopped(self, request: Request) -> Response:
        """Nobody begins any more, so nobody is asked for anything."""
        language = self._language(request)
        notices = NOTICES[language]
        html = self._view.notice(language, notices["no_entry"], notices["paused"])
        return HTMLResponse(html, 403, headers=self._headers)

    def _language(self, request: Request) -> str:
        return self._files.language(request.headers.get("accept-language", ""))


def session_routes(files: Files, pages: Sequence[Page]) -> APIRouter:
    """Make the routes of the pages around the chat."""
    router = APIRouter(include_in_schema=False)
    around = SessionPages(files, pages)

    @router.get("/session/{session_id}")
    async def show(request: Request) -> Response:
        return await around.show(request)

    @router.post("/session/{session_id}")
    async def take(request: Request) -> Response:
        return await around.take(request)

    return router


async def _found(server: Server, session_id: str) -> Participation | None:
    # only ids of the form that is given out ever reach the store
    return await server.enrolment.find(session_id) if _SESSION_ID.fullmatch(session_id) else None


async def _stays(server: Server, known: Participation, place: PageRules) -> bool:
    """Whether somebody is on the page still when they are shown it: their time for it may be over."""
    await server.enrolment.submit(ShowPage(session_id=known.session_id, page=place.name))
    return (
        place_of(server.enrolment.state.rules.pages, server.enrolment.state.participations[known.session_id]) == place
    )


def _onwards(known: Participation, headers: Mapping[str, str]) -> Response:
    return RedirectResponse(known.session_id, 303, headers=headers)


def _sent(body: bytes) -> Sent:
    try:
        fields = parse_qs(
            body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=FIELDS_MOST
        )
    except ValueError:
        fields = {}
    form = {name.removeprefix(FIELD): given for name, given in fields.items() if name.startswith(FIELD)}
    attempt = _last(fields, "attempt")
    number = int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 4 else 1
    return Sent(_last(fields, "page"), number, _last(fields, "action"), _last(fields, DATA), form)


def _last(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return fields.get(name, [""])[-1]


def _agreed(page: Page, sent: Sent) -> bool | None:
    """The answer to the consent that a page asks for; None where it asks for none, or it was not answered."""
    if page.role == "consent":
        return sent.action == "agree"
    if page.data_consent:
        return {"yes": True, "no": False}.get(sent.data)
    return None


def _way_out(server: Server, known: Participation) -> WayOut:
    """Where somebody goes from the last page."""
    over = known.outcome is not None or known.reason is not None
    declared = server.way_out(known.session_id, known.reason or "") if over else None
    return declared or WayOut(url=_end_url(server, known))


def _end_url(server: Server, known: Participation) -> str | None:
    """Where the settings send everybody who has been in the chat."""
    study = server.host.study
    if known.ended is None:
        return None
    try:
        return treatment_of(study.treatments, known.treatment or "").simulation.end_url
    except KeyError:
        return study.simulation.end_url
