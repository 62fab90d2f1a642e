"""What a task's reports add up to, case by case; and the two other statuses beside it."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import NamedTuple

import msgspec
import pytest

from domain.directory import Unit, UnitKind, resolve
from domain.report import Evidence, Listing, Report, Reported, Said, latest, membership, reported
from domain.task import Assignment, Task
from domain.values import Role, Status, period_days
from projections.views.reports import EvidenceStatus, evidence_status
from projections.views.tasks import ScheduleStatus, due_on, schedule_status
from tests.unit.world import day

NOT_STARTED, BLOCKED, DELAYED, UNDERWAY, DONE = Status


def body(*successors: str) -> Unit:
    return Unit(UnitKind.BODY, "单位", successors=successors)


def group(*members: str, closed: bool) -> Unit:
    return Unit(UnitKind.GROUP, "一组", closed=closed, members=members)


def left(*former: str) -> Unit:
    return Unit(UnitKind.GROUP, "一组", closed=False, former_members=former)


UNITS = {
    **{key: body() for key in "abcd"},
    "old": body("new"),
    "older": body("old"),
    "new": body(),
    "closed": group("a", "b", closed=True),
    "inherited": group("old", "b", closed=True),
    "open": group(closed=False),
    "half": group("a", closed=False),
    "left": left("a"),
    "empty": group(closed=True),
    "split": body("new", "b"),
    "united": body("c", "d"),
    "halves": group("split", closed=True),
    "member": group("old", closed=False),
}
BEHIND = partial(resolve, directory=UNITS.get)


def task(*assigned: tuple[str, Role], open_ended: bool = False) -> Task:
    parts = tuple(Assignment(unit, role, unit) for unit, role in assigned)
    return Task(1, 1, 1, "文。", open_ended, None, parts)


def leads(*units: str) -> Task:
    return task(*((unit, Role.LEAD) for unit in units))


def by_duty(*units: str, open_ended: bool = False) -> Task:
    return task(*((unit, Role.BY_DUTY) for unit in units), open_ended=open_ended)


def says(  # noqa: PLR0913, PLR0917 - what a report says, and where its fact stands
    unit: str, status: Status, period: str = "2023-Q2", event: int = 1, on: str | None = None, place: int | None = None
) -> Said:
    since = day(on) if on else period_days(period)[1]
    return Said(unit, Report(period, status, None, None, (), Listing.LISTED, event, place or event, since))


def volunteers(unit: str, status: Status, period: str = "2023-Q2") -> Said:
    since = period_days(period)[1]
    return Said(unit, Report(period, status, None, None, (), Listing.UNLISTED, 1, 1, since))


class Case(NamedTuple):
    """A sentence of the rule, with an example of it."""

    sentence: str
    task: Task
    said: tuple[Said, ...]
    status: Status | None
    spoken: int
    of: int | None


CASES = [
    Case("nobody has spoken", leads("a"), (), None, 0, 1),
    Case("nobody takes part", task(), (), None, 0, 0),
    Case("one lead says what holds", leads("a"), (says("a", UNDERWAY),), UNDERWAY, 1, 1),
    Case("of two the least advanced holds", leads("a", "b"), (says("a", DONE), says("b", DELAYED)), DELAYED, 2, 2),
    Case(
        "blocked is less advanced than delayed",
        leads("a", "b"),
        (says("a", DELAYED), says("b", BLOCKED)),
        BLOCKED,
        2,
        2,
    ),
    Case(
        "not started is the least advanced",
        leads("a", "b"),
        (says("a", NOT_STARTED), says("b", BLOCKED)),
        NOT_STARTED,
        2,
        2,
    ),
    Case(
        "delayed is less advanced than underway",
        leads("a", "b"),
        (says("a", DELAYED), says("b", UNDERWAY)),
        DELAYED,
        2,
        2,
    ),
    Case("completed by all", leads("a", "b"), (says("a", DONE), says("b", DONE)), DONE, 2, 2),
    Case("completed by some is in progress", leads("a", "b"), (says("a", DONE),), UNDERWAY, 1, 2),
    Case("blocked by one needs no others", leads("a", "b"), (says("a", BLOCKED),), BLOCKED, 1, 2),
    Case(
        "where somebody leads the others do not count",
        task(("a", Role.LEAD), ("b", Role.BY_DUTY)),
        (says("a", DONE), says("b", BLOCKED)),
        DONE,
        1,
        1,
    ),
    Case(
        "others who spoke do not speak for the lead",
        task(("a", Role.LEAD), ("b", Role.SUPPORT)),
        (says("b", DONE),),
        None,
        0,
        1,
    ),
    Case(
        "without a lead all assignees count, whatever their role",
        task(("a", Role.BY_DUTY), ("b", Role.RESPONSIBLE), ("c", Role.NAMED), ("d", Role.SUPPORT)),
        (says("a", DONE), says("b", DONE), says("c", DONE), says("d", UNDERWAY)),
        UNDERWAY,
        4,
        4,
    ),
    Case(
        "the period that ends last counts",
        leads("a"),
        (says("a", DONE, "2023-Q2"), says("a", BLOCKED, "2023-Q1")),
        DONE,
        1,
        1,
    ),
    Case(
        "the whole year ends after its third quarter",
        leads("a"),
        (says("a", BLOCKED, "2023-Q3"), says("a", UNDERWAY, "2023")),
        UNDERWAY,
        1,
        1,
    ),
    Case("a closed group is its members", by_duty("closed"), (says("a", DONE),), UNDERWAY, 1, 2),
    Case(
        "a closed group is complete when its members are",
        by_duty("closed"),
        (says("a", DONE), says("b", DONE)),
        DONE,
        2,
        2,
    ),
    Case(
        "a member that is also named counts once",
        by_duty("closed", "a"),
        (says("a", DONE), says("b", DONE)),
        DONE,
        2,
        2,
    ),
    Case("a group may lead", leads("closed"), (says("b", DELAYED),), DELAYED, 1, 2),
    Case("of an open group nobody has spoken", by_duty("open"), (), None, 0, None),
    Case("an open group is those who spoke", by_duty("open"), (volunteers("c", DELAYED),), DELAYED, 1, None),
    Case(
        "an open group is completed when those who spoke are done",
        by_duty("open"),
        (volunteers("c", DONE), volunteers("d", DONE)),
        DONE,
        2,
        None,
    ),
    Case(
        "beside an open group the named must have spoken",
        by_duty("a", "open"),
        (volunteers("c", DONE),),
        UNDERWAY,
        1,
        None,
    ),
    Case(
        "beside an open group the named and the others count",
        by_duty("a", "open"),
        (says("a", DONE), volunteers("c", BLOCKED)),
        BLOCKED,
        2,
        None,
    ),
    Case(
        "each who spoke unasked counts with the latest period",
        by_duty("open"),
        (volunteers("c", BLOCKED, "2023-Q1"), volunteers("c", DONE, "2023-Q2")),
        DONE,
        1,
        None,
    ),
    Case(
        "an open-ended task without a lead hears everybody",
        by_duty("a", open_ended=True),
        (says("a", DONE), volunteers("c", UNDERWAY)),
        UNDERWAY,
        2,
        None,
    ),
    Case("a successor speaks for the unit it succeeded", leads("old"), (says("new", DONE),), DONE, 1, 1),
    Case("a predecessor's word still counts", leads("old"), (says("old", DELAYED),), DELAYED, 1, 1),
    Case(
        "once a successor has spoken its word counts, whatever its predecessor said of later days",
        leads("old"),
        (says("old", BLOCKED, "2023-Q2"), says("new", DONE, "2023-Q1")),
        DONE,
        1,
        1,
    ),
    Case("after a split each of the two should speak", leads("split"), (says("new", DONE),), UNDERWAY, 1, 2),
    Case("after a split both have spoken", leads("split"), (says("new", DONE), says("b", DELAYED)), DELAYED, 2, 2),
    Case("until then the predecessor's word counts for each", leads("split"), (says("split", DONE),), DONE, 2, 2),
    Case(
        "its word counts for the one that has not spoken yet",
        leads("split"),
        (says("split", DONE), says("b", DELAYED)),
        DELAYED,
        2,
        2,
    ),
    Case("a member that was split is counted as two", by_duty("halves"), (says("new", DONE),), UNDERWAY, 1, 2),
    Case("one that succeeds two speaks for each", leads("old", "new"), (says("new", DONE),), DONE, 2, 2),
    Case("a closed group without members has no speakers", by_duty("empty"), (says("a", DONE),), None, 0, 0),
    Case("who left an open group speaks on", by_duty("left"), (says("a", BLOCKED),), BLOCKED, 1, None),
    Case("a stranger who is listed elsewhere does not", by_duty("left"), (says("c", BLOCKED),), None, 0, None),
    Case("a successor speaks for a member of an open group", by_duty("member"), (says("new", DONE),), DONE, 1, None),
    Case(
        "an open group's member that nobody heard of hinders nothing",
        by_duty("half"),
        (volunteers("c", DONE),),
        DONE,
        1,
        None,
    ),
    Case(
        "beside an open group the others of closed sets still have to speak",
        by_duty("open", "b"),
        (volunteers("c", DONE),),
        UNDERWAY,
        1,
        None,
    ),
    Case(
        "a unit that the task names itself speaks only for its own assignment",
        task(("half", Role.LEAD), ("a", Role.SUPPORT)),
        (says("a", BLOCKED), volunteers("c", DONE)),
        DONE,
        1,
        None,
    ),
    Case(
        "so does one that reported unlisted before it was named",
        task(("open", Role.LEAD), ("c", Role.SUPPORT)),
        (volunteers("c", BLOCKED),),
        None,
        0,
        None,
    ),
    Case("once it is released it speaks no more", leads("open"), (says("a", BLOCKED),), None, 0, None),
    Case(
        "an open-ended task with a lead hears nobody else",
        task(("a", Role.LEAD), open_ended=True),
        (volunteers("c", DONE),),
        None,
        0,
        1,
    ),
    Case(
        "an open-ended task that nobody is named for is an open group of its own",
        task(open_ended=True),
        (volunteers("c", DONE),),
        DONE,
        1,
        None,
    ),
    Case(
        "a year's report filed in March does not silence a later one",
        leads("a"),
        (says("a", DONE, "2023", 1, "2023-03-10"), says("a", BLOCKED, "2023-Q3", 2, "2023-10-12")),
        BLOCKED,
        1,
        1,
    ),
    Case(
        "of reports that speak for one day the later recorded counts",
        leads("a"),
        (says("a", DONE, "2023-06", 1), says("a", BLOCKED, "2023-Q2", 2)),
        BLOCKED,
        1,
        1,
    ),
    Case(
        "a correction keeps its rank",
        leads("a"),
        (says("a", DONE, "2023-06", 3, place=1), says("a", BLOCKED, "2023-Q2", 2)),
        BLOCKED,
        1,
        1,
    ),
    Case("a successor's successor speaks too", leads("older"), (says("new", DONE),), DONE, 1, 1),
    Case(
        "a successor speaks for a member of a closed group",
        by_duty("inherited"),
        (says("new", DONE), says("b", DONE)),
        DONE,
        2,
        2,
    ),
    Case("a predecessor does not speak for its successor", leads("new"), (says("old", DONE),), None, 0, 1),
    Case("a strange voice does not count", leads("a"), (says("c", BLOCKED),), None, 0, 1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_the_reported_status(case: Case) -> None:
    stands = reported(case.task, case.said, BEHIND)
    assert (stands.status, stands.count, stands.of) == (case.status, case.spoken, case.of)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_the_reported_status_does_not_depend_on_the_order_of_speaking(case: Case) -> None:
    one, other = (reported(case.task, said, BEHIND) for said in (case.said, case.said[::-1]))
    assert (one.status, one.count, one.of) == (other.status, other.count, other.of)


def test_the_reports_that_count_are_those_that_the_status_rests_on() -> None:
    said = (says("a", UNDERWAY, "2023-Q2", 7), says("a", BLOCKED, "2023-Q1", 6), says("b", DONE, "2023-Q1", 5))
    stands: Reported = reported(leads("a", "b"), said, BEHIND)
    assert [one.event for one in stands.latest] == [7, 5]


def test_of_two_units_reports_for_one_period_the_later_recorded_is_the_latest() -> None:
    reports = [says("old", BLOCKED, event=9).report, says("new", DONE, event=8).report]
    assert latest(reports).event == 9
    assert latest(reports[::-1]).event == 9


SILENT: list[tuple[str, Task, tuple[Said, ...], tuple[str, ...]]] = [
    ("who has not spoken", leads("a", "b"), (says("b", DONE),), ("a",)),
    ("who acts after a succession", leads("split"), (says("b", DONE),), ("new",)),
    ("nobody of an open group", by_duty("half"), (), ()),
    ("those of a closed set beside an open group", by_duty("half", "closed", "c"), (says("a", DONE),), ("b", "c")),
    ("nobody twice", leads("old", "older"), (), ("new",)),
]


@pytest.mark.parametrize(("sentence", "of", "said", "silent"), SILENT, ids=[one[0] for one in SILENT])
def test_the_silent_are_those_of_the_closed_sets_who_have_not_spoken(
    sentence: str, of: Task, said: tuple[Said, ...], silent: tuple[str, ...]
) -> None:
    assert reported(of, said, BEHIND).silent == silent, sentence


LISTINGS: list[tuple[str, Callable[[], Task], str, Listing | None]] = [
    ("an assignee is listed", lambda: by_duty("a"), "a", Listing.LISTED),
    ("a stranger may not speak", lambda: by_duty("a"), "c", None),
    ("a member of a closed group is listed", lambda: by_duty("closed"), "b", Listing.LISTED),
    ("others of a closed group may not speak", lambda: by_duty("closed"), "c", None),
    ("where the group is open anybody is unlisted", lambda: by_duty("open"), "c", Listing.UNLISTED),
    ("an open group's known member is listed", lambda: by_duty("half"), "a", Listing.LISTED),
    ("an open-ended task hears anybody", lambda: by_duty("a", open_ended=True), "c", Listing.UNLISTED),
    ("a successor is listed", lambda: leads("old"), "new", Listing.LISTED),
    ("a successor's successor is listed", lambda: leads("older"), "new", Listing.LISTED),
    ("a member's successor is listed", lambda: by_duty("inherited"), "new", Listing.LISTED),
    ("each half of a split unit is listed", lambda: leads("split"), "b", Listing.LISTED),
    ("who was succeeded may not speak any more", lambda: leads("old"), "old", None),
    ("a predecessor of an assignee may not speak", lambda: leads("new"), "old", None),
    ("nobody speaks on a task that nobody takes part in", task, "a", None),
]


@pytest.mark.parametrize(("sentence", "of", "unit", "listing"), LISTINGS, ids=[one[0] for one in LISTINGS])
def test_who_may_report(sentence: str, of: Callable[[], Task], unit: str, listing: Listing | None) -> None:
    assert membership(unit, of(), UNITS.get) == listing, sentence


DUE = day("2023-12-31")
SCHEDULES: list[tuple[str, date | None, str | None, str, ScheduleStatus]] = [
    ("without a deadline it is unspecified", None, None, "2023-12-31", ScheduleStatus.UNSPECIFIED),
    ("without a deadline a completed task is too", None, "2023-06-30", "2023-12-31", ScheduleStatus.UNSPECIFIED),
    ("30 days before it is not due", DUE, None, "2023-12-01", ScheduleStatus.NOT_DUE),
    ("29 days before it is due soon", DUE, None, "2023-12-02", ScheduleStatus.DUE_SOON),
    ("on its day it is due soon", DUE, None, "2023-12-31", ScheduleStatus.DUE_SOON),
    ("the day after it is overdue", DUE, None, "2024-01-01", ScheduleStatus.OVERDUE),
    ("completed before the deadline", DUE, "2023-06-30", "2023-12-30", ScheduleStatus.COMPLETED_ON_TIME),
    ("completed on the deadline", DUE, "2023-12-31", "2024-06-30", ScheduleStatus.COMPLETED_ON_TIME),
    ("completed after the deadline", DUE, "2024-01-01", "2024-06-30", ScheduleStatus.COMPLETED_LATE),
]


@pytest.mark.parametrize(
    ("sentence", "due", "completed_on", "on", "expected"), SCHEDULES, ids=[one[0] for one in SCHEDULES]
)
def test_the_schedule_status(
    sentence: str, due: date | None, completed_on: str | None, on: str, expected: ScheduleStatus
) -> None:
    since = day(completed_on) if completed_on else None
    dated = msgspec.structs.replace(leads("a"), due=due)
    assert schedule_status(dated, due_on(due, day(on)), since) == expected, sentence
    withdrawn = msgspec.structs.replace(dated, withdrawn=True)
    assert schedule_status(withdrawn, due_on(due, day(on)), since) == ScheduleStatus.UNSPECIFIED


LINK, PROOF = Evidence("https://a.invalid/1"), Evidence("https://a.invalid/2", sha256="0" * 64)
EVIDENCE: list[tuple[str, tuple[tuple[Evidence, ...], ...], EvidenceStatus]] = [
    ("no report at all", (), EvidenceStatus.NONE),
    ("a report without evidence", ((),), EvidenceStatus.NONE),
    ("a link", ((LINK,),), EvidenceStatus.LINKED),
    ("a link with its digest", ((PROOF,),), EvidenceStatus.DIGESTED),
    ("one link of two with its digest", ((PROOF, LINK),), EvidenceStatus.LINKED),
    ("digests in every report that offers evidence", ((PROOF,), ()), EvidenceStatus.DIGESTED),
    ("a bare link in one of two reports", ((PROOF,), (LINK,)), EvidenceStatus.LINKED),
]


@pytest.mark.parametrize(("sentence", "offered", "expected"), EVIDENCE, ids=[one[0] for one in EVIDENCE])
def test_the_evidence_status(
    sentence: str, offered: tuple[tuple[Evidence, ...], ...], expected: EvidenceStatus
) -> None:
    reports = [Report("2023", UNDERWAY, None, None, one, Listing.LISTED, 1, 1, DUE) for one in offered]
    assert evidence_status(reports) == expected, sentence
