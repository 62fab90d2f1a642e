"""What differs between two moments, as a pure function of the rows at both."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import pytest

from domain.directory import GroupMemberAdded, UnitAliasAdded, UnitRenamed
from domain.task import TaskMoved, TaskReworded
from domain.undo import FactVoided
from domain.values import SHANGHAI, Role, Status
from events.recorded import Recorded
from events.steps import at_once
from projections.as_of import Moment, Rows
from projections.documents import digest_of
from projections.memory import Memory
from projections.slices import slices
from projections.views import diff
from projections.views.diff import Changed, Outcome, compared, plan_changes
from projections.views.joined import FactsBetween
from projections.views.names import directory
from projections.views.plans import PartView
from projections.views.subjects import SUBJECTS, TABLES, Kind
from tests.unit.saying import ADOPTED, Put, logged
from tests.unit.world import PLAN, STREAM, TASK, assigned, day, group, plan, reported, succeeded, task, unit

BEFORE, AFTER = day("2023-06-30"), day("2023-12-31")
EVERYBODY = (unit("a", "甲局"), unit("b", "乙局"), unit("c", "丙局"))


def rows_of(facts: Sequence[Recorded], on: date) -> Rows:
    """The rows of all tables at the end of these facts, on a day."""
    streams: dict[str, list[Recorded]] = {}
    for fact in facts:
        streams.setdefault(fact.stream, []).append(fact)
    found: dict[str, dict[str, list[bytes]]] = {}
    for stream, own in streams.items():
        for one in slices(TABLES, stream, own):
            if one.known_to > len(facts) and one.eff_from <= on < one.eff_to:
                group_ = TASK if one.table == "said" else one.key if one.table.endswith("_versions") else ""
                found.setdefault(one.table, {}).setdefault(group_, []).append(one.doc)
    digests = {
        table: {group_: b"".join(map(digest_of, docs)) for group_, docs in groups.items()}
        for table, groups in found.items()
    }
    documents = {
        digests[table][group_]: tuple(docs) for table, groups in found.items() for group_, docs in groups.items()
    }
    return Rows(digests, documents, Memory(0))


def changes(*facts: Put, more: Iterable[Put] = (), on: tuple[date, date] = (BEFORE, AFTER)) -> list[Changed]:
    """What some more facts change, from one day to the other."""
    log = logged(*facts, *more)
    found = plan_changes(rows_of(log[: len(facts)], on[0]), on[0], rows_of(log, on[1]), on[1], PLAN)
    return [one.changed for one in at_once(found)]


def told(found: list[Changed]) -> dict[tuple[str, str], Any]:
    return {(one.kind.value, one.id): {each.field: (each.before, each.after) for each in one.changes} for one in found}


def test_nothing_changes_between_a_moment_and_itself() -> None:
    assert changes(*plan(), *EVERYBODY, task(), assigned("a"), reported("a", "2023-Q1"), on=(BEFORE, BEFORE)) == []


def test_a_new_wording_stands_against_the_old_one() -> None:
    found = changes(*plan(), task(), more=[Put(STREAM, TaskReworded("立法。"))])
    assert told(found) == {("task", TASK): {"text": ("推进信用立法。", "立法。")}}
    assert found[0].change == Outcome.CHANGED


def test_what_holds_only_later_changes_without_being_recorded_again() -> None:
    facts = (*plan(), task(), Put(STREAM, TaskReworded("立法。"), day("2023-09-01")))
    assert told(changes(*facts)) == {("task", TASK): {"text": ("推进信用立法。", "立法。")}}
    assert changes(*facts, on=(BEFORE, BEFORE)) == []


def test_a_task_that_came_and_its_plans_figures_are_told() -> None:
    found = changes(*plan(), *EVERYBODY, more=[task(), assigned("a")])
    kinds = {(one.kind, one.id): one.change for one in found}
    assert kinds == {
        (Kind.PLAN, PLAN): Outcome.CHANGED,
        (Kind.PART, f"{PLAN}/1"): Outcome.CHANGED,
        (Kind.MEASURE, f"{PLAN}/1"): Outcome.CHANGED,
        (Kind.TASK, TASK): Outcome.ADDED,
    }
    of_task = told(found)["task", TASK]
    assert of_task["number"] == (None, 1)
    assert "version" not in of_task


def test_a_report_changes_its_tasks_status_and_stands_for_itself() -> None:
    found = told(changes(*plan(), *EVERYBODY, task(), assigned("a"), more=[reported("a", "2023-Q2", Status.DELAYED)]))
    assert found["task", TASK]["reportedStatus"] == ("not_reported", "delayed")
    assert found["report", f"{TASK}/a/2023-Q2"]["status"] == (None, "delayed")


def test_a_support_units_report_is_told_though_it_moves_no_status() -> None:
    facts = (*plan(), *EVERYBODY, task(), assigned("a"), assigned("b", Role.SUPPORT))
    found = told(changes(*facts, more=[reported("b", "2023-Q2")]))
    assert found.keys() == {("report", f"{TASK}/b/2023-Q2")}


def test_a_succession_changes_who_acts_and_the_units_themselves() -> None:
    facts = (*plan(), *EVERYBODY, task(), assigned("a"))
    found = told(changes(*facts, more=[succeeded("a", "b", on=day("2023-07-20"))]))
    assert found.keys() == {("task", TASK), ("unit", "a"), ("unit", "b")}
    assert found["unit", "a"] == {"successors": ((), ({"id": "b", "name": "乙局"},))}


def test_units_that_have_nothing_to_do_with_the_plan_are_left_out() -> None:
    facts = (*plan(), *EVERYBODY, *group("g", "a"), task(), assigned("g"))
    rename = [succeeded("c", "b", on=day("2023-07-20"))]
    assert changes(*facts, more=rename) == []
    log = logged(*facts, *rename)
    before, after = rows_of(log[: len(facts)], BEFORE), rows_of(log, AFTER)
    assert {one.changed.id for one in at_once(plan_changes(before, BEFORE, after, AFTER))} == {"b", "c"}


def test_things_come_in_the_order_of_their_numbers() -> None:
    parts = {(Kind.PART, f"{PLAN}/{number}"): PartView(PLAN, number, "", (), 0) for number in (10, 9, 1)}
    assert [one.changed.id for one in at_once(compared({}, parts))] == [f"{PLAN}/1", f"{PLAN}/9", f"{PLAN}/10"]


@pytest.mark.parametrize(
    ("kind", "id_", "stream"),
    [
        (Kind.PART, "p/3", "plan:p"),
        (Kind.MEASURE, "p/16", "plan:p"),
        (Kind.TASK, "p/3", "task:p/3"),
        (Kind.REPORT, "p/3/u/2023-Q1", "report:p/3/u"),
        (Kind.UNIT, "u", "unit:u"),
    ],
)
def test_each_thing_has_the_stream_that_makes_it(kind: Kind, id_: str, stream: str) -> None:
    assert SUBJECTS[kind].stream(id_) == stream


def moment(position: int, on: date) -> Moment:
    return Moment(position, datetime(2023, 12, 31, tzinfo=SHANGHAI), on, "x", "", "", pinned=True)


def behind(found: list[Changed], facts: Sequence[Recorded], before: Moment, after: Moment) -> list[list[int]]:
    """The positions of the facts behind each of these changes, as far as they are about it."""
    compared_ = [diff.Compared(one, ()) for one in found]
    told_ = diff.explained(compared_, [()] * len(found), FactsBetween(facts, before, after))
    return [[fact.position for fact in one.facts] for one in at_once(told_)]


def test_a_change_is_explained_by_what_was_recorded_or_began_to_hold_between() -> None:
    facts = logged(task(), Put(STREAM, TaskReworded("一"), day("2023-09-01")), Put(STREAM, TaskReworded("二"), ADOPTED))
    found = [Changed(Kind.TASK, TASK, Outcome.CHANGED, ())]
    assert behind(found, facts, moment(2, BEFORE), moment(2, AFTER)) == [[2]]
    assert behind(found, facts, moment(2, BEFORE), moment(3, BEFORE)) == [[3]]


def test_a_reports_change_is_not_explained_by_another_period() -> None:
    facts = logged(reported("a", "2023-Q1"), reported("a", "2023-Q2"))
    found = [Changed(Kind.REPORT, f"{TASK}/a/2023-Q2", Outcome.ADDED, ())]
    assert behind(found, facts, moment(0, BEFORE), moment(2, BEFORE)) == [[2]]


def test_a_parts_change_is_not_explained_by_the_rest_of_its_plan() -> None:
    found = [Changed(Kind.PART, f"{PLAN}/2", Outcome.ADDED, ()), Changed(Kind.PLAN, PLAN, Outcome.ADDED, ())]
    assert behind(found, logged(*plan()), moment(0, BEFORE), moment(6, BEFORE)) == [[3], [1]]


def why(*facts: Put, more: Iterable[Put], on: tuple[date, date] = (BEFORE, AFTER)) -> dict[str, set[str]]:
    """The types of the facts behind each change that some more facts make."""
    log = logged(*facts, *more)
    span = moment(len(facts), on[0]), moment(len(log), on[1])
    then, now = rows_of(log[: len(facts)], on[0]), rows_of(log, on[1])
    found = list(at_once(plan_changes(then, on[0], now, on[1])))
    around = [one.around([directory(then), directory(now)]) for one in found]
    told_ = at_once(diff.explained(found, around, FactsBetween(log, *span)))
    return {one.id: {fact.type for fact in one.facts} for one in told_}


def renamed(unit_: str, name: str) -> Put:
    return Put(f"unit:{unit_}", UnitRenamed(name))


def test_a_unit_that_was_renamed_is_why_its_task_shows_another_name() -> None:
    facts = (*plan(), *EVERYBODY, task(), assigned("a"))
    assert why(*facts, more=[renamed("a", "丁局")]) == {TASK: {"unit.renamed.v1"}, "a": {"unit.renamed.v1"}}


def test_a_group_that_was_joined_is_why_more_units_should_speak() -> None:
    facts = (*plan(), *EVERYBODY, *group("g", "a"), task(), assigned("g"))
    joining = Put("unit:g", GroupMemberAdded("b"))
    found = why(*facts, more=[joining, renamed("c", "丁局"), Put("unit:a", UnitAliasAdded("甲"))])
    assert found[TASK] == {"group.member_added.v1"}
    assert found["b"] == {"group.member_added.v1"}
    assert found["c"] == {"unit.renamed.v1"}


def test_a_succession_that_began_in_between_is_why_somebody_else_acts() -> None:
    facts = (*plan(), *EVERYBODY, task(), assigned("a"), succeeded("a", "b", on=day("2023-07-20")))
    (type_,) = why(*facts, more=[])[TASK]
    assert type_.startswith("unit.succeeded")


def test_a_renaming_that_was_voided_is_explained_by_the_voiding() -> None:
    facts = (*plan(), *EVERYBODY, task(), assigned("a"), renamed("a", "丁局"))
    assert why(*facts, more=[Put("unit:a", FactVoided(len(facts)))])[TASK] == {"fact.voided.v1"}


def test_a_task_that_came_is_why_its_part_has_one_more() -> None:
    found = why(*plan(), *EVERYBODY, more=[task()])
    assert found[f"{PLAN}/1"] == found[PLAN] == {"task.added.v1"}
    moved = why(*plan(), task(), more=[Put(STREAM, TaskMoved(2, None))])
    assert moved.keys() == {TASK, f"{PLAN}/1", f"{PLAN}/2"}  # the part that it left, and the one that it came to
    assert {type_ for types in moved.values() for type_ in types} == {"task.moved.v1"}
    facts = (*plan(), task(), assigned("a"))
    assert why(*facts, more=[Put(STREAM, TaskReworded("立法。"))]).keys() == {TASK}
