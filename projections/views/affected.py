"""Whom a request would change beside those whose facts it makes: all views with and without, on the days it is for."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Final, NamedTuple

import msgspec

from domain.fact import subject_of
from events.database import Connection
from events.handle import Acquire
from events.recorded import Recorded
from events.steps import Pace, Work, in_steps
from projections.as_of import Rows
from projections.documents import Documents, digest_of
from projections.memory import Memory
from projections.slices import shown
from projections.table import SCHEMA, SliceTable
from projections.views.counts import Tally
from projections.views.diff import Changed, Key, Outcome, Views, between
from projections.views.own import OWN
from projections.views.subjects import SUBJECTS, Kind
from projections.views.undercut import Edited

MOST_NAMED: Final = 100  # that are named
_DAYS: Final = 6  # that are looked at: the first of those that the facts hold from, and today
_ROOM: Final = 64_000_000  # bytes that are remembered meanwhile: what does not change is put together once
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


async def affected(acquire: Acquire, written: Edited, before: int, today: date) -> tuple[tuple[Affected, ...], int]:
    """Who would be affected by the facts behind `before` in these streams, kind by kind, and how many that are."""
    memory, fields, pace = Memory(_ROOM), dict[tuple[Kind, str], dict[str, None]](), Pace()
    gone: dict[str, set[str]] = {}
    for kind, key in map(subject_of, written):
        gone.setdefault(kind, set()).add(key)
    for day in _days(written, before, today):
        async with acquire() as connection:
            there = {name: await _read(connection, table, before, day) for name, table in _TABLES.items()}
        after: dict[str, list[_Shown]] = {}
        for name, rows in there.items():
            after[name] = _without(rows, gone.get(_TABLES[name].kind, frozenset()))
            await pace.rest()
        for stream, facts in written.items():
            async for name, row in in_steps(_pretended(stream, facts, day), pace):
                after[name].append(row)
        now = _rows(there, memory)
        await pace.rest()
        then = _rows(after, memory)
        await pace.rest()
        async for one in in_steps(_compared(now, then, day), pace):
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


async def _read(connection: Connection, table: SliceTable, position: int, day: date) -> list[_Shown]:
    ends = "" if table.course else "AND eff_to > $2"
    sql = f"""SELECT key, {table.by or "''"} AS "group", doc FROM {SCHEMA}.{table.table.name}
        WHERE known_from <= $1 AND known_to > $1 AND eff_from <= $2 {ends}"""
    return [_Shown(*row) for row in await connection.fetch(sql, position, day)]


def _without(rows: Iterable[_Shown], gone: AbstractSet[str]) -> list[_Shown]:
    """The rows that are of none of these subjects."""
    return [row for row in rows if gone.isdisjoint(_above(row.key))]


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


def _rows(tables: Mapping[str, Sequence[_Shown]], memory: Memory) -> Rows:
    digests: dict[str, dict[str, bytes]] = {}
    documents: dict[bytes, Documents] = {}
    for name, rows in tables.items():
        groups: dict[str, list[bytes]] = {}
        for row in sorted(rows):
            groups.setdefault(row.group, []).append(row.doc)
        for group, docs in groups.items():
            named = digests.setdefault(name, {})[group] = b"".join(map(digest_of, docs))
            documents[named] = tuple(docs)
    return Rows(digests, documents, memory)


def _compared(before: Rows, after: Rows, day: date) -> Work[Changed]:
    then, now = (yield from _views(before, day)), (yield from _views(after, day))
    for key in {**then, **now}:
        one = between(key, then.get(key), now.get(key))
        yield one if one.change != Outcome.UNCHANGED else None


def _views(rows: Rows, day: date) -> Generator[None, None, Views]:
    """All views, with the counts of their tasks."""
    found, tally = dict[Key, msgspec.Struct](), Tally(rows, day)
    for subject in _KINDS:
        counting = subject.list.counting
        for id_, one in subject.all(rows, day):
            found[subject.kind, id_] = counting.counted(one, tally) if counting else one
            yield
    return found
