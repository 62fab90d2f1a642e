"""A log as it was before it had an identity and kept its tree: all of another, in the shape of revision 2."""

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from events.database import Connection
from events.schema import upgrade

COLUMNS = ("position", "stream", "version", "type", "recorded_at", "undoes", "refers", "entry")


async def make_old_log(dsn: str, source: Connection) -> None:
    """In an empty database, with all facts, texts and the head of `source`."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "0002")
    await engine.dispose()
    head = await source.fetchrow("SELECT origin, size, recorded_at, frontier, demo_now FROM log_head")
    assert head is not None
    facts = await source.fetch(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY position")  # noqa: S608 - as above
    texts = await source.fetch("SELECT digest, position, salt, value FROM disclosures")
    target = await asyncpg.connect(dsn)
    try:
        await target.execute(
            "INSERT INTO log_head (origin, size, recorded_at, frontier, demo_now) VALUES ($1, $2, $3, $4, $5)", *head
        )
        await target.copy_records_to_table("events", records=[tuple(one) for one in facts], columns=COLUMNS)
        await target.copy_records_to_table("disclosures", records=[tuple(one) for one in texts])
    finally:
        await target.close()
