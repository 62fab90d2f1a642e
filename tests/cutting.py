"""A wire that is cut: a TCP proxy before a server, whose connections break in the middle of what they carry."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Leads to a port, which may become another. Each connection breaks once it has carried `bytes_` to its client."""

    def __init__(self, port: int, bytes_: int) -> None:
        self.to = port
        self.port = 0
        self.cuts = 0
        self._bytes = bytes_
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Break all connections."""
        for one in self._open:
            one.transport.abort()
        self.cuts += bool(self._open)

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways until either end goes, or it has carried enough."""
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        self._open |= {writer, far_writer}
        ways = {
            asyncio.create_task(_carry(reader, far_writer, None)),
            asyncio.create_task(_carry(far_reader, writer, self._bytes)),
        }
        done, others = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self.cuts += any(one.result() for one in done)
        for one in others:
            one.cancel()
        for one in (writer, far_writer):
            one.transport.abort()
            self._open.discard(one)
        self._tasks.discard(task)

    async def end(self) -> None:
        """Break what is left."""
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> bool:
    """Whether so many bytes were carried; otherwise an end has gone."""
    with suppress(ConnectionError):
        while some := await reader.read(4_096):
            writer.write(some if most is None else some[:most])
            await writer.drain()
            if most is not None and (most := most - len(some)) <= 0:
                return True
    return False


@asynccontextmanager
async def wire_to(port: int, bytes_: int) -> AsyncGenerator[Wire]:
    """A wire to a server on this machine, for as long as the block lasts."""
    wire = Wire(port, bytes_)
    served = await asyncio.start_server(wire.lead, "127.0.0.1", 0)
    wire.port = served.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        served.close()
        await wire.end()
