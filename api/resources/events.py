"""The log's facts, as an agency follows them for years."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import Answer, ok
from api.http.asking import Clocks, asked, clocks
from api.http.documented import READ, operation
from api.http.documented import answers as documented
from api.http.lists import ListBody, answer
from api.http.paths import At
from api.http.question import Ask
from api.services.problems import Fault, Trouble, echo
from domain.commands import FACTS
from projections.as_of import Moment
from projections.lists import NONE, Page, with_json
from projections.views import events
from projections.views.events import EventView


class EventQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which events: after a position, and what they are about."""

    after: Annotated[
        int,
        Meta(
            ge=0,
            lt=2**53,
            description="Only facts at higher positions. Where `next` is null, go on later after `meta.position`, "
            "which is the header Log-Position too: up to there nothing is left out. If it is lower than what was "
            "asked with, as another process may be milliseconds behind, ask with the same once more.",
            examples=[0],
        ),
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=200, description="At most so many.", examples=[100])] = 100
    type: Annotated[str | None, Meta(description="Only this type.", examples=["progress.reported.v1"])] = None
    stream: Annotated[str | None, Meta(description="Only this stream.", examples=["task:shanghai-credit-2023/21"])] = (
        None
    )
    plan: Annotated[
        str | None,
        Meta(
            description="Only the facts of this plan, of its tasks, and of the reports on them.",
            examples=["shanghai-credit-2023"],
        ),
    ] = None
    unit: Annotated[
        str | None,
        Meta(
            description="Only the facts of this unit or group and those that name it: its reports, what it was "
            "assigned to itself, the groups that it joined or left, the units that it succeeded.",
            examples=["shi-ke-wei"],
        ),
    ] = None
    district: Annotated[
        str | None,
        Meta(
            description="Only the facts of this district and of its units, and those that name one of them.",
            examples=["310115"],
        ),
    ] = None


@get("/v1/events", operation_class=operation(EventQuery), responses=documented(ListBody[EventView]), tags=["events"])
async def event_list(request: Ask) -> Answer:
    """The log's facts in order, as it was at the moment asked for. `next` is null when there are no more."""
    query = request.question.parameters
    given = asked(query, EventQuery)
    _check_type(given.type)
    moment = await request.reader.moment(clocks(given))
    await request.reader.check_named(given, moment)
    found = await _page(request, given, moment)
    following = None
    if found.more:
        rest = {**query, "after": str(found.shown[-1].view.position)}
        following = f"{request.question.address}?{urlencode(rest)}"
    meta = request.reader.meta(moment, request.question.address, query)
    explicit = "effectiveOn" in query
    return answer(request, EventView, found, following, meta, moment, explicit_day=explicit)


def _check_type(type_: str | None) -> None:
    """Trouble for a type that no fact has: who misspells it would wait for ever."""
    if type_ is not None and type_ not in FACTS:
        detail = f"no fact has the type {echo(type_)}; there are {', '.join(sorted(FACTS))}"
        raise Trouble(400, "bad_parameter", detail, [Fault("type", detail)])


async def _page(request: Ask, given: EventQuery, moment: Moment) -> Page[EventView]:
    about = {name: getattr(given, name) for name in ("type", "stream", "plan", "unit", "district")}
    async with request.reader.pool.acquire() as connection:
        wanted = events.LogPage(after=given.after, limit=given.limit + 1, **about)
        found = await events.log_page(connection, moment.position, wanted)
    views = found.views()
    return Page(with_json(views[: given.limit]), len(views) > given.limit, NONE)


@get("/v1/events/{position:int}", operation_class=READ, responses=documented(EventView), tags=["events"])
async def one_event(request: Ask, position: At) -> Answer:
    """One fact in its envelope."""
    query = request.question.parameters
    moment = await request.reader.moment(clocks(asked(query, Clocks)))
    async with request.reader.pool.acquire() as connection:
        found = await events.at(connection, [position] if 1 <= position <= moment.position else [])
    if not found.recorded:
        raise request.reader.beyond(position, moment)
    meta = request.reader.meta(moment, request.question.path, query)
    return ok(request, msgspec.structs.replace(found.views()[0], meta=meta), moment)
