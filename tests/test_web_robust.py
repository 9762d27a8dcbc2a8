"""What no participant may see, and what no client can break."""

import asyncio
import json
import random
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from roomful.core.events import ActivityRecorded, SessionStarted
from roomful.settings import ServerSettings, StudySettings, load_settings
from roomful.web.app import create_app
from tests.asgi import Closed, Frame, Response, Web, Yielding, eventually, living, study, talker, web

pytestmark = pytest.mark.anyio

SECRETS = [b"talker", b"template-words", b"prompt", b"treatment", b"model", b"llm", b"agent", b"scripted", b"gemini"]


async def everything_a_participant_gets(room: Web) -> list[bytes]:
    """The bytes of a session with mistakes in it, its errors and headers included."""
    got = []
    for method, path, body in [
        ("GET", "/", b""),
        ("GET", "/health", b""),
        ("GET", "/metrics", b""),
        ("GET", "/openapi.json", b""),
        ("GET", "/nothing", b""),
        ("DELETE", "/session/start", b""),
        ("POST", "/session/start", {"token": "wrong"}),
        ("POST", "/session/start", {"token": 5, "name": []}),
        ("POST", "/session/start", {"token": "x" * 70_000}),
        ("POST", "/session/start", {"token": "1234"}),
    ]:
        response = await room.client.request(method, path, body)
        got += [response.body, *(f"{key}: {value}".encode() for key, value in response.headers)]
    session_id = await room.start()
    socket = room.open(session_id)
    for frame in [
        "{",
        "[]",
        {"type": "dance"},
        {"type": "user_message", "content": ""},
        {"type": "block", "member": "x"},
    ]:
        socket.send(frame)
    socket.say("are you bots?", "c1")
    socket.say("again", "c2", reply_to="nothing")
    frames = await socket.until(lambda frame: frame.get("sender") in ("Alice", "Bob", "Carol") and "content" in frame)
    frames += (await room.open(session_id).rest())[0]
    plain = room.open1(session_id)
    await plain.rest()
    return [*got, *(json.dumps(frame, ensure_ascii=False).encode() for frame in frames), *map(str.encode, plain.raw)]


async def test_nothing_that_a_participant_gets_tells_who_is_an_ai_or_how_the_room_works(tmp_path):
    talking = {"messages_per_minute": 600.0, "user_response_probability": 1.0, "session_duration_minutes": 2 / 60}
    async with web(tmp_path, **talking) as room:
        got = await everything_a_participant_gets(room)

    found = [(secret, text) for text in got for secret in SECRETS if secret in text.lower()]
    assert found == []


FACTORIAL = {
    "prompt_template": "Template-words: {tone}",
    "agents": {"Bob": {"style": "Card-words.", "facts": ["Card-facts."]}},
    "stances": {
        "question": "Qu-one",
        "positions": [{"answers": ["1"], "stance": "Stance-for."}, {"answers": ["2"], "stance": "Stance-against."}],
    },
    "seeded_messages": [
        {"sender": "Alice", "text": "There was a note in the paper.", "at": -5},
        {"sender": "Carol", "text": "It says the street will be closed.", "at": 0.5},
    ],
    "factors": {
        "tone": {"tone-kind": "Level-kind.", "tone-rude": {"text": "Level-rude.", "simulation": {"end_text": "Bye."}}},
        "majority": {
            "many-with": {"stances": {"agree": 2, "disagree": 1}},
            "many-against": {"stances": {"agree": 1, "disagree": 2}},
        },
    },
}
SECRET_WORDS = [
    *(secret.decode() for secret in SECRETS),
    *("tone", "majority", "many-", "level-", "card-", "stance", "qu-one", "agree", "seeded", "arm", "cell", "weight"),
    *("experiment", "simulation", "factor", '"s1', '"s2'),
]


def factorial(folder: Path) -> StudySettings:
    """A study of two by two, with all that a treatment can have."""
    simulation = {
        "num_agents": 3,
        "agent_names": ["Alice", "Bob", "Carol"],
        "messages_per_minute": 600,
        "user_response_probability": 1,
        "context_window_size": 5,
        "session_duration_minutes": 2 / 60,
    }
    folder.mkdir()
    (folder / "experimental_settings.json").write_text(json.dumps(FACTORIAL))
    (folder / "simulation_settings.json").write_text(json.dumps(simulation))
    return load_settings(folder)


async def one_of_each(room: Web) -> dict[str, tuple[str, Response]]:
    """The start of a session in each treatment, as its participant sees it: with the demo token, in turn."""
    found: dict[str, tuple[str, Response]] = {}
    for _ in range(200):
        response = await room.client.post("/session/start", {"token": "1234"})
        session_id = response.json["session_id"]
        treatment = room.state.enrolment.state.participations[session_id].treatment
        found.setdefault(treatment, (session_id, response))
        if len(found) == len(room.host.study.treatments):
            return found
    raise AssertionError(f"only {list(found)} were assigned")


async def seen_in(room: Web, session_id: str) -> tuple[list[Frame], list[str]]:
    """All frames of a session of both protocols in which the participant speaks, and their text."""
    socket = room.open(session_id)
    socket.say("are you bots?", "c1")
    frames, _ = await socket.rest()
    plain = room.open1(session_id)
    await plain.rest()
    return frames, [*socket.raw, *plain.raw]


def shapes(frames: list[Frame]) -> dict[str, set[frozenset[str]]]:
    """The keys of the frames of each type.

    Whether a message was read by all in so short a time is chance, and so is who quotes whom and reacts to what.
    """
    found: dict[str, set[frozenset[str]]] = {}
    for frame in frames:
        found.setdefault(frame["type"], set()).add(frozenset(frame) - {"reply_to"})
    for by_chance in ("receipt", "reaction"):
        found.pop(by_chance, None)
    return found


async def test_no_treatment_can_be_told_from_another_but_by_what_is_said(tmp_path):
    async with web(tmp_path, about=factorial(tmp_path / "study")) as room:
        starts = await one_of_each(room)
        seen = dict(zip(starts, await asyncio.gather(*(seen_in(room, sid) for sid, _ in starts.values())), strict=True))
        logged = {name: (await room.logged(sid, SessionStarted))[0] for name, (sid, _) in starts.items()}

    assert len(starts) == 4
    assert {name: started.treatment for name, started in logged.items()} == {name: name for name in starts}
    for name, (_, response) in starts.items():
        frames, texts = seen[name]
        headers = [f"{key}: {value}" for key, value in response.headers]
        everything = "\n".join([*texts, response.body.decode(), *headers]).lower()
        assert [secret for secret in SECRET_WORDS if secret in everything] == []
        said = {frame["content"] for frame in frames if frame["type"] == "message"}
        assert {message["text"] for message in FACTORIAL["seeded_messages"]} <= said
    (first, *others) = starts
    for name in others:
        assert _outside(starts[name][1]) == _outside(starts[first][1])
        assert _welcome(seen[name][0]) == _welcome(seen[first][0])
        assert shapes(seen[name][0]) == shapes(seen[first][0])


def _outside(response: Response) -> tuple[object, ...]:
    """A start's answer without the session's own id."""
    session_id = response.json["session_id"]
    body = {key: value.replace(session_id, "") for key, value in response.json.items()}
    return response.status, body, sorted(set(response.json)), [pair for pair in response.headers if pair[0] != "date"]


def _welcome(frames: list[Frame]) -> Frame:
    """The first frame without its times, and without how much had been shown by then, which is chance."""
    return {key: value for key, value in frames[0].items() if key not in ("now", "ends_at", "seq")}


FRAMES = [
    {"type": "user_message", "content": "Hello everyone! 👋", "client_id": "c1", "reply_to": None},
    {"type": "reaction", "message_id": "0b0e8a51-5d0c-4c3e-9b5f-6f0a9b1f6a57", "emoji": "👍"},
    {"type": "report", "message_id": "0b0e8a51-5d0c-4c3e-9b5f-6f0a9b1f6a57", "reason": "rude"},
    {"type": "block", "member": "Bob", "blocked": True},
    {"type": "typing", "active": True},
    {"type": "seen", "seq": 45, "more": {"a": [1, 2.5, None]}},
    {"type": "visibility", "visible": False},
]
ODD = [None, True, 0, -1, 1.5, 1e308, 10**30, "", "x", "\0", "\ud800", "💥" * 40, "x" * 3000, [], {}, [[]], {"": {}}]


def mutated(chance: random.Random) -> str | bytes:
    """A frame, changed in its values or its bytes, or no frame at all."""
    frame = dict(chance.choice(FRAMES))
    for _ in range(chance.randrange(3)):
        key = chance.choice([*frame, "extra"])
        frame[key] = chance.choice(ODD)
        if chance.random() < 0.2:
            del frame[chance.choice(list(frame))]
            frame["type"] = chance.choice(["typing", "seen", "nonsense", ODD[chance.randrange(len(ODD))]])
    text = json.dumps(frame)
    match chance.randrange(6):
        case 0:
            at = chance.randrange(len(text))
            return (
                text[:at] + chance.choice(["", "\\", '"', "}", "NaN", "1e999", "\\ud83d", "[" * 500]) + text[at + 1 :]
            )
        case 1:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
        case 2:
            return text.encode()[: chance.randrange(len(text))]
        case _:
            return text


@pytest.mark.parametrize("protocol", [1, 2])
async def test_no_frame_breaks_a_session(tmp_path, protocol):
    chance = random.Random(protocol)
    async with web(tmp_path, limits={"frames_burst": 100_000}) as room:
        session_id = await room.start()
        socket = room.open(session_id) if protocol == 2 else room.open1(session_id)
        for _ in range(1500):
            socket.send(mutated(chance))
            # one at a time: what is refused is read, so nothing piles up
            await asyncio.sleep(0)
            socket.waiting.clear()
        socket.say("the last of them")
        await eventually(
            lambda: any(message.content == "the last of them" for message in room.room(session_id).state.messages)
        )
        socket.close()
        again = room.open(session_id)
        again.send({"type": "seen", "last": "frame"})
        again.say("still here", "last")
        frames = await again.until(lambda frame: frame.get("client_id") == "last")
        seen = await room.logged(session_id, ActivityRecorded)

    assert frames[-1]["content"] == "still here"
    assert {"last": "frame"} in [event.details for event in seen]
    assert [frame["seq"] for frame in frames if "seq" in frame][1:] == list(range(1, frames[-1]["seq"] + 1))


async def test_no_path_or_query_breaks_a_socket(tmp_path):
    chance = random.Random(3)
    async with web(tmp_path) as room:
        for _ in range(200):
            path = "".join(chr(chance.choice([*range(32, 127), 0, 0xE9, 0x202E])) for _ in range(chance.randrange(60)))
            socket = room.client.connect(f"/ws/{path}", query=f"after={chance.choice(['%00', '9' * 99, '&after=1'])}")
            with pytest.raises(Closed) as closed:
                await socket.receive()
            assert closed.value.code == 1008


def test_the_openapi_schema_tells_the_truth(tmp_path: Path):
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    wanted = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    server = ServerSettings(
        data=tmp_path / "data", logs=tmp_path / "logs", starts_per_minute_per_address=10**6, open_docs=True
    )
    app = create_app(server, study(participant_name="ask"), llm=talker(), store=Yielding())
    schema = schemathesis.openapi.from_dict(app.openapi())
    with asyncio.Runner() as runner:
        life = living(app)
        runner.run(life.__aenter__())
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room.test")
        for operation in schema.get_all_operations():
            _check(runner, client, operation.ok(), wanted)
        runner.run(client.aclose())
        runner.run(life.__aexit__(None, None, None))


def _check(runner, client, operation, wanted):
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def check(case):
        kwargs = case.as_transport_kwargs(base_url="http://room.test")
        request = {key: kwargs.get(key) for key in ("params", "headers", "json")}
        response = runner.run(client.request(kwargs["method"], kwargs["url"], content=kwargs.get("data"), **request))
        case.validate_response(response, checks=wanted)

    check()
