"""Text that may have to be forgotten: of a view that shows any, nobody else keeps a copy."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import msgspec


class Erasable(msgspec.Struct, frozen=True):
    """Base of what shows erasable text, as long as it is there."""


@cache
def erasable(view: type[msgspec.Struct]) -> bool:
    """Whether a view shows such text, however deep."""
    return issubclass(view, Erasable) or any(
        erasable(one) for field in msgspec.structs.fields(view) for one in _structs(field.type)
    )


def _structs(type_: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        yield type_
    for one in get_args(type_):
        yield from _structs(one)
