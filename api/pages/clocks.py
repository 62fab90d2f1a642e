"""A task on both clocks: from which day on each of its facts holds, and on which day it was recorded."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from domain.report import ProgressReported
from domain.values import shanghai_day
from events.recorded import Recorded
from projections.as_of import Moment

_DRAWN: Final = 100  # facts that are drawn at most, those that were recorded last


class Mark(NamedTuple):
    """The facts that hold from one day and were recorded on one; where they are drawn, 0 to 1 on each axis."""

    on: date
    recorded: date
    facts: Sequence[Recorded]
    reports: bool
    undone: bool
    x: float
    y: float


class BothClocks(NamedTuple):
    """The facts of a task, and how many were recorded `late`, behind the day from which they hold, or are `undone`.

    `facts` are drawn, of so many. `first`, `last`: the days at the axes' ends, from which on facts hold, and on which
    they were recorded; `shown`: where the day is that the page shows; `same`: where both days are one, two points.
    """

    of: int
    late: int
    undone: int
    facts: Sequence[Recorded]
    marks: Sequence[Mark]
    first: tuple[date, date]
    last: tuple[date, date]
    shown: tuple[float, float]
    same: tuple[float, float, float, float] | None


def both_clocks(facts: Sequence[Recorded], undoing: Mapping[int, Recorded], moment: Moment) -> BothClocks:
    """The picture of some facts, in the order of the log, at a moment; `undoing`: what undid one, by its position."""
    drawn = facts[-_DRAWN:]
    shown = moment.effective_on, shanghai_day(moment.as_of)
    days = [(one.effective_on, shanghai_day(one.recorded_at)) for one in drawn]
    first, last = (
        (pick(one[0] for one in (*days, shown)), pick(one[1] for one in (*days, shown))) for pick in (min, max)
    )

    def place(on: date, recorded: date) -> tuple[float, float]:
        return _part(on, first[0], last[0]), _part(recorded, first[1], last[1])

    cells: dict[tuple[date, date], list[Recorded]] = {}
    for fact, day in zip(drawn, days, strict=True):
        cells.setdefault(day, []).append(fact)
    begin, end = max(first), min(last)
    return BothClocks(
        len(facts),
        sum(one.effective_on < shanghai_day(one.recorded_at) for one in facts),
        sum(one.position in undoing for one in facts),
        drawn,
        [
            Mark(
                *day,
                some,
                any(isinstance(one.fact, ProgressReported) for one in some),
                all(one.position in undoing for one in some),
                *place(*day),
            )
            for day, some in cells.items()
        ],
        first,
        last,
        place(*shown),
        (*place(begin, begin), *place(end, end)) if begin < end else None,
    )


def _part(day: date, first: date, last: date) -> float:
    return (day - first) / (last - first) if last > first else 0.5
