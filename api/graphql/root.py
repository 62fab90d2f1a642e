"""What a root field is: how it is declared, what one asks for, and from what it answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from api.graphql.arguments import Given
from api.graphql.connections import Argument
from api.graphql.moments import Moments
from api.graphql.reading import RowsWanted
from api.graphql.world import Here
from api.http.cursors import Start
from projections.as_of import Moment, Rows
from projections.table import SliceTable
from projections.views.subjects import SUBJECTS
from projections.views.tasks import TARGETS

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

    async def absent(self, kind: str, keys: Sequence[str]) -> Mapping[str, Exception]:
        """Why there are no such things."""
        reader = self.moments.reader
        if kind not in TABLE_OF:  # an event: it has no rows
            return {key: reader.beyond(key, self.moment) for key in keys}
        return await reader.all_absent(kind, TABLE_OF[kind], keys, self.moment)


class Inquiry(NamedTuple):
    """One root of one request: when it stands, the rows that it wants there, and how they become its answer.

    `types` are those of the nodes that are asked for by their ids.
    """

    start: Start
    wanted: RowsWanted
    answer: Callable[[Scene], Awaitable[Any]]
    page: int = 1
    types: Sequence[str] = ()


class Several(NamedTuple):
    """What a root is asked whose items stand each at a moment of its own.

    `parts` are asked one for each moment, with the places of their items; `items` are what is known before: why not.
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
