"""Who may use the cluster of a data folder, and the life of its server from the first lock to the last signal."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from api.postgres import server
from api.postgres.binaries import shipped
from api.postgres.errors import FolderInUse, PostgresFailed, usable
from api.postgres.home import cluster_of, find_home
from api.postgres.lock import Lock
from api.postgres.pidfile import read_pidfile

SHARE_PATIENCE: Final = 30.0  # seconds in which an owner that is starting must have its server ready
NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class Cluster(msgspec.Struct, frozen=True):
    """A running server. `dsn` is accepted by asyncpg and libpq as it is.

    `owned`: this call started it and will stop it. `pid` and `data` are the server's process and folder, `binaries`
    the folder of the client tools (pg_dump, pg_basebackup …), `process` the server where this call started it.
    """

    dsn: str
    owned: bool
    pid: int
    data: Path
    binaries: Path
    process: Process | None = None

    async def ended(self) -> PostgresFailed:
        """What went wrong, once the server that this call started has ended by itself."""
        if self.process is None:
            raise ValueError("the server of another process is not this one's to wait for")
        code = await self.process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return PostgresFailed(
            f"PostgreSQL in {self.data} {how} while it was needed; pg.log in the data folder says more. "
            f"Start planrecord again: it recovers whatever was acknowledged"
        )


@asynccontextmanager
async def cluster(
    folder: Path, *, exclusive: bool = False, options: Mapping[str, str] = NO_OPTIONS
) -> AsyncGenerator[Cluster]:
    """PostgreSQL of `folder`, running for as long as the block does.

    The first process owns it; a later one shares the running server, whose `options` then stand, or with `exclusive`
    is refused. Enter it on a thread that outlives the block: Linux ends the server with the thread that started it.

    Raises FolderInUse, and PostgresFailed with the last lines of the server's log.
    """
    with usable(folder):
        held = await _lock_or_share(folder, exclusive=exclusive)
    if isinstance(held, Cluster):
        yield held
        return
    with held as lock:
        with usable(folder):
            home = await find_home(folder)
            await server.clear(home)
            await server.make(home)
        async with server.running(home, lock, options) as (process, socket):
            yield Cluster(
                dsn=dsn_of(socket),
                owned=True,
                pid=process.pid,
                data=home.data,
                binaries=home.binaries.folder,
                process=process,
            )


def dsn_of(socket: Path) -> str:
    """The DSN of the server whose socket lies in this folder."""
    # The port is named because PGPORT in the reader's environment would otherwise choose another.
    return f"postgresql://planrecord@/postgres?host={socket}&port=5432"


async def _lock_or_share(folder: Path, *, exclusive: bool) -> Lock | Cluster:
    """Lock, or server of the process that holds it; while that one starts or stops, either may still come."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SHARE_PATIENCE
    while True:
        held = Lock.take(folder) or (None if exclusive else await _shared(folder))
        if held:
            return held
        holder = Lock.holder(folder)
        if exclusive:
            raise FolderInUse(folder, holder)
        if loop.time() > deadline:
            raise FolderInUse(folder, holder, f"its PostgreSQL was not ready within {SHARE_PATIENCE:.0f} s")
        await asyncio.sleep(0.05)


async def _shared(folder: Path) -> Cluster | None:
    data = cluster_of(folder)
    found = read_pidfile(data)
    # A file that a killed server left says "ready" too; only a live one answers.
    if found and found.ready and await server.takes_connections(found.socket):
        return Cluster(dsn=dsn_of(found.socket), owned=False, pid=found.pid, data=data, binaries=shipped().folder)
    return None
