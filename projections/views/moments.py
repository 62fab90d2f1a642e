"""When subjects came into the record, and when the record of each grew: the mementos that RFC 7089 lists, for one."""

from collections.abc import Sequence
from datetime import datetime

from events.database import Connection
from projections.table import SCHEMA
from projections.views.events import end_of

_SQL = """
SELECT DISTINCT recorded_at FROM events
WHERE position <= $1 AND (stream = $2 OR stream >= $3 COLLATE "C" AND stream < $4 COLLATE "C")
ORDER BY recorded_at
"""
_FOUNDED = "SELECT stream FROM events WHERE position > $1 AND position <= $2 AND version = 1 ORDER BY position"
_CONCERNED = f"""
SELECT (SELECT e.recorded_at FROM events e WHERE e.position = (
    SELECT c.position FROM {SCHEMA}.concerns c WHERE c.what = n.what AND c.position <= $1
    ORDER BY c.position DESC LIMIT 1))
FROM unnest($2::text[]) WITH ORDINALITY AS n(what, place) ORDER BY n.place
"""


async def moments_of(connection: Connection, position: int, stream: str, below: str) -> list[datetime]:
    """When facts were added to a stream, or to one whose name begins with `below`, up to `position`."""
    rows = await connection.fetch(_SQL, position, stream, below, end_of(below))
    return [row["recorded_at"] for row in rows]


async def founded(connection: Connection, after: int, position: int) -> list[str]:
    """The streams whose first facts are at the positions behind `after`, up to `position`, in that order."""
    return [row["stream"] for row in await connection.fetch(_FOUNDED, after, position)]


async def last_concerned(connection: Connection, position: int, streams: Sequence[str]) -> list[datetime]:
    """When the last fact up to `position` was recorded that concerns each of these subjects, which are in the record.

    A task is concerned by the reports on it, a plan by its tasks too, a unit by what names it.
    """
    return [row[0] for row in await connection.fetch(_CONCERNED, position, list(streams))]
