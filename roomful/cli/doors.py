"""`roomful pause`, `resume` and `stop`: who may come in, and the kill switch."""

import asyncio
import re

from roomful.assembly import enrolled, looked_at
from roomful.cli.enrolled import enter
from roomful.cli.operator import NoServer, Operator, OperatorError
from roomful.cli.output import Failure, plain, say
from roomful.cli.records import ending
from roomful.core.admission import Pause, Unpause
from roomful.settings import ServerSettings, load_settings
from roomful.web.operator import stop_all

_REASON = re.compile(r"[a-z][a-z0-9_]{0,59}")


def pause(server: ServerSettings, reason: str) -> None:
    """Let nobody new in."""
    entered = enter(server, Pause(reason=reason))
    say("The study is paused: nobody new is let in." if entered else "The study was paused before.")


def resume(server: ServerSettings) -> None:
    """Let people in again."""
    entered = enter(server, Unpause())
    say("The study goes on: people are let in." if entered else "The study was not paused.")


def stop(server: ServerSettings, reason: str, *, every: bool) -> None:
    """End all sessions, and let nobody in."""
    if not every:
        raise Failure("This ends every session for good: say `roomful stop --all` if you mean it.", 2)
    if not _REASON.fullmatch(reason):
        raise Failure("A reason is one word of small letters, digits and underscores: ended_by_operator", 2)
    try:
        answer = Operator(server.data).ask("POST", "/stop", {"reason": reason})
        ended = int(answer["ended"]) if isinstance(answer, dict) else 0
    except NoServer:
        ended = asyncio.run(_stop_here(server, reason))
    except OperatorError as fault:
        raise Failure(plain(fault)) from fault
    sessions = "1 session has" if ended == 1 else f"{ended} sessions have"
    say(f"{sessions} ended: {reason}. Nobody is let in until `roomful resume`.")


async def _stop_here(server: ServerSettings, reason: str) -> int:
    study = load_settings(server.study)
    async with ending(server, study) as host:
        enrolment = await enrolled(host.store, study, host.log_files, looked_at(server, study))
        ended = await stop_all(host, enrolment, reason)
        await enrolment.reconcile()
    return ended
