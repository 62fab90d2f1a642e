"""Which platforms a text mentions, by name or alias: all that there are at a moment, remembered by their digest.

They are the one thing that every task is compared with as a whole, and so bounded in size by a test: at 5,000 platforms
a text takes as long as at 50, since it is looked at from each of its characters, and not once for each platform.
"""

from collections.abc import Sequence
from sys import getsizeof
from typing import Final

from projections.as_of import Rows
from projections.views.names import PLATFORMS, Named, PlatformRow

_BEGINNING: Final = 2  # characters: in Chinese few wordings share them
_WORDING: Final = 250  # bytes that a wording takes in both tables beside its text, with its share of a platform's name


class Mentions:
    """All platforms at one moment, and how texts call them."""

    def __init__(self, platforms: Sequence[PlatformRow]) -> None:
        self._called: dict[str, list[Named]] = {}
        lengths: dict[str, set[int]] = {}
        for one in platforms:
            named = Named(one.id, one.name)
            for wording in one.wordings:
                self._called.setdefault(wording, []).append(named)
                lengths.setdefault(wording[:_BEGINNING], set()).add(len(wording))
        self._lengths = {beginning: tuple(found) for beginning, found in lengths.items()}

    @property
    def weight(self) -> int:
        """Bytes that it takes."""
        return sum(_WORDING + 2 * getsizeof(wording) for wording in self._called)

    def among(self, text: str) -> tuple[Named, ...]:
        """Those that a text mentions, by id."""
        found: dict[str, Named] = {}
        if self._lengths.keys().isdisjoint(map(str.__add__, text, text[1:])) and self._lengths.keys().isdisjoint(text):
            return ()  # as most do not: no wording begins in it
        for at in range(len(text)):
            for beginning in {text[at : at + _BEGINNING], text[at]}:
                for length in self._lengths.get(beginning, ()):
                    found |= {one.id: one for one in self._called.get(text[at : at + length], ())}
        return tuple(found[one] for one in sorted(found))


def mentions(rows: Rows) -> Mentions:
    """All platforms at the moment of these rows; the same rows make the same, which many moments share."""
    platforms = rows.joined(PLATFORMS)
    return rows.memory.made(
        ("mentions", platforms),
        lambda: Mentions(rows.of(PLATFORMS, PlatformRow)),
        lambda made: len(platforms) + made.weight,
    )
