"""Lists over HTTP: filters, sorting, pages that follow one another at one moment, and three forms."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from api.http.answers import JSON, Answer, made
from api.http.asking import Clocks, Paging, clocks, known, parameters_of, part_of
from api.http.cursors import meant, parse_cursor, print_cursor, started
from api.http.formats import MEDIA_TYPES, Format, csv_table, ndjson
from api.http.question import Ask
from projections.as_of import Meta, Moment
from projections.lists import Collection, Excerpt, Page, page
from projections.views import events
from projections.views.subjects import Subject
from projections.views.texts import erasable

V = TypeVar("V", bound=msgspec.Struct)


class ListBody(msgspec.Struct, Generic[V], frozen=True):
    """A list: its items, the address of the next page or null, and the moment it was read at."""

    items: tuple[V, ...]
    next: str | None
    meta: Meta


class Wish(NamedTuple):
    """Which page of a list is asked for, at which moment, and what the list is filtered by."""

    query: Mapping[str, str]
    given: Any
    moment: Moment
    excerpt: Excerpt
    clocks: str


async def wish(request: Ask, collection: Collection[Any, Any], scope: str = "") -> Wish:
    """What is asked of a list."""
    query = request.question.parameters
    known(query, collection.filter, Paging, Clocks)
    given, paging = part_of(query, collection.filter), part_of(query, Paging)
    cursor = None if paging.cursor is None else parse_cursor(collection, scope, given, paging.cursor)
    start = started(clocks(part_of(query, Clocks)), cursor)
    moment = await meant(request.reader, start.asked, start.resent)
    await request.reader.check_named(given, moment, scope)
    return Wish(query, given, moment, Excerpt(paging.limit, start.place), start.clocks)


async def listing(
    request: Ask, collection: Collection[Any, Any], *, scope: str = "", within: Subject[Any] | None = None
) -> Answer:
    """A page of a list; a problem if the subject `within` which it lies, whose key is the scope, is not there."""
    asked = await wish(request, collection, scope)
    found = await _found(request, collection, asked, scope, within)
    if collection.told:
        async with request.reader.pool.acquire() as connection:
            facts = await events.said_at(connection, [one.view.event for one in found.shown])
        found = collection.told(found, facts)
    return sent(request, collection, asked, found, scope)


async def _found(
    request: Ask, collection: Collection[Any, Any], asked: Wish, scope: str, within: Subject[Any] | None
) -> Page[Any]:
    """The page asked for; a problem if the subject `within` which it lies is not there."""
    moment = asked.moment
    found = await page(
        lambda wanted: request.reader.read(moment, wanted),
        collection,
        scope,
        asked.given,
        moment,
        asked.excerpt,
    )
    if within and not found.rows.any(within.table):
        raise await request.reader.absent(within, scope, moment)
    return found


def sent(request: Ask, collection: Collection[Any, Any], asked: Wish, found: Page[Any], scope: str = "") -> Answer:
    """The page, which names the one that follows."""
    following = None
    if found.more:
        place = collection.place(found.shown[-1].view, asked.given)
        following = _next(
            request, asked.query, print_cursor(collection, scope, asked.given, asked.moment, place, asked.clocks)
        )
    moment, query = asked.moment, asked.query
    meta = request.reader.meta(moment, request.question.address, query)
    explicit = "effectiveOn" in query or "cursor" in query  # a cursor pins both clocks
    return answer(request, collection.view, found, following, meta, moment, explicit_day=explicit)


def _next(request: Ask, query: Mapping[str, str], cursor: str) -> str:
    rest = {name: value for name, value in query.items() if name not in parameters_of(Clocks)}
    return f"{request.question.address}?{urlencode({**rest, 'cursor': cursor})}"


def _json(documents: Sequence[bytes], following: bytes, meta: bytes) -> bytes:
    """The list as JSON, put together by one copy of what can be a long text."""
    tail = b'],"next":%b,"meta":%b}' % (following, meta)
    if not documents:
        return b'{"items":[' + tail
    parts = [b'{"items":[', documents[0]]
    for one in documents[1:]:
        parts += (b",", one)
    parts.append(tail)
    return b"".join(parts)


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
) -> Answer:
    """The page in the form asked for; its links stand in the header too (RFC 8288)."""
    form = request.question.form
    documents = [one.json for one in found.shown]
    match form:
        case Format.CSV:
            body = csv_table(view, documents)
        case Format.NDJSON:
            body = ndjson(documents)
        case _:
            body = _json(documents, msgspec.json.encode(following), msgspec.json.encode(meta))
    links = {"canonical": meta.self_} | ({"next": following} if following else {})
    media_type = MEDIA_TYPES[form] if form != Format.JSON else JSON
    return made(request, body, moment, media_type, explicit_day=explicit_day, erasable=erasable(view), links=links)
