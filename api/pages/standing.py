"""How a plan stands, as its pages say it: what is late, who is silent, who is most behind."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from api.pages.answered import that_fits
from api.pages.visit import Visit
from domain.directory import succession
from domain.report import Listing
from domain.values import Status, period_days
from projections.views.counts import ReportedCounts, SilentUnit
from projections.views.names import Directory, Named
from projections.views.tasks import ReportedStatus, ScheduleStatus, TaskView


class Late(NamedTuple):
    """A task whose deadline has passed, or that was completed after it: by how many days, and who owes it still."""

    task: TaskView
    days: int
    owing: Sequence[Named]


class Backlog(NamedTuple):
    """A unit with the overdue tasks that it has not reported as completed, and those on which it is silent."""

    unit: Named
    overdue: int
    silent: int


def was_there(since: date, quarter: str) -> bool:
    """Whether what began on a day was there for a whole quarter: in that of its beginning nobody is silent."""
    return period_days(quarter)[0] >= since


def left_out(since: date, on: date) -> str | None:
    """The quarter in which something began, if that is over and it was not there from its first day on."""
    quarter = f"{since.year}-Q{(since.month + 2) // 3}"
    return None if was_there(since, quarter) or period_days(quarter)[1] >= on else quarter


def in_full(counts: ReportedCounts) -> int:
    """The tasks that are counted: all but those withdrawn."""
    return sum(getattr(counts, one) for one in ReportedStatus)


def late(tasks: Iterable[TaskView], on: date, units: Directory) -> list[Late]:
    """What is overdue on a day, and what was completed late, each from the longest on."""
    found = [*_late(tasks, on, units)]
    return sorted(found, key=lambda one: (one.task.completed_on is not None, -one.days, one.task.number, one.task.id))


def _late(tasks: Iterable[TaskView], on: date, units: Directory) -> Iterator[Late]:
    for task in tasks:
        match task.schedule_status:
            case ScheduleStatus.OVERDUE if task.due:
                yield Late(task, (on - task.due).days, owing(task, units))
            case ScheduleStatus.COMPLETED_LATE if task.due and task.completed_on:
                yield Late(task, (task.completed_on - task.due).days, ())
            case _:
                pass


def owing(task: TaskView, units: Directory) -> Sequence[Named]:
    """Those who must speak for a task and have not reported it as completed; of a unit succeeded, those who act now."""
    spoken = {one.unit.id for one in task.latest_reports}
    found = {one.id: one for one in task.answered.silent}
    for report in task.latest_reports:
        if report.status != Status.COMPLETED and report.membership == Listing.LISTED:
            unit = report.unit.id
            ends = (end for end in succession(unit, units).ends if end == unit or end not in spoken)
            found |= {end: units.named(end) for end in ends}
    return [found[key] for key in sorted(found)]


def most_behind(lagging: Iterable[Late], silences: Iterable[SilentUnit], units: Directory) -> list[Backlog]:
    """Units by overdue tasks that they owe, then by tasks on which they were silent in the last quarter, then by id."""
    overdue = Counter(unit.id for one in lagging for unit in one.owing)
    silent: Mapping[str, int] = {one.id: one.tasks for one in silences}
    found = [Backlog(units.named(key), overdue[key], silent.get(key, 0)) for key in {*overdue, *silent}]
    return sorted(found, key=lambda one: (-one.overdue, -one.silent, one.unit.id))


FURTHEST_FIRST: Final = tuple(reversed(ReportedStatus))


def summed_up(visit: Visit[Any], counts: ReportedCounts, overdue: int) -> Markup:
    """How the tasks stand, in one sentence: by as many statuses, the furthest first, as it has room for."""
    there = [(one, number) for one in FURTHEST_FIRST if (number := getattr(counts, one))]
    if not there:
        return visit.t("sum.none")

    def naming(some: int) -> Markup:
        said = [visit.t(f"sum.{one}", count=number) for one, number in there[:some]]
        if rest := sum(number for _, number in there[some:]):
            said.append(visit.t("sum.rest", count=rest))
        if overdue:
            said.append(visit.t("sum.overdue", count=overdue))
        return visit.t("sum.all", count=in_full(counts), how=visit.t("sum.comma").join(said))

    return that_fits(naming(some) for some in range(len(there), 0, -1))
