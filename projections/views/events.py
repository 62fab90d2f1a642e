"""Events: the log's facts as everybody reads them, erasable text merged in where it is still there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from domain.fact import data_of, tag
from domain.values import instant_text
from events.codec import decode_trusted
from events.database import Connection
from events.recorded import Cause, Recorded
from events.steps import in_steps
from projections.as_of import Meta
from projections.views.texts import Erasable


class DisclosureView(Erasable, frozen=True):
    """The text behind a digest with its salt; both null where it is withheld."""

    digest: str
    salt: str | None
    value: str | None


class EventView(msgspec.Struct, frozen=True, rename="camel"):
    """A fact in its envelope: the very fields of the leaf, and the texts that its digests stand for."""

    position: int
    stream: str
    version: int
    type: str
    actor: str
    recorded_at: str
    effective_on: date
    replaces: int | None
    cause: Cause
    data: dict[str, Any]
    disclosures: tuple[DisclosureView, ...] = ()
    meta: Meta | UnsetType = UNSET


Disclosed = Mapping[str, tuple[str, str]]  # digest → (salt, value)


def event_view(fact: Recorded, disclosed: Disclosed) -> EventView:
    """A fact as everybody reads it."""
    data = data_of(fact.fact)
    return EventView(
        fact.position,
        fact.stream,
        fact.version,
        tag(fact.fact),
        fact.actor,
        instant_text(fact.recorded_at),
        fact.effective_on,
        fact.replaces,
        fact.cause,
        data,
        tuple(DisclosureView(digest, *disclosed.get(digest, (None, None))) for digest in digests(data)),
    )


def digests(data: Any) -> Iterator[str]:
    """The digests in a fact's data, in order."""
    match data:
        case {"_sd": str(digest)}:
            yield digest
        case dict():
            for value in data.values():  # pyright: ignore[reportUnknownVariableType]
                yield from digests(value)
        case list() | tuple():
            for value in data:  # pyright: ignore[reportUnknownVariableType]
                yield from digests(value)
        case _:
            pass


class Facts(msgspec.Struct, frozen=True):
    """Facts with the texts behind their digests."""

    recorded: Sequence[Recorded]
    disclosed: Disclosed

    def views(self) -> list[EventView]:
        """Each fact as everybody reads it."""
        return [event_view(one, self.disclosed) for one in self.recorded]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: those after a position, at most so many, of a type, a stream, a plan, a unit, a district.

    Where `before` is given, the last ones before that position.
    """

    after: int = 0
    before: int | None = None
    limit: int = 100
    type: str | None = None
    stream: str | None = None
    plan: str | None = None
    unit: str | None = None
    district: str | None = None


# $n stands for the parameter. A unit's and a district's facts are their own and those that name them: `refers` holds
# a report's unit, a group's member, whom a task was assigned to. A district's units name it when they are registered.
_CHOSEN: Final = {
    "type": "type = $n",
    "stream": "stream = $n",
    "plan": """(stream = 'plan:' || $n
        OR stream >= 'task:' || $n || '/' AND stream < 'task:' || $n || '0'
        OR stream >= 'report:' || $n || '/' AND stream < 'report:' || $n || '0')""",
    "unit": "(stream = 'unit:' || $n OR refers @> ARRAY['unit:' || $n])",
    "district": """(stream = ANY (ARRAY(SELECT one FROM of_district))
        OR refers && ARRAY(SELECT one FROM of_district))""",
}
_OF_DISTRICT: Final = """
WITH of_district AS MATERIALIZED (
    SELECT 'district:' || $n AS one
    UNION SELECT stream FROM events WHERE refers @> ARRAY['district:' || $n] AND stream LIKE 'unit:%'
)"""
_OF_SUBJECT: Final = """
SELECT entry FROM events
WHERE position <= $1 AND (stream = $2 OR stream >= $3 COLLATE "C" AND stream < $4 COLLATE "C")
ORDER BY stream, version
"""


async def page(connection: Connection, position: int, asked: Page) -> Facts:
    """A page of the log as it was at `position`."""
    sql, values = page_of(asked)
    place = asked.after if asked.before is None else asked.before
    rows = await connection.fetch(sql, place, position, asked.limit, *values)
    found = await _decoded(row["entry"] for row in rows)
    return await _with_texts(connection, found if asked.before is None else found[::-1])


def page_of(asked: Page) -> tuple[str, list[str]]:
    """The statement for a page, and its parameters from $4 on: only what is asked for stands in it."""
    chosen = {name: value for name in _CHOSEN if (value := getattr(asked, name)) is not None}
    numbers = {name: f"${number}::text" for number, name in enumerate(chosen, 4)}
    where = "".join(f" AND {_CHOSEN[name].replace('$n', number)}" for name, number in numbers.items())
    with_ = _OF_DISTRICT.replace("$n", numbers["district"]) if "district" in numbers else ""
    than, order = (">", "") if asked.before is None else ("<", " DESC")
    sql = (
        f"{with_} SELECT entry FROM events WHERE position {than} $1 AND position <= $2{where} "
        f"ORDER BY position{order} LIMIT $3"
    )
    return sql, list(chosen.values())


async def at(connection: Connection, positions: Sequence[int]) -> Facts:
    """The facts at these positions, in order."""
    rows = await connection.fetch(
        "SELECT entry FROM events WHERE position = ANY($1::bigint[]) ORDER BY position", list(positions)
    )
    return await _with_texts(connection, await _decoded(row["entry"] for row in rows))


def end_of(prefix: str) -> str:
    """The first text, byte by byte, after all that begin with a prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


async def of_subject(connection: Connection, position: int, stream: str, below: str) -> Facts:
    """All facts of a stream, and of the streams whose names begin with `below`, as of `position`."""
    return await _with_texts(connection, await recorded_of(connection, position, stream, below))


async def recorded_of(connection: Connection, position: int, stream: str, below: str) -> list[Recorded]:
    """The same facts without their texts."""
    end = end_of(below)
    rows = await connection.fetch(_OF_SUBJECT, position, stream, below, end)
    return await _decoded(row["entry"] for row in rows)


async def of_streams(connection: Connection, position: int, streams: Sequence[str]) -> list[Recorded]:
    """All facts of these streams as of `position`, without texts."""
    rows = await connection.fetch(
        "SELECT entry FROM events WHERE position <= $1 AND stream = ANY($2::text[]) ORDER BY position",
        position,
        list(streams),
    )
    return await _decoded(row["entry"] for row in rows)


async def _decoded(entries: Iterable[bytes]) -> list[Recorded]:
    """The facts of these leaves, in steps."""
    return [one async for one in in_steps(map(decode_trusted, entries))]


async def _with_texts(connection: Connection, recorded: Sequence[Recorded]) -> Facts:
    found = in_steps(tuple(digests(data_of(one.fact))) for one in recorded)
    wanted = [digest async for own in found for digest in own]
    if not wanted:
        return Facts(recorded, {})
    rows = await connection.fetch("SELECT digest, salt, value FROM disclosures WHERE digest = ANY($1::text[])", wanted)
    return Facts(recorded, {row["digest"]: (row["salt"], row["value"]) for row in rows})
