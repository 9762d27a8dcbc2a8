"""A real server with a room whose members do what a test says, and participants in a real browser."""

import asyncio
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright, expect

from roomful.core.decide import Refused
from roomful.core.events import (
    Entry,
    Event,
    MessagePosted,
    ReactionSet,
    ReceiptGiven,
    TurnPlanned,
    TypingStarted,
)
from roomful.core.pages import Page as Around
from roomful.core.study import ExperimentalSettings, SimulationSettings, Treatment
from roomful.enrolment_settings import EnrolmentSettings
from roomful.host import Room
from roomful.session import SimulationSession
from roomful.settings import ServerSettings, StudySettings
from roomful.web.app import create_app

CHROMIUM = next(filter(None, map(shutil.which, ["chromium-headless-shell", "chromium", "chromium-browser"])), None)
"""Without its windows and tool bars, where that is installed, it takes a third less time."""

NOT_NEEDED = [
    # the list above the address, drawn by a renderer of its own in every window, and one that waits for the next page
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
    # what playwright turns off, as its list gives way to this one
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]
"""Features of the browser around the page that cost more than the page."""

FLAGS = [
    f"--disable-features={','.join(NOT_NEEDED)}",
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SMALL: dict[str, Any] = {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}

SENT = ".own .ticks:not(.ticks-pending)"
"""The ticks of messages that the server has stored, or more."""

FAR = 100_000.0
"""Seconds of the session that no test reaches: a turn that is due then stays under way."""

_numbers = count(1)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run Debian's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True)
class Profile:
    """A browser profile that is as good as new after `clear`: to make one takes longer than many a test."""

    context: BrowserContext
    origin: str
    first: Page
    protocol: CDPSession

    async def window(self) -> Page:
        """A new window that a page in the first one has opened: by this it needs no process of its own."""
        async with self.context.expect_page() as opened:
            await self.first.evaluate("void open()")
        return await opened.value

    async def clear(self) -> None:
        """Close all windows but the first, take out what was stored, and go online."""
        for page in self.context.pages:
            if page is not self.first:
                await page.close()
        await self.context.set_offline(False)
        await self.context.clear_cookies()
        await self.protocol.send("Storage.clearDataForOrigin", {"origin": self.origin, "storageTypes": "all"})


@asynccontextmanager
async def profile_at(browser: Browser, origin: str) -> AsyncIterator[Profile]:
    """A profile of somebody at a desktop, for pages of this origin."""
    context = await browser.new_context(locale="en-GB")
    try:
        first = await context.new_page()
        await first.goto(f"{origin}/health")
        yield Profile(context, origin, first, await context.new_cdp_session(first))
    finally:
        await context.close()


def quiet_room(**changes: Any) -> SimulationSettings:
    """A room in which nobody says anything by themselves."""
    values: dict[str, Any] = {
        "num_agents": 4,
        "agent_names": ("Maren", "Tobias", "Leila", "Viktor Braun"),
        "messages_per_minute": 0,
        "user_response_probability": 0,
        "context_window_size": 10,
        "session_duration_minutes": 30,
        "group_name": "Harbour Street",
    }
    return SimulationSettings(**values | changes)


@dataclass(frozen=True)
class Happen:
    """What a test lets happen in a room: handed in like any input, so that the session stays the only writer."""

    events: Callable[[float], Sequence[Event]]


def let_tests_decide(patch: Any) -> None:
    """Let sessions take `Happen`."""
    decide = SimulationSession._entered

    async def entered(self: SimulationSession, input: Any) -> list[Entry] | Refused:
        if not isinstance(input, Happen):
            return await decide(self, input)
        await self.log.settle()
        now = self._timeline.now()
        return await self.log.append(input.events(now), now)

    patch.setattr(SimulationSession, "_entered", entered)


@dataclass
class Stage:
    """A server on a port of its own, in this process and on this loop. Its folder outlives it."""

    folder: Path
    simulation: SimulationSettings = field(default_factory=quiet_room)
    prompt: str = "You live in a small street."
    port: int = 0
    limits: dict[str, Any] = field(default_factory=dict)
    enrolment: EnrolmentSettings = field(default_factory=EnrolmentSettings)
    pages: tuple[Around, ...] = ()
    treatments: tuple[Treatment, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        server = ServerSettings(
            data=self.folder / "data",
            logs=self.folder / "logs",
            study=self.folder,
            starts_per_minute_per_address=10_000,
            **self.limits,
        )
        experimental = ExperimentalSettings(prompt_template=self.prompt)
        study = StudySettings(
            experimental, self.simulation, self.treatments, enrolment=self.enrolment, pages=self.pages
        )
        self.app = create_app(server, study)
        # by this asyncio knows TCP and sends at once; else each answer's body waits 40 ms for the browser's ACK
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_config=None, access_log=False))
        self._serving = asyncio.create_task(self._server.serve([listener]))
        while not self._server.started:
            assert not self._serving.done(), "the server did not start"
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._serving

    def room(self, session_id: str) -> Room:
        return self.app.state.server.host.rooms[session_id]

    @asynccontextmanager
    async def guest(self, browser: Browser, **options: Any) -> AsyncIterator["Guest"]:
        """A participant in a fresh browser profile, in the room."""
        context = await browser.new_context(**{"locale": "en-GB"} | options)
        try:
            guest = Guest(self, context, await context.new_page())
            await guest.open()
            yield guest
        finally:
            await context.close()


class Guest:
    """A participant: the page, and the room behind it."""

    def __init__(self, stage: Stage, context: BrowserContext, page: Page) -> None:
        self.stage = stage
        self.context = context
        self.page = page
        self.session_id = ""
        self.faults: list[str] = []
        self.watch(page)

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        page.on("websocket", lambda opened: setattr(self, "session_id", re.search(r"/ws/([^?]+)", opened.url)[1]))

    async def open(self, path: str = "/chat?token=1234") -> None:
        await self.page.goto(self.stage.url + path)
        await expect(self.page.locator(".title")).to_be_visible()

    @property
    def composer(self) -> Any:
        return self.page.locator("textarea")

    @property
    def bubbles(self) -> Any:
        return self.page.locator("article .bubble")

    def bubble(self, text: str) -> Any:
        return self.page.locator("article", has=self.page.locator(".text", has_text=text))

    async def write(self, text: str) -> None:
        """Write and send by the button, and wait for nothing."""
        await self.composer.fill(text)
        await self.page.locator(".send").click()

    async def say(self, text: str) -> str:
        """Write, send, and wait until it is stored; return its id."""
        await self.write(text)
        await expect(self.bubble(text).locator(".ticks-pending")).to_have_count(0)
        return str(await self.bubble(text).last.get_attribute("data-id"))

    async def happen(self, events: Callable[[float], Sequence[Event]]) -> None:
        await self.stage.room(self.session_id).session.submit(Happen(events))

    async def hear(self, sender: str, *texts: str, reply_to: str | None = None) -> list[str]:
        """Let a member say something; return the messages' ids."""
        ids = [f"00000000-0000-4000-8000-{next(_numbers):012d}" for _ in texts]
        posted = [
            MessagePosted(message_id=id, sender=sender, content=text, reply_to=reply_to)
            for id, text in zip(ids, texts, strict=True)
        ]
        await self.happen(lambda now: posted)
        return ids

    async def typing(self, *names: str) -> None:
        turns = [(name, f"x{next(_numbers)}") for name in names]

        def events(now: float) -> list[Event]:
            plan = {"kind": "background", "read_at": FAR, "typing_at": FAR, "due": FAR}
            planned = [TurnPlanned(turn_id=turn, agent_name=name, **plan) for name, turn in turns]
            return [*planned, *(TypingStarted(sender=name, turn_id=turn) for name, turn in turns)]

        await self.happen(events)

    async def receipt(self, message_id: str, status: Any) -> None:
        await self.happen(lambda now: [ReceiptGiven(message_id=message_id, status=status)])

    async def reaction(self, message_id: str, sender: str, emoji: str | None) -> None:
        await self.happen(lambda now: [ReactionSet(message_id=message_id, sender=sender, emoji=emoji)])

    async def end(self, reason: str) -> None:
        await self.stage.app.state.server.host.end(self.session_id, reason)

    async def logged(self, kind: str, count: int = 0) -> list[dict[str, Any]]:
        """The data of the log's lines of a kind, once there are as many, or what there is after some seconds."""
        for _ in range(400):
            lines = await self.stage.app.state.server.host.store.read(self.session_id)
            found = [line["data"] for line in (json.loads(line.text) for line in lines) if line["event_type"] == kind]
            if len(found) >= count:
                break
            await asyncio.sleep(0.02)
        return found

    async def said(self) -> list[str]:
        """What the participant has said, by the log."""
        return [data["content"] for data in await self.logged("message") if data["sender"] == "user"]

    async def menu(self, text: str) -> Any:
        """Open the menu of a message; return the dialog."""
        # beside the words, which may be a link with a menu of the browser's own
        await self.bubble(text).locator(".bubble").click(button="right", position={"x": 4, "y": 12})
        return self.page.get_by_role("dialog")
