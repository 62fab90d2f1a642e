"""What can go wrong with the private PostgreSQL, in words that say what to do."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class PostgresFailed(Exception):
    """The private PostgreSQL cannot be made, started or reached; the message says why and what helps."""


class FolderInUse(PostgresFailed):
    """Another live planrecord, `pid`, works in the folder (`pid` is None where it has not said so yet)."""

    def __init__(
        self, folder: Path, pid: int | None, detail: str = "stop it first, or name another data folder"
    ) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{folder} is in use by planrecord, {who}: {detail}")
        self.folder = folder
        self.pid = pid


@contextmanager
def usable(folder: Path) -> Generator[None]:
    """What the system refuses within the block, said of the data folder: PostgresFailed."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_room(folder) from error
        where = error.filename or folder
        raise PostgresFailed(
            f"{where} cannot be used ({error.strerror}): name another data folder, or run as the user who made it"
        ) from error


def no_room(folder: Path) -> PostgresFailed:
    """The disk is full."""
    return PostgresFailed(f"there is no room left on the disk that holds {folder}: make some, and start again")
