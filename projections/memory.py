"""What a process remembers: one memory for all, bounded in bytes with its overhead, on whose room no read depends."""

from collections.abc import Hashable
from typing import Any, Final

OVERHEAD: Final = (
    400  # bytes that an entry takes beside what it holds: its key's parts, its place in a table, its weight
)


class Memory:
    """Values by key, of two generations that together weigh at most `bound` bytes; what is asked for stays young.

    A value may be gone at any time, so whoever puts one in also keeps it for as long as it is needed. `weight` is what
    a value takes beside OVERHEAD, the variable parts of its key included, in bytes. Not for several threads.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._young: dict[Hashable, tuple[Any, int]] = {}
        self._old: dict[Hashable, tuple[Any, int]] = {}
        self._young_size = self._old_size = 0

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return self._young_size + self._old_size

    def get(self, key: Hashable) -> Any:
        """What was put under a key, or None."""
        found = self._young.get(key)
        if found is not None:
            return found[0]
        found = self._old.pop(key, None)
        if found is None:
            return None
        self._old_size -= found[1]
        self._keep(key, *found)
        return found[0]

    def put(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep a value, unless it would take more than an eighth of the room."""
        self.drop(key)
        weight += OVERHEAD
        if weight <= self.bound // 8:
            self._keep(key, value, weight)

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        if found := self._young.pop(key, None):
            self._young_size -= found[1]
        elif found := self._old.pop(key, None):
            self._old_size -= found[1]

    def _keep(self, key: Hashable, value: Any, weight: int) -> None:
        if self._young_size + weight > self.bound // 2:
            self._old, self._old_size = self._young, self._young_size
            self._young, self._young_size = {}, 0
        self._young[key] = value, weight
        self._young_size += weight
