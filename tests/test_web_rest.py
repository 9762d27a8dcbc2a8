"""REST, line by line: what anybody may ask of the server without a socket."""

import asyncio
import uuid
from dataclasses import replace
from ipaddress import ip_network

import pytest

from roomful import __version__
from roomful.store import StoreError
from roomful.store.memory import MemoryStore
from tests.asgi import V2, Closed, web

pytestmark = pytest.mark.anyio

TOKEN = {"token": "1234"}
BROWSER = [("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")]


@pytest.fixture(scope="module")
async def room(tmp_path_factory):
    """A room that all tests share which leave nothing behind."""
    async with web(tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture(scope="module")
async def asking(tmp_path_factory):
    """A room whose participants choose their names."""
    async with web(tmp_path_factory.mktemp("asking"), participant_name="ask") as room:
        yield room


class Broken(MemoryStore):
    """A store that fails, or hangs, as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: str | None = None
        self.hanging: asyncio.Event | None = None

    async def _try(self) -> None:
        if self.hanging:
            await self.hanging.wait()
        if self.fault:
            raise StoreError(self.fault)

    async def check(self) -> None:
        await self._try()

    async def reserve(self, session_id, created, about):
        await self._try()
        await super().reserve(session_id, created, about)


@pytest.mark.parametrize("accept", [[], [("accept", "*/*")], [("accept", "application/json")]])
async def test_the_root_tells_a_program_who_we_are(room, accept):
    response = await room.client.get("/", headers=accept)

    assert response.status == 200
    assert response.json["name"] == "Roomful"
    assert response.json["version"] == __version__
    assert response.json["endpoints"]["start"] == "/session/start"
    assert "Accept" in response.header("vary")


async def test_the_root_sends_a_browser_to_the_chat_with_its_query(room):
    plain = await room.client.get("/", headers=BROWSER)
    asked = await room.client.get("/", headers=BROWSER, query="token=a%26b&PROLIFIC_PID=5&x=%C3%A9")

    assert plain.status in (302, 303, 307)
    assert plain.header("location") == "/chat"
    assert asked.header("location") == "/chat?token=a%26b&PROLIFIC_PID=5&x=%C3%A9"
    assert "Accept" in asked.header("vary")


async def test_health_is_ok_while_the_store_can_be_written(room):
    response = await room.client.get("/health")

    assert (response.status, response.json["status"]) == (200, "ok")


async def test_health_tells_why_the_store_cannot_be_written(tmp_path):
    store = Broken()
    async with web(tmp_path, store=store) as room:
        store.fault = "the disk is full"

        response = await room.client.get("/health")

    assert response.status == 503
    assert response.json == {"status": "error", "reason": "the disk is full"}


async def test_health_answers_while_the_store_hangs(tmp_path):
    store = Broken()
    async with web(tmp_path, store=store) as room:
        store.hanging = asyncio.Event()

        responses = await asyncio.gather(*(room.client.get("/health") for _ in range(20)))

        store.hanging.set()
    assert {response.status for response in responses} == {200}


async def test_a_demo_token_starts_a_session_of_its_own_each_time(room):
    first, second = [await room.client.post("/session/start", TOKEN) for _ in range(2)]

    assert first.status == 200
    assert first.json.keys() == {"session_id", "message", "next"}
    assert str(uuid.UUID(first.json["session_id"])) == first.json["session_id"]
    assert first.json["session_id"] != second.json["session_id"]


@pytest.mark.parametrize("token", ["", "12345", "123", "nope", "1234 ", "１２３４", "\0", "x" * 200])
async def test_an_unknown_token_is_refused(room, token):
    response = await room.client.post("/session/start", {"token": token})

    assert (response.status, response.json) == (401, {"detail": "Invalid token"})


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "token"),
        ({"token": None}, "token"),
        ({"token": 1234}, "token"),
        ({"token": ["1234"]}, "token"),
        ({"token": "x" * 201}, "token"),
        ({"token": "1234", "name": 5}, "name"),
        ({"token": "1234", "name": "x" * 61}, "name"),
        (b'{"token": "\\ud800"}', "token"),
        (b'{"token": NaN}', "token"),
        (b'{"token": 1e999}', "token"),
        (b'{"token": {"a": "\\udfff"}}', "token"),
        ([], "body"),
        ("1234", "body"),
        (b"", "body"),
        (b"{", "body"),
        (b"\xff\xfe", "body"),
    ],
)
async def test_a_body_of_the_wrong_shape_is_named_field_by_field(room, body, where):
    json = [("content-type", "application/json")] if isinstance(body, bytes) else []
    response = await room.client.post("/session/start", body, headers=json)

    assert response.status == 422
    assert [fault["loc"][-1] if where != "body" else fault["loc"][0] for fault in response.json["detail"]] == [where]
    assert all(isinstance(fault["msg"], str) for fault in response.json["detail"])


@pytest.mark.parametrize("body", [b"[" * 60_000, b"1" * 6_000, b'{"token": "\xff"}'])
async def test_a_body_that_cannot_be_read_is_refused(room, body):
    response = await room.client.post("/session/start", body, headers=[("content-type", "application/json")])

    assert response.status in (400, 422)
    assert response.json["detail"]


async def test_a_fault_in_a_body_does_not_repeat_what_was_sent(room):
    response = await room.client.post("/session/start", {"token": {"secret": "hunter2"}})

    assert b"hunter2" not in response.body


async def test_too_many_starts_from_one_address_are_refused(tmp_path):
    async with web(tmp_path, limits={"starts_per_minute_per_address": 2}) as room:
        statuses = [(await room.client.post("/session/start", TOKEN, peer="10.0.0.1")).status for _ in range(3)]
        other = await room.client.post("/session/start", TOKEN, peer="10.0.0.2")
        third = await room.client.post("/session/start", TOKEN, peer="10.0.0.1")

    assert statuses == [200, 200, 429]
    assert other.status == 200
    assert third.json.keys() == {"detail"}


async def test_one_network_of_ipv6_counts_as_one_address(tmp_path):
    async with web(tmp_path, limits={"starts_per_minute_per_address": 1}) as room:
        peers = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "::ffff:10.0.0.1", "::ffff:10.0.0.2"]
        statuses = [(await room.client.post("/session/start", TOKEN, peer=peer)).status for peer in peers]

    # a household has a whole /64 to itself; an IPv4 address in IPv6's dress is an address of its own
    assert statuses == [200, 429, 200, 200, 200]


async def test_forwarded_for_is_believed_from_trusted_proxies_only(tmp_path):
    limits = {"starts_per_minute_per_address": 1, "trusted_proxies": (ip_network("10.0.0.0/8"),)}

    async def start(room, peer, *forwarded):
        headers = [("x-forwarded-for", value) for value in forwarded]
        return (await room.client.post("/session/start", TOKEN, peer=peer, headers=headers)).status

    async with web(tmp_path, limits=limits) as room:
        assert await start(room, "192.0.2.1", "198.51.100.1") == 200
        # whoever is no proxy is counted by its own address, whatever it says
        assert await start(room, "192.0.2.1", "198.51.100.2") == 429
        assert await start(room, "10.0.0.1", "198.51.100.3") == 200
        assert await start(room, "10.0.0.2", "198.51.100.3") == 429
        # what stands before the address that a trusted proxy wrote is the client's own invention
        assert await start(room, "10.0.0.1", "6.6.6.6, 198.51.100.3") == 429
        assert await start(room, "10.0.0.1", "198.51.100.4, 10.0.0.9") == 200
        assert await start(room, "10.0.0.1", "198.51.100.4") == 429
        # some proxies add a header of their own behind the client's
        assert await start(room, "10.0.0.1", "7.7.7.7", "198.51.100.4") == 429


async def test_a_body_that_is_too_large_is_not_read(room):
    large = await room.client.post("/session/start", {"token": "x" * 70_000})
    chunked = await room.client.post("/session/start", b"", headers=[("transfer-encoding", "chunked")])

    assert (large.status, large.json) == (413, {"detail": "The request is too large."})
    assert chunked.status == 413


async def test_a_full_server_takes_nobody(tmp_path):
    async with web(tmp_path, limits={"max_live_sessions": 1}) as room:
        given_out = await room.start()
        late = await room.start()
        await room.open(given_out).opened()
        response = await room.client.post("/session/start", TOKEN)
        socket = room.open(late)
        with pytest.raises(Closed) as closed:
            await socket.receive()

    assert response.status == 409
    assert isinstance(response.json["detail"], str)
    assert closed.value.code == 1013


async def test_a_start_that_cannot_be_stored_is_refused(tmp_path):
    store = Broken()
    async with web(tmp_path, store=store) as room:
        store.fault = "SECRET reason"
        response = await room.client.post("/session/start", TOKEN)

    assert response.status == 503
    assert isinstance(response.json["detail"], str)
    assert b"SECRET" not in response.body


async def test_a_study_whose_budget_is_spent_is_paused(tmp_path):
    async with web(tmp_path, limits={"max_tokens_per_day": 1}) as room:
        room.state.budget.tokens = 1
        spent = room.state.budget.exceeded()
        response = await room.client.post("/session/start", TOKEN)

    assert spent
    assert response.status == 403
    assert isinstance(response.json["detail"], str)


async def test_a_participant_may_choose_a_name_where_the_study_asks(tmp_path):
    async with web(tmp_path, participant_name="ask") as room:
        socket = room.open(await room.start(name="  Zoë "))
        hello = await socket.receive()

    assert hello["you"] == "Zoë"


@pytest.mark.parametrize("name", [None, "", "  ", "alice", "ALICE", "Ａlice", "user", "User", "a\0b", "a\nb", "\u200b"])
async def test_a_name_that_is_none_or_taken_is_refused(asking, name):
    response = await asking.client.post("/session/start", TOKEN | {"name": name})

    assert response.status == 422
    assert [fault["loc"] for fault in response.json["detail"]] == [["body", "name"]]


async def test_a_chosen_name_is_passed_over_where_the_study_gives_one(room):
    socket = room.open(await room.start(name="Zoë"))
    hello = await socket.receive()

    assert hello["you"] == "You"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("https://127.0.0.1", True),
        ("http://[::1]:8000", True),
        ("https://example.org", False),
        ("http://localhost.example.org", False),
        ("http://localhost:80@example.org", False),
        ("null", False),
    ],
)
async def test_pages_of_this_machine_may_call_by_default(room, origin, allowed):
    asks = [("origin", origin), ("access-control-request-method", "POST")]
    plain = await room.client.get("/health", headers=[("origin", origin)])
    preflight = await room.client.request("OPTIONS", "/session/start", headers=asks)

    assert plain.header("access-control-allow-origin") == (origin if allowed else None)
    assert preflight.header("access-control-allow-origin") == (origin if allowed else None)
    assert preflight.status == (200 if allowed else 400)


async def test_errors_too_can_be_read_by_pages_that_may_call(room):
    headers = [("origin", "http://localhost:5173")]
    large = await room.client.post("/session/start", {"token": "x" * 70_000}, headers=headers)
    wrong = await room.client.post("/session/start", {"token": 5}, headers=headers)

    assert large.header("access-control-allow-origin") == "http://localhost:5173"
    assert wrong.header("access-control-allow-origin") == "http://localhost:5173"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/metrics"])
async def test_what_is_the_operators_is_closed_by_default(room, path):
    response = await room.client.get(path)

    assert response.status == 404


async def test_the_docs_open_by_setting(tmp_path):
    async with web(tmp_path, limits={"open_docs": True}) as room:
        schema = await room.client.get("/openapi.json")
        docs = await room.client.get("/docs")

    assert (schema.status, docs.status) == (200, 200)
    assert "/metrics" not in schema.json["paths"]


async def test_metrics_are_for_this_machine_only_and_not_through_a_proxy(tmp_path):
    async with web(tmp_path, limits={"metrics": True}) as room:
        await room.open(await room.start()).receive()
        own = await room.client.get("/metrics")
        refused = [
            await room.client.get("/metrics", peer="192.0.2.1"),
            await room.client.get("/metrics", headers=[("x-forwarded-for", "127.0.0.1")]),
            await room.client.get("/metrics", headers=[("forwarded", "for=127.0.0.1")]),
            await room.client.get("/metrics", headers=[("x-real-ip", "127.0.0.1")]),
            await room.client.get("/metrics", headers=[("via", "1.1 proxy")]),
        ]

    assert own.status == 200
    assert b"roomful_sessions_live 1.0" in own.body
    assert b"roomful_entries_total" in own.body
    assert {response.status for response in refused} == {404}


async def test_a_foreign_host_name_gets_no_socket_with_a_page(room):
    session_id = await room.start()
    foreign = [
        room.client.connect(f"/ws/{session_id}", [V2], headers=[("origin", origin)])
        for origin in ("https://example.org", "null", "http://[", "https://room.test.example.org", "")
    ]
    own = room.client.connect(f"/ws/{session_id}", [V2], headers=[("origin", "https://room.test")])
    page = room.client.connect(f"/ws/{session_id}", [V2], headers=[("origin", "http://localhost:5173")])
    for socket in [*foreign, own, page]:
        await socket.opened()
    accepted = [socket.accepted for socket in foreign]

    assert accepted == [False] * 5
    assert own.accepted
    assert page.accepted


def test_the_default_limits_are_those_of_the_settings():
    from roomful.settings import ServerSettings
    from roomful.web.app import _limits
    from roomful.web.socket import Limits

    assert _limits(ServerSettings()) == Limits()
    assert _limits(replace(ServerSettings(), frames_burst=1)).frames_burst == 1
