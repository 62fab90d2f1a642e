"""Two servers and a publisher, killed at random while commands arrive: notes only grow, each consistent with all."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

import asyncpg
import httpx

from events import merkle
from events.checkpoint import Checkpoint, open_checkpoint
from events.note import VerifierKey
from tests.conftest import database_of
from tests.integration.commands import PROJECT, environment, free_port

KILLS = 20
SEEN = 10  # notes at least: of the three somebody is nearly always starting
LOG = "/log/checkpoint"


class Member(NamedTuple):
    """One of those that are killed: the words of its command, its data folder and, of a server, its port."""

    words: tuple[str, ...]
    folder: Path
    port: int | None

    async def start(self, settings: Mapping[str, str]) -> Process:
        with (self.folder / "said").open("ab") as said:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "api", *self.words, "--data-dir", str(self.folder)),
                *(() if self.port is None else ("--port", str(self.port))),
                cwd=PROJECT,
                env=environment(**settings),
                stdout=said,
                stderr=said,
            )


@asynccontextmanager
async def running(members: list[Member], settings: Mapping[str, str]) -> AsyncGenerator[dict[Member, Process]]:
    processes = {one: await one.start(settings) for one in members}
    try:
        yield processes
    finally:
        for process in processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        await asyncio.gather(*(process.wait() for process in processes.values()))


async def write(port: int, folder: Path, numbers: "count[int]") -> int:
    """Register units until it is cancelled, at a server that may be away; how many were acknowledged."""
    acknowledged = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                number = next(numbers)
                command = {"type": "unit.register", "unit": f"unit-{number}", "name": f"第{number}委", "reason": "试"}
                try:
                    token = (folder / "token").read_text().strip()
                    headers = {"Authorization": f"Bearer {token}"}
                    answer = await http.post("/v1/commands", json=command, headers=headers)
                    acknowledged += answer.status_code == 200
                except (httpx.HTTPError, OSError):
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.01)
    return acknowledged


async def watch(port: int, notes: list[bytes]) -> None:
    """See every note that this server shows; what it shows never shrinks while it lives."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, follow_redirects=True) as http:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await http.get(LOG)
                if answer.status_code == 200:
                    notes.append(answer.content)
            await asyncio.sleep(0.03)


async def until_ready(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http, asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get("/health/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.05)


async def test_notes_only_grow_whoever_is_killed(server: str, folder: Path, tmp_path: Path) -> None:
    random = Random(20230328)  # noqa: S311 - moments, not secrets
    places = [tmp_path / name for name in ("a", "b", "publisher")]
    for one in places:
        one.mkdir()
    servers = [Member(("serve",), one, free_port()) for one in places[:2]]
    members = [*servers, Member(("publish",), places[2], None)]
    async with database_of(server, "template1") as dsn:
        settings = {"DATABASE_URL": dsn, "PLANRECORD_PUBLISHER_DIR": str(tmp_path / "keys")}
        async with running(servers[:1], settings) as processes:
            await until_ready(servers[0].port or 0)
            for one in members[1:]:
                processes[one] = await one.start(settings)
            await until_ready(servers[1].port or 0)
            notes: dict[Member, list[bytes]] = {one: [] for one in servers}
            numbers = count(1)
            at_work = [asyncio.create_task(watch(one.port or 0, notes[one])) for one in servers]
            writers = [asyncio.create_task(write(one.port or 0, one.folder, numbers)) for one in servers]
            for _ in range(KILLS):
                await asyncio.sleep(random.uniform(0.1, 1.5))
                victim = random.choice(members)
                processes[victim].kill()
                await processes[victim].wait()
                processes[victim] = await victim.start(settings)
            await asyncio.gather(*(until_ready(one.port or 0) for one in servers))
            for task in writers:
                task.cancel()
            acknowledged = sum(await asyncio.gather(*writers))
            await asyncio.sleep(2)
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)
        connection = await asyncpg.connect(dsn)
        entries = [row["entry"] for row in await connection.fetch("SELECT entry FROM events ORDER BY position")]
        vkey = await connection.fetchval("SELECT vkey FROM log_keys")
        kept = [row["note"] for row in await connection.fetch("SELECT note FROM notes ORDER BY size")]
        await connection.close()
    key = VerifierKey.parse(vkey)
    for shown in notes.values():
        sizes = [open_checkpoint(one, key).size for one in shown]
        assert sizes == sorted(sizes), "what a server shows never shrinks"
    seen = sorted({open_checkpoint(one, key) for one in (*notes[servers[0]], *notes[servers[1]], *kept)}, key=_size)
    assert len({one.size for one in seen}) == len(seen) >= SEEN
    roots = {one.size: one.root for one in seen}
    frontier, size = merkle.Frontier(), 0
    for one in seen:
        frontier, _ = merkle.extend(frontier, size, entries[size : one.size])
        size = one.size
        assert merkle.root(frontier) == roots[size], "each is the root that the facts have"
    assert seen[-1].size == len(entries) > acknowledged > KILLS
    assert os.listdir(tmp_path / "keys") == [seen[0].log]  # noqa: PTH208 - of all who started one made the key


def _size(checkpoint: Checkpoint) -> int:
    return checkpoint.size
