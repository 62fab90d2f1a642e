"""`DATABASE_URL` names a PostgreSQL of one's own, the oldest being 15: it knows no builtin locale provider."""

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from api.main import Service, service
from api.postgres.account import account_for
from domain.bundled import bundled_plan
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import PLAN, REPORT, TASK, Site, database_of, serving, settings_for
from tests.doors import both
from tests.integration.commands import planrecord
from tests.integration.old_log import make_old_log

BINARIES = Path("/usr/lib/postgresql/15/bin")
KEYS = {
    "plan": ["shanghai-credit-2023"],
    "task": [f"shanghai-credit-2023/{number}" for number in (1, 21, 24, 28, 49, 67, 68)],
    "unit": ["shi-ke-wei", "ge-qu-ren-min-zheng-fu", "huang-pu-qu-ren-min-zheng-fu", "nobody"],
    "district": ["310101", "310151", "999999"],
}
MOMENTS: list[str | int | None] = [None, 1, 200, 353, "2023-04-02", "2023-04-03", "2023-04-03T01:00:00Z"]
DAYS = [None, "2023-03-27", "2023-03-28", "2023-12-31"]
LISTS = [PLAN, f"{PLAN}/tasks", "/v1/units", "/v1/districts", "/v1/plans"]
# Every cluster of Debian's has some such default, under which the bytes do not decide.
CHINESE = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh")


@asynccontextmanager
async def postgres_15(place: Path, user: str, *options: str) -> AsyncGenerator[str]:
    """The DSN of a private PostgreSQL 15, made for the purpose by `user` of the database, over a socket only."""
    account = await account_for(place / "pg")
    os.chown(place, account.uid, account.gid)
    quiet: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, "stderr": DEVNULL}
    initdb = (*account.prefix, str(BINARIES / "initdb"), "-D", str(place / "pg"), "-U", user, "-A", "trust", *options)
    made = await asyncio.create_subprocess_exec(*initdb, stdout=PIPE, **quiet)
    await made.communicate()
    assert made.returncode == 0
    command = (str(BINARIES / "postgres"), "-D", str(place / "pg"), "-k", str(place), "-c", "listen_addresses=")
    process = await asyncio.create_subprocess_exec(*account.prefix, *command, "-c", "fsync=off", **quiet)
    dsn = f"postgresql://{user}@/postgres?host={place}&port=5432"
    try:
        await until_it_answers(dsn)
        yield dsn
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()


async def until_it_answers(dsn: str) -> None:
    for _ in range(500):
        try:
            await (await asyncpg.connect(dsn)).close()
        except (OSError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.02)
        else:
            return
    raise AssertionError("it does not start")


@asynccontextmanager
async def recorded(dsn: str, folder: Path) -> AsyncGenerator[Site]:
    """The bundled plan and one report, recorded in an empty database and served."""
    async with service(settings_for(dsn, folder)) as running, serving(running) as site:
        await site.clock("2023-04-03T09:00:00+08:00")
        await running.office.record([bundled_plan()])
        assert (await site.record(REPORT))["position"] == 353
        yield site


@pytest.fixture(scope="module")
async def older() -> AsyncGenerator[str]:
    place = Path(tempfile.mkdtemp(prefix="planrecord-15-"))
    place.chmod(0o755)
    async with postgres_15(place, "somebody", *CHINESE) as dsn:
        yield dsn
    shutil.rmtree(place)


@pytest.fixture(scope="module")
async def on_15(older: str, folder: Path) -> AsyncGenerator[Site]:
    async with recorded(older, folder) as site:
        yield site


async def test_it_is_15_and_sorts_otherwise(on_15: Site) -> None:
    async with on_15.running.pool.acquire() as connection:
        assert str(await connection.fetchval("SHOW server_version")).startswith("15.")
        sorted_here = await connection.fetchval(
            "SELECT array_agg(x ORDER BY x) FROM unnest('{a,B,市科委,区}'::text[]) x"
        )
    assert sorted_here != sorted(sorted_here), "or nothing below would be proved"


async def test_everything_that_is_kept_agrees_with_the_log(on_15: Site) -> None:
    async with on_15.running.pool.acquire() as connection:
        found = await verify(connection, TABLES)
    assert found.position == 353
    assert found.slices > 500


async def test_twenty_questions_have_the_same_answers_at_both_doors(on_15: Site) -> None:
    random = Random(15)  # noqa: S311 - which questions are asked, nothing secret
    answers = [
        await both(on_15, kind, random.choice(KEYS[kind]), random.choice(MOMENTS), random.choice(DAYS))
        for kind in random.choices(list(KEYS), k=20)
    ]
    assert sum(isinstance(answer, dict) for answer in answers) >= 5
    report = await both(on_15, "task", TASK, None, None)
    assert (report["answered"]["count"], report["answered"]["of"]) == (1, 3)


async def test_lists_answers_and_their_order_are_those_of_18(on_15: Site, fresh_18: Site) -> None:
    for path in LISTS:
        here, there = await on_15.get(path), await fresh_18.get(path)
        mine, others = ({name: one["meta"].pop(name) for name in ("log", "root")} for one in (here, there))
        assert here == there
        assert all(mine[name] != others[name] for name in mine), "they are two logs all the same"
    names = [unit["id"] for unit in (await on_15.get("/v1/units"))["items"]]
    assert names == sorted(names)


async def test_a_log_that_was_written_before_opens_there_too(on_15: Site, older: str, folder: Path) -> None:
    running = on_15.running
    async with running.pool.acquire() as connection, database_of(older, "template1") as dsn:
        await make_old_log(dsn, connection)
        async with service(settings_for(dsn, folder)) as opened, opened.pool.acquire() as other:
            assert (await verify(other, TABLES)).root == running.reader.head.root
            assert opened.reader.head.log != running.reader.head.log


@pytest.fixture
async def fresh_18(fresh: Service) -> AsyncGenerator[Site]:
    """The same record on the PostgreSQL that comes with the project."""
    assert fresh.settings.database_url
    async with recorded(fresh.settings.database_url, fresh.settings.data_dir.parent) as site:
        yield site


async def test_whatever_is_compared_in_the_database_is_compared_by_its_bytes(on_15: Site) -> None:
    async with on_15.running.pool.acquire() as connection:
        rows = await connection.fetch(
            """SELECT c.relname || '.' || a.attname AS name, l.collname FROM pg_index i
            JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
            JOIN pg_collation l ON l.oid = a.attcollation
            WHERE n.nspname IN ('public', 'projections') AND c.relname <> 'log_migrations'"""
        )
    assert len(rows) > 10
    assert {row["name"] for row in rows if row["collname"] != "C"} == set()


async def test_the_command_line_uses_it_too(on_15: Site, older: str, folder: Path) -> None:
    code, out, err = await planrecord("verify", "--data-dir", str(folder / "data"), DATABASE_URL=older)
    assert (code, err) == (0, "")
    assert "353 facts and " in out
    assert not (folder / "data" / "pg").exists()
