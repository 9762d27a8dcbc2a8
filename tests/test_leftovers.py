"""That an ended session leaves nothing in memory but the study's record of who took part."""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from roomful.store import Line
from tests.asgi import PATIENCE, eventually
from tests.listening import Listening, listening
from tests.measured import empty_caches
from tests.verified import MADE
from tests.wire import Client, connect, start_session

pytestmark = pytest.mark.anyio

COUNTED = ("roomful", "websockets", "uvicorn.protocols.websockets", "starlette.websockets")
"""Where the types are defined of what belongs to a session or to its socket."""


async def test_an_ended_session_leaves_the_record_of_who_took_part_and_nothing_else(tmp_path):
    async with listening(tmp_path, messages_per_minute=60.0, user_response_probability=1.0) as server:
        running = Running(server, tmp_path / "logs")
        # what is made once and kept, such as compiled statements
        await running.many(3)
        with circles_left_alone():
            before = counted()
            await running.many(5)
            grown = counted() - before

    assert grown == {"roomful.core.roster.Participation": 5}


@dataclass
class Running:
    """A server in this process, and the folder of its log files."""

    server: Listening
    logs: Path

    async def many(self, sessions: int) -> None:
        """So many sessions, until all of them is written."""
        known = _ended(self.logs)
        await asyncio.gather(*(self.session() for _ in range(sessions)))
        await eventually(lambda: _ended(self.logs) == known + sessions)
        # the tests' own record of them, to run them again
        MADE.clear()
        # the thread that has written the lines lets go of them
        await eventually(lambda: not any(type(one) is Line for one in gc.get_objects()))

    async def session(self) -> None:
        """Talk, and say something more while the session is being ended."""
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take(_client: Client, payload: bytes) -> None:
            if json.loads(payload).get("client_id") == "c1":
                answered.set_result(None)

        session_id = await start_session(self.server.port)
        client = await connect(self.server.port, f"/ws/{session_id}", take)
        _say(client, "c1")
        async with asyncio.timeout(PATIENCE):
            await answered
            _say(client, "c2")
            await self.server.host.end(session_id, "operator")
            assert await client.closed == 1000


@contextmanager
def circles_left_alone() -> Iterator[None]:
    """No search for circles of references, as a server makes one among the old once in hours."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def counted() -> Counter[str]:
    """How many objects of each type there are, those in caches aside."""
    empty_caches()
    kinds = Counter(type(one) for one in gc.get_objects())
    return Counter(
        {f"{kind.__module__}.{kind.__name__}": n for kind, n in kinds.items() if kind.__module__.startswith(COUNTED)}
    )


def _ended(logs: Path) -> int:
    """How many sessions are at their end by their files, and by the study's."""
    study = logs / "study.json"
    in_study = study.read_text("ascii").count('"chat_end"') if study.exists() else 0
    files = [path for path in logs.glob("*.json") if path != study]
    return min(in_study, sum('"session_end"' in path.read_text("ascii") for path in files))


def _say(client: Client, client_id: str) -> None:
    client.send(json.dumps({"type": "user_message", "content": "hello", "client_id": client_id}))
