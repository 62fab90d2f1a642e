"""`verify`: the log read again from its first leaf, and all that is kept beside it held against it.

In constant memory: both sides are read in one order, a piece at a time. The log in the order of its positions (leaves,
tree, texts, what facts concern), and its streams in ranges (the tables): each by itself, and so by several processes.
"""

import asyncio

import msgspec

from events.audit import Audited, Progress, audit, first
from events.counted import Tell
from events.database import Connection, undisturbed
from projections.agreeing import RANGES, Indexes, Range, compare_range, ranges
from projections.catalog import LOG, compare_catalog
from projections.crew import crew, done
from projections.rebuilding import unchanged
from projections.runner import is_current
from projections.slices import Tables
from projections.table import SCHEMA


class Verified(msgspec.Struct, frozen=True):
    """What was found to agree: facts in the log, slices in the tables, and the root hash of the log, in hex."""

    position: int
    slices: int
    root: str


async def verify(
    connection: Connection, tables: Tables, found: Tell = first, progress: Progress = lambda _: None
) -> Verified:
    """Read the log leaf by leaf, hash it, refold it, compare every table, and read nothing else; it changes nothing.

    `found` is told each difference, in words: the leaf, the row, the column, what stands there and what should. Unless
    it says otherwise the first is raised (Disagreement).
    """
    async with unchanged(connection), connection.transaction(isolation="repeatable_read", readonly=True):
        unreadable = await compare_shapes(connection, tables, found)
        if unreadable.intersection(LOG):
            return Verified(0, 0, "")
        log = await compare_log(connection, unreadable, found, progress)
        count = 0
        for own in await ranges(connection, log.size, 1):
            count += await compare_range(
                connection, readable(tables, unreadable), own, log.size, found=found, progress=progress
            )
        return Verified(log.size, count, log.root.hex())


async def compare_shapes(connection: Connection, tables: Tables, found: Tell) -> frozenset[str]:
    """Hold what the database says of the tables against what it should; the tables that cannot be read."""
    unreadable = await compare_catalog(connection, found)
    if not await is_current(connection, tables):
        found("the head, column shape: it is not that of this release's tables")
    return unreadable


async def compare_log(connection: Connection, unreadable: frozenset[str], found: Tell, progress: Progress) -> Audited:
    """Audit the log, and hold the tables against it that follow from its leaves in their order."""
    indexes = await Indexes.of(connection, unreadable, found)
    log = await audit(connection, found, progress, indexes.compare)
    await indexes.end()
    return log


def readable(tables: Tables, unreadable: frozenset[str]) -> Tables:
    """The tables that can be read."""
    return [table for table in tables if f"{SCHEMA}.{table.name}" not in unreadable]


async def verify_together(
    dsn: str, tables: Tables, found: Tell = first, progress: Progress = lambda _: None
) -> Verified:
    """The same by several processes, which agree on what they look at; what is found is told when a part is done."""
    async with (
        undisturbed(dsn) as connection,
        unchanged(connection),
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        unreadable = await compare_shapes(connection, tables, found)
        if unreadable.intersection(LOG):
            return Verified(0, 0, "")
        snapshot: str = await connection.fetchval("SELECT pg_export_snapshot()")
        size: int = await connection.fetchval("SELECT size FROM log_head")
        names = [table.name for table in readable(tables, unreadable)]
        async with crew(dsn, snapshot, progress) as others:
            log = others.send(_log_part, unreadable)
            last = max(size, await _largest(connection))
            rest = [others.send(_range_part, names, one, last) for one in await ranges(connection, size, RANGES)]
            told, audited = await asyncio.wrap_future(log)
            parts = await done(rest)
    for one in (told, *(words for words, _ in parts)):
        for words in one:
            found(words)
    return Verified(audited.size, sum(count for _, count in parts), audited.root.hex())


async def _largest(connection: Connection) -> int:
    """The last position that the table of facts has."""
    return await connection.fetchval("SELECT coalesce(max(position), 0) FROM events")


async def _log_part(
    connection: Connection, progress: Progress, unreadable: frozenset[str]
) -> tuple[list[str], Audited]:
    told: list[str] = []
    audited = await compare_log(connection, unreadable, told.append, progress)
    return told, audited


async def _range_part(
    connection: Connection, progress: Progress, names: list[str], own: Range, size: int
) -> tuple[list[str], int]:
    from projections.views.subjects import TABLES  # noqa: PLC0415 - tables cannot be sent, and views know this module

    told: list[str] = []
    tables = [table for table in TABLES if table.name in names]
    return told, await compare_range(connection, tables, own, size, found=told.append, progress=progress)
