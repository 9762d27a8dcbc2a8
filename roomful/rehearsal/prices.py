"""What models cost: a dated table that comes with the program, or one of the researcher's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from roomful.core.inputs import Reply
from roomful.core.study import LLMSettings
from roomful.rules import (
    NAME,
    Fault,
    Rule,
    SettingsError,
    Wrong,
    matching,
    number,
    object_of,
    parse_json,
    read_items,
    read_text,
    wrong,
)

TABLE = Path(__file__).with_name("prices.json")
"""The table that comes with the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Money for a million tokens of prompts, and of replies with their thinking. `date`: when it was looked up."""

    model: str
    input: float
    output: float
    currency: str = "USD"
    date: str = ""
    source: str = ""
    note: str = ""

    def of(self, reply: Reply) -> float:
        """What a reply has cost."""
        output = reply.output_tokens + reply.thinking_tokens
        return (reply.input_tokens * self.input + output * self.output) / 1e6


_RULES: Mapping[str, Rule[object]] = {
    "model": NAME,
    "input": number(),
    "output": number(),
    "currency": NAME,
    "date": matching("a date such as 2026-11-22", r"\d{4}-\d{2}-\d{2}"),
    "source": matching("an address that begins with https:// or http://", r"https?://[^\s<>\"]+"),
    "note": NAME,
}
_PRICE = object_of(Price, _RULES, lambda _found, _good: ())
_EXPECTED = "an array of prices, each an object with model, input and output"


def read_prices(path: Path = TABLE) -> tuple[Price, ...]:
    """Read a table of prices. Raises SettingsError with every fault."""
    try:
        return _PRICES.read(parse_json(read_text(path)))
    except Wrong as error:
        raise SettingsError([replace(fault, file=str(path)) for fault in error.faults]) from None


def _read(value: object) -> tuple[Price, ...]:
    if not isinstance(value, list):
        raise wrong(value, _EXPECTED)
    prices, faults = read_items(value, _PRICE)
    faults += _doubled([price.model for price in prices])
    if faults:
        raise Wrong(*faults)
    return tuple(prices)


_PRICES = Rule(_EXPECTED, _read)


def _doubled(models: list[str]) -> list[Fault]:
    return [
        Fault("", f"[{index}].model", f"{model}, which [{models.index(model)}] is already", "each model once")
        for index, model in enumerate(models)
        if models.index(model) != index
    ]


def price_of(llm: LLMSettings, prices: tuple[Price, ...], *, own_table: bool = False) -> Price | None:
    """The price of the study's model: the researcher's table, else the study's settings, else the program's table."""
    listed = next((price for price in prices if price.model == llm.model), None)
    if own_table and listed:
        return listed
    if llm.input_price_per_million or llm.output_price_per_million:
        return Price(
            model=llm.model,
            input=llm.input_price_per_million,
            output=llm.output_price_per_million,
            currency="",
            note="from simulation_settings.json",
        )
    return listed


class Purse:
    """What a rehearsal has cost, and may cost. `expected` is what a session costs, until one is over."""

    def __init__(self, price: Price | None, budget: float | None = None, expected: float = 0.0) -> None:
        self.price = price
        self.budget = budget
        self.spent = 0.0
        self._expected = expected
        self._over: list[float] = []
        self._under_way = 0
        self.refused = False
        """Whether a session was not begun for the budget's sake."""

    @property
    def empty(self) -> bool:
        """Whether nothing is left, so that sessions under way have to stop."""
        return self.budget is not None and self.spent >= self.budget

    @property
    def expected(self) -> float:
        """What the next session will cost: the mean of those that are over."""
        return sum(self._over) / len(self._over) if self._over else self._expected

    def begin(self) -> bool:
        """Whether one more session can be paid, with those that are under way; it is under way then."""
        if self.budget is not None and sum(self._over) + (self._under_way + 1) * self.expected > self.budget:
            self.refused = True
            return False
        self._under_way += 1
        return True

    def end(self, cost: float) -> None:
        """A session that was begun is over, and has cost so much."""
        self._under_way -= 1
        self._over.append(cost)

    def pay(self, reply: Reply) -> None:
        """A reply came, be it a failed one."""
        self.spent += self.price.of(reply) if self.price else 0.0
