"""Connections to PostgreSQL, all with the same session settings."""

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


async def connect(dsn: str) -> OwnConnection:
    """A connection of one's own."""
    return await asyncpg.connect(dsn, server_settings=SESSION)


def pool_of(dsn: str, size: int) -> Pool:
    """A pool for reading, to be entered with `async with`."""
    return asyncpg.create_pool(dsn, min_size=1, max_size=size, server_settings=SESSION, reset=_as_it_is)


async def _as_it_is(_: Connection) -> None:
    """Give a connection back without asking the server to reset it: nobody here changes its session."""
