"""Whether it lives, and whether it can answer."""

import msgspec
from litestar import get

from api.answers import Answer, now
from api.documented import answers as documented
from api.question import Ask


class Alive(msgspec.Struct, frozen=True):
    """The process runs."""

    status: str = "alive"


class Ready(msgspec.Struct, frozen=True):
    """The database answers. `position` is the head of the log, `visible` how much of it this process answers from.

    `listening`: it hears of each new fact; otherwise it asks before each answer. `behind`: facts that it does not show.
    """

    position: int
    visible: int
    behind: int
    listening: bool
    origin: str
    status: str = "ready"


@get("/health/live", responses=documented(Alive), tags=["health"])
async def live() -> Answer:
    """The process runs."""
    return now(msgspec.json.encode(Alive()))


@get("/health/ready", responses=documented(Ready, 503), tags=["health"])
async def ready(request: Ask) -> Answer:
    """The database answers."""
    head = request.reader.head
    visible = head.size
    async with request.reader.pool.acquire() as connection:
        size: int = await connection.fetchval("SELECT size FROM log_head")
    return now(msgspec.json.encode(Ready(size, visible, max(0, size - visible), head.listening, head.origin)))
