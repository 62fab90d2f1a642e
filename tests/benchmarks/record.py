"""The record that is measured: the demo, told in a temporary folder with durable default settings."""

import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from api.cli.year import tell
from api.hosting.settings import Settings
from api.main import service
from api.postgres import cluster
from domain.bundled import BUNDLED_PLAN
from events.database import undisturbed
from tests.benchmarks.checks import NOTHING
from tests.benchmarks.moments import Moments
from tests.benchmarks.peers import Setup

ORIGIN = "planrecord.invalid/shanghai/demo"


@asynccontextmanager
async def told(core: int) -> AsyncGenerator[tuple[Setup, Moments]]:
    """The demo's record and its moments; PostgreSQL's processes stay on one core, and end with the block."""
    with tempfile.TemporaryDirectory(prefix="planrecord-benchmarks-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # what is started now inherits it
        async with cluster(folder / "server") as own:
            os.sched_setaffinity(0, mine)
            settings = Settings(data_dir=folder, database_url=own.dsn, origin=ORIGIN)
            async with service(settings) as running:
                await tell(running)
                async with undisturbed(own.dsn) as connection:
                    await connection.execute("VACUUM ANALYZE")  # autovacuum would come to it in a minute
                    size: int = await connection.fetchval("SELECT size FROM log_head")
                    imported: int = await connection.fetchval(
                        "SELECT count(*) FROM events "
                        "WHERE recorded_at < (SELECT recorded_at + interval '1 day' FROM events WHERE position = 1)"
                    )
            yield (
                Setup(own.dsn, name, ORIGIN, settings.license, BUNDLED_PLAN, NOTHING),
                Moments(imported, size - imported + 1),
            )
