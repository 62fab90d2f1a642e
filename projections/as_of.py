"""Every read: what is asked on both clocks → the moment it means → the rows that stand there. No other read path."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
import sqlalchemy as sa

from domain.values import SHANGHAI, checked_date, instant_text, parse_date, shanghai_day
from events.database import Connection
from projections.table import SliceTable, Wanted, compiled

T = TypeVar("T")


class NoSuchMoment(Exception):
    """A moment that the record does not have; `code` for programs, `before` if it lies before the record begins."""

    def __init__(self, detail: str, *, parameter: str, before: bool = False) -> None:
        super().__init__(detail)
        self.parameter = parameter
        self.before = before


class AsOf(msgspec.Struct, frozen=True):
    """What is asked: the public record at a date (its end), an instant or a position; what held on a date."""

    as_of: date | datetime | None = None
    position: int | None = None
    effective_on: date | None = None


class Moment(msgspec.Struct, frozen=True):
    """What it means: the size of the log, when that was reached, and a day. A read is a pure function of it."""

    position: int
    as_of: datetime
    effective_on: date
    origin: str
    pinned: bool


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """What an answer resolved to. `self` is its address with both clocks pinned; `origin` names the log."""

    position: int
    as_of: str
    effective_on: date
    self_: str = msgspec.field(name="self")
    origin: str
    license: str


def parse_as_of(text: str) -> date | datetime:
    """A date, or an RFC 3339 instant with its zone; NoSuchMoment says what is wrong."""
    try:
        if len(text) == len("2023-06-30"):
            return parse_date(text)
        if " " in text:
            raise NoSuchMoment("the + of a zone must be sent as %2B (a bare + arrives as a blank)", parameter="asOf")
        instant = msgspec.convert(text, datetime)
        checked_date(instant.date())
    except (ValueError, msgspec.ValidationError) as error:
        raise NoSuchMoment(
            f"asOf={text!r} is neither a date (2023-06-30) nor an instant (2023-06-30T12:00:00+08:00): {error}",
            parameter="asOf",
        ) from error
    if instant.tzinfo is None:
        raise NoSuchMoment("an instant needs its zone: Z, or +08:00 sent as %2B08:00", parameter="asOf")
    return instant


_MAX_POSITION: Final = 2**63 - 1
_SQL: Final = files("projections").joinpath("sql/moment.sql").read_text("utf-8")


async def resolve(connection: Connection, asked: AsOf) -> Moment:
    """The moment that is meant; NoSuchMoment in the future, beyond the head, or before the record begins."""
    if asked.as_of is not None and asked.position is not None:
        raise NoSuchMoment("give asOf or position, not both", parameter="position")
    end = _end(asked.as_of)
    row = await connection.fetchrow(_SQL, max(0, min(asked.position or 0, _MAX_POSITION)), end)
    assert row is not None  # noqa: S101 - there is always a head
    if row["size"] == 0:
        raise NoSuchMoment("the record is empty: no plan has been imported yet", parameter="asOf", before=True)
    today = shanghai_day(row["now"])
    head = Moment(row["size"], row["recorded_at"], asked.effective_on or today, row["origin"], pinned=False)
    if asked.position is not None:
        return _at_position(asked, asked.position, row, head)
    if asked.as_of is None or end is None or asked.as_of == today:
        return head
    return _at_instant(asked, end, row, head)


def _end(as_of: date | datetime | None) -> datetime | None:
    """The instant that is meant; of a date the first instant that is no more of it, less a microsecond."""
    if as_of is None or isinstance(as_of, datetime):
        return as_of
    return datetime.combine(as_of + timedelta(days=1), time(), SHANGHAI) - timedelta(microseconds=1)


def _at_position(asked: AsOf, position: int, row: asyncpg.Record, head: Moment) -> Moment:
    if not 1 <= position <= head.position:
        raise NoSuchMoment(
            f"position {position} is not in the log, which holds 1 to {head.position}", parameter="position"
        )
    day = asked.effective_on or shanghai_day(row["at"])
    return Moment(position, row["at"], day, head.origin, pinned=True)


def _at_instant(asked: AsOf, end: datetime, row: asyncpg.Record, head: Moment) -> Moment:
    if (end if isinstance(asked.as_of, datetime) else _start(asked.as_of)) > row["now"]:
        raise NoSuchMoment(f"asOf lies in the future: it is {instant_text(row['now'])}", parameter="asOf")
    if row["found"] is None:
        raise NoSuchMoment(
            f"the public record begins at {instant_text(row['first_at'])}; what held on an earlier day is asked with "
            f"effectiveOn={shanghai_day(end)}",
            parameter="asOf",
            before=True,
        )
    day = asked.effective_on or shanghai_day(end)
    return Moment(row["found"], row["found_at"], day, head.origin, pinned=end < head.as_of)


def _start(as_of: object) -> datetime:
    assert isinstance(as_of, date)  # noqa: S101 - narrowed by the caller
    return datetime.combine(as_of, time(), SHANGHAI)


class Rows:
    """The rows of each table that stand at a moment, decoded when they are asked for."""

    def __init__(self, docs: Mapping[str, Sequence[bytes]]) -> None:
        self._docs = docs

    def any(self, table: SliceTable) -> bool:
        """Whether the table has any of the rows wanted."""
        return bool(self._docs.get(table.name))

    def raw(self, table: SliceTable) -> Sequence[bytes]:
        """The rows of one table as the JSON that it keeps."""
        return self._docs.get(table.name, ())

    def of(self, table: SliceTable, type_: type[T]) -> list[T]:
        """The rows of one table, in no order."""
        decode = msgspec.json.Decoder(type_).decode
        return [decode(doc) for doc in self._docs.get(table.name, ())]


async def read(connection: Connection, moment: Moment, wanted: Sequence[Wanted]) -> Rows:
    """All rows that a view wants, at one moment, in one statement."""
    sql, names = _statement(tuple((one.table, tuple(column for column, _ in one.where)) for one in wanted))
    values: dict[str, Any] = {"position": moment.position, "day": moment.effective_on}
    for number, one in enumerate(wanted):
        values |= {f"{column}_{number}": value for column, value in one.where}
    docs: dict[str, list[bytes]] = {}
    for name, doc in await connection.fetch(sql, *(values[name] for name in names)):
        docs.setdefault(name, []).append(doc)
    return Rows(docs)


@lru_cache(maxsize=256)
def _statement(wanted: tuple[tuple[SliceTable, tuple[str, ...]], ...]) -> tuple[str, list[str]]:
    parts = [_select(slices.table, columns, number) for number, (slices, columns) in enumerate(wanted)]
    return compiled(sa.union_all(*parts) if len(parts) > 1 else parts[0])


def _select(table: sa.Table, columns: Sequence[str], number: int) -> sa.Select[str, bytes]:
    """The slices of one table that stand at :position and :day, filtered by columns numbered like their table."""
    position, day = sa.bindparam("position", type_=sa.BigInteger), sa.bindparam("day", type_=sa.Date)
    name = sa.literal_column(f"'{table.name}'", sa.Text()).label("name")
    doc: sa.Column[bytes] = table.c["doc"]
    return sa.select(name, doc).where(
        table.c["known_from"] <= position,
        table.c["known_to"] > position,
        table.c["eff_from"] <= day,
        table.c["eff_to"] > day,
        *(table.c[one] == sa.bindparam(f"{one}_{number}", type_=table.c[one].type) for one in columns),
    )
