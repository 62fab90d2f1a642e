"""What can go wrong with the private PostgreSQL, in words that say what to do."""

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
