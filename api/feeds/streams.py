"""The log's facts as they are recorded, over one connection: `/v1/stream` (SSE) and `/v1/stream.ndjson`."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Annotated, Final

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import GOES_ON, Answer, noticed
from api.http.asking import known, part_of
from api.http.clients import unless_gone
from api.http.documented import operation, streamed
from api.http.following import GoingOn, come_so_far, with_after
from api.http.formats import MEDIA_TYPES, Format, one_line
from api.http.question import Ask
from api.services.following import APPEARS_WITHIN, appears, check_history
from api.services.problems import Fault, Trouble
from api.services.tail import LogTail
from projections.as_of import AsOf
from projections.views.events import EventFilter
from projections.views.items import FollowedItem

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"  # some clients take other text for Latin-1
LIFE: Final = 3_600.0  # seconds: then who follows comes again, perhaps to another process
_RETRY: Final = b"retry: 2000\n\n"
LAST_ID: Final = re.compile(r"([0-9a-f]{16}):([0-9]{1,16})")


class Streaming(GoingOn, frozen=True, kw_only=True, rename="camel"):
    """Where a stream begins, and whether it goes on."""

    follow: Annotated[
        bool, Meta(description="Whether it goes on as facts are recorded; false ends it at the head.", examples=[False])
    ] = True


class StandsAt(msgspec.Struct, frozen=True):
    """Where in which log somebody stands, or what is here instead."""

    log: str
    position: int


class Reset(msgspec.Struct, frozen=True):
    """What `event: reset` says: this is not the log that was followed, or it does not reach so far."""

    here: StandsAt
    yours: StandsAt
    detail: str


@get(
    "/v1/stream",
    operation_class=operation(Streaming, EventFilter, suffixes=(Format.NDJSON,)),
    responses=streamed(),
    tags=["stream"],
)
async def stream(request: Ask) -> Answer:
    """The log's facts as they are recorded: server-sent events, or by suffix (.ndjson) a line of JSON for each.

    An item is that of `/v1/events` without `undoneBy`: the fact that undoes it will come. Nothing is left out and
    nothing comes twice, whatever breaks the connection. Where nothing comes for 15 s, a comment, or a blank line.
    """
    query, form = request.question.parameters, request.question.suffix
    known(query, Streaming, EventFilter)
    query = await with_after(request.reader, query)
    about, wish = part_of(query, EventFilter), part_of(query, Streaming)
    moment = await request.reader.moment(AsOf())
    await request.reader.check_named(about, moment)
    if form == Format.NDJSON:
        await come_so_far(request, wish.after)
    else:
        yours = _yours(request, wish)
        wish = msgspec.structs.replace(wish, after=yours.position)
        if reset := await unless_gone(request.receive, _reset(request, yours)):
            return _going_on(request, EVENT_STREAM, _told(reset))
    await check_history(request.reader, wish.after, wish.expect)
    tail: LogTail = request.app.state.tail
    tail.check_room()
    items = tail.follow(about, wish.after, None if wish.follow else max(wish.after, request.reader.head.size))
    if form == Format.NDJSON:
        return _going_on(request, MEDIA_TYPES[Format.NDJSON], _lines(items, goes_on=wish.follow))
    return _going_on(request, EVENT_STREAM, _events(items, tail))


def _yours(request: Ask, wish: Streaming) -> StandsAt:
    """Where the client stands: where its stream broke off, else where it asks to begin."""
    last = request.question.last_event_id
    if last is None:
        return StandsAt(request.reader.head.log, wish.after)
    if not (found := LAST_ID.fullmatch(last)):
        detail = "the header Last-Event-ID is the id of an event of this stream, the log's and its position"
        raise Trouble(400, "bad_header", detail, [Fault("Last-Event-ID", detail)])
    return StandsAt(found[1], int(found[2]))


async def _reset(request: Ask, yours: StandsAt) -> Reset | None:
    """What to tell a client that stands in another log, or behind the head as the primary has it now."""
    reader = request.reader
    if yours.log == reader.head.log:
        if yours.position > reader.head.size and not await appears(reader, yours.position, APPEARS_WITHIN):
            raise reader.not_visible(yours.position)
        if yours.position <= reader.head.size:
            return None
    detail = "this log is not the one that you follow, or it was restored without its last facts: begin anew"
    return Reset(StandsAt(reader.head.log, reader.head.size), yours, detail)


def _going_on(request: Ask, media_type: str, parts: AsyncGenerator[bytes]) -> Answer:
    headers = {
        "Content-Type": media_type,
        "Cache-Control": "no-store",
        "Log-Position": str(request.reader.head.size),
        "X-Accel-Buffering": "no",  # a proxy that gathers would hold back what is new
    }
    answer = Answer(b"", headers, GOES_ON)
    answer.parts = parts
    return noticed(request, answer)


async def _told(reset: Reset) -> AsyncGenerator[bytes]:
    yield _RETRY + b"event: reset\ndata: %b\n\n" % msgspec.json.encode(reset)


async def _lines(items: AsyncGenerator[Sequence[FollowedItem]], *, goes_on: bool) -> AsyncGenerator[bytes]:
    """An item a line; blank lines are no items. The first sends the headers on their way."""
    if goes_on:
        yield b"\n"
    end = _end()
    async with aclosing(items):
        async for some in items:
            yield b"".join(part for one in some for part in (one_line(one.json), b"\n")) or b"\n"
            if goes_on and end < _now():
                return


async def _events(items: AsyncGenerator[Sequence[FollowedItem]], tail: LogTail) -> AsyncGenerator[bytes]:
    """An item an event, whose id names it; the notice whenever it is another."""
    notice, end = tail.head.notice, _end()
    yield _RETRY + (_notice(notice) if notice else b"")
    async with aclosing(items):
        async for some in items:
            told = b"".join(_each(some, tail.head.log.encode()))
            if tail.head.notice != notice:
                notice = tail.head.notice
                told += _notice(notice)
            yield told or b": nothing new\n\n"
            if end < _now():
                return


def _each(items: Sequence[FollowedItem], log: bytes) -> Iterator[bytes]:
    for one in items:
        yield b"id: %b:%d\ndata: %b\n\n" % (log, one.position, one_line(one.json))


def _notice(text: str) -> bytes:
    return b"event: notice\ndata: %b\n\n" % one_line(msgspec.json.encode({"text": text}))


def _end() -> float:
    """When a stream that begins now has lived long enough."""
    return _now() + LIFE


def _now() -> float:
    return asyncio.get_running_loop().time()
