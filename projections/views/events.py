"""Events: the log's facts as everybody reads them, erasable text merged in where it is still there."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from domain.fact import data_of, tag
from domain.values import instant_text
from events.codec import decode_trusted
from events.database import Connection
from events.recorded import Cause, Recorded
from projections.as_of import Meta


class DisclosureView(msgspec.Struct, frozen=True):
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


_ENTRIES = """
SELECT entry FROM events
WHERE position > $1 AND position <= $2 AND ($3::text IS NULL OR stream = $3) AND ($4::text IS NULL OR type = $4)
ORDER BY position LIMIT $5
"""
_OF_STREAM = """
SELECT entry FROM events
WHERE position <= $1 AND (stream = $2 OR stream >= $3 COLLATE "C" AND stream < $4 COLLATE "C")
ORDER BY stream, version
"""


class Page(msgspec.Struct, frozen=True):
    """Which events: those after a position, of a stream, of a type, at most so many."""

    after: int = 0
    limit: int = 100
    stream: str | None = None
    type: str | None = None


async def page(connection: Connection, position: int, asked: Page) -> Facts:
    """A page of the log as it was at `position`."""
    rows = await connection.fetch(_ENTRIES, asked.after, position, asked.stream, asked.type, asked.limit)
    return await _with_texts(connection, [decode_trusted(row["entry"]) for row in rows])


async def at(connection: Connection, positions: Sequence[int]) -> Facts:
    """The facts at these positions, in order."""
    rows = await connection.fetch(
        "SELECT entry FROM events WHERE position = ANY($1::bigint[]) ORDER BY position", list(positions)
    )
    return await _with_texts(connection, [decode_trusted(row["entry"]) for row in rows])


async def of_subject(connection: Connection, position: int, stream: str, below: str) -> Facts:
    """All facts of a stream, and of the streams whose names begin with `below`, as of `position`."""
    end = below[:-1] + chr(ord(below[-1]) + 1)
    rows = await connection.fetch(_OF_STREAM, position, stream, below, end)
    return await _with_texts(connection, [decode_trusted(row["entry"]) for row in rows])


async def _with_texts(connection: Connection, recorded: Sequence[Recorded]) -> Facts:
    wanted = [digest for one in recorded for digest in digests(data_of(one.fact))]
    if not wanted:
        return Facts(recorded, {})
    rows = await connection.fetch("SELECT digest, salt, value FROM disclosures WHERE digest = ANY($1::text[])", wanted)
    return Facts(recorded, {row["digest"]: (row["salt"], row["value"]) for row in rows})
