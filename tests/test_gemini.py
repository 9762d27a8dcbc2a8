"""Gemini through the real google-genai client, against a server on loopback that speaks and fails like the real one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from roomful.core.events import Prompt
from roomful.core.study import LLMSettings
from roomful.llm import LLMError
from roomful.llm.connect import probe
from roomful.llm.gemini import Gemini
from roomful.llm.keys import Keys
from tests.fake_gemini import FakeGemini, faults_by_chance

pytestmark = pytest.mark.anyio

SETTINGS = LLMSettings(timeout_seconds=10.0)
PROMPT = Prompt(agent_name="Alice", system="You are Alice.", text="Bob: who has a ladder?")


def no_time() -> float:
    return 0.0


@asynccontextmanager
async def connected(
    *plan: str, settings: LLMSettings = SETTINGS, say: str = "I have one"
) -> AsyncIterator[tuple[FakeGemini, Gemini]]:
    async with FakeGemini(plan=plan, say=lambda _: say) as server:
        gemini = Gemini(settings, "a-key", no_time, server.url)
        try:
            yield server, gemini
        finally:
            await gemini.close()


async def failure(*plan: str, settings: LLMSettings = SETTINGS) -> LLMError:
    async with connected(*plan, settings=settings) as (server, gemini):
        with pytest.raises(LLMError) as caught:
            await gemini(PROMPT)
        assert server.count == 1, "one call is one request"
    return caught.value


async def test_a_reply_carries_the_text_the_version_and_the_tokens():
    ticks = iter([10.0, 10.75])
    async with FakeGemini(say=lambda _: "I have one") as server:
        gemini = Gemini(SETTINGS, "a-key", lambda: next(ticks), server.url)

        reply = await gemini(PROMPT)
        await gemini.close()

    assert (reply.text, reply.model, reply.finish_reason) == ("I have one", "gemini-3.5-flash-lite-001", "STOP")
    assert (reply.input_tokens, reply.output_tokens, reply.latency) == (len(PROMPT.text) // 4, 2, 0.75)


async def test_the_conversation_is_one_part_and_the_settings_are_sent():
    settings = LLMSettings(
        model="gemini-x",
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=77,
        thinking_level="minimal",
        safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        timeout_seconds=9.5,
    )
    async with connected(settings=settings) as (server, gemini):
        await gemini(PROMPT)

    asked = server.requests[0]
    # the library writes thinking_level in snake case, which Google's JSON takes as well
    thinking = asked.body["generationConfig"].pop("thinkingConfig")
    assert list(thinking.values()) == ["MINIMAL"]
    assert asked.path == "/v1beta/models/gemini-x:generateContent"
    assert asked.headers["x-goog-api-key"] == "a-key"
    assert asked.body == {
        "contents": [{"parts": [{"text": PROMPT.text}], "role": "user"}],
        "systemInstruction": {"parts": [{"text": PROMPT.system}]},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "maxOutputTokens": 77,
        },
    }


async def test_settings_left_out_are_not_sent():
    settings = LLMSettings(temperature=None, max_output_tokens=5)
    async with connected(settings=settings) as (server, gemini):
        await gemini(replace(PROMPT, system=""))

    assert server.requests[0].body.keys() == {"contents", "generationConfig"}
    assert server.requests[0].body["generationConfig"] == {"maxOutputTokens": 5}


async def test_a_thinking_budget_of_zero_is_sent():
    async with connected(settings=LLMSettings(thinking_budget=0)) as (server, gemini):
        await gemini(PROMPT)

    assert list(server.requests[0].body["generationConfig"]["thinkingConfig"].values()) == [0]


async def test_two_ways_to_limit_thinking_at_once_are_refused():
    async with connected(settings=LLMSettings(thinking_budget=0, thinking_level="low")) as (_, gemini):
        with pytest.raises(ValueError, match="not both"):
            await gemini(PROMPT)


async def test_agents_of_one_client_keep_their_own_instructions():
    async with connected() as (server, gemini):
        for name in ("Alice", "Bob", "Alice"):
            await gemini(replace(PROMPT, system=f"You are {name}."))

    assert [asked.system for asked in server.requests] == ["You are Alice.", "You are Bob.", "You are Alice."]


@pytest.mark.parametrize("text", ["😀👩‍👩‍👧 مرحبا \x00 'quoted' \"\n\\n", "x" * 100_000])
async def test_any_text_arrives_as_it_was(text: str):
    async with connected("echo") as (server, gemini):
        reply = await gemini(replace(PROMPT, text=text))

    assert reply.text == text
    assert server.requests[0].text == text


async def test_a_lone_surrogate_does_not_fail_the_call():
    async with connected("echo") as (_, gemini):
        reply = await gemini(replace(PROMPT, text="half \ud83d an emoji"))

    assert reply.text == "half ? an emoji"


async def test_a_reply_of_100_kilobytes_comes_whole():
    async with connected("long") as (_, gemini):
        reply = await gemini(PROMPT)

    assert len(reply.text) > 100_000


@pytest.mark.parametrize(
    ("fault", "kind", "retryable"),
    [
        ("hang", "timeout", True),
        ("429", "rate_limited", True),
        ("500", "server_error", True),
        ("503", "server_error", True),
        ("html", "server_error", True),
        ("reset", "connection", True),
        ("cut-off", "connection", True),
        ("malformed", "malformed", True),
        ("not-an-object", "malformed", True),
        ("not-utf-8", "malformed", True),
        ("html-as-json", "malformed", True),
        ("html-200", "malformed", True),
        ("blocked", "safety", False),
        ("unsafe", "safety", False),
        ("no-candidates", "empty", True),
        ("no-text", "empty", True),
        ("blank", "empty", True),
        ("thought-away", "thought_away", False),
        ("max-tokens", "cut", True),
        ("400-key", "bad_key", False),
        ("401", "bad_key", False),
        ("403", "bad_key", False),
        ("404", "unknown_model", False),
        ("400", "bad_request", False),
        ("413", "bad_request", False),
    ],
)
async def test_each_way_to_fail_has_its_kind(fault: str, kind: str, retryable: bool):
    settings = replace(SETTINGS, timeout_seconds=0.05) if fault == "hang" else SETTINGS

    error = await failure(fault, settings=settings)

    assert (error.kind, error.retryable) == (kind, retryable)


async def test_a_connection_that_is_refused_is_not_tried_again_in_secret():
    with socket.socket() as bound:
        # bound but not listening: nobody else can take the port, and nobody answers
        bound.bind(("127.0.0.1", 0))
        gemini = Gemini(SETTINGS, "a-key", no_time, f"http://127.0.0.1:{bound.getsockname()[1]}")

        with pytest.raises(LLMError) as caught:
            await gemini(PROMPT)
        await gemini.close()

    assert caught.value.kind == "connection"


@pytest.mark.parametrize(
    ("fault", "seconds"), [("429", None), ("429-retry-info", 2.5), ("429-retry-after", 3.0), ("429-retry-date", 7.0)]
)
async def test_the_wait_the_provider_asks_for_is_kept(fault: str, seconds: float | None):
    assert (await failure(fault)).retry_after == seconds


async def test_what_a_failed_call_brought_and_cost_is_kept():
    cut = (await failure("max-tokens")).reply
    thought = (await failure("thought-away")).reply
    blocked = (await failure("blocked")).reply

    assert cut is not None
    assert (cut.text, cut.output_tokens) == ("I have one", 2)
    assert thought is not None
    assert thought.thinking_tokens == 1020
    assert blocked is not None
    assert blocked.input_tokens == len(PROMPT.text) // 4


async def test_thoughts_are_not_part_of_the_text():
    async with connected("with-thoughts") as (_, gemini):
        reply = await gemini(PROMPT)

    assert (reply.text, reply.thinking_tokens) == ("I have one", 9)


async def test_more_calls_than_a_default_connection_pool_are_in_flight_at_once():
    async with FakeGemini(plan=lambda _: "held") as server:
        gemini = Gemini(SETTINGS, "a-key", no_time, server.url)
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(gemini(PROMPT)) for _ in range(150)]
            await server.reached(150)
            server.release()
        await gemini.close()

    assert {call.result().text for call in calls} == {
        f"reply {n} to {len(PROMPT.text)} characters" for n in range(1, 151)
    }


async def test_a_cancelled_call_lets_go_of_its_connection():
    async with FakeGemini(plan=["held"]) as server:
        gemini = Gemini(SETTINGS, "a-key", no_time, server.url)
        async with asyncio.TaskGroup() as group:
            call = group.create_task(gemini(PROMPT))
            await server.reached(1)
            call.cancel()

        assert call.cancelled()
        assert (await gemini(PROMPT)).text.startswith("reply 2")
        await gemini.close()


async def test_a_broken_call_does_not_touch_those_beside_it():
    plan = faults_by_chance({"reset": 0.2, "malformed": 0.2, "500": 0.2}, seed=3)
    async with FakeGemini(plan=plan, say=lambda asked: asked.text) as server:
        gemini = Gemini(SETTINGS, "a-key", no_time, server.url)
        outcomes = await asyncio.gather(
            *(gemini(replace(PROMPT, text=f"line {n}")) for n in range(60)), return_exceptions=True
        )
        await gemini.close()

    good = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    bad = [outcome for outcome in outcomes if isinstance(outcome, LLMError)]
    assert len(good) + len(bad) == 60
    assert len(good) == sum(plan(n) == "ok" for n in range(1, 61))
    assert all(outcome.text == f"line {n}" for n, outcome in enumerate(outcomes) if outcome in good)


async def test_the_server_is_found_by_googles_own_variable(monkeypatch: pytest.MonkeyPatch):
    async with FakeGemini() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        gemini = Gemini(SETTINGS, "a-key", no_time)
        await gemini(PROMPT)
        await gemini.close()

    assert server.count == 1


async def test_closing_twice_or_before_the_first_call_is_nothing():
    gemini = Gemini(SETTINGS, "a-key", no_time, "http://127.0.0.1:9")

    await gemini.close()
    await gemini.close()


async def test_a_probe_names_the_version_that_answered():
    async with FakeGemini() as server:
        version = await probe(SETTINGS, Keys(gemini="a-key"), no_time, server.url)

    assert version == "gemini-3.5-flash-lite-001"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("400-key", "The key in GEMINI_API_KEY is not accepted"),
        ("403", "reported as leaked"),
        ("404", "There is no model named 'gemini-3.5-flash-lite'"),
        ("thought-away", "lower thinking_level"),
    ],
)
async def test_a_probe_says_what_to_change(fault: str, words: str):
    async with FakeGemini(plan=[fault]) as server:
        with pytest.raises(LLMError, match=words):
            await probe(SETTINGS, Keys(gemini="a-key"), no_time, server.url)
