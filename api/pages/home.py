"""The first page: what this is, the plans, what was recorded last, and the way to everything else."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from litestar import get

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.datasets import catalogue_of
from api.pages.drawing import drawn
from api.pages.listed import ListQuery, list_part
from api.pages.told import FactTold, facts_told
from api.pages.visit import Visit
from api.services.told import Names, task_of
from projections.as_of import Moment, Rows
from projections.views import events
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.names import UNITS, directory
from projections.views.plans import PLAN_LIST
from projections.views.tasks import TASKS
from projections.wanted import wanted

NEWEST: Final = 8
_AT_ONCE: Final = 10
INDEXED: Final = 100  # districts, and units, before one is led to the page that has all of them


@get("/", include_in_schema=False)
async def home(request: Ask) -> Answer:
    """The plans, the newest changes, and the index of units and districts."""
    visit = Visit(request, ListQuery)
    part = await list_part(visit, PLAN_LIST, _AT_ONCE, wanted(DISTRICTS), wanted(UNITS))
    units = directory(part.rows)
    first = sorted(islice(units.each(), INDEXED), key=lambda one: (one.kind, one.id))
    districts = sorted(part.rows.of(DISTRICTS, DistrictRow), key=lambda one: one.code)
    return drawn(
        "home.html",
        visit,
        part.moment,
        json="/v1/plans",
        csv="/v1/plans.csv",
        feed="/feeds/events.atom",
        catalogue=catalogue_of(visit, part.moment, part.views),
        plans=part.views,
        more=part.more,
        districts=districts[:INDEXED],
        more_districts=len(districts) > INDEXED,
        units=first,
        more_units=len(units.ids) > INDEXED,
        newest=await _newest(visit, part.moment, part.rows),
    )


async def _newest(visit: Visit[ListQuery], moment: Moment, rows: Rows) -> Sequence[FactTold]:
    """What was recorded last, in words, the newest first."""
    reader = visit.request.reader
    async with reader.slices.acquire() as connection:
        last = events.LogPage(after=max(0, moment.position - NEWEST), limit=NEWEST)
        newest = await events.log_page(connection, moment.position, last)
    tasks = sorted({task for fact in newest if (task := task_of(fact.stream))})
    named = rows.with_rows(await reader.read(moment, [wanted(TASKS, key=tasks)])) if tasks else rows
    return facts_told(reversed(newest), Names(named), visit)
