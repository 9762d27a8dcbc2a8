"""What models cost: a dated table that comes with the program, or one of the researcher's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from roomful.core.inputs import Reply
from roomful.core.study import SCRIPTED, LLMSettings, ModelSettings, name_of
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
        raise SettingsError([replace(fault, file=str(path)) for fault in error.faults], "The table has") from None


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


def price_of(llm: ModelSettings, prices: tuple[Price, ...], *, own_table: bool = False) -> Price | None:
    """The price of a model: the researcher's table, else the study's settings, else the program's table."""
    if llm.provider in ("local", SCRIPTED):
        return Price(model=name_of(llm), input=0.0, output=0.0, currency="", note="speaks in the server, for nothing")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices of all models of a study; None for a stand-in, or an agent's own model, that has none."""

    common: Price
    fallbacks: tuple[Price | None, ...] = ()
    agents: Mapping[str, Price | None] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """Models without a price: their replies count as free."""

    def of(self, agent: str, reply: Reply) -> float:
        """What a reply has cost that was asked for this agent, by the price of the model that gave it."""
        price = self.fallbacks[reply.fallback - 1] if reply.fallback else self.agents.get(agent, self.common)
        return price.of(reply) if price else 0.0

    @property
    def all(self) -> tuple[Price, ...]:
        """Each price once, that of the common model first."""
        known = (self.common, *self.fallbacks, *self.agents.values())
        return tuple(dict.fromkeys(price for price in known if price))

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those that are named: money can be added up where there is one at most."""
        return tuple(dict.fromkeys(price.currency for price in self.all if price.currency))

    @property
    def currency(self) -> str:
        """That of all sums; empty where no price tells it."""
        return next(iter(self.currencies), "")


def prices_of(llm: LLMSettings, listed: tuple[Price, ...], *, own_table: bool = False) -> Prices | None:
    """The prices of the study's model, of those that stand in for it and of agents' own; None where it has none."""

    def priced(model: ModelSettings) -> Price | None:
        return price_of(model, listed, own_table=own_table)

    common = priced(llm)
    if common is None:
        return None
    models = (*llm.fallbacks, *llm.agents.values())
    return Prices(
        common=common,
        fallbacks=tuple(map(priced, llm.fallbacks)),
        agents={name: priced(model) for name, model in llm.agents.items()},
        unknown=tuple(dict.fromkeys(name_of(model) for model in models if priced(model) is None)),
    )


class Purse:
    """What a rehearsal has cost, and may cost. `expected` is what a session costs, until one is over."""

    def __init__(self, prices: Prices | None, budget: float | None = None, expected: float = 0.0) -> None:
        self.prices = prices
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

    def pay(self, agent: str, reply: Reply) -> None:
        """A reply came for an agent, be it a failed one."""
        self.spent += self.prices.of(agent, reply) if self.prices else 0.0
