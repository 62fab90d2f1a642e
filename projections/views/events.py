"""Events: the log's facts as everybody reads them, erasable text told beside them where it is still there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.fact import data_of, tag
from domain.values import instant_text
from events import codec, merkle
from events.codec import decode_trusted
from events.database import Connection
from events.erasable import digests, disclosed
from events.recorded import Cause, Recorded
from events.steps import Work, in_steps
from projections import as_of
from projections.concerns import CORRECTION, of_authority, of_type
from projections.table import SCHEMA
from projections.views.texts import Erasable


class Presence(StrEnum):
    """Whether a text is still there: erased by a fact that says so, or withheld, which no fact does."""

    PRESENT = "present"
    ERASED = "erased"
    WITHHELD = "withheld"


class DisclosureView(Erasable, frozen=True):
    """The text behind a digest with its salt; both null where it is not there any more."""

    digest: str
    salt: str | None
    value: str | None
    state: Presence


class UndoneBy(msgspec.Struct, frozen=True):
    """The fact that voids another or replaces it, with the command that made it and the reason that it gave."""

    position: int
    command: str
    reason: str | None


class InRequest(msgspec.Struct, frozen=True):
    """Where a fact stands among those of its request, from 0, and how many there are: they stand together."""

    index: int
    count: int


class EventView(msgspec.Struct, frozen=True, rename="camel"):
    """A fact: the very fields of its leaf, and beside them what is known of it.

    Without `leafHash`, `undoneBy`, `inRequest`, `disclosures` and `meta` it is the leaf: printed as canonical JSON (RFC
    8785: keys sorted, no blanks) it is the bytes that `leafHash` is the RFC 6962 hash of, SHA-256 of a zero byte and
    them. `undoneBy` is as of the moment asked for.
    """

    v: int
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
    leaf_hash: str
    undone_by: UndoneBy | None
    in_request: InRequest
    disclosures: tuple[DisclosureView, ...] = ()
    meta: as_of.Meta | UnsetType = UNSET


BESIDE: Final = ("leafHash", "undoneBy", "inRequest", "disclosures", "meta")  # what is no part of the leaf
Disclosed = Mapping[str, tuple[str, str]]  # digest → (salt, value)


class LogEntry(NamedTuple):
    """A leaf's bytes, those of the leaf that undoes it, and its request's first position and number of facts."""

    leaf: bytes
    undoing: bytes | None
    request: Sequence[int]


class _Said(msgspec.Struct):
    type: str
    data: msgspec.Raw


class _Undoing(msgspec.Struct):
    position: int
    cause: Cause


_SAID: Final = msgspec.json.Decoder(_Said).decode
_UNDOING: Final = msgspec.json.Decoder(_Undoing).decode
# Of the fact e.position in the log of the size $n: subqueries, so that no plan for them reads more than one row each.
REQUEST: Final = f"""
    (SELECT ARRAY[first, facts] FROM {SCHEMA}.request_spans WHERE first <= e.position ORDER BY first DESC LIMIT 1)
        AS request
"""
BESIDES: Final = f"""
    (SELECT u.entry FROM events u WHERE u.undoes = e.position AND u.position <= $n) AS undoing, {REQUEST}"""


def event_view(entry: LogEntry, texts: Disclosed) -> EventView:
    """A fact as everybody reads it."""
    return _view(decode_trusted(entry.leaf), entry, texts)


def _view(fact: Recorded, entry: LogEntry, texts: Disclosed) -> EventView:
    first, count = entry.request
    type_, data = tag(fact.fact), data_of(fact.fact)
    said = _SAID(entry.leaf)
    if said.type != type_:  # it was recorded as an older version, which its leaf stays
        type_, data = said.type, msgspec.json.decode(said.data, type=dict[str, Any])
    return EventView(
        codec.LEAF_VERSION,
        fact.position,
        fact.stream,
        fact.version,
        type_,
        fact.actor,
        instant_text(fact.recorded_at),
        fact.effective_on,
        fact.replaces,
        fact.cause,
        data,
        merkle.leaf_hash(entry.leaf).hex(),
        _undone_by(entry.undoing),
        InRequest(fact.position - first, count),
        tuple(disclosure_view(digest, texts.get(digest)) for digest in digests(data)),
    )


def _undone_by(entry: bytes | None) -> UndoneBy | None:
    if entry is None:
        return None
    undoing = _UNDOING(entry)
    return UndoneBy(undoing.position, undoing.cause.command, undoing.cause.reason)


def disclosure_view(digest: str, text: tuple[str, str] | None) -> DisclosureView:
    """What is told of a digest: its salt and text, if they are there."""
    if text is None:
        return DisclosureView(digest, None, None, Presence.WITHHELD)
    return DisclosureView(digest, *text, Presence.PRESENT)


def entries_of(facts: Iterable[Recorded]) -> Work[tuple[int, LogEntry]]:
    """The entries of facts, in order, that are not in the log, or are all that it holds of their requests."""
    known = list(facts)
    leaves: dict[int, bytes] = {}
    for one in known:
        leaves[one.position] = codec.encode(one)
        yield None
    undoing = {one.undoes: leaves[one.position] for one in known if one.undoes is not None}
    for _, request in groupby(known, key=lambda one: one.cause.request):
        together = list(request)
        for one in together:
            span = together[0].position, len(together)
            yield one.position, LogEntry(leaves[one.position], undoing.get(one.position), span)


def undone_in(one: EventView) -> int | None:
    """The position of the fact that this one replaces or voids, if any."""
    return one.data["target"] if one.type.startswith("fact.voided.") else one.replaces


def as_brought(one: EventView) -> dict[str, Any]:
    """A fact as it is brought to those who are brought what undoes it, too: it never says that something did."""
    fields: dict[str, Any] = msgspec.to_builtins(one)
    return {name: value for name, value in fields.items() if name not in _TOLD_LATER}


_TOLD_LATER: Final = ("undoneBy", "meta")


class Facts(msgspec.Struct, frozen=True):
    """Facts with the texts behind their digests; of those that are viewed also the `entries`, by position."""

    recorded: Sequence[Recorded]
    disclosed: Disclosed
    entries: Mapping[int, LogEntry] = {}
    _viewed: dict[int, EventView] = {}

    def view(self, position: int) -> EventView:
        """One of the facts as everybody reads it: put together once, however many names ask for it."""
        found = self._viewed.get(position)
        if found is None:
            found = self._viewed[position] = event_view(self.entries[position], self.disclosed)
        return found

    def views(self) -> list[EventView]:
        """Each fact as everybody reads it."""
        return [self.view(one.position) for one in self.recorded]


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What events are about. Whatever is chosen brings with each fact those that undo it, along the whole chain.

    It brings a replacement also where it did not bring what that replaces, in whose place it stands.
    """

    type: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="Only facts of these types, and those that undo one. Over REST several are joined by commas.",
            examples=["progress.reported.v1", "task.unit_assigned.v1,task.unit_released.v1"],
        ),
    ] = None
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
    task: Annotated[
        str | None,
        Meta(description="Only the facts of this task and of the reports on it.", examples=["shanghai-credit-2023/21"]),
    ] = None
    unit: Annotated[
        str | None,
        Meta(
            description="Only the facts of this unit or group and those that name it: its reports, what it was "
            "assigned to itself, the groups that it joined or left, the units that it succeeded; and whatever undoes "
            "one of them.",
            examples=["shi-ke-wei"],
        ),
    ] = None
    district: Annotated[
        str | None,
        Meta(
            description="Only the facts of this district and of its units, those that name one of them, and whatever "
            "undoes one of all these.",
            examples=["310115"],
        ),
    ] = None
    authority: Annotated[
        str | None,
        Meta(
            description="Only facts that this very document orders, and those that undo one.",
            examples=["沪信用办〔2023〕16号"],
        ),
    ] = None
    corrections: Annotated[
        bool, Meta(description="Only facts that undo another: replacements and voidings.", examples=[True])
    ] = False


class LogPage(EventFilter, frozen=True, kw_only=True):
    """Which events: of those that are asked about, at most `limit` at positions higher than `after`.

    Where `before` is given, the last ones before that position.
    """

    after: int = 0
    before: int | None = None
    limit: int = 100


# A district's units name it when they are registered: from the position on where a unit's stream first does, whatever
# names the unit concerns the district. So what a filter brings of a log never changes as the log grows.
_DISTRICT: Final = f"""WITH district (what, since) AS MATERIALIZED (
    SELECT what, 0 FROM unnest($n::text[]) AS named(what)
    UNION ALL SELECT e.stream, min(c.position) FROM {SCHEMA}.concerns c JOIN events e USING (position)
    WHERE c.what = ANY ($n::text[]) AND c.position <= $2 AND e.stream LIKE 'unit:%' GROUP BY e.stream
)"""
# By $1 on, up to $2, at most $3: the filter that chooses fewest is followed along its index, each of the others is
# asked about what that brings. Subqueries with a limit are never taken apart: whatever the plan, each reads its rows.
_FOLLOWED: Final = """SELECT DISTINCT p.position FROM {whats}, LATERAL (
    SELECT c.position FROM {table} c
    WHERE c.{column} = w.what AND c.position {than} $1 AND c.position >= w.since AND c.position <= $2{others}
    ORDER BY c.position{order} LIMIT $3
) AS p ORDER BY p.position{order} LIMIT $3"""
_ALL: Final = (
    "SELECT position FROM events WHERE position {than} $1 AND position <= $2 ORDER BY position{order} LIMIT $3"
)
_OTHER: Final = f"""
    AND (SELECT true FROM {{whats}} JOIN {SCHEMA}.concerns o USING (what)
        WHERE o.position = c.position AND w.since <= c.position LIMIT 1)"""
_OF_SUBJECT: Final = """
    e.stream = $2 OR e.stream >= $3 COLLATE "C" AND e.stream < $4 COLLATE "C"
"""
_OF_RANGES: Final = """
SELECT e.entry FROM unnest($2::text[], $3::text[]) AS named(low, high), LATERAL (
    SELECT position, entry FROM events
    WHERE stream >= named.low COLLATE "C" AND stream < named.high COLLATE "C" AND position <= $1
    OFFSET 0  -- so that each range is looked up by the index, however many there are
) AS e
ORDER BY e.position
"""


async def log_page(connection: Connection, position: int, asked: LogPage) -> list[EventView]:
    """A page of the log as it was at `position`."""
    sql, values = page_statement(asked)
    place = asked.after if asked.before is None else asked.before
    rows = await connection.fetch(sql, place, position, asked.limit, *values)
    return await _viewed(connection, rows if asked.before is None else rows[::-1])


async def count_by_month(
    connection: Connection, position: int, asked: EventFilter, most: int
) -> Sequence[tuple[str, int]]:
    """How many facts about what is asked for were recorded in which month in Shanghai: the last `most`, at `position`.

    Months as `2023-05`, in order, those without a fact left out.
    """
    ahead, found, values = positions_statement(asked, backwards=True)
    sql = f"""{ahead} SELECT to_char(l.recorded_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month, count(*)
        FROM ({found}) AS e JOIN events l USING (position) GROUP BY month ORDER BY month"""
    rows = await connection.fetch(sql, position + 1, position, most, *values)
    return [(month, count) for month, count in rows]


def page_statement(asked: LogPage) -> tuple[str, list[list[str]]]:
    """The statement for a page, and its parameters from $4 on: only what is asked for stands in it."""
    backwards = asked.before is not None
    ahead, found, values = positions_statement(asked, backwards=backwards)
    sql = f"""{ahead} SELECT (SELECT l.entry FROM events l WHERE l.position = e.position) AS entry,
        {BESIDES.replace("$n", "$2")} FROM ({found}) AS e ORDER BY e.position{_order(backwards=backwards)}"""
    return sql, list(values)


def positions_statement(asked: EventFilter, *, backwards: bool = False) -> tuple[str, str, list[list[str]]]:
    """What stands before, and the subquery for, the positions of what is asked about, with its parameters from $4 on.

    They are higher than $1 (`backwards`: lower, and the last come first), up to $2, and at most $3.
    """
    chosen = dict(whats(asked))
    named = [
        "district AS w"
        if name == "district"
        else f"(SELECT what, 0 FROM unnest(${n}::text[]) AS n(what)) AS w(what, since)"
        for n, name in enumerate(chosen, 4)
    ]
    ahead = _DISTRICT.replace("$n", f"${4 + [*chosen].index('district')}") if "district" in chosen else ""
    table, column = ("events", "stream") if "stream" in chosen else (f"{SCHEMA}.concerns", "what")
    found = (_FOLLOWED if chosen else _ALL).format(
        whats=next(iter(named), ""),
        table=table,
        column=column,
        than="<" if backwards else ">",
        order=_order(backwards=backwards),
        others="".join(_OTHER.format(whats=one) for one in named[1:]),
    )
    return ahead, found, list(chosen.values())


def _order(*, backwards: bool) -> str:
    return " DESC" if backwards else ""


def whats(asked: EventFilter) -> Iterator[tuple[str, list[str]]]:
    """What a fact concerns that is asked for, any of each, or the `stream` that it stands in.

    Those come first that few concern.
    """
    if asked.stream is not None:
        yield "stream", [asked.stream]
    for kind, key in (("task", asked.task), ("unit", asked.unit)):
        if key is not None:
            yield kind, [f"{kind}:{key}"]
    if asked.authority is not None:
        yield "authority", [of_authority(asked.authority)]
    if asked.corrections:
        yield "corrections", [CORRECTION]
    if asked.district is not None:
        yield "district", [f"district:{asked.district}"]
    if asked.type is not None:
        yield "type", [of_type(one) for one in asked.type]
    if asked.plan is not None:
        yield "plan", [f"plan:{asked.plan}"]


async def at(connection: Connection, positions: Sequence[int], position: int) -> list[EventView]:
    """The facts at these positions, in order, as it was at `position`."""
    rows = await connection.fetch(
        f"SELECT e.entry, {BESIDES.replace('$n', '$2')} FROM events e "
        "WHERE position = ANY($1::bigint[]) ORDER BY position",
        list(positions),
        position,
    )
    return await _viewed(connection, rows)


async def of_request(leaves: Sequence[bytes], texts: Disclosed) -> list[EventView]:
    """The facts of one request, all of them, as they were recorded just now: nothing need be read for that."""
    recorded = [one async for one in in_steps(map(decode_trusted, leaves))]
    if not recorded:
        return []
    undoing = {one.undoes: leaf for one, leaf in zip(recorded, leaves, strict=True) if one.undoes}
    span = recorded[0].position, len(recorded)
    pairs = ((one, LogEntry(leaf, undoing.get(one.position), span)) for one, leaf in zip(recorded, leaves, strict=True))
    return [one async for one in in_steps(_view(fact, entry, texts) for fact, entry in pairs)]


async def said_at(connection: Connection, positions: Sequence[int]) -> Facts:
    """The facts at these positions, in order, with their texts alone."""
    rows = await connection.fetch(
        "SELECT entry FROM events WHERE position = ANY($1::bigint[]) ORDER BY position", list(positions)
    )
    recorded = await _decoded(rows)
    return Facts(recorded, await _texts(connection, recorded))


def end_of(prefix: str) -> str:
    """The first text, byte by byte, after all that begin with a prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


async def of_subject(connection: Connection, position: int, stream: str, below: str) -> Facts:
    """All facts of a stream, and of the streams whose names begin with `below`, as of `position`."""
    rows = await connection.fetch(
        f"SELECT e.entry, {BESIDES.replace('$n', '$1')} FROM events e "
        f"WHERE position <= $1 AND ({_OF_SUBJECT}) ORDER BY stream, version",
        position,
        stream,
        below,
        end_of(below),
    )
    recorded = await _decoded(rows)
    entries = {one.position: LogEntry(*row) for one, row in zip(recorded, rows, strict=True)}
    return Facts(recorded, await _texts(connection, recorded), entries)


async def of_ranges(connection: Connection, position: int, ranges: Iterable[tuple[str, str]]) -> list[Recorded]:
    """All facts as of `position` of the streams whose names lie in these ranges, without texts."""
    apart: list[list[str]] = []
    async for low, high in in_steps(sorted(ranges)):
        if apart and low <= apart[-1][1]:
            apart[-1][1] = max(apart[-1][1], high)
        else:
            apart.append([low, high])
    rows = await connection.fetch(_OF_RANGES, position, [low for low, _ in apart], [high for _, high in apart])
    return await _decoded(rows)


async def _decoded(rows: Iterable[Any]) -> list[Recorded]:
    """The facts of these rows, in steps."""
    return [one async for one in in_steps(decode_trusted(row["entry"]) for row in rows)]


async def _viewed(connection: Connection, rows: Iterable[Any]) -> list[EventView]:
    """The facts of these rows as everybody reads them, in steps."""
    entries = [LogEntry(*row) for row in rows]
    recorded = [one async for one in in_steps(decode_trusted(entry.leaf) for entry in entries)]
    texts = await _texts(connection, recorded)
    pairs = zip(recorded, entries, strict=True)
    return [one async for one in in_steps(_view(fact, entry, texts) for fact, entry in pairs)]


async def _texts(connection: Connection, facts: Iterable[Recorded]) -> Disclosed:
    """The texts behind the digests in these facts."""
    found = in_steps(tuple(digests(data_of(one.fact))) for one in facts)
    return await texts_behind(connection, [digest async for own in found for digest in own])


async def texts_behind(connection: Connection, wanted: Sequence[str]) -> Disclosed:
    """The texts behind digests, as far as they are there."""
    if not wanted:
        return {}
    rows = await connection.fetch("SELECT digest, salt, value FROM disclosures WHERE digest = ANY($1::text[])", wanted)
    return disclosed(rows)
