"""What rows say, by digest: what was read once is from then on named by the database, not sent again."""

from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")
MOST_LISTS: Final = 50_000  # lists of digests that are known to be complete
SIZE: Final = 16  # bytes of a digest: nobody finds two rows that share one


def digest_of(document: bytes) -> bytes:
    """The name of a row's JSON."""
    return blake2b(document, digest_size=SIZE).digest()


def split(digests: bytes) -> list[bytes]:
    """Digests that were joined without anything between them."""
    return [digests[at : at + SIZE] for at in range(0, len(digests), SIZE)]


class Documents:
    """Documents by digest. Of what was not asked for lately, at most `bound` bytes are kept."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._size = 0
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._complete: set[bytes] = set()

    def add(self, document: bytes) -> bytes:
        """Keep a document; its digest."""
        digest = digest_of(document)
        self._keep(digest, document)
        return digest

    def has(self, digests: bytes) -> bool:
        """Whether every one of these is kept; those that are stay for longer."""
        if digests in self._complete:
            return True
        for one in split(digests):
            if one not in self._young:
                if one not in self._old:
                    return False
                self._keep(one, self._old[one])
        if len(self._complete) > MOST_LISTS:
            self._complete.clear()
        self._complete.add(digests)
        return True

    def __getitem__(self, digest: bytes) -> bytes:
        return self._young.get(digest) or self._old[digest]

    def _keep(self, digest: bytes, document: bytes) -> None:
        if digest in self._young:
            return
        if self._size > self._bound:  # who has just read can still find it among the old
            self._old, self._young, self._size, self._complete = self._young, {}, 0, set()
        self._young[digest] = document
        self._size += len(document)


DOCUMENTS: Final = Documents(32_000_000)


def decoded(digests: bytes, type_: type[T]) -> list[T]:
    """Documents as Structs."""
    return [struct(type_, one) for one in split(digests)]


@lru_cache(maxsize=32_768)
def struct(type_: type[T], digest: bytes) -> T:
    """One document as a Struct, which all who read it share."""
    return _decoder(type_).decode(DOCUMENTS[digest])


@cache
def _decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(type_)


def keep(documents: Sequence[bytes]) -> bytes:
    """The digests of documents, which are kept from now on."""
    return b"".join(map(DOCUMENTS.add, documents))
