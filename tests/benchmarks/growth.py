"""`growth-…`: what a question costs in the large record, beside its own rate in a small one of the same pattern."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from statistics import median
from typing import Final

import asyncpg
import msgspec

from api.hosting.opening import DEMO_ORIGIN
from api.postgres import Cluster
from tests.benchmarks import checks
from tests.benchmarks.benchmarks import Benchmark
from tests.benchmarks.cpu import cpu_seconds, ended_seconds
from tests.benchmarks.large import loaded
from tests.benchmarks.load import Load, Nothing, Question, Run, Wrong, ask
from tests.benchmarks.measure import WARM_UP, Pair, Result, Step, result
from tests.benchmarks.moments import Moments
from tests.benchmarks.peers import Setup
from tests.benchmarks.servers import Server, serving

SMALL_SIZE: Final = 3_333  # facts: one authority with its 66 units and 20 plans
PLAN: Final = 300  # facts that a plan begins with, at most
SINCE: Final = date(2021, 6, 1)
DAYS: Final = 800
Sides = dict[str, tuple[Server, Moments]]


class Record(msgspec.Struct, frozen=True):
    """One of the records: what a server of it is told, and the moments that are asked for."""

    setup: Setup
    moments: Moments


@asynccontextmanager
async def record_at(dsn: str, license_: str) -> AsyncGenerator[Record]:
    """A record that is there, with a data folder for its servers; at the moments all plans of 2021 are there."""
    connection = await asyncpg.connect(dsn)
    try:
        size: int = await connection.fetchval("SELECT size FROM log_head")
        last: int = await connection.fetchval(
            "SELECT max(position) FROM events WHERE type = 'plan.adopted.v1' AND stream LIKE '%-2021'"
        )
    finally:
        await connection.close()
    low = last + PLAN
    with tempfile.TemporaryDirectory(prefix="planrecord-benchmarks-") as folder:
        setup = Setup(dsn, folder, DEMO_ORIGIN, license_, "", checks.NOTHING)
        yield Record(setup, Moments(low, size - low, SINCE, DAYS))


class Growth(msgspec.Struct, frozen=True):
    """The server of both records, how hard they are asked, from which cores, and how often.

    `exported` is what one run told, of which there are two lines: seconds, and megabytes.
    """

    server: Cluster
    large: str
    license: str
    load: Load
    core: int
    runs: int
    exported: dict[str, Result]

    async def measured(self, one: Benchmark, step: Step) -> Result:
        """The rate in the large record, by the rate in the small one; in turn, where nothing is in a cache."""
        step(f"{one.name}: opening both records")
        small = await loaded(self.server.dsn, SMALL_SIZE)
        async with (
            record_at(small, self.license) as here,
            record_at(self.large, self.license) as there,
            serving("planrecord", here.setup, self.core) as first,
            serving("planrecord", there.setup, self.core) as second,
        ):
            return await self._in_turn(one, {"small": (first, here.moments), "large": (second, there.moments)}, step)

    async def _in_turn(self, one: Benchmark, sides: Sides, step: Step) -> Result:
        numbers, rates = dict.fromkeys(sides, 0), {side: list[float]() for side in sides}
        taken = {side: list[str]() for side in sides}
        for turn in range(-1, self.runs):
            for side, (server, moments) in sides.items():
                step(f"{one.name}: {side}, {f'run {turn + 1} of {self.runs}' if turn >= 0 else 'warming up'}")
                smallest = min(len(ask(server.port, one.question, each).body) for each in checks.sample(moments)[:5])
                load = self.load if turn >= 0 else msgspec.structs.replace(self.load, seconds=WARM_UP)
                before = self._cpu(server)
                run = await _run(load, server.port, one.question, moments.arguments(numbers[side]), smallest // 2)
                numbers[side] += run.requests + 2 * load.connections
                if numbers[side] > len(moments):
                    raise Wrong(f"{one.name}: {len(moments)} moments are too few for so long a run: a cache helped")
                if turn >= 0:
                    rates[side].append(round(run.rate, 1))
                    taken[side] = _shares(before, self._cpu(server), run.microseconds / 1e6)
        pairs = [Pair(*each) for each in zip(rates["small"], rates["large"], strict=True)]
        notes = [f"{side}: of a core {', '.join(taken[side])}; median {median(rates[side]):,.0f}/s" for side in sides]
        return result(one.peer, "requests/s", pairs, notes)

    def _cpu(self, server: Server) -> dict[str, float]:
        return {
            "server": cpu_seconds(server.pid),
            "database": cpu_seconds(self.server.pid),
            "client": ended_seconds(),
        }


async def _run(load: Load, port: int, question: Question, walk: list[str], smallest: int) -> Run:
    """What wrk counted; none at all is a figure here."""
    try:
        return await load.run(port, question, walk, smallest)
    except Nothing:
        return Run(0, load.seconds * 1_000_000, 0, 0, 0, 0, 0)


def _shares(before: dict[str, float], after: dict[str, float], seconds: float) -> list[str]:
    return [f"{name} {(after[name] - before[name]) / seconds:.2f}" for name in before]
