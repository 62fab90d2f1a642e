"""Lists over HTTP: filters, sorting, pages that follow one another at one moment, and three forms."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from api.http.answers import JSON, Answer, made
from api.http.asking import Clocks, Paging, Sheet, clocks, known, parameters_of, part_of
from api.http.cursors import meant, parse_cursor, print_cursor, started
from api.http.formats import MEDIA_TYPES, Format, Printer
from api.http.question import Ask
from api.services.problems import Fault, Trouble
from projections.as_of import Meta, Moment, Rows
from projections.lists import EVERYTHING, Collection, Excerpt, Page, page, with_json
from projections.views import events
from projections.views.subjects import Subject
from projections.views.texts import erasable
from projections.wanted import Wanted

V = TypeVar("V", bound=msgspec.Struct)
Pages = AsyncGenerator[Page[Any]]
ITEMS_AT_ONCE: Final = 200  # items that are read, and printed, at a time where a list is given whole


class ListBody(msgspec.Struct, Generic[V], frozen=True):
    """A list: its items, the address of the next page or null, and the moment it was read at."""

    items: tuple[V, ...]
    next: str | None
    meta: Meta


class Wish(NamedTuple):
    """Which page of a list is asked for, at which moment, and what the list is filtered by.

    The moment's root may still be missing.
    """

    query: Mapping[str, str]
    given: Any
    moment: Moment
    excerpt: Excerpt
    clocks: str


async def wish(request: Ask, collection: Collection[Any, Any], scope: str = "") -> Wish:
    """What is asked of a list."""
    query = request.question.parameters
    known(query, collection.filter, Paging, Sheet, Clocks)
    given, paging = part_of(query, collection.filter), part_of(query, Paging)
    cursor = None if paging.cursor is None else parse_cursor(collection, scope, given, paging.cursor)
    start = started(clocks(part_of(query, Clocks)), cursor)
    moment = await meant(request.reader, start.asked, start.resent)
    await request.reader.check_named(given, moment, scope)
    limit = paging.limit
    if request.question.whole:  # of what is read page by page, page by page
        limit = ITEMS_AT_ONCE if collection.paged else EVERYTHING
    return Wish(query, given, moment, Excerpt(limit, start.place), start.clocks)


async def listing(
    request: Ask, collection: Collection[Any, Any], *, scope: str = "", within: Subject[Any] | None = None
) -> Answer:
    """A page of a list; a problem if the subject `within` which it lies, whose key is the scope, is not there."""
    asked = await wish(request, collection, scope)
    found = await _told(request, collection, await _found(request, collection, asked, scope, within))
    asked = asked._replace(moment=await request.reader.rooted(asked.moment))
    rest = _rest(request, collection, asked, scope, found) if request.question.whole and found.more else None
    return sent(request, collection, asked, found, scope, rest)


async def _told(request: Ask, collection: Collection[Any, Any], found: Page[Any]) -> Page[Any]:
    """A page with what only the log says of its items."""
    if not collection.told:
        return found
    async with request.reader.pool.acquire() as connection:
        facts = await events.said_at(connection, [one.view.event for one in found.shown])
    return collection.told(found, facts)


async def _rest(request: Ask, collection: Collection[Any, Any], asked: Wish, scope: str, found: Page[Any]) -> Pages:
    """The pages behind a page, all at its moment."""
    while found.more:
        place = collection.place(found.shown[-1].view, asked.given)
        part = asked._replace(excerpt=asked.excerpt._replace(place=place))
        found = await _told(request, collection, await _found(request, collection, part, scope, None))
        yield found


async def _found(
    request: Ask, collection: Collection[Any, Any], asked: Wish, scope: str, within: Subject[Any] | None
) -> Page[Any]:
    """The page asked for; a problem if the subject `within` which it lies is not there."""
    moment, counting = asked.moment, collection.counting
    ahead = counting.ahead(scope) if counting else ()

    async def fetch(wanted: Sequence[Wanted]) -> Rows:
        return await request.reader.read(moment, tuple(dict.fromkeys((*wanted, *ahead))) if ahead else wanted)

    found = await page(fetch, collection, scope, asked.given, moment, asked.excerpt)
    if within and not found.rows.any(within.table):
        raise await request.reader.absent(within, scope, moment)
    if counting and found.shown:
        views = [one.view for one in found.shown]
        counted = await request.reader.counted(counting, views, found.rows, moment, scope)
        found = found._replace(shown=with_json(counted))
    return found


def sent(  # noqa: PLR0913, PLR0917 - a page of a list, what was asked of it, and what follows
    request: Ask,
    collection: Collection[Any, Any],
    asked: Wish,
    found: Page[Any],
    scope: str = "",
    rest: Pages | None = None,
) -> Answer:
    """The page, which names the one that follows, or is followed by the `rest`."""
    following = None
    if found.more and not request.question.whole:
        place = collection.place(found.shown[-1].view, asked.given)
        following = _next(
            request, asked.query, print_cursor(collection, scope, asked.given, asked.moment, place, asked.clocks)
        )
    moment, query = asked.moment, asked.query
    meta = request.reader.meta(moment, request.question.address, query)
    explicit = "effectiveOn" in query or "cursor" in query  # a cursor pins both clocks
    return answer(request, collection.view, found, following, meta, moment, explicit_day=explicit, rest=rest)


def _next(request: Ask, query: Mapping[str, str], cursor: str) -> str:
    rest = {name: value for name, value in query.items() if name not in parameters_of(Clocks)}
    return f"{request.question.address}?{urlencode({**rest, 'cursor': cursor})}"


class Self(Protocol):
    """What an answer resolved to, with its own address."""

    @property
    def self_(self) -> str:
        """Its address with every clock pinned."""
        ...


def answer(  # noqa: PLR0913, PLR0917 - a page, and what its form, its links and its headers are made from
    request: Ask,
    view: type[msgspec.Struct],
    found: Page[Any],
    following: str | None,
    meta: Self,
    moment: Moment,
    *,
    explicit_day: bool,
    rest: Pages | None = None,
) -> Answer:
    """The page in the form asked for, and the `rest` of the list; its links stand in the header too (RFC 8288)."""
    form, excel = request.question.form, for_a_spreadsheet(request)
    printer = Printer(form, view, excel=excel)
    end = printer.end(msgspec.json.encode(following), msgspec.json.encode(meta))
    links = {"canonical": meta.self_} | ({"next": following} if following else {})
    shown = [one.json for one in found.shown]
    body = b"" if request.question.whole else printer.part(shown) + end
    media_type = MEDIA_TYPES[form] if form != Format.JSON else JSON
    made_ = made(request, body, moment, media_type, explicit_day=explicit_day, erasable=erasable(view), links=links)
    if excel:
        made_.headers["Content-Disposition"] = f'attachment; filename="{_file_name(request, moment)}"'
    if request.question.suffix is not None and not (request.question.whole and found.more):
        made_.headers["Items"] = str(len(shown))  # of what is longer it is known at its end
    if request.question.whole:
        made_.parts = _printed(printer, shown, rest, end)
    return made_


def for_a_spreadsheet(request: Ask) -> bool:
    """Whether a table for a spreadsheet is asked for; Trouble where what is asked for is no table."""
    excel = part_of(request.question.parameters, Sheet).excel
    if excel and request.question.form != Format.CSV:
        detail = "a spreadsheet takes a table: ask with the suffix .csv"
        raise Trouble(400, "bad_parameter", detail, [Fault("excel", detail)])
    return excel


async def _printed(printer: Printer, shown: Sequence[bytes], rest: Pages | None, end: bytes) -> AsyncGenerator[bytes]:
    """A whole list in parts, each of which is a step of the event loop."""
    for one in _steps(shown) or [shown]:
        yield printer.part(one)
    if rest is not None:
        async for page_ in rest:
            for one in _steps([one.json for one in page_.shown]):
                yield printer.part(one)
    yield end


def _steps(documents: Sequence[bytes]) -> list[Sequence[bytes]]:
    return [documents[begin : begin + ITEMS_AT_ONCE] for begin in range(0, len(documents), ITEMS_AT_ONCE)]


def _file_name(request: Ask, moment: Moment) -> str:
    """What the table is of, and the position at which it was read."""
    about = re.sub(r"[^A-Za-z0-9]+", "-", request.question.path.removeprefix("/v1/"))
    return f"{about}-{moment.position}.csv"
