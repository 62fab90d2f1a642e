"""RFC 6962 Merkle tree hashes. The frontier of a log: the roots of its full subtrees, largest first.

A proof is a list of hashes (32 bytes each). Whoever makes one asks for full nodes alone: `inclusion_places` and
`consistency_places` tell for each of its hashes the nodes that it is made of. Checked is a proof as RFC 9162 says it.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

EMPTY: Final = sha256(b"").digest()
Frontier = tuple[bytes, ...]


class NotProved(Exception):
    """A proof that does not prove what it should."""


class NodePlace(NamedTuple):
    """Where a full node stands: over the leaves from `number` * 2**`level` on (from 0), 2**`level` of them."""

    level: int
    number: int


class TreeNode(NamedTuple):
    """A full node, which no later leaf changes: its place, and its hash (32 bytes)."""

    level: int
    number: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one leaf (32 bytes)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (32 bytes)."""
    return sha256(b"\x01" + left + right).digest()


def extend(frontier: Frontier, size: int, entries: Iterable[bytes]) -> tuple[Frontier, list[TreeNode]]:
    """The frontier of a log of `size` leaves after more entries, and the full nodes that they complete, in order."""
    stack, nodes = list(frontier), list[TreeNode]()
    for leaf, entry in enumerate(entries, size):
        node = TreeNode(0, leaf, leaf_hash(entry))
        nodes.append(node)
        while node.number % 2:  # a right child completes its parent
            node = TreeNode(node.level + 1, node.number // 2, node_hash(stack.pop(), node.hash))
            nodes.append(node)
        stack.append(node.hash)
    return tuple(stack), nodes


def subtrees(size: int) -> list[NodePlace]:
    """Where the full nodes stand that make up a log of `size` leaves, largest first: one for each bit of the size."""
    return [NodePlace(level, (size >> level) - 1) for level in reversed(range(size.bit_length())) if size >> level & 1]


def root(frontier: Frontier) -> bytes:
    """The root hash (32 bytes); of the empty log the hash of nothing."""
    if not frontier:
        return EMPTY
    *rest, top = frontier
    for left in reversed(rest):
        top = node_hash(left, top)
    return top


def _made_of(begin: int, end: int) -> list[NodePlace]:
    """The full nodes over the leaves from `begin` up to `end`, where RFC 6962 would cut the tree."""
    return [NodePlace(level, number + (begin >> level)) for level, number in subtrees(end - begin)]


def _split(begin: int, end: int) -> int:
    """Where the left half of these leaves ends: at the largest power of two that is smaller than all of them."""
    return begin + (1 << (end - begin - 1).bit_length() - 1)


def inclusion_places(index: int, size: int) -> list[list[NodePlace]]:
    """What an inclusion proof of the leaf `index` (from 0) in a log of `size` is made of, from its sibling upwards."""
    begin, end, path = 0, size, list[list[NodePlace]]()
    while end - begin > 1:
        middle = _split(begin, end)
        if index < middle:
            path.append(_made_of(middle, end))
            end = middle
        else:
            path.append(_made_of(begin, middle))
            begin = middle
    return path[::-1]


def consistency_places(first: int, second: int) -> list[list[NodePlace]]:
    """What a consistency proof between two sizes is made of; nothing where either is all, or none, of the other."""
    begin, end, path = 0, second, list[list[NodePlace]]()
    if first in {0, second}:
        return path
    while first != end:
        middle = _split(begin, end)
        if first <= middle:
            path.append(_made_of(middle, end))
            end = middle
        else:
            path.append(_made_of(begin, middle))
            begin = middle
    if begin:  # else the first root is known to whoever asks
        path.append(_made_of(begin, end))
    return path[::-1]


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], whole: bytes) -> None:
    """NotProved unless the log of `size` whose root is `whole` has this leaf's hash at `index`, from 0."""
    if not 0 <= index < size:
        raise NotProved(f"a log of {size} has no leaf {index}")
    for one, left in _climbed(index, size - 1, proof):
        leaf = node_hash(one, leaf) if left else node_hash(leaf, one)
    if leaf != whole:
        raise NotProved(f"leaf {index} is not proved to be in the log of {size} that has the root {whole.hex()}")


def check_consistency(first: int, earlier: bytes, second: int, later: bytes, proof: Sequence[bytes]) -> None:
    """NotProved unless the log of `first` leaves with the root `earlier` is the beginning of the other."""
    failed = NotProved(
        f"the log of {second} with the root {later.hex()} is not proved to begin with the {first} of {earlier.hex()}"
    )
    if not 0 <= first <= second:
        raise failed
    if first in {0, second}:
        if proof or earlier != (later if first else EMPTY):
            raise failed
        return
    rest = list(proof) if first & (first - 1) else [earlier, *proof]
    if not rest:
        raise failed
    whole = (first & -first).bit_length() - 1  # levels of the right-most full tree of the first
    old = new = rest[0]
    for one, left in _climbed((first - 1) >> whole, (second - 1) >> whole, rest[1:]):
        old = node_hash(one, old) if left else old
        new = node_hash(one, new) if left else node_hash(new, one)
    if (old, new) != (earlier, later):
        raise failed


def _climbed(at: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a proof from node `at` of a level upwards, whose last node is `last`, and whether it goes left."""
    for one in proof:
        if not last:
            raise NotProved("the proof is too long")
        left = at % 2 == 1 or at == last
        yield one, left
        while left and at and not at % 2:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    if last:
        raise NotProved("the proof is too short")
