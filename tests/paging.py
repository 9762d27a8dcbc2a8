"""Pages around the chat in a test: studies that have them, and a participant without a browser who fills them in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urljoin

from roomful.core.pages import Page
from roomful.pages import load_pages
from roomful.rules import Fault
from tests.asgi import Response, Web

DOCS = Path(__file__).parent.parent / "docs" / "pages.md"

FORM = ("content-type", "application/x-www-form-urlencoded")


def documented() -> dict[str, str]:
    """The example pages of docs/pages.md, by file."""
    return dict(
        re.findall(
            r"`([\w-]+\.md)`[^`\n]*:\n\n````markdown\n(.*?)^````$", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
    )


def write(folder: Path, pages: Mapping[str, str]) -> Path:
    """A study's folder with these pages."""
    (folder / "pages").mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / "pages" / name).write_text(text, "utf-8")
    return folder


def read(folder: Path, pages: Mapping[str, str]) -> tuple[Page, ...]:
    """These pages, which must have no fault."""
    faults: list[Fault] = []
    found = load_pages(write(folder, pages), faults)
    assert faults == []
    return found


def faults(folder: Path, pages: Mapping[str, str]) -> list[str]:
    """The faults of these pages, each in a line without the folder."""
    found: list[Fault] = []
    load_pages(write(folder, pages), found)
    return [str(fault).removeprefix(f"{folder}/pages/") for fault in found]


def question(**keys: object) -> str:
    """A block; a value that is a list stands below its key."""
    lines = [
        f"{key}:\n" + "\n".join(f"- {item}" for item in value) if isinstance(value, list) else f"{key}: {value}"
        for key, value in keys.items()
    ]
    return "\n".join(["```question", *lines, "```", ""])


@dataclass
class Visitor:
    """Somebody in a browser without JavaScript, cookies or a cache."""

    web: Web
    session_id: str
    headers: Sequence[tuple[str, str]] = (("accept-language", "en"),)
    seen: list[Response] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/session/{self.session_id}"

    @property
    def last(self) -> str:
        return self.seen[-1].body.decode()

    async def look(self) -> Response:
        """Open the page."""
        return self._keep(await self.web.client.get(self.path, headers=self.headers))

    async def send(
        self, action: str = "continue", *, page: str | None = None, attempt: str | None = None, **answers: object
    ) -> Response:
        """Fill in the page that was last seen; answers are named as in the study, `__` for the point of a row."""
        fields: list[tuple[str, object]] = [
            ("page", self.hidden("page") if page is None else page),
            ("attempt", self.hidden("attempt") if attempt is None else attempt),
            ("action", action),
        ]
        for name, given in answers.items():
            called = name if name == "data" else f"q.{name.replace('__', '.')}"
            fields += [(called, one) for one in (given if isinstance(given, list) else [given])]
        body = urlencode(fields).encode()
        return self._keep(await self.web.client.post(self.path, body, headers=[FORM, *self.headers]))

    async def on(self, *args: str, **answers: object) -> str:
        """Fill in the page and follow to the next; return where that is."""
        response = await self.send(*args, **answers)
        assert response.status == 303, self.problems()
        there = urljoin(self.path, response.header("location"))
        if there == self.path:
            response = await self.look()
            if response.status == 303:
                return urljoin(self.path, response.header("location"))
        return there

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.last)
        return unescape(found[1]) if found else ""

    def problems(self) -> list[str]:
        """What the summary at the top says."""
        return [unescape(text).strip() for text in re.findall(r"</a>(.*?)</li>", self.last)]

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.last)
        return unescape(found[1]) if found else ""

    def _keep(self, response: Response) -> Response:
        self.seen.append(response)
        return response
