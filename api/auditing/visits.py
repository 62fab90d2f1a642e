"""What an auditor keeps of a log between visits: its key, the notes that were verified, the index of its facts."""

import os
import re
from pathlib import Path
from typing import Final

from api.auditing.verdicts import CannotLook, Contradicted
from events.checkpoint import Checkpoint, parse_checkpoint
from events.note import FormatError, VerifierKey, parse_note

_LOG: Final = re.compile(r"[0-9a-f]{16}")


def state_home() -> Path:
    """Where programs of this user keep their state: XDG_STATE_HOME, or ~/.local/state."""
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state") / "planrecord"


def checkpoint_of(note: bytes) -> Checkpoint:
    """The checkpoint that a note says, whoever signed it; FormatError for what is no log's note."""
    found = parse_checkpoint(parse_note(note).text)
    if not _LOG.fullmatch(found.log):
        raise FormatError("a log's name ends with its identity, 16 digits of lower-case hex")
    return found


class Visits:
    """The folder of one log in the state of this user."""

    def __init__(self, log: str, state: Path | None = None) -> None:
        if not _LOG.fullmatch(log):
            raise CannotLook(f"{log[:100]!r} is no log's identity")
        self.folder = (state or state_home()) / log
        self.index = self.folder / "index.sqlite"

    def make(self) -> None:
        """Have the folder."""
        try:
            (self.folder / "notes").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotLook(f"{self.folder} cannot be made: {error.strerror}") from error

    def key(self) -> VerifierKey | None:
        """The key that was trusted at the first visit."""
        try:
            return VerifierKey.parse((self.folder / "trusted-key").read_text().strip())
        except FileNotFoundError:
            return None
        except (FormatError, OSError) as error:
            raise CannotLook(f"{self.folder / 'trusted-key'} cannot be read: {error}") from error

    def trust(self, key: VerifierKey) -> None:
        """Keep the key for later visits."""
        write_whole(self.folder / "trusted-key", f"{key}\n".encode())

    def notes(self) -> list[tuple[Checkpoint, bytes]]:
        """The notes of earlier visits, each with what it says, smallest first."""
        found: list[tuple[Checkpoint, bytes]] = []
        for path in sorted((self.folder / "notes").glob("*")):
            try:
                note = path.read_bytes()
                found.append((checkpoint_of(note), note))
            except (FormatError, OSError) as error:
                raise CannotLook(f"{path}, a note of an earlier visit, cannot be read: {error}") from error
        return sorted(found, key=lambda one: one[0].size)

    def keep(self, checkpoint: Checkpoint, note: bytes) -> None:
        """Keep a note that was verified; two of one size and root are one, two roots of one size a contradiction."""
        path = self.folder / "notes" / f"{checkpoint.size:016}"
        if not path.exists():
            write_whole(path, note)
        elif checkpoint_of(path.read_bytes()) != checkpoint:
            raise Contradicted(f"two roots were signed for {checkpoint.size} facts", notes=[path.read_bytes(), note])

    def contradiction(self, sentence: str, notes: tuple[bytes, ...]) -> Path:
        """A file with what was found and the notes that prove it."""
        number = 1 + len(list(self.folder.glob("contradiction-*")))
        path = self.folder / f"contradiction-{number}"
        write_whole(path, "\n".join([sentence, "", *(note.decode(errors="replace") for note in notes)]).encode())
        return path


def write_whole(path: Path, said: bytes) -> None:
    """Put a file in its place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(said)
    beside.replace(path)
