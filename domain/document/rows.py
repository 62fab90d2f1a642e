"""Step 3: lines of the table zone as logical rows; a cell that a page cut over two lines is put together again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from domain.document import form
from domain.document.lines import Line, folded, joined

FIRST_CELLS: Final = 2  # a row's number stands in its first or, after the measure, in its second cell


class PrintedRow(msgspec.Struct, frozen=True):
    """One row: its cells without blanks around them, the lines it was read from, and that of its number."""

    cells: tuple[str, ...]
    lines: tuple[int, ...]
    line: int


class Loose(msgspec.Struct, frozen=True):
    """A line of the table zone that belongs to no row."""

    line: Line


def cells_of(text: str) -> list[str]:
    """Cut a line at its bars; one cell if there are none."""
    return [cell.strip() for cell in form.BARS.split(text)]


def trimmed(cells: Sequence[str]) -> Sequence[str]:
    """Leave out the empty cells before the first word, as a bar at the start of a row makes one."""
    return cells[next((at for at, cell in enumerate(cells) if cell), len(cells) - 1) :]


def number_at(cells: Sequence[str]) -> int | None:
    """Where the row's number stands: 0 in a row that shifted left, 1 after a measure; None if this is no such row."""
    return next((at for at, cell in enumerate(cells[:FIRST_CELLS]) if form.ROW_NUMBER.fullmatch(cell)), None)


def is_part(cells: Sequence[str]) -> bool:
    """Whether a row is one cell that starts with 一、."""
    return bool(form.PART_HEADING.fullmatch(cells[0])) and not any(cells[1:])


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row holds column names, also misspelt or strange ones: 序号 is among them."""
    return len(cells) > 1 and any(
        form.NUMBER_COLUMN[0] in cell and folded(cell) == form.NUMBER_COLUMN for cell in cells
    )


def is_lone_measure(cells: Sequence[str]) -> bool:
    """Whether a line holds a measure and nothing else: its row goes on in the next line."""
    return form.MEASURE_HEADING.fullmatch(cells[0]) is not None and not any(cells[1:])


class _Open:
    """The row that is being read: the pieces of each cell, and where its number stands."""

    def __init__(self, line: Line, cells: Sequence[str]) -> None:
        kept = cells[:1] if is_lone_measure(cells) else cells
        self.cells = [[Line(line.number, cell)] for cell in kept]
        self.number_at = number_at(cells)

    def extend(self, line: Line, cells: Sequence[str]) -> None:
        """Put a line's first cell to the last one here, its other cells after it."""
        pieces = [[Line(line.number, cell)] for cell in cells]
        if self.number_at is None and (at := number_at(cells)) is not None:
            self.number_at = 1
            pieces = pieces if at else [[], *pieces]  # the measure's cell ended before this line
        self.cells[-1].extend(pieces[0])
        self.cells.extend(pieces[1:])

    def takes(self, cells: Sequence[str]) -> bool:
        """Whether a line that starts no row of its own can only be the rest of this one."""
        first = self.cells[0][0].text
        if self.number_at is None:
            return not any(cells[1:]) and len(cells) > 1 if form.PART_HEADING.fullmatch(first) else len(cells) == 1
        units = self.cells[self.number_at + 2] if len(self.cells) > self.number_at + 2 else []
        finished = bool(units) and form.ROLE_END.search(units[-1].text) is not None
        return not finished or len(cells) > 1 or cells[0][:1] in form.CLAUSE_MARKS + form.ITEM_MARKS

    def complete(self) -> bool:
        """Whether this is a part row with bars, or a row whose last cell is closed by a bar."""
        width = len(self.cells)
        return width > 1 if self.number_at is None else width > self.number_at + 3

    def row(self) -> PrintedRow:
        """Return the row as far as it was read."""
        passages = [joined([piece for piece in pieces if piece.text]) for pieces in self.cells]
        lines = sorted({piece.number for pieces in self.cells for piece in pieces})
        cells = tuple(passage.text for passage in passages)
        return PrintedRow(cells, tuple(lines), self.cells[self.number_at or 0][0].number)


def assembled(lines: Iterable[Line]) -> Iterator[PrintedRow | Loose]:
    """Give rows in order, and lines that belong to none. A header (a page ended there) does not end an open row."""
    current: _Open | None = None
    for line in lines:
        cells = cells_of(line.text)
        if len(cells) > form.MOST_CELLS:
            yield Loose(line)
        elif is_header(cells):
            yield PrintedRow(tuple(cells), (line.number,), line.number)
        elif current and _continues(current, cells):
            current.extend(line, cells)
        else:
            if current:
                yield current.row()
            current = _Open(line, trimmed(cells)) if _starts(cells) else None
            if current is None:
                yield Loose(line)
        if current and current.complete():
            yield current.row()
            current = None
    if current:
        yield current.row()


def _starts(cells: Sequence[str]) -> bool:
    cells = trimmed(cells)
    return is_part(cells) or is_lone_measure(cells) or (len(cells) > 1 and number_at(cells) is not None)


def _continues(current: _Open, cells: Sequence[str]) -> bool:
    if not _starts(cells):
        return current.takes(cells)
    awaits_number = current.number_at is None and form.MEASURE_HEADING.fullmatch(current.cells[0][0].text) is not None
    return awaits_number and number_at(cells) is not None and not form.MEASURE_HEADING.fullmatch(cells[0])
