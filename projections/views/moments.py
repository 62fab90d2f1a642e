"""The moments at which the record of a subject grew: the mementos that RFC 7089 lists."""

from datetime import datetime

from events.database import Connection
from projections.views.events import end_of

_SQL = """
SELECT DISTINCT recorded_at FROM events
WHERE position <= $1 AND (stream = $2 OR stream >= $3 COLLATE "C" AND stream < $4 COLLATE "C")
ORDER BY recorded_at
"""


async def moments_of(connection: Connection, position: int, stream: str, below: str) -> list[datetime]:
    """When facts were added to a stream, or to one whose name begins with `below`, up to `position`."""
    rows = await connection.fetch(_SQL, position, stream, below, end_of(below))
    return [row["recorded_at"] for row in rows]
