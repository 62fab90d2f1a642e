"""Districts: each with its own word on every task that reaches it, side by side on a map of tiles."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from litestar import get

from api.http.answers import Answer
from api.http.paths import Code
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.listed import ListQuery, list_part
from api.pages.problems import absent
from api.pages.taken import by_status, taken
from api.pages.visit import PageQuery, Visit
from domain.document.reference import REFERENCE, KnownDistrict
from projections.as_of import Moment
from projections.views import districts as view
from projections.views import tasks
from projections.views.districts import DISTRICT_LIST, DISTRICT_TASKS, DistrictView
from projections.views.subjects import DISTRICT
from projections.views.tasks import ReportedStatus, TaskView

_AT_ONCE: Final = 20  # each has many tasks
_KNOWN: Final[Mapping[str, KnownDistrict]] = {one.code: one for one in REFERENCE.districts}


class Tile(msgspec.Struct, frozen=True):
    """A district on a map of tiles: where it lies, and its own word on each task that is not withdrawn."""

    code: str
    name: str
    row: int | None
    column: int | None
    marks: Sequence[tuple[TaskView, str]]

    @property
    def own(self) -> Mapping[str, int]:
        """How many of its tasks have each status by its own word."""
        return by_status(status for _, status in self.marks)

    @property
    def reported(self) -> int:
        """On how many it has reported."""
        return len(self.marks) - self.own[ReportedStatus.NOT_REPORTED]


@get("/districts", include_in_schema=False)
async def districts(request: Ask) -> Answer:
    """Districts, so many at a time."""
    visit = Visit(request, ListQuery)
    part = await list_part(visit, DISTRICT_LIST, _AT_ONCE)
    shown = await tiles(request, part.moment, part.views)
    return drawn(
        "districts.html",
        visit,
        part.moment,
        json="/v1/districts",
        csv="/v1/districts.csv",
        tiles=shown,
        seen=by_status(status for one in shown for _, status in one.marks),
        more=part.more,
    )


async def tiles(request: Ask, moment: Moment, shown: Sequence[DistrictView]) -> Sequence[Tile]:
    """Districts as tiles."""
    rows = await request.reader.read(moment, DISTRICT_TASKS.beside(shown))
    there = {one.id: one for one in tasks.show(rows, moment.effective_on)}
    return [_tile(one, there) for one in shown]


def _tile(district: DistrictView, there: Mapping[str, TaskView]) -> Tile:
    words = {one.task: one.own.status if one.own else ReportedStatus.NOT_REPORTED for one in district.tasks}
    marks = [(there[task], word) for task, word in words.items() if task in there and not there[task].withdrawn]
    known = _KNOWN.get(district.code)
    return Tile(district.code, district.name, known and known.row, known and known.column, marks)


@get("/districts/{code:str}", include_in_schema=False)
async def district(request: Ask, code: Code) -> Answer:
    """One district with its units and every task that names it, directly or through a group."""
    visit = Visit(request, PageQuery)
    moment, rows = await visit.rows(view.one(code))
    found = DISTRICT.show(rows, moment.effective_on, code)
    if not found:
        raise await absent(request, DISTRICT, code, moment)
    units = [one.id for one in found[0].units]
    return drawn(
        "district.html",
        visit,
        moment,
        json=f"/v1/districts/{code}",
        feed=f"/feeds/districts/{code}.atom",
        district=found[0],
        taken=await taken(request, moment, rows, found[0].tasks, units, set(units).__contains__),
    )
