"""The rules of `llm` in the simulation settings: the model, those that stand in for it, those of single agents.

An entry of `fallbacks` or `agents` is an object of the same keys. What it leaves out is as in `llm` itself, except
what belongs to a provider or to one of its models, where the entry names another.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from roomful.core.prompts import LONGEST
from roomful.core.study import LLMSettings, ModelSettings
from roomful.rules import (
    NAME,
    Fault,
    JSONObject,
    Rule,
    Wrong,
    array_of,
    integer,
    legible,
    mapping,
    matching,
    number,
    object_of,
    one_of,
    or_null,
    read_items,
    shown,
    wrong,
)

PROVIDERS = ("gemini", "openai", "anthropic", "mistral", "local", "scripted")
"""Who can speak for the agents."""
ELSEWHERE = ("openai", "anthropic", "mistral")
"""Providers whose protocol others speak too, and which have no model that would do without being named."""

# those of the generative language API; more exist on Vertex AI and for images
_HARM_CATEGORIES = (
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
)
_HARM_THRESHOLDS = ("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE")

MODEL_RULES: Mapping[str, Rule[object]] = {
    "provider": or_null(one_of(*PROVIDERS)),
    "model": NAME,
    "base_url": or_null(
        matching(
            "an address such as http://127.0.0.1:11434/v1, without a user or a query",
            r"https?://(?:(?![@?#/])[!-~])+(/(?:(?![@?#])[!-~])*)?",
        )
    ),
    "model_path": or_null(matching("the path of a .gguf file", r"[^\x00-\x1f]*[^\x00-\x1f/\\]\.gguf")),
    "temperature": or_null(number(2)),
    "top_p": or_null(number(1)),
    "max_output_tokens": integer(1),
    "thinking_budget": or_null(integer(-1)),
    "thinking_level": or_null(one_of("minimal", "low", "medium", "high")),
    "safety_settings": mapping(_HARM_CATEGORIES, one_of(*_HARM_THRESHOLDS)),
    "timeout_seconds": number(600, positive=True),
    "max_attempts": integer(1, 10),
    "max_concurrent_calls": integer(1),
    "requests_per_minute": or_null(number(positive=True)),
    "input_price_per_million": number(),
    "output_price_per_million": number(),
}

_OF_MODEL = ("thinking_budget", "thinking_level", "input_price_per_million", "output_price_per_million")
_OF_PROVIDER = (*_OF_MODEL, "model", "base_url", "model_path", "safety_settings")
"""Keys that an entry does not take over from `llm`: where it names another model, and where another provider."""
_PRICES = ("input_price_per_million", "output_price_per_million")


def _check_model(found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    provider = good.get("provider")
    yield from _check_thinking(good)
    if provider in ELSEWHERE and "model" not in found:
        yield Fault("", "model", "nothing", "the model's name at its provider, such as it is listed there")
    if provider == "local" and good.get("model_path", "") is None:
        yield Fault("", "model_path", "nothing", "the path of the model's .gguf file")
    if provider != "local" and good.get("model_path") is not None:
        yield Fault("", "model_path", shown(good["model_path"]), 'null, or "provider": "local"')
    if provider not in ELSEWHERE and good.get("base_url") is not None:
        expected = f"null, or a provider that is one of {', '.join(ELSEWHERE)}"
        if provider in ("gemini", None):
            expected += " (for Gemini: GOOGLE_GEMINI_BASE_URL in the environment)"
        yield Fault("", "base_url", shown(good["base_url"]), expected)
    if provider not in ("gemini", None) and good.get("safety_settings"):
        yield Fault("", "safety_settings", "an object", "none: only Gemini has them")
    if provider == "anthropic" and _above(good.get("temperature"), 1.0):
        yield Fault("", "temperature", shown(good["temperature"]), "a number from 0 to 1, as Anthropic has it")


def _check_thinking(good: Mapping[str, object]) -> Iterator[Fault]:
    provider, budget, level = (good.get(name) for name in ("provider", "thinking_budget", "thinking_level"))
    if budget is not None and level is not None:
        expected = "only one of the two: thinking_level from Gemini 3 on, thinking_budget for Gemini 2.5"
        yield Fault("", "thinking_level", f'"{level}" beside a thinking_budget of {budget}', expected)
    elif budget is not None and provider not in ("gemini", "anthropic", None):
        yield Fault("", "thinking_budget", shown(budget), "null: only Gemini 2.5 and Anthropic's models have one")
    elif provider == "anthropic" and isinstance(budget, int) and budget != 0 and not _fits(budget, good):
        expected = "0, or a number from 1024 that is below max_output_tokens, as Anthropic's models take it"
        yield Fault("", "thinking_budget", shown(budget), expected)


def _fits(budget: int, good: Mapping[str, object]) -> bool:
    most = good.get("max_output_tokens")
    return budget >= 1024 and (not isinstance(most, int) or budget < most)


def _above(value: object, limit: float) -> bool:
    return isinstance(value, int | float) and value > limit


def _read_entry(value: object) -> JSONObject:
    """An entry as it stands, its keys and values looked at one by one."""
    if not isinstance(value, JSONObject):
        raise wrong(value, "an object")
    faults = list(value.strays(list(MODEL_RULES)))
    for key in [key for key in MODEL_RULES if key in value]:
        try:
            MODEL_RULES[key].read(value[key])
        except Wrong as error:
            faults += [fault.under(key) for fault in error.faults]
    if faults:
        raise Wrong(*faults)
    return value


_ENTRY = Rule("an object", _read_entry)
_AGENTS_EXPECTED = "an object of agents' names, each an object of keys of llm"


def _read_agents(value: object) -> Mapping[str, JSONObject]:
    if not isinstance(value, JSONObject):
        raise wrong(value, _AGENTS_EXPECTED)
    faults = list(value.strays(list(value)))
    for name, entry in value.items():
        try:
            _ENTRY.read(entry)
        except Wrong as error:
            faults += [fault.under(legible(name)) for fault in error.faults]
    if faults:
        raise Wrong(*faults)
    return {name: entry for name, entry in value.items() if isinstance(entry, JSONObject)}


_LINES_EXPECTED = f"an array of lines, each of its own, of 1 to {LONGEST} characters without line breaks"


def _read_lines(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise wrong(value, _LINES_EXPECTED)
    lines, faults = read_items(value, _LINE)
    for index, line in enumerate(value):
        if isinstance(line, str) and (first := value.index(line)) != index:
            found = f"{shown(line)}, which fallback_lines[{first}] is already"
            faults.append(Fault("", f"[{index}]", found, "a line of its own"))
    if faults:
        raise Wrong(*faults)
    return tuple(lines)


def _read_line(value: object) -> str:
    try:
        if len(line := NAME.read(value)) <= LONGEST:
            return line
    except Wrong:
        pass
    raise wrong(value, _LINE.expected)


_LINE = Rule(
    f"text of 1 to {LONGEST} characters without line breaks, control characters, or spaces around it", _read_line
)

LLM_RULES: Mapping[str, Rule[object]] = {
    **MODEL_RULES,
    "fallbacks": array_of("an array of objects, each of keys of llm", _ENTRY),
    "agents": Rule(_AGENTS_EXPECTED, _read_agents),
    "max_tokens_per_session": or_null(integer(1)),
    "max_cost_per_session": or_null(number(positive=True)),
    "when_unavailable": one_of("wait", "end", "fallback"),
    "unavailable_seconds": number(positive=True),
    "when_rejected": or_null(one_of("drop", "fallback")),
    "fallback_lines": Rule(_LINES_EXPECTED, _read_lines),
}


def _check_llm(found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    yield from _check_model(found, good)
    free = [good.get(name) for name in _PRICES] == [0, 0]
    if good.get("max_cost_per_session") is not None and free and not any(map(_priced, _entries(good))):
        found_words = f"{good['max_cost_per_session']:g} while both prices are 0"
        expected = "input_price_per_million or output_price_per_million above 0, or no limit"
        yield Fault("", "max_cost_per_session", found_words, expected)
    for key in ("when_unavailable", "when_rejected"):
        if good.get(key) == "fallback" and good.get("fallback_lines") == ():
            yield Fault("", "fallback_lines", f'none while {key} is "fallback"', "at least one reviewed line")
            break


def _entries(good: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    fallbacks, agents = good.get("fallbacks"), good.get("agents")
    yield from fallbacks if isinstance(fallbacks, tuple) else ()
    yield from agents.values() if isinstance(agents, Mapping) else ()


def _priced(entry: Mapping[str, object]) -> bool:
    return any(entry.get(name) for name in _PRICES)


# --- entries laid over what they leave out

_MODEL = object_of(ModelSettings, MODEL_RULES, _check_model)
_ALONE = object_of(LLMSettings, LLM_RULES, _check_llm)


def _read_llm(value: object) -> LLMSettings:
    alone, faults = _read_alone(value)
    if not isinstance(value, JSONObject):
        raise wrong(value, "an object")
    told = {fault.key for fault in faults}
    base = _sound(value, told)
    found: list[Fault] = []
    fallbacks = [_laid(base, entry, key, found) for key, entry in _items(value, base)]
    agents = {name: _laid(base, entry, f"agents.{legible(name)}", found) for name, entry in _members(value, base)}
    # what the entries' own rules have found is among the faults already
    faults += [fault for fault in found if fault.key not in told]
    if alone is None:
        raise Wrong(*faults)
    faults += _check_others(alone, fallbacks)
    if faults:
        raise Wrong(*faults)
    laid = {name: entry for name, entry in agents.items() if entry}
    return replace(alone, fallbacks=tuple(filter(None, fallbacks)), agents=laid)


def _read_alone(value: object) -> tuple[LLMSettings | None, list[Fault]]:
    """`llm` by itself, each of its entries by the rules of its keys; None and the faults where there are some."""
    try:
        return _ALONE.read(value), []
    except Wrong as error:
        return None, list(error.faults)


def _sound(llm: JSONObject, told: Collection[str]) -> JSONObject:
    """What entries may take over: a key with a fault would be told again for each of them."""
    faulty = {re.split(r"[.\[]", key, maxsplit=1)[0] for key in told}
    return JSONObject({name: value for name, value in llm.items() if name not in faulty})


def _items(llm: JSONObject, base: JSONObject) -> Iterator[tuple[str, JSONObject]]:
    found = llm.get("fallbacks")
    for index, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, JSONObject) and _can_be_laid(entry, llm, base):
            yield f"fallbacks[{index}]", entry


def _members(llm: JSONObject, base: JSONObject) -> Iterator[tuple[str, JSONObject]]:
    found = llm.get("agents")
    for name, entry in found.items() if isinstance(found, JSONObject) else ():
        if isinstance(entry, JSONObject) and _can_be_laid(entry, llm, base):
            yield name, entry


def _can_be_laid(entry: JSONObject, llm: JSONObject, base: JSONObject) -> bool:
    """Whether it is known what model the entry means, where `llm` itself has faults."""
    known = all(name in base for name in ("provider", "model", "model_path") if name in llm)
    return known or entry.get("provider") not in (None, base.get("provider"))


def _laid(llm: JSONObject, entry: JSONObject, key: str, faults: list[Fault]) -> ModelSettings | None:
    """An entry with what it takes over from `llm`; None where it has faults."""
    elsewhere = any(entry.get(name, llm.get(name)) != llm.get(name) for name in ("provider", "base_url"))
    other = any(entry.get(name, llm.get(name)) != llm.get(name) for name in ("model", "model_path"))
    own = _OF_PROVIDER if elsewhere else _OF_MODEL if other else ()
    common = {name: value for name, value in llm.items() if name in MODEL_RULES and name not in own}
    try:
        return _MODEL.read(JSONObject({**common, **entry}))
    except Wrong as error:
        faults += [fault.under(key) for fault in error.faults]
        return None


def _check_others(llm: ModelSettings, fallbacks: list[ModelSettings | None]) -> Iterator[Fault]:
    asked = [_place(llm)]
    for index, entry in enumerate(fallbacks):
        if entry and _place(entry) in asked:
            yield Fault("", f"fallbacks[{index}]", f"{shown(entry.model)} again", "another model, or another provider")
        asked += [_place(entry)] if entry else []


def _place(model: ModelSettings) -> tuple[str | None, ...]:
    return model.provider, model.model, model.base_url, model.model_path


LLM = Rule("an object", _read_llm)
"""The whole of `llm`, its entries with all that they leave out."""
