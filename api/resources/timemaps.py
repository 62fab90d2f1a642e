"""The moments at which each resource changed, for those who browse it through time (RFC 7089)."""

from litestar import get
from litestar.openapi.datastructures import ResponseSpec

from api.http.answers import Answer, made
from api.http.asking import Clocks, asked, clocks
from api.http.documented import READ
from api.http.documented import answers as documented
from api.http.mementos import MEDIA_TYPE, mementos, timemap
from api.http.paths import Code, PlanKey, PlatformKey, TaskNumber, UnitKey
from api.http.question import Ask
from api.services.reader import Subject
from projections.views.districts import DISTRICTS
from projections.views.names import PLANS, PLATFORMS, UNITS
from projections.views.tasks import TASKS

SHAPE = documented(str) | {
    200: ResponseSpec(
        str, media_type=MEDIA_TYPE, generate_examples=False, description="Links, the oldest memento first."
    )
}


async def _timemap(request: Ask, subject: Subject) -> Answer:
    query = request.question.parameters
    moment = await request.reader.moment(clocks(asked(query, Clocks)))
    found = await mementos(request.reader, subject, moment)
    body = timemap(request.question.path.removesuffix("/timemap"), subject, found)
    return made(request, body, moment, MEDIA_TYPE, explicit_day="effectiveOn" in query)


@get("/v1/plans/{plan:str}/timemap", operation_class=READ, responses=SHAPE, tags=["history"])
async def plan_timemap(request: Ask, plan: PlanKey) -> Answer:
    """The moments at which a plan changed, each with its address as it was then."""
    return await _timemap(request, Subject("plan", PLANS, plan))


@get("/v1/plans/{plan:str}/tasks/{key:int}/timemap", operation_class=READ, responses=SHAPE, tags=["history"])
async def task_timemap(request: Ask, plan: PlanKey, key: TaskNumber) -> Answer:
    """The moments at which a task or the reports on it changed, each with its address as it was then."""
    return await _timemap(request, Subject("task", TASKS, f"{plan}/{key}"))


@get("/v1/units/{unit:str}/timemap", operation_class=READ, responses=SHAPE, tags=["history"])
async def unit_timemap(request: Ask, unit: UnitKey) -> Answer:
    """The moments at which a unit changed, each with its address as it was then."""
    return await _timemap(request, Subject("unit", UNITS, unit))


@get("/v1/districts/{code:str}/timemap", operation_class=READ, responses=SHAPE, tags=["history"])
async def district_timemap(request: Ask, code: Code) -> Answer:
    """The moments at which a district changed, each with its address as it was then."""
    return await _timemap(request, Subject("district", DISTRICTS, code))


@get("/v1/platforms/{platform:str}/timemap", operation_class=READ, responses=SHAPE, tags=["history"])
async def platform_timemap(request: Ask, platform: PlatformKey) -> Answer:
    """The moments at which a platform changed, each with its address as it was then."""
    return await _timemap(request, Subject("platform", PLATFORMS, platform))
