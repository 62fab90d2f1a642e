"""How the tasks of a plan stand on a day, counted once for each moment, whoever asks."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from typing import Final

from api.services.reader import Reader
from projections.as_of import Moment, Rows
from projections.documents import name_of
from projections.views import tasks
from projections.views.counts import Tally, TaskCounts
from projections.views.duties import BEHIND, DUTIES
from projections.views.names import PLANS, UNITS
from projections.views.said import SAID
from projections.views.tasks import TASKS

_COUNTED: Final = (TASKS, SAID, DUTIES, UNITS, BEHIND, PLANS)  # all that counts follow from
_COUNTS: Final = 2_000  # bytes that counts take beside the units in them,
_UNIT: Final = 250  # which take so much each


async def counts_on(reader: Reader, plan: str, moment: Moment) -> TaskCounts | None:
    """The counts of a plan's tasks at a moment; None where the plan is not there.

    They are remembered by the moment, and by the rows that they follow from: what is recorded today changes few of the
    days before. Earns 2 times on `home-uncached`.
    """
    key = "counts on", plan, moment.position, moment.effective_on
    known: tuple[TaskCounts | None] | None = reader.memory.get(key)
    if known is None:
        rows = await reader.read(moment, tasks.of_plan(plan))
        by_rows = "counts", plan, moment.effective_on, name_of(*map(rows.joined, _COUNTED))
        known = reader.memory.made(by_rows, lambda: (_counts(plan, rows, moment.effective_on),), _weight)
        reader.memory.put(key, known, _weight(known))
    return known[0]


def _counts(plan: str, rows: Rows, on: date) -> TaskCounts | None:
    tally = Tally(rows, on) if rows.any(PLANS) else None
    return tally.of(tally.tasks.by_plan.get(plan, ())) if tally else None


def _weight(known: tuple[TaskCounts | None]) -> int:
    return _COUNTS + _UNIT * (len(known[0].silent_in.units) if known[0] else 0)


def month_ends(year: int, until: date) -> Sequence[date]:
    """The last day of each month of a year, up to a day."""
    ends = (date(year, month, monthrange(year, month)[1]) for month in range(1, 13))
    return [one for one in ends if one <= until]
