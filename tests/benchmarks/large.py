"""`make large`: a large record through the real append path, kept in build/records between runs.

One PostgreSQL holds the records, each in a database of its own: `facts_1000000` … The log's own size says how far one
has come, so that an interrupted loading goes on where it was. What is kept is opened as `planrecord serve` opens it:
migrated, its tables made anew if they have another shape. Where other facts are invented by now, it is made anew.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import asyncpg
import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from api.hosting.opening import DEMO_ORIGIN, opened
from api.hosting.settings import Settings
from api.main import appending
from api.postgres import Cluster, cluster
from domain.values import shanghai_day
from events.database import Connection, undisturbed
from events.demo import set_clock
from events.log import Log
from events.proposal import Appended, Proposal
from events.streams import Streams
from projections.folds import Folds
from projections.memory import Memory
from projections.runner import prepare
from projections.views.subjects import TABLES
from tests.benchmarks.invented import FACTS_EACH, Request, authorities_of, requests

RECORDS: Final = Path("build/records")
FACTS_AT_ONCE: Final = 2_000  # that are proposed together,
IN_FLIGHT: Final = 2  # and how many such batches are: the next one waits in the queue when a commit is done
SMALLEST: Final = 1_000
OUT = Console(highlight=False, soft_wrap=True)
Step = Callable[[int], None]


@asynccontextmanager
async def records(core: int | None = None) -> AsyncGenerator[Cluster]:
    """The server of all records, on a core of its own if one is named."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, mine if core is None else {core})  # what is started now inherits it
    async with cluster(RECORDS) as own:
        os.sched_setaffinity(0, mine)
        yield own


def database_at(dsn: str, name: str) -> str:
    """The DSN of another database of the same server."""
    return dsn.replace("/postgres?", f"/{name}?")


async def kept(dsn: str, size: int) -> str | None:
    """The DSN of the record of that size if it is there, whole; it is left as it is."""
    async with undisturbed(dsn) as connection:
        return database_at(dsn, _name(size)) if await _said_of(connection, size) == f"whole {_pattern()}" else None


async def loaded(dsn: str, size: int, step: Step = lambda _: None, *, again: bool = False) -> str:
    """The DSN of the record of that size, which is made or made whole now unless it is there."""
    name = _name(size)
    async with undisturbed(dsn) as connection:
        said = await _said_of(connection, size)
        if again or (said or "").removeprefix("whole ") != _pattern():
            await connection.execute(f"DROP DATABASE IF EXISTS {name}")
            await connection.execute(f"CREATE DATABASE {name}")
            await connection.execute(f"COMMENT ON DATABASE {name} IS '{_pattern()}'")
    own = database_at(dsn, name)
    async with opened(Settings(database_url=own, origin=DEMO_ORIGIN)), undisturbed(own) as connection:
        await prepare(connection, TABLES)
        await load(own, size, step)
        if said != f"whole {_pattern()}":
            await connection.execute("VACUUM ANALYZE")  # autovacuum would come to it in a minute
            await connection.execute("CHECKPOINT")
            await connection.execute(f"COMMENT ON DATABASE {name} IS 'whole {_pattern()}'")
    return own


def _name(size: int) -> str:
    return f"facts_{size}"


@cache
def _pattern() -> str:
    """A fingerprint of what is invented, by the first authority's facts: where others are, a record is made anew."""
    return sha256(msgspec.json.encode([*requests(FACTS_EACH)])).hexdigest()[:16]


async def _said_of(connection: Connection, size: int) -> str | None:
    """The comment on a record's database, which says what its facts are invented by, and whether all are there."""
    said: str | None = await connection.fetchval(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", _name(size)
    )
    return said


async def load(dsn: str, size: int, step: Step) -> None:
    """Append what a record of that size lacks, in batches that wait for one another as requests do; day by day."""
    memory = Memory(Settings().cache_bytes)
    async with appending(dsn, Folds(memory)) as log, undisturbed(dsn) as connection:
        there: int = await connection.fetchval("SELECT size FROM log_head")
        step(there)
        loader = _Loader(log, connection, Streams(memory), step)
        for instant, day in groupby(_rest(size, there), key=lambda request: request.instant):
            await set_clock(connection, instant)
            for batch in _batches(day):
                await loader.append(batch)
            await loader.finish()


def _rest(size: int, there: int) -> Iterator[Request]:
    """The requests that are not recorded yet, if so many facts are."""
    for one in requests(size):
        if there <= 0:
            yield one
        there -= len(one.new)


def _batches(day: Iterator[Request]) -> Iterator[list[Request]]:
    batch, facts = list[Request](), 0
    for one in day:
        if batch and facts + len(one.new) > FACTS_AT_ONCE:
            yield batch
            batch, facts = [], 0
        batch.append(one)
        facts += len(one.new)
    if batch:
        yield batch


class _Loader:
    """Proposes batches, and has a few of them in flight."""

    def __init__(self, log: Log, connection: Connection, streams: Streams, step: Step) -> None:
        self._log = log
        self._connection = connection
        self._streams = streams
        self._step = step
        self._flying: deque[tuple[int, asyncio.Future[list[Appended]]]] = deque()

    async def append(self, batch: Sequence[Request]) -> None:
        """Propose all requests of a batch, once there is room for it."""
        known = await self._streams.read(self._connection, {new.stream for one in batch for new in one.new})
        proposals: list[Proposal] = []
        for one in batch:
            own = {new.stream: known[new.stream] for new in one.new}
            read = {stream: len(facts) for stream, facts in own.items()}
            proposals.append(Proposal(one.actor, one.new, read, own, shanghai_day(one.instant)))
        appended = asyncio.gather(*(self._log.append(one) for one in proposals))
        self._flying.append((sum(len(one.new) for one in batch), appended))
        await asyncio.sleep(0)
        if len(self._flying) >= IN_FLIGHT:
            await self._land()

    async def finish(self) -> None:
        """Wait for all that is in flight."""
        while self._flying:
            await self._land()

    async def _land(self) -> None:
        facts, appended = self._flying.popleft()
        await appended
        self._step(facts)


def facts_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--facts`: which large record is meant."""
    return click.option("--facts", type=click.IntRange(SMALLEST), default=1_000_000, show_default=True, help=what)


@click.command("large", context_settings={"max_content_width": 100})
@facts_option("How many facts. 5,000,000 have a million tasks.")
@click.option("--again", is_flag=True, help="Make it anew, even if it is there.")
def main(facts: int, *, again: bool) -> None:
    """Make the record that `make bench ONLY=growth` measures, unless it is there; say how fast it was appended.

    A million facts are the plans, tasks, reports and edits of 301 INVENTED authorities in five years. An interrupted
    loading goes on where it was. It is kept in build/records, which `make clean` removes.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    try:
        with Progress(*columns, TimeRemainingColumn(), console=OUT, transient=True) as progress:
            shown = progress.add_task("appending", total=facts)
            asyncio.run(_make(facts, lambda count: progress.advance(shown, count), again=again))
    except (asyncpg.PostgresError, OSError) as error:
        OUT.print(f"the record could not be made: {error}", markup=False)
        sys.exit(1)


async def _make(size: int, step: Step, *, again: bool) -> None:
    steps: list[tuple[float, int]] = []

    def count(facts: int) -> None:
        steps.append((perf_counter(), facts))
        step(facts)

    async with records() as server:
        own = await loaded(server.dsn, size, count, again=again)
    begun, there = steps[0]
    new, seconds = size - there, steps[-1][0] - begun
    rate = f"{new:,} facts in {seconds:.0f} s, {new / seconds:,.0f} facts/s" if new else "it was there already"
    OUT.print(f"{size:,} facts of {authorities_of(size):,} authorities: {rate}", markup=False)
    OUT.print(f"database {own.partition('?')[0].rpartition('/')[2]} in {RECORDS}", markup=False)


if __name__ == "__main__":
    main()
