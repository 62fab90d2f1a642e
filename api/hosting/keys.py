"""The publisher's folder: for each log its signing key, and the last note that was published, outside the database.

`{log}/key` is the secret, for its owner alone; `{log}/vkey` is what everybody may know of it; `{log}/note` the note.
"""

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from api.hosting.settings import Settings
from api.postgres.errors import usable
from events.checkpoint import Checkpoint, NotSigned, open_checkpoint
from events.note import FormatError, SigningKey, VerifierKey, is_key_name

FOLDER: Final = "publisher"  # within the data folder, unless a setting names another
KEY, VKEY = "key", "vkey"
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyUnusable(Exception):
    """A signing key, or what is kept beside it, that cannot be used; the message says what to do."""


class KeyFolder(NamedTuple):
    """Where the key of one log lies."""

    path: Path

    @property
    def note_file(self) -> Path:
        """Where the last note that was published is kept."""
        return self.path / "note"

    def key(self) -> SigningKey | None:
        """The signing key, if it is here; KeyUnusable."""
        said = self._read(KEY)
        if said is None:
            return None
        if (self.path / KEY).stat().st_mode & OTHERS:
            raise KeyUnusable(f"{self.path / KEY} can be read by others than its owner: `chmod 600` it")
        try:
            return SigningKey.parse(said.decode().strip())
        except (FormatError, UnicodeDecodeError) as error:
            raise KeyUnusable(f"{self.path / KEY} cannot be read as a key: put back the one that was there") from error

    def note(self) -> bytes | None:
        """The last note that was published from here."""
        return self._read("note")

    def signed(self) -> Checkpoint | None:
        """What that note says; KeyUnusable if its key has not signed it."""
        note, vkey = self.note(), self._read(VKEY)
        if note is None:
            return None
        try:
            return open_checkpoint(note, VerifierKey.parse((vkey or b"").decode().strip()))
        except (FormatError, NotSigned, UnicodeDecodeError) as error:
            raise KeyUnusable(
                f"{self.note_file} should be the last note that was published, and cannot be read as that ({error}): "
                f"put it back, or move it away if you know that nothing is missing"
            ) from error

    def make(self, name: str) -> SigningKey:
        """A key of that name, made from the system's randomness; the one that is here is left, and given back."""
        if not is_key_name(name):
            raise KeyUnusable(f"{name!r} cannot be the name of a key: an origin holds no blanks, and no +")
        if found := self.key():
            return found
        key = SigningKey(name, os.urandom(32))
        with usable(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self.path / VKEY, f"{key.public}\n".encode())
            replace_file(self.path / KEY, f"{key.printed()}\n".encode(), mode=0o600)
        return key

    def keep(self, note: bytes) -> None:
        """Keep a note for good, in the place of the last; OSError."""
        replace_file(self.note_file, note)

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise KeyUnusable(f"{self.path / name} cannot be read: {error.strerror}") from error


def key_folder(settings: Settings, log: str) -> KeyFolder:
    """Where the key of a log lies, if it lies on this machine."""
    return KeyFolder((settings.publisher_dir or settings.data_dir / FOLDER) / log)


def replace_file(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file anew at one stroke, and for good: whoever reads it finds the old content or the new. OSError."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)  # of one that was killed
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as written:  # noqa: PTH123 - a descriptor
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
