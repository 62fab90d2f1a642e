"""How each subject came to be what it is: its versions on both clocks."""

import msgspec
from litestar import get

from api.http.answers import Answer
from api.http.documented import answers as documented
from api.http.documented import list_operation
from api.http.lists import Listing, sent, wish
from api.http.paths import Code, PlanKey, PlatformKey, TaskNumber, UnitKey
from api.http.question import Ask
from api.services.reader import Subject
from events.steps import in_steps
from projections.lists import Shown, cut
from projections.views import events, history
from projections.views.districts import DISTRICTS
from projections.views.history import HISTORY, Version
from projections.views.names import PLANS, PLATFORMS, UNITS
from projections.views.tasks import TASKS

OPERATION = list_operation(HISTORY)
SHAPE = documented(Listing[Version])


async def _history(request: Ask, subject: Subject, below: str | None = None) -> Answer:
    """The versions of a subject's stream, and of the streams whose names begin with `below`."""
    stream = f"{subject.kind}:{subject.key}"
    asked = await wish(request, HISTORY, stream)
    async with request.reader.pool.acquire() as connection:
        found = await events.of_subject(connection, asked.moment.position, stream, below or f"{stream}/")
    if not found.recorded:
        raise await request.reader.absent(subject, asked.moment)
    versions = in_steps(history.versions(found, asked.after, asked.limit + 1))
    shown = [Shown(one, msgspec.json.encode(one)) async for one in versions]
    page = cut(HISTORY, asked.given, shown, asked.after, asked.limit)
    return sent(request, HISTORY, asked, page, stream, erasable=True)


@get("/v1/plans/{plan:str}/history", operation_class=OPERATION, responses=SHAPE, tags=["history"])
async def plan_history(request: Ask, plan: PlanKey) -> Answer:
    """A plan's versions on both clocks, each with the fact that made it and what changed."""
    return await _history(request, Subject("plan", PLANS, plan))


@get("/v1/plans/{plan:str}/tasks/{key:int}/history", operation_class=OPERATION, responses=SHAPE, tags=["history"])
async def task_history(request: Ask, plan: PlanKey, key: TaskNumber) -> Answer:
    """A task's versions on both clocks and those of its reports, each with the fact that made it and what changed."""
    return await _history(request, Subject("task", TASKS, f"{plan}/{key}"), f"report:{plan}/{key}/")


@get("/v1/units/{unit:str}/history", operation_class=OPERATION, responses=SHAPE, tags=["history"])
async def unit_history(request: Ask, unit: UnitKey) -> Answer:
    """A unit's versions on both clocks, each with the fact that made it and what changed."""
    return await _history(request, Subject("unit", UNITS, unit))


@get("/v1/districts/{code:str}/history", operation_class=OPERATION, responses=SHAPE, tags=["history"])
async def district_history(request: Ask, code: Code) -> Answer:
    """A district's versions on both clocks, each with the fact that made it and what changed."""
    return await _history(request, Subject("district", DISTRICTS, code))


@get("/v1/platforms/{platform:str}/history", operation_class=OPERATION, responses=SHAPE, tags=["history"])
async def platform_history(request: Ask, platform: PlatformKey) -> Answer:
    """A platform's versions on both clocks, each with the fact that made it and what changed."""
    return await _history(request, Subject("platform", PLATFORMS, platform))
