"""Importing an official document: which facts, in which order, from which day; and what is refused."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from itertools import groupby

import msgspec
import pytest

from domain.bundled import BUNDLED_PLAN, bundled_plan
from domain.directory import GroupDefined, PlatformAliasAdded, PlatformRegistered, Unit, UnitAliasAdded, UnitRegistered
from domain.document.reference import REFERENCE, KnownPlatform
from domain.errors import AlreadyExists, NotAPlan, ReasonMissing, UnitsUnknown, WrongDate
from domain.fact import tag
from domain.plan import PlanAdopted, PlanMeasureAdded
from domain.plan_import import ImportPlan
from domain.task import TaskAdded, TaskUnitAssigned
from domain.values import Role
from events.proposal import NewFact
from tests.unit.saying import ADOPTED, NOW, Put, given


@pytest.fixture(scope="module")
def imported() -> list[NewFact]:
    """What the bundled plan brings into an empty log."""
    return given().when(bundled_plan()).facts


def recorded(facts: Sequence[NewFact]) -> list[Put]:
    return [Put(one.stream, one.fact, one.effective_on) for one in facts]


def kinds(facts: Sequence[NewFact]) -> list[str]:
    return [tag(one.fact).removesuffix(".v1") for one in facts]


def runs(names: Sequence[str]) -> list[tuple[str, int]]:
    return [(name, len(list(run))) for name, run in groupby(names)]


def test_the_directory_comes_before_the_plan_and_the_plan_before_its_tasks(imported: list[NewFact]) -> None:
    names = [name for name in kinds(imported) if not name.startswith("platform.")]
    first_task = names.index("task.added")
    assert runs(names[:first_task]) == [
        ("district.registered", 16),
        ("unit.registered", 53),
        ("group.defined", 3),
        ("group.member_added", 16),
        ("unit.alias_added", 2),
        ("plan.adopted", 1),
        ("plan.part_added", 5),
        ("plan.measure_added", 16),
    ]


def test_each_task_is_followed_by_its_assignments_and_the_targets_come_last(imported: list[NewFact]) -> None:
    names = kinds(imported)
    found = runs(names[names.index("task.added") :])
    assert found[-1] == ("task.target_set", 5)
    assert list(found[0:-1:2]) == [("task.added", 1)] * 67
    assert {name for name, _ in found[1:-1:2]} == {"task.unit_assigned"}
    assert sum(count for _, count in found[1:-1:2]) == 154


def test_assignments_stand_in_the_stream_of_the_task_before_them(imported: list[NewFact]) -> None:
    added = [one for one in imported if isinstance(one.fact, TaskAdded | TaskUnitAssigned)]
    streams = [stream for stream, _ in groupby(added, key=lambda one: one.stream)]
    assert streams == [f"task:{BUNDLED_PLAN}/{key}" for key in range(1, 68)]
    assert all(isinstance(next(run).fact, TaskAdded) for _, run in groupby(added, key=lambda one: one.stream))


def test_a_tasks_key_is_its_number_in_a_plan_that_counts_from_one(imported: list[NewFact]) -> None:
    numbers = {one.stream: one.fact.number for one in imported if isinstance(one.fact, TaskAdded)}
    assert numbers == {f"task:{BUNDLED_PLAN}/{key}": key for key in range(1, 68)}


def test_platforms_stand_between_the_aliases_and_the_plan_each_followed_by_its_aliases(imported: list[NewFact]) -> None:
    joined = " ".join(kinds(imported))
    assert re.search(r"unit\.alias_added (platform\.registered (platform\.alias_added )*)+plan\.adopted", joined), (
        joined
    )
    names = [one.fact.name for one in imported if isinstance(one.fact, PlatformRegistered)]
    assert names == [one.name for one in REFERENCE.platforms]


def test_bodies_are_registered_before_district_governments(imported: list[NewFact]) -> None:
    registered = [one.fact for one in imported if isinstance(one.fact, UnitRegistered)]
    assert runs([one.kind for one in registered]) == [("body", 37), ("district_government", 16)]
    codes = [one.district for one in registered if one.district]
    assert len(set(codes)) == 16
    assert {f"district:{code}" for code in codes} == {one.stream for one in imported[:16]}


def test_groups_and_aliases_are_those_of_the_document(imported: list[NewFact]) -> None:
    groups = {one.fact.name: one.fact.closed for one in imported if isinstance(one.fact, GroupDefined)}
    assert groups == {"各区人民政府": True, "各行业主管部门": False, "各联席会议成员单位": False}
    aliases = [one.fact.alias for one in imported if isinstance(one.fact, UnitAliasAdded)]
    assert aliases == ["市信用中心", "人行上海总部"]


def test_measures_hold_the_tasks_that_the_document_gives_them(imported: list[NewFact]) -> None:
    held = Counter(one.fact.measure for one in imported if isinstance(one.fact, TaskAdded))
    assert [held[number] for number in range(1, 17)] == [7, 4, 5, 3, 4, 2, 2, 4, 3, 3, 5, 3, 5, 3, 8, 6]


def test_roles_are_counted_as_in_the_document(imported: list[NewFact]) -> None:
    roles = Counter(one.fact.role for one in imported if isinstance(one.fact, TaskUnitAssigned))
    assert roles == {Role.LEAD: 45, Role.BY_DUTY: 105, Role.RESPONSIBLE: 3, Role.NAMED: 1}
    leads = {one.stream for one in imported if isinstance(one.fact, TaskUnitAssigned) and one.fact.role == Role.LEAD}
    assert len(leads) == 38


def test_only_task_24_is_open_ended(imported: list[NewFact]) -> None:
    open_ended = [one.fact.number for one in imported if isinstance(one.fact, TaskAdded) and one.fact.open_ended]
    assert open_ended == [24]


def test_every_assignment_names_a_unit_that_was_registered_before_it(imported: list[NewFact]) -> None:
    seen: set[str] = set()
    for one in imported:
        assert set(one.fact.refers()) <= seen
        seen.add(one.stream)


def test_everything_holds_from_the_documents_date_and_shares_one_cause(imported: list[NewFact]) -> None:
    assert {one.effective_on for one in imported} == {ADOPTED}
    [cause] = {(one.cause.command, one.cause.request, one.cause.authority) for one in imported}
    assert (cause[0], cause[2]) == ("plan.import", "沪发改信用〔2023〕2号")


def test_the_import_may_state_another_day() -> None:
    command = msgspec.structs.replace(bundled_plan(), effective_on=date(2023, 4, 1))
    assert {one.effective_on for one in given().when(command).facts} == {date(2023, 4, 1)}


def test_the_plan_names_its_document_and_its_prose_is_kept(imported: list[NewFact]) -> None:
    command = bundled_plan()
    [adopted] = [one.fact for one in imported if isinstance(one.fact, PlanAdopted)]
    assert adopted.document == sha256(command.text.encode()).hexdigest()
    assert (adopted.issuer, adopted.issued_on) == (command.issuer, ADOPTED)
    measures = [one.fact for one in imported if isinstance(one.fact, PlanMeasureAdded)]
    assert [one.number for one in measures if one.unassigned] == [4]
    assert all(one.text and one.heading and one.title for one in measures)


def test_the_same_plan_is_not_imported_again(imported: list[NewFact]) -> None:
    given(*recorded(imported)).when(bundled_plan()).refused(
        AlreadyExists, f"plan {BUNDLED_PLAN} is there already", "/plan"
    )


def test_the_same_plan_twice_in_one_request_is_refused() -> None:
    given().when(bundled_plan(), bundled_plan()).refused(AlreadyExists, pointer="/plan", index=1)


def test_a_plan_that_holds_from_next_year_is_there_already(imported: list[NewFact]) -> None:
    later = [one._replace(on=date(2024, 1, 1)) for one in recorded(imported)]
    given(*later).when(bundled_plan()).refused(AlreadyExists, pointer="/plan")


def test_another_plan_finds_the_directory_as_it_is(imported: list[NewFact]) -> None:
    other = msgspec.structs.replace(bundled_plan(), plan="another-plan")
    facts = given(*recorded(imported)).when(other).facts
    assert {one.stream.partition(":")[0] for one in facts} == {"plan", "task"}
    assert len(facts) == 1 + 5 + 16 + 67 + 154 + 5


def earlier() -> ImportPlan:
    """The same document as one of 2022."""
    return msgspec.structs.replace(bundled_plan(), plan="another-plan", issued_on=date(2022, 4, 1))


def test_a_plan_of_2022_imported_after_that_of_2023_finds_its_districts(imported: list[NewFact]) -> None:
    facts = given(*recorded(imported)).when(earlier()).facts
    directory = [one for one in facts if one.stream.partition(":")[0] not in {"plan", "task"}]
    assert runs(kinds(directory))[:2] == [("group.member_added", 16), ("unit.alias_added", 2)]
    assert {one.effective_on for one in facts} == {date(2022, 4, 1)}
    both = given(*recorded(imported), *recorded(facts))
    for on, count in ((date(2022, 3, 31), 0), (date(2022, 4, 1), 16), (ADOPTED, 16)):
        group = both.shows("unit:ge-qu-ren-min-zheng-fu", on)
        assert isinstance(group, Unit)
        assert len(group.members) == count


def test_an_import_records_no_alias_and_no_member_that_the_record_shows_at_its_date(imported: list[NewFact]) -> None:
    log = [*recorded(imported), *recorded(given(*recorded(imported)).when(earlier()).facts)]
    third = msgspec.structs.replace(bundled_plan(), plan="a-third-plan", issued_on=date(2022, 6, 1))
    assert {one.stream.partition(":")[0] for one in given(*log).when(third).facts} == {"plan", "task"}


def test_an_import_adds_what_a_known_platform_is_called_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = KnownPlatform("portal", "信用中国（上海）", ("信用中国",))
    reference = msgspec.structs.replace(REFERENCE, platforms=(portal,))
    monkeypatch.setattr("domain.plan_import.REFERENCE", reference)
    text = bundled_plan().text.replace("一网通办", "信用中国")
    log = given(Put("platform:portal", PlatformRegistered("信用中国（上海）")))
    facts = log.when(msgspec.structs.replace(bundled_plan(), text=text)).facts
    assert [one.fact for one in facts if one.stream == "platform:portal"] == [PlatformAliasAdded("信用中国")]


def test_an_import_says_why() -> None:
    command = msgspec.structs.replace(bundled_plan(), reason=None)
    given().when(command).refused(ReasonMissing, pointer="/reason")


def test_an_import_of_an_absurd_date_is_refused() -> None:
    command = msgspec.structs.replace(bundled_plan(), issued_on=date(1823, 3, 28))
    given().when(command).refused(WrongDate)


@pytest.mark.parametrize("text", ["今天天气很好。", "# planrecord\n\nA README.\n", "{}", " "])
def test_a_document_that_is_no_plan_is_refused_with_doubts(text: str) -> None:
    refusal = given().when(msgspec.structs.replace(bundled_plan(), text=text)).refusal
    assert isinstance(refusal, NotAPlan)
    assert refusal.doubts
    assert refusal.pointer == "/text"


def with_unknown_units(**ids: str) -> ImportPlan:
    """The bundled plan, in which 市科委 and 市生态环境局 bear names that nobody knows."""
    command = bundled_plan()
    assert "市科委" in command.text
    assert "市生态环境局" in command.text
    text = command.text.replace("市科委", "市航天委").replace("市生态环境局", "市极地局")
    return msgspec.structs.replace(command, text=text, unit_ids=ids)


def test_units_that_the_directory_does_not_know_need_ids() -> None:
    refusal = given().when(with_unknown_units()).refusal
    assert isinstance(refusal, UnitsUnknown)
    assert sorted(refusal.names) == ["市极地局", "市航天委"]
    assert refusal.pointer == "/unitIds"


def test_each_unknown_unit_needs_its_own_id() -> None:
    refusal = given().when(with_unknown_units(市航天委="shi-hang-tian-wei")).refusal
    assert isinstance(refusal, UnitsUnknown)
    assert refusal.names == ("市极地局",)


def test_units_with_given_ids_are_registered_once_under_the_documents_words() -> None:
    command = with_unknown_units(市航天委="shi-hang-tian-wei", 市极地局="shi-ji-di-ju")
    facts = given().when(command).facts
    new = {one.stream: one.fact for one in facts if one.stream in {"unit:shi-hang-tian-wei", "unit:shi-ji-di-ju"}}
    assert [getattr(one, "name", None) for _, one in sorted(new.items())] == ["市航天委", "市极地局"]
    registered = [one.stream for one in facts if isinstance(one.fact, UnitRegistered)]
    assert len(registered) == len(set(registered)) == 53


def test_the_import_holds_from_its_date_whatever_the_hour_of_recording() -> None:
    facts = given().at(NOW.replace(year=2026)).when(bundled_plan()).facts
    assert {one.effective_on for one in facts} == {ADOPTED}
