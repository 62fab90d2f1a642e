"""A plan: its parts, their measures with the prose, and every task."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import Answer
from api.http.paths import PlanKey
from api.http.question import Ask
from api.pages.datasets import dataset, downloads
from api.pages.drawing import drawn
from api.pages.problems import absent
from api.pages.visit import PageQuery, Visit
from projections.lists import Words
from projections.views import plans, tasks
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.names import PLAN_VERSIONS, Directory, UnitRow, directory
from projections.views.plans import MEASURES, PARTS
from projections.views.subjects import PLAN
from projections.views.task_list import TaskFilter, keeps
from projections.views.tasks import ReportedStatus, TaskView
from projections.wanted import Wanted, wanted


class PlanQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which tasks of the plan are shown: a few of the filters that the list of tasks takes, under the same names."""

    unit: Annotated[str | None, Meta(description="Tasks in which this unit takes part.")] = None
    district: Annotated[str | None, Meta(description="Tasks in which a unit of this district takes part.")] = None
    reported_status: Annotated[ReportedStatus | None, Meta(description="Tasks whose reports add up to this.")] = None
    q: Annotated[Words | None, Meta(description="Tasks whose words hold each of these.")] = None


class Chapter(msgspec.Struct, frozen=True):
    """A heading of the plan with what stands below it."""

    part: plans.PartView | None
    measure: plans.MeasureView | None
    tasks: Sequence[TaskView]


def wanted_of(plan: str) -> Sequence[Wanted]:
    """What the page is put together from: one read."""
    headings = (wanted(PARTS, plan=plan), wanted(MEASURES, plan=plan))
    return (*tasks.of_plan(plan), wanted(PLAN_VERSIONS, key=plan), *headings, wanted(DISTRICTS))


@get("/plans/{plan:str}", include_in_schema=False)
async def plan(request: Ask, plan: PlanKey) -> Answer:
    """One plan, whole, or those of its tasks that are asked for."""
    visit = Visit(request, PlanQuery)
    moment, rows = await visit.rows(wanted_of(plan))
    found = plans.show(rows)
    if not found:
        raise await absent(request, PLAN, plan, moment)
    given = visit.given
    which = TaskFilter(unit=given.unit, district=given.district, reported_status=given.reported_status, q=given.q)
    every = tasks.show(rows, moment.effective_on)
    shown = list(filter(keeps(which, rows, moment.effective_on), every))
    units = _taking_part(directory(rows), every)
    known = rows.of(DISTRICTS, DistrictRow)
    reached = {one.district for one in units}
    districts = sorted((one for one in known if one.code in reached), key=lambda one: one.code)
    return drawn(
        "plan.html",
        visit,
        moment,
        json=f"/v1/plans/{plan}/tasks" if visit.own else f"/v1/plans/{plan}",
        csv=f"/v1/plans/{plan}/tasks.csv",
        stratml=f"/v1/plans/{plan}.stratml",
        data=visit.own,
        feed=f"/feeds/plans/{plan}.atom",
        plan=found[0],
        chapters=chapters(found[0], shown, whole=not visit.own),
        shown=shown,
        units=units,
        districts=districts,
        dataset=None if visit.own else await dataset(visit, moment, found[0], districts),
        statuses=list(ReportedStatus),
        downloads=[] if visit.own else downloads(visit, plan),
    )


def _taking_part(units: Directory, tasks: Sequence[TaskView]) -> list[UnitRow]:
    """Who takes part in any of these tasks, itself, through a group or by succession: by whom they can be filtered."""
    named = {one.assignee.id for task in tasks for one in task.assignments}
    found = {one for assignee in named for one in units.behind(assignee)}
    return sorted(units.each(found), key=lambda one: (one.kind, one.id))


def chapters(plan: plans.PlanView, shown: Sequence[TaskView], *, whole: bool) -> list[Chapter]:
    """The plan's headings in order, each with its tasks; of a filtered plan only those that have any."""
    found: list[Chapter] = []
    for part in plan.parts:
        measures = [one for one in plan.measures if one.part == part.number]
        below = [Chapter(None, one, [task for task in shown if task.measure == one.number]) for one in measures]
        own = [task for task in shown if task.part == part.number and task.measure is None]
        below = [one for one in below if whole or one.tasks]
        if whole or below or own:
            found += [Chapter(part, None, own), *below]
    rest = [task for task in shown if task.part is None and task.measure is None]
    return [*found, Chapter(None, None, rest)] if rest else found
