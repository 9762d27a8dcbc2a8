"""For everyone: keyboard, screen readers, contrast, small screens, other scripts and directions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from tests.browser.stage import DESKTOP, PHONE, SMALL, Guest

pytestmark = pytest.mark.anyio


FAULTS = """faults => faults.map(({ id, help, nodes }) =>
    `${id}: ${help}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 150)).join(" ")}`)"""


async def accuse(page: Page, state: str) -> list[str]:
    """What axe finds on a page, one line each."""
    # once a page: bringing it in takes as long as looking
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate(
        f"axe.run({{resultTypes: ['violations']}}).then((found) => ({FAULTS})(found.violations))"
    )
    return [f"{state}: {fault}" for fault in found]


async def fill(guest: Guest) -> None:
    """A conversation that has everything in it."""
    ids = await guest.hear("Maren", "Hello there, see https://ferry.example", "🎉")
    await guest.hear("Tobias", "@You what do you think?", reply_to=ids[0])
    await guest.hear("Leila", "مرحبا بالجميع، كيف حالكم؟", "a longer message " * 12)
    for index, text in enumerate(["I agree", "so do I", "@Maren and you?"]):
        own = await guest.say(text)
        await guest.receipt(own, ["delivered", "read", "read"][index])
    await guest.reaction(ids[0], "Leila", "👍")
    await guest.reaction(ids[0], "Tobias", "❤️")
    await guest.reaction(own, "Tobias", "👍")
    await guest.typing("Viktor Braun", "Leila")


@asynccontextmanager
async def opened(guest: Guest, *names: str) -> AsyncIterator[None]:
    for name in names:
        await guest.page.get_by_role("button", name=name).last.click()
    await expect(guest.page.get_by_role("dialog")).to_be_visible()
    yield
    await guest.page.keyboard.press("Escape")
    await expect(guest.page.get_by_role("dialog")).to_have_count(0)


LOOKS: dict[str, dict[str, Any]] = {
    "phone, light": PHONE,
    "desktop, dark": DESKTOP | {"color_scheme": "dark"},
    "Arabic, dark": PHONE | {"color_scheme": "dark", "locale": "ar"},
}


@pytest.mark.parametrize("look", ["phone, light", "desktop, dark"])
async def test_axe_finds_nothing_in_any_state_of_the_room(stage, browser, look):
    faults: list[str] = []
    async with stage.guest(browser, **LOOKS[look]) as guest:
        page = guest.page
        faults += await accuse(page, "empty")
        await fill(guest)
        faults += await accuse(page, "conversation")
        await guest.menu("see https")
        faults += await accuse(page, "message menu")
        await page.get_by_role("button", name="Report").click()
        faults += await accuse(page, "report")
        await page.keyboard.press("Escape")
        async with opened(guest, "Group info"):
            faults += await accuse(page, "info")
            await page.get_by_role("button", name="Block Tobias").click()
            faults += await accuse(page, "block")
            await page.get_by_role("dialog").get_by_role("button", name="Block Tobias").click()
            faults += await accuse(page, "blocked")
            await page.locator(".title").click()
        async with opened(guest, "Menu"):
            faults += await accuse(page, "menu")
            await page.get_by_role("button", name="Leave the chat").click()
            faults += await accuse(page, "leave")
        await (await guest.menu("see https")).get_by_role("button", name="Reply").click()
        await guest.composer.fill("@")
        await expect(page.get_by_role("option")).to_have_count(4)
        faults += await accuse(page, "reply and mention")
        await guest.composer.fill("x" * 2500)
        faults += await accuse(page, "too long")
        await guest.composer.fill("offline")
        await guest.hear("Maren", *("more " * 60 for _ in range(12)))
        await page.locator(".list").evaluate("list => list.scrollTo(0, 0)")
        await guest.hear("Maren", "and more")
        await expect(page.locator(".pill")).to_be_visible()
        await guest.context.set_offline(True)
        faults += await accuse(page, "offline, pill")
        await page.locator(".send").click()
        await guest.end("duration_expired")
        await guest.context.set_offline(False)
        await expect(page.locator(".unsent-count")).to_be_visible()
        faults += await accuse(page, "end")
        assert guest.faults == []
    assert faults == []


async def test_axe_finds_nothing_where_the_page_mirrors(stage, browser):
    async with stage.guest(browser, **LOOKS["Arabic, dark"]) as guest:
        await fill(guest)
        assert await accuse(guest.page, "Arabic") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_way_in(stage, browser, scheme):
    context = await browser.new_context(color_scheme=scheme)
    page = await context.new_page()
    await page.goto(f"{stage.url}/chat")
    await expect(page.get_by_label("Token")).to_be_visible()
    faults = await accuse(page, "token")
    await page.get_by_label("Token").fill("nonsense")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).not_to_have_text("")
    assert [*faults, *await accuse(page, "wrong token")] == []
    await context.close()


async def test_the_keyboard_alone_leads_from_the_token_to_the_end(stage, browser):
    context = await browser.new_context(locale="en-GB")
    guest = Guest(stage, context, await context.new_page())
    page, press = guest.page, guest.page.keyboard.press
    await page.goto(f"{stage.url}/chat")
    await expect(page.get_by_label("Token")).to_be_focused()
    await page.keyboard.type("1234")
    await press("Enter")
    await expect(page.locator(".title")).to_be_visible()
    await guest.hear("Maren", "first", "second")
    await expect(guest.bubbles).to_have_count(2)

    # to the composer, and a message
    for _ in range(4):
        await press("Tab")
    await expect(guest.composer).to_be_focused()
    await page.keyboard.type("hello")
    await press("Enter")
    await expect(guest.bubble("hello").locator(".ticks-pending")).to_have_count(0)

    # back into the conversation, a reply to the second message
    await press("Shift+Tab")
    await press("ArrowUp")
    await press("ArrowUp")
    await expect(guest.bubble("second")).to_be_focused()
    await press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.get_by_role("button", name="Reply").focus()
    await press("Enter")
    await expect(guest.composer).to_be_focused()
    await page.keyboard.type("indeed")
    await press("Enter")
    await expect(guest.bubble("indeed").locator(".quote")).to_contain_text("second")
    await expect(guest.bubble("indeed").locator(".ticks-pending")).to_have_count(0)

    # from the reply to what it quotes, a reaction, and back to the composer
    await press("Shift+Tab")
    await press("End")
    await press("Enter")
    await page.get_by_role("button", name="Show the quoted message").focus()
    await press("Enter")
    await expect(guest.bubble("second")).to_be_focused()
    await press("Enter")
    await expect(page.get_by_role("button", name="React with 👍")).to_be_focused()
    await press("Enter")
    await expect(guest.bubble("second").locator(".chip")).to_be_visible()
    await expect(guest.bubble("second")).to_be_focused()
    await press("Escape")
    await expect(guest.composer).to_be_focused()

    # out by the menu
    await page.get_by_role("button", name="Menu").focus()
    await press("Enter")
    await page.get_by_role("button", name="Leave the chat").focus()
    await press("Enter")
    await press("Tab")
    await press("Enter")
    await expect(page.get_by_role("heading", name="This chat has ended")).to_be_focused()
    await press("Tab")
    await expect(page.get_by_role("link", name="Continue")).to_be_focused()
    assert guest.faults == []
    await context.close()


async def test_the_page_mirrors_and_texts_keep_their_own_direction(stage, browser):
    async with stage.guest(browser, **PHONE | {"locale": "ar"}) as guest:
        await guest.hear("Maren", "English words", "كلمات عربية")
        own = await guest.say("رسالتي")
        await expect(guest.page.locator("html")).to_have_attribute("dir", "rtl")
        place = "row => (({ left, right }) => [left, right])(row.querySelector('.bubble').getBoundingClientRect())"
        other_left, other_right = await guest.bubble("English").evaluate(place)
        own_left, own_right = await guest.page.locator(f'[data-id="{own}"]').evaluate(place)
        assert other_right > own_right
        assert own_left < other_left
        directions = "text => [getComputedStyle(text).direction, getComputedStyle(text).unicodeBidi]"
        assert await guest.bubble("English").locator(".text").evaluate(directions) == ["ltr", "plaintext"]
        assert await guest.bubble("كلمات").locator(".text").evaluate(directions) == ["rtl", "plaintext"]
        await guest.typing("Tobias")
        await expect(guest.page.locator("p.typing")).to_have_text("\u2068Tobias\u2069 يكتب…")
        assert guest.faults == []


CUT_OFF = """() => [...document.querySelectorAll(".bubble, .text, .meta, .chip, button, textarea, .avatar, .day span")]
    .filter((node) => {
        const { left, right } = node.getBoundingClientRect();
        return left < 0 || right > innerWidth;
    })
    .map((node) => node.className)"""
"""What does not fit between the sides of the screen."""


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
async def test_a_small_screen_and_large_letters_show_everything(stage, browser, locale):
    async with stage.guest(browser, **SMALL | {"locale": locale}) as guest:
        await fill(guest)
        for size in ("100%", "200%"):
            await guest.page.locator("html").evaluate(f"html => html.style.setProperty('font-size', '{size}')")
            assert await guest.page.evaluate(CUT_OFF) == []
            assert await guest.page.evaluate("document.documentElement.scrollWidth") <= 320
            await expect(guest.composer).to_be_in_viewport(ratio=0.9)
            await expect(guest.page.locator(".send")).to_be_in_viewport(ratio=0.9)


async def test_nothing_moves_where_motion_is_not_wanted(stage, browser):
    async with stage.guest(browser, reduced_motion="reduce") as guest:
        await guest.typing("Maren")
        await expect(guest.page.locator(".dots")).to_be_visible()
        still = (
            "() => document.getAnimations().filter((one) => one.effect.getComputedTiming().activeDuration > 1).length"
        )
        assert await guest.page.evaluate(still) == 0
