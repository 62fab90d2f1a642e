"""What can be taken home, by who takes it: tables for people, feeds for those who follow, the rest for programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from litestar import get

from api.http.answers import Answer
from api.http.formats import ExportForm
from api.http.question import Ask
from api.pages.datasets import TAKEN_HOME, downloads
from api.pages.drawing import drawn
from api.pages.listed import ListQuery, list_part
from api.pages.visit import Visit
from projections.as_of import Moment
from projections.views.plans import PLAN_LIST
from projections.views.reports import REPORTS
from projections.views.tasks import ASSIGNMENTS, TARGETS, TASKS
from projections.wanted import wanted

FOR_PEOPLE: Final = (ExportForm.XLSX, ExportForm.CSV)
_COUNTED: Final = {"tasks": TASKS, "assignments": ASSIGNMENTS, "reports": REPORTS, "targets": TARGETS}
_AT_ONCE: Final = 10  # plans


class _OfPlan(msgspec.Struct, frozen=True):
    """Whose a row is: all that is counted by."""

    plan: str


@get("/data", include_in_schema=False)
async def data_page(request: Ask) -> Answer:
    """Where all data of the record is, for a spreadsheet, to be followed, for a program, and to be checked."""
    visit = Visit(request, ListQuery)
    part = await list_part(visit, PLAN_LIST, _AT_ONCE)
    counts = await _counts(request, part.moment, [one.id for one in part.views])
    return drawn(
        "data.html",
        visit,
        part.moment,
        json="/v1/plans",
        csv="/v1/plans.csv",
        feed="/feeds/events.atom",
        plans=[(one, zip(TAKEN_HOME, downloads(visit, one.id, FOR_PEOPLE), strict=True)) for one in part.views],
        counts=counts,
        more=part.more,
    )


async def _counts(request: Ask, moment: Moment, plans: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """How many rows each export of each plan has, but for that of its facts."""
    rows = await request.reader.read(moment, [wanted(table, plan=tuple(plans)) for table in _COUNTED.values()])
    return Counter((one.plan, name) for name, table in _COUNTED.items() for one in rows.of(table, _OfPlan))
