"""Bad connections: nothing is lost, nothing is twice, and everything is in order."""

import asyncio
import json

import pytest
from playwright.async_api import expect

from tests.browser.stage import SENT, Stage

pytestmark = pytest.mark.anyio

BANNER = ".banner"


async def test_a_burst_through_a_cut_is_sent_in_order_once_each(guest):
    texts = [f"burst {index}" for index in range(8)]
    for index, text in enumerate(texts):
        if index == 3:
            await guest.context.set_offline(True)
        await guest.write(text)
    await expect(guest.page.locator(BANNER)).to_have_text("You are offline. Messages will be sent when you are back.")
    await expect(guest.page.locator(".ticks-pending")).not_to_have_count(0)
    await guest.hear("Maren", "what you", "missed")

    await guest.context.set_offline(False)

    await expect(guest.page.locator(SENT)).to_have_count(8)
    await expect(guest.page.locator(BANNER)).to_have_text("")
    shown = [
        text.strip()
        for text in await guest.page.locator(".text").evaluate_all(
            "texts => texts.map((text) => text.firstChild.textContent)"
        )
    ]
    assert await guest.said() == texts
    assert sorted(shown) == sorted([*texts, "what you", "missed"])
    assert [text for text in shown if text in texts] == texts


async def test_what_waits_to_be_sent_survives_a_reload(guest):
    await guest.context.set_offline(True)
    await guest.write("first")
    await guest.write("second")
    await expect(guest.page.locator(".ticks-pending")).to_have_count(2)
    await guest.page.evaluate("window.stop()")
    await guest.context.set_offline(False)
    await guest.page.reload()

    await expect(guest.page.locator(SENT)).to_have_count(2)
    assert await guest.said() == ["first", "second"]


async def test_a_message_whose_acknowledgement_was_lost_is_not_posted_twice(guest):
    cut = {"now": False}
    lost = asyncio.Event()

    async def meet(socket):
        server = socket.connect_to_server()

        def pass_on(text):
            if cut["now"] and json.loads(text)["type"] == "message":
                cut["now"] = False
                lost.set()
                return
            socket.send(text)

        server.on_message(pass_on)
        socket.on_message(server.send)

    await guest.page.route_web_socket("**/ws/**", meet)
    await guest.page.reload()
    await expect(guest.composer).to_be_visible()
    cut["now"] = True
    await guest.write("once")
    await asyncio.wait_for(lost.wait(), 20)
    await expect(guest.page.locator(".ticks-pending")).to_have_count(1)

    await guest.context.set_offline(True)
    await guest.context.set_offline(False)

    await expect(guest.page.locator(SENT)).to_have_count(1)
    assert await guest.said() == ["once"]


async def test_a_server_that_restarts_under_the_page_is_found_again(browser, tmp_path):
    stage = Stage(tmp_path)
    await stage.start()
    async with stage.guest(browser) as guest:
        await guest.say("before")
        await stage.stop()
        await guest.write("meanwhile")
        await expect(guest.page.locator(BANNER)).to_have_text("Connection lost. Reconnecting…")

        await stage.start()

        await expect(guest.page.locator(SENT)).to_have_count(2)
        await guest.hear("Maren", "after")
        await expect(guest.bubble("after")).to_be_visible()
        assert await guest.said() == ["before", "meanwhile"]
        assert guest.faults == []
    await stage.stop()


async def test_the_end_while_offline_is_told_later_with_what_was_not_sent(guest):
    await guest.context.set_offline(True)
    await guest.write("too late")
    await guest.end("duration_expired")
    await guest.context.set_offline(False)

    await expect(guest.page.get_by_role("heading", name="This chat has ended")).to_be_visible()
    await expect(guest.page.locator(".unsent-count")).to_have_text("1 message was not sent.")
    await expect(guest.bubble("too late").locator(".ticks")).to_have_attribute("aria-label", "Not sent")
    assert await guest.said() == []


async def test_a_refused_message_goes_back_to_the_composer_with_its_reason(guest):
    async def allow_more(socket):
        server = socket.connect_to_server()

        def pass_on(text):
            frame = json.loads(text)
            socket.send(json.dumps(frame | {"max_message_chars": 9000}) if frame["type"] == "hello" else text)

        server.on_message(pass_on)
        socket.on_message(server.send)

    await guest.page.route_web_socket("**/ws/**", allow_more)
    await guest.page.reload()
    await expect(guest.page.locator(".title")).to_be_visible()
    await guest.write("x" * 2001)

    await expect(guest.page.get_by_role("alert")).to_have_text("This message was not sent: it is too long.")
    await expect(guest.composer).to_have_value("x" * 2001)
    await expect(guest.composer).to_be_focused()
    await expect(guest.bubbles).to_have_count(0)
    await guest.say("short")
    await expect(guest.page.get_by_role("alert")).to_have_text("")


async def test_a_message_that_is_too_long_is_not_sent(guest):
    await guest.composer.fill("x" * 2003)

    await expect(guest.page.locator(".excess")).to_have_text("3 characters too many")
    await expect(guest.page.locator(".send")).to_be_disabled()


async def test_a_flood_is_sent_slower_but_whole(browser, tmp_path):
    stage = Stage(tmp_path, limits={"frames_burst": 3, "frames_per_second": 5})
    await stage.start()
    async with stage.guest(browser) as guest:
        texts = [f"flood {index}" for index in range(6)]
        for text in texts:
            await guest.write(text)

        await expect(guest.page.locator(SENT)).to_have_count(6)
        assert await guest.said() == texts
    await stage.stop()


async def test_a_draft_survives_a_reload(guest):
    await guest.hear("Maren", "question?")
    await (await guest.menu("question?")).get_by_role("button", name="Reply").click()
    await guest.composer.fill("half an\nanswer")
    await guest.page.reload()

    await expect(guest.composer).to_have_value("half an\nanswer")
    await expect(guest.page.locator(".replying .quote-text")).to_have_text("question?")
