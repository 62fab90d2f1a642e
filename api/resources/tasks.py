"""Tasks of a plan: REST handlers and the GraphQL type over one view."""

from collections.abc import Sequence

from litestar import Response, get

from api import answers
from api.answers import Ask, Listing
from api.documented import READ
from api.documented import answers as documented
from api.paths import PlanKey, TaskNumber
from api.reader import Subject
from projections.as_of import Moment, Rows
from projections.views import tasks
from projections.views.names import PLANS
from projections.views.tasks import TASKS, TaskView


def show(rows: Rows, at: Moment) -> Sequence[TaskView]:
    """The tasks among these rows."""
    return tasks.show(rows, at.effective_on)


@get("/v1/plans/{plan:str}/tasks", operation_class=READ, responses=documented(Listing[TaskView]), tags=["tasks"])
async def task_list(request: Ask, plan: PlanKey) -> Response[bytes]:
    """All tasks of a plan, by number, as the record showed them."""
    return await answers.listing(request, tasks.of_plan(plan), show, within=Subject("plan", PLANS, plan))


@get("/v1/plans/{plan:str}/tasks/{key:int}", operation_class=READ, responses=documented(TaskView), tags=["tasks"])
async def one_task(request: Ask, plan: PlanKey, key: TaskNumber) -> Response[bytes]:
    """One task as the record showed it."""
    task = f"{plan}/{key}"
    return await answers.one(request, Subject("task", TASKS, task), tasks.one(task), show)
