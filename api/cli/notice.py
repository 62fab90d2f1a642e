"""`planrecord notice`: what the operator tells all who follow the record."""

from pathlib import Path
from typing import Any

import click

from api.cli.screen import OUT
from api.cli.shared import data_dir_option, run, settings_of


@click.command("notice")
@click.argument("text", required=False)
@click.option("--clear", is_flag=True, help="There is nothing to tell any more.")
@data_dir_option
def notice_command(text: str | None, data_dir: Path | None, *, clear: bool) -> None:
    """Tell all who follow the record something, before a planned restore, say; without TEXT show what is told.

    It stands in the header Planrecord-Notice of every feed, percent-encoded, and comes as `event: notice` over
    /v1/stream, at once and to who connects later, until it is cleared. It is no fact: nothing of it is recorded.
    """
    if clear and text is not None:
        raise click.UsageError("give a text, or --clear")
    told = run(_notice(settings_of(data_dir=data_dir), "" if clear else text))
    OUT.print(f"notice: {told}" if told else "there is no notice", markup=False)


async def _notice(settings: Any, text: str | None) -> str:
    from api.hosting.opening import opened  # noqa: PLC0415 - base installs have no server
    from events.database import undisturbed  # noqa: PLC0415
    from events.notice import give_notice, notice_of  # noqa: PLC0415

    async with (
        opened(settings, purpose="read" if text is None else "write") as (dsn, _),
        undisturbed(dsn) as connection,
    ):
        if text is not None:
            await give_notice(connection, text)
        return await notice_of(connection)
