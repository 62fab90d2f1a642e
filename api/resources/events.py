"""The log's facts, as an agency follows them for years."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import Answer, ok
from api.http.asking import Clocks, asked, clocks, known, part_of
from api.http.documented import READ, operation
from api.http.documented import answers as documented
from api.http.lists import ListBody, answer
from api.http.paths import At
from api.http.question import Ask
from projections.as_of import Moment
from projections.lists import EMPTY_ROWS, Page, with_json
from projections.views import events
from projections.views.events import EventFilter, EventView, LogPage


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the log the facts begin, and how many are given."""

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


@get(
    "/v1/events",
    operation_class=operation(Clocks, Following, EventFilter),
    responses=documented(ListBody[EventView]),
    tags=["events"],
)
async def event_list(request: Ask) -> Answer:
    """The log's facts in order, as it was at the moment asked for. `next` is null when there are no more."""
    query = request.question.parameters
    known(query, Clocks, Following, EventFilter)
    about, following = part_of(query, EventFilter), part_of(query, Following)
    moment = await request.reader.moment(clocks(part_of(query, Clocks)))
    await request.reader.check_named(about, moment)
    found = await _page(request, about, following, moment)
    next_ = None
    if found.more:
        rest = {**query, "after": str(found.shown[-1].view.position)}
        next_ = f"{request.question.address}?{urlencode(rest)}"
    meta = request.reader.meta(moment, request.question.address, query)
    explicit = "effectiveOn" in query
    return answer(request, EventView, found, next_, meta, moment, explicit_day=explicit)


async def _page(request: Ask, about: EventFilter, following: Following, moment: Moment) -> Page[EventView]:
    wanted = LogPage(**msgspec.structs.asdict(about), after=following.after, limit=following.limit + 1)
    async with request.reader.pool.acquire() as connection:
        views = await events.log_page(connection, moment.position, wanted)
    return Page(with_json(views[: following.limit]), len(views) > following.limit, EMPTY_ROWS)


@get("/v1/events/{position:int}", operation_class=READ, responses=documented(EventView), tags=["events"])
async def one_event(request: Ask, position: At) -> Answer:
    """One fact in its envelope."""
    query = request.question.parameters
    moment = await request.reader.moment(clocks(asked(query, Clocks)))
    async with request.reader.pool.acquire() as connection:
        found = await events.at(connection, [position] if 1 <= position <= moment.position else [], moment.position)
    if not found:
        raise request.reader.beyond(position, moment)
    meta = request.reader.meta(moment, request.question.path, query)
    return ok(request, msgspec.structs.replace(found[0], meta=meta), moment)
