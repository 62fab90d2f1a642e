"""C2SP tlog-checkpoint: what a log says of itself at a size, and signs."""

import re
from base64 import b64encode
from typing import Final, NamedTuple

from events.note import FormatError, VerifierKey, from_base64, parse_note

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")  # of more facts no integer of JSON could tell
_HASH: Final = 32  # bytes


class NotSigned(Exception):
    """A checkpoint that the key has not signed."""


class Checkpoint(NamedTuple):
    """A log's name (`{origin}/{log}`), its size, and its root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def log(self) -> str:
        """The log's random identity, with which its name ends."""
        return self.origin.rpartition("/")[2]


def print_checkpoint(checkpoint: Checkpoint) -> str:
    """The text of its note."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is: three lines, as this log adds none; FormatError."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:  # noqa: PLR2004 - the three, and what follows the last newline
        raise FormatError("a checkpoint has three lines: the log's name, its size, its root in base64")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise FormatError("a checkpoint's size is a number without leading zeros")
    found = from_base64(root)
    if len(found) != _HASH:
        raise FormatError("a checkpoint's root has 32 bytes")
    return Checkpoint(origin, int(size), found)


def open_checkpoint(note: bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that this key, which has the log's name, has signed; FormatError, NotSigned."""
    parsed = parse_note(note)
    checkpoint = parse_checkpoint(parsed.text)
    if checkpoint.origin != key.name:
        raise NotSigned(f"the checkpoint is one of {checkpoint.origin}, the key that of {key.name}")
    if not key.verifies(parsed):
        raise NotSigned(
            f"the checkpoint of {checkpoint.size} facts is not signed by the key {key.key_id.hex()} of its log"
        )
    return checkpoint
