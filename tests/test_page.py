"""The page's files: what is vendored is unchanged, what is sent is small, safe and kept by the browser."""

import gzip
import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from roomful.settings import ASK
from roomful.web.page import HEADERS, LANGUAGES, STATIC, Page, page_routes, preferred
from roomful.web.views import picture_path
from tests.rooms import settings

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
VENDOR = STATIC / "vendor"
WEIGHT_MOST = 60_000
"""Bytes of the whole page, compressed, with one catalogue."""


@pytest.fixture
def page(tmp_path) -> Page:
    return Page(settings(), tmp_path)


@pytest.fixture
async def client(page) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(page) as found:
        yield found


def client_of(page: Page) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(page_routes(page))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room.example")


def packages() -> list[dict]:
    return json.loads((VENDOR / "vendor.json").read_text())["packages"]


def loaded(html: str) -> list[str]:
    """What a page loads, by the addresses in it."""
    return re.findall(r'(?:src|href)="([^"]+)"', html) + re.findall(r'"\./(static/[^"]+)"', html)


# --- what is vendored


@pytest.mark.parametrize("package", packages(), ids=lambda package: package["name"])
def test_vendored_files_are_the_package_s_own(package):
    folder = VENDOR / package["folder"]
    hashes = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    assert hashes == {name: file["sha256"] for name, file in package["files"].items()}
    assert "LICENSE" in hashes


@pytest.mark.skipif(not (ROOT / "node_modules").is_dir(), reason="npm has installed nothing here")
@pytest.mark.parametrize("package", packages(), ids=lambda package: package["name"])
def test_vendored_files_are_those_of_the_versions_that_types_are_checked_against(package):
    installed = ROOT / "node_modules" / package["name"]

    assert json.loads((installed / "package.json").read_text())["version"] == package["version"]
    for name, file in package["files"].items():
        assert (installed / file["from"]).read_bytes() == (VENDOR / package["folder"] / name).read_bytes()


def test_nothing_is_vendored_without_a_word():
    assert {path.name for path in VENDOR.iterdir()} == {"vendor.json", *(package["folder"] for package in packages())}


# --- what is sent


async def test_everything_that_a_page_loads_is_there(client):
    for language in LANGUAGES:
        html = (await client.get("/chat", headers={"Accept-Language": language})).text
        for path in loaded(html):
            assert (await client.get(path)).status_code == 200, path


async def test_every_module_that_is_imported_is_loaded_with_the_page(client):
    html = (await client.get("/chat")).text
    named = {path.rpartition("/")[2] for path in loaded(html)}
    source = "".join(path.read_text() for path in (STATIC / "chat").rglob("*.js"))

    imported = {
        path.rpartition("/")[2] for path in re.findall(r'^import .*?"(\.[^"]+)";', source, re.DOTALL | re.MULTILINE)
    }

    assert imported - named == set()


async def test_what_begins_before_the_page_is_there_is_asked_for_first(client):
    first, *rest = loaded((await client.get("/chat")).text)

    assert first.endswith("/chat/arrival.js")
    needed = re.findall(r'^import .*"(.*)";', (STATIC / "chat" / "arrival.js").read_text(), re.MULTILINE)
    assert [path.rpartition("/")[2] for path in rest[: len(needed)]] == [path.removeprefix("./") for path in needed]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_whole_page_is_light(client, language):
    response = await client.get("/chat", headers={"Accept-Language": language})
    files = [await client.get(path, headers={"Accept-Encoding": "gzip"}) for path in set(loaded(response.text))]

    weight = len(gzip.compress(response.content)) + sum(int(file.headers["content-length"]) for file in files)

    assert all(file.headers["content-encoding"] == "gzip" for file in files)
    assert weight <= WEIGHT_MOST


async def test_only_our_own_files_may_be_loaded_and_the_import_map_is_known_by_its_hash(client):
    response = await client.get("/chat")
    policy = response.headers["content-security-policy"]
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", response.text, re.DOTALL)

    assert policy.startswith("default-src 'self'; script-src 'self' 'sha256-")
    assert "unsafe" not in policy
    assert len(inline) == 1
    assert f"'sha256-{b64encode(sha256(inline[0].encode()).digest()).decode()}'" in policy
    assert not re.search(r"\son\w+=|\sstyle=|<style", response.text)


async def test_no_module_builds_markup_or_code_from_text():
    source = "".join(path.read_text() for path in (STATIC / "chat").rglob("*.js"))

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://(?!\[)\w", source
    )


async def test_every_answer_has_the_headers_that_keep_others_out(client, page):
    for path in ["/chat", f"/static/{page.version}/chat/main.js", f"/static/{page.version}/chat/icon.svg"]:
        response = await client.get(path)
        assert HEADERS.items() <= {name.title(): value for name, value in response.headers.items()}.items(), path
        assert "default-src 'self'" in response.headers["content-security-policy"]


async def test_files_are_kept_for_ever_under_the_address_of_their_version(client, page):
    response = await client.get(f"/static/{page.version}/chat/main.js")

    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-type"].startswith("text/javascript")
    assert (await client.get("/static/000000000000/chat/main.js")).status_code == 404
    assert (await client.get("/chat")).headers["cache-control"] == "no-cache"


async def test_another_file_gives_another_version(page, tmp_path):
    copy = shutil.copytree(STATIC, tmp_path / "static")
    assert Page(settings(), tmp_path, copy).version == page.version

    (copy / "chat" / "style.css").write_text("")

    assert Page(settings(), tmp_path, copy).version != page.version


@pytest.mark.parametrize("path", ["chat/../../page.py", "chat/index.html", "../page.py", "chat", ""])
async def test_nothing_else_is_served(client, page, path):
    assert (await client.get(f"/static/{page.version}/{path}")).status_code == 404


# --- languages


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,ar;q=0.5,es;q=0.7", "es"),
        ("en;q=0.1, AR", "ar"),
        ("de;q=0,es;q=0.001", "es"),
        ("*;q=0.5, fr", "en"),
        ("de;q=nan,es;q=x,,;", "en"),
    ],
)
def test_the_browser_s_favourite_language_is_found(accepted, language):
    assert preferred(accepted) == language


async def test_the_study_s_language_wins(tmp_path):
    async with client_of(Page(settings(language="ar"), tmp_path)) as client:
        html = (await client.get("/chat", headers={"Accept-Language": "de"})).text

    assert '<html lang="ar" dir="rtl">' in html
    assert "/messages/ar.js" in html
    assert "/messages/de.js" not in html


async def test_the_page_asks_for_a_name_where_the_study_does(tmp_path):
    async with client_of(Page(settings(participant_name=ASK), tmp_path)) as client:
        assert "data-asks-name" in (await client.get("/chat")).text


# --- pictures


async def test_pictures_of_the_study_are_served_under_names_that_tell_nothing(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "bot1.png").write_bytes(b"\x89PNG")
    (tmp_path / "pictures" / "other.png").write_bytes(b"\x89PNG")
    study = replace(settings(), member_pictures={"Alice": "bot1.png"}, group_picture="gone.jpg")

    async with client_of(Page(study, tmp_path)) as client:
        response = await client.get(picture_path("bot1.png"))
        others = [
            await client.get(path)
            for path in ("pictures/bot1.png", picture_path("other.png"), picture_path("gone.jpg"))
        ]

    assert "bot" not in picture_path("bot1.png")
    assert (response.content, response.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert [other.status_code for other in others] == [404, 404, 404]


# --- the modules' own tests


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not there")
def test_the_modules_pass_their_own_tests():
    tests = sorted((ROOT / "tests" / "js").glob("*.test.js"))

    run = subprocess.run(["node", "--test", *tests], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)

    assert tests
    assert run.returncode == 0, run.stdout[-3000:]
