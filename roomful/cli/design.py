"""A study's design as `roomful check` shows it: every treatment, with what its agents are told."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace

from rich.table import Table
from rich.text import Text

from roomful.assembly import all_models
from roomful.cli.output import plain, plain_lines, put
from roomful.cli.targets import target_words
from roomful.core.cards import card_of
from roomful.core.events import SessionStarted
from roomful.core.prompts import system_of
from roomful.core.study import (
    AgentCard,
    ExperimentalSettings,
    LLMSettings,
    ModelSettings,
    SimulationSettings,
    Treatment,
    name_of,
)
from roomful.rules import nearest
from roomful.settings import ASK, StudySettings

SHOWN_MOST = 200
"""Characters of a text in the table."""

CHOSEN = "…"
"""Stands in a prompt for the name that the participant will choose."""


def beginning(text: str) -> str:
    """A text in one line, or as much of it as a table has room for."""
    line = plain(" ".join(text.split()))
    return f"{line[:SHOWN_MOST]}… ({len(text)} characters)" if len(line) > SHOWN_MOST else line


def design_json(study: StudySettings) -> list[dict[str, object]]:
    """The design for programs: each treatment with the whole prompt of each agent, one for each stance it may take."""
    return [_treatment_json(study, treatment) for treatment in study.treatments]


def _treatment_json(study: StudySettings, treatment: Treatment) -> dict[str, object]:
    stances, experimental = treatment.experimental.stances, treatment.experimental
    return {
        "name": treatment.name,
        "weight": treatment.weight,
        "share": _share(study, treatment),
        "quota": treatment.quota,
        "levels": dict(treatment.levels),
        "simulation": dict(_differing(study.simulation, treatment.simulation)),
        "seeded_messages": [asdict(message) for message in experimental.seeded_messages],
        "stances": asdict(stances) if stances else None,
        "targets": {name: asdict(target) for name, target in experimental.targets.items()},
        "licences": list(experimental.licences),
        "agents": [
            {
                "name": name,
                "stance_words": asdict(words) if (words := card_in(treatment, name).stance_words) else None,
                "prompts": [
                    {"stance": stance, "system": system_of(_session(treatment, name, stance), name)}
                    for stance in _stances(treatment, name)
                ],
            }
            for name in treatment.simulation.agent_names
        ],
    }


def _share(study: StudySettings, treatment: Treatment) -> float:
    return round(treatment.weight / sum(each.weight for each in study.treatments), 6)


def _differing(base: SimulationSettings, own: SimulationSettings) -> Iterator[tuple[str, object]]:
    """The simulation's parameters that a treatment changes."""
    grouped = ("timing", "speech", "distress", "llm")
    for item in fields(SimulationSettings):
        if item.name not in grouped and getattr(own, item.name) != getattr(base, item.name):
            yield item.name, getattr(own, item.name)
    for group in grouped:
        here, there = getattr(own, group), getattr(base, group)
        for item in fields(here):
            if getattr(here, item.name) != getattr(there, item.name):
                yield f"{group}.{item.name}", getattr(here, item.name)


def told_models(llm: LLMSettings) -> Iterator[tuple[str, object]]:
    """The settings of `llm`; of those that stand in or speak for one agent, what is another than its own."""
    common = {item.name: getattr(llm, item.name) for item in fields(llm) if item.name not in ("fallbacks", "agents")}
    common["model"] = name_of(llm)
    yield from common.items()
    for where, model in all_models(llm):
        own = {item.name: getattr(model, item.name) for item in fields(ModelSettings)} | {"model": name_of(model)}
        yield from ((f"{where.removeprefix('llm.')}.{name}", own[name]) for name in own if own[name] != common[name])


def _stances(treatment: Treatment, name: str) -> list[str]:
    """What an agent may be told to think, depending on the draw and the participant's answer; at least one."""
    stances = treatment.experimental.stances
    own = card_in(treatment, name).stance
    if stances is None:
        return [own]
    taken = [position.stance for position in stances.positions] if stances.agree + stances.disagree else []
    return taken + ([own] if stances.neutral else [])


def _session(treatment: Treatment, name: str, stance: str | None) -> SessionStarted:
    """A session of a treatment in which an agent has this stance; a style is drawn for each session, and not shown."""
    simulation = treatment.simulation
    simulation = replace(simulation, speech=replace(simulation.speech, styles=False))
    return SessionStarted(
        session_id="",
        experimental_config=treatment.experimental,
        simulation_config=simulation,
        seed=0,
        participant_name=CHOSEN if simulation.participant_name == ASK else simulation.participant_name,
        model="",
        stances={} if stance is None else {name: stance},
    )


def astray(study: StudySettings) -> list[str]:
    """Braces that are literal text, and look as if a factor was meant."""
    factors = {factor for treatment in study.treatments for factor in treatment.levels}
    texts = {text for treatment in study.treatments for text in _texts(treatment.experimental)}
    found = {name for text in texts for name in re.findall(r"\{(\w+)\}", text)} - {"agent_name"}
    near = {name: nearest(name, [*factors, "agent_name"]) for name in sorted(found)}
    return [
        f"{{{name}}} is literal text; if {{{meant}}} was meant, correct it" for name, meant in near.items() if meant
    ]


def _texts(experimental: ExperimentalSettings) -> Iterator[str]:
    yield experimental.prompt_template
    for card in experimental.agents.values():
        yield from (card.style, card.stance, *card.facts)
    yield from (position.stance for position in (experimental.stances.positions if experimental.stances else ()))
    yield from (message.text for message in experimental.seeded_messages)


def put_design(study: StudySettings, *, in_full: bool) -> None:
    """Show every treatment; `in_full` with the whole prompts, else with what they are made of.

    Of a study without treatments, cards and the like the settings have told all there is.
    """
    if not in_full and not _designed(study):
        return
    for treatment in study.treatments:
        put(Text(f"\n{_headline(study, treatment)}", "bold"))
        put(_table(study, treatment))
        if in_full:
            _put_prompts(treatment)
    put("")


def _designed(study: StudySettings) -> bool:
    own = study.experimental
    return len(study.treatments) > 1 or bool(
        own.agents or own.stances or own.seeded_messages or own.targets or own.licences
    )


def _headline(study: StudySettings, treatment: Treatment) -> str:
    quota = f", quota {treatment.quota}" if treatment.quota else ""
    words = f"weight {treatment.weight:g} ({_share(study, treatment):.1%}){quota}"
    return f"{plain(treatment.name)}  {words}" if treatment.name else "the one treatment"


def _table(study: StudySettings, treatment: Treatment) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, words in _rows(study, treatment):
        table.add_row(f"  {plain(what)}", Text(words))
    return table


def _rows(study: StudySettings, treatment: Treatment) -> Iterator[tuple[str, str]]:
    experimental = treatment.experimental
    yield "template", _differing_part(experimental.prompt_template, study)
    for key, value in _differing(study.simulation, treatment.simulation):
        yield f"simulation.{key}", beginning(_words(value))
    for message in experimental.seeded_messages:
        yield "seeded", beginning(f"{message.sender} at {max(message.at, 0):g} s: {message.text}")
    if stances := experimental.stances:
        counts = {"agree": stances.agree, "disagree": stances.disagree, "neutral": stances.neutral}
        yield "stances", plain(f"{stances.question}: " + ", ".join(f"{n} {side}" for side, n in counts.items() if n))
        for position in stances.positions:
            yield "", beginning(f"{' | '.join(position.answers)}: {position.stance}")
            if position.words:
                yield "", beginning(f"counted by: {' | '.join(position.words)}")
    for name, target in experimental.targets.items():
        yield "target", plain(f"{name}: {target_words(target)}")
    if experimental.licences:
        yield "licences", ", ".join(experimental.licences)
    for name in treatment.simulation.agent_names:
        card = card_in(treatment, name)
        drawn = treatment.simulation.speech.styles and not card.style
        words = [beginning(_card(card)) or "no card", "a style drawn for each session" if drawn else ""]
        yield name, "; ".join(filter(None, words))


def _card(card: AgentCard) -> str:
    facts = [f"knows: {' | '.join(card.facts)}"] if card.facts else []
    parts = [f"{key}: {text}" for key, text in (("style", card.style), ("stance", card.stance)) if text]
    return "; ".join([*parts, *facts, *words_of(card)])


def words_of(card: AgentCard) -> list[str]:
    """The words by which contradictions with an agent's stance are counted."""
    words = card.stance_words
    if words is None:
        return []
    each = (("counted as its own", words.own), ("as the opposite", words.opposite))
    return [f"{what}: {' | '.join(found)}" for what, found in each if found]


def card_in(treatment: Treatment, name: str) -> AgentCard:
    """An agent's card as it is in a treatment, before any side is drawn."""
    return card_of(_session(treatment, name, None), name)


def _differing_part(template: str, study: StudySettings) -> str:
    """A template as far as a table has room for it: of long ones that begin alike, where they part."""
    templates = {treatment.experimental.prompt_template for treatment in study.treatments}
    columns = enumerate(zip(*templates, strict=False))
    alike = next((place for place, found in columns if len(set(found)) > 1), min(map(len, templates)))
    if len(templates) == 1 or alike < SHOWN_MOST or len(template) <= SHOWN_MOST:
        return beginning(template)
    head, part = template[: SHOWN_MOST // 4], template[alike - SHOWN_MOST // 10 :]
    return f"{plain(' '.join(head.split()))}… …{beginning(part)}"


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _put_prompts(treatment: Treatment) -> None:
    for name in treatment.simulation.agent_names:
        several = _stances(treatment, name)
        for number, stance in enumerate(several, 1):
            which = f" ({number} of {len(several)}, by the stance it takes)" if len(several) > 1 else ""
            put(Text(f"\n  {plain(name)}{which}", "bold"))
            system = system_of(_session(treatment, name, stance), name)
            put(Text("\n".join(f"  | {line}" for line in plain_lines(system).split("\n"))))
