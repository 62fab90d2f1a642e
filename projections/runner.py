"""The tables as a whole: made, and rebuilt from the log."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from events import codec
from events.audit import Progress
from events.database import Connection
from events.recorded import Recorded
from events.steps import at_once
from projections import concerns
from projections.concerns import CONCERNS, REQUEST_SPANS, RULE, Concern
from projections.fold import RULES_VERSION
from projections.slices import Slice, Tables, slice_changes
from projections.table import METADATA, SCHEMA, SliceTable
from projections.writer import column_names, record

ROWS_HELD: Final = 10_000  # rows that are held while tables are filled
_STREAMS: Final = "SELECT entry FROM events WHERE position <= $1 ORDER BY stream, version"


def shape_of(tables: Tables) -> str:
    """A fingerprint of the rules and of the tables' definitions, fields included: when it changes they are rebuilt."""
    documents = [f"{one.name} {one.version} {msgspec.json.schema(one.doc)}" for one in tables]
    return sha256("\n".join([f"rules {RULES_VERSION}", RULE, *ddl(), *documents]).encode()).hexdigest()


def ddl() -> list[str]:
    """The statements that make the tables."""
    dialect = postgresql.dialect()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportAttributeAccessIssue]
    made: list[str] = []
    for table in METADATA.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made.extend(
            str(CreateIndex(index).compile(dialect=dialect))
            for index in sorted(table.indexes, key=lambda one: str(one.name))
        )
    return made


async def prepare(connection: Connection, tables: Tables, progress: Progress = lambda _: None) -> bool:
    """Have the tables that this release reads; True if they had to be rebuilt."""
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM log_head FOR UPDATE")  # nobody appends meanwhile
        if await is_current(connection, tables):
            return False
        await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        for statement in ddl():
            await connection.execute(statement)
        await connection.execute(f"CREATE TABLE {SCHEMA}.shape (fingerprint text NOT NULL)")
        await connection.execute(f"INSERT INTO {SCHEMA}.shape VALUES ($1)", shape_of(tables))
        await _fill(connection, tables, progress)
        await connection.execute("ANALYZE")  # before anybody asks: autovacuum would take its time
        return True


async def is_current(connection: Connection, tables: Tables) -> bool:
    """Whether the tables are there and have the shape that this release gives them."""
    there = await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.shape")
    return bool(there) and await connection.fetchval(f"SELECT fingerprint FROM {SCHEMA}.shape") == shape_of(tables)


async def _fill(connection: Connection, tables: Tables, progress: Progress) -> None:
    by_name = {table.name: table for table in tables}
    rows: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in tables}
    about = list[Concern]()
    size = await connection.fetchval("SELECT size FROM log_head")
    async for stream, facts in streams(connection, size):
        for one in at_once(slice_changes(tables, stream, facts, len(facts))):
            if isinstance(one, Slice):  # nothing is closed that was open before the first fact
                rows[one.table].append(record(one))
        about += concerns.concerns(facts, len(facts))
        if len(about) >= ROWS_HELD:
            await concerns.copy(connection, CONCERNS, about)
            about.clear()
        progress(len(facts))
        for name, waiting in rows.items():
            if len(waiting) >= ROWS_HELD:
                await _copy(connection, by_name[name], waiting)
                waiting.clear()
    for name, waiting in rows.items():
        await _copy(connection, by_name[name], waiting)
    await concerns.copy(connection, CONCERNS, about)
    await concerns.copy(connection, REQUEST_SPANS, await concerns.request_spans(connection, size))


async def _copy(connection: Connection, table: SliceTable, rows: list[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table(table.name, schema_name=SCHEMA, records=rows, columns=column_names(table))


async def streams(
    connection: Connection, size: int, *, doubted: bool = False
) -> AsyncIterator[tuple[str, list[Recorded]]]:
    """Every stream of the log of that size with its facts in order; inside a transaction.

    A leaf that cannot be read is LeafError, or left out where the log is `doubted`.
    """
    stream, facts = "", list[Recorded]()
    async for row in connection.cursor(_STREAMS, size, prefetch=1_000):
        try:
            one = codec.decode_trusted(row["entry"])
        except codec.LeafError:
            if doubted:
                continue
            raise
        if one.stream != stream and facts:
            yield stream, facts
            facts = []
        stream = one.stream
        facts.append(one)
    if facts:
        yield stream, facts
