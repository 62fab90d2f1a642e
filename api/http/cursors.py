"""Cursors: where a page ended, and at which moment of which list, so that paging never mixes two states."""

from base64 import b64decode, urlsafe_b64encode
from datetime import date
from hashlib import blake2b
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from api.services.problems import Fault, Trouble
from api.services.reader import Reader
from projections.as_of import AsOf, Moment
from projections.lists import Collection, Place

NOT_OURS: Final = "this cursor was not given out here: begin again without it"


LONGEST_CURSOR: Final = 4_000  # characters of a cursor: all that was given out are shorter


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The list and its version, the moment, what it was filtered by, and the place of the page's last item.

    `clocks` names those that the first page was asked with: whoever resends them means the cursor's own moment.
    """

    list: str
    version: int
    position: int
    effective_on: date
    filter: str
    place: tuple[Any, ...]
    clocks: Annotated[str, Meta(pattern=r"^([0-9a-f]{12})?$")] = ""


class Resent(NamedTuple):
    """Clocks that were given beside what names its moment already: they must mean the same, or it is `trouble`."""

    asked: AsOf
    trouble: Trouble


class Start(NamedTuple):
    """Where a page begins: the moment, the place behind which it does, and the clocks of the first page."""

    asked: AsOf
    place: Place | None
    clocks: str
    resent: Resent | None = None


def print_cursor(  # noqa: PLR0913, PLR0917 - all that a cursor holds
    collection: Collection[Any, Any], scope: str, given: Any, moment: Moment, place: Place, clocks: str
) -> str:
    """An opaque cursor."""
    filtered = _hash(scope, given)
    cursor = Cursor(collection.name, collection.version, moment.position, moment.effective_on, filtered, place, clocks)
    return urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def parse_cursor(collection: Collection[Any, Any], scope: str, given: Any, text: str) -> Cursor:
    """The cursor behind its text; Trouble for anything that was not printed for this very list and filter."""
    cursor = decoded_cursor(text)
    return msgspec.structs.replace(cursor, place=place_in(collection, scope, given, cursor))


def decoded_cursor(text: str) -> Cursor:
    """The cursor behind its text, of whatever list; Trouble for what is none."""
    if len(text) > LONGEST_CURSOR:
        raise _wrong("bad_cursor", NOT_OURS)
    try:
        return msgspec.json.decode(b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True), type=Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise _wrong("bad_cursor", NOT_OURS) from error


def place_in(collection: Collection[Any, Any], scope: str, given: Any, cursor: Cursor) -> Place:
    """The place that a cursor names in a list; Trouble for one of another list or filter."""
    if cursor.list != collection.name or (
        cursor.version == collection.version and cursor.filter != _hash(scope, given)
    ):
        raise _wrong("cursor_of_another_list", "this cursor belongs to another list or filter: begin again without it")
    if cursor.version != collection.version:
        raise Trouble(410, "retired_cursor", "this cursor is of an earlier release: begin again without it")
    try:
        place: Place = msgspec.convert(cursor.place, collection.places(given))
    except msgspec.ValidationError as error:
        raise _wrong("bad_cursor", NOT_OURS) from error
    return place


def started(asked: AsOf, cursor: Cursor | None) -> Start:
    """Where a page begins: at the moment of the page before, whatever the same clocks would mean by now."""
    clocks = clocks_of(asked)
    if cursor is None:
        return Start(asked, None, clocks)
    pinned = AsOf(position=cursor.position, effective_on=cursor.effective_on, min_position=asked.min_position)
    same = clocks in {"", cursor.clocks} or asked == pinned
    resent = None if same else Resent(asked, another_moment())
    return Start(pinned, cursor.place, cursor.clocks, resent)


async def meant(reader: Reader, asked: AsOf, resent: Resent | None) -> Moment:
    """The moment that is asked for, its root perhaps to come; Trouble if clocks given beside it mean another."""
    moment = await reader.meant(asked)
    if resent is not None:
        other = await reader.meant(resent.asked)
        if (other.position, other.effective_on) != (moment.position, moment.effective_on):
            raise resent.trouble
    return moment


def clocks_of(asked: AsOf) -> str:
    """A name for the clocks that a question gives; none for none."""
    given = (asked.as_of, asked.position, asked.effective_on)
    return blake2b(msgspec.json.encode(given), digest_size=6).hexdigest() if any(given) else ""


def another_moment() -> Trouble:
    """Why a cursor is not followed at other clocks."""
    return _wrong("cursor_of_another_moment", "a cursor goes on at its own moment: leave the clocks out")


def _wrong(code: str, detail: str) -> Trouble:
    return Trouble(400, code, detail, [Fault("cursor", detail)])


def _hash(scope: str, given: Any) -> str:
    """What a list is filtered and sorted by."""
    return blake2b(scope.encode() + b"\0" + msgspec.json.encode(given), digest_size=6).hexdigest()
