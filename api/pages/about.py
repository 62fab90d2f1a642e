"""What this site is, whose data it shows, what of it is invented, and where a fault is told."""

from litestar import get

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.visit import PageQuery, Visit


@get("/about", include_in_schema=False)
async def about_page(request: Ask) -> Answer:
    """The site in its own words."""
    visit = Visit(request, PageQuery)
    moment = await request.reader.moment(visit.asked)
    publisher = request.app.state.publisher
    return drawn("about.html", visit, moment, json="/v1/plans", feed="/feeds/events.atom", publisher=publisher)
