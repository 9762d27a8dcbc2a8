"""Stores that fail when they are told to."""

from collections.abc import Callable, Sequence

from roomful.log import SessionLog
from roomful.store import Folded, Line, StoreError
from roomful.store.memory import MemoryStore
from tests.rooms import SESSION, salts

STARTED = 1_772_461_800_000_000  # 2026-03-02T14:30:00Z in microseconds


class ShakyStore(MemoryStore):
    """Stands for a disk that fails while it is told to: before it has stored (`down`), or after (`mute`)."""

    lasting = True

    def __init__(self) -> None:
        super().__init__()
        self.down: Callable[[], bool] = lambda: False
        self.mute: Callable[[], bool] = lambda: False
        self.appends = 0

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        self.appends += 1
        self._check()
        await super().append(session_id, epoch, lines, folded)
        if self.mute():
            raise StoreError("the connection was lost before the answer came")

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        self._check()
        return await super().read(session_id, after)

    def _check(self) -> None:
        if self.down():
            raise StoreError("the disk is full")


async def claimed(store: MemoryStore, session_id: str = SESSION) -> SessionLog:
    """The log of a session that is given out, if it was not, and claimed."""
    await store.reserve(session_id, 0.0, "{}")
    row = await store.claim(session_id)
    return await SessionLog.open(store, session_id, row.epoch, STARTED, salts())
