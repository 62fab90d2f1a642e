"""The lock on a data folder: held by the planrecord that owns its server, released by the kernel when that one dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class Lock:
    """`folder/lock`, held. Its lines are the holder's pid and the socket folder, for whoever comes later."""

    def __init__(self, descriptor: int, before: str) -> None:
        self._descriptor = descriptor
        self.before = before  # the lines of the previous holder, which may have been killed

    @classmethod
    def take(cls, folder: Path) -> Self | None:
        """Lock the folder, made if absent; None where a live process holds the lock, OSError where it cannot be."""
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        lock = cls(descriptor, os.pread(descriptor, 4096, 0).decode())
        lock.note()
        return lock

    @staticmethod
    def holder(folder: Path) -> int | None:
        """Pid that the holder wrote down."""
        first = (folder / "lock").read_text().partition("\n")[0]
        return int(first) if first.isdecimal() else None

    def note(self, socket: Path | None = None) -> None:
        """Say who holds the lock and where its socket lies."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n{socket or ''}\n".encode(), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: were it removed, two processes could hold locks on two files of one name.
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
