"""Two releases on one database: whoever does not write the tables as they are now appends nothing, and says why."""

import asyncio
import logging
from pathlib import Path

import pytest

from events.database import undisturbed
from events.schema import STARTING
from projections.runner import shape_of
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import PLAN, REPORT, Site, ask, database_of, problem_of
from tests.integration.commands import Serving, place, serving, start
from tests.integration.yesterday import brought

SHAPELESS = "a2d8393"  # the last release that knows nothing of shapes; a tree it keeps


async def test_an_appender_whose_tables_another_release_has_made_anew_appends_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    dsn = site.running.dsn
    assert (await site.get("/health/ready"))["status"] == "ready"
    await ask(dsn, "UPDATE log_head SET shape = 'that of the next release'")
    with caplog.at_level(logging.WARNING, "planrecord"):
        problem = problem_of(await site.send(REPORT), 503)
    assert problem["code"] == "not_begun"
    assert "has to be stopped, and that release started in its place" in problem["detail"]
    (said,) = [one for one in caplog.records if problem["traceId"] in one.getMessage()]
    assert said.levelno == logging.ERROR
    not_ready = problem_of(await site.http.get("/health/ready"), 503)
    assert not_ready["code"] == "not_begun"
    await site.get(PLAN)
    assert await ask(dsn, "SELECT size FROM log_head") == 352
    await ask(dsn, f"UPDATE log_head SET shape = '{shape_of(TABLES)}'")  # noqa: S608 - a fingerprint of our own
    assert (await site.record(REPORT))["position"] == 353


async def test_the_database_refuses_an_appender_that_reads_no_shape(site: Site) -> None:
    with pytest.raises(Exception, match="the tables have the shape of another release"):
        await ask(
            site.running.dsn,
            "WITH tree AS (INSERT INTO tree_nodes VALUES (0, 352, sha256('')) RETURNING 1) "
            "UPDATE log_head SET size = size + (SELECT count(*) FROM tree)",
        )


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an older release."""
    return brought(tmp_path_factory.mktemp("older") / "release", SHAPELESS)


async def test_an_older_release_that_still_runs_appends_nothing_beside_new_tables(server: str, older: Path) -> None:
    async with database_of(server, "template1") as dsn:
        with place() as old, place() as new:
            async with serving(old, project=older, DATABASE_URL=dsn) as before:
                assert (await before.send(REPORT | {"period": "2023-04"})).status_code == 200
                async with serving(new, DATABASE_URL=dsn) as after:
                    assert (await before.send(REPORT | {"period": "2023-05"})).status_code >= 500
                    assert await ask(dsn, "SELECT size FROM log_head") == 353
                    assert (await after.send(REPORT | {"period": "2023-05"})).json()["position"] == 354
        async with undisturbed(dsn) as connection:
            assert (await verify(connection, TABLES)).position == 354


async def test_many_first_starts_at_once_make_one_record_and_those_who_wait_say_so(server: str) -> None:
    async with database_of(server, "template1") as dsn, undisturbed(dsn) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", STARTING)
        with place() as first, place() as second, place() as third:
            started = [await start(folder, DATABASE_URL=dsn) for folder in (first, second, third)]
            try:
                await asyncio.gather(*map(waiting, started))
                assert await ask(dsn, "SELECT to_regclass('log_head')") is None
                await connection.execute("SELECT pg_advisory_unlock($1)", STARTING)
                await asyncio.gather(*(one.ready() for one in started))
            finally:
                codes = await asyncio.gather(*(one.stop() for one in started))
            assert codes == [0, 0, 0]
            assert [one.complained.count("waiting until it has done so") for one in started] == [1, 1, 1]
        assert await ask(dsn, "SELECT size FROM log_head") == 352
        assert (await verify(connection, TABLES)).position == 352


async def waiting(served: Serving) -> None:
    """Wait until it says that it waits."""
    while "another process brings the record up to date" not in served.complained:
        assert served.process.returncode is None, served.complained
        await asyncio.sleep(0.05)
