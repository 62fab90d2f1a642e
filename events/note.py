"""C2SP signed-note: a text and who signs it, with Ed25519. Signing keys are printed as Go's note package has them."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = b"\x01"
MAX_NOTE: Final = 65_536  # bytes
_BYTES: Final = 32  # of an Ed25519 key, public or private
_MARK: Final = "\u2014 "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_PRIVATE: Final = "PRIVATE+KEY+"


class FormatError(Exception):
    """What was given is not of the form that it should be of; the message says what is wrong."""


class Signature(NamedTuple):
    """A signature line: the key's name and id (4 bytes), and what it signed with."""

    name: str
    key_id: bytes
    made: bytes


class Note(NamedTuple):
    """A signed text, which ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]


def print_note(note: Note) -> bytes:
    """The note as it is published; FormatError for what is none."""
    lines = "".join(f"{_MARK}{one.name} {_base64(one.key_id + one.made)}\n" for one in note.signatures)
    printed = f"{note.text}\n{lines}".encode()
    if parse_note(printed) != note:
        raise FormatError("the text of a note ends in a newline")
    return printed


def parse_note(given: bytes) -> Note:
    """The note that these bytes are, to the last of them; FormatError."""
    if len(given) > MAX_NOTE:
        raise FormatError(f"a note has at most {MAX_NOTE} bytes")
    try:
        said = given.decode()
    except UnicodeDecodeError as error:
        raise FormatError("a note is UTF-8") from error
    if _CONTROL.search(said):
        raise FormatError("a note has no control characters but newlines")
    text, blank, lines = said.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise FormatError("a note is a text, an empty line, and lines of signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines[:-1].split("\n")))


def _signature(line: str) -> Signature:
    name, _, made = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not is_key_name(name):
        raise FormatError("a signature line is a dash, the name of a key, and its signature in base64")
    signature = from_base64(made)
    if len(signature) <= 4:  # noqa: PLR2004 - the key's id
        raise FormatError("a signature begins with the four bytes of the key's id")
    return Signature(name, signature[:4], signature[4:])


def is_key_name(name: str) -> bool:
    """Whether a key may have this name."""
    return bool(name) and "+" not in name and not any(one.isspace() for one in name) and name.isprintable()


def from_base64(said: str) -> bytes:
    """What was written in base64, in the one way in which it can be; FormatError."""
    try:
        found = b64decode(said, validate=True)
    except (NotBase64, ValueError) as error:
        raise FormatError("that is not base64") from error
    if _base64(found) != said:
        raise FormatError("that is not base64 as it is written")
    return found


def _base64(bytes_: bytes) -> str:
    return b64encode(bytes_).decode()


class VerifierKey(NamedTuple):
    """A public key (32 bytes) under its name. Printed it is a vkey: `name+id+base64`."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, said: str) -> "VerifierKey":
        """The key that a vkey is; FormatError."""
        name, _, rest = said.partition("+")
        key_id, _, encoded = rest.partition("+")
        bytes_ = from_base64(encoded)
        if not is_key_name(name) or bytes_[:1] != ED25519 or len(bytes_) != 1 + _BYTES:
            raise FormatError("a key is its name, its id and 33 bytes in base64, joined by +, for Ed25519")
        key = cls(name, bytes_[1:])
        if key.key_id.hex() != key_id:
            raise FormatError("the key's id is not that of its name and its bytes")
        return key

    def __str__(self) -> str:
        """The vkey."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.public)}"

    @property
    def key_id(self) -> bytes:
        """Its id: 4 bytes."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def fingerprint(self) -> str:
        """What people compare: the SHA-256 of the vkey, in hex."""
        return sha256(str(self).encode()).hexdigest()

    def verifies(self, note: Note) -> bool:
        """Whether it has signed the note; a signature of its name and id that is wrong spoils the note."""
        own = [one for one in note.signatures if (one.name, one.key_id) == (self.name, self.key_id)]
        try:
            public = Ed25519PublicKey.from_public_bytes(self.public)
            for one in own:
                public.verify(one.made, note.text.encode())
        except (InvalidSignature, ValueError):
            return False
        return bool(own)


class SigningKey(NamedTuple):
    """A private key (32 bytes) under its name. Printed it is as Go's note package has it; keep that from everybody."""

    name: str
    private: bytes

    @classmethod
    def parse(cls, said: str) -> "SigningKey":
        """The key that a line is; FormatError, which does not repeat it."""
        name, _, rest = said.removeprefix(_PRIVATE).partition("+")
        key_id, _, encoded = rest.partition("+")
        bytes_ = from_base64(encoded)
        if not said.startswith(_PRIVATE) or bytes_[:1] != ED25519 or len(bytes_) != 1 + _BYTES:
            raise FormatError("that is no signing key")
        key = cls(name, bytes_[1:])
        if not is_key_name(name) or key.public.key_id.hex() != key_id:
            raise FormatError("the signing key's id is not that of its name and its bytes")
        return key

    def printed(self) -> str:
        """The line that `parse` reads."""
        return f"{_PRIVATE}{self.name}+{self.public.key_id.hex()}+{_base64(ED25519 + self.private)}"

    def __repr__(self) -> str:
        """Its name alone: a secret stands in no message."""
        return f"SigningKey({self.name!r})"

    @property
    def public(self) -> VerifierKey:
        """The key that verifies what this one signs."""
        return VerifierKey(self.name, self._key().public_key().public_bytes_raw())

    def sign(self, text: str) -> Note:
        """The text, signed."""
        return Note(text, (Signature(self.name, self.public.key_id, self._key().sign(text.encode())),))

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.private)
