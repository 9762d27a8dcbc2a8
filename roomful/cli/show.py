"""`roomful show`: a session as a transcript for people, from the store or from its log file."""

import asyncio
import json
from pathlib import Path

from rich.table import Table
from rich.text import Text

from roomful.cli.output import Failure, plain, put, say, say_json
from roomful.cli.records import NoSuchSession, chosen, reading
from roomful.cli.targets import limits, measured_words
from roomful.cli.transcript import Transcript
from roomful.codec import CodecError, decode
from roomful.core.events import Entry, SessionEnded, SessionStarted
from roomful.core.state import fold
from roomful.core.targets import measured
from roomful.settings import ServerSettings


def show(server: ServerSettings, which: str, *, calls: bool, as_json: bool) -> None:
    """Show the session of this id, or of its beginning, or of this log file."""
    try:
        lines = _of_file(Path(which)) if _is_file(which) else asyncio.run(_of_store(server, which))
    except NoSuchSession as fault:
        raise Failure(str(fault)) from fault
    if as_json:
        _show_json(lines, which)
        return
    entries = [_entry(line, number, which) for number, line in enumerate(lines, 1)]
    if not entries:
        say("This session was given out, and nobody has come in yet.")
        return
    transcript = Transcript(entries, calls=calls)
    for part in transcript.parts():
        put(part)
    _put_targets(entries)


def _put_targets(entries: list[Entry]) -> None:
    """What came of the targets of the session's treatment: at its end, or up to now."""
    ended = next((entry.event for entry in reversed(entries) if isinstance(entry.event, SessionEnded)), None)
    first = entries[0].event
    if ended is None and isinstance(first, SessionStarted) and first.experimental_config.targets:
        found, words = measured(fold(entries)), "Targets up to now"
    else:
        found, words = ended.targets if ended else {}, "Targets"
    if not found:
        return
    put(Text(f"\n{words}", "bold"))
    declared = first.experimental_config.targets if isinstance(first, SessionStarted) else {}
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for name, value in found.items():
        wanted = ", ".join(limits(declared[name])) if name in declared else ""
        table.add_row(Text(plain(name)), Text(measured_words(value)), Text(wanted, "dim"))
    put(table)


def _is_file(which: str) -> bool:
    return which.endswith(".json") or "/" in which or Path(which).is_file()


def _of_file(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise Failure(f"{path} is not a session's log: it is not text.") from None


async def _of_store(server: ServerSettings, which: str) -> list[str]:
    async with reading(server) as store:
        row = chosen(await store.sessions(), which)
        return [line.text for line in await store.read(row.session_id)]


def _entry(line: str, number: int, which: str) -> Entry:
    try:
        return decode(line)
    except CodecError:
        raise Failure(f"{which}: line {number} is not an entry of a session's log.") from None


def _show_json(lines: list[str], which: str) -> None:
    values: list[object] = []
    for number, line in enumerate(lines, 1):
        try:
            values.append(json.loads(line))
        except ValueError:
            raise Failure(f"{which}: line {number} is not JSON.") from None
    say_json(values)
