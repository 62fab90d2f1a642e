"""The tables as a whole: made, and rebuilt from the log."""

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from events import codec
from events.audit import WINDOW, Progress
from events.database import Connection
from events.recorded import Recorded
from events.steps import at_once
from projections import concerns
from projections.concerns import CONCERNS, REQUEST_SPANS, RULE, Concern
from projections.fold import RULES_VERSION
from projections.slices import Slice, Tables, shown, slice_changes
from projections.table import METADATA, SCHEMA
from projections.writer import column_names, record

ROWS_HELD: Final = 2_000  # rows that are held while tables are filled
LAST: Final = "\U0010ffff"  # behind every name
_STREAMS: Final = """
    SELECT entry FROM events WHERE position <= $1 AND stream >= $2 AND stream < $3 ORDER BY stream, version
"""
_SCHEMA: Final = f"{SCHEMA}."
_DIALECT: Final = postgresql.dialect()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportAttributeAccessIssue]


def shape_of(tables: Tables) -> str:
    """A fingerprint of the rules and of the tables' definitions, fields included: when it changes they are rebuilt."""
    documents = [f"{one.name} {one.version} {msgspec.json.schema(one.doc)}" for one in tables]
    return sha256("\n".join([f"rules {RULES_VERSION}", RULE, *ddl(), *documents]).encode()).hexdigest()


def ddl() -> list[str]:
    """The statements that make the tables and their indexes."""
    return [*table_ddl(), *(statement for table in _tables() for statement in _index_ddl(table, SCHEMA))]


def table_ddl(schema: str = SCHEMA) -> list[str]:
    """The statements that make the tables in a schema, with their keys."""
    return [str(CreateTable(one).compile(dialect=_DIALECT)).replace(_SCHEMA, f"{schema}.") for one in _tables()]


def _index_ddl(table: sa.Table, schema: str) -> list[str]:
    """The statements that make the indexes of a table."""
    indexes = sorted(table.indexes, key=lambda one: str(one.name))
    return [str(CreateIndex(one).compile(dialect=_DIALECT)).replace(_SCHEMA, f"{schema}.") for one in indexes]


def _tables() -> list[sa.Table]:
    return METADATA.sorted_tables


async def prepare(connection: Connection, tables: Tables, progress: Progress = lambda _: None) -> bool:
    """Have the tables that this release reads, in one transaction; True if they had to be rebuilt.

    For one at a time (`in_turn`).
    """
    if await is_current(connection, tables):
        return False
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM log_head FOR UPDATE")  # nobody appends meanwhile
        await make_tables(connection, SCHEMA)
        size = await connection.fetchval("SELECT size FROM log_head")
        filling = Filling(connection, tables, SCHEMA)
        async for facts in streams(connection, size):
            await filling.add(facts)
            progress(len(facts))
        await filling.end()
        await concerns.copy(connection, REQUEST_SPANS, await concerns.request_spans(connection, size))
        for name in names_of_tables():
            await finish(connection, SCHEMA, name)
        await name_shape(connection, tables)
        await connection.execute("ANALYZE")  # before anybody asks: autovacuum would take its time
        return True


async def make_tables(connection: Connection, schema: str) -> None:
    """Have the tables in this schema, empty, without their keys and indexes, which are made once they are full.

    A row that is put into an index by itself costs three times as much as one of an index that is made of all.
    """
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    for statement in table_ddl(schema):
        await connection.execute(statement)
    for table in _tables():
        await connection.execute(f"ALTER TABLE {schema}.{table.name} DROP CONSTRAINT {table.name}_pkey")


async def finish(connection: Connection, schema: str, name: str) -> None:
    """Give a table that was filled its key and its indexes, and count what stands in it for the planner."""
    table = METADATA.tables[_SCHEMA + name]
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    await connection.execute(f"ALTER TABLE {schema}.{name} ADD CONSTRAINT {name}_pkey PRIMARY KEY ({key})")
    for statement in _index_ddl(table, schema):
        await connection.execute(statement)
    await connection.execute(f"ANALYZE {schema}.{name}")


def names_of_tables() -> list[str]:
    """What the tables are called."""
    return [one.name for one in _tables()]


async def name_shape(connection: Connection, tables: Tables) -> None:
    """Say at the log's head which shape the tables have; in the transaction that puts them there."""
    await connection.execute("UPDATE log_head SET shape = $1", shape_of(tables))


async def is_current(connection: Connection, tables: Tables) -> bool:
    """Whether the tables are there and have the shape that this release gives them."""
    shape = await connection.fetchval("SELECT shape FROM log_head WHERE to_regnamespace($1) IS NOT NULL", SCHEMA)
    return shape == shape_of(tables)


class Filling:
    """Tables that are being filled, stream by stream; so many rows of each are held at most."""

    def __init__(self, connection: Connection, tables: Tables, schema: str) -> None:
        self._connection = connection
        self._tables = tables
        self._schema = schema
        self._by_name = {table.name: table for table in tables}
        self._rows: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in tables}
        self._concerns = list[Concern]()

    async def add(self, facts: Sequence[Recorded], new: int | None = None) -> None:
        """A stream, all of whose rows are wanted, and what its last `new` facts concern, or all of them."""
        stream = facts[0].stream
        alone = len(facts) == 1  # as most reports are: there is nothing to go through
        work = shown(self._tables, stream, facts) if alone else slice_changes(self._tables, stream, facts, len(facts))
        for one in at_once(work):
            if isinstance(one, Slice):  # nothing is closed that was open before the first fact
                self._rows[one.table].append(record(self._by_name[one.table], one))
        self._concerns += concerns.concerns(facts, len(facts) if new is None else new)
        await self._write(ROWS_HELD)

    async def end(self) -> None:
        """There are no more."""
        await self._write(1)

    async def _write(self, least: int) -> None:
        for table in self._tables:
            if len(rows := self._rows[table.name]) >= least:
                names = column_names(table)
                await self._connection.copy_records_to_table(
                    table.name, schema_name=self._schema, records=rows, columns=names
                )
                rows.clear()
        if len(self._concerns) >= least:
            await concerns.copy(self._connection, CONCERNS, self._concerns, self._schema)
            self._concerns.clear()


async def streams(
    connection: Connection, size: int, begin: str = "", end: str = LAST, *, doubted: bool = False
) -> AsyncIterator[list[Recorded]]:
    """Every stream of the log of that size, from one name up to another, with its facts in order; in a transaction.

    A leaf that cannot be read is LeafError, or left out where the log is `doubted`.
    """
    leaves = await connection.cursor(_STREAMS, size, begin, end)
    stream, facts = "", list[Recorded]()
    while rows := await leaves.fetch(WINDOW):
        for row in rows:
            try:
                one = codec.decode_trusted(row["entry"])
            except codec.LeafError:
                if doubted:
                    continue
                raise
            if one.stream != stream and facts:
                yield facts
                facts = []
            stream = one.stream
            facts.append(one)
    if facts:
        yield facts
