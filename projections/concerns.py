"""What each fact concerns, and which request it came by: what the log is filtered by, and what is told beside a fact.

A fact concerns what it names and, if it undoes another, all that its target concerns, along the whole chain: so no
filter that brought a fact hides the one that undoes it. What it concerns is told in words: the name of a stream, or
`type:`, `authority:` with what follows, or `correction`. The index is the table: a filter reads what it shows.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import msgspec
import sqlalchemy as sa

from domain.fact import above, tag
from events.database import Connection
from events.log import Write, Written
from events.recorded import Recorded
from events.steps import Work
from projections.table import INTEGER, METADATA, SCHEMA, TEXT

RULE: Final = "concerns 1"  # raised when facts concern something else, so that the table is filled anew
CORRECTION: Final = "correction"
CONCERNS: Final = sa.Table(
    "concerns",
    METADATA,
    sa.Column("what", TEXT, primary_key=True),
    sa.Column("position", INTEGER, primary_key=True),
)
REQUEST_SPANS: Final = sa.Table(
    "request_spans",
    METADATA,
    sa.Column("first", INTEGER, primary_key=True, autoincrement=False),
    sa.Column("facts", INTEGER, nullable=False),
)
_LEAVES: Final = "SELECT entry FROM events WHERE position > $1 AND position <= $2 ORDER BY position"
Concern = tuple[str, int]  # what, and the position of the fact that concerns it
RequestSpan = tuple[int, int]  # the position of a request's first fact, and how many there are: they stand together


class _Caused(msgspec.Struct):
    request: str


class _Leaf(msgspec.Struct):
    cause: _Caused


_REQUEST: Final = msgspec.json.Decoder(_Leaf).decode


def of_type(type_: str) -> str:
    """What the facts of a type concern, and those that undo one."""
    return f"type:{type_}"


def of_authority(authority: str) -> str:
    """What the facts concern that a document orders, and those that undo one."""
    return f"authority:{authority}"


def concerns(facts: Sequence[Recorded], new: int) -> Iterator[Concern]:
    """What the last `new` facts of a stream concern."""
    begun = len(facts) - new
    fresh = facts[begun:]
    at = {one.position: one for one in facts} if any(one.undoes is not None for one in fresh) else {}
    known: dict[int, frozenset[str]] = {}
    for one in fresh:
        found, target = names_in(one), at.get(one.undoes or 0)
        while target and target.position < one.position:  # a target is older, unless somebody rewrote the log
            if target.position in known:
                found |= known[target.position]
                break
            found |= names_in(target)
            target = at.get(target.undoes or 0)
        known[one.position] = found
        yield from ((what, one.position) for what in sorted(found))


def names_in(one: Recorded) -> frozenset[str]:
    """What a fact concerns by itself: its subject and what that is of, what it names, its type and its authority."""
    streams = {one.stream, *one.refers}
    found = {*streams, *(whole for part in streams for whole in above(part)), of_type(tag(one.fact))}
    if one.undoes is not None:
        found.add(CORRECTION)
    authority = one.cause.authority
    if authority is not None and "\0" not in authority:  # which no column holds, and nobody can ask for
        found.add(of_authority(authority))
    return frozenset(found)


def writes(written: Sequence[Written]) -> Work[Write]:
    """What rides along with an append."""
    found: list[Concern] = []
    for one in written:
        found += concerns(one.facts, one.new)
        yield None
    if not found:
        return
    yield _insert("concern", CONCERNS, "text", list(zip(*found, strict=True)))
    fresh = sorted((fact for one in written for fact in one.facts[-one.new :]), key=lambda fact: fact.position)
    own = [list(facts) for _, facts in groupby(fresh, key=lambda fact: fact.cause.request)]
    yield _insert(
        "span", REQUEST_SPANS, "bigint", [[facts[0].position for facts in own], [len(facts) for facts in own]]
    )


def _insert(name: str, table: sa.Table, type_: str, columns: Sequence[Sequence[str | int]]) -> Write:
    return Write(
        name, f"INSERT INTO {SCHEMA}.{table.name} SELECT * FROM unnest({{}}::{type_}[], {{}}::bigint[])", columns
    )


async def request_spans(connection: Connection, size: int, since: int = 0) -> list[RequestSpan]:
    """All requests of the log of that size, in order, or those behind a position; inside a transaction.

    What cannot be read ends none.
    """
    begun, last = array("q"), ""
    position = since
    async for row in connection.cursor(_LEAVES, since, size, prefetch=1_000):
        position += 1
        try:
            request = _REQUEST(row["entry"]).cause.request
        except msgspec.MsgspecError:
            continue
        if request != last:
            begun.append(position)
            last = request
    ends = [*begun[1:], position + 1]
    return [(first, end - first) for first, end in zip(begun, ends, strict=False)]


async def copy(
    connection: Connection,
    table: sa.Table,
    rows: Sequence[Concern] | Sequence[RequestSpan],
    schema: str = SCHEMA,
) -> None:
    """Add rows to one of the two tables, while it is filled."""
    names = [one.name for one in table.columns]
    await connection.copy_records_to_table(table.name, schema_name=schema, records=rows, columns=names)
