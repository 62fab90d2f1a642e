"""RFC 6962 Merkle tree hashes, kept as a frontier: the roots of the full subtrees of the log, largest first."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

EMPTY: Final = sha256(b"").digest()
Frontier = tuple[bytes, ...]


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one leaf (32 bytes)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (32 bytes)."""
    return sha256(b"\x01" + left + right).digest()


def extend(frontier: Frontier, size: int, entries: Iterable[bytes]) -> Frontier:
    """The frontier of a log of `size` leaves after more entries."""
    stack = list(frontier)
    for entry in entries:
        stack.append(leaf_hash(entry))
        size += 1
        full = size
        while full % 2 == 0:  # a subtree is complete: fold it into its left neighbour
            right = stack.pop()
            stack.append(node_hash(stack.pop(), right))
            full //= 2
    return tuple(stack)


def root(frontier: Frontier) -> bytes:
    """The root hash (32 bytes); of the empty log the hash of nothing."""
    if not frontier:
        return EMPTY
    *rest, top = frontier
    for left in reversed(rest):
        top = node_hash(left, top)
    return top
