"""The one door to every read: what was asked → the moment → the rows → the answer, whatever door it came by."""

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from api.services.phrases import Lang, Sentence
from api.services.problems import Fault, Trouble, echo
from domain.commands import FACTS
from domain.values import instant_text
from events.database import GONE, WRONG, Connection
from events.head import Head
from events.recorded import OPEN_END
from events.tree import root_at
from events.work import resting
from projections.as_of import AsOf, Meta, Moment, Rows, keep_root, moment_at, root_key, rows_at, rows_once
from projections.fold import INFINITY, MINUS_INFINITY, RULES_VERSION
from projections.lists import Counting
from projections.memory import Memory
from projections.table import SCHEMA, SliceTable
from projections.views.duties import BEHIND
from projections.views.names import PLATFORMS, UNITS
from projections.views.subjects import Subject, whole
from projections.wanted import Wanted

V = TypeVar("V", bound=msgspec.Struct)
CLOCKS: Final = ("asOf", "position", "effectiveOn", "minPosition")
# Filters that name a stream, or its subject by its id.
_NAMING: Final = ("stream", *(one.kind for one in whole()))
_SHARED: Final = (UNITS, BEHIND, PLATFORMS)  # read whole, and so once
MOST_WAITING: Final = 2_000  # for the log to grow: each asks the database again when it does
VISIBLE_WITHIN: Final = 5.0  # seconds to wait for a position that is not visible yet


class Lender(Protocol):
    """Lends connections for reading."""

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for as long as the block lasts."""
        ...


class Reader:
    """Reads views at a moment: slices through the pool `slices`, the log itself through `pool`.

    `license` is the data's licence, which every answer names; `memory` is the process's one memory; `waiters` are how
    many wait for the log to grow.
    """

    def __init__(self, pool: Lender, slices: Lender, head: Head, license_: str, memory: Memory) -> None:
        self.pool = pool
        self.slices = slices
        self.head = head
        self.license = license_
        self.memory = memory
        self.waiters = 0

    async def rows(self, asked: AsOf, wanted: Sequence[Wanted]) -> tuple[Moment, Rows]:
        """The rows that stand at the moment that is meant."""
        moment = await self.meant(asked)
        rows = await self.read(moment, wanted)
        return await self.rooted(moment), rows

    async def read(self, moment: Moment, wanted: Sequence[Wanted]) -> Rows:
        """The rows that stand at a moment. How common a word is, only a plan made for it knows."""
        pool = self.pool if any(one.form.grams for one in wanted) else self.slices
        async with pool.acquire() as connection:
            return await rows_at(connection, moment, wanted, self.memory)

    async def read_once(self, moment: Moment, wanted: Sequence[Wanted]) -> Rows:
        """The same for who asks for nothing twice."""
        async with self.slices.acquire() as connection:
            return await rows_once(connection, moment, wanted, self.memory)

    async def counted(self, counting: Counting, views: Sequence[V], rows: Rows, moment: Moment, scope: str) -> list[V]:
        """Views with counts of their tasks; `rows` hold what is known `ahead` by the scope, or else more are read."""
        if not counting.ahead(scope):
            beside = [one for one in counting.beside(views) if not (one.table in _SHARED and rows.any(one.table))]
            async with self.slices.acquire() as connection:
                rows = rows.with_rows(await rows_at(connection, moment, beside, self.memory))
        tally = counting.tally(rows, moment.effective_on)
        return [counting.counted(one, tally) for one in views]

    async def moment(self, asked: AsOf) -> Moment:
        """The moment that is meant."""
        return await self.rooted(await self.meant(asked))

    async def meant(self, asked: AsOf) -> Moment:
        """The same; its root may be missing, which the first rows read there bring along."""
        await self.head.current()
        position = asked.min_position
        if position is not None and not await self.head.reach(position, VISIBLE_WITHIN):
            raise self.not_visible(position)
        return moment_at(self.head, self._known_root, asked)

    async def rooted(self, moment: Moment) -> Moment:
        """The moment with the root of the log, which may have been read by now."""
        return moment if moment.root else msgspec.structs.replace(moment, root=await self.root(moment.position))

    @contextmanager
    def waiting(self) -> Generator[None]:
        """For as long as the block lasts, one of those that wait for the log to grow; Trouble if they are too many."""
        if self.waiters >= MOST_WAITING:
            raise Trouble(503, "too_many_waiting", "too many wait already: ask without waitSeconds", Retry_After="10")
        self.waiters += 1
        try:
            with resting():
                yield
        finally:
            self.waiters -= 1

    async def newest(self) -> bool:
        """Read the head from the primary now; False for who cannot, as the primary is away or this is a replica."""
        try:
            async with self.pool.acquire() as connection:
                if await connection.fetchval("SELECT pg_is_in_recovery()"):
                    return False
                await self.head.read(connection)
        except (*GONE, *WRONG):
            return False
        return True

    async def root(self, position: int) -> str:
        """The root of the log of that size, in hex: known at the head, elsewhere one statement once."""
        known = self._known_root(position)
        if not known:
            async with self.slices.acquire() as connection:
                known = (await root_at(connection, position)).hex()
            keep_root(self.memory, position, known)
        return known

    def _known_root(self, position: int) -> str:
        return self.head.root if position == self.head.size else self.memory.get(root_key(position)) or ""

    async def check_named(self, given: msgspec.Struct, moment: Moment, plan: str = "") -> None:
        """Trouble for a filter that names what is not in the record: who misspells it would take nothing for an answer.

        A subject is in the record from the first fact of its stream on, whatever the day. Tasks are named by their keys
        within a `plan`, else by their ids. A type that no fact has would be waited for for ever.
        """
        for type_ in getattr(given, "type", None) or ():
            if type_ not in FACTS:
                detail = f"no fact has the type {echo(type_)}; there are {', '.join(sorted(FACTS))}"
                raise Trouble(400, "bad_parameter", detail, [Fault("type", detail)])
        for name in _NAMING:
            given_: str | int | None = getattr(given, name, None)
            if given_ is None:
                continue
            key = f"{plan}/{given_}" if name == "task" and plan else str(given_)
            if not await self._begun(key if name == "stream" else f"{name}:{key}", moment.position):
                detail = Sentence("detail.unknown", kind=Sentence(f"thing.{name}"), key=echo(key))
                raise Trouble(404, "unknown_id", detail, [Fault(name, detail.said(Lang.EN))])

    async def _begun(self, stream: str, position: int) -> bool:
        key = "begun", stream
        first: int | None = self.memory.get(key)
        if first is None:
            async with self.pool.acquire() as connection:
                first = await connection.fetchval("SELECT min(position) FROM events WHERE stream = $1", stream)
            if first is None:
                return False
            self.memory.put(key, first, sys.getsizeof(stream))
        return first <= position

    def meta(self, moment: Moment, path: str, query: Mapping[str, str]) -> Meta:
        """What the answer resolved to; its address has both clocks pinned."""
        rest = sorted((name, value) for name, value in query.items() if name not in CLOCKS)
        others = f"{urlencode(rest)}&" if rest else ""
        return Meta(
            moment.position,
            moment.log,
            moment.root,
            RULES_VERSION,
            instant_text(moment.as_of),
            moment.effective_on,
            f"{path}?{others}position={moment.position}&effectiveOn={moment.effective_on}",
            moment.origin,
            self.license,
        )

    def not_visible(self, position: int) -> Trouble:
        """Why nothing is said of a position: others may know of it."""
        detail = Sentence("detail.not_visible", position=position, size=self.head.size)
        return Trouble(503, "not_visible_yet", detail, Retry_After="1")

    def beyond(self, position: int | str, moment: Moment) -> Trouble:
        """Why there is no such event."""
        detail = Sentence("detail.no_event", position=echo(str(position)), last=moment.position)
        return Trouble(404, "unknown_id", detail)

    async def absent(self, subject: Subject[Any], key: str, moment: Moment) -> Trouble:
        """Why there is no such thing at a moment: from when to when it is there, if it ever is."""
        return (await self.all_absent(subject.kind, subject.table, [key], moment))[key]

    async def all_absent(self, kind: str, table: SliceTable, keys: Sequence[str], moment: Moment) -> dict[str, Trouble]:
        """The same of several things of a kind."""
        sql = f"""SELECT key, known_from, known_to, eff_from, eff_to FROM {SCHEMA}.{table.name}
            WHERE key = ANY($1::text[]) ORDER BY known_from"""
        found: dict[str, list[Any]] = {key: [] for key in keys}
        async with self.pool.acquire() as connection:
            for row in await connection.fetch(sql, keys):
                found[row["key"]].append(row)
        return {key: _absent(kind, echo(key), rows, moment) for key, rows in found.items()}


def _absent(kind: str, key: str, rows: Sequence[Any], moment: Moment) -> Trouble:
    thing = Sentence(f"thing.{kind}")
    if not rows:
        return Trouble(404, "unknown_id", Sentence("detail.unknown", kind=thing, key=key))
    known = [row for row in rows if row["known_from"] <= moment.position < row["known_to"]]
    if not known:
        since, until = rows[0]["known_from"], max(row["known_to"] for row in rows)
        which = "detail.recorded_since" if until == OPEN_END else "detail.recorded_until"
        bounds = {"since": since, "until": until - 1, "asked": moment.position}
    else:
        begin, end = min(row["eff_from"] for row in known), max(row["eff_to"] for row in known)
        which = "detail.there_between" if end < INFINITY else "detail.there_since"
        if begin == MINUS_INFINITY:
            which = "detail.there_until"
        bounds = {"since": begin, "until": end, "asked": moment.effective_on}
    return Trouble(404, "not_at_this_moment", Sentence(which, kind=thing, key=key, **bounds))
