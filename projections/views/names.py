"""What other views join at their own moment: units and groups, plans, and the platforms that texts mention."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple

import msgspec

from domain.directory import Platform, Unit, UnitKind, resolve
from domain.plan import Adopted, Plan
from projections.as_of import Rows
from projections.documents import digest_of, name_of, structs_of
from projections.table import TEXT, Row, slice_table, version_table


class UnitRow(Unit, frozen=True, kw_only=True):
    """A unit at one moment, as the table keeps it."""

    id: str


class PlanRow(Adopted, frozen=True, kw_only=True):
    """A plan at one moment, as the table keeps it; parts and measures have tables of their own."""

    id: str


class PlatformRow(Platform, frozen=True, kw_only=True):
    """A platform at one moment, as the table keeps it."""

    id: str

    @property
    def wordings(self) -> tuple[str, ...]:
        """What a text that mentions it may call it."""
        return (self.name, *self.aliases)


class Named(msgspec.Struct, frozen=True):
    """An id with the name it has at this moment."""

    id: str
    name: str


class AssigneeKind(StrEnum):
    """Whether a task names a single unit or a group."""

    UNIT = "unit"
    GROUP = "group"


class Assignee(msgspec.Struct, frozen=True):
    """A unit or a group, with its name at this moment."""

    kind: AssigneeKind
    id: str
    name: str


def _unit_rows(key: str, unit: Unit) -> Iterable[Row]:
    row = UnitRow(**msgspec.structs.asdict(unit), id=key)
    yield Row(key, (unit.kind.value, unit.district), msgspec.json.encode(row))


def _plan_rows(key: str, plan: Plan) -> Iterable[Row]:
    adopted = {name: getattr(plan, name) for name in Adopted.__struct_fields__}
    row = PlanRow(**adopted, id=key)
    yield Row(key, (), msgspec.json.encode(row))


def _platform_rows(key: str, platform: Platform) -> Iterable[Row]:
    row = PlatformRow(platform.name, platform.aliases, id=key)
    yield Row(key, (), msgspec.json.encode(row))


UNITS = slice_table("units", Unit, UnitRow, _unit_rows, {"kind": TEXT, "district": TEXT}, version=2, shared=True)
PLANS = slice_table("plans", Plan, PlanRow, _plan_rows, {})
PLATFORMS = slice_table("platforms", Platform, PlatformRow, _platform_rows, {}, shared=True)
UNIT_VERSIONS, PLAN_VERSIONS, PLATFORM_VERSIONS = map(version_table, (Unit, Plan, Platform))


_ENTRY: Final = 300  # bytes that a unit takes in a directory that has not been asked for it,
_WAYS: Final = 300  # where those are asked for that name it, it takes so much more,
_WEIGHT: Final = 5  # and one that has, as it is and as tasks name it, for each byte of its JSON
_ID: Final = 80  # bytes that an id takes in a set
_NAME: Final = 200  # bytes that a name of it and of all behind it takes
_ROOM: Final = 10  # ids for each unit of a directory that it may remember of who stands behind whom
_ALONE: Final = 4  # ids that take as much as a set of them by itself
_ASKED_FOR: Final = 5_000  # units that a directory remembers as they are; others are read from their JSON each time


class _Key(msgspec.Struct, frozen=True):
    id: str


class _Placed(msgspec.Struct, frozen=True):
    """What leads from another unit to this one."""

    id: str
    district: str | None
    successors: tuple[str, ...]
    members: tuple[str, ...]


class _Ways(NamedTuple):
    """The ways back: from a member to its groups, from a successor to whom it succeeded, from a district to its units.

    All by id.
    """

    groups: Mapping[str, Sequence[str]]
    predecessors: Mapping[str, Sequence[str]]
    within: Mapping[str | None, Sequence[str]]


class Directory:
    """All units at one moment, each read from its JSON when it is asked for."""

    def __init__(self, documents: Sequence[bytes]) -> None:
        keys = (one.id for one in structs_of(documents, _Key))
        self._documents = dict(sorted(zip(keys, documents, strict=True)))
        self._units: dict[str, UnitRow] = {}
        self._named: dict[str, Named] = {}  # of units alone, so that views share them,
        self._assignees: dict[str, Assignee] = {}  # as they share these
        self._acting: dict[str, tuple[Named, ...]] = {}
        self._behind: dict[str, frozenset[str]] = {}
        self._names: dict[str, bytes] = {}
        self._most = min(len(documents), _ASKED_FOR)
        self._room = _ROOM * self._most

    @property
    def weight(self) -> int:
        """Bytes that it takes at most, with all that it may remember."""
        count, size = len(self._documents), sum(map(len, self._documents.values()))
        return (
            (_ENTRY + _WAYS) * count + (_NAME + _ID * _ROOM) * self._most + _WEIGHT * size * self._most // max(count, 1)
        )

    @cached_property
    def ways(self) -> _Ways:
        """From each unit to those that name it."""
        groups: dict[str, list[str]] = {}
        predecessors: dict[str, list[str]] = {}
        within: dict[str | None, list[str]] = {}
        for one in structs_of([*self._documents.values()], _Placed):
            within.setdefault(one.district, []).append(one.id)
            for member in one.members:
                groups.setdefault(member, []).append(one.id)
            for successor in one.successors:
                predecessors.setdefault(successor, []).append(one.id)
        return _Ways(groups, predecessors, within)

    def __call__(self, key: str) -> UnitRow | None:
        """The unit, or None."""
        found = self._units.get(key)
        if found is None and key in self._documents:
            (found,) = structs_of([self._documents[key]], UnitRow)
            if len(self._units) < self._most:
                self._units[key] = found
        return found

    @cached_property
    def ids(self) -> Sequence[str]:
        """Those of all of them, in their order."""
        return list(self._documents)

    def each(self, ids: Iterable[str] | None = None) -> Iterator[UnitRow]:
        """Those with these ids, or all of them, by id."""
        return (unit for unit in map(self, self._documents if ids is None else ids) if unit)

    def named(self, key: str) -> Named:
        """The unit with its name at this moment."""
        found = self._named.get(key)
        if found is None:
            unit = self(key)
            found = Named(unit.id, unit.name) if unit else Named(key, key)
            if unit and len(self._named) < self._most:
                self._named[key] = found
        return found

    def assignee(self, key: str) -> Assignee:
        """The same of a unit or a group as one that a task names."""
        found = self._assignees.get(key)
        if found is None:
            named, unit = self.named(key), self(key)
            kind = AssigneeKind.GROUP if unit and unit.kind == UnitKind.GROUP else AssigneeKind.UNIT
            found = Assignee(kind, named.id, named.name)
            if unit and len(self._assignees) < self._most:
                self._assignees[key] = found
        return found

    def acting(self, assignee: str) -> tuple[Named, ...]:
        """Who acts in the place of those who were succeeded, of a unit or the members of a group."""
        found = self._acting.get(assignee)
        if found is None:
            found = tuple(map(self.named, resolve(assignee, self).acting))
            if self._room > 0:
                self._room -= _ALONE + len(found)
                self._acting[assignee] = found
        return found

    def behind(self, assignee: str) -> frozenset[str]:
        """All who take part where `assignee` does: itself, its members, and whoever succeeded one of them."""
        found = self._behind.get(assignee)
        if found is None:
            units = resolve(assignee, self).units
            found = frozenset((assignee, *(unit for one in units for unit in one.before)))
            if self._room > 0:
                self._room -= _ALONE + len(found)
                self._behind[assignee] = found
        return found

    def before(self, *units: str) -> list[str]:
        """These units and all whom they succeeded, however long ago."""
        found = dict.fromkeys(units)
        ahead = [*found]
        for one in ahead:
            new = [before for before in self.ways.predecessors.get(one, ()) if before not in found]
            found.update(dict.fromkeys(new))
            ahead += new
        return ahead

    def sources(self, *units: str) -> list[str]:
        """All through whom tasks come to these units: themselves, whom they succeeded, and the groups of each."""
        before = self.before(*units)
        groups = (group for one in before for group in self.ways.groups.get(one, ()))
        return [*dict.fromkeys((*before, *groups))]

    def speaking(self, unit: str) -> Sequence[str]:
        """A unit itself; of a group those who act for its members."""
        behind = resolve(unit, self)
        if behind.kind != UnitKind.GROUP:
            return (unit,)
        return tuple(dict.fromkeys(end for one in behind.units for end in one.ends))

    def name_of(self, assignees: Iterable[str]) -> bytes:
        """What names these and all who take part where they do, as they are: by it is known what is shown of them."""
        return name_of(*map(self._named_whole, assignees))

    def _named_whole(self, assignee: str) -> bytes:
        found = self._names.get(assignee)
        if found is None:
            behind = sorted(self.behind(assignee))
            found = digest_of(b"\n".join(self._documents.get(one, one.encode()) for one in behind))
            if len(self._names) < self._most:
                self._names[assignee] = found
        return found

    def districts(self, assignee: str) -> frozenset[str]:
        """The districts of all who take part where `assignee` does."""
        units = map(self, self.behind(assignee))
        return frozenset(unit.district for unit in units if unit and unit.district)


def directory(rows: Rows) -> Directory:
    """All units at the moment of these rows; the same rows make the same directory, which many moments share."""
    units = rows.joined(UNITS)
    return rows.memory.made(
        ("directory", units),
        lambda: Directory(rows.raw(UNITS)),
        lambda made: len(units) + made.weight,
    )
