"""A task's commands: what each records, what each refuses, and from which day it holds."""

from datetime import datetime

import msgspec
import pytest

from domain.errors import (
    AlreadyAssigned,
    CannotUndo,
    IsWithdrawn,
    NotAssigned,
    NotWithdrawn,
    ReasonMissing,
    Stale,
    Unknown,
    WrongDate,
)
from domain.fact import Fact
from domain.task import (
    AssignUnit,
    MoveTask,
    ReinstateTask,
    ReleaseUnit,
    RenumberTask,
    RewordTask,
    SetDeadline,
    SetTarget,
    Task,
    TaskAdded,
    TaskCommands,
    TaskDeadlineSet,
    TaskMoved,
    TaskReinstated,
    TaskRenumbered,
    TaskReworded,
    TaskTargetSet,
    TaskUnitAssigned,
    TaskUnitReleased,
    TaskWithdrawn,
    WithdrawTask,
)
from domain.values import SHANGHAI, Role
from tests.unit.saying import REQUEST, TODAY, WHY, Given, Put, given
from tests.unit.world import STREAM, TASK, assigned, day, plan, task, unit

JUNE = day("2023-06-30")
WITHDRAWN = Put(STREAM, TaskWithdrawn(), day("2023-07-01"))


def world(*more: Put) -> Given:
    """A plan of three measures, its task (position 7), led by `a` (10); `b` is registered and takes no part."""
    return given(*plan(), task(), unit("a", "甲委"), unit("b", "乙委"), assigned("a"), *more)


EDITS: list[tuple[TaskCommands, Fact]] = [
    (RewordTask(task=TASK, text="新。", reason=WHY), TaskReworded("新。")),
    (RenumberTask(task=TASK, number=2, reason=WHY), TaskRenumbered(2)),
    (MoveTask(task=TASK, measure=3, reason=WHY), TaskMoved(2, 3)),
    (AssignUnit(task=TASK, unit="b", role=Role.BY_DUTY, reason=WHY), TaskUnitAssigned("b", Role.BY_DUTY, "乙委")),
    (ReleaseUnit(task=TASK, unit="a", reason=WHY), TaskUnitReleased("a")),
    (SetDeadline(task=TASK, due=day("2023-12-31"), reason=WHY), TaskDeadlineSet(day("2023-12-31"))),
    (
        SetTarget(task=TASK, target=1, literal="41个领域", value="41", unit="个领域", reason=WHY),
        TaskTargetSet(1, "41个领域", "41", "个领域"),
    ),
    (WithdrawTask(task=TASK, reason=WHY), TaskWithdrawn()),
]
every_edit = pytest.mark.parametrize(("command", "fact"), EDITS, ids=lambda one: type(one).__name__)


def with_date(command: TaskCommands, text: str) -> TaskCommands:
    return _but(command, effective_on=day(text))


def _but(command: TaskCommands, **changed: object) -> TaskCommands:
    return msgspec.structs.replace(command, **changed)


@every_edit
def test_an_edit_holds_from_today_in_shanghai_unless_it_says_otherwise(command: TaskCommands, fact: Fact) -> None:
    world().when(command).then(Put(STREAM, fact, TODAY))


@every_edit
def test_an_edit_may_hold_from_a_past_day(command: TaskCommands, fact: Fact) -> None:
    world().when(with_date(command, "2023-06-30")).then(Put(STREAM, fact, JUNE))


@every_edit
def test_an_edit_may_hold_from_a_future_day(command: TaskCommands, fact: Fact) -> None:
    world().when(with_date(command, "2024-01-01")).then(Put(STREAM, fact, day("2024-01-01")))


@every_edit
def test_an_edit_without_a_reason_is_refused(command: TaskCommands, fact: Fact) -> None:
    assert fact
    world().when(_but(command, reason=None)).refused(ReasonMissing, pointer="/reason")


@every_edit
def test_a_task_is_edited_only_from_the_day_it_is_there(command: TaskCommands, fact: Fact) -> None:
    assert fact
    world().when(with_date(command, "2023-03-27")).refused(Unknown, "is not there yet on 2023-03-27", "/task")


@every_edit
def test_a_task_that_nobody_recorded_is_unknown(command: TaskCommands, fact: Fact) -> None:
    assert fact
    other = _but(command, task="credit-2023/9")
    world().when(other).refused(Unknown, "there is no task credit-2023/9", "/task")


@every_edit
def test_a_withdrawn_task_is_edited_no_more(command: TaskCommands, fact: Fact) -> None:
    assert fact
    world(WITHDRAWN).when(command).refused(IsWithdrawn, "is withdrawn on 2023-08-10", "/task")


@every_edit
def test_a_task_can_be_edited_for_the_days_before_its_withdrawal(command: TaskCommands, fact: Fact) -> None:
    world(WITHDRAWN).when(with_date(command, "2023-06-30")).then(Put(STREAM, fact, JUNE))


@every_edit
def test_an_absurd_date_is_refused(command: TaskCommands, fact: Fact) -> None:
    assert fact
    world().when(with_date(command, "1899-12-31")).refused(WrongDate, "is not between 1900-01-01")


@every_edit
def test_an_edit_at_the_expected_version_is_accepted(command: TaskCommands, fact: Fact) -> None:
    world().when(_but(command, expected_version=2)).then(Put(STREAM, fact, TODAY))


@every_edit
@pytest.mark.parametrize("expected", [0, 1, 3])
def test_an_edit_at_another_version_is_stale(command: TaskCommands, fact: Fact, expected: int) -> None:
    assert fact
    stale = _but(command, expected_version=expected)
    world().when(stale).refused(Stale, f"expected version {expected}, is 2", "/expectedVersion")


def test_today_is_the_day_in_shanghai_when_it_is_still_yesterday_in_london() -> None:
    early = datetime(2023, 8, 11, 0, 30, tzinfo=SHANGHAI)
    world().at(early).when(EDITS[0][0]).then(Put(STREAM, TaskReworded("新。"), day("2023-08-11")))


def test_the_cause_keeps_command_request_reason_and_authority() -> None:
    [new] = world().when(RewordTask(task=TASK, text="新。", reason=WHY, authority="沪信用办〔2023〕1号")).facts
    assert (new.cause.command, new.cause.request) == ("task.reword", REQUEST)
    assert (new.cause.reason, new.cause.authority) == (WHY, "沪信用办〔2023〕1号")


NO_OPS: list[TaskCommands] = [
    RewordTask(task=TASK, text="推进信用立法。", reason=WHY),
    RenumberTask(task=TASK, number=1, reason=WHY),
    MoveTask(task=TASK, measure=1, reason=WHY),
    MoveTask(task=TASK, measure=1, part=1, reason=WHY),
    SetDeadline(task=TASK, due=None, reason=WHY),
]


@pytest.mark.parametrize("command", NO_OPS, ids=lambda one: type(one).__name__)
def test_an_edit_that_changes_nothing_records_nothing(command: TaskCommands) -> None:
    world().when(command).then_nothing()


def test_the_same_target_again_records_nothing() -> None:
    command, fact = EDITS[6]
    world(Put(STREAM, fact)).when(command).then_nothing()


def test_a_target_of_the_same_number_takes_the_place_of_the_first() -> None:
    first, second = TaskTargetSet(1, "41个", "41", "个"), TaskTargetSet(1, "42个", "42", "个")
    shown = world(Put(STREAM, first), Put(STREAM, second)).shows(STREAM)
    assert isinstance(shown, Task)
    assert [one.value for one in shown.targets] == ["42"]


def test_what_changes_nothing_today_may_change_something_on_another_day() -> None:
    reworded = Put(STREAM, TaskReworded("新。"), day("2023-07-01"))
    earlier = RewordTask(task=TASK, text="新。", reason=WHY, effective_on=JUNE)
    world(reworded).when(earlier).then(Put(STREAM, TaskReworded("新。"), JUNE))


def test_a_deadline_is_taken_away_with_null() -> None:
    due = Put(STREAM, TaskDeadlineSet(day("2023-12-31")))
    world(due).when(SetDeadline(task=TASK, due=None, reason=WHY)).then(Put(STREAM, TaskDeadlineSet(None), TODAY))


def test_an_absurd_deadline_is_refused() -> None:
    world().when(SetDeadline(task=TASK, due=day("3000-01-01"), reason=WHY)).refused(WrongDate)


def test_a_task_moves_to_a_measure_and_its_part_follows() -> None:
    world().when(MoveTask(task=TASK, measure=3, part=2, reason=WHY)).then(Put(STREAM, TaskMoved(2, 3), TODAY))


def test_a_task_moves_to_no_measure_that_the_plan_does_not_have() -> None:
    world().when(MoveTask(task=TASK, measure=4, reason=WHY)).refused(Unknown, "no measure 4", "/measure")


def test_a_measure_and_a_part_that_do_not_belong_together_are_refused() -> None:
    world().when(MoveTask(task=TASK, measure=3, part=1, reason=WHY)).refused(Unknown, "is in part 2, not 1", "/part")


@pytest.mark.parametrize("part", [None, 9])
def test_a_task_moves_to_no_part_that_the_plan_does_not_have(part: int | None) -> None:
    world().when(MoveTask(task=TASK, part=part, reason=WHY)).refused(Unknown, "name a measure or a part", "/part")


def test_a_task_whose_plan_is_not_there_cannot_move() -> None:
    given(task()).when(MoveTask(task=TASK, measure=1, reason=WHY)).refused(Unknown, "there is no plan", "/task")


def test_a_unit_that_takes_part_is_not_assigned_again() -> None:
    again = AssignUnit(task=TASK, unit="a", role=Role.SUPPORT, reason=WHY)
    world().when(again).refused(AlreadyAssigned, "甲委 already takes part", "/unit")


def test_an_assignment_keeps_the_words_it_was_read_from() -> None:
    command = AssignUnit(task=TASK, unit="b", role=Role.NAMED, literal="乙", reason=WHY)
    world().when(command).then(Put(STREAM, TaskUnitAssigned("b", Role.NAMED, "乙"), TODAY))


def test_a_unit_that_nobody_registered_cannot_be_assigned() -> None:
    world().when(AssignUnit(task=TASK, unit="c", role=Role.LEAD, reason=WHY)).refused(Unknown, "no unit c", "/unit")


def test_a_unit_that_takes_no_part_cannot_be_released() -> None:
    world().when(ReleaseUnit(task=TASK, unit="b", reason=WHY)).refused(NotAssigned, pointer="/unit")


def test_a_released_unit_takes_part_until_the_day_before() -> None:
    released = world(Put(STREAM, TaskUnitReleased("a"), day("2023-07-01")))
    again = AssignUnit(task=TASK, unit="a", role=Role.LEAD, reason=WHY, effective_on=JUNE)
    released.when(again).refused(AlreadyAssigned)
    released.when(_but(again, effective_on=day("2023-07-01"))).then(
        Put(STREAM, TaskUnitAssigned("a", Role.LEAD, "甲委"), day("2023-07-01"))
    )


def test_a_withdrawn_task_is_reinstated() -> None:
    world(WITHDRAWN).when(ReinstateTask(task=TASK, reason=WHY)).then(Put(STREAM, TaskReinstated(), TODAY))


def test_a_task_that_is_not_withdrawn_is_not_reinstated() -> None:
    world().when(ReinstateTask(task=TASK, reason=WHY)).refused(NotWithdrawn, pointer="/task")


def test_a_reinstated_task_can_be_edited_again() -> None:
    command, fact = EDITS[0]
    world(WITHDRAWN, Put(STREAM, TaskReinstated(), day("2023-08-01"))).when(command).then(Put(STREAM, fact, TODAY))


def test_a_replacement_keeps_the_day_of_what_it_replaces() -> None:
    reworded = Put(STREAM, TaskReworded("误。"), JUNE)
    command = RewordTask(task=TASK, text="正。", reason=WHY, replaces=11)
    world(reworded).when(command).then(Put(STREAM, TaskReworded("正。"), JUNE, 11))


def test_a_replacement_may_state_another_day() -> None:
    reworded = Put(STREAM, TaskReworded("误。"), JUNE)
    command = RewordTask(task=TASK, text="误。", reason=WHY, replaces=11, effective_on=day("2023-05-01"))
    world(reworded).when(command).then(Put(STREAM, TaskReworded("误。"), day("2023-05-01"), 11))


def test_a_replacement_is_recorded_even_where_the_words_stay() -> None:
    reworded = Put(STREAM, TaskReworded("新。"), JUNE)
    same = RewordTask(task=TASK, text="新。", reason=WHY, replaces=11)
    world(reworded).when(same).then(Put(STREAM, TaskReworded("新。"), JUNE, 11))


def test_an_assignment_can_be_replaced_by_another_role_of_the_same_unit() -> None:
    command = AssignUnit(task=TASK, unit="a", role=Role.SUPPORT, literal="甲", reason=WHY, replaces=10)
    world().when(command).then(Put(STREAM, TaskUnitAssigned("a", Role.SUPPORT, "甲"), replaces=10))


def test_a_withdrawal_can_be_moved_to_another_day() -> None:
    moved = WithdrawTask(task=TASK, reason=WHY, replaces=11, effective_on=JUNE)
    world(WITHDRAWN).when(moved).then(Put(STREAM, TaskWithdrawn(), JUNE, 11))


def test_a_fact_is_replaced_by_its_own_kind_only() -> None:
    command = RenumberTask(task=TASK, number=5, reason=WHY, replaces=10)
    world().when(command).refused(CannotUndo, "position 10 is a task.unit_assigned", "/replaces")


def test_the_commands_of_one_request_see_each_others_facts() -> None:
    request = (
        ReleaseUnit(task=TASK, unit="a", reason=WHY),
        AssignUnit(task=TASK, unit="a", role=Role.SUPPORT, reason=WHY),
        SetDeadline(task=TASK, due=day("2023-12-31"), reason=WHY),
        SetDeadline(task=TASK, due=day("2023-12-31"), reason=WHY),
    )
    world().when(*request).then(
        Put(STREAM, TaskUnitReleased("a"), TODAY),
        Put(STREAM, TaskUnitAssigned("a", Role.SUPPORT, "甲委"), TODAY),
        Put(STREAM, TaskDeadlineSet(day("2023-12-31")), TODAY),
    )


def test_the_commands_of_one_request_fall_together_and_the_refusal_names_the_one() -> None:
    request = (
        WithdrawTask(task=TASK, reason=WHY),
        RewordTask(task=TASK, text="新。", reason=WHY),
    )
    world().when(*request).refused(IsWithdrawn, index=1)


def test_an_expected_version_does_not_count_the_requests_own_facts() -> None:
    request = (
        RewordTask(task=TASK, text="新。", reason=WHY, expected_version=2),
        RenumberTask(task=TASK, number=2, reason=WHY, expected_version=2),
    )
    world().when(*request).then(Put(STREAM, TaskReworded("新。"), TODAY), Put(STREAM, TaskRenumbered(2), TODAY))


def test_a_fact_before_the_task_was_added_leaves_no_task() -> None:
    early = Put(STREAM, TaskReworded("早。"), day("2023-01-01"))
    late = Put(STREAM, TaskAdded(1, None, None, "晚。"), JUNE)
    assert given(early, late).shows(STREAM, day("2023-06-29")) is None
    shown = given(early, late).shows(STREAM, JUNE)
    assert isinstance(shown, Task)
    assert shown.text == "晚。"
