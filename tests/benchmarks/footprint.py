"""`large-plans-memory`, `large-export…`: what a process takes in memory over the large record, and a whole export."""

import http.client
from time import perf_counter
from typing import Final

from tests.benchmarks.benchmarks import Benchmark
from tests.benchmarks.cpu import cpu_seconds, memory
from tests.benchmarks.growth import Growth, record_at
from tests.benchmarks.load import Wrong
from tests.benchmarks.measure import Pair, Result, Step, result
from tests.benchmarks.moments import filled
from tests.benchmarks.servers import serving
from tests.benchmarks.statements import MOMENTS, places

PLANS: Final = 2_000  # that are read, at as many moments
CHUNK: Final = 1 << 20


async def measured(growth: Growth, one: Benchmark, step: Step) -> Result:
    """One run: seconds of an export, or megabytes of a process that began with it."""
    async with (
        record_at(growth.large, growth.license) as record,
        serving("planrecord", record.setup, growth.core) as (port, pid),
    ):
        started = memory(pid)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        if one.name == "large-plans-memory":
            step(f"{one.name}: reading {PLANS:,} random plans")
            size = record.moments.low + record.moments.positions
            for turn in range(PLANS // MOMENTS):
                for plan, _, moment in places(size, record, f"plans {turn}"):
                    _read(client, filled(one.question.path.replace("{plan}", plan), moment))
            note = f"{started:.0f} MB at the start, {memory(pid):.0f} MB after {PLANS:,} plans"
            return result("", "MB", [Pair(0, round(memory(pid), 1))], [note])
        step(f"{one.name}: reading the whole log")
        begun, database = perf_counter(), cpu_seconds(growth.server.pid)
        length, first = _read(client, one.question.path)
        seconds = perf_counter() - begun
        most = memory(pid, "VmHWM")
        database = (cpu_seconds(growth.server.pid) - database) / seconds
        note = (
            f"{length / 1e6:,.0f} MB in {seconds:.1f} s, the first byte after {first:.2f} s; server "
            f"{cpu_seconds(pid) / seconds:.2f} of a core, database {database:.2f}; "
            f"{started:.0f} MB at the start, {most:.0f} MB at most"
        )
        value = most if one.name.endswith("memory") else seconds
        return result("", "MB" if one.name.endswith("memory") else "s", [Pair(0, round(value, 2))], [note])


def _read(client: http.client.HTTPConnection, path: str) -> tuple[int, float]:
    """How many bytes a good answer has, and after how many seconds the first came."""
    begun = perf_counter()
    client.request("GET", path)
    answer = client.getresponse()
    length = len(answer.read(1))
    first = perf_counter() - begun
    while chunk := answer.read(CHUNK):
        length += len(chunk)
    if answer.status != 200:
        raise Wrong(f"{path} answered {answer.status}")
    return length, first
