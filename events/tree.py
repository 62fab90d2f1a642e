"""The Merkle tree as the log keeps it: every full node, and from a few of them the root at any size."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from events import merkle
from events.database import Connection, statement

BATCH: Final = 1_000  # facts that are held in memory at once


class NodesMissing(Exception):
    """The log lacks nodes of its own tree: it was tampered with, and `verify` says where."""


async def root_at(connection: Connection, size: int) -> bytes:
    """The root hash (32 bytes) of the log when it held `size` facts, by one statement; NodesMissing."""
    return merkle.root(tuple(await hashes(connection, merkle.subtrees(size))))


async def hashes(connection: Connection, wanted: Sequence[merkle.NodePlace]) -> list[bytes]:
    """The hashes of full nodes, in their order, by one statement; NodesMissing."""
    levels, numbers = [str(one.level) for one in wanted], [str(one.number) for one in wanted]
    rows = await connection.fetch(statement("nodes"), levels, numbers)
    if len(rows) != len(wanted):
        raise NodesMissing(f"{len(rows)} of the {len(wanted)} nodes of the tree that are needed are there")
    return [row["hash"] for row in rows]


async def proved(connection: Connection, places: Sequence[Sequence[merkle.NodePlace]]) -> list[bytes]:
    """The hashes of a proof, from the full nodes that each is made of, by one statement; NodesMissing."""
    found = iter(await hashes(connection, [one for parts in places for one in parts]))
    return [merkle.root(tuple(islice(found, len(parts)))) for parts in places]


async def fill(connection: Connection) -> None:
    """Keep the nodes of all facts that the log holds, where it keeps none; inside a transaction."""
    frontier: merkle.Frontier = ()
    size = 0
    cursor = await connection.cursor("SELECT entry FROM events ORDER BY position")
    while rows := await cursor.fetch(BATCH):
        frontier, nodes = merkle.extend(frontier, size, (row["entry"] for row in rows))
        size += len(rows)
        await connection.copy_records_to_table("tree_nodes", records=nodes, columns=merkle.TreeNode._fields)
