"""Lists of views: filtered, sorted, and read page by page, so that however long a list is, a page costs a page."""

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from projections.as_of import Moment, Rows
from projections.memory import Memory
from projections.wanted import Wanted, turned

V = TypeVar("V", bound=msgspec.Struct)
F = TypeVar("F", bound=msgspec.Struct)
T = TypeVar("T")
Place = tuple[Any, ...]  # where a view stands in its list: unique there
Fetch = Callable[[Sequence[Wanted]], Awaitable[Rows]]
EVERYTHING: Final = 2**31  # more than any list holds
LONGEST_READ: Final = 2_000  # rows that are looked through at a time for those that a filter keeps


WholeNumber = Annotated[int, Meta(ge=1, lt=2**53)]
Words = Annotated[str, Meta(min_length=1, max_length=200)]


class Shown(NamedTuple, Generic[V]):
    """A view with its JSON; `name` is by what it is remembered, if it is: all that it is put together from."""

    view: V
    json: bytes
    name: bytes = b""


class Counting(NamedTuple):
    """How the views of a page are given counts of their tasks, once it is cut.

    What is read for that is known `ahead` by what the list is of, or else `beside` the views; `counts(view, tally)` are
    those of one view, where `tally(rows, on)` is the same for all of them, and `counted` is the view with them.
    """

    ahead: Callable[[str], Sequence[Wanted]]
    beside: Callable[[Sequence[Any]], Sequence[Wanted]]
    tally: Callable[[Rows, date], Any]
    counts: Callable[[Any, Any], Any]
    counted: Callable[[Any, Any], Any]


class Collection(msgspec.Struct, Generic[V, F], frozen=True, kw_only=True):
    """How one list is read. `scope` is what it is a list of: a plan's id, a task's, or nothing.

    `wanted(scope, filter, after, limit)` asks for rows in the list's order, where it is `paged` from `after` on and no
    more than `limit`; `shown` puts them together; `keeps` tells what the rows alone could not leave out; `place` says
    where a view stands, as a tuple of the type `places`. `version` is raised when that changes, which retires cursors.
    `besides(rows)` is what is read once these rows tell which it is.
    `told(page, facts)` adds to a page what only the log says, where its items name their facts as `event`; `counting`
    adds counts of tasks.
    """

    name: str
    view: type[V]
    filter: type[F]
    wanted: Callable[[str, F, Place | None, int], Sequence[Wanted]]
    shown: Callable[[Rows, Moment], Sequence[Shown[V]]]
    place: Callable[[V, F], Place]
    places: Callable[[F], Any] = lambda _: tuple[str]
    keeps: Callable[[F, Rows, date], Callable[[V], bool] | None] = lambda _filter, _rows, _on: None
    descending: Callable[[F], bool] = lambda _: False
    besides: Callable[[Rows], Sequence[Wanted]] | None = None
    told: Callable[[Any, Any], Any] | None = None
    counting: Counting | None = None
    paged: bool = False
    version: int = 1


EMPTY_ROWS: Final = Rows({}, {}, Memory(0))


class Excerpt(NamedTuple):
    """Which page of a list: at most `limit` views behind a place or, `backwards`, before it, the nearest ones.

    Without a place they are the list's first, or its last.
    """

    limit: int
    place: Place | None = None
    backwards: bool = False

    @property
    def wider(self) -> "Excerpt":
        """The same with one view more, which tells whether the list goes on."""
        return self._replace(limit=self.limit + 1)


class Page(NamedTuple, Generic[V]):
    """A page of a list, in its order: its views, whether it goes on that way, and the rows it was read from first."""

    shown: Sequence[Shown[V]]
    more: bool
    rows: Rows


def rows_of(collection: Collection[V, F], scope: str, given: F, excerpt: Excerpt) -> Sequence[Wanted]:
    """The rows that a page is first read from: one more than it has, which tells whether it goes on."""
    rows = collection.wanted(scope, given, excerpt.place, excerpt.limit + 1)
    return [turned(one) for one in rows] if excerpt.backwards else rows


async def page(  # noqa: PLR0913, PLR0917 - a list, what is asked of it, and which page
    fetch: Fetch,
    collection: Collection[V, F],
    scope: str,
    given: F,
    moment: Moment,
    excerpt: Excerpt,
    ready: Rows | None = None,
) -> Page[V]:
    """A page of a list; `ready` are the `rows_of` it, where they were read before."""
    found: list[Shown[V]] = []
    first: Rows | None = None
    part = excerpt
    while True:
        rows = await fetch(rows_of(collection, scope, given, part)) if ready is None else ready
        if collection.besides:
            rows = rows.with_rows(await fetch(collection.besides(rows)))
        ready, first = None, first or rows
        shown = collection.shown(rows, moment)
        found += _kept(collection, given, rows, moment.effective_on, shown)
        if not collection.paged:
            return _cut(collection, given, found, excerpt, first)
        if len(found) > excerpt.limit or len(shown) <= part.limit:
            views = found[: excerpt.limit]
            return Page(views[::-1] if excerpt.backwards else views, len(found) > excerpt.limit, first)
        limit = min((part.limit + 1) * 4, LONGEST_READ) - 1
        part = Excerpt(limit, collection.place(shown[-1].view, given), excerpt.backwards)


def cut(
    items: Sequence[T], excerpt: Excerpt, place: Callable[[T], Place], *, descending: bool = False
) -> tuple[Sequence[T], bool]:
    """A page of a whole list that is in its order, and whether it goes on that way; `place` says where one stands."""
    count = len(items)
    before, behind = count, 0  # as many stand before the place, and as many not behind it
    if excerpt.place is not None:
        rising = items[::-1] if descending else items
        before, behind = (find(rising, excerpt.place, key=place) for find in (bisect_left, bisect_right))
        before, behind = (count - behind, count - before) if descending else (before, behind)
    if excerpt.backwards:
        return items[max(before - excerpt.limit, 0) : before], before > excerpt.limit
    return items[behind : behind + excerpt.limit], count - behind > excerpt.limit


def _kept(
    collection: Collection[V, F], given: F, rows: Rows, on: date, shown: Sequence[Shown[V]]
) -> Sequence[Shown[V]]:
    keeps = collection.keeps(given, rows, on)
    return [one for one in shown if keeps(one.view)] if keeps else shown


def _cut(collection: Collection[V, F], given: F, shown: Sequence[Shown[V]], excerpt: Excerpt, rows: Rows) -> Page[V]:
    """A page of these views, which are the whole list in any order."""

    def place(one: Shown[V]) -> Place:
        return collection.place(one.view, given)

    down = collection.descending(given)
    return Page(*cut(sorted(shown, key=place, reverse=down), excerpt, place, descending=down), rows)


def with_json(views: Sequence[V]) -> list[Shown[V]]:
    """Views with their JSON."""
    return [Shown(view, msgspec.json.encode(view)) for view in views]


class NoFilter(msgspec.Struct, frozen=True):
    """The list is asked for as a whole."""
