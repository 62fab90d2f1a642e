"""The log's tables: made and migrated by Alembic, one head row for each log."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine


def sqlalchemy_url(dsn: str) -> str:
    """The same server, as SQLAlchemy names it."""
    for scheme in ("postgresql://", "postgres://"):
        if dsn.startswith(scheme):
            return "postgresql+asyncpg://" + dsn.removeprefix(scheme)
    return dsn


async def migrate(dsn: str, origin: str) -> None:
    """Bring the log's tables to the newest shape; a new log gets `origin`, which is for life."""
    engine = create_async_engine(sqlalchemy_url(dsn))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
            await connection.execute(
                text("INSERT INTO log_head (origin) VALUES (:origin) ON CONFLICT DO NOTHING"), {"origin": origin}
            )
    finally:
        await engine.dispose()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to the shape that a revision gave them, or to the newest."""
    config = Config()
    config.set_main_option("script_location", str(files("events").joinpath("migrations")))
    config.attributes["connection"] = connection
    connection.execute(text("SELECT pg_advisory_xact_lock(20230328)"))  # two processes that start at once take turns
    command.upgrade(config, revision)
