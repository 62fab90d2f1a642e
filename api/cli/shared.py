"""What the subcommands share: settings from the environment and options, errors as one sentence."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from rich.console import Console

if TYPE_CHECKING:
    from api.settings import Settings

T = TypeVar("T")
OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the database and the token are kept. Default: data, or PLANRECORD_DATA_DIR.",
)


def settings_of(**given: Any) -> "Settings":
    """The settings; a sentence and exit code 2 for one that is wrong."""
    from api.settings import load  # noqa: PLC0415 - only commands that use a record need it

    try:
        return load(**given)
    except ValueError as error:
        fail(str(error), 2)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what is foreseen to go wrong is said in one sentence, exit code 1."""
    try:
        with asyncio.Runner() as runner:
            return runner.run(main)
    except KeyboardInterrupt:
        fail("stopped", 130)
    except Exception as error:
        if sentence := foreseen(error):
            fail(sentence, 1)
        raise


def foreseen(error: Exception) -> str | None:
    """The sentence for an error that a user can do something about."""
    from asyncpg import InvalidCatalogNameError, InvalidPasswordError  # noqa: PLC0415

    from api.postgres import FolderInUse, PostgresFailed  # noqa: PLC0415
    from api.problems import trouble  # noqa: PLC0415
    from events.database import GONE  # noqa: PLC0415
    from events.demo import ClockRefused  # noqa: PLC0415
    from projections.runner import Difference  # noqa: PLC0415

    if isinstance(error, (FolderInUse, PostgresFailed, ClockRefused, Difference)):
        return str(error)
    if isinstance(error, (*GONE, InvalidPasswordError, InvalidCatalogNameError)):
        return f"cannot go on: {error}"
    what = trouble(error)
    if what.code != "internal":
        return "\n".join([what.detail, *(f"  {fault.pointer}: {fault.detail}" for fault in what.faults)])
    return None


def fail(sentence: str, code: int) -> NoReturn:
    """Say it on standard error and leave."""
    ERR.print(sentence, markup=False)
    sys.exit(code)
