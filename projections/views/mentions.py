"""Which platforms a text mentions, by name or alias: all that there are at a moment, remembered by their digest.

They are the one thing that every task is compared with as a whole, and so bounded in size by a test: at 5,000 platforms
a text takes as long as at 50, since it is looked at from each of its characters, and not once for each platform. Where
a wording may begin is told by a regular expression of two characters.
"""

import re
from collections.abc import Iterable, Sequence
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
        self._may_begin = _may_begin(self._lengths)

    @property
    def weight(self) -> int:
        """Bytes that it takes."""
        return sum(_WORDING + 2 * getsizeof(wording) for wording in self._called)

    def among(self, text: str) -> tuple[Named, ...]:
        """Those that a text mentions, by id."""
        found: dict[str, Named] = {}
        for hit in self._may_begin.finditer(text):  # in most there is none
            at = hit.start()
            for beginning in {text[at : at + _BEGINNING], text[at]}:
                for length in self._lengths.get(beginning, ()):
                    found |= {one.id: one for one in self._called.get(text[at : at + length], ())}
        return tuple(found[one] for one in sorted(found))


def _may_begin(beginnings: Iterable[str]) -> re.Pattern[str]:
    """Finds each place at which one of these may stand: by its first character and, if it has two, by its second.

    It knows them apart and not as pairs, so that any number of them is looked for at once.
    """
    alone = {one for one in beginnings if len(one) < _BEGINNING}
    firsts, seconds = ({one[at] for one in {*beginnings} - alone} for at in range(_BEGINNING))
    ways = [_any_of(alone)] if alone else []
    ways += [f"{_any_of(firsts)}(?={_any_of(seconds)})"] if firsts else []
    return re.compile("|".join(ways) or "(?!)")


def _any_of(characters: Iterable[str]) -> str:
    return f"[{''.join(map(re.escape, sorted(characters)))}]"


def mentions(rows: Rows) -> Mentions:
    """All platforms at the moment of these rows; the same rows make the same, which many moments share."""
    platforms = rows.joined(PLATFORMS)
    return rows.memory.made(
        ("mentions", platforms),
        lambda: Mentions(rows.of(PLATFORMS, PlatformRow)),
        lambda made: len(platforms) + made.weight,
    )
