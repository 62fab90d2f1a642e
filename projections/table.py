"""A table of slices: one row for each stretch of both clocks over which a subject stays the same."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

SCHEMA: Final = "projections"
METADATA: Final = sa.MetaData(schema=SCHEMA)
TEXT: Final = sa.Text(collation="C")
INTEGER: Final = sa.BigInteger()


class Row(NamedTuple):
    """What one slice says: its key, the columns to filter by, and the whole as JSON."""

    key: str
    columns: tuple[Any, ...]
    doc: bytes


class SliceTable(NamedTuple):
    """One read model's table: `rows(key, state, version)` derives its rows from a subject's state.

    `kind` names the streams it is sliced from; `version` is raised when `rows` changes, and the table is rebuilt.
    """

    name: str
    kind: str
    doc: type[msgspec.Struct]
    rows: Callable[[str, Any, int], Iterable[Row]]
    table: sa.Table
    version: int

    @property
    def columns(self) -> list[sa.Column[Any]]:
        """The columns to filter by."""
        return [one for one in self.table.columns if one.name not in CLOCKS]


CLOCKS: Final = ("key", "known_from", "known_to", "eff_from", "eff_to", "doc")


def slice_table(  # noqa: PLR0913 - a table's whole definition, given once
    name: str,
    kind: str,
    doc: type[msgspec.Struct],
    rows: Callable[[str, Any, int], Iterable[Row]],
    columns: Mapping[str, sa.types.TypeEngine[Any]],
    *,
    version: int = 1,
) -> SliceTable:
    """Define a table of slices, with an index for each way in: one key, all of a plan, each other column."""
    table = sa.Table(
        name,
        METADATA,
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("known_from", INTEGER, primary_key=True),
        sa.Column("eff_from", sa.Date, primary_key=True),
        sa.Column("known_to", INTEGER, nullable=False),
        sa.Column("eff_to", sa.Date, nullable=False),
        *(sa.Column(column, type_) for column, type_ in columns.items()),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    for column in columns:
        sa.Index(f"{name}_{column}", table.c[column], table.c.known_to, table.c.known_from)
    return SliceTable(name, kind, doc, rows, table, version)


class Wanted(NamedTuple):
    """Rows of one table that a view asks for: those whose columns have these values."""

    table: SliceTable
    where: tuple[tuple[str, Any], ...] = ()


def wanted(table: SliceTable, **where: object) -> Wanted:
    """Rows of `table` whose columns have these values, or one of them where a list is given."""
    return Wanted(table, tuple(where.items()))


_DIALECT: Final = postgresql.asyncpg.dialect()  # pyright: ignore[reportAttributeAccessIssue]


def compiled(statement: sa.sql.ClauseElement) -> tuple[str, list[str]]:
    """A statement's text for asyncpg, and the names of its parameters in order."""
    done: Any = statement.compile(dialect=_DIALECT)
    return str(done), list(done.positiontup or ())
