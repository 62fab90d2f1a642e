"""Numerals of the document, and doubts about gaps, repeats and disorder among them."""

from collections.abc import Iterable, Iterator

from domain.document import form
from domain.document.draft import Doubt


def han(numeral: str) -> int | None:
    """Return the value of 一 … 九百九十九; None for a string of such characters that is no numeral."""
    total = digit = 0
    for character in numeral:
        if character in form.HAN_DIGITS:
            if digit:
                return None
            digit = form.HAN_DIGITS[character]
        else:
            unit = 10 if character == "十" else 100
            if total and total % (10 * unit):
                return None
            total += (digit or 1) * unit
            digit = 0
    return (total + digit) or None


def disorder(numbered: Iterable[tuple[int, int]], what: str) -> Iterator[Doubt]:
    """Raise a doubt for every (number, line) that stands after a higher number."""
    highest, above = 0, 0
    for number, line in numbered:
        if number < highest:
            yield Doubt("numbering_order", (above, line), f"{what} {number} stands after {what.lower()} {highest}.")
        else:
            highest, above = number, line


def gaps(numbered: Iterable[tuple[int, int]], what: str) -> Iterator[Doubt]:
    """Raise a doubt for every number that is missing below another, with the lines of its neighbours."""
    before, line_before = 0, None
    for number, line in sorted(numbered):
        if number > before + 1:
            missing = str(before + 1) if number == before + 2 else f"{before + 1} to {number - 1}"
            lines = (line,) if line_before is None else tuple(sorted({line_before, line}))
            yield Doubt("numbering_gap", lines, f"{what} {missing} is missing before {what.lower()} {number}.")
        before, line_before = number, line


def value(numeral: str) -> int | None:
    """Return the value of a numeral in digits of either width or in Chinese; None if it has none."""
    return int(numeral) if numeral.isdecimal() else han(numeral)
