"""The frames that docs/protocol.md shows are those that the server sends and takes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomful.codec import parse_timestamp
from roomful.core.events import (
    USER,
    Entry,
    MessagePosted,
    ReactionSet,
    ReceiptGiven,
    SessionEnded,
    SessionStarted,
    TypingStarted,
)
from roomful.core.state import SessionState, Turn, fold
from roomful.core.study import ExperimentalSettings
from roomful.web import socket
from roomful.web.entry import STATUSES
from roomful.web.incoming import read
from roomful.web.views import Typing, View, refused
from tests import rooms

PAGE = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text("utf-8")
STARTED = parse_timestamp("2026-03-02T14:30:00Z")


def shown(section: str) -> list[dict[str, Any]]:
    """The examples of a section, up to the next heading."""
    text = PAGE.split(section, 1)[1].split("\n#", 1)[0]
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def started() -> SessionStarted:
    return SessionStarted(
        session_id=rooms.SESSION,
        experimental_config=ExperimentalSettings(prompt_template="You live here."),
        simulation_config=rooms.settings(
            group_name="Neighbours",
            member_pictures={"Alice": "harbour.jpg"},
            end_text="Thank you!",
            end_url="https://example.org/questions",
        ),
        seed=1,
        participant_name="You",
        model="scripted",
    )


def sent(frame: dict[str, Any]) -> object:
    """The frame that the server sends for the event which an example shows."""
    view = View(started(), STARTED)
    at = (parse_timestamp(frame["timestamp"]) - STARTED) / 1e6 if "timestamp" in frame else 0.0

    def seen(event) -> object:
        return view.frame(Entry(1, at, event, frame["seq"]))

    sender = USER if frame.get("sender") == "You" else frame.get("sender", "")
    match frame["type"]:
        case "hello":
            state = replace(fold([Entry(1, 0.0, started())]), shown=frame["seq"])
            return view.hello(state, (parse_timestamp(frame["now"]) - STARTED) / 1e6, 2000)
        case "message":
            more = {key: frame.get(key) for key in ("message_id", "content", "reply_to", "client_id")}
            return seen(MessagePosted(sender=sender, **more))
        case "typing":
            turns = {"b1": Turn(turn_id="b1", agent_name="Alice", kind="background", typing_at=1, due=2)}
            typists = Typing(SessionState(turns=turns, alarms={"typing:b1": 1}))
            return typists.take(Entry(1, 0.0, TypingStarted(sender=sender, turn_id="b2")))
        case "receipt":
            return seen(ReceiptGiven(message_id=frame["message_id"], status=frame["status"]))
        case "reaction":
            return seen(ReactionSet(message_id=frame["message_id"], sender=sender, emoji=frame["emoji"]))
        case "batch":
            return {"type": "batch", "frames": [sent(one) for one in frame["frames"]]}
        case "refused":
            return refused(frame["reason"], frame["message"], frame.get("client_id"))
        case "session_end":
            return seen(SessionEnded(reason=frame["reason"]))
        case other:
            raise AssertionError(f"the server sends no {other}")


@pytest.mark.parametrize("frame", shown("#### From the server"), ids=lambda frame: frame["type"])
def test_each_example_is_what_the_server_sends(frame):
    assert sent(frame) == frame


@pytest.mark.parametrize("frame", shown("#### From the client"), ids=lambda frame: frame["type"])
def test_each_example_of_a_client_is_taken(frame):
    assert read(json.dumps(frame), 2000)


def test_every_frame_of_both_sides_is_shown():
    from roomful.web.incoming import _READERS

    assert {frame["type"] for frame in shown("#### From the client")} == set(_READERS)
    kinds = {"hello", "message", "typing", "receipt", "reaction", "refused", "session_end", "batch"}
    assert {frame["type"] for frame in shown("#### From the server")} == kinds


def test_the_bubble_of_protocol_1_is_what_the_server_sends():
    hello, bubble = shown("### Protocol 1")
    at = (parse_timestamp(bubble["timestamp"]) - STARTED) / 1e6
    posted = MessagePosted(message_id=bubble["message_id"], sender=bubble["sender"], content=bubble["content"])

    assert View(started(), STARTED).bubble(Entry(1, at, posted, 1)) == bubble
    assert read(json.dumps(hello), 2000)


def test_every_reason_and_close_code_is_documented():
    sources = Path(socket.__file__).parent, Path(socket.__file__).parent.parent / "core"
    # whom the study refuses never gets a frame: what they are told is the next test's
    files = [path for folder in sources for path in folder.glob("*.py") if path.name != "admission.py"]
    code = "\n".join(path.read_text("utf-8") for path in files)
    reasons = set(re.findall(r'(?:BadFrame|Refused|\.refuse)\(\s*"(\w+)"', code)) - {"not_started"}

    assert len(reasons) >= 10
    assert {reason for reason in reasons if f"`{reason}`" not in PAGE} == set()
    codes = (socket.OVER, socket.UNKNOWN, socket.TRY_LATER, socket.SUPERSEDED, socket.RESTARTING)
    assert [code for code in codes if f"| {code} |" not in PAGE] == []


def test_every_reason_for_not_letting_somebody_in_is_documented():
    told = {reason for reason, status in STATUSES.items() if status in (403, 409)} | {"unknown_link"}

    assert {reason for reason in told if f"`{reason}`" not in PAGE} == set()
    assert {status for status in STATUSES.values() if str(status) not in PAGE} == set()
