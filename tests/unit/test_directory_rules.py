"""Commands about units, groups, districts and platforms: what each records and what each refuses."""

import msgspec
import pytest

from domain.directory import (
    AddMember,
    AddPlatformAlias,
    AddUnitAlias,
    DefineGroup,
    DirectoryCommands,
    DistrictRegistered,
    GroupDefined,
    GroupMemberAdded,
    GroupMemberRemoved,
    Platform,
    PlatformAliasAdded,
    PlatformRegistered,
    RegisterDistrict,
    RegisterPlatform,
    RegisterUnit,
    RemoveMember,
    RenameUnit,
    SucceedUnit,
    Unit,
    UnitAliasAdded,
    UnitKind,
    UnitRegistered,
    UnitRenamed,
    UnitSucceeded,
    succession,
)
from domain.errors import AlreadyExists, CannotUndo, Membership, NotAGroup, ReasonMissing, Stale, Succession, Unknown
from tests.unit.saying import TODAY, WHY, Given, Put, given
from tests.unit.world import day, group, succeeded, unit

JUNE = day("2023-06-30")
JULY = day("2023-07-01")
HUANGPU = Put("district:310101", DistrictRegistered("黄浦区"))
PORTAL = Put("platform:portal", PlatformRegistered("一网通办"))


def world(*more: Put) -> Given:
    """Position 1 registers `a`, 2 `b`, 3 `c`, 4 the closed group `all`, 5 its member `a`; then 黄浦区, 一网通办."""
    return given(unit("a", "甲委"), unit("b", "乙委"), unit("c", "丙委"), *group("all", "a"), HUANGPU, PORTAL, *more)


EDITS: list[tuple[DirectoryCommands, Put]] = [
    (RegisterUnit(unit="d", name="丁委", reason=WHY), Put("unit:d", UnitRegistered("丁委", UnitKind.BODY))),
    (RenameUnit(unit="a", name="新甲委", reason=WHY), Put("unit:a", UnitRenamed("新甲委"))),
    (AddUnitAlias(unit="a", alias="甲", reason=WHY), Put("unit:a", UnitAliasAdded("甲"))),
    (SucceedUnit(unit="a", successor="b", reason=WHY), Put("unit:a", UnitSucceeded("b"))),
    (
        DefineGroup(unit="few", name="几家", closed=False, reason=WHY),
        Put("unit:few", GroupDefined("几家", closed=False)),
    ),
    (AddMember(unit="all", member="b", reason=WHY), Put("unit:all", GroupMemberAdded("b"))),
    (RemoveMember(unit="all", member="a", reason=WHY), Put("unit:all", GroupMemberRemoved("a"))),
    (
        RegisterDistrict(district="310104", name="徐汇区", reason=WHY),
        Put("district:310104", DistrictRegistered("徐汇区")),
    ),
    (RegisterPlatform(platform="app", name="随申办", reason=WHY), Put("platform:app", PlatformRegistered("随申办"))),
    (
        AddPlatformAlias(platform="portal", alias="通办", reason=WHY),
        Put("platform:portal", PlatformAliasAdded("通办")),
    ),
]
every_edit = pytest.mark.parametrize(("command", "made"), EDITS, ids=lambda one: type(one).__name__)


@every_edit
def test_an_edit_holds_from_today(command: DirectoryCommands, made: Put) -> None:
    world().when(command).then(made._replace(on=TODAY))


@every_edit
def test_an_edit_may_hold_from_another_day(command: DirectoryCommands, made: Put) -> None:
    world().when(msgspec.structs.replace(command, effective_on=JUNE)).then(made._replace(on=JUNE))


@pytest.mark.parametrize(
    ("command", "made"),
    [one for one in EDITS if not isinstance(one[0], RemoveMember)],
    ids=lambda one: type(one).__name__,
)
def test_an_edit_may_hold_from_a_day_before_the_registration(command: DirectoryCommands, made: Put) -> None:
    early = day("2020-01-01")
    world().when(msgspec.structs.replace(command, effective_on=early)).then(made._replace(on=early))


def test_a_member_is_none_before_the_day_of_its_addition() -> None:
    early = RemoveMember(unit="all", member="a", reason=WHY, effective_on=day("2023-03-27"))
    world().when(early).refused(Membership, "a is no member of all on 2023-03-27", "/member")


@every_edit
def test_an_edit_without_a_reason_is_refused(command: DirectoryCommands, made: Put) -> None:
    assert made
    world().when(msgspec.structs.replace(command, reason=None)).refused(ReasonMissing, pointer="/reason")


@every_edit
def test_an_edit_at_another_version_is_stale(command: DirectoryCommands, made: Put) -> None:
    assert made
    stale = msgspec.structs.replace(command, expected_version=7)
    world().when(stale).refused(Stale, f"{made.stream}: expected version 7", "/expectedVersion")


UNKNOWN: list[tuple[DirectoryCommands, str]] = [
    (RenameUnit(unit="x", name="新", reason=WHY), "/unit"),
    (AddUnitAlias(unit="x", alias="新", reason=WHY), "/unit"),
    (SucceedUnit(unit="x", successor="a", reason=WHY), "/unit"),
    (SucceedUnit(unit="a", successor="x", reason=WHY), "/successor"),
    (AddMember(unit="x", member="a", reason=WHY), "/unit"),
    (AddMember(unit="all", member="x", reason=WHY), "/member"),
    (RemoveMember(unit="x", member="a", reason=WHY), "/unit"),
    (RegisterUnit(unit="d", name="丁", district="310199", reason=WHY), "/district"),
    (AddPlatformAlias(platform="x", alias="新", reason=WHY), "/platform"),
]


@pytest.mark.parametrize(("command", "pointer"), UNKNOWN)
def test_what_nobody_registered_is_unknown(command: DirectoryCommands, pointer: str) -> None:
    world().when(command).refused(Unknown, "there is no ", pointer)


TAKEN: list[tuple[DirectoryCommands, str]] = [
    (RegisterUnit(unit="a", name="别的", reason=WHY), "/unit"),
    (RegisterUnit(unit="all", name="别的", reason=WHY), "/unit"),
    (DefineGroup(unit="a", name="别的", closed=True, reason=WHY), "/unit"),
    (DefineGroup(unit="all", name="别的", closed=True, reason=WHY), "/unit"),
    (RegisterDistrict(district="310101", name="别的", reason=WHY), "/district"),
    (RegisterPlatform(platform="portal", name="别的", reason=WHY), "/platform"),
]


@pytest.mark.parametrize(("command", "pointer"), TAKEN)
@pytest.mark.parametrize("on", [None, "1990-01-01", "2030-01-01"])
def test_an_id_is_for_life_whatever_the_date(command: DirectoryCommands, pointer: str, on: str | None) -> None:
    dated = msgspec.structs.replace(command, effective_on=day(on) if on else None)
    world().when(dated).refused(AlreadyExists, pointer=pointer)


def test_an_id_that_is_taken_from_next_year_on_is_taken() -> None:
    later = unit("d", "丁委", day("2024-01-01"))
    world(later).when(RegisterUnit(unit="d", name="另", reason=WHY)).refused(AlreadyExists)


NO_OPS: list[DirectoryCommands] = [
    RenameUnit(unit="a", name="甲委", reason=WHY),
    AddUnitAlias(unit="a", alias="甲委", reason=WHY),
    AddPlatformAlias(platform="portal", alias="一网通办", reason=WHY),
]


@pytest.mark.parametrize("command", NO_OPS, ids=lambda one: type(one).__name__)
def test_an_edit_that_changes_nothing_records_nothing(command: DirectoryCommands) -> None:
    world().when(command).then_nothing()


@pytest.mark.parametrize("number", [2, 3, 9])
def test_an_alias_or_succession_that_is_recorded_already_is_not_recorded_again(number: int) -> None:
    command, made = EDITS[number]
    world(made).when(command).then_nothing()


def test_a_unit_belongs_to_a_registered_district() -> None:
    command = RegisterUnit(
        unit="h", name="黄浦区人民政府", kind=UnitKind.DISTRICT_GOVERNMENT, district="310101", reason=WHY
    )
    made = UnitRegistered("黄浦区人民政府", UnitKind.DISTRICT_GOVERNMENT, "310101")
    world().when(command).then(Put("unit:h", made, TODAY))


def test_a_group_is_not_registered_as_a_unit() -> None:
    command = RegisterUnit(unit="g", name="一组", kind=UnitKind.GROUP, reason=WHY)
    world().when(command).refused(NotAGroup, "group.define", "/kind")


def test_a_group_can_be_renamed_and_keeps_its_members() -> None:
    shown = world(Put("unit:all", UnitRenamed("各家"), JUNE)).shows("unit:all")
    assert shown == Unit(UnitKind.GROUP, "各家", closed=True, members=("a",))


@pytest.mark.parametrize(("who", "by"), [("all", "a"), ("a", "all")])
def test_a_group_neither_succeeds_nor_is_succeeded(who: str, by: str) -> None:
    world().when(SucceedUnit(unit=who, successor=by, reason=WHY)).refused(NotAGroup, pointer="/successor")


def test_a_unit_does_not_succeed_itself() -> None:
    world().when(SucceedUnit(unit="a", successor="a", reason=WHY)).refused(Succession, pointer="/successor")


def test_a_succession_never_leads_back_to_its_beginning() -> None:
    chain = (succeeded("a", "b", JUNE), succeeded("b", "c", JUNE))
    circle = SucceedUnit(unit="c", successor="a", reason=WHY)
    world(*chain).when(circle).refused(Succession, "丙委", "/successor")


def test_a_circle_is_judged_on_the_day_from_which_the_succession_holds() -> None:
    back = SucceedUnit(unit="b", successor="a", reason=WHY, effective_on=JUNE)
    world(succeeded("a", "b", JULY)).when(back).then(Put("unit:b", UnitSucceeded("a"), JUNE))


def test_a_wrong_succession_can_be_replaced_by_its_reverse_only_after_it_is_void() -> None:
    wrong = succeeded("a", "b", JUNE)
    corrected = SucceedUnit(unit="a", successor="c", reason=WHY, replaces=8)
    world(wrong).when(corrected).then(Put("unit:a", UnitSucceeded("c"), JUNE, 8))
    reverse = SucceedUnit(unit="b", successor="a", reason=WHY, replaces=8)
    world(wrong).when(reverse).refused(CannotUndo, "position 8 is a unit.succeeded in unit:a", "/replaces")


def test_a_circle_that_retroactive_facts_closed_is_walked_once() -> None:
    units = {"a": Unit(UnitKind.BODY, "甲", successor="b"), "b": Unit(UnitKind.BODY, "乙", successor="a")}
    assert succession("a", units.get) == ("a", "b")
    assert succession("b", units.get) == ("b", "a")


def test_a_single_unit_has_no_members() -> None:
    world().when(AddMember(unit="a", member="b", reason=WHY)).refused(NotAGroup, "甲委 is a single unit", "/unit")
    world().when(RemoveMember(unit="a", member="b", reason=WHY)).refused(NotAGroup, pointer="/unit")


def test_a_group_is_no_member_of_a_group() -> None:
    world(*group("few")).when(AddMember(unit="all", member="few", reason=WHY)).refused(NotAGroup, pointer="/member")


def test_a_member_is_not_added_twice() -> None:
    world().when(AddMember(unit="all", member="a", reason=WHY)).refused(Membership, "is a member", "/member")


def test_who_is_no_member_is_not_removed() -> None:
    world().when(RemoveMember(unit="all", member="b", reason=WHY)).refused(Membership, "is no member", "/member")


def test_a_removed_member_belongs_to_the_group_until_the_day_before() -> None:
    removed = world(Put("unit:all", GroupMemberRemoved("a"), JULY))
    again = AddMember(unit="all", member="a", reason=WHY, effective_on=JUNE)
    removed.when(again).refused(Membership)
    removed.when(msgspec.structs.replace(again, effective_on=JULY)).then(Put("unit:all", GroupMemberAdded("a"), JULY))


def test_a_rename_with_a_wrong_date_is_replaced_by_one_with_the_right_date() -> None:
    wrong = Put("unit:a", UnitRenamed("新甲委"), day("2022-06-30"))
    command = RenameUnit(unit="a", name="新甲委", reason="年份误写", replaces=8, effective_on=JUNE)
    world(wrong).when(command).then(Put("unit:a", UnitRenamed("新甲委"), JUNE, 8))


def test_a_registration_can_be_replaced_and_keeps_its_day() -> None:
    command = RegisterUnit(unit="a", name="甲委员会", reason=WHY, replaces=1)
    world().when(command).then(Put("unit:a", UnitRegistered("甲委员会", UnitKind.BODY), replaces=1))


def test_a_group_defined_anew_by_replacement_may_become_open() -> None:
    command = DefineGroup(unit="all", name="各家", closed=False, reason=WHY, replaces=4)
    world().when(command).then(Put("unit:all", GroupDefined("各家", closed=False), replaces=4))
    shown = world(Put("unit:all", GroupDefined("各家", closed=False), replaces=4)).shows("unit:all")
    assert shown == Unit(UnitKind.GROUP, "各家", closed=False, members=("a",))


def test_a_unit_and_a_group_with_it_are_made_in_one_request() -> None:
    request = (
        RegisterUnit(unit="d", name="丁委", reason=WHY),
        DefineGroup(unit="few", name="几家", closed=True, reason=WHY),
        AddMember(unit="few", member="d", reason=WHY),
    )
    world().when(*request).then(
        Put("unit:d", UnitRegistered("丁委", UnitKind.BODY), TODAY),
        Put("unit:few", GroupDefined("几家", closed=True), TODAY),
        Put("unit:few", GroupMemberAdded("d"), TODAY),
    )


def test_the_same_id_twice_in_one_request_is_refused() -> None:
    command = RegisterUnit(unit="d", name="丁委", reason=WHY)
    world().when(command, command).refused(AlreadyExists, index=1)


def test_a_platform_keeps_its_name_beside_its_aliases() -> None:
    alias = Put("platform:portal", PlatformAliasAdded("通办"))
    assert world(alias).shows("platform:portal") == Platform("一网通办", ("通办",))
