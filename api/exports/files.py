"""Exports that lie in files, for whoever asks again: bounded in bytes; what was asked for longest ago goes first."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from api.exports.orders import Declined, Filed

EXPORTS_FOLDER: Final = "exports"  # in the data folder
UNFINISHED: Final = ".part"
ABANDONED: Final = 3_600.0  # seconds after which nobody writes any more what was not touched
_SAID: Final = ".said"  # what is known of a file lies beside it
_SAYS: Final = msgspec.json.Decoder(Filed | Declined)


class ExportFiles:
    """The files of a folder, which several processes may share: what has a name is whole, and never changes.

    All of its methods wait for the disk. `most`: bytes of all of them together.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self.most = most

    def prepare(self) -> None:
        """Make the folder; forget what a process that died left unfinished."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.keep_within()

    def path(self, name: str) -> Path:
        """Where the file of that name is, or will be."""
        return self.folder / name

    def found(self, name: str) -> Filed | Declined | None:
        """What is known of a file; None where there is none."""
        said = self.path(name + _SAID)
        try:
            found = _SAYS.decode(said.read_bytes())
            os.utime(said)
            if isinstance(found, Filed) and self.path(name).stat().st_size != found.size:
                return None
        except (OSError, msgspec.DecodeError):
            return None
        return found

    def unfinished(self, name: str) -> Path:
        """Where a file may be written until it is whole: nobody else writes there."""
        return self.path(f"{name}.{os.getpid()}{UNFINISHED}")

    def keep(self, name: str, said: Filed | Declined) -> None:
        """Give what was written its name, with what is known of it, and make room for it."""
        if isinstance(said, Filed):
            self.unfinished(name).replace(self.path(name))
        beside = self.unfinished(name + _SAID)
        beside.write_bytes(msgspec.json.encode(said))
        beside.replace(self.path(name + _SAID))
        self.keep_within()

    def keep_within(self) -> None:
        """Drop the files that were asked for longest ago until the others have room, and what nobody finished."""
        for one in self.folder.glob(f"*{UNFINISHED}*"):
            if time.time() - _touched(one) > ABANDONED:
                shutil.rmtree(one, ignore_errors=True)
                one.unlink(missing_ok=True)
        room = self.most
        for said in sorted(self.folder.glob(f"*{_SAID}"), key=_touched, reverse=True):
            file = said.with_suffix("")
            room -= _size(file) + _size(said)
            if room < 0:
                said.unlink(missing_ok=True)
                file.unlink(missing_ok=True)


def _touched(file: Path) -> float:
    with suppress(OSError):
        return file.stat().st_mtime
    return 0.0


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0
