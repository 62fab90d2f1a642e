"""Districts, and every task that reaches them."""

from typing import Final

from litestar import get

from api.http.answers import Answer
from api.http.paths import Code
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.listed import ListQuery, list_part
from api.pages.problems import absent
from api.pages.units import taken
from api.pages.visit import PageQuery, Visit
from projections.views import districts as view
from projections.views.districts import DISTRICT_LIST
from projections.views.subjects import DISTRICT

_AT_ONCE: Final = 20  # each has many tasks


@get("/districts", include_in_schema=False)
async def districts(request: Ask) -> Answer:
    """Districts, so many at a time."""
    visit = Visit(request, ListQuery)
    part = await list_part(visit, DISTRICT_LIST, _AT_ONCE)
    return drawn(
        "districts.html",
        visit,
        part.moment,
        json="/v1/districts",
        csv="/v1/districts.csv",
        districts=part.views,
        more=part.more,
    )


@get("/districts/{code:str}", include_in_schema=False)
async def district(request: Ask, code: Code) -> Answer:
    """One district with its units and every task that names it, directly or through a group."""
    visit = Visit(request, PageQuery)
    moment, rows = await visit.rows(view.one(code))
    found = DISTRICT.show(rows, moment.effective_on, code)
    if not found:
        raise await absent(request, DISTRICT, code, moment)
    parts = await taken(request, moment, found[0].tasks)
    return drawn(
        "district.html",
        visit,
        moment,
        json=f"/v1/districts/{code}",
        feed=f"/feeds/districts/{code}.atom",
        district=found[0],
        parts=parts,
    )
