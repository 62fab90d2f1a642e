"""Several processes on one record: at one socket under a parent, and each by itself on one database."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from api.postgres import cluster
from api.postgres.home import cluster_of
from api.postgres.pidfile import servers_in
from events.database import undisturbed
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import ask, database_of
from tests.integration.commands import Serving, listens, place, serving, start

CLIENTS = 16
COMMANDS = 1_000
IMPORTED = 352
DIES_AFTER = 250  # commands that are acknowledged; as many later it is there again


class Load:
    """Commands that are sent once each, again and again until they are acknowledged; `positions` by their keys."""

    def __init__(self, served: list[Serving], token: str) -> None:
        self.served = served
        self.positions: dict[str, list[int]] = {}
        self._headers = {"Authorization": f"Bearer {token}"}
        self._numbers = iter(range(COMMANDS))

    async def client(self, seed: int) -> None:
        """Send what is left, each command to one of the servers, and to another while that one is gone."""
        random = Random(seed)  # noqa: S311 - whom to ask, nothing secret
        async with httpx.AsyncClient(timeout=30) as http:
            for number in self._numbers:
                await self._send(http, number, random)

    async def _send(self, http: httpx.AsyncClient, number: int, random: Random) -> None:
        key = f"key-{number}"
        text = f"第{number}稿"
        body = {"type": "task.reword", "task": f"shanghai-credit-2023/{number % 67 + 1}", "text": text, "reason": key}
        headers = self._headers | {"Idempotency-Key": key}
        while True:
            url = f"{random.choice(self.served).http.base_url}/v1/commands"
            try:
                answer = await http.post(url, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200:
                self.positions[key] = [fact["position"] for fact in answer.json()["facts"]]
                return
            assert answer.status_code == 503, answer.text

    async def until(self, count: int) -> None:
        """Wait until so many are acknowledged."""
        while len(self.positions) < count:
            await asyncio.sleep(0.01)


async def followed(served: Serving, size: int) -> list[int]:
    """The positions that a follower sees until the log has that size, in the order in which it does."""
    seen = list[int]()
    while len(seen) < size:
        after = seen[-1] if seen else 0
        page = await served.get("/v1/events", after=after, limit=50, waitSeconds=10)
        seen += [fact["position"] for fact in page["items"]]
    return seen


async def test_two_processes_record_a_thousand_commands_while_one_is_killed_and_started_again(server: str) -> None:
    async with database_of(server, "template1") as dsn:
        with place() as folder, place() as other:
            async with serving(folder, DATABASE_URL=dsn) as stays:
                other.mkdir()
                (other / "token").write_text(stays.token)
                dies = await start(other, DATABASE_URL=dsn)
                await dies.ready()
                load = Load([stays, dies], stays.token)
                follower = asyncio.create_task(followed(stays, IMPORTED + COMMANDS))
                clients = [asyncio.create_task(load.client(seed)) for seed in range(CLIENTS)]
                await load.until(DIES_AFTER)
                dies.process.kill()
                assert await dies.ended() == -signal.SIGKILL
                await load.until(2 * DIES_AFTER)
                again = await start(other, DATABASE_URL=dsn)
                load.served[1] = again
                await again.ready()
                assert len(load.positions) < COMMANDS, "the clients go on"
                await asyncio.gather(*clients)
                assert await asyncio.wait_for(follower, 30) == list(range(1, IMPORTED + COMMANDS + 1))
                assert await again.stop() == 0
        await all_recorded_once(dsn, load)


async def all_recorded_once(dsn: str, load: Load) -> None:
    """The log has no gap, each command stands in it where it was acknowledged, and the tables agree with it."""
    async with undisturbed(dsn) as connection:
        reason = "convert_from(entry, 'UTF8')::jsonb -> 'cause' ->> 'reason'"
        sql = f"SELECT {reason}, position FROM events WHERE position > $1"  # noqa: S608 - our own words
        found: dict[str, list[int]] = {}
        for key, position in await connection.fetch(sql, IMPORTED):
            found.setdefault(key, []).append(position)
        assert found == load.positions
        assert len(found) == COMMANDS
        assert (await verify(connection, TABLES)).position == IMPORTED + COMMANDS


@pytest.fixture
def data() -> Iterator[Path]:
    with place() as folder:
        yield folder


@pytest.fixture
async def served(data: Path) -> AsyncGenerator[Serving]:
    async with serving(data, "serve", "--workers", "2") as running:
        yield running


async def workers_of(running: Serving, others: frozenset[int] = frozenset()) -> list[int]:
    """The pids of its two workers, none of which is among these, once both have the socket."""
    for _ in range(3_000):
        found = [pid for pid in children(running.process.pid) if pid not in others and "api.cli.worker" in words(pid)]
        if len(found) == 2 and all(map(connects, found)):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"there are no two workers: {running.complained}")


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def connects(pid: int) -> bool:
    """Whether it has opened the record: then it has more sockets than the two that it was given."""
    return sockets(pid) > 4


def sockets(pid: int) -> int:
    found = 0
    for one in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found += str(one.readlink()).startswith("socket:")
        except OSError:
            continue
    return found


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(pids: list[int], seconds: float = 10) -> bool:
    """Whether all of them have ended within so many seconds."""
    for _ in range(int(seconds / 0.02)):
        if not any(map(lives, pids)):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_workers_share_the_socket_the_database_and_the_work(served: Serving) -> None:
    workers = await workers_of(served)
    before = [sockets(pid) for pid in workers]
    clients = [httpx.AsyncClient(base_url=served.http.base_url) for _ in range(100)]
    feed = f"{str(served.http.base_url).rstrip('/')}/feeds/events.json"
    for one in clients:
        assert (await one.get("/health/live")).status_code == 200
        assert (await one.get("/feeds/events.json")).json()["feed_url"] == feed
    assert all(sockets(pid) > count for pid, count in zip(workers, before, strict=True)), "both take connections"
    for one in clients:
        await one.aclose()


async def test_a_worker_that_is_killed_is_started_again_and_nothing_is_lost(data: Path) -> None:
    async with serving(data, "serve", "--workers", "2") as served:
        first = await workers_of(served)
        load = Load([served], served.token)
        clients = [asyncio.create_task(load.client(seed)) for seed in range(CLIENTS)]
        await load.until(DIES_AFTER)
        os.kill(first[0], signal.SIGKILL)
        second = await workers_of(served, frozenset([first[0]]))
        assert first[1] in second
        await asyncio.gather(*clients)
        assert f"(process {first[0]}) was killed by signal 9: it is started again" in served.complained
        async with cluster(data) as shared:
            await all_recorded_once(shared.dsn, load)
        assert await served.stop() == 0
        assert len(served.complained.splitlines()) == 1
    assert await gone([*first, *second], 0.1)


async def test_workers_that_have_only_begun_are_stopped_without_a_word(data: Path) -> None:
    served = await start(data, "serve", "--workers", "2")
    while len(children(served.process.pid)) < 3:  # PostgreSQL, and the two
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    workers = [pid for pid in children(served.process.pid) if "api.cli.worker" in words(pid)]
    assert await served.stop() == 0
    assert served.complained == ""
    assert await gone(workers, 0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_parent_its_workers_and_the_database(data: Path, number: signal.Signals) -> None:
    async with serving(data, "serve", "--workers", "2") as served:
        workers = await workers_of(served)
        assert await served.stop(number) == 0
        assert served.said.endswith("\nstopped\n")
        assert served.said.count("stopped") == 1
        assert served.complained == ""
        assert not any(map(lives, workers))
    assert servers_in(cluster_of(data)) == []
    assert not listens(served.port)


async def test_workers_and_database_end_with_a_parent_that_is_killed(served: Serving) -> None:
    workers = await workers_of(served)
    served.process.kill()
    await served.ended()
    assert await gone(workers)
    assert await gone(servers_in(cluster_of(served.folder)))


async def test_a_worker_that_hears_no_signal_holds_nobody(served: Serving) -> None:
    stopped, other = await workers_of(served)
    os.kill(stopped, signal.SIGSTOP)
    code = await asyncio.wait_for(served.stop(), 10)
    assert code == 0
    assert await gone([stopped, other], 0.1)
    assert f"process {stopped} did not end within" in served.complained


async def test_without_its_database_the_whole_ends_and_says_so(served: Serving) -> None:
    workers = await workers_of(served)
    os.kill(served.postmaster, signal.SIGKILL)
    assert await served.ended() == 1
    assert "Start planrecord again" in served.complained
    assert await gone(workers, 0.1)


async def test_a_worker_that_dies_while_a_database_of_others_is_away_comes_back_with_it(
    data: Path, server: str
) -> None:
    async with database_of(server, "template1") as dsn:
        name = dsn.partition("?")[0].rpartition("/")[2]
        async with serving(data, "serve", "--workers", "2", DATABASE_URL=dsn) as served:
            first = await workers_of(served)
            await ask(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            ended = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
            await ask(server, ended)
            os.kill(first[0], signal.SIGKILL)
            while "ended with exit code 1: it is started again" not in served.complained:
                await asyncio.sleep(0.05)
            await ask(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await workers_of(served, frozenset([first[0]]))
            answers: list[Any] = [await served.get("/health/ready") for _ in range(20)]
            assert {one["status"] for one in answers} == {"ready"}
