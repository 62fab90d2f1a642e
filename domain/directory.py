"""Who and where: units, groups, districts, platforms. All are timeless: what founds one holds from −infinity."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Protocol, assert_never

import msgspec
from msgspec import Meta

from domain.errors import AlreadyExists, Membership, NotAGroup, SuccessionCircle
from domain.fact import Fact, subject_of
from domain.record import Command, New, Record, State, StateSpan
from domain.values import DistrictCode, Name, PlatformId, UnitId


class UnitKind(StrEnum):
    """A body, the government of a district, or a named set of units."""

    BODY = "body"
    DISTRICT_GOVERNMENT = "district_government"
    GROUP = "group"


class Unit(State, frozen=True):
    """A unit or group as its own facts leave it; `closed` and `members` speak of groups only."""

    KIND: ClassVar[str] = "unit"

    kind: UnitKind
    name: str
    aliases: tuple[str, ...] = ()
    district: str | None = None
    successors: tuple[str, ...] = ()
    closed: bool | None = None
    members: tuple[str, ...] = ()
    former_members: tuple[str, ...] = ()


class District(State, frozen=True):
    """A district; its code is its key."""

    KIND: ClassVar[str] = "district"

    name: str


class Platform(State, frozen=True):
    """A named information system that tasks mention by its name or an alias."""

    KIND: ClassVar[str] = "platform"

    name: str
    aliases: tuple[str, ...] = ()


class UnitRegistered(Fact, frozen=True, tag="unit.registered.v1"):
    """A unit got its id for life."""

    FOUNDS: ClassVar[bool] = True

    name: Name
    kind: UnitKind
    district: DistrictCode | None = None

    def refers(self) -> tuple[str, ...]:
        """The district."""
        return (f"district:{self.district}",) if self.district else ()


class UnitRenamed(Fact, frozen=True, tag="unit.renamed.v1"):
    """The unit carries another official name from `effectiveOn`."""

    name: Name


class UnitAliasAdded(Fact, frozen=True, tag="unit.alias_added.v1"):
    """Another wording names this same unit; the reason stands in the cause."""

    alias: Name


class UnitSucceeded(Fact, frozen=True, tag="unit.succeeded.v2"):
    """These units took over its duties, each of them: the whole set, which is empty where the unit acts again."""

    MOVES_DUTIES: ClassVar[bool] = True

    successors: tuple[UnitId, ...]

    def refers(self) -> tuple[str, ...]:
        """The successors."""
        return tuple(f"unit:{one}" for one in self.successors)


class UnitSucceededByOne(Fact, frozen=True, tag="unit.succeeded.v1"):
    """Another unit took over its duties: a set of one. Recorded no more; a leaf stays as it was printed."""

    MOVES_DUTIES: ClassVar[bool] = True

    successor: UnitId

    def refers(self) -> tuple[str, ...]:
        """The successor."""
        return self.upcast().refers()

    def upcast(self) -> UnitSucceeded:
        """The same in today's words."""
        return UnitSucceeded((self.successor,))


class GroupDefined(Fact, frozen=True, tag="group.defined.v1"):
    """A named set of units; open where the document does not list its members."""

    FOUNDS: ClassVar[bool] = True
    MOVES_DUTIES: ClassVar[bool] = True

    name: Name
    closed: bool


class GroupMemberAdded(Fact, frozen=True, tag="group.member_added.v1"):
    """A unit belongs to the group from `effectiveOn`."""

    MOVES_DUTIES: ClassVar[bool] = True

    member: UnitId

    def holds_in(self, state: Unit) -> bool:
        """Whether the unit is a member."""
        return self.member in state.members

    def refers(self) -> tuple[str, ...]:
        """The member."""
        return (f"unit:{self.member}",)


class GroupMemberRemoved(Fact, frozen=True, tag="group.member_removed.v1"):
    """A unit belongs to the group no more: the day before `effectiveOn` was its last."""

    MOVES_DUTIES: ClassVar[bool] = True

    member: UnitId

    def holds_in(self, state: Unit) -> bool:
        """Whether the unit is no member."""
        return self.member not in state.members

    def refers(self) -> tuple[str, ...]:
        """The member."""
        return (f"unit:{self.member}",)


class DistrictRegistered(Fact, frozen=True, tag="district.registered.v1"):
    """A district of the city, under its GB/T 2260 code."""

    FOUNDS: ClassVar[bool] = True

    name: Name


class PlatformRegistered(Fact, frozen=True, tag="platform.registered.v1"):
    """An information system by its official name."""

    FOUNDS: ClassVar[bool] = True

    name: Name


class PlatformAliasAdded(Fact, frozen=True, tag="platform.alias_added.v1"):
    """Another wording names this same platform."""

    alias: Name


_UnitEdit = UnitRenamed | UnitAliasAdded | UnitSucceeded | UnitSucceededByOne | GroupMemberAdded | GroupMemberRemoved
UnitFact = UnitRegistered | GroupDefined | _UnitEdit
PlatformFact = PlatformRegistered | PlatformAliasAdded


def evolve_unit(unit: Unit | None, fact: UnitFact) -> Unit | None:
    """The unit after one more fact; before it was registered there is none."""
    match fact:
        case UnitRegistered(name, kind, district):
            return Unit(kind, name, district=district)
        case GroupDefined(name, closed):
            aliases, members, former = (unit.aliases, unit.members, unit.former_members) if unit else ((), (), ())
            return Unit(UnitKind.GROUP, name, aliases, closed=closed, members=members, former_members=former)
        case _:
            return unit and msgspec.structs.replace(unit, **_changed(unit, fact))


def _changed(unit: Unit, fact: _UnitEdit) -> dict[str, object]:
    match fact:
        case UnitRenamed(name):
            return {"name": name}
        case UnitAliasAdded(alias):
            return {"aliases": (*(one for one in unit.aliases if one != alias), alias)}
        case UnitSucceeded(successors):
            return {"successors": successors}
        case UnitSucceededByOne():
            return _changed(unit, fact.upcast())
        case GroupMemberAdded(member):
            return {
                "members": (*_without(unit.members, member), member),
                "former_members": _without(unit.former_members, member),
            }
        case GroupMemberRemoved(member):
            left = (member,) if member in unit.members else ()
            return {
                "members": _without(unit.members, member),
                "former_members": (*_without(unit.former_members, member), *left),
            }
        case _:
            assert_never(fact)


def _without(units: tuple[str, ...], unit: str) -> tuple[str, ...]:
    return tuple(one for one in units if one != unit)


def evolve_district(_: District | None, fact: DistrictRegistered) -> District:
    """The district."""
    return District(fact.name)


def evolve_platform(platform: Platform | None, fact: PlatformFact) -> Platform | None:
    """The platform after one more fact; before it was registered there is none."""
    match fact:
        case PlatformRegistered(name):
            return Platform(name)
        case PlatformAliasAdded(alias):
            others = (one for one in platform.aliases if one != alias) if platform else ()
            return platform and msgspec.structs.replace(platform, aliases=(*others, alias))
        case _:
            assert_never(fact)


class Behind(Protocol):
    """What is asked of a unit or a group to tell who stands behind it."""

    @property
    def kind(self) -> UnitKind:
        """Whether it is a group."""
        ...

    @property
    def successors(self) -> tuple[str, ...]:
        """Who took over its duties."""
        ...

    @property
    def closed(self) -> bool | None:
        """Whether all members of the group are listed."""
        ...

    @property
    def members(self) -> tuple[str, ...]:
        """The members that are listed."""
        ...

    @property
    def former_members(self) -> tuple[str, ...]:
        """Those who left."""
        ...


FindUnit = Callable[[str], Behind | None]


class Succession(msgspec.Struct, frozen=True):
    """A unit and all who succeeded it. `before`: each of them, with those whom it succeeded on the way from the unit.

    The `ends` of its branches act in its place; without a successor it acts itself.
    """

    unit: str
    before: dict[str, tuple[str, ...]]
    ends: tuple[str, ...]


class Resolved(msgspec.Struct, frozen=True):
    """Who stands behind an assignee: the unit itself, or the members of a group, each with who succeeded it.

    `open` where nobody lists all members; then those who left stand beside as `former`.
    """

    kind: UnitKind
    units: tuple[Succession, ...]
    former: tuple[Succession, ...]
    open: bool

    @property
    def acting(self) -> tuple[str, ...]:
        """The successors that act in the place of those who were succeeded."""
        return tuple(dict.fromkeys(end for one in self.units for end in one.ends if end != one.unit))


FindBehind = Callable[[str], Resolved]


def succession(unit: str, directory: FindUnit) -> Succession:
    """The unit and all who succeeded it; a circle, which facts of old may have closed, ends where it comes back."""
    alone = directory(unit)
    if alone is None or not alone.successors:  # as most are
        return Succession(unit, {unit: ()}, (unit,))
    before: dict[str, list[str]] = {unit: []}
    after: dict[str, tuple[str, ...]] = {}
    ahead = [unit]
    for one in ahead:
        now = directory(one)
        after[one] = now.successors if now else ()
        for successor in after[one]:
            if successor not in before:
                before[successor] = []
                ahead.append(successor)
            before[successor].append(one)

    def way(one: str) -> Iterator[str]:
        yield one
        while one != unit:
            yield (one := before[one][0])

    ends = tuple(one for one in ahead if not after[one] or {*after[one]} <= {*way(one)})
    return Succession(unit, {one: tuple(some) for one, some in before.items()}, ends or (ahead[-1],))


def resolve(assignee: str, directory: FindUnit) -> Resolved:
    """Who stands behind an assignee, as `directory` knows the units at one moment."""
    unit = directory(assignee)
    if unit is None or unit.kind != UnitKind.GROUP:
        kind = unit.kind if unit else UnitKind.BODY
        return Resolved(kind, (succession(assignee, directory),), (), open=False)
    members = tuple(succession(one, directory) for one in unit.members)
    if unit.closed:
        return Resolved(UnitKind.GROUP, members, (), open=False)
    return Resolved(
        UnitKind.GROUP, members, tuple(succession(one, directory) for one in unit.former_members), open=True
    )


def moves_duties(stream: str, fact: Fact) -> bool:
    """Whether a fact may close a circle of successions: one that says who succeeds, or undoes something of a unit."""
    return subject_of(stream)[0] == Unit.KIND and not isinstance(
        fact, UnitRegistered | UnitRenamed | UnitAliasAdded | GroupDefined | GroupMemberAdded | GroupMemberRemoved
    )


def check_circle(
    unit: str, after: Sequence[StateSpan], states: Callable[[str], Iterable[StateSpan]], command: Command
) -> None:
    """Refuse what makes `unit` succeed itself on a day on which it did not before; `after`: its states from then on.

    `states` are those of each stream as they are without that. The whole effective clock is walked.
    """
    before = {unit: tuple(states(f"unit:{unit}"))}
    ahead = [unit]
    for one in ahead:
        spans = (*before[one], *after) if one == unit else before[one]
        for successor in {key for _, _, state in spans for key in _successors(state)} - before.keys():
            before[successor] = tuple(states(f"unit:{successor}"))
            ahead.append(successor)
    then = {**before, unit: after}
    for day in sorted({since for some in (*before.values(), after) for since, _, _ in some}):
        if (circle := _circle(unit, then, day)) and not _circle(unit, before, day):
            raise SuccessionCircle(
                f"{unit} would be succeeded by itself from {day} on, by way of {', '.join(circle)}: "
                "end that succession first, or let this one hold from another day",
                pointer="/successors" if isinstance(command, SucceedUnit) else "/target",
            )


def _circle(unit: str, spans: Mapping[str, Sequence[StateSpan]], day: date) -> list[str]:
    """Those by way of whom a unit is succeeded by itself on a day; none if it is not."""

    def successors(one: str) -> tuple[str, ...]:
        return next((_successors(state) for since, until, state in spans[one] if since <= day < until), ())

    came_from: dict[str, str] = {}
    ahead = [unit]
    for one in ahead:
        for successor in successors(one):
            if successor == unit:
                way = [one]
                while way[-1] in came_from:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if successor not in came_from:
                came_from[successor] = one
                ahead.append(successor)
    return []


def _successors(state: State) -> tuple[str, ...]:
    return state.successors if isinstance(state, Unit) else ()


class UnitCommand(Command, frozen=True, kw_only=True):
    """A command about one unit or group."""

    unit: UnitId

    @property
    def stream(self) -> str:
        """The unit's stream."""
        return f"unit:{self.unit}"

    def free(self, record: Record) -> None:
        """Refuse an id that is taken at any date."""
        if record.find(Unit, self.unit, record.today) is not None:
            raise AlreadyExists(f"the id {self.unit} is taken: ids are for life", pointer="/unit")

    def group(self, record: Record) -> Unit:
        """The group, or NotAGroup."""
        unit = record.there(Unit, self.unit)
        if unit.kind != UnitKind.GROUP:
            raise NotAGroup(f"{unit.name} is a single unit, not a group", pointer="/unit")
        return unit


class RegisterUnit(UnitCommand, frozen=True, kw_only=True, tag="unit.register"):
    """Give a unit its id for life."""

    name: Name
    kind: Annotated[UnitKind, Meta(description="body or district_government; groups are defined by group.define.")] = (
        UnitKind.BODY
    )
    district: DistrictCode | None = None

    def decide(self, record: Record) -> Iterator[New]:
        """unit.registered, if the id is free."""
        self.free(record)
        if self.kind == UnitKind.GROUP:
            raise NotAGroup("a group is defined by group.define", pointer="/kind")
        if self.district is not None:
            record.there(District, self.district)
        yield self.stream, UnitRegistered(self.name, self.kind, self.district)


class RenameUnit(UnitCommand, frozen=True, kw_only=True, tag="unit.rename"):
    """Give a unit or group another official name."""

    name: Name

    def decide(self, record: Record) -> Iterator[New]:
        """unit.renamed, unless the name is the same."""
        if self.changes(record.there(Unit, self.unit).name, self.name):
            yield self.stream, UnitRenamed(self.name)


class AddUnitAlias(UnitCommand, frozen=True, kw_only=True, tag="unit.add_alias"):
    """Record that another wording names the same unit."""

    alias: Name

    def decide(self, record: Record) -> Iterator[New]:
        """unit.alias_added, unless it is known."""
        unit = record.there(Unit, self.unit)
        if self.replaces is not None or self.alias not in {unit.name, *unit.aliases}:
            yield self.stream, UnitAliasAdded(self.alias)


class SucceedUnit(UnitCommand, frozen=True, kw_only=True, tag="unit.succeed"):
    """Record which units took over the duties of `unit`, all of them: an empty list ends a succession."""

    successors: Annotated[
        tuple[UnitId, ...],
        Meta(max_length=100, description="All who take over from that day on; none where the unit acts itself again."),
    ]

    def decide(self, record: Record) -> Iterator[New]:
        """unit.succeeded, unless these succeed it already. Circles are refused once its facts are taken in."""
        unit = record.there(Unit, self.unit)
        self._check_group(unit, "/unit")
        for number, one in enumerate(self.successors):
            self._check_group(record.there(Unit, one, f"successors/{number}"), f"/successors/{number}")
        successors = tuple(dict.fromkeys(self.successors))
        if self.changes(set(unit.successors), set(successors)):
            yield self.stream, UnitSucceeded(successors)

    def _check_group(self, unit: Unit, pointer: str) -> None:
        if unit.kind == UnitKind.GROUP:
            raise NotAGroup(f"{unit.name} is a group, which has members, not successors", pointer=pointer)


class DefineGroup(UnitCommand, frozen=True, kw_only=True, tag="group.define"):
    """Name a set of units; `closed` if all its members are known."""

    name: Name
    closed: bool

    def decide(self, record: Record) -> Iterator[New]:
        """group.defined, if the id is free."""
        self.free(record)
        yield self.stream, GroupDefined(self.name, self.closed)


class AddMember(UnitCommand, frozen=True, kw_only=True, tag="group.add_member"):
    """Add a unit to a group."""

    member: UnitId

    def decide(self, record: Record) -> Iterator[New]:
        """group.member_added, unless it is one."""
        group, member = self.group(record), record.there(Unit, self.member, "member")
        if member.kind == UnitKind.GROUP:
            raise NotAGroup(f"{member.name} is a group: groups hold units only", pointer="/member")
        if self.member in group.members:
            raise Membership(f"{member.name} is a member of {group.name} on {record.on}", pointer="/member")
        yield self.stream, GroupMemberAdded(self.member)


class RemoveMember(UnitCommand, frozen=True, kw_only=True, tag="group.remove_member"):
    """Take a unit out of a group."""

    member: UnitId

    def decide(self, record: Record) -> Iterator[New]:
        """group.member_removed, if it is a member."""
        group = self.group(record)
        if self.member not in group.members:
            raise Membership(f"{self.member} is no member of {group.name} on {record.on}", pointer="/member")
        yield self.stream, GroupMemberRemoved(self.member)


class RegisterDistrict(Command, frozen=True, kw_only=True, tag="district.register"):
    """Register a district under its GB/T 2260 code."""

    district: DistrictCode
    name: Name

    @property
    def stream(self) -> str:
        """The district's stream."""
        return f"district:{self.district}"

    def decide(self, record: Record) -> Iterator[New]:
        """district.registered, if the code is free."""
        if record.find(District, self.district) is not None:
            raise AlreadyExists(f"district {self.district} is registered", pointer="/district")
        yield self.stream, DistrictRegistered(self.name)


class PlatformCommand(Command, frozen=True, kw_only=True):
    """A command about one platform."""

    platform: PlatformId

    @property
    def stream(self) -> str:
        """The platform's stream."""
        return f"platform:{self.platform}"


class RegisterPlatform(PlatformCommand, frozen=True, kw_only=True, tag="platform.register"):
    """Register a named information system."""

    name: Name

    def decide(self, record: Record) -> Iterator[New]:
        """platform.registered, if the id is free."""
        if record.find(Platform, self.platform) is not None:
            raise AlreadyExists(f"the id {self.platform} is taken: ids are for life", pointer="/platform")
        yield self.stream, PlatformRegistered(self.name)


class AddPlatformAlias(PlatformCommand, frozen=True, kw_only=True, tag="platform.add_alias"):
    """Record that another wording names the same platform."""

    alias: Name

    def decide(self, record: Record) -> Iterator[New]:
        """platform.alias_added, unless it is known."""
        platform = record.there(Platform, self.platform)
        if self.replaces is not None or self.alias not in {platform.name, *platform.aliases}:
            yield self.stream, PlatformAliasAdded(self.alias)


DirectoryCommands = (
    RegisterUnit
    | RenameUnit
    | AddUnitAlias
    | SucceedUnit
    | DefineGroup
    | AddMember
    | RemoveMember
    | RegisterDistrict
    | RegisterPlatform
    | AddPlatformAlias
)
