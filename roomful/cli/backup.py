"""`roomful backup`: a copy of the study's database, also while the server runs."""

from pathlib import Path

from roomful.assembly import SetupError, database_url
from roomful.cli.output import Failure, plain, say
from roomful.settings import ServerSettings
from roomful.store.backup import back_up
from roomful.store.databases import sqlite_path


def backup(server: ServerSettings, target: Path, *, force: bool) -> None:
    """Copy the database, and say what the copy holds."""
    try:
        source = sqlite_path(database_url(server))
    except ValueError as fault:
        raise SetupError(f"DATABASE_URL: {fault}") from fault
    if source is None:
        raise Failure("The study is in PostgreSQL, which has a command of its own for this: pg_dump --format=custom")
    if target.is_dir():
        raise Failure(f"{plain(target)} is a folder: name the file that the copy goes to")
    try:
        copied = back_up(source, target, overwrite=force)
    except FileExistsError:
        raise Failure(f"{plain(target)} is there already: name another file, or let it go with --force") from None
    say(
        f"{plain(target)}: {copied.sessions} sessions, {copied.entries} entries, {copied.size / (1 << 20):.1f} MiB; "
        "looked through and whole."
    )
