"""The moments of one GraphQL request: roots that ask for the head all see the same one."""

import asyncio
from collections.abc import Sequence

import msgspec
from strawberry.types import Info

from api.graphql.shapes import Context
from api.reader import Reader
from projections.as_of import AsOf, Meta, Moment, Rows
from projections.wanted import Wanted


class Moments:
    """Resolves what the roots of one request ask for, and remembers under which moment each root's nodes stand."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.suffixes: dict[str, str] = {}
        self.positions: set[int] = set()
        self._head: asyncio.Task[Moment] | None = None

    async def rows(self, asked: AsOf, wanted: Sequence[Wanted], root: str) -> tuple[Moment, Rows]:
        """The rows that stand at the moment that `root` asks for."""
        moment = await self._resolve(asked)
        rows = await self.reader.read(moment, wanted)
        if asked != AsOf():
            self.suffixes[root] = f"@{moment.position},{moment.effective_on}"
        self.positions.add(moment.position)
        return moment, rows

    async def _resolve(self, asked: AsOf) -> Moment:
        if asked.as_of is not None or asked.position is not None:
            return await self.reader.moment(asked)
        if self._head is None:
            self._head = asyncio.ensure_future(self.reader.moment(AsOf()))
        head = await self._head
        return msgspec.structs.replace(head, effective_on=asked.effective_on) if asked.effective_on else head

    def meta(self, moment: Moment) -> Meta:
        """What an answer resolved to. A GraphQL answer has no address of its own: `self` is that of the endpoint."""
        return self.reader.meta(moment, "/graphql", {})


def moments(info: Info[Context, None]) -> Moments:
    """The moments of this request."""
    found: Moments = info.context["moments"]
    return found
