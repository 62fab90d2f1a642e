"""`sse-2000…`: 2,000 clients of server-sent events, a new fact for all, and one who reads meanwhile."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import msgspec

from api.hosting.serving import allow_many_files
from tests.benchmarks.benchmarks import Benchmark
from tests.benchmarks.cpu import memory
from tests.benchmarks.load import Wrong
from tests.benchmarks.measure import Pair, Result, Step, result
from tests.benchmarks.peers import Setup
from tests.benchmarks.servers import Server, serving

CLIENTS: Final = 2_000
AT_ONCE: Final = 200  # that connect at a time
FACTS: Final = 10  # of each run, one after the other
READ: Final = "/v1/plans/shanghai-credit-2023/tasks/21"
PATIENCE: Final = 60.0  # seconds


class Heard(asyncio.Protocol):
    """One client: when it had what it was waiting for."""

    def __init__(self, room: "Room") -> None:
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self._room.transports.append(transport)
        transport.write(b"GET %b HTTP/1.1\r\nhost: localhost\r\n\r\n" % self._room.path.encode())

    def data_received(self, data: bytes) -> None:
        """An event, or the beginning of the stream."""
        if b"\ndata: " in data:
            self._room.heard.append(time.perf_counter())
        elif b"retry: " in data:
            self._room.open += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """It was sent away."""
        del exc
        self._room.lost += 1


class Room:
    """All clients of a run."""

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.path = path
        self.open, self.lost = 0, 0
        self.heard: list[float] = []
        self.transports: list[asyncio.Transport] = []

    async def fill(self) -> None:
        """Have all connected."""
        loop = asyncio.get_running_loop()
        for _ in range(0, CLIENTS, AT_ONCE):
            await asyncio.gather(
                *(loop.create_connection(lambda: Heard(self), "127.0.0.1", self.port) for _ in range(AT_ONCE))
            )
        await self._until(lambda: self.open == CLIENTS, "not all clients were let in")

    async def all_hear(self, since: float) -> list[float]:
        """How long it took each until it had heard, in milliseconds, once all have."""
        await self._until(lambda: len(self.heard) >= CLIENTS, "not all clients heard")
        found = sorted(max(0.0, one - since) * 1_000 for one in self.heard)
        self.heard.clear()
        return found

    async def _until(self, done: Callable[[], bool], otherwise: str) -> None:
        end = time.perf_counter() + PATIENCE
        while not done():
            if self.lost or time.perf_counter() > end:
                raise Wrong(f"{otherwise}: {self.open} open, {len(self.heard)} heard, {self.lost} lost")
            await asyncio.sleep(0.005)


class Listening(msgspec.Struct, frozen=True):
    """Where the servers and the clients run, and how often; one measuring tells all lines, which are `found` then."""

    setup: Setup
    client: int
    core: int
    runs: int
    found: dict[str, Result]

    async def measured(self, one: Benchmark, step: Step) -> Result:
        """One line of the figures."""
        if not self.found:
            ours = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {self.client})
            try:
                self.found.update(await self._all(step))
            finally:
                os.sched_setaffinity(0, ours)
        return self.found[one.name]

    async def _all(self, step: Step) -> dict[str, Result]:
        allow_many_files()
        size = await self._size()
        item = await self._item(size)
        sides: dict[str, dict[str, list[float]]] = {}
        for name, path in (("bare broadcaster", "/"), ("planrecord", f"/v1/stream?after={size}")):
            setup = msgspec.structs.replace(self.setup, answer=msgspec.structs.replace(self.setup.answer, body=item))
            async with serving(name, setup, self.core) as server:
                sides[name] = await self._told(
                    server, path, lambda words, name=name: step(f"sse-2000: {name}, {words}")
                )
                if name == "planrecord":
                    size += FACTS * self.runs
        peer, own = sides["bare broadcaster"], sides["planrecord"]
        notes = [
            f"{CLIENTS:,} clients let in within {side['let in'][0]:.1f} s ({name})" for name, side in sides.items()
        ]
        return {
            name: result(
                "bare broadcaster", unit, [Pair(*each) for each in zip(peer[kind], own[kind], strict=True)], notes
            )
            for name, kind, unit in (
                ("sse-2000", "p50", "ms"),
                ("sse-2000-p99", "p99", "ms"),
                ("sse-2000-memory", "memory", "KB"),
                ("sse-2000-read", "read", "ms"),
            )
        }

    async def _told(self, server: Server, path: str, step: Step) -> dict[str, list[float]]:
        before, found = memory(server.pid), {name: list[float]() for name in ("p50", "p99", "memory", "read", "let in")}
        room, began = Room(server.port, path), time.perf_counter()
        step("letting the clients in")
        await room.fill()
        found["let in"].append(time.perf_counter() - began)
        token = (Path(self.setup.folder) / "token").read_text().strip()
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=PATIENCE) as http,
            reading(http) as reads,
        ):
            for run in range(self.runs):
                step(f"run {run + 1} of {self.runs}")
                taken: list[float] = []
                for number in range(FACTS):
                    taken += await room.all_hear(await said(http, token, f"{run}/{number}"))
                    await asyncio.sleep(0.1)
                found["p50"].append(at(0.50, taken))
                found["p99"].append(at(0.99, taken))
                found["memory"].append((memory(server.pid) - before) * 1_000 / CLIENTS)
                found["read"].append(at(0.99, reads))
                reads.clear()
        for one in room.transports:
            one.abort()
        return found

    async def _size(self) -> int:
        async with serving("planrecord", self.setup, self.core) as server, httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{server.port}/health/ready")
            size: int = answer.json()["position"]
            return size

    async def _item(self, size: int) -> bytes:
        async with serving("planrecord", self.setup, self.core) as server, httpx.AsyncClient() as http:
            address = f"http://127.0.0.1:{server.port}/v1/stream.ndjson?follow=false&after={size - 1}"
            return (await http.get(address)).content.strip()


def at(share: float, taken: list[float]) -> float:
    """The figure that so large a share of them does not exceed."""
    return sorted(taken)[min(int(len(taken) * share), len(taken) - 1)]


async def said(http: httpx.AsyncClient, token: str, text: str) -> float:
    """Have one fact recorded; when that was answered."""
    command = {"type": "task.reword", "task": "shanghai-credit-2023/21", "text": f"改写 {text}", "reason": "试"}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = await http.post("/v1/commands", content=json.dumps(command), headers=headers)
    if response.status_code != 200:
        raise Wrong(f"nothing was recorded: {response.text}")
    return time.perf_counter()


@asynccontextmanager
async def reading(http: httpx.AsyncClient) -> AsyncGenerator[list[float]]:
    """One who reads all the time: how long each answer took, in milliseconds."""
    taken: list[float] = []

    async def read() -> None:
        while True:
            began = time.perf_counter()
            await http.get(READ)
            taken.append((time.perf_counter() - began) * 1_000)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(read())
    try:
        yield taken
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
