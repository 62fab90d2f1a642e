"""One list, three forms: JSON, NDJSON, and CSV (RFC 4180) whose cells no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, get_args

import msgspec


class Format(StrEnum):
    """The forms of a list, by the suffix of its address."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv; header=present; charset=utf-8",
}
_FORMULA: Final = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")


def ndjson(documents: Sequence[bytes]) -> bytes:
    """One document a line."""
    return b"".join(one + b"\n" for one in documents)


def csv_table(view: type[msgspec.Struct], documents: Sequence[bytes]) -> bytes:
    """A header and a row for each document, in UTF-8 with CRLF.

    An object's fields are columns of their own, `answered.count`; a list is a cell of JSON; null is an empty cell.
    """
    paths = list(columns(view))
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(".".join(path) for path in paths)
    for document in documents:
        fields = msgspec.json.decode(document)
        table.writerow(cell(value_at(fields, path)) for path in paths)
    return text.getvalue().encode()


def columns(view: type[msgspec.Struct], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of a view's columns."""
    for field in msgspec.structs.fields(view):
        inner = _struct_in(field.type)
        if field.encode_name == "meta":
            continue
        if inner:
            yield from columns(inner, (*above, field.encode_name))
        else:
            yield *above, field.encode_name


def _struct_in(type_: Any) -> type[msgspec.Struct] | None:
    """The Struct that a field holds once, perhaps or surely."""
    options = [one for one in (type_, *get_args(type_)) if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return options[0] if options and not _is_list(type_) else None


def _is_list(type_: Any) -> bool:
    return getattr(type_, "__origin__", None) in {tuple, list, dict, Sequence}


def value_at(fields: Any, path: Sequence[str]) -> Any:
    """What stands at a path; null below a null."""
    for name in path:
        fields = fields.get(name) if fields is not None else None
    return fields


def cell(value: Any) -> str:
    """A value as the text of a cell. What begins like a formula, or like our own mark, is marked with an apostrophe."""
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if value.startswith(_FORMULA) else value
        case bool() | dict() | list():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def value_of(text: str) -> str:
    """The text that a cell was made from: the way back from the mark."""
    return text.removeprefix("'")
