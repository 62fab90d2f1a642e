"""Units and groups, and what each takes part in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from litestar import get
from msgspec import Meta

from api.http.answers import Answer
from api.http.paths import UnitKey
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.listed import ListPart, ListQuery, list_part
from api.pages.problems import absent
from api.pages.standing import was_there
from api.pages.taken import taken
from api.pages.visit import PageQuery, Visit
from domain.values import last_quarter, shanghai_day
from projections.views import units as view
from projections.views.counts import Tally, TaskCounts
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.names import PLANS, PlanRow, directory
from projections.views.own import OwnWords
from projections.views.subjects import UNIT
from projections.views.tasks import ReportedStatus
from projections.views.units import UNIT_LIST, UNIT_TASKS, UnitView
from projections.wanted import wanted

_AT_ONCE: Final = 80  # which the units of a city fit in: as long as they do, they can be sorted


class Sorting(StrEnum):
    """By what the units of a page stand: by how many tasks, or by which report is the newest."""

    TASKS = "tasks"
    COMPLETED = "completed"
    OVERDUE = "overdue"
    SILENT = "silent"
    REPORTED = "reported"


class UnitsQuery(ListQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which part of the list is shown, and in which order where one part is all of it."""

    sort: Annotated[
        Sorting | None, Meta(description="The largest first. Default: tasks; by id where not all fit on a page.")
    ] = None


class UnitLine(NamedTuple):
    """A unit with the counts of its tasks and the instant of its last report."""

    unit: UnitView
    counts: TaskCounts
    tasks: int
    reported_at: datetime | None

    @property
    def reported_day(self) -> date | None:
        """The day of that, in Shanghai."""
        return self.reported_at and shanghai_day(self.reported_at)


@get("/units", include_in_schema=False)
async def units(request: Ask) -> Answer:
    """Units and groups, so many at a time; all of them in the order that is asked for, where they fit on one page."""
    visit = Visit(request, UnitsQuery)
    part = await list_part(visit, UNIT_LIST, _AT_ONCE)
    period = last_quarter(part.moment.effective_on)[0]
    lines, issued = await _lines(request, part)
    whole = part.more is None and visit.given.after is None
    by = visit.given.sort or Sorting.TASKS
    return drawn(
        "units.html",
        visit,
        part.moment,
        json="/v1/units",
        csv="/v1/units.csv",
        lines=sorted(lines, key=_ORDER[by], reverse=True) if whole else lines,
        by=by if whole else None,
        sorts=list(Sorting),
        period=period,
        asked=not issued or was_there(min(issued), period),
        seen={name: sum(getattr(one.counts.reported_status, name) for one in lines) for name in ReportedStatus},
        most=max((one.tasks for one in lines), default=0),
        more=part.more,
    )


_ORDER: Final[Mapping[Sorting, Callable[[UnitLine], Any]]] = {
    Sorting.TASKS: lambda one: one.tasks,
    Sorting.COMPLETED: lambda one: one.counts.reported_status.completed,
    Sorting.OVERDUE: lambda one: one.counts.schedule_status.overdue,
    Sorting.SILENT: lambda one: one.counts.silent_in.tasks,
    Sorting.REPORTED: lambda one: one.reported_at.timestamp() if one.reported_at else 0,
}


async def _lines(request: Ask, part: ListPart[UnitView]) -> tuple[Sequence[UnitLine], Sequence[date]]:
    """The units of a page with the numbers of each, as REST counts them, and when their plans were issued."""
    rows = await request.reader.read(part.moment, UNIT_TASKS.beside(part.views))
    tally = Tally(rows, part.moment.effective_on)
    known = directory(part.rows)
    newest: dict[str, int] = {}
    for _, report in OwnWords(part.rows, known).spoken():
        newest.setdefault(report.unit, report.event)
    recorded_at = request.reader.head.recorded_at
    found: list[UnitLine] = []
    for one in part.views:
        speaking = {before for unit in known.speaking(one.id) for before in known.before(unit)}
        event = max((newest[unit] for unit in speaking if unit in newest), default=None)
        counts: TaskCounts = UNIT_TASKS.counts(one, tally)
        live = sum(getattr(counts.reported_status, name) for name in counts.reported_status.__struct_fields__)
        found.append(UnitLine(one, counts, live, recorded_at(event) if event else None))
    return found, [one.issued_on for one in rows.of(PLANS, PlanRow)]


@get("/units/{unit:str}", include_in_schema=False)
async def unit(request: Ask, unit: UnitKey) -> Answer:
    """One unit or group: its own word on every task that it takes part in, beside the whole's."""
    visit = Visit(request, PageQuery)
    moment, rows = await visit.rows((*view.one(unit), wanted(DISTRICTS)))
    found = UNIT.show(rows, moment.effective_on, unit)
    if not found:
        raise await absent(request, UNIT, unit, moment)
    one = found[0]
    district = next((row for row in rows.of(DISTRICTS, DistrictRow) if row.code == one.district), None)
    whose = directory(rows).behind(unit).__contains__
    return drawn(
        "unit.html",
        visit,
        moment,
        json=f"/v1/units/{unit}",
        feed=f"/feeds/units/{unit}.atom",
        unit=one,
        district=district,
        taken=await taken(request, moment, rows, one.tasks, [unit], whose),
    )
