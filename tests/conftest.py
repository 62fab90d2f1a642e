"""A private PostgreSQL for the session, a database of its own for each test, a server on a free port."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec
import pytest

from api.cli.year import tell
from api.hosting.serving import base_at, listening, server_of
from api.hosting.settings import Settings
from api.main import Service, application, service
from api.postgres import cluster
from domain.bundled import bundled_plan
from events.demo import set_clock
from tests import parallel

ORIGIN = "planrecord.test/shanghai/demo"
IMPORTED_AT = datetime.fromisoformat("2023-04-03T09:00:00+08:00")
TASK = "shanghai-credit-2023/21"
REPORT = {
    "type": "progress.report",
    "task": TASK,
    "unit": "shi-wei-sheng-jian-kang-wei",
    "period": "2023-03",
    "status": "in_progress",
    "narrative": "进展",
}
PLAN = "/v1/plans/shanghai-credit-2023"
NUMBERS = count(1)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there by now stays: looking through it for garbage would be a tenth of the tests' processor time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`make test` runs two processes: who runs what."""
    return parallel.TwoEnds(config, log)


@pytest.fixture(autouse=True)
def no_mistake_of_ours(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No answer of this process, whatever it was asked, may say that something went wrong here."""
    yield
    said = [one.getMessage() for when in ("setup", "call") for one in caplog.get_records(when)]
    assert [one for one in said if ": internal, trace " in one] == []


@pytest.fixture
def words_of_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands may say what they might before words were looked at."""

    def not_yet(_: object) -> None:
        """As it was then."""

    monkeypatch.setattr("events.deciding.check_words", not_yet)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that other users can pass through, as PostgreSQL runs as another user where the tests run as root."""
    made = Path(tempfile.mkdtemp(prefix="planrecord-tests-", dir=memory()))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def memory() -> str | None:
    """A folder in memory, if there is one with room: a copied database has 300 files, which a disk makes slowly."""
    place = Path("/dev/shm")  # noqa: S108 - only mkdtemp makes anything there
    fits = place.is_dir() and shutil.disk_usage(place).free > 2 << 30 and not os.statvfs(place).f_flag & os.ST_NOEXEC
    return str(place) if fits else None


@pytest.fixture(scope="session")
async def server(folder: Path) -> AsyncGenerator[str]:
    """The DSN of the session's PostgreSQL, in which two databases wait as templates: `fresh` and `imported`."""
    async with cluster(folder / "server", options={"max_connections": "200", "fsync": "off"}) as running:
        await _template(running.dsn, "fresh", folder, lambda _: asyncio.sleep(0))
        await _template(running.dsn, "imported", folder, _import)
        yield running.dsn


async def _template(dsn: str, name: str, folder: Path, fill: Callable[[Service], Awaitable[Any]]) -> None:
    await _execute(dsn, f"CREATE DATABASE {name}")
    async with service(settings_for(at(dsn, name), folder)) as running:
        await fill(running)


async def _import(running: Service) -> None:
    async with running.pool.acquire() as connection:
        await set_clock(connection, IMPORTED_AT)
    await running.office.record([bundled_plan()])


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def ask(dsn: str, statement: str) -> object:
    """First value of a statement."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def at(dsn: str, database: str) -> str:
    """The same server, another database."""
    return dsn.replace("/postgres?", f"/{database}?")


def settings_for(dsn: str, folder: Path, **others: Any) -> Settings:
    """The settings of a record under the demo's clock. Copies of a database hold one log, so each has its folder."""
    return Settings(database_url=dsn, data_dir=folder / urlsplit(dsn).path[1:], origin=ORIGIN, **others)


@asynccontextmanager
async def database_of(server: str, template: str) -> AsyncGenerator[str]:
    """A database of one's own, copied from a template and dropped afterwards."""
    name = f"test_{next(NUMBERS)}"
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield at(server, name)
    await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def fresh(server: str, folder: Path) -> AsyncGenerator[Service]:
    """A record that holds nothing yet."""
    async with database_of(server, "fresh") as dsn, service(settings_for(dsn, folder)) as running:
        yield running


@pytest.fixture
async def imported(server: str, folder: Path) -> AsyncGenerator[Service]:
    """A record that begins with the bundled plan, imported on 3 April 2023 by the demo's clock."""
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        yield running


class Site(msgspec.Struct, frozen=True):
    """A record, served over a socket."""

    running: Service
    http: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a good answer."""
        response = await self.http.get(path, params=query or None)
        assert response.status_code == 200, response.text
        return response.json()

    async def problem(self, status: int, path: str, **query: Any) -> Any:
        """The problem document of a bad one."""
        return problem_of(await self.http.get(path, params=query or None), status)

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of a good GraphQL answer."""
        response = await self.http.post("/graphql", json={"query": query, "variables": variables})
        body = response.json()
        assert "errors" not in body, body
        return body["data"]

    async def record(self, *commands: dict[str, Any], **headers: str) -> Any:
        """The receipt of commands that are accepted."""
        response = await self.send(list(commands), headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def send(self, body: Any, *, dry_run: bool = False, headers: dict[str, str] | None = None) -> httpx.Response:
        """The answer to commands, whatever it is."""
        return await self.http.post(
            "/v1/commands",
            params={"dryRun": "true"} if dry_run else {},
            json=body,
            headers={"Authorization": f"Bearer {self.running.token}"} | (headers or {}),
        )

    async def clock(self, instant: str) -> None:
        """Let it be later."""
        response = await self.http.post(
            "/v1/demo/clock", json={"now": instant}, headers={"Authorization": f"Bearer {self.running.token}"}
        )
        assert response.status_code == 200, response.text


def problem_of(response: httpx.Response, status: int) -> Any:
    """The problem document, which has the form of all of them."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem.keys() == {"type", "title", "status", "detail", "code", "traceId", "errors"}
    assert problem["status"] == status
    assert "Traceback" not in response.text
    return problem


@asynccontextmanager
async def serving(running: Service) -> AsyncGenerator[Site]:
    """The record, served on a free port of this machine."""
    taken = listening("127.0.0.1", 0)
    port = taken.getsockname()[1]
    granian = server_of(application(running, base_at("127.0.0.1", taken)), taken)
    task = asyncio.create_task(granian.serve())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        await _until_alive(http)
        yield Site(running, http)
    granian.stop()
    await task


async def _until_alive(http: httpx.AsyncClient) -> None:
    for _ in range(200):
        try:
            if (await http.get("/health/live")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.02)
    raise AssertionError("the server does not answer")


@pytest.fixture
async def site(imported: Service) -> AsyncGenerator[Site]:
    """The imported record, served."""
    async with serving(imported) as served:
        yield served


@asynccontextmanager
async def copied(server: str, folder: Path, template: str = "imported") -> AsyncGenerator[Site]:
    """A copy of a template, signed with its key, served: for those that share one record among several tests."""
    async with database_of(server, template) as dsn:
        settings = settings_for(dsn, folder)
        shutil.copytree(folder / template / "publisher", settings.data_dir / "publisher")
        async with service(settings) as running, serving(running) as site:
            yield site


@pytest.fixture(scope="session")
async def shared(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The imported record, served once for all tests that only read it."""
    async with copied(server, folder) as site, untouched(site):
        yield site


@pytest.fixture(scope="session")
async def told(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The demo's year, told and served once for all tests: they only read it."""
    async with copied(server, folder, "fresh") as site:
        await tell(site.running)
        async with untouched(site):
            yield site


async def signed(site: Site) -> None:
    """Wait until a note covers all that is recorded: the publisher may be a second behind."""
    for _ in range(100):
        if (await site.http.get(f"/v1/events/{site.running.reader.head.size}/proof")).status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was signed")


@asynccontextmanager
async def untouched(site: Site) -> AsyncGenerator[None]:
    """Whoever shares a record writes nothing to it."""
    before = await _written(site)
    yield
    assert await _written(site) == before


async def _written(site: Site) -> Any:
    """The log's size, its clock and the count of erasures."""
    async with site.running.pool.acquire() as connection:
        return await connection.fetchrow("SELECT size, demo_now, erasure_epoch FROM log_head")


@pytest.fixture(scope="session")
async def real(server: str, folder: Path) -> AsyncGenerator[Site]:
    """A record that is no demo's, which begins with the bundled plan, served once for all tests that only read it."""
    await _execute(server, "CREATE DATABASE real")
    settings = Settings(database_url=at(server, "real"), data_dir=folder / "real", origin="planrecord.test/shanghai")
    async with service(settings) as running, serving(running) as site:
        await running.office.record([bundled_plan()])
        async with untouched(site):
            yield site


@pytest.fixture
async def empty_site(fresh: Service) -> AsyncGenerator[Site]:
    """A record that holds nothing yet, served."""
    async with serving(fresh) as served:
        yield served
