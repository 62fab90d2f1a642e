"""The head of the log as this process knows it: learnt by NOTIFY, with the instant of every position in memory."""

import asyncio
import logging
import math
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg

from domain.values import SHANGHAI, shanghai_day
from events import merkle
from events.database import CHANNEL, GONE, PATIENCE, Connection, Lanes, statement
from events.histogram import SECONDS, Histogram

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
HEARTBEAT: Final = 2.5  # seconds after which the head is read even if nothing was heard, and which that may take
FIRST_HEARING: Final = 1.0  # seconds in which it usually hears for the first time
INSTANTS_AT_ONCE: Final = 250_000  # that one statement reads: of five millions no statement of 4 s reads all
RETRY: Final = 0.2  # seconds before a lost database is called again

log = logging.getLogger("planrecord")


class Head:
    """How far the log has come, and when. 8 bytes of memory for each fact."""

    def __init__(self, lanes: Lanes) -> None:
        self.size = 0
        self.root = ""  # of the log of that size, in hex
        self.log = ""
        self.origin = ""
        self.erasure_epoch = 0
        self.notice = ""  # what the operator tells all who follow the record
        self.lags = Histogram(SECONDS)  # from the recording of a fact to its being shown here
        self._lanes = lanes
        self._instants: array[int] = array("q")
        self._demo_now: datetime | None = None
        self._clock = EPOCH, 0.0  # the database's clock, and ours at that time
        self._today = date.min, 0.0  # the day, and until when by our clock
        self._heard = time.monotonic()  # when the connection that listens last answered
        self._hears = asyncio.Event()  # there is such a connection
        self._moved = asyncio.Condition()
        self._seeing = asyncio.Lock()
        self._ended = asyncio.Event()

    @property
    def unheard(self) -> float:
        """The seconds since this process last heard of the log by itself."""
        return time.monotonic() - self._heard

    @property
    def deaf(self) -> bool:
        """Whether nothing was heard for longer than two heartbeats."""
        return self.unheard > 2 * HEARTBEAT

    @property
    def listening(self) -> bool:
        """Whether each new fact is heard of; otherwise the database is asked before each answer."""
        return self._hears.is_set() and time.monotonic() - self._heard <= 2 * HEARTBEAT

    @property
    def ending(self) -> bool:
        """Whether the process ends, so that nobody waits any more."""
        return self._ended.is_set()

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
        async with self._lanes.acquire() as connection:
            await self.read(connection)

    async def see(self, position: int | None) -> None:
        """Have the head at a position that is committed, or as it is; what GONE names if it cannot be had in time.

        Of those whose facts came by one commit one asks the database. Each waits with an end of its own: behind a
        database that stands still they would else wait one after the other.
        """
        if position is not None and self.size >= position:
            return
        async with asyncio.timeout(PATIENCE), self._seeing:
            if position is None or self.size < position:
                await self.refresh()

    async def hear(self, connection: Connection) -> None:
        """Read the head over the connection that listens, which shows that it is alive; TimeoutError if it is not."""
        async with asyncio.timeout(HEARTBEAT):
            await self.read(connection)
        self._heard = time.monotonic()
        self._hears.set()

    async def begin(self) -> None:
        """Wait until it hears for the first time, or FIRST has passed: it need not be deaf when it is first asked."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_HEARING):
                await self._hears.wait()

    def lose(self) -> bool:
        """Nothing is heard any more; whether something was until now."""
        heard = self._hears.is_set()
        self._hears.clear()
        return heard

    async def read(self, connection: Connection) -> None:
        """Read the head over this connection. Several may read at once: nobody waits for another's answer."""
        while True:
            known = len(self._instants)
            row = await connection.fetchrow(statement("head"), known, INSTANTS_AT_ONCE)
            assert row is not None  # noqa: S101 - migrate() has made the one row
            if row["size"] <= known + INSTANTS_AT_ONCE:
                break
            self._instants.extend(self._news(row, known))  # they never change, and are not shown before the head is
        if not self._learn(row, known):
            return
        async with self._moved:
            self._moved.notify_all()

    def _learn(self, row: asyncpg.Record, known: int) -> bool:
        """Take what was read when `known` instants were; False if a later answer overtook it."""
        if (row["size"], row["erasure_epoch"]) < (self.size, self.erasure_epoch):
            return False
        if self._demo_now and row["demo_now"] < self._demo_now:
            return False
        news = self._news(row, known)
        if news and self.size and row["demo_now"] is None:  # what was there before us was not late
            self.lags.add((row["clock"] - EPOCH) / timedelta(seconds=1) - news[-1] / 1e6)
        self._instants.extend(news)
        self._clock = row["clock"], time.monotonic()
        self._today = date.min, 0.0
        self.size, self.root = row["size"], merkle.root(tuple(row["frontier"])).hex()
        self.log, self.origin = row["log"], row["origin"]
        self.erasure_epoch, self._demo_now, self.notice = row["erasure_epoch"], row["demo_now"], row["notice"]
        return True

    def _news(self, row: asyncpg.Record, known: int) -> "array[int]":
        """The instants that were read when `known` were, without those that have come meanwhile."""
        fresh = array("q", row["instants"] or b"")
        if sys.byteorder == "little":
            fresh.byteswap()
        return fresh[len(self._instants) - known :]

    async def reach(self, position: int, seconds: float) -> bool:
        """Wait until the fact at `position` is visible; False if it is not within so many seconds."""
        if self.size < position:
            await self.refresh()  # whoever knows of it need not wait for word of it to arrive here
        if self.size >= position:
            return True
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self.size >= position)
        except TimeoutError:
            return False
        return True

    async def grow(self, size: int, seconds: float) -> bool:
        """Wait until the log holds more than `size` facts; False if it does not within so many seconds, or we end."""
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self.ending or self.size > size)
        except TimeoutError:
            return False
        return self.size > size

    async def move(self, size: int, notice: str, seconds: float) -> None:
        """Wait until the log holds more than `size` facts, or another notice stands; for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self.ending or self.size > size or self.notice != notice)

    async def end(self) -> None:
        """Let nobody wait for the log to grow any more: the process ends."""
        self._ended.set()
        async with self._moved:
            self._moved.notify_all()

    async def ended(self) -> None:
        """Wait until the process ends."""
        await self._ended.wait()


@asynccontextmanager
async def watching(connect: Callable[[], Awaitable[Connection]], lanes: Lanes) -> AsyncGenerator[Head]:
    """The head, kept current by a connection of its own for as long as the block lasts."""
    head = Head(lanes)
    await head.refresh()
    task = asyncio.create_task(_watch(head, connect))
    try:
        await head.begin()
        yield head
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(head: Head, connect: Callable[[], Awaitable[Connection]]) -> None:
    """Listen; call again when the database has gone away, or says that it will not have us."""
    while True:
        why = await _until_lost(head, connect)
        if head.lose():
            log.warning("the log is not heard any more: %s", why)
        await asyncio.sleep(RETRY)


async def _until_lost(head: Head, connect: Callable[[], Awaitable[Connection]]) -> str:
    """Listen for as long as the database lets us; why it ended."""
    try:
        connection = await connect()
        try:
            await _listen(head, connection)
        finally:
            connection.terminate()
    except (*GONE, asyncpg.PostgresError) as error:
        return str(error) or "the database does not answer"
    return "the connection was closed"


async def _listen(head: Head, connection: Connection) -> None:
    heard = asyncio.Event()
    connection.add_termination_listener(lambda _: heard.set())
    await connection.add_listener(CHANNEL, lambda _connection, _process, _channel, _payload: heard.set())
    while not connection.is_closed():
        heard.clear()  # before reading, so that what is said meanwhile is read again
        await head.hear(connection)
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT):  # wait_for may swallow a cancel that comes with what it waits for
                await heard.wait()
