"""The operator's API: on a port of its own, for who can read a file of the data folder."""

import json
import stat
from pathlib import Path

import httpx
import pytest

from roomful.core.events import SessionEnded
from tests.asgi import Failing, Web, web

pytestmark = pytest.mark.anyio


def told(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "data" / "server.json").read_text())
    return found


def client(folder: Path, key: str | None = None) -> httpx.AsyncClient:
    server = told(folder)
    authorization = {"authorization": f"Bearer {server['key'] if key is None else key}"}
    return httpx.AsyncClient(base_url=server["url"], headers=authorization)


async def live(room: Web) -> str:
    session_id = await room.start()
    await room.open(session_id).receive()
    return session_id


async def test_only_its_owner_can_read_where_the_operators_api_is(tmp_path):
    async with web(tmp_path):
        mode = stat.S_IMODE((tmp_path / "data" / "server.json").stat().st_mode)
        found = told(tmp_path)

    assert mode == 0o600
    assert found.keys() == {"url", "key"}
    assert found["url"].startswith("http://127.0.0.1:")
    assert len(found["key"]) >= 32


async def test_a_file_that_a_crash_has_left_is_replaced_and_its_mode_too(tmp_path):
    (tmp_path / "data").mkdir()
    stale = tmp_path / "data" / "server.json"
    stale.write_text("{}")
    stale.chmod(0o666)
    async with web(tmp_path):
        mode = stat.S_IMODE(stale.stat().st_mode)
        found = told(tmp_path)

    assert mode == 0o600
    assert "key" in found


async def test_who_is_still_connected_holds_up_no_shutdown_and_reaches_nobody_afterwards(tmp_path):
    async with web(tmp_path):
        operator = client(tmp_path)
        assert (await operator.get("/sessions")).status_code == 200

    with pytest.raises(httpx.ConnectError):
        await operator.get("/sessions")
    await operator.aclose()


async def test_the_file_is_gone_after_the_shutdown(tmp_path):
    async with web(tmp_path):
        assert (tmp_path / "data" / "server.json").exists()
    async with web(tmp_path):
        first = told(tmp_path)
    async with web(tmp_path):
        second = told(tmp_path)

    assert not (tmp_path / "data" / "server.json").exists()
    assert first["key"] != second["key"]


@pytest.mark.parametrize("key", ["x", "\xe9"])
async def test_without_the_key_nothing_is_told_or_done(tmp_path, key):
    async with web(tmp_path) as room:
        session_id = await live(room)
        headers = {"authorization": f"Bearer {key}".encode("latin-1")}
        async with httpx.AsyncClient(base_url=told(tmp_path)["url"]) as nobody:
            statuses = [
                (await nobody.get("/sessions", headers=headers)).status_code,
                (await nobody.get("/sessions")).status_code,
                (await nobody.post(f"/sessions/{session_id}/end", json={}, headers=headers)).status_code,
            ]
        ended = await room.logged(session_id, SessionEnded)

    assert statuses == [401] * 3
    assert ended == []


async def test_the_live_sessions_are_listed(tmp_path):
    async with web(tmp_path) as room:
        session_id = await live(room)
        async with client(tmp_path) as operator:
            (found,) = (await operator.get("/sessions")).json()

    assert (found["session_id"], found["connected"], found["messages"]) == (session_id, True, 0)
    assert found["at"] > 0


async def test_a_session_is_ended_with_its_reason_once(tmp_path):
    async with web(tmp_path) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        async with client(tmp_path) as operator:
            first = await operator.post(f"/sessions/{session_id}/end", json={"reason": "fire drill"})
            second = await operator.post(f"/sessions/{session_id}/end", json={})
        frames, code = await socket.rest()
        (ended,) = await room.logged(session_id, SessionEnded)

    assert (first.json(), second.json()) == ({"ended": True}, {"ended": False})
    assert ended.reason == "fire drill"
    # what the operator writes is no participant's business
    assert (frames[-1]["reason"], code) == ("ended", 1000)


@pytest.mark.parametrize("session_id", ["00000000-0000-4000-8000-000000000000", "nonsense", "..%2f..", "%00"])
async def test_a_session_that_was_not_given_out_cannot_be_ended(tmp_path, session_id):
    async with web(tmp_path), client(tmp_path) as operator:
        response = await operator.post(f"/sessions/{session_id}/end", json={})

    assert response.status_code == 404


async def test_what_cannot_be_stored_is_said(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store) as room:
        session_id = await live(room)
        store.failing = {"append"}
        async with client(tmp_path) as operator:
            response = await operator.post(f"/sessions/{session_id}/end", json={})
        store.failing = set()

    assert response.status_code == 503


async def test_a_session_that_there_is_no_room_for_cannot_be_ended_now(tmp_path):
    async with web(tmp_path, limits={"max_live_sessions": 1}) as room:
        waiting = await room.start()
        await live(room)
        async with client(tmp_path) as operator:
            response = await operator.post(f"/sessions/{waiting}/end", json={})

    assert response.status_code == 503


async def test_participants_cannot_reach_it(tmp_path):
    async with web(tmp_path) as room:
        session_id = await live(room)
        key = [("authorization", f"Bearer {told(tmp_path)['key']}")]
        listed = await room.client.get("/sessions", headers=key)
        ended = await room.client.post(f"/sessions/{session_id}/end", {}, headers=key)

    assert (listed.status, ended.status) == (404, 404)
