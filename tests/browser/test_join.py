"""The way in by a panel's link, in a browser without scripts, and what who may not come in reads."""

from contextlib import asynccontextmanager

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from roomful.core.admission import Pause
from roomful.core.study import LLMSettings
from roomful.enrolment_settings import EnrolmentSettings, EntryLink
from roomful.settings import ASK
from roomful.web.page import LANGUAGES
from tests.browser.stage import PHONE, SMALL, Stage, quiet_room

pytestmark = pytest.mark.anyio

LINK = "/join?PROLIFIC_PID=P1&STUDY_ID=S1&SESSION_ID=X1"


@asynccontextmanager
async def opened(folder, **more):
    room = quiet_room(llm=LLMSettings(provider="scripted"), **more)
    stage = Stage(folder, room, enrolment=EnrolmentSettings(entry=(EntryLink(panel="prolific"),)))
    await stage.start()
    yield stage
    await stage.stop()


@asynccontextmanager
async def visitor(browser, **options):
    context = await browser.new_context(**{"locale": "en-GB"} | options)
    yield await context.new_page()
    await context.close()


async def test_the_button_leads_into_the_room_and_the_link_back_to_it(browser, tmp_path):
    async with opened(tmp_path) as stage:
        async with visitor(browser, **PHONE) as page:
            await page.goto(stage.url + LINK)
            await page.get_by_role("button", name="Join").click()
            await expect(page.locator(".title h1")).to_have_text("Harbour Street")
            await page.locator("textarea").fill("Is this the place?")
            await page.locator(".send").click()
            await expect(page.locator("article", has_text="Is this the place?")).to_be_visible()
            first = page.url
            await page.reload()
            await expect(page.locator("article", has_text="Is this the place?")).to_be_visible()
        # on another device
        async with visitor(browser) as page:
            await page.goto(stage.url + LINK)
            await page.get_by_role("button", name="Join").click()
            await expect(page.locator("article", has_text="Is this the place?")).to_be_visible()
            assert page.url == first


async def test_a_name_is_asked_for_without_scripts(browser, tmp_path):
    async with opened(tmp_path, participant_name=ASK) as stage, visitor(browser, java_script_enabled=False) as page:
        await page.goto(stage.url + LINK)
        await page.get_by_label("Your name in the chat").fill("Maren")
        await page.get_by_role("button", name="Join").click()
        await expect(page.get_by_role("alert")).to_contain_text("that nobody in the chat has")
        await page.get_by_label("Your name in the chat").fill("Zo\u00eb")
        await page.get_by_role("button", name="Join").click()
        await page.wait_for_url("**/chat?session=*")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("paused", [False, True])
async def test_the_page_is_for_everybody(browser, tmp_path, language, paused):
    async with (
        opened(tmp_path, participant_name=ASK) as stage,
        visitor(browser, **SMALL | {"locale": language}) as page,
    ):
        if paused:
            await stage.app.state.server.enrolment.submit(Pause())
        faults: list[str] = []
        # that the page itself came with 403 is told there too
        page.on(
            "console",
            lambda said: faults.append(said.text) if said.type == "error" and "403" not in said.text else None,
        )
        await page.goto(stage.url + LINK)
        found = await Axe().run(page)
        width = await page.evaluate("document.documentElement.scrollWidth")

        assert found.response["violations"] == []
        assert faults == []
        assert width <= 320
        assert await page.locator("button").count() == (0 if paused else 1)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("too_early", "The study has not begun yet. Please come back later."),
        ("paused", "The study is paused at the moment. Please try again later."),
        ("full", "This token cannot be used now: the study is closed or paused. Please try again later."),
    ],
)
async def test_the_chat_page_tells_the_reason_too(browser, tmp_path, reason, sentence):
    async with opened(tmp_path) as stage, visitor(browser) as page:
        answer = {"detail": "no", "reason": reason}
        await page.route("**/session/start", lambda route: route.fulfill(status=403, json=answer))
        await page.goto(f"{stage.url}/chat?token=some-token")
        await expect(page.get_by_role("alert")).to_have_text(sentence)
