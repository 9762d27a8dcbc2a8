"""The files under logs/ follow the store, and are mended from it."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from roomful.logfile import LogFiles
from roomful.store import Line
from roomful.store.memory import MemoryStore

pytestmark = pytest.mark.anyio

A, B = (f"{n}0000000-0000-4000-8000-000000000000" for n in "1b")


def lines(first: int, last: int, *, ended: str | None = None) -> list[Line]:
    made = [Line(seq, f'{{"seq": {seq}}}', f"hash{seq}") for seq in range(first, last + 1)]
    return [*made[:-1], made[-1]._replace(ended=ended)]


def written(first: int, last: int) -> str:
    return "".join(f'{{"seq": {seq}}}\n' for seq in range(first, last + 1))


async def no_pause() -> None:
    await asyncio.sleep(0)


class Room:
    """A store, the log files that follow it, and what a session does with both."""

    def __init__(
        self,
        folder: Path,
        pause: Callable[[], Awaitable[None]] = no_pause,
        store: MemoryStore | None = None,
        tell: Callable[[str | None], None] | None = None,
    ) -> None:
        self.store = store or MemoryStore()
        self.folder = folder
        self.files = LogFiles(folder, self.store, pause=pause, tell=tell)

    async def begin(self, *names: str) -> None:
        for name in names:
            await self.store.reserve(name, 0.0, "{}")
            await self.store.claim(name)

    async def append(self, name: str, new: list[Line]) -> None:
        await self.store.append(name, 1, new)
        self.files.add(name, new)

    def text(self, name: str) -> str:
        return (self.folder / f"{name}.json").read_text("ascii")

    @asynccontextmanager
    async def restarted(self) -> AsyncIterator["Room"]:
        """The room of a later process, with the same store and folder."""
        again = Room(self.folder, store=self.store)
        yield again
        await again.files.close()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path / "logs")
    await made.begin(A, B)
    yield made
    await made.files.close()


async def test_the_files_hold_the_lines_in_order(room: Room):
    await room.append(A, lines(1, 2))
    await room.append(B, lines(1, 1))
    await room.files.flush()
    await room.append(A, lines(3, 3))
    await room.append(A, lines(4, 5, ended="leave"))
    await room.files.flush()

    assert room.text(A) == written(1, 5)
    assert room.text(B) == written(1, 1)
    assert [path.name for path in sorted(room.folder.iterdir())] == [f"{A}.json", f"{B}.json"]


async def test_lines_are_written_after_a_pause_all_at_once(tmp_path: Path):
    pauses: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def pause() -> None:
        over = asyncio.Event()
        await pauses.put(over)
        await over.wait()

    room = Room(tmp_path, pause)
    await room.begin(A)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(room.files.run())
        await room.append(A, lines(1, 1))
        over = await pauses.get()
        await room.append(A, lines(2, 2))
        assert not room.files.path(A).exists()
        over.set()
        while room.files._woken.is_set():  # noqa: ASYNC110 - the flush has begun when it is cleared
            await asyncio.sleep(0)
        await room.append(A, lines(3, 3))
        await pauses.get()
        assert room.text(A) == written(1, 2)
        running.cancel()

    await room.files.close()
    assert room.text(A) == written(1, 3)


async def test_a_new_session_begins_its_file_anew(room: Room):
    room.folder.mkdir()
    (room.folder / f"{A}.json").write_text("left over\n")

    await room.append(A, lines(1, 2))
    await room.files.flush()

    assert room.text(A) == written(1, 2)


@pytest.mark.parametrize(
    "found",
    [
        None,
        "",
        written(1, 2),
        written(1, 3) + '{"se',
        written(1, 3)[:-1],
        written(1, 2) + '{"seq": 9}\n',
        written(1, 4),
        "{}" + written(3, 3),
    ],
    ids=["missing", "empty", "short", "torn", "no newline", "other line", "too long", "glued"],
)
async def test_a_file_that_a_crash_left_wrong_is_completed_at_the_start(room: Room, found: str | None):
    await room.store.append(A, 1, lines(1, 3))
    room.folder.mkdir()
    if found is not None:
        (room.folder / f"{A}.json").write_text(found)

    async with room.restarted() as again:
        await again.files.complete()
        assert again.text(A) == written(1, 3)
        await again.append(A, lines(4, 4))

    assert room.text(A) == written(1, 4)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_file_that_is_right_is_left_alone_at_the_start(room: Room, count: int):
    await room.append(A, lines(1, count))
    await room.files.flush()
    file = (room.folder / f"{A}.json").stat().st_ino

    async with room.restarted() as again:
        await again.files.complete()
        await again.append(A, lines(count + 1, count + 1))

    assert (room.folder / f"{A}.json").stat().st_ino == file
    assert room.text(A) == written(1, count + 1)


async def test_a_session_without_lines_has_no_file(room: Room):
    await room.files.complete()

    assert not room.folder.exists()


async def test_lines_that_do_not_follow_the_file_complete_it_from_the_store(room: Room):
    await room.append(A, lines(1, 2))
    await room.files.flush()
    await room.store.append(A, 1, lines(3, 5))

    await room.append(A, lines(6, 6))
    await room.files.flush()

    assert room.text(A) == written(1, 6)


async def test_lines_that_the_file_has_are_not_written_twice(room: Room):
    await room.append(A, lines(1, 2))
    await room.files.flush()

    room.files.add(A, lines(1, 2))
    await room.files.flush()

    assert room.text(A) == written(1, 2)


async def test_a_folder_that_cannot_be_written_is_told_and_made_up_for(room: Room):
    room.folder.write_text("a file where the folder should be")

    await room.append(A, lines(1, 2))
    await room.append(B, lines(1, 2))
    await room.files.flush()
    assert room.files.error is not None
    assert str(room.folder) in room.files.error

    await room.append(A, lines(3, 3))
    room.folder.unlink()
    await room.files.flush()
    assert room.files.error is None
    assert room.text(A) == written(1, 3)
    assert room.text(B) == written(1, 2)


async def test_a_fault_is_told_once_when_it_begins_and_once_when_it_is_over(tmp_path):
    told = list[str | None]()
    room = Room(tmp_path / "logs", tell=told.append)
    await room.begin(A)
    room.folder.write_text("a file where the folder should be")

    for number in (1, 2, 3):
        await room.append(A, lines(number, number))
        await room.files.flush()
    room.folder.unlink()
    await room.files.flush()
    await room.files.close()

    begun, over = told
    assert str(room.folder) in (begun or "")
    assert over is None


async def test_a_file_written_anew_says_whether_it_was(room: Room):
    await room.append(A, lines(1, 2))
    await room.files.flush()
    part = room.folder / f"{A}.json.part"

    part.mkdir()
    first = await room.files.renew([A])
    part.rmdir()
    second = await room.files.renew([A])

    assert (first, second) == (False, True)


async def test_one_file_that_cannot_be_written_does_not_keep_others_from_being_mended(room: Room):
    (room.folder / f"{A}.json").mkdir(parents=True)
    await room.append(A, lines(1, 2))
    await room.files.flush()

    await room.store.append(B, 1, lines(1, 1))
    await room.append(B, lines(2, 2))
    await room.files.flush()
    await room.files.flush()

    assert room.text(B) == written(1, 2)
    assert room.files.error is not None
    (room.folder / f"{A}.json").rmdir()
    await room.files.flush()
    assert room.text(A) == written(1, 2)


async def test_a_line_torn_by_a_full_disk_is_made_whole(room: Room):
    await room.append(A, lines(1, 2))
    await room.files.flush()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (len(written(1, 2)) + 5, limits[1]))
    try:
        await room.append(A, lines(3, 4))
        await room.files.flush()
        assert room.text(A) == written(1, 4)[: len(written(1, 2)) + 5]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert room.files.error is not None
    await room.files.flush()
    assert room.text(A) == written(1, 4)


async def test_a_writer_that_is_stopped_in_the_middle_loses_nothing(room: Room):
    await room.append(A, lines(1, 2))
    flushing = asyncio.create_task(room.files.flush())
    await asyncio.sleep(0)
    flushing.cancel()

    await room.append(A, lines(3, 3))
    await room.files.flush()

    assert room.text(A) == written(1, 3)


@pytest.mark.parametrize("name", ["", "../x", "a/b", A.upper().replace("1", "B"), f"{A}\n", A.replace("-", "")])
async def test_only_a_canonical_uuid_names_a_file(room: Room, name: str):
    with pytest.raises(ValueError, match="uuid"):
        room.files.add(name, lines(1, 1))
    with pytest.raises(ValueError, match="uuid"):
        room.files.path(name)
