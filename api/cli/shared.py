"""What the subcommands share: settings from the environment and options, errors as one sentence."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from api.cli.screen import fail

if TYPE_CHECKING:
    from api.hosting.settings import Settings

T = TypeVar("T")


data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the database and the token are kept. Default: data, or PLANRECORD_DATA_DIR.",
)


def settings_of(**given: Any) -> "Settings":
    """The settings; a sentence and exit code 2 for one that is wrong."""
    from api.hosting.settings import settings_from  # noqa: PLC0415 - only commands that use a record need it

    try:
        return settings_from(**given)
    except ValueError as error:
        fail(str(error), 2)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what is foreseen to go wrong is said in one sentence. SIGINT and SIGTERM cancel what runs."""
    from api.cli.signals import obey  # noqa: PLC0415 - base installs have no server

    signals: list[int] = []

    async def cancellable() -> T:
        def stop(number: int) -> None:
            signals.append(number)
            task.cancel()

        task = asyncio.ensure_future(main)
        obey(asyncio.get_running_loop(), stop)
        return await task

    try:
        with asyncio.Runner() as runner:
            return runner.run(cancellable())
    except asyncio.CancelledError:
        fail("stopped", 128 + signals[0])
    except Exception as error:
        if found := foreseen(error):
            fail(*found)
        raise


def foreseen(error: BaseException) -> tuple[str, int] | None:
    """The sentence for an error that a user can do something about, and the exit code."""
    from api.hosting.backups import BackupRefused  # noqa: PLC0415
    from api.hosting.heads import FactsMissing  # noqa: PLC0415
    from api.hosting.keys import KeyUnusable  # noqa: PLC0415
    from api.hosting.opening import NoRecord, OtherRecord, OtherRelease, Unreachable  # noqa: PLC0415
    from api.hosting.serving import AddressTaken  # noqa: PLC0415
    from api.http.tokens import NoToken  # noqa: PLC0415
    from api.postgres import FolderInUse, PostgresFailed  # noqa: PLC0415
    from api.services.problems import trouble  # noqa: PLC0415
    from events.audit import Disagreement  # noqa: PLC0415
    from events.database import GONE  # noqa: PLC0415
    from events.demo import ClockRefused  # noqa: PLC0415
    from events.notes import SigningRefused  # noqa: PLC0415

    if isinstance(error, (NoRecord, OtherRecord, BackupRefused)):
        return str(error), 2
    told = (FolderInUse, PostgresFailed, FactsMissing, ClockRefused, Disagreement, OtherRelease, AddressTaken, NoToken)
    told = (*told, KeyUnusable, SigningRefused)
    if isinstance(error, told):
        return str(error), 1
    if isinstance(error, (*GONE, Unreachable)):
        return f"cannot go on: {error}", 1
    what = trouble(error)
    if what.code != "internal":
        return "\n".join([what.detail, *(f"  {fault.pointer}: {fault.detail}" for fault in what.faults)]), 1
    if error.__cause__ is not None:  # SQLAlchemy says what the database said about its tables
        return foreseen(error.__cause__)
    return None
