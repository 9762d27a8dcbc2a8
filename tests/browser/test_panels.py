"""From a panel's site through the study and back to it, for every outcome, in a real browser."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.async_api import BrowserContext, Page, expect

from roomful.core.enrolment import Outcome
from roomful.core.roster import Participation
from roomful.core.study import ExperimentalSettings, LLMSettings, Treatment
from roomful.enrolment_settings import AssignmentSettings, EnrolmentSettings
from roomful.outcomes import OUTCOME_NAMES
from tests.browser.panel import BACK, KEY, PROLIFIC, QUALTRICS, TAKE_PART, WAVE, Kind, Site, code_of, site
from tests.browser.stage import Guest, Stage, quiet_room
from tests.paging import question, read

pytestmark = [pytest.mark.anyio, pytest.mark.long]

PAGES = {
    "consent.md": "---\nversion: 1\nagree: I agree\ndecline: I do not\n---\n# Taking part\n",
    "before-1.md": "# Your street\n\n"
    + question(
        name="street",
        kind="single",
        text="Where do you live?",
        options=["north", "south", "elsewhere"],
        screen_out="elsewhere",
    ),
    "before-2.md": "---\ntries: 1\n---\n# A check\n\n"
    + question(name="check", kind="single", text="Choose two.", options=["one", "two"], correct="two"),
    "after.md": "# After the chat\n\n" + question(name="liked", kind="single", text="And?", options=["good", "bad"]),
    "end.md": "# The end\n",
}


@dataclass
class Visit:
    """Somebody of a panel in a browser."""

    site: Site
    person: str
    guest: Guest

    @property
    def page(self) -> Page:
        return self.guest.page

    @property
    def known(self) -> Participation:
        return self.guest.stage.app.state.server.enrolment.state.participations[self.guest.session_id]

    async def arrive(self) -> None:
        """Follow the panel's link, and press the button behind it."""
        await self.page.goto(self.site.start(self.person))
        await self.page.get_by_role("link", name=TAKE_PART).click()
        await self.page.get_by_role("button", name="Join").click()
        await self.page.wait_for_url("**/session/*")
        self.guest.session_id = self.page.url.rpartition("/")[2]

    async def press(self, name: str = "Continue") -> None:
        await self.page.get_by_role("button", name=name).click()

    async def choose(self, title: str, answer: str) -> None:
        await expect(self.page).to_have_title(title)
        await self.page.get_by_label(answer).check()
        await self.press()

    async def before(self) -> None:
        """Go through all that lies before the chat."""
        await self.press("I agree")
        await self.choose("Your street", "north")
        await self.choose("A check", "two")

    async def chat(self) -> None:
        """Go through all that, and be in the chat."""
        await self.before()
        await expect(self.guest.composer).to_be_enabled()

    async def leave(self, choice: str) -> None:
        await self.page.get_by_role("button", name="Menu").click()
        await self.page.get_by_text("Leave the chat").click()
        sheet = self.page.get_by_role("dialog")
        await sheet.get_by_label(choice).check()
        await sheet.get_by_role("button", name="Leave the chat").click()

    async def end_of_chat(self) -> None:
        """Go on from where the chat was."""
        await self.page.locator(".end").get_by_role("link", name="Continue").click()
        await self.page.wait_for_url("**/session/*")

    async def until(self, holds: Callable[[Participation], object]) -> None:
        """Wait until something is so for them in the study's log."""
        for _ in range(800):
            if holds(self.known):
                return
            await self.page.wait_for_timeout(20)
        raise AssertionError(self.known)

    async def back(self, outcome: Outcome, *, forgotten: bool = False) -> None:
        """Follow the way out; the panel must be told what the study declares, and about the one that it sent."""
        await expect(self.page.locator(".words")).to_contain_text(f"This is {outcome}.")
        await expect(self.page.locator(".code code")).to_have_text(code_of(outcome))
        await self.page.get_by_role("link", name="Continue").click()
        await expect(self.page).to_have_title(BACK)
        (found,) = self.site.returned(self.person)
        assert self.known.outcome == outcome
        assert self.guest.faults == []
        if self.site.kind is PROLIFIC:
            assert (found.path, found.query) == ("/submissions/complete", f"cc={code_of(outcome)}")
            return
        query, _, signature = found.query.rpartition("&signature=")
        told = {"ResponseID": "" if forgotten else self.person, "outcome": outcome, "wave": "" if forgotten else WAVE}
        assert dict(parse_qsl(query, keep_blank_values=True)) == told
        assert hmac.compare_digest(hmac.digest(KEY.encode(), query.encode(), "sha256").hex(), signature)


@asynccontextmanager
async def study(
    panel: Site, folder: Path, quota: int | None = None, *, pages: Mapping[str, str] = PAGES, **more: Any
) -> AsyncIterator[Stage]:
    """A study that the panel sends people to; treatments wait for the answer about the street."""
    # an absence is over soon, so that somebody can be away for too long
    room = quiet_room(llm=LLMSettings(provider="scripted"), reconnect_grace_seconds=1, end_text="Over.", **more)
    enrolment = EnrolmentSettings(
        entry=(panel.kind.link,),
        outcomes={outcome: panel.ending(outcome) for outcome in OUTCOME_NAMES},
        return_parameters=panel.kind.return_parameters,
        assignment=AssignmentSettings(strata={"street": ("north", "south")}),
        may_delete=True,
    )
    prompt = "You live in a small street."
    only = Treatment(
        name="only", quota=quota, experimental=ExperimentalSettings(prompt_template=prompt), simulation=room
    )
    stage = Stage(
        folder,
        room,
        prompt,
        limits={"return_key": KEY},
        enrolment=enrolment,
        pages=read(folder, pages),
        treatments=(only,),
    )
    await stage.start()
    panel.study = stage.url
    yield stage
    await stage.stop()


@pytest.fixture(scope="module", params=[PROLIFIC, QUALTRICS], ids=lambda kind: kind.panel)
def kind(request) -> Kind:
    return request.param


@pytest.fixture(scope="module")
async def sent(kind, anyio_backend, tmp_path_factory) -> AsyncIterator[tuple[Site, Stage]]:
    """A panel, and the study that all but those who meet the quota are sent to."""
    with site(kind) as panel:
        async with study(panel, tmp_path_factory.mktemp("study")) as stage:
            yield panel, stage


@pytest.fixture(scope="module")
async def profile(browser) -> AsyncIterator[BrowserContext]:
    """One computer for all, which has the page's files already: the panel tells people apart by who came last."""
    context = await browser.new_context(locale="en-GB")
    yield context
    await context.close()


@asynccontextmanager
async def visit(profile: BrowserContext, panel: Site, stage: Stage, person: str) -> AsyncIterator[Visit]:
    come = Visit(panel, person, Guest(stage, profile, await profile.new_page()))
    await come.arrive()
    yield come
    await come.page.close()


async def no_consent(come: Visit) -> None:
    await come.press("I do not")


async def screened_out(come: Visit) -> None:
    await come.press("I agree")
    await come.choose("Your street", "elsewhere")


async def failed_check(come: Visit) -> None:
    await come.press("I agree")
    await come.choose("Your street", "north")
    await come.choose("A check", "one")


async def withdrew_keep_data(come: Visit) -> None:
    await come.chat()
    await come.leave("Keep what I wrote")
    await come.end_of_chat()


async def withdrew_delete_data(come: Visit) -> None:
    await come.chat()
    await come.guest.say("my secret")
    await come.leave("Delete what I wrote")
    await come.until(lambda known: known.erased)
    await come.end_of_chat()


async def ended_by_researcher(come: Visit) -> None:
    await come.chat()
    await come.guest.end("fire_alarm")
    await come.end_of_chat()


async def technical_problem(come: Visit) -> None:
    await come.chat()
    # the reason that the host gives when it has to end a session
    await come.guest.end("error")
    await come.end_of_chat()


async def dropped_out(come: Visit) -> None:
    await come.chat()
    # one can write before the socket is up, and who was never there cannot be away
    await come.guest.say("Back soon")
    await come.page.goto("about:blank")
    await come.until(lambda known: known.ended is not None)
    # the panel's link leads to the end of what was theirs
    await come.arrive()


WAYS: dict[Outcome, Callable[[Visit], Awaitable[None]]] = {
    "no_consent": no_consent,
    "screened_out": screened_out,
    "failed_check": failed_check,
    "dropped_out": dropped_out,
    "withdrew_keep_data": withdrew_keep_data,
    "withdrew_delete_data": withdrew_delete_data,
    "technical_problem": technical_problem,
    "ended_by_researcher": ended_by_researcher,
}


@pytest.mark.parametrize("outcome", WAYS)
async def test_whoever_does_not_complete_is_sent_back_as_what_they_are(profile, sent, outcome):
    async with visit(profile, *sent, f"P-{outcome}") as come:
        await WAYS[outcome](come)
        # who is deleted is forgotten, what the link told too: the panel's own cookie knows them
        await come.back(outcome, forgotten=outcome == "withdrew_delete_data")


async def test_the_only_place_is_completed_by_the_first_and_full_for_the_next(profile, kind, tmp_path):
    with site(kind) as panel:
        async with study(panel, tmp_path, quota=1, session_duration_minutes=0.02) as stage:
            async with visit(profile, panel, stage, "P-first") as come:
                await come.before()
                # its time is over soon, maybe before the page is there
                await come.end_of_chat()
                await come.choose("After the chat", "good")
                await come.back("completed")
            async with visit(profile, panel, stage, "P-next") as come:
                await come.press("I agree")
                await come.choose("Your street", "south")
                await come.back("quota_full")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_whoever_takes_too_long_over_a_page_is_led_out_of_it_and_sent_back(browser, kind, tmp_path, scripts):
    pages = PAGES | {"before-1.md": f"---\ntime_limit_seconds: 2\n---\n{PAGES['before-1.md']}"}
    context = await browser.new_context(locale="en-GB", java_script_enabled=scripts)
    with site(kind) as panel:
        async with study(panel, tmp_path, pages=pages) as stage, visit(context, panel, stage, "P-slow") as come:
            await come.press("I agree")
            timer = come.page.get_by_role("timer")
            await expect(timer).to_contain_text("Please finish this page within 0:0")
            if scripts:
                await expect(timer).to_contain_text("within 0:00 minutes")
            # nobody does anything: the page goes on by itself
            await expect(come.page).to_have_title("Thank you", timeout=20_000)
            await come.back("timed_out")
    await context.close()


def test_every_outcome_has_its_way():
    assert {*WAYS, "completed", "quota_full", "timed_out"} == {*OUTCOME_NAMES}
