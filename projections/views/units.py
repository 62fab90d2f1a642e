"""Units and groups as everybody reads them: with members, successions, and the tasks each takes part in."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from sys import getsizeof
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.directory import Unit, UnitKind
from domain.values import Role
from projections import as_of
from projections.as_of import Rows
from projections.grams import holds
from projections.lists import Collection, Place, Words, with_json
from projections.table import TEXT, Row, slice_table
from projections.views import tasks
from projections.views.counts import TaskCounts, TasksAt, counting
from projections.views.names import UNIT_VERSIONS, UNITS, Directory, Named, UnitRow, directory
from projections.views.own import OWN, OwnWord, OwnWords
from projections.views.tasks import ASSIGNMENTS, AssignmentRow, TaskView
from projections.wanted import Deferred, Keyset, Wanted, behind, page_of, wanted


class MembershipRow(msgspec.Struct, frozen=True):
    """A member of a group."""

    group: str
    member: str


def _rows(key: str, unit: Unit) -> Iterable[Row]:
    for member in unit.members:
        yield Row(f"{key}/{member}", (key, member), msgspec.json.encode(MembershipRow(key, member)))


MEMBERSHIPS = slice_table("memberships", Unit, MembershipRow, _rows, {"group": TEXT, "member": TEXT})


class ViaKind(StrEnum):
    """How a task comes to a unit that it does not name."""

    GROUP = "group"
    SUCCESSION = "succession"


class Via(msgspec.Struct, frozen=True):
    """Through whom a task comes to a unit: the group it belongs to, or the unit that it succeeded."""

    kind: ViaKind
    id: str
    name: str


class Participation(msgspec.Struct, frozen=True):
    """A unit's part in a task; `via` is empty where the task names the unit itself.

    `own` is what the unit itself reported, of a group or a district its members or units: null if nothing.
    """

    task: str
    plan: str
    number: int
    role: Role
    literal: str
    via: tuple[Via, ...]
    own: OwnWord | None = None


class UnitView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One unit or group as the record showed it at a moment; `closed` and `members` speak of groups only."""

    id: str
    kind: UnitKind
    name: str
    aliases: tuple[str, ...]
    district: str | None
    closed: bool | None
    members: tuple[Named, ...]
    member_of: tuple[Named, ...]
    successors: tuple[Named, ...]
    predecessors: tuple[Named, ...]
    tasks: tuple[Participation, ...]
    version: int
    task_counts: TaskCounts | UnsetType = UNSET
    meta: as_of.Meta | UnsetType = UNSET


def one(*keys: str) -> Sequence[Wanted]:
    """What a single unit is put together from, or some."""
    return (wanted(UNIT_VERSIONS, key=keys), *taken_by(_these, *keys))


def taken_by(units: Callable[..., Sequence[str]], *given: Hashable, page: Keyset | None = None) -> Sequence[Wanted]:
    """What tells in which tasks some units take part: those that `units(rows, page, *given)` finds in the directory."""
    through, by = Deferred(_sources, (units, *given), page), Deferred(_speakers, (units, *given), page)
    return (wanted(UNITS), wanted(ASSIGNMENTS, unit=through), wanted(OWN, unit=by))


def _these(_rows: Rows, _page: Keyset | None, *keys: str) -> Sequence[str]:
    return keys


def _sources(rows: Rows, page: Keyset | None, units: Callable[..., Sequence[str]], *given: Hashable) -> Sequence[str]:
    """All through whom tasks come to some units."""
    return directory(rows).sources(*units(rows, page, *given))


def _speakers(rows: Rows, page: Keyset | None, units: Callable[..., Sequence[str]], *given: Hashable) -> Sequence[str]:
    """All whose reports may be the word of one of some units."""
    known = directory(rows)
    return known.before(*dict.fromkeys(one for unit in units(rows, page, *given) for one in known.speaking(unit)))


class Participations:
    """Who takes part in which task, through groups and successions, at one moment."""

    def __init__(self, rows: Rows, directory: Directory) -> None:
        self._directory = directory
        self._ways = directory.ways
        self._assigned: dict[str, list[AssignmentRow]] = {}
        for one in sorted(rows.of(ASSIGNMENTS, AssignmentRow), key=lambda one: (one.plan, one.number, one.task)):
            self._assigned.setdefault(one.unit, []).append(one)
        self._words = OwnWords(rows, directory)

    def of(self, *units: str) -> tuple[Participation, ...]:
        """The parts of a unit or of several, by task number; one for each way in which a task comes to them."""
        parts = [part for unit in units for part in self._parts(unit)]
        speaking = [one for unit in units for one in self._directory.speaking(unit)]
        words = {task: self._words.of(speaking, task) for task in {part.task for part in parts}}
        parts.sort(key=lambda part: (part.plan, part.number, part.task, len(part.via)))
        return tuple(msgspec.structs.replace(one, own=words[one.task]) if words[one.task] else one for one in parts)

    def _parts(self, unit: str) -> Iterator[Participation]:
        """Its own, then those of each unit that it succeeded, on the shortest way."""
        ways: dict[str, tuple[Via, ...]] = {unit: ()}
        ahead = [unit]
        for one in ahead:
            via = ways[one]
            yield from self._named(one, via)
            for group in self._ways.groups.get(one, ()):
                yield from self._named(group, (*via, self._via(ViaKind.GROUP, group)))
            for before in self._ways.predecessors.get(one, ()):
                if before not in ways:
                    ways[before] = (*via, self._via(ViaKind.SUCCESSION, before))
                    ahead.append(before)

    def _named(self, unit: str, via: tuple[Via, ...]) -> Iterator[Participation]:
        for one in self._assigned.get(unit, ()):
            yield Participation(one.task, one.plan, one.number, one.role, one.literal, via)

    def _via(self, kind: ViaKind, key: str) -> Via:
        return Via(kind, key, self._directory.named(key).name)


def show(rows: Rows) -> list[UnitView]:
    """The units and groups whose versions are among these rows, by id."""
    return sorted(one_by_one(rows), key=lambda unit: unit.id)


def one_by_one(rows: Rows) -> Iterator[UnitView]:
    """The same, one after the other, in the order of the rows."""
    known = directory(rows)
    parts = Participations(rows, known)
    for key in rows.groups(UNIT_VERSIONS):
        if unit := known(key):
            yield _view(unit, rows.count(UNIT_VERSIONS, key), known, parts)


def _view(unit: UnitRow, version: int, directory: Directory, parts: Participations) -> UnitView:
    return UnitView(
        id=unit.id,
        kind=unit.kind,
        name=unit.name,
        aliases=unit.aliases,
        district=unit.district,
        closed=unit.closed,
        members=tuple(map(directory.named, unit.members)),
        member_of=tuple(map(directory.named, directory.ways.groups.get(unit.id, ()))),
        successors=tuple(map(directory.named, unit.successors)),
        predecessors=tuple(map(directory.named, directory.ways.predecessors.get(unit.id, ()))),
        tasks=parts.of(unit.id),
        version=version,
    )


class UnitFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which units and groups."""

    kind: Annotated[UnitKind | None, Meta(description="Units of this kind, or groups.")] = None
    district: Annotated[str | None, Meta(description="Units of this district.", examples=["310115"])] = None
    q: Annotated[
        Words | None,
        Meta(
            description="Units whose name or another wording for it holds each of these words.",
            examples=["市场监管"],
        ),
    ] = None


def _keeps(given: UnitFilter) -> Callable[[UnitRow], bool]:
    """Whether a unit is one of those asked for."""
    return lambda unit: (
        given.kind in {None, unit.kind}
        and given.district in {None, unit.district}
        and (given.q is None or holds(" ".join((unit.name, *unit.aliases)), given.q))
    )


def tasks_taken(view: Any, there: TasksAt) -> Iterable[TaskView]:
    """The tasks in which a unit or a district takes part, each once."""
    ids = dict.fromkeys(part.task for part in view.tasks)
    return (there.by_id[one] for one in ids if one in there.by_id)


def rows_beside(views: Sequence[Any]) -> Sequence[Wanted]:
    """What the tasks of units or districts are counted by."""
    return tasks.one(*sorted({part.task for one in views for part in one.tasks}))


UNIT_TASKS: Final = counting(rows_beside, tasks_taken, lambda unit, units: units.behind(unit.id).__contains__)


def _listed(rows: Rows, page: Keyset, given: UnitFilter) -> Sequence[str]:
    """The units of a page, which the directory alone tells."""

    def listed() -> Sequence[str]:
        known = directory(rows)
        return [unit.id for unit in islice(filter(_keeps(given), known.each(behind(known.ids, page))), page.limit)]

    units = rows.joined(UNITS)
    return rows.memory.made(
        ("units listed", units, page, given), listed, lambda made: len(units) + sum(map(getsizeof, made))
    )


def _wanted(_scope: str, given: UnitFilter, after: Place | None, limit: int) -> Sequence[Wanted]:
    page = Keyset(("key",), after=after, limit=limit)
    versions = wanted(UNIT_VERSIONS, key=Deferred(_listed, (given,), page))
    return (page_of(versions, Keyset(page.order)), *taken_by(_listed, given, page=page))


UNIT_LIST: Collection[UnitView, UnitFilter] = Collection(
    name="units",
    view=UnitView,
    filter=UnitFilter,
    wanted=_wanted,
    shown=lambda rows, _: with_json([*one_by_one(rows)]),
    place=lambda unit, _: (unit.id,),
    counting=UNIT_TASKS,
    paged=True,
)
