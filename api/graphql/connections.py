"""Relay connections over the lists that REST has: the same filters, the same cursors, the same pages."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, Generic, TypeVar

import msgspec
import strawberry

from api.graphql.needs import PAGE
from api.graphql.shapes import FIELDS, Field, name_of, shape
from api.graphql.words import described
from api.graphql.world import Here
from projections.as_of import Meta

T = TypeVar("T")


class PageInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Edge(msgspec.Struct, Generic[T], frozen=True):
    """One item and its cursor."""

    cursor: str
    node: T


class Connection(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A page of a list. Cursors are printed where they are asked for; so is the whole list counted."""

    nodes: Sequence[T]
    cursor: Callable[[T], str]
    more: bool
    behind: bool
    total_count: int | None
    here: Here

    @property
    def meta(self) -> Meta:
        """The moment at which it was read."""
        return self.here.meta

    @property
    def edges(self) -> list[Edge[T]]:
        """The items with their cursors."""
        return [Edge(self.cursor(one), one) for one in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        """Where the page stands in its list."""
        first, last = (self.cursor(self.nodes[0]), self.cursor(self.nodes[-1])) if self.nodes else (None, None)
        return PageInfo(self.more, self.behind, first, last)


_FIELDS: Final = ("edges", "nodes", "pageInfo", "totalCount", "meta")


@cache
def connection_of(struct: type[msgspec.Struct], *, counted: bool = True) -> Any:
    """The Relay connection type of a view. The log itself is not counted: its size stands in `meta.position`."""
    node = shape(struct)
    name = name_of(struct)
    edge = _type(f"{name}Edge", {"cursor": str, "node": node})
    types = (list[edge], list[node], shape(PageInfo), int, shape(Meta))
    fields = {field: type_ for field, type_ in zip(_FIELDS, types, strict=True) if counted or field != "totalCount"}
    return _type(f"{name}Connection", fields)


def _type(name: str, fields: dict[str, Any]) -> Any:
    namespace: dict[str, Any] = {"__annotations__": {}}
    for field, type_ in fields.items():
        attribute = {"pageInfo": "page_info", "totalCount": "total_count"}.get(field, field)
        FIELDS[name, field] = Field(attribute=attribute, size=PAGE if field in {"edges", "nodes"} else 1)
        namespace["__annotations__"][attribute] = type_
        namespace[attribute] = strawberry.field(name=field, description=described(name, field))
    return strawberry.type(type(name, (), namespace), name=name, description=described(name))
