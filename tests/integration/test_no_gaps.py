"""No follower of the log skips a fact or reads one twice, whatever the writers, the database and the line do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.main import service
from events.database import SESSION, Connection
from events.log import Log
from projections.runner import shape_of
from projections.views.subjects import TABLES
from projections.writer import writer
from tests.conftest import REPORT, TASK, Site, serving, settings_for
from tests.integration.test_log import a_unit, outcome


class Held(Connection):
    """A connection whose COMMIT waits until it is let go."""

    reached: asyncio.Event
    free: asyncio.Event

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        if query == "COMMIT":
            self.reached.set()
            await self.free.wait()
        return await super().execute(query, *args, **options)


@pytest.fixture
async def held(site: Site) -> AsyncGenerator[tuple[Log, asyncio.Event, list[Held]]]:
    """Another appender on the record, which writes a fact and does not commit; an event says when it is there."""
    reached, made = asyncio.Event(), list[Held]()

    async def connect() -> Connection:
        one = await asyncpg.connect(site.running.dsn, connection_class=Held, server_settings=SESSION)
        one.reached, one.free = reached, asyncio.Event()
        made.append(one)
        return one

    log = Log(connect, writer(TABLES), shape_of(TABLES))
    yield log, reached, made
    await log.close()


@asynccontextmanager
async def following(site: Site, after: int) -> AsyncGenerator[list[int]]:
    """The positions that a follower is told, page by page, for as long as the block lasts."""
    seen = list[int]()

    async def follow() -> None:
        while True:
            last = seen[-1] if seen else after
            answer = await site.http.get("/v1/events", params={"after": last, "waitSeconds": 5})
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 200:
                seen.extend(fact["position"] for fact in answer.json()["items"])

    task = asyncio.create_task(follow())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(seen: list[int], count: int) -> None:
    """Wait until so many were told."""
    async with asyncio.timeout(10):
        while len(seen) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("committed", [True, False])
async def test_a_transaction_that_is_held_open_makes_no_reader_skip_its_fact(
    site: Site, held: tuple[Log, asyncio.Event, list[Held]], *, committed: bool
) -> None:
    log, reached, lines = held
    async with following(site, 352) as seen:
        first = asyncio.create_task(outcome(log, a_unit(1)))
        await reached.wait()  # position 353 is written, and nobody may see it
        second = asyncio.create_task(site.record(REPORT))
        await asyncio.sleep(0.5)
        assert not second.done()
        assert seen == []
        if committed:
            lines[0].free.set()
        else:
            lines[0].terminate()
            lines[0].free.set()
        await asyncio.gather(first, second)
        assert second.result()["position"] == (354 if committed else 353)
        await site.record(reword("再改的措辞"))
        await until(seen, 3 if committed else 2)
        assert seen == list(range(353, 353 + len(seen)))


async def test_a_follower_whose_process_was_cut_off_misses_nothing_that_another_records(
    site: Site, folder: Path
) -> None:
    async with service(settings_for(site.running.dsn, folder)) as other, serving(other) as writes:
        async with following(site, 352) as seen:
            for number in range(1, 13):
                await cut_off(site)
                while (await writes.send(reword(f"第{number}稿"))).status_code == 503:
                    await asyncio.sleep(0.01)  # its line was cut, too
            await until(seen, 12)
        assert seen == list(range(353, 365))


def reword(text: str) -> dict[str, Any]:
    return {"type": "task.reword", "task": TASK, "text": text, "reason": "试"}


async def cut_off(site: Site) -> None:
    """End every connection over which anybody listens."""
    async with site.running.pool.acquire() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%instants%'"
        )
