"""Cursors: where a page ended, and at which moment of which list, so that paging never mixes two states."""

from base64 import b64decode, urlsafe_b64encode
from datetime import date
from hashlib import blake2b
from typing import Any, Final

import msgspec

from api.services.problems import Fault, Trouble
from projections.as_of import AsOf, Moment
from projections.lists import Collection, Place

NOT_OURS: Final = "this cursor was not given out here: begin again without it"


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The list and its version, the moment, what it was filtered by, and the place of the page's last item."""

    list: str
    version: int
    position: int
    effective_on: date
    filter: str
    place: tuple[Any, ...]


def print_cursor(collection: Collection[Any, Any], scope: str, given: Any, moment: Moment, place: Place) -> str:
    """An opaque cursor."""
    cursor = Cursor(
        collection.name, collection.version, moment.position, moment.effective_on, _hash(scope, given), place
    )
    return urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def parse_cursor(collection: Collection[Any, Any], scope: str, given: Any, text: str) -> Cursor:
    """The cursor behind its text; Trouble for anything that was not printed for this very list and filter."""
    try:
        cursor = msgspec.json.decode(b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True), type=Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise _wrong("bad_cursor", NOT_OURS) from error
    if cursor.list != collection.name or (
        cursor.version == collection.version and cursor.filter != _hash(scope, given)
    ):
        raise _wrong("cursor_of_another_list", "this cursor belongs to another list or filter: begin again without it")
    if cursor.version != collection.version:
        raise Trouble(410, "retired_cursor", "this cursor is of an earlier release: begin again without it")
    try:
        place = msgspec.convert(cursor.place, collection.places(given))
    except msgspec.ValidationError as error:
        raise _wrong("bad_cursor", NOT_OURS) from error
    return msgspec.structs.replace(cursor, place=place)


def asked_with(asked: AsOf, cursor: Cursor) -> AsOf:
    """The moment of the page before; Trouble if another clock is asked for beside the cursor."""
    pinned = AsOf(position=cursor.position, effective_on=cursor.effective_on, min_position=asked.min_position)
    if asked not in {AsOf(min_position=asked.min_position), pinned}:
        raise _wrong("cursor_of_another_moment", "a cursor goes on at its own moment: leave the clocks out")
    return pinned


def _wrong(code: str, detail: str) -> Trouble:
    return Trouble(400, code, detail, [Fault("cursor", detail)])


def _hash(scope: str, given: Any) -> str:
    """What a list is filtered and sorted by."""
    return blake2b(scope.encode() + b"\0" + msgspec.json.encode(given), digest_size=6).hexdigest()
