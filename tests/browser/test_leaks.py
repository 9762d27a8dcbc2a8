"""What a participant can fetch tells neither the arm nor who is an AI: every byte of a session is searched."""

import asyncio
import json
import re
from typing import Any

import pytest
from playwright.async_api import expect

from roomful.core.study import LLMSettings
from tests.browser.stage import Stage, quiet_room

pytestmark = pytest.mark.anyio

PROMPTS = {"control": "CANARY-OWL agree with everyone, politely", "angry": "CANARY-FOX provoke the others, at length"}

TELLING = re.compile(
    r"canary|provoke|politely|scripted|gemini|\bgpt|openai|anthropic|claude|llama|\bllm\b|language model|\bmodel\b"
    r"|\bai\b|\bbots?\b|chatbot|(?<![a-z])agents?(?![a-z:])|simulat|synthetic|artificial|\bprompts?\b|treatment|experiment|condition"
    r"|temperature|\btokens?_per|seed|turn_id|call_id|planned|roomful\.core",
    re.IGNORECASE,
)
INNOCENT = re.compile(
    # what the language of scripts and styles itself needs
    r"user[- ]agent|@media[^{]*|scroll-conditions?",
    re.IGNORECASE,
)

PAGE = """() => {
    const page = document.documentElement.cloneNode(true);
    page.querySelectorAll(".text, .quote-text, [role=log]").forEach((words) => words.replaceChildren());
    return page.outerHTML;
}"""
"""The page as it stands, without what somebody said, which may be about anything."""


async def started(folder, arm: str) -> Stage:
    """A server with a study of one arm."""
    settings = quiet_room(
        messages_per_minute=240,
        user_response_probability=1,
        llm=LLMSettings(provider="scripted"),
        seed=1 if arm == "control" else 2,
        end_text="Thank you.",
    )
    stage = Stage(folder, settings, prompt=PROMPTS[arm])
    await stage.start()
    return stage


async def recorded(browser, stage: Stage) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Join and talk; return everything that was fetched, by where, and the frames."""
    fetched: dict[str, str] = {}
    frames: list[dict[str, Any]] = []
    async with stage.guest(browser) as guest:
        reading: list[asyncio.Task[None]] = []

        async def read(response):
            url = response.url.replace(stage.url, "")
            headers = {name: value for name, value in (await response.all_headers()).items() if name != "date"}
            whole = json.dumps(headers, sort_keys=True) + (await response.body()).decode("utf-8", "replace")
            whole = whole.replace(stage.url, "")
            if whole not in fetched.get(url, ""):
                fetched[url] = fetched.get(url, "") + whole

        guest.page.on("response", lambda response: reading.append(asyncio.create_task(read(response))))
        guest.page.on("console", lambda message: fetched.update({f"console {len(fetched)}": message.text}))

        def heard(socket):
            socket.on("framereceived", lambda text: frames.extend(unpacked(json.loads(text))))

        guest.page.on("websocket", heard)
        await guest.page.evaluate("localStorage.clear()")
        await guest.page.goto(f"{stage.url}/chat?token=nonsense")
        await guest.page.get_by_label("Token").fill("1234")
        await guest.page.keyboard.press("Enter")
        await guest.say("Hello, who are you all?")
        await expect(guest.page.locator("article.other").nth(5)).to_be_attached(timeout=20_000)
        await (await guest.menu("who are you all")).get_by_role("button", name="React with 👍").click()
        async with asyncio.timeout(20):
            while not {"receipt", "reaction", "typing"} <= {frame["type"] for frame in frames}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.gather(*reading)
        await guest.page.goto(f"{stage.url}/chat?token=1234")
        await expect(guest.page.locator("article.other").nth(5)).to_be_attached()
        await guest.end("error")
        await expect(guest.page.get_by_role("heading", name="This chat has ended")).to_be_visible()
        await asyncio.gather(*reading)
        for path in ["/", "/health", "/docs", "/openapi.json", "/metrics", "/nowhere", f"/ws/{guest.session_id}"]:
            answer = await guest.context.request.get(stage.url + path, headers={"Accept": "*/*"})
            fetched[path] = json.dumps(answer.headers) + await answer.text()
        fetched["the page"] = await guest.page.evaluate(PAGE)
        fetched["what is kept"] = await guest.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        fetched["frames"] = "\n".join(json.dumps(without_words(frame)) for frame in frames)
        assert guest.faults == []
    return fetched, frames


def unpacked(frame: dict[str, Any]) -> list[dict[str, Any]]:
    """The frames that came as one."""
    return frame["frames"] if frame["type"] == "batch" else [frame]


def without_words(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame without what somebody said, which may be about anything."""
    return {key: value for key, value in frame.items() if key != "content"}


def shapes(frames: list[dict[str, Any]]) -> dict[str, set[str]]:
    """What the frames of each type look like: keys and the kinds of their values."""
    found: dict[str, set[str]] = {}
    for frame in frames:
        kinds = {key: type(value).__name__ for key, value in sorted(frame.items())}
        found.setdefault(frame["type"], set()).add(json.dumps(kinds))
    return found


def told(fetched: dict[str, str]) -> list[str]:
    """Every telling word, with what stands around it."""
    return [
        f"{where}: …{text[max(0, found.start() - 40) : found.end() + 40]}…"
        for where, whole in fetched.items()
        for text in [INNOCENT.sub("", whole)]
        for found in TELLING.finditer(text)
    ]


def assert_all_messages_look_alike(frames: list[dict[str, Any]]) -> None:
    """The participant's messages have the form of everybody's."""
    messages = [frame for frame in frames if frame["type"] == "message"]

    def shape(frame):
        return {key for key in frame if key not in ("client_id", "reply_to")}

    own = [frame for frame in messages if frame["sender"] == "You"]
    others = [frame for frame in messages if frame["sender"] != "You"]
    assert own
    assert others
    assert {tuple(sorted(shape(frame))) for frame in own} == {tuple(sorted(shape(frame))) for frame in others}
    form = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert [frame["message_id"] for frame in messages if not form.fullmatch(frame["message_id"])] == []
    assert len({len(frame["timestamp"]) for frame in messages}) == 1


async def test_nothing_that_is_fetched_tells_the_arm_or_the_members_nature(browser, tmp_path):
    # members take their time to type: both arms take it at once
    stages = [await started(tmp_path / arm, arm) for arm in PROMPTS]
    arms = await asyncio.gather(*(recorded(browser, stage) for stage in stages))
    for stage in stages:
        await stage.stop()
    (control, control_frames), (angry, angry_frames) = arms

    assert told(control) == []
    assert told(angry) == []
    # the same files in both arms, byte for byte
    static = [where for where in control if where.startswith(("/static", "/chat")) and "nonsense" not in where]
    assert len(static) > 20
    assert [where for where in static if control[where] != angry.get(where)] == []
    assert shapes(control_frames) == shapes(angry_frames)
    assert_all_messages_look_alike(control_frames)
    assert_all_messages_look_alike(angry_frames)


@pytest.mark.parametrize(
    "text", ["You are an AI.", '{"treatment": 1}', "model=gemini-2.5", "the bot's turn", "PROMPTS", "agent_name"]
)
def test_the_search_finds_telling_words(text):
    assert told({"somewhere": text}) != []
