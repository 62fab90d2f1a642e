"""Finding a record, or making one: only those who serve may make one, and those who only read leave it as it is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, Literal

import asyncpg

from api.hosting.heads import every_known
from api.hosting.publishing import make_first_key
from api.hosting.settings import Settings
from api.postgres import Cluster, cluster, is_cluster
from events.audit import Progress
from events.database import Connection, close, connect
from events.schema import Release, in_turn, migrate, origin_of, release_of
from projections.rebuilding import bring_up
from projections.runner import is_current
from projections.views.subjects import TABLES

ORIGIN: Final = "planrecord.invalid/shanghai"  # of a new log, unless a setting names another
DEMO_ORIGIN: Final = "planrecord.invalid/shanghai/demo"
ANSWERS_WITHIN: Final = 10.0  # seconds in which a database must answer at the start
CONNECTIONS_EACH: Final = 20  # to the database that a process may have at once, some to spare
Purpose = Literal["read", "copy", "write", "make"]


class Unreachable(Exception):
    """The database that DATABASE_URL names cannot be reached, or not so."""


class NoRecord(Exception):
    """There is no record where one was named."""


class OtherRecord(Exception):
    """Another log is there than the one that was named."""


class OtherRelease(Exception):
    """The record was left by another release, and must first be brought up to date, or served by that release."""


def place(settings: Settings) -> str:
    """Where the settings have the record, in words."""
    return "the database of DATABASE_URL" if settings.database_url else str(settings.data_dir)


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    exclusive: bool = False,
    purpose: Purpose = "make",
    progress: Progress = lambda _: None,
) -> AsyncGenerator[tuple[str, Cluster | None]]:
    """The DSN of the record's database: that of DATABASE_URL, or the data folder's own, which is started and stopped.

    Only to `make` is a record made where there is none; else NoRecord, and nothing was touched. To `read`, the record
    must be as this release leaves it (OtherRelease); to `copy` it, it may be as an earlier one left it; else it is
    brought up to date, by one process at a time. OtherRecord for one of another origin than was set. `progress` is told
    the facts that a rebuild has folded.
    """
    async with _database(settings, exclusive=exclusive, purpose=purpose) as (dsn, own):
        connection = await _connected(dsn)
        try:
            if purpose != "make" and await origin_of(connection) is None:
                raise NoRecord(_none(settings))
            if purpose in {"read", "copy"}:
                await _suits(connection, settings, purpose)
            else:
                async with in_turn(connection):
                    await _brought_up_to_date(connection, dsn, settings, purpose, progress)
        finally:
            await close(connection)
        yield dsn, own


async def _brought_up_to_date(
    connection: Connection, dsn: str, settings: Settings, purpose: Purpose, progress: Progress
) -> None:
    """Make the record if it is not there; migrate the log, and rebuild the tables that have another shape."""
    if await origin_of(connection) is None:
        _check_gone(settings)
        await migrate(dsn, settings.origin or ORIGIN)
    await _suits(connection, settings, purpose)
    await migrate(dsn, settings.origin or ORIGIN)
    if purpose == "make":
        await make_first_key(connection, settings)
    await bring_up(dsn, TABLES, progress)


@asynccontextmanager
async def _database(
    settings: Settings, *, exclusive: bool, purpose: Purpose
) -> AsyncGenerator[tuple[str, Cluster | None]]:
    if settings.database_url:
        yield settings.database_url, None
        return
    if purpose != "make" and not is_cluster(settings.data_dir):
        raise NoRecord(_none(settings))
    connections = max(100, CONNECTIONS_EACH * (settings.workers + 1))
    options = {"max_connections": str(connections)}
    async with cluster(settings.data_dir, exclusive=exclusive, options=options) as own:
        yield own.dsn, own


def _none(settings: Settings) -> str:
    return f"there is no record in {place(settings)}; `planrecord serve` makes one"


def _check_gone(settings: Settings) -> None:
    """NoRecord where a record was served from the data folder before: a new one would take its place unnoticed."""
    before = [] if settings.database_url else every_known(settings.data_dir)
    if before:
        last = max(before, key=lambda one: one.size)
        raise NoRecord(
            f"the database in {settings.data_dir} is empty, and {last.size} facts of log {last.log} were acknowledged "
            f"there: put it back, restore a backup of it, or name another data folder"
        )


async def _connected(dsn: str) -> Connection:
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            return await connect(dsn)
    except TimeoutError as error:
        raise Unreachable(f"the database did not answer within {ANSWERS_WITHIN:.0f} s") from error
    # A URL may be wrong in many ways, which asyncpg and the socket below it tell by errors of as many kinds.
    except (ValueError, TypeError, OverflowError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unreachable(f"the database cannot be used: {error}") from error


async def _suits(connection: Connection, settings: Settings, purpose: Purpose) -> None:
    """OtherRecord or OtherRelease unless the record is the one that was meant, and one for this release."""
    own, where = await origin_of(connection), place(settings)
    if settings.origin not in {None, own}:
        raise OtherRecord(
            f"{where} holds the record {own}, not {settings.origin}: name another data folder or database, "
            f"or leave PLANRECORD_ORIGIN unset"
        )
    release = await release_of(connection)
    if release is Release.LATER:
        raise OtherRelease(f"the record in {where} was left by a later release of planrecord: install that one")
    if purpose == "read" and (release is Release.EARLIER or not await is_current(connection, TABLES)):
        raise OtherRelease(
            f"the record in {where} was left by another release of planrecord: start `planrecord serve` once, "
            f"which brings it up to date"
        )
