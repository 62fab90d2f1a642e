"""`python -m api.exports.making text|json`: makes exports beside the server, so that no reader waits for one.

It takes an order a line on standard input and answers each with a line, one after the other; it ends with its input,
and so with the server. Its moment, its rows and its lists are those of every read.
"""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from api.exports.items import changed, items, plans_at
from api.exports.orders import Declined, Delivered, Filed, NotMade, Order, OrderOutcome
from api.exports.parts import made_in_parts, part_orders, takes_parts
from api.exports.tables import JoiningSink, Sink, Unfit, sha256_of, too_large, writing
from api.hosting.logs import LogFormat, begin_to_log
from api.services.reader import Reader
from events.database import GONE, PATIENCE, PLANNED_ONCE, WRONG, Connection, Lanes, close, connect
from events.head import Head
from projections.exports import EXPORTS
from projections.memory import Memory

MEMORY: Final = 180_000_000  # bytes where it reads lists,
LARGEST: Final = 90_000_000  # of which all units may take so many: what every page shares is put together once
MEMORY_OF_PARTS: Final = 60_000_000  # and where each thing is read once, with those that others show
LONGEST_STATEMENT: Final = 65.0  # seconds
PATIENT: Final = PLANNED_ONCE | {"statement_timeout": "60s"}
NICE: Final = 10  # who reads comes first

log = logging.getLogger("planrecord")


class Lane:
    """One connection, for one who reads: its statements may take longer than a reader's who is waited for."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        """The connection, or a new one where that is in doubt."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, PATIENT, LONGEST_STATEMENT, within=PATIENCE)
        try:
            yield self._connection
        except BaseException:
            self._connection.terminate()
            raise

    async def close(self) -> None:
        """Take leave."""
        if self._connection:
            await close(self._connection)


class Maker:
    """Makes what is ordered; its connection is kept from one order to the next."""

    def __init__(self, log_format: LogFormat) -> None:
        self._log_format: LogFormat = log_format
        self._lanes: list[Lane] = []
        self._readers: dict[tuple[str, bool], Reader] = {}

    async def reply(self, order: Order) -> OrderOutcome:
        """The order carried out, or why not; nothing is left of what is not whole."""
        try:
            return _done(order, await self._written(order))
        except Unfit as unfit:
            _drop(order)
            return Declined(code=unfit.code, detail=str(unfit))
        except asyncio.CancelledError:
            _drop(order)
            raise
        except Exception as error:
            _drop(order)
            log.warning("an export was not made: %s.%s", order.export, order.form, exc_info=True)
            return NotMade(detail=f"{type(error).__name__}: {error}", away=isinstance(error, (*GONE, *WRONG)))

    async def _written(self, order: Order) -> int:
        reader = self._reader(order.dsn, once=EXPORTS[order.export].of_plans is not None)
        with writing(order) as form:
            parts = part_orders(order, await self._plans(reader, order)) if takes_parts(order) else []
            if isinstance(form, JoiningSink) and len(parts) > 1:
                count = await made_in_parts(parts, form, self.reply, self._log_format)
            else:
                count = await _listed(reader, order, form)
            form.end()
        return count

    async def _plans(self, reader: Reader, order: Order) -> Sequence[str]:
        return [order.plan] if order.plan is not None else await plans_at(reader, order.moment)

    def _reader(self, dsn: str, *, once: bool) -> Reader:
        if (dsn, once) not in self._readers:
            lane, head = Lane(dsn), Head(Lanes(dsn, 1, PLANNED_ONCE))  # of which nothing is asked: moments are ordered
            self._lanes.append(lane)
            memory = Memory(MEMORY_OF_PARTS, MEMORY_OF_PARTS // 3) if once else Memory(MEMORY, LARGEST)
            self._readers[dsn, once] = Reader(lane, lane, head, "", memory)
        return self._readers[dsn, once]

    async def close(self) -> None:
        """Take leave of the database."""
        for lane in self._lanes:
            await lane.close()


def _done(order: Order, items: int) -> Delivered:
    path = Path(order.path)
    size = path.stat().st_size
    if size > order.most:
        raise too_large(order.most)
    return Delivered(filed=Filed(size=size, sha256=sha256_of(path), items=items))


async def _listed(reader: Reader, order: Order, form: Sink) -> int:
    """Have all items written, or those that changed; how many they are."""
    export, count = EXPORTS[order.export], 0
    if order.since is None:
        batches = items(reader, export, order.plan, order.moment, order.plans)
    else:
        batches = changed(reader, export, order.plan, order.since, order.moment)
    async for batch in batches:
        form.write(batch)
        count += len(batch)
    return count


def _drop(order: Order) -> None:
    Path(order.path).unlink(missing_ok=True)


async def serve_orders(log_format: LogFormat) -> None:
    """Carry out orders until there are no more: who orders has then gone, and wants nothing any more."""
    maker, line = Maker(log_format), await _line()
    while line:
        ahead = asyncio.create_task(_line())
        made = asyncio.create_task(maker.reply(msgspec.json.decode(line, type=Order)))
        gc.disable()  # of what an order makes nothing refers to itself: looking for that took a quarter of the time
        await asyncio.wait({ahead, made}, return_when=asyncio.FIRST_COMPLETED)
        gc.enable()
        if not made.done():
            made.cancel()
            await asyncio.wait({made})
            break
        sys.stdout.buffer.write(msgspec.json.encode(made.result()) + b"\n")
        sys.stdout.buffer.flush()
        line = await ahead
    await maker.close()


async def _line() -> bytes:
    return await asyncio.to_thread(sys.stdin.buffer.readline)


if __name__ == "__main__":
    os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    log_format: LogFormat = "json" if sys.argv[1:] == ["json"] else "text"
    begin_to_log(log_format)
    asyncio.run(serve_orders(log_format))
