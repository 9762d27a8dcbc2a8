"""From settings to a model that can be asked."""

from collections.abc import Awaitable, Callable

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import LLMSettings
from roomful.llm import LLM
from roomful.llm.budget import Budget, budgeted
from roomful.llm.gemini import Gemini
from roomful.llm.limit import limited
from roomful.llm.observe import Report, observed
from roomful.llm.retry import PATIENCE, retried
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
        """Close the connections to the provider."""
        await self._close()


def connect(
    settings: LLMSettings,
    api_key: str,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    base_url: str | None = None,
    budget: Budget | None = None,
    report: Report | None = None,
    watch: Watch | None = None,
    patience: float = PATIENCE,
) -> Connection:
    """Return Gemini with all that the settings ask for: one connection, limit and budget for the whole process.

    From the outside in: retried, limited, budgeted, observed. So a call that waits for its next attempt takes
    nobody's place, each attempt keeps to the limits and the budget, and `report` and `watch` hear of each.
    """
    gemini = Gemini(settings, api_key, clock, base_url)
    llm: LLM = gemini
    if report or watch:
        llm = observed(llm, report, clock=clock, watch=watch)
    if budget:
        llm = budgeted(llm, budget, settings)
    llm = limited(
        llm,
        clock=clock,
        sleep=sleep,
        max_concurrent_calls=settings.max_concurrent_calls,
        requests_per_minute=settings.requests_per_minute,
        patience=patience,
    )
    llm = retried(llm, clock=clock, sleep=sleep, max_attempts=settings.max_attempts, patience=patience)
    return Connection(llm, gemini.close)
