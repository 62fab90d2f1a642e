"""The first page: what this is, the plans, what was recorded last, and the way to everything else."""

from typing import Final

from litestar import get

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.told import Names, facts_told
from api.pages.visit import PageQuery, Visit
from projections.views import events, plans
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.names import UNITS
from projections.wanted import wanted

NEWEST: Final = 8


@get("/", include_in_schema=False)
async def home(request: Ask) -> Answer:
    """The plans, the newest changes, and the index of units and districts."""
    visit = Visit(request, PageQuery)
    moment, rows = await visit.rows((*plans.every(), wanted(DISTRICTS), wanted(UNITS)))
    async with request.reader.slices.acquire() as connection:
        page = events.LogPage(after=max(0, moment.position - NEWEST), limit=NEWEST)
        newest = await events.log_page(connection, moment.position, page)
    names = Names(rows)
    return drawn(
        "home.html",
        visit,
        moment,
        json="/v1/plans",
        csv="/v1/plans.csv",
        plans=plans.show(rows),
        districts=sorted(rows.of(DISTRICTS, DistrictRow), key=lambda one: one.code),
        units=sorted(names.units.values(), key=lambda one: (one.kind, one.id)),
        newest=facts_told(reversed(newest), names, visit),
    )
