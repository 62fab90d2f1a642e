"""A plan: its parts and measures, how each stands, and every task, or those that are asked for."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, cast

import msgspec
from litestar import get

from api.http.answers import Answer
from api.http.asking import part_of
from api.http.paths import PlanKey
from api.http.question import Ask
from api.pages.apart import Lines, drawn_apart
from api.pages.blanks import data_apart
from api.pages.boards import board_of
from api.pages.datasets import dataset, downloads
from api.pages.drawing import drawn
from api.pages.filters import Choice, choices, chosen, common_filters, in_words, named_in
from api.pages.looks import Look, looks_of
from api.pages.problems import absent
from api.pages.standing import summed_up
from api.pages.visit import PageQuery, Visit
from domain.values import quarter_before
from projections.as_of import Rows
from projections.documents import name_of
from projections.lists import Shown
from projections.views import plans, tasks
from projections.views.counts import ReportedCounts, reported_by, scheduled_by
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.names import PLAN_VERSIONS, PLANS, UNITS, directory
from projections.views.plans import MEASURES, PARTS
from projections.views.subjects import PLAN
from projections.views.task_list import TaskFilter, TaskSort
from projections.views.tasks import TaskView
from projections.wanted import Wanted, wanted

# Which tasks of the plan are shown: every filter and order that the list of tasks takes, under the same names.
PlanQuery: Final = cast(
    "type[PageQuery]",
    msgspec.defstruct(
        "PlanQuery",
        [(one.name, one.type, one.default) for one in msgspec.structs.fields(TaskFilter)],
        bases=(PageQuery,),
        frozen=True,
        kw_only=True,
        rename="camel",
        forbid_unknown_fields=True,
    ),
)


class Chapter(msgspec.Struct, frozen=True):
    """A heading of the plan with what stands below it; of a measure that is shown whole how all of its tasks stand."""

    part: plans.PartView | None
    measure: plans.MeasureView | None
    tasks: Sequence[TaskView]
    counts: ReportedCounts | None = None


def wanted_of(plan: str) -> Sequence[Wanted]:
    """What the page is put together from: one read."""
    headings = (wanted(PARTS, plan=plan), wanted(MEASURES, plan=plan))
    return (*tasks.of_plan(plan), wanted(PLAN_VERSIONS, key=plan), *headings, wanted(DISTRICTS))


@get("/plans/{plan:str}", include_in_schema=False)
async def plan(request: Ask, plan: PlanKey) -> Answer:
    """One plan, whole, or those of its tasks that are asked for."""
    visit = Visit(request, PlanQuery)
    which = part_of(visit.query, TaskFilter)
    moment, rows = await visit.rows(wanted_of(plan))
    found = plans.show(rows)
    if not found:
        raise await absent(request, PLAN, plan, moment)
    await request.reader.check_named(which, moment, plan)
    every = tasks.shown_of(rows, moment.effective_on)
    looks = looks_of(request.reader.memory, every)
    page = _Page(visit, found[0], which, rows, moment.effective_on, every, looks)
    return drawn(
        "plan.html",
        visit,
        moment,
        follows_from=rows.joined(PLANS) if visit.past else None,
        json=f"/v1/plans/{plan}/tasks" if visit.own else f"/v1/plans/{plan}",
        csv=f"/v1/plans/{plan}/tasks.csv",
        stratml=f"/v1/plans/{plan}.stratml",
        data=visit.own,
        feed=f"/feeds/plans/{plan}.atom",
        plan=found[0],
        body=drawn_apart(visit, "plan_body.html", page.key, page.shown),
        dataset=None if visit.own else await dataset(visit, moment, found[0], page.districts),
    )


class _Page(NamedTuple):
    """What a plan's page is drawn from: `every` task of the plan, how it looks, and which of them are asked for."""

    visit: Visit[PageQuery]
    plan: plans.PlanView
    which: TaskFilter
    rows: Rows
    on: date
    every: Sequence[Shown[TaskView]]
    looks: Sequence[Shown[Look]]

    @property
    def key(self) -> Hashable:
        """What it follows from: the tasks as they are shown, what their headings, units and districts are called."""
        shown = [one.view.id for one in self.chosen] if self.visit.own else ()
        tasks = name_of(*(one.name for one in self.looks)), tuple(shown)
        return self.visit.path, tuple(self.visit.own.items()), tasks, self._headings, quarter_before(self.on)

    @property
    def chosen(self) -> Sequence[Shown[TaskView]]:
        """Those of the tasks that are asked for, in their order."""
        return chosen(self.which, self.rows, self.on, self.every)

    @property
    def districts(self) -> Sequence[DistrictRow]:
        """All of them, by their codes."""
        return sorted(self.rows.of(DISTRICTS, DistrictRow), key=lambda one: one.code)

    @property
    def _headings(self) -> bytes:
        return name_of(*map(self.rows.joined, (PLANS, PLAN_VERSIONS, PARTS, MEASURES, UNITS, DISTRICTS)))

    def shown(self) -> Mapping[str, Any]:
        """All that it shows."""
        visit, plan, whole = self.visit, self.plan, not self.visit.own
        there, shown = [one.view for one in self.every], self.chosen
        reported, overdue = reported_by(there), scheduled_by(there).overdue
        lines, views = Lines(visit, self.looks), [one.view for one in shown]

        def choosing() -> Mapping[str, Sequence[Choice]]:
            return choices(visit, plan, there, directory(self.rows), self.districts)

        return {
            "plan": plan,
            "reported": reported,
            "overdue": overdue,
            "said": summed_up(visit, reported, overdue),
            "asked_for": None if whole else in_words(visit, choosing()),
            "chapters": _chapters(plan, views, self.which, whole=whole),
            "board": board_of(plan, views) if whole else None,
            "tasks": views,
            "downloads": downloads(visit, plan.id, link=data_apart) if whole else [],
            "lines": lines,
            "key_of": lines.key_of,
            "which": self.which,
            "common_filters": common_filters(visit, visit.path, plan.issued_on, self.on),
            "filters": (visit.path, tuple(visit.own.items()), self._headings, named_in(there)),
            "choosing": choosing,
        }


def _chapters(plan: plans.PlanView, shown: Sequence[TaskView], which: TaskFilter, *, whole: bool) -> list[Chapter]:
    """The plan's headings in order, each with its tasks; of a filtered plan only those that have any.

    Tasks in another order than the plan's stand under no heading.
    """
    if which.sort != TaskSort.NUMBER:
        return [Chapter(None, None, shown)] if shown else []
    found: list[Chapter] = []
    for part in plan.parts:
        measures = [one for one in plan.measures if one.part == part.number]
        below = [_of_measure(one, shown, counted=whole) for one in measures]
        own = [task for task in shown if task.part == part.number and task.measure is None]
        below = [one for one in below if whole or one.tasks]
        if whole or below or own:
            found += [Chapter(part, None, own), *below]
    rest = [task for task in shown if task.part is None and task.measure is None]
    return [*found, Chapter(None, None, rest)] if rest else found


def _of_measure(one: plans.MeasureView, shown: Sequence[TaskView], *, counted: bool) -> Chapter:
    own = [task for task in shown if task.measure == one.number]
    return Chapter(None, one, own, reported_by(own) if counted else None)
