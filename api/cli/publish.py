"""`planrecord publish`: signs the log for the first time, or for as long as it runs, beside servers without the key."""

import asyncio
from pathlib import Path
from typing import Any

import click

from api.cli.screen import OUT
from api.cli.shared import data_dir_option, run, settings_of


@click.command("publish")
@click.option(
    "--first", is_flag=True, help="Sign a log that has no note yet, with a new key unless there is one; then end."
)
@data_dir_option
def publish_command(data_dir: Path | None, *, first: bool) -> None:
    """Sign the log beside the servers of its database, until a signal comes.

    `planrecord serve` does so by itself where it finds the key in PLANRECORD_PUBLISHER_DIR (publisher in the data
    folder). A new log gets its key when it is made; one that is older gets it with --first.
    """
    settings = settings_of(data_dir=data_dir)
    if not first:
        run(_publish(settings))
        return
    key = run(_sign_first(settings))
    OUT.print(f"the log is signed by {key}", markup=False)
    OUT.print(f"fingerprint {key.fingerprint}: publish it outside this server", markup=False)


async def _sign_first(settings: Any) -> Any:
    from api.hosting.heads import check_acknowledged  # noqa: PLC0415 - base installs have no server
    from api.hosting.opening import opened  # noqa: PLC0415
    from api.hosting.publishing import sign_first  # noqa: PLC0415
    from events.database import undisturbed  # noqa: PLC0415

    async with opened(settings, purpose="write") as (dsn, _), undisturbed(dsn) as connection:
        await check_acknowledged(connection, settings)
        return (await sign_first(connection, settings)).public


async def _publish(settings: Any) -> None:
    from api.hosting.keys import KeyUnusable, key_folder  # noqa: PLC0415
    from api.hosting.logs import begin_to_log  # noqa: PLC0415
    from api.main import service  # noqa: PLC0415 - base installs have no server

    begin_to_log(settings.log_format)
    async with service(settings, purpose="write") as running:
        folder = key_folder(settings, running.reader.head.log)
        if folder.key() is None:
            raise KeyUnusable(f"there is no key in {folder.path}: put it there, or make one with --first")
        OUT.print(f"signing {running.reader.head.origin}/{running.reader.head.log}; Ctrl-C ends it", markup=False)
        await asyncio.Event().wait()
