"""Units and groups: REST handlers over the view."""

from collections.abc import Sequence

from litestar import get

from api.http import answers
from api.http.answers import Answer
from api.http.documented import READ, list_operation
from api.http.documented import answers as documented
from api.http.lists import Listing, listing
from api.http.paths import UnitKey
from api.http.question import Ask
from api.services.reader import Subject
from projections.as_of import Moment, Rows
from projections.views import units
from projections.views.names import UNITS
from projections.views.units import UNIT_LIST, UnitView


def show(rows: Rows, _: Moment) -> Sequence[UnitView]:
    """All units and groups."""
    return units.show(rows)


@get("/v1/units", operation_class=list_operation(UNIT_LIST), responses=documented(Listing[UnitView]), tags=["units"])
async def unit_list(request: Ask) -> Answer:
    """All units and groups as the record showed them, each with its tasks."""
    return await listing(request, UNIT_LIST)


@get("/v1/units/{unit:str}", operation_class=READ, responses=documented(UnitView), tags=["units"])
async def one_unit(request: Ask, unit: UnitKey) -> Answer:
    """One unit or group as the record showed it, with the tasks it takes part in, directly or through others."""
    return await answers.one(
        request, Subject("unit", UNITS, unit), units.every(), lambda rows, at: answers.only(show(rows, at), unit)
    )
