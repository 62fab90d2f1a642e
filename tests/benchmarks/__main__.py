"""`make bench`: planrecord beside its peers, in turn, on the machine at hand."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.hosting.settings import Settings
from tests.benchmarks import files, footprint, statements
from tests.benchmarks.appends import Appends
from tests.benchmarks.benchmarks import BARE, Benchmark, chosen
from tests.benchmarks.growth import Growth
from tests.benchmarks.large import RECORDS, facts_option, kept, loaded, records
from tests.benchmarks.listening import Listening
from tests.benchmarks.load import Load, Wrong, ensure_wrk
from tests.benchmarks.measure import Bench, Result, Step
from tests.benchmarks.record import told
from tests.benchmarks.table import table

OUTPUT = Path("build/bench.json")
OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


@click.command("bench", context_settings={"max_content_width": 100})
@click.option("--only", default="", help="Names or their beginnings, between commas. Default: all.")
@click.option("--seconds", type=click.IntRange(1, 600), default=3, show_default=True, help="Length of a run.")
@click.option("--runs", type=click.IntRange(1, 99), default=5, show_default=True, help="Runs of each side.")
@click.option("--connections", type=click.IntRange(1, 256), default=16, show_default=True, help="Kept open by wrk.")
@facts_option("Size of the large record that growth-… and large-… are measured in; `make large` makes it.")
@click.option(
    "--postgres-beside",
    type=click.Choice(["server", "load"]),
    default="load",
    show_default=True,
    help="Whose core PostgreSQL shares, for planrecord and its peers alike.",
)
def main(only: str, seconds: int, runs: int, connections: int, facts: int, postgres_beside: str) -> None:  # noqa: PLR0913, PLR0917 - one for each option
    """Compare planrecord with plain ASGI applications, json_agg, graphql-core, Datasette, eventsourcing and itself.

    The servers run on one core, the load generator and, by default, PostgreSQL on another: a database seldom shares the
    core of the process that asks it; the server of large-file-… has both. Peer and planrecord are timed in turn;
    medians are printed as Markdown and written to build/bench.json. For a quick try: --seconds 1 --runs 1.
    """
    try:
        benchmarks = chosen(only)
        ensure_wrk()
        logging.getLogger("alembic").setLevel(logging.WARNING)  # of each start it would say that there is nothing to do
        load, server = cores()
        hard = Load(seconds, connections, load)
        postgres = {"server": server, "load": load}[postgres_beside]
        results = asyncio.run(bench(benchmarks, Where(hard, server, postgres, runs, facts), asked=bool(only)))
    except (Wrong, ValueError) as error:
        ERR.print(str(error), markup=False)
        sys.exit(1)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    OUT.print(table([one for one in benchmarks if one.name in results], results), markup=False)
    OUT.print(f"\nMedians of {runs} runs of {seconds} s, in turn; written to {OUTPUT}.", markup=False)
    for one in benchmarks:
        for line in results[one.name].notes if one.name in results else ():
            OUT.print(f"{one.name}: {line}", markup=False)
    if any(one.name not in results for one in benchmarks if not one.group or only):
        sys.exit(1)


def cores() -> tuple[int, int]:
    """The load generator's core and the servers'."""
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        raise Wrong("the benchmarks need two cores: one for the servers, one for the load generator")
    return ours[0], ours[1]


class Where(NamedTuple):
    """How hard the servers are asked, the cores of the servers and of PostgreSQL, how often, and how large is large."""

    load: Load
    server: int
    postgres: int
    runs: int
    facts: int


async def bench(benchmarks: list[Benchmark], where: Where, *, asked: bool) -> dict[str, Result]:
    """The results by name; one that would mean nothing is said aloud and left out."""
    results: dict[str, Result] = {}
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=ERR, transient=True) as progress:
        shown = progress.add_task("", total=None)

        async def each(measure: Measure, some: Sequence[Benchmark]) -> None:
            for one in some:
                place = f"{len(results) + 1}/{len(benchmarks)} "
                try:
                    results[one.name] = await measure(
                        one, lambda words, place=place: progress.update(shown, description=place + words)
                    )
                except Wrong as error:
                    ERR.print(f"{one.name} cannot be measured: {error}", style="bold red", markup=False)
                    continue
                if not progress.console.is_terminal:
                    ERR.print(f"{place}{one.name}: {table([one], results).splitlines()[-1]}", markup=False)

        of_demo = [one for one in benchmarks if not one.group]
        if of_demo:
            progress.update(shown, description="telling the demo's record")
            async with told(where.postgres) as (setup, moments):
                await each(Bench(setup, where.load, moments, where.server, where.runs).measured, of_demo)
        if writing := [one for one in benchmarks if one.group == "append"]:
            progress.update(shown, description="starting PostgreSQL")
            async with records(where.postgres) as own:
                await each(Appends(own, where.load, where.server, where.runs, set()).measured, writing)
        if streams := [one for one in benchmarks if one.group == "stream"]:
            progress.update(shown, description="telling the demo's record")
            async with told(where.postgres) as (setup, _):
                await each(Listening(setup, where.load.core, where.server, where.runs, {}).measured, streams)
        large = [one for one in benchmarks if one.group in {"growth", "large", "file"}]
        await _of_large(each, large, where, asked=asked)
    return results


Measure = Callable[[Benchmark, Step], Awaitable[Result]]
Each = Callable[[Measure, Sequence[Benchmark]], Awaitable[None]]


async def _of_large(each: Each, some: Sequence[Benchmark], where: Where, *, asked: bool) -> None:
    """Measure in the large record, if it is there; it is made by `make large`, which takes minutes."""
    if not some:
        return
    missing = f"there is no record of {where.facts:,} facts: make large FACTS={where.facts} makes it, once"
    if not RECORDS.exists():
        _leave_out(some, missing, asked=asked)
        return
    async with records(where.postgres) as own:
        if await kept(own.dsn, where.facts) is None:
            _leave_out(some, missing, asked=asked)
            return
        large = await loaded(own.dsn, where.facts)
        license_ = Settings().license
        growth = Growth(own, large, license_, where.load, where.server, where.runs, {})
        for one in some:
            file = {"growth": Growth.measured, "large": footprint.measured, "file": files.measured}[one.group]
            if one.peer == BARE:
                file = statements.measured
            await each(partial(file, growth), [one])


def _leave_out(some: Sequence[Benchmark], why: str, *, asked: bool) -> None:
    names = ", ".join(one.name for one in some)
    if asked:
        raise Wrong(f"{names}: {why}")
    ERR.print(f"left out: {names}: {why}", markup=False)


if __name__ == "__main__":
    main()
