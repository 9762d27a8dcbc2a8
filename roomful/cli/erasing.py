"""`roomful withdraw` and `roomful erase`: participations taken back, and data taken out of the logs."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import batched
from typing import cast

import typer

from roomful.cli.enrolled import enrolment_and_files, state_of
from roomful.cli.operator import NoServer, Operator, OperatorError
from roomful.cli.output import Failure, moment, plain, say, say_json, warn, when
from roomful.cli.records import NoSuchSession, chosen, ending, reading
from roomful.core.decide import WITHDREW, Refused
from roomful.core.roster import StudyState
from roomful.erasure import Eraser, Erasure
from roomful.settings import ServerSettings, load_settings
from roomful.store import SessionRow, UnknownSession
from roomful.timeline import wall_clock

AT_ONCE = 100
"""Sessions that a server erases before it answers."""

_SPAN = re.compile(r"([1-9][0-9]{0,4})d(?:ays?)?")
_NOT_YET = (
    "The database's journal still holds what was deleted, because somebody reads it: "
    "it is gone when this command is repeated, or the server starts again."
)


def withdraw(server: ServerSettings, beginning: str, *, delete: bool, sure: bool) -> None:
    """Take back a participation, through the running server if there is one."""
    try:
        row = chosen(asyncio.run(_rows(server)), beginning)
        if delete:
            _confirm(f"Delete what was said in session {row.session_id}? It cannot be brought back.", sure=sure)
        done = _withdraw(server, row, delete=delete)
    except (NoSuchSession, OperatorError, UnknownSession, Refused) as fault:
        raise Failure(plain(fault)) from fault
    _check_files(server, done)
    say(f"Session {row.session_id}: {'withdrawn, and its data are deleted' if delete else 'withdrawn; its data stay'}.")
    if not done.scrubbed:
        warn(_NOT_YET)


def _check_files(server: ServerSettings, done: Erasure) -> None:
    if not done.renewed:
        raise Failure(
            f"The data are deleted from the database, but their logs in {plain(server.logs)}/ could not be written "
            "anew and still hold them: let the folder be written, and repeat this command."
        )


def _withdraw(server: ServerSettings, row: SessionRow, *, delete: bool) -> Erasure:
    try:
        path = f"/sessions/{row.session_id}/withdraw"
        return _answered(Operator(server.data).ask("POST", path, {"delete": delete}))
    except NoServer:
        # who was let in and has not begun needs no end: withdrawn the session never begins
        may_go_on = row.head > 0 or row.session_id not in state_of(server).participations
        return asyncio.run(_withdraw_here(server, row, delete=delete, ends=row.ended is None and may_go_on))


async def _withdraw_here(server: ServerSettings, row: SessionRow, *, delete: bool, ends: bool) -> Erasure:
    if ends:
        async with ending(server, load_settings(server.study)) as host:
            await host.end(row.session_id, WITHDREW if delete else "participant_left")
    async with _eraser(server) as eraser:
        return await eraser.withdraw(row.session_id, delete=delete)


def erase(server: ServerSettings, older_than: str, *, dry_run: bool, sure: bool, as_json: bool) -> None:
    """Erase the sessions that were given out longer ago than a span, through the running server if there is one."""
    found = _SPAN.fullmatch(older_than)
    if found is None:
        raise Failure("A span is a number of days: --older-than 180d", 2)
    before = wall_clock() / 1e6 - int(found[1]) * 86_400
    rows, live = asyncio.run(_due(server, state_of(server), before))
    if live:
        warn(f"{live} of that age are live, and stay.")
    if as_json and dry_run:
        say_json([{"session_id": row.session_id, "created": moment(row.created)} for row in rows])
        return
    if not rows:
        say(f"No session was given out before {when(before)} that is not erased.")
        return
    first, last = when(rows[0].created), when(rows[-1].created)
    many = "1 session" if len(rows) == 1 else f"{len(rows)} sessions"
    say(f"{many}, given out from {first} to {last}.")
    if dry_run:
        say("Nothing was erased: this was --dry-run.")
        return
    which = "it" if len(rows) == 1 else f"these {len(rows)} sessions"
    _confirm(f"Delete what was said in {which}? It cannot be brought back.", sure=sure)
    try:
        done = _erase(server, [row.session_id for row in rows])
    except (OperatorError, UnknownSession, Refused) as fault:
        raise Failure(plain(fault)) from fault
    _check_files(server, done)
    say(f"{many} erased.")
    if not done.scrubbed:
        warn(_NOT_YET)


def _erase(server: ServerSettings, session_ids: Sequence[str]) -> Erasure:
    done = Erasure(0, scrubbed=True)
    try:
        operator = Operator(server.data)
        for part in batched(session_ids, AT_ONCE):
            last = _answered(operator.ask("POST", "/erase", {"sessions": part}))
            done = replace(last, renewed=done.renewed and last.renewed)
    except NoServer:
        return asyncio.run(_erase_here(server, session_ids))
    return done


async def _erase_here(server: ServerSettings, session_ids: Sequence[str]) -> Erasure:
    async with _eraser(server) as eraser:
        return await eraser.erase(session_ids)


@asynccontextmanager
async def _eraser(server: ServerSettings) -> AsyncIterator[Eraser]:
    async with enrolment_and_files(server) as (store, enrolment, log_files):
        yield Eraser(store, enrolment, log_files)


def _answered(answer: object) -> Erasure:
    told = cast("dict[str, bool]", answer)
    return Erasure(0, told.get("scrubbed", False), told.get("renewed", False))


def _confirm(question: str, *, sure: bool) -> None:
    if not sure and not typer.confirm(question):
        raise Failure("Nothing was deleted.")


async def _rows(server: ServerSettings) -> list[SessionRow]:
    async with reading(server) as store:
        return await store.sessions()


async def _due(server: ServerSettings, state: StudyState, before: float) -> tuple[list[SessionRow], int]:
    """The sessions of that age that are not erased, oldest first, and how many of that age are live."""
    async with reading(server) as store:
        old = [row for row in await store.sessions() if row.created < before]
    over = [row for row in old if row.ended is not None or not row.head]
    known = state.participations
    left = [row for row in over if row.session_id not in known or not known[row.session_id].erased]
    return left, len(old) - len(over)
