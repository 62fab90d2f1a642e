"""Step 10: numbers and dates that a task's text states: targets and the deadline."""

import re
from calendar import monthrange
from datetime import date

from domain.document import form, numbers
from domain.document.draft import DraftTarget
from domain.document.lines import folded
from domain.values import checked_date


def targets_of(text: str) -> tuple[DraftTarget, ...]:
    """List the numbers that the text promises, in its order; only wordings that leave no choice."""
    found: list[tuple[int, DraftTarget]] = []
    for pattern in form.TARGET_FORMS:
        for match in pattern.finditer(text):
            value = numbers.value(match["number"])
            if value:
                found.append((match.start(), DraftTarget(match["literal"], str(value), match["unit"])))
    at = text.find(form.WHOLE)
    while at >= 0:
        found.append((at, DraftTarget(form.WHOLE, "100", "%")))
        at = text.find(form.WHOLE, at + 1)
    return tuple(target for _, target in sorted(found, key=lambda pair: pair[0]))


def due_of(text: str) -> tuple[date | None, str]:
    """Find the one explicit date before which the text wants it done, or the words of a deadline less clear."""
    key = folded(text)
    explicit = list(form.DEADLINE.finditer(key))
    vague = form.VAGUE_DEADLINE.search(form.DEADLINE.sub(" ", key))
    if not explicit and not vague:
        return None, ""
    if len(explicit) == 1 and not vague and (due := _day(explicit[0])):
        return due, ""
    words = [match[0] for match in explicit] + ([vague[0]] if vague else [])
    return None, "、".join(words)


def _day(match: re.Match[str]) -> date | None:
    year, month = int(match["year"]), int(match["month"])
    try:
        return checked_date(date(year, month, int(match["day"]) if match["day"] else monthrange(year, month)[1]))
    except ValueError:
        return None
