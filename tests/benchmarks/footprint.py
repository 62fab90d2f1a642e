"""`large-plans-memory`, `large-export…`, `large-stream…`: memory over the large record, and a whole log on its way."""

import http.client
from time import perf_counter, process_time
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
    if one.name == "large-plans-memory":
        return await _plans(growth, one, step)
    if one.name not in growth.exported:
        growth.exported.update(await _export(growth, one, step))
    return growth.exported[one.name]


async def _plans(growth: Growth, one: Benchmark, step: Step) -> Result:
    async with (
        record_at(growth.large, growth.license) as record,
        serving("planrecord", record.setup, growth.core) as (port, pid),
    ):
        started, size = memory(pid), record.moments.low + record.moments.positions
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        for turn in range(PLANS // MOMENTS):
            step(f"{one.name}: {turn * MOMENTS:,} of {PLANS:,} plans read")
            for plan, _, moment in places(size, record, f"plans {turn}"):
                _read(client, filled(one.question.path.replace("{plan}", plan), moment))
        note = f"{started:.0f} MB at the start, {memory(pid):.0f} MB after {PLANS:,} plans"
        return result("", "MB", [Pair(0, round(memory(pid), 1))], [note])


async def _export(growth: Growth, one: Benchmark, step: Step) -> dict[str, Result]:
    step(f"{one.name}: reading the whole log")
    line = one.name.removesuffix("-memory")
    async with (
        record_at(growth.large, growth.license) as record,
        serving("planrecord", record.setup, growth.core) as (port, pid),
    ):
        started, before = memory(pid), {name: cpu_seconds(number) for name, number in _busy(growth, pid).items()}
        begun, own = perf_counter(), process_time()
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        length, first = _read(client, one.question.path)
        seconds, most = perf_counter() - begun, memory(pid, "VmHWM")
        cpu = {name: (cpu_seconds(number) - before[name]) / seconds for name, number in _busy(growth, pid).items()}
        cpu["client"] = (process_time() - own) / seconds
        note = (
            f"{length / 1e6:,.0f} MB in {seconds:.1f} s, the first byte after {first:.2f} s; of a core "
            f"{', '.join(f'{name} {share:.2f}' for name, share in cpu.items())}"
        )
        return {
            line: result("", "s", [Pair(0, round(seconds, 2))], [note]),
            f"{line}-memory": result("", "MB", [Pair(0, round(most, 1))], [f"{started:.0f} MB at the start"]),
        }


def _busy(growth: Growth, pid: int) -> dict[str, int]:
    return {"server": pid, "database": growth.server.pid}


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
