"""Coming in: by a token, by a link, back to one's own session; and why somebody may not."""

from collections.abc import Mapping
from unicodedata import normalize

import structlog
from fastapi import Request, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from roomful.core.admission import Arrive, participation_of
from roomful.core.decide import Refused
from roomful.core.events import USER
from roomful.core.roster import StudyState
from roomful.host import Full, new_id
from roomful.rules import NAME, Wrong
from roomful.settings import ASK
from roomful.store import StoreError
from roomful.token_file import hashed
from roomful.web.access import client_address, is_demo
from roomful.web.server import Server

_log = structlog.get_logger()

NAME_MOST = 60
"""Characters of the name that a participant chooses."""

STATUSES: Mapping[str, int] = {
    "unknown_token": 401,
    "unknown_link": 401,
    "too_early": 403,
    "too_late": 403,
    "paused": 403,
    "budget": 403,
    "full": 409,
    "quota_full": 409,
    "second": 409,
    "too_many": 429,
    "unavailable": 503,
}
"""Why somebody is not let in, and the status of the answer."""

_DETAILS: Mapping[str, str] = {
    "unknown_token": "Invalid token",
    "unknown_link": "This link is not open.",
    "too_early": "The study has not begun yet.",
    "too_late": "The study is over.",
    "paused": "The study is paused. Please try again later.",
    "budget": "The study is paused for today. Please come back tomorrow.",
    "full": "All places are taken at the moment. Please try again later.",
    "quota_full": "The study has all the participants that it needs.",
    "second": "You have taken part already.",
    "too_many": "Too many starts from this address. Please try again in a minute.",
    "unavailable": "The server cannot take anybody at the moment. Please try again later.",
}


class Started(BaseModel):
    """A session that was given out. Its clock starts when `/ws/{session_id}` is opened."""

    session_id: str
    message: str
    next: str
    """Where to go, relative to the server's address; the same for every treatment."""


class Denied(Exception):
    """Somebody is not let in: `reason` is one of `STATUSES`, `detail` a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = STATUSES[reason]
        self.detail = _DETAILS[reason]
        # for programs, where a status may have several reasons; the answer to a wrong token is its sentence alone
        told = self.status in (403, 409) or reason == "unknown_link"
        self.body = {"detail": self.detail} | ({"reason": reason} if told else {})


def server_of(request: Request | WebSocket) -> Server:
    """The server that answers a request."""
    server: Server = request.app.state.server
    return server


def check_pace(server: Server, request: Request) -> None:
    """Raise Denied when too many start from one address."""
    peer = request.client.host if request.client else ""
    address = client_address(peer, request.headers.getlist("x-forwarded-for"), server.settings.trusted_proxies)
    if not server.starts.allows(address):
        raise Denied("too_many")


def arrival_by_token(token: str) -> Arrive:
    """Somebody's arrival with a token."""
    return Arrive(session_id=new_id(), token=None if is_demo(token) else hashed(token))


async def let_in(server: Server, arrival: Arrive, name: str | None) -> Started:
    """Give out a session, or the one that somebody has. Raises Denied, and RequestValidationError for the name."""
    try:
        known = participation_of(server.enrolment.state, arrival)
        if known is None:
            await _check_place(server, arrival)
        given_out = known is not None and await server.host.store.find(known.session_id) is not None
        about = {} if given_out else await _about(server, arrival, name)
        known = await server.enrolment.arrive(arrival)
        if not given_out:
            await server.host.give_out(known.session_id, known.arrived, about | {"treatment": known.treatment})
    except Full as fault:
        raise Denied("full") from fault
    except StoreError as fault:
        raise Denied("unavailable") from fault
    except Refused as refusal:
        if refusal.reason not in STATUSES:
            _log.error("arrival_not_taken", reason=refusal.reason, why=str(refusal))
        raise Denied(refusal.reason if refusal.reason in STATUSES else "unavailable") from refusal
    return Started(
        session_id=known.session_id,
        message="Welcome!" if server.has_pages else "Welcome! The room is open.",
        # the same for everybody, however far they are: there they are led on
        next=f"session/{known.session_id}" if server.has_pages else f"chat?session={known.session_id}",
    )


async def _check_place(server: Server, arrival: Arrive) -> None:
    """Raise Denied or Full where the server has no place for anybody new, whatever the study says."""
    if server.host.closing:
        raise Denied("unavailable")
    state = server.enrolment.state
    if arrival.token is not None and arrival.token not in state.tokens:
        # another process may have made it meanwhile
        state = await server.enrolment.look()
    if not _has_way_in(state, arrival):
        # which is what they are told, whatever else there is to say
        return
    if server.budget.exceeded():
        raise Denied("budget")
    if server.silent_script and state.guarded:
        _log.error("agents_are_scripted", why="participants may come, and no GEMINI_API_KEY")
        raise Denied("unavailable")
    server.host.check_room()


def _has_way_in(state: StudyState, arrival: Arrive) -> bool:
    """Whether there is such a token, or the demo token is taken, or it is a link."""
    if arrival.token is not None:
        return arrival.token in state.tokens
    return arrival.link is not None or not state.guarded


async def _about(server: Server, arrival: Arrive, name: str | None) -> dict[str, object]:
    """What the session needs to know beside its treatment; who comes back to theirs has a name."""
    if server.host.study.simulation.participant_name != ASK:
        return {}
    # who is not let in is told that, and not that the name is wrong
    await server.enrolment.check(arrival)
    return {"participant_name": _name(name, server)}


def _name(name: str | None, server: Server) -> str:
    """The name a participant has chosen, checked like the agents' names."""
    # of all treatments: which names are refused must not tell in which one this is
    arms = server.host.study.treatments
    taken = {_looks(agent) for arm in arms for agent in arm.simulation.agent_names} | {USER}
    try:
        chosen = NAME.read((name or "").strip()[: NAME_MOST + 1])
    except Wrong as wrong:
        raise _name_fault("name_missing", "Please choose a name.") from wrong
    if len(chosen) > NAME_MOST:
        raise _name_fault("name_long", f"Please choose a name of at most {NAME_MOST} characters.")
    if _looks(chosen) in taken:
        raise _name_fault("name_taken", "There is somebody of this name in the group. Please choose another.")
    return chosen


def _looks(name: str) -> str:
    """What two names have in common that look alike: capitals and full-width letters make no other name."""
    return normalize("NFKC", normalize("NFKC", name).casefold())


def _name_fault(kind: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", "name"), "type": kind, "msg": message}])
