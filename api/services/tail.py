"""The log's newest facts, for all who follow it: read once for a process, whatever each of them is asking about.

Who follows is a place in the log. At the end of it the facts come from memory, which all share; who is behind that, and
who wants what is there and no more, reads on page by page. So one who takes nothing costs nothing but the connection.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from api.services.problems import Trouble
from api.services.reader import Lender
from events.database import GONE, WRONG
from events.head import Head
from events.steps import PAUSE
from projections.views.events import EventFilter
from projections.views.items import MOST_READ_BYTES, FollowedItem, ItemsBehind, Wanting, concerned, items_behind

KEPT_BYTES: Final = 8_000_000  # bytes of the newest items, of which each counts as
ITEM_OVERHEAD: Final = 1_000  # bytes more than its JSON
GIVEN_AT_ONCE: Final = 8_000  # bytes that one who follows is given at a time, unless the last item has more,
MOST_LOOKED_AT: Final = 1_000  # and items that are looked at for that
MOST_GIVEN_MORE: Final = 32  # of those that are behind are given MOST_READ_BYTES instead: who takes nothing holds it
MOST_FOLLOWING: Final = 4_000
CATCHING_UP: Final = 2  # that are behind read at a time: the other connections are for those who read
SILENT_FOR: Final = 12.5  # seconds without an item after which who follows is told so, before 15 are over
AGAIN: Final = 0.5  # seconds before a database that is away is asked again
ROWS: Final = 16  # of those who follow
LOOKED_AFTER: Final = 5  # times within that, for all at once: one timer costs less than one for each
DATABASE: Final = (*GONE, *WRONG)


log = logging.getLogger("planrecord")


class ProcessEnds(Exception):
    """What was begun is not ended: the process ends before."""


class LogTail:
    """What the facts behind the position `_first` are, as far as they are read here; one task reads them."""

    def __init__(self, lanes: Lender, head: Head) -> None:
        self.following = 0
        self.head = head
        self._lanes = lanes
        self._items: list[FollowedItem] = []  # at positions that follow one another
        self._first = 0
        self._bytes = 0
        self._epoch = 0
        self._wanted = asyncio.Event()
        self._moved = [_promise() for _ in range(ROWS)]  # one row of those who follow is woken after the other
        self._came = 0
        self._given_more = 0
        self._error: Exception | None = None  # why nothing can be read any more
        self._turns = asyncio.Semaphore(CATCHING_UP)

    async def run(self) -> None:
        """Read what is recorded for as long as somebody follows it, until the process ends."""
        while not self.head.ending:
            await self._wanted.wait()
            last, notice = self._last, self.head.notice
            if self.head.size <= last:
                await self.head.move(last, notice, SILENT_FOR / LOOKED_AFTER)
            try:
                await self._read()
                self._error = None
            except DATABASE:
                await asyncio.sleep(AGAIN)
            except Exception as error:
                if self._error is None:
                    log.exception("what is followed cannot be read")
                self._error = error
            await self._wake()
            if self._error:
                await asyncio.sleep(AGAIN)

    async def follow(
        self, about: EventFilter, after: int, until: int | None = None
    ) -> AsyncGenerator[Sequence[FollowedItem]]:
        """The items behind `after` that are asked about, as they come; none where there is none for SILENT_FOR.

        None as well where the notice has changed. It ends behind the position `until`, or when the process ends; before
        an `until` it is not ended as if it had come so far: ProcessEnds. Too many who follow: Trouble. A database that
        is away is waited for, but by those who want what is there and no more: what GONE or WRONG name.
        """
        wanting, position, loop = Wanting(about), after, asyncio.get_running_loop()
        with self._followed():
            self._came, row = self._came + 1, self._came % ROWS
            said, notice = loop.time(), self.head.notice
            while not self.head.ending and (until is None or position < until):
                if self._error:
                    raise self._error
                moved = self._moved[row]
                items, position = await self._next(about, wanting, position, until)
                left = said + SILENT_FOR - loop.time()
                if not items and left > 0 and notice == self.head.notice:
                    waits = until is None and position >= self._last
                    await (asyncio.shield(moved) if waits else asyncio.sleep(0))
                    continue
                with self._holding(items):
                    for some in _portions(items):
                        yield some
                said, notice = loop.time(), self.head.notice
            if until is not None and position < until:
                raise ProcessEnds

    def check_room(self) -> None:
        """Trouble if too many follow already."""
        if self.following >= MOST_FOLLOWING:
            detail = f"{MOST_FOLLOWING:,} follow already: poll /v1/events instead, or come back later"
            raise Trouble(503, "too_many_waiting", detail, Retry_After="10")

    @contextmanager
    def _holding(self, items: Sequence[FollowedItem]) -> Generator[None]:
        """Somebody holds what was given, until more is asked for."""
        more = sum(len(one.json) for one in items) > 2 * GIVEN_AT_ONCE
        self._given_more += more
        try:
            yield
        finally:
            self._given_more -= more

    async def _wake(self) -> None:
        """Let all who follow see what there is; whoever only reads has a turn after each row of them."""
        for row, moved in enumerate(self._moved):
            self._moved[row] = _promise()
            moved.set_result(None)
            await asyncio.sleep(PAUSE if self.following > ROWS else 0)

    @property
    def _last(self) -> int:
        return self._first + len(self._items)

    @contextmanager
    def _followed(self) -> Generator[None]:
        self.check_room()
        self.following += 1
        if self.following == 1:  # what was kept before may be far behind
            self._forget(self.head.size)
            self._error = None
            self._wanted.set()
        try:
            yield
        finally:
            self.following -= 1
            if not self.following:
                self._wanted.clear()

    def _forget(self, first: int) -> None:
        self._items, self._first, self._bytes, self._epoch = [], first, 0, self.head.erasure_epoch

    async def _read(self) -> None:
        """Take what was recorded since, and let go of the oldest for it, or of all where a text was erased."""
        if self._epoch != self.head.erasure_epoch:
            self._forget(self.head.size)
        first, size = self._first, self.head.size
        if size <= self._last:
            return
        async with self._lanes.acquire() as connection:
            items = await concerned(connection, self._last, size, self._concerns)
        if first != self._first or self._epoch != self.head.erasure_epoch:
            return  # forgotten meanwhile
        self._items += items
        self._bytes += sum(map(_weight, items))
        gone = 0
        while self._bytes > KEPT_BYTES:
            self._bytes -= _weight(self._items[gone])
            gone += 1
        del self._items[:gone]
        self._first += gone

    def _concerns(self, position: int) -> frozenset[str] | None:
        index = position - self._first - 1
        return self._items[index].concerns if 0 <= index < len(self._items) else None

    async def _next(self, about: EventFilter, wanting: Wanting, position: int, until: int | None) -> ItemsBehind:
        """The next items behind a position, perhaps none, and the position up to which they were looked for."""
        if until is None and position >= self._first:
            return self._kept(wanting, position)
        try:
            async with self._turns, self._lanes.acquire() as connection:
                most = MOST_READ_BYTES if self._given_more < MOST_GIVEN_MORE else GIVEN_AT_ONCE
                size = self.head.size if until is None else until
                return await items_behind(connection, about, position, size, most)
        except DATABASE:
            if until is not None:
                raise
            await asyncio.sleep(AGAIN)
            return ItemsBehind([], position)

    def _kept(self, wanting: Wanting, position: int) -> ItemsBehind:
        items, size = list[FollowedItem](), 0
        if self._epoch != self.head.erasure_epoch:
            return ItemsBehind(items, position)  # what is kept is about to be forgotten
        begin = position - self._first
        for index in range(begin, min(begin + MOST_LOOKED_AT, len(self._items))):
            item = self._items[index]
            position = item.position
            if wanting(item):
                items.append(item)
                size += len(item.json)
                if size >= GIVEN_AT_ONCE:
                    break
        return ItemsBehind(items, position)


def _portions(items: Sequence[FollowedItem]) -> Iterator[Sequence[FollowedItem]]:
    """What is given at a time, which is perhaps nothing: what serves us takes a part of any size for a client."""
    begin, size = 0, 0
    for end, item in enumerate(items):
        if size >= GIVEN_AT_ONCE:
            yield items[begin:end]
            begin, size = end, 0
        size += len(item.json)
    yield items[begin:]


def _promise() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def _weight(item: FollowedItem) -> int:
    return len(item.json) + ITEM_OVERHEAD


@asynccontextmanager
async def tailing(lanes: Lender, head: Head) -> AsyncGenerator[LogTail]:
    """The log's tail for as long as the block lasts."""
    tail = LogTail(lanes, head)
    task = asyncio.create_task(tail.run())
    try:
        yield tail
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
