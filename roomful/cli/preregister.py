"""`roomful preregister`: what a preregistration needs to know of a study, written from its files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from roomful.assembly import looked_at, model_name, provider, speaks_silently
from roomful.cli.design import design_json, told_models
from roomful.cli.listed_pages import asked, page_facts
from roomful.cli.output import Failure, plain, say, warn
from roomful.cli.targets import target_words
from roomful.core.enrolment import OUTCOMES
from roomful.core.pages import Page
from roomful.core.study import SimulationSettings
from roomful.freezing import Fingerprint
from roomful.outcomes import OUTCOME_NAMES, Ending
from roomful.settings import ServerSettings, StudySettings, load_settings

type Designed = Mapping[str, object]

TO_WRITE = ("Hypotheses", "Measures", "Exclusion criteria", "Analysis")
"""What no file of the study can tell."""


def preregister(server: ServerSettings, out: Path) -> None:
    """Write the text to a file that is not there yet."""
    study = load_settings(server.study)
    found = looked_at(server, study)
    text = preregistration(server, study, found)
    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Failure(f"{plain(out)} is there already: name another file") from None
    say(f"{plain(out)}: {_counted(len(study.treatments))}, hash {found.hash}.")
    say(f"Left for you to write: {', '.join(TO_WRITE)}.")
    if speaks_silently(study.simulation.llm, server):
        # the model is a part of the hash, and what a server with the key freezes would be another study
        warn("No GEMINI_API_KEY is set, so text and hash are those of a study with scripted agents: set it first.")


def _counted(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"


def preregistration(server: ServerSettings, study: StudySettings, found: Fingerprint) -> str:
    """The text, in Markdown."""
    cells = design_json(study)
    parts = [
        [
            "# Preregistration",
            "",
            "Written from the study's files. A study that is run with the same hash is this one.",
            "",
        ],
        ["```", f"hash  {found.hash}", *(f"{name}  {found.parts[name]}" for name in _run_by(found)), "```"],
        *(["", f"## {name}", "", "*To be written.*"] for name in TO_WRITE[:2]),
        _design(cells),
        _sample(study),
        _procedure(study.simulation),
        _model(server, study),
        _room(cells),
        _targets(study),
        _pages(study.pages),
        _prompts(cells),
        _outcomes(study),
        *(["", f"## {name}", "", "*To be written.*"] for name in TO_WRITE[2:]),
        _parts(found),
    ]
    return "\n".join([line for part in parts for line in part] + [""])


def _run_by(found: Fingerprint) -> list[str]:
    return [name for name in found.parts if name == "model" or name.startswith("version: ")]


def _cell(value: object) -> str:
    """A value as a cell of a table."""
    return plain(value).replace("|", "\\|")


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]


def _quoted(text: str) -> list[str]:
    """A text as it stands, in a fence that is longer than any within it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *text.split("\n"), fence]


def _design(cells: Sequence[Designed]) -> list[str]:
    factors = list(dict.fromkeys(name for cell in cells for name in _levels(cell)))
    heads = ["cell", *factors, "weight", "share", "quota"]
    rows = [
        [
            cell["name"] or "the one treatment",
            *(_levels(cell).get(factor, "–") for factor in factors),
            f"{cell['weight']:g}",
            f"{cast('float', cell['share']):.1%}",
            cell["quota"] or "none",
        ]
        for cell in cells
    ]
    return ["", "## Design", "", *_table(heads, rows)]


def _levels(cell: Designed) -> Mapping[str, str]:
    return cast("Mapping[str, str]", cell["levels"])


def _sample(study: StudySettings) -> list[str]:
    enrolment, assignment = study.enrolment, study.enrolment.assignment
    quotas = [treatment.quota for treatment in study.treatments]
    wanted = sum(quota for quota in quotas if quota) if all(quotas) else None
    rows = [
        ("Participants wanted", f"{wanted}, by the quotas" if wanted else "not limited by quotas"),
        ("They come by", ", ".join(link.called for link in enrolment.entry) or "tokens"),
        ("Data collection begins", _moment(enrolment.opens)),
        ("Data collection ends", _moment(enrolment.closes)),
        ("Assignment", assignment.method.replace("_", " ") + ", at the door, unless a token has a treatment"),
        ("Strata", "; ".join(f"{name}: {', '.join(values)}" for name, values in assignment.strata.items()) or "none"),
        ("Seed", study.simulation.seed),
        ("A place is refilled", f"{assignment.release_minutes:g} minutes after somebody did not complete"),
        ("Time before the chat", _minutes(enrolment.before_chat_minutes)),
        ("A second participation", "allowed" if enrolment.repeat else "refused"),
        ("Deletion at the participant's wish", "offered in the chat" if enrolment.may_delete else "by the researchers"),
    ]
    return ["", "## Sample and assignment", "", *_table(("", ""), rows)]


def _minutes(limit: float | None) -> str:
    return "not limited" if limit is None else f"at most {limit:g} minutes from the arrival"


def _moment(seconds: float | None) -> str:
    return "not set" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _procedure(simulation: SimulationSettings) -> list[str]:
    parts = {item.name: getattr(simulation, item.name) for item in fields(simulation)}
    manner = {name: asdict(parts.pop(name)) for name in ("distress", "timing", "speech")}
    rows = [(name, _words(value)) for name, value in parts.items() if name != "llm"]
    rows += [(f"{of}.{name}", _words(value)) for of, numbers in manner.items() for name, value in numbers.items()]
    return ["", "## The room", "", *_table(("parameter", "value"), rows)]


def _model(server: ServerSettings, study: StudySettings) -> list[str]:
    llm = study.simulation.llm
    rows = [("provider", provider(llm, server)), ("model", model_name(llm, server))]
    rows += [(name, _words(value)) for name, value in told_models(llm) if name not in ("provider", "model")]
    return ["", "## The model", "", *_table(("parameter", "value"), rows)]


def _words(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value) or "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {item}" for name, item in value.items()) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _room(cells: Sequence[Designed]) -> list[str]:
    """What differs by cell beside the prompts."""
    lines = ["", "## By cell"]
    for cell in cells:
        lines += ["", f"### {_cell(cell['name'] or 'the one treatment')}", ""]
        rows = [(f"simulation.{name}", _words(value)) for name, value in _items(cell["simulation"])]
        seeded = cast("list[dict[str, object]]", cell["seeded_messages"])
        if cell["licences"]:
            rows.append(("licences", _words(cell["licences"])))
        rows += [(f"{message['sender']} at {message['at']:g} s", str(message["text"])) for message in seeded]
        if cell["stances"]:
            rows += [(f"stances.{name}", _stance(value)) for name, value in _items(cell["stances"])]
        rows += list(_stance_words(cell))
        lines += _table(("", ""), rows) if rows else ["Nothing beside the prompts."]
    return lines


def _stance_words(cell: Designed) -> Iterator[tuple[str, str]]:
    """By which words it is counted that an agent speaks for its own stance, or against it."""
    for agent in cast("list[dict[str, Mapping[str, Sequence[str]]]]", cell["agents"]):
        for kind, words in (agent["stance_words"] or {}).items():
            if words:
                yield f"{agent['name']}: stance_words.{kind}", " | ".join(words)


def _targets(study: StudySettings) -> list[str]:
    """What is measured in every session, and which sessions are to be left out by it."""
    rows = [
        (arm.name or "the one treatment", name, target_words(target, in_full=True))
        for arm in study.treatments
        for name, target in arm.experimental.targets.items()
    ]
    if not rows:
        return []
    lines = ["", "## Manipulation fidelity", "", "Measured in every session; one that is excluded is left out of the"]
    lines += ["analysis by this rule, whatever else is found in it.", ""]
    return lines + _table(("cell", "target", "measure, limits and thresholds"), rows)


def _pages(pages: Sequence[Page]) -> list[str]:
    """The pages around the chat, and what is asked on them."""
    lines = ["", "## Pages"] if pages else []
    for page in pages:
        facts = plain("; ".join([page.role, *page_facts(page)]))
        lines += ["", f"### {_cell(page.name)}", "", f"{facts}; SHA-256 `{page.hash}`"]
        rows = [(one.name, " ".join(one.text.split()), asked(one, labels=True)) for one in page.questions]
        lines += ["", *_table(("question", "text", "answers"), rows)] if rows else []
    return lines


def _items(value: object) -> Iterator[tuple[str, object]]:
    yield from cast("Mapping[str, object]", value).items()


def _stance(value: object) -> str:
    if not isinstance(value, tuple | list):
        return str(value)
    return "; ".join(map(_position, cast("list[dict[str, Sequence[str]]]", value)))


def _position(about: Mapping[str, Sequence[str]]) -> str:
    counted = f" (counted by: {' | '.join(about['words'])})" if about["words"] else ""
    return f"{' or '.join(about['answers'])}: {about['stance']}{counted}"


def _prompts(cells: Sequence[Designed]) -> list[str]:
    lines = [
        "",
        "## System prompts",
        "",
        "Every agent's, in every cell; of an agent that takes sides, one for each side.",
    ]
    for cell in cells:
        lines += ["", f"### Prompts of {_cell(cell['name'] or 'the one treatment')}"]
        for agent in cast("list[dict[str, object]]", cell["agents"]):
            prompts = cast("list[dict[str, str]]", agent["prompts"])
            for prompt in prompts:
                side = f", where it thinks: {' '.join(prompt['stance'].split())}" if len(prompts) > 1 else ""
                lines += ["", f"**{_cell(agent['name'])}**{_cell(side)}", "", *_quoted(prompt["system"])]
    return lines


def _outcomes(study: StudySettings) -> list[str]:
    declared = study.enrolment.outcomes
    reasons = {name: [why for why, outcome in OUTCOMES.items() if outcome == name] for name in OUTCOME_NAMES}
    rows = []
    for name in OUTCOME_NAMES:
        ending = declared.get(name)
        told = [] if ending is None else [word for word, is_so in _ending(ending) if is_so]
        rows.append((f"`{name}`", ", ".join(reasons[name]) or "–", ", ".join(told) or "the usual words"))
    return ["", "## Outcomes", "", *_table(("outcome", "ends of a chat that mean it", "what it leads to"), rows)]


def _ending(ending: Ending) -> Iterator[tuple[str, bool]]:
    # not the code itself: it is worth money, and a preregistration is public
    yield "words of its own", ending.text is not None
    yield "a completion code", ending.code is not None
    yield "an address", ending.url is not None


def _parts(found: Fingerprint) -> list[str]:
    """The parts that the hash is made of."""
    rows = sorted(found.parts.items())
    return ["", "## Parts of the hash", "", *_table(("part", "what stands there"), rows)]
