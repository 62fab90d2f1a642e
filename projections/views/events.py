"""Events: the log's facts as everybody reads them, erasable text merged in where it is still there."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.fact import data_of, tag
from domain.values import instant_text
from events.codec import decode_trusted
from events.database import Connection
from events.erasable import digests, disclosed
from events.recorded import Cause, Recorded
from events.steps import in_steps
from projections import as_of
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
    meta: as_of.Meta | UnsetType = UNSET


Disclosed = Mapping[str, tuple[str, str]]  # digest → (salt, value)


def event_view(fact: Recorded, texts: Disclosed) -> EventView:
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
        tuple(DisclosureView(digest, *texts.get(digest, (None, None))) for digest in digests(data)),
    )


class Facts(msgspec.Struct, frozen=True):
    """Facts with the texts behind their digests."""

    recorded: Sequence[Recorded]
    disclosed: Disclosed

    def views(self) -> list[EventView]:
        """Each fact as everybody reads it."""
        return [event_view(one, self.disclosed) for one in self.recorded]


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What events are about."""

    type: Annotated[str | None, Meta(description="Only this type.", examples=["progress.reported.v1"])] = None
    stream: Annotated[str | None, Meta(description="Only this stream.", examples=["task:shanghai-credit-2023/21"])] = (
        None
    )
    plan: Annotated[
        str | None,
        Meta(
            description="Only the facts of this plan, of its tasks, and of the reports on them.",
            examples=["shanghai-credit-2023"],
        ),
    ] = None
    unit: Annotated[
        str | None,
        Meta(
            description="Only the facts of this unit or group and those that name it: its reports, what it was "
            "assigned to itself, the groups that it joined or left, the units that it succeeded.",
            examples=["shi-ke-wei"],
        ),
    ] = None
    district: Annotated[
        str | None,
        Meta(
            description="Only the facts of this district and of its units, and those that name one of them.",
            examples=["310115"],
        ),
    ] = None


class LogPage(EventFilter, frozen=True, kw_only=True):
    """Which events: of those that are asked about, at most `limit` at positions higher than `after`.

    Where `before` is given, the last ones before that position.
    """

    after: int = 0
    before: int | None = None
    limit: int = 100


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
_OF_RANGES: Final = """
SELECT e.entry FROM unnest($2::text[], $3::text[]) AS named(low, high)
JOIN events e ON e.stream >= named.low COLLATE "C" AND e.stream < named.high COLLATE "C"
WHERE e.position <= $1
ORDER BY e.position
"""


async def log_page(connection: Connection, position: int, asked: LogPage) -> Facts:
    """A page of the log as it was at `position`."""
    sql, values = page_statement(asked)
    place = asked.after if asked.before is None else asked.before
    rows = await connection.fetch(sql, place, position, asked.limit, *values)
    found = await _decoded(row["entry"] for row in rows)
    return await _with_texts(connection, found if asked.before is None else found[::-1])


def page_statement(asked: LogPage) -> tuple[str, list[str]]:
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
    end = end_of(below)
    rows = await connection.fetch(_OF_SUBJECT, position, stream, below, end)
    return await _with_texts(connection, await _decoded(row["entry"] for row in rows))


async def of_ranges(connection: Connection, position: int, ranges: Sequence[tuple[str, str]]) -> list[Recorded]:
    """All facts as of `position` of the streams whose names lie in these ranges, without texts."""
    rows = await connection.fetch(_OF_RANGES, position, [low for low, _ in ranges], [high for _, high in ranges])
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
    return Facts(recorded, disclosed(rows))
