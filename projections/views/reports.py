"""Reports: one for each task, unit and period. Their text lives elsewhere and can be erased; rows hold its digest."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from domain.report import Listing, Measurement, Report, Reports
from domain.values import Sealed, Status, instant_text
from events.recorded import Recorded
from projections.table import INTEGER, TEXT, Row, slice_table
from projections.views.events import Disclosed, Facts
from projections.views.names import Directory, Named
from projections.views.texts import Erasable


class EvidenceStatus(StrEnum):
    """What bears the reports out: nothing, links, or links with the digests of what they lead to."""

    NONE = "none"
    LINKED = "linked"
    DIGESTED = "digested"


class ReportRow(Report, frozen=True, kw_only=True, rename="camel"):
    """A report at one moment, as the table keeps it."""

    task: str
    plan: str
    unit: str

    @property
    def id(self) -> str:
        """Its key in the table."""
        return f"{self.task}/{self.unit}/{self.period}"


def _rows(key: str, reports: Reports) -> Iterable[Row]:
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
            one.place,
            one.effective_on,
            task=task,
            plan=plan,
            unit=unit,
        )
        columns = (plan, int(task.partition("/")[2]), task, unit, one.period)
        yield Row(f"{key}/{one.period}", columns, msgspec.json.encode(row))


REPORTS = slice_table(
    "reports",
    Reports,
    ReportRow,
    _rows,
    {
        "plan": TEXT,
        "ordinal": INTEGER,  # the number in the task's key
        "task": TEXT,
        "unit": TEXT,
        "period": TEXT,
    },
    order=("plan", "ordinal", "key"),
    version=3,
)


class Told(Erasable, frozen=True):
    """Erasable text: the digest that the log holds, and the text as long as it is there."""

    digest: str
    text: str | None


class EvidenceView(msgspec.Struct, frozen=True):
    """A document that bears a report out."""

    url: str
    title: Told | None
    sha256: str | None


class ReportView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What one unit says about one task for one period, as it stands after corrections; `event` is its last word."""

    id: str
    task: str
    plan: str
    unit: Named
    period: str
    status: Status
    narrative: Told | None
    measurement: Measurement | None
    evidence: tuple[EvidenceView, ...]
    evidence_status: EvidenceStatus
    membership: Listing
    event: int
    recorded_at: str
    effective_on: date


def show(reports: Sequence[ReportRow], directory: Directory, facts: Facts) -> list[ReportView]:
    """Reports, each with the texts and the dates of the fact that says it."""
    recorded = {one.position: one for one in facts.recorded}
    return [_view(one, directory, recorded[one.event], facts.disclosed) for one in reports]


def _view(one: ReportRow, directory: Directory, fact: Recorded, disclosed: Disclosed) -> ReportView:
    return ReportView(
        id=one.id,
        task=one.task,
        plan=one.plan,
        unit=directory.named(one.unit),
        period=one.period,
        status=one.status,
        narrative=_told(one.narrative, disclosed),
        measurement=one.measurement,
        evidence=tuple(EvidenceView(each.url, _told(each.title, disclosed), each.sha256) for each in one.evidence),
        evidence_status=evidence_status([one]),
        membership=one.membership,
        event=one.event,
        recorded_at=instant_text(fact.recorded_at),
        effective_on=fact.effective_on,
    )


def _told(sealed: Sealed | None, disclosed: Disclosed) -> Told | None:
    return sealed and Told(sealed.digest, disclosed.get(sealed.digest, (None, None))[1])


def evidence_status(reports: Sequence[Report]) -> EvidenceStatus:
    """`digested` if each report that offers evidence offers it with digests; `none` if no report offers any."""
    evidence = [one for report in reports for one in report.evidence]
    if not evidence:
        return EvidenceStatus.NONE
    return EvidenceStatus.DIGESTED if all(one.sha256 for one in evidence) else EvidenceStatus.LINKED
