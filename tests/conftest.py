"""What every test may rely on."""

import gc
import os
import ssl
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.verified import MADE, remember, verify_made

# a slow machine is no failure, and a failure found once is found again on the next machine
settings.register_profile("roomful", deadline=None, derandomize=True)
settings.load_profile("roomful")

# dozens of processes are started, and where byte code is not kept each compiles everything anew
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give each worker neighbouring tests, which share servers and browsers; who is done first takes of the other's."""
    from xdist.scheduler import WorkStealingScheduling

    if config.getoption("dist") != "load":
        # asked for otherwise
        return None
    return WorkStealingScheduling(config, log)


WAITING = [
    "test_crash.py",
    "test_store_faults.py",
    "test_fuzz.py",
    "test_uvicorn.py",
    "test_llm_faults.py",
    "test_web_sockets.py",
    "test_web_robust.py",
    "test_wire.py",
]
"""Modules whose tests wait more than they work, for processes and deadlines: the longest first."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the first of several workers begin with what waits, and the second with the browser.

    Each worker is given as many neighbouring tests. Those that wait do so one by one then, while the others work, and
    not several at once, while nobody does; and the longest tests are not the last.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers == 1:
        return
    waiting = [item for name in WAITING for item in items if item.path.name == name]
    pages = [item for item in items if item.path.parent.name == "browser"]
    first = {*waiting, *pages}
    others = [item for item in items if item not in first]
    share = max(0, len(items) // workers - len(waiting))
    items[:] = [*waiting, *others[:share], *pages, *others[share:]]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """What is imported and collected stays to the end: the garbage collector need not look through it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _certificates_left_alone() -> Iterator[None]:
    """Each client of a model reads all certificates up to three times, though on loopback nothing is encrypted."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("load_verify_locations", "load_default_certs"):
            patch.setattr(ssl.SSLContext, name, lambda *_, **__: None)
        yield


remember()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """When a test is over, every session that it has made must be what its log gives when it is run again."""
    yield
    verify_made(MADE)
