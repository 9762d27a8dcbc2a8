"""A participant's socket: protocol 1, which knows bubbles only, and protocol 2."""

import asyncio
import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from roomful.core import events
from roomful.core.events import (
    ErrorRecorded,
    MessagePosted,
    ParticipantConnected,
    ParticipantDisconnected,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    SessionSuspended,
)
from roomful.core.state import SessionState, evolve
from roomful.web.views import Typing
from tests import rooms
from tests.asgi import V2, Closed, Failing, Yielding, eventually, talker, web

pytestmark = pytest.mark.anyio

BUSY = {"messages_per_minute": 3000.0}
BUBBLE = ["sender", "content", "timestamp", "message_id"]


def kinds(frames):
    return [frame["type"] for frame in frames]


def numbered(frames):
    return [frame["seq"] for frame in frames if "seq" in frame and frame["type"] != "hello"]


# --- who gets a socket


@pytest.mark.parametrize(
    "path",
    [
        # fixed: every worker of a parallel run must collect the same names
        "3b7c1f0e-5a92-4d7e-8c11-9e0d2f6a4b55",
        "3B7C1F0E-5A92-4D7E-8C11-9E0D2F6A4B55",
        "nonsense",
        "",
        "..",
        "../..",
        "../../data/roomful.db",
        "%2e%2e",
        "a/b",
        "a\\b",
        "\0",
        "ü",
        "x" * 5000,
        "00000000-0000-0000-0000-000000000000\n",
    ],
)
@pytest.mark.parametrize("subprotocols", [[], [V2]])
async def test_a_session_that_was_not_given_out_is_closed_with_1008_after_accepting(quiet, path, subprotocols):
    socket = quiet.client.connect(f"/ws/{path}", subprotocols)

    frames, code = await socket.rest()

    assert socket.accepted
    assert (frames, code) == ([], 1008)


async def test_protocol_2_is_spoken_to_those_who_ask_for_it(quiet):
    asked = await quiet.client.connect(f"/ws/{await quiet.start()}", ["other", V2]).opened()
    not_asked = await quiet.client.connect(f"/ws/{await quiet.start()}", ["other"]).opened()

    assert asked.subprotocol == V2
    assert not_asked.subprotocol is None


@pytest.fixture(scope="module")
async def quiet(tmp_path_factory):
    """A server in whose rooms only the participant speaks."""
    async with web(tmp_path_factory.mktemp("quiet")) as room:
        yield room


@pytest.fixture(scope="module")
async def busy_server(tmp_path_factory):
    async with web(tmp_path_factory.mktemp("busy"), **BUSY) as room:
        yield room


@pytest.fixture
async def busy(busy_server):
    """A server in whose rooms agents post fifty messages a second."""
    yield busy_server
    # fifty messages a second would be felt by the tests that follow
    for session_id in list(busy_server.host.rooms):
        await busy_server.host.end(session_id, "test_over")


# --- protocol 1


async def test_protocol_1_has_bubbles_and_nothing_else(tmp_path):
    async with web(tmp_path, **BUSY, user_response_probability=1.0, session_duration_minutes=1.5 / 60) as room:
        session_id = await room.start()
        socket = room.open1(session_id)
        first = await socket.receive()
        socket.say("Hello everyone!")
        rest, code = await socket.rest()
        posted = await room.logged(session_id, MessagePosted)

    assert code == 1000
    bubbles = [first, *rest]
    assert [list(bubble) for bubble in bubbles] == [BUBBLE] * len(bubbles)
    others = [(event.message_id, event.sender, event.content) for event in posted if event.sender != "user"]
    assert [(bubble["message_id"], bubble["sender"], bubble["content"]) for bubble in bubbles] == others
    assert "Hello everyone!" in [event.content for event in posted]


async def test_a_client_of_protocol_1_that_comes_back_gets_once_each_what_it_missed(busy):
    session_id, bubbles = await busy.start(), []
    for _ in range(4):
        socket = busy.open1(session_id)
        bubbles += [await socket.receive() for _ in range(3)]
        await socket.left()
        bubbles += [json.loads(text) for text in socket.waiting]
        await busy.until_logged(session_id, MessagePosted, len(bubbles) + 3)

    posted = [event.message_id for event in await busy.logged(session_id, MessagePosted)]
    assert [bubble["message_id"] for bubble in bubbles] == posted[: len(bubbles)]


async def test_a_client_of_protocol_1_that_supersedes_itself_misses_and_repeats_nothing(busy):
    session_id, bubbles = await busy.start(), []
    older = busy.open1(session_id)
    for _ in range(5):
        bubbles.append(await older.receive())
        newer = busy.open1(session_id)
        frames, code = await older.rest()
        assert code == 4001
        bubbles += frames
        older = newer
    bubbles.append(await older.receive())

    posted = [event.message_id for event in await busy.logged(session_id, MessagePosted)]
    assert [bubble["message_id"] for bubble in bubbles] == posted[: len(bubbles)]


async def test_a_client_of_protocol_1_gets_once_each_what_it_missed_over_a_restart(tmp_path):
    store, llm = Yielding(), talker()
    async with web(tmp_path, store=store, llm=llm, **BUSY) as room:
        session_id = await room.start()
        socket = room.open1(session_id)
        bubbles = [await socket.receive() for _ in range(3)]
    frames, code = await socket.rest()
    assert code == 1012
    bubbles += frames
    async with web(tmp_path, store=store, llm=llm, **BUSY) as room:
        socket = room.open1(session_id)
        bubbles += [await socket.receive() for _ in range(3)]
        posted = [event.message_id for event in await room.logged(session_id, MessagePosted)]

    assert [bubble["message_id"] for bubble in bubbles] == posted[: len(bubbles)]


async def test_a_client_of_protocol_1_misses_nothing_after_one_of_protocol_2_that_claimed_too_much(busy):
    session_id = await busy.start()
    ahead = busy.open(session_id, after=10**9)
    await ahead.until("message")
    await ahead.left()
    before = len(await busy.logged(session_id, MessagePosted))
    socket = busy.open1(session_id)

    bubbles = [await socket.receive() for _ in range(before)]

    assert len(bubbles) == before


async def test_a_frame_of_protocol_1_that_cannot_be_taken_is_ignored_and_logged(quiet):
    session_id = await quiet.start()
    socket = quiet.open1(session_id)
    bad = ["no json", "[]", {"type": "dance"}, {"type": "user_message"}, {"type": "leave"}]
    for frame in bad:
        socket.send(frame)
    socket.say("still here")
    await quiet.until_logged(session_id, MessagePosted)
    await socket.left()
    errors = await quiet.logged(session_id, ErrorRecorded)

    assert list(socket.waiting) == []
    assert [error.context["reason"] for error in errors] == [
        "not_json",
        "not_object",
        "unknown_type",
        "bad_frame",
        "unknown_type",
    ]


# --- protocol 2: coming in


async def test_hello_comes_first_and_says_who_is_here(quiet):
    socket = quiet.open(await quiet.start())

    hello = await socket.receive()

    known = ["type", "protocol", "group", "members", "you", "now", "ends_at", "seq", "ended"]
    assert list(hello) == [*known, "blocked", "pictures", "record_activity", "max_message_chars"]
    assert (hello["blocked"], hello["record_activity"]) == ([], True)
    assert hello["group"] == {"name": "Group chat", "picture": None}
    assert (hello["members"], hello["you"]) == (["Alice", "Bob", "Carol"], "You")
    assert (hello["protocol"], hello["seq"], hello["ended"]) == (2, 0, False)
    assert hello["now"] < hello["ends_at"]


async def test_frames_are_numbered_without_gaps(tmp_path):
    async with web(tmp_path, **BUSY, user_response_probability=1.0) as room:
        socket = room.open(await room.start())
        await socket.receive()
        socket.say("hello")
        frames = await socket.until(lambda frame: frame.get("seq", 0) >= 40)

    assert numbered(frames) == list(range(1, 41))
    assert {"message", "receipt", "typing"} >= set(kinds(frames)) >= {"message", "typing"}


async def test_a_client_that_comes_back_gets_what_is_after_its_number_and_nothing_twice(busy):
    session_id, numbers, after = await busy.start(), [], 0
    for _ in range(5):
        socket = busy.open(session_id, after=after)
        frames = [await socket.receive() for _ in range(8)]
        await socket.left()
        numbers += numbered(frames)
        after = max([after, *numbered(frames)])
    assert numbers == list(range(1, len(numbers) + 1))


async def test_without_a_number_everything_is_sent_again(busy):
    session_id = await busy.start()
    first = busy.open(session_id)
    frames = await first.until(lambda frame: frame.get("seq") == 10)
    second = busy.open(session_id)
    again = await second.until(lambda frame: frame.get("seq") == 10 and frame["type"] != "hello")

    shown = [frame for frame in frames if frame["type"] in ("message", "receipt")]
    assert [frame for frame in again if frame["type"] in ("message", "receipt")] == shown


async def test_what_was_missed_comes_in_batches_for_those_who_ask(tmp_path):
    async with web(tmp_path, limits={"frames_burst": 1000}) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        for number in range(230):
            socket.say(f"message {number}", f"c{number}")
        await socket.until(lambda frame: frame.get("client_id") == "c229")
        await socket.left()
        one_by_one = room.open(session_id, after=10)
        there = (await one_by_one.receive())["seq"]
        singly = [await one_by_one.receive() for _ in range(there - 10)]
        await one_by_one.left()

        back = room.client.connect(f"/ws/{session_id}", [V2], query="after=10&batches=1")
        missed = (await back.receive())["seq"] - 10
        sizes: list[int] = []
        frames: list[dict[str, Any]] = []
        while len(frames) < missed:
            received = await back.receive()
            frames += received["frames"] if received["type"] == "batch" else [received]
            sizes.append(len(frames))
        back.say("and on", "last")
        live = await back.until(lambda frame: frame.get("client_id") == "last")

    assert sizes == [100, 200, missed]
    # receipts may have come meanwhile
    assert frames[: len(singly)] == singly
    assert "batch" not in kinds(live)


@pytest.mark.parametrize("after", ["-1", "x", "", "1e3", "٣", "9" * 40, "0x10", " 5"])
async def test_a_number_that_is_none_counts_as_none(busy, after):
    socket = busy.client.connect(f"/ws/{await busy.start()}", [V2], query="after=" + quote(after))

    frames = await socket.until("message")

    assert frames[-1]["seq"] == 1


async def test_two_sockets_that_open_a_fresh_session_at_once_both_find_it_started(quiet):
    session_id = await quiet.start()
    sockets = [quiet.open(session_id) for _ in range(5)]
    codes = [(await socket.rest())[1] for socket in sockets[:-1]]
    hello = await sockets[-1].receive()
    started = await quiet.logged(session_id, SessionStarted)

    assert codes == [4001] * 4
    assert hello["type"] == "hello"
    assert len(started) == 1


async def test_a_room_is_shown_to_nobody_before_its_start_is_stored(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store) as room:
        session_id = await room.start()
        store.gate.clear()
        first = room.open(session_id)
        await store.held.wait()
        store.gate.set()
        # now the start is on its way; the second comes while it is not there yet
        await asyncio.sleep(0)
        second = room.open(session_id)
        assert (await first.rest())[1] == 4001
        assert (await second.receive())["type"] == "hello"


# --- protocol 2: what is said


async def test_a_message_is_acknowledged_by_its_client_id(quiet):
    socket = quiet.open(await quiet.start())
    await socket.receive()

    socket.say("Hello everyone!", "c1")
    message = await socket.receive()

    assert list(message) == ["type", "seq", "message_id", "sender", "content", "timestamp", "client_id"]
    assert (message["sender"], message["content"], message["client_id"]) == ("You", "Hello everyone!", "c1")
    assert str(uuid.UUID(message["message_id"])) == message["message_id"]


async def test_the_same_client_id_posts_once_and_is_acknowledged_again(quiet):
    session_id = await quiet.start()
    socket = quiet.open(session_id)
    await socket.receive()
    socket.say("Hello", "c1")
    first = await socket.receive()
    socket.say("Hello", "c1")
    again = (await socket.until("message"))[-1]

    assert again == first
    assert len(await quiet.logged(session_id, MessagePosted)) == 1


async def test_a_message_sent_again_after_coming_back_is_acknowledged_in_its_place(tmp_path):
    # an acknowledgement ahead of what was missed would make the client skip that the next time it comes back
    async with web(tmp_path) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        for number in range(1, 31):
            socket.say(f"message {number}", f"c{number}")
        await socket.until(lambda frame: frame.get("client_id") == "c30")
        await socket.left()
        back = room.open(session_id, after=3, window=3)
        back.say("message 30", "c30")
        await back.receive()
        frames = await back.until(lambda frame: frame.get("client_id") == "c30")

    assert numbered(frames) == list(range(4, 4 + len(frames)))


async def test_a_message_may_reply_to_another(quiet):
    session_id = await quiet.start()
    socket = quiet.open(session_id)
    socket.say("first", "c1")
    first = (await socket.until("message"))[-1]
    socket.say("second", "c2", reply_to=first["message_id"])
    second = (await socket.until("message"))[-1]
    socket.say("third", "c3", reply_to="nothing")
    refused = (await socket.until("refused"))[-1]

    assert second["reply_to"] == first["message_id"]
    assert (refused["reason"], refused["client_id"]) == ("unknown_message", "c3")


async def test_receipts_follow_a_message(tmp_path):
    async with web(tmp_path) as room:
        socket = room.open(await room.start())
        socket.say("anybody?", "c1")
        frames = await socket.until("receipt")

    assert frames[-1] == {
        "type": "receipt",
        "seq": frames[-2]["seq"] + 1,
        "message_id": frames[-2]["message_id"],
        "status": "delivered",
    }


async def test_reactions_reports_and_blocks_are_taken(busy):
    session_id = await busy.start()
    socket = busy.open(session_id)
    message = (await socket.until("message"))[-1]
    socket.send({"type": "reaction", "message_id": message["message_id"], "emoji": "❤️"})
    reaction = (await socket.until("reaction"))[-1]
    socket.send({"type": "reaction", "message_id": message["message_id"], "emoji": None})
    taken_back = (await socket.until("reaction"))[-1]
    socket.send({"type": "report", "message_id": message["message_id"], "reason": "rude"})
    socket.send({"type": "block", "member": "Bob", "blocked": True})
    blocked = await busy.until_logged(session_id, events.MemberBlocked)
    reported = await busy.logged(session_id, events.MessageReported)

    about = {"type": "reaction", "message_id": message["message_id"], "sender": "You"}
    assert reaction == about | {"seq": reaction["seq"], "emoji": "❤️"}
    assert taken_back == about | {"seq": taken_back["seq"], "emoji": None}
    assert [(event.message_id, event.reason) for event in reported] == [(message["message_id"], "rude")]
    assert [(event.member, event.blocked) for event in blocked] == [("Bob", True)]


async def test_what_the_participant_did_is_recorded_as_sent(quiet):
    session_id = await quiet.start()
    socket = quiet.open(session_id)
    socket.send({"type": "typing", "active": True})
    socket.send({"type": "seen", "seq": 4, "more": {"deep": [1, 2.5, None, "x"]}})
    socket.send({"type": "visibility", "visible": False})
    recorded = await quiet.until_logged(session_id, events.ActivityRecorded, 3)

    assert [(event.kind, event.details) for event in recorded] == [
        ("typing", {"active": True}),
        ("seen", {"seq": 4, "more": {"deep": [1, 2.5, None, "x"]}}),
        ("visibility", {"visible": False}),
    ]


async def test_typing_is_shown_before_a_message_and_stops_with_it(busy):
    socket = busy.open(await busy.start())
    frames = []
    for _ in range(20):
        frames += await socket.until("message")

    typing = set()
    for frame in frames:
        if frame["type"] == "typing":
            assert (frame["sender"] in typing) is not frame["active"]
            (typing.add if frame["active"] else typing.discard)(frame["sender"])


def test_who_comes_in_sees_those_typing_whom_the_others_see():
    room = rooms.Room(rooms.start(messages_per_minute=30.0))
    room.say("Is anybody there?", at=20.0)
    room.until(300.0)

    state, there = SessionState(), Typing(SessionState())
    seen = set()
    for entry in room.entries:
        state = evolve(state, entry)
        there.take(entry)
        assert Typing(state).members() == there.members()
        seen.add(len(there.members()))

    assert seen >= {0, 1, 2}


async def test_who_types_is_told_to_whoever_comes_in(tmp_path):
    held = asyncio.Event()

    async def slow(prompt):
        await held.wait()
        return await talker()(prompt)

    async with web(tmp_path, llm=slow, **BUSY) as room:
        session_id = await room.start()
        await room.open(session_id).until("typing")
        socket = room.open(session_id)
        hello, typing = await socket.receive(), await socket.receive()
        held.set()

    assert hello["type"] == "hello"
    assert (typing["type"], typing["active"]) == ("typing", True)


# --- what is not taken


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("nonsense", "not_json"),
        ("", "not_json"),
        ('{"type":"user_message","content":NaN}', "not_json"),
        ("1" * 5000, "not_json"),
        ("[" * 16_000, "not_json"),
        (b"\xff\xfe", "not_json"),
        ("[]", "not_object"),
        ("5", "not_object"),
        ("null", "not_object"),
        ("{}", "unknown_type"),
        ({"type": None}, "unknown_type"),
        ({"type": {"type": "leave"}}, "unknown_type"),
        ({"type": "hello"}, "unknown_type"),
        ({"type": "user_message"}, "bad_frame"),
        ({"type": "user_message", "content": 5}, "bad_frame"),
        ({"type": "user_message", "content": "x", "client_id": 5}, "bad_frame"),
        ({"type": "user_message", "content": "x", "client_id": "x" * 101}, "bad_frame"),
        ({"type": "user_message", "content": "x", "reply_to": []}, "bad_frame"),
        ({"type": "user_message", "content": ""}, "empty"),
        ({"type": "user_message", "content": " \n\t\u2003"}, "empty"),
        ({"type": "user_message", "content": "x" * 2001}, "too_long"),
        ({"type": "user_message", "content": "x" * 17_000}, "too_long"),
        ("x" * 3_000_000, "too_long"),
        ({"type": "reaction", "message_id": "nothing", "emoji": "👍"}, "unknown_message"),
        ({"type": "reaction", "emoji": "👍"}, "bad_frame"),
        ({"type": "reaction", "message_id": "nothing", "emoji": "x" * 33}, "bad_frame"),
        ({"type": "report", "message_id": "nothing", "reason": "x" * 501}, "bad_frame"),
        ({"type": "block", "member": "Mallory"}, "unknown_member"),
        ({"type": "block", "member": "Alice", "blocked": 1}, "bad_frame"),
        ({"type": "seen", "what": "x" * 4096}, "too_long"),
        ('{"type":"seen","what":1e999}', "bad_frame"),
        ('{"type":"seen","what":' + "[" * 20 + "]" * 20 + "}", "bad_frame"),
    ],
)
async def test_a_frame_that_cannot_be_taken_is_refused_with_the_reason(tmp_path, shared, frame, reason):
    room, session_id = shared
    socket = room.open(session_id, after=0)
    await socket.receive()

    socket.send(frame)
    refused = (await socket.until("refused"))[-1]
    socket.send({"type": "typing", "active": True})
    socket.send("{")
    still = (await socket.until("refused"))[-1]

    assert refused.keys() == {"type", "reason", "message"}
    assert refused["reason"] == reason
    assert still["reason"] == "not_json"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    """A room and a session that bad frames are sent to, one after the other."""
    async with web(tmp_path_factory.mktemp("shared")) as room:
        yield room, await room.start()


@pytest.mark.parametrize("content", ["x" * 2001, "x" * 17_000, " "])
async def test_a_message_that_is_refused_is_named_by_its_client_id(quiet, content):
    socket = quiet.open(await quiet.start())

    socket.say(content, "c1")
    refused = (await socket.until("refused"))[-1]

    assert refused["client_id"] == "c1"


async def test_what_is_just_short_enough_is_taken(quiet):
    socket = quiet.open(await quiet.start())
    longest = "🎈" * 2000

    socket.send('{"type":"user_message","content":"' + longest + '"}')
    message = (await socket.until("message"))[-1]

    assert message["content"] == longest


async def test_a_flood_is_refused_and_then_the_room_goes_on(tmp_path):
    limits = {"frames_per_second": 50.0, "frames_burst": 10}
    async with web(tmp_path, limits=limits) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        for number in range(200):
            socket.say(f"flood {number}", f"c{number}")
        frames = await socket.until(lambda frame: frame.get("client_id") == "c199")
        refused = [frame for frame in frames if frame["type"] == "refused"]
        told = {frame["client_id"] for frame in frames if "client_id" in frame}
        async with asyncio.timeout(10):
            while True:
                socket.say("calm", "calm")
                answer = (await socket.until(lambda frame: frame.get("client_id") == "calm"))[-1]
                if answer["type"] == "message":
                    break
        await socket.left()
        errors = await room.until_logged(session_id, ErrorRecorded, 6)

    assert {frame["reason"] for frame in refused} == {"too_frequent"}
    assert told == {f"c{number}" for number in range(200)}
    assert [error.count for error in errors[:5]] == [1] * 5
    assert errors[5].count >= len(refused) - 5
    assert len(errors) == 6


UNICODE = [
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
    "\u05e9\u05dc\u05d5\u05dd \u200f\u0645\u0631\u062d\u0628\u0627\u202e",
    "a\0b",
    "\u2028\u2029\x7f\x1b[31m\r\n",
    "\ud800",
    "\ude00\ud83d x",
    "e\u0301 \u00e9 ﷽",
    '"}\\n{"type":"leave"}',
]


async def test_words_come_through_unchanged_to_the_socket_the_store_and_the_file(tmp_path):
    async with web(tmp_path) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        for text in UNICODE:
            socket.say(text)
        shown = [(await socket.until("message"))[-1]["content"] for _ in UNICODE]
        again = room.open(session_id)
        repeated = [(await again.until("message"))[-1]["content"] for _ in UNICODE]
        stored = [event.content for event in await room.logged(session_id, MessagePosted)]
    lines = [json.loads(line) for line in (tmp_path / "logs" / f"{session_id}.json").read_bytes().splitlines()]
    written = [line["data"]["content"] for line in lines if line["event_type"] == "message"]

    assert shown == repeated == stored == written == UNICODE


# --- one socket a session


async def test_a_newer_socket_supersedes_and_the_older_ones_end_leaves_it_alone(quiet):
    session_id = await quiet.start()
    older = quiet.open(session_id)
    await older.receive()
    newer = quiet.open(session_id)
    await newer.receive()
    _, code = await older.rest()
    older.close()
    newer.say("still here", "c1")
    message = (await newer.until("message"))[-1]

    assert code == 4001
    assert message["client_id"] == "c1"
    assert quiet.room(session_id).state.connected
    assert await quiet.logged(session_id, ParticipantDisconnected) == []
    assert len(await quiet.logged(session_id, ParticipantConnected)) == 2


async def test_a_newer_socket_supersedes_one_whose_client_does_not_read(busy):
    session_id = await busy.start()
    dead = busy.open(session_id, window=1)
    await busy.until_logged(session_id, MessagePosted, 10)
    newer = busy.open(session_id)
    frames = await newer.until(lambda frame: frame.get("seq") == 10 and frame["type"] == "message")

    assert numbered(frames) == list(range(1, 11))
    dead.close()


async def test_a_client_that_does_not_read_gets_all_in_order_and_disturbs_nobody(tmp_path):
    async with web(tmp_path, limits={"frames_burst": 1000}) as room:
        slow_id = await room.start()
        slow, other = room.open(slow_id, window=2), room.open(await room.start())
        for number in range(500):
            slow.say(f"message {number}", f"c{number}")
        await eventually(lambda: slow_id in room.host.rooms and room.room(slow_id).state.tally.said == 500)
        other.say("hello", "c1")
        assert (await other.until("message"))[-1]["client_id"] == "c1"
        assert len(slow.waiting) == 2
        waiting = [len(follower.waiting) for follower in room.room(slow_id).log._followers]
        frames = await slow.until(lambda frame: frame.get("client_id") == "c499")

    assert waiting
    assert max(waiting) <= 200
    assert numbered(frames) == list(range(1, len(numbered(frames)) + 1))
    assert [frame["client_id"] for frame in frames if frame["type"] == "message"] == [f"c{n}" for n in range(500)]


# --- the end


async def test_leaving_ends_the_session_and_whoever_comes_back_is_told(quiet):
    session_id = await quiet.start()
    socket = quiet.open(session_id)
    socket.say("bye", "c1")
    await socket.until("message")
    socket.send({"type": "leave"})
    frames, code = await socket.rest()
    end = frames[-1]
    late = {after: await quiet.open(session_id, after=after).rest() for after in (0, end["seq"] - 1, end["seq"], 10**9)}
    bubbles = await quiet.open1(session_id).rest()

    assert code == 1000
    assert end == {
        "type": "session_end",
        "seq": end["seq"],
        "reason": "participant_left",
        "next": {"text": None, "url": None},
    }
    for after, (again, late_code) in late.items():
        assert late_code == 1000
        assert again[0]["ended"] is True
        assert again[-1] == end
        assert kinds(again).count("session_end") == 1
        assert numbered(again) == ([end["seq"]] if after >= end["seq"] else list(range(after + 1, end["seq"] + 1)))
    assert bubbles == ([], 1000)


async def test_a_session_ends_by_itself(tmp_path):
    async with web(tmp_path, session_duration_minutes=0.2 / 60) as room:
        frames, code = await room.open(await room.start()).rest()

    assert (frames[-1]["type"], frames[-1]["reason"], code) == ("session_end", "duration_expired", 1000)


async def test_an_end_that_would_tell_how_the_room_works_is_just_an_end(quiet):
    session_id = await quiet.start()
    socket = quiet.open(session_id)
    await socket.receive()
    await quiet.host.end(session_id, "budget_exhausted")
    frames, code = await socket.rest()

    assert (frames[-1]["reason"], code) == ("ended", 1000)


async def test_who_is_gone_for_longer_than_the_grace_ends_the_session(tmp_path):
    async with web(tmp_path, reconnect_grace_seconds=0.2) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        await socket.receive()
        await socket.left()
        (ended,) = await room.until_logged(session_id, SessionEnded)
        frames, code = await room.open(session_id).rest()

    assert ended.reason == "websocket_disconnect"
    assert (frames[-1]["reason"], code) == ("websocket_disconnect", 1000)


async def test_who_comes_back_within_the_grace_goes_on(tmp_path):
    async with web(tmp_path, reconnect_grace_seconds=1.5, session_duration_minutes=2.5 / 60) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        await socket.receive()
        await socket.left()
        frames, _ = await room.open(session_id).rest()

    assert frames[-1]["reason"] == "duration_expired"


async def test_a_client_that_goes_while_it_is_let_in_is_absent(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store, reconnect_grace_seconds=0) as room:
        session_id = await room.start()
        store.gate.clear()
        socket = room.open(session_id)
        await store.held.wait()
        socket.close()
        store.gate.set()
        (ended,) = await room.until_logged(session_id, SessionEnded)

    assert ended.reason == "websocket_disconnect"


# --- the server's own troubles


async def test_a_shutdown_suspends_and_the_next_start_goes_on(tmp_path):
    store = Yielding()
    async with web(tmp_path, store=store, reconnect_grace_seconds=0.3) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        socket.say("before", "c1")
        before = await socket.until("message")
    _, code = await socket.rest()
    suspended = [entry.event for entry in await room.log(session_id)]
    async with web(tmp_path, store=store, reconnect_grace_seconds=0.3) as room:
        back = room.open(session_id, after=before[-1]["seq"])
        back.say("before", "c1")
        again = (await back.until("message"))[-1]
        resumed = await room.logged(session_id, SessionResumed)

    assert code == 1012
    assert isinstance(suspended[-1], SessionSuspended)
    assert again == before[-1]
    assert len(resumed) == 1


async def test_a_socket_that_the_server_closes_to_restart_is_nobodys_absence(tmp_path):
    # uvicorn closes the sockets itself, with 1012, before it tells the app to shut down
    store = Yielding()
    async with web(tmp_path, store=store, reconnect_grace_seconds=0) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        await socket.receive()
        await socket.left(1012)
        await eventually(lambda: session_id not in room.host.rooms)

    assert isinstance((await room.log(session_id))[-1].event, SessionSuspended)


async def test_a_session_that_cannot_be_read_is_for_later(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store) as room:
        session_id = await room.start()
        store.failing = {"find"}
        frames, code = await room.open(session_id).rest()
        store.failing = set()
        hello = await room.open(session_id).receive()

    assert (frames, code) == ([], 1013)
    assert hello["type"] == "hello"


async def test_a_start_that_cannot_be_stored_is_for_later(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store) as room:
        session_id = await room.start()
        store.failing = {"append"}
        sockets = [room.open(session_id) for _ in range(3)]
        outcomes = [await socket.rest() for socket in sockets]
        store.failing = set()
        hello = await room.open(session_id).receive()

    assert outcomes == [([], 1013)] * 3
    assert hello["type"] == "hello"


async def test_a_connection_that_cannot_be_stored_is_for_later(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store) as room:
        session_id = await room.start()
        first = room.open(session_id)
        await first.receive()
        store.failing = {"append"}
        second = room.open(session_id)
        frames, code = await second.rest()
        store.failing = set()
        hello = await room.open(session_id).receive()

    assert (frames, code) == ([], 1013)
    assert hello["type"] == "hello"


async def test_what_was_missed_and_cannot_be_read_is_for_later(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        socket.say("hello", "c1")
        await socket.until("message")
        store.failing = {"read_shown"}
        frames, code = await room.open(session_id).rest()

    assert (kinds(frames), code) == (["hello"], 1013)


async def test_a_message_that_cannot_be_stored_is_refused_and_may_be_sent_again(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        await socket.receive()
        store.failing = {"append"}
        socket.say("hello", "c1")
        refused = await socket.receive()
        store.failing = set()
        socket.say("hello", "c1")
        message = await socket.receive()

    assert (refused["type"], refused["reason"], refused["client_id"]) == ("refused", "store", "c1")
    assert "SECRET" not in socket.raw[-2]
    assert (message["type"], message["client_id"]) == ("message", "c1")


async def test_who_came_back_while_the_store_failed_is_not_absent(tmp_path):
    store = Failing()
    async with web(tmp_path, store=store, reconnect_grace_seconds=0.2, session_duration_minutes=3 / 60) as room:
        session_id = await room.start()
        socket = room.open(session_id)
        await socket.receive()
        store.failing = {"append"}
        await socket.left()
        await asyncio.sleep(0.05)
        store.failing = set()
        frames, _ = await room.open(session_id).rest()

    assert frames[-1]["reason"] == "duration_expired"


async def test_a_server_opens_no_more_sessions_than_it_may_however_many_come_at_once(tmp_path):
    async with web(tmp_path, limits={"max_live_sessions": 3}) as room:
        sessions = [await room.start() for _ in range(8)]
        sockets = [room.open(session_id) for session_id in sessions]
        outcomes = await asyncio.gather(*(socket.receive() for socket in sockets), return_exceptions=True)
        live = len(room.host.rooms)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Closed)]

    assert live == 3
    assert [closed.code for closed in refused] == [1013] * 5


async def test_an_ended_session_keeps_nothing_in_memory(quiet):
    session_id = await quiet.start()
    socket = quiet.open(session_id)
    socket.send({"type": "leave"})
    await socket.rest()
    await quiet.open(session_id).rest()
    await eventually(lambda: session_id not in quiet.host.rooms)

    assert session_id not in quiet.host._opening
