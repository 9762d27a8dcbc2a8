"""From settings to a host that runs: the store, the model, the log files, put together in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from roomful.core.study import LLMSettings
from roomful.host import Host, Study
from roomful.llm import LLM
from roomful.llm.budget import Budget
from roomful.llm.connect import connect
from roomful.llm.observe import Report
from roomful.llm.scripted import Scripted
from roomful.llm.watch import Watch, announce
from roomful.logfile import LogFiles
from roomful.session import OnCommit
from roomful.settings import ServerSettings, StudySettings
from roomful.store import Store
from roomful.store import Watch as StoreWatch
from roomful.store.lock import DataFolderLock
from roomful.store.sql import SQLStore
from roomful.timeline import monotonic, sleep, wall_clock
from roomful.trouble import Trouble

SCRIPTED = "scripted"
"""The model's name where agents speak from a script."""

LOG_FILE_SECONDS = 0.5
"""How long a line waits for others before the log files are written."""

BUSY_SECONDS = 1.5
"""How long a commit waits for another process that has the database locked, before it fails and says so."""

GATHER_SECONDS = 0.01
"""How long an append waits for others to share its commit: what it costs in latency it saves twice in work."""

_log = structlog.get_logger()


class SetupError(Exception):
    """The settings are well-formed, and still no server can be made of them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running server consists of."""

    host: Host
    store: Store
    trouble: Trouble
    log_files: LogFiles
    budget: Budget
    watch: Watch
    tasks: asyncio.TaskGroup


def provider(llm: LLMSettings, server: ServerSettings) -> str:
    """Who speaks for the agents: the provider that is set, else Gemini where there is a key, else a script."""
    return llm.provider or ("gemini" if server.gemini_api_key else SCRIPTED)


def model_name(llm: LLMSettings, server: ServerSettings) -> str:
    """The name of the model as it is logged."""
    return SCRIPTED if provider(llm, server) == SCRIPTED else llm.model


def check_setup(server: ServerSettings, study: StudySettings) -> None:
    """Raise SetupError for what only both kinds of settings together show to be wrong."""
    llm = study.simulation.llm
    if llm.provider == "gemini" and not server.gemini_api_key:
        raise SetupError('llm.provider is "gemini", but GEMINI_API_KEY is not set (in the environment or in .env)')
    if server.max_cost_per_day is not None and not (llm.input_price_per_million or llm.output_price_per_million):
        raise SetupError(
            "ROOMFUL_MAX_COST_PER_DAY is set, but the prices llm.input_price_per_million and "
            "llm.output_price_per_million are both 0: no call would ever count"
        )


def uses_sqlite(server: ServerSettings) -> bool:
    """Whether the database is a file, which one process may write at a time."""
    return server.database_url is None or server.database_url.startswith("sqlite")


def database_url(server: ServerSettings) -> str:
    """Where the study's database is: `roomful.db` in the data folder unless DATABASE_URL says otherwise."""
    return server.database_url or f"sqlite:///{server.data / 'roomful.db'}"


async def open_store(server: ServerSettings, watch: StoreWatch | None = None) -> SQLStore:
    """Open the study's database, its tables made or migrated. Or StoreError; SetupError where its URL names none."""
    try:
        return await SQLStore.open(
            database_url(server), gather=lambda: sleep(GATHER_SECONDS), busy_timeout=BUSY_SECONDS, watch=watch
        )
    except ValueError as fault:
        raise SetupError(f"DATABASE_URL: {fault}") from fault


@asynccontextmanager
async def assembled(
    server: ServerSettings,
    study: StudySettings,
    *,
    on_call: Report | None = None,
    on_commit: OnCommit | None = None,
    llm: LLM | None = None,
    store: Store | None = None,
) -> AsyncIterator[Parts]:
    """Run a host of these settings inside this context; at its end all sessions are suspended and the store closed.

    A model or a store that is given takes the place of the one that the settings name. Raises SetupError,
    StoreError, and FolderInUse when another server works in the data folder.
    """
    check_setup(server, study)
    budget = Budget(lambda: wall_clock() / 1e6, server.max_tokens_per_day, server.max_cost_per_day)
    async with AsyncExitStack() as stack:
        if uses_sqlite(server):
            stack.enter_context(DataFolderLock(server.data))
        trouble = Trouble(monotonic)
        store = store or await open_store(server, trouble)
        stack.push_async_callback(store.close)
        watch = Watch(monotonic, study.simulation.llm.timeout_seconds)
        llm = llm or _model(server, study.simulation.llm, budget, on_call, watch, stack)
        log_files = LogFiles(server.logs, store, pause=lambda: sleep(LOG_FILE_SECONDS))
        stack.push_async_callback(log_files.close)
        host = Host(
            store,
            llm,
            Study(
                experimental=study.experimental,
                simulation=study.simulation,
                model=model_name(study.simulation.llm, server),
                versions={},
                treatments=study.treatments,
            ),
            log_files=log_files,
            max_live_sessions=server.max_live_sessions,
            on_commit=on_commit,
        )
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(trouble.watch(store, sleep)),
                tasks.create_task(announce(watch, monotonic, sleep)),
            ]
            async with host.running():
                # sessions that go on come first: to look through the files of thousands takes its time
                beside += [tasks.create_task(log_files.run()), tasks.create_task(log_files.catch_up())]
                yield Parts(host, store, trouble, log_files, budget, watch, tasks)
            for task in beside:
                task.cancel()


def _model(
    server: ServerSettings,
    settings: LLMSettings,
    budget: Budget,
    on_call: Report | None,
    watch: Watch,
    stack: AsyncExitStack,
) -> LLM:
    if provider(settings, server) == SCRIPTED:
        _log.warning("agents_are_scripted", why="no GEMINI_API_KEY" if settings.provider is None else "llm.provider")
        return Scripted()
    connection = connect(
        settings,
        server.gemini_api_key or "",
        clock=monotonic,
        sleep=sleep,
        base_url=server.google_gemini_base_url,
        budget=budget,
        report=on_call,
        watch=watch,
    )
    stack.push_async_callback(connection.close)
    return connection
