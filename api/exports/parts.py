"""A large export in parts: so many plans each, made by this process and another at once, joined in their order.

What a part holds depends on nothing but its plans, so the file is the same whoever makes it. On two cores, which
PostgreSQL shares, it was there 1.2 to 1.7 times sooner (`large-file-ndjson`).
"""

import asyncio
import fcntl
import logging
import os
from asyncio import Queue, Task
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import structs

from api.auditing.checked import cores
from api.exports.orders import Declined, Delivered, Filed, NotMade, Order, OrderOutcome
from api.exports.tables import JoiningSink, Unfit
from api.exports.workshop import Workshop, workshop
from api.hosting.logs import LogFormat
from api.http.formats import ExportForm
from api.services.problems import Trouble
from projections.exports import EXPORTS

PLANS_IN_PART: Final = 64
PLANS_EACH: Final = 600  # that a process must have to make: it starts in the time in which 300 are made
MOST_HANDS: Final = 2  # processes that make one export: they hold 110 MB each, and all of it may take 300
PART_WITHIN: Final = 200.0  # seconds that another process may take: three statements at their longest
PARTS_AHEAD: Final = 4  # for each hand: a slow one holds the others up
JOINED_AT_ONCE: Final = 1 << 20  # bytes, and what the last line has beyond them
_LINES: Final = frozenset({ExportForm.CSV, ExportForm.NDJSON, ExportForm.PARQUET})  # whose rows stand by themselves

Own = Callable[[Order], Awaitable[OrderOutcome]]
Hand = Callable[[Order], Awaitable[OrderOutcome | None]]  # None: it is there no more
Replies = Callable[[], Awaitable[OrderOutcome]]
log = logging.getLogger("planrecord")


def takes_parts(order: Order) -> bool:
    """Whether an order can be made in parts, of which it is none itself."""
    return bool(EXPORTS[order.export].of_plans) and order.form in _LINES and order.since is None and not order.plans


def part_orders(order: Order, plans: Sequence[str]) -> list[Order]:
    """The parts of an order, each in a file beside it."""
    return [
        structs.replace(order, path=f"{order.path}.{at}", plans=tuple(plans[at : at + PLANS_IN_PART]))
        for at in range(0, len(plans), PLANS_IN_PART)
    ]


async def made_in_parts(parts: Sequence[Order], form: JoiningSink, own: Own, log_format: LogFormat) -> int:
    """Have the parts made, and write them; how many items they hold.

    Another process helps where that pays, and is there no more when it is done, however it ends; one that fails is not
    asked again, and its part is made by `own`. What goes wrong there is raised.
    """
    count = 0
    try:
        async with _hands(parts, own, log_format) as hands, _making(parts, hands) as replies:
            for part in parts:
                filed = _filed(await replies())
                _write(Path(part.path), form)
                count += filed.items
    finally:
        _drop(parts)
    return count


def _drop(parts: Sequence[Order]) -> None:
    for one in parts:
        Path(one.path).unlink(missing_ok=True)


@asynccontextmanager
async def _hands(parts: Sequence[Order], own: Own, log_format: LogFormat) -> AsyncGenerator[Sequence[Hand]]:
    """Who makes the parts: this process, and others for as long as the block lasts.

    Of the processes that make exports in this folder one alone has others beside it.
    """
    others = min(cores(), MOST_HANDS, sum(len(one.plans) for one in parts) // PLANS_EACH) - 1
    async with AsyncExitStack() as stack:
        hands: list[Hand] = [own]
        if others > 0 and stack.enter_context(_claim(Path(parts[0].path).parent)):
            shops = [await stack.enter_async_context(workshop(log_format, apart=False)) for _ in range(others)]
            hands += map(_hand, shops)
        yield hands


@contextmanager
def _claim(folder: Path) -> Generator[bool]:
    """Whether the folder could be locked, for as long as the block lasts, or until the process ends."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(opened)


def _hand(shop: Workshop) -> Hand:
    async def made(part: Order) -> OrderOutcome | None:
        try:
            async with asyncio.timeout(PART_WITHIN):
                reply = await shop.carry_out(part)
        except (Trouble, OSError) as error:  # it has died, stands still, or could not be started
            reply = NotMade(detail=f"{type(error).__name__}: {error}", away=False)
        if isinstance(reply, NotMade):
            log.warning("another process could not make a part of an export: %s", reply.detail)
            return None
        return reply

    return made


@asynccontextmanager
async def _making(parts: Sequence[Order], hands: Sequence[Hand]) -> AsyncGenerator[Replies]:
    """Has the parts made by whichever hand is free; asked again and again, tells what became of the next."""
    free, rest, ahead = Queue[Hand](), iter(parts), deque[Task[OrderOutcome]]()
    for one in hands:
        free.put_nowait(one)

    async def made(part: Order) -> OrderOutcome:
        hand = await free.get()
        reply = await hand(part)
        if reply is None:
            return await made(part)
        free.put_nowait(hand)
        return reply

    async def following() -> OrderOutcome:
        missing = PARTS_AHEAD * len(hands) - len(ahead)
        ahead.extend(asyncio.create_task(made(one)) for one in islice(rest, missing))
        return await ahead.popleft()

    try:
        yield following
    finally:
        for one in ahead:
            one.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)


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


def _write(part: Path, form: JoiningSink) -> None:
    with part.open("rb") as file:
        while lines := file.readlines(JOINED_AT_ONCE):
            form.join(b"".join(lines))
    with suppress(OSError):
        part.unlink()
