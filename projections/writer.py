"""From slices to rows: the statements that ride along in the append's own transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any

from events.log import Write, Writer, Written
from events.recorded import OPEN_END
from events.steps import Pace, in_steps
from projections import concerns
from projections.documents import digest_of
from projections.fold import Timeline
from projections.slices import Closed, Slice, Tables, Timelines, slice_changes
from projections.table import SCHEMA, SliceTable


def writer(tables: Tables, fold: Timelines = Timeline) -> Writer:
    """The writer of these tables, to be handed to the log; `fold` gives a stream's timeline before what is new."""

    async def write(written: Sequence[Written]) -> list[Write]:
        closed: dict[str, list[Closed]] = {}
        opened: dict[str, list[tuple[Any, ...]]] = {}
        pace = Pace()
        by_name = {table.name: table for table in tables}
        for one in written:
            async for touched in in_steps(slice_changes(tables, one.stream, one.facts, one.new, fold), pace):
                if isinstance(touched, Closed):
                    closed.setdefault(touched.table, []).append(touched)
                else:
                    opened.setdefault(touched.table, []).append(record(by_name[touched.table], touched))
        statements = chain(_statements(tables, closed, opened), concerns.writes(written))
        return [one async for one in in_steps(statements, pace)]

    return write


def _statements(
    tables: Tables, closed: Mapping[str, Sequence[Closed]], opened: Mapping[str, Sequence[tuple[Any, ...]]]
) -> Iterator[Write]:
    for table in tables:
        if table.name in closed:
            yield close_slices(table, closed[table.name])
        if table.name in opened:
            yield insert(table, opened[table.name])


def close_slices(table: SliceTable, closed: Sequence[Closed]) -> Write:
    """End open slices."""
    sql = (
        f"UPDATE {SCHEMA}.{table.name} AS t SET known_to = c.known_to "
        "FROM unnest({}::text[], {}::date[], {}::bigint[]) AS c(key, eff_from, known_to) "
        f"WHERE t.key = c.key AND t.eff_from = c.eff_from AND t.known_to = {OPEN_END}"
    )
    args = [[one.key for one in closed], [one.eff_from for one in closed], [one.known_to for one in closed]]
    return Write(f"close_{table.name}", sql, args)


def insert(table: SliceTable, rows: Sequence[tuple[Any, ...]]) -> Write:
    """Add slices, each as `record` gives it."""
    types = ["text", "bigint", "bigint", "date", "date", *_types(table), "bytea", "bytea"]
    sql = (
        f"INSERT INTO {SCHEMA}.{table.name} ({quoted(table)}) "
        f"SELECT * FROM unnest({', '.join('{}::' + type_ + '[]' for type_ in types)})"
    )
    return Write(f"open_{table.name}", sql, [list(column) for column in zip(*rows, strict=True)])


def column_names(table: SliceTable) -> list[str]:
    """A slice's columns in the order of `record`."""
    return [
        "key",
        "known_from",
        "known_to",
        "eff_from",
        "eff_to",
        *(one.name for one in table.columns),
        "doc",
        "digest",
    ]


def quoted(table: SliceTable) -> str:
    """The columns' names as SQL has them."""
    return ", ".join(f'"{name}"' for name in column_names(table))


def record(table: SliceTable, one: Slice) -> tuple[Any, ...]:
    """A slice as a row of its table."""
    columns = table.written(one.columns)
    return (one.key, one.known_from, one.known_to, one.eff_from, one.eff_to, *columns, one.doc, digest_of(one.doc))


def _types(table: SliceTable) -> Iterable[str]:
    return ({str: "text", date: "date"}.get(one.type.python_type, "bigint") for one in table.columns)
