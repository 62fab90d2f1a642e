"""The tables as a whole: made, rebuilt from the log, verified against it."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from events import codec
from events.audit import Disagreement, Progress, audit
from events.database import Connection
from events.recorded import Recorded
from events.steps import at_once
from projections.slices import Slice, Tables, slice_changes, slices
from projections.table import METADATA, SCHEMA, SliceTable
from projections.writer import column_names, quoted, record

_STREAMS: Final = "SELECT entry FROM events WHERE position <= $1 ORDER BY stream, version"


def shape_of(tables: Tables) -> str:
    """A fingerprint of the tables' definitions, their documents' fields included: when it changes they are rebuilt."""
    documents = [f"{one.name} {one.version} {msgspec.json.schema(one.doc)}" for one in tables]
    return sha256("\n".join([*ddl(), *documents]).encode()).hexdigest()


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
    size = await connection.fetchval("SELECT size FROM log_head")
    async for stream, facts in streams(connection, size):
        for one in at_once(slice_changes(tables, stream, facts, len(facts))):
            if isinstance(one, Slice):  # nothing is closed that was open before the first fact
                rows[one.table].append(record(one))
        progress(len(facts))
        for name, waiting in rows.items():
            if len(waiting) >= 10_000:  # noqa: PLR2004 - bounds memory, nothing more
                await _copy(connection, by_name[name], waiting)
                waiting.clear()
    for name, waiting in rows.items():
        await _copy(connection, by_name[name], waiting)


async def _copy(connection: Connection, table: SliceTable, rows: list[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table(table.name, schema_name=SCHEMA, records=rows, columns=column_names(table))


async def streams(connection: Connection, size: int) -> AsyncIterator[tuple[str, list[Recorded]]]:
    """Every stream of the log of that size with its facts in order; inside a transaction."""
    stream, facts = "", list[Recorded]()
    async for row in connection.cursor(_STREAMS, size, prefetch=1_000):
        one = codec.decode_trusted(row["entry"])
        if one.stream != stream and facts:
            yield stream, facts
            facts = []
        stream = one.stream
        facts.append(one)
    if facts:
        yield stream, facts


class Verified(msgspec.Struct, frozen=True):
    """What was found to agree: facts in the log, slices in the tables, and the root hash of the log, in hex."""

    position: int
    slices: int
    root: str


async def verify(connection: Connection, tables: Tables, progress: Progress = lambda _: None) -> Verified:
    """Read the log leaf by leaf, hash it, refold it, compare every table; Disagreement names the first that differs."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        log = await audit(connection, progress)
        expected: dict[str, set[tuple[Any, ...]]] = {table.name: set() for table in tables}
        async for stream, facts in streams(connection, log.size):
            for one in slices(tables, stream, facts):
                expected[one.table].add(record(one))
            progress(len(facts))
        for table in tables:
            await _verify_table(connection, table, expected[table.name])
        return Verified(log.size, sum(map(len, expected.values())), log.root.hex())


async def _verify_table(connection: Connection, table: SliceTable, expected: set[tuple[Any, ...]]) -> None:
    rows = await connection.fetch(f"SELECT {quoted(table)} FROM {SCHEMA}.{table.name}")
    kept = {tuple(row) for row in rows}
    if kept == expected and len(rows) == len(kept):
        return
    one = min(kept ^ expected, key=lambda row: (row[0], row[1], row[3]), default=None)
    if one is None:
        raise Disagreement(f"table {table.name} holds a slice twice")
    where = f"table {table.name}, key {one[0]}, positions {one[1]} to {one[2]}, days {one[3]} to {one[4]}"
    how = "the table has what the log does not say" if one in kept else "missing"
    raise Disagreement(f"{where}: {how}: {one[-2].decode(errors='replace')}")
