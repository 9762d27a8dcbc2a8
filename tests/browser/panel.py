"""A panel's site as far as a study sees it: a page that sends a person, and a page that they come back to."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlencode

from roomful.core.enrolment import Outcome
from roomful.enrolment_settings import EntryLink, Panel
from roomful.outcomes import Ending

KEY = "a-key-that-nobody-knows"
BACK = "Back at the panel"
TAKE_PART = "Take part"


@dataclass(frozen=True)
class Kind:
    """How a panel sends people to a study, and where it wants them back."""

    panel: Panel
    sends: Callable[[str], Mapping[str, str]]
    back: str
    sign: bool = False
    return_parameters: tuple[str, ...] = ()

    @property
    def link(self) -> EntryLink:
        return EntryLink(panel=self.panel)


# a value that has to be encoded on both ways
WAVE = "2 & é"

PROLIFIC = Kind(
    "prolific",
    lambda person: {"PROLIFIC_PID": person, "STUDY_ID": "S1", "SESSION_ID": "X1"},
    "/submissions/complete?cc=[CODE]",
)
QUALTRICS = Kind(
    "qualtrics",
    lambda person: {"ResponseID": person, "wave": WAVE},
    "/jfe/form/SV_1?ResponseID=[ResponseID]&outcome=[OUTCOME]&wave=[wave]",
    sign=True,
    return_parameters=("wave",),
)


@dataclass(frozen=True)
class Return:
    """Somebody who came back: who they are by the site's own cookie, and what the address told."""

    person: str
    path: str
    query: str


@dataclass
class Site:
    """The site on a port of its own. `study` is the address of the study that it sends people to."""

    kind: Kind
    url: str = ""
    study: str = ""
    returns: list[Return] = field(default_factory=list)

    def start(self, person: str) -> str:
        """Where the panel's person finds the study."""
        return f"{self.url}/start/{person}"

    def ending(self, outcome: Outcome) -> Ending:
        """What the study is to declare for an outcome."""
        url = self.url + self.kind.back
        return Ending(text=f"This is {outcome}.", code=code_of(outcome), url=url, sign=self.kind.sign)

    def returned(self, person: str) -> list[Return]:
        return [one for one in self.returns if one.person == person]

    def answer(self, target: str, person: str) -> tuple[str, str]:
        """The page at an address, and who it is for."""
        path, _, query = target.partition("?")
        if path.startswith("/start/"):
            person = path.removeprefix("/start/")
            address = f"{self.study}/join?{urlencode(self.kind.sends(person))}"
            return f'<title>The panel</title><a href="{escape(address)}">{TAKE_PART}</a>', person
        self.returns.append(Return(person, path, query))
        return f"<title>{BACK}</title>", person


def code_of(outcome: Outcome) -> str:
    """The completion code of an outcome, unlike all others'."""
    return f"C-{outcome.upper().replace('_', '-')}"


@contextmanager
def site(kind: Kind) -> Iterator[Site]:
    """Run a panel's site on the loopback."""
    found = Site(kind)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/favicon.ico":
                self.send_error(404)
                return
            known = SimpleCookie(self.headers.get("cookie", "")).get("person")
            html, person = found.answer(self.path, known.value if known else "")
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("set-cookie", f"person={person}; Path=/; SameSite=Lax")
            self.end_headers()
            self.wfile.write(f"<!doctype html>{html}".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
