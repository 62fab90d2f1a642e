"""Whether it lives, and whether it can answer."""

import asyncio

import msgspec
from litestar import get

from api.hosting.publishing import Published
from api.http.answers import Answer, now
from api.http.documented import answers as documented
from api.http.question import Ask
from api.services.problems import Trouble, trouble
from events.database import GONE, PATIENCE, Connection
from events.head import Head
from events.log import Log
from events.proposal import DiskFull, OtherShape


class Alive(msgspec.Struct, frozen=True):
    """The process runs."""

    status: str = "alive"


class Ready(msgspec.Struct, frozen=True, rename="camel"):
    """The database answers. `position` is the head of the log, `visible` how much of it this process answers from.

    `listening`: it hears of each new fact; otherwise it asks before each answer. `behind`: facts that it does not show.
    `signed`: how much of the log its publisher has signed (null: nobody signs it), `signingLag`: for how many seconds
    it has held more, `signingRefused`: why it is not signed, while it is not.
    """

    position: int
    visible: int
    behind: int
    listening: bool
    origin: str
    signed: int | None
    signing_lag: float
    signing_refused: str | None
    status: str = "ready"


@get("/health/live", responses=documented(Alive), tags=["health"])
async def live() -> Answer:
    """The process runs."""
    return now(msgspec.json.encode(Alive()))


@get("/health/ready", responses=documented(Ready, 503), tags=["health"])
async def ready(request: Ask) -> Answer:
    """The database answers, has room, and this process hears of what is recorded; else 503 says what is wrong."""
    head = request.reader.head
    visible = head.size
    try:
        async with asyncio.timeout(PATIENCE), request.reader.pool.acquire() as connection:
            log: Log = request.app.state.log
            size = await _size(connection, log)
            await log.seek_room(connection)
    except (*GONE, DiskFull, OtherShape) as error:
        what = trouble(error)
        what.detail += _unheard(head)
        raise what from error
    if head.deaf:
        detail = f"the log holds {size} facts, this process shows {visible} and asks before each answer{_unheard(head)}"
        raise Trouble(503, "behind", detail, Retry_After="2")
    published: Published = request.app.state.published
    signed = published.size, round(published.lag, 3), published.refusal
    return now(msgspec.json.encode(Ready(size, visible, max(0, size - visible), head.listening, head.origin, *signed)))


async def _size(connection: Connection, log: Log) -> int:
    """How many facts there are; OtherShape if the tables are another release's by now."""
    row = await connection.fetchrow("SELECT size, shape FROM log_head")
    assert row is not None  # noqa: S101 - migrate() has made the one row
    if row["shape"] != log.shape:
        raise OtherShape
    return row["size"]


def _unheard(head: Head) -> str:
    """For how long this process has heard nothing, if that is longer than it should be."""
    return f"; for {head.unheard:.0f} s nothing was heard of the log" if head.deaf else ""
