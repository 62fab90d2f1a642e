"""Step 4: logical rows as the table: parts, measures and their titles, tasks."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from domain.document import form, numbers
from domain.document.draft import Doubt
from domain.document.lines import Line, folded, quote
from domain.document.rows import Loose, PrintedRow, assembled, cells_of, is_header, is_part, number_at


class TablePart(msgspec.Struct, frozen=True):
    """A part row."""

    number: int
    title: str
    line: int


class TableTask(msgspec.Struct, frozen=True):
    """A task row; part and measure are those above it."""

    number: int
    text: str
    units: str
    part: int | None
    measure: int | None
    lines: tuple[int, ...]
    line: int


class TableMeasure(msgspec.Struct):
    """A measure: each place that prints its title, in pieces where the cell was split over rows."""

    number: int
    part: int | None
    line: int
    titles: list[list[str]]
    lines: list[int] = []

    def title(self) -> str:
        """Return the fullest title printed: a later page may repeat only its beginning."""
        return max(("".join(pieces) for pieces in self.titles), key=len)


class Table(msgspec.Struct):
    """What the table says, by itself, and the doubts about its form."""

    parts: dict[int, TablePart] = {}
    measures: dict[int, TableMeasure] = {}
    tasks: list[TableTask] = []
    numbered: dict[int, TableTask] = {}
    doubts: list[Doubt] = []
    part: int | None = None
    measure: int | None = None
    foreign: bool = False


def read(lines: Iterable[Line]) -> Table:
    """Read the table in the lines from its first header on."""
    table = Table()
    for row in assembled(lines):
        if isinstance(row, Loose):
            table.doubts.append(unknown(row.line.number, row.line.text))
        else:
            table.doubts.extend(_take(table, row))
    table.doubts.extend(_titles(table.measures.values()))
    return table


def header_columns(cells: Sequence[str]) -> list[tuple[str, str]] | None:
    """Give (printed, expected) of a header of this form, of which one name may be misspelt; None for another header."""
    names = [cell for cell in cells if cell]
    expected = form.COLUMNS[len(form.COLUMNS) - len(names) :] if len(names) in (3, 4) else ()
    if not expected:
        return None
    wrong = [(name, allowed[0]) for name, allowed in zip(names, expected, strict=True) if folded(name) not in allowed]
    fits = len(wrong) <= len(names) - 3 and form.NUMBER_COLUMN in map(folded, names)
    return wrong if fits else None


def is_table_header(text: str) -> bool:
    """Whether a line is the header of this form's table."""
    cells = cells_of(text)
    return is_header(cells) and header_columns(cells) is not None


def unknown(line: int, text: str) -> Doubt:
    """Make the doubt about a line that nothing here can read."""
    return Doubt("unknown_line", (line,), f"This line was not understood and is not in the draft: {quote(text)}.")


def _take(table: Table, row: PrintedRow) -> Iterator[Doubt]:
    if is_header(row.cells):
        yield from _header(table, row)
    elif table.foreign:
        yield _unread(row, "unknown_line", "This row of a table with other columns was not read")
    elif is_part(row.cells):
        yield from _part(table, row)
    elif (at := number_at(row.cells)) is not None:
        yield from _task(table, row, at)
    else:
        yield _unread(row, "row_unreadable", "A row without a number was not read")


def _header(table: Table, row: PrintedRow) -> Iterator[Doubt]:
    wrong = header_columns(row.cells)
    table.foreign = wrong is None
    if wrong is None:
        yield _unread(row, "columns_unknown", "A table with other columns was not read")
    for found, expected in wrong or ():
        yield Doubt("header_misspelt", row.lines, f"The header reads {quote(found)} where the form has “{expected}”.")


def _part(table: Table, row: PrintedRow) -> Iterator[Doubt]:
    match = form.PART_HEADING.fullmatch(row.cells[0])
    number = numbers.han(match[1]) if match else None
    if match is None or number is None:
        yield _unread(row, "row_unreadable", "A part whose numeral is no number was not read")
        return
    title = match[2].strip()
    known = table.parts.setdefault(number, TablePart(number, title, row.lines[0]))
    if known.line != row.lines[0]:
        lines = (known.line, *row.lines)
        yield Doubt("numbering_repeat", lines, f"Part {number} stands in the table again: {quote(title)}.")
    if table.part != number:
        table.part, table.measure = number, None


def _task(table: Table, row: PrintedRow, at: int) -> Iterator[Doubt]:
    rest = row.cells[at + 1 :]
    text, units = (*rest[:2], "", "")[:2]
    match = form.ROW_NUMBER.fullmatch(row.cells[at])
    number = int(match[1]) if match else 0
    if at:
        yield from _measure(table, row)
    if any(rest[2:]) or not text or not number:
        yield _unread(row, "row_unreadable", "A row does not hold one number, one text and one cell of units")
        return
    task = TableTask(number, text, units, table.part, table.measure, row.lines, row.line)
    first = table.numbered.setdefault(number, task)
    if first is task or (folded(first.text), folded(first.units)) != (folded(text), folded(units)):
        table.tasks.append(task)
    if first is not task:
        again = "the same row, taken once" if table.tasks[-1] is not task else "another text, both were taken"
        detail = f"Task {number} stands in the table again, {again}: {quote(text)}."
        yield Doubt("numbering_repeat", (first.line, *row.lines), detail)


def _measure(table: Table, row: PrintedRow) -> Iterator[Doubt]:
    """Take a measure cell: a title with its number, or one more piece of the title of a merged cell."""
    words = row.cells[0]
    match = form.MEASURE_HEADING.fullmatch(words)
    number = numbers.han(match[1]) if match else None
    if match and number:
        measure = table.measures.setdefault(number, TableMeasure(number, table.part, row.lines[0], []))
        if measure.titles and table.measure != number:
            detail = f"Measure {number} is taken up again after others: {quote(words)}."
            yield Doubt("numbering_repeat", (measure.line, *row.lines), detail)
        measure.titles.append([match[2].strip()])
        measure.lines.append(row.lines[0])
        table.measure = number
    elif match or table.measure is None:
        table.measure = None
        yield _unread(row, "measure_unreadable", f"{quote(words)} names no measure that can be read, in the row")
    else:
        pieces = table.measures[table.measure].titles[-1]
        so_far = "".join(pieces)
        if len(so_far) + len(words) > form.LONGEST_TITLE:
            yield _unread(row, "measure_unreadable", f"{quote(words)} is too long to be a piece of a title, in the row")
        elif folded(so_far) != folded(words):
            pieces.append(words)


def _titles(measures: Iterable[TableMeasure]) -> Iterator[Doubt]:
    """Places that print another title for the same measure; the beginning of the full one is no other title."""
    for measure in measures:
        full = folded(measure.title())
        printed = zip(map("".join, measure.titles), measure.lines, strict=True)
        for title, line in printed:
            if not full.startswith(folded(title)):
                detail = f"Measure {measure.number} is also called {quote(title)}, beside {quote(measure.title())}."
                yield Doubt("measure_title_differs", (line,), detail)


def _unread(row: PrintedRow, kind: str, sentence: str) -> Doubt:
    return Doubt(kind, row.lines, f"{sentence}: {quote(' | '.join(row.cells))}.")
