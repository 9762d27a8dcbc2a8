"""A network that goes silent: packets vanish, and no event of the browser's tells of it. Tests move the page's time."""

from contextlib import suppress

import pytest
from playwright.async_api import Locator, expect

from tests.browser.line import Line
from tests.browser.stage import SENT, Guest

pytestmark = pytest.mark.anyio

LOST = "Connection lost. Reconnecting…"
TEXTS = "texts => texts.map((text) => text.firstChild.textContent.trim())"


@pytest.fixture
async def line(stage):
    line = Line(stage.port)
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
async def guest(stage, browser, line):
    """A participant at the far end of the line."""
    context = await browser.new_context(locale="en-GB")
    guest = Guest(stage, context, await context.new_page())
    await guest.page.clock.install()
    await guest.page.goto(f"{line.url}/chat?token=1234")
    await expect(guest.page.locator(".title")).to_be_visible()
    await expect(guest.page.locator(".banner")).to_have_text("")
    yield guest
    assert guest.faults == []
    await context.close()


async def pass_until(guest: Guest, found: Locator, count: int) -> None:
    """Let the page's time pass second by second, so that a try to connect has real time too."""
    for _ in range(40):
        await guest.page.clock.run_for(1_000)
        with suppress(AssertionError):
            await expect(found).to_have_count(count, timeout=400)
            return
    await expect(found).to_have_count(count)


async def test_a_message_without_an_acknowledgement_tells_of_a_silent_network_and_is_posted_once(guest, line):
    banner = guest.page.locator(".banner")
    await guest.say("before")
    line.silence()
    silent = ["into the silence", "and again", "and once more"]
    for text in silent:
        await guest.write(text)
    await guest.composer.fill("half a thought")
    await guest.hear("Maren", "what you", "missed")
    await expect(guest.page.locator(".ticks-pending")).to_have_count(3)
    await expect(banner).to_have_text("")

    await guest.page.clock.run_for(12_000)
    await expect(banner).to_have_text(LOST)
    # tries go on, and each of them meets the same silence
    await guest.page.clock.run_for(60_000)
    await expect(banner).to_have_text(LOST)
    assert await guest.page.evaluate("navigator.onLine")
    assert await guest.said() == ["before"]
    await expect(guest.page.locator(".ticks-pending")).to_have_count(3)
    line.mend()
    await pass_until(guest, guest.page.locator(SENT), 4)

    await expect(banner).to_have_text("")
    await expect(guest.composer).to_have_value("half a thought")
    assert await guest.said() == ["before", *silent]
    shown = await guest.page.locator("article .text").evaluate_all(TEXTS)
    assert sorted(shown) == sorted(["before", *silent, "what you", "missed"])
    assert [text for text in shown if text in silent] == silent


async def test_an_acknowledgement_that_vanishes_does_not_post_twice(guest, line):
    line.silence_down()
    await guest.write("on its way")
    await guest.write("behind it")
    assert await guest.logged("message", 1)

    await guest.page.clock.run_for(12_000)
    await expect(guest.page.locator(".ticks-pending")).to_have_count(2)
    await expect(guest.page.locator(".banner")).to_have_text(LOST)
    line.mend()
    await pass_until(guest, guest.page.locator(SENT), 2)

    assert await guest.said() == ["on its way", "behind it"]
    assert await guest.page.locator("article .text").evaluate_all(TEXTS) == ["on its way", "behind it"]


async def test_a_page_that_only_listens_finds_out_that_nothing_comes_any_more(guest, line):
    banner = guest.page.locator(".banner")
    await guest.hear("Maren", "before")
    await expect(guest.bubble("before")).to_be_visible()
    line.silence()
    await guest.hear("Maren", "into the", "silence")

    # asked after 25 s without a frame, looked at each 25 s, and given 5 s to answer
    await guest.page.clock.run_for(58_000)
    await expect(banner).to_have_text(LOST)
    line.mend()
    await pass_until(guest, guest.bubbles, 3)

    await expect(banner).to_have_text("")
    assert await guest.page.locator("article .text").evaluate_all(TEXTS) == ["before", "into the", "silence"]
    await guest.say("after")
    assert await guest.said() == ["after"]


async def test_a_page_that_hears_nothing_on_a_line_that_works_stays_as_it_is(guest):
    opened, asked = [], []
    guest.page.on("websocket", lambda socket: opened.append(socket.url))
    guest.page.on("requestfinished", lambda request: asked.append(request.url))

    async with guest.page.expect_request_finished():
        # in steps: an answer takes real time, and must not be late in the page's
        for _ in range(60):
            await guest.page.clock.run_for(1000)

    await guest.say("still here")
    await expect(guest.page.locator(".banner")).to_have_text("")
    assert {url.rpartition("/")[2] for url in asked} == {"health"}
    assert opened == []
