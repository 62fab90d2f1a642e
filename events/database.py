"""Connections to PostgreSQL, all with the same session settings, and an end to every wait for them."""

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import cache
from importlib.resources import files
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol

import asyncpg

from events.work import spend_since

if TYPE_CHECKING:  # asyncpg's classes are generic in their stubs alone
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection


class Leafing(Protocol):
    """Rows of a statement, of which some are brought at a time."""

    async def fetch(self, n: int) -> Sequence[asyncpg.Record]:
        """The next of them, at most `n`; none at the end."""
        ...


CHANNEL: Final = "planrecord_head"  # on which each append is announced
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
APPENDING: Final = PLANNED_ONCE | {"statement_timeout": "8s"}
APPENDING_PATIENCE: Final = 9.0  # seconds


@cache
def statement(name: str) -> str:
    """The SQL of that name."""
    return files("events").joinpath(f"sql/{name}.sql").read_text("utf-8")


async def connect(
    dsn: str, session: Mapping[str, str] = SESSION, patience: float | None = PATIENCE, within: float | None = None
) -> Connection:
    """A connection of one's own, made `within` seconds, on which every statement ends; TimeoutError when patience does.

    Without patience somebody else has to see to its end.
    """
    seconds = PATIENCE if within is None else within
    return await asyncpg.connect(dsn, server_settings=dict(session), timeout=seconds, command_timeout=patience)


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

    asyncpg's pool waits for a connection without an end, and then for the statement: a database that stood still was
    named after 10 s and more. That lending costs less here (`task-uncached`: 1.2 times) would not be worth the lines.
    Nobody here changes a session.
    An end to each statement is a timer for each; where a loan is for a statement or two, as `brief` says, all loans
    share one timer: after PATIENCE the connection is hung up, and whoever still has it is told what GONE names.
    """

    def __init__(self, dsn: str, size: int, session: Mapping[str, str], *, brief: bool = False) -> None:
        self._dsn = dsn
        self._session = session
        self._brief = brief
        self._room = size  # so many more may be lent
        self._idle: list[Connection] = []
        self._lent: dict[Connection, float] = {}  # since when, the longest first
        self._waiting: dict[asyncio.Future[None], float] = {}  # the same of those who wait for room
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lent(self) -> int:
        """How many are lent."""
        return len(self._lent)

    @property
    def idle(self) -> int:
        """How many wait to be lent."""
        return len(self._idle)

    @property
    def waited_for(self) -> int:
        """How many wait for one."""
        return len(self._waiting)

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for as long as the block lasts; one that is in doubt afterwards is not lent again."""
        return _Loan(self)

    async def lend(self) -> Connection:
        """One that is idle, or a new one; `take_back` is owed."""
        since = asyncio.get_running_loop().time()
        if self._room:
            self._room -= 1
        else:
            await self._wait(since)
        try:
            connection = self._found() or await self._new(since)
        except BaseException:
            self._leave()
            raise
        self._lent[connection] = since = asyncio.get_running_loop().time()
        self._watch(since)
        return connection

    def take_back(self, connection: Connection, *, doubted: bool) -> None:
        """What was lent."""
        self._lent.pop(connection, None)
        if doubted or (not connection.is_closed() and connection.is_in_transaction()):
            connection.terminate()  # what was begun in it would be the next one's
        elif not connection.is_closed():
            self._idle.append(connection)
        self._leave()

    async def close(self) -> None:
        """Take leave of the idle ones; those that are lent are hung up."""
        for connection in self._lent:
            connection.terminate()
        self._dismiss(asyncpg.InterfaceError("the connections to the database are being closed"))
        if self._timer:
            self._timer.cancel()
        idle, self._idle = self._idle, []
        await asyncio.gather(*map(close, idle))

    def _found(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _new(self, since: float) -> Connection:
        left = PATIENCE - (asyncio.get_running_loop().time() - since)
        return await connect(self._dsn, self._session, None if self._brief else PATIENCE, within=max(left, 0))

    async def _wait(self, since: float) -> None:
        """Wait for the room that somebody leaves, in the order of coming."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[waiting] = since
        self._watch(since)
        try:
            await waiting
        except BaseException:
            if self._waiting.pop(waiting, None) is None and not waiting.cancelled() and waiting.exception() is None:
                self._leave()  # it was given the room, and gives it on
            raise

    def _leave(self) -> None:
        """Room for one, first of all for those who wait."""
        while self._waiting:
            waiting = next(iter(self._waiting))
            del self._waiting[waiting]
            if not waiting.done():  # nor given up
                waiting.set_result(None)
                return
        self._room += 1

    def _dismiss(self, why: Exception, late: float = math.inf) -> None:
        """Tell those who have waited since then that they wait for nothing."""
        for waiting in [one for one, since in self._waiting.items() if since <= late]:
            del self._waiting[waiting]
            if not waiting.done():
                waiting.set_exception(why)

    def _watch(self, since: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(since + PATIENCE, self._end)

    def _end(self) -> None:
        """What has lasted too long ends; then wait for the next that may."""
        self._timer, late = None, asyncio.get_running_loop().time() - PATIENCE
        self._dismiss(TimeoutError("every connection to the database is taken"), late)
        if self._brief:
            for connection in [one for one, since in self._lent.items() if since <= late]:
                del self._lent[connection]
                connection.terminate()
        if still := [*self._waiting.values(), *(self._lent.values() if self._brief else ())]:
            self._watch(min(still))


class _Loan(AbstractAsyncContextManager[Connection]):
    """A connection from lending to taking back: a generator would take longer than both."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._connection: Connection | None = None
        self._since = 0.0

    async def __aenter__(self) -> Connection:
        self._connection = connection = await self._lanes.lend()
        self._since = perf_counter()
        return connection

    async def __aexit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        assert self._connection is not None  # noqa: S101 - it was entered
        # A timeout, or a cancel in the middle of a statement; but what the database refused is done with.
        doubted = kind is not None and not issubclass(kind, asyncpg.PostgresError)
        self._lanes.take_back(self._connection, doubted=doubted)
        spend_since(self._since)


@asynccontextmanager
async def lanes_of(
    dsn: str, size: int, session: Mapping[str, str] = SESSION, *, brief: bool = False
) -> AsyncGenerator[Lanes]:
    """Lanes for as long as the block lasts."""
    lanes = Lanes(dsn, size, session, brief=brief)
    try:
        yield lanes
    finally:
        await lanes.close()
