"""The log read again from its first leaf, against all that is kept beside the leaves: columns, tree, head, texts."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, NamedTuple

from domain.fact import data_of, tag
from domain.undo import FactVoided, kind_of
from events import codec, merkle
from events.database import Connection
from events.erasable import digests, sealed_digest
from events.recorded import Recorded

Progress = Callable[[int], None]  # told how many facts were gone through since it was last told
Tell = Callable[[str], None]  # told each difference in words; what it raises ends the search
_LEAVES: Final = "SELECT * FROM events ORDER BY position"
# In the order in which the leaves complete them.
_NODES: Final = "SELECT level, number, hash FROM tree_nodes ORDER BY (number + 1) << level, level"
_TEXTS: Final = """
    SELECT digest, position, salt, value, entry FROM disclosures LEFT JOIN events USING (position)
    ORDER BY position, digest COLLATE "C"
"""
_REQUESTS: Final = """
    SELECT office, key FROM requests, log_head
    WHERE EXISTS (SELECT FROM unnest(positions) AS at WHERE at NOT BETWEEN 1 AND size) ORDER BY office, key
"""


class Disagreement(Exception):
    """A place where the log and what is kept beside it do not agree."""


def first(difference: str) -> None:
    """Be content with the first difference: Disagreement."""
    raise Disagreement(difference)


class Audited(NamedTuple):
    """The size of the log and its root (32 bytes), both found from the leaves alone."""

    size: int
    root: bytes


async def audit(connection: Connection, found: Tell, progress: Progress) -> Audited:
    """Hash every leaf and compare what is kept of it. Inside a transaction that only reads."""
    log = _Log(found, _Tree(aiter(connection.cursor(_NODES, prefetch=1_000)), found))
    async for row in connection.cursor(_LEAVES, prefetch=1_000):
        await log.add(row)
        progress(1)
    if log.gapless:
        await log.tree.end()
    await _compare_head(connection, log, found)
    await _compare_texts(connection, log.sealed, found)
    for office, key in await connection.fetch(_REQUESTS):
        found(f"the request {key} of {office}: it names a position that the log does not have")
    return Audited(log.size, merkle.root(log.frontier))


class _Log:
    """What is known of the log as far as its leaves were read: `sealed` are the digests in them, with their places."""

    def __init__(self, found: Tell, tree: "_Tree") -> None:
        self.size = 0
        self.last: Recorded | None = None
        self.frontier = merkle.Frontier()
        self.gapless = True  # so that the tree can be told from the leaves
        self.sealed: dict[str, int] = {}
        self.tree = tree
        self._found = found
        self._next = 1

    async def add(self, row: Any) -> None:
        """The next leaf."""
        position: int = row["position"]
        if position != self._next:
            self._found(f"position {position}: it stands where position {self._next} should")
            self.gapless = False
        self._next = position + 1
        leaf = _leaf(row, self._found)
        if leaf:
            if self.last and leaf.recorded_at < self.last.recorded_at:
                self._found(f"position {position} was recorded before position {self.last.position}")
            self.sealed |= dict.fromkeys(digests(data_of(leaf.fact)), position)
            self.last = leaf
        self.frontier, nodes = merkle.extend(self.frontier, self.size, [row["entry"]])
        self.size += 1
        if self.gapless:
            for node in nodes:
                await self.tree.compare(node)


def _leaf(row: Any, found: Tell) -> Recorded | None:
    """The fact of a row; None where its leaf cannot be read."""
    position = row["position"]
    try:
        leaf = codec.decode(row["entry"])
    except codec.LeafError as error:
        found(f"position {position}: the leaf is unreadable: {error}")
        return None
    said = {
        "position": leaf.position,
        "stream": leaf.stream,
        "version": leaf.version,
        "type": tag(leaf.fact),
        "recorded_at": leaf.recorded_at,
        "undoes": leaf.undoes,
        "refers": list(leaf.refers),
    }
    for column, value in said.items():
        if row[column] != value:
            found(f"position {position}, column {column}: the table has {row[column]}, the leaf says {value}")
    return leaf


class _Tree:
    """The nodes that are kept, compared with those that the leaves make, both in the order of their making."""

    def __init__(self, kept: AsyncIterator[Any], found: Tell) -> None:
        self._kept = kept
        self._found = found
        self._waiting: merkle.TreeNode | None = None

    async def compare(self, node: merkle.TreeNode) -> None:
        """The next node that the leaves make."""
        while (kept := await self._seen()) and _order(kept) < _order(node):
            self._surplus(kept)
        if kept is None or _order(kept) != _order(node):
            self._found(f"{_name(node)} is missing")
            return
        self._waiting = None
        if kept.hash != node.hash:
            self._found(f"{_name(node)} does not hold the hash of its leaves")

    async def end(self) -> None:
        """There are no more."""
        while kept := await self._seen():
            self._surplus(kept)

    def _surplus(self, kept: merkle.TreeNode) -> None:
        self._waiting = None
        self._found(f"{_name(kept)} is kept, and the log has no such node")

    async def _seen(self) -> merkle.TreeNode | None:
        """The next that is kept, which stays the next until it is dealt with."""
        if self._waiting is None and (row := await anext(self._kept, None)):
            self._waiting = merkle.TreeNode(*row)
        return self._waiting


def _order(node: merkle.TreeNode) -> tuple[int, int]:
    return (node.number + 1) << node.level, node.level


def _name(node: merkle.TreeNode) -> str:
    begin, end = (node.number << node.level) + 1, (node.number + 1) << node.level
    return f"tree node {node.number} of level {node.level}, positions {begin} to {end},"


async def _compare_head(connection: Connection, log: _Log, found: Tell) -> None:
    head = await connection.fetchrow("SELECT size, recorded_at, frontier, erasure_epoch FROM log_head")
    if head is None:
        found("the log has no head")
        return
    if head["size"] != log.size:
        found(f"the head says {head['size']} facts, the log holds {log.size}")
    if head["recorded_at"] != (log.last.recorded_at if log.last else None):
        found(f"the head says {head['recorded_at']}, which is not when position {log.size} was recorded")
    if tuple(head["frontier"]) != log.frontier:
        found(f"the root of the {log.size} leaves is not the one that the log's head keeps")
    if head["erasure_epoch"]:
        found(f"the head says that texts were erased {head['erasure_epoch']} times, and no fact says so")


async def _compare_texts(connection: Connection, sealed: dict[str, int], found: Tell) -> None:
    """Each text that is kept beside its leaf is the one whose digest stands there, and each digest has its text."""
    async for digest, position, salt, value, entry in connection.cursor(_TEXTS, prefetch=1_000):
        if digest != sealed_digest(salt, value) or entry is None or digest.encode() not in entry:
            found(f"position {position}: the text under {digest} is not the one that the leaf seals")
        sealed.pop(digest, None)
    for digest, position in sealed.items():
        found(f"position {position}: the text under {digest} is withheld, and no fact says that it was erased")


def compare_stream(facts: Sequence[Recorded], found: Tell) -> None:
    """A stream counts its facts without a gap, and undoes only what is its own, live, and of the kind."""
    past: dict[int, Recorded] = {}
    undone: dict[int, int] = {}
    for number, one in enumerate(facts, 1):
        if one.version != number:
            found(f"position {one.position}: it is version {one.version} of {one.stream}, where {number} should stand")
        if one.undoes is not None:
            if why := _not_to_be_undone(one, past.get(one.undoes), undone):
                found(f"position {one.position} undoes position {one.undoes}, {why}")
            undone.setdefault(one.undoes, one.position)
        past[one.position] = one


def _not_to_be_undone(one: Recorded, target: Recorded | None, undone: dict[int, int]) -> str | None:
    """Why a fact could not undo another, in words; None where it could."""
    if target is None:
        return f"which is no earlier fact of {one.stream}"
    if target.position in undone:
        return f"which position {undone[target.position]} had undone before"
    if target.fact.STANDS:
        return "which stands for good"
    if not isinstance(one.fact, FactVoided) and kind_of(one.fact) != kind_of(target.fact):
        return f"a {kind_of(target.fact)}, by a {kind_of(one.fact)}"
    return None
