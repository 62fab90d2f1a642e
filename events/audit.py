"""The log read again from its first leaf, against all that is kept beside the leaves: columns, tree, head, texts."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from domain.fact import tag
from events import codec, merkle
from events.database import Connection
from events.erasable import sealed_digest
from events.recorded import Recorded

Progress = Callable[[int], None]  # told how many facts were gone through since it was last told
_LEAVES: Final = "SELECT * FROM events ORDER BY position"
# In the order in which the leaves complete them.
_NODES: Final = "SELECT level, number, hash FROM tree_nodes ORDER BY (number + 1) << level, level"
_TEXTS: Final = """
    SELECT digest, position, salt, value, entry FROM disclosures LEFT JOIN events USING (position)
    ORDER BY position, digest COLLATE "C"
"""


class Disagreement(Exception):
    """The first place where the log and what is kept beside it do not agree."""


class Audited(NamedTuple):
    """The size of the log and its root (32 bytes), both found from the leaves alone."""

    size: int
    root: bytes


async def audit(connection: Connection, progress: Progress) -> Audited:
    """Hash every leaf and compare what is kept of it; Disagreement names the first that differs. In a transaction."""
    size, last, frontier = 0, None, merkle.Frontier()
    kept = aiter(connection.cursor(_NODES, prefetch=1_000))
    async for row in connection.cursor(_LEAVES, prefetch=1_000):
        size += 1
        leaf = _leaf(row, size)
        if last and leaf.recorded_at < last.recorded_at:
            raise Disagreement(f"position {size} was recorded before position {size - 1}")
        frontier, nodes = merkle.extend(frontier, size - 1, [row["entry"]])
        for node in nodes:
            _compare(node, await anext(kept, None))
        last = leaf
        progress(1)
    await _compare_head(connection, size, last, frontier)
    if more := await anext(kept, None):
        raise Disagreement(f"{_name(*more)} is kept, and the log has no such node")
    await _compare_texts(connection)
    return Audited(size, merkle.root(frontier))


def _leaf(row: Any, position: int) -> Recorded:
    """The fact of a row whose columns say what its leaf says."""
    try:
        leaf = codec.decode(row["entry"])
    except codec.LeafError as error:
        raise Disagreement(f"the leaf at position {row['position']} is unreadable: {error}") from error
    names = ("position", "stream", "version", "type", "recorded_at", "undoes", "refers")
    kept = tuple(row[name] for name in names)
    type_, refers = tag(leaf.fact), list(leaf.refers)
    said = (leaf.position, leaf.stream, leaf.version, type_, leaf.recorded_at, leaf.undoes, refers)
    if kept != said or leaf.position != position:
        raise Disagreement(f"position {row['position']}: the columns say {kept}, the leaf says {said}")
    return leaf


def _compare(node: merkle.TreeNode, kept: Any) -> None:
    if kept is not None and tuple(kept) == node:
        return
    if kept is not None and (kept["level"], kept["number"]) == node[:2]:
        raise Disagreement(f"{_name(*node)} does not hold the hash of its leaves")
    raise Disagreement(f"{_name(*node)} is missing, or one that the log does not have is kept before it")


def _name(level: int, number: int, _: bytes) -> str:
    first, last = (number << level) + 1, (number + 1) << level
    return f"tree node {number} of level {level}, positions {first} to {last},"


async def _compare_head(connection: Connection, size: int, last: Recorded | None, frontier: merkle.Frontier) -> None:
    head = await connection.fetchrow("SELECT size, recorded_at, frontier FROM log_head")
    assert head is not None  # noqa: S101 - migrate() has made the one row
    if head["size"] != size:
        raise Disagreement(f"the head says {head['size']} facts, the log holds {size}")
    if head["recorded_at"] != (last.recorded_at if last else None):
        raise Disagreement(f"the head says {head['recorded_at']}, which is not when position {size} was recorded")
    if tuple(head["frontier"]) != frontier:
        raise Disagreement(f"the root of the {size} leaves is not the one that the log's head keeps")


async def _compare_texts(connection: Connection) -> None:
    """Each text that is kept beside its leaf is the one whose digest stands there."""
    async for digest, position, salt, value, entry in connection.cursor(_TEXTS, prefetch=1_000):
        if digest != sealed_digest(salt, value) or entry is None or digest.encode() not in entry:
            raise Disagreement(f"position {position}: the text under {digest} is not the one that the leaf seals")
