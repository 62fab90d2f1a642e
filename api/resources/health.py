"""Whether it lives, and whether it can answer."""

import msgspec
from litestar import Response, get

from api.answers import Ask, reader
from api.documented import answers as documented


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
async def live() -> Response[bytes]:
    """The process runs."""
    return Response(msgspec.json.encode(Alive()), media_type="application/json", headers={"Cache-Control": "no-store"})


@get("/health/ready", responses=documented(Ready, 503), tags=["health"])
async def ready(request: Ask) -> Response[bytes]:
    """The database answers."""
    head = reader(request).head
    visible = head.size
    async with reader(request).pool.acquire() as connection:
        size: int = await connection.fetchval("SELECT size FROM log_head")
    body = msgspec.json.encode(Ready(size, visible, max(0, size - visible), head.listening, head.origin))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
