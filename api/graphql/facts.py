"""The log in GraphQL: the facts that edges lead to, all brought by one statement with their texts, and its list."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from events.codec import decode_trusted
from events.database import Connection
from events.erasable import disclosed
from events.recorded import Recorded
from projections.lists import Collection
from projections.views.events import EventFilter, EventView, Facts, end_of

NO_FACTS: Final = Facts((), {})


EVENT_LIST: Final[Collection[EventView, EventFilter]] = Collection(
    name="events",
    view=EventView,
    filter=EventFilter,
    wanted=lambda _scope, _filter, _after, _limit: (),  # it has no slices: its rows are the facts themselves
    shown=lambda _rows, _moment: (),
    place=lambda event, _: (event.position,),
    places=lambda _: tuple[int],
)


class FactsWanted(NamedTuple):
    """Facts by position, or those of a stream and of the streams whose names begin with `below`."""

    position: int | None = None
    stream: str = ""
    below: str = ""


_SQL: Final = """
WITH asked AS MATERIALIZED (
    SELECT e.position FROM events e WHERE e.position = ANY($2::bigint[])
    UNION
    SELECT e.position FROM unnest($3::text[], $4::text[]) AS names(low, high)
    JOIN events e ON e.stream >= names.low COLLATE "C" AND e.stream < names.high COLLATE "C"
)
SELECT e.entry, d.digest, d.salt, d.value
FROM asked JOIN events e USING (position) LEFT JOIN disclosures d USING (position)
WHERE position <= $1
ORDER BY position
"""


async def load(connection: Connection, position: int, asked: Iterable[FactsWanted]) -> Mapping[FactsWanted, Facts]:
    """What is asked for of the log as it was at `position`."""
    positions = [one.position for one in asked if one.position is not None]
    names = [name for one in asked if one.position is None for name in _names(one)]
    rows = await connection.fetch(_SQL, position, positions, [low for low, _ in names], [high for _, high in names])
    recorded = [decode_trusted(entry) for entry in dict.fromkeys(row["entry"] for row in rows)]
    texts = disclosed(row for row in rows if row["digest"])
    at = {fact.position: fact for fact in recorded}
    return {one: Facts(_of(one, at), texts) for one in asked}


def _of(ask: FactsWanted, at: Mapping[int, Recorded]) -> list[Recorded]:
    if ask.position is not None:
        return [at[ask.position]] if ask.position in at else []
    found = [
        fact for fact in at.values() if fact.stream == ask.stream or (ask.below and fact.stream.startswith(ask.below))
    ]
    return sorted(found, key=lambda fact: fact.position)


def _names(ask: FactsWanted) -> Iterable[tuple[str, str]]:
    """Ranges of stream names, each up to the first that is no more of it."""
    yield ask.stream, ask.stream + "\x01"
    if ask.below:
        yield ask.below, end_of(ask.below)
