"""Step 6: parts and numbered points of the prose."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from domain.document import form, numbers
from domain.document.draft import Doubt
from domain.document.lines import Line, Passage, divided, folded, joined, quote
from domain.document.table import unknown

_WRAPPED = 3  # a heading may run over so many lines


class ProsePart(msgspec.Struct, frozen=True):
    """A part heading."""

    number: int
    title: str
    line: int


class Point(msgspec.Struct, frozen=True):
    """A numbered point: heading without its number, the whole text, the sentences after the heading."""

    number: int
    part: int | None
    heading: str
    text: str
    sentences: tuple[Passage, ...]
    line: int


class Prose(msgspec.Struct):
    """What the prose says, by itself, and the doubts about its form."""

    parts: dict[int, ProsePart] = {}
    points: dict[int, Point] = {}
    doubts: list[Doubt] = []


class Titles(msgspec.Struct, frozen=True):
    """Folded titles that the table prints; they tell a heading that wraps from a text that follows it."""

    parts: Mapping[int, str]
    measures: Mapping[int, str]


def is_mark(line: Line) -> bool:
    """Whether a line of prose starts a part or a point."""
    return bool(form.PART_HEADING.fullmatch(line.text) or form.POINT.fullmatch(line.text))


def read(lines: Sequence[Line], titles: Titles) -> Prose:
    """Read the prose from its first part or point on."""
    prose = Prose()
    part: int | None = None
    order: list[tuple[int, int]] = []
    for section in _sections(lines):
        if match := form.PART_HEADING.fullmatch(section[0].text):
            number = numbers.han(match[1])
            if number is None:
                prose.doubts.extend(unknown(line.number, line.text) for line in section)
                continue
            part = number
            prose.doubts.extend(_part(prose, section, number, titles.parts.get(number)))
        elif match := form.POINT.fullmatch(section[0].text):
            number = int(match[1])
            order.append((number, section[0].number))
            prose.doubts.extend(_point(prose, section, part, titles.measures.get(number)))
    prose.doubts.extend(numbers.disorder(order, "Point"))
    return prose


def _sections(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    starts = [at for at, line in enumerate(lines) if is_mark(line)]
    for start, end in pairwise([*starts, len(lines)]):
        yield lines[start:end]


def _part(prose: Prose, section: Sequence[Line], number: int, printed: str | None) -> Iterator[Doubt]:
    first = _first_piece(section, form.PART_HEADING)
    size = _wrapped([first, *section[1:]], printed) or 1
    title = joined([first, *section[1:size]]).text
    known = prose.parts.setdefault(number, ProsePart(number, title, first.number))
    if known.line != first.number:
        detail = f"Part {number} stands in the prose again: {quote(title)}."
        yield Doubt("numbering_repeat", (known.line, first.number), detail)
    for line in section[size:]:
        yield unknown(line.number, line.text)


def _point(prose: Prose, section: Sequence[Line], part: int | None, printed: str | None) -> Iterator[Doubt]:
    last = max((at for at, line in enumerate(section, 1) if form.SENTENCE_END.search(line.text)), default=len(section))
    pieces = section[:last]
    first = _first_piece(section, form.POINT)
    match = form.POINT.fullmatch(section[0].text)
    number = int(match[1]) if match else 0
    size = _wrapped([first, *pieces[1:]], printed)
    body = divided(pieces[size:] if size else [first, *pieces[1:]], form.SENTENCE)
    heading = joined([first, *pieces[1:size]]) if size else body.pop(0)
    text = "\n".join(joined(cut).text for cut in (pieces[:size], pieces[size:]) if cut)
    words = form.SENTENCE_END.sub("", heading.text)
    point = Point(number, part, words, text, tuple(body), first.number)
    known = prose.points.setdefault(number, point)
    if known is not point:
        lines = (known.line, *dict.fromkeys(line.number for line in pieces))
        yield Doubt(
            "numbering_repeat", lines, f"Point {number} stands in the prose again, not in the draft: {quote(text)}."
        )
    for line in section[last:]:
        yield unknown(line.number, line.text)


def _first_piece(section: Sequence[Line], pattern: re.Pattern[str]) -> Line:
    match = pattern.fullmatch(section[0].text)
    return Line(section[0].number, match[2].strip() if match else section[0].text)


def _wrapped(pieces: Sequence[Line], printed: str | None) -> int:
    """How many lines make up exactly the title that the table prints; 0 if none do, or if a full stop follows."""
    sizes = range(1, min(_WRAPPED, len(pieces)) + 1)
    size = next((size for size in sizes if printed and folded(joined(pieces[:size]).text) == printed), 0)
    return 0 if pieces[size:] and form.SENTENCE_START.match(pieces[size].text) else size
