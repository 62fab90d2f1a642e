"""Relay connections over views: cursors hold the moment, so that paging never mixes two states."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import msgspec
import strawberry

from api.graphql.shapes import shape
from api.problems import Trouble
from projections.as_of import AsOf, Moment


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the moment it was read at and the key of its last item."""

    version: int
    position: int
    effective_on: date
    key: str


VERSION = 1


def print_cursor(moment: Moment, key: str) -> str:
    """An opaque cursor."""
    cursor = Cursor(VERSION, moment.position, moment.effective_on, key)
    return urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def parse_cursor(text: str) -> Cursor:
    """The cursor behind its text; Trouble for anything that `print_cursor` did not print."""
    try:
        cursor = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise Trouble(400, "bad_cursor", "this cursor was not given out here: begin again without `after`") from error
    if cursor.version != VERSION:
        raise Trouble(410, "retired_cursor", "this cursor is of an earlier release: begin again without `after`")
    return cursor


def asked_with(asked: AsOf, after: Cursor | None) -> AsOf:
    """The moment of the page before; Trouble if another clock is asked for beside the cursor."""
    if after is None:
        return asked
    pinned = AsOf(position=after.position, effective_on=after.effective_on)
    if asked not in {AsOf(), pinned}:
        raise Trouble(400, "cursor_of_another_moment", "`after` goes on at its own moment: leave the clocks out")
    return pinned


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Edge(msgspec.Struct, frozen=True):
    """One item and its cursor."""

    cursor: str
    node: Any


class Connection(msgspec.Struct, frozen=True):
    """A page of a list."""

    edges: Sequence[Edge]
    page_info: Any
    total_count: int
    meta: Any

    @property
    def nodes(self) -> list[Any]:
        """The items without their cursors."""
        return [edge.node for edge in self.edges]


@cache
def connection_of(struct: type[msgspec.Struct]) -> Any:
    """The Relay connection type of a view."""
    from projections.as_of import Meta  # noqa: PLC0415 - named in annotations only

    node = shape(struct)
    name = struct.__name__.removesuffix("View")
    edge = strawberry.type(type(f"{name}Edge", (), {"__annotations__": {"cursor": str, "node": node}}))
    fields = {"edges": list[edge], "nodes": list[node], "page_info": PageInfo, "total_count": int, "meta": shape(Meta)}
    return strawberry.type(type(f"{name}Connection", (), {"__annotations__": fields}))


def page(
    views: Sequence[Any], keys: Sequence[str], moment: Moment, meta: Any, first: int, after: Cursor | None
) -> Connection:
    """The page of `first` items behind the cursor."""
    if not 1 <= first <= 200:  # noqa: PLR2004 - the same limit as REST
        raise Trouble(400, "bad_parameter", f"first is 1 to 200, not {first}")
    start = 0
    if after:
        if after.key not in keys:
            raise Trouble(400, "bad_cursor", "this cursor was not given out for this list: begin again without `after`")
        start = keys.index(after.key) + 1
    edges = [
        Edge(print_cursor(moment, key), view)
        for key, view in zip(keys[start : start + first], views[start : start + first], strict=True)
    ]
    info = PageInfo(
        has_next_page=start + first < len(views),
        has_previous_page=start > 0,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges, info, len(views), meta)
