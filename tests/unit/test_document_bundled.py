"""The bundled plan, read: the figures, and every doubt, exactly."""

from collections import Counter

import pytest

from domain.document import read
from domain.document.draft import Doubt, DraftTarget, DraftTask, Reading
from domain.document.reference import REFERENCE
from domain.values import Role
from tests.unit.documents.small import bundled

LAST_OF_POINT_4 = "扩大银行、保险、担保、信用服务等机构合作力度,为中小微企业提供更加丰富全面的金融机构和融资产品。"


@pytest.fixture(scope="module")
def plan() -> Reading:
    return read(bundled())


def task(plan: Reading, number: int) -> DraftTask:
    (found,) = (one for one in plan.tasks if one.number == number)
    return found


def test_it_is_a_plan_with_its_title_and_preamble(plan: Reading) -> None:
    assert plan.is_plan
    assert plan.title == "2023年上海市社会信用体系建设工作要点"
    assert plan.preamble == bundled().split("\n")[5]


def test_it_has_5_parts_16_measures_and_67_tasks(plan: Reading) -> None:
    assert [part.number for part in plan.parts] == [1, 2, 3, 4, 5]
    assert [measure.number for measure in plan.measures] == list(range(1, 17))
    assert [one.number for one in plan.tasks] == list(range(1, 68))


def test_each_measure_holds_its_tasks(plan: Reading) -> None:
    held = Counter(one.measure for one in plan.tasks)
    assert [held[number] for number in range(1, 17)] == [7, 4, 5, 3, 4, 2, 2, 4, 3, 3, 5, 3, 5, 3, 8, 6]


def test_each_part_holds_its_measures_and_their_tasks(plan: Reading) -> None:
    assert [measure.part for measure in plan.measures] == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3 + [5] * 4
    parts = {measure.number: measure.part for measure in plan.measures}
    assert all(one.measure and one.part == parts[one.measure] for one in plan.tasks)


def test_154_assignments_by_role(plan: Reading) -> None:
    roles = Counter(assignment.role for one in plan.tasks for assignment in one.assignments)
    assert roles == {Role.LEAD: 45, Role.BY_DUTY: 105, Role.RESPONSIBLE: 3, Role.NAMED: 1}
    assert sum(any(one.role is Role.LEAD for one in row.assignments) for row in plan.tasks) == 38


def test_37_bodies_16_governments_and_3_groups_are_assigned(plan: Reading) -> None:
    names = {assignment.unit for one in plan.tasks for assignment in one.assignments}
    kinds = Counter(unit.kind for unit in REFERENCE.units if unit.name in names)
    assert kinds == {"body": 37, "district_government": 16}
    assert {group.name for group in REFERENCE.groups} < names
    assert len(names) == 37 + 16 + 3


def test_the_district_governments_as_a_group_stand_on_7_tasks(plan: Reading) -> None:
    assert sum(any(one.unit == "各区人民政府" for one in row.assignments) for row in plan.tasks) == 7


def test_only_task_24_leaves_its_list_open(plan: Reading) -> None:
    assert [one.number for one in plan.tasks if one.open_ended] == [24]
    assert task(plan, 24).assignments[-1].literal == "市城管执法局"


@pytest.mark.parametrize(
    ("number", "literals", "units"),
    [
        (61, ["松江区", "金山区", "青浦区人民政府"], ["松江区人民政府", "金山区人民政府", "青浦区人民政府"]),
        (41, ["人行上海总部", "市发展改革委"], ["人民银行上海总部", "市发展改革委"]),
        (49, ["市信用服务行业协会"], ["市信用服务行业协会"]),
        (21, ["市卫生健康委", "市医保局", "市大数据中心"], ["市卫生健康委", "市医保局", "市大数据中心"]),
    ],
)
def test_the_words_stay_beside_the_unit(plan: Reading, number: int, literals: list[str], units: list[str]) -> None:
    found = task(plan, number).assignments
    assert [one.literal for one in found] == literals
    assert [one.unit for one in found] == units


def test_an_alias_of_the_directory_is_resolved_and_keeps_its_words(plan: Reading) -> None:
    last = task(plan, 8).assignments[-1]
    assert (last.literal, last.unit, last.role) == ("市信用中心", "市公共信用中心", Role.BY_DUTY)


@pytest.mark.parametrize(
    ("number", "role"), [(28, Role.BY_DUTY), (43, Role.BY_DUTY), (21, Role.RESPONSIBLE), (49, Role.NAMED)]
)
def test_rare_wordings_have_their_role(plan: Reading, number: int, role: Role) -> None:
    assert {one.role for one in task(plan, number).assignments} == {role}


def test_a_title_split_over_two_rows_is_one(plan: Reading) -> None:
    measure = plan.measures[3]
    assert measure.title == "深化中小微企业融资信用服务创新试点"
    assert [one.number for one in plan.tasks if one.measure == 4] == [17, 18, 19]


def test_a_measure_carries_heading_text_and_the_sentence_that_no_task_carries(plan: Reading) -> None:
    first, fourth = plan.measures[0], plan.measures[3]
    assert first.heading == "积极服务浦东引领区建设和自贸试验区提升战略"
    assert first.title == "积极服务浦东引领区建设和自由贸易试验区提升战略"
    assert first.text == bundled().split("\n")[7]
    assert fourth.unassigned == (LAST_OF_POINT_4,)
    assert [measure.number for measure in plan.measures if measure.unassigned] == [4]


def test_a_task_keeps_the_words_and_the_line_of_the_table(plan: Reading) -> None:
    lines = bundled().split("\n")
    assert all(one.text in lines[one.line - 1] for one in plan.tasks)
    assert task(plan, 8).line == 39
    assert "融资信用服务场景" in task(plan, 8).text


def test_no_task_has_a_deadline(plan: Reading) -> None:
    assert {one.due for one in plan.tasks} == {None}


def test_the_targets_are_those_of_tasks_20_21_and_28(plan: Reading) -> None:
    assert {one.number: one.targets for one in plan.tasks if one.targets} == {
        20: (DraftTarget("41个主要执法领域", "41", "个主要执法领域"), DraftTarget("两批", "2", "批")),
        21: (DraftTarget("全覆盖", "100", "%"),),
        28: (DraftTarget("55个重点领域", "55", "个重点领域"), DraftTarget("全覆盖", "100", "%")),
    }


def test_the_doubts_are_these_and_no_others(plan: Reading) -> None:
    cover = " ".join(bundled().split("\n")[:4])
    assert plan.doubts == (
        Doubt("cover_letter", (1, 2, 3, 4), f"What stands before the title is not in the draft: “{cover}”."),
        Doubt(
            "prose_differs",
            (8, 31),
            "Title of measure 1: the prose reads “设和自贸试验区”, the table “设和自由贸易试验区”.",
        ),
        Doubt("prose_differs", (9, 39), "Task 8: the prose reads “用服务等场景,”, the table “用服务场景,”."),
        Doubt("prose_not_in_table", (12,), f"No task carries this sentence of point 4: “{LAST_OF_POINT_4}”."),
        Doubt("header_misspelt", (29,), "The header reads “作任务” where the form has “工作任务”."),
    )
