"""Pages that show a list part by part: what one part shows is all that is read for it."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from api.pages.visit import PageQuery, Visit
from projections.as_of import Moment, Rows
from projections.lists import Collection, Excerpt, Words, page, rows_of
from projections.wanted import Wanted

V = TypeVar("V", bound=msgspec.Struct)


class ListQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which part of a list is shown."""

    after: Annotated[Words | None, Meta(description="What lies behind the one with this id.")] = None


Q = TypeVar("Q", bound=ListQuery)


class ListPart(NamedTuple, Generic[V]):
    """A part of a list at a moment, with the rows that were read beside it; `more` leads to the next one, if any."""

    moment: Moment
    rows: Rows
    views: Sequence[V]
    more: str | None


async def list_part(visit: Visit[Q], collection: Collection[V, Any], limit: int, *beside: Wanted) -> ListPart[V]:
    """At most so many of a list that is in the order of ids, from where the visit wants them."""
    given, after = collection.filter(), visit.given.after
    excerpt = Excerpt(limit, (after,) if after else None)
    wants = dict.fromkeys((*rows_of(collection, "", given, excerpt), *beside))
    moment, rows = await visit.rows(tuple(wants))

    async def fetch(further: Sequence[Wanted]) -> Rows:
        return await visit.request.reader.read(moment, further)

    found = await page(fetch, collection, "", given, moment, excerpt, rows)
    views = [one.view for one in found.shown]
    last = str(collection.place(views[-1], given)[0]) if found.more else None
    return ListPart(moment, rows, views, visit.link(visit.path, after=last) if last else None)
