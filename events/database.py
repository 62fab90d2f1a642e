"""Connections to PostgreSQL, all with the same session settings."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:  # asyncpg's classes are generic in their stubs alone
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    OwnConnection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = OwnConnection = asyncpg.Connection
    Pool = asyncpg.Pool

# Raised when the server went away, is starting or stopping, or takes no more connections: later it may answer.
GONE: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what its pool says when a connection breaks in the middle of a query
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
SESSION: Final = {
    "timezone": "UTC",
    "synchronous_commit": "on",  # what is acknowledged is on disk
    "plan_cache_mode": "force_custom_plan",  # a generic plan misjudges a range on two clocks
    "jit": "off",
}

# For the statements that read slices: whatever the moment, each has its index, and planning would take longer than they
# do. A sequential scan is what a generic plan would fear the wrong table for.
PLANNED_ONCE: Final = SESSION | {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


async def connect(dsn: str) -> OwnConnection:
    """A connection of one's own."""
    return await asyncpg.connect(dsn, server_settings=SESSION)


def pool_of(dsn: str, size: int) -> Pool:
    """A pool for reading, to be entered with `async with`."""
    return asyncpg.create_pool(dsn, min_size=1, max_size=size, server_settings=SESSION, reset=_as_it_is)


async def _as_it_is(_: Connection) -> None:
    """Give a connection back without asking the server to reset it: nobody here changes its session."""


class Lanes:
    """Connections lent without ceremony: asyncpg's pool takes longer over one than a small statement does."""

    def __init__(self, dsn: str, size: int, session: Mapping[str, str]) -> None:
        self._dsn = dsn
        self._session = dict(session)
        self._room = asyncio.Semaphore(size)
        self._idle: list[OwnConnection] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[OwnConnection]:
        """A connection for as long as the block lasts; one that an error has left in doubt is not lent again."""
        async with self._room:
            connection = self._idle.pop() if self._idle else None
            if connection is None or connection.is_closed():
                connection = await asyncpg.connect(self._dsn, server_settings=self._session)
            try:
                yield connection
            except asyncpg.PostgresError:
                self._idle.append(connection)
                raise
            except BaseException:
                connection.terminate()
                raise
            self._idle.append(connection)

    async def close(self) -> None:
        """Hang up."""
        while self._idle:
            await self._idle.pop().close()


@asynccontextmanager
async def lanes_of(dsn: str, size: int, session: Mapping[str, str]) -> AsyncGenerator[Lanes]:
    """Lanes for as long as the block lasts."""
    lanes = Lanes(dsn, size, session)
    try:
        yield lanes
    finally:
        await lanes.close()
