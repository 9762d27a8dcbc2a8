"""The way in and out: tokens, coming back, other windows, the end."""

from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from roomful.settings import ASK
from tests.browser.stage import DESKTOP, PHONE, Stage, quiet_room

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def visitor(browser, **options):
    context = await browser.new_context(**{"locale": "en-GB"} | options)
    yield await context.new_page()
    await context.close()


async def test_without_a_token_a_field_asks_for_it_and_a_wrong_one_is_told(stage, browser):
    async with visitor(browser, **PHONE) as page:
        await page.goto(f"{stage.url}/")
        await expect(page.get_by_label("Token")).to_be_focused()
        await page.get_by_label("Token").fill("nonsense")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("This token is not valid. Please check it and try again.")

        await page.get_by_label("Token").fill("1234")
        await page.keyboard.press("Enter")
        await expect(page.locator(".title h1")).to_have_text("Harbour Street")
        assert page.url == f"{stage.url}/chat?token=1234"


async def test_a_wrong_token_in_a_link_is_told_beside_the_field(stage, browser):
    async with visitor(browser) as page:
        await page.goto(f"{stage.url}/chat?token=nonsense")
        await expect(page.get_by_role("alert")).to_have_text("This token is not valid. Please check it and try again.")
        await expect(page.get_by_label("Token")).to_have_value("nonsense")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (403, "This token cannot be used now: the study is closed or paused. Please try again later."),
        (409, "All places are taken at the moment. Please try again later."),
        (410, "This token has been used already."),
        (429, "Too many people are joining at once. Please wait a minute and try again."),
        (503, "The chat cannot be reached. Please check your connection and try again."),
    ],
)
async def test_whoever_cannot_come_in_is_told_why(stage, browser, status, sentence):
    async with visitor(browser) as page:
        await page.route("**/session/start", lambda route: route.fulfill(status=status, json={"detail": "no"}))
        await page.goto(f"{stage.url}/chat?token=1234")
        await expect(page.get_by_role("alert")).to_have_text(sentence)


async def test_a_study_that_lets_participants_choose_asks_for_the_name(browser, tmp_path):
    stage = Stage(tmp_path, quiet_room(participant_name=ASK))
    await stage.start()
    async with visitor(browser) as page:
        await page.goto(f"{stage.url}/chat?token=1234")
        await expect(page.get_by_label("Your name in the chat")).to_be_focused()
        await page.keyboard.type("Maren")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("that nobody in the chat has")

        await page.get_by_label("Your name in the chat").fill("Kim")
        await page.keyboard.press("Enter")
        await expect(page.locator(".title-members")).to_contain_text("you")
    await stage.stop()


async def test_a_reload_comes_back_to_the_same_room_at_the_same_place(guest):
    await guest.hear("Maren", *(f"line {index:02}!" for index in range(60)))
    await guest.say("mine")
    session_id = guest.session_id
    await guest.page.locator(".list").evaluate("list => list.scrollTo(0, 900)")
    await expect(guest.page.locator(".pill")).to_be_visible()
    top = "() => document.elementFromPoint(640, 130).closest('article').dataset.id"
    place = await guest.page.evaluate(top)

    await guest.page.reload()

    await expect(guest.bubbles).to_have_count(61)
    assert guest.session_id == session_id
    await expect(guest.page.locator(f'[data-id="{place}"]')).to_be_in_viewport()


async def test_after_a_browser_restart_what_is_new_is_marked(guest, browser):
    await guest.hear("Maren", "before")
    await expect(guest.bubble("before")).to_be_visible()
    kept = await guest.context.storage_state()
    await guest.page.close()
    await guest.hear("Tobias", "while you", "were away")

    context = await browser.new_context(storage_state=kept, locale="en-GB")
    page = await context.new_page()
    await page.goto(f"{guest.stage.url}/chat?token=1234")

    await expect(page.locator("article .bubble")).to_have_count(3)
    await expect(page.locator(".unread")).to_have_text("2 new messages")
    await context.close()


async def test_a_session_that_the_server_has_lost_leads_back_to_the_token(stage, browser):
    async with visitor(browser) as page:
        await page.goto(f"{stage.url}/chat")
        gone = "00000000-0000-4000-8000-0000000000aa"
        await page.evaluate("id => localStorage.setItem('roomful:token:1234', JSON.stringify(id))", gone)
        await page.goto(f"{stage.url}/chat?token=1234")

        await expect(page.get_by_role("alert")).to_contain_text("This chat is no longer here")
        await page.keyboard.press("Enter")
        await expect(page.locator(".title h1")).to_have_text("Harbour Street")


async def test_a_newer_window_takes_the_room_over_and_can_give_it_back(guest):
    await guest.hear("Maren", "hello")
    await expect(guest.bubble("hello")).to_be_visible()
    other = await guest.context.new_page()
    await other.goto(guest.page.url)
    await expect(other.locator("article .bubble")).to_have_count(1)

    await expect(guest.page.locator(".banner")).to_contain_text("This chat is open in another window.")
    await guest.hear("Maren", "only there")
    await expect(other.locator("article .bubble")).to_have_count(2)
    await expect(guest.bubbles).to_have_count(1)

    await guest.page.get_by_role("button", name="Use it here").click()
    await expect(guest.bubbles).to_have_count(2)
    await expect(other.locator(".banner")).to_contain_text("This chat is open in another window.")
    await expect(guest.page.locator(".banner")).to_have_text("")


@pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_end_says_so_takes_no_more_and_shows_where_to_go(stage, browser, device):
    async with stage.guest(browser, **device) as guest:
        await guest.hear("Maren", "bye")
        await guest.composer.fill("half a thought")

        await guest.end("duration_expired")

        for _ in range(2):
            await expect(guest.page.get_by_role("heading", name="This chat has ended")).to_be_focused()
            await expect(guest.page.locator(".end p")).to_have_text("Thank you! The questions come next.")
            link = guest.page.get_by_role("link", name="Continue")
            await expect(link).to_have_attribute("href", "https://example.org/questions")
            await expect(guest.composer).to_have_count(0)
            await expect(guest.bubble("bye")).to_be_in_viewport()
            await guest.page.reload()
        assert guest.faults == []


async def test_whoever_leaves_confirms_it(guest):
    await guest.page.get_by_role("button", name="Menu").click()
    await guest.page.get_by_role("button", name="Leave the chat").click()
    await guest.page.get_by_role("button", name="Stay").click()
    await expect(guest.composer).to_be_visible()

    await guest.page.get_by_role("button", name="Menu").click()
    await guest.page.get_by_role("button", name="Leave the chat").click()
    await guest.page.get_by_role("dialog").get_by_role("button", name="Leave the chat").click()

    await expect(guest.page.get_by_role("heading", name="This chat has ended")).to_be_visible()
    assert [data["reason"] for data in await guest.logged("session_end", 1)] == ["participant_left"]
