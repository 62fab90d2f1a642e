"""Reports: one for each task, unit and period. Their text lives elsewhere and can be erased; rows hold its digest."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from domain.report import Report, Reports
from projections.table import TEXT, Row, slice_table


class EvidenceStatus(StrEnum):
    """What bears the reports out: nothing, links, or links with the digests of what they lead to."""

    NONE = "none"
    LINKED = "linked"
    DIGESTED = "digested"


class ReportRow(Report, frozen=True, kw_only=True):
    """A report at one moment, as the table keeps it."""

    task: str
    plan: str
    unit: str


def _rows(key: str, reports: Reports, _: int) -> Iterable[Row]:
    task, unit = key.rsplit("/", 1)
    plan = task.partition("/")[0]
    for one in reports.reports:
        row = ReportRow(
            one.period,
            one.status,
            one.narrative,
            one.measurement,
            one.evidence,
            one.membership,
            one.event,
            task=task,
            plan=plan,
            unit=unit,
        )
        yield Row(f"{key}/{one.period}", (plan, task, unit, one.period), msgspec.json.encode(row))


REPORTS = slice_table("reports", "report", ReportRow, _rows, {"plan": TEXT, "task": TEXT, "unit": TEXT, "period": TEXT})


def evidence_status(reports: Sequence[Report]) -> EvidenceStatus:
    """`digested` if each report that offers evidence offers it with digests; `none` if no report offers any."""
    evidence = [one for report in reports for one in report.evidence]
    if not evidence:
        return EvidenceStatus.NONE
    return EvidenceStatus.DIGESTED if all(one.sha256 for one in evidence) else EvidenceStatus.LINKED
