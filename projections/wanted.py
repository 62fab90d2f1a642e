"""Which rows of a table a view asks for, and the statement that brings them as lines of JSON."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.grams import rarest
from projections.table import SliceTable, split_grams


class Form(NamedTuple):
    """What a statement is made from: the table, the columns compared, and how the rows are cut into pages."""

    table: SliceTable
    equal: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    grams: tuple[SliceTable, int] | None = None
    order: tuple[str, ...] = ()
    descending: bool = False
    after: bool = False
    limit: bool = False
    of: tuple[str, int] | None = None
    by: str | None = None
    holding: SliceTable | None = None


class Keyset(NamedTuple):
    """A page: `limit` rows behind the one whose columns `order` have the values `after`."""

    order: tuple[str, ...]
    descending: bool = False
    after: Sequence[Any] | None = None
    limit: int | None = None


def behind(keys: Sequence[str], page: Keyset) -> Iterator[str]:
    """Of keys in their order those behind the place of a page, the nearest first; the page's limit is not looked at."""
    if page.descending:
        return reversed(keys[: bisect_left(keys, page.after[0])] if page.after else keys)
    return iter(keys[bisect_right(keys, page.after[0]) :] if page.after else keys)


class Deferred(msgspec.Struct, frozen=True):
    """Values that a column has which only what is remembered whole tells: `find(rows, page, *given)`.

    The tables that it asks the rows for are wanted whole beside it. `page`: which of them, where a list is cut so.
    """

    find: Callable[..., Sequence[Any]]
    given: tuple[Hashable, ...]
    page: Keyset | None = None


class Wanted(NamedTuple):
    """Rows of one table that a view asks for: a form with its values."""

    form: Form
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def table(self) -> SliceTable:
        """The table."""
        return self.form.table

    @property
    def waits(self) -> bool:
        """Whether some of its values are still to be told."""
        return any(isinstance(value, Deferred) for _, value in self.values)

    def told(self, rows: Any) -> "Wanted":
        """The same with all its values, by these rows of what is remembered whole."""
        found = ((name, _told(value, rows) if isinstance(value, Deferred) else value) for name, value in self.values)
        return self._replace(values=tuple(found))


def _told(value: Deferred, rows: Any) -> list[Any]:
    return list(value.find(rows, value.page, *value.given))


def wanted(table: SliceTable, **where: object) -> Wanted:
    """Rows of `table` whose columns have these values, or one of them where a list is given, or several in a tuple.

    Values may be `Deferred`, which are several.
    """
    where = {name: _one_or_all(value) for name, value in where.items()}
    lists = [name for name, value in where.items() if isinstance(value, list | Deferred)]
    return Wanted(_form(table, tuple(where), tuple(lists)), tuple(where.items()))


@cache  # there are as many as the code names, whatever is asked for
def _form(table: SliceTable, names: tuple[str, ...], among: tuple[str, ...]) -> Form:
    return Form(table, tuple(name for name in names if name not in among), among, by=table.by)


def _one_or_all(value: object) -> object:
    if not isinstance(value, tuple):
        return value
    values = cast("tuple[object, ...]", value)
    return values[0] if len(values) == 1 else list(values)


def is_shared(one: Wanted) -> bool:
    """Whether these are all rows of a table that is remembered whole."""
    return one.table.shared and one.form == Form(one.table, by=one.table.by)


def page_of(rows: Wanted, page: Keyset) -> Wanted:
    """One page of these rows."""
    form = rows.form._replace(
        order=page.order, descending=page.descending, after=page.after is not None, limit=page.limit is not None
    )
    after = tuple((f"after_{one}", value) for one, value in zip(page.order, page.after or (), strict=False))
    return Wanted(form, (*rows.values, *after, *((("limit", page.limit),) if page.limit is not None else ())))


def turned(rows: Wanted) -> Wanted:
    """A page of rows from its other end: those before the row that it names, the nearest first. Others as they are."""
    form = rows.form
    values = tuple((name, _turned(value) if isinstance(value, Deferred) else value) for name, value in rows.values)
    return Wanted(form._replace(descending=not form.descending) if form.order else form, values)


def _turned(told: Deferred) -> Deferred:
    page = told.page
    return msgspec.structs.replace(told, page=page and page._replace(descending=not page.descending))


def searched(rows: Wanted, words: SliceTable, text: str, *within: str) -> Wanted:
    """Those of these rows with words in a table that hold every gram of each word of `text`, or of its longest ones.

    `within` is what all words there hold that are meant. Whether a row holds the text itself is to be checked.
    """
    grams = [sorted({*own, *within}) for own in rarest(text)]
    if not grams:
        return rows
    named = ((f"grams_{number}", own) for number, own in enumerate(grams))
    return Wanted(rows.form._replace(grams=(words, len(grams))), (*rows.values, *named))


def holding(rows: Wanted, words: SliceTable, texts: Deferred) -> Wanted:
    """Those of these rows with words in a table that hold every gram of one of `texts`, each told as its grams.

    A text's grams stand behind one another with blanks between them. Whether a row holds it itself is to be checked.
    """
    return Wanted(rows.form._replace(holding=words), (*rows.values, ("holding", texts)))


def beside(rows: Wanted, column: str, number: int) -> Wanted:
    """Those of these rows whose `column` is the key of a row of the `number`th of the rows wanted."""
    return Wanted(rows.form._replace(of=(column, number)), rows.values)


_DIALECT: Final = postgresql.asyncpg.dialect()  # pyright: ignore[reportAttributeAccessIssue]
_BETWEEN: Final = {
    "doc": sa.literal_column(r"'\x0a'::bytea", sa.LargeBinary()),
    "digest": sa.literal_column("''::bytea", sa.LargeBinary()),
}


def _epoch(table: SliceTable) -> sa.Select[Any]:
    """When that which stands in a table at :position and :day last became another, in the form of its rows."""
    both = (("position", ("known_from", "known_to")), ("day", ("eff_from", "eff_to")))
    last = (
        sa.func.greatest(*(_last(table.table.c[one], _bound(name, table.table.c[one].type)) for one in columns))
        for name, columns in both
    )
    epoch = sa.func.convert_to(
        sa.func.concat_ws(sa.literal_column("' '"), *last), sa.literal_column("'UTF8'"), type_=sa.LargeBinary()
    )
    name = sa.literal_column(f"'{LAST_CHANGED}{table.name}'", sa.Text())
    cells: list[sa.ColumnElement[Any]] = [name, postgresql.array([sa.literal_column("''", sa.Text())])]
    return sa.select(*cells, postgresql.array([epoch]))


def _last(column: sa.Column[Any], up_to: sa.BindParameter[Any]) -> sa.ScalarSelect[Any]:
    return sa.select(sa.func.max(column)).where(column <= up_to).scalar_subquery()


LAST_CHANGED: Final = "epoch of "
_ANY: Final = sa.literal_column("count(*) > 0", sa.Boolean())


def compiled(statement: sa.sql.ClauseElement) -> tuple[str, list[str]]:
    """A statement's text for asyncpg, and the names of its parameters in order."""
    done: Any = statement.compile(dialect=_DIALECT)
    return str(done), list(done.positiontup or ())


TREE: Final = "root"  # the name under which the nodes come, and those of the parameters that say which
TREE_LEVELS: Final = "levels"
TREE_NODES: Final = "nodes"
# As texts, whose arrays asyncpg knows: of others it asks the server first.
_TREE_SQL: Final = f"""{{}} UNION ALL
SELECT '{TREE}', array_agg(n.place::text ORDER BY n.place), array_agg(t.hash ORDER BY n.place)
FROM unnest(${{}}::text[]::int[], ${{}}::text[]::bigint[]) WITH ORDINALITY AS n(level, number, place)
JOIN tree_nodes t USING (level, number) HAVING count(*) > 0"""


def with_root(sql: str, names: Sequence[str]) -> tuple[str, list[str]]:
    """The same statement, which brings nodes of the log's tree as well: a root at a past position is one trip less.

    Earns 1.2 times on `growth-list`, 1.1 on `growth-task`.
    """
    return _TREE_SQL.format(sql, len(names) + 1, len(names) + 2), [*names, TREE_LEVELS, TREE_NODES]


def union_of(
    forms: Sequence[Form], column: Literal["digest", "doc"] = "digest", shared: Sequence[SliceTable] = ()
) -> sa.CompoundSelect[Any]:
    """Each table's name, its groups, and the rows of each, at :position and :day; parameters carry their number.

    Of `shared` tables there is, by LAST_CHANGED and their names, only what names all that stands in them.

    Documents are lines, digests follow one another without anything between them. A table is one row of the answer,
    with arrays: for lists of tasks, whose reports are as many groups, it is shorter than a row for each.

    Rows that others are wanted beside are found once (a common table), and named by an array: an index takes that.
    """
    named = {form.of[1] for form in forms if form.of}
    rows: dict[int, sa.FromClause] = {}
    for number in sorted(range(len(forms)), key=lambda number: number not in named):
        chosen = _rows(forms[number], number, rows, column)
        rows[number] = chosen.cte(f"rows_{number}") if number in named else chosen.subquery(f"rows_{number}")
    return sa.union_all(
        *(_lines(form, rows[number], column) for number, form in enumerate(forms)), *map(_epoch, shared)
    )


def _lines(form: Form, rows: sa.FromClause, column: str) -> sa.Select[Any]:
    name = sa.literal_column(f"'{form.table.name}'", sa.Text()).label("name")
    cells = (rows.c.group, rows.c[column]) if form.by == "key" else _grouped(form, rows, column).c  # a key has one row
    each = (sa.func.array_agg(one, type_=_array(one.type)).label(one.name) for one in cells)
    return sa.select(name, *each).having(_ANY)


def _grouped(form: Form, rows: sa.FromClause, column: str) -> sa.FromClause:
    docs = sa.func.string_agg(rows.c[column], _BETWEEN[column], type_=sa.LargeBinary()).label("docs")
    if form.by:
        return sa.select(rows.c.group.label("group"), docs).group_by(rows.c.group).subquery()
    return sa.select(sa.literal_column("''", sa.Text()).label("group"), docs).having(_ANY).subquery()


def _rows(form: Form, number: int, found: Mapping[int, sa.FromClause], column: str) -> sa.Select[Any]:
    table = form.table.table
    columns = [table.c["key"], table.c[column], *([table.c[form.by].label("group")] if form.by else [])]
    rows = sa.select(*columns).where(
        *_stands(form.table),
        *(table.c[one] == _bound(f"{one}_{number}", table.c[one].type) for one in form.equal),
        *(table.c[one] == sa.any_(_bound(f"{one}_{number}", _array(table.c[one].type))) for one in form.among),
    )
    if form.grams:
        rows = rows.where(table.c["key"] == _any_of(_holding(*form.grams, number)))
    if form.holding:
        rows = rows.where(table.c["key"] == _any_of(_holding_one(form.holding, number)))
    if form.of:
        rows = rows.where(table.c[form.of[0]] == _any_of(sa.select(found[form.of[1]].c.key)))
    return _cut(rows, form, number)


def _stands(table: SliceTable) -> Iterator[sa.ColumnElement[bool]]:
    """What a row's stretch of both clocks has to do with :position and :day."""
    position, day = _bound("position", sa.BigInteger()), _bound("day", sa.Date())
    yield table.table.c["known_from"] <= position
    yield table.table.c["known_to"] > position
    yield table.table.c["eff_from"] <= day
    if not table.course:
        yield table.table.c["eff_to"] > day


def _any_of(keys: sa.SelectBase) -> sa.ColumnElement[Any]:
    """One of the keys that a statement finds, which is done once: an index takes an array, however many they are."""
    return sa.any_(sa.func.array(keys.scalar_subquery(), type_=_array(sa.Text())))


def _holding(words: SliceTable, count: int, number: int) -> sa.SelectBase:
    """The keys of what holds each of so many words."""
    texts = split_grams(words.table.c["words"])
    grams = (_bound(f"grams_{one}_{number}", _array(sa.Text())) for one in range(count))
    each = [sa.select(words.table.c["of"]).where(*_stands(words), texts.contains(one)) for one in grams]
    return sa.intersect(*each) if len(each) > 1 else each[0]


def _holding_one(words: SliceTable, number: int) -> sa.SelectBase:
    """The keys of what holds one of the texts, each found by the index."""
    asked = sa.func.unnest(_bound(f"holding_{number}", _array(sa.Text()))).table_valued("grams").render_derived()
    own = sa.func.string_to_array(asked.c.grams, sa.literal_column("' '"), type_=postgresql.ARRAY(sa.Text))
    held = split_grams(words.table.c["words"]).contains(own)
    return sa.select(words.table.c["of"]).select_from(asked).join(words.table, held).where(*_stands(words))


def _cut(rows: sa.Select[Any], form: Form, number: int) -> sa.Select[Any]:
    columns = [form.table.table.c[one] for one in form.order]
    if form.after:
        bounds = sa.tuple_(*(_bound(f"after_{one.name}_{number}", one.type) for one in columns))
        place = sa.tuple_(*columns)
        rows = rows.where(place < bounds if form.descending else place > bounds)
    rows = rows.order_by(*(one.desc() if form.descending else one for one in columns))
    return rows.limit(_bound(f"limit_{number}", sa.BigInteger())) if form.limit else rows


def _bound(name: str, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=type_)


def _array(type_: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return postgresql.ARRAY(type_)
