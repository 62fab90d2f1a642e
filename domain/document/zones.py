"""Step 2: where the prose ends and the table begins; pages' numbers and rules are left out."""

from collections.abc import Iterator, Sequence

import msgspec

from domain.document import form
from domain.document.draft import Doubt
from domain.document.lines import Line
from domain.document.rows import is_lone_measure, is_part
from domain.document.table import is_table_header, unknown


class Zones(msgspec.Struct, frozen=True):
    """Lines without bars before the table, all lines from its start on, and doubts about what is out of place."""

    prose: tuple[Line, ...]
    table: tuple[Line, ...]
    doubts: tuple[Doubt, ...]


def zones_of(lines: Sequence[Line]) -> Zones | None:
    """Cut the document into its halves; None if no header of this form's table stands in it."""
    lines = list(_whole_headers(lines))
    barred = [form.BARS.search(line.text) is not None for line in lines]
    headers = [at for at, line in enumerate(lines) if barred[at] and is_table_header(line.text)]
    if not headers:
        return None
    header = next((at for at in headers if _has_row(lines[at + 1 : at + 3])), headers[0])
    start = header
    while start and barred[start - 1]:
        start -= 1
    before = [line for at, line in enumerate(lines[:start]) if not barred[at]]
    strayed = [line for at, line in enumerate(lines[:start]) if barred[at] and at not in headers]
    doubts = [unknown(line.number, line.text) for line in strayed]
    if start < header:
        doubts.append(Doubt("header_missing", (lines[start].number,), "The table begins without its header."))
    return Zones(tuple(before), tuple(lines[start:]), tuple(doubts))


def _has_row(below: Sequence[Line]) -> bool:
    """Whether a row, or the first line of one that wraps, follows; nothing does where a header strayed into prose."""
    barred = [form.BARS.search(line.text) is not None for line in below]
    begun = bool(below) and (is_lone_measure([below[0].text]) or is_part([below[0].text]))
    return barred[:1] == [True] or (begun and barred == [False, True])


def _whole_headers(lines: Sequence[Line]) -> Iterator[Line]:
    """Put a header that was cut over two lines together; its words are all known, so no others can be lost."""
    taken = -1
    for at, line in enumerate(lines):
        if at == taken:
            continue
        both = Line(line.number, line.text + lines[at + 1].text) if at + 1 < len(lines) else line
        if form.NUMBER_COLUMN in line.text and is_table_header(both.text) and not is_table_header(line.text):
            taken = at + 1
            yield both
        else:
            yield line
