"""C2SP tlog-proof: that an entry is in a signed log, in a file that stands by itself."""

import re
from base64 import b64encode
from typing import Final

import msgspec

from events import merkle
from events.checkpoint import Checkpoint, open_checkpoint
from events.note import FormatError, VerifierKey, from_base64

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF: Final = 64  # hashes: a tree of 2^64 leaves has no longer path
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,15})")
_HASH: Final = 32  # bytes


class Proof(msgspec.Struct, frozen=True):
    """Where the entry stands (from 0), the hashes from its sibling upwards, and the note of the log that has it."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes

    def check(self, entry: bytes, key: VerifierKey) -> Checkpoint:
        """The log that holds the entry at this place, as its key has signed; NotProved, NotSigned, FormatError."""
        checkpoint = open_checkpoint(self.note, key)
        merkle.check_inclusion(self.index, checkpoint.size, merkle.leaf_hash(entry), self.hashes, checkpoint.root)
        return checkpoint


def print_proof(proof: Proof) -> bytes:
    """The file."""
    lines = [FIRST_LINE, f"index {proof.index}", *(b64encode(one).decode() for one in proof.hashes), "", ""]
    return "\n".join(lines).encode() + proof.note


def parse_proof(given: bytes) -> Proof:
    """The proof that a file is, without data of anybody else's beside it; FormatError."""
    said, blank, note = given.partition(b"\n\n")
    try:
        first, *lines = said.decode().split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("a proof is UTF-8") from error
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if first != FIRST_LINE or not index or not blank or not note:
        raise FormatError(f"a proof begins with {FIRST_LINE} and the entry's index, and ends in a checkpoint")
    hashes = tuple(from_base64(line) for line in lines[1:])
    if len(hashes) > MAX_PROOF or any(len(one) != _HASH for one in hashes):
        raise FormatError(f"a proof has at most {MAX_PROOF} hashes of 32 bytes")
    return Proof(int(index[1]), hashes, note)
