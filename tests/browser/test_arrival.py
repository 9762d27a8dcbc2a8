"""What goes to the server before the page is there: asked once, taken over whole, and given up where that is due."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Page, Request, expect
from playwright.async_api import WebSocket as Socket

from roomful.settings import ASK
from tests.browser.stage import Guest, Stage, quiet_room
from tests.paging import documented, read

pytestmark = pytest.mark.anyio

READ = "texts => texts.map((text) => text.firstChild.textContent.trim())"
GONE = "00000000-0000-4000-8000-0000000000aa"
ARRIVED = "() => import(document.querySelector('script[src*=arrival]').src).then(() => true)"
LOADED = """() => document.readyState !== "loading"
    && [...document.querySelectorAll("link[rel=modulepreload]")].every(({ href }) =>
        href.endsWith("/chat/main.js") || performance.getEntriesByName(href).length > 0)"""
"""All other modules are there."""


class Slow:
    """A page whose last module does not come until it is let, and what goes to the server meanwhile."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets: list[Socket] = []
        self.frames: list[dict[str, Any]] = []
        self.starts: list[Request] = []
        self._let = asyncio.Event()
        page.on("websocket", self._opened)
        page.on("request", lambda request: self.starts.append(request) if request.method == "POST" else None)

    async def hold(self) -> None:
        self._let.clear()
        await self.page.route("**/chat/main.js", self._wait)

    async def _wait(self, route: Any) -> None:
        answer = await route.fetch()
        await self._let.wait()
        # a page that has gone meanwhile wants it no more
        with suppress(Error):
            await route.fulfill(response=answer)

    def let(self) -> None:
        self._let.set()

    def _opened(self, socket: Socket) -> None:
        self.sockets.append(socket)
        socket.on("framereceived", lambda text: self.frames.extend(unpacked(json.loads(text))))

    async def comes(self, path: str) -> None:
        await self.hold()
        await self.page.goto(path, wait_until="commit")
        await self.page.evaluate(ARRIVED)
        assert await self.page.locator("#app > *").count() == 0

    async def all_but_the_last(self) -> None:
        """Wait for the other modules: what happens to the network from now on happens to the room alone."""
        await self.page.wait_for_function(LOADED)

    async def hears(self, content: str) -> None:
        await until(lambda: any(frame.get("content") == content for frame in self.frames))

    async def greeted(self, count: int = 1) -> None:
        await until(lambda: [frame["type"] for frame in self.frames].count("hello") == count)

    @property
    def session_id(self) -> str:
        return self.sockets[-1].url.rpartition("/")[2].partition("?")[0]


def unpacked(frame: dict[str, Any]) -> list[dict[str, Any]]:
    return frame["frames"] if frame["type"] == "batch" else [frame]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def visitor(browser: Browser) -> AsyncIterator[Slow]:
    context = await browser.new_context(locale="en-GB")
    async with within(context) as slow:
        yield slow
    await context.close()


@asynccontextmanager
async def within(context: BrowserContext) -> AsyncIterator[Slow]:
    """A further window of a browser."""
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    slow = Slow(page)
    yield slow
    slow.let()
    await page.close()
    assert faults == []


@pytest.fixture
async def guest(stage: Stage, browser: Browser) -> AsyncIterator[Guest]:
    """A participant in a browser that has nothing of the page yet but what this window brought."""
    async with stage.guest(browser) as guest:
        yield guest
        assert guest.faults == []


@pytest.fixture
async def window(guest: Guest) -> AsyncIterator[Slow]:
    """A new window of a participant who has a session."""
    async with within(guest.context) as slow:
        yield slow


def where(guest: Guest) -> str:
    return guest.stage.url + "/chat?token=1234"


# --- taken over


async def test_a_known_room_comes_while_the_page_is_under_way_and_nothing_of_it_is_lost_or_twice(guest, window):
    await guest.hear("Maren", "one", "two")
    await window.comes(where(guest))
    await window.hears("two")
    await guest.hear("Tobias", "meanwhile")
    await window.hears("meanwhile")

    window.let()

    texts = window.page.locator("article .text")
    await expect(texts).to_have_count(3)
    assert await texts.evaluate_all(READ) == ["one", "two", "meanwhile"]
    await window.page.locator("textarea").fill("here")
    await window.page.keyboard.press("Enter")
    await expect(window.page.locator(".own .ticks:not(.ticks-pending)")).to_have_count(1)
    assert await guest.said() == ["here"]
    await expect(window.page.locator(".banner")).to_have_text("")
    assert len(window.sockets) == 1
    assert window.starts == []


async def test_a_session_in_the_address_comes_while_the_page_is_under_way(guest, browser):
    await guest.hear("Maren", "hello")
    async with visitor(browser) as slow:
        await slow.comes(f"{guest.stage.url}/chat?session={guest.session_id}")
        await slow.hears("hello")
        slow.let()
        await expect(slow.page.locator("article")).to_have_count(1)
        assert len(slow.sockets) == 1


async def test_a_new_token_is_asked_for_once_and_its_room_comes_while_the_page_is_under_way(stage, browser):
    async with visitor(browser) as slow:
        await slow.comes(f"{stage.url}/chat?token=1234")
        await slow.greeted()

        slow.let()

        await expect(slow.page.locator(".title h1")).to_have_text("Harbour Street")
        assert slow.page.url == f"{stage.url}/chat?token=1234"
        assert [request.post_data_json for request in slow.starts] == [{"token": "1234"}]
        assert len(slow.sockets) == 1


async def test_who_reloads_before_the_page_is_there_gets_the_same_room(stage, browser):
    async with visitor(browser) as slow:
        await slow.comes(f"{stage.url}/chat?token=1234")
        await slow.greeted()
        first = slow.session_id

        await slow.page.reload(wait_until="commit")
        await slow.greeted(2)
        slow.let()

        await expect(slow.page.locator(".title h1")).to_have_text("Harbour Street")
        assert slow.session_id == first
        assert len(slow.starts) == 1


async def test_who_goes_away_before_the_page_is_there_and_comes_back_is_in_the_room(guest, window):
    await guest.hear("Maren", "hello")
    await window.comes(where(guest))
    await window.hears("hello")
    await window.page.goto(f"{guest.stage.url}/join", wait_until="commit")

    window.let()
    await window.page.go_back(wait_until="commit")

    await expect(window.page.locator("article")).to_have_count(1)
    await guest.hear("Tobias", "welcome back")
    await expect(window.page.locator("article")).to_have_count(2)
    await expect(window.page.locator(".banner")).to_have_text("")


# --- not begun


async def test_nothing_begins_before_a_name_is_chosen(browser, tmp_path):
    stage = Stage(tmp_path, quiet_room(participant_name=ASK))
    await stage.start()
    async with visitor(browser) as slow:
        await slow.comes(f"{stage.url}/chat?token=1234")
        slow.let()
        await slow.page.get_by_label("Your name in the chat").fill("Kim")
        assert (slow.starts, slow.sockets) == ([], [])
        await slow.page.keyboard.press("Enter")

        await expect(slow.page.locator(".title-members")).to_contain_text("you")
        assert [request.post_data_json for request in slow.starts] == [{"token": "1234", "name": "Kim"}]
        assert len(slow.sockets) == 1
    await stage.stop()


async def test_nothing_begins_without_a_token(stage, browser):
    async with visitor(browser) as slow:
        await slow.comes(f"{stage.url}/chat")
        slow.let()
        await expect(slow.page.get_by_label("Token")).to_be_focused()
        assert (slow.starts, slow.sockets) == ([], [])


async def test_no_room_is_opened_ahead_of_the_pages_around_it(browser, tmp_path):
    stage = Stage(tmp_path, pages=read(tmp_path, documented()))
    await stage.start()
    async with visitor(browser) as slow:
        await slow.comes(f"{stage.url}/chat?token=1234")
        await until(lambda: len(slow.starts) == 1)

        slow.let()

        await expect(slow.page).to_have_title("Taking part")
        assert len(slow.starts) == 1
        assert slow.sockets == []
        # who takes the chat's address before its time is led back
        await slow.comes(f"{stage.url}/chat?token=1234")
        slow.let()
        await expect(slow.page).to_have_title("Taking part")
    await stage.stop()


async def test_without_scripts_nothing_begins(stage, browser):
    before = set(stage.app.state.server.enrolment.state.participations)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{stage.url}/chat?token=1234")
    await context.close()
    assert set(stage.app.state.server.enrolment.state.participations) == before


# --- refused, closed, lost before anybody took it


async def test_a_wrong_token_is_told_and_the_next_try_is_asked_anew(stage, browser):
    async with visitor(browser) as slow:
        await slow.comes(f"{stage.url}/chat?token=nonsense")
        await until(lambda: len(slow.starts) == 1)
        slow.let()
        told = slow.page.get_by_role("alert")
        await expect(told).to_have_text("This token is not valid. Please check it and try again.")
        assert (len(slow.starts), slow.sockets) == (1, [])

        async with slow.page.expect_response("**/session/start"):
            await slow.page.keyboard.press("Enter")
        await slow.page.get_by_label("Token").fill("1234")
        await slow.page.keyboard.press("Enter")

        await expect(slow.page.locator(".title h1")).to_have_text("Harbour Street")
        assert [request.post_data_json["token"] for request in slow.starts] == ["nonsense", "nonsense", "1234"]
        assert slow.page.url.endswith("/chat?token=1234")


async def test_a_server_that_cannot_be_asked_is_told(stage, browser):
    async with visitor(browser) as slow:
        await slow.page.route("**/session/start", lambda route: route.abort())
        await slow.page.goto(f"{stage.url}/chat?token=1234")
        await expect(slow.page.get_by_role("alert")).to_have_text(
            "The chat cannot be reached. Please check your connection and try again."
        )
        assert len(slow.starts) == 1


async def test_a_session_that_is_gone_leads_back_to_the_token(guest, window):
    await guest.page.evaluate("id => localStorage.setItem('roomful:token:1234', JSON.stringify(id))", GONE)
    await window.comes(where(guest))
    await until(lambda: len(window.sockets) == 1 and window.sockets[0].is_closed())

    window.let()

    await expect(window.page.get_by_role("alert")).to_contain_text("This chat is no longer here")
    assert len(window.sockets) == 1


async def test_a_window_that_is_superseded_before_it_is_there_says_so(guest, window):
    await window.comes(where(guest))
    await window.greeted()
    await expect(guest.page.locator(".banner")).to_contain_text("This chat is open in another window.")
    await guest.page.get_by_role("button", name="Use it here").click()
    await until(window.sockets[0].is_closed)

    window.let()

    await expect(window.page.locator(".banner")).to_contain_text("This chat is open in another window.")
    await expect(guest.page.locator(".banner")).to_have_text("")
    assert len(window.sockets) == 1
    await window.page.get_by_role("button", name="Use it here").click()
    await expect(guest.page.locator(".banner")).to_contain_text("This chat is open in another window.")


async def test_a_server_that_is_full_is_told_and_tried_again(guest, window):
    async def close(socket):
        await socket.close(code=1013)

    await window.page.clock.install()
    await window.page.route_web_socket("**/ws/**", close)
    await window.comes(where(guest))
    window.let()
    await expect(window.page.locator(".banner")).to_have_text("The chat is full at the moment. Trying again…")

    await window.page.unroute_all()
    await window.page.route_web_socket("**/ws/**", lambda socket: socket.connect_to_server() and None)
    await window.page.clock.run_for(5_000)

    await expect(window.page.locator(".title h1")).to_have_text("Harbour Street")


async def test_a_socket_that_closes_before_it_is_taken_is_opened_again_where_it_was(guest, window):
    asked, closed = [], asyncio.Event()

    async def meet(socket):
        asked.append(socket.url.partition("?")[2])
        server = socket.connect_to_server()
        if len(asked) > 1:
            return

        def pass_on(text):
            socket.send(text)
            if "before" in text:
                asyncio.get_running_loop().create_task(socket.close(code=1012)).add_done_callback(
                    lambda _: closed.set()
                )

        server.on_message(pass_on)

    await guest.hear("Maren", "before")
    await window.page.route_web_socket("**/ws/**", meet)
    await window.comes(where(guest))
    await asyncio.wait_for(closed.wait(), 20)
    await guest.hear("Tobias", "after")

    window.let()

    await expect(window.page.locator("article")).to_have_count(2)
    assert await window.page.locator("article .text").evaluate_all(READ) == ["before", "after"]
    first, second = asked
    assert first.startswith("after=0&")
    assert not second.startswith("after=0&")


async def test_a_network_that_was_away_meanwhile_is_not_trusted(guest, window):
    await guest.hear("Maren", "before")
    await window.comes(where(guest))
    await window.hears("before")
    await window.all_but_the_last()
    await guest.context.set_offline(True)
    await guest.context.set_offline(False)
    await guest.hear("Tobias", "after")

    window.let()

    await expect(window.page.locator("article")).to_have_count(2)
    await expect(window.page.locator(".banner")).to_have_text("")
    assert len(window.sockets) == 2


async def test_a_page_that_is_there_at_last_while_offline_says_so_and_comes_in_later(guest, window):
    await guest.hear("Maren", "hello")
    await window.comes(where(guest))
    await window.hears("hello")
    await window.all_but_the_last()
    await guest.context.set_offline(True)
    window.let()
    await expect(window.page.locator(".banner")).to_contain_text("You are offline.")

    await guest.context.set_offline(False)

    await expect(window.page.locator("article")).to_have_count(1)
    await expect(window.page.locator(".banner")).to_have_text("")


async def test_a_page_that_does_not_come_leaves_the_room(guest, window):
    await guest.page.close()
    await window.page.clock.install()
    await window.comes(where(guest))
    await window.greeted()

    await window.page.clock.run_for(16_000)

    await until(lambda: guest.stage.room(guest.session_id).socket is None)
    window.let()
    await expect(window.page.locator(".title h1")).to_have_text("Harbour Street")
    await until(lambda: guest.stage.room(guest.session_id).socket is not None)


async def test_an_end_that_came_meanwhile_is_told(guest, window):
    await guest.hear("Maren", "bye")
    await window.comes(where(guest))
    await window.hears("bye")
    await guest.end("duration_expired")
    await until(window.sockets[0].is_closed)

    window.let()

    await expect(window.page.get_by_role("heading", name="This chat has ended")).to_be_visible()
    await expect(window.page.locator("article")).to_have_count(1)
    assert len(window.sockets) == 1
