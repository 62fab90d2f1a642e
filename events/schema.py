"""The log's tables: made and migrated by Alembic, one head row for each log."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum
from importlib.resources import files
from typing import Any, Final

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from events import database

STARTING: Final = 20230328  # the advisory lock of whoever makes tables: an earlier release takes it to migrate, too
LOOKS_AGAIN: Final = 0.1  # seconds
SAYS_SO_AFTER: Final = 1.0  # seconds: who only looks whether all is up to date keeps nobody waiting for so long

log = logging.getLogger("planrecord")


@asynccontextmanager
async def in_turn(connection: database.Connection) -> AsyncGenerator[None]:
    """Make or migrate tables within the block, which one process at a time is in; the others wait, and say so.

    The lock is the connection's: whatever becomes of its process, the next one's turn comes.
    """
    said, loop = False, asyncio.get_running_loop()
    began = loop.time()
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", STARTING):
        if not said and loop.time() - began > SAYS_SO_AFTER:
            log.warning("another process brings the record up to date: waiting until it has done so")
            said = True
        await asyncio.sleep(LOOKS_AGAIN)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", STARTING)


async def migrate(dsn: str, origin: str | None) -> None:
    """Bring the log's tables to the newest shape, for one at a time; a new log gets `origin`, which is for life.

    None: without a log.
    """
    # Connected by asyncpg itself: SQLAlchemy would read the DSN otherwise (sslmode, for one). No session of ours with
    # its limits of time: to bring a large log to a new shape may take long.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
            if origin is None:
                return
            await connection.execute(
                text("INSERT INTO log_head (origin) VALUES (:origin) ON CONFLICT DO NOTHING"), {"origin": origin}
            )
    finally:
        await engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("events").joinpath("migrations")))
    return config


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to the shape that a revision gave them, or to the newest."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def run_script(name: str) -> None:
    """Run the SQL of that name, within a migration."""
    adapted: Any = op.get_bind().connection.dbapi_connection

    async def run(driver: database.Connection) -> None:
        await driver.execute(database.statement(name))  # SQLAlchemy would prepare it, and only one can be prepared

    adapted.run_async(run)


class Release(Enum):
    """Which release the log's tables have their shape from."""

    EARLIER = "earlier"
    THIS = "this"
    LATER = "later"


async def origin_of(connection: database.Connection) -> str | None:
    """The origin of the log that the database holds; None where it holds no log."""
    if await connection.fetchval("SELECT to_regclass('log_head')") is None:
        return None
    origin: str | None = await connection.fetchval("SELECT origin FROM log_head")
    return origin


async def release_of(connection: database.Connection) -> Release:
    """Which release brought the log's tables to their shape."""
    left = await connection.fetchval("SELECT version_num FROM log_migrations")
    script = ScriptDirectory.from_config(_config())
    if left == script.get_current_head():
        return Release.THIS
    known = {one.revision for one in script.walk_revisions()}
    return Release.EARLIER if left in known else Release.LATER
