"""The head of the log as this process knows it: learnt by NOTIFY, with the instant of every position in memory."""

import asyncio
import math
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

from domain.values import SHANGHAI, shanghai_day
from events import merkle
from events.database import GONE, Connection, OwnConnection, Pool
from events.log import CHANNEL, statement

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
HEARTBEAT: Final = 5.0  # seconds after which the head is read even if nothing was heard
RETRY: Final = 0.2  # seconds before a lost database is called again


class Head:
    """How far the log has come, and when. 8 bytes of memory for each fact."""

    def __init__(self, pool: Pool) -> None:
        self.size = 0
        self.root = ""  # of the log of that size, in hex
        self.log = ""
        self.origin = ""
        self.erasure_epoch = 0
        self.listening = False
        self._pool = pool
        self._instants: array[int] = array("q")
        self._demo_now: datetime | None = None
        self._clock = EPOCH, 0.0  # the database's clock, and ours at that time
        self._today = date.min, 0.0  # the day, and until when by our clock
        self._lock = asyncio.Lock()
        self._moved = asyncio.Condition()

    def now(self) -> datetime:
        """The present moment: the database's clock, or the demo's."""
        clock, then = self._clock
        return self._demo_now or clock + timedelta(seconds=time.monotonic() - then)

    def today(self) -> date:
        """The present day in Shanghai."""
        day, until = self._today
        if time.monotonic() >= until:
            day = shanghai_day(self.now())
            midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)
            seconds = math.inf if self._demo_now else (midnight - self.now()).total_seconds()
            self._today = day, time.monotonic() + seconds
        return day

    def recorded_at(self, position: int) -> datetime:
        """When the log took the fact at `position`, which is from 1 to `size`."""
        return EPOCH + self._instants[position - 1] * MICROSECOND

    def found(self, instant: datetime) -> int:
        """The size that the log had at an instant; 0 before its first fact."""
        return bisect_right(self._instants, (instant - EPOCH) // MICROSECOND, hi=self.size)

    async def current(self) -> None:
        """Have the head as it is, also while nothing is heard from the database; what GONE names if it is away."""
        if not self.listening:
            await self.refresh()

    async def refresh(self) -> None:
        """Read the head now."""
        async with self._pool.acquire() as connection:
            await self.read(connection)

    async def read(self, connection: Connection) -> None:
        """Read the head over this connection."""
        async with self._lock:
            row = await connection.fetchrow(statement("head"), len(self._instants))
            assert row is not None  # noqa: S101 - migrate() has made the one row
            fresh = array("q", row["instants"] or b"")
            if sys.byteorder == "little":
                fresh.byteswap()
            self._instants.extend(fresh)
            self._clock = row["clock"], time.monotonic()
            self._today = date.min, 0.0
            self.size, self.root = row["size"], merkle.root(tuple(row["frontier"])).hex()
            self.log, self.origin = row["log"], row["origin"]
            self.erasure_epoch, self._demo_now = row["erasure_epoch"], row["demo_now"]
        async with self._moved:
            self._moved.notify_all()

    async def reach(self, position: int, seconds: float) -> bool:
        """Wait until the fact at `position` is visible; False if it is not within so many seconds."""
        if self.size >= position:
            return True
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self.size >= position)
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def watching(connect: Callable[[], Awaitable[OwnConnection]], pool: Pool) -> AsyncGenerator[Head]:
    """The head, kept current by a connection of its own for as long as the block lasts."""
    head = Head(pool)
    await head.refresh()
    task = asyncio.create_task(_watch(head, connect))
    try:
        yield head
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(head: Head, connect: Callable[[], Awaitable[OwnConnection]]) -> None:
    """Listen; call again when the database has gone away."""
    while True:
        try:
            connection = await connect()
            try:
                await _listen(head, connection)
            finally:
                head.listening = False
                connection.terminate()
        except GONE:
            pass
        await asyncio.sleep(RETRY)


async def _listen(head: Head, connection: OwnConnection) -> None:
    heard = asyncio.Event()
    connection.add_termination_listener(lambda _: heard.set())
    await connection.add_listener(CHANNEL, lambda _connection, _process, _channel, _payload: heard.set())
    while not connection.is_closed():
        heard.clear()  # before reading, so that what is said meanwhile is read again
        await head.read(connection)
        head.listening = True
        try:
            await asyncio.wait_for(heard.wait(), HEARTBEAT)
        except TimeoutError:
            continue
