"""Units and groups, and what each takes part in."""

from collections.abc import Sequence
from typing import Final

from litestar import get

from api.http.answers import Answer
from api.http.paths import UnitKey
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.listed import ListQuery, list_part
from api.pages.problems import absent
from api.pages.visit import PageQuery, Visit
from domain.directory import UnitKind
from projections.as_of import Moment
from projections.views import tasks
from projections.views import units as view
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.subjects import UNIT
from projections.views.tasks import TaskView
from projections.views.units import UNIT_LIST, Participation
from projections.wanted import wanted

_AT_ONCE: Final = 100


@get("/units", include_in_schema=False)
async def units(request: Ask) -> Answer:
    """Units and groups, so many at a time."""
    visit = Visit(request, ListQuery)
    part = await list_part(visit, UNIT_LIST, _AT_ONCE)
    kinds = [(kind, [one for one in part.views if one.kind == kind]) for kind in UnitKind]
    return drawn("units.html", visit, part.moment, json="/v1/units", csv="/v1/units.csv", kinds=kinds, more=part.more)


@get("/units/{unit:str}", include_in_schema=False)
async def unit(request: Ask, unit: UnitKey) -> Answer:
    """One unit or group with every task that it takes part in."""
    visit = Visit(request, PageQuery)
    moment, rows = await visit.rows((*view.one(unit), wanted(DISTRICTS)))
    found = UNIT.show(rows, moment.effective_on, unit)
    if not found:
        raise await absent(request, UNIT, unit, moment)
    one = found[0]
    district = next((row for row in rows.of(DISTRICTS, DistrictRow) if row.code == one.district), None)
    parts = await taken(request, moment, one.tasks)
    return drawn(
        "unit.html",
        visit,
        moment,
        json=f"/v1/units/{unit}",
        feed=f"/feeds/units/{unit}.atom",
        unit=one,
        district=district,
        parts=parts,
    )


async def taken(
    request: Ask, moment: Moment, parts: Sequence[Participation]
) -> Sequence[tuple[TaskView, Sequence[Participation]]]:
    """Each task once, with all the ways in which it comes to one."""
    ways: dict[str, list[Participation]] = {}
    for part in parts:
        ways.setdefault(part.task, []).append(part)
    rows = await request.reader.read(moment, tasks.one(*ways))
    shown = {task.id: task for task in tasks.show(rows, moment.effective_on)}
    return [(shown[task], own) for task, own in ways.items() if task in shown]
