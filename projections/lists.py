"""Lists of views: filtered, sorted, and read page by page, so that however long a list is, a page costs a page."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from projections.as_of import Moment, Rows
from projections.memory import Memory
from projections.wanted import Wanted

V = TypeVar("V", bound=msgspec.Struct)
F = TypeVar("F", bound=msgspec.Struct)
Place = tuple[Any, ...]  # where a view stands in its list: unique there
Fetch = Callable[[Sequence[Wanted]], Awaitable[Rows]]
LONGEST_READ: Final = 2_000  # rows that are looked through at a time for those that a filter keeps


WholeNumber = Annotated[int, Meta(ge=1, lt=2**53)]
Words = Annotated[str, Meta(min_length=1, max_length=200)]


class Shown(NamedTuple, Generic[V]):
    """A view with its JSON."""

    view: V
    json: bytes


class Collection(msgspec.Struct, Generic[V, F], frozen=True, kw_only=True):
    """How one list is read. `scope` is what it is a list of: a plan's id, a task's, or nothing.

    `wanted(scope, filter, after, limit)` asks for rows in the list's order, where it is `paged` from `after` on and no
    more than `limit`; `shown` puts them together; `keeps` tells what the rows alone could not leave out; `place` says
    where a view stands, as a tuple of the type `places`. `version` is raised when that changes, which retires cursors.
    `told(page, facts)` adds to a page what only the log says, where its items name their facts as `event`.
    """

    name: str
    view: type[V]
    filter: type[F]
    wanted: Callable[[str, F, Place | None, int], Sequence[Wanted]]
    shown: Callable[[Rows, Moment], Sequence[Shown[V]]]
    place: Callable[[V, F], Place]
    places: Callable[[F], Any] = lambda _: tuple[str]
    keeps: Callable[[F, Rows], Callable[[V], bool] | None] = lambda _filter, _rows: None
    descending: Callable[[F], bool] = lambda _: False
    told: Callable[[Any, Any], Any] | None = None
    paged: bool = False
    version: int = 1


EMPTY_ROWS: Final = Rows({}, {}, Memory(0))


class Page(NamedTuple, Generic[V]):
    """A page of a list: its views, whether there are more, and the rows that it was read from first."""

    shown: Sequence[Shown[V]]
    more: bool
    rows: Rows


async def page(  # noqa: PLR0913, PLR0917 - a list, what is asked of it, and where its page lies
    fetch: Fetch, collection: Collection[V, F], scope: str, given: F, moment: Moment, after: Place | None, limit: int
) -> Page[V]:
    """The `limit` views of the list that come after a place."""
    found: list[Shown[V]] = []
    first: Rows | None = None
    size = limit + 1
    while True:
        rows = await fetch(collection.wanted(scope, given, after, size))
        first = first or rows
        shown = collection.shown(rows, moment)
        found += _kept(collection, given, rows, shown, after)
        if len(found) > limit or not collection.paged or len(shown) < size:
            return Page(found[:limit], len(found) > limit, first)
        after = collection.place(shown[-1].view, given)
        size = min(size * 4, LONGEST_READ)


def cut(collection: Collection[V, F], given: F, shown: Sequence[Shown[V]], after: Place | None, limit: int) -> Page[V]:
    """The `limit` of these views, which are the whole list, that come after a place."""
    found = _kept(collection, given, EMPTY_ROWS, shown, after)
    return Page(found[:limit], len(found) > limit, EMPTY_ROWS)


def _kept(
    collection: Collection[V, F], given: F, rows: Rows, shown: Sequence[Shown[V]], after: Place | None
) -> list[Shown[V]]:
    keeps = collection.keeps(given, rows)
    kept = [one for one in shown if keeps(one.view)] if keeps else list(shown)
    if collection.paged:
        return kept
    placed = sorted(((collection.place(one.view, given), one) for one in kept), key=lambda one: one[0])
    if collection.descending(given):
        placed.reverse()
        return [one for place, one in placed if after is None or place < after]
    return [one for place, one in placed if after is None or place > after]


def with_json(views: Sequence[V]) -> list[Shown[V]]:
    """Views with their JSON."""
    return [Shown(view, msgspec.json.encode(view)) for view in views]


class NoFilter(msgspec.Struct, frozen=True):
    """The list is asked for as a whole."""
