"""`append-…`: single commands over HTTP, in process, in bulk, alone and against one another, beside their peers."""

import asyncio
import http.client
import json
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Final

import asyncpg
import msgspec

from api.hosting.opening import DEMO_ORIGIN
from api.hosting.publishing import sign_first
from api.hosting.settings import Settings
from api.main import service
from api.postgres import Cluster
from domain.bundled import BUNDLED_PLAN, bundled_plan
from tests.benchmarks import writing
from tests.benchmarks.benchmarks import Benchmark
from tests.benchmarks.checks import NOTHING
from tests.benchmarks.cpu import cpu_seconds, ended_seconds
from tests.benchmarks.environments import ensure
from tests.benchmarks.large import database_at
from tests.benchmarks.load import HERE, Load, Run, Wrong
from tests.benchmarks.measure import Pair, Result, Step, result
from tests.benchmarks.peers import Setup
from tests.benchmarks.servers import Server, serving
from tests.benchmarks.writing import FIRST_DAY, REASON

CLIENTS: Final = 64
OVERTAKING: Final = 20
LONG: Final = 100  # facts of a stream that is not fresh
LONG_STREAMS: Final = 64
THREADS: Final = 1  # of eventsourcing, which is fastest so: 4, 16 and 64 save 0.94, 0.93 and 0.69 of its rate
TOUCHES: Final = 40  # of each kind for a point of a curve
CURVE: Final = (10, 100, 1_000, 10_000)
DATED: Final = (10, 100, 1_000)  # facts of a stream, each on a day of its own
REGISTER: Final = {"type": "unit.register", "unit": "bench-{n}", "name": "测量用单位{n}", "reason": REASON}
RENAME: Final = {"type": "unit.rename", "unit": "long-{m}", "name": "名称{n}", "reason": REASON}
REWORD: Final = {"type": "task.reword", "task": f"{BUNDLED_PLAN}/21", "text": "措辞{n}", "reason": REASON}


class Appends(msgspec.Struct, frozen=True):
    """The server of all databases, the cores of the load and of the servers, for how long and how often."""

    server: Cluster
    load: Load
    core: int
    runs: int
    templates: set[str]

    async def measured(self, one: Benchmark, step: Step) -> Result:
        """The figures of a line."""
        return await _MEASURES[one.name](self, one, step)

    async def single(self, one: Benchmark, step: Step) -> Result:
        """Fresh streams over HTTP, or such of a hundred facts, by one command each; beside what the peer saves."""
        command = REGISTER if one.name == "append-single" else RENAME
        pairs, told = list[Pair](), ""
        for turn in range(self.runs):
            step(f"{one.name}: eventsourcing, run {turn + 1} of {self.runs}")
            peer = await self._eventsourcing()
            step(f"{one.name}: planrecord, run {turn + 1} of {self.runs}")
            async with self._served() as (server, setup):
                run, told = await self._written(server, setup, command, CLIENTS, LONG_STREAMS)
            pairs.append(Pair(round(peer, 1), round(run.rate, 1)))
        return result(one.peer, "requests/s", pairs, [told])

    async def signed(self, one: Benchmark, step: Step) -> Result:
        """The same by the process that signs the log, too, beside one that does not."""
        pairs, told = list[Pair](), ""
        for turn in range(self.runs):
            step(f"{one.name}: run {turn + 1} of {self.runs}")
            async with self._served() as (server, setup):
                peer, _ = await self._written(server, setup, REGISTER, CLIENTS, LONG_STREAMS)
            async with self._database("appends_long") as setup:
                await _sign(setup)
                async with serving("planrecord", setup, self.core) as server:
                    run, told = await self._written(server, setup, REGISTER, CLIENTS, LONG_STREAMS)
            pairs.append(Pair(round(peer.rate, 1), round(run.rate, 1)))
        return result(one.peer, "requests/s", pairs, [told])

    async def inside(self, one: Benchmark, step: Step) -> Result:
        """The same in process, without HTTP."""
        pairs, told = list[Pair](), ""
        for turn in range(self.runs):
            step(f"{one.name}: run {turn + 1} of {self.runs}")
            peer = await self._eventsourcing()
            async with self._database() as setup:
                before = cpu_seconds(self.server.pid)
                count, seconds, own = await self._beside("commands", setup.dsn, setup.folder, str(self.load.seconds))
                database = cpu_seconds(self.server.pid) - before
            told = f"of a core process {own / seconds:.2f}, database {database / seconds:.2f} (with its start)"
            pairs.append(Pair(round(peer, 1), round(count / seconds, 1)))
        return result(one.peer, "requests/s", pairs, [told])

    async def bulk(self, one: Benchmark, step: Step) -> Result:
        """Whole plans through the log, beside the bare statements that this came to."""
        pairs: list[Pair] = []
        for turn in range(self.runs):
            step(f"{one.name}: run {turn + 1} of {self.runs}")
            async with self._database() as noted, self._database() as ours, self._database() as theirs:
                own, bare = await self._beside("both", noted.dsn, ours.dsn, theirs.dsn)
            pairs.append(Pair(round(bare, 1), round(own, 1)))
        return result(one.peer, "requests/s", pairs, ["figures are facts a second"])

    async def alone(self, one: Benchmark, step: Step) -> Result:
        """One client over HTTP, streams of a hundred facts, beside one INSERT and COMMIT after the other."""
        pairs, told = list[Pair](), ""
        for turn in range(self.runs):
            step(f"{one.name}: run {turn + 1} of {self.runs}")
            async with self._database() as setup:
                count, seconds = await self._beside("lone", setup.dsn, str(self.load.seconds))
            async with self._served() as (server, setup):
                run, told = await self._written(server, setup, RENAME, 1, LONG_STREAMS)
            pairs.append(Pair(round(count / seconds, 1), round(run.rate, 1)))
        return result(one.peer, "requests/s", pairs, [told])

    async def contended(self, one: Benchmark, step: Step) -> Result:
        """Milliseconds in which 99 of 100 of 20 writers on one task are done, beside the median of one writer."""
        pairs, told = list[Pair](), ""
        for turn in range(self.runs):
            step(f"{one.name}: run {turn + 1} of {self.runs}")
            async with self._served() as (server, setup):
                first, _ = await self._written(server, setup, REWORD, 1, 1)
            async with self._served() as (server, setup):
                many, told = await self._written(server, setup, REWORD, OVERTAKING, 1)
            told = f"none refused of {many.requests:,}, {many.rate:,.0f}/s; one alone {first.rate:,.0f}/s; {told}"
            pairs.append(Pair(first.p50 / 1000, many.p99 / 1000))
        return result(one.peer, "ms", pairs, [told])

    async def curve(self, one: Benchmark, step: Step) -> Result:
        """Milliseconds of an append to the longest stream, beside the shortest; reads and histories in the notes."""
        dated = one.name == "curve-dated"
        sizes = DATED if dated else CURVE
        async with self._database() as setup:
            step(f"{one.name}: making the streams")
            await writing.grown(setup.dsn, [(f"unit:curve-{size}", size) for size in sizes], dated=dated)
            async with serving("planrecord", setup, self.core) as (port, _):
                notes, found = list[str](), dict[str, dict[int, float]]()
                for size in sizes:
                    for what, asked in _asked(size, _token(setup), dated=dated).items():
                        step(f"{one.name}: {what} of {size:,}")
                        first, warm = _touched(port, asked)
                        found.setdefault(what, {})[size] = warm
                        notes.append(f"{what:7} {size:6,} facts: {warm:8.2f} ms warm (p50), first touch {first:.2f} ms")
        smallest, largest = (found["append"][size] for size in (sizes[0], sizes[-1]))
        return result(one.peer, "ms", [Pair(round(smallest, 3), round(largest, 3))], notes)

    async def rows(self, one: Benchmark, step: Step) -> Result:
        """Rows in a task's own tables after 100 edits on 100 dates."""
        step(f"{one.name}: editing")
        async with self._served() as (server, setup):
            client, headers = http.client.HTTPConnection("127.0.0.1", server.port), _headers(_token(setup))
            for number in range(100):
                on = f"2024-{1 + number // 28:02}-{1 + number % 28:02}"
                command = {
                    "type": "task.reword",
                    "task": f"{BUNDLED_PLAN}/21",
                    "text": f"措辞{number}",
                    "reason": REASON,
                }
                _answered(client, "POST", "/v1/commands", json.dumps(command | {"effectiveOn": on}), headers)
            counts, size = await _rows_of(setup.dsn, f"{BUNDLED_PLAN}/21")
        told = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        return result("", "rows", [Pair(0, sum(counts.values()))], [f"{told}; {size / 1e6:.2f} MB"])

    async def _eventsourcing(self) -> float:
        environment = await asyncio.to_thread(ensure, "eventsourcing")
        async with self._empty() as dsn:
            socket = dsn.partition("host=")[2].partition("&")[0]
            name = dsn.partition("?")[0].rpartition("/")[2]
            program = [str(environment / "bin" / "python"), str(HERE / "eventsourced.py")]
            found = await self._told([*program, socket, name, str(self.load.seconds), str(THREADS)])
        return found["facts"] / found["seconds"]

    async def _beside(self, *arguments: str) -> Any:
        """What a program of `writing.py` prints, on the servers' core."""
        return await self._told([sys.executable, "-m", "tests.benchmarks.writing", *arguments])

    async def _told(self, command: Sequence[str]) -> Any:
        bound = ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(self.core)]
        process = await asyncio.create_subprocess_exec(*bound, *command, stdout=PIPE, stderr=PIPE)
        out, err = await process.communicate()
        if process.returncode != 0:
            raise Wrong(f"{command[1]} ended with {process.returncode}: {err.decode()[-2000:]}")
        return msgspec.json.decode(out)

    @asynccontextmanager
    async def _empty(self, template: str = "template1") -> AsyncGenerator[str]:
        """A database of one's own, copied from another and dropped afterwards."""
        name = f"appends_{next(_NUMBERS)}"
        await self._execute(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}"
        )
        try:
            yield database_at(self.server.dsn, name)
        finally:
            await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.server.dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def _database(self, template: str = "appends_imported") -> AsyncGenerator[Setup]:
        """A record with the bundled plan, under the real clock; the templates are made once in a run."""
        if not self.templates:
            await self._make_templates()
            self.templates.update(("appends_imported", "appends_long"))
        async with self._empty(template) as dsn:
            with tempfile.TemporaryDirectory(prefix="planrecord-benchmarks-") as folder:
                yield Setup(dsn, folder, DEMO_ORIGIN, Settings().license, BUNDLED_PLAN, NOTHING)

    async def _make_templates(self) -> None:
        """A record with the bundled plan, and the same with units of a hundred facts."""
        names = "appends_imported", "appends_long"
        await self._execute(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in names))
        await self._execute(f"CREATE DATABASE {names[0]}")
        with tempfile.TemporaryDirectory(prefix="planrecord-benchmarks-") as folder:
            dsn = database_at(self.server.dsn, names[0])
            async with service(Settings(data_dir=Path(folder), database_url=dsn, origin=DEMO_ORIGIN)) as running:
                await running.office.record([bundled_plan()])
        await self._execute(f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}")
        long = [(f"unit:long-{number}", LONG) for number in range(LONG_STREAMS)]
        await writing.grown(database_at(self.server.dsn, names[1]), long)

    @asynccontextmanager
    async def _served(self) -> AsyncGenerator[tuple[Server, Setup]]:
        """The same with units of a hundred facts, served."""
        async with self._database("appends_long") as setup, serving("planrecord", setup, self.core) as server:
            yield server, setup

    async def _written(
        self, server: Server, setup: Setup, command: Mapping[str, str], clients: int, streams: int
    ) -> tuple[Run, str]:
        """What wrk counted, and whose core it took; Wrong if any command was refused."""
        body = json.dumps(command, ensure_ascii=False)
        before = _taken(server.pid, self.server.pid)
        program = ["taskset", "-c", str(self.load.core), "wrk", "-t1", f"-c{clients}", f"-d{self.load.seconds}s"]
        script = [
            "--timeout",
            "30s",
            "-s",
            str(HERE / "append.lua"),
            f"http://127.0.0.1:{server.port}/v1/commands",
            "--",
        ]
        arguments = [_token(setup), body, "1", str(streams)]
        process = await asyncio.create_subprocess_exec(*program, *script, *arguments, stdout=PIPE, stderr=PIPE)
        out, err = await process.communicate()
        if process.returncode != 0:
            raise Wrong(f"wrk ended with {process.returncode}: {out.decode()}{err.decode()}")
        run = msgspec.convert(json.loads(out.splitlines()[-1]), Run)
        if run.errors or run.refused or not run.requests:
            raise Wrong(f"of {run.requests} commands {run.refused} were refused, {run.errors} failed")
        seconds = run.microseconds / 1e6
        after = _taken(server.pid, self.server.pid)
        shares = [f"{name} {(after[name] - before[name]) / seconds:.2f}" for name in before]
        return run, f"of a core {', '.join(shares)}; p50 {run.p50 / 1000:.1f} ms, p99 {run.p99 / 1000:.1f} ms"


_NUMBERS = iter(range(10**9))
Measure = Callable[[Appends, Benchmark, Step], Awaitable[Result]]
_MEASURES: Final[Mapping[str, Measure]] = {
    "append-single": Appends.single,
    "append-single-long": Appends.single,
    "append-signed": Appends.signed,
    "append-in-process": Appends.inside,
    "append-bulk": Appends.bulk,
    "append-one": Appends.alone,
    "append-contended": Appends.contended,
    "curve-append": Appends.curve,
    "curve-dated": Appends.curve,
    "curve-rows": Appends.rows,
}


def _taken(server: int, database: int) -> dict[str, float]:
    """Seconds of a core that each has taken so far, the load generators all together."""
    return {"server": cpu_seconds(server), "database": cpu_seconds(database), "client": ended_seconds()}


async def _sign(setup: Setup) -> None:
    """Give the copy of a log a key in its own folder, as a new log has one."""
    connection = await asyncpg.connect(setup.dsn)
    try:
        await connection.execute("ALTER TABLE notes DISABLE TRIGGER USER")
        await connection.execute("DELETE FROM notes")
        await connection.execute("DELETE FROM log_keys")
        await connection.execute("ALTER TABLE notes ENABLE TRIGGER USER")
        await sign_first(connection, Settings(data_dir=Path(setup.folder), database_url=setup.dsn))
    finally:
        await connection.close()


def _token(setup: Setup) -> str:
    return (Path(setup.folder) / "token").read_text().strip()


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


Asked = Callable[[http.client.HTTPConnection, int], None]


def _asked(size: int, token: str, *, dated: bool) -> dict[str, Asked]:
    """One append, one read and one history of a unit with so many facts, each time another."""
    unit, headers, chance = f"curve-{size}", _headers(token), Random(size)  # noqa: S311 - no secret

    def append(client: http.client.HTTPConnection, number: int) -> None:
        command = {"type": "unit.rename", "unit": unit, "name": f"新名{number}", "reason": REASON}
        if dated:
            command["effectiveOn"] = (FIRST_DAY + timedelta(days=size + number)).isoformat()
        _answered(client, "POST", "/v1/commands", json.dumps(command), headers)

    def at() -> str:
        position, day = sum(DATED if dated else CURVE) - chance.randrange(size // 2), 1 + chance.randrange(28)
        return f"position={position}&effectiveOn=2031-01-{day:02}"

    return {
        "append": append,
        "read": lambda client, _: _answered(client, "GET", f"/v1/units/{unit}?{at()}"),
        "history": lambda client, _: _answered(client, "GET", f"/v1/units/{unit}/history?{at()}"),
    }


def _touched(port: int, ask: Asked) -> tuple[float, float]:
    """Milliseconds of the first touch, and the median of those behind it."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times: list[float] = []
    for number in range(TOUCHES):
        begun = perf_counter()
        ask(client, number)
        times.append((perf_counter() - begun) * 1000)
    client.close()
    return times[0], median(times[1:])


def _answered(
    client: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> None:
    client.request(method, path, body.encode() if body else None, dict(headers or {}))
    answer = client.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise Wrong(f"{path} answered {answer.status}: {said[:300].decode()}")


async def _rows_of(dsn: str, task: str) -> tuple[dict[str, int], int]:
    """Rows by table whose key is the task's, or begins with it; and the bytes of their columns."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            """SELECT table_name AS name FROM information_schema.columns
            WHERE table_schema = 'projections' AND column_name = 'key' ORDER BY 1"""
        )
        counts, size = dict[str, int](), 0
        for (name,) in tables:
            row = await connection.fetchrow(
                f"""SELECT count(*) AS rows, coalesce(sum(pg_column_size(t.*)), 0) AS size FROM projections.{name} t
                WHERE key = $1 OR key LIKE $1 || '/%'""",  # noqa: S608 - the names are our own
                task,
            )
            assert row is not None
            counts[name], size = row["rows"], size + row["size"]
        return counts, size
    finally:
        await connection.close()
