"""`large-file…`: all tasks of the large record as a file: until it is there, in how much memory, and once more.

The server has all cores here, PostgreSQL's too: how it uses them is what is measured.
"""

import asyncio
import http.client
import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Final

from tests.benchmarks.benchmarks import Benchmark
from tests.benchmarks.cpu import below, memory
from tests.benchmarks.growth import Growth, record_at
from tests.benchmarks.load import Wrong
from tests.benchmarks.measure import Pair, Result, Step, result
from tests.benchmarks.servers import at_a_port, serving

FORMS: Final = ("ndjson", "csv", "parquet")
CHUNK: Final = 1 << 20
AGAIN: Final = 5  # times that the largest file is taken, in turn with the server's own way to send files
ASKED_EVERY: Final = 0.1  # seconds
STATIC: Final = ("-m", "granian", "--interface", "asgi", "tests.benchmarks.peers:messages", "--port")


async def files(growth: Growth, step: Step) -> dict[str, Result]:
    """Every line of its kind, of one run."""
    found: dict[str, Result] = {}
    cores = growth.core, growth.load.core
    async with (
        record_at(growth.large, growth.license) as record,
        serving("planrecord", record.setup, *cores) as (port, pid),
    ):
        for form in FORMS:
            step(f"large-file-{form}: waiting for all tasks")
            seconds, items, length, most = await _made(port, pid, f"/v1/export/tasks.{form}")
            rate = f"{items:,} tasks, {length / 1e6:,.0f} MB, {items / seconds:,.0f} tasks/s"
            found[f"large-file-{form}"] = result("", "s", [Pair(0, round(seconds, 1))], [rate])
            found[f"large-file-{form}-memory"] = result("", "MB", [Pair(0, round(most, 1))])
        step("large-file-again: taking the same once more")
        (kept,) = (Path(record.setup.folder) / "exports").glob("*.ndjson")
        command = [sys.executable, *STATIC[:-1], "--static-path-mount", str(kept.parent), STATIC[-1]]
        async with at_a_port(command, *cores) as (static, _):
            pairs = [
                Pair(_taken(static, f"/static/{kept.name}"), _taken(port, "/v1/export/tasks.ndjson"))
                for _ in range(AGAIN)
            ]
        found["large-file-again"] = result("static file", "MB/s", pairs)
    return found


async def _made(port: int, pid: int, path: str) -> tuple[float, int, int, float]:
    """Seconds until it is there, its items and bytes, and the megabytes that all who made it held at most."""
    begun, most = perf_counter(), 0.0
    while True:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        client.request("HEAD", path)
        answer = await asyncio.to_thread(client.getresponse)
        with suppress(OSError, StopIteration):  # one of them has ended
            most = max(most, sum(memory(one) for one in below(pid)[1:]))
        if answer.status == 200:
            return perf_counter() - begun, int(answer.headers["Items"]), int(answer.headers["Content-Length"]), most
        if answer.status != 202:
            raise Wrong(f"{path} answered {answer.status}")
        path = answer.headers["Location"]
        await asyncio.sleep(ASKED_EVERY)


def _taken(port: int, path: str) -> float:
    """Megabytes a second in which a file comes."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    begun, length = perf_counter(), 0
    client.request("GET", path)
    answer = client.getresponse()
    while chunk := answer.read(CHUNK):
        length += len(chunk)
    if answer.status != 200:
        raise Wrong(f"{path} answered {answer.status}")
    return length / 1e6 / (perf_counter() - begun)


async def measured(growth: Growth, one: Benchmark, step: Step) -> Result:
    """One of the lines; the first of them brings all."""
    if one.name not in growth.exported:
        growth.exported.update(await files(growth, step))
    return growth.exported[one.name]
