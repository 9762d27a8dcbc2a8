"""Frames from a client, read: what each asks for, or why it is not taken."""

import json
from collections.abc import Callable, Mapping

from roomful.core.inputs import Block, Input, Leave, Observe, React, Report, Say

DETAILS_MOST = 4096
"""Characters of JSON that a frame about what the participant did may have."""
REASON_MOST = 500
ID_MOST = 100
EMOJI_MOST = 32

type Fields = Mapping[str, object]


class BadFrame(Exception):
    """A frame that is not taken. `reason` is one word for programs; the text is for people."""

    def __init__(self, reason: str, message: str, client_id: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.client_id = client_id


class _Nonsense(ValueError):
    """A number that JSON does not have."""


def _no_constant(name: str) -> float:
    raise _Nonsense(name)


def read(text: str, message_most: int) -> Input:
    """Return the input that a client's frame asks for. Raises BadFrame. `message_most` is in characters."""
    try:
        frame = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise BadFrame("not_json", "The frame is not JSON.") from fault
    if not isinstance(frame, dict):
        raise BadFrame("not_object", f"A frame is a JSON object, not {_kind(frame)}.")
    kind = frame.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise BadFrame("unknown_type", f"There is no frame of type {_short(kind)}.", _client_id(frame))
    return reader(frame, message_most)


def _client_id(frame: Fields) -> str | None:
    found = frame.get("client_id")
    return found if isinstance(found, str) and len(found) <= ID_MOST else None


def _say(frame: Fields, message_most: int) -> Input:
    client_id = _client_id(frame)
    if client_id is None and frame.get("client_id") is not None:
        raise BadFrame("bad_frame", f"client_id is a text of at most {ID_MOST} characters.")
    content = frame.get("content")
    if not isinstance(content, str):
        raise BadFrame("bad_frame", f"content is a text, not {_kind(content)}.", client_id)
    if len(content) > message_most:
        message = f"A message has at most {message_most} characters; this one has {len(content)}."
        raise BadFrame("too_long", message, client_id)
    return Say(content=content, client_id=client_id, reply_to=_text(frame, "reply_to", ID_MOST, optional=True))


def _react(frame: Fields, _most: int) -> Input:
    emoji = _text(frame, "emoji", EMOJI_MOST, optional=True)
    return React(message_id=_required(frame, "message_id"), emoji=emoji or None)


def _report(frame: Fields, _most: int) -> Input:
    reason = _text(frame, "reason", REASON_MOST, optional=True)
    return Report(message_id=_required(frame, "message_id"), reason=reason or "")


def _block(frame: Fields, _most: int) -> Input:
    blocked = frame.get("blocked", True)
    if not isinstance(blocked, bool):
        raise BadFrame("bad_frame", f"blocked is true or false, not {_kind(blocked)}.")
    return Block(member=_required(frame, "member"), blocked=blocked)


def _leave(frame: Fields, _most: int) -> Input:
    delete = frame.get("delete", False)
    if not isinstance(delete, bool):
        raise BadFrame("bad_frame", f"delete is true or false, not {_kind(delete)}.")
    return Leave(delete=delete)


def _observe(frame: Fields, _most: int) -> Input:
    details = {key: value for key, value in frame.items() if key != "type"}
    try:
        size = len(json.dumps(details, allow_nan=False))
    except ValueError as fault:
        # 1e999 is read as infinity, which no log could hold
        raise BadFrame("bad_frame", "A number is too large.") from fault
    if size > DETAILS_MOST:
        raise BadFrame("too_long", f"A frame about what was done has at most {DETAILS_MOST} characters.")
    match frame["type"]:
        case "typing":
            return Observe(kind="typing", details=details)
        case "seen":
            return Observe(kind="seen", details=details)
        case _:
            return Observe(kind="visibility", details=details)


_READERS: Mapping[str, Callable[[Fields, int], Input]] = {
    "user_message": _say,
    "reaction": _react,
    "report": _report,
    "block": _block,
    "leave": _leave,
    "typing": _observe,
    "seen": _observe,
    "visibility": _observe,
}


def _required(frame: Fields, key: str) -> str:
    text = _text(frame, key, ID_MOST, optional=False)
    return text or ""


def _text(frame: Fields, key: str, most: int, *, optional: bool) -> str | None:
    value = frame.get(key)
    if value is None and optional:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise BadFrame("bad_frame", f"{key} is a text of at most {most} characters.", _client_id(frame))
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _short(value: object) -> str:
    return json.dumps(value)[:60]
