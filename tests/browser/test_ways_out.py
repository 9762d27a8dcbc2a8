"""The end, as participants see it in a browser: words, code, address, and whether what they wrote is kept."""

from contextlib import asynccontextmanager

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from roomful.core.study import LLMSettings
from roomful.enrolment_settings import EnrolmentSettings, EntryLink
from roomful.outcomes import Ending
from tests.browser.stage import PHONE, Guest, Stage, quiet_room

pytestmark = pytest.mark.anyio

LINK = "/join?PROLIFIC_PID=P1&STUDY_ID=S1&SESSION_ID=X1"
OUTCOMES = {
    "completed": Ending(text="Thank you!", code="C1A2B3", url="https://panel.example/in?cc=[CODE]&id=[PROLIFIC_PID]"),
    "withdrew_delete_data": Ending(text="It is gone.", code="W9"),
}


@asynccontextmanager
async def guest_of(browser, folder, **enrolment):
    """A participant who came by a panel's link."""
    settings = EnrolmentSettings(entry=(EntryLink(panel="prolific"),), outcomes=OUTCOMES, **enrolment)
    stage = Stage(folder, quiet_room(llm=LLMSettings(provider="scripted")), enrolment=settings)
    await stage.start()
    context = await browser.new_context(locale="en-GB", **PHONE)
    guest = Guest(stage, context, await context.new_page())
    await guest.page.goto(stage.url + LINK)
    await guest.page.get_by_role("button", name="Join").click()
    await expect(guest.page.locator(".title")).to_be_visible()
    await expect(guest.composer).to_be_enabled()
    yield guest
    await context.close()
    await stage.stop()
    assert guest.faults == []


async def test_the_end_has_the_code_and_leads_back_with_the_parameters(browser, tmp_path):
    async with guest_of(browser, tmp_path) as guest:
        await guest.say("Good bye")
        await guest.end("duration_expired")
        end = guest.page.locator(".end")
        await expect(end.locator("code")).to_have_text("C1A2B3")
        await expect(end).to_contain_text("Thank you!")
        link = "https://panel.example/in?cc=C1A2B3&id=P1"
        await expect(end.get_by_role("link")).to_have_attribute("href", link)
        assert (await Axe().run(guest.page)).violations_count == 0
        await guest.page.reload()
        await expect(guest.page.locator(".end").get_by_role("link")).to_have_attribute("href", link)


async def test_who_leaves_chooses_whether_it_is_deleted(browser, tmp_path):
    async with guest_of(browser, tmp_path, may_delete=True) as guest:
        page = guest.page
        await guest.say("my secret")
        await page.get_by_role("button", name="Menu").click()
        await page.get_by_text("Leave the chat").click()
        sheet = page.get_by_role("dialog")
        await expect(sheet.get_by_label("Keep what I wrote for the study")).to_be_checked()
        assert (await Axe().run(page)).violations_count == 0
        await sheet.get_by_label("Delete what I wrote").check()
        await sheet.get_by_role("button", name="Leave the chat").click()
        await expect(page.locator(".end")).to_contain_text("It is gone.")
        enrolment = guest.stage.app.state.server.enrolment
        for _ in range(400):
            if enrolment.state.participations[guest.session_id].erased:
                break
            await page.wait_for_timeout(20)
        await page.reload()
        await expect(page.locator(".end")).to_contain_text("It is gone.")
        await expect(page.locator(".end code")).to_have_text("W9")
        await expect(page.locator("article")).to_have_count(0)


async def test_without_the_offer_there_is_no_choice(browser, tmp_path):
    async with guest_of(browser, tmp_path) as guest:
        await guest.page.get_by_role("button", name="Menu").click()
        await guest.page.get_by_text("Leave the chat").click()
        await expect(guest.page.get_by_role("dialog")).to_be_visible()
        await expect(guest.page.get_by_role("radio")).to_have_count(0)
