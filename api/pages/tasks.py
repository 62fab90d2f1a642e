"""A task with all its fields, the reports that count, and how it came to be what it is."""

from litestar import get

from api.http.answers import Answer
from api.http.paths import PlanKey, TaskNumber
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.problems import absent
from api.pages.told import reports_told, versions_told
from api.pages.visit import PageQuery, Visit
from api.services.told import Names, task_path
from events.steps import in_steps
from projections.as_of import Moment
from projections.views import events, history
from projections.views import tasks as view
from projections.views.events import Facts
from projections.views.names import PLANS, PlanRow
from projections.views.plans import MEASURES, PARTS, MeasureRow, PartRow
from projections.views.subjects import TASK
from projections.views.tasks import TASKS, NumberedTask, TaskView
from projections.wanted import Keyset, page_of, wanted


@get("/plans/{plan:str}/tasks/{key:int}", include_in_schema=False)
async def task(request: Ask, plan: PlanKey, key: TaskNumber) -> Answer:
    """One task, its reports and its history."""
    visit = Visit(request, PageQuery)
    id_ = f"{plan}/{key}"
    moment, rows = await visit.rows((*view.one(id_), wanted(PARTS, plan=plan), wanted(MEASURES, plan=plan)))
    shown = view.show(rows, moment.effective_on)
    if not shown:
        raise await absent(request, TASK, id_, moment)
    one, facts = shown[0], await _facts(request, moment, id_)
    versions = [version async for version in in_steps(history.versions(facts))]
    return drawn(
        "task.html",
        visit,
        moment,
        json=f"/v1{task_path(id_)}",
        feed=f"/feeds/tasks/{id_}.atom",
        erasable=True,
        task=one,
        title=next((row.title for row in rows.of(PLANS, PlanRow)), plan),
        part=next((row for row in rows.of(PARTS, PartRow) if row.number == one.part), None),
        measure=next((row for row in rows.of(MEASURES, MeasureRow) if row.number == one.measure), None),
        reports=reports_told(one.latest_reports, facts.views()),
        history=versions_told(reversed(versions), Names(rows), visit),
        before=await _beside(request, moment, one, descending=True),
        after=await _beside(request, moment, one, descending=False),
    )


async def _facts(request: Ask, moment: Moment, task: str) -> Facts:
    """All facts about a task, those of its reports included."""
    async with request.reader.pool.acquire() as connection:
        return await events.of_subject(connection, moment.position, TASK.stream(task), TASK.below(task))


async def _beside(request: Ask, moment: Moment, task: TaskView, *, descending: bool) -> NumberedTask | None:
    """The task before this one, or after it."""
    place = (task.number, int(task.id.rpartition("/")[2]))
    next_ = Keyset(("number", "ordinal"), descending, place, 1)
    rows = await request.reader.read(moment, (page_of(wanted(TASKS, plan=task.plan), next_),))
    found = rows.of(TASKS, NumberedTask)
    return found[0] if found else None
