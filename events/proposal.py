"""What a request asks the log to append, under which conditions, and how that can end."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.fact import Fact
from domain.undo import FactVoided
from events.erasable import Disclosure
from events.recorded import Cause, Recorded


class Conflict(Exception):
    """A stream that the decision rests on has moved: expected version X, was Y."""

    def __init__(self, stream: str, expected: int | None, actual: int | None) -> None:
        super().__init__(f"{stream}: expected version {expected}, was {actual}")


class KeyReused(Exception):
    """The Idempotency-Key came before, with another body."""


class ClockBehind(Exception):
    """The database's clock is seconds behind the last recorded fact: appending stops until it has caught up."""


class OtherShape(Exception):
    """The tables have the shape of another release: nothing was recorded, and by this process nothing will be."""

    def __init__(self) -> None:
        super().__init__(
            "another release of planrecord has made the tables of this record anew; this server has to be stopped, and "
            "that release started in its place"
        )


class DiskFull(Exception):
    """The database's disk has no room: nothing was recorded."""


class Unacknowledged(Exception):
    """The database went away: nobody can say whether the facts were recorded. Send them again with the same key."""


class NewFact(NamedTuple):
    """A decided fact with its envelope, but for what only the log can say."""

    stream: str
    fact: Fact
    effective_on: date
    replaces: int | None
    cause: Cause
    disclosures: tuple[Disclosure, ...] = ()

    @property
    def undoes(self) -> int | None:
        """The position that this fact voids or replaces, if any."""
        return self.fact.target if isinstance(self.fact, FactVoided) else self.replaces


class IdempotencyKey(NamedTuple):
    """A request's key, within its office, and the HMAC of its body under the log's own key.

    `token_hmac`: its HMAC under the token, by which requests were kept before the log had a key.
    """

    key: str
    body_hmac: bytes
    token_hmac: bytes | None = None

    def came_with(self, body_hmac: bytes) -> bool:
        """Whether the request that is kept had the same body."""
        return body_hmac in (self.body_hmac, self.token_hmac)


class Proposal(msgspec.Struct, frozen=True):
    """What one request asks the log to append, and the conditions under which it was decided.

    `read`: the version of every stream that was read. `ahead`: the requests that were to record the last facts of such
    a stream, one for each fact; a version alone would not say whose they are. `known`: the facts of the streams that
    are written, as read, those ahead left out.
    `unnamed`: streams whose subject no live fact of another stream may name, but such as it undoes itself.
    `unnamed_since`: those that no fact may name behind the size of the log that is said. `today`: the day it was
    decided on.
    """

    actor: str
    new: Sequence[NewFact]
    read: Mapping[str, int]
    known: Mapping[str, Sequence[Recorded]]
    today: date
    unnamed: frozenset[str] = frozenset()
    unnamed_since: Mapping[str, int] = MappingProxyType({})
    idempotency: IdempotencyKey | None = None
    ahead: Mapping[str, tuple[UUID, ...]] = MappingProxyType({})


class Appended(NamedTuple):
    """Where a request's facts stand; `replayed` if they were recorded by an earlier request with the same key.

    `leaves` are their bytes and `disclosures` their texts, where they were recorded now. `unchanged`: which of its
    commands recorded nothing, by their index; None where that was not kept.
    """

    positions: tuple[int, ...]
    replayed: bool
    leaves: tuple[bytes, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()
    unchanged: tuple[int, ...] | None = None


def replay(idempotency: IdempotencyKey, body_hmac: bytes, positions: Iterable[int]) -> Appended:
    """Where the earlier request's facts stand; KeyReused if it had another body."""
    if not idempotency.came_with(body_hmac):
        raise KeyReused(idempotency.key)
    return Appended(tuple(positions), replayed=True)


def new_request_id(instant: datetime, randomness: bytes) -> UUID:
    """A UUIDv7 (RFC 9562) of an instant and 10 random bytes."""
    milliseconds = int(instant.timestamp() * 1000).to_bytes(6, "big")
    value = bytearray(milliseconds + randomness)
    value[6] = value[6] & 0x0F | 0x70
    value[8] = value[8] & 0x3F | 0x80
    return UUID(bytes=bytes(value))
