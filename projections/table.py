"""A table of slices: one row for each stretch of both clocks over which a subject stays the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from domain.record import State

S = TypeVar("S", bound=State)
SCHEMA: Final = "projections"
METADATA: Final = sa.MetaData(schema=SCHEMA)
TEXT: Final = sa.Text(collation="C")
INTEGER: Final = sa.BigInteger()
DATE: Final = sa.Date()


class Row(NamedTuple):
    """What one slice says: its key, the columns to filter by, and the whole as JSON."""

    key: str
    columns: tuple[Any, ...]
    doc: bytes


def _as_shown(columns: tuple[Any, ...]) -> tuple[Any, ...]:
    return columns


class SliceTable(NamedTuple):
    """One read model's table: `rows(key, state)` derives its rows from a subject's state.

    `kind` names the streams it is sliced from; `by` is the column by which its rows are read together, if any.
    `version` is raised when `rows` changes, and the table is rebuilt. A `course` is read up to a day, not at it: its
    rows' JSON begins with the days that they stand for, `since` and `until` (which is no more of them).
    A `shared` one is wanted whole by many reads that know nothing of its rows, and is remembered whole.
    One that `counts` has no such rows, but for each fact how many the subject has with it; of its key that makes the
    columns. `written` makes of a row's columns what the table holds, where that takes its time: rows are compared as
    they are shown, and it is made of those alone that are written.
    """

    name: str
    kind: str
    doc: type[Any]
    rows: Callable[[str, Any], Iterable[Row]]
    table: sa.Table
    by: str | None
    version: int
    course: bool
    shared: bool
    counts: Callable[[str], tuple[Any, ...]] | None = None
    written: Callable[[tuple[Any, ...]], tuple[Any, ...]] = _as_shown

    @property
    def columns(self) -> list[sa.Column[Any]]:
        """The columns to filter by."""
        return [one for one in self.table.columns if one.name not in OWN_COLUMNS]


def split_grams(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column of words as the array that its index holds."""
    return sa.func.string_to_array(column, sa.literal_column("' '"), type_=ARRAY(sa.Text))


OWN_COLUMNS: Final = ("key", "known_from", "known_to", "eff_from", "eff_to", "doc", "digest")


def slice_table(  # noqa: PLR0913 - a table's whole definition, given once
    name: str,
    state: type[S],
    doc: type[Any],
    rows: Callable[[str, S], Iterable[Row]],
    columns: Mapping[str, sa.types.TypeEngine[Any]],
    *,
    by: str | None = None,
    order: Sequence[str] = (),
    version: int = 1,
    course: bool = False,
    shared: bool = False,
) -> SliceTable:
    """Define a table of slices of what `state` is the fold of, with an index for each way in: one key, each column.

    `order`: columns that pages follow one another by.
    """
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
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
    for column in columns:
        if column not in order[1:]:
            sa.Index(f"{name}_{column}", table.c[column], table.c.known_to, table.c.known_from)
    if course:  # many rows of a key have ended
        sa.Index(f"{name}_key", table.c.key, table.c.known_to, table.c.known_from)
    for column in ("known_from", "known_to", "eff_from", "eff_to") if shared else ():
        sa.Index(f"{name}_{column}", table.c[column])  # when it changed last
    if order:
        sa.Index(f"{name}_order", *(table.c[column] for column in order))
    return SliceTable(name, state.KIND, doc, rows, table, by, version, course, shared)


def word_table(
    name: str,
    state: type[S],
    rows: Callable[[str, S], Iterable[Row]],
    written: Callable[[tuple[Any, ...]], tuple[Any, ...]],
) -> SliceTable:
    """Define a table of the words that subjects are found by: `of` which one, and what `written` makes of its `text`.

    It stands beside their rows, so that words are written once for as long as they stay, whatever else changes.
    """
    of, words = sa.Column("of", TEXT), sa.Column("words", TEXT)
    made = slice_table(name, state, type(None), rows, {})
    for column in (of, words):
        made.table.append_column(column)
    sa.Index(f"{name}_words", split_grams(words), postgresql_using="gin")
    return made._replace(written=written)


def version_table(
    state: type[State],
    columns: Mapping[str, sa.types.TypeEngine[Any]] | None = None,
    of: Callable[[str], tuple[Any, ...]] = lambda _: (),
) -> SliceTable:
    """The versions of a kind's subjects: how many facts each has at a position, on whatever day.

    They stand beside the rows, so that one more fact touches only what it changes.
    """
    made = slice_table(f"{state.KIND}_versions", state, int, _no_rows, columns or {}, by="key")
    return made._replace(counts=of)


def _no_rows(_key: str, _state: State) -> Iterable[Row]:
    return ()
