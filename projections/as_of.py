"""Every read: what is asked on both clocks → the moment it means → the rows that stand there. No other read path."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from sys import getsizeof
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from domain.values import SHANGHAI, checked_date, instant_text, parse_date, parse_instant, shanghai_day
from events.database import Connection
from events.head import Head
from events.merkle import root as tree_root
from events.merkle import subtrees
from projections.documents import BESIDE_DOCUMENT, Documents, digest_of, learned, name_of, recalled, structs_of
from projections.memory import Memory
from projections.table import SliceTable
from projections.wanted import (
    LAST_CHANGED,
    TREE,
    TREE_LEVELS,
    TREE_NODES,
    Form,
    Wanted,
    compiled,
    is_shared,
    union_of,
    with_root,
)

T = TypeVar("T")
_NAME: Final = 80  # bytes that the name of a parameter takes
_STRUCT: Final = 64  # bytes that a Struct takes beside what it says
_DECODED: Final = 3  # bytes that what it says takes for each byte of its JSON
_NEITHER: Final = "neither a date (2023-06-30) nor an instant (2023-06-30T12:00:00+08:00)"
_FORM: Final = 800  # bytes that a form takes in the key of its statement


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
    min_position: int | None = None  # what must be visible before the question is answered


class Moment(msgspec.Struct, frozen=True):
    """What it means: the size of the log, when that was reached, and a day. A read is a pure function of it.

    `log` is the log's random identity (16 hex digits), `root` the RFC 6962 root of its first `position` leaves (64),
    empty until it is read: the first rows that are read at such a moment bring it along.
    """

    position: int
    as_of: datetime
    effective_on: date
    origin: str
    log: str
    root: str
    pinned: bool


KnownRoot = Callable[[int], str]
"""The root, in hex, that the log had at a size, as far as it is known; else an empty text."""


class _Place(NamedTuple):
    """A moment but for what the log is, and its root there."""

    position: int
    as_of: datetime
    effective_on: date
    pinned: bool


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """What an answer resolved to. `self` is its address with both clocks pinned; `origin` names the log.

    `log` is the random identity that the log was made with: 16 hex digits. `root` is the RFC 6962 Merkle root of its
    first `position` facts, in hex: another history has another root. `rules` is the version of openapi/FOLD.md, the
    rules by which the answer follows from those facts.
    """

    position: int
    log: str
    root: str
    rules: int
    as_of: str
    effective_on: date
    self_: str = msgspec.field(name="self")
    origin: str
    license: str


def parse_as_of(text: str, parameter: str = "asOf") -> date | datetime:
    """A date, or an RFC 3339 instant with its zone; NoSuchMoment says what is wrong."""
    try:
        if len(text) == len("2023-06-30"):
            return parse_date(text)
        if " " in text:
            raise NoSuchMoment("the + of a zone must be sent as %2B (a bare + arrives as a blank)", parameter=parameter)
        instant = parse_instant(text)
        checked_date(instant.date())
    except msgspec.ValidationError as error:
        raise NoSuchMoment(f"{parameter}={text!r} is {_NEITHER}", parameter=parameter) from error
    except ValueError as error:
        raise NoSuchMoment(f"{parameter}={text!r} is {_NEITHER}: {error}", parameter=parameter) from error
    if instant.tzinfo is None:
        raise NoSuchMoment("an instant needs its zone: Z, or +08:00 sent as %2B08:00", parameter=parameter)
    return instant


def moment_at(head: Head, root: KnownRoot, asked: AsOf) -> Moment:
    """The moment that is meant; NoSuchMoment in the future, beyond the head, or before the record begins."""
    place = _place(head, asked)
    found = root(place.position)
    return Moment(place.position, place.as_of, place.effective_on, head.origin, head.log, found, place.pinned)


def _place(head: Head, asked: AsOf) -> _Place:
    if asked.as_of is not None and asked.position is not None:
        raise NoSuchMoment("give asOf or position, not both", parameter="position")
    if head.size == 0:
        raise NoSuchMoment("the record is empty: no plan has been imported yet", parameter="asOf", before=True)
    if asked.position is not None:
        return _at_position(head, asked, asked.position)
    today = head.today()
    if asked.as_of is None or asked.as_of == today:
        return _Place(head.size, head.recorded_at(head.size), asked.effective_on or today, pinned=False)
    return _at_instant(head, asked, asked.as_of)


def _at_position(head: Head, asked: AsOf, position: int) -> _Place:
    if not 1 <= position <= head.size:
        raise NoSuchMoment(f"position {position} is not in the log, which holds 1 to {head.size}", parameter="position")
    recorded_at = head.recorded_at(position)
    return _Place(position, recorded_at, asked.effective_on or shanghai_day(recorded_at), pinned=True)


def _at_instant(head: Head, asked: AsOf, as_of: date | datetime) -> _Place:
    if _start(as_of) > head.now():
        raise NoSuchMoment(f"asOf lies in the future: it is {instant_text(head.now())}", parameter="asOf")
    end = _end(as_of)
    position = head.found(end)
    if position == 0:
        raise NoSuchMoment(
            f"the public record begins at {instant_text(head.recorded_at(1))}; what held on an earlier day is asked "
            f"with effectiveOn={shanghai_day(end)}",
            parameter="asOf",
            before=True,
        )
    pinned = end < head.recorded_at(head.size)  # later ones may still be recorded at that very instant
    return _Place(position, head.recorded_at(position), asked.effective_on or shanghai_day(end), pinned=pinned)


def _start(as_of: date | datetime) -> datetime:
    return as_of if isinstance(as_of, datetime) else datetime.combine(as_of, time(), SHANGHAI)


def _end(as_of: date | datetime) -> datetime:
    """The instant that is meant; of a date the first instant that is no more of it, less a microsecond."""
    if isinstance(as_of, datetime):
        return as_of
    return datetime.combine(as_of + timedelta(days=1), time(), SHANGHAI) - timedelta(microseconds=1)


class Rows:
    """The rows of each table that stand at a moment, by the digests of their JSON; decoded when they are asked for.

    They hold the `documents` that they are about, by the digests of each group; `memory` is for what is derived.
    """

    def __init__(
        self,
        digests: Mapping[str, Mapping[str, bytes]],
        documents: Mapping[bytes, Documents],
        memory: Memory,
    ) -> None:
        self._digests = digests
        self._documents = documents
        self.memory = memory

    def only(self, digests: Mapping[str, Mapping[str, bytes]]) -> "Rows":
        """Some of these rows: the digests of groups among them, by table and group."""
        return Rows(digests, self._documents, self.memory)

    def with_rows(self, others: "Rows") -> "Rows":
        """These rows and others of the same moment."""
        digests = {**self._digests, **others._digests}  # noqa: SLF001 - of its own kind
        documents = {**self._documents, **others._documents}  # noqa: SLF001
        return Rows(digests, documents, self.memory)

    def any(self, table: SliceTable) -> bool:
        """Whether the table has any of the rows wanted."""
        return table.name in self._digests

    def groups(self, table: SliceTable) -> Mapping[str, bytes]:
        """The digests of one table's rows, by the column that they were to be grouped by."""
        return self._digests.get(table.name, {})

    def joined(self, table: SliceTable) -> bytes:
        """The digests of one table's rows: what is derived from rows can be remembered by them."""
        groups = self.groups(table)
        if len(groups) == 1:
            return next(iter(groups.values()))
        return b"".join(groups[name] for name in sorted(groups))

    def raw(self, table: SliceTable) -> Sequence[bytes]:
        """The rows of one table as the JSON that it keeps."""
        groups = self.groups(table)
        return [one for name in sorted(groups) for one in self._documents[groups[name]]]

    def of(self, table: SliceTable, type_: type[T]) -> Sequence[T]:
        """The rows of one table, shared by all who read them: in the order asked for, else in none."""
        digests = self.joined(table)
        return self.memory.made(
            (type_, digests),
            lambda: structs_of(self.raw(table), type_),
            lambda made: len(digests) + _STRUCT * len(made) + _DECODED * sum(map(len, self.raw(table))),
        )

    def count(self, table: SliceTable, key: str) -> int:
        """What one of the tables that count says of a subject, which is among the rows."""
        return int(self._documents[self.groups(table)[key]][0])

    def of_group(self, table: SliceTable, group: str, type_: type[T]) -> list[T]:
        """Those rows of one table that have this value in the column that they were to be grouped by."""
        digests = self.groups(table).get(group)
        return structs_of(self._documents[digests], type_) if digests else []


class _Whole(NamedTuple):
    """All that stands in a shared table, and what names it."""

    name: bytes
    documents: Documents


async def rows_at(connection: Connection, moment: Moment, wanted: Sequence[Wanted], memory: Memory) -> Rows:
    """All rows that a view wants, at one moment, in one statement, and one more where any is new here.

    Where values are told by what is remembered whole, this is read before, the first time that it is wanted there.
    """
    own, shared = _parted(wanted)
    whole = _known_at(moment, shared, memory)
    if whole is None and any(one.waits for one in own):
        whole = await _read_together(connection, moment, (), shared, memory)
    if whole is None:
        return await _read_together(connection, moment, own, shared, memory)
    if not own:
        return whole
    told = [one.told(whole) for one in own]
    return whole.with_rows(await _read_together(connection, moment, told, (), memory))


async def rows_once(connection: Connection, moment: Moment, wanted: Sequence[Wanted], memory: Memory) -> Rows:
    """The same for who asks for none of them twice: their JSON comes at once, and what is remembered whole alone stays.

    Earns, with `views/every_task.py`, 1.8 times on `large-file-ndjson`.
    """
    own, shared = _parted(wanted)
    whole = _known_at(moment, shared, memory)
    if whole is None:
        whole = await _read_together(connection, moment, (), shared, memory) if shared else Rows({}, {}, memory)
    lines = await _read(connection, moment, [one.told(whole) for one in own], memory, "doc") if own else {}
    return whole.with_rows(_unremembered(lines, memory))


async def _read_together(
    connection: Connection, moment: Moment, own: Sequence[Wanted], shared: Sequence[Wanted], memory: Memory
) -> Rows:
    """Rows by themselves, and those of tables that are remembered whole."""
    rooted = not moment.root and memory.get(root_key(moment.position)) is None
    found = await _read(connection, moment, own, memory, shared=tuple(one.table for one in shared), rooted=rooted)
    nodes = tuple(found.pop(TREE, {}).values())
    if nodes and len(nodes) == len(subtrees(moment.position)):  # else whoever needs it says so
        keep_root(memory, moment.position, tree_root(nodes).hex())
    keys = tuple(("whole", one.table.table.name, found.pop(LAST_CHANGED + one.table.name)[""]) for one in shared)
    documents = recalled(memory, [digests for groups in found.values() for digests in groups.values()])
    whole: list[_Whole | None] = [memory.get(key) for key in keys]
    if documents is None or not all(whole):
        new = [one for one, known in zip(shared, whole, strict=True) if known is None]
        lines = await _read(connection, moment, [*(own if documents is None else ()), *new], memory, "doc")
        for at, (one, key) in enumerate(zip(shared, keys, strict=True)):
            if whole[at] is None:
                whole[at] = _remembered(memory, key, lines.pop(one.table.name, {}))
        rows = _learned(lines, memory) if documents is None else Rows(found, documents, memory)
    else:
        rows = Rows(found, documents, memory)
    if shared:
        memory.offer(_place_of(moment, shared), keys, _NAME * (1 + len(keys)))
    return rows.with_rows(_of_whole(shared, [one for one in whole if one], memory))


def root_key(position: int) -> Hashable:
    """By what the root at a position is remembered."""
    return "root", position


def keep_root(memory: Memory, position: int, root: str) -> None:
    """Remember the root, in hex, that the log had at a position."""
    memory.put(root_key(position), root, getsizeof(root))


def _place_of(moment: Moment, shared: Sequence[Wanted]) -> Hashable:
    return "whole at", moment.position, moment.effective_on, *(one.table.table.name for one in shared)


def _known_at(moment: Moment, shared: Sequence[Wanted], memory: Memory) -> Rows | None:
    """What is remembered whole as it stands at a moment, where it was read before at that very moment."""
    keys: Sequence[Hashable] = memory.get(_place_of(moment, shared)) or () if shared else ()
    found: list[_Whole] = [one for one in map(memory.get, keys) if one]
    return _of_whole(shared, found, memory) if len(found) == len(shared) else None


def _of_whole(shared: Sequence[Wanted], whole: Sequence[_Whole], memory: Memory) -> Rows:
    """These tables' rows. They have their own names too: what is told by them knows no other."""
    digests: dict[str, dict[str, bytes]] = {}
    for one, known in zip(shared, whole, strict=True):
        if known.documents:
            digests[one.table.name] = digests[one.table.table.name] = {"": known.name}
    return Rows(digests, {one.name: one.documents for one in whole}, memory)


def _remembered(memory: Memory, key: Hashable, lines: Mapping[str, bytes]) -> _Whole:
    documents = tuple(sorted(lines[""].split(b"\n"))) if lines else ()
    whole = _Whole(digest_of(b"\n".join(documents)), documents)
    memory.put(key, whole, sum(map(len, documents)) + BESIDE_DOCUMENT * len(documents))
    return whole


def _parted(wanted: Sequence[Wanted]) -> tuple[list[Wanted], list[Wanted]]:
    """What is read by itself, and what is remembered whole; what stands beside another keeps to it."""
    own, shared, places = list[Wanted](), list[Wanted](), dict[int, int]()
    for place, one in enumerate(wanted):
        if is_shared(one):
            shared.append(one)
            continue
        places[place], form = len(own), one.form
        own.append(one._replace(form=form._replace(of=form.of and (form.of[0], places[form.of[1]]))))
    return own, shared


def _learned(lines: Mapping[str, Mapping[str, bytes]], memory: Memory) -> Rows:
    digests: dict[str, dict[str, bytes]] = {}
    documents: dict[bytes, Documents] = {}
    for name, groups in lines.items():
        for group, some in groups.items():
            own = tuple(some.split(b"\n"))
            named = digests.setdefault(name, {})[group] = learned(memory, own)
            documents[named] = own
    return Rows(digests, documents, memory)


def _unremembered(lines: Mapping[str, Mapping[str, bytes]], memory: Memory) -> Rows:
    """Rows that are read once: those of a group are named by all that was read of their table, and its place there."""
    named: dict[str, dict[str, bytes]] = {}
    documents: dict[bytes, Documents] = {}
    for name, groups in lines.items():
        whole = name_of(*groups.values())  # a name for each by itself took a twentieth of the time
        named[name] = {group: whole + b"%d" % place for place, group in enumerate(groups)}
        documents |= zip(named[name].values(), (tuple(some.split(b"\n")) for some in groups.values()), strict=True)
    return Rows(named, documents, memory)


async def _read(  # noqa: PLR0913, PLR0917 - where, when, what, in which form
    connection: Connection,
    moment: Moment,
    wanted: Sequence[Wanted],
    memory: Memory,
    column: Literal["digest", "doc"] = "digest",
    shared: tuple[SliceTable, ...] = (),
    *,
    rooted: bool = False,
) -> dict[str, dict[str, bytes]]:
    """The digests or the JSON of rows, and of tables that are shared what names all that stands in them.

    `rooted`: by TREE the nodes that make the root of the log too.
    """
    sql, names = statement_of(memory, tuple(one.form for one in wanted), column, shared, rooted=rooted)
    values: dict[str, Any] = {"position": moment.position, "day": moment.effective_on}
    if rooted:
        nodes = subtrees(moment.position)
        values |= {TREE_LEVELS: [str(one.level) for one in nodes], TREE_NODES: [str(one.number) for one in nodes]}
    for number, one in enumerate(wanted):
        values |= {f"{name}_{number}": value for name, value in one.values}
    found: dict[str, dict[str, bytes]] = {}
    for name, groups, some in await connection.fetch(sql, *(values[name] for name in names)):
        found[name] = dict(zip(groups, some, strict=True))
    return found


def statement_of(
    memory: Memory,
    forms: tuple[Form, ...],
    column: Literal["digest", "doc"],
    shared: tuple[SliceTable, ...] = (),
    *,
    rooted: bool = False,
) -> tuple[str, list[str]]:
    """The text that brings such rows, and its parameters; requests combine forms at will."""

    def made() -> tuple[str, list[str]]:
        statement = compiled(union_of(forms, column, shared))
        return with_root(*statement) if rooted else statement

    return memory.made(
        ("statement", column, forms, shared, rooted),
        made,
        lambda made: len(made[0]) + _NAME * len(made[1]) + _FORM * (len(forms) + len(shared)),
    )
