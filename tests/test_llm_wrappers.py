"""Retrying, limiting, budgeting and observing, on a time that the test moves by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import LLMSettings
from roomful.llm import LLM, LLMError
from roomful.llm.budget import Budget, budgeted, cost
from roomful.llm.connect import connect
from roomful.llm.keys import Keys
from roomful.llm.limit import limited
from roomful.llm.observe import observed
from roomful.llm.retry import retried
from tests.fake_gemini import FakeGemini

pytestmark = pytest.mark.anyio

PROMPT = Prompt(agent_name="Alice", system="", text="hi", due_in=5.0, seed=7, number=1)
REPLY = Reply(text="hello", model="m", input_tokens=100, output_tokens=20, thinking_tokens=30)
PRICED = LLMSettings(input_price_per_million=1.0, output_price_per_million=10.0)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@dataclass
class Time:
    """Stands still until it is moved."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)
    sleepers: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def leap(self, seconds: float) -> None:
        """A sleep that is over at once."""
        self.slept.append(seconds)
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        """A sleep that is over when the test says so."""
        wake = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.now + seconds, wake))
        await wake

    async def pass_by(self, seconds: float) -> None:
        await settle()
        end = self.now + seconds
        while due := sorted((at for at, wake in self.sleepers if at <= end and not wake.done())):
            self.now = due[0]
            for at, wake in self.sleepers:
                if at <= self.now and not wake.done():
                    wake.set_result(None)
            await settle()
        self.now = end
        await settle()


@dataclass
class Model:
    """An LLM that goes through `outcomes`, taking `seconds` for each; then it only replies."""

    time: Time
    outcomes: list[BaseException] = field(default_factory=list)
    seconds: float = 1.0
    prompts: list[Prompt] = field(default_factory=list)

    async def __call__(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        self.time.now += self.seconds
        if len(self.prompts) <= len(self.outcomes):
            raise self.outcomes[len(self.prompts) - 1]
        return REPLY


def busy(retry_after: float | None = None) -> LLMError:
    return LLMError("rate_limited", "too many", retryable=True, retry_after=retry_after)


def retrying(model: Model, max_attempts: int = 3, patience: float = 15.0) -> LLM:
    return retried(model, clock=model.time.clock, sleep=model.time.leap, max_attempts=max_attempts, patience=patience)


async def failing(llm: LLM, prompt: Prompt = PROMPT) -> LLMError:
    with pytest.raises(LLMError) as caught:
        await llm(prompt)
    return caught.value


# Retrying


async def test_a_busy_model_is_asked_again_and_the_reply_tells_of_it():
    model = Model(Time(), [busy(), LLMError("timeout", "slow", retryable=True)])

    reply = await retrying(model)(PROMPT)

    assert reply.text == "hello"
    assert reply.attempts == ("rate_limited: too many (1.00 s)", "timeout: slow (1.00 s)")
    assert reply.latency == pytest.approx(3.0 + sum(model.time.slept))


async def test_waits_double_with_jitter_and_stop_growing():
    model = Model(Time(), [busy() for _ in range(7)])

    await retrying(model, max_attempts=8, patience=1000.0)(PROMPT)

    bases = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    factors = [slept / base for slept, base in zip(model.time.slept, bases, strict=True)]
    assert all(0.5 <= factor < 1.5 for factor in factors)
    assert len({round(factor, 6) for factor in factors}) == 7


async def test_jitter_is_the_same_for_the_same_call_and_another_for_the_next():
    async def waits(prompt: Prompt) -> list[float]:
        model = Model(Time(), [busy()])
        await retrying(model)(prompt)
        return model.time.slept

    assert await waits(PROMPT) == await waits(PROMPT)
    assert await waits(PROMPT) != await waits(replace(PROMPT, number=2))
    assert await waits(PROMPT) != await waits(replace(PROMPT, agent_name="Bob"))


async def test_the_providers_wait_is_kept_and_hardly_exceeded():
    for number in range(20):
        model = Model(Time(), [busy(retry_after=6.0)])

        await retrying(model)(replace(PROMPT, number=number))

        assert 6.0 <= model.time.slept[0] < 6.5


async def test_a_wait_that_ends_past_patience_is_not_begun():
    model = Model(Time(), [busy(retry_after=20.0)])

    error = await failing(retrying(model, patience=15.0))

    assert (error.kind, model.time.slept, len(model.prompts)) == ("rate_limited", [], 1)


async def test_patience_counts_from_the_time_the_message_is_due():
    model = Model(Time(), [busy(retry_after=20.0)])

    await retrying(model, patience=15.0)(replace(PROMPT, due_in=30.0))

    assert len(model.prompts) == 2


async def test_no_attempt_begins_after_patience_however_many_are_allowed():
    model = Model(Time(), [busy() for _ in range(50)], seconds=4.0)
    began = model.time.now

    await failing(retrying(model, max_attempts=50, patience=15.0))

    last = model.time.now - 4.0
    assert last <= began + 20.0
    assert 1 < len(model.prompts) < 50


async def test_later_attempts_know_how_much_time_is_left():
    model = Model(Time(), [busy(retry_after=2.0)])

    await retrying(model)(PROMPT)

    assert model.prompts[0] == PROMPT
    assert model.prompts[1].due_in == pytest.approx(5.0 - 1.0 - model.time.slept[0])


async def test_attempts_are_counted_and_all_are_told():
    model = Model(Time(), [busy() for _ in range(9)])

    error = await failing(retrying(model, max_attempts=3))

    assert error.attempts == ("rate_limited: too many (1.00 s)",) * 3


async def test_what_cannot_get_better_is_not_asked_again():
    model = Model(Time(), [LLMError("bad_key", "no")])

    error = await failing(retrying(model))

    assert (error.kind, error.attempts) == ("bad_key", ("bad_key: no (1.00 s)",))


async def test_the_unforeseen_passes_through_at_once():
    model = Model(Time(), [ZeroDivisionError("what")])

    with pytest.raises(ZeroDivisionError):
        await retrying(model)(PROMPT)

    assert len(model.prompts) == 1


# Limiting


@dataclass
class Room:
    """A limited model whose calls the test ends one by one."""

    time: Time
    llm: LLM
    group: asyncio.TaskGroup
    running: dict[int, asyncio.Future[Reply]] = field(default_factory=dict)
    begun: list[tuple[int, float]] = field(default_factory=list)

    async def model(self, prompt: Prompt) -> Reply:
        self.begun.append((prompt.number, self.time.now))
        self.running[prompt.number] = asyncio.get_running_loop().create_future()
        try:
            return await self.running[prompt.number]
        finally:
            del self.running[prompt.number]

    def ask(self, *numbers: int, due_in: float = 5.0) -> list[asyncio.Task[Reply | LLMError]]:
        return [self.group.create_task(self._ask(number, due_in)) for number in numbers]

    async def _ask(self, number: int, due_in: float) -> Reply | LLMError:
        try:
            return await self.llm(replace(PROMPT, number=number, due_in=due_in))
        except LLMError as error:
            return error

    async def end(self, *numbers: int) -> None:
        for number in numbers:
            self.running[number].set_result(REPLY)
        await settle()


@asynccontextmanager
async def room(max_concurrent_calls: int = 100, requests_per_minute: float | None = None) -> AsyncIterator[Room]:
    async with asyncio.TaskGroup() as group:
        time = Time()
        made = Room(time, _unset, group)
        made.llm = limited(
            made.model,
            clock=time.clock,
            sleep=time.sleep,
            max_concurrent_calls=max_concurrent_calls,
            requests_per_minute=requests_per_minute,
            patience=15.0,
        )
        yield made
        await made.end(*made.running)


async def _unset(_: Prompt) -> Reply:
    raise NotImplementedError


async def test_no_more_calls_than_allowed_run_at_once():
    async with room(max_concurrent_calls=2) as here:
        here.ask(1, 2, 3, 4, 5)
        most = 0
        while len(here.begun) < 5:
            await settle()
            most = max(most, len(here.running))
            await here.end(next(iter(here.running)))

        assert most == 2


async def test_who_waits_is_served_in_the_order_of_arrival():
    async with room(max_concurrent_calls=1) as here:
        here.ask(3, 1, 4, 2)
        await settle()
        for number in (3, 1, 4):
            await here.end(number)

        assert [number for number, _ in here.begun] == [3, 1, 4, 2]


async def test_a_newcomer_does_not_overtake_who_waits():
    async with room(max_concurrent_calls=1) as here:
        here.ask(1, 2)
        await settle()
        here.running[1].set_result(REPLY)
        here.ask(3)
        await settle()

        assert [number for number, _ in here.begun] == [1, 2]
        await here.end(2)


async def test_waiting_ends_when_the_message_would_be_too_late():
    async with room(max_concurrent_calls=1) as here:
        here.ask(1)
        (second, third) = [*here.ask(2, due_in=5.0), *here.ask(3, due_in=60.0)]

        await here.time.pass_by(19.0)
        assert not second.done()
        await here.time.pass_by(1.0)

        error = await second
        assert isinstance(error, LLMError)
        assert (error.kind, error.retryable) == ("queue_full", False)
        await here.end(1)
        assert [number for number, _ in here.begun] == [1, 3]
        await here.end(3)
        assert await third == REPLY


async def test_a_call_cancelled_while_it_runs_gives_its_slot_on():
    async with room(max_concurrent_calls=1) as here:
        (first, second) = here.ask(1, 2)
        await settle()

        first.cancel()
        await settle()

        assert [number for number, _ in here.begun] == [1, 2]
        await here.end(2)
        assert await second == REPLY


async def test_a_call_cancelled_while_it_waits_leaves_the_queue():
    async with room(max_concurrent_calls=1) as here:
        (_, second, _) = here.ask(1, 2, 3)
        await settle()

        second.cancel()
        await here.end(1)

        assert [number for number, _ in here.begun] == [1, 3]


async def test_a_call_cancelled_in_the_moment_of_its_turn_passes_it_on():
    async with room(max_concurrent_calls=1) as here:
        (first, second, _) = here.ask(1, 2, 3)
        await settle()

        # the first call's end hands the slot to the second, which is cancelled before it can take it
        here.running[1].set_result(REPLY)
        first.add_done_callback(lambda _: second.cancel())
        await settle()

        assert [number for number, _ in here.begun] == [1, 3]


async def test_a_failed_call_gives_its_slot_back():
    async with room(max_concurrent_calls=1) as here:
        here.ask(1, 2)
        await settle()

        here.running[1].set_exception(busy())
        await settle()

        assert 2 in here.running


async def test_no_more_calls_than_allowed_begin_in_any_minute():
    async with room(requests_per_minute=3.0) as here:
        here.ask(*range(1, 8), due_in=600.0)
        await here.time.pass_by(150.0)

        assert [at - 1000.0 for _, at in here.begun] == [0.0, 0.0, 0.0, 60.0, 60.0, 60.0, 120.0]
        assert [number for number, _ in here.begun] == list(range(1, 8))


async def test_less_than_one_call_a_minute_is_possible():
    async with room(requests_per_minute=0.5) as here:
        here.ask(1, 2, due_in=600.0)
        await here.time.pass_by(150.0)

        assert [at - 1000.0 for _, at in here.begun] == [0.0, 120.0]


async def test_a_call_whose_minute_is_full_for_too_long_fails_at_once():
    async with room(requests_per_minute=1.0) as here:
        (_, second) = here.ask(1, 2, due_in=5.0)
        await settle()

        error = await second
        assert isinstance(error, LLMError)
        assert (error.kind, str(error)) == (
            "queue_full",
            "requests_per_minute is reached: the next call could begin in 60 s.",
        )


async def test_waiting_for_the_minute_can_be_cancelled():
    async with room(max_concurrent_calls=2, requests_per_minute=1.0) as here:
        (_, second) = here.ask(1, 2, due_in=600.0)
        await settle()
        second.cancel()
        await settle()
        here.ask(3, due_in=600.0)
        await here.time.pass_by(180.0)

        assert [number for number, _ in here.begun] == [1, 3]


# Budgeting


async def test_calls_stop_when_the_days_tokens_are_used():
    budget = Budget(lambda: 0.0, max_tokens_per_day=300)
    llm = budgeted(Model(Time()), budget, PRICED)

    await llm(PROMPT)
    await llm(PROMPT)
    error = await failing(llm)

    assert (error.kind, error.retryable, budget.tokens) == ("budget", False, 300)


async def test_calls_stop_when_the_days_money_is_used():
    budget = Budget(lambda: 0.0, max_cost_per_day=0.001)
    llm = budgeted(Model(Time()), budget, PRICED)

    await llm(PROMPT)
    await llm(PROMPT)

    assert (await failing(llm)).kind == "budget"
    assert budget.cost == pytest.approx(0.0012)


async def test_a_new_day_begins_with_an_empty_sum():
    seconds = [86399.0]
    budget = Budget(lambda: seconds[0], max_tokens_per_day=100)
    llm = budgeted(Model(Time()), budget, PRICED)
    await llm(PROMPT)
    await failing(llm)

    seconds[0] = 86400.0
    await llm(PROMPT)

    assert budget.tokens == 150


async def test_a_failed_call_counts_with_what_it_used():
    budget = Budget(lambda: 0.0)
    llm = budgeted(Model(Time(), [LLMError("thought_away", "", reply=REPLY), busy()]), budget, PRICED)

    await failing(llm)
    await failing(llm)

    assert budget.tokens == 150


async def test_a_process_started_again_goes_on_with_the_days_sum():
    budget = Budget(lambda: 0.0, max_tokens_per_day=100, tokens=100)

    assert (await failing(budgeted(Model(Time()), budget, PRICED))).kind == "budget"


def test_thinking_is_charged_as_output():
    assert cost(REPLY, PRICED) == pytest.approx((100 * 1.0 + 50 * 10.0) / 1e6)


# Observing


async def test_every_outcome_is_reported_with_its_seconds():
    time = Time()
    reports: list[tuple[str, float]] = []
    model = Model(time, [busy(), ZeroDivisionError(), asyncio.CancelledError()], seconds=2.0)
    llm = observed(model, lambda outcome, seconds: reports.append((outcome, seconds)), clock=time.clock)

    for expected in (LLMError, ZeroDivisionError, asyncio.CancelledError):
        with pytest.raises(expected):
            await llm(PROMPT)
    await llm(PROMPT)

    assert reports == [("rate_limited", 2.0), ("unexpected", 2.0), ("cancelled", 2.0), ("ok", 2.0)]


# All together


async def test_a_connection_retries_limits_counts_and_reports():
    time = Time()
    outcomes: list[str] = []
    budget = Budget(lambda: 0.0)
    async with FakeGemini(plan=["429-retry-info", "thought-away"], say=lambda _: "I have one") as server:
        llm = connect(
            LLMSettings(),
            Keys(gemini="a-key"),
            clock=time.clock,
            sleep=time.leap,
            base_url=server.url,
            budget=budget,
            report=lambda outcome, _: outcomes.append(outcome),
        )
        error = await failing(llm)
        reply = await llm(PROMPT)
        await llm.close()

    assert outcomes == ["rate_limited", "thought_away", "ok"]
    assert [line.partition(":")[0] for line in error.attempts] == ["rate_limited", "thought_away"]
    assert 2.5 <= time.slept[0] < 3.0
    assert reply.text == "I have one"
    assert budget.tokens == 1020 + 2


async def test_a_connection_asks_no_more_often_than_the_settings_allow():
    time = Time()
    async with FakeGemini(plan=["503"] * 9) as server:
        llm = connect(
            LLMSettings(max_attempts=2), Keys(gemini="a-key"), clock=time.clock, sleep=time.leap, base_url=server.url
        )
        error = await failing(llm)
        await llm.close()

    assert (server.count, error.kind) == (2, "server_error")
    assert [line.partition(":")[0] for line in error.attempts] == ["server_error"] * 2
