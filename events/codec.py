"""The leaf: RFC 8785 canonical JSON of the envelope and its fact. Printer and strict parser side by side."""

from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from domain.commands import FACTS
from domain.fact import data_of, tag
from domain.values import instant_text
from events.recorded import Cause, Recorded

LEAF_VERSION: Final = 1
MAX_LEAF: Final = 65_535


class LeafError(ValueError):
    """Bytes that are no leaf, or a value that a leaf cannot hold."""


class _Leaf(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    v: Annotated[int, Meta(ge=LEAF_VERSION, le=LEAF_VERSION)]
    position: Annotated[int, Meta(ge=1)]
    stream: str
    version: Annotated[int, Meta(ge=1)]
    type: str
    actor: str
    recorded_at: datetime
    effective_on: date
    replaces: int | None
    cause: Cause
    data: msgspec.Raw


_DECODE: Final = msgspec.json.Decoder(_Leaf).decode
_DATA: Final = {name: msgspec.json.Decoder(fact).decode for name, fact in FACTS.items()}


def envelope(recorded: Recorded) -> dict[str, Any]:
    """The leaf as JSON values: all keys always present, absent = null, `data` without its type."""
    cause = recorded.cause
    return {
        "v": LEAF_VERSION,
        "position": recorded.position,
        "stream": recorded.stream,
        "version": recorded.version,
        "type": tag(recorded.fact),
        "actor": recorded.actor,
        "recordedAt": instant_text(recorded.recorded_at),
        "effectiveOn": recorded.effective_on.isoformat(),
        "replaces": recorded.replaces,
        "cause": {
            "command": cause.command,
            "request": str(cause.request),
            "reason": cause.reason,
            "authority": cause.authority,
        },
        "data": data_of(recorded.fact),
    }


def encode(recorded: Recorded) -> bytes:
    """The exact bytes that are stored, hashed and proved; LeafError above 65,535 bytes."""
    entry = canonical(envelope(recorded))
    if len(entry) > MAX_LEAF:
        raise LeafError(f"the fact takes {len(entry)} bytes, a leaf holds {MAX_LEAF}")
    return entry


def decode(entry: bytes) -> Recorded:
    """The fact behind a leaf; LeafError unless `entry` is exactly what `encode` prints."""
    recorded = decode_trusted(entry)
    if encode(recorded) != entry:
        raise LeafError(f"the leaf at position {recorded.position} is not canonical")
    return recorded


def decode_trusted(entry: bytes) -> Recorded:
    """As `decode`, without printing it again to compare: for bytes that this log has written itself."""
    try:
        leaf = _DECODE(entry)
        fact = _DATA[leaf.type](leaf.data)
    except KeyError as error:
        raise LeafError(f"no fact has the type {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LeafError(str(error)) from error
    return Recorded(
        leaf.position,
        leaf.stream,
        leaf.version,
        leaf.actor,
        leaf.recorded_at,
        leaf.effective_on,
        leaf.replaces,
        leaf.cause,
        fact,
    )


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of JSON values with ASCII keys, no floats and integers below 2^53; LeafError for anything else.

    Under this rule msgspec's sorted encoding equals RFC 8785 byte for byte.
    """
    _check(value)
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError as error:
        raise LeafError("half of a surrogate pair is no text") from error


_PLAIN: Final = frozenset(
    {str, bool, type(None)}
)  # as nearly all values are: not to call for each saves a quarter of the check


def _check(value: Any) -> None:
    match value:
        case None | bool() | str():
            pass
        case dict():
            for key, one in value.items():  # pyright: ignore[reportUnknownVariableType]
                if not (isinstance(key, str) and key.isascii()):
                    raise LeafError(f"key {key!r} is not ASCII")
                if type(one) not in _PLAIN:  # pyright: ignore[reportUnknownArgumentType]
                    _check(one)
        case list() | tuple():
            for one in value:  # pyright: ignore[reportUnknownVariableType]
                _check(one)
        case int():
            if not -(2**53) < value < 2**53:
                raise LeafError(f"integer {value} is beyond 2^53")
        case _:
            kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
            raise LeafError(f"{kind.__name__} has no canonical form: write decimals as strings")
