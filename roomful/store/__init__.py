"""Where logs live. A store keeps lines of text in order; what they mean is not its business."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

STUDY = "study"
"""The stream of the study's own log, which is no session."""


class Line(NamedTuple):
    """One entry of a session's log as it is kept, and as it stands in `logs/{session_id}.json` (without the newline).

    `text` is ASCII-only JSON. `shown` counts the entries a participant may see, None for the others. `hash`
    is the chain's value after this line, in hex.
    """

    seq: int
    text: str
    hash: str
    shown: int | None = None
    ended: str | None = None
    """The reason, on the line that ends the session."""


class SessionRow(NamedTuple):
    """What a store knows of a session without reading its log. Times in seconds since the epoch (UTC)."""

    session_id: str
    created: float
    epoch: int
    head: int
    head_hash: str
    ended: str | None
    about: str
    """What the session needs of its reservation, as a JSON object."""


class Folded(NamedTuple):
    """What a live session's lines fold to up to line `seq`, whose hash is `hash`.

    Only a help to whoever opens it: the lines tell the same. It is gone when the session has ended.
    """

    seq: int
    hash: str
    state: bytes


class StoreError(Exception):
    """The store could not do it, and nothing was changed. It may work later."""


class Damaged(StoreError):
    """The database's file is not what was written there: it has to be replaced by a backup."""


class Watch(Protocol):
    """Who is told how a store is doing. Commits come one after the other, reads beside them."""

    def committing(self) -> None:
        """A commit begins."""
        ...

    def committed(self) -> None:
        """It has been made."""
        ...

    def failed(self, fault: StoreError) -> None:
        """It was not made."""
        ...

    def unread(self, fault: StoreError) -> None:
        """Something could not be read."""
        ...


class Fenced(Exception):
    """Another owner has claimed the session since: nothing was stored."""


class UnknownSession(LookupError):
    """No such session was ever given out."""


class Store(Protocol):
    """Sessions and their lines. Every method raises StoreError when the store cannot be reached or written."""

    lasting: bool
    """Whether it outlives the process: where it does not, nobody ever asks for what lines fold to."""

    async def reserve(self, session_id: str, created: float, about: str) -> None:
        """Give out a session: it exists from now on, with an empty log."""
        ...

    async def claim(self, session_id: str) -> SessionRow:
        """Raise the session's epoch, which fences every former owner, and return its row. Or UnknownSession."""
        ...

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        """Store the lines durably, all or none, if `epoch` is still the owner's and they follow the head. Or Fenced.

        `folded` is kept beside them, in the place of the one before.
        """
        ...

    async def folded(self, session_id: str) -> Folded | None:
        """Return what was last kept beside the lines of a session that has not ended."""
        ...

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        """Return the lines with `seq` greater than `after`, in order."""
        ...

    async def read_shown(self, session_id: str, after: int = 0) -> list[Line]:
        """Return the lines with `shown` greater than `after`, in order."""
        ...

    async def first(self, session_id: str) -> Line | None:
        """Return the first line, None where there is none."""
        ...

    async def find(self, session_id: str) -> SessionRow | None: ...

    async def sessions(self, *, live: bool = False) -> list[SessionRow]:
        """Return all sessions, oldest first; with `live` only those that have lines and have not ended.

        The study's own log is none of them.
        """
        ...

    async def rewrite(self, session_id: str, texts: Mapping[int, str], about: str | None = None) -> None:
        """Put other texts in the place of these lines', whose numbers and hashes stay, and of what is known (`about`).

        What was kept beside the lines is gone. Nobody is fenced. Raises UnknownSession, and ValueError for a line that
        is not there.
        """
        ...

    async def scrub(self) -> bool:
        """Take what was rewritten out of the files too, as far as that is in our hands; False: not all yet."""
        ...

    async def check(self) -> None:
        """Write and sync something small, to see that the store can be written. Or StoreError."""
        ...

    async def close(self) -> None: ...
