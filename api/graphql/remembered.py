"""Projections that are remembered: a task's view is the same object at every moment at which its rows are the same.

Their rent: `graphql-uncached` of `make bench` is 1.9 times slower without.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final
from weakref import ref

import msgspec

from api.graphql.world import Here

Projection = Callable[[Any, Here], Any]
Depends = frozenset[str] | None  # "suffix", "units": what beside the value; None: on all that stands there
ON_NOTHING: Final[Depends] = frozenset()
_NUMBERS: Final = count()
_WEIGHT: Final = 250  # bytes that a projection takes beside its JSON


def both(one: Depends, other: Depends) -> Depends:
    """What depends on either."""
    return None if one is None or other is None else one | other


class Remembering:
    """The same projection as bytes of JSON, made once for each value and for what else it depends on.

    Where it names a moment it is made anew: whoever asks for the very same again is answered in front of all this.
    The value is not kept alive by it, so that a view weighs once.
    """

    def __init__(self, project: Projection, depends: frozenset[str]) -> None:
        self._project = project
        self._number = next(_NUMBERS)
        self._by_suffix, self._by_units = "suffix" in depends, "units" in depends

    def __call__(self, value: Any, here: Here) -> Any:
        """The projection of one value."""
        return self.each([value], here)[0]

    def each(self, values: Sequence[Any], here: Here) -> list[Any]:
        """Those of a list, which are looked for together."""
        if self._by_suffix and here.suffix:
            return [self._project(one, here) for one in values]
        units = here.world.units_name if self._by_units else b""
        keys = [(self._number, id(one), units) for one in values]
        found = here.world.memory.several(keys)
        return [
            known[1] if known and known[0]() is one else self._made(one, here, key)
            for one, key, known in zip(values, keys, found, strict=True)
        ]

    def _made(self, value: Any, here: Here, key: tuple[int, int, bytes]) -> msgspec.Raw:
        raw = msgspec.Raw(msgspec.json.encode(self._project(value, here)))
        here.world.memory.put(key, (ref(value), raw), _WEIGHT + len(raw))
        return raw
