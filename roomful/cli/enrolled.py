"""The study's own log as commands reach it: through the running server, or in the database where none runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from roomful.assembly import enrolled, looked_at
from roomful.cli.operator import NoServer, Operator, OperatorError
from roomful.cli.output import Failure, plain
from roomful.cli.records import reading, store_and_files
from roomful.codec import CodecError
from roomful.core.admission import StudyInput
from roomful.core.decide import Refused
from roomful.core.enrolment import StudyEntry
from roomful.core.roster import StudyState, fold_study
from roomful.enrolment import Enrolment
from roomful.logfile import LogFiles
from roomful.settings import ServerSettings, load_settings
from roomful.store import STUDY, Store, StoreError
from roomful.study_codec import decode_study, encode_input


def enter(server: ServerSettings, input: StudyInput) -> int:
    """Enter something into the study's log; return to how many entries it led. Raises Failure, StoreError."""
    try:
        answer = Operator(server.data).ask("POST", "/study", encode_input(input))
    except NoServer:
        return asyncio.run(_enter_here(server, input))
    except OperatorError as fault:
        raise Failure(plain(fault)) from fault
    return int(answer["entries"]) if isinstance(answer, dict) else 0


async def _enter_here(server: ServerSettings, input: StudyInput) -> int:
    try:
        async with keeping(server) as enrolment:
            return len(await enrolment.submit(input))
    except Refused as refusal:
        raise Failure(plain(refusal)) from refusal


@asynccontextmanager
async def keeping(server: ServerSettings) -> AsyncIterator[Enrolment]:
    """The study's log to write to. Raises SettingsError, FolderInUse while a server runs, StoreError."""
    async with enrolment_and_files(server) as (_, enrolment, _files):
        yield enrolment


@asynccontextmanager
async def enrolment_and_files(server: ServerSettings) -> AsyncIterator[tuple[Store, Enrolment, LogFiles]]:
    """The store, the study's log and the log files, to write to. Raises as `keeping` does."""
    study = load_settings(server.study)
    async with store_and_files(server) as (store, log_files):
        yield store, await enrolled(store, study, log_files, looked_at(server, study)), log_files


def entries_of(server: ServerSettings) -> list[StudyEntry]:
    """The study's log as it is in the database; nothing where there is none yet. Raises StoreError."""
    return asyncio.run(_entries(server))


async def _entries(server: ServerSettings) -> list[StudyEntry]:
    async with reading(server) as store:
        lines = await store.read(STUDY)
    try:
        return [decode_study(line.text) for line in lines]
    except CodecError as fault:
        raise StoreError(f"The study's log cannot be read: {fault}") from fault


def state_of(server: ServerSettings) -> StudyState:
    """What is true in the study now. Raises StoreError."""
    return fold_study(entries_of(server))
