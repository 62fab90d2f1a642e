"""What a process remembers: one memory for all, bounded in bytes with its overhead, on whose room no read depends."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")
OVERHEAD: Final = (
    400  # bytes that an entry takes beside what it holds: its key's parts, its place in two tables, its weight
)


class Memory:
    """Values by key, of two generations that together weigh at most `bound` bytes; what is asked for stays young.

    A value may be gone at any time, so whoever puts one in also keeps it for as long as it is needed. `weight` is what
    a value takes beside OVERHEAD, the variable parts of its key included, in bytes. Not for several threads.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._young: dict[Hashable, Any] = {}
        self._old: dict[Hashable, Any] = {}
        self._young_weights: dict[Hashable, int] = {}
        self._old_weights: dict[Hashable, int] = {}
        self._young_size = self._old_size = 0

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return self._young_size + self._old_size

    def get(self, key: Hashable) -> Any:
        """What was put under a key, or None."""
        found = self._young.get(key)
        return self._again(key) if found is None else found

    def several(self, keys: Sequence[Hashable]) -> list[Any]:
        """What was put under each of these keys, or None: faster than one by one."""
        found = list(map(self._young.get, keys))
        if not self._old:
            return found
        return [self.get(key) if one is None else one for key, one in zip(keys, found, strict=True)]

    def made(self, key: Hashable, make: Callable[[], T], weigh: Callable[[T], int]) -> T:
        """What is kept under a key, else what is made now, which is then kept."""
        found: T | None = self.get(key)
        if found is None:
            found = make()
            self.put(key, found, weigh(found))
        return found

    def put(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep a value, unless it would take more than an eighth of the room."""
        self.drop(key)
        weight += OVERHEAD
        if weight <= self.bound // 8:
            self._keep(key, value, weight)

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        if self._young.pop(key, None) is not None:
            self._young_size -= self._young_weights.pop(key)
        elif self._old.pop(key, None) is not None:
            self._old_size -= self._old_weights.pop(key)

    def _again(self, key: Hashable) -> Any:
        """What is old and asked for, which makes it young."""
        found = self._old.pop(key, None)
        if found is not None:
            weight = self._old_weights.pop(key)
            self._old_size -= weight
            self._keep(key, found, weight)
        return found

    def _keep(self, key: Hashable, value: Any, weight: int) -> None:
        if self._young_size + weight > self.bound // 2:
            self._old, self._old_weights, self._old_size = self._young, self._young_weights, self._young_size
            self._young, self._young_weights, self._young_size = {}, {}, 0
        self._young[key] = value
        self._young_weights[key] = weight
        self._young_size += weight
