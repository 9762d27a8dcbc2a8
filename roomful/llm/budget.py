"""What all calls of this process may use in a day."""

from collections.abc import Callable
from dataclasses import dataclass, field

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import ModelSettings
from roomful.llm import LLM, LLMError

_DAY = 86400.0


@dataclass
class Budget:
    """Tokens and money a day, from midnight to midnight UTC by `now` (seconds since 1970); None: no limit.

    A day's sums begin at `tokens` and `cost`, for a process that is started again within the day.
    """

    now: Callable[[], float]
    max_tokens_per_day: int | None = None
    max_cost_per_day: float | None = None
    tokens: int = 0
    cost: float = 0.0
    _day: int = field(init=False)

    def __post_init__(self) -> None:
        self._day = self._today()

    def exceeded(self) -> str | None:
        """Say which limit is reached, or None."""
        if (today := self._today()) != self._day:
            self._day, self.tokens, self.cost = today, 0, 0.0
        if self.max_tokens_per_day is not None and self.tokens >= self.max_tokens_per_day:
            return f"{self.tokens} of {self.max_tokens_per_day} tokens"
        if self.max_cost_per_day is not None and self.cost >= self.max_cost_per_day:
            return f"{self.cost:.2f} of {self.max_cost_per_day:.2f} in money"
        return None

    def add(self, reply: Reply, settings: ModelSettings) -> None:
        """Count what a reply has used."""
        self.tokens += reply.input_tokens + reply.output_tokens + reply.thinking_tokens
        self.cost += cost(reply, settings)

    def _today(self) -> int:
        return int(self.now() // _DAY)


def cost(reply: Reply, settings: ModelSettings) -> float:
    """Money for a reply by the prices of the settings; thinking is charged as output."""
    output = reply.output_tokens + reply.thinking_tokens
    return (reply.input_tokens * settings.input_price_per_million + output * settings.output_price_per_million) / 1e6


def budgeted(llm: LLM, budget: Budget, settings: ModelSettings) -> LLM:
    """Refuse calls once the day's budget is used (`budget`); failed calls count with the tokens they cost.

    Calls under way when the limit is reached go on, so a day can end a few calls above it.
    """

    async def ask(prompt: Prompt) -> Reply:
        if exceeded := budget.exceeded():
            raise LLMError("budget", f"Today's budget is used up: {exceeded}. It begins anew at midnight UTC.")
        try:
            reply = await llm(prompt)
        except LLMError as error:
            if error.reply:
                budget.add(error.reply, settings)
            raise
        budget.add(reply, settings)
        return reply

    return ask
