"""Processes that are quick to start: forked from one that has imported what they need, once for all of them.

To import the server takes a second of processor time, and dozens of tests want a server of their own. What is forked
is a process like any other: its own memory, files and locks, and it can be killed. What only a start from nothing
shows, the imports themselves or a library that is loaded before all others, needs `subprocess`.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path

ROOT = Path(__file__).parent.parent

IMPORTED = [
    "__main__",
    "tests.forked",
    "roomful.cli.serve",
    "roomful.cli.chat",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
]
"""What has been imported before a process begins; `main` is not among them, as it is made by its environment."""


class Forked:
    """A process that runs what follows `python` on a command line; it answers as `subprocess.Popen` does."""

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        output: Path,
        *,
        errors: Path | None = None,
        stdin: Connection | None = None,
    ) -> None:
        """Start it. What it says is added to a file, and what it says to stderr to the same or another."""
        said = [output, errors or output]
        for path in said:
            path.touch()
        given = (tuple(command), cwd, dict(env), stdin, said)
        # as a daemon, it ends with the tests when they are broken off
        self._process: ForkServerProcess = _context().Process(target=_become, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float, *, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with up to a pipe's 64 KiB of input."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        reader, typed = multiprocessing.Pipe(duplex=False)
        with reader, typed:
            process = Forked(command, cwd, env, output, errors=errors, stdin=reader)
            os.write(typed.fileno(), stdin.encode())
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(command, code, output.read_text("utf-8"), errors.read_text("utf-8"))


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    before = os.environ.get("PYTHONPATH")
    # from wherever the first test happens to be, it is the code beside these tests that is imported
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context


def _become(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: Connection | None, said: Sequence[Path]
) -> None:
    """Be the process that `python` would have begun."""
    # as a terminal starts it: what a shell starts in the background ignores interrupts, and so would this
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    with stdin or Path(os.devnull).open("rb") as given:
        os.dup2(given.fileno(), 0)
    for number, path in enumerate(said, 1):
        with path.open("ab") as file:
            os.dup2(file.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, closefd=False) for number, mode in enumerate("rww"))
    if command[0] == "-m":
        sys.argv = list(command[1:])
        sys.path.insert(0, str(cwd))
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(command)
        runpy.run_path(command[0], run_name="__main__")
