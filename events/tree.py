"""The Merkle tree as the log keeps it: every full node, and from a few of them the root at any size."""

from typing import Final

from events import merkle
from events.database import Connection, statement

BATCH: Final = 1_000  # facts that are held in memory at once


class NodesMissing(Exception):
    """The log lacks nodes of its own tree: it was tampered with, and `verify` says where."""


async def root_at(connection: Connection, size: int) -> bytes:
    """The root hash (32 bytes) of the log when it held `size` facts, by one statement; NodesMissing."""
    wanted = merkle.subtrees(size)
    levels, numbers = [str(one.level) for one in wanted], [str(one.number) for one in wanted]
    rows = await connection.fetch(statement("root"), levels, numbers)
    if len(rows) != len(wanted):
        raise NodesMissing(f"{len(rows)} of the {len(wanted)} nodes that make the root at {size} are there")
    return merkle.root(tuple(row["hash"] for row in rows))


async def fill(connection: Connection) -> None:
    """Keep the nodes of all facts that the log holds, where it keeps none; inside a transaction."""
    frontier: merkle.Frontier = ()
    size = 0
    cursor = await connection.cursor("SELECT entry FROM events ORDER BY position")
    while rows := await cursor.fetch(BATCH):
        frontier, nodes = merkle.extend(frontier, size, (row["entry"] for row in rows))
        size += len(rows)
        await connection.copy_records_to_table("tree_nodes", records=nodes, columns=merkle.TreeNode._fields)
