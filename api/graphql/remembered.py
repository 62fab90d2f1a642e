"""Projections that are remembered: a task's view is the same object at every moment at which its rows are the same."""

from collections.abc import Callable
from itertools import count
from typing import Any, Final, NamedTuple

import msgspec

from api.graphql.world import Here

Project = Callable[[Any, Here], Any]
Depends = frozenset[str] | None  # "suffix", "units": what beside the value; None: on all that stands there
NOTHING: Final[Depends] = frozenset()
REMEMBERED: Final = {"Task"}  # types whose views are the same objects again
MOST: Final = 32_000_000  # bytes


class _Kept(NamedTuple):
    """A projection's bytes, and what they were made from, which is held so that no other takes its place in memory."""

    value: Any
    suffix: str
    units: Any
    raw: msgspec.Raw


class _Memory:
    """What is kept for all plans together; it is emptied when it is full."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int], _Kept] = {}
        self._size = 0

    def keep(self, key: tuple[int, int], one: _Kept, size: int) -> None:
        """Keep one projection."""
        self._size += size
        if self._size > MOST:
            self.kept.clear()
            self._size = size
        self.kept[key] = one


_MEMORY: Final = _Memory()
_NUMBERS: Final = count()


def both(one: Depends, other: Depends) -> Depends:
    """What depends on either."""
    return None if one is None or other is None else one | other


def remembering(project: Project, depends: frozenset[str]) -> Project:
    """The same projection as bytes of JSON, made once for each value and for what else it depends on."""
    number, kept = next(_NUMBERS), _MEMORY.kept
    by_suffix, by_units = "suffix" in depends, "units" in depends

    def once(value: Any, here: Here) -> msgspec.Raw:
        suffix, units = here.suffix if by_suffix else "", here.world.units if by_units else None
        found = kept.get((number, id(value)))
        if found and found.value is value and found.suffix == suffix and found.units is units:
            return found.raw
        encoded = msgspec.json.encode(project(value, here))
        raw = msgspec.Raw(encoded)
        _MEMORY.keep((number, id(value)), _Kept(value, suffix, units, raw), len(encoded))
        return raw

    return once
