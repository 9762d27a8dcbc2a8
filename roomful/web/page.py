"""The participant's page: its files as they are sent, and the headers that keep everything else out."""

import gzip
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from roomful.core.study import SimulationSettings
from roomful.settings import ASK, PICTURES
from roomful.web.views import picture_path

STATIC = Path(__file__).parent / "static"

LANGUAGES: Mapping[str, str] = {"en": "ltr", "de": "ltr", "es": "ltr", "ar": "rtl"}
"""The catalogues there are, and the direction in which each is read."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # the page's address holds the token
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FOREVER = "public, max-age=31536000, immutable"
_HTML = '<html lang="en" dir="ltr">'
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class File:
    """A static file in memory, as it is and compressed."""

    content: bytes
    packed: bytes
    media_type: str


def read_files(folder: Path) -> dict[str, File]:
    """Read all that the page may load, by path within the folder."""
    files: dict[str, File] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".html"):
        content = path.read_bytes()
        media_type = guess_type(path.name)[0] or "text/plain"
        files[path.relative_to(folder).as_posix()] = File(content, gzip.compress(content, mtime=0), media_type)
    return files


class Page:
    """The page of one study. A file's address has the version of all files, so that a browser may keep it for ever."""

    def __init__(
        self,
        study: SimulationSettings,
        folder: Path,
        static: Path = STATIC,
        arms: Iterable[SimulationSettings] = (),
        *,
        has_pages: bool = False,
    ) -> None:
        """The page is the same in all arms of a study; what they have of their own are pictures.

        With `has_pages` there are others around the chat.
        """
        self.files = read_files(static)
        self.version = sha256(b"".join(file.content for file in self.files.values())).hexdigest()[:12]
        self.pictures = {
            picture_path(file): folder / PICTURES / file for arm in (study, *arms) for file in _pictures(arm)
        }
        self._language = study.language
        self._asks_name = study.participant_name == ASK
        self._has_pages = has_pages
        source = (static / "chat" / "index.html").read_text("utf-8").replace("static/", f"static/{self.version}/")
        self._pages = {language: self._render(source, language) for language in LANGUAGES}
        self.policy = _policy(source)

    def html(self, accepted: str) -> str:
        """The page in the study's language, else in the first one of an `Accept-Language` header that we have."""
        return self._pages[self.language(accepted)]

    def language(self, accepted: str) -> str:
        """The study's language, else the first one of an `Accept-Language` header that we have."""
        return self._language or preferred(accepted)

    def _render(self, source: str, language: str) -> str:
        name = " data-asks-name" if self._asks_name else ""
        name += " data-pages" if self._has_pages else ""
        # low: what is asked of the server for the participant goes before them
        loads = "\n    ".join(
            f'<link rel="modulepreload" href="{path}" fetchpriority="low" />' for path in self._modules(language)
        )
        page = source.replace(_HTML, f'<html lang="{language}" dir="{LANGUAGES[language]}"{name}>')
        # all at once, not one import after another: each round trip counts on a slow line
        return page.replace("</script>\n  </head>", f"</script>\n    {loads}\n  </head>")

    def _modules(self, language: str) -> Iterator[str]:
        for path in self.files:
            other = "/messages/" in path and not path.endswith(f"/{language}.js")
            if path.startswith(("chat/", "vendor/")) and path.endswith((".js", ".mjs")) and not other:
                yield f"static/{self.version}/{path}"


def _pictures(study: SimulationSettings) -> set[str]:
    return {*study.member_pictures.values(), *([study.group_picture] if study.group_picture else [])}


def _policy(page: str) -> str:
    """Everything from here alone; the import map, which must stand in the page, is known by its hash."""
    found = _IMPORT_MAP.search(page)
    if found is None:
        raise ValueError("chat/index.html has no import map")
    digest = b64encode(sha256(found[1].encode()).digest()).decode()
    rest = "object-src 'none'; base-uri 'none'; form-action 'self'"
    return f"default-src 'self'; script-src 'self' 'sha256-{digest}'; {rest}"


def preferred(accepted: str) -> str:
    """The language of ours that an `Accept-Language` header likes best; English when there is none."""
    choices: list[tuple[float, str]] = []
    for item in accepted.split(","):
        name, _, weight = item.partition(";q=")
        language = name.strip().lower().partition("-")[0]
        if language in LANGUAGES and re.fullmatch(r"([01](\.\d{0,3})?)?", weight.strip()):
            choices.append((-float(weight.strip() or 1), language))
    # the sort is stable: of equals the first
    best = sorted((weight, index, language) for index, (weight, language) in enumerate(choices) if weight < 0)
    return best[0][2] if best else "en"


def page_routes(page: Page) -> APIRouter:
    """Make the routes of a study's page."""
    router = APIRouter(include_in_schema=False)
    headers = HEADERS | {"Content-Security-Policy": page.policy}

    @router.get("/chat")
    async def chat(request: Request) -> Response:
        html = page.html(request.headers.get("accept-language", ""))
        vary = {"Cache-Control": "no-cache", "Vary": "Accept-Language"}
        return Response(html, media_type="text/html", headers=headers | vary)

    @router.get("/static/{path:path}")
    async def static(path: str, request: Request) -> Response:
        version, _, name = path.partition("/")
        file = page.files.get(name)
        if file is None or version != page.version:
            raise HTTPException(404)
        kept = headers | {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.content, media_type=file.media_type, headers=kept)
        return Response(file.packed, media_type=file.media_type, headers=kept | {"Content-Encoding": "gzip"})

    @router.get("/pictures/{name}")
    def picture(name: str) -> Response:
        path = page.pictures.get(f"pictures/{name}")
        if path is None or not path.is_file():
            raise HTTPException(404)
        kept = headers | {"Cache-Control": "private, max-age=3600"}
        return Response(path.read_bytes(), media_type=guess_type(name)[0], headers=kept)

    return router
