"""From settings to models that can be asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from math import inf

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import SCRIPTED, LLMSettings, ModelSettings, name_of
from roomful.llm import LLM, LLMError
from roomful.llm.budget import Budget, budgeted
from roomful.llm.direct import DIRECT, Direct
from roomful.llm.fallback import fallen_back, routed
from roomful.llm.gemini import Gemini
from roomful.llm.keys import Keys
from roomful.llm.limit import Limits
from roomful.llm.local import SLOTS, Engine, Local
from roomful.llm.observe import Report, observed
from roomful.llm.retry import PATIENCE, retried
from roomful.llm.scripted import Scripted
from roomful.llm.watch import Watch


class Connection:
    """An LLM that can be closed."""

    def __init__(self, llm: LLM, close: Callable[[], Awaitable[None]]) -> None:
        self._llm = llm
        self._close = close

    async def __call__(self, prompt: Prompt) -> Reply:
        """Ask, as often as it takes. Raises LLMError."""
        return await self._llm(prompt)

    async def close(self) -> None:
        """Close the connections to the providers."""
        await self._close()


def connect(
    settings: LLMSettings,
    keys: Keys,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    base_url: str | None = None,
    budget: Budget | None = None,
    report: Report | None = None,
    watch: Watch | None = None,
    patience: float = PATIENCE,
) -> Connection:
    """Return all the models of the settings as one: each agent's own or the common one, then the fallbacks in order.

    A model is retried, limited, budgeted and observed, from the outside in. So a call that waits for its next attempt
    takes nobody's place, each attempt keeps to the limits and the budget, and `report` and `watch` hear of each. The
    budget is the whole process's; limits are a model's, however many agents it speaks for. `base_url` is another
    server's that speaks Gemini's protocol.
    """
    models = _Models(keys, clock, sleep, base_url, budget, report, watch, patience)
    fallbacks = [models.named(entry) for entry in settings.fallbacks]

    def chain(first: ModelSettings) -> LLM:
        asked = [models.named(first), *fallbacks]
        return fallen_back(asked, clock=clock, patience=patience) if fallbacks else asked[0][1]

    llm = chain(settings)
    if settings.agents:
        llm = routed(llm, {name: chain(entry) for name, entry in settings.agents.items()})
    return Connection(llm, models.close)


type Client = Gemini | Direct | Local


def client(settings: ModelSettings, keys: Keys, clock: Callable[[], float], base_url: str | None = None) -> Client:
    """What asks the provider of these settings, once a call; to be closed."""
    if settings.provider in DIRECT:
        return Direct(settings, keys.of(settings.provider), clock)
    if settings.provider == "local":
        return Local(settings, Engine(settings.model_path or "", keys.local), clock)
    return Gemini(settings, keys.gemini, clock, base_url)


async def probe(settings: ModelSettings, keys: Keys, clock: Callable[[], float], base_url: str | None = None) -> str:
    """Ask the model for a word and return the version that answered; LLMError says what to change."""
    asked = client(settings, keys, clock, base_url)
    try:
        reply = await asked(Prompt(agent_name="check", system="Answer with one word.", text="Say hello."))
    finally:
        await asked.close()
    return reply.model


@dataclass
class _Models:
    """The models of one process, those that are the same under one limit."""

    keys: Keys
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    base_url: str | None
    budget: Budget | None
    report: Report | None
    watch: Watch | None
    patience: float
    clients: list[Client] = field(default_factory=list)
    engines: dict[str, Engine] = field(default_factory=dict)
    limits: dict[tuple[object, ...], Limits] = field(default_factory=dict)

    def named(self, settings: ModelSettings) -> tuple[str, LLM]:
        """The model's name and what asks it."""
        if settings.provider == SCRIPTED:
            return SCRIPTED, _served_by(Scripted(), SCRIPTED)
        asked = self._client(settings)
        self.clients.append(asked)
        llm = _served_by(asked, settings.provider or "gemini")
        if self.report or self.watch:
            llm = observed(llm, self.report, clock=self.clock, watch=self.watch)
        if self.budget:
            llm = budgeted(llm, self.budget, settings)
        llm = self._limits_of(settings).around(llm)
        llm = retried(
            llm, clock=self.clock, sleep=self.sleep, max_attempts=settings.max_attempts, patience=self.patience
        )
        return name_of(settings), llm

    async def close(self) -> None:
        """Close the connections to all providers."""
        for one in self.clients:
            await one.close()

    def _client(self, settings: ModelSettings) -> Client:
        if settings.provider != "local":
            return client(settings, self.keys, self.clock, self.base_url)
        path = settings.model_path or ""
        # the weights are in memory once, in however many ways they are asked
        self.engines[path] = self.engines.get(path) or Engine(path, self.keys.local)
        return Local(settings, self.engines[path], self.clock)

    def _limits_of(self, settings: ModelSettings) -> Limits:
        # a call that waits for a thread of a local model is to wait here, where its time-out has not begun
        calls = min(settings.max_concurrent_calls, SLOTS if settings.provider == "local" else inf)
        most = int(calls), settings.requests_per_minute
        place = settings.provider, settings.model, settings.base_url, settings.model_path, *most
        if place not in self.limits:
            self.limits[place] = Limits(self.clock, self.sleep, *most, self.patience)
        return self.limits[place]


def _served_by(llm: LLM, provider: str) -> LLM:
    """The same LLM, its replies with the provider's name."""

    async def ask(prompt: Prompt) -> Reply:
        try:
            return replace(await llm(prompt), provider=provider)
        except LLMError as error:
            if error.reply:
                error.reply = replace(error.reply, provider=provider)
            raise

    return ask
