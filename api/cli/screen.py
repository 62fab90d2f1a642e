"""The terminal, for every command, those that need no server included."""

import sys
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
