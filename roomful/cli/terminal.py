"""Lines in, lines out: a prompt that stays at the bottom of a terminal, or plain lines where there is none."""

import asyncio
import codecs
import os
import re
import sys
import termios
import tty
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Protocol, Self

from rich.cells import cell_len

from roomful.cli.conversation import Shown
from roomful.cli.output import console, plain, put

_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""What arrow keys and the like send."""


class Terminal(Protocol):
    """Where a participant reads and writes."""

    def show(self, what: Shown) -> None:
        """Add something to what can be read."""
        ...

    def status(self, text: str) -> None:
        """Say what is going on at the moment, where there is a place for it."""
        ...

    def lines(self) -> AsyncIterator[str]:
        """What is typed, line by line, until there is no more."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def terminal() -> Terminal:
    """The terminal of this process, or plain lines where it has none."""
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
        return Editor(sys.stdin.fileno())
    return Pipe(None if sys.stdin is None else sys.stdin.fileno())


class Pipe:
    """Lines from a pipe or a file, and lines to one."""

    def __init__(self, file: int | None) -> None:
        self._file = file

    def show(self, what: Shown) -> None:
        put(what)

    def status(self, text: str) -> None:
        """There is no place for it."""

    async def lines(self) -> AsyncIterator[str]:
        if self._file is None:
            return
        left = ""
        async for text in _typed(self._file):
            *whole, left = (left + text).split("\n")
            for line in whole:
                yield line
        if left:
            yield left

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Editor:
    """A line being typed at the bottom, which stays whole while others are shown above it."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._line = ""
        self._status = ""

    def show(self, what: Shown) -> None:
        self._put("\r\x1b[K")
        put(what)
        self._draw()

    def status(self, text: str) -> None:
        if text != self._status:
            self._status = text
            self._draw()

    async def lines(self) -> AsyncIterator[str]:
        async for text in _typed(self._file):
            for sign in _ESCAPES.sub("", text):
                if sign == "\x04" and not self._line:
                    return
                if (line := self._take(sign)) is not None:
                    yield line
            self._draw()

    def _take(self, sign: str) -> str | None:
        """Change the line by a key; return it when it is done."""
        if sign in "\r\n":
            line, self._line = self._line, ""
            return line
        if sign in "\x7f\b":
            self._line = self._line[:-1]
        elif sign == "\x15":
            self._line = ""
        elif sign == "\x17":
            self._line = self._line.rstrip().rpartition(" ")[0]
        elif sign.isprintable() or sign in "\u200d\ufe0f":
            self._line += sign
        return None

    def _draw(self) -> None:
        room = console().width - 1
        status = f"{self._status} " if 0 < cell_len(self._status) < room // 2 else ""
        line = self._line
        while cell_len(line) > room - cell_len(status) - 2:
            line = line[1:]
        self._put(f"\r\x1b[K\x1b[2m{status}\x1b[0m> {plain(line)}")

    def _put(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._file)
        tty.setcbreak(self._file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._put("\r\x1b[K")
        termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)


async def _typed(file: int) -> AsyncIterator[str]:
    """The text that comes from a file descriptor, as it comes, without a thread that could not be stopped."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        data = _read(file)
        if not data:
            loop.remove_reader(file)
        arrived.put_nowait(data)

    try:
        loop.add_reader(file, read)
    except PermissionError:
        # a file on disk never lets anybody wait
        while data := _read(file):
            yield decoder.decode(data)
        return
    try:
        while data := await arrived.get():
            yield decoder.decode(data)
    finally:
        loop.remove_reader(file)


def _read(file: int) -> bytes:
    try:
        return os.read(file, 4096)
    except OSError:
        # the terminal is gone
        return b""
