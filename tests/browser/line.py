"""A line between a browser and a server that can be long, or go silent: no close, no error, nothing comes through."""

import asyncio
from dataclasses import dataclass, field

_PIECE = 65536


@dataclass
class Line:
    """Carries bytes between a port of its own and a server's, unless it is silent."""

    to: int
    delay: float = 0.0
    """Seconds that it takes to get to the other side."""
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _down: asyncio.Event = field(default_factory=asyncio.Event)
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self.mend()
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)

    async def stop(self) -> None:
        self._server.close()
        carrying = [*self._carrying]
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
        await self._server.wait_closed()

    def silence(self) -> None:
        """Carry nothing any more, and close nothing."""
        self._up.clear()
        self._down.clear()

    def silence_down(self) -> None:
        """Carry nothing from the server any more: what the browser says arrives, and it never hears so."""
        self._down.clear()

    def mend(self) -> None:
        """Carry on: what was written into the silence arrives late, as TCP has it; what was opened in it is gone."""
        self._up.set()
        self._down.set()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            if self._down.is_set():
                # the system has answered for the server already, which is as far away as that
                await asyncio.sleep(2 * self.delay)
                await self._connect(reader, writer)
            await self._down.wait()
        except (ConnectionError, asyncio.CancelledError):
            # a side that is gone, or the end of the test: the other side is closed below
            pass
        finally:
            self._carrying.discard(task)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, back, self._up, self.delay))
                both.create_task(_carry(there, writer, self._down, self.delay))
        except* ConnectionError:
            pass
        finally:
            back.close()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clear: asyncio.Event, delay: float
) -> None:
    later = asyncio.get_running_loop().call_later
    while piece := await reader.read(_PIECE):
        await clear.wait()
        if delay:
            # many are under way at a time
            later(delay, writer.write, piece)
            continue
        writer.write(piece)
        await writer.drain()
    await clear.wait()
    await asyncio.sleep(delay)
    writer.close()
