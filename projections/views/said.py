"""What reports say of a task's status, without their text: small rows, as every list of tasks reads them all."""

from collections.abc import Iterable
from datetime import date

import msgspec

from domain.report import Listing, Reports, Said
from domain.values import Status
from projections.table import TEXT, Row, slice_table
from projections.views.reports import EvidenceStatus, evidence_status


class SaidRow(msgspec.Struct, frozen=True, array_like=True):
    """A report as a task's status needs it."""

    task: str
    unit: str
    period: str
    status: Status
    membership: Listing
    evidence_status: EvidenceStatus
    event: int
    place: int
    effective_on: date


def _rows(key: str, reports: Reports) -> Iterable[Row]:
    task, unit = key.rsplit("/", 1)
    plan = task.partition("/")[0]
    for one in reports.reports:
        row = SaidRow(
            task,
            unit,
            one.period,
            one.status,
            one.membership,
            evidence_status([one]),
            one.event,
            one.place,
            one.effective_on,
        )
        yield Row(f"{key}/{one.period}", (plan, task), msgspec.json.encode(row))


SAID = slice_table("said", Reports, SaidRow, _rows, {"plan": TEXT, "task": TEXT}, by="task", version=2)


def said_of(rows: Iterable[SaidRow]) -> list[Said]:
    """What is reported on a task, as the status rule sees it, in the order of the log."""
    return [Said(one.unit, one) for one in sorted(rows, key=lambda one: one.event)]


def evidence_of(said: Iterable[SaidRow]) -> EvidenceStatus:
    """`digested` if each report that offers evidence offers it with digests; `none` if no report offers any."""
    offered = {one.evidence_status for one in said} - {EvidenceStatus.NONE}
    if not offered:
        return EvidenceStatus.NONE
    return EvidenceStatus.LINKED if EvidenceStatus.LINKED in offered else EvidenceStatus.DIGESTED
