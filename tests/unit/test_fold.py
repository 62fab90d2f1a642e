"""The rule of the two clocks, the state at (position, day): by example, and against a naive second writing of it."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any

import msgspec
from hypothesis import given as whenever
from hypothesis import settings

from api.auditing.answers import AuditedLog
from domain.directory import (
    GroupDefined,
    GroupMemberAdded,
    Platform,
    PlatformAliasAdded,
    PlatformRegistered,
    Unit,
    UnitAliasAdded,
    UnitKind,
    UnitRegistered,
    UnitRenamed,
)
from domain.fact import subject_of
from domain.record import State
from domain.report import Reports
from domain.task import Task, TaskDeadlineSet, TaskReworded, TaskUnitAssigned, TaskUnitReleased
from domain.undo import FactVoided
from domain.values import Role, Status
from events.codec import encode
from events.recorded import OPEN_END, Recorded
from events.steps import at_once
from projections.fold import INFINITY, MINUS_INFINITY, Timeline, standing, state, timeline
from projections.slices import Closed, Slice, Tables, slices
from projections.slices import slice_changes as touched
from projections.views.subjects import TABLES
from tests.unit.histories import DAYS, anything
from tests.unit.saying import ADOPTED, Put, logged
from tests.unit.world import STREAM, day, group, plan, reported, task, unit

BORN, MAY, JUNE, JULY = ADOPTED, day("2023-05-01"), day("2023-06-01"), day("2023-07-01")
BEFORE = timedelta(days=1)


def reworded(text: str, on: date, replaces: int | None = None) -> Put:
    return Put(STREAM, TaskReworded(text), on, replaces)


def voided(target: int, on: date = JULY) -> Put:
    return Put(STREAM, FactVoided(target), on)


def text(facts: Sequence[Put], on: date, position: int = OPEN_END) -> str | None:
    shown = state(STREAM, logged(*facts), position, on)
    if shown is None:
        return None
    assert isinstance(shown, Task)
    return shown.text


def name(facts: Sequence[Put], on: date, position: int = OPEN_END) -> str | None:
    shown = state("unit:a", logged(*facts), position, on)
    if shown is None:
        return None
    assert isinstance(shown, Unit)
    return shown.name


FIRST = "推进信用立法。"


def test_a_subject_is_there_from_the_day_of_its_first_fact() -> None:
    assert text([task()], BORN - BEFORE) is None
    assert text([task()], BORN) == FIRST


def test_a_subject_is_there_from_the_position_of_its_first_fact() -> None:
    assert text([task()], BORN, position=0) is None
    assert text([task()], BORN, position=1) == FIRST


def test_a_fact_holds_until_the_next_of_the_same_field() -> None:
    facts = [task(), reworded("五月。", MAY), reworded("七月。", JULY)]
    assert [text(facts, on) for on in (MAY - BEFORE, MAY, JULY - BEFORE, JULY)] == [FIRST, "五月。", "五月。", "七月。"]


def test_a_late_fact_slots_in_between() -> None:
    facts = [task(), reworded("五月。", MAY), reworded("七月。", JULY), reworded("六月。", JUNE)]
    assert [text(facts, on) for on in (MAY, JUNE, JULY)] == ["五月。", "六月。", "七月。"]
    assert [text(facts, on, position=3) for on in (MAY, JUNE, JULY)] == ["五月。", "五月。", "七月。"]


def test_of_equal_dates_the_later_place_wins() -> None:
    assert text([task(), reworded("先。", MAY), reworded("后。", MAY)], MAY) == "后。"


def test_a_fact_of_another_field_ends_nothing() -> None:
    facts = [task(), reworded("五月。", MAY), Put(STREAM, TaskDeadlineSet(JULY), JUNE)]
    assert text(facts, JUNE) == "五月。"


def test_a_future_fact_is_known_before_it_holds() -> None:
    facts = [task(), reworded("明年。", day("2024-01-01"))]
    assert text(facts, day("2023-12-31")) == FIRST
    assert text(facts, day("2024-01-01")) == "明年。"


def test_a_replacement_takes_the_place_of_its_chains_first_fact() -> None:
    facts = [
        task(),
        reworded("先。", MAY),
        reworded("后。", MAY),
        reworded("先改。", MAY, 2),
        reworded("先又改。", MAY, 4),
    ]
    assert text(facts, MAY) == "后。"
    assert text([*facts, voided(3)], MAY) == "先又改。"


def test_a_replacement_on_another_day_leaves_the_old_one() -> None:
    facts = [task(), reworded("误。", JULY), reworded("正。", MAY, 2)]
    assert [text(facts, on) for on in (MAY - BEFORE, MAY, JULY)] == [FIRST, "正。", "正。"]
    assert [text(facts, on, position=2) for on in (MAY, JULY)] == [FIRST, "误。"]


def test_a_replacement_that_holds_later_uncovers_what_was_before() -> None:
    facts = [task(), reworded("误。", MAY), reworded("正。", JULY, 2)]
    assert [text(facts, on) for on in (MAY, JUNE, JULY)] == [FIRST, FIRST, "正。"]


def test_a_voiding_counts_whatever_its_own_date() -> None:
    for on in (date(1900, 1, 1), MAY, date(2999, 12, 31)):
        assert text([task(), reworded("误。", MAY), voided(2, on)], MAY) == FIRST


def test_a_voiding_counts_from_its_position_on() -> None:
    facts = [task(), reworded("误。", MAY), voided(2)]
    assert [text(facts, MAY, position) for position in (1, 2, 3)] == [FIRST, "误。", FIRST]


def test_voiding_a_replacement_does_not_revive_what_it_replaced() -> None:
    facts = [task(), reworded("先。", MAY), reworded("后。", MAY, 2), voided(3)]
    assert [text(facts, MAY, position) for position in (2, 3, 4)] == ["先。", "后。", FIRST]


def test_a_unit_released_effective_1_july_has_30_june_as_its_last_day() -> None:
    assigned = Put(STREAM, TaskUnitAssigned("a", Role.LEAD, "甲"), BORN)
    facts = logged(task(), assigned, Put(STREAM, TaskUnitReleased("a"), JULY))

    def units(on: str) -> list[str]:
        shown = state(STREAM, facts, OPEN_END, day(on))
        assert isinstance(shown, Task)
        return [one.unit for one in shown.assignments]

    assert units("2023-06-30") == ["a"]
    assert units("2023-07-01") == []


def test_a_first_name_holds_before_its_date() -> None:
    assert name([unit("a", "甲")], date(1900, 1, 1)) == "甲"
    assert name([unit("a", "甲")], date(1900, 1, 1), position=0) is None


def test_a_rename_may_be_dated_before_the_registration() -> None:
    facts = [unit("a", "甲"), Put("unit:a", UnitRenamed("乙"), date(2020, 1, 1))]
    assert name(facts, date(2019, 12, 31)) == "甲"
    assert name(facts, date(2020, 1, 1)) == "乙"
    assert name(facts, BORN) == "乙"


def test_a_replaced_registration_holds_before_its_date_too() -> None:
    facts = [unit("a", "甲"), unit("a", "甲委", MAY)._replace(replaces=1)]
    assert name(facts, date(1900, 1, 1)) == "甲委"
    assert name(facts, date(1900, 1, 1), position=1) == "甲"


def test_a_rename_of_the_founding_day_loses_only_from_that_day_on_to_one_that_is_dated_before_it() -> None:
    facts = [
        unit("a", "甲"),
        Put("unit:a", UnitRenamed("乙"), BORN),
        Put("unit:a", UnitRenamed("丙"), date(2022, 5, 1)),
    ]
    assert [name(facts, on) for on in (date(2022, 4, 30), date(2022, 5, 1), BORN)] == ["甲", "丙", "乙"]


def test_a_unit_voided_and_registered_anew_is_there_on_earlier_days_again() -> None:
    facts = [unit("a", "甲"), Put("unit:a", FactVoided(1), MAY), unit("a", "乙", JUNE)]
    assert [name(facts, BORN, position) for position in (1, 2, 3)] == ["甲", None, "乙"]
    assert name(facts, date(1900, 1, 1)) == "乙"


def test_of_two_registrations_the_first_by_place_is_timeless_alone() -> None:
    facts = [unit("a", "甲", JUNE), unit("a", "乙", MAY), unit("a", "丙", JULY)._replace(replaces=1)]
    assert [name(facts, on) for on in (MAY - BEFORE, MAY, JULY)] == ["丙", "乙", "乙"]


def test_members_given_with_the_group_belong_to_it_from_their_own_date() -> None:
    facts = logged(*group("all", "a", "b"))
    for on, members in ((BORN - BEFORE, ()), (BORN, ("a", "b"))):
        shown = state("unit:all", facts, OPEN_END, on)
        assert isinstance(shown, Unit)
        assert shown.members == members


def test_a_member_of_a_later_day_belongs_from_that_day() -> None:
    facts = logged(Put("unit:all", GroupDefined("组", closed=True)), Put("unit:all", GroupMemberAdded("a"), MAY))
    spans = [
        (since, until, len(one.members))
        for since, until, one in timeline("unit:all", facts, OPEN_END)
        if isinstance(one, Unit)
    ]
    assert spans == [(MINUS_INFINITY, MAY, 0), (MAY, INFINITY, 1)]


def test_a_platform_is_timeless_and_a_plan_is_not() -> None:
    facts = logged(Put("platform:p", PlatformRegistered("一网通办")))
    assert state("platform:p", facts, OPEN_END, date(1900, 1, 1)) == Platform("一网通办")
    adopted = logged(*plan())
    assert state("plan:credit-2023", adopted, OPEN_END, BORN - BEFORE) is None
    assert state("plan:credit-2023", adopted, OPEN_END, BORN) is not None


def test_a_correction_that_changes_the_period_leaves_one_report() -> None:
    stream = reported("a", "2023-Q1").stream
    facts = logged(reported("a", "2023-Q1"), reported("a", "2023-Q2", Status.BLOCKED)._replace(replaces=1))
    shown = state(stream, facts, OPEN_END, BORN)
    assert isinstance(shown, Reports)
    assert [(one.period, one.status, one.event) for one in shown.reports] == [("2023-Q2", Status.BLOCKED, 2)]


def test_a_retroactive_fact_that_undercuts_a_later_one_is_folded_and_never_fails() -> None:
    released = Put(STREAM, TaskUnitReleased("a"), MAY)
    shown = state(STREAM, logged(task(), released, task(on=JUNE)._replace(replaces=1)), OPEN_END, JULY)
    assert isinstance(shown, Task)
    assert shown.assignments == ()


# The rule once more, by whoever knows openapi/FOLD.md alone.


def by_the_oracle(facts: Sequence[Recorded], position: int, on: date) -> Any:
    """The state as the oracle works it out of the leaves."""
    return AuditedLog.of(json.loads(encode(one)) for one in facts).at(position, on).state(facts[0].stream)


def said(shown: State | None) -> Any:
    """A state in the words of the wire."""
    if shown is None:
        return None
    state: dict[str, Any] = json.loads(msgspec.json.encode(shown))
    names = {"open_ended": "openEnded", "former_members": "former"}
    return {names.get(name, name): value for name, value in state.items()}


PROBES = [date(1900, 1, 1), DAYS[0] - BEFORE, *DAYS, DAYS[-1] + BEFORE, date(2999, 12, 31)]


@whenever(anything)
@settings(max_examples=300, deadline=None)
def test_the_state_is_what_the_oracle_says(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    for position in range(len(facts) + 1):
        for on in PROBES:
            assert said(state(stream, facts, position, on)) == by_the_oracle(facts, position, on)


@whenever(anything)
@settings(max_examples=150, deadline=None)
def test_the_order_in_which_facts_are_read_does_not_matter_to_the_oracle(facts: list[Recorded]) -> None:
    assert by_the_oracle(facts[::-1], OPEN_END, DAYS[-1]) == said(state(facts[0].stream, facts, OPEN_END, DAYS[-1]))


@whenever(anything)
@settings(max_examples=200, deadline=None)
def test_the_timeline_agrees_with_the_state_on_every_day_at_its_borders(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    for position in range(len(facts) + 1):
        spans = timeline(stream, facts, position)
        for on in {*PROBES, *_borders(spans)}:
            found = [one for since, until, one in spans if since <= on < until]
            expected = state(stream, facts, position, on)
            assert found == ([] if expected is None else [expected])


def _borders(spans: Sequence[tuple[date, date, State]]) -> Iterator[date]:
    for since, until, _ in spans:
        yield from (one for one in (since, until) if MINUS_INFINITY < one < INFINITY)
        yield from (one - BEFORE for one in (since, until) if MINUS_INFINITY < one < INFINITY)


@whenever(anything)
@settings(max_examples=200, deadline=None)
def test_the_timeline_has_no_gap_and_no_two_neighbours_alike(facts: list[Recorded]) -> None:
    spans = timeline(facts[0].stream, facts, OPEN_END)
    for (_, until, one), (since, _, other) in pairwise(spans):
        assert until == since
        assert one != other
    assert all(since < until for since, until, _ in spans)
    assert not spans or spans[-1][1] == INFINITY


def rows(stream: str, facts: Sequence[Recorded], position: int, on: date) -> dict[tuple[str, str], bytes]:
    """What the tables should show at (position, on): the rows of the state."""
    kind, key = subject_of(stream)
    shown = state(stream, facts, position, on)
    tables = [table for table in TABLES if table.kind == kind]
    found = {(one.name, row.key): row.doc for one in tables if shown is not None for row in one.rows(key, shown)}
    version = sum(one.position <= position for one in facts)
    return found | {(one.name, key): b"%d" % version for one in tables if one.counts and version}


def standing_at(cut: Sequence[Slice], position: int, on: date) -> list[Slice]:
    return [one for one in cut if one.known_from <= position < one.known_to and one.eff_from <= on < one.eff_to]


def undated(one: Slice) -> bytes:
    """What a slice says beside its days, which are those of its place."""
    if one.table not in {table.name for table in TABLES if table.course}:
        return one.doc
    says = json.loads(one.doc)
    assert (day(says.pop("since")), day(says.pop("until"))) == (one.eff_from, one.eff_to)
    return msgspec.json.encode(says)


@whenever(anything)
@settings(max_examples=150, deadline=None)
def test_the_slices_show_exactly_the_rows_of_the_state(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    cut = list(slices(TABLES, stream, facts))
    for position in range(len(facts) + 1):
        for on in PROBES:
            found = standing_at(cut, position, on)
            assert {(one.table, one.key): undated(one) for one in found} == rows(stream, facts, position, on)
            assert len(found) == len({(one.table, one.key) for one in found})


@whenever(anything)
@settings(max_examples=150, deadline=None)
def test_no_two_slices_of_one_key_overlap_on_both_clocks(facts: list[Recorded]) -> None:
    cut = list(slices(TABLES, facts[0].stream, facts))
    assert all(one.known_from < one.known_to and one.eff_from < one.eff_to for one in cut)
    for one, other in combinations(cut, 2):
        if (one.table, one.key) == (other.table, other.key):
            apart = one.known_to <= other.known_from or other.known_to <= one.known_from
            assert apart or one.eff_to <= other.eff_from or other.eff_to <= one.eff_from


@whenever(anything)
@settings(max_examples=300, deadline=None)
def test_a_timeline_kept_up_while_facts_are_added_is_what_the_rule_says_of_them_all(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    for begun in range(len(facts) + 1):
        kept = Timeline(stream, facts[:begun])
        for size in range(begun, len(facts) + 1):
            if size > begun:
                kept.add(facts[size - 1])
            assert list(kept.spans()) == timeline(stream, facts[:size], OPEN_END)
            for on in PROBES:
                assert kept.at(on) == state(stream, facts[:size], OPEN_END, on)
                held = [one for since, one, _ in standing(facts[:size], OPEN_END) if since <= on]
                assert list(kept.standing(on)) == held


@whenever(anything)
@settings(max_examples=300, deadline=None)
def test_a_timeline_tells_on_which_days_a_fact_has_changed_something_and_what_was_there(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    kept = Timeline(stream)
    for size, fact in enumerate(facts):
        since, until, before = kept.add(fact)
        for on in PROBES:
            then = state(stream, facts[:size], OPEN_END, on)
            if since <= on < until:
                assert [one for day, one in before if day <= on][-1] == then
            else:
                assert kept.at(on) == then


def changes(tables: Tables, stream: str, facts: Sequence[Recorded], new: int) -> tuple[list[Closed], list[Slice]]:
    found = list(at_once(touched(tables, stream, facts, new)))
    closed, opened = (
        [one for one in found if isinstance(one, Closed)],
        [one for one in found if isinstance(one, Slice)],
    )
    return closed, opened


Kept = dict[tuple[str, str, date, int], Slice]


def _close(kept: Kept, end: Closed) -> None:
    """As the writer does: the one open slice that begins on this day ends with this position."""
    [(place, there)] = [
        (place, one)
        for place, one in kept.items()
        if place[:3] == (end.table, end.key, end.eff_from) and one.known_to == OPEN_END
    ]
    kept[place] = there._replace(known_to=end.known_to)


@whenever(anything)
@settings(max_examples=100, deadline=None)
def test_facts_appended_in_pieces_leave_the_same_slices_as_all_at_once(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    for size in range(len(facts) + 1):
        before = slices(TABLES, stream, facts[:size])
        kept: Kept = {(one.table, one.key, one.eff_from, one.known_from): one for one in before}
        closed, opened = changes(TABLES, stream, facts, len(facts) - size)
        for end in closed:
            _close(kept, end)
        assert sorted([*kept.values(), *opened]) == sorted(slices(TABLES, stream, facts))


def test_a_fact_that_changes_nothing_on_a_day_touches_no_slice_of_that_day() -> None:
    facts = logged(task(), reworded("七月。", JULY))
    closed, opened = changes([one for one in TABLES if one.name == "assignments"], STREAM, facts, 1)
    assert (closed, opened) == ([], [])


def test_the_words_of_a_task_are_written_once_for_as_long_as_they_stay() -> None:
    words = [one for one in TABLES if one.name == "task_words"]
    assigned = Put(STREAM, TaskUnitAssigned("b", Role.SUPPORT, "乙部门"), JULY)
    facts = logged(task(), Put(STREAM, TaskDeadlineSet(JULY), JULY), assigned, reworded("七月。", JULY))
    assert changes(words, STREAM, facts[:2], 1) == ([], [])
    _, opened = changes(words, STREAM, facts[:3], 1)
    assert [one.columns for one in opened] == [(subject_of(STREAM)[1], "乙部门")]
    _, opened = changes(words, STREAM, facts, 1)
    assert {one.key for one in opened} == {subject_of(STREAM)[1]}


def test_an_alias_that_is_added_twice_is_one() -> None:
    for stream, founding, alias in (
        ("platform:p", PlatformRegistered("一网通办"), PlatformAliasAdded),
        ("unit:a", UnitRegistered("甲", UnitKind.BODY), UnitAliasAdded),
    ):
        facts = logged(*(Put(stream, one) for one in (founding, alias("通办"), alias("通"), alias("通办"))))
        shown = state(stream, facts, OPEN_END, BORN)
        assert isinstance(shown, Platform | Unit)
        assert shown.aliases == ("通", "通办")
