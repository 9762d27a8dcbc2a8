"""`roomful sessions` and `roomful end`."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple, cast

from roomful.cli.operator import NoServer, Operator, OperatorError
from roomful.cli.output import Failure, clock, moment, plain, say, say_json, table, warn, when
from roomful.cli.records import NoSuchSession, chosen, ending, reading
from roomful.cli.targets import in_short
from roomful.codec import CodecError, decode
from roomful.core.decide import Refused
from roomful.core.events import Measured, SessionEnded, SessionStarted
from roomful.core.roster import fold_study
from roomful.enrolment import holds_rehearsal
from roomful.settings import ServerSettings, load_settings
from roomful.store import STUDY, SessionRow, StoreError
from roomful.store.sql import SQLStore
from roomful.study_codec import decode_study

if TYPE_CHECKING:
    from roomful.web.operator import Model

_REASON = re.compile(r"[a-z][a-z0-9_]{0,59}")


def list_sessions(server: ServerSettings, *, as_json: bool) -> None:
    """Show all sessions of the store, oldest first."""
    kept = asyncio.run(_kept(server))
    if as_json:
        say_json([_session_json(row, kept) for row in kept.rows])
        return
    if not kept.rows:
        say("No session yet.")
        return
    heads = ["session", "given out", "entries", "state"]
    heads += ["targets"] if kept.targets else []
    heads += ["freeze"] if kept.freezes is not None else []
    table(heads, [_cells(row, kept) for row in kept.rows], numbers={2})
    if kept.rehearsal:
        warn("These are the sessions of a rehearsal: nobody's data.")


def _session_json(row: SessionRow, kept: "_Kept") -> dict[str, object]:
    told = {"session_id": row.session_id, "created": moment(row.created), "entries": row.head, "state": _state(row)}
    if kept.targets:
        told["targets"] = {name: asdict(value) for name, value in kept.targets.get(row.session_id, {}).items()}
    if kept.freezes is not None:
        told["freeze"] = kept.freezes.get(row.session_id)
    if kept.rehearsal:
        told["rehearsal"] = True
    return told


def _cells(row: SessionRow, kept: "_Kept") -> list[str]:
    cells = [row.session_id, when(row.created), str(row.head), plain(_state(row))]
    cells += [plain(in_short(kept.targets.get(row.session_id, {})))] if kept.targets else []
    cells += [(kept.freezes.get(row.session_id) or "–")[:8]] if kept.freezes is not None else []
    return cells


def list_live(server: ServerSettings, *, as_json: bool) -> None:
    """Show the sessions that the running server has, and how each is doing."""
    from pydantic import TypeAdapter, ValidationError

    from roomful.web.operator import LiveSession, Model

    try:
        operator = Operator(server.data)
        sessions = TypeAdapter(list[LiveSession]).validate_python(operator.ask("GET", "/sessions"))
        model = Model.model_validate(operator.ask("GET", "/llm"))
    except (NoServer, OperatorError) as fault:
        raise Failure(str(fault)) from fault
    except ValidationError as fault:
        raise Failure(
            f"The running server is of another version: {fault.error_count()} of its answers cannot be read."
        ) from fault
    if model.failing:
        # on stderr, where it neither disturbs what reads the output nor is lost in a long table
        warn(_alarm(model))
    for session in sessions:
        if session.distress:
            words = "shows" if session.distress == 1 else "show"
            count = "a message" if session.distress == 1 else f"{session.distress} messages"
            warn(f"Session {session.session_id}: {count} of the participant {words} signs of distress.")
    if as_json:
        say_json([session.model_dump() for session in sessions])
        return
    if not sessions:
        say("No session is live.")
        return
    rows = [
        (
            session.session_id,
            clock(session.at),
            "yes" if session.connected else "no",
            str(session.messages),
            f"{session.calls_waiting}/{session.calls}",
            str(session.dropped),
        )
        for session in sessions
    ]
    table(("session", "time", "online", "messages", "waiting", "failed"), rows, numbers={1, 3, 4, 5})
    say("online: the participant is connected; waiting: LLM calls under way of all; failed: messages given up")


def _alarm(model: "Model") -> str:
    silence = f"The model is failing: nothing has succeeded for {clock(model.seconds or 0)} (mm:ss)."
    return f"{silence} Failed or overdue: {model.failures}, mostly {model.kind}."


def end_session(server: ServerSettings, beginning: str, reason: str) -> None:
    """End a session, through the running server if there is one."""
    if not _REASON.fullmatch(reason):
        raise Failure("A reason is one word of small letters, digits and underscores: ended_by_operator", 2)
    try:
        row = chosen(asyncio.run(_rows(server)), beginning)
        if row.ended is not None:
            say(f"Session {row.session_id} has ended before: {plain(row.ended)}.")
            return
        ended = _end(server, row.session_id, reason)
    except (NoSuchSession, OperatorError) as fault:
        raise Failure(str(fault)) from fault
    if ended == reason:
        say(f"Session {row.session_id} has ended: {reason}.")
    else:
        say(f"Session {row.session_id} has ended before: {plain(ended)}.")


def _end(server: ServerSettings, session_id: str, reason: str) -> str:
    """The reason that the session has ended with now."""
    try:
        answer = Operator(server.data).ask("POST", f"/sessions/{session_id}/end", {"reason": reason})
    except NoServer:
        return asyncio.run(_end_here(server, session_id, reason))
    if cast("dict[str, bool]", answer).get("ended"):
        return reason
    row = chosen(asyncio.run(_rows(server)), session_id)
    return row.ended or reason


async def _end_here(server: ServerSettings, session_id: str, reason: str) -> str:
    async with ending(server, load_settings(server.study)) as host:
        # one that was due to end long ago does so as soon as it is opened, and takes nothing more
        with suppress(Refused):
            await host.end(session_id, reason)
        row = await host.store.find(session_id)
    return (row and row.ended) or reason


class _Kept(NamedTuple):
    """All sessions, and what is known of some of them."""

    rows: list[SessionRow]
    targets: Mapping[str, Mapping[str, Measured]]
    """What came of the targets of those that have ended and have some."""
    freezes: Mapping[str, str | None] | None
    """The hash of the frozen study that each was held under; None where none was frozen."""
    rehearsal: bool
    """Whether they are those of a rehearsal."""


async def _kept(server: ServerSettings) -> _Kept:
    async with reading(server) as store:
        rows = await store.sessions()
        ends = await store.ends()
        freezes = await _freezes(store, rows)
        rehearsal = await holds_rehearsal(store)
    ended = {name: _end_of(name, text) for name, text in ends.items() if '"targets":{' in text}
    return _Kept(rows, {name: event.targets for name, event in ended.items() if event}, freezes, rehearsal)


def _end_of(session_id: str, text: str) -> SessionEnded | None:
    try:
        event = decode(text).event
    except CodecError as fault:
        raise StoreError(f"the log of session {session_id} cannot be read: {fault}") from fault
    return event if isinstance(event, SessionEnded) else None


async def _freezes(store: SQLStore, rows: list[SessionRow]) -> dict[str, str | None] | None:
    entries = [decode_study(line.text) for line in await store.read(STUDY)]
    if fold_study(entries).frozen is None:
        return None
    firsts = [(row.session_id, await store.first(row.session_id)) for row in rows]
    begun = [(name, decode(line.text).event) for name, line in firsts if line]
    return {name: event.freeze or None for name, event in begun if isinstance(event, SessionStarted)}


async def _rows(server: ServerSettings) -> list[SessionRow]:
    async with reading(server) as store:
        return await store.sessions()


def _state(row: SessionRow) -> str:
    if row.ended is not None:
        return row.ended
    return "live" if row.head else "not started"
