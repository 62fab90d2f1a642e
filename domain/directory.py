"""Who and where: units, groups, districts, platforms. All are timeless: what founds one holds from −infinity."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, ClassVar, assert_never

import msgspec
from msgspec import Meta

from domain.errors import AlreadyExists, Membership, NotAGroup, Succession
from domain.fact import Fact
from domain.record import Command, New, Record, State
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
    successor: str | None = None
    closed: bool | None = None
    members: tuple[str, ...] = ()


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


class UnitSucceeded(Fact, frozen=True, tag="unit.succeeded.v1"):
    """Another unit took over its duties."""

    successor: UnitId

    def refers(self) -> tuple[str, ...]:
        """The successor."""
        return (f"unit:{self.successor}",)


class GroupDefined(Fact, frozen=True, tag="group.defined.v1"):
    """A named set of units; open where the document does not list its members."""

    FOUNDS: ClassVar[bool] = True

    name: Name
    closed: bool


class GroupMemberAdded(Fact, frozen=True, tag="group.member_added.v1"):
    """A unit belongs to the group from `effectiveOn`."""

    member: UnitId

    def refers(self) -> tuple[str, ...]:
        """The member."""
        return (f"unit:{self.member}",)


class GroupMemberRemoved(Fact, frozen=True, tag="group.member_removed.v1"):
    """A unit belongs to the group no more: the day before `effectiveOn` was its last."""

    member: UnitId

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


UnitFact = (
    UnitRegistered | UnitRenamed | UnitAliasAdded | UnitSucceeded | GroupDefined | GroupMemberAdded | GroupMemberRemoved
)
PlatformFact = PlatformRegistered | PlatformAliasAdded


def evolve_unit(unit: Unit | None, fact: UnitFact) -> Unit | None:
    """The unit after one more fact; before it was registered there is none."""
    match fact:
        case UnitRegistered(name, kind, district):
            return Unit(kind, name, district=district)
        case GroupDefined(name, closed):
            members = unit.members if unit else ()
            return Unit(UnitKind.GROUP, name, unit.aliases if unit else (), closed=closed, members=members)
        case _:
            return unit and msgspec.structs.replace(unit, **_changed(unit, fact))


def _changed(
    unit: Unit, fact: UnitRenamed | UnitAliasAdded | UnitSucceeded | GroupMemberAdded | GroupMemberRemoved
) -> dict[str, object]:
    match fact:
        case UnitRenamed(name):
            return {"name": name}
        case UnitAliasAdded(alias):
            return {"aliases": (*(one for one in unit.aliases if one != alias), alias)}
        case UnitSucceeded(successor):
            return {"successor": successor}
        case GroupMemberAdded(member):
            return {"members": (*(one for one in unit.members if one != member), member)}
        case GroupMemberRemoved(member):
            return {"members": tuple(one for one in unit.members if one != member)}
        case _:
            assert_never(fact)


def evolve_district(_: District | None, fact: DistrictRegistered) -> District:
    """The district."""
    return District(fact.name)


def evolve_platform(platform: Platform | None, fact: PlatformFact) -> Platform | None:
    """The platform after one more fact; before it was registered there is none."""
    match fact:
        case PlatformRegistered(name):
            return Platform(name)
        case PlatformAliasAdded(alias):
            return platform and msgspec.structs.replace(platform, aliases=(*platform.aliases, alias))
        case _:
            assert_never(fact)


FindUnit = Callable[[str], Unit | None]


class Resolved(msgspec.Struct, frozen=True):
    """Who stands behind an assignee: `members` of a closed group, or the unit itself; `open` where nobody is listed.

    `chains` holds, for each of them, the unit and its successors in order; the last of a chain acts.
    """

    kind: UnitKind
    chains: tuple[tuple[str, ...], ...]
    open: bool

    @property
    def acting(self) -> tuple[str, ...]:
        """The successors that act in the place of those who were succeeded."""
        return tuple(dict.fromkeys(chain[-1] for chain in self.chains if len(chain) > 1))


def succession(unit: str, directory: FindUnit) -> tuple[str, ...]:
    """The unit and its successors in order; a circle, which only retroactive facts can close, is walked once."""
    chain = [unit]
    while (now := directory(chain[-1])) and now.successor and now.successor not in chain:
        chain.append(now.successor)
    return tuple(chain)


def resolve(assignee: str, directory: FindUnit) -> Resolved:
    """Who stands behind an assignee, as `directory` knows the units at one moment."""
    unit = directory(assignee)
    if unit is None or unit.kind != UnitKind.GROUP:
        kind = unit.kind if unit else UnitKind.BODY
        return Resolved(kind, (succession(assignee, directory),), open=False)
    chains = tuple(succession(member, directory) for member in unit.members)
    return Resolved(UnitKind.GROUP, chains, open=not unit.closed)


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
    """Record that `successor` took over the duties of `unit`."""

    successor: UnitId

    def decide(self, record: Record) -> Iterator[New]:
        """unit.succeeded; circles are refused."""
        unit, successor = record.there(Unit, self.unit), record.there(Unit, self.successor, "successor")
        if UnitKind.GROUP in {unit.kind, successor.kind}:
            raise NotAGroup("a group has members, not a successor", pointer="/successor")
        if self.unit in succession(self.successor, lambda unit: record.find(Unit, unit)):
            raise Succession(f"{successor.name} is itself succeeded by {unit.name}", pointer="/successor")
        if self.changes(unit.successor, self.successor):
            yield self.stream, UnitSucceeded(self.successor)


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
