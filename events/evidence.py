"""A saved answer: what was answered, a note that covers the log it was read from, and that the one begins the other.

The answer itself is signed by nobody. It names the size and the root of the log that it follows from; the note and the
consistency proof show that the log's key has signed that root. Whether it follows from that log, the facts tell.
"""

import re
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from domain.values import Sha256
from events import merkle
from events.checkpoint import Checkpoint, open_checkpoint
from events.foreign_json import foreign_json
from events.note import FormatError, VerifierKey

MAX_EVIDENCE: Final = 64_000_000  # bytes
MAX_HASHES: Final = 128
_HASH: Final = re.compile("[0-9a-f]{64}")


class ReadAt(NamedTuple):
    """What an answer says it was read from: the log `{origin}/{log}`, its size and root (32 bytes), and the day.

    `address` has both clocks pinned; None where it would be too long.
    """

    name: str
    position: int
    root: bytes
    effective_on: str
    address: str | None


class SavedAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An answer in JSON to a GET of `of`, an address with both clocks pinned. `note` is null where nobody had signed.

    `consistency` proves that the log of the note begins with the one of the answer: hashes in hex.
    """

    format: Literal["planrecord-evidence.v1"] = "planrecord-evidence.v1"
    of: str
    answer: str
    note: str | None
    consistency: tuple[str, ...] = ()

    def read_at(self) -> ReadAt:
        """What the answer says it was read from; FormatError."""
        return read_at(self.answer.encode())

    def check(self, key: VerifierKey) -> Checkpoint:
        """The signed log that begins with the answer's; FormatError, NotSigned, NotProved."""
        if self.note is None:
            raise FormatError("the answer was saved without a note: it proves nothing by itself")
        said, signed = self.read_at(), open_checkpoint(self.note.encode(), key)
        if said.name != signed.origin:
            raise merkle.NotProved(f"the answer is one of {said.name}, and the note of {signed.origin}")
        hashes = [bytes.fromhex(one) for one in self.consistency]
        merkle.check_consistency(said.position, said.root, signed.size, signed.root, hashes)
        return signed


class _Meta(msgspec.Struct):
    origin: str
    log: str
    position: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
    root: Sha256
    effective_on: str = msgspec.field(name="effectiveOn")
    self_: str | None = msgspec.field(name="self", default=None)


class _Answer(msgspec.Struct):
    meta: _Meta


def read_at(answer: bytes) -> ReadAt:
    """What an answer in JSON says of the log that it was read from; FormatError if it does not say."""
    try:
        meta = msgspec.json.decode(answer, type=_Answer).meta
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"the answer does not say which log it was read from ({error})") from error
    return ReadAt(f"{meta.origin}/{meta.log}", meta.position, bytes.fromhex(meta.root), meta.effective_on, meta.self_)


def print_evidence(evidence: SavedAnswer) -> bytes:
    """The file."""
    return msgspec.json.format(msgspec.json.encode(evidence)) + b"\n"


def parse_evidence(given: bytes) -> SavedAnswer:
    """The saved answer that a file is; FormatError."""
    if len(given) > MAX_EVIDENCE:
        raise FormatError(f"a saved answer has at most {MAX_EVIDENCE:,} bytes")
    try:
        found: SavedAnswer = foreign_json(given, SavedAnswer)
    except FormatError as error:
        raise FormatError(f"that is no saved answer: {error}") from error
    try:
        foreign_json(found.answer.encode())
    except (FormatError, UnicodeEncodeError) as error:
        raise FormatError(f"what is saved in it is no answer: {error}") from error
    if len(found.consistency) > MAX_HASHES or not all(map(_HASH.fullmatch, found.consistency)):
        raise FormatError(f"a consistency proof has at most {MAX_HASHES} hashes of 64 hex digits each")
    return found
