"""From settings to a host that runs: the store, the model, the log files, put together in one place."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import structlog

from roomful import __version__
from roomful.core import CORE_VERSION
from roomful.core.admission import SetUp
from roomful.core.decide import Refused
from roomful.core.study import SCRIPTED, LLMSettings, ModelSettings, SimulationSettings, name_of
from roomful.enrolment import Enrolment, holds_rehearsal
from roomful.erasure import Eraser
from roomful.freezing import Fingerprint, differing
from roomful.host import Host, LineKeeper, Salts, Study, salt
from roomful.llm import LLM
from roomful.llm.budget import Budget
from roomful.llm.connect import connect
from roomful.llm.direct import DIRECT, not_installed
from roomful.llm.keys import Keys
from roomful.llm.local import unusable
from roomful.llm.observe import Report
from roomful.llm.scripted import Scripted
from roomful.llm.watch import Watch, announce
from roomful.logfile import LogFiles, told_to_operator
from roomful.session import OnCommit
from roomful.settings import ServerSettings, StudySettings
from roomful.store import Store, StoreError
from roomful.store import Watch as StoreWatch
from roomful.store.lock import DataFolderLock, make_folder
from roomful.store.sql import SQLStore
from roomful.timeline import monotonic, sleep, wall_clock
from roomful.trouble import Trouble

NOT_SILENTLY = (
    "Without GEMINI_API_KEY agents would only recite lines to participants: set the key, or llm.provider to "
    '"scripted" if that is what you want'
)

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
    enrolment: Enrolment
    eraser: Eraser
    log_files: LogFiles
    budget: Budget
    watch: Watch
    tasks: asyncio.TaskGroup
    silent_script: bool
    """Whether agents are scripted because nothing else was said: no participant may meet them."""


def provider(llm: LLMSettings, server: ServerSettings) -> str:
    """Who speaks for the agents: the provider that is set, else Gemini where there is a key, else a script."""
    return llm.provider or ("gemini" if server.gemini_api_key else SCRIPTED)


def keys_of(server: ServerSettings) -> Keys:
    """The providers' keys."""
    return Keys(
        gemini=server.gemini_api_key or "",
        openai=server.openai_api_key or "",
        anthropic=server.anthropic_api_key or "",
        mistral=server.mistral_api_key or "",
        local=salt(),
    )


def all_models(llm: LLMSettings) -> Iterator[tuple[str, ModelSettings]]:
    """The models that are asked, each with where it stands in the settings."""
    yield "llm", llm
    for index, model in enumerate(llm.fallbacks):
        yield f"llm.fallbacks[{index}]", model
    for name, model in llm.agents.items():
        yield f"llm.agents.{name}", model


def provided(llm: LLMSettings, server: ServerSettings) -> LLMSettings:
    """The same with every provider named: where none is, it depends on whether there is a key for Gemini."""

    def named[T: ModelSettings](model: T) -> T:
        return model if model.provider else replace(model, provider="gemini" if server.gemini_api_key else "scripted")

    fallbacks = tuple(named(model) for model in llm.fallbacks)
    return replace(named(llm), fallbacks=fallbacks, agents={name: named(model) for name, model in llm.agents.items()})


def only_scripted(llm: LLMSettings, server: ServerSettings) -> bool:
    """Whether nobody but a script speaks, be it said or for want of a key."""
    return all(model.provider == SCRIPTED for _, model in all_models(provided(llm, server)))


def in_english(study: StudySettings) -> StudySettings:
    """The study as scripted agents can hold it: they write English, and what they say would be held back in another."""

    def english(simulation: SimulationSettings) -> SimulationSettings:
        return replace(simulation, chat_language="en") if simulation.chat_language else simulation

    arms = (replace(arm, simulation=english(arm.simulation)) for arm in study.treatments)
    return replace(study, simulation=english(study.simulation), treatments=tuple(arms))


def speaks_silently(llm: LLMSettings, server: ServerSettings) -> bool:
    """Whether agents are scripted without anybody having said so."""
    return not server.gemini_api_key and any(model.provider is None for _, model in all_models(llm))


def check_guarded(enrolment: Enrolment) -> None:
    """Raise SetupError where participants may come, who must never meet scripted agents by accident."""
    if enrolment.state.guarded:
        raise SetupError(f"The study has tokens or an entry link, so participants may come. {NOT_SILENTLY}")


def looked_at(server: ServerSettings, study: StudySettings) -> Fingerprint:
    """All that a study is made of, as it would be run now."""
    llm = study.simulation.llm
    speaks = provider(llm, server)
    run_by = {
        "model": model_name(llm, server) if speaks == SCRIPTED else f"{speaks} {model_name(llm, server)}",
        "version: core": str(CORE_VERSION),
        "version: roomful": __version__,
    }
    return Fingerprint({**study.parts, **run_by})


def check_frozen(enrolment: Enrolment, found: Fingerprint) -> None:
    """Raise SetupError where a frozen study is not what it was, and say in what."""
    frozen = enrolment.state.frozen
    if frozen is None or frozen.hash == found.hash:
        return
    changes = "".join(f"\n- {change}" for change in differing(frozen.parts, found.parts))
    raise SetupError(
        f"The study is frozen, and not what it was then:{changes}\n"
        'Put it back as it was, or record a deviation: roomful freeze --deviation "why"'
    )


async def check_no_rehearsal(store: Store) -> None:
    """Raise SetupError for a database in which nothing may be written any more. Or StoreError."""
    if await holds_rehearsal(store):
        raise SetupError(
            "This database holds a rehearsal: its sessions are nobody's data, and no participant may be among them. "
            "Name another folder (--data, ROOMFUL_DATA) or another DATABASE_URL"
        )


async def enrolled(
    store: Store, study: StudySettings, log_files: LineKeeper | None, found: Fingerprint | None = None
) -> Enrolment:
    """The study's own log, opened, with the rules of these settings. Raises StoreError; SetupError for a rehearsal's.

    A frozen study whose parts are `found` to be others keeps its rules.
    """
    await check_no_rehearsal(store)
    enrolment = Enrolment(store, clock=wall_clock, salt=Salts(), on_lines=log_files.add if log_files else None)
    await enrolment.open()
    frozen = enrolment.state.frozen
    if frozen is None or found is None or frozen.hash == found.hash:
        await enrolment.submit(SetUp(rules=study.rules))
    await enrolment.reconcile()
    return enrolment


def model_name(llm: LLMSettings, server: ServerSettings) -> str:
    """The name of the model as it is logged."""
    return name_of(provided(llm, server))


SCRIPT = "a script"
"""What scripted agents speak from, in a sentence."""
_NAMES = {"gemini": "Gemini", "openai": "OpenAI", "anthropic": "Anthropic", "mistral": "Mistral", "local": "llama.cpp"}


def described(model: ModelSettings) -> str:
    """A model whose provider is named, in a few words."""
    if model.provider == SCRIPTED:
        return SCRIPT
    return f"{model.base_url or _NAMES[model.provider or 'gemini']}, {name_of(model)}"


def lacks(where: str, model: ModelSettings, server: ServerSettings) -> str | None:
    """What is wanting for a model to be asked: a key, a package; None if nothing is."""
    provider = model.provider
    if provider == "local" and (missing := unusable(model.model_path or "")):
        return f"{where}: {missing}"
    if provider in DIRECT and (missing := not_installed(provider)):
        return f"{where}: {missing}"
    if provider in ("gemini", *DIRECT) and not keys_of(server).of(provider) and model.base_url is None:
        variable = f"{provider.upper()}_API_KEY"
        return f'{where}.provider is "{provider}", but {variable} is not set (in the environment or in .env)'
    return None


def check_setup(server: ServerSettings, study: StudySettings) -> None:
    """Raise SetupError for what only both kinds of settings together show to be wrong."""
    llm = study.simulation.llm
    if lacking := [words for where, model in all_models(llm) if (words := lacks(where, model, server))]:
        raise SetupError("\n".join(lacking))
    unsigned = [outcome for outcome, ending in study.enrolment.outcomes.items() if ending.sign]
    if unsigned and not server.return_key:
        raise SetupError(
            f"The addresses of {', '.join(unsigned)} are to be signed, but ROOMFUL_RETURN_KEY is not set "
            "(in the environment or in .env)"
        )
    prices = [(model.input_price_per_million, model.output_price_per_million) for _, model in all_models(llm)]
    if server.max_cost_per_day is not None and not any(map(any, prices)):
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
        silent_script = llm is None and speaks_silently(study.simulation.llm, server)
        model = llm or _model(server, study.simulation.llm, budget, on_call, watch, stack)
        # one that is there and cannot be written stops no session: it may be that a disk is full for a while
        make_folder(server.logs)
        log_files = LogFiles(server.logs, store, pause=lambda: sleep(LOG_FILE_SECONDS), tell=told_to_operator)
        stack.push_async_callback(log_files.close)
        found = looked_at(server, study)
        enrolment = await enrolled(store, study, log_files, found)
        check_frozen(enrolment, found)
        if silent_script:
            check_guarded(enrolment)
        eraser = Eraser(store, enrolment, log_files)
        host = Host(
            store,
            model,
            _study(server, study, found, given=llm is not None),
            log_files=log_files,
            enrolment=enrolment,
            eraser=eraser,
            max_live_sessions=server.max_live_sessions,
            on_commit=on_commit,
        )
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(trouble.watch(store, sleep)),
                tasks.create_task(announce(watch, monotonic, sleep)),
                tasks.create_task(enrolment.run(sleep)),
                tasks.create_task(_erase_left(eraser)),
            ]
            async with host.running():
                # sessions that go on come first: to look through the files of thousands takes its time
                beside += [tasks.create_task(log_files.run()), tasks.create_task(log_files.catch_up())]
                yield Parts(host, store, trouble, enrolment, eraser, log_files, budget, watch, tasks, silent_script)
            for task in beside:
                task.cancel()
            # what cannot be stored now is learnt from the sessions at the next start
            with suppress(StoreError):
                await enrolment.flush()


def _study(server: ServerSettings, study: StudySettings, found: Fingerprint, *, given: bool) -> Study:
    """What sessions start with; `given`: the model is not the one that the settings name."""
    held = in_english(study) if not given and only_scripted(study.simulation.llm, server) else study
    return Study(
        experimental=held.experimental,
        simulation=held.simulation,
        model=model_name(held.simulation.llm, server),
        versions={},
        fingerprint=found.hash,
        treatments=held.treatments,
    )


async def _erase_left(eraser: Eraser) -> None:
    """Erase what the process before this one could not."""
    try:
        await eraser.catch_up()
    except (StoreError, Refused) as fault:
        _log.error("sessions_not_erased", error=str(fault))


def speaking(server: ServerSettings, settings: LLMSettings, stack: AsyncExitStack) -> LLM:
    """The model that these settings name, for work beside a server; it is closed with the stack."""
    budget = Budget(lambda: wall_clock() / 1e6, server.max_tokens_per_day, server.max_cost_per_day)
    return _model(server, settings, budget, None, Watch(monotonic, settings.timeout_seconds), stack)


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
        if all(model.provider == settings.provider for _, model in all_models(settings)):
            return Scripted()
    connection = connect(
        provided(settings, server),
        keys_of(server),
        clock=monotonic,
        sleep=sleep,
        base_url=server.google_gemini_base_url,
        budget=budget,
        report=on_call,
        watch=watch,
    )
    stack.push_async_callback(connection.close)
    return connection
