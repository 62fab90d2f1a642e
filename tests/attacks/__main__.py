"""`make fuzz`: spoilt requests at every door of a record made for them."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click
from rich.progress import Progress

from api.main import service
from api.postgres import cluster
from domain.bundled import bundled_plan
from events.demo import set_clock
from tests.attacks.conftest import victim_at
from tests.attacks.fuzz import Verdict, fuzz
from tests.conftest import IMPORTED_AT, settings_for


@click.command("fuzz")
@click.option("--count", type=click.IntRange(1), default=30_000, show_default=True, help="How many requests.")
@click.option("--seed", type=int, default=20230328, show_default=True, help="The same seed, the same requests.")
def main(count: int, seed: int) -> None:
    """Send spoilt requests to every GET, to GraphQL and to the commands; say which are answered badly (exit code 1)."""
    bad = asyncio.run(_fuzz(count, seed))
    for one in bad[:20]:
        click.echo(f"{one.number}: {one.what}\n    {one.request[:2_000]!r}")
    click.echo(f"{count} requests, seed {seed}: {len(bad)} answered badly")
    sys.exit(1 if bad else 0)


async def _fuzz(count: int, seed: int) -> list[Verdict]:
    with tempfile.TemporaryDirectory(prefix="planrecord-fuzz-") as name, Progress(transient=True) as progress:
        bar = progress.add_task("fuzzing", total=count)
        folder = Path(name)
        folder.chmod(0o755)
        async with cluster(folder / "server") as own:
            async with service(settings_for(own.dsn, folder)) as running:
                async with running.pool.acquire() as connection:
                    await set_clock(connection, IMPORTED_AT)
                await running.office.record([bundled_plan()])
            async with victim_at(own.dsn, folder) as victim:
                found = await fuzz(victim.port, victim.token, seed, count, lambda done: progress.advance(bar, done))
                await victim.is_honest()
                return found


if __name__ == "__main__":
    main()
