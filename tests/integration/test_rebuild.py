"""The tables are built anew while everybody goes on: who reads notices nothing, what is written is in them."""

import asyncio
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from api.cli.continued import continue_log
from api.hosting.heads import Acknowledged, acknowledge, head_of
from api.main import service
from api.postgres import cluster
from events.database import connect
from projections.agreeing import ranges
from projections.rebuilding import NEXT, OLD, bring_up, rebuild, unchanged
from projections.runner import is_current
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import PLAN, TASK, Site, ask, database_of, serving, settings_for
from tests.integration.commands import PATIENCE, PROJECT, environment, place, planrecord
from tests.integration.commands import serving as served_apart

WHICH = "SELECT 'projections.tasks'::regclass::oid"
LEFT = f"SELECT to_regnamespace('{NEXT}') IS NOT NULL OR to_regnamespace('{OLD}') IS NOT NULL"
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def reading(site: Site, path: str, answers: list[bytes]) -> None:
    """Ask the same of one moment, without end, by no memory of the server's."""
    for number in count():
        response = await site.http.get(path, params={"position": 352, "limit": 100 + number % 50})
        assert response.status_code == 200, response.text
        answers.append(response.content)


async def writing(site: Site, client: int, positions: list[int]) -> None:
    """Write without end."""
    for number in count(1):
        task = f"shanghai-credit-2023/{(client * 7 + number) % 60 + 1}"
        receipt = await site.record(
            {"type": "task.reword", "task": task, "text": f"{client} 第{number}稿", "reason": "试"}
        )
        positions.append(receipt["position"])


async def test_readers_and_writers_go_on(site: Site) -> None:
    before, answers, positions = await ask(site.running.dsn, WHICH), list[bytes](), list[int]()
    others = [asyncio.create_task(writing(site, client, positions)) for client in range(4)]
    others += [asyncio.create_task(reading(site, f"{PLAN}/tasks", answers)) for _ in range(2)]
    while len(positions) < 20:
        await asyncio.sleep(0.01)
    begun, gone = len(positions), list[int]()
    await rebuild(site.running.dsn, TABLES, gone.append)
    ended = len(positions)
    while len(positions) < ended + 20:
        assert not any(one.done() for one in others), [one for one in others if one.done()]
        await asyncio.sleep(0.01)
    for one in others:
        assert not one.done() or one.result() is None
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    assert ended - begun > 20, "commands were accepted meanwhile"
    assert len({one.count(b'"id"') for one in answers}) == 1, "a moment that is past shows the same"
    assert await ask(site.running.dsn, WHICH) != before
    assert await ask(site.running.dsn, LEFT) is False
    async with site.running.pool.acquire() as connection:
        assert (await verify(connection, TABLES)).position >= max(positions)


async def test_who_looks_at_all_tables_at_one_moment_is_waited_for(site: Site) -> None:
    connection, before = await connect(site.running.dsn), await ask(site.running.dsn, WHICH)
    async with unchanged(connection):
        task = asyncio.create_task(rebuild(site.running.dsn, TABLES))
        while await ask(site.running.dsn, HELD) == 0:
            assert not task.done()
            await asyncio.sleep(0.02)
        await site.record({"type": "task.reword", "task": TASK, "text": "另写", "reason": "试"})
        assert await ask(site.running.dsn, WHICH) == before
    await task
    assert await verify(connection, TABLES)
    assert await ask(site.running.dsn, WHICH) != before
    await connection.close()


async def test_a_start_brings_the_tables_up_in_the_same_way(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.rebuilding.AT_ONCE", 100)
    async with database_of(server, "imported") as dsn:
        connection = await connect(dsn)
        assert not await bring_up(dsn, TABLES)
        await connection.execute("UPDATE log_head SET shape = ''; DELETE FROM projections.units")
        assert await asyncio.gather(bring_up(dsn, TABLES), bring_up(dsn, TABLES)) == [True, True]
        assert await is_current(connection, TABLES)
        assert (await verify(connection, TABLES)).position == 352
        await connection.execute("DROP SCHEMA projections CASCADE")
        async with service(settings_for(dsn, folder)) as running, serving(running) as site:
            assert (await site.get(f"{PLAN}/tasks/21"))["id"] == TASK
        await connection.close()


async def test_what_is_recorded_of_the_log_itself_is_in_what_is_built_and_looked_at(server: str, folder: Path) -> None:
    about = "SELECT array_agg(what ORDER BY what) FROM projections.concerns WHERE position = 353"
    async with database_of(server, "imported") as dsn:
        settings, connection = settings_for(dsn, folder), await connect(dsn)
        acknowledge(settings.data_dir, Acknowledged(**(await head_of(connection))._asdict(), restored=True))
        await continue_log(settings)
        before = await ask(dsn, about)
        assert before == ["log", "type:log.continued.v1"]
        await rebuild(dsn, TABLES)
        assert await ask(dsn, about) == before
        assert (await verify(connection, TABLES)).position == 353
        names = [one.names for one in await ranges(connection, 353, 1)]
        for row in await connection.fetch("SELECT DISTINCT stream FROM events"):
            assert sum(low <= row["stream"] < high for low, high in names) == 1, row["stream"]
        await connection.close()


async def killed_rebuilding(folder: Path, dsn: str) -> None:
    """Begin to rebuild, and die as soon as the next tables are there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", "rebuild", "--data-dir", str(folder), cwd=PROJECT, env=environment(),
        stdout=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while await ask(dsn, LEFT) is False:
        assert process.returncode is None, "it was too quick to be killed"
        await asyncio.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()


async def test_a_rebuild_that_is_killed_has_changed_nothing_and_the_next_clears_it_away() -> None:
    with place() as folder:
        async with served_apart(folder) as served, cluster(folder) as shared:
            before = await ask(shared.dsn, WHICH)
            await killed_rebuilding(folder, shared.dsn)
            assert await ask(shared.dsn, WHICH) == before
            assert await ask(shared.dsn, LEFT) is True
            body: dict[str, Any] = {"type": "task.reword", "task": TASK, "text": "另写", "reason": "试"}
            assert (await served.send(body)).status_code == 200
            assert (await served.get(f"{PLAN}/tasks/21"))["text"] == "另写"
            done = await asyncio.wait_for(planrecord("rebuild", "--data-dir", str(folder)), PATIENCE)
            assert (done.code, done.err) == (0, "")
            assert "the tables of 353 facts are built anew; commands waited for " in done.out
            assert await ask(shared.dsn, WHICH) != before
            assert await ask(shared.dsn, LEFT) is False
            assert (await served.get(f"{PLAN}/tasks/21"))["text"] == "另写"
            agreed = await planrecord("verify", "--data-dir", str(folder))
            assert "353 facts" in agreed.out
