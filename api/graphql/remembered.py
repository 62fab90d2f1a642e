"""Projections that are remembered: a task's view is the same object at every moment at which its rows are the same.

Their rent: `graphql-uncached` of `make bench` is 1.9 times slower without.
"""

from collections.abc import Callable
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


def remembering(project: Projection, depends: frozenset[str]) -> Projection:
    """The same projection as bytes of JSON, made once for each value and for what else it depends on.

    Where it names a moment it is made anew: whoever asks for the very same again is answered in front of all this.
    The value is not kept alive by it, so that a view weighs once.
    """
    number, by_suffix, by_units = next(_NUMBERS), "suffix" in depends, "units" in depends

    def once(value: Any, here: Here) -> Any:
        if by_suffix and here.suffix:
            return project(value, here)
        memory, key = here.world.memory, (number, id(value), here.world.units_name if by_units else b"")
        found: tuple[ref[Any], msgspec.Raw] | None = memory.get(key)
        if found and found[0]() is value:
            return found[1]
        raw = msgspec.Raw(msgspec.json.encode(project(value, here)))
        memory.put(key, (ref(value), raw), _WEIGHT + len(raw))
        return raw

    return once
