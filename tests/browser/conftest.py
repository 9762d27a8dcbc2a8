"""One browser and one server for all tests of the page."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.browser.stage import CHROMIUM, Guest, Profile, Stage, chromium, let_tests_decide, profile_at, quiet_room
from tests.verified import MADE

expect.set_options(timeout=8000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="needs Debian's chromium or chromium-headless-shell"))


@pytest.fixture(scope="package")
async def browser(anyio_backend) -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest.fixture(scope="package", autouse=True)
def _decided_by_tests():
    with pytest.MonkeyPatch.context() as patch:
        let_tests_decide(patch)
        yield


@pytest.fixture(scope="package")
async def stage(anyio_backend, tmp_path_factory) -> AsyncIterator[Stage]:
    stage = Stage(
        tmp_path_factory.mktemp("stage"),
        quiet_room(end_text="Thank you! The questions come next.", end_url="https://example.org/questions"),
    )
    await stage.start()
    yield stage
    await stage.stop()


@pytest.fixture(scope="package")
async def profile(stage, browser) -> AsyncIterator[Profile]:
    """The browser profile of all plain participants, one after the other."""
    async with profile_at(browser, stage.url) as profile:
        yield profile


@pytest.fixture
async def guest(stage, profile) -> AsyncIterator[Guest]:
    """A participant at a desktop who is in the room, in a profile in which nobody has been."""
    guest = Guest(stage, profile.context, await profile.window())
    try:
        await guest.open()
        yield guest
    finally:
        await profile.clear()
    assert guest.faults == []


@pytest.fixture(autouse=True)
def _not_run_again():
    """Here members do what the test says and not what the core decides, so their logs cannot be run again."""
    yield
    MADE.clear()
