"""kill -9 while commands arrive: what was acknowledged is there once, what was not can be sent again, nothing else is.

Twenty rounds on one record: the server's process dies in ten, its PostgreSQL in the other ten. `make endurance` does it
300 times, and judges the whole history (tests/endurance/).
"""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from itertools import count, product
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import pytest

from api.main import service
from api.postgres import Cluster, cluster
from api.postgres.account import ENVIRONMENT
from api.postgres.home import find_home
from api.postgres.pidfile import read_pidfile
from events.database import connect
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import PLAN, TASK, Site, problem_of, settings_for
from tests.conftest import serving as serving_here
from tests.integration.commands import Serving, place, serving, start

CLIENTS = 8
PINNED = {"position": 353, "effectiveOn": "2023-06-30"}
TEXTS = f"{PLAN}/tasks/21/history"
PINNED_QUERY = {
    "query": '{ plan(id: "shanghai-credit-2023", asOf: {position: 353}, effectiveOn: "2023-06-30") { title } }'
}
HEALTH = "shi-wei-sheng-jian-kang-wei"
MONTHS = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(4, 13)]


class Sent:
    """A request: its key, its commands, and the positions that were acknowledged, if any were."""

    def __init__(self, key: str, commands: list[dict[str, Any]]) -> None:
        self.key = key
        # Every fact says which request it belongs to, so that it can be found again.
        self.body = [command | {"reason": key} for command in commands]
        self.positions: list[int] | None = None

    async def to(self, served: Serving) -> httpx.Response:
        """The answer, whatever it is; an acknowledgement is noted."""
        response = await served.send(self.body if len(self.body) > 1 else self.body[0], **{"Idempotency-Key": self.key})
        if response.status_code == 200:
            self.positions = [fact["position"] for fact in response.json()["facts"]]
        elif response.status_code == 409:
            assert problem_of(response, 409)["code"] == "stale_version"
        else:
            assert problem_of(response, 503)["detail"]
        return response


class Ordeal:
    """A record that is killed again and again, and everything that was ever sent to it."""

    def __init__(self, served: Serving, members: list[str], tasks: list[str]) -> None:
        self.served = served
        self.sent: list[Sent] = []
        self._numbers = count(1)
        self._reports = product(MONTHS, tasks, members)

    def request(self, random: Random) -> Sent:
        """Another request, unlike any before: a report, an edit, or two edits at once."""
        number = next(self._numbers)
        task = f"shanghai-credit-2023/{random.randint(1, 67)}"
        reword = {"type": "task.reword", "task": task, "text": f"第{number}稿"}
        due = {"type": "task.set_deadline", "task": task, "due": str(date(2024, 1, 1) + timedelta(days=number))}
        commands = {"reword": [reword], "deadline": [due], "both": [reword, due]}
        kind = random.choice(["reword", "deadline", "both", "report", "report"])
        sent = Sent(f"key-{number}", commands.get(kind) or [self._report()])
        self.sent.append(sent)
        return sent

    def _report(self) -> dict[str, Any]:
        period, task, unit = next(self._reports)
        return {
            "type": "progress.report",
            "task": task,
            "unit": unit,
            "period": period,
            "status": "in_progress",
            "narrative": f"{period}的进展",
        }

    async def pester(self, random: Random) -> None:
        """Send one request after the other until the server is gone."""
        while True:
            try:
                response = await self.request(random).to(self.served)
            except httpx.TransportError:
                return
            if response.status_code == 503:
                await asyncio.sleep(0.01)

    def unacknowledged(self) -> list[Sent]:
        """What was sent and never acknowledged."""
        return [one for one in self.sent if one.positions is None]

    async def send_again(self) -> None:
        """What was not acknowledged is sent again, with the same keys, until it is."""
        while waiting := self.unacknowledged():
            await asyncio.gather(*(one.to(self.served) for one in waiting))

    async def restart(self) -> None:
        """The next start on the same folder."""
        self.served = await start(self.served.folder)
        await self.served.ready()


@pytest.fixture(scope="module")
async def ordeal() -> AsyncGenerator[Ordeal]:
    with place() as folder:
        served = await start(folder)
        await served.ready()
        group = await served.get("/v1/units/ge-qu-ren-min-zheng-fu")
        members = [unit["id"] for unit in group["members"]]
        made = Ordeal(served, members, [one["task"] for one in group["tasks"]])
        yield made
        assert await made.served.stop() == 0


async def facts_after(served: Serving, position: int = 0) -> AsyncIterator[Any]:
    """All facts of the log behind a position, page by page."""
    page = await served.get("/v1/events", limit=200, after=position)
    while True:
        for fact in page["items"]:
            yield fact
        if page["next"] is None:
            return
        page = await served.get(page["next"])


async def verified(folder: Path) -> int:
    """The size of the log, every table of which agrees with it."""
    async with cluster(folder) as shared:
        assert not shared.owned
        connection = await connect(shared.dsn)
        try:
            return (await verify(connection, TABLES)).position
        finally:
            await connection.close()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("victim", ["server", "postgres"])
async def test_what_was_acknowledged_is_there_once_after_a_kill(ordeal: Ordeal, victim: str, seed: int) -> None:
    random = Random(f"{victim} {seed}")  # noqa: S311 - a moment, nothing secret
    before = len(ordeal.sent)
    clients = [asyncio.create_task(ordeal.pester(Random(random.random()))) for _ in range(CLIENTS)]  # noqa: S311
    await asyncio.sleep(random.uniform(0.3, 1.0))
    for _ in range(3_000):  # on a machine that is busy otherwise, a little longer
        if len(ordeal.sent) - before - len(ordeal.unacknowledged()) > 20:
            break
        await asyncio.sleep(0.01)
    await kill(ordeal.served, victim)
    await asyncio.gather(*clients)
    lost = ordeal.unacknowledged()
    assert len(ordeal.sent) - before - len(lost) > 20, "commands were acknowledged"
    assert lost, "commands were under way"

    await ordeal.restart()
    await ordeal.send_again()
    facts = [fact async for fact in facts_after(ordeal.served)]
    assert [fact["position"] for fact in facts] == list(range(1, len(facts) + 1))
    found: dict[str, list[int]] = {}
    for fact in facts[352:]:
        found.setdefault(fact["cause"]["reason"], []).append(fact["position"])
    assert found == {one.key: one.positions for one in ordeal.sent}
    assert all(len(found[one.key]) == len(one.body) for one in ordeal.sent)
    assert await verified(ordeal.served.folder) == len(facts)


async def kill(served: Serving, victim: str) -> None:
    """Kill the server, or its PostgreSQL: then the server says so and ends, for who supervises it to start it again."""
    if victim == "server":
        served.process.kill()
        assert await served.ended() == -signal.SIGKILL
        return
    os.kill(served.postmaster, signal.SIGKILL)
    assert await served.ended() == 1
    said = served.complained
    assert "was killed by signal 9" in said
    assert "Start planrecord again" in said
    assert "Traceback" not in said


async def test_one_dead_connection_is_not_the_end() -> None:
    """PostgreSQL itself starts anew when one of its processes is killed; the server waits for it and goes on."""
    with place() as folder:
        async with serving(folder) as served:
            assert (await served.send(a_report("2023-05"))).status_code == 200
            async with cluster(folder) as shared:
                connection = await asyncpg.connect(shared.dsn)
                os.kill(connection.get_server_pid(), signal.SIGKILL)
                connection.terminate()
            await until_answered(served.http, f"{PLAN}/tasks/21")
            assert (await served.send(a_report("2023-06"))).status_code == 200
            assert served.process.returncode is None
            assert "Traceback" not in served.complained


def a_report(period: str) -> dict[str, Any]:
    return {
        "type": "progress.report",
        "task": TASK,
        "unit": HEALTH,
        "period": period,
        "status": "in_progress",
        "narrative": "进展",
    }


async def until_answered(http: httpx.AsyncClient, path: str) -> None:
    """Ask until it is answered; until then the answer is that the database does not."""
    for _ in range(500):
        response = await http.get(path)
        if response.status_code == 200:
            return
        assert problem_of(response, 503)["code"] == "database_unavailable"
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come back")


@asynccontextmanager
async def started_again(folder: Path, own: Cluster) -> AsyncGenerator[Process]:
    """The same PostgreSQL, as its supervisor would start it again: under the same address."""
    home = await find_home(folder)
    sockets = own.dsn.partition("host=")[2].partition("&")[0]
    command = home.command("postgres", "-D", str(home.data), "-k", sockets, "-c", "listen_addresses=")
    process = await asyncio.create_subprocess_exec(
        *command, cwd="/", env=ENVIRONMENT, stderr=asyncio.subprocess.DEVNULL
    )
    while not ((found := read_pidfile(home.data)) and found.pid == process.pid and found.ready):
        assert process.returncode is None
        await asyncio.sleep(0.02)
    yield process
    process.send_signal(signal.SIGINT)
    await process.wait()


@pytest.fixture
def data() -> Generator[Path]:
    with place() as folder:
        yield folder


async def test_a_server_on_somebody_elses_postgres_says_so_and_waits_for_it(data: Path) -> None:
    async with cluster(data) as own, service(settings_for(own.dsn, data)) as running, serving_here(running) as site:
        await site.clock("2023-08-01T09:00:00+08:00")
        await site.record(*await an_import(site), a_report("2023-05"))
        held = {path: (await site.http.get(path, params=PINNED)).content for path in (PLAN, f"{PLAN}/tasks", TEXTS)}
        asked = (await site.http.post("/graphql", json=PINNED_QUERY)).content
        os.kill(own.pid, signal.SIGKILL)
        assert (await own.ended()).args
        await everything_is_unavailable(site)
        await what_is_pinned_and_held_is_answered(site, held, asked)
        assert (await site.http.get("/health/live")).status_code == 200
        async with started_again(data, own):
            await until_answered(site.http, f"{PLAN}/tasks/21")
            await site.get("/health/ready")
            receipt = await site.record(a_report("2023-06"))
            assert receipt["position"] == 354


async def an_import(site: Site) -> list[dict[str, Any]]:
    """The bundled plan as a command."""
    import msgspec

    from domain.bundled import bundled_plan

    return [msgspec.to_builtins(bundled_plan())]


async def what_is_pinned_and_held_is_answered(site: Site, held: dict[str, bytes], asked: bytes) -> None:
    """The very bytes; but no text, which may have been erased meanwhile, and nothing that was not asked for before."""
    for path in (PLAN, f"{PLAN}/tasks"):
        answer = await site.http.get(path, params=PINNED)
        assert (answer.status_code, answer.content) == (200, held[path])
        unchanged = await site.http.get(path, params=PINNED, headers={"If-None-Match": answer.headers["ETag"]})
        assert unchanged.status_code == 304
    assert (await site.http.post("/graphql", json=PINNED_QUERY)).content == asked
    for path, clocks in ((TEXTS, PINNED), (PLAN, PINNED | {"position": 352})):
        answer = await site.http.get(path, params=clocks)
        assert problem_of(answer, 503)["code"] == "database_unavailable"
        assert answer.headers["Retry-After"]


async def everything_is_unavailable(site: Site) -> None:
    """Every door says the same, at once, in the form of its errors."""
    for path in ("/health/ready", PLAN, f"{PLAN}/tasks/21/history", "/v1/events", "/v1/units/nowhere"):
        response = await asyncio.wait_for(site.http.get(path), 5)
        assert problem_of(response, 503)["code"] == "database_unavailable"
        assert response.headers["Retry-After"]
    answer = await site.send(a_report("2023-07"))
    assert problem_of(answer, 503)["code"] == "not_begun"
    query = {"query": '{plan(id: "shanghai-credit-2023") {title}}'}
    (error,) = (await site.http.post("/graphql", json=query)).json()["errors"]
    assert error["extensions"]["code"] == "database_unavailable"
