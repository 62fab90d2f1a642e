"""The terminal, for every command, those that need no server included."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console

from domain.words import escaped


class Screen(Console):
    """A terminal, which is told what nobody sees by its code: neither a fact of old nor a document gives it orders."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Print; of what is no plain text whoever makes it sees to that."""
        super().print(*(escaped(one) if isinstance(one, str) else one for one in objects), **how)


OUT = Screen(highlight=False, soft_wrap=True)
ERR = Screen(stderr=True, highlight=False, soft_wrap=True)


def fail(sentence: str, code: int) -> NoReturn:
    """Say it on standard error and leave."""
    ERR.print(sentence, markup=False)
    sys.exit(code)


@contextmanager
def progress_bar(what: str, total: int) -> Generator[Callable[[int], None]]:
    """A bar on the terminal, if there is one and something to do, which is told how much more is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=ERR, transient=True, disable=not (ERR.is_terminal and total)) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda count: progress.advance(bar, count)
