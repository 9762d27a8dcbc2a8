"""`roomful export`: the study as tables."""

import asyncio
from pathlib import Path

from roomful import __version__
from roomful.cli.output import Failure, plain, say
from roomful.cli.records import reading
from roomful.export import CONVENTIONS, Exported, FolderTaken
from roomful.export import export as write_tables
from roomful.settings import ServerSettings


def export(server: ServerSettings, out: Path, *, anonymize: bool) -> None:
    """Write the tables, and say how many rows each has."""
    try:
        done = asyncio.run(_export(server, out, anonymize=anonymize))
    except FolderTaken as fault:
        raise Failure(plain(fault)) from fault
    counts = ", ".join(f"{count} {table}" for table, count in done.rows.items())
    say(f"{plain(out)}: {counts}. What each column means is in codebook.md.")


async def _export(server: ServerSettings, out: Path, *, anonymize: bool) -> Exported:
    about = [f"The study in {server.study.name}/, as Roomful {__version__} tells it.", *CONVENTIONS]
    if anonymize:
        about.append(ANONYMIZED)
    async with reading(server) as store:
        return await write_tables(store, out, about, anonymize=anonymize)


ANONYMIZED = (
    "Anonymized: panel ids, names of participants, tokens' labels and the parameters of entry links are left out, and "
    "sessions are numbered. What participants wrote, and prompts, which quote it, are as they were: read them before "
    "you give them away."
)
"""What the codebook says of an anonymized export."""
