"""Reports with their text: REST handlers over the view. The text may have to be forgotten, so nobody keeps it."""

from typing import Any

from litestar import get

from api.http.answers import Answer
from api.http.documented import answers as documented
from api.http.documented import list_operation
from api.http.lists import Listing, found_by, sent, wish
from api.http.paths import PlanKey, TaskNumber
from api.http.question import Ask
from api.services.reader import Subject
from projections.lists import Collection
from projections.views import events
from projections.views.names import PLANS
from projections.views.report_list import PLAN_REPORTS, TASK_REPORTS, told
from projections.views.reports import ReportView
from projections.views.tasks import TASKS


async def _reports(request: Ask, collection: Collection[Any, Any], scope: str, within: Subject) -> Answer:
    asked = await wish(request, collection, scope)
    found = await found_by(request, collection, asked, scope, within)
    async with request.reader.pool.acquire() as connection:
        facts = await events.at(connection, [one.view.event for one in found.shown])
    return sent(request, collection, asked, told(found, facts), scope, erasable=True)


@get(
    "/v1/plans/{plan:str}/reports",
    operation_class=list_operation(PLAN_REPORTS),
    responses=documented(Listing[ReportView]),
    tags=["reports"],
)
async def plan_reports(request: Ask, plan: PlanKey) -> Answer:
    """All reports on the tasks of a plan with their text, by the task's key, the unit and the period."""
    return await _reports(request, PLAN_REPORTS, plan, Subject("plan", PLANS, plan))


@get(
    "/v1/plans/{plan:str}/tasks/{key:int}/reports",
    operation_class=list_operation(TASK_REPORTS),
    responses=documented(Listing[ReportView]),
    tags=["reports"],
)
async def task_reports(request: Ask, plan: PlanKey, key: TaskNumber) -> Answer:
    """All reports on one task with their text, by unit and period."""
    task = f"{plan}/{key}"
    return await _reports(request, TASK_REPORTS, task, Subject("task", TASKS, task))
