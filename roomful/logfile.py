"""The files under `logs/`: one more follower of the store, and never the only copy."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from roomful.store import STUDY, Line, Store, StoreError

_log = structlog.get_logger()

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LogFiles:
    """Writes `{session_id}.json` for each session: the text of its lines, in order, and nothing else.

    A folder that cannot be written stops no session: the files are completed from the store when it can be
    again, and until then `error` says what is wrong.
    """

    error: str | None = None

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        pause: Callable[[], Awaitable[None]],
        tell: Callable[[str | None], None] | None = None,
    ) -> None:
        """`pause` is awaited between a line and its writing, so that many lines are written at once.

        `tell` is given what is wrong when it begins, and None when it is over.
        """
        self._folder = folder
        self._store = store
        self._pause = pause
        self._tell = tell
        self._told = False
        self._written: dict[str, int] = {}
        self._waiting: dict[str, list[Line]] = {}
        # sessions whose file is not known to be what `_written` says: they are written anew from the store
        self._doubtful: dict[str, None] = {}
        self._woken = asyncio.Event()
        # one flush at a time, and one thread: what is written to a file is in the order it was decided
        self._flushing = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "roomful-logs")

    def add(self, session_id: str, lines: Sequence[Line]) -> None:
        """Take durable lines, to be written soon. ValueError if the id is not a canonical uuid."""
        if session_id not in self._written:
            self.path(session_id)
        self._waiting.setdefault(session_id, []).extend(lines)
        self._woken.set()

    async def renew(self, session_ids: Collection[str]) -> bool:
        """Write the files of these sessions anew from the store, as it has them now; False where one is not yet."""
        async with self._flushing:
            self._doubtful |= dict.fromkeys(session_ids)
            await self._flush()
            # by the next flush they are in doubt once more while it writes
            return not any(session_id in self._doubtful for session_id in session_ids)

    def path(self, session_id: str) -> Path:
        """Return the file of a session. ValueError if the id is not a canonical uuid."""
        if session_id != STUDY and not _CANONICAL.fullmatch(session_id):
            raise ValueError(f"expected a session's id, a uuid in small letters, found {session_id!r}")
        return self._folder / f"{session_id}.json"

    async def run(self) -> None:
        """Write what is added, until cancelled; then call `close`."""
        while True:
            await self._woken.wait()
            await self._pause()
            await self.flush()

    async def flush(self) -> None:
        """Write what waits now. What fails is tried again by the next flush."""
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        self._woken.clear()
        # another process may have written to the study's file meanwhile: where it ends is looked at each time
        self._written.pop(STUDY, None)
        await self._find_places()
        await self._append(self._take())
        await self._write_doubtful()
        if self._doubtful:
            self._woken.set()
        else:
            self.error = None
        self._tell_once()

    def _tell_once(self) -> None:
        failing = self.error is not None
        if self._tell and failing != self._told:
            self._tell(self.error)
        self._told = failing

    async def complete(self) -> None:
        """Write anew every file that is missing, short, torn, or ends otherwise than its session's log."""
        study = await self._store.find(STUDY)
        for row in [*([study] if study else []), *await self._store.sessions()]:
            async with self._flushing:
                if row.head > 0 and row.session_id not in self._written:
                    await self._check(row.session_id, row.head)
        await self.flush()

    async def catch_up(self) -> None:
        """Complete the files, beside what else is written, as soon as the store can be read."""
        while True:
            try:
                await self.complete()
            except StoreError as fault:
                self.error = str(fault)
                await self._pause()
            else:
                return

    async def close(self) -> None:
        """Write what waits, and end the thread."""
        await self.flush()
        self._thread.shutdown()

    async def _find_places(self) -> None:
        """Look whether files of which nothing is known yet end just before the lines that wait for them."""
        for session_id, lines in list(self._waiting.items()):
            if session_id not in self._written and session_id not in self._doubtful and lines[0].seq > 1:
                try:
                    await self._check(session_id, lines[0].seq - 1)
                except StoreError:
                    self._doubtful[session_id] = None

    def _take(self) -> dict[str, list[Line]]:
        """Return the lines that follow what their file has; sessions of other lines become doubtful."""
        following: dict[str, list[Line]] = {}
        waiting, self._waiting = self._waiting, {}
        for session_id, lines in waiting.items():
            head = self._written.get(session_id, 0)
            new = [line for line in lines if line.seq > head]
            if [line.seq for line in new] != list(range(head + 1, head + 1 + len(new))):
                self._doubtful[session_id] = None
            elif new and session_id not in self._doubtful:
                following[session_id] = new
        return following

    async def _append(self, following: Mapping[str, Sequence[Line]]) -> None:
        if not following:
            return
        # in doubt until the thread has said that they are written, even if this is cancelled meanwhile
        self._doubtful |= dict.fromkeys(following)
        loop = asyncio.get_running_loop()
        failures = await loop.run_in_executor(self._thread, self._append_all, following)
        for session_id, lines in following.items():
            if session_id not in failures:
                self._has(session_id, lines)
        self.error = next(iter(failures.values()), self.error)

    def _append_all(self, following: Mapping[str, Sequence[Line]]) -> dict[str, str]:
        """On the thread: append to each file; return what failed."""
        failures: dict[str, str] = {}
        for session_id, lines in following.items():
            # the first lines of a session begin its file, whatever stood there
            mode = os.O_TRUNC if lines[0].seq == 1 else 0
            try:
                self._write(self.path(session_id), os.O_APPEND | mode, lines)
            except OSError as error:
                failures[session_id] = f"{self._folder}: {error}"
        return failures

    async def _write_doubtful(self) -> None:
        for session_id in list(self._doubtful):
            try:
                await self._write_anew(session_id)
            except (OSError, StoreError) as error:
                self.error = f"{self._folder}: {error}"
                # a disk that fails for one fails for all: reading every log for it each time would slow the room.
                # The next flush begins with another session, in case it is this one's file alone.
                self._doubtful[session_id] = self._doubtful.pop(session_id)
                return

    async def _write_anew(self, session_id: str) -> None:
        lines = await self._store.read(session_id)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._replace, self.path(session_id), lines)
        self._has(session_id, lines)

    def _replace(self, path: Path, lines: Sequence[Line]) -> None:
        """On the thread: a reader of the file sees the old one or the new one, whole."""
        part = path.with_suffix(".json.part")
        self._write(part, os.O_TRUNC, lines)
        part.replace(path)

    def _write(self, path: Path, mode: int, lines: Sequence[Line]) -> None:
        data = "".join(f"{line.text}\n" for line in lines).encode("ascii")
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o644)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o644)
        try:
            if (written := os.write(file, data)) < len(data):
                raise OSError(f"{path.name}: {written} of {len(data)} bytes were written")
        finally:
            os.close(file)

    async def _check(self, session_id: str, head: int) -> None:
        """Look whether the file of a session ends with the line `head` of its log."""
        last = await self._store.read(session_id, after=head - 1)
        ending = b"\n" + "".join(f"{line.text}\n" for line in last[:1]).encode("ascii")
        path = self.path(session_id)
        if await asyncio.get_running_loop().run_in_executor(self._thread, _ends_with, path, ending):
            self._has(session_id, last[:1])
        else:
            self._doubtful[session_id] = None

    def _has(self, session_id: str, lines: Sequence[Line]) -> None:
        """Note that the file ends with these lines of the log; an ended session needs no more."""
        self._doubtful.pop(session_id, None)
        if lines and lines[-1].ended is None:
            self._written[session_id] = lines[-1].seq
        else:
            self._written.pop(session_id, None)


def told_to_operator(reason: str | None) -> None:
    """Say in the program's own log that the files cannot be written, or that they can again."""
    if reason is None:
        _log.info("logs_mended")
    else:
        _log.error("logs_failing", reason=reason)


def _ends_with(path: Path, ending: bytes) -> bool:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(ending)))
            # a log of one line has no newline before it
            return b"\n" * (size < len(ending)) + file.read() == ending
    except OSError:
        return False
