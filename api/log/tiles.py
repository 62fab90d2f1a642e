"""The log's tree and its entries as files that never change (C2SP tlog-tiles)."""

from litestar import get

from api.http.answers import Answer
from api.http.asking import NoParameters, asked
from api.http.paths import LogName, TilePath
from api.http.question import Ask
from api.log.asked import immutable, own_log
from api.services.problems import Trouble, echo, unknown_address
from events.database import Connection
from events.note import FormatError
from events.tiles import WIDTH, TilePlace, parse_tile_path, print_bundle, print_tile
from events.tree import hashes

_ENTRIES = "SELECT entry FROM events WHERE position > $1 AND position <= $2 ORDER BY position"


@get("/log/{log:str}/tile/{tile_:path}", include_in_schema=False)
async def tile(request: Ask, log: LogName, tile_: TilePath) -> Answer:
    """A tile of the tree, `<level>/<number>`, or a bundle of entries, `entries/<number>`; partial: `….p/<width>`."""
    asked(request.question.parameters, NoParameters)
    try:
        place = parse_tile_path(f"tile{tile_}")
    except FormatError as error:
        raise unknown_address(str(error)) from error
    await own_log(request, log)
    size = request.reader.head.size
    if place.end > size:
        raise Trouble(
            404, "not_found", f"the log holds {size} facts, and {echo(str(tile_))} begins or ends behind them"
        )
    async with request.reader.slices.acquire() as connection:
        return immutable(await _content(connection, place))


async def _content(connection: Connection, place: TilePlace) -> bytes:
    if place.level is not None:
        return print_tile(await hashes(connection, place.nodes()))
    first = place.number * WIDTH
    rows = await connection.fetch(_ENTRIES, first, first + place.width)
    return print_bundle([row["entry"] for row in rows])
