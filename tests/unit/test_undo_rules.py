"""Voiding and replacing: only a live fact, once, in its own stream; what it had replaced does not come back."""

from datetime import date

import msgspec
import pytest

from domain.directory import Unit, UnitAliasAdded, UnitRenamed
from domain.errors import CannotUndo, ReasonMissing, Stale, StillReferredTo, Unknown
from domain.plan import PlanMeasureAdded
from domain.report import Measurement, ProgressReported
from domain.task import (
    AssignUnit,
    RewordTask,
    SetTarget,
    Task,
    TaskMoved,
    TaskReworded,
    TaskTargetSet,
    TaskUnitReleased,
)
from domain.undo import FactVoided, VoidFact
from domain.values import Role, Status
from tests.unit.saying import ADOPTED, TODAY, WHY, Given, Put, given
from tests.unit.world import PLAN, STREAM, TASK, assigned, day, group, plan, succeeded, task, unit

JUNE = day("2023-06-30")


def void(target: int, **other: int) -> VoidFact:
    return VoidFact(target=target, reason=WHY, expected_version=other.get("expected"), replaces=other.get("replaces"))


def reworded(text: str, replaces: int | None = None) -> Put:
    return Put(STREAM, TaskReworded(text), JUNE, replaces)


def voided(target: int, stream: str = STREAM) -> Put:
    return Put(stream, FactVoided(target), TODAY)


def world(*more: Put) -> Given:
    """Position 1 is the task, 2 its rewording."""
    return given(task(), reworded("二。"), *more)


def text_of(log: Given) -> str:
    shown = log.shows(STREAM)
    assert isinstance(shown, Task)
    return shown.text


def test_a_live_fact_is_voided_in_its_own_stream() -> None:
    world().when(void(2)).then(voided(2))
    assert text_of(world(voided(2))) == "推进信用立法。"


def test_a_voiding_says_why() -> None:
    world().when(VoidFact(target=2)).refused(ReasonMissing, pointer="/reason")


@pytest.mark.parametrize("target", [3, 9_000_000_000])
def test_a_position_that_holds_nothing_cannot_be_voided(target: int) -> None:
    world().when(void(target)).refused(Unknown, f"no fact at position {target}", "/target")


def test_a_void_fact_is_not_voided_again() -> None:
    world(voided(2)).when(void(2)).refused(CannotUndo, "position 2 was undone by position 3", "/target")


def test_a_voiding_stands_for_good() -> None:
    world(voided(2)).when(void(3)).refused(CannotUndo, "position 3 is a fact.voided: it stands for good", "/target")


def test_a_voiding_is_not_replaced_either() -> None:
    command = void(2, replaces=3)
    world(voided(2)).when(command).refused(CannotUndo, "is a fact.voided", "/replaces")


def test_a_voiding_replaces_nothing() -> None:
    world(reworded("三。")).when(void(2, replaces=3)).refused(CannotUndo, "is a task.reworded", "/replaces")


def test_a_replaced_fact_is_not_voided() -> None:
    world(reworded("三。", 2)).when(void(2)).refused(CannotUndo, "was undone by position 3", "/target")


def test_a_replaced_fact_is_not_replaced_again() -> None:
    command = RewordTask(task=TASK, text="四。", reason=WHY, replaces=2)
    world(reworded("三。", 2)).when(command).refused(CannotUndo, "was undone by position 3", "/replaces")


def test_a_void_fact_is_not_replaced() -> None:
    command = RewordTask(task=TASK, text="四。", reason=WHY, replaces=2)
    world(voided(2)).when(command).refused(CannotUndo, "was undone by position 3", "/replaces")


def test_the_last_of_a_chain_is_replaced() -> None:
    command = RewordTask(task=TASK, text="四。", reason=WHY, replaces=3)
    world(reworded("三。", 2)).when(command).then(reworded("四。", 3))


def test_a_void_replacement_does_not_revive_what_it_replaced() -> None:
    log = world(reworded("三。", 2))
    assert text_of(log) == "三。"
    log.when(void(3)).then(voided(3))
    assert text_of(world(reworded("三。", 2), voided(3))) == "推进信用立法。"


def test_what_was_voided_is_recorded_anew() -> None:
    again = RewordTask(task=TASK, text="二。", reason=WHY, effective_on=JUNE)
    world(voided(2)).when(again).then(reworded("二。"))


def test_a_fact_of_another_stream_is_not_replaced() -> None:
    other = RewordTask(task="credit-2023/2", text="新。", reason=WHY, replaces=2)
    log = world(task(key="credit-2023/2"))
    log.when(other).refused(CannotUndo, f"position 2 is a task.reworded in {STREAM}", "/replaces")


@pytest.mark.parametrize(
    "naming",
    [
        assigned("a"),
        Put(STREAM, TaskUnitReleased("a")),
        succeeded("b", "a", JUNE),
        group("all", "a")[1],
    ],
    ids=["an assignment", "a release", "a succession", "a membership"],
)
def test_a_subjects_first_fact_stands_while_another_names_the_subject(naming: Put) -> None:
    log = given(unit("a"), unit("b"), task(), *group("all"), naming)
    log.when(void(1)).refused(StillReferredTo, "position 1 is the fact that unit:a stands on", "/target")


def test_a_subjects_first_fact_may_go_once_nothing_names_it_any_more() -> None:
    given(unit("a"), task(), assigned("a"), voided(3)).when(void(1)).then(voided(1, "unit:a"))


def test_a_request_that_names_a_subject_does_not_void_it() -> None:
    naming = AssignUnit(task=TASK, unit="a", role=Role.LEAD, reason=WHY)
    given(unit("a"), task()).when(naming, void(1)).refused(StillReferredTo, "unit:a stands on", "/target", index=1)


def test_a_request_may_first_void_what_names_a_subject_and_then_the_subject() -> None:
    given(unit("a"), task(), assigned("a")).when(void(3), void(1)).then(voided(3), voided(1, "unit:a"))


def test_or_the_other_way_round_since_a_request_stands_or_falls_as_a_whole() -> None:
    given(unit("a"), task(), assigned("a")).when(void(1), void(3)).then(voided(1, "unit:a"), voided(3))


def test_a_founding_fact_is_not_voided_while_another_fact_of_its_stream_is_live() -> None:
    log = given(unit("a"), Put("unit:a", UnitAliasAdded("甲")), Put("unit:a", UnitRenamed("乙")))
    log.when(void(1)).refused(StillReferredTo, "void them in the same list, at 2, 3", "/target")
    log.when(void(2), void(1)).refused(StillReferredTo, "in the same list, at 3", "/target", index=1)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 1, 3)])
def test_a_list_that_voids_all_facts_of_a_stream_may_void_its_founding_fact(order: tuple[int, ...]) -> None:
    log = given(unit("a"), Put("unit:a", UnitAliasAdded("甲")), Put("unit:a", UnitRenamed("乙")))
    first, *rest = (voided(target, "unit:a") for target in order)
    log.when(*map(void, order)).then(first, *rest)


def test_a_task_and_a_plan_are_not_voided_under_their_own_facts_either() -> None:
    world().when(void(1)).refused(StillReferredTo, "in the same list, at 2", "/target")
    given(*plan()).when(void(1)).refused(StillReferredTo, "in the same list, at 2, 3, 4, 5, 6", "/target")


def test_what_was_replaced_or_voided_holds_no_founding_fact() -> None:
    log = given(unit("a"), Put("unit:a", UnitRenamed("乙")), Put("unit:a", UnitRenamed("丙"), JUNE, 2))
    log.when(void(1)).refused(StillReferredTo, "in the same list, at 3", "/target")
    gone = Put("unit:a", FactVoided(3))
    given(unit("a"), Put("unit:a", UnitRenamed("乙")), Put("unit:a", UnitRenamed("丙"), JUNE, 2), gone).when(
        void(1)
    ).then(voided(1, "unit:a"))


PLANNED = f"plan:{PLAN}"
MOVED = Put(STREAM, TaskMoved(1, 2), JUNE)
GONE = day("2023-03-29")


def planned(*more: Put) -> Given:
    """Positions 2 and 3 are the parts, 4 to 6 the measures, 7 the task in part 1 and measure 1."""
    return given(*plan(), task(), *more)


@pytest.mark.parametrize(("target", "what"), [(2, "part 1"), (4, "measure 1")])
def test_a_part_or_measure_that_a_live_task_stands_on_is_not_voided(target: int, what: str) -> None:
    planned().when(void(target)).refused(StillReferredTo, f"{what} of credit-2023 is what", "/target")


def test_nor_is_one_on_which_a_task_stood_at_an_earlier_date() -> None:
    log = planned(MOVED)
    log.when(void(4)).refused(StillReferredTo, f"what {STREAM} stands on from 2023-03-28", "/target")
    log.when(void(5)).refused(StillReferredTo, f"what {STREAM} stands on from 2023-06-30", "/target")
    log.when(void(6)).then(voided(6, PLANNED))


def test_a_part_that_a_measure_is_in_is_not_voided() -> None:
    planned().when(void(3)).refused(StillReferredTo, f"part 2 of credit-2023 is what {PLANNED} stands on", "/target")
    planned().when(void(6), void(3)).then(voided(6, PLANNED), voided(3, PLANNED))


def test_a_measure_is_voided_once_its_tasks_are_void_or_moved_from_the_same_day() -> None:
    planned().when(void(7), void(4)).then(voided(7), voided(4, PLANNED))
    moved = Put(STREAM, TaskMoved(1, 2))
    planned(moved).when(void(4)).then(voided(4, PLANNED))


def test_a_measure_that_another_fact_still_gives_may_lose_one() -> None:
    again = Put(PLANNED, PlanMeasureAdded(1, 1, "甲", "甲", "又。"), GONE)
    planned(again).when(void(8)).then(voided(8, PLANNED))
    planned(again).when(void(4)).refused(StillReferredTo, "from 2023-03-28", "/target")


TARGET = Put(STREAM, TaskTargetSet(1, "41 个", "41", "个"))


def measured(on: date = JUNE) -> Put:
    said = ProgressReported("2023-Q2", Status.IN_PROGRESS, measurement=Measurement("7", "个", 1))
    return Put(f"report:{TASK}/a", said, on)


def test_a_target_that_a_live_report_stands_on_is_not_voided() -> None:
    log = given(unit("a"), task(), assigned("a"), TARGET, measured())
    log.when(void(4)).refused(StillReferredTo, f"target 1 of {TASK} is what report:{TASK}/a stands on", "/target")
    log.when(void(5), void(4)).then(voided(5, f"report:{TASK}/a"), voided(4))


def test_nor_replaced_by_one_of_another_number() -> None:
    log = given(unit("a"), task(), assigned("a"), TARGET, measured())
    command = SetTarget(task=TASK, target=2, literal="41 个", value="41", unit="个", reason=WHY, replaces=4)
    log.when(command).refused(StillReferredTo, "is what", "/replaces")
    same = msgspec.structs.replace(command, target=1, value="42")
    log.when(same).then(Put(STREAM, TaskTargetSet(1, "41 个", "42", "个"), ADOPTED, 4))


def test_what_sets_a_target_anew_may_go() -> None:
    anew = Put(STREAM, TaskTargetSet(1, "41 个", "42", "个"), GONE)
    given(unit("a"), task(), assigned("a"), TARGET, anew, measured()).when(void(5)).then(voided(5))


def test_a_later_fact_may_go_although_the_subject_is_named() -> None:
    log = given(unit("a"), Put("unit:a", UnitRenamed("甲委")), task(), assigned("a"))
    log.when(void(2)).then(voided(2, "unit:a"))


def test_a_subject_without_its_first_fact_is_not_there() -> None:
    log = given(unit("a"), Put("unit:a", UnitRenamed("甲委")), voided(1, "unit:a"))
    assert log.shows("unit:a") is None


def test_a_unit_whose_rename_is_void_has_its_first_name() -> None:
    log = given(unit("a", "甲"), Put("unit:a", UnitRenamed("乙"), JUNE), voided(2, "unit:a"))
    shown = log.shows("unit:a")
    assert isinstance(shown, Unit)
    assert shown.name == "甲"


def test_a_voiding_expects_a_version_of_its_targets_stream() -> None:
    world().when(void(2, expected=2)).then(voided(2))
    world().when(void(2, expected=1)).refused(Stale, f"{STREAM}: expected version 1, is 2", "/expectedVersion")


def test_one_request_voids_and_records_anew() -> None:
    again = RewordTask(task=TASK, text="三。", reason=WHY, effective_on=JUNE)
    world().when(void(2), again).then(voided(2), reworded("三。"))


def test_one_request_does_not_void_a_fact_twice() -> None:
    world().when(void(2), void(2)).refused(CannotUndo, "was undone by position 3", "/target", index=1)
