"""Whom a request would change beside those whose facts it makes: all views with and without, on the days it is for."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Final, NamedTuple

import msgspec

from domain.fact import subject_of
from events.handle import Acquire
from events.recorded import Recorded
from events.steps import Pace, Work, in_steps
from projections.as_of import Rows
from projections.documents import Documents, digest_of
from projections.memory import Memory
from projections.slices import shown
from projections.table import SCHEMA, SliceTable
from projections.views import tasks
from projections.views.counts import Tally
from projections.views.diff import Changed, Key, Outcome, Views, between
from projections.views.names import directory
from projections.views.own import OWN
from projections.views.subjects import SUBJECTS, Kind
from projections.views.undercut import Edited

MOST_NAMED: Final = 100  # that are named
_DAYS: Final = 6  # that are looked at: the first of those that the facts hold from, and today
_AT_ONCE: Final = 1_000  # rows that are taken from the database in one step
_MOST_READ: Final = 64_000_000  # bytes of rows, over all days: what is compared in about ten seconds
_ROW: Final = 200  # bytes that a row takes beside its JSON
_ROOM: Final = 64_000_000  # bytes that are remembered meanwhile: what does not change is put together once,
_LARGEST: Final = _ROOM // 3  # all units among it
_KINDS: Final = [one for one in SUBJECTS.values() if one.kind != Kind.REPORT]  # which shows nothing of others
_TABLES: Final[Mapping[str, SliceTable]] = {
    table.name: table
    for one in _KINDS
    for table in (*one.made_of, *(table for tables in one.fields.values() for table in tables), OWN)
}


class Affected(msgspec.Struct, frozen=True):
    """A subject that shows something else though no fact is its own, and in which fields."""

    kind: Kind
    id: str
    fields: tuple[str, ...]


class _Shown(NamedTuple):
    """A row as it is read: its key, the group that it is read with, its JSON."""

    key: str
    group: str
    doc: bytes


class _TooLarge(Exception):
    """More is there than is read for one dry run."""


async def affected(
    acquire: Acquire, written: Edited, before: int, today: date
) -> tuple[tuple[Affected, ...], int | None]:
    """Who would be affected by the facts behind `before` in these streams, kind by kind, and how many that are.

    Nobody, and None, where the record is too large to be compared as a whole.
    """
    try:
        return await _affected(acquire, written, before, today)
    except _TooLarge:
        return (), None


async def _affected(acquire: Acquire, written: Edited, before: int, today: date) -> tuple[tuple[Affected, ...], int]:
    memory, fields, pace = Memory(_ROOM, _LARGEST), dict[tuple[Kind, str], dict[str, None]](), Pace()
    gone: dict[str, set[str]] = {}
    read = _Reading(acquire, before, pace)
    for kind, key in map(subject_of, written):
        gone.setdefault(kind, set()).add(key)
        await pace.rest()
    for day in _days(written, before, today):
        there = {name: await read.at(table, day) for name, table in _TABLES.items()}
        after = {name: list[_Shown]() for name in there}
        async for name, row in in_steps(_without(there, gone), pace):
            after[name].append(row)
        for stream, facts in written.items():
            async for name, row in in_steps(_pretended(stream, facts, day), pace):
                after[name].append(row)
        async for one in in_steps(_compared(there, after, memory, day), pace):
            if SUBJECTS[one.kind].stream(one.id) not in written:
                names = (change.field for change in one.changes)
                fields.setdefault((one.kind, one.id), {}).update(dict.fromkeys(names))
    kinds = list(Kind)
    found = [Affected(kind, id_, tuple(some)) for (kind, id_), some in fields.items()]
    found.sort(key=lambda one: kinds.index(one.kind))
    return tuple(found[:MOST_NAMED]), len(found)


def _days(written: Edited, before: int, today: date) -> list[date]:
    """The days from which the new facts hold, or those that they undo held, and today."""
    days = {today}
    for facts in written.values():
        undone = {one.undoes for one in facts if one.position > before}
        days |= {one.effective_on for one in facts if one.position > before or one.position in undone}
    return [*sorted(days - {today})[: _DAYS - 1], today]


class _Reading:
    """The tables as they show the log of a size, read in steps; _TooLarge once that was too much."""

    def __init__(self, acquire: Acquire, position: int, pace: Pace) -> None:
        self._acquire = acquire
        self._position = position
        self._pace = pace
        self._left = _MOST_READ

    async def at(self, table: SliceTable, day: date) -> list[_Shown]:
        """The rows of one table that stand on a day."""
        ends = "" if table.course else "AND eff_to > $2"
        sql = f"""SELECT key, {table.by or "''"} AS "group", doc FROM {SCHEMA}.{table.table.name}
            WHERE known_from <= $1 AND known_to > $1 AND eff_from <= $2 {ends}"""
        found = list[_Shown]()
        async with self._acquire() as connection, connection.transaction():
            rows = await connection.cursor(sql, self._position, day)
            while some := await rows.fetch(_AT_ONCE):
                found += [_Shown(*row) for row in some]
                self._left -= sum(len(row["doc"]) + _ROW for row in some)
                if self._left < 0:
                    raise _TooLarge
                await self._pace.rest()
        return found


def _without(tables: Mapping[str, Iterable[_Shown]], gone: Mapping[str, AbstractSet[str]]) -> Work[tuple[str, _Shown]]:
    """The rows that are of none of these subjects, by kind."""
    for name, rows in tables.items():
        some = gone.get(_TABLES[name].kind, frozenset[str]())
        for row in rows:
            yield (name, row) if some.isdisjoint(_above(row.key)) else None


def _above(key: str) -> Iterable[str]:
    """The keys of the subjects that a row may be of: its own, and each that this begins with."""
    parts = key.split("/")
    return ("/".join(parts[:size]) for size in range(1, len(parts) + 1))


def _pretended(stream: str, facts: Sequence[Recorded], day: date) -> Work[tuple[str, _Shown]]:
    """What the tables would show of a stream."""
    tables = {name: table for name, table in _TABLES.items() if table.kind == subject_of(stream)[0]}
    stored = {table.table.name: table for table in tables.values()}
    for one in shown(tuple(table._replace(name=table.table.name) for table in stored.values()), stream, facts):
        yield None
        for name, table in tables.items() if one else ():
            if one and table.table.name == one.table and one.eff_from <= day and (table.course or day < one.eff_to):
                groups = {"key": one.key} | dict(
                    zip((column.name for column in table.columns), one.columns, strict=True)
                )
                yield name, _Shown(one.key, groups[table.by] if table.by else "", one.doc)


def _rows(tables: Mapping[str, Sequence[_Shown]], memory: Memory) -> Generator[None, None, Rows]:
    digests: dict[str, dict[str, bytes]] = {}
    documents: dict[bytes, Documents] = {}
    for name, rows in tables.items():
        groups: dict[str, tuple[list[bytes], bytearray]] = {}
        for row in sorted(rows):
            docs, named = groups.setdefault(row.group, ([], bytearray()))
            docs.append(row.doc)
            named += digest_of(row.doc)
            yield
        for group, (docs, named) in groups.items():
            digests.setdefault(name, {})[group] = joined = bytes(named)
            documents[joined] = tuple(docs)
            yield
    return Rows(digests, documents, memory)


def _compared(
    before: Mapping[str, Sequence[_Shown]], after: Mapping[str, Sequence[_Shown]], memory: Memory, day: date
) -> Work[Changed]:
    then = yield from _views((yield from _rows(before, memory)), day)
    now = yield from _views((yield from _rows(after, memory)), day)
    for key in {**then, **now}:
        one = between(key, then.get(key), now.get(key))
        yield one if one.change != Outcome.UNCHANGED else None


def _views(rows: Rows, day: date) -> Generator[None, None, Views]:
    """All views, with the counts of their tasks: of what these rest on each is remembered before, in steps."""
    known = directory(rows)
    yield
    _ = known.ways  # which are remembered, too
    yield
    for _ in tasks.each(rows, day):
        yield
    found, tally = dict[Key, msgspec.Struct](), Tally(rows, day)
    yield
    for subject in _KINDS:
        counting = subject.list.counting
        for id_, one in subject.all(rows, day):
            found[subject.kind, id_] = counting.counted(one, tally) if counting else one
            yield
    return found
