"""The tables as a whole: made, rebuilt from the log, verified against it."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from events import codec
from events.audit import Progress, Tell, audit, compare_stream, first
from events.database import Connection
from events.recorded import Recorded
from events.steps import at_once
from projections import concerns
from projections.catalog import LOG, compare_catalog
from projections.concerns import CONCERNS, REQUEST_SPANS, RULE, Concern
from projections.fold import RULES_VERSION
from projections.slices import Slice, Tables, slice_changes, slices
from projections.table import METADATA, SCHEMA, SliceTable
from projections.writer import column_names, quoted, record

_Line = tuple[Any, ...]  # a slice as its table has it
_Place = tuple[str, int, date]
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
    """Have the tables that this release reads; True if they had to be rebuilt. For one at a time (`in_turn`)."""
    if await is_current(connection, tables):
        return False
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM log_head FOR UPDATE")  # nobody appends meanwhile
        await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        for statement in ddl():
            await connection.execute(statement)
        await _fill(connection, tables, progress)
        await connection.execute("UPDATE log_head SET shape = $1", shape_of(tables))
        await connection.execute("ANALYZE")  # before anybody asks: autovacuum would take its time
        return True


async def is_current(connection: Connection, tables: Tables) -> bool:
    """Whether the tables are there and have the shape that this release gives them."""
    shape = await connection.fetchval("SELECT shape FROM log_head WHERE to_regnamespace($1) IS NOT NULL", SCHEMA)
    return shape == shape_of(tables)


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


class Verified(msgspec.Struct, frozen=True):
    """What was found to agree: facts in the log, slices in the tables, and the root hash of the log, in hex."""

    position: int
    slices: int
    root: str


async def verify(
    connection: Connection, tables: Tables, found: Tell = first, progress: Progress = lambda _: None
) -> Verified:
    """Read the log leaf by leaf, hash it, refold it, compare every table, and read nothing else; it changes nothing.

    `found` is told each difference, in words: the leaf, the row, the column, what stands there and what should. Unless
    it says otherwise the first is raised (Disagreement).
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        unreadable = await compare_catalog(connection, found)
        if not await is_current(connection, tables):
            found("the head, column shape: it is not that of this release's tables")
        if unreadable.intersection(LOG):
            return Verified(0, 0, "")
        log = await audit(connection, found, progress)
        expected: dict[str, dict[_Place, _Line]] = {table.name: {} for table in tables}
        about = set[Concern]()
        async for stream, facts in streams(connection, log.size, doubted=True):
            compare_stream(facts, found)
            about.update(concerns.concerns(facts, len(facts)))
            for one in slices(tables, stream, facts):
                line = record(one)
                expected[one.table][_place(line)] = line
            progress(len(facts))
        for table in tables:
            if f"{SCHEMA}.{table.name}" not in unreadable:
                await _compare_table(connection, table, expected[table.name], found)
        spans = await concerns.request_spans(connection, log.size)
        for table, rows in ((CONCERNS, about), (REQUEST_SPANS, spans)):
            if str(table) not in unreadable:
                await concerns.compare(connection, table, rows, found)
        return Verified(log.size, sum(map(len, expected.values())), log.root.hex())


def _place(line: _Line) -> _Place:
    """What no two slices of a table share: key, position from, day from."""
    return line[0], line[1], line[3]


async def _compare_table(
    connection: Connection, table: SliceTable, expected: Mapping[_Place, _Line], found: Tell
) -> None:
    names = column_names(table)
    kept: dict[_Place, _Line] = {}
    for row in await connection.fetch(f"SELECT {quoted(table)} FROM {SCHEMA}.{table.name}"):
        line = tuple(row)
        if _place(line) in kept:
            found(f"{_where(table, line)}: the table holds it twice")
        kept[_place(line)] = line
    for place in sorted(kept.keys() | expected.keys()):
        there, should = kept.get(place), expected.get(place)
        if there is None:
            found(f"{_where(table, expected[place])}: missing: {_said(expected[place][-2])}")
        elif should is None:
            found(f"{_where(table, there)}: the table has what the log does not say: {_said(there[-2])}")
        elif there != should:
            for name, one, other in zip(names, there, should, strict=True):
                if one != other:
                    found(f"{_where(table, should)}, column {name}: the table has {_said(one)}, not {_said(other)}")


def _where(table: SliceTable, line: _Line) -> str:
    return f"table {table.name}, key {line[0]}, positions {line[1]} to {line[2]}, days {line[3]} to {line[4]}"


def _said(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
