"""Tasks of a plan: REST handlers and the GraphQL type over one view."""

from collections.abc import Sequence

from litestar import get

from api.http import answers
from api.http.answers import Answer
from api.http.documented import READ, list_operation
from api.http.documented import answers as documented
from api.http.lists import Listing, listing
from api.http.paths import PlanKey, TaskNumber
from api.http.question import Ask
from api.services.reader import Subject
from projections.as_of import Moment, Rows
from projections.views import tasks
from projections.views.names import PLANS
from projections.views.task_list import TASK_LIST
from projections.views.tasks import TASKS, TaskView


def show(rows: Rows, at: Moment) -> Sequence[TaskView]:
    """The tasks among these rows."""
    return tasks.show(rows, at.effective_on)


@get(
    "/v1/plans/{plan:str}/tasks",
    operation_class=list_operation(TASK_LIST),
    responses=documented(Listing[TaskView]),
    tags=["tasks"],
)
async def task_list(request: Ask, plan: PlanKey) -> Answer:
    """The tasks of a plan, filtered and sorted, as the record showed them."""
    return await listing(request, TASK_LIST, scope=plan, within=Subject("plan", PLANS, plan))


@get("/v1/plans/{plan:str}/tasks/{key:int}", operation_class=READ, responses=documented(TaskView), tags=["tasks"])
async def one_task(request: Ask, plan: PlanKey, key: TaskNumber) -> Answer:
    """One task as the record showed it."""
    task = f"{plan}/{key}"
    return await answers.one(request, Subject("task", TASKS, task), tasks.one(task), show)
