"""Exports that lie in files, for whoever asks again: bounded in bytes; what was asked for longest ago goes first.

A name begins with the count of erasures before which its file was made: what was made earlier may hold erased text.
"""

import fcntl
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
BLOCK: Final = 4_096  # bytes that a file takes at least
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

    def prepare(self, name: str) -> None:
        """Make the folder for a file; forget what a process that died left unfinished, and what was made too early."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for said in self.folder.glob(f"*{_SAID}"):
            if _erasures(said.name) < _erasures(name):
                _drop(said)
        self.keep_within()

    def path(self, name: str) -> Path:
        """Where the file of that name is, or will be."""
        return self.folder / name

    def found(self, name: str) -> Filed | Declined | None:
        """What is known of a file; None where there is none."""
        said = self.path(name + _SAID)
        try:
            found = _SAYS.decode(said.read_bytes())
            with suppress(OSError):  # where nothing may be written what is there is given all the same
                os.utime(said)
            if isinstance(found, Filed) and self.path(name).stat().st_size != found.size:
                return None
        except (OSError, msgspec.DecodeError):
            return None
        return found

    def unfinished(self, name: str) -> Path:
        """Where a file may be written until it is whole: nobody else writes there."""
        return self.path(f"{name}.{os.getpid()}{UNFINISHED}")

    def abandon(self, name: str) -> None:
        """Drop what was written of a file that will not be whole, and what lies beside it."""
        for one in self.folder.glob(f"{self.unfinished(name).name}*"):
            with suppress(OSError):  # then it goes with what nobody finished
                _remove(one)

    def claim(self, name: str) -> int | None:
        """The right to make a file, for as long as what is returned is open; None while another process has it."""
        claim = os.open(self.path(f"{name}.claim{UNFINISHED}"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(claim)
            return None
        return claim

    def give_up(self, name: str, claim: int) -> None:
        """Let others make the file, should it not be there."""
        with suppress(OSError):
            self.path(f"{name}.claim{UNFINISHED}").unlink(missing_ok=True)
        os.close(claim)

    def keep(self, name: str, said: Filed | Declined) -> Filed | Declined:
        """Give what was written its name, with what is known of it, and make room for it; what is kept.

        That is another process's where it was first. What is known comes before the file, which nobody finds without.
        """
        written = self.unfinished(name)
        if kept := self.found(name):
            written.unlink(missing_ok=True)
            return kept
        beside = self.unfinished(name + _SAID)
        beside.write_bytes(msgspec.json.encode(said))
        beside.replace(self.path(name + _SAID))
        if isinstance(said, Filed):
            written.replace(self.path(name))
        self.keep_within()
        return said

    def keep_within(self) -> None:
        """Drop the files that were asked for longest ago until the others have room, and what nobody finished."""
        for one in self.folder.glob(f"*{UNFINISHED}*"):
            if time.time() - _touched(one) > ABANDONED:
                _remove(one)
        room = self.most
        for said in sorted(self.folder.glob(f"*{_SAID}"), key=_touched, reverse=True):
            room -= _size(said.with_suffix("")) + _size(said)
            if room < 0:
                _drop(said)


def _erasures(name: str) -> int:
    """Before how many erasures a file of that name was made."""
    count = name.partition(".")[0]
    return int(count) if count.isdecimal() else -1


def _remove(one: Path) -> None:
    if one.is_dir():
        shutil.rmtree(one, ignore_errors=True)
    else:
        one.unlink(missing_ok=True)


def _drop(said: Path) -> None:
    said.with_suffix("").unlink(missing_ok=True)
    said.unlink(missing_ok=True)


def _touched(file: Path) -> float:
    with suppress(OSError):
        return file.stat().st_mtime
    return 0.0


def _size(file: Path) -> int:
    """Bytes on the disk: many small files are no less."""
    with suppress(OSError):
        return -(-file.stat().st_size // BLOCK) * BLOCK
    return 0
