"""A private PostgreSQL in a data folder: started with planrecord, reached by a Unix socket only, stopped with it.

`async with cluster(folder) as server:` makes the cluster on first use and yields its DSN. Two processes may ask for the
same folder: the first owns the server, the others share it, or are refused where they ask for it alone.
"""

from api.postgres.cluster import Cluster, cluster
from api.postgres.copies import CopyFailed, copy_cluster, new_cluster
from api.postgres.errors import FolderInUse, PostgresFailed, usable
from api.postgres.home import is_cluster
from api.postgres.server import end_at_once

__all__ = [
    "Cluster",
    "CopyFailed",
    "FolderInUse",
    "PostgresFailed",
    "cluster",
    "copy_cluster",
    "end_at_once",
    "is_cluster",
    "new_cluster",
    "usable",
]
