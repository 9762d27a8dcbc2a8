import json
import logging
import os
import subprocess
import sys

import pytest
import structlog
from starlette.applications import Starlette

from roomful.logs import configure_logs
from roomful.store.lock import FolderInUse
from roomful.web.startup import Explained

pytestmark = pytest.mark.anyio


def failing(fault: Exception):
    async def lifespan(app, receive, send):
        await send({"type": "lifespan.startup.failed", "message": "Traceback …"})
        raise fault

    return Explained(lifespan)


async def start(app) -> tuple[list[dict[str, object]], dict[str, object]]:
    sent: list[dict[str, object]] = []
    scope = {"type": "lifespan", "app": Starlette()}

    async def send(message):
        sent.append(message)

    with pytest.raises(Exception):  # noqa: B017
        await app(scope, None, send)
    return sent, vars(scope["app"].state)["_state"]


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_foreseen_fault_of_the_start_is_told_as_its_sentence(grouped):
    fault = FolderInUse("data is in use")
    app = failing(ExceptionGroup("while starting", [fault]) if grouped else fault)

    sent, state = await start(app)

    assert sent == [{"type": "lifespan.startup.failed", "message": "data is in use"}]
    assert state == {"startup_fault": "data is in use"}


async def test_any_other_fault_keeps_its_traceback():
    sent, state = await start(failing(ZeroDivisionError()))

    assert sent == [{"type": "lifespan.startup.failed", "message": "Traceback …"}]
    assert state == {"startup_fault": None}


@pytest.fixture
def logs_as_before():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


async def test_the_program_and_its_libraries_log_json_alike(logs_as_before, capsys):
    configure_logs("json")

    structlog.get_logger().warning("store_is_slow", seconds=3)
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    for library in ("uvicorn.error", "httpx", "openai._base_client"):
        logging.getLogger(library).info("not worth a line")

    ours, theirs = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (ours["event"], ours["seconds"], ours["level"]) == ("store_is_slow", 3, "warning")
    assert (theirs["event"], theirs["level"]) == ("Invalid HTTP request received.", "warning")


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """What is there once a server has been imported, from nothing."""
    script = "import sys, roomful.assembly, roomful.llm.connect, roomful.web.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env=os.environ, stdout=subprocess.PIPE, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("client", ["google.genai", "pydantic_ai", "openai", "anthropic", "mistralai", "xllamacpp"])
def test_a_client_of_models_is_not_imported_before_it_is_needed(client, imported):
    assert "roomful.web.app" in imported
    assert client not in imported
