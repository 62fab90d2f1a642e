"""The log's facts, as an agency follows them for years."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlencode

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import ONCE, Answer, noticed, ok
from api.http.asking import LIMIT, Clocks, Sheet, asked, clocks, known, part_of
from api.http.clients import unless_gone
from api.http.documented import READ, operation
from api.http.documented import answers as documented
from api.http.following import GoingOn, come_so_far, with_after
from api.http.lists import ITEMS_AT_ONCE, ListBody, Pages, answer, for_a_spreadsheet
from api.http.paths import At
from api.http.question import CLOUDEVENTS, Ask
from api.resources.cloudevents import batch
from api.services.following import check_history
from api.services.problems import Fault, Trouble
from api.services.reader import Reader
from projections.as_of import AsOf, Moment
from projections.lists import EMPTY_ROWS, Page, with_json
from projections.views import events
from projections.views.events import EventFilter, EventView, LogPage


class Following(GoingOn, frozen=True, kw_only=True, rename="camel"):
    """Where in the log the facts begin, how many are given, and how long is waited for one."""

    wait_seconds: Annotated[
        Annotated[int, Meta(ge=0, le=60)] | None,
        Meta(
            description="Where there is nothing yet, wait so long for it, then answer an empty list. Not beside a "
            "position or asOf.",
            examples=[0],
        ),
    ] = None
    limit: Annotated[int, Meta(ge=1, le=200, description=LIMIT, examples=[100])] = 100


_OWN: Final = ("expect", "waitSeconds")  # of this very request: no part of what is answered


@get(
    "/v1/events",
    operation_class=operation(Clocks, Following, Sheet, EventFilter),
    responses=documented(ListBody[EventView], 409),
    tags=["events"],
)
async def event_list(request: Ask) -> Answer:
    """The log's facts in order, as it was at the moment asked for. `next` is null when there are no more."""
    query = request.question.parameters
    known(query, Clocks, Following, Sheet, EventFilter)
    query = await with_after(request.reader, query)
    about, following = part_of(query, EventFilter), part_of(query, Following)
    if request.question.whole:
        following = msgspec.structs.replace(following, limit=ITEMS_AT_ONCE)
    asked = clocks(part_of(query, Clocks))
    _check_wait(following, asked)
    await come_so_far(request, following.after, following.wait_seconds)
    moment = await request.reader.moment(asked)
    await request.reader.check_named(about, moment)
    await check_history(request.reader, following.after, following.expect)
    found = await _page(request.reader, about, following, moment)
    if not found.shown and following.wait_seconds:
        waited = _grown(request.reader, about, following, asked, moment)
        moment, found = await unless_gone(request.receive, waited)
    made = _told(request, query, found, moment, _rest(request.reader, about, following, moment, found))
    if request.question.waits and not found.shown:
        made.stays = ONCE  # whoever asks again wants to wait again
    return made if moment.pinned else noticed(request, made)


def _told(request: Ask, query: Mapping[str, str], found: Page[EventView], moment: Moment, rest: Pages) -> Answer:
    """The page in the form asked for; the `rest` follows where the list is asked for whole."""
    whole, own = request.question.whole, {name: value for name, value in query.items() if name not in _OWN}
    next_ = None
    if found.more and not whole:
        next_ = f"{request.question.address}?{urlencode({**own, 'after': str(found.shown[-1].view.position)})}"
    meta = request.reader.meta(moment, request.question.address, own)
    explicit_day = "effectiveOn" in query
    if request.question.result == CLOUDEVENTS:
        for_a_spreadsheet(request)
        return batch(request, found, next_, meta, moment, explicit_day=explicit_day)
    pages = rest if whole else None
    return answer(request, EventView, found, next_, meta, moment, explicit_day=explicit_day, rest=pages)


def _check_wait(following: Following, asked: AsOf) -> None:
    """Trouble for who would wait for the past to change."""
    if following.wait_seconds and (asked.as_of is not None or asked.position is not None):
        detail = "what the log held at a position or an asOf never grows: leave waitSeconds out, or the clock"
        raise Trouble(400, "bad_parameter", detail, [Fault("waitSeconds", detail)])


async def _grown(
    reader: Reader, about: EventFilter, following: Following, asked: AsOf, moment: Moment
) -> tuple[Moment, Page[EventView]]:
    """The first facts that come within the time, and the moment that they are read at; none if none come."""
    loop = asyncio.get_running_loop()
    end = loop.time() + (following.wait_seconds or 0)
    found = Page[EventView]((), more=False, rows=EMPTY_ROWS)
    grown = True
    with reader.waiting():
        while not found.shown and grown:
            grown = await reader.head.grow(moment.position, end - loop.time())
            unseen = msgspec.structs.replace(following, after=max(following.after, moment.position))
            before, moment = moment, await reader.moment(asked)  # also where none came: another day may have begun
            if moment.position > before.position:
                found = await _page(reader, about, unseen, moment)
    return moment, found


async def _rest(
    reader: Reader, about: EventFilter, following: Following, moment: Moment, found: Page[EventView]
) -> Pages:
    """The pages behind a page, all at its moment."""
    while found.more:
        behind = msgspec.structs.replace(following, after=found.shown[-1].view.position)
        found = await _page(reader, about, behind, moment)
        yield found


async def _page(reader: Reader, about: EventFilter, following: Following, moment: Moment) -> Page[EventView]:
    wanted = LogPage(**msgspec.structs.asdict(about), after=following.after, limit=following.limit + 1)
    async with reader.slices.acquire() as connection:  # its statements are planned once, and read no table as a whole
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
