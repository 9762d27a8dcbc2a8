"""The pages around the chat in a real browser: for everybody, with and without scripts, and on to the chat and back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from roomful.core.admission import Arrive
from roomful.host import new_id
from tests.browser.arabic_pages import PAGES as ARABIC
from tests.browser.stage import SMALL, Stage, quiet_room
from tests.paging import documented, read

pytestmark = pytest.mark.anyio

DARK: dict[str, Any] = {"color_scheme": "dark"}


@asynccontextmanager
async def opened(folder: Path, pages: dict[str, str], **more: Any) -> AsyncIterator[Stage]:
    stage = Stage(folder, quiet_room(**more), pages=read(folder, pages))
    await stage.start()
    yield stage
    await stage.stop()


@asynccontextmanager
async def visitor(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    context = await browser.new_context(**{"locale": "en-GB"} | options)
    yield await context.new_page()
    await context.close()


async def is_for_everybody(page: Page) -> None:
    """Nothing that axe objects to, and nothing wider than the screen."""
    found = await Axe().run(page)
    assert found.response["violations"] == [], page.url
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def go_on(page: Page) -> None:
    await page.locator(".button").first.click()


async def test_every_kind_of_page_is_for_everybody(browser, tmp_path):
    async with opened(tmp_path, documented()) as stage, visitor(browser, **SMALL) as page:
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
        await page.goto(f"{stage.url}/chat?token=1234")
        await expect(page).to_have_title("Taking part")
        await is_for_everybody(page)
        await go_on(page)
        await expect(page).to_have_title("What you will do")
        await go_on(page)
        await is_for_everybody(page)
        await go_on(page)
        await expect(page).to_have_title("Problem: Before the chat")
        await expect(page.locator("#problems")).to_be_focused()
        await is_for_everybody(page)
        await page.get_by_role("link", name="Should the street be").click()
        await expect(page.locator("[id='Q1-1']")).to_be_focused()
        await page.get_by_label("Yes").check()
        await page.get_by_role("group", name="Should the street be").get_by_label("3").check()
        for row, answer in (("the town council", "1"), ("the newspaper", "5"), ("here please choose", "2")):
            await page.get_by_role("group", name=row).get_by_label(answer).check()
        await go_on(page)
        await expect(page).to_have_title("About you")
        await is_for_everybody(page)
        await page.get_by_label("How do you feel").press("ArrowRight")
        await page.get_by_label("How old are you?").fill("30")
        await go_on(page)
        await expect(page.locator(".title h1")).to_have_text("Harbour Street")
        session_id = page.url.partition("session=")[2]
        await stage.app.state.server.host.end(session_id, "duration_expired")
        await page.get_by_role("link", name="Continue").click()
        await expect(page).to_have_title("After the chat")
        await page.get_by_label("Traffic").check()
        await page.get_by_label("rather yes").check()
        await go_on(page)
        await expect(page).to_have_title("What this was about")
        await is_for_everybody(page)
        await page.get_by_label("Yes, my data").check()
        await go_on(page)
        await expect(page).to_have_title("Thank you!")
        await is_for_everybody(page)
        # whoever comes back in the tab, or by the link, is where they were
        await page.goto(f"{stage.url}/chat?token=1234")
        await page.goto(f"{stage.url}/session/{session_id}")
        await expect(page).to_have_title("Thank you!")

        assert faults == []
        known = stage.app.state.server.enrolment.state.participations[session_id]
        assert known.outcome == "completed"
        assert known.answers["mood"] == "51"


async def test_right_to_left_and_in_the_dark_they_are_too(browser, tmp_path):
    async with opened(tmp_path, ARABIC, language="ar") as stage, visitor(browser, **SMALL, **DARK) as page:
        await page.goto(f"{stage.url}/chat?token=1234")
        await expect(page).to_have_title("المشاركة")
        await is_for_everybody(page)
        await go_on(page)
        await go_on(page)
        await expect(page.locator("#problems")).to_be_focused()
        await is_for_everybody(page)
        direction = await page.evaluate("getComputedStyle(document.querySelector('legend')).direction")

    assert direction == "rtl"


async def test_without_scripts_a_slider_is_a_number_and_the_keyboard_goes_all_the_way(browser, tmp_path):
    pages = {"before.md": documented()["before-2.md"], "end.md": "Bye."}
    async with opened(tmp_path, pages) as stage, visitor(browser, java_script_enabled=False) as page:
        session_id = await stage_session(stage)
        await page.goto(f"{stage.url}/session/{session_id}")
        await expect(page.locator("[type=range]")).to_be_hidden()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.type("41")
        await page.keyboard.press("Enter")
        # what nobody has touched is no answer here either
        await expect(page.locator("#problems li")).to_have_text(
            ["How do you feel right now? Please answer this question."]
        )
        await page.locator("#problems a").press("Enter")
        await expect(page.locator(".kind-slider [type=text]")).to_be_focused()
        await page.keyboard.type("70")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/chat?session=*")
        known = stage.app.state.server.enrolment.state.participations[session_id]

    assert dict(known.answers) == {"mood": "70", "age": "41"}


async def test_a_slider_that_nobody_has_touched_is_no_answer(browser, tmp_path):
    async with opened(tmp_path, {"before.md": documented()["before-2.md"]}) as stage, visitor(browser) as page:
        await page.goto(f"{stage.url}/session/{await stage_session(stage)}")
        await page.get_by_label("How old are you?").fill("30")
        await page.get_by_label("How do you feel").press("Tab")
        await go_on(page)
        await expect(page.locator("#problems li")).to_have_text(
            ["How do you feel right now? Please answer this question."]
        )
        # in the middle, where it is
        await page.get_by_label("How do you feel").click()
        await expect(page.locator("output")).to_have_text("50")
        await go_on(page)
        await page.wait_for_url("**/chat?session=*")


async def test_the_way_back_in_the_browser_leads_to_where_one_is(browser, tmp_path):
    async with opened(tmp_path, documented()) as stage, visitor(browser) as page:
        await page.goto(f"{stage.url}/session/{await stage_session(stage)}")
        await go_on(page)
        await expect(page).to_have_title("What you will do")
        await page.go_back()
        await page.reload()
        await expect(page).to_have_title("What you will do")


async def stage_session(stage: Stage) -> str:
    """A session of somebody who has come in."""
    known = await stage.app.state.server.enrolment.arrive(Arrive(session_id=new_id()))
    await stage.app.state.server.host.give_out(known.session_id, known.arrived, {})
    return str(known.session_id)
