"""One list, three forms: JSON, NDJSON, and CSV, exactly as RFC 4180 has it or as a spreadsheet wants it."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, get_args

import msgspec

from domain.words import escaped


class Format(StrEnum):
    """The forms of a list, by the suffix of its address."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


class FeedForm(StrEnum):
    """The forms of a feed, by the suffix of its address, which never lacks one."""

    ATOM = "atom"
    JSON = "json"


class ExportForm(StrEnum):
    """The forms of an export, by the suffix of its address, which never lacks one."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"
    PARQUET = "parquet"
    XLSX = "xlsx"


class PlanForm(StrEnum):
    """The standards in which a plan is given besides, by the suffix of its address; each has a handler of its own."""

    STRATML = "stratml"


Suffix = Format | FeedForm | PlanForm | ExportForm
LINK_FORMAT: Final = "application/link-format"
FEED_TYPES: Final = {FeedForm.ATOM: "application/atom+xml", FeedForm.JSON: "application/feed+json"}
PLAN_TYPES: Final = {PlanForm.STRATML: "application/xml; charset=utf-8"}  # StratML has registered none of its own
MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv; header=present; charset=utf-8",
}
EXPORT_TYPES: Final = {
    ExportForm.CSV: MEDIA_TYPES[Format.CSV],
    ExportForm.NDJSON: MEDIA_TYPES[Format.NDJSON],
    ExportForm.JSON: MEDIA_TYPES[Format.JSON],
    ExportForm.PARQUET: "application/vnd.apache.parquet",
    ExportForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
EXPORTED: Final = "/v1/export/"
SIDECAR: Final = "-metadata"  # behind the suffix of the export that it describes
BOM: Final = "\ufeff".encode()
_ENDS_OF_LINES: Final = tuple(
    (raw[:1], raw, b"\\u%04x" % ord(raw.decode())) for raw in map(str.encode, ("\x85", "\u2028", "\u2029"))
)
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_FORMULA: Final = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")


def export_path(name: str, suffix: str) -> str:
    """Where an export is, in the form that a suffix asks for."""
    return f"{EXPORTED}{name}.{suffix}"


class Printer:
    """Prints a list of views part by part, in one of its forms; `excel`: as a table for a spreadsheet."""

    def __init__(self, form: Format, view: type[msgspec.Struct], *, excel: bool = False) -> None:
        self._form = form
        self._excel = excel
        self._paths = list(columns(view)) if form == Format.CSV else []
        self._begun = False

    def part(self, documents: Sequence[bytes]) -> bytes:
        """The next items; the first part has what stands before all of them."""
        first, self._begun = not self._begun, True
        match self._form:
            case Format.CSV:
                return self._table(documents, first=first)
            case Format.NDJSON:
                return b"".join(one_line(one) + b"\n" for one in documents)
            case _:
                return (b'{"items":[' if first else b"," if documents else b"") + b",".join(documents)

    def end(self, following: bytes, meta: bytes) -> bytes:
        """What stands behind the last part."""
        return b'],"next":%b,"meta":%b}' % (following, meta) if self._form == Format.JSON else b""

    def _table(self, documents: Sequence[bytes], *, first: bool) -> bytes:
        """A row for each document, in UTF-8 with CRLF, and before the first ones a header.

        An object's fields are columns of their own, `answered.count`; a list is a cell of JSON; null is an empty cell.
        """
        text = io.StringIO()
        table = csv.writer(text)
        if first:
            table.writerow(".".join(path) for path in self._paths)
        for document in documents:
            fields = msgspec.json.decode(document)
            cells = (cell(value_at(fields, path)) for path in self._paths)
            table.writerow(map(marked, map(escaped, cells)) if self._excel else cells)
        return (BOM if first and self._excel else b"") + text.getvalue().encode()


def one_line(document: bytes) -> bytes:
    """The same JSON, in which nothing is an end of a line to anybody.

    JSON has CR and LF escaped; Python's splitlines(), and clients that stand on it, also cut at these three.
    """
    for first, raw, escape in _ENDS_OF_LINES:
        if first in document:  # a search for one byte takes a hundredth of one for all of them
            document = document.replace(raw, escape)
    return document


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
    """A value as the text of a cell."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | dict() | list():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def marked(text: str) -> str:
    """A cell for a spreadsheet: what it would take for a formula, and what begins like our mark, has an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def value_of(text: str) -> str:
    """The text that a cell was made from: the way back from the mark."""
    return text.removeprefix("'")
