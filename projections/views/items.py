"""The log's facts as they are followed: an item is its leaf with what stands beside it, as in `/v1/events`.

What will undo a fact is not known when it is followed: `undoneBy` is left out, as the fact that undoes it is brought.
An item's JSON is its leaf's own bytes and some more, so that a million of them leave in seconds (`stream-whole`).
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec

from events import merkle
from events.codec import decode_trusted
from events.database import Connection
from events.erasable import digests
from events.recorded import Recorded
from events.steps import in_steps
from projections.concerns import names_in
from projections.table import SCHEMA
from projections.views.events import (
    REQUEST,
    Disclosed,
    EventFilter,
    disclosure_view,
    positions_statement,
    texts_behind,
    whats,
)

MOST_READ: Final = 1_000  # items in one reading,
MOST_READ_BYTES: Final = 400_000  # of so many bytes of leaves, unless the last has more
_DIGEST: Final = b'"_sd"'


class FollowedItem(NamedTuple):
    """A fact as it is followed; what it `concerns` is known of those that are read for everybody."""

    position: int
    stream: str
    json: bytes
    concerns: frozenset[str] = frozenset()


ConcernsKnown = Callable[[int], frozenset[str] | None]
"""What the fact at a position concerns, where that is known."""


class ItemsBehind(NamedTuple):
    """Items behind a position, and the position up to which nothing that was asked about is left out."""

    items: list[FollowedItem]
    position: int


class Wanting:
    """What somebody follows: whether an item belongs to it."""

    def __init__(self, about: EventFilter) -> None:
        chosen = dict(whats(about))
        self._streams = frozenset(chosen.pop("stream", ()))
        self._concerns = [frozenset(one) for one in chosen.values()]

    def __call__(self, item: FollowedItem) -> bool:
        """Whether it does, as the statement of a page decides it."""
        if self._streams and item.stream not in self._streams:
            return False
        return not any(one.isdisjoint(item.concerns) for one in self._concerns)


class _Read(NamedTuple):
    position: int
    leaf: bytes
    request: Sequence[int]  # its first position, and its number of facts


class _Streamed(msgspec.Struct):
    stream: str


_STREAM: Final = msgspec.json.Decoder(_Streamed).decode
_PAGE: Final = f"""{{ahead}} SELECT position, entry, request FROM (
    SELECT *, sum(octet_length(entry)) OVER (ORDER BY position) - octet_length(entry) AS before FROM (
        SELECT e.position, (SELECT l.entry FROM events l WHERE l.position = e.position) AS entry,
            {REQUEST} FROM ({{found}}) AS e
    ) AS read
) AS summed WHERE before < {{most}} ORDER BY position"""
# Where nothing is left out, facts and requests follow one another: neither is looked up one by one.
_WHOLE: Final = """SELECT position, entry FROM (
    SELECT *, sum(octet_length(entry)) OVER (ORDER BY position) - octet_length(entry) AS before FROM (
        SELECT position, entry FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
    ) AS read
) AS summed WHERE before < {most} ORDER BY position"""
_SPANS: Final = f"""SELECT first, facts FROM {SCHEMA}.request_spans
    WHERE first <= $2 AND first >= (SELECT max(first) FROM {SCHEMA}.request_spans WHERE first <= $1) ORDER BY first"""
# What facts undo, and what that undoes, and so on, each once; what is known already at and behind $3 is not read.
_UNDONE: Final = """WITH RECURSIVE undone AS (
    SELECT t.position, t.undoes, t.entry FROM events e JOIN events t ON t.position = e.undoes
    WHERE e.position = ANY ($1::bigint[]) AND NOT t.position = ANY ($2::bigint[])
    UNION
    SELECT t.position, t.undoes, t.entry FROM undone u JOIN events t ON t.position = u.undoes
    WHERE NOT t.position = ANY ($2::bigint[])
) SELECT entry FROM undone ORDER BY position"""
_HOMES: Final = """SELECT e.stream, named.what, min(e.position) AS since
    FROM events e, unnest(e.refers) AS named(what)
    WHERE e.stream = ANY ($1::text[]) AND e.position <= $2 AND named.what LIKE 'district:%'
    GROUP BY e.stream, named.what"""


async def items_behind(
    connection: Connection, about: EventFilter, after: int, size: int, most: int = MOST_READ_BYTES
) -> ItemsBehind:
    """The next items behind `after` of the log of a size, as many as are read at a time; `most`: bytes of leaves."""
    ahead, found, values = positions_statement(about)
    if values:
        rows = await connection.fetch(
            _PAGE.format(ahead=ahead, found=found, most=most), after, size, MOST_READ, *values
        )
        read = [_Read(*row) for row in rows]
    else:
        read = await _whole(connection, after, size, most)
    items = await _items(connection, read)
    whole = len(read) < MOST_READ and sum(len(one.leaf) for one in read) < most
    return ItemsBehind(items, size if whole else items[-1].position)


async def concerned(connection: Connection, after: int, size: int, known: ConcernsKnown) -> list[FollowedItem]:
    """The next items behind `after`, with what each concerns; of earlier ones that may be `known`."""
    read = await _whole(connection, after, size, MOST_READ_BYTES)
    facts = [one async for one in in_steps(decode_trusted(one.leaf) for one in read)]
    concerns = await _concerns(connection, facts, known)
    homes = await _homes(connection, {one for own in concerns.values() for one in own if one.startswith("unit:")}, size)
    items = await _items(connection, read)
    return [one._replace(concerns=_at_home(one.position, concerns[one.position], homes)) for one in items]


async def _whole(connection: Connection, after: int, size: int, most: int) -> "list[_Read]":
    """The next leaves, none left out."""
    rows = await connection.fetch(_WHOLE.format(most=most), after, size, MOST_READ)
    if not rows:
        return []
    spans = await connection.fetch(_SPANS, rows[0]["position"], rows[-1]["position"])
    return list(_with_spans(rows, iter(spans)))


def _with_spans(rows: Iterable[Any], spans: Iterator[Any]) -> "Iterator[_Read]":
    first, count = next(spans)
    for position, leaf in rows:
        while position >= first + count:
            first, count = next(spans)
        yield _Read(position, leaf, (first, count))


async def _concerns(
    connection: Connection, facts: Sequence[Recorded], known: ConcernsKnown
) -> dict[int, frozenset[str]]:
    """What facts concern, by their positions."""
    own = {one.position for one in facts}
    targets = {one.undoes for one in facts if one.undoes is not None}
    found = {one: concerns for one in targets if (concerns := known(one)) is not None}
    undone: list[Recorded] = []
    if missing := targets - own - found.keys():
        asked = [one.position for one in facts if one.undoes in missing]
        rows = await connection.fetch(_UNDONE, asked, [*found])
        undone = [one async for one in in_steps(decode_trusted(row["entry"]) for row in rows)]
    for one in chain(undone, facts):  # a target is older
        names = frozenset(map(sys.intern, names_in(one)))
        found[one.position] = names | found.get(one.undoes or 0, frozenset())
    return found


async def _homes(connection: Connection, units: Iterable[str], size: int) -> dict[str, list[tuple[str, int]]]:
    """The districts that units are of, each with the position from which on that is so."""
    homes: dict[str, list[tuple[str, int]]] = {}
    if asked := list(units):
        for row in await connection.fetch(_HOMES, asked, size):
            homes.setdefault(row["stream"], []).append((sys.intern(row["what"]), row["since"]))
    return homes


def _at_home(position: int, concerns: frozenset[str], homes: Mapping[str, Sequence[tuple[str, int]]]) -> frozenset[str]:
    return concerns | {district for unit in concerns for district, since in homes.get(unit, ()) if since <= position}


async def _items(connection: Connection, read: Sequence[_Read]) -> list[FollowedItem]:
    """Items in steps."""
    wanted = [digest for one in read if _DIGEST in one.leaf for digest in _digests(one.leaf)]
    texts = await texts_behind(connection, wanted)
    return [one async for one in in_steps(_each(read, texts))]


def _each(read: Sequence[_Read], texts: Disclosed) -> Iterator[FollowedItem]:
    for position, leaf, (first, count) in read:
        told = b"[]"
        if _DIGEST in leaf:
            told = msgspec.json.encode([disclosure_view(one, texts.get(one)) for one in _digests(leaf)])
        beside = b',"leafHash":"%b","inRequest":{"index":%d,"count":%d},"disclosures":%b}' % (
            merkle.leaf_hash(leaf).hex().encode(),
            position - first,
            count,
            told,
        )
        yield FollowedItem(position, _STREAM(leaf).stream, leaf[:-1] + beside)


def _digests(leaf: bytes) -> list[str]:
    return list(digests(msgspec.json.decode(leaf)["data"]))
