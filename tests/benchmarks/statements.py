"""`large-task`, `large-plan`: what the database takes for one read of the large record, statement by statement.

The application answers here, in this process; whatever it says to the database is heard, and then timed by the database
itself: prepared, planned once, as the application has it. So it stays right however many statements a read becomes.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import msgspec

from api.hosting.settings import Settings
from api.main import application, service
from events.database import PLANNED_ONCE, Connection
from tests.benchmarks.authority import THEMES
from tests.benchmarks.benchmarks import Benchmark
from tests.benchmarks.growth import Growth, Record, record_at
from tests.benchmarks.invented import YEARS, authorities_of
from tests.benchmarks.load import Wrong
from tests.benchmarks.measure import Pair, Result, Step, result
from tests.benchmarks.moments import filled

MOMENTS: Final = 200
THERE: Final = YEARS[:3]  # the years whose plans are there at all moments that are asked for
EXPLAINED: Final = Path("build")
BARE: Final = """SELECT digest FROM projections.tasks WHERE {} AND known_from <= $2::bigint AND known_to > $2::bigint
    AND eff_from <= $3::date AND eff_to > $3::date"""
BARE_WHERE: Final = {"large-task": "key = $1::text", "large-plan": "plan = $1::text"}


class Heard(NamedTuple):
    """One statement with its parameters."""

    sql: str
    args: tuple[Any, ...]


class _Ear:
    """A connection that notes what is read over it."""

    def __init__(self, connection: Connection, heard: list[Heard]) -> None:
        self._connection = connection
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        own = getattr(self._connection, name)
        if name not in {"fetch", "fetchrow", "fetchval"}:
            return own

        def noted(sql: str, *args: Any, **how: Any) -> Any:
            self._heard.append(Heard(sql, args))
            return own(sql, *args, **how)

        return noted


class Ears:
    """Lends such connections in the place of others."""

    def __init__(self, lender: Any) -> None:
        self._lender = lender
        self.heard: list[Heard] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Any]:
        """A connection for as long as the block lasts."""
        async with self._lender.acquire() as connection:
            yield _Ear(connection, self.heard)


def places(size: int, record: Record, seed: str) -> list[tuple[str, int, tuple[int, date]]]:
    """Random plans, each with a task, at random moments at which they are there."""
    chance = Random(seed)  # noqa: S311 - nobody is to be kept from guessing
    plans = [
        f"c{number:04}-{theme}-{year}" for number in range(authorities_of(size)) for theme in THEMES for year in THERE
    ]
    return [
        (chance.choice(plans), chance.randrange(1, 68), record.moments.pair(chance.randrange(len(record.moments))))
        for _ in range(MOMENTS)
    ]


async def measured(growth: Growth, one: Benchmark, step: Step) -> Result:
    """Milliseconds of the database, the median of random moments; beside it the bare rows of the tasks alone."""
    step(f"{one.name}: listening to {MOMENTS} reads")
    async with record_at(growth.large, growth.license) as record:
        settings = Settings(data_dir=Path(record.setup.folder), database_url=growth.large, origin=record.setup.origin)
        reads: list[tuple[str, list[Heard]]] = []
        async with service(settings) as running:
            size = running.reader.head.size
            slices, pool = Ears(running.reader.slices), Ears(running.reader.pool)
            running.reader.slices, running.reader.pool = slices, pool  # pyright: ignore[reportAttributeAccessIssue]
            app = application(running)
            for number, (plan, task, moment) in enumerate(
                (*places(size, record, "warm"), *places(size, record, "timed"))
            ):
                path = filled(one.question.path.replace("{plan}", plan).replace("{task}", str(task)), moment)
                slices.heard.clear()
                pool.heard.clear()
                await answer_of(app, path)
                if number >= MOMENTS:
                    key = f"{plan}/{task}" if one.name == "large-task" else plan
                    bare = Heard(BARE.format(BARE_WHERE[one.name]), (key, *moment))
                    reads.append((path, [bare, *slices.heard, *pool.heard]))
    step(f"{one.name}: timing them")
    return await _timed(growth.large, one, [heard for _, heard in reads])


async def _timed(dsn: str, one: Benchmark, reads: Sequence[Sequence[Heard]]) -> Result:
    connection: Connection = await asyncpg.connect(dsn, server_settings=PLANNED_ONCE | {"statement_timeout": "60s"})
    try:
        names: dict[str, str] = {}
        for heard in {each.sql: each for read in reads for each in read}.values():
            names[heard.sql] = f"heard_{len(names)}"
            await connection.execute(f"PREPARE {names[heard.sql]} AS {heard.sql}")
        times = [[await _milliseconds(connection, names, each) for each in read] for read in reads]
        bare, joined = [each[0] for each in times], [sum(each[1:]) for each in times]
        said = (
            f"{len(reads[0]) - 1} statements of a read; joined p50 {median(joined):.2f} ms, "
            f"p99 {sorted(joined)[-2]:.2f} ms; bare p50 {median(bare):.3f} ms"
        )
        notes = [said, *await _explained(connection, names, one, reads[len(reads) // 2])]
    finally:
        await connection.close()
    return result(one.peer, "ms", [Pair(round(median(bare), 4), round(median(joined), 3))], notes)


def _execute(names: dict[str, str], heard: Heard) -> str:
    arguments = ", ".join(map(literal, heard.args))
    return f"EXECUTE {names[heard.sql]}" + (f"({arguments})" if arguments else "")


async def _milliseconds(connection: Connection, names: dict[str, str], heard: Heard) -> float:
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, FORMAT JSON) {_execute(names, heard)}"
    plan = msgspec.json.decode(await connection.fetchval(explain))[0]
    return float(plan["Execution Time"])


async def _explained(connection: Connection, names: dict[str, str], one: Benchmark, read: Sequence[Heard]) -> list[str]:
    """What a read's statements were planned as: whole in a file, by its scans here."""
    lines: list[str] = []
    for heard in read:
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS) {_execute(names, heard)}")
        lines += [row[0] for row in rows] + [""]
    file = EXPLAINED / f"{one.name}.explain.txt"
    file.write_text("\n".join(lines))
    scans = [line.strip(" ->") for line in lines if "Scan" in line and "Subquery" not in line and "CTE" not in line]
    return [f"EXPLAIN in {file}; its scans:", *(f"  {line}" for line in scans)]


def literal(value: Any) -> str:
    """A parameter's value as SQL has it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list | tuple) and not value:
        return "'{}'"
    if isinstance(value, list | tuple):
        return f"ARRAY[{', '.join(map(literal, value))}]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    text = str(value).replace("'", "''")
    return f"'{text}'"


async def answer_of(app: Callable[[Any, Any, Any], Awaitable[None]], address: str) -> bytes:
    """The body of a good answer of an ASGI application to a GET; else Wrong."""
    parts, messages = urlsplit(address), list[dict[str, Any]]()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "root_path": "",
        "state": {},
        "extensions": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    body = b"".join(one.get("body", b"") for one in messages[1:])
    if messages[0]["status"] != 200:
        raise Wrong(f"{address} answered {messages[0]['status']}: {body[:300].decode()}")
    return body
