"""What this site is, whose data it shows, what of it is invented, and where a fault is told."""

from typing import Any

from litestar import get
from markupsafe import Markup

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.visit import PageQuery, Visit
from projections.as_of import Moment
from projections.views.names import UNITS, UnitRow
from projections.wanted import wanted


@get("/about", include_in_schema=False)
async def about_page(request: Ask) -> Answer:
    """The site in its own words."""
    visit = Visit(request, PageQuery)
    moment = await request.reader.moment(visit.asked)
    return drawn(
        "about.html",
        visit,
        moment,
        json="/v1/plans",
        feed="/feeds/events.atom",
        publisher=await _named(visit, moment, request.app.state.publisher),
    )


async def _named(visit: Visit[Any], moment: Moment, office: str) -> Markup:
    """Whoever publishes: by the name of the unit that has its id, if the record has one, or else by that id."""
    rows = await visit.request.reader.read(moment, [wanted(UNITS, key=(office,))])
    unit = next(iter(rows.of(UNITS, UnitRow)), None)
    return visit.words(unit.name) if unit else visit.t("about.by_id", id=Markup("<code>{}</code>").format(office))
