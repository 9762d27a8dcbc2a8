"""`roomful check`: whether everything is in order for a study, before a participant finds out."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import typer
from rich.table import Table
from rich.text import Text

from roomful.assembly import (
    NOT_SILENTLY,
    SetupError,
    all_models,
    check_no_rehearsal,
    check_setup,
    database_url,
    described,
    keys_of,
    lacks,
    looked_at,
    only_scripted,
    open_store,
    provided,
    speaks_silently,
    uses_sqlite,
)
from roomful.cli.design import astray, beginning, design_json, put_design, told_models
from roomful.cli.disk import look_at
from roomful.cli.freeze import UNDEBRIEFED, frozen_words
from roomful.cli.listed_pages import blanks, pages_json, put_pages
from roomful.cli.output import plain, plain_lines, put, say_json, when
from roomful.cli.records import reading
from roomful.core.study import SCRIPTED, LLMSettings, ModelSettings, name_of
from roomful.enrolment_settings import EnrolmentSettings
from roomful.llm import LLMError
from roomful.llm.connect import probe
from roomful.settings import ServerSettings, SettingsError, StudySettings, load_settings
from roomful.store import StoreError
from roomful.store.lock import DataFolderLock, FolderInUse
from roomful.timeline import monotonic, wall_clock

DISK_LEAST, DISK_FEW = 100 << 20, 1 << 30
"""Bytes on the disk of the data below which nothing should be started, and below which it is worth a word."""

SYNC_SLOW = 0.05
"""Seconds of a sync above which participants would notice that their messages wait for it."""

EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
"""A clock before this is wrong: the program is younger."""

type Verdict = Literal["ok", "note", "fault"]

_STYLES = {"ok": "green", "note": "yellow", "fault": "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what was found."""

    what: str
    verdict: Verdict
    words: str


def check(
    load: Callable[[], ServerSettings],
    study_folder: Path | None,
    *,
    live: bool,
    prompts: bool = False,
    as_json: bool = False,
) -> None:
    """Look at everything and tell all that was found; exit code 1 if there is a fault."""
    findings: list[Finding] = []
    server = _settings(load, findings)
    study = _study(study_folder or (server.study if server else Path("config")), findings)
    if study:
        findings += _designed(study)
    if server and study:
        findings += _setup(server, study)
    if server:
        findings += [*_folder("logs", server.logs), *_folder("data", server.data)]
        findings += asyncio.run(_store(server))
    if server and study:
        as_frozen, words = frozen_words(server, looked_at(server, study))
        findings.append(Finding("freeze", "ok" if as_frozen else "fault", words))
        findings += _models(server, study.simulation.llm, live=live)
    faults = sum(finding.verdict == "fault" for finding in findings)
    if as_json:
        designed = design_json(study) if study else None
        pages = pages_json(study.pages) if study else []
        found = [asdict(finding) for finding in findings]
        say_json({"design": designed, "pages": pages, "findings": found, "faults": faults})
        raise typer.Exit(1 if faults else 0)
    if study:
        put(_effective(study))
        put_design(study, in_full=prompts)
        put_pages(study.pages)
    put(_told(findings))
    put(Text(_verdict(faults), "bold red" if faults else "green"))
    if faults:
        raise typer.Exit(1)


def _verdict(faults: int) -> str:
    if faults == 0:
        return "All is in order."
    return "There is a fault." if faults == 1 else f"There are {faults} faults."


def _settings(load: Callable[[], ServerSettings], findings: list[Finding]) -> ServerSettings | None:
    try:
        server = load()
    except SettingsError as error:
        findings += [Finding("environment", "fault", str(fault)) for fault in error.faults]
        return None
    findings.append(Finding("environment", "ok", "every variable can be read"))
    return server


def _study(folder: Path, findings: list[Finding]) -> StudySettings | None:
    try:
        study = load_settings(folder)
    except SettingsError as error:
        findings += [Finding("study", "fault", str(fault)) for fault in error.faults]
        return None
    findings.append(Finding("study", "ok", f"the files of {folder}/ can be used"))
    return study


def _designed(study: StudySettings) -> Iterator[Finding]:
    for words in astray(study):
        yield Finding("design", "note", words)
    for words in blanks(study.pages):
        yield Finding("pages", "note", words)
    rules = [treatment.simulation.distress for treatment in study.treatments]
    if any(rule.help_text and rule.action != "end" for rule in rules):
        unread = 'A participant in distress reads distress.help_text only where distress.action is "end"'
        yield Finding("distress", "note", f"{unread}; elsewhere nobody is shown it.")
    if study.undebriefed:
        # without pages they may be told where they are sent
        yield Finding("debrief", "fault" if study.pages else "note", UNDEBRIEFED)


def _setup(server: ServerSettings, study: StudySettings) -> Iterator[Finding]:
    try:
        check_setup(server, study)
    except SetupError as fault:
        yield Finding("setup", "fault", str(fault))
    links = ", ".join(plain(link.called) for link in study.enrolment.entry)
    if links and speaks_silently(study.simulation.llm, server):
        yield Finding("people", "fault", f"an entry link is open ({links}). {NOT_SILENTLY}")
    elif links:
        yield Finding("people", "ok", f"entry links that are open: {links}")
    else:
        yield Finding("people", "ok", "no entry link is open: people come by tokens, or by the demo token alone")


def _folder(what: str, folder: Path) -> Iterator[Finding]:
    """Try whether a folder can be written, and how quickly it is on disk."""
    try:
        disk = look_at(folder, monotonic)
    except OSError as fault:
        yield Finding(what, "fault", f"{folder}/ cannot be written: {fault.strerror}")
        return
    words = f"{folder}/ can be written; a sync takes {disk.sync * 1000:.1f} ms"
    if disk.sync > SYNC_SLOW:
        yield Finding(what, "note", f"{words}: that is slow, and every message waits for one. Is it a disk of its own?")
    else:
        yield Finding(what, "ok", words)
    if disk.oddity:
        yield Finding(what, "note", f"{folder}/: {disk.oddity}")
    yield _free(what, disk.free)


def _free(what: str, free: int) -> Finding:
    words = f"{free / (1 << 30):.1f} GiB are free for {what}"
    if free < DISK_LEAST:
        return Finding("disk", "fault", f"{words}: too little for a study")
    return Finding("disk", "note" if free < DISK_FEW else "ok", words)


async def _store(server: ServerSettings) -> list[Finding]:
    where = str(server.data / "roomful.db") if server.database_url is None else "the database of DATABASE_URL"
    try:
        newest = await _newest_written(server)
    except FolderInUse as fault:
        return await _store_in_use(server, fault)
    except (StoreError, SetupError) as fault:
        return [Finding("store", "fault", str(fault)), _clock(None)]
    except OSError as fault:
        return [Finding("store", "fault", f"{where}: {fault.strerror}"), _clock(None)]
    return [Finding("store", "ok", f"{where} can be written"), _clock(newest)]


async def _newest_written(server: ServerSettings) -> float | None:
    """Write to the store; when its newest session was given out, in seconds since the epoch."""
    if not uses_sqlite(server):
        return await _written(server)
    with DataFolderLock(server.data):
        return await _written(server)


async def _written(server: ServerSettings) -> float | None:
    store = await open_store(server)
    try:
        await store.check()
        await check_no_rehearsal(store)
        rows = await store.sessions()
    finally:
        await store.close()
    return rows[-1].created if rows else None


async def _store_in_use(server: ServerSettings, fault: FolderInUse) -> list[Finding]:
    """A server that runs is no fault; whether it can write is what its /health says."""
    del fault
    try:
        async with reading(server) as store:
            rows = await store.sessions()
    except StoreError as unreadable:
        return [Finding("store", "fault", str(unreadable)), _clock(None)]
    words = f"{database_name(server)} is in use by a running server, and can be read"
    return [Finding("store", "note", words), _clock(rows[-1].created if rows else None)]


def database_name(server: ServerSettings) -> str:
    """The database as a person may read it: its address may hold a password."""
    return database_url(server).removeprefix("sqlite:///") if uses_sqlite(server) else "the database of DATABASE_URL"


def _clock(newest: float | None) -> Finding:
    now = datetime.fromtimestamp(wall_clock() / 1e6, UTC)
    words = f"{now.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    if now < EARLIEST:
        return Finding("clock", "fault", f"{words}: this is in the past; set the clock")
    if newest is not None and now.timestamp() < newest - 60:
        return Finding("clock", "fault", f"{words}: the newest session in the store is of a later time; set the clock")
    return Finding("clock", "ok", words)


def _models(server: ServerSettings, llm: LLMSettings, *, live: bool) -> Iterator[Finding]:
    if only_scripted(llm, server):
        yield _scripted(llm, live=live)
        return
    for where, model in all_models(provided(llm, server)):
        what = where.replace("llm.", "model: ").replace("llm", "model")
        if model.provider == SCRIPTED:
            yield Finding(what, "note", "speaks from a script")
        elif lacks(where, model, server):
            # said as a fault of the setup
            continue
        elif live:
            yield _asked(what, server, model)
        else:
            yield Finding(what, "ok", f"{plain(described(model))}; not asked (--live asks it for a word)")


def _scripted(llm: LLMSettings, *, live: bool) -> Finding:
    if llm.provider is not None:
        return Finding("model", "ok", 'agents are scripted: llm.provider is "scripted"')
    words = "agents are scripted: no GEMINI_API_KEY in the environment or in .env"
    return Finding("model", "fault" if live else "note", f"{words}, so there is no model to ask" if live else words)


def _asked(what: str, server: ServerSettings, model: ModelSettings) -> Finding:
    began = monotonic()
    try:
        version = asyncio.run(probe(model, keys_of(server), monotonic, server.google_gemini_base_url))
    except LLMError as fault:
        return Finding(what, "fault", f"{plain(name_of(model))}: {fault} ({fault.kind})")
    return Finding(what, "ok", f"{plain(version)} answered after {monotonic() - began:.1f} s")


def _effective(study: StudySettings) -> Table:
    """The study's settings with all defaults filled in."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    simulation = study.simulation
    if len(study.treatments) == 1:
        table.add_row("prompt_template", Text(beginning(study.experimental.prompt_template)))
    groups = ("timing", "speech", "distress", "llm")
    for name in type(simulation).__dataclass_fields__:
        if name not in groups:
            table.add_row(name, _value(getattr(simulation, name)))
    for group in groups[:3]:
        values = getattr(simulation, group)
        for name in type(values).__dataclass_fields__:
            table.add_row(f"{group}.{name}", _value(getattr(values, name)))
    for name, value in told_models(simulation.llm):
        table.add_row(f"llm.{name}", _value(value))
    for name, value in people_of(study.enrolment):
        table.add_row(name, _value(value))
    return table


def people_of(enrolment: EnrolmentSettings) -> Iterator[tuple[str, object]]:
    """How people come in, by the keys of `study.json`."""
    yield "entry", tuple(f"{link.called} ({link.tells or 'nobody tells who they are'})" for link in enrolment.entry)
    assignment = enrolment.assignment
    for name in type(assignment).__dataclass_fields__:
        value = getattr(assignment, name)
        yield f"assignment.{name}", {key: "/".join(one) for key, one in value.items()} if name == "strata" else value
    yield "repeat", enrolment.repeat
    for name, moment in (("opens", enrolment.opens), ("closes", enrolment.closes)):
        yield name, None if moment is None else when(moment)
    yield "max_live_sessions", enrolment.max_live_sessions
    yield "before_chat_minutes", enrolment.before_chat_minutes
    yield "deception", enrolment.deception


def _value(value: object) -> Text:
    if value is None:
        return Text("not set", "dim")
    if isinstance(value, bool):
        return Text("true" if value else "false")
    if isinstance(value, tuple) and value:
        return Text(plain(", ".join(str(item) for item in value)))
    if isinstance(value, float):
        return Text(f"{value:g}")
    if isinstance(value, str | int):
        return Text(plain(value))
    pairs = value.items() if isinstance(value, dict) else ()
    return Text(plain(", ".join(f"{name}: {item}" for name, item in pairs)) or "none", "" if pairs else "dim")


def _told(findings: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("", "", "")
    for finding in findings:
        table.add_row(Text(finding.verdict, _STYLES[finding.verdict]), finding.what, Text(plain_lines(finding.words)))
    table.add_row("", "", "")
    return table
