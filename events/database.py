"""Connections to PostgreSQL, all with the same session settings, and an end to every wait for them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:  # asyncpg's classes are generic in their stubs alone
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

PATIENCE: Final = 5.0  # seconds to wait for the database, be it for a connection or for one answer over it
FAREWELL: Final = 1.0  # seconds in which a connection may be closed politely before it is hung up

# Raised when the server went away, is starting or stopping, takes no more connections, or does not answer in time
# (TimeoutError is an OSError): later it may answer.
GONE: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says when a connection breaks in the middle of a query
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,  # by statement_timeout
    asyncpg.LockNotAvailableError,  # by lock_timeout
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# Raised when the server answers, and is not what it was when this process began: its operator has to look.
WRONG: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was taken for its primary
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
)
UNBOUNDED: Final = {"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}
# What a statement may take ends here before this side's patience does, so that the connection stays in order.
SESSION: Final = {
    "timezone": "UTC",
    "synchronous_commit": "on",  # what is acknowledged is on disk
    "plan_cache_mode": "force_custom_plan",  # a generic plan misjudges a range on two clocks
    "jit": "off",
    "lock_timeout": "3s",
    "statement_timeout": "4s",
    "idle_in_transaction_session_timeout": "20s",  # of an appender that was stopped while it held the head
    "client_connection_check_interval": "1s",  # a statement ends soon after the one who asked has hung up
}

# For the statements that read slices: whatever the moment, each has its index, and planning would take longer than they
# do. A sequential scan is what a generic plan would fear the wrong table for.
PLANNED_ONCE: Final = SESSION | {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


# For the appender, whose one statement writes all that a queue of requests has become.
APPENDING: Final = SESSION | {"statement_timeout": "8s"}
APPENDING_PATIENCE: Final = 9.0  # seconds


async def connect(dsn: str, session: Mapping[str, str] = SESSION, patience: float = PATIENCE) -> Connection:
    """A connection of one's own, on which every statement ends; TimeoutError when patience does."""
    return await asyncpg.connect(dsn, server_settings=dict(session), timeout=PATIENCE, command_timeout=patience)


@asynccontextmanager
async def undisturbed(dsn: str) -> AsyncGenerator[Connection]:
    """A connection for work on the whole log, which takes as long as it takes: rebuilding, verifying."""
    session = SESSION | UNBOUNDED
    connection: Connection = await asyncpg.connect(dsn, server_settings=session, timeout=PATIENCE)
    try:
        yield connection
    finally:
        await close(connection)


async def close(connection: Connection) -> None:
    """Take leave; hang up on a server that does not answer."""
    with suppress(*GONE, asyncpg.PostgresError):
        await connection.close(timeout=FAREWELL)


class Lanes:
    """Connections lent one to each who asks, with an end to every wait; whoever finds none in time gets TimeoutError.

    asyncpg's pool takes longer over lending and resetting than a small statement does; nobody here changes a session.
    """

    def __init__(self, dsn: str, size: int, session: Mapping[str, str]) -> None:
        self._dsn = dsn
        self._session = session
        self._room = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._lent: set[Connection] = set()

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        """A connection for as long as the block lasts; one that is in doubt afterwards is not lent again."""
        connection = await self._lend()
        try:
            yield connection
        except asyncpg.PostgresError:
            self._take_back(connection)
            raise
        except BaseException:  # a timeout, or a cancel in the middle of a statement
            self._room.release()
            self._lent.discard(connection)
            connection.terminate()
            raise
        self._take_back(connection)

    async def _lend(self) -> Connection:
        """One that is idle, or a new one."""
        if self._idle and not self._room.locked():  # the usual case, which waits for nothing, needs no watch
            await self._room.acquire()
            connection = self._idle.pop()
            if not connection.is_closed():
                self._lent.add(connection)
                return connection
            self._room.release()
        async with asyncio.timeout(PATIENCE):
            await self._room.acquire()
            try:
                while self._idle:
                    connection = self._idle.pop()
                    if not connection.is_closed():
                        break
                else:
                    connection = await connect(self._dsn, self._session)
            except BaseException:
                self._room.release()
                raise
        self._lent.add(connection)
        return connection

    def _take_back(self, connection: Connection) -> None:
        self._room.release()
        self._lent.discard(connection)
        if connection.is_closed():
            return
        if connection.is_in_transaction():  # what was begun in it would be the next one's
            connection.terminate()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        """Take leave of the idle ones; those that are lent are hung up."""
        for connection in self._lent:
            connection.terminate()
        idle, self._idle = self._idle, []
        await asyncio.gather(*map(close, idle))


@asynccontextmanager
async def lanes_of(dsn: str, size: int, session: Mapping[str, str] = SESSION) -> AsyncGenerator[Lanes]:
    """Lanes for as long as the block lasts."""
    lanes = Lanes(dsn, size, session)
    try:
        yield lanes
    finally:
        await lanes.close()
