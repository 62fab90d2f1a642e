"""Relay connections: which page of a list is asked for, forwards or backwards, and what it is answered."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from keyword import iskeyword
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import strawberry
from strawberry.types import Info
from strawberry.utils.str_converters import to_snake_case

from api.graphql.world import Here
from api.http.cursors import Cursor, decoded_cursor, place_in, print_cursor
from api.services.problems import Fault, Trouble
from projections.as_of import Meta
from projections.lists import Collection, Excerpt, cut

Values = Mapping[str, Any]  # arguments by their names in GraphQL, as graphql-core coerces them
REQUIRED: Final = object()
USUAL_PAGE: Final = 100
LONGEST_PAGE: Final = 200  # the same limit as REST


class Argument(NamedTuple):
    """An argument of a field; `of`: it is the id of a thing of this kind."""

    name: str
    type: Any
    description: str
    default: Any = None
    of: str = ""


PAGING: Final = (
    Argument("first", int | None, "Items on a page, 0 to 200; none: 100. Not beside last or before."),
    Argument("after", str | None, "The endCursor of the page before; it pins both clocks. Not beside last or before."),
    Argument("last", int | None, "Items on a page that is read from the list's end or from `before`, 0 to 200; the "
             "items stay in their order. Not beside first or after."),
    Argument("before", str | None, "The startCursor of the page behind; it pins both clocks. Not beside first or "
             "after."),
)  # fmt: skip


def taking(arguments: Sequence[Argument], resolve: Callable[..., Any]) -> Callable[..., Any]:
    """A resolver of a value, its place and these arguments, which strawberry reads off its signature."""
    kinds = inspect.Parameter
    given = [kinds("root", kinds.POSITIONAL_OR_KEYWORD, annotation=Any)]
    given.append(kinds("info", kinds.POSITIONAL_OR_KEYWORD, annotation=Info[Any, None]))
    given += map(_parameter, sorted(arguments, key=lambda one: one.default is not REQUIRED))
    resolve.__signature__ = inspect.Signature(given)  # type: ignore[attr-defined]
    resolve.__annotations__ = {one.name: one.annotation for one in given}
    return resolve


def _parameter(one: Argument) -> inspect.Parameter:
    annotation = Annotated[one.type, strawberry.argument(name=one.name, description=one.description)]
    default = inspect.Parameter.empty if one.default is REQUIRED else one.default
    kind = inspect.Parameter.KEYWORD_ONLY
    name = to_snake_case(one.name) + "_" * iskeyword(one.name)
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


class Turn(NamedTuple):
    """Which page is asked for: of how many items, from which cursor on, and which way."""

    limit: int
    cursor: Cursor | None = None
    backwards: bool = False

    def of(self, listed: "ListAt") -> Excerpt:
        """The same of one list; Trouble for a cursor of another."""
        place = self.cursor and place_in(listed.collection, listed.scope, listed.given, self.cursor)
        return Excerpt(self.limit, place, self.backwards)


def turn_of(values: Values) -> Turn:
    """The page that is asked for."""
    forwards, backwards = ([name for name in names if values.get(name) is not None] for names in _WAYS)
    if forwards and backwards:
        detail = f"a page goes forwards by first and after, or backwards by last and before: leave {backwards[0]} out"
        raise Trouble(400, "bad_parameter", detail, [Fault(backwards[0], detail)])
    size, place = _WAYS[bool(backwards)]
    text: str | None = values.get(place)
    return Turn(_size(size, values.get(size)), None if text is None else decoded_cursor(text), bool(backwards))


_WAYS: Final = (("first", "after"), ("last", "before"))


def _size(name: str, items: int | None) -> int:
    if items is None:
        return USUAL_PAGE
    if not 0 <= items <= LONGEST_PAGE:
        detail = f"{name} is 0 to {LONGEST_PAGE}, not {items}"
        raise Trouble(400, "bad_parameter", detail, [Fault(name, detail)])
    return items


class ListAt(NamedTuple):
    """A list: which one it is, its items in its order, and how some of them are shown if not as they are.

    Where its pages are read one by one, it has no items.
    """

    collection: Collection[Any, Any]
    scope: str
    given: Any
    items: Sequence[Any] = ()
    shown: Callable[[Sequence[Any]], Sequence[Any]] | None = None

    def place(self, one: Any) -> tuple[Any, ...]:
        """Where an item stands."""
        return self.collection.place(one, self.given)


class PageInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class EdgeView(msgspec.Struct, frozen=True):
    """One item and its cursor."""

    cursor: str
    node: Any


class ConnectionView(msgspec.Struct, frozen=True):
    """A page of a list; `more`: the list goes on the way that it is read. Cursors are printed when asked for."""

    listed: ListAt
    excerpt: Excerpt
    nodes: Sequence[Any]
    more: bool
    total_count: int | None
    here: Here

    @property
    def meta(self) -> Meta:
        """The moment at which it was read."""
        return self.here.meta

    @property
    def edges(self) -> list[EdgeView]:
        """The items with their cursors."""
        return [EdgeView(self._cursor(one), one) for one in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        """Where the page stands in its list. What a cursor names is there at its moment."""
        first, last = (self._cursor(self.nodes[0]), self._cursor(self.nodes[-1])) if self.nodes else (None, None)
        beside = self.excerpt.place is not None
        following, previous = (beside, self.more) if self.excerpt.backwards else (self.more, beside)
        return PageInfo(following, previous, first, last)

    def _cursor(self, one: Any) -> str:
        listed, here = self.listed, self.here
        return print_cursor(*listed[:3], here.world.moment, listed.place(one), here.clocks)


def connection(listed: ListAt, excerpt: Excerpt, here: Here) -> ConnectionView:
    """A page of a list whose items are all there."""
    down = listed.collection.descending(listed.given)
    items, more = cut(listed.items, excerpt, listed.place, descending=down)
    nodes = listed.shown(items) if listed.shown else items
    return ConnectionView(listed, excerpt, nodes, more, len(listed.items), here)
