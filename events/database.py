"""Connections to PostgreSQL, all with the same session settings."""

from collections.abc import Mapping
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


def pool_of(dsn: str, size: int, session: Mapping[str, str] = SESSION) -> Pool:
    """A pool for reading, to be entered with `async with`."""
    return asyncpg.create_pool(dsn, min_size=1, max_size=size, server_settings=dict(session), reset=_as_it_is)


async def _as_it_is(_: Connection) -> None:
    """Give a connection back without asking the server to reset it: nobody here changes its session."""
