"""What a process remembers: one memory for all, bounded in bytes with its overhead, on whose room no read depends."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")
OVERHEAD: Final = (
    400  # bytes that an entry takes beside what it holds: its key's parts, its place in two tables, its weight
)


class Memory:
    """Values by key, which together weigh at most `bound` bytes.

    What was put or is asked for again belongs to the young; the old are those that were young before, and go all at
    once. What is only offered waits among the new, a quarter of the room, until it is asked for: whole answers that
    nobody asks for twice push out one another and not the parts that the next answer is made of. A value may be gone at
    any time, so whoever puts one in also keeps it for as long as it is needed. `weight` is what a value takes beside
    OVERHEAD, the variable parts of its key included, in bytes. What weighs more than `largest`, an eighth of the room
    unless it is said otherwise, is not kept. Not for several threads.
    """

    def __init__(self, bound: int, largest: int | None = None) -> None:
        self.bound = bound
        self.largest = bound // 8 if largest is None else largest
        self._new: OrderedDict[Hashable, Any] = OrderedDict()  # a plain one takes ever longer to find its first
        self._young: dict[Hashable, Any] = {}
        self._old: dict[Hashable, Any] = {}
        self._weights: dict[Hashable, int] = {}  # of the new and the young
        self._old_weights: dict[Hashable, int] = {}
        self._new_size = self._young_size = self._old_size = 0

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return self._new_size + self._young_size + self._old_size

    def get(self, key: Hashable) -> Any:
        """What was put under a key, or None."""
        found = self._young.get(key)
        return self._again(key) if found is None else found

    def several(self, keys: Sequence[Hashable]) -> list[Any]:
        """What was put under each of these keys, or None: faster than one by one. None of these values is falsy."""
        found = list(map(self._young.get, keys))
        if all(found):
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
        """Keep a value, unless it is too large."""
        if self._fits(key, weight + OVERHEAD):
            self._keep(key, value, weight + OVERHEAD)

    def offer(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep a value that perhaps nobody asks for again."""
        weight += OVERHEAD
        if not self._fits(key, weight):
            return
        self._new[key] = value
        self._weights[key] = weight
        self._new_size += weight
        while self._new_size > self.bound // 4:
            eldest, _ = self._new.popitem(last=False)
            self._new_size -= self._weights.pop(eldest)

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        if self._new.pop(key, None) is not None:
            self._new_size -= self._weights.pop(key)
        elif self._young.pop(key, None) is not None:
            self._young_size -= self._weights.pop(key)
        elif self._old.pop(key, None) is not None:
            self._old_size -= self._old_weights.pop(key)

    def _fits(self, key: Hashable, weight: int) -> bool:
        """Whether there is a place for it, which nothing older has."""
        if key in self._weights or key in self._old:
            self.drop(key)
        return weight <= self.largest

    def _again(self, key: Hashable) -> Any:
        """What is new or old and asked for, which makes it young."""
        found = self._new.pop(key, None)
        if found is not None:
            weight = self._weights.pop(key)
            self._new_size -= weight
        else:
            found = self._old.pop(key, None)
            if found is None:
                return None
            weight = self._old_weights.pop(key)
            self._old_size -= weight
        self._keep(key, found, weight)
        return found

    def _keep(self, key: Hashable, value: Any, weight: int) -> None:
        if self._young_size + weight > self.bound * 3 // 8:
            self._age()
        self._young[key] = value
        self._weights[key] = weight
        self._young_size += weight

    def _age(self) -> None:
        """The young are the old from now on."""
        self._old, self._young = self._young, {}
        self._old_weights = {key: self._weights.pop(key) for key in self._old}
        self._old_size, self._young_size = self._young_size, 0
