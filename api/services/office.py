"""The desk where commands are handed in: over HTTP and from the command line alike."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from api.services.proposals import with_ids
from domain.commands import FACTS, AnyCommand
from domain.document import read
from domain.document.draft import Doubt
from domain.plan_import import ImportPlan
from events.database import GONE, Lanes
from events.handle import Handler
from events.head import Head
from events.proposal import Appended, IdempotencyKey, Unacknowledged
from events.queue import NotBegun
from events.recorded import Recorded
from events.steps import Pace, in_steps
from events.streams import read_streams
from events.work import in_a_thread
from projections.table import SCHEMA
from projections.views import events, history
from projections.views.affected import Affected, affected
from projections.views.events import EventView, Facts, entries_of
from projections.views.history import NewVersion
from projections.views.undercut import may_undercut, undercut

SHORT_RECEIPT: Final = 20  # facts whose receipt is made at once
Unchanged = Annotated[
    tuple[int, ...],
    Meta(description="Which commands recorded nothing, by their index from 0: what they ask for holds already."),
]


class Receipt(msgspec.Struct, frozen=True, rename="camel"):
    """What was recorded. `replayed`: an earlier request with the same Idempotency-Key had recorded it already."""

    position: Annotated[int, Meta(description="The last position appended, or the head if nothing was.")]
    facts: tuple[EventView, ...]
    doubts: tuple[Doubt, ...]
    replayed: bool
    unchanged: Unchanged | None  # null in a replay, as it was not kept
    dry_run: bool = False


class DryRun(msgspec.Struct, frozen=True, rename="camel"):
    """What would be recorded, at the positions it would have now, and every version of a subject that would begin.

    `affected` are the other subjects that would show something else on a day from which a fact holds, or today.
    """

    position: int
    facts: tuple[EventView, ...]
    changes: tuple[NewVersion, ...]
    affected: Annotated[tuple[Affected, ...], Meta(description="The first 100 of them.")]
    affected_count: Annotated[
        int | None, Meta(description="How many there are; null where the record is too large to be looked through.")
    ]
    doubts: tuple[Doubt, ...]
    unchanged: Unchanged
    dry_run: bool = True


class Office:
    """Takes commands in the name of one office."""

    def __init__(self, pool: Lanes, head: Head, handler: Handler, actor: str) -> None:
        self._pool = pool
        self._head = head
        self._handler = handler
        self._actor = actor

    async def record(self, commands: Sequence[AnyCommand], idempotency: IdempotencyKey | None = None) -> Receipt:
        """Record what the commands decide, all or nothing; NotBegun or Unacknowledged if the database went away."""
        try:
            appended = await self._handler.handle(await self._complete(commands), self._actor, idempotency)
        except GONE as error:  # the log itself says what became of what it was given
            raise NotBegun("the database does not answer") from error
        try:
            await self._head.see(max(appended.positions, default=None))
            found = await self._told(appended)
            cut = await self._undercut(found)
        except GONE as error:
            raise Unacknowledged("it was recorded, and the database went away before it could be read back") from error
        position = max(appended.positions, default=self._head.size)
        return Receipt(position, tuple(found), doubts(commands) + cut, appended.replayed, appended.unchanged)

    async def _told(self, appended: Appended) -> list[EventView]:
        """The facts of a request: as they were recorded, or read where that was an earlier one."""
        if not appended.replayed:
            texts = {one.digest: (one.salt, one.value) for one in appended.disclosures}
            return await events.of_request(appended.leaves, texts)
        async with self._pool.acquire() as connection:
            return await events.at(connection, appended.positions, self._head.size)

    async def _undercut(self, found: Sequence[EventView]) -> tuple[Doubt, ...]:
        """What the facts of a request undercut when they were recorded: of a repeated one, what was told then."""
        if not any(may_undercut(one.stream, FACTS[one.type]) for one in found):
            return ()
        last = found[-1].position
        async with self._pool.acquire() as connection:
            known = await read_streams(connection, {one.stream for one in found})
            written = {stream: [one for one in facts if one.position <= last] for stream, facts in known.items()}
            return await undercut(connection, written, found[0].position - 1)

    async def dry_run(self, commands: Sequence[AnyCommand]) -> DryRun:
        """What the commands would record and change; nothing is recorded."""
        decided = await self._handler.decide(await self._complete(commands), self._actor)
        pretended, streams = decided.pretended, decided.proposal.known
        written = {stream: [*streams[stream], *facts] for stream, facts in pretended.items() if facts}
        new = sorted(chain.from_iterable(pretended.values()), key=lambda one: one.position)
        size = new[0].position - 1 if new else self._head.size
        pace = Pace()
        await pace.rest()
        disclosed = {one.digest: (one.salt, one.value) for fact in decided.proposal.new for one in fact.disclosures}
        await pace.rest()
        entries = {position: entry async for position, entry in in_steps(entries_of(new), pace)}
        known = Facts([*chain.from_iterable(written.values())], disclosed, entries)
        changes = [NewVersion.of(version) async for version in in_steps(history.versions(known, behind=size), pace)]
        await pace.rest()
        views = await _views(known, new)
        others, count = await affected(self._pool.acquire, written, size, decided.proposal.today)
        async with self._pool.acquire() as connection:
            cut = await undercut(connection, written, size)
        return DryRun(
            size + len(new),
            views,
            tuple(changes),
            others,
            count,
            doubts(commands) + cut,
            decided.unchanged,
        )

    async def _complete(self, commands: Sequence[AnyCommand]) -> list[AnyCommand]:
        """Imports get ids for the units that nobody knows yet."""
        if not any(isinstance(command, ImportPlan) for command in commands):
            return list(commands)
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                f"SELECT DISTINCT ON (key) key, doc FROM {SCHEMA}.units ORDER BY key, known_from DESC"
            )
        ids = {msgspec.json.decode(row["doc"])["name"]: row["key"] for row in rows}
        return await in_a_thread(lambda: [with_ids(command, ids) for command in commands])


def doubts(commands: Sequence[AnyCommand]) -> tuple[Doubt, ...]:
    """What the reading of imported documents left open."""
    return tuple(
        doubt for command in commands if isinstance(command, ImportPlan) for doubt in read(command.text).doubts
    )


async def _views(facts: Facts, some: Sequence[Recorded]) -> tuple[EventView, ...]:
    return tuple([view async for view in in_steps(facts.view(one.position) for one in some)])


async def encoded_answer(answer: Receipt | DryRun) -> bytes:
    """Its JSON; of a long one made in steps."""
    if isinstance(answer, Receipt) and len(answer.facts) <= SHORT_RECEIPT:
        return msgspec.json.encode(answer)
    lists, pace = {"facts", "changes"} & {*answer.__struct_fields__}, Pace()
    parts = {name: [await _raw(one, pace) for one in getattr(answer, name)] for name in lists}
    await asyncio.sleep(0)  # joining megabytes, and sending them, are steps of their own
    whole = msgspec.json.encode(msgspec.structs.replace(answer, **parts))
    await asyncio.sleep(0)
    return whole


async def _raw(part: msgspec.Struct, pace: Pace) -> msgspec.Raw:
    await pace.rest()
    return msgspec.Raw(msgspec.json.encode(part))
