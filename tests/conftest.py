"""What every test may rely on."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.verified import MADE, remember, verify_made

# a slow machine is no failure, and a failure found once is found again on the next machine
settings.register_profile("roomful", deadline=None, derandomize=True)
settings.load_profile("roomful")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop the server runs on."""
    return "asyncio"


remember()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """When a test is over, every session that it has made must be what its log gives when it is run again."""
    yield
    verify_made(MADE)
