"""The log read again from its first leaf, against all that is kept beside it: columns, tree, head, texts, notes."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from domain.fact import data_of, tag
from events import codec, merkle
from events.checkpoint import NotSigned, open_checkpoint
from events.counted import Tell
from events.database import Connection, Leafing
from events.erasable import digests, sealed_digest
from events.note import FormatError, VerifierKey
from events.recorded import Recorded

Progress = Callable[[int], None]  # told how many facts were gone through since it was last told
Leaves = Sequence[tuple[int, Recorded | None]]  # some of the log in order: the position of each, None if unreadable
Onlooker = Callable[[Leaves], Awaitable[None]]  # is shown the whole log, piece by piece
WINDOW: Final = 1_000  # rows that are held of each table
_LEAVES: Final = "SELECT * FROM events ORDER BY position"
# In the order in which the leaves complete them.
_NODES: Final = "SELECT level, number, hash FROM tree_nodes ORDER BY (number + 1) << level, level"
_TEXTS: Final = 'SELECT digest, position, salt, value FROM disclosures ORDER BY position, digest COLLATE "C"'
_NOTES: Final = "SELECT size, note, vkey FROM notes JOIN log_keys USING (log) ORDER BY size, log"
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


async def audit(connection: Connection, found: Tell, progress: Progress, beside: Onlooker | None = None) -> Audited:
    """Hash every leaf and compare what is kept of it. Inside a transaction that only reads.

    What is kept beside the leaves is read in their order, all of it once and a piece at a time.
    """
    nodes = await connection.cursor(_NODES)
    texts, signed = _Texts(await connection.cursor(_TEXTS), found), _Notes(await connection.cursor(_NOTES), found)
    log = _Log(found, _Tree(nodes, found), texts, signed)
    leaves = await connection.cursor(_LEAVES)
    while rows := await leaves.fetch(WINDOW):
        read = [log.read(row) for row in rows]
        await log.hold(rows, read)
        if beside:
            await beside([(row["position"], leaf) for row, leaf in zip(rows, read, strict=True)])
        progress(len(rows))
    if log.gapless:
        await log.tree.end()
    await _compare_head(connection, log, found)
    await texts.end()
    await signed.end(log.size)
    for office, key in await connection.fetch(_REQUESTS):
        found(f"the request {key} of {office}: it names a position that the log does not have")
    return Audited(log.size, merkle.root(log.frontier))


class _Log:
    """What is known of the log as far as its leaves were read."""

    def __init__(self, found: Tell, tree: "_Tree", texts: "_Texts", notes: "_Notes") -> None:
        self.size = 0
        self.last: Recorded | None = None
        self.frontier = merkle.Frontier()
        self.gapless = True  # so that the tree can be told from the leaves
        self.tree = tree
        self._texts = texts
        self._notes = notes
        self._found = found
        self._next = 1

    def read(self, row: Any) -> Recorded | None:
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
            self.last = leaf
        return leaf

    async def hold(self, rows: Sequence[Any], leaves: Sequence[Recorded | None]) -> None:
        """Hold the tree and the texts against the leaves that were read."""
        entries = [row["entry"] for row in rows]
        await self._notes.compare(self.frontier, self.size, entries)
        self.frontier, nodes = merkle.extend(self.frontier, self.size, entries)
        self.size += len(rows)
        if self.gapless:
            await self.tree.compare(nodes)
        await self._texts.compare([(row["position"], leaf) for row, leaf in zip(rows, leaves, strict=True)])


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

    def __init__(self, kept: Leafing, found: Tell) -> None:
        self._kept = kept
        self._found = found
        self._waiting = deque[merkle.TreeNode]()

    async def compare(self, nodes: Sequence[merkle.TreeNode]) -> None:
        """The next nodes that the leaves make."""
        await self._read(len(nodes) - len(self._waiting))
        for node in nodes:
            if self._waiting and self._waiting[0] == node:
                self._waiting.popleft()
            else:
                await self._differs(node)

    async def _differs(self, node: merkle.TreeNode) -> None:
        while (kept := await self._first()) and _order(kept) < _order(node):
            self._surplus(kept)
        if kept is None or _order(kept) != _order(node):
            self._found(f"{_name(node)} is missing")
            return
        self._waiting.popleft()
        if kept.hash != node.hash:
            self._found(f"{_name(node)} does not hold the hash of its leaves")

    async def end(self) -> None:
        """There are no more."""
        while kept := await self._first():
            self._surplus(kept)

    def _surplus(self, kept: merkle.TreeNode) -> None:
        self._waiting.popleft()
        self._found(f"{_name(kept)} is kept, and the log has no such node")

    async def _first(self) -> merkle.TreeNode | None:
        """The next that is kept, which stays the next until it is dealt with."""
        if not self._waiting:
            await self._read(WINDOW)
        return self._waiting[0] if self._waiting else None

    async def _read(self, count: int) -> None:
        if count > 0:
            self._waiting.extend(merkle.TreeNode(*row) for row in await self._kept.fetch(count))


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


class _Texts:
    """The texts that are kept: each is the one whose digest stands in its leaf, and each digest has its text."""

    def __init__(self, kept: Leafing, found: Tell) -> None:
        self._kept = kept
        self._found = found
        self._waiting = deque[Any]()
        self._withheld: list[tuple[int, str]] = []

    async def compare(self, leaves: Leaves) -> None:
        """The texts of the next leaves."""
        sealed = {
            (position, digest) for position, leaf in leaves for digest in (digests(data_of(leaf.fact)) if leaf else ())
        }
        while (kept := await self._first()) and kept["position"] <= leaves[-1][0]:
            place = kept["position"], kept["digest"]
            if place not in sealed or kept["digest"] != sealed_digest(kept["salt"], kept["value"]):
                self._wrong(kept)
            sealed.discard(place)
            self._waiting.popleft()
        self._withheld += sorted(sealed)

    async def end(self) -> None:
        """There are no more leaves."""
        while kept := await self._first():
            self._wrong(kept)
            self._waiting.popleft()
        for position, digest in self._withheld:
            self._found(
                f"position {position}: the text under {digest} is withheld, and no fact says that it was erased"
            )

    def _wrong(self, kept: Any) -> None:
        said = f"position {kept['position']}: the text under {kept['digest']} is not the one that the leaf seals"
        self._found(said)

    async def _first(self) -> Any:
        if not self._waiting:
            self._waiting.extend(await self._kept.fetch(WINDOW))
        return self._waiting[0] if self._waiting else None


class _Notes:
    """The notes that were published: each is signed by its log's key, and has the root of so many leaves."""

    def __init__(self, kept: Leafing, found: Tell) -> None:
        self._kept = kept
        self._found = found
        self._waiting = deque[Any]()

    async def compare(self, frontier: merkle.Frontier, size: int, entries: Sequence[bytes]) -> None:
        """The notes of sizes from `size` up to, and with, that of the log with more entries."""
        begin, end = size, size + len(entries)
        while (note := await self._first()) and note["size"] <= end:
            frontier, _ = merkle.extend(frontier, size, entries[size - begin : note["size"] - begin])
            size = note["size"]
            self._check(self._waiting.popleft(), merkle.root(frontier))

    def _check(self, row: Any, root: bytes) -> None:
        try:
            said = open_checkpoint(row["note"], VerifierKey.parse(row["vkey"]))
        except (FormatError, NotSigned) as error:
            self._found(f"the note of {row['size']} facts: {error}")
            return
        if (said.size, said.root) != (row["size"], root):
            self._found(f"the note of {row['size']} facts: the log had another root then")

    async def end(self, size: int) -> None:
        """There are no more leaves."""
        if size == 0:
            await self.compare((), 0, ())
        while note := await self._first():
            self._waiting.popleft()
            self._found(f"the note of {note['size']} facts: the log holds {size}")

    async def _first(self) -> Any:
        if not self._waiting:
            self._waiting.extend(await self._kept.fetch(WINDOW))
        return self._waiting[0] if self._waiting else None
