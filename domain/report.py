"""What one unit says about one task for one period, and what a task's reports add up to."""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from domain.directory import FindUnit, Unit, UnitKind, resolve
from domain.errors import EmptyReport, IsWithdrawn, MayNotReport, ReportExists, WrongDate, WrongPeriod
from domain.fact import Fact, Ground
from domain.record import Command, New, Record, State
from domain.task import Assignment, Task
from domain.values import (
    LATEST,
    RANK,
    Decimal,
    Name,
    Number,
    Period,
    Role,
    Sealed,
    Sha256,
    Status,
    TaskId,
    UnitId,
    period_days,
)

Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s]+$",
        max_length=2_000,
        description="Where the evidence is: an address that begins with http:// or https://.",
    ),
]


class Listing(StrEnum):
    """Whether the reporting unit was named for the task, or spoke where the list is open."""

    LISTED = "listed"
    UNLISTED = "unlisted"


class Measurement(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A figure with its unit; `target` is the task's target that it counts towards."""

    value: Decimal
    unit: Name
    target: Number | None = None


class Evidence(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A document that bears the report out; its title is erasable, its digest is not."""

    url: Url
    title: Sealed | None = None
    sha256: Sha256 | None = None


class Report(msgspec.Struct, frozen=True):
    """One report, as it stands after corrections; `event` is the position of the fact that says it."""

    period: str
    status: Status
    narrative: Sealed | None
    measurement: Measurement | None
    evidence: tuple[Evidence, ...]
    membership: Listing
    event: int


class Reports(State, frozen=True):
    """All reports of one unit about one task, at most one for a period."""

    KIND: ClassVar[str] = "report"

    reports: tuple[Report, ...] = ()

    def stands_on(self) -> frozenset[Ground]:
        """The targets that its measurements count towards."""
        measured = (one.measurement for one in self.reports if one.measurement)
        return frozenset(("target", one.target) for one in measured if one.target is not None)

    def of(self, period: str) -> Report | None:
        """The report for this very period."""
        return next((one for one in self.reports if one.period == period), None)


class ProgressReported(Fact, frozen=True, tag="progress.reported.v1"):
    """A unit reported on a task for a period. Task and unit stand in the stream's name."""

    period: Period
    status: Status
    narrative: Sealed | None = None
    measurement: Measurement | None = None
    evidence: tuple[Evidence, ...] = ()
    membership: Listing = Listing.LISTED


def evolve(reports: Reports | None, fact: ProgressReported, event: int) -> Reports:
    """The reports after one more."""
    others = tuple(one for one in reports.reports if one.period != fact.period) if reports else ()
    new = Report(fact.period, fact.status, fact.narrative, fact.measurement, fact.evidence, fact.membership, event)
    return Reports((*others, new))


def membership(unit: str, task: Task, directory: FindUnit) -> Listing | None:
    """How `unit` may report on `task`: as assignee, member or successor; where the list is open; or not at all."""
    open_ended = task.open_ended
    for one in task.assignments:
        behind = resolve(one.unit, directory)
        if any(unit in chain for chain in behind.chains):
            return Listing.LISTED
        open_ended = open_ended or behind.open
    return Listing.UNLISTED if open_ended else None


class EvidenceOffered(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Evidence as a command offers it, its title still in words."""

    url: Url
    title: Annotated[str, Meta(min_length=1, max_length=400)] | None = None
    sha256: Sha256 | None = None


class ReportProgress(Command, frozen=True, kw_only=True, tag="progress.report"):
    """Report on a task for a period, in words or with a figure. `replaces` corrects a report, with a reason."""

    task: TaskId
    unit: UnitId
    period: Period
    status: Status
    narrative: Annotated[str, Meta(min_length=1, max_length=10_000)] | None = None
    measurement: Measurement | None = None
    evidence: Annotated[tuple[EvidenceOffered, ...], Meta(max_length=20)] = ()

    @property
    def stream(self) -> str:
        """The unit's reports about the task."""
        return f"report:{self.task}/{self.unit}"

    def needs_reason(self) -> bool:
        """A correction says why; a first report need not."""
        return self.replaces is not None

    def default_date(self, today: date) -> date:
        """The period's last day, or today if that is earlier."""
        return min(period_days(self.period)[1], today)

    def decide(self, record: Record) -> Iterator[New]:
        """progress.reported, if the unit may speak, for a period of the task's life that it has not reported on yet."""
        self._check_words()
        self._check_dates(record)
        task = record.there(Task, self.task)
        if task.withdrawn:
            raise IsWithdrawn(f"task {self.task} is withdrawn on {record.on} and takes no reports", pointer="/task")
        unit = record.there(Unit, self.unit)
        if unit.kind == UnitKind.GROUP:
            raise MayNotReport(f"{unit.name} is a group: its members report, each for itself", pointer="/unit")
        listing = membership(self.unit, task, lambda unit: record.find(Unit, unit))
        if listing is None:
            raise MayNotReport(f"{unit.name} takes no part in task {self.task} on {record.on}", pointer="/unit")
        self._check_first(record)
        yield self.stream, self._reported(record, listing)

    def _reported(self, record: Record, listing: Listing) -> ProgressReported:
        return ProgressReported(
            self.period,
            self.status,
            record.seal(self.narrative) if self.narrative else None,
            self.measurement,
            tuple(
                Evidence(one.url, record.seal(one.title) if one.title else None, one.sha256) for one in self.evidence
            ),
            listing,
        )

    def _check_words(self) -> None:
        if self.narrative is None and self.measurement is None:
            raise EmptyReport("a report needs a narrative or a measurement", pointer="/narrative")

    def _check_dates(self, record: Record) -> None:
        first, last = period_days(self.period)
        if first > record.today:
            raise WrongPeriod(f"{self.period} has not begun: today is {record.today}", pointer="/period")
        if record.on > record.today:
            raise WrongDate(f"a report cannot hold from {record.on}: today is {record.today}", pointer="/effectiveOn")
        if record.find(Task, self.task, last) is None and record.find(Task, self.task, LATEST) is not None:
            raise WrongPeriod(f"{self.period} ended before task {self.task} was there", pointer="/period")

    def _check_first(self, record: Record) -> None:
        there = record.find(Reports, f"{self.task}/{self.unit}", LATEST)
        report = there.of(self.period) if there else None
        if report is not None:
            raise ReportExists(
                f"{self.unit} has reported on task {self.task} for {self.period} already, at position {report.event}: "
                f'to correct it, send the report with "replaces": {report.event} and a reason',
                pointer="/period",
            )


class Spoken(Protocol):
    """What the status rule asks of a report."""

    @property
    def period(self) -> str:
        """The period it speaks of."""
        ...

    @property
    def status(self) -> Status:
        """What it says."""
        ...

    @property
    def membership(self) -> Listing:
        """Whether the plan lists the unit."""
        ...

    @property
    def event(self) -> int:
        """The position of its fact."""
        ...


class Said(NamedTuple):
    """One report as the status rule sees it."""

    unit: str
    report: Spoken


class Reported(msgspec.Struct, frozen=True, rename="camel"):
    """What a task's reports add up to; `of` is null where nobody can say how many should speak."""

    status: Status | None
    count: int
    of: int | None
    latest: tuple[Spoken, ...]


def latest(reports: Sequence[Spoken]) -> Spoken:
    """The report whose period ends last; at equal ends the shorter one, then the later recorded."""

    def key(one: Spoken) -> tuple[date, date, int]:
        first, last = period_days(one.period)
        return last, first, one.event

    return max(reports, key=key)


def reported(task: Task, said: Sequence[Said], directory: FindUnit) -> Reported:
    """The leads' or, without one, all assignees' least advanced status; completed only if all of them have spoken."""
    leads = [one for one in task.assignments if one.role == Role.LEAD]
    speakers, is_open = _speakers(leads or task.assignments, directory)
    if not leads and task.open_ended:
        is_open = True
    voices = [[one.report for one in said if one.unit in chain] for chain in speakers]
    spoken = [latest(voice) for voice in voices if voice]
    complete = len(spoken) == len(speakers)
    if is_open:
        spoken += _unlisted(said, speakers)
    status = min((one.status for one in spoken), key=RANK.__getitem__, default=None)
    if status == Status.COMPLETED and not complete:
        status = Status.IN_PROGRESS
    once = tuple({one.event: one for one in spoken}.values())  # one successor may speak for two
    return Reported(status, len(spoken), None if is_open else len(speakers), once)


def _speakers(assignments: Sequence[Assignment], directory: FindUnit) -> tuple[list[tuple[str, ...]], bool]:
    """The chain of each unit that should speak, once, and whether others may."""
    chains: dict[str, tuple[str, ...]] = {}
    is_open = False
    for one in assignments:
        behind = resolve(one.unit, directory)
        is_open = is_open or behind.open
        chains |= {chain[0]: chain for chain in behind.chains}
    return list(chains.values()), is_open


def _unlisted(said: Sequence[Said], speakers: Sequence[Sequence[str]]) -> list[Spoken]:
    listed = {unit for chain in speakers for unit in chain}
    by_unit: dict[str, list[Spoken]] = {}
    for one in said:
        if one.unit not in listed and one.report.membership == Listing.UNLISTED:
            by_unit.setdefault(one.unit, []).append(one.report)
    return [latest(reports) for reports in by_unit.values()]


ReportCommands = ReportProgress
