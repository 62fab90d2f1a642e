"""How many tasks stand how: counted by each of their statuses, and by who is silent; withdrawn ones apart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from domain.values import last_quarter
from projections.as_of import Rows
from projections.lists import Counting
from projections.views import tasks
from projections.views.duties import Duties
from projections.views.names import Directory, directory
from projections.views.tasks import TaskView
from projections.wanted import Wanted


class ReportedCounts(msgspec.Struct, frozen=True):
    """How many tasks have each `reportedStatus`."""

    not_reported: int = 0
    not_started: int = 0
    blocked: int = 0
    delayed: int = 0
    in_progress: int = 0
    completed: int = 0


class ScheduleCounts(msgspec.Struct, frozen=True):
    """How many tasks have each `scheduleStatus`."""

    unspecified: int = 0
    not_due: int = 0
    due_soon: int = 0
    overdue: int = 0
    completed_on_time: int = 0
    completed_late: int = 0


class EvidenceCounts(msgspec.Struct, frozen=True):
    """How many tasks have each `evidenceStatus`."""

    none: int = 0
    linked: int = 0
    digested: int = 0


class SilentUnit(msgspec.Struct, frozen=True):
    """A unit that is silent, and on how many of the tasks."""

    id: str
    name: str
    tasks: int


class SilentCounts(msgspec.Struct, frozen=True):
    """On how many tasks somebody who should have reported for the last quarter that is over has not; `units`: who."""

    period: str
    tasks: int
    units: tuple[SilentUnit, ...]


class TaskCounts(msgspec.Struct, frozen=True, rename="camel"):
    """How many tasks stand how. Those that are withdrawn are counted as such, and nowhere else."""

    withdrawn: int
    reported_status: ReportedCounts
    schedule_status: ScheduleCounts
    evidence_status: EvidenceCounts
    silent_in: SilentCounts


class TasksAt(NamedTuple):
    """The tasks that are there at a moment, by their ids and by their plans."""

    by_id: Mapping[str, TaskView]
    by_plan: Mapping[str, Sequence[TaskView]]


class Tally:
    """Counts the tasks among these rows, which hold what views of tasks are put together from."""

    def __init__(self, rows: Rows, on: date) -> None:
        by_plan: dict[str, list[TaskView]] = {}
        shown = tasks.show(rows, on)
        for one in shown:
            by_plan.setdefault(one.plan, []).append(one)
        self.tasks = TasksAt({one.id: one for one in shown}, by_plan)
        self.units = directory(rows)
        self._period, self._days = last_quarter(on)
        self._duties = Duties(rows, on)

    def of(self, chosen: Iterable[TaskView], whose: Callable[[str], bool] = lambda _: True) -> TaskCounts:
        """The counts of some of the tasks; who is silent is one of those whom `whose` names."""
        every = list(chosen)
        there = [task for task in every if not task.withdrawn]
        each = (self._duties.silent(task.id, self._days) for task in there)
        silent = [own for some in each if (own := list(filter(whose, some)))]
        return TaskCounts(
            len(every) - len(there),
            reported_by(there),
            scheduled_by(there),
            EvidenceCounts(**_numbers(task.evidence_status for task in there)),
            SilentCounts(self._period, len(silent), self._units(silent)),
        )

    def _units(self, silent: Sequence[Sequence[str]]) -> tuple[SilentUnit, ...]:
        found = _numbers(one for own in silent for one in own)
        return tuple(SilentUnit(key, self.units.named(key).name, found[key]) for key in sorted(found))


def reported_by(tasks: Iterable[TaskView]) -> ReportedCounts:
    """How many of some tasks, but those withdrawn, have each `reportedStatus`."""
    return ReportedCounts(**_numbers(task.reported_status for task in tasks if not task.withdrawn))


def scheduled_by(tasks: Iterable[TaskView]) -> ScheduleCounts:
    """The same of `scheduleStatus`."""
    return ScheduleCounts(**_numbers(task.schedule_status for task in tasks if not task.withdrawn))


def _numbers(values: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in values:
        found[str(one)] = found.get(str(one), 0) + 1
    return found


Chosen = Callable[[Any, TasksAt], Iterable[TaskView]]
Whose = Callable[[Any, Directory], Callable[[str], bool]]


def counting(
    rows: Callable[[Sequence[Any]], Sequence[Wanted]],
    chosen: Chosen,
    whose: Whose = lambda _view, _units: lambda _: True,
    ahead: Callable[[str], Sequence[Wanted]] = lambda _: (),
    inner: Mapping[str, Counting] = MappingProxyType({}),
) -> Counting:
    """How the tasks of views of a kind are counted: `rows(views)` are read besides, or `ahead` by what they lie within.

    `chosen` are a view's tasks, `whose(view, units)` tells for which of those who are silent it stands, `inner` counts
    those of views in its fields.
    """

    def counts(view: Any, tally: Tally) -> TaskCounts:
        return tally.of(chosen(view, tally.tasks), whose(view, tally.units))

    def counted(view: Any, tally: Tally) -> Any:
        fields = {name: tuple(its.counted(one, tally) for one in getattr(view, name)) for name, its in inner.items()}
        return msgspec.structs.replace(view, task_counts=counts(view, tally), **fields)

    return Counting(ahead, rows, Tally, counts, counted)
