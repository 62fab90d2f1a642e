"""Whether it lives, and whether it can answer."""

import msgspec
from litestar import Response, get

from api.answers import Ask
from api.documented import answers as documented


class Alive(msgspec.Struct, frozen=True):
    """The process runs."""

    status: str = "alive"


class Ready(msgspec.Struct, frozen=True):
    """The database answers; `position` is the head of the log."""

    position: int
    origin: str
    status: str = "ready"


@get("/health/live", responses=documented(Alive), tags=["health"])
async def live() -> Response[bytes]:
    """The process runs."""
    return Response(msgspec.json.encode(Alive()), media_type="application/json", headers={"Cache-Control": "no-store"})


@get("/health/ready", responses=documented(Ready, 503), tags=["health"])
async def ready(request: Ask) -> Response[bytes]:
    """The database answers."""
    async with request.app.state.reader.pool.acquire() as connection:
        row = await connection.fetchrow("SELECT size, origin FROM log_head")
    body = msgspec.json.encode(Ready(row["size"], row["origin"]))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
