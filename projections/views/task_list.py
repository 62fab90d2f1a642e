"""The tasks of a plan as a list: what it can be filtered and sorted by."""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain.values import Role, period_days
from projections.as_of import Moment, Rows
from projections.grams import holds
from projections.lists import Collection, Place, Shown, WholeNumber, Words
from projections.views import tasks
from projections.views.duties import DUTIES, Duties
from projections.views.names import Directory, directory
from projections.views.reports import EvidenceStatus
from projections.views.said import SAID
from projections.views.tasks import TASK_VERSIONS, TASK_WORDS, TASKS, ReportedStatus, ScheduleStatus, TaskView
from projections.wanted import Keyset, Wanted, beside, page_of, searched, wanted


class TaskSort(StrEnum):
    """By number or by deadline; a minus begins with the last. A task without a deadline counts as due at the end."""

    NUMBER = "number"
    NUMBER_DOWN = "-number"
    DUE = "due"
    DUE_DOWN = "-due"


DatedPeriod = Annotated[str, Meta(pattern=r"^(19|2[0-9])[0-9]{2}(-Q[1-4]|-(0[1-9]|1[0-2]))?$")]


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which tasks of a plan."""

    number: Annotated[WholeNumber | None, Meta(description="The task's number.", examples=[21])] = None
    part: Annotated[WholeNumber | None, Meta(description="Tasks of this part.", examples=[3])] = None
    measure: Annotated[WholeNumber | None, Meta(description="Tasks of this measure.", examples=[6])] = None
    unit: Annotated[
        str | None,
        Meta(
            description="Tasks in which this unit takes part, itself, through a group or by succession.",
            examples=["shi-ke-wei"],
        ),
    ] = None
    role: Annotated[Role | None, Meta(description="Tasks that give somebody, or `unit`, this role.")] = None
    district: Annotated[
        str | None, Meta(description="Tasks in which a unit of this district takes part.", examples=["310115"])
    ] = None
    platform: Annotated[str | None, Meta(description="Tasks that mention this platform.")] = None
    reported_status: Annotated[ReportedStatus | None, Meta(description="Tasks whose reports add up to this.")] = None
    schedule_status: Annotated[ScheduleStatus | None, Meta(description="Tasks that keep their deadline so.")] = None
    evidence_status: Annotated[
        EvidenceStatus | None, Meta(description="Tasks for whose status such evidence is offered.")
    ] = None
    silent_in: Annotated[
        DatedPeriod | None,
        Meta(
            description="Tasks, not withdrawn, on which somebody who should have reported for this period has not: "
            "`unit`, or a unit of `district`, where one is asked for. While the period goes on: not yet.",
            examples=["2023-Q3"],
        ),
    ] = None
    has_lead: Annotated[
        bool | None, Meta(description="Tasks that somebody leads (牵头), or those that nobody does.", examples=[False])
    ] = None
    withdrawn: Annotated[bool | None, Meta(description="Tasks that are withdrawn, or those that are not.")] = None
    q: Annotated[
        Words | None,
        Meta(
            description="Tasks whose text, or whose words for a unit, hold each of these words.",
            examples=["融资"],
        ),
    ] = None
    sort: Annotated[TaskSort, Meta(description="The order of the list.")] = TaskSort.NUMBER


_BESIDE: Final = (
    beside(wanted(TASK_VERSIONS), "key", 0),
    beside(wanted(SAID), "task", 0),
    beside(wanted(DUTIES), "key", 0),
)


def _wanted(plan: str, given: TaskFilter, after: Place | None, limit: int) -> Sequence[Wanted]:
    columns = (("plan", plan), ("number", given.number), ("part", given.part), ("measure", given.measure))
    rows = wanted(TASKS, **{name: value for name, value in columns if value is not None})
    if given.q is not None:
        rows = searched(rows, TASK_WORDS, given.q, plan)
    order = ("due", "number", "ordinal") if _by_due(given) else ("number", "ordinal")
    rows = page_of(rows, Keyset(order, _descending(given), after, limit))
    return (rows, *_BESIDE, *tasks.joined_to(plan))


def _shown(rows: Rows, moment: Moment) -> Sequence[Shown[TaskView]]:
    return tasks.shown_of(rows, moment.effective_on)


def _place(task: TaskView, given: TaskFilter) -> Place:
    place = (task.number, int(task.id.partition("/")[2]))
    return (task.due or date.max, *place) if _by_due(given) else place


def _by_due(given: TaskFilter) -> bool:
    return given.sort in {TaskSort.DUE, TaskSort.DUE_DOWN}


def _descending(given: TaskFilter) -> bool:
    return given.sort.startswith("-")


def keeps(given: TaskFilter, rows: Rows, on: date) -> Callable[[TaskView], bool] | None:
    """Whether a task is one of those asked for, as far as its row could not tell; None if it could."""
    tests: list[Callable[[TaskView], bool]] = []
    if given.reported_status is not None:
        tests.append(lambda task: task.reported_status == given.reported_status)
    if given.schedule_status is not None:
        tests.append(lambda task: task.schedule_status == given.schedule_status)
    if given.evidence_status is not None:
        tests.append(lambda task: task.evidence_status == given.evidence_status)
    if given.withdrawn is not None:
        tests.append(lambda task: task.withdrawn == given.withdrawn)
    if given.has_lead is not None:
        tests.append(lambda task: any(one.role is Role.LEAD for one in task.assignments) == given.has_lead)
    if given.silent_in is not None:
        tests.append(_silent(given, period_days(given.silent_in), Duties(rows, on), directory(rows)))
    if given.platform is not None:
        tests.append(lambda task: any(one.id == given.platform for one in task.platforms))
    if given.q is not None:
        words = given.q
        tests.append(lambda task: holds(" ".join((task.text, *(one.literal for one in task.assignments))), words))
    if (given.unit, given.role, given.district) != (None, None, None):
        units = directory(rows)
        tests.append(lambda task: _takes_part(task, given, units))
    return (lambda task: all(test(task) for test in tests)) if tests else None


def _silent(given: TaskFilter, days: tuple[date, date], duties: Duties, units: Directory) -> Callable[[TaskView], bool]:
    def asked_for(one: str) -> bool:
        unit = units(one)
        return given.district in {None, unit and unit.district} and (
            given.unit is None or one in units.behind(given.unit)
        )

    return lambda task: not task.withdrawn and any(map(asked_for, duties.silent(task.id, days)))


def _takes_part(task: TaskView, given: TaskFilter, units: Directory) -> bool:
    return any(
        given.role in {None, one.role}
        and (given.unit is None or given.unit in units.behind(one.assignee.id))
        and (given.district is None or given.district in units.districts(one.assignee.id))
        for one in task.assignments
    )


TASK_LIST: Collection[TaskView, TaskFilter] = Collection(
    name="tasks",
    view=TaskView,
    filter=TaskFilter,
    wanted=_wanted,
    shown=_shown,
    place=_place,
    places=lambda given: tuple[date, WholeNumber, WholeNumber] if _by_due(given) else tuple[WholeNumber, WholeNumber],
    keeps=keeps,
    descending=_descending,
    paged=True,
)
