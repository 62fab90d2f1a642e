"""The moments of one request: what each root asks for, resolved once; every row that stands there, read at once."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from api.graphql.facts import load
from api.graphql.ids import print_moment
from api.graphql.needs import Needs
from api.graphql.reading import RowsWanted, read_all
from api.graphql.world import Budget, Here, World
from api.http.cursors import Start, clocks_of, meant
from api.services.reader import Reader
from projections.as_of import AsOf, Meta, Moment, Rows
from projections.wanted import Wanted


class Sent(NamedTuple):
    """A request as it was sent."""

    text: str = ""
    variables: Mapping[str, Any] = MappingProxyType({})
    operation_name: str | None = None

    def parameters(self) -> dict[str, str]:
        """The same as an address has it."""
        given = {"variables": msgspec.json.encode(dict(self.variables)).decode()} if self.variables else {}
        named = {"operationName": self.operation_name} if self.operation_name is not None else {}
        return {"query": self.text} | given | named


LONGEST_ADDRESS: Final = 8_000  # characters: what else lies on its way may take no more


class Moments:
    """What one request stands at. Roots that ask for the head all see the same one.

    `clock` holds for the roots that name none: a position, or a day, or both. `said` is what was sent.

    `pinned`: every root names a moment of the past and its day itself, so that the answer stays true for ever.
    """

    def __init__(self, reader: Reader, clock: AsOf, said: "Sent") -> None:
        self.reader = reader
        self.clocks = clocks_of(clock)
        self._clock = clock
        self.moments: set[Moment] = set()
        self.pinned = True
        self.budget = Budget()
        self._head: Moment | None = None
        self._said = said
        self._lasting = True
        self._metas: dict[Moment, Meta] = {}

    async def resolve(self, start: Start) -> Moment:
        """The moment that a root asks for."""
        asked = start.asked
        if start.resent is not None:
            moment = await meant(self.reader, asked, start.resent)
            dated = True
        elif asked.as_of is not None or asked.position is not None:
            moment = await self.reader.moment(asked)
            dated = asked.effective_on is not None
            self._lasting = self._lasting and moment.pinned
        else:
            self._head = self._head or await self.reader.moment(self._clock)
            moment = self._head
            if asked.effective_on:
                moment = msgspec.structs.replace(moment, effective_on=asked.effective_on)
            dated = (asked.effective_on or self._clock.effective_on) is not None
        self.pinned = self.pinned and moment.pinned and dated
        self.moments.add(moment)
        return moment

    @property
    def position(self) -> int | None:
        """The position at which all roots stand, if it is one."""
        positions = {one.position for one in self.moments}
        return positions.pop() if len(positions) == 1 else None

    def meta(self, moment: Moment) -> Meta:
        """What a root resolved to. `self` is the address of the whole answer, whose clocks are those of the head."""
        if moment not in self._metas:
            meta = self.reader.meta(moment, "/graphql", {})
            self._metas[moment] = msgspec.structs.replace(meta, self_=self._address(self._head or moment))
        return self._metas[moment]

    def _address(self, clocks: Moment) -> str | None:
        """Where the same query has the same answer for ever; none where that is too long, or its moment not over."""
        address = self.reader.meta(clocks, "/graphql", self._said.parameters()).self_
        return address if self._lasting and address and len(address) <= LONGEST_ADDRESS else None

    async def read(self, moment: Moment, needs: Needs, questions: Sequence[RowsWanted]) -> tuple[World, list[Rows]]:
        """The world at a moment, as far as `needs` goes, and the rows of each root there, all by one statement."""
        world = sorted(needs, key=lambda one: one.table.name)  # the same needs make the same statement
        rows, *others = await read_all(self.reader, moment, [world, *questions])
        return World(rows, moment), others

    async def more(self, moment: Moment, question: Sequence[Wanted]) -> Rows:
        """Further rows, where a page that is sparse goes on."""
        return await self.reader.read(moment, question)

    async def learn(self, world: World) -> None:
        """Read the facts that the world is found to lack."""
        async with self.reader.pool.acquire() as connection:
            world.learn(await load(connection, world.moment.position, tuple(world.missing)))

    def here(self, world: World, clocks: str) -> Here:
        """Where the nodes of a root stand. A walk begun at the head, without clocks, counts as one reading of it."""
        clocks = clocks or self.clocks
        return Here(world, print_moment(world.moment) if clocks else "", self.meta, self.budget, clocks)


async def learn_all(moments: Moments, places: Mapping[Any, Here]) -> bool:
    """Read what any place lacks; whether there was anything."""
    lacking = {id(here.world): here.world for here in places.values() if here.world.missing}
    await asyncio.gather(*(moments.learn(world) for world in lacking.values()))
    return bool(lacking)
