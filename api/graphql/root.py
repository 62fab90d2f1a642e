"""What a root field is: how it is declared, what one asks for, and from what it answers."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from api.graphql.arguments import Argument, Given
from api.graphql.moments import Moments
from api.graphql.reading import Question
from api.graphql.world import Here
from api.http.cursors import Resent
from projections.as_of import AsOf, Moment, Rows
from projections.views.subjects import SUBJECTS, Kind


class Scene(NamedTuple):
    """What a root answers from: the rows that it wanted, and where they stand."""

    rows: Rows
    here: Here
    moments: Moments

    @property
    def moment(self) -> Moment:
        """When they stand."""
        return self.here.world.moment

    async def absent(self, kind: str, key: str) -> Exception:
        """Why there is no such thing."""
        return await self.moments.reader.absent(SUBJECTS[Kind(kind)], key, self.moment)


class Asked(NamedTuple):
    """One root of one request: the moment, the rows that it wants there, and how they become its answer.

    `resent` are clocks beside a cursor or an id that names its moment already. `at_head`: it goes on with a walk that
    was begun at the head, which counts as one reading of it: its nodes' ids name no moment.
    """

    asked: AsOf
    wanted: Question
    answer: Callable[[Scene], Awaitable[Any]]
    page: int = 1
    resent: Resent | None = None
    at_head: bool = False


class Root(NamedTuple):
    """A root field. `ask` takes its arguments, and which fields of its answer are selected."""

    name: str
    description: str
    type: Any
    arguments: Sequence[Argument]
    ask: Callable[[Given, frozenset[str]], Asked]
