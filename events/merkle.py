"""RFC 6962 Merkle tree hashes. The frontier of a log: the roots of its full subtrees, largest first."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

EMPTY: Final = sha256(b"").digest()
Frontier = tuple[bytes, ...]


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
