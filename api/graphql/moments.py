"""The moments of one request, and what stands there: what each root asks for, read by one statement for each moment."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from api.graphql.arguments import Given
from api.graphql.connections import Argument
from api.graphql.ids import print_moment
from api.graphql.needs import Plans
from api.graphql.world import Budget, Here, World, load
from api.http.cursors import Start, clocks_of, meant
from api.services.reader import Reader
from projections.as_of import AsOf, Meta, Moment, Rows
from projections.table import SliceTable
from projections.views.subjects import SUBJECTS
from projections.views.tasks import TARGETS
from projections.wanted import Wanted

RowsWanted = Sequence[Wanted]


async def read_all(reader: Reader, moment: Moment, questions: Sequence[RowsWanted]) -> list[Rows]:
    """The rows of each question, all of them read at one moment by one statement; rows wanted twice are read once."""
    flat, places = _laid_out(questions)
    if not flat:
        return [Rows({}, {}, reader.memory) for _ in questions]
    names = [one.table.name for one in flat]
    if len(set(names)) < len(names):
        flat = [_numbered(one, number) for number, one in enumerate(flat)]
    rows = await reader.read(moment, flat)
    found = {at: rows.groups(one.table) for at, one in enumerate(flat) if rows.any(one.table)}
    return [rows.only({names[at]: found[at] for at in place if at in found}) for place in places]


def _laid_out(questions: Sequence[RowsWanted]) -> tuple[list[Wanted], list[list[int]]]:
    """All that is wanted, each once, and for each question where its own stands."""
    flat: list[Wanted] = []
    places: list[list[int]] = []
    for question in questions:
        own: list[int] = []
        for one in question:
            form = one.form
            if form.of:  # it counts within its question; here it counts among all
                form = form._replace(of=(form.of[0], own[form.of[1]]))
            placed = Wanted(form, one.values)
            if placed not in flat:
                flat.append(placed)
            own.append(flat.index(placed))
        places.append(own)
    return flat, places


def _numbered(one: Wanted, number: int) -> Wanted:
    """The same rows under a number in place of their table's name, where one table is wanted in several ways."""
    table = one.table._replace(name=str(number))
    return one._replace(form=one.form._replace(table=table))


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
            moment = await self.reader.rooted(await meant(self.reader, asked, start.resent))
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

    async def read(
        self, moment: Moment, needs: RowsWanted, questions: Sequence[RowsWanted]
    ) -> tuple[World, list[Rows]]:
        """The world at a moment, as far as `needs` goes, and the rows of each root there, all by one statement."""
        rows, *others = await read_all(self.reader, moment, [needs, *questions])
        return World(rows, moment), others

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


TABLE_OF: Final[dict[str, SliceTable]] = {"target": TARGETS, **{kind: one.table for kind, one in SUBJECTS.items()}}


class Scene(NamedTuple):
    """What a root answers from: the rows that it wanted, and where they stand."""

    rows: Rows
    here: Here
    moments: Moments

    @property
    def moment(self) -> Moment:
        """When they stand."""
        return self.here.world.moment

    async def more(self, question: RowsWanted) -> Rows:
        """Further rows, where a page that is sparse goes on."""
        return await self.moments.reader.read(self.moment, question)

    async def absent(self, kind: str, keys: Sequence[str]) -> Mapping[str, Exception]:
        """Why there are no such things."""
        reader = self.moments.reader
        if kind not in TABLE_OF:  # an event: it has no rows
            return {key: reader.beyond(key, self.moment) for key in keys}
        return await reader.all_absent(kind, TABLE_OF[kind], keys, self.moment)


class Inquiry(NamedTuple):
    """One root of one request: when it stands, the rows that it wants there, and how they become its answer.

    `types` are those of the nodes that are asked for by their ids; `read`: how many values it is worth to read what
    it wants beside those rows, whatever is shown of it; `plans`: those in which its nodes lie, where these are known.
    """

    start: Start
    wanted: RowsWanted
    answer: Callable[[Scene], Awaitable[Any]]
    page: int = 1
    types: Sequence[str] = ()
    read: int = 0
    plans: Plans = None


class Several(NamedTuple):
    """What a root is asked whose items stand each at a moment of its own.

    `parts` are asked one for each kind and moment, with the places of their items; `items` are what is known before:
    why not.
    """

    parts: Sequence[tuple[Inquiry, Sequence[int]]]
    items: Sequence[Exception | None]


class Root(NamedTuple):
    """A root field. `ask` takes its arguments, and which fields of its answer are selected. One of `many` is a list."""

    name: str
    description: str
    type: Any
    arguments: Sequence[Argument]
    ask: Callable[[Given, frozenset[str]], Inquiry | Several]
    many: bool = False
