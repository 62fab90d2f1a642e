"""The pages for those who look through sites by program: sitemaps.org's protocol, an index and its parts.

A part has the pages of what came into the record at 20,000 positions of the log, as far as it is there now: so the
index follows from the log's size alone, and of a part no more is held than a few hundred pages.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import Answer, made
from api.http.asking import asked
from api.http.question import Ask
from api.pages.visit import address, in_language
from api.services.phrases import Lang
from api.services.places import PublicBase
from api.services.problems import Fault, Trouble
from api.services.reader import Reader
from api.services.told import page_path
from domain.fact import subject_of
from domain.values import instant_text
from events.steps import in_steps
from projections.as_of import AsOf, Moment
from projections.views import moments
from projections.views.subjects import SUBJECTS, Kind
from projections.wanted import wanted

PART_WIDTH: Final = 20_000  # positions: each begins one subject at most, which has two addresses; 50,000 are allowed
OF_NO_SUBJECT: Final = ("/", "/units", "/districts", "/changes", "/corrections", "/proof")
_AT_ONCE: Final = 500  # subjects that are looked up at a time
_PROTOCOL: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XML: Final = "application/xml; charset=utf-8"
_DECLARED: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_BEGIN: Final = f'{_DECLARED}<urlset xmlns="{_PROTOCOL}" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'


class SitemapQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the sitemap; its index, where none is named."""

    part: Annotated[Annotated[int, Meta(ge=1, lt=2**46)] | None, Meta(description="The number of a part, from 1.")] = (
        None
    )


class _Named(msgspec.Struct):
    """What a subject is called in its row."""

    id: str = ""
    code: str = ""


@get("/sitemap.xml", include_in_schema=False)
async def sitemap(request: Ask) -> Answer:
    """The index of the parts, or one of them, at the head."""
    part = asked(request.question.parameters, SitemapQuery).part
    moment, base = await request.reader.moment(AsOf()), request.app.state.base
    count = -(-moment.position // PART_WIDTH)
    if part is None:
        return made(request, _index(count, base), moment, _XML, explicit_day=False)
    if part > count:
        detail = f"part {part} begins behind position {(part - 1) * PART_WIDTH}, and the log holds {moment.position}"
        raise Trouble(404, "not_yet", detail, [Fault("part", detail)])
    answer = made(request, b"", moment, _XML, explicit_day=False)
    answer.parts = _part(request.reader, moment, part, base)
    return answer


def _index(count: int, base: PublicBase) -> bytes:
    """Where the parts are: below the same path, so that each may name every page of the site."""
    index = Element("sitemapindex", {"xmlns": _PROTOCOL})
    for part in range(1, count + 1):
        SubElement(SubElement(index, "sitemap"), "loc").text = base.whole(address("/sitemap.xml", {"part": part}))
    return _DECLARED.encode() + tostring(index)


async def _part(reader: Reader, moment: Moment, part: int, base: PublicBase) -> AsyncGenerator[bytes]:
    """The pages of a part with their dates, a few hundred at a time."""
    yield _BEGIN.encode()
    if part == 1:
        yield b"".join(one for path in OF_NO_SUBJECT for one in _entries(path, moment.as_of, base))
    after = (part - 1) * PART_WIDTH
    async with reader.pool.acquire() as connection:
        streams = await moments.founded(connection, after, min(after + PART_WIDTH, moment.position))
    shown = [one for one in streams if page_path(one)]
    for begin in range(0, len(shown), _AT_ONCE):
        there = await _there(reader, moment, shown[begin : begin + _AT_ONCE])
        async with reader.pool.acquire() as connection:
            dates = await moments.last_concerned(connection, moment.position, there)
        yield b"".join([one async for one in in_steps(_all_entries(there, dates, base))])
    yield b"</urlset>\n"


async def _there(reader: Reader, moment: Moment, streams: Sequence[str]) -> list[str]:
    """Those of these subjects that are there at a moment: of the others there is no page now."""
    keys: dict[Kind, list[str]] = {}
    for kind, key in map(subject_of, streams):
        keys.setdefault(Kind(kind), []).append(key)
    tables = {kind: SUBJECTS[kind].table for kind in keys}
    rows = await reader.read(moment, [wanted(tables[kind], key=tuple(own)) for kind, own in keys.items()])
    found = {
        f"{kind}:{named.id or named.code}"
        for kind, table in tables.items()
        for named in (msgspec.json.decode(row, type=_Named) for row in rows.raw(table))
    }
    return [one for one in streams if one in found]


def _all_entries(streams: Iterable[str], dates: Iterable[datetime], base: PublicBase) -> Iterator[bytes]:
    for stream, date in zip(streams, dates, strict=True):
        yield from _entries(page_path(stream) or "", date, base)


def _entries(path: str, date: datetime, base: PublicBase) -> Iterator[bytes]:
    """A page in each language, which names it in all of them."""
    languages = {lang: base.whole(in_language(path, lang)) for lang in Lang}
    for own in languages.values():
        entry = Element("url")
        SubElement(entry, "loc").text = own
        SubElement(entry, "lastmod").text = instant_text(date)
        for lang, other in languages.items():
            SubElement(entry, "xhtml:link", {"rel": "alternate", "hreflang": lang.tag, "href": other})
        yield tostring(entry) + b"\n"
