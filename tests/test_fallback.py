"""A model for one agent, and who is asked when a model has failed for good: through real clients, up to the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import pytest

from roomful.codec import decode, encode
from roomful.core.events import CallAnswered, CallFailed, CallRequested, Entry, Prompt
from roomful.core.inputs import Answered, Connect, Reply, Say
from roomful.core.state import fold
from roomful.core.study import LLMSettings, ModelSettings
from roomful.llm import LLMError
from roomful.llm.budget import Budget
from roomful.llm.connect import Connection, connect
from roomful.llm.fallback import fallen_back, routed
from roomful.llm.keys import Keys
from roomful.session import SimulationSession
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline
from tests.fake_gemini import FakeGemini
from tests.fake_models import FakeOpenAI
from tests.rooms import SESSION, Room, only, start
from tests.stores import claimed
from tests.test_llm_faults import frames, technical

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(find_spec("pydantic_ai") is None, reason="the extra `providers` is not installed"),
]

PROMPT = Prompt(agent_name="Alice", system="You are Alice.", text="Bob: who has a ladder?", due_in=5.0)
LOCAL = ModelSettings(provider="openai", model="llama3.2")
LIMITS = {"max_concurrent_calls": 1, "timeout_seconds": 5.0}


@dataclass
class Time:
    """Passes where it is slept, and by a second at every request."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Still(Time):
    """Does not pass, however long it is slept."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


@dataclass
class Both:
    """Gemini and a server that speaks like OpenAI, and what asks them."""

    gemini: FakeGemini
    local: FakeOpenAI
    llm: Connection


def here(settings: LLMSettings, local: FakeOpenAI) -> LLMSettings:
    """The same with the address of the server that stands in for the others."""
    agents = {name: replace(model, base_url=local.address) for name, model in settings.agents.items()}
    fallbacks = tuple(replace(model, base_url=local.address) for model in settings.fallbacks)
    return replace(settings, agents=agents, fallbacks=fallbacks)


@asynccontextmanager
async def both(
    *plan: str, then: tuple[str, ...] = (), time: Time | None = None, budget: Budget | None = None, **llm: object
) -> AsyncIterator[Both]:
    """Gemini does as planned, then the other one; of the settings only what is given differs from the default."""
    time = time or Time()
    async with (
        FakeGemini(plan=plan, say=lambda _: "from the cloud") as gemini,
        FakeOpenAI(plan=then, say=lambda _: "from the cellar") as local,
    ):
        settings = LLMSettings(provider="gemini", **{"fallbacks": (LOCAL,)} | llm)
        connection = connect(
            here(settings, local),
            Keys(gemini="a-key"),
            clock=time.clock,
            sleep=time.sleep,
            base_url=gemini.url,
            budget=budget,
        )
        try:
            yield Both(gemini, local, connection)
        finally:
            await connection.close()


async def test_while_the_first_model_answers_nobody_else_is_asked():
    async with both() as models:
        reply = await models.llm(PROMPT)

    assert (reply.text, reply.provider, reply.fallback, reply.attempts) == ("from the cloud", "gemini", 0, ())
    assert models.local.count == 0


async def test_a_failure_for_good_goes_to_the_fallback_which_is_named_in_the_reply():
    async with both("401") as models:
        reply = await models.llm(PROMPT)

    assert (reply.text, reply.model) == ("from the cellar", "llama3.2-001")
    assert (reply.provider, reply.fallback) == ("openai", 1)
    (line,) = reply.attempts
    assert line.startswith("bad_key: ")
    assert line.endswith("[gemini-3.5-flash-lite]")


async def test_what_may_be_asked_again_is_before_anybody_else_is():
    async with both("503", "429", "reset", then=("500",)) as models:
        reply = await models.llm(PROMPT)

    assert (models.gemini.count, models.local.count, reply.text) == (3, 2, "from the cellar")
    kinds = [line.partition(":")[0] for line in reply.attempts]
    assert kinds == ["server_error", "rate_limited", "connection", "server_error"]
    assert [line.rpartition("[")[2] for line in reply.attempts][2:] == ["gemini-3.5-flash-lite]", "llama3.2]"]


async def test_when_all_have_failed_the_last_one_s_failure_is_told_with_every_attempt():
    async with both("400", then=("max-tokens",) * 3) as models:
        with pytest.raises(LLMError) as caught:
            await models.llm(PROMPT)

    error = caught.value
    assert error.kind == "cut"
    assert [line.partition(":")[0] for line in error.attempts] == ["bad_request", "cut", "cut", "cut"]
    assert error.reply is not None
    assert (error.reply.provider, error.reply.fallback) == ("openai", 1)


async def test_nobody_else_is_asked_for_a_message_that_nobody_would_miss_any_more():
    time = Time()

    async def late(_: Prompt) -> Reply:
        time.now += 21.0
        raise LLMError("timeout", "No answer within 21 s.")

    async def good(_: Prompt) -> Reply:
        return Reply(text="hello", model="b")

    llm = fallen_back([("a", late), ("b", good)], clock=time.clock)

    with pytest.raises(LLMError, match="21 s") as caught:
        await llm(PROMPT)
    assert caught.value.attempts == ("timeout: No answer within 21 s. [a]",)
    assert (await llm(replace(PROMPT, due_in=7.0))).fallback == 1


async def test_the_latency_is_that_of_all_who_were_asked_and_the_next_one_knows_what_is_left():
    time, left = Time(), []

    async def failing(_: Prompt) -> Reply:
        time.now += 3.0
        raise LLMError("safety", "Blocked.")

    async def good(prompt: Prompt) -> Reply:
        left.append(prompt.due_in)
        time.now += 1.0
        return Reply(text="hello", model="b", latency=1.0)

    reply = await fallen_back([("a", failing), ("b", good)], clock=time.clock)(PROMPT)

    assert (reply.latency, left) == (4.0, [2.0])


async def test_whatever_a_client_raises_the_next_one_is_asked():
    async def broken(prompt: Prompt) -> Reply:
        raise ZeroDivisionError("of the client's own")

    async def good(prompt: Prompt) -> Reply:
        return Reply(text="hi", model="b")

    reply = await fallen_back([("a", broken), ("b", good)], clock=Time().clock)(PROMPT)

    assert (reply.text, reply.fallback) == ("hi", 1)
    assert reply.attempts == ("unexpected: ZeroDivisionError: of the client's own [a]",)


async def test_a_call_that_is_cancelled_goes_to_nobody_else():
    async def cancelled(prompt: Prompt) -> Reply:
        raise asyncio.CancelledError

    async def good(prompt: Prompt) -> Reply:
        raise AssertionError("nobody asked for it any more")

    with pytest.raises(asyncio.CancelledError):
        await fallen_back([("a", cancelled), ("b", good)], clock=Time().clock)(PROMPT)


async def test_each_model_is_charged_by_its_own_prices():
    budget = Budget(lambda: 0.0)
    prices = {"input_price_per_million": 1e6, "output_price_per_million": 0.0}
    async with both("ok", "401", budget=budget, **prices) as models:
        await models.llm(PROMPT)
        paid = budget.cost
        await models.llm(PROMPT)

    assert paid == len(PROMPT.text) // 4
    assert budget.cost == paid, "the fallback costs nothing"


async def test_an_agent_may_have_a_model_of_its_own_and_the_others_keep_theirs():
    async with both(agents={"Bob": LOCAL}, fallbacks=()) as models:
        replies = {name: await models.llm(replace(PROMPT, agent_name=name)) for name in ("Alice", "Bob", "Cleo")}

    assert {name: reply.provider for name, reply in replies.items()} == {
        "Alice": "gemini",
        "Bob": "openai",
        "Cleo": "gemini",
    }


async def test_an_agent_s_own_way_of_asking_is_sent_for_it_alone():
    cold = replace(LOCAL, temperature=0.1)
    async with both(agents={"Bob": cold, "Cleo": LOCAL}) as models:
        for name in ("Bob", "Cleo"):
            await models.llm(replace(PROMPT, agent_name=name))

    assert [asked.body["temperature"] for asked in models.local.requests] == [0.1, 1.0]


async def test_the_fallbacks_stand_in_for_the_agents_own_models_too():
    async def dead(_: Prompt) -> Reply:
        raise LLMError("connection", "Nothing answers.")

    async def common(_: Prompt) -> Reply:
        return Reply(text="hello", model="a")

    fallback = ("b", common)
    clock = Time().clock
    llm = routed(common, {"Bob": fallen_back([("own", dead), fallback], clock=clock)})

    assert (await llm(replace(PROMPT, agent_name="Bob"))).fallback == 1
    assert (await llm(PROMPT)).fallback == 0


async def test_agents_of_one_model_share_its_limits():
    cold, warm = replace(LOCAL, temperature=0.1, **LIMITS), replace(LOCAL, temperature=0.9, **LIMITS)
    async with both(time=Still(), agents={"Bob": cold, "Cleo": warm}, fallbacks=()) as models:
        models.local._plan = lambda _: "held"
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(models.llm(replace(PROMPT, agent_name=name))) for name in ("Bob", "Cleo")]
            async with asyncio.timeout(20):
                await models.local.reached(1)
                for _ in range(200):
                    await asyncio.sleep(0)
                waiting = models.local.in_flight
                models.local._plan = lambda _: "ok"
                models.local.release()

    assert waiting == 1
    assert [call.result().text for call in calls] == ["from the cellar"] * 2


# --- in a session


async def test_the_log_of_a_session_tells_who_spoke_for_whom():
    about = {"agents": {"Bob": LOCAL}, "fallbacks": (replace(LOCAL, model="qwen3"),)}
    async with both("ok", *["401"] * 200, **about) as models:
        first = start(session_duration_minutes=2, messages_per_minute=12, provider="gemini", **about)
        session = SimulationSession(await claimed(MemoryStore()), models.llm, SimulatedTimeline())
        for input in (replace(first, model="gemini-3.5-flash-lite"), Connect(protocol=2), Say(content="hello")):
            session.put(input, 0.0)
        await session.run()
        entries = [entry async for entry in session.log.follow()]
    events = [entry.event for entry in entries]

    asked = {(event.prompt.agent_name, event.model) for event in only(events, CallRequested)}
    assert asked == {("Alice", "gemini-3.5-flash-lite"), ("Carol", "gemini-3.5-flash-lite"), ("Bob", "llama3.2")}
    assert only(events, CallFailed) == []
    said = [(event.prompt.agent_name, event.reply) for event in only(events, CallAnswered)]
    own = {(reply.provider, reply.fallback, reply.model) for name, reply in said if name == "Bob"}
    others = [(reply.provider, reply.fallback, reply.model) for name, reply in said if name != "Bob"]
    assert own == {("openai", 0, "llama3.2-001")}
    assert sorted(set(others)) == [("gemini", 0, "gemini-3.5-flash-lite-001"), ("openai", 1, "qwen3-001")]
    assert [(word, frame) for frame in frames(entries) for word in technical(frame)] == []


def test_a_session_is_charged_by_the_prices_of_who_answered():
    prices = {"Alice": 1e6, "Bob": 2e6, "Carol": 3e6}
    agents = {name: replace(LOCAL, output_price_per_million=price) for name, price in prices.items()}
    room = Room(start(agents=agents, fallbacks=(replace(LOCAL, output_price_per_million=9e6),)))
    for number in range(6):
        while not room.state.calls:
            room.ring()
        name = next(iter(room.state.calls.values())).prompt.agent_name
        before = room.state.cost

        room.answer(f"line {number}", output_tokens=1, fallback=number % 2)

        expected = 9.0 if number % 2 else prices[name] / 1e6
        assert room.state.cost - before == pytest.approx(expected)
    lines = [encode(entry, SESSION, 0, "0" * 64, "5a17").text for entry in room.entries]
    assert fold(decode(line, folding=True) for line in lines).cost == room.state.cost


def test_a_log_that_tells_of_a_fallback_there_is_none_of_still_folds():
    settings = LLMSettings(input_price_per_million=2.0)

    assert settings.speaking_for("Alice", 3) is settings


def test_a_log_keeps_who_answered_and_reads_one_of_before_there_was_a_choice():
    said = Reply(text="hi", model="llama3.2", provider="openai", fallback=2)
    event = CallAnswered(call_id="c1", prompt=PROMPT, reply=said, text="hi")
    entry = Entry(2, 1.0, event, None, Answered(call_id="c1", reply=said))

    written = encode(entry, SESSION, 0, "0" * 64, "5a17").text
    before = written.replace(',"provider":"openai","fallback":2', "")

    assert decode(written) == entry
    assert before != written
    assert decode(before).event == replace(event, reply=replace(said, provider="", fallback=0))
