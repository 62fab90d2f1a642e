"""The log's facts, as an agency follows them for years."""

import asyncio
from typing import Annotated, Final
from urllib.parse import urlencode

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import ONCE, Answer, ok
from api.http.asking import LIMIT, Clocks, Sheet, asked, clocks, known, part_of
from api.http.clients import unless_gone
from api.http.documented import READ, operation
from api.http.documented import answers as documented
from api.http.lists import ITEMS_AT_ONCE, ListBody, Pages, answer
from api.http.paths import At
from api.http.question import Ask
from api.services.problems import Fault, Trouble
from api.services.reader import Reader
from projections.as_of import AsOf, Moment
from projections.lists import EMPTY_ROWS, Page, with_json
from projections.views import events
from projections.views.events import EventFilter, EventView, LogPage


class Following(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
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
    expect: Annotated[
        Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None,
        Meta(
            description="The root that the log of the size `after` had, as `meta.root` told it: if it has another one, "
            "409 `another_history`.",
        ),
    ] = None
    wait_seconds: Annotated[
        Annotated[int, Meta(ge=0, le=60)] | None,
        Meta(
            description="Where there is nothing yet, wait so long for it, then answer an empty list. Not beside a "
            "position or asOf.",
            examples=[0],
        ),
    ] = None
    limit: Annotated[int, Meta(ge=1, le=200, description=LIMIT, examples=[100])] = 100


APPEARS_WITHIN: Final = 1  # seconds in which what another process has told should be seen here too
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
    about, following = part_of(query, EventFilter), part_of(query, Following)
    if request.question.whole:
        following = msgspec.structs.replace(following, limit=ITEMS_AT_ONCE)
    asked = clocks(part_of(query, Clocks))
    _check_wait(following, asked)
    await _reach(request, following)
    moment = await request.reader.moment(asked)
    await request.reader.check_named(about, moment)
    await _check_history(request.reader, following)
    found = await _page(request.reader, about, following, moment)
    if not found.shown and following.wait_seconds:
        waited = _grown(request.reader, about, following, asked, moment)
        moment, found = await unless_gone(request.receive, waited)
    next_, rest = None, {name: value for name, value in query.items() if name not in _OWN}
    if found.more and not request.question.whole:
        next_ = f"{request.question.address}?{urlencode({**rest, 'after': str(found.shown[-1].view.position)})}"
    meta = request.reader.meta(moment, request.question.address, rest)
    pages = _rest(request.reader, about, following, moment, found) if request.question.whole else None
    made = answer(request, EventView, found, next_, meta, moment, explicit_day="effectiveOn" in query, rest=pages)
    if request.question.waits and not found.shown:
        made.stays = ONCE  # whoever asks again wants to wait again
    return made


def _check_wait(following: Following, asked: AsOf) -> None:
    """Trouble for who would wait for the past to change."""
    if following.wait_seconds and (asked.as_of is not None or asked.position is not None):
        detail = "what the log held at a position or an asOf never grows: leave waitSeconds out, or the clock"
        raise Trouble(400, "bad_parameter", detail, [Fault("waitSeconds", detail)])


async def _reach(request: Ask, following: Following) -> None:
    """Wait for what another process told of; Trouble if there is no such position, or nobody here can know."""
    reader, after = request.reader, following.after
    if after <= reader.head.size:
        return
    seconds = APPEARS_WITHIN if following.wait_seconds is None else following.wait_seconds
    if not await unless_gone(request.receive, _appears(reader, after, seconds)):
        raise reader.not_visible(after)
    size = reader.head.size
    if after > size:
        detail = (
            f"the log holds {size} facts, and you have {after}: yours are of another log, or this one was restored "
            f"without its last facts; {_COMMON.format(half=size // 2)}"
        )
        raise Trouble(409, "beyond_the_head", detail, [Fault("after", f"is at most {size}")])


async def _appears(reader: Reader, after: int, seconds: float) -> bool:
    """Wait so long for a position; False if nobody here can say whether there is one."""
    with reader.waiting():
        if not await reader.newest():
            return False
        return after <= reader.head.size or await reader.head.grow(after - 1, seconds) or await reader.newest()


_COMMON: Final = (
    "find the last fact that both have: compare the leafHash of /v1/events/{half} with yours, go on with the upper "
    "half if it is the same, else with the lower, then follow from there"
)


async def _check_history(reader: Reader, following: Following) -> None:
    """Trouble if the log of the size `after` is not the one that was expected."""
    after, expected = following.after, following.expect
    if expected is None or expected == (root := await reader.root(after)):
        return
    detail = f"the log of the size {after} has the root {root}: another history than yours; "
    raise Trouble(409, "another_history", detail + _COMMON.format(half=after // 2), [Fault("expect", root)])


async def _grown(
    reader: Reader, about: EventFilter, following: Following, asked: AsOf, moment: Moment
) -> tuple[Moment, Page[EventView]]:
    """The first facts that come within the time, and the moment that they are read at; none if none come."""
    end = asyncio.get_running_loop().time() + (following.wait_seconds or 0)
    found = Page[EventView]((), more=False, rows=EMPTY_ROWS)
    with reader.waiting():
        while not found.shown and (left := end - asyncio.get_running_loop().time()) > 0:
            if not await reader.head.grow(moment.position, left):
                break
            unseen = msgspec.structs.replace(following, after=max(following.after, moment.position))
            moment = await reader.moment(asked)
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
