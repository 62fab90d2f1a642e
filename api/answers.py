"""The answers of REST: one view, or a list of them, with its meta and headers."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request, Response
from litestar.datastructures import State

from api.asking import Clocks, asked, clocks, query_of
from api.reader import Reader, Subject
from projections.as_of import Meta, Moment, Rows
from projections.table import Wanted

V = TypeVar("V", bound=msgspec.Struct)
Ask = Request[Any, Any, State]


class Listing(msgspec.Struct, Generic[V], frozen=True):
    """A list: its items, the address of the next page or null, and the moment it was read at."""

    items: Sequence[V]
    next: str | None
    meta: Meta


def reader(request: Ask) -> Reader:
    """The reader that `api/main.py` wired."""
    found: Reader = request.app.state.reader
    return found


Show = Callable[[Rows, Moment], Sequence[V]]


async def one(request: Ask, subject: Subject, wanted: Sequence[Wanted], show: Show[V]) -> Response[bytes]:
    """The one view that is asked for, or the problem that says from when to when it is there."""
    query = query_of(request)
    moment, rows = await reader(request).rows(clocks(asked(query, Clocks)), wanted)
    views = show(rows, moment)
    if not views:
        raise await reader(request).absent(subject, moment)
    meta = reader(request).meta(moment, request.url.path, query)
    return ok(msgspec.structs.replace(views[0], meta=meta), moment)


async def listing(
    request: Ask, wanted: Sequence[Wanted], show: Show[V], *, within: Subject | None = None
) -> Response[bytes]:
    """All the views that are asked for; a problem if the subject `within` which they lie is not there."""
    query = query_of(request)
    moment, rows = await reader(request).rows(clocks(asked(query, Clocks)), wanted)
    if within and not rows.any(within.table):
        raise await reader(request).absent(within, moment)
    meta = reader(request).meta(moment, request.url.path, query)
    return ok(Listing(show(rows, moment), None, meta), moment)


def ok(body: msgspec.Struct, moment: Moment, status: int = 200) -> Response[bytes]:
    """An answer read at a moment."""
    headers = {"Log-Position": str(moment.position), "Cache-Control": "no-cache"}
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=headers)


def only(views: Sequence[V], key: str, name: str = "id") -> Sequence[V]:
    """The view with this key, alone."""
    return [view for view in views if getattr(view, name) == key]
