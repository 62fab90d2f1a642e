"""JSON that strangers wrote. What two readers would take for two things is none: a name that stands twice, say."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from events.note import FormatError


def foreign_json(given: bytes, form: Any = Any) -> Any:
    """The value, of the given form (as msgspec knows forms); FormatError, whatever is wrong with it."""
    try:
        json.loads(given.decode(), object_pairs_hook=_once)  # msgspec would keep the last of a name, silently
        return msgspec.json.decode(given, type=form)
    except RecursionError as error:
        raise FormatError("it is nested too deeply") from error
    except ValueError as error:  # no UTF-8, no JSON, not of this form, a number of thousands of digits
        raise FormatError(str(error)) from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FormatError(f"the name {given_twice(pairs)!r} stands in it twice")
    return found


def given_twice(pairs: Sequence[tuple[str, Any]]) -> str:
    """The first name of an object that comes again."""
    seen: set[str] = set()
    return next(name for name, _ in pairs if name in seen or seen.add(name))
