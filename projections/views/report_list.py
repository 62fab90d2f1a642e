"""The reports of a plan or of one task as a list: what it can be filtered by. Texts are merged in once it is cut."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from domain.report import Listing
from domain.values import Status
from projections.as_of import Moment, Rows
from projections.lists import Collection, Page, Place, Shown, WholeNumber, with_json
from projections.views.events import Facts
from projections.views.names import PLANS, UNITS, directory
from projections.views.reports import REPORTS, EvidenceStatus, ReportRow, ReportView, evidence_status, show
from projections.views.tasks import TASKS
from projections.wanted import Keyset, Wanted, page_of, wanted

ORDER: Final = ("plan", "ordinal", "key")


class ReportFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which reports of a task."""

    unit: Annotated[
        str | None,
        Meta(description="What this unit itself reported.", examples=["shi-wei-sheng-jian-kang-wei"]),
    ] = None
    period: Annotated[str | None, Meta(description="Reports for this very period.", examples=["2023-Q2"])] = None
    status: Annotated[Status | None, Meta(description="Reports that say this.")] = None
    membership: Annotated[Listing | None, Meta(description="By units that were named for the task, or by others.")] = (
        None
    )
    district: Annotated[str | None, Meta(description="What units of this district reported.", examples=["310115"])] = (
        None
    )
    evidence_status: Annotated[EvidenceStatus | None, Meta(description="Reports that offer such evidence.")] = None


class PlanReportFilter(ReportFilter, frozen=True, kw_only=True, rename="camel"):
    """Which reports of a plan."""

    task: Annotated[WholeNumber | None, Meta(description="Reports on the task with this key.", examples=[21])] = None


def _wanted(scope: str, given: ReportFilter, after: Place | None, limit: int) -> Sequence[Wanted]:
    plan, _, key = scope.partition("/")
    task = f"{plan}/{given.task}" if isinstance(given, PlanReportFilter) and given.task else scope
    columns = {"plan": plan, "task": task if "/" in task else None, "unit": given.unit, "period": given.period}
    rows = wanted(REPORTS, **{name: value for name, value in columns.items() if value is not None})
    within = wanted(TASKS, key=scope) if key else wanted(PLANS, key=plan)
    return (page_of(rows, Keyset(ORDER, after=after, limit=limit)), wanted(UNITS), within)


def _shown(rows: Rows, _: Moment) -> Sequence[Shown[ReportRow]]:
    return [Shown(row, b"") for row in rows.of(REPORTS, ReportRow)]


def _place(report: ReportRow | ReportView, _: ReportFilter) -> Place:
    return report.plan, int(report.task.partition("/")[2]), report.id


def _keeps(given: ReportFilter, rows: Rows, _: date) -> Callable[[ReportRow], bool]:
    units = directory(rows)

    def keeps(row: ReportRow) -> bool:
        unit = units(row.unit)
        return (
            given.status in {None, row.status}
            and given.membership in {None, row.membership}
            and given.evidence_status in {None, evidence_status([row])}
            and given.district in {None, unit.district if unit else None}
        )

    return keeps


def _told(found: Page[ReportRow], facts: Facts) -> Page[ReportView]:
    """A page of reports with their texts."""
    views = show([one.view for one in found.shown], directory(found.rows), facts)
    return Page(with_json(views), found.more, found.rows)


def _list(name: str, filter_: type[ReportFilter]) -> Collection[Any, Any]:
    return Collection(
        name=name,
        view=ReportView,
        filter=filter_,
        wanted=_wanted,
        shown=_shown,
        place=_place,
        places=lambda _: tuple[str, WholeNumber, str],
        keeps=_keeps,
        told=_told,
        paged=True,
    )


TASK_REPORTS: Final = _list("reports of a task", ReportFilter)
PLAN_REPORTS: Final = _list("reports", PlanReportFilter)
