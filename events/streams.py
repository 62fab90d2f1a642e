"""The log as it is read by stream: what a command is decided on."""

from collections.abc import Iterable
from datetime import datetime

from events import codec
from events.database import Connection, statement
from events.proposal import Appended, IdempotencyKey, replay
from events.recorded import Recorded
from events.steps import in_steps


async def read_streams(connection: Connection, streams: Iterable[str]) -> dict[str, list[Recorded]]:
    """All facts of each stream, in order; an empty list for a stream that has none."""
    facts: dict[str, list[Recorded]] = {stream: [] for stream in streams}
    rows = await connection.fetch(
        "SELECT entry FROM events WHERE stream = ANY($1::text[]) ORDER BY position", list(facts)
    )
    async for row in in_steps(rows):
        one = codec.decode_trusted(row["entry"])
        facts[one.stream].append(one)
    return facts


async def find_request(connection: Connection, actor: str, idempotency: IdempotencyKey) -> Appended | None:
    """What an earlier request with the same key recorded, if there was one; KeyReused if it had another body."""
    rows = await connection.fetch(statement("conditions"), [], [], [actor], [idempotency.key], [], [])
    return replay(idempotency, rows[0]["body_hmac"], rows[0]["positions"]) if rows else None


async def naming(connection: Connection, stream: str) -> frozenset[int]:
    """Where live facts of other streams name the subject of `stream`: of very many not all positions."""
    rows = await connection.fetch(statement("conditions"), [], [stream], [], [], [], [])
    return frozenset(row["number"] for row in rows)


async def streams_naming(connection: Connection, stream: str) -> frozenset[str]:
    """The streams of other subjects whose facts name the subject of `stream`, whether they are live or not."""
    rows = await connection.fetch(
        "SELECT DISTINCT stream FROM events WHERE refers @> ARRAY[$1] AND stream <> $1", stream
    )
    return frozenset(row["stream"] for row in rows)


async def head_now(connection: Connection) -> tuple[int, datetime]:
    """The size of the log and the present moment: the database's clock, or the demo's."""
    row = await connection.fetchrow("SELECT size, coalesce(demo_now, clock_timestamp()) AS now FROM log_head")
    assert row is not None  # noqa: S101 - migrate() has made the one row
    return row["size"], row["now"]
