"""Districts: REST handlers over the view."""

from collections.abc import Sequence

from litestar import get

from api.http import answers
from api.http.answers import Answer
from api.http.documented import READ, list_operation
from api.http.documented import answers as documented
from api.http.lists import Listing, listing
from api.http.paths import Code
from api.http.question import Ask
from api.services.reader import Subject
from projections.as_of import Moment, Rows
from projections.views import districts
from projections.views.districts import DISTRICT_LIST, DISTRICTS, DistrictView


def show(rows: Rows, _: Moment) -> Sequence[DistrictView]:
    """All districts."""
    return districts.show(rows)


@get(
    "/v1/districts",
    operation_class=list_operation(DISTRICT_LIST),
    responses=documented(Listing[DistrictView]),
    tags=["districts"],
)
async def district_list(request: Ask) -> Answer:
    """All districts as the record showed them, each with the tasks that name it."""
    return await listing(request, DISTRICT_LIST)


@get("/v1/districts/{code:str}", operation_class=READ, responses=documented(DistrictView), tags=["districts"])
async def one_district(request: Ask, code: Code) -> Answer:
    """One district as the record showed it, with the tasks that name it, directly or through a group."""
    return await answers.one(
        request,
        Subject("district", DISTRICTS, code),
        districts.every(),
        lambda rows, at: answers.only(show(rows, at), code, "code"),
    )
