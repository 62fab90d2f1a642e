"""Reporting on a task: who may, for which period, from which day, and how a report is corrected."""

from datetime import date, datetime

import msgspec
import pytest

from domain.directory import GroupMemberRemoved
from domain.errors import (
    CannotUndo,
    EmptyReport,
    IsWithdrawn,
    MayNotReport,
    ReasonMissing,
    ReportExists,
    Stale,
    Unknown,
    WrongDate,
    WrongMeasurement,
    WrongPeriod,
)
from domain.report import (
    Evidence,
    EvidenceOffered,
    Listing,
    Measurement,
    MeasurementOffered,
    ProgressReported,
    ReportProgress,
    Reports,
)
from domain.task import TaskTargetSet, TaskUnitReleased, TaskWithdrawn
from domain.undo import FactVoided
from domain.values import SHANGHAI, Role, Status
from tests.unit.saying import TODAY, WHY, Given, Put, given, words
from tests.unit.world import STREAM, TASK, assigned, day, group, reported, succeeded, task, unit

JUNE = day("2023-06-30")
JULY = day("2023-07-01")
TARGET = Put(STREAM, TaskTargetSet(1, "全覆盖", "100", "%"))


def report(period: str = "2023-Q2", by: str = "a", **other: object) -> ReportProgress:
    said = ReportProgress(task=TASK, unit=by, period=period, status=Status.IN_PROGRESS, narrative="已启动。")
    return msgspec.structs.replace(said, **other)


def made(period: str = "2023-Q2", by: str = "a", on: date = JUNE, listing: Listing = Listing.LISTED) -> Put:
    fact = ProgressReported(period, Status.IN_PROGRESS, words("已启动。"), membership=listing)
    return Put(f"report:{TASK}/{by}", fact, on)


def world(*more: Put, open_ended: bool = False) -> Given:
    """Position 1 is the task, 2 and 3 are the units `a` and `b`, 4 makes `a` the lead."""
    return given(task(open_ended=open_ended), unit("a", "甲委"), unit("b", "乙委"), assigned("a"), *more)


@pytest.mark.parametrize(
    ("period", "on"),
    [
        ("2023-Q2", "2023-06-30"),
        ("2023-06", "2023-06-30"),
        ("2023-07", "2023-07-31"),
        ("2023-08", "2023-08-10"),
        ("2023-Q3", "2023-08-10"),
        ("2023", "2023-08-10"),
    ],
)
def test_a_report_holds_from_the_periods_last_day_or_today_if_that_is_earlier(period: str, on: str) -> None:
    world().when(report(period)).then(made(period, on=day(on)))


def test_a_report_may_hold_from_another_day_that_has_come() -> None:
    world().when(report(effective_on=TODAY)).then(made(on=TODAY))
    world().when(report(effective_on=day("2023-05-01"))).then(made(on=day("2023-05-01")))


def test_a_report_never_holds_from_before_its_periods_first_day() -> None:
    early = report("2023-07", effective_on=JUNE)
    world().when(early).refused(WrongDate, "the period begins on 2023-07-01", "/effectiveOn")
    world().when(report("2023-07", effective_on=JULY)).then(made("2023-07", on=JULY))


def test_a_withdrawn_task_takes_no_report_for_a_later_period_that_is_dated_before() -> None:
    withdrawn = world(Put(STREAM, TaskWithdrawn(), JULY))
    withdrawn.when(report("2023-07", effective_on=JUNE)).refused(WrongDate)
    withdrawn.when(report("2023", effective_on=JUNE)).then(made("2023"))


def test_a_report_never_holds_from_the_future() -> None:
    tomorrow = report(effective_on=day("2023-08-11"))
    world().when(tomorrow).refused(WrongDate, "today is 2023-08-10", "/effectiveOn")


def test_a_report_waits_until_its_period_has_begun() -> None:
    world().when(report("2023-Q4")).refused(WrongPeriod, "has not begun", "/period")
    first_day = datetime(2023, 10, 1, 0, 0, 1, tzinfo=SHANGHAI)
    world().at(first_day).when(report("2023-Q4")).then(made("2023-Q4", on=day("2023-10-01")))


@pytest.mark.parametrize("period", ["2023-Q5", "2023-13", "2023-6", "23", "1899", "3000", "2023-Q2 ", "第二季度"])
def test_what_is_no_period_is_refused(period: str) -> None:
    world().when(report(period)).refused(WrongDate, "is no period")


def test_a_first_report_needs_no_reason() -> None:
    assert report().reason is None
    world().when(report()).then(made())


def test_a_report_needs_words_or_a_figure() -> None:
    world().when(report(narrative=None)).refused(EmptyReport, pointer="/narrative")
    fact = ProgressReported("2023-Q2", Status.IN_PROGRESS, measurement=Measurement("12.5", "%", 1))
    figure = MeasurementOffered("12.5", "%", 1)
    world(TARGET).when(report(narrative=None, measurement=figure)).then(Put(f"report:{TASK}/a", fact, JUNE))


def test_a_measurement_names_a_target_of_its_task() -> None:
    other = report(measurement=MeasurementOffered("12.5", "%", 2))
    world(TARGET).when(other).refused(
        WrongMeasurement, "has no target 2 on 2023-06-30; its targets: 1 (全覆盖)", "/measurement/target"
    )
    early = report("2023-Q1", measurement=MeasurementOffered("12.5", "%", 1))
    world(TARGET._replace(on=JUNE)).when(early).refused(WrongMeasurement, "its targets: none", "/measurement/target")


def test_a_measurement_is_given_in_its_targets_unit() -> None:
    figure = report(measurement=MeasurementOffered("12.5", "项", 1))
    world(TARGET).when(figure).refused(WrongMeasurement, "is counted in %", "/measurement/unit")


def test_a_command_without_a_target_for_its_measurement_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="target"):
        msgspec.convert({"value": "1", "unit": "%"}, MeasurementOffered)


def test_the_title_of_evidence_is_sealed_and_its_address_is_not() -> None:
    digest = "0" * 64
    offered = (EvidenceOffered("https://a.invalid/1", "会议纪要", digest), EvidenceOffered("https://a.invalid/2"))
    kept = (Evidence("https://a.invalid/1", words("会议纪要"), digest), Evidence("https://a.invalid/2"))
    fact = ProgressReported("2023-Q2", Status.IN_PROGRESS, words("已启动。"), evidence=kept)
    world().when(report(evidence=offered)).then(Put(f"report:{TASK}/a", fact, JUNE))


def test_a_sealed_text_appears_nowhere_in_its_fact() -> None:
    [new] = world().when(report(narrative="张三负责")).facts
    assert "张三" not in msgspec.json.encode(new.fact).decode()
    assert [one.value for one in new.disclosures] == ["张三负责"]


def test_the_same_words_sealed_twice_have_two_digests() -> None:
    first, second = (world().when(report()).facts[0].disclosures[0] for _ in range(2))
    assert first.value == second.value
    assert first.digest != second.digest


def test_a_task_that_nobody_recorded_takes_no_report() -> None:
    world().when(report(task="credit-2023/9")).refused(Unknown, "there is no task", "/task")


def test_a_unit_that_nobody_registered_does_not_report() -> None:
    world(open_ended=True).when(report(by="x")).refused(Unknown, "there is no unit x", "/unit")


def test_a_withdrawn_task_takes_no_reports() -> None:
    withdrawn = world(Put(STREAM, TaskWithdrawn(), JULY))
    withdrawn.when(report("2023-07")).refused(IsWithdrawn, "takes no reports", "/task")
    withdrawn.when(report("2023-Q2")).then(made())


def test_a_period_that_ended_before_the_task_was_there_is_refused() -> None:
    world().when(report("2023-02", effective_on=JUNE)).refused(WrongPeriod, "ended before task", "/period")
    world().when(report("2023-03")).then(made("2023-03", on=day("2023-03-31")))


def test_a_unit_that_takes_no_part_may_not_report() -> None:
    world().when(report(by="b")).refused(MayNotReport, "乙委 takes no part", "/unit")


def test_every_role_may_report() -> None:
    for role in Role:
        given(task(), unit("a"), assigned("a", role)).when(report()).then(made())


def test_a_released_unit_reports_until_its_last_day() -> None:
    released = world(Put(STREAM, TaskUnitReleased("a"), JULY))
    released.when(report("2023-Q2")).then(made())
    released.when(report("2023-07")).refused(MayNotReport, "on 2023-07-31", "/unit")


def test_the_refusal_for_a_released_unit_names_the_last_day_on_which_it_took_part() -> None:
    released = world(Put(STREAM, TaskUnitReleased("a"), JULY))
    released.when(report("2023-07")).refused(MayNotReport, "the last day on which it did was 2023-06-30", "/unit")
    left = (Put("unit:all", GroupMemberRemoved("a"), day("2023-07-05")),)
    closed = given(task(), unit("a"), *group("all", "a"), assigned("all"), *left)
    closed.when(report("2023-07")).refused(MayNotReport, "the last day on which it did was 2023-07-04")
    never = world().when(report(by="b")).refusal
    assert "last day" not in never.detail


def test_members_of_a_closed_group_report_and_others_do_not() -> None:
    closed = given(task(), unit("a"), unit("b"), *group("all", "a"), assigned("all"))
    closed.when(report()).then(made())
    closed.when(report(by="b")).refused(MayNotReport, pointer="/unit")


def test_a_former_member_reports_for_the_days_of_its_membership() -> None:
    left = Put("unit:all", GroupMemberRemoved("a"), JULY)
    closed = given(task(), unit("a"), *group("all", "a"), assigned("all"), left)
    closed.when(report("2023-Q2")).then(made())
    closed.when(report("2023-07")).refused(MayNotReport)


def test_where_the_group_is_open_any_registered_unit_reports_unlisted() -> None:
    is_open = given(task(), unit("a"), *group("some", closed=False), assigned("some"))
    is_open.when(report()).then(made(listing=Listing.UNLISTED))


def test_a_known_member_of_an_open_group_reports_listed() -> None:
    is_open = given(task(), unit("a"), unit("b"), *group("some", "a", closed=False), assigned("some"))
    is_open.when(report()).then(made())
    is_open.when(report(by="b")).then(made(by="b", listing=Listing.UNLISTED))


def test_an_assignee_is_listed_even_beside_an_open_group() -> None:
    for order in (("a", "some"), ("some", "a")):
        both = given(task(), unit("a"), *group("some", closed=False), *map(assigned, order))
        both.when(report()).then(made())


def test_where_the_task_is_open_ended_any_registered_unit_reports_unlisted() -> None:
    world(open_ended=True).when(report(by="b")).then(made(by="b", listing=Listing.UNLISTED))
    world(open_ended=True).when(report(by="a")).then(made())


def test_a_successor_reports_for_the_unit_it_succeeded_from_that_day_on() -> None:
    after = world(succeeded("a", "b", on=JULY))
    after.when(report("2023-07", by="b")).then(made("2023-07", by="b", on=day("2023-07-31")))
    after.when(report("2023-Q2", by="b")).refused(MayNotReport)


def test_a_successor_of_a_successor_reports_too() -> None:
    chain = world(unit("c"), succeeded("a", "b", on=JULY), succeeded("b", "c", on=JULY))
    chain.when(report("2023-07", by="c")).then(made("2023-07", by="c", on=day("2023-07-31")))


def test_a_predecessor_reports_only_with_a_day_before_its_succession() -> None:
    after = world(succeeded("a", "b", on=JULY), succeeded("a", "b", "c", on=day("2023-07-20")), unit("c"))
    after.when(report("2023-07", by="a")).refused(MayNotReport, "was succeeded on 2023-07-01 by b, c", "/unit")
    after.when(report("2023-Q2", by="a")).then(made())
    after.when(report("2023", by="a", effective_on=JUNE)).then(made("2023"))
    open_to_all = world(succeeded("a", "b", on=JULY), open_ended=True)
    open_to_all.when(report("2023-07", by="a")).refused(MayNotReport, "was succeeded")


def test_each_of_those_who_split_a_unit_among_them_reports() -> None:
    split = world(unit("c"), succeeded("a", "b", "c", on=JULY))
    for one in "bc":
        split.when(report("2023-07", by=one)).then(made("2023-07", by=one, on=day("2023-07-31")))


def test_a_unit_whose_succession_ended_reports_again() -> None:
    ended = world(succeeded("a", "b", on=JUNE), succeeded("a", on=JULY))
    ended.when(report("2023-07")).then(made("2023-07", on=day("2023-07-31")))
    ended.when(report("2023-07", by="b")).refused(MayNotReport, "the last day on which it did was 2023-06-30")


def test_a_successor_of_a_member_reports_for_the_group() -> None:
    facts = (task(), unit("a"), unit("b"), *group("all", "a"), assigned("all"), succeeded("a", "b", on=JULY))
    given(*facts).when(report("2023-07", by="b")).then(made("2023-07", by="b", on=day("2023-07-31")))


@pytest.mark.parametrize("on", [None, "2023-05-01", "2023-08-10"])
def test_a_second_report_for_a_period_is_refused_whatever_its_date_and_points_to_the_first(on: str | None) -> None:
    there = world(reported("a", "2023-Q2", on=JUNE))
    again = report(effective_on=day(on) if on else None)
    there.when(again).refused(
        ReportExists, 'at position 5: to correct it, send the report with "replaces": 5', "/period"
    )


def test_another_period_or_another_unit_is_no_second_report() -> None:
    there = world(assigned("b"), reported("a", "2023-Q2", on=JUNE))
    there.when(report("2023-06")).then(made("2023-06"))
    there.when(report(by="b")).then(made(by="b"))


def test_two_reports_for_one_period_in_one_request_are_refused() -> None:
    world().when(report(), report()).refused(ReportExists, "at position 5", index=1)


def test_a_correction_replaces_the_report_and_keeps_its_day() -> None:
    there = world(reported("a", "2023-Q2", on=day("2023-06-15")))
    there.when(report(replaces=5, reason=WHY)).then(made(on=day("2023-06-15"))._replace(replaces=5))


def test_a_correction_may_state_another_day_but_no_future_one() -> None:
    there = world(reported("a", "2023-Q2", on=day("2023-06-15")))
    there.when(report(replaces=5, reason=WHY, effective_on=JULY)).then(made(on=JULY)._replace(replaces=5))
    there.when(report(replaces=5, reason=WHY, effective_on=day("2023-09-01"))).refused(WrongDate)


def test_a_correction_says_why() -> None:
    world(reported("a", "2023-Q2")).when(report(replaces=5)).refused(ReasonMissing, pointer="/reason")


def test_a_correction_may_change_the_period() -> None:
    there = world(reported("a", "2023-Q2", on=JUNE))
    there.when(report("2023-06", replaces=5, reason=WHY)).then(made("2023-06")._replace(replaces=5))


def test_a_correction_that_names_another_period_takes_that_ones_default_day() -> None:
    there = world(reported("a", "2023-Q2", on=day("2023-06-15")))
    there.when(report("2023-04", replaces=5, reason=WHY)).then(
        made("2023-04", on=day("2023-04-30"))._replace(replaces=5)
    )


def test_a_kept_day_that_the_rule_refuses_becomes_the_default() -> None:
    there = world(reported("a", "2023-07", on=JUNE))  # as it was recorded before the rule
    corrected = report("2023-07", replaces=5, reason=WHY)
    there.when(corrected).then(made("2023-07", on=day("2023-07-31"))._replace(replaces=5))


def test_a_correction_does_not_take_a_period_that_another_report_has() -> None:
    there = world(reported("a", "2023-Q2", on=JUNE), reported("a", "2023-06", on=JUNE))
    there.when(report("2023-06", replaces=5, reason=WHY)).refused(ReportExists, "at position 6", "/period")


def test_a_corrected_report_is_corrected_again_under_its_new_position() -> None:
    corrected = world(reported("a", "2023-Q2", on=JUNE), reported("a", "2023-Q2", on=JUNE)._replace(replaces=5))
    corrected.when(report(replaces=5, reason=WHY)).refused(CannotUndo, "was undone by position 6", "/replaces")
    corrected.when(report(replaces=6, reason=WHY)).then(made()._replace(replaces=6))
    corrected.when(report()).refused(ReportExists, "at position 6")


def test_one_units_report_does_not_replace_anothers() -> None:
    there = world(assigned("b"), reported("b", "2023-Q2", on=JUNE))
    there.when(report(replaces=6, reason=WHY)).refused(CannotUndo, f"in report:{TASK}/b", "/replaces")


def test_a_void_report_makes_room_for_a_new_one() -> None:
    void = Put(f"report:{TASK}/a", FactVoided(5), TODAY)
    there = world(reported("a", "2023-Q2", on=JUNE), void)
    assert there.shows(f"report:{TASK}/a") is None
    there.when(report()).then(made())


def test_a_void_correction_brings_nothing_back() -> None:
    first, correction = reported("a", "2023-Q2", on=JUNE), reported("a", "2023-Q2", on=JUNE)._replace(replaces=5)
    there = world(first, correction, Put(f"report:{TASK}/a", FactVoided(6), TODAY))
    assert there.shows(f"report:{TASK}/a") is None
    there.when(report()).then(made())


def test_a_report_knows_the_position_that_says_it() -> None:
    shown = world(reported("a", "2023-Q2", on=JUNE)).shows(f"report:{TASK}/a")
    assert isinstance(shown, Reports)
    assert [(one.period, one.event) for one in shown.reports] == [("2023-Q2", 5)]


def test_a_reports_version_counts_in_its_own_stream() -> None:
    there = world(reported("a", "2023-06"))
    there.when(report(expected_version=1)).then(made())
    there.when(report(expected_version=2)).refused(Stale, f"report:{TASK}/a: expected version 2, is 1")
