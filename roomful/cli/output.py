"""What commands write: text without control characters, one clear sentence for a fault, tables that pipe well."""

import json
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPED_WIDTH = 10_000
"""Columns where nobody looks: what is read by programs is not wrapped."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells count it."""

# control characters, lone surrogates, and what turns the direction of all that follows
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def plain(text: object) -> str:
    """Return the text in one line, safe for any terminal: control characters are replaced by pictures of them."""
    return _UNSAFE.sub(_picture, str(text))


def plain_lines(text: str) -> str:
    """Return the text as above, its line breaks kept."""
    return "\n".join(plain(line) for line in text.replace("\r\n", "\n").split("\n"))


def _picture(found: re.Match[str]) -> str:
    number = ord(found[0])
    if found[0] in "\t\u2028\u2029":
        return " "
    if number < 0x20:
        return chr(0x2400 + number)
    return "␡" if number == 0x7F else "�"


def clock(seconds: float) -> str:
    """Seconds of a session as mm:ss."""
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def when(seconds: float) -> str:
    """A moment (seconds since the epoch) in the time of this machine."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def moment(seconds: float) -> str:
    """A moment (seconds since the epoch) for programs, as logs have it: ISO 8601 in UTC with microseconds."""
    from roomful.codec import timestamp

    return timestamp(round(seconds * 1e6), 0.0)


class Failure(Exception):
    """A command that could not be done: a sentence for stderr, and the exit code (2: it was not understood)."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


@cache
def console() -> "Console":
    """Where commands write. Rich is imported when something is shown."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def put(what: "RenderableType") -> None:
    """Write something of rich's to stdout; where nobody looks, without the spaces that fill its lines."""
    screen = console()
    if screen.is_terminal:
        screen.print(what)
        return
    with screen.capture() as captured:
        screen.print(what)
    typer.echo("\n".join(line.rstrip() for line in captured.get().removesuffix("\n").split("\n")))


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int] = (), parts: Sequence[int] = ()
) -> None:
    """Write a table to stdout; columns of `numbers` stand at the right.

    On a terminal that it is too wide for it comes as several, one below the other: `parts` are the columns that they
    begin with, after the first column, which all of them have.
    """
    if parts and console().width < _width(heads, rows):
        for begin, end in zip(parts, (*parts[1:], len(heads)), strict=True):
            kept = (0, *range(begin, end))
            right = [place for place, number in enumerate(kept) if number in numbers]
            table([heads[number] for number in kept], [[row[number] for number in kept] for row in rows], right)
            if end < len(heads):
                say()
        return
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, head in enumerate(heads):
        made.add_column(head, justify="right" if number in numbers else "left", no_wrap=number == 0)
    for row in rows:
        made.add_row(*row)
    put(made)


def _width(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many columns of a terminal a table takes, two between each and the next."""
    from rich.cells import cell_len

    return sum(max(cell_len(cell) for cell in column) + 2 for column in zip(heads, *rows, strict=True)) - 2


def say(text: str = "") -> None:
    """Write a line to stdout."""
    typer.echo(text)


def warn(text: str) -> None:
    """Write a line to stderr."""
    typer.echo(plain_lines(text), err=True)


def say_json(value: object) -> None:
    """Write a value to stdout as JSON, in ASCII."""
    typer.echo(json.dumps(value, indent=2))


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn what can go wrong by a user's mistake, or the machine's, into a sentence and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (BrokenPipeError, typer.Exit):
        raise
    except Failure as failure:
        raise _told(str(failure), failure.code) from None
    except Exception as fault:
        sentence = _sentence(fault)
        if sentence is None:
            raise
        raise _told(sentence) from None


def _sentence(fault: Exception) -> str | None:
    """What a foreseen fault says; None for one that is a fault of the program."""
    # imported here, because most commands do without and none should wait for it
    from roomful.assembly import SetupError
    from roomful.rules import SettingsError
    from roomful.store import StoreError
    from roomful.store.lock import FolderInUse

    if isinstance(fault, SettingsError | SetupError | StoreError | FolderInUse):
        return str(fault)
    if isinstance(fault, OSError):
        return f"{fault.filename}: {fault.strerror}" if fault.filename else fault.strerror or str(fault)
    return None


def _told(sentence: str, code: int = 1) -> typer.Exit:
    warn(sentence)
    return typer.Exit(code)
