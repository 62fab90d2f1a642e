"""Erasable text, sealed as in SD-JWT (RFC 9901): the leaf holds the digest of `[salt, value]`, not the text."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any, cast

import msgspec

from domain.fact import Fact, data_of
from domain.values import Sealed
from events.codec import canonical


class Disclosure(msgspec.Struct, frozen=True):
    """What a digest hides: a 128-bit salt, base64url, and the text."""

    digest: str
    salt: str
    value: str


def disclose(value: str, salt: bytes) -> Disclosure:
    """Seal `value` under 16 random bytes."""
    text = base64url(salt)
    return Disclosure(sealed_digest(text, value), text, value)


def sealed_digest(salt: str, value: str) -> str:
    """Digest of a disclosure: SHA-256 over the base64url of the canonical `[salt, value]`, itself base64url."""
    return base64url(sha256(base64url(canonical([salt, value])).encode()).digest())


def disclosed(rows: Iterable[Any]) -> dict[str, tuple[str, str]]:
    """By digest the salts and texts of these rows (`digest`, `salt`, `value`).

    A text that is not the one under its digest was put there by somebody: it is withheld, like one that is gone.
    """
    texts = ((row["digest"], row["salt"], row["value"]) for row in rows)
    return {digest: (salt, value) for digest, salt, value in texts if digest == sealed_digest(salt, value)}


def digests(data: Any) -> Iterator[str]:
    """The digests in a fact's data: those nearest to the top first, in one order whatever order the fields came in."""
    level: list[Any] = [data]
    while level:
        below: list[Any] = []
        for value in level:
            match value:
                case {"_sd": str(digest)}:
                    yield digest
                case dict():
                    fields = cast("dict[str, Any]", value)
                    below += (fields[name] for name in sorted(fields))
                case list() | tuple():
                    below += value
                case _:
                    pass
        level = below


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Sealer:
    """Seals texts and keeps what it sealed, for the disclosures table. `salt` gives 16 random bytes."""

    def __init__(self, salt: Callable[[], bytes]) -> None:
        self._salt = salt
        self.disclosures: list[Disclosure] = []

    def __call__(self, value: str) -> Sealed:
        """Seal one text."""
        one = disclose(value, self._salt())
        self.disclosures.append(one)
        return Sealed(one.digest)

    def behind(self, fact: Fact) -> tuple[Disclosure, ...]:
        """The disclosures whose digests stand in `fact`."""
        if not self.disclosures:
            return ()
        leaf = canonical(data_of(fact)).decode()
        return tuple(one for one in self.disclosures if one.digest in leaf)
