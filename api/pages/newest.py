"""Which plan is the newest: of those that were entered last the one that was issued last, however many there are."""

from collections.abc import Sequence
from typing import Final

from api.services.reader import Reader
from domain.fact import tag
from domain.plan import PlanAdopted
from projections.as_of import Moment
from projections.views import events
from projections.views.names import PLANS, PlanRow
from projections.wanted import Keyset, page_of, wanted

MOST_PLANS: Final = 10  # that are looked at, by the log: a record may hold thousands
_ID: Final = 120  # bytes that an id takes


async def newest_plans(reader: Reader, moment: Moment) -> Sequence[PlanRow]:
    """Of the plans that were entered last those that are there at a moment, the last issued first.

    Where none of them is there yet, some that are.
    """
    ids = await _entered_last(reader, moment)
    rows = await reader.read(moment, [wanted(PLANS, key=ids)])
    if not rows.any(PLANS):
        rows = await reader.read(moment, [page_of(wanted(PLANS), Keyset(("key",), limit=MOST_PLANS))])
    return sorted(rows.of(PLANS, PlanRow), key=lambda one: (one.issued_on, one.id), reverse=True)


async def _entered_last(reader: Reader, moment: Moment) -> list[str]:
    key = "plans entered last", moment.position
    known: list[str] | None = reader.memory.get(key)
    if known is None:
        last = events.LogPage(before=moment.position + 1, limit=MOST_PLANS, type=(tag(PlanAdopted),))
        async with reader.pool.acquire() as connection:
            found = await events.log_page(connection, moment.position, last)
        known = [*dict.fromkeys(fact.stream.partition(":")[2] for fact in found)]
        reader.memory.put(key, known, _ID * (1 + len(known)))
    return known
