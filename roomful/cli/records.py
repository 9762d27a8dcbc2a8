"""The study's sessions as commands reach them: read from the store, or ended in it while no server runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from roomful.assembly import LOG_FILE_SECONDS, SetupError, database_url, model_name, open_store, uses_sqlite
from roomful.cli.output import plain, warn
from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.host import Host, Study
from roomful.logfile import LogFiles
from roomful.settings import ServerSettings, StudySettings
from roomful.store import SessionRow, Store, StoreError
from roomful.store.databases import database, sqlite_path
from roomful.store.lock import DataFolderLock
from roomful.store.sql import SQLStore
from roomful.timeline import sleep

BUSY_SECONDS = 5.0
"""How long to wait for a database that another process has locked."""

CHOICES_MOST = 5
"""Sessions that are named where an id's beginning fits several."""


class NoSuchSession(Exception):
    """No session, or not one alone, has an id that begins so."""


@asynccontextmanager
async def reading(server: ServerSettings) -> AsyncIterator[SQLStore]:
    """The study's database to read from, also beside a running server. Raises StoreError where there is none yet."""
    try:
        path = sqlite_path(database_url(server))
        if path is not None and not path.exists():
            raise StoreError(f"There is no database at {path}: no session has been held there yet.")
        store = SQLStore(database(database_url(server), BUSY_SECONDS))
    except ValueError as fault:
        raise SetupError(f"DATABASE_URL: {fault}") from fault
    try:
        yield store
    finally:
        await store.close()


def chosen(rows: list[SessionRow], beginning: str) -> SessionRow:
    """The one session whose id is this or begins so. Raises NoSuchSession."""
    if not beginning:
        raise NoSuchSession("Say which session: its id, or the beginning of it. `roomful sessions` lists them.")
    found = [row for row in rows if row.session_id.startswith(beginning.lower())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchSession(f"There is no session {plain(beginning)}. `roomful sessions` lists them.")
    named = ", ".join(row.session_id for row in found[:CHOICES_MOST])
    more = f", and {len(found) - CHOICES_MOST} more" if len(found) > CHOICES_MOST else ""
    raise NoSuchSession(f"{len(found)} sessions begin with {plain(beginning)}: {named}{more}.")


@asynccontextmanager
async def store_and_files(server: ServerSettings) -> AsyncIterator[tuple[Store, LogFiles]]:
    """The store and the log files, to write to. Raises FolderInUse while a server runs, StoreError."""
    async with AsyncExitStack() as stack:
        if uses_sqlite(server):
            stack.enter_context(DataFolderLock(server.data))
        store = await open_store(server)
        stack.push_async_callback(store.close)
        log_files = LogFiles(server.logs, store, pause=lambda: sleep(LOG_FILE_SECONDS))
        stack.callback(_warn_of_files, log_files)
        stack.push_async_callback(log_files.close)
        yield store, log_files


def _warn_of_files(log_files: LogFiles) -> None:
    if log_files.error:
        warn(f"The logs' files could not be written, and are behind the database: {log_files.error}")


@asynccontextmanager
async def ending(server: ServerSettings, study: StudySettings) -> AsyncIterator[Host]:
    """A host that runs nothing by itself, to end sessions with. Raises FolderInUse while a server runs, StoreError."""
    async with store_and_files(server) as (store, log_files):
        about = Study(
            experimental=study.experimental,
            simulation=study.simulation,
            model=model_name(study.simulation.llm, server),
            versions={},
            treatments=study.treatments,
        )
        host = Host(store, _nobody, about, log_files=log_files)
        async with host.running(resume=False):
            yield host


async def _nobody(prompt: Prompt) -> Reply:
    """Never answers: where sessions are only ended nobody speaks any more."""
    del prompt
    silence: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    return await silence
