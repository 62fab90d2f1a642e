"""The tables built anew beside those that are read, and put in their place while everybody goes on.

The next tables stand in a schema of their own: filled by several processes from one snapshot of the log, then brought
up to what was appended meanwhile, the last of it under the head's lock, where both schemas change their names. That
takes no lock on a table: a statement that has begun ends on the old ones, the next finds the new ones by their names
(PostgreSQL plans what was prepared anew). Until then nothing has happened: a rebuild that was killed leaves a schema
that nobody reads, which the next one drops.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

from events.audit import Progress
from events.database import Connection, undisturbed
from events.streams import read_streams
from projections import concerns
from projections.agreeing import RANGES, Range, ranges
from projections.concerns import REQUEST_SPANS
from projections.crew import crew, done
from projections.runner import Filling, finish, is_current, make_tables, name_shape, names_of_tables, prepare, streams
from projections.slices import Tables
from projections.table import SCHEMA

NEXT: Final = f"{SCHEMA}_next"
OLD: Final = f"{SCHEMA}_old"
AT_ONCE: Final = 2_000  # facts of a record whose tables are made in one transaction: it takes less than a second
REBUILDING: Final = 2023032801  # the advisory lock of who rebuilds, one at a time,
LOOKING: Final = 2023032802  # and that of who looks at all tables at one moment, under whom they are not changed

FEW: Final = 200  # facts that are brought up while appends wait
ROUNDS: Final = 50  # in which it is tried to have no more
_TOUCHED: Final = "SELECT DISTINCT stream FROM events WHERE position > $1 AND position <= $2"
_STREAMS_AT_ONCE: Final = 100


@asynccontextmanager
async def unchanged(connection: Connection) -> AsyncGenerator[None]:
    """As long as the block lasts the tables are not put in the place of others.

    Whoever reads several statements at one moment would find tables that were not there at that moment, and empty. So
    this is entered before the transaction that is about the moment.
    """
    await connection.execute(f"SELECT pg_advisory_lock_shared({LOOKING})")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(f"SELECT pg_advisory_unlock_shared({LOOKING})")


async def bring_up(dsn: str, tables: Tables, progress: Progress = lambda _: None) -> bool:
    """Have the tables that this release reads; True if they had to be rebuilt."""
    async with undisturbed(dsn) as connection:
        if await connection.fetchval("SELECT size FROM log_head") <= AT_ONCE:
            return await prepare(connection, tables, progress)
        if await is_current(connection, tables):
            return False
        await rebuild(dsn, tables, progress, needed=True)
        return True


async def rebuild(dsn: str, tables: Tables, progress: Progress = lambda _: None, *, needed: bool = False) -> float:
    """Build the tables anew; for how many seconds appends had to wait.

    Where it is only done if `needed`, it may be that somebody else has done it when its turn comes.
    """
    async with undisturbed(dsn) as connection:
        await connection.execute(f"SELECT pg_advisory_lock({REBUILDING})")  # until this connection ends, or we do
        if needed and await is_current(connection, tables):
            return 0.0
        await connection.execute(f"DROP SCHEMA IF EXISTS {OLD} CASCADE")
        await make_tables(connection, NEXT)
        size = await _fill(dsn, progress)
        for _ in range(ROUNDS):
            before, size = size, await _catch_up(connection, tables, size)
            if size - before <= FEW:
                break
        waited = await _change(connection, tables, size)
        await connection.execute(f"DROP SCHEMA {OLD} CASCADE")
        return waited


async def _fill(dsn: str, progress: Progress) -> int:
    """Fill the next tables from the log as it is now; its size."""
    async with (
        undisturbed(dsn) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        snapshot: str = await connection.fetchval("SELECT pg_export_snapshot()")
        size: int = await connection.fetchval("SELECT size FROM log_head")
        async with crew(dsn, snapshot, progress) as others:
            parts = [others.send(_range_part, dsn, own, size) for own in await ranges(connection, size, RANGES)]
            await done([others.send(_spans_part, dsn, size), *parts])
            await done([others.send(_finish_part, dsn, name) for name in await _largest_first(connection)])
    return size


async def _largest_first(connection: Connection) -> list[str]:
    """The tables, those first that take long, so that nobody waits long for the last."""
    sizes = {name: await connection.fetchval(f"SELECT pg_relation_size('{NEXT}.{name}')") for name in names_of_tables()}
    return sorted(sizes, key=lambda name: -sizes[name])


@asynccontextmanager
async def _hasty(dsn: str) -> AsyncGenerator[Connection]:
    """A connection whose commits wait for no disk: what is lost was nobody's, and the last commit waits for all."""
    async with undisturbed(dsn) as writing:
        await writing.execute("SET synchronous_commit = off")
        yield writing


async def _range_part(connection: Connection, progress: Progress, dsn: str, own: Range, size: int) -> None:
    """Fill the tables with the rows of a range."""
    from projections.views.subjects import TABLES  # noqa: PLC0415 - tables cannot be sent, and views know this module

    async with _hasty(dsn) as writing:
        filling = Filling(writing, [table for table in TABLES if table.kind == own.kind], NEXT)
        async for facts in streams(connection, size, *own.names):
            await filling.add(facts)
            progress(len(facts))
        await filling.end()


async def _finish_part(_: Connection, __: Progress, dsn: str, name: str) -> None:
    """Make the key and the indexes of a table that is full."""
    async with undisturbed(dsn) as writing:
        await finish(writing, NEXT, name)


async def _spans_part(connection: Connection, _: Progress, dsn: str, size: int) -> None:
    spans = await concerns.request_spans(connection, size)
    async with _hasty(dsn) as writing:
        await concerns.copy(writing, REQUEST_SPANS, spans, NEXT)


async def _catch_up(connection: Connection, tables: Tables, since: int) -> int:
    """Bring the next tables up from one size of the log to what it is now, which is given back."""
    async with connection.transaction():
        size: int = await connection.fetchval("SELECT size FROM log_head")
        touched = [row["stream"] for row in await connection.fetch(_TOUCHED, since, size)]
        for at in range(0, len(touched), _STREAMS_AT_ONCE):
            await _redo(connection, tables, touched[at : at + _STREAMS_AT_ONCE], since, size)
        await concerns.copy(connection, REQUEST_SPANS, await concerns.request_spans(connection, size, since), NEXT)
        return size


async def _redo(connection: Connection, tables: Tables, names: list[str], since: int, size: int) -> None:
    """Put the rows of these streams anew: facts came to them."""
    filling = Filling(connection, tables, NEXT)
    for stream, known in (await read_streams(connection, names)).items():
        facts = [one for one in known if one.position <= size]
        kind, _, subject = stream.partition(":")
        for table in tables:
            if table.kind == kind:
                await connection.execute(
                    f"DELETE FROM {NEXT}.{table.name} WHERE key = $1 OR (key > $1 || '/' AND key < $1 || '0')", subject
                )
        await filling.add(facts, sum(one.position > since for one in facts))
    await filling.end()


async def _change(connection: Connection, tables: Tables, since: int) -> float:
    """Put the next tables in the place of those that are read; for how long appends had to wait."""
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({LOOKING})")
        begun = perf_counter()
        await connection.execute("SELECT 1 FROM log_head FOR UPDATE")  # nobody appends from now on
        await _catch_up(connection, tables, since)
        if await connection.fetchval("SELECT to_regnamespace($1)", SCHEMA):
            await connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {OLD}")
        else:
            await connection.execute(f"CREATE SCHEMA {OLD}")
        await connection.execute(f"ALTER SCHEMA {NEXT} RENAME TO {SCHEMA}")
        await name_shape(connection, tables)
    return perf_counter() - begun
