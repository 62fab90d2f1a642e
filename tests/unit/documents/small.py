"""A small invented plan without a doubt, and edits of it; line numbers below are those of `SMALL`."""

from pathlib import Path
from typing import Final

BUNDLED: Final = Path("domain/document/plans/shanghai-credit-2023.txt")
SMALL: Final = (Path(__file__).parent / "small-2024.txt").read_text("utf-8")


def bundled() -> str:
    """The official document, as it came."""
    return (Path(__file__).parents[3] / BUNDLED).read_text("utf-8")


def edited(old: str, new: str, text: str = SMALL) -> str:
    """`text` with its only `old` replaced; a test whose edit hits nothing, or twice, is wrong and fails."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text"
    return text.replace(old, new)


def without_line(number: int, text: str = SMALL) -> str:
    """`text` without one line, from 1."""
    lines = text.split("\n")
    return "\n".join([*lines[: number - 1], *lines[number:]])


def with_line(number: int, line: str, text: str = SMALL) -> str:
    """`text` with one more line, which becomes line `number`."""
    lines = text.split("\n")
    return "\n".join([*lines[: number - 1], line, *lines[number - 1 :]])
