"""A large export in parts: so many plans each, made by several processes at once and joined in the order of the plans.

What a part holds depends on nothing but its plans, so the file is the same however many make it. On two cores, which
PostgreSQL shares, it was there 1.2 to 1.7 times sooner (`large-file-ndjson`).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

from msgspec import structs

from api.exports.orders import Declined, Delivered, Filed, NotMade, Order, OrderOutcome
from api.exports.tables import Sink, Unfit
from api.exports.workshop import Workshop, workshop
from api.hosting.logs import LogFormat
from api.http.formats import ExportForm
from api.services.problems import Trouble
from projections.exports import EXPORTS

PLANS_IN_PART: Final = 32
MOST_HANDS: Final = 4  # processes that make one export: as many as there are cores, and no more
JOINED_AT_ONCE: Final = 1 << 20  # bytes
_LINES: Final = frozenset({ExportForm.CSV, ExportForm.NDJSON, ExportForm.PARQUET})  # whose rows stand by themselves

Hand = Callable[[Order], Awaitable[OrderOutcome]]


def takes_parts(order: Order) -> bool:
    """Whether an order can be made in parts, of which it is none itself."""
    return bool(EXPORTS[order.export].of_plans) and order.form in _LINES and order.since is None and not order.plans


def part_orders(order: Order, plans: Sequence[str]) -> list[Order]:
    """The parts of an order, each in a file beside it."""
    return [
        structs.replace(order, path=f"{order.path}.{at}", plans=tuple(plans[at : at + PLANS_IN_PART]))
        for at in range(0, len(plans), PLANS_IN_PART)
    ]


async def made_in_parts(parts: Sequence[Order], form: Sink, own: Hand, log_format: LogFormat) -> int:
    """Have the parts made by this process and others, and write them; how many items they hold.

    The others are there no more when it is done. Whatever goes wrong with one part is raised.
    """
    count = 0
    async with AsyncExitStack() as stack:
        others = min(len(os.sched_getaffinity(0)), MOST_HANDS, len(parts)) - 1
        shops = [await stack.enter_async_context(workshop(log_format)) for _ in range(others)]
        try:
            async for part, filed in _in_order(parts, [own, *map(_hand, shops)]):
                _write(Path(part.path), form)
                count += filed.items
        finally:
            _drop(parts)
    return count


def _drop(parts: Sequence[Order]) -> None:
    for one in parts:
        Path(one.path).unlink(missing_ok=True)


def _hand(shop: Workshop) -> Hand:
    async def made(part: Order) -> OrderOutcome:
        try:
            return await shop.carry_out(part)
        except Trouble as trouble:  # the process has died, or stands still
            return NotMade(detail=str(trouble), away=False)

    return made


async def _in_order(parts: Sequence[Order], hands: Sequence[Hand]) -> AsyncIterator[tuple[Order, Filed]]:
    """The parts as they are made, each by whichever hand is free, the first of them first."""
    replies = [asyncio.get_running_loop().create_future() for _ in parts]
    ahead = asyncio.Semaphore(2 * len(hands))  # parts that lie there: a slow one holds the others up
    turns = zip(parts, replies, strict=True)

    async def work(hand: Hand) -> None:
        for part, reply in turns:
            await ahead.acquire()
            reply.set_result(await hand(part))

    workers = [asyncio.create_task(work(hand)) for hand in hands]
    try:
        for part, reply in zip(parts, replies, strict=True):
            yield part, _filed(await reply)
            ahead.release()
    finally:
        for one in workers:
            one.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def _filed(reply: OrderOutcome) -> Filed:
    match reply:
        case Delivered(filed=filed):
            return filed
        case Declined(code=code, detail=detail):
            raise Unfit(code, detail)
        case NotMade(detail=detail, away=True):
            raise ConnectionError(detail)
        case NotMade(detail=detail):
            raise RuntimeError(f"a part was not made: {detail}")


def _write(part: Path, form: Sink) -> None:
    with part.open("rb") as file:
        while rows := file.read(JOINED_AT_ONCE):
            form.join(rows)
    with suppress(OSError):
        part.unlink()
