"""Voiding and replacing: only a live fact, once, in its own stream; what it had replaced does not come back."""

import pytest

from domain.directory import Unit, UnitAliasAdded, UnitRenamed
from domain.errors import CannotUndo, ReasonMissing, Stale, StillReferredTo, Unknown
from domain.task import AssignUnit, RewordTask, Task, TaskReworded, TaskUnitReleased
from domain.undo import FactVoided, VoidFact
from domain.values import Role
from tests.unit.saying import TODAY, WHY, Given, Put, given
from tests.unit.world import STREAM, TASK, assigned, day, group, succeeded, task, unit

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


def test_but_not_in_another_order() -> None:
    given(unit("a"), task(), assigned("a")).when(void(1), void(3)).refused(StillReferredTo, "unit:a", index=0)


def test_a_unit_that_names_itself_in_its_own_stream_is_not_held_by_it() -> None:
    log = given(unit("a"), Put("unit:a", UnitAliasAdded("甲")))
    log.when(void(1)).then(voided(1, "unit:a"))


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
