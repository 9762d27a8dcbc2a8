"""What every test may rely on."""

import pytest
from hypothesis import settings

# a slow machine is no failure, and a failure found once is found again on the next machine
settings.register_profile("roomful", deadline=None, derandomize=True)
settings.load_profile("roomful")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop the server runs on."""
    return "asyncio"
