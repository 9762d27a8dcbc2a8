"""What a session has come to, as bytes: a restart reads these and the lines since, and not the whole log.

They are a help and no record. They are read by the very code that wrote them or not at all: then the lines are folded.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files

import msgspec

from roomful.core.state import SessionState


def packed(state: SessionState) -> bytes | None:
    """Return a state as bytes; None of one in which somebody wrote halves of surrogate pairs."""
    try:
        return _form() + _PACK(state)
    except UnicodeEncodeError:
        return None


_PACK = msgspec.msgpack.Encoder(enc_hook=dict).encode
"""Mappings that are no dicts are written as such."""


def unpacked(data: bytes) -> SessionState | None:
    """Return the state of these bytes; None when another version of the core has written them."""
    form = _form()
    if not data.startswith(form):
        return None
    try:
        return msgspec.msgpack.decode(data[len(form) :], type=SessionState)
    except msgspec.DecodeError:
        return None


@cache
def _form() -> bytes:
    """A digest of the core: any change of it may change what a log folds to."""
    sources = sorted((file for file in files("roomful.core").iterdir() if file.name.endswith(".py")), key=str)
    return sha256(b"".join(file.read_bytes() for file in sources)).digest()
