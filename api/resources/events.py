"""The log's facts, and how each subject came to be what it is."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from msgspec import Meta

from api.answers import Ask, ok, reader
from api.asking import Clocks, asked, clocks, query_of
from api.documented import READ, operation
from api.documented import answers as documented
from api.lists import Listing
from api.paths import At, Code, PlanKey, TaskNumber, UnitKey
from api.reader import Subject
from projections.views import events, history
from projections.views.districts import DISTRICTS
from projections.views.events import EventView, Page
from projections.views.history import History
from projections.views.names import PLANS, UNITS
from projections.views.tasks import TASKS


class EventQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which events: after a position, of one stream, of one type."""

    after: Annotated[int, Meta(ge=0, lt=2**53, description="Only facts at higher positions.", examples=[0])] = 0
    limit: Annotated[int, Meta(ge=1, le=200, description="At most so many.", examples=[100])] = 100
    stream: Annotated[str | None, Meta(description="Only this stream.", examples=["task:shanghai-credit-2023/21"])] = (
        None
    )
    type: Annotated[str | None, Meta(description="Only this type.", examples=["progress.reported.v1"])] = None


@get("/v1/events", operation_class=operation(EventQuery), responses=documented(Listing[EventView]), tags=["events"])
async def event_list(request: Ask) -> Response[bytes]:
    """The log's facts in order, as it was at the moment asked for. `next` is null when there are no more."""
    query = query_of(request)
    given = asked(query, EventQuery)
    moment = await reader(request).moment(clocks(given))
    async with reader(request).pool.acquire() as connection:
        page = Page(given.after, given.limit + 1, given.stream, given.type)
        found = await events.page(connection, moment.position, page)
    views = found.views()
    following = None
    if len(views) > given.limit:
        views = views[: given.limit]
        rest = {**query, "after": str(views[-1].position)}
        following = f"/v1/events?{urlencode(rest)}"
    meta = reader(request).meta(moment, "/v1/events", query)
    return ok(request, Listing(tuple(views), following, meta), moment, query, erasable=True)


@get("/v1/events/{position:int}", operation_class=READ, responses=documented(EventView), tags=["events"])
async def one_event(request: Ask, position: At) -> Response[bytes]:
    """One fact in its envelope."""
    query = query_of(request)
    moment = await reader(request).moment(clocks(asked(query, Clocks)))
    async with reader(request).pool.acquire() as connection:
        found = await events.at(connection, [position] if 1 <= position <= moment.position else [])
    if not found.recorded:
        raise reader(request).beyond(position, moment)
    meta = reader(request).meta(moment, request.url.path, query)
    return ok(request, msgspec.structs.replace(found.views()[0], meta=meta), moment, query, erasable=True)


async def _history(request: Ask, subject: Subject, below: str) -> Response[bytes]:
    """The versions of a subject's stream, and of the streams below it."""
    query = query_of(request)
    moment = await reader(request).moment(clocks(asked(query, Clocks)))
    async with reader(request).pool.acquire() as connection:
        found = await events.of_subject(connection, moment.position, f"{subject.kind}:{subject.key}", below)
    if not found.recorded:
        raise await reader(request).absent(subject, moment)
    meta = reader(request).meta(moment, request.url.path, query)
    return ok(request, History(history.of(found), None, meta), moment, query, erasable=True)


@get("/v1/plans/{plan:str}/history", operation_class=READ, responses=documented(History), tags=["history"])
async def plan_history(request: Ask, plan: PlanKey) -> Response[bytes]:
    """A plan's versions on both clocks, each with the fact that made it and what changed."""
    return await _history(request, Subject("plan", PLANS, plan), f"plan:{plan}/")


@get(
    "/v1/plans/{plan:str}/tasks/{key:int}/history",
    operation_class=READ,
    responses=documented(History),
    tags=["history"],
)
async def task_history(request: Ask, plan: PlanKey, key: TaskNumber) -> Response[bytes]:
    """A task's versions on both clocks and those of its reports, each with the fact that made it and what changed."""
    return await _history(request, Subject("task", TASKS, f"{plan}/{key}"), f"report:{plan}/{key}/")


@get("/v1/units/{unit:str}/history", operation_class=READ, responses=documented(History), tags=["history"])
async def unit_history(request: Ask, unit: UnitKey) -> Response[bytes]:
    """A unit's versions on both clocks, each with the fact that made it and what changed."""
    return await _history(request, Subject("unit", UNITS, unit), f"unit:{unit}/")


@get("/v1/districts/{code:str}/history", operation_class=READ, responses=documented(History), tags=["history"])
async def district_history(request: Ask, code: Code) -> Response[bytes]:
    """A district's versions on both clocks, each with the fact that made it and what changed."""
    return await _history(request, Subject("district", DISTRICTS, code), f"district:{code}/")
