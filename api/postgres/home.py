"""Where a data folder's cluster lies, who runs it, and from which binaries.

The cluster is `pg` in the data folder. Where root starts planrecord, the system user that runs PostgreSQL may be unable
to enter that folder, or to read the binaries of an environment in a private home. Then the one or the other is put
under /var/lib/planrecord, and `pg.path` in the data folder says where the cluster lies. Removing the data folder does
not remove such a cluster: it is found again when a folder of the same path comes back.
"""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec

from api.postgres.account import Account, account_for
from api.postgres.binaries import Binaries, readable_copy, shipped
from api.postgres.errors import PostgresFailed, usable

STATE_FOLDER: Final = Path("/var/lib/planrecord")
NOTE: Final = "pg.path"


class Home(msgspec.Struct, frozen=True):
    """A data folder's cluster: its folder, its log, its programs, its user."""

    data: Path
    log: Path
    binaries: Binaries
    account: Account

    def command(self, program: str, *arguments: str) -> tuple[str, ...]:
        """One of the programs as the cluster's user runs it."""
        return (*self.account.prefix, str(self.binaries.folder / program), *arguments)


async def find_home(folder: Path) -> Home:
    """Home of the folder's cluster, decided anew at each start: folders move and modes change."""
    data, binaries = cluster_of(folder), shipped()
    account = await account_for(data)
    if os.geteuid() == 0:
        if data == inside(folder) and not await account.can("test", "-x", str(data.parent)):
            data = _place_elsewhere(folder)
        if not await account.can(str(binaries.folder / "initdb"), "--version"):
            binaries = await asyncio.to_thread(readable_copy, binaries, _own("binaries"))
    return Home(data, inside(folder).with_suffix(".log"), binaries, account)


def inside(folder: Path) -> Path:
    """Usual place of the cluster."""
    return folder.resolve() / "pg"


def cluster_of(folder: Path) -> Path:
    """Where the cluster lies, or will; PostgresFailed for a copied or moved folder, which must not share a cluster."""
    note = folder / NOTE
    try:
        noted = Path(os.fsdecode(note.read_bytes()).strip())
    except FileNotFoundError:
        return inside(folder)
    expected = _elsewhere(folder)
    if noted != expected:
        raise PostgresFailed(
            f"{note} names {str(noted)[:200]!r}, not this folder's cluster: it was copied or moved."
            f" Put it back, or, if no other folder needs it, move what it names to {expected} and note that instead"
        )
    return noted


def is_cluster(folder: Path) -> bool:
    """Whether the folder has a cluster, as far as one may look; nothing is touched."""
    with usable(folder):
        return (cluster_of(folder) / "PG_VERSION").is_file()


def _elsewhere(folder: Path) -> Path:
    return STATE_FOLDER / "clusters" / hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:20] / "pg"


def _place_elsewhere(folder: Path) -> Path:
    data = _elsewhere(folder)
    _own("clusters", data.parent.name)
    (folder / NOTE).write_text(f"{data}\n")
    return data


def _own(*names: str) -> Path:
    """Folder of the project's own that every user can enter."""
    place = STATE_FOLDER
    for name in ("", *names):
        place /= name
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)
    return place
