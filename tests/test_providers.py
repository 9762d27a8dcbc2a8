"""Other providers through their real clients, against servers on loopback that speak and fail like theirs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec

import pytest

from roomful.core.events import Prompt
from roomful.core.study import ModelSettings
from roomful.llm import LLMError
from roomful.llm.connect import probe
from roomful.llm.direct import Direct, not_installed
from roomful.llm.keys import Keys
from tests.fake_models import WRONG_KEY, FakeAnthropic, FakeMistral, FakeOpenAI

pytestmark = [
    pytest.mark.anyio,
    # it is slow to import, which each worker would do
    pytest.mark.skipif(find_spec("pydantic_ai") is None, reason="the extra `providers` is not installed"),
]

PROMPT = Prompt(agent_name="Alice", system="You are Alice.", text="Bob: who has a ladder?")
type Fake = FakeOpenAI | FakeAnthropic | FakeMistral


@dataclass(frozen=True)
class Spoken:
    """A provider, one of its models, and the server that stands in for it."""

    fake: type[Fake]
    settings: ModelSettings
    key: str = "a-key"

    def at(self, server: Fake, **changes: object) -> Direct:
        return Direct(replace(self.settings, base_url=server.address, **changes), self.key, no_time)


def no_time() -> float:
    return 0.0


OPENAI = Spoken(FakeOpenAI, ModelSettings(provider="openai", model="llama3.2", timeout_seconds=10.0))
ANTHROPIC = Spoken(FakeAnthropic, ModelSettings(provider="anthropic", model="claude-haiku-4-5", timeout_seconds=10.0))
MISTRAL = Spoken(FakeMistral, ModelSettings(provider="mistral", model="mistral-small-latest", timeout_seconds=10.0))
ALL = {"openai": OPENAI, "anthropic": ANTHROPIC, "mistral": MISTRAL}
each = pytest.mark.parametrize("spoken", ALL.values(), ids=ALL)


@asynccontextmanager
async def connected(
    spoken: Spoken, *plan: str, say: str = "I have one", **changes: object
) -> AsyncIterator[tuple[Fake, Direct]]:
    async with spoken.fake(plan=plan, say=lambda _: say) as server:
        model = spoken.at(server, **changes)
        try:
            yield server, model
        finally:
            await model.close()


async def failure(spoken: Spoken, *plan: str, **changes: object) -> LLMError:
    async with connected(spoken, *plan, **changes) as (server, model):
        with pytest.raises(LLMError) as caught:
            await model(PROMPT)
        assert server.count == 1, "one call is one request"
    return caught.value


# --- what is asked, and what comes


@each
async def test_a_reply_carries_the_text_the_version_and_the_tokens(spoken: Spoken):
    async with connected(spoken) as (_, model):
        reply = await model(PROMPT)

    assert (reply.text, reply.model) == ("I have one", f"{spoken.settings.model}-001")
    assert (reply.input_tokens, reply.output_tokens) == (len(PROMPT.text) // 4, 2)
    assert reply.finish_reason in ("stop", "end_turn")


async def test_the_latency_is_that_of_the_request():
    ticks = iter([10.0, 10.75])
    async with FakeOpenAI() as server:
        model = Direct(replace(OPENAI.settings, base_url=server.address), "", lambda: next(ticks))

        reply = await model(PROMPT)
        await model.close()

    assert reply.latency == 0.75


@each
async def test_the_conversation_is_one_message_under_its_instructions(spoken: Spoken):
    async with connected(spoken) as (server, model):
        await model(PROMPT)

    (asked,) = server.requests
    assert (asked.system, asked.text, asked.model) == (PROMPT.system, PROMPT.text, spoken.settings.model)
    users = [message for message in asked.body["messages"] if message["role"] == "user"]
    assert len(users) == 1


@each
async def test_the_settings_are_sent(spoken: Spoken):
    async with connected(spoken, temperature=0.5, top_p=0.9, max_output_tokens=77) as (server, model):
        await model(PROMPT)

    body = server.requests[0].body
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.5, 0.9, 77)


@each
async def test_a_temperature_of_null_is_left_to_the_model(spoken: Spoken):
    async with connected(spoken, temperature=None) as (server, model):
        await model(PROMPT)

    assert server.requests[0].body.get("temperature") is None


@each
async def test_agents_of_one_client_keep_their_own_instructions(spoken: Spoken):
    async with connected(spoken) as (server, model):
        for name in ("Alice", "Bob", "Alice"):
            await model(replace(PROMPT, system=f"You are {name}."))

    assert [asked.system for asked in server.requests] == ["You are Alice.", "You are Bob.", "You are Alice."]


@each
@pytest.mark.parametrize("text", ["😀👩‍👩‍👧 مرحبا \x00 'quoted' \"\n\\n", "x" * 100_000])
async def test_any_text_arrives_as_it_was(spoken: Spoken, text: str):
    async with connected(spoken, "echo") as (server, model):
        reply = await model(replace(PROMPT, text=text))

    assert reply.text == text
    assert server.requests[0].text == text


@each
async def test_a_lone_surrogate_does_not_fail_the_call(spoken: Spoken):
    async with connected(spoken, "echo") as (_, model):
        reply = await model(replace(PROMPT, text="half \ud83d an emoji", system="\ud83d"))

    assert reply.text == "half ? an emoji"


@each
async def test_the_key_is_sent_as_the_provider_wants_it(spoken: Spoken):
    async with connected(spoken) as (server, model):
        await model(PROMPT)

    headers = server.requests[0].headers
    assert "a-key" in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer "))


@pytest.mark.parametrize(
    ("spoken", "sent"),
    [
        (replace(OPENAI, settings=replace(OPENAI.settings, model="gpt-5-mini")), {"reasoning_effort": "minimal"}),
        (ANTHROPIC, {}),
    ],
    ids=["openai", "anthropic"],
)
@pytest.mark.filterwarnings("ignore:Sampling parameters")
async def test_how_much_to_think_is_sent_to_a_model_that_can(spoken: Spoken, sent: Mapping[str, object]):
    async with connected(spoken, thinking_level="minimal") as (server, model):
        await model(PROMPT)

    body = server.requests[0].body
    assert {name: body.get(name) for name in sent} == sent


@pytest.mark.parametrize(
    ("budget", "sent"), [(0, {"type": "disabled"}), (1500, {"type": "enabled", "budget_tokens": 1500})]
)
async def test_a_thinking_budget_is_sent_to_anthropic(budget: int, sent: Mapping[str, object]):
    async with connected(ANTHROPIC, thinking_budget=budget, max_output_tokens=2000) as (server, model):
        await model(PROMPT)

    assert server.requests[0].body["thinking"] == sent


@each
async def test_thoughts_are_not_part_of_the_text(spoken: Spoken):
    async with connected(spoken, "with-thoughts") as (_, model):
        reply = await model(PROMPT)

    assert reply.text == "I have one"
    # only OpenAI tells them apart
    assert reply.output_tokens + reply.thinking_tokens == 11
    assert reply.thinking_tokens == (9 if spoken is OPENAI else 0)


async def test_what_a_small_model_thinks_aloud_is_not_said():
    async with connected(OPENAI, "thinks-aloud") as (_, model):
        reply = await model(PROMPT)

    assert reply.text == "I have one"


async def test_a_server_that_leaves_out_why_it_stopped_is_understood():
    async with connected(OPENAI, "no-finish") as (_, model):
        reply = await model(PROMPT)

    assert reply.text == "I have one"


# --- how it fails

FAULTS = {
    "hang": ("timeout", True),
    "429": ("rate_limited", True),
    "500": ("server_error", True),
    "503": ("server_error", True),
    "html": ("server_error", True),
    "reset": ("connection", True),
    "cut-off": ("connection", True),
    "malformed": ("malformed", True),
    "not-an-object": ("malformed", True),
    "another-object": ("malformed", True),
    "not-utf-8": ("malformed", True),
    "html-as-json": ("malformed", True),
    "html-200": ("malformed", True),
    "no-text": ("empty", True),
    "blank": ("empty", True),
    "thought-away": ("thought_away", False),
    "max-tokens": ("cut", True),
    "401": ("bad_key", False),
    "403": ("bad_key", False),
    "404": ("unknown_model", False),
    "400": ("bad_request", False),
}
OWN_FAULTS = [
    (OPENAI, "unsafe", ("safety", False)),
    (OPENAI, "refused", ("safety", False)),
    (OPENAI, "blocked", ("safety", False)),
    (OPENAI, "no-choices", ("empty", True)),
    (OPENAI, "no-credit", ("rate_limited", False)),
    (ANTHROPIC, "unsafe", ("safety", False)),
    (ANTHROPIC, "refused", ("safety", False)),
    (ANTHROPIC, "overloaded", ("server_error", True)),
    (ANTHROPIC, "no-credit", ("rate_limited", False)),
    (MISTRAL, "no-choices", ("empty", True)),
    (MISTRAL, "invalid-model", ("unknown_model", False)),
    (MISTRAL, "422", ("bad_request", False)),
]


@each
@pytest.mark.parametrize(("fault", "expected"), FAULTS.items(), ids=FAULTS)
async def test_each_way_to_fail_has_its_kind(spoken: Spoken, fault: str, expected: tuple[str, bool]):
    changes: dict[str, object] = {}
    if fault == "hang":
        # on a busy machine, what is imported by the first call alone takes longer than that
        async with connected(spoken) as (_, model):
            await model(PROMPT)
        changes = {"timeout_seconds": 1.0}

    error = await failure(spoken, fault, **changes)

    assert (error.kind, error.retryable) == expected


@pytest.mark.parametrize(("spoken", "fault", "expected"), OWN_FAULTS)
async def test_each_way_of_its_own_to_fail_has_its_kind(spoken: Spoken, fault: str, expected: tuple[str, bool]):
    error = await failure(spoken, fault)

    assert (error.kind, error.retryable) == expected


@each
@pytest.mark.parametrize(
    ("fault", "seconds"), [("429", None), ("429-retry-after", 3.0), ("429-retry-date", 7.0), ("503", 4.0)]
)
async def test_the_wait_the_provider_asks_for_is_kept(spoken: Spoken, fault: str, seconds: float | None):
    assert (await failure(spoken, fault)).retry_after == seconds


@each
async def test_what_a_failed_call_brought_and_cost_is_kept(spoken: Spoken):
    cut = (await failure(spoken, "max-tokens")).reply
    thought = (await failure(spoken, "thought-away")).reply

    assert cut is not None
    assert (cut.text, cut.output_tokens) == ("I have one", 2)
    assert thought is not None
    assert thought.output_tokens + thought.thinking_tokens == 1020


@each
async def test_no_key_is_in_what_is_told_of_a_failure(spoken: Spoken):
    own = replace(spoken, key=WRONG_KEY)

    error = await failure(own, "401")

    assert WRONG_KEY not in str(error)
    assert f"{str(spoken.settings.provider).upper()}_API_KEY is not accepted" in str(error)


@each
async def test_a_server_that_wants_a_key_is_told_from_one_that_does_not_accept_it(spoken: Spoken):
    error = await failure(replace(spoken, key=""), "401")

    assert "wants a key" in str(error)


async def test_a_connection_that_is_refused_asks_whether_the_server_runs_and_is_not_tried_again_in_secret():
    with socket.socket() as bound:
        # bound but not listening: nobody else can take the port, and nobody answers
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        model = Direct(replace(OPENAI.settings, base_url=address), "", no_time)

        with pytest.raises(LLMError, match=r"Nothing answers at .* running\?") as caught:
            await model(PROMPT)
        await model.close()

    assert caught.value.kind == "connection"


async def test_a_key_is_not_sent_over_the_network_in_clear():
    from roomful.llm.direct_client import _sendable

    assert _sendable("a-key", "https://api.example.org/v1") == "a-key"
    assert _sendable("a-key", "http://127.0.0.1:11434/v1") == "a-key"
    assert _sendable("a-key", "http://localhost:11434/v1") == "a-key"
    assert _sendable("a-key", "http://gpu.example.org:8000/v1") == ""


@each
async def test_more_calls_than_a_default_connection_pool_are_in_flight_at_once(spoken: Spoken):
    async with spoken.fake(plan=lambda _: "held") as server:
        model = spoken.at(server, timeout_seconds=30.0)
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(model(PROMPT)) for _ in range(150)]
            await server.reached(150)
            server.release()
        await model.close()

    texts = {call.result().text for call in calls}
    assert texts == {f"reply {n} to {len(PROMPT.text)} characters" for n in range(1, 151)}


@each
async def test_a_cancelled_call_lets_go_of_its_connection(spoken: Spoken):
    async with spoken.fake(plan=["held"]) as server:
        model = spoken.at(server)
        async with asyncio.TaskGroup() as group:
            call = group.create_task(model(PROMPT))
            await server.reached(1)
            call.cancel()

        assert call.cancelled()
        assert (await model(PROMPT)).text.startswith("reply 2")
        await model.close()


@each
async def test_closing_twice_or_before_the_first_call_is_nothing(spoken: Spoken):
    model = Direct(replace(spoken.settings, base_url="http://127.0.0.1:9"), "", no_time)

    await model.close()
    await model.close()


@each
async def test_a_probe_names_the_version_that_answered(spoken: Spoken):
    async with spoken.fake() as server:
        version = await probe(replace(spoken.settings, base_url=server.address), Keys(), no_time)

    assert version == f"{spoken.settings.model}-001"


def test_a_client_that_is_not_there_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roomful.llm.direct.find_spec", lambda name: None if name == "mistralai" else object())

    assert not_installed("openai") is None
    assert "pip install 'roomful[providers]'" in (not_installed("mistral") or "")
