"""`make bench`: planrecord beside its peers, in turn, on the machine at hand."""

import asyncio
import os
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.benchmarks.benchmarks import Benchmark, chosen
from tests.benchmarks.load import Load, Wrong, ensure_wrk
from tests.benchmarks.measure import Bench, Result
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
@click.option(
    "--postgres-beside",
    type=click.Choice(["server", "load"]),
    default="load",
    show_default=True,
    help="Whose core PostgreSQL shares, for planrecord and its peers alike.",
)
def main(only: str, seconds: int, runs: int, connections: int, postgres_beside: str) -> None:
    """Compare planrecord with plain ASGI applications, with json_agg, with graphql-core and with Datasette.

    The servers run on one core, the load generator and, by default, PostgreSQL on another: a database seldom shares the
    core of the process that asks it. Peer and planrecord are timed in turn; medians are printed as Markdown and written
    to build/bench.json. For a quick try: --seconds 1 --runs 1.
    """
    try:
        benchmarks = chosen(only)
        ensure_wrk()
        load, server = cores()
        hard = Load(seconds, connections, load)
        results = asyncio.run(bench(benchmarks, hard, server, runs, {"server": server, "load": load}[postgres_beside]))
    except (Wrong, ValueError) as error:
        ERR.print(str(error), markup=False)
        sys.exit(1)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    OUT.print(table([one for one in benchmarks if one.name in results], results), markup=False)
    OUT.print(f"\nMedians of {runs} runs of {seconds} s, in turn; written to {OUTPUT}.", markup=False)
    if len(results) < len(benchmarks):
        sys.exit(1)


def cores() -> tuple[int, int]:
    """The load generator's core and the servers'."""
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        raise Wrong("the benchmarks need two cores: one for the servers, one for the load generator")
    return ours[0], ours[1]


async def bench(benchmarks: list[Benchmark], load: Load, server: int, runs: int, postgres: int) -> dict[str, Result]:
    """The results by name; one that would mean nothing is said aloud and left out."""
    results: dict[str, Result] = {}
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=ERR, transient=True) as progress:
        shown = progress.add_task("telling the demo's record", total=None)
        async with told(postgres) as (setup, moments):
            running = Bench(setup, load, moments, server, runs)
            for number, one in enumerate(benchmarks, 1):
                place = f"{number}/{len(benchmarks)} "
                try:
                    results[one.name] = await running.measured(
                        one, lambda words, place=place: progress.update(shown, description=place + words)
                    )
                except Wrong as error:
                    ERR.print(f"{one.name} cannot be measured: {error}", style="bold red", markup=False)
                    continue
                if not progress.console.is_terminal:
                    ERR.print(f"{place}{one.name}: {results[one.name].ratio:.2f} of {one.peer}", markup=False)
    return results


if __name__ == "__main__":
    main()
