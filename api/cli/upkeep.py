"""`planrecord verify`, `planrecord rebuild` and `planrecord clock`."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from api.cli.screen import ERR, OUT, fail
from api.cli.shared import data_dir_option, run, settings_of
from domain.values import parse_instant

MOST_SHOWN: Final = 100  # differences that are said in full; all are counted
LARGE: Final = 20_000  # facts from which on it takes less time to begin two processes than they save


@click.command("verify")
@data_dir_option
@click.option("--first", is_flag=True, help="Stop at the first difference.")
def verify_command(data_dir: Path | None, *, first: bool) -> None:
    """Hash and refold the log from its first fact, and compare all that is kept with it.

    Leaves, columns, tree, head, texts, tables, and their keys, indexes and triggers: each difference is named with what
    stands there and what should (exit code 1), up to a hundred of them. Nothing is changed.
    """
    told: list[str] = []
    found = run(_verify(settings_of(data_dir=data_dir), told, first=first))
    if not told:
        OUT.print(f"{found.position} facts and {found.slices} slices agree; root {found.root}", markup=False)
        return
    for one in told[:MOST_SHOWN]:
        ERR.print(one, markup=False)
    if len(told) > MOST_SHOWN:
        ERR.print(f"… and {len(told) - MOST_SHOWN:,} more")
    fail(f"{len(told):,} difference{'s' * (len(told) > 1)} between the log and what is kept", 1)


async def _verify(settings: Any, told: list[str], *, first: bool) -> Any:
    from api.hosting.opening import opened  # noqa: PLC0415 - base installs have no server
    from events import audit  # noqa: PLC0415
    from events.database import undisturbed  # noqa: PLC0415
    from projections.verifying import verify, verify_together  # noqa: PLC0415
    from projections.views.subjects import TABLES  # noqa: PLC0415

    found = audit.first if first else told.append
    async with opened(settings, purpose="read") as (dsn, _), undisturbed(dsn) as connection:
        size = await connection.fetchval("SELECT size FROM log_head")
        with _counting("verifying", 2 * size) as advance:
            if first or size < LARGE:
                return await verify(connection, TABLES, found, advance)
            return await verify_together(dsn, TABLES, found, advance)


@click.command("rebuild")
@data_dir_option
def rebuild_command(data_dir: Path | None) -> None:
    """Build the tables anew from the log, beside those that are read, and put them in their place.

    A server may go on meanwhile: readers notice nothing, and commands wait for less than a second at the end. What is
    stopped or killed before that has changed nothing; the next rebuild clears away what it left.
    """
    size, waited = run(_rebuild(settings_of(data_dir=data_dir)))
    OUT.print(f"the tables of {size} facts are built anew; commands waited for {waited:.2f} s", markup=False)


async def _rebuild(settings: Any) -> tuple[int, float]:
    from api.hosting.opening import opened  # noqa: PLC0415 - base installs have no server
    from events.database import undisturbed  # noqa: PLC0415
    from projections.rebuilding import rebuild  # noqa: PLC0415
    from projections.views.subjects import TABLES  # noqa: PLC0415

    async with opened(settings, purpose="write") as (dsn, _):
        async with undisturbed(dsn) as connection:
            size = await connection.fetchval("SELECT size FROM log_head")
        with _counting("rebuilding", size) as advance:
            return size, await rebuild(dsn, TABLES, advance)


@contextmanager
def _counting(what: str, total: int) -> Generator[Callable[[int], None]]:
    """A bar on the terminal, which is told how many facts more are done."""
    from rich.progress import Progress  # noqa: PLC0415 - only where one is drawn

    with Progress(transient=True) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda count: progress.advance(bar, count)


@click.command("clock")
@click.argument("instant")
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("data-demo"), show_default=True
)
def clock_command(instant: str, data_dir: Path) -> None:
    """Set the demo's clock forward, to an INSTANT such as 2024-01-31T18:00:00+08:00."""
    try:
        moment = parse_instant(instant)
    except msgspec.ValidationError:
        fail(f"{instant!r} is no instant like 2024-01-31T18:00:00+08:00", 2)
    run(_set(settings_of(data_dir=data_dir), moment))
    OUT.print(f"the demo's clock stands at {moment.isoformat()}", markup=False)


async def _set(settings: Any, moment: datetime) -> None:
    from api.hosting.opening import opened  # noqa: PLC0415 - base installs have no server
    from events.database import undisturbed  # noqa: PLC0415
    from events.demo import set_clock  # noqa: PLC0415

    async with (
        opened(settings, purpose="write") as (dsn, _),
        undisturbed(dsn) as connection,
        connection.transaction(),
    ):
        await set_clock(connection, moment)
