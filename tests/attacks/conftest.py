"""A server in a process of its own, for those who attack it: what it costs is measured inside."""

import asyncio
import json
import resource
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.conftest import PLAN, database_of, settings_for
from tests.disks import may_mount
from tests.integration.commands import PROJECT, environment, free_port

REFUSED_CPU = 0.1  # seconds of processor time before a refusal
REFUSED_KEPT = 1_000_000  # bytes that a refusal may leave in memory, by the memory's own count
LONGEST_STEP = 0.05  # seconds of processor time in one step of the event loop
# What serves us keeps freed memory for a while, by a clock of its own: a victim gives it back, so that what is
# measured of it is what it holds.
GIVING_BACK = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who may not mount a disk runs what needs one elsewhere."""
    elsewhere = [] if may_mount() else [one for one in items if one.get_closest_marker("disk")]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [one for one in items if one not in elsewhere]


class Cost(msgspec.Struct):
    """What something cost inside the server: seconds and bytes. `longest` is the longest step of its event loop."""

    cpu: float
    longest: float
    longest_wall: float
    longest_what: str
    kept: int
    rss: int


class Victim(msgspec.Struct, frozen=True):
    """A server that can be asked, and asked what that cost it."""

    http: httpx.AsyncClient
    token: str
    process: Process
    dsn: str

    @property
    def port(self) -> int:
        """Where it listens."""
        port = self.http.base_url.port
        assert port is not None
        return port

    @property
    def bearer(self) -> dict[str, str]:
        """What writing needs."""
        return {"Authorization": f"Bearer {self.token}"}

    def worked(self) -> float:
        """The seconds of processor time that it has taken so far, by the kernel's clock of another process."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def holds(self) -> int:
        """The bytes of memory that it has now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    async def measure(self) -> dict[str, Any]:
        """What it has measured since it was last asked."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        return json.loads(await asyncio.wait_for(self.process.stdout.readline(), 120))

    @asynccontextmanager
    async def costs(self) -> AsyncGenerator[Cost]:
        """What the block costs the server, known once it has ended."""
        before = await self.measure()
        cost = Cost(0, 0, 0, "", 0, 0)
        yield cost
        after = await self.measure()
        cost.cpu, cost.kept = after["cpu"] - before["cpu_after"], after["kept"] - before["kept"]
        cost.rss = after["rss"] - before["rss"]
        cost.longest, cost.longest_wall = after["longest"], after["longest_wall"]
        cost.longest_what = after["longest_what"]

    async def is_honest(self) -> None:
        """It still answers what it should, over both doors."""
        plan = await self.http.get(PLAN)
        assert plan.json()["counts"] == {"parts": 5, "measures": 16, "tasks": 67}
        asked = await self.http.post("/graphql", json={"query": '{ task(id: "shanghai-credit-2023/21") { number } }'})
        assert asked.json()["data"] == {"task": {"number": 21}}


def refused_cheaply(cost: Cost) -> None:
    """What is refused costs little, keeps little, and delays nobody."""
    assert cost.cpu <= REFUSED_CPU, cost
    assert cost.kept <= REFUSED_KEPT, cost
    assert cost.longest <= LONGEST_STEP, cost


@asynccontextmanager
async def victim_of(server: str, folder: Path, template: str = "imported") -> AsyncGenerator[Victim]:
    """A server on a copy of a template."""
    async with database_of(server, template) as dsn, victim_at(dsn, folder) as victim:
        yield victim


@asynccontextmanager
async def victim_at(dsn: str, folder: Path) -> AsyncGenerator[Victim]:
    """A server on a database."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.attacks.victim", dsn, str(folder), str(port)),
        cwd=PROJECT,
        env=environment() | GIVING_BACK,
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin is not None
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            await _until_alive(http, process)
            token = settings_for(dsn, folder).data_dir / "token"
            yield Victim(http, token.read_text().strip(), process, dsn)
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_alive(http: httpx.AsyncClient, process: Process) -> None:
    for _ in range(600):
        assert process.returncode is None, "it ended at the start"
        try:
            if (await http.get("/health/ready")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    raise AssertionError("it does not answer")


@pytest.fixture(scope="module")
async def victim(server: str, folder: Path) -> AsyncGenerator[Victim]:
    """The imported record, served in a process of its own; each attack leaves it as it was."""
    async with victim_of(server, folder) as attacked:
        yield attacked
