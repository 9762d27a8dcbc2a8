"""The server as `uvicorn main:app` runs it, which tells how much memory it has in use when it is asked to (SIGUSR1).

What a process has of the system says little of leaks: caches fill up for hours, and what was freed is kept for later.
So the caches are emptied and circles collected, and of what the allocator has given out it is told what is in use.
"""

import ctypes
import gc
import os
import signal
import sys
import time
from functools import _lru_cache_wrapper
from pathlib import Path
from types import FrameType

import psutil

ENVIRON = {"PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1"}
"""Variables under which the C library's allocator gives out everything, from one arena, and so knows it all."""


class _Mallinfo(ctypes.Structure):
    """What `mallinfo2` of glibc 2.33 and later returns."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def empty_caches() -> None:
    """Forget what any function of ours remembers."""
    for name, module in list(sys.modules.items()):
        if name.startswith("roomful"):
            for value in vars(module).values():
                if isinstance(value, _lru_cache_wrapper):
                    value.cache_clear()


def in_use() -> int:
    """Bytes in use that are in no cache of ours and in no circle; without glibc, what the process has of the system."""
    empty_caches()
    gc.collect()
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is None:
        return psutil.Process().memory_info().rss
    mallinfo.restype = _Mallinfo
    found = mallinfo()
    return found.uordblks + found.hblkhd


def ask(server: psutil.Process, told: Path) -> float:
    """MiB that a server has in use, which writes it to this file."""
    told.unlink(missing_ok=True)
    server.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + 20
    while not told.exists():
        if time.monotonic() > deadline:
            raise SystemExit("the server did not tell how much memory it has in use")
        time.sleep(0.01)
    return int(told.read_text()) / 2**20


def main() -> None:
    import uvicorn

    told, *arguments = sys.argv[1:]

    def tell(_number: int, _frame: FrameType | None) -> None:
        partial = Path(f"{told}.partial")
        partial.write_text(str(in_use()))
        # whole or not at all
        os.replace(partial, told)  # noqa: PTH105

    signal.signal(signal.SIGUSR1, tell)
    uvicorn.main(arguments)


if __name__ == "__main__":
    main()
