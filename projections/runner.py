"""The tables as a whole: made, rebuilt from the log, verified against it."""

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from domain.fact import tag
from events import codec, merkle
from events.database import Connection
from events.recorded import Recorded
from projections.slices import Tables, slices
from projections.table import METADATA, SCHEMA, SliceTable
from projections.writer import column_names, quoted, record

Progress = Callable[[int], None]  # told how many facts were gone through since it was last told
_STREAMS: Final = "SELECT entry FROM events WHERE position <= $1 ORDER BY stream, version"


def shape(tables: Tables) -> str:
    """A fingerprint of the tables' definitions: when it changes they are rebuilt."""
    return sha256("\n".join([*ddl(), *(f"{one.name} {one.version}" for one in tables)]).encode()).hexdigest()


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
        await connection.execute(f"INSERT INTO {SCHEMA}.shape VALUES ($1)", shape(tables))
        await _fill(connection, tables, progress)
        await connection.execute("ANALYZE")  # before anybody asks: autovacuum would take its time
        return True


async def is_current(connection: Connection, tables: Tables) -> bool:
    """Whether the tables are there and have the shape that this release gives them."""
    there = await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.shape")
    return bool(there) and await connection.fetchval(f"SELECT fingerprint FROM {SCHEMA}.shape") == shape(tables)


async def _fill(connection: Connection, tables: Tables, progress: Progress) -> None:
    by_name = {table.name: table for table in tables}
    rows: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in tables}
    size = await connection.fetchval("SELECT size FROM log_head")
    async for stream, facts in streams(connection, size):
        for one in slices(tables, stream, facts):
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


class Difference(Exception):
    """The first place where the log and what is kept beside it do not agree."""


class Verified(msgspec.Struct, frozen=True):
    """What was found to agree: facts in the log, slices in the tables, and the root hash of the log, in hex."""

    position: int
    slices: int
    root: str


async def verify(connection: Connection, tables: Tables, progress: Progress = lambda _: None) -> Verified:
    """Read the log leaf by leaf, hash it, refold it, compare every table; Difference names the first that differs."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        head = await connection.fetchrow("SELECT size, frontier FROM log_head")
        assert head is not None  # noqa: S101 - migrate() has made the one row
        frontier = await _verify_leaves(connection, head["size"], progress)
        if frontier != tuple(head["frontier"]):
            raise Difference(f"the root of the {head['size']} leaves is not the one that the log's head keeps")
        expected: dict[str, set[tuple[Any, ...]]] = {table.name: set() for table in tables}
        async for stream, facts in streams(connection, head["size"]):
            for one in slices(tables, stream, facts):
                expected[one.table].add(record(one))
            progress(len(facts))
        for table in tables:
            await _verify_table(connection, table, expected[table.name])
        return Verified(head["size"], sum(map(len, expected.values())), merkle.root(frontier).hex())


async def _verify_leaves(connection: Connection, size: int, progress: Progress) -> merkle.Frontier:
    frontier: merkle.Frontier = ()
    position = 0
    last: Recorded | None = None
    async for row in connection.cursor("SELECT * FROM events ORDER BY position", prefetch=1_000):
        position += 1
        try:
            leaf = codec.decode(row["entry"])
        except codec.LeafError as error:
            raise Difference(f"the leaf at position {row['position']} is unreadable: {error}") from error
        kept = (row["position"], row["stream"], row["version"], row["type"], row["recorded_at"], row["undoes"])
        said = (position, leaf.stream, leaf.version, tag(leaf.fact), leaf.recorded_at, leaf.undoes)
        if kept != said or leaf.position != position or row["refers"] != list(leaf.refers):
            raise Difference(f"position {row['position']}: the columns say {kept}, the leaf says {said}")
        if last and leaf.recorded_at < last.recorded_at:
            raise Difference(f"position {position} was recorded before position {position - 1}")
        frontier = merkle.extend(frontier, position - 1, [row["entry"]])
        last = leaf
        progress(1)
    if position != size:
        raise Difference(f"the head says {size} facts, the log holds {position}")
    return frontier


async def _verify_table(connection: Connection, table: SliceTable, expected: set[tuple[Any, ...]]) -> None:
    rows = await connection.fetch(f"SELECT {quoted(table)} FROM {SCHEMA}.{table.name}")
    kept = {tuple(row) for row in rows}
    if kept == expected and len(rows) == len(kept):
        return
    one = min(kept ^ expected, key=lambda row: (row[0], row[1], row[3]), default=None)
    if one is None:
        raise Difference(f"table {table.name} holds a slice twice")
    where = f"table {table.name}, key {one[0]}, positions {one[1]} to {one[2]}, days {one[3]} to {one[4]}"
    raise Difference(
        f"{where}: {'the table has what the log does not say' if one in kept else 'missing'}: {one[-2].decode()}"
    )
