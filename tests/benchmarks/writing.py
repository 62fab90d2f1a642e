"""Writing without HTTP, each in a process of its own on the servers' core: ours, and the bare statements beside it."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import asyncpg

from api.hosting.opening import DEMO_ORIGIN
from api.hosting.settings import Settings
from api.main import service
from domain.directory import RegisterUnit, UnitKind, UnitRegistered, UnitRenamed
from domain.fact import Fact
from domain.values import shanghai_day
from events.database import APPENDING, PLANNED_ONCE, connect
from events.log import Log
from events.proposal import NewFact, Proposal, new_request_id
from events.recorded import Cause, Recorded
from events.steps import settle
from events.streams import read_streams
from projections.folds import Folds
from projections.memory import Memory
from projections.runner import shape_of
from projections.views.subjects import TABLES
from projections.writer import writer
from tests.benchmarks.invented import requests
from tests.benchmarks.statements import Heard

WRITERS: Final = 64
AT_ONCE: Final = 8  # requests of 248 facts each, so that a commit has about 2,000
PLANS: Final = 160  # that are appended in bulk: 40,000 facts
MANY: Final = 500  # facts of one stream that are appended at once,
FEW: Final = 50  # and where each has a day of its own
FIRST_DAY: Final = date(1990, 1, 1)
REASON: Final = "【虚构示例】为测量而编写"


class _Noting:
    """A connection that notes the statements that write."""

    def __init__(self, connection: Any, heard: list[Heard]) -> None:
        self._connection = connection
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, sql: str, *args: Any) -> Any:
        """Note it and carry it out."""
        self._heard.append(Heard(sql, args))
        return await self._connection.execute(sql, *args)


async def commands(dsn: str, folder: str, seconds: float) -> tuple[int, float, float]:
    """Single commands to fresh streams by many writers, decided and projected, for so long: how many.

    Behind it the seconds that they took, and those of a core that this process did.
    """
    settings = Settings(data_dir=Path(folder), database_url=dsn, origin=DEMO_ORIGIN)
    async with service(settings) as running:
        settle()
        numbers, recorded, begun, own = count(), 0, perf_counter(), process_time()

        async def write() -> None:
            nonlocal recorded
            while perf_counter() - begun < seconds:
                number = next(numbers)
                unit = RegisterUnit(unit=f"inside-{number}", name=f"测量用单位{number}", reason=REASON)
                await running.office.record([unit])
                recorded += 1

        await asyncio.gather(*(write() for _ in range(WRITERS)))
        return recorded, perf_counter() - begun, process_time() - own


async def bulk(dsn: str, heard: list[Heard] | None = None) -> tuple[int, float]:
    """Whole plans by the log with the projections' writer; what it says to the database is noted if that is wanted."""

    async def connection() -> Any:
        own = await connect(dsn, APPENDING, None)
        return own if heard is None else _Noting(own, heard)

    proposals = list(islice(_plans(), PLANS))
    log = Log(connection, writer(TABLES, Folds(Memory(Settings().cache_bytes))), shape_of(TABLES))
    await log.append(_proposal([("unit:first", UnitRegistered("甲", UnitKind.BODY))], {}))  # it is connected by now
    settle()
    begun = perf_counter()
    flying: list[asyncio.Future[Any]] = []
    for number in range(0, PLANS, AT_ONCE):
        flying.append(asyncio.gather(*(log.append(one) for one in proposals[number : number + AT_ONCE])))
        await asyncio.sleep(0)
        if len(flying) > 1:
            await flying[-2]
    await flying[-1]
    seconds = perf_counter() - begun
    await log.close()
    return sum(len(one.new) for one in proposals), seconds


async def bare(dsn: str, heard: Sequence[Heard]) -> float:
    """The same statements, their bytes ready: how long they take."""
    connection = await connect(dsn, APPENDING, None)
    await connection.execute("SELECT set_config('planrecord.shape', $1, false)", shape_of(TABLES))  # as the head tells
    begun = perf_counter()
    for one in heard:
        await connection.execute(one.sql, *one.args)
    seconds = perf_counter() - begun
    await connection.close()
    return seconds


async def both(noted: str, ours: str, theirs: str) -> tuple[float, float]:
    """Facts per second of the log, and of its bare statements, in three databases that were empty."""
    heard: list[Heard] = []
    facts, _ = await bulk(noted, heard)
    return facts / (await bulk(ours))[1], facts / await bare(theirs, heard)


async def lone(dsn: str, seconds: float) -> tuple[int, float]:
    """One INSERT and COMMIT after the other, of a fact's row alone."""
    connection = await asyncpg.connect(dsn, server_settings=PLANNED_ONCE)
    await connection.execute("CREATE TABLE bare (position bigint PRIMARY KEY, stream text, entry bytea)")
    insert = await connection.prepare("INSERT INTO bare VALUES ($1, $2, $3)")
    entry, number, begun = b"x" * 500, 0, perf_counter()
    while perf_counter() - begun < seconds:
        number += 1
        await insert.fetch(number, f"unit:bench-{number}", entry)
    taken = perf_counter() - begun
    await connection.close()
    return number, taken


async def grown(dsn: str, streams: Sequence[tuple[str, int]], *, dated: bool = False) -> None:
    """Have units with so many facts each, by the log; `dated`: each fact on a day of its own, from FIRST_DAY on."""
    log = Log(
        lambda: connect(dsn, APPENDING, None), writer(TABLES, Folds(Memory(Settings().cache_bytes))), shape_of(TABLES)
    )
    connection = await connect(dsn)
    for stream, facts in streams:
        made, known = 0, list[Recorded]()
        while made < facts:
            numbers = range(made, min(facts, made + (FEW if dated else MANY)))
            some = [
                (stream, UnitRenamed(f"名{one}") if one else UnitRegistered("名", UnitKind.BODY)) for one in numbers
            ]
            days = [FIRST_DAY + timedelta(days=one) for one in numbers] if dated else None
            await log.append(_proposal(some, {stream: known}, days))
            made += len(some)
            known = (await read_streams(connection, [stream]))[stream]
    await connection.close()
    await log.close()


def _plans() -> Iterator[Proposal]:
    for one in requests(300_000):
        if one.new[0].cause.command == "plan.import":
            yield _proposal([(new.stream, new.fact) for new in one.new], {})


def _proposal(
    said: Sequence[tuple[str, Fact]], known: dict[str, list[Recorded]], days: Sequence[date] | None = None
) -> Proposal:
    now = datetime.now(UTC)
    cause = Cause("bench", new_request_id(now, bytes(10)), REASON, None)
    today = shanghai_day(now)
    on = days or [today] * len(said)
    new = [NewFact(stream, fact, day, None, cause) for (stream, fact), day in zip(said, on, strict=True)]
    streams = {one.stream: known.get(one.stream, []) for one in new}
    return Proposal("bench", new, {stream: len(facts) for stream, facts in streams.items()}, streams, today)


def main() -> None:
    """`python -m tests.benchmarks.writing WHAT ARGUMENT…`: prints two figures as JSON."""
    what, *arguments = sys.argv[1:]
    works: dict[str, Callable[[], Awaitable[Any]]] = {
        "commands": lambda: commands(arguments[0], arguments[1], float(arguments[2])),
        "both": lambda: both(*arguments),
        "lone": lambda: lone(arguments[0], float(arguments[1])),
    }

    async def work() -> Any:
        return await works[what]()

    sys.stdout.write(json.dumps(asyncio.run(work())) + "\n")


if __name__ == "__main__":
    main()
