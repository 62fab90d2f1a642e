"""Exports in their five forms. Each is written item by item, in little memory, however many there are."""

import csv
import io
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date
from hashlib import file_digest
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final, Protocol, runtime_checkable

import msgspec

from api.exports.files import UNFINISHED
from api.exports.items import CHANGE_GONE, CHANGE_PUT, ExportItem, row_of
from api.exports.orders import Order
from api.http.formats import BOM, ExportForm, Format, Printer, cell, marked
from domain.words import escaped
from projections.exports import EXPORTS, Column, ColumnType, columns_of

ROWS_OF_XLSX: Final = 1_048_576  # of a sheet, its heading included
CHARACTERS_OF_XLSX: Final = 32_767  # of a cell, as UTF-16 counts them
FIRST_YEAR_OF_XLSX: Final = 1901  # of a date; earlier ones are texts
EXACT_DIGITS: Final = 15  # that a spreadsheet keeps of a number
_TYPES: Final = {
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL(27,9)",
    ColumnType.DATE: "DATE",
    ColumnType.INSTANT: "TIMESTAMPTZ",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.LIST: "VARCHAR[]",
}
_DUCKDB: Final[dict[str, str | bool | int | float | list[str]]] = {  # which fetches nothing, and takes little
    "memory_limit": "120MB",
    "threads": 1,
    "autoinstall_known_extensions": False,
}


class Unfit(Exception):
    """The form does not take the export: `code` for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Sink(Protocol):
    """Writes items."""

    def write(self, items: Sequence[ExportItem]) -> None:
        """The next of them."""
        ...

    def end(self) -> None:
        """What stands behind the last."""
        ...


@runtime_checkable
class JoiningSink(Sink, Protocol):
    """Writes items, also as they were written before: in a form whose rows stand by themselves."""

    def join(self, rows: bytes, /) -> None:
        """The next of them, in whole lines, as a part of the same order has them."""
        ...


@contextmanager
def writing(order: Order) -> Generator[Sink]:
    """What writes a file in the form that is ordered; Unfit where the form, or the room there is, does not take it."""
    match order.form:
        case ExportForm.CSV:
            with _limited(order) as file:
                yield _Csv(file, order)
        case ExportForm.JSON | ExportForm.NDJSON:
            with _limited(order) as file:
                yield _Json(file, order)
        case ExportForm.PARQUET:
            if order.plans:
                with _limited(order) as file:
                    yield _Parquet(file, Path(order.path), order)
                return
            rows = Path(f"{order.path}.rows")
            try:
                with rows.open("wb") as file:
                    yield _Parquet(_Limited(file, order.most), rows, order)
            finally:
                rows.unlink(missing_ok=True)
        case ExportForm.XLSX:
            with TemporaryDirectory(dir=Path(order.path).parent, suffix=UNFINISHED) as folder:
                yield from _book(order, folder)


def _book(order: Order, folder: str) -> Generator[Sink]:
    form = _Xlsx(order, folder)
    try:
        yield form
    except BaseException:
        form.drop()
        raise


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


class _Limited:
    """A file of at most so many bytes."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = self._most = most

    def write(self, content: bytes) -> None:
        self._left -= len(content)
        if self._left < 0:
            raise too_large(self._most)
        self._file.write(content)

    def flush(self) -> None:
        self._file.flush()


def too_large(most: int) -> Unfit:
    """What is said of an export that would take more room than there is."""
    return Unfit(
        "too_large",
        f"the export has more than {most:,} bytes, which is all that is kept here (PLANRECORD_EXPORT_BYTES): "
        f"ask for one plan, for what changed since a position, or page through the list",
    )


@contextmanager
def _limited(order: Order) -> Generator[_Limited]:
    with Path(order.path).open("wb") as file:
        yield _Limited(file, order.most)


class _Cells:
    """The columns of an order, and the cells of its items in their order."""

    def __init__(self, order: Order) -> None:
        export, self.delta = EXPORTS[order.export], order.since is not None
        self.columns = columns_of(export, delta=self.delta)
        self._cells = row_of(export.columns)

    def of(self, item: ExportItem) -> list[Any]:
        cells = self._cells(item)
        return [CHANGE_GONE if item.gone else CHANGE_PUT, *cells] if self.delta else cells

    def headings(self, *, chinese: bool) -> list[str]:
        return [one.title if chinese else one.name for one in self.columns]


class _Csv:
    """RFC 4180 in UTF-8; or as a spreadsheet wants it, with a BOM and a guard against formulas."""

    def __init__(self, file: _Limited, order: Order) -> None:
        self._file, self._cells, self._excel = file, _Cells(order), order.excel
        self._separators = [one.separator if one.type is ColumnType.LIST else None for one in self._cells.columns]
        self.join = file.write
        if not order.plans:
            self._print([self._cells.headings(chinese=order.chinese)], first=BOM if order.excel else b"")

    def write(self, items: Sequence[ExportItem]) -> None:
        self._print(map(self._row, items))

    def end(self) -> None:
        pass

    def _row(self, item: ExportItem) -> list[str]:
        found = zip(self._separators, self._cells.of(item), strict=True)
        texts = ["" if value is None else _text(value, separator) for separator, value in found]
        return [marked(escaped(one)) for one in texts] if self._excel else texts

    def _print(self, rows: Iterable[Sequence[str]], first: bytes = b"") -> None:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        self._file.write(first + text.getvalue().encode())


def _text(value: Any, separator: str | None) -> str:
    if isinstance(value, str):
        return value
    if separator is not None:
        return separator.join(value)
    return _json_text(value) if isinstance(value, msgspec.Raw | tuple) else cell(value)


def _json_text(value: Any) -> str:
    return (bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)).decode()


class _Json:
    """The items as the lists have them, one a line or in one document with `meta`."""

    def __init__(self, file: _Limited, order: Order) -> None:
        self._file, self._meta = file, bytes(order.meta)
        self._printer = Printer(Format(order.form.value), msgspec.Struct)
        self._empty = True
        self.join = file.write  # of lines, which need nothing before and behind them

    def write(self, items: Sequence[ExportItem]) -> None:
        if items:
            self._file.write(self._printer.part([one.json for one in items]))
            self._empty = False

    def end(self) -> None:
        if self._empty:
            self._file.write(self._printer.part([]))
        self._file.write(self._printer.end(b"null", self._meta))


class _Parquet:
    """Typed columns by DuckDB, which reads them from lines of JSON; what the file says of itself is key and value."""

    def __init__(self, file: _Limited, rows: Path, order: Order) -> None:
        self._file, self._rows, self._order = file, rows, order
        self._cells = _Cells(order)
        self._names = self._cells.headings(chinese=False)
        self._json = [one.type is ColumnType.JSON for one in self._cells.columns]
        self._longest = 1

    def write(self, items: Sequence[ExportItem]) -> None:
        lines = [self._line(one) for one in items]
        self._longest = max(self._longest, *map(len, lines), 1) if lines else self._longest
        self._file.write(b"".join(lines))

    def join(self, rows: bytes, /) -> None:
        self._longest = max(self._longest, *map(len, rows.split(b"\n")))
        self._file.write(rows)

    def _line(self, item: ExportItem) -> bytes:
        cells = self._cells.of(item)
        if any(self._json):
            cells = [
                _json_text(value) if json and value is not None else value
                for json, value in zip(self._json, cells, strict=True)
            ]
        return msgspec.json.encode(dict(zip(self._names, cells, strict=True))) + b"\n"

    def end(self) -> None:
        if self._order.plans:
            return  # a part is the lines
        import duckdb  # noqa: PLC0415 - 25 MB that nothing else needs

        self._file.flush()
        columns = ", ".join(f"{_quoted(one.name)}: {_quoted(_type(one))}" for one in self._cells.columns)
        about = ", ".join(f"{_quoted(name)}: {_quoted(value)}" for name, value in self._order.about.items())
        with duckdb.connect(config=_DUCKDB | {"temp_directory": f"{self._order.path}.tmp"}) as database:
            database.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
            database.execute(
                f"COPY (SELECT * FROM read_json({_quoted(str(self._rows))}, format = 'newline_delimited', "
                f"columns = {{{columns}}}, maximum_object_size = {max(2 * self._longest, 1 << 20)})) "
                f"TO {_quoted(self._order.path)} "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000, KV_METADATA {{{about}}})"
            )


def _type(column: Column) -> str:
    return _TYPES.get(column.type, "VARCHAR")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class _Xlsx:
    """Two sheets: the rows, typed, and what the file says of itself."""

    def __init__(self, order: Order, folder: str) -> None:
        # Imported late, as no other form needs it; it comes without types.
        xlsxwriter: Any = import_module("xlsxwriter")
        self._cells = _Cells(order)
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": folder}
        self._book = xlsxwriter.Workbook(order.path, options)
        # Not the present moment: the same question has the same bytes.
        self._book.set_properties({"created": order.moment.as_of.astimezone(UTC).replace(tzinfo=None)})
        self._dates = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._bold = self._book.add_format({"bold": True})
        self._sheet = self._book.add_worksheet(order.export)
        self._sheet.freeze_panes(1, 0)
        self._about = self._book.add_worksheet("关于")
        self._said, self._most = order.about, order.most
        self._row = self._characters = 0
        for number, heading in enumerate(self._cells.headings(chinese=order.chinese)):
            self._sheet.write_string(0, number, heading, self._bold)

    def write(self, items: Sequence[ExportItem]) -> None:
        for one in items:
            self._row += 1
            if self._row >= ROWS_OF_XLSX:
                raise Unfit("beyond_xlsx", f"a sheet holds {ROWS_OF_XLSX:,} rows: ask with .csv or .parquet")
            for number, (column, value) in enumerate(zip(self._cells.columns, self._cells.of(one), strict=True)):
                self._put(number, column, value)

    def _put(self, number: int, column: Column, value: Any) -> None:
        row, sheet = self._row, self._sheet
        match value:
            case None | "":
                return
            case bool():
                sheet.write_boolean(row, number, value)
            case int():
                sheet.write_number(row, number, value)
            case date() if value.year >= FIRST_YEAR_OF_XLSX:
                sheet.write_datetime(row, number, value, self._dates)
            case str() if column.type is ColumnType.DECIMAL and len(value.strip("-").replace(".", "")) <= EXACT_DIGITS:
                sheet.write_number(row, number, float(value))
            case str() if column.type is ColumnType.DATE:
                self._put(number, column, date.fromisoformat(value))
            case _:
                self._text(number, _text(value, column.separator if column.type is ColumnType.LIST else None))

    def _text(self, number: int, text: str) -> None:
        if not text:
            return  # the list is empty
        length = len(text.encode("utf-16-le")) // 2
        if length > CHARACTERS_OF_XLSX:
            raise Unfit(
                "beyond_xlsx",
                f"a cell holds {CHARACTERS_OF_XLSX:,} characters, and one in row {self._row + 1} has {length:,}: "
                f"ask with .csv or .parquet",
            )
        self._characters += len(text)
        if self._characters > self._most:
            raise too_large(self._most)
        self._sheet.write_string(self._row, number, text)

    def drop(self) -> None:
        """Leave it unfinished; its destructor would finish it."""
        self._book.fileclosed = True
        for one in (self._sheet, self._about):
            one.row_data_fh.close()

    def end(self) -> None:
        said: Mapping[str, str] = self._said
        for row, (name, value) in enumerate(said.items()):
            self._about.write_string(row, 0, name, self._bold)
            self._about.write_string(row, 1, value)
        self._about.set_column(0, 1, 24)
        self._book.close()
