"""Whether the tables say what the log says: both read once, in one order, a piece at a time."""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final, NamedTuple

from domain.commands import STREAMS
from domain.fact import subject_of
from events import codec
from events.audit import WINDOW, Leaves, Progress
from events.counted import Tell, compare_stream
from events.database import Connection, Leafing
from events.recorded import Recorded
from projections import concerns
from projections.concerns import CONCERNS, REQUEST_SPANS
from projections.runner import LAST, streams
from projections.slices import Tables
from projections.sweep import sweep
from projections.table import SCHEMA, SliceTable
from projections.writer import column_names, quoted, record

_Line = tuple[Any, ...]  # a slice as its table has it
_Place = tuple[str, int, date]
RANGES: Final = 32  # that work is divided into: whoever is done takes the next
_REMEMBERED: Final = 10_000  # corrections of which it is remembered what they concern
_SAMPLE: Final = "SELECT DISTINCT stream FROM events WHERE position = ANY ($1::bigint[])"
_SAMPLED: Final = 2_000  # facts by whose streams a log is divided
_CONCERNS: Final = f"""
    SELECT position, string_agg(what, E'\\n' ORDER BY what) FROM {SCHEMA}.{CONCERNS.name} GROUP BY position
    ORDER BY position
"""
_SPANS: Final = f"SELECT first, facts FROM {SCHEMA}.{REQUEST_SPANS.name} ORDER BY first, facts"


class Range(NamedTuple):
    """The streams of a kind whose subjects stand from `begin` up to `end`, and the rows that they are shown by."""

    kind: str
    begin: str = ""
    end: str = LAST

    @property
    def names(self) -> tuple[str, str]:
        """From which stream's name up to which; the log's own has no subject, and is called by its kind alone."""
        return f"{self.kind}:{self.begin}" if self.begin else self.kind, f"{self.kind}:{self.end}"


async def ranges(connection: Connection, size: int, parts: int) -> list[Range]:
    """All streams, those that no table shows included, in at least so many ranges of about one size, if there are many.

    A range ends where another plan begins: so a subject's rows, whose keys begin with its own, are in its range.
    """
    sample = await connection.fetch(_SAMPLE, [size * number // _SAMPLED for number in range(1, _SAMPLED + 1)])
    found = list[Range]()
    for kind in sorted(STREAMS):
        subjects = sorted(row["stream"].partition(":")[2] for row in sample if subject_of(row["stream"])[0] == kind)
        step = max(len(sample) // parts, 1)
        cuts = sorted({one.partition("/")[0] + "/" for one in subjects[step::step] if "/" in one})
        borders = ["", *(cuts if size > _SAMPLED else ()), LAST]
        found += [Range(kind, begin, end) for begin, end in pairwise(borders)]
    return found


async def compare_range(  # noqa: PLR0913 - what is compared, and who is told
    connection: Connection, tables: Tables, own: Range, size: int, *, found: Tell, progress: Progress
) -> int:
    """Refold the streams of a range and compare the tables' rows; how many rows there should be."""
    by_name = {table.name: table for table in tables}
    sides = {t.name: await _Side.of(connection, t, own, found) for t in tables if t.kind == own.kind}
    count = 0
    async for facts in streams(connection, size, *own.names, doubted=True):
        compare_stream(facts, found)
        subject = subject_of(facts[0].stream)[1]
        expected: dict[str, list[_Line]] = {}
        for one in sweep(tables, facts[0].stream, facts):
            expected.setdefault(one.table, []).append(record(by_name[one.table], one))
        for name, lines in expected.items():
            count += len(lines)
            if name in sides:
                await sides[name].compare(subject, lines)
        progress(len(facts))
    for side in sides.values():
        await side.end()
    return count


class _Side:
    """A table's rows in the order of their keys, which is nearly that of the streams: what comes early waits."""

    def __init__(self, table: SliceTable, rows: Leafing, found: Tell) -> None:
        self._table = table
        self._names = column_names(table)
        self._rows = rows
        self._found = found
        self._read = deque[Any]()
        self._early: dict[str, dict[_Place, _Line]] = {}
        self._more = True

    @classmethod
    async def of(cls, connection: Connection, table: SliceTable, own: Range, found: Tell) -> "_Side":
        """The rows of a range."""
        sql = f"SELECT {quoted(table)} FROM {SCHEMA}.{table.name} WHERE key >= $1 AND key < $2 ORDER BY key"
        return cls(table, await connection.cursor(sql, own.begin, own.end), found)

    async def compare(self, subject: str, expected: Sequence[_Line]) -> None:
        """The rows of the next subject."""
        last = max(line[0] for line in expected)
        await self._take(last, subject.count("/") + 1)
        there = self._early.pop(subject, {})
        for should in expected:
            line = there.pop(_place(should), None)
            if line != should:
                self._differs(line, should)
        for line in there.values():
            self._surplus(line)

    async def end(self) -> None:
        """There are no more subjects."""
        await self._take(LAST, 1)
        for lines in self._early.values():
            for line in lines.values():
                self._surplus(line)

    async def _take(self, last: str, parts: int) -> None:
        """Have the rows up to a key at hand, by the subjects whose names have so many parts."""
        while True:
            while self._read and self._read[0][0] <= last:
                line = tuple(self._read.popleft())
                key = line[0]
                subject = key if key.count("/") < parts else "/".join(key.split("/", parts)[:parts])
                own = self._early.setdefault(subject, {})
                if _place(line) in own:
                    self._found(f"{_where(self._table, line)}: the table holds it twice")
                own[_place(line)] = line
            if self._read or not self._more:
                return
            self._read.extend(await self._rows.fetch(WINDOW))
            self._more = bool(self._read)

    def _surplus(self, line: _Line) -> None:
        self._found(f"{_where(self._table, line)}: the table has what the log does not say: {_said(line[-2])}")

    def _differs(self, there: _Line | None, should: _Line) -> None:
        if there is None:
            self._found(f"{_where(self._table, should)}: missing: {_said(should[-2])}")
            return
        for name, one, other in zip(self._names, there, should, strict=True):
            if one != other:
                where = f"{_where(self._table, should)}, column {name}"
                self._found(f"{where}: the table has {_said(one)}, not {_said(other)}")


def _place(line: _Line) -> _Place:
    """What no two slices of a table share: key, position from, day from."""
    return line[0], line[1], line[3]


def _where(table: SliceTable, line: _Line) -> str:
    return f"table {table.name}, key {line[0]}, positions {line[1]} to {line[2]}, days {line[3]} to {line[4]}"


def _said(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


class Indexes:
    """The two tables that are told from the leaves in their order: what each concerns, and its request."""

    def __init__(self, connection: Connection, kept: Mapping[str, Leafing], found: Tell) -> None:
        self._connection = connection
        self._concerns = _Ordered(kept.get(CONCERNS.name))
        self._spans = _Ordered(kept.get(REQUEST_SPANS.name))
        self._found = found
        self._known = OrderedDict[int, frozenset[str]]()
        self._span = 0, 0
        self._request: object = None

    @classmethod
    async def of(cls, connection: Connection, unreadable: frozenset[str], found: Tell) -> "Indexes":
        """Both, but for what cannot be read."""
        wanted = ((CONCERNS, _CONCERNS), (REQUEST_SPANS, _SPANS))
        kept = {table.name: await connection.cursor(sql) for table, sql in wanted if str(table) not in unreadable}
        return cls(connection, kept, found)

    async def compare(self, leaves: Leaves) -> None:
        """Hold both against the next leaves."""
        targets = await self._targets([leaf for _, leaf in leaves if leaf and leaf.undoes is not None])
        for position, leaf in leaves:
            if leaf is None or leaf.cause.request == self._request:
                self._span = self._span[0], self._span[1] + 1
            else:
                await self._span_ends()
                self._request, self._span = leaf.cause.request, (position, 1)
            if leaf:
                await self._concern(position, self._concerned(leaf, targets))
        while len(self._known) > _REMEMBERED:  # not before: `targets` holds only what is not remembered
            self._known.popitem(last=False)

    async def end(self) -> None:
        """There are no more leaves."""
        await self._span_ends()
        for position, whats in await self._concerns.rest():
            self._tell_concerns(position, set(whats.split("\n")), set())
        for first, facts in await self._spans.rest():
            self._surplus_span(first, facts)

    def _concerned(self, leaf: Recorded, targets: Mapping[int, Recorded]) -> frozenset[str]:
        """What a fact concerns, by what the facts that it undoes do."""
        found = concerns.names_in(leaf)
        if leaf.undoes is None:
            return found
        target = self._target(leaf, targets)
        while target:
            if target.position in self._known:
                found |= self._known[target.position]
                break
            found |= concerns.names_in(target)
            target = self._target(target, targets)
        self._known[leaf.position] = found
        return found

    @staticmethod
    def _target(leaf: Recorded, targets: Mapping[int, Recorded]) -> Recorded | None:
        found = targets.get(leaf.undoes or 0)
        return found if found and found.stream == leaf.stream and found.position < leaf.position else None

    async def _targets(self, undoing: Sequence[Recorded]) -> dict[int, Recorded]:
        """What these facts undo, and what that undoes, as far as it is not remembered."""
        found: dict[int, Recorded] = {}
        wanted = {one.undoes for one in undoing}
        while wanted:
            rows = await self._connection.fetch(
                "SELECT position, entry FROM events WHERE position = ANY ($1::bigint[])", list(wanted)
            )
            fresh = {row["position"]: leaf for row in rows if (leaf := _readable(row["entry"]))}
            found |= fresh
            further = {one.undoes for one in fresh.values() if one.undoes and one.position not in self._known}
            wanted = {one for one in further if one not in found}
        return found

    async def _concern(self, position: int, expected: frozenset[str]) -> None:
        for there, whats in await self._concerns.before(position):
            self._tell_concerns(there, set(whats.split("\n")), set())
        whats = await self._concerns.at(position)
        if self._concerns.kept and whats != "\n".join(sorted(expected)):
            self._tell_concerns(position, set(whats.split("\n")) if whats else set(), set(expected))

    def _tell_concerns(self, position: int, there: set[str], should: set[str]) -> None:
        for what in sorted(should - there):
            self._found(f"table {CONCERNS.name}: what {what}, position {position} is missing")
        for what in sorted(there - should):
            self._found(
                f"table {CONCERNS.name}: the table has what {what}, position {position}, which the log does not say"
            )

    async def _span_ends(self) -> None:
        first, facts = self._span
        if not facts or not self._spans.kept:
            return
        for there, count in await self._spans.before(first):
            self._surplus_span(there, count)
        count = await self._spans.at(first)
        if count != facts:
            self._found(f"table {REQUEST_SPANS.name}: first {first}, facts {facts} is missing")
            if count is not None:
                self._surplus_span(first, count)

    def _surplus_span(self, first: int, facts: int) -> None:
        name = REQUEST_SPANS.name
        self._found(f"table {name}: the table has first {first}, facts {facts}, which the log does not say")


def _readable(entry: bytes) -> Recorded | None:
    try:
        return codec.decode_trusted(entry)
    except codec.LeafError:
        return None


class _Ordered:
    """Rows of a position and what is said of it, in order; `kept` says whether there are any to be read."""

    def __init__(self, rows: Leafing | None) -> None:
        self._rows = rows
        self.kept = rows is not None
        self._read = deque[Any]()

    async def before(self, position: int) -> list[Any]:
        """Those before a position, which nothing was expected at."""
        return [] if self._read and self._read[0][0] >= position else await self._until(position)

    async def at(self, position: int) -> Any:
        """What is said of a position, or None."""
        await self._have()
        return self._read.popleft()[1] if self._read and self._read[0][0] == position else None

    async def rest(self) -> list[Any]:
        """All that is left."""
        return await self._until(2**63)

    async def _until(self, position: int) -> list[Any]:
        found = list[Any]()
        await self._have()
        while self._read and self._read[0][0] < position:
            found.append(self._read.popleft())
            await self._have()
        return found

    async def _have(self) -> None:
        if not self._read and self._rows:
            self._read.extend(await self._rows.fetch(WINDOW))
            if not self._read:
                self._rows = None
