"""What one unit says about one task for one period, and what a task's reports add up to."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from domain.directory import FindBehind, FindUnit, Succession, Unit, UnitKind, resolve
from domain.errors import (
    EmptyReport,
    IsWithdrawn,
    MayNotReport,
    ReportExists,
    WrongDate,
    WrongMeasurement,
    WrongPeriod,
)
from domain.fact import Fact, Ground
from domain.record import Command, New, Past, Placed, Record, State
from domain.task import Task
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


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """One report, as it stands after corrections; `event` is the position of the fact that says it.

    It holds from `effective_on`; its `place` is that of the first report that it corrects, if it does.
    """

    period: str
    status: Status
    narrative: Sealed | None
    measurement: Measurement | None
    evidence: tuple[Evidence, ...]
    membership: Listing
    event: int
    place: int
    effective_on: date


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


def evolve(reports: Reports | None, fact: ProgressReported, placed: Placed) -> Reports:
    """The reports after one more."""
    others = tuple(one for one in reports.reports if one.period != fact.period) if reports else ()
    new = Report(
        fact.period,
        fact.status,
        fact.narrative,
        fact.measurement,
        fact.evidence,
        fact.membership,
        placed.position,
        placed.place,
        placed.on,
    )
    return Reports((*others, new))


class Share(Protocol):
    """What the status rule asks of an assignment."""

    @property
    def unit(self) -> str:
        """The unit or the group."""
        ...

    @property
    def role(self) -> Role:
        """Whether it leads."""
        ...


class Duty(Protocol):
    """What the status rule asks of a task."""

    @property
    def assignments(self) -> Sequence[Share]:
        """Who takes part."""
        ...

    @property
    def open_ended(self) -> bool:
        """Whether others take part whom the task does not list."""
        ...

    @property
    def withdrawn(self) -> bool:
        """Whether nobody has to do it any more."""
        ...


def why_silent(unit: str, task: Duty | None, directory: FindUnit) -> str | None:
    """Why a unit has no report to make on a task, as things stand on a day; None if it may."""
    there = directory(unit)
    if task is None:
        return "the task is not there on that day"
    if task.withdrawn:
        return "the task is withdrawn on that day"
    if there and there.successors:
        return f"by that day the unit was succeeded by {', '.join(there.successors)}"
    return None if membership(unit, task, directory) else "the unit takes no part in the task on that day"


def membership(unit: str, task: Duty, directory: FindUnit) -> Listing | None:
    """How `unit` may report on `task`: as assignee, member or successor; where the list is open; or not at all.

    Who was succeeded reports no more.
    """
    open_ended = task.open_ended
    for one in task.assignments:
        behind = resolve(one.unit, directory)
        if any(unit in heirs.ends for heirs in behind.units):
            return Listing.LISTED
        open_ended = open_ended or behind.open
    return Listing.UNLISTED if open_ended else None


class EvidenceOffered(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Evidence as a command offers it, its title still in words."""

    url: Url
    title: Annotated[str, Meta(min_length=1, max_length=400)] | None = None
    sha256: Sha256 | None = None


class MeasurementOffered(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A figure towards a target of the task, which is named by its number, in that target's unit."""

    value: Decimal
    unit: Name
    target: Number


class ReportProgress(Command, frozen=True, kw_only=True, tag="progress.report"):
    """Report on a task for a period, in words or with a figure. `replaces` corrects a report, with a reason."""

    LINES: ClassVar[frozenset[str]] = frozenset({"narrative"})

    task: TaskId
    unit: UnitId
    period: Period
    status: Status
    narrative: Annotated[str, Meta(min_length=1, max_length=10_000)] | None = None
    measurement: MeasurementOffered | None = None
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

    def kept_date(self, past: Past, today: date) -> date:
        """That of the report it corrects; the default for another period, or where the rules refuse that date."""
        same = isinstance(past.fact, ProgressReported) and past.fact.period == self.period
        keeps = same and period_days(self.period)[0] <= past.effective_on <= today
        return past.effective_on if keeps else self.default_date(today)

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
        if unit.successors:
            raise MayNotReport(self._succeeded(unit, record), pointer="/unit")
        listing = self._listing(record, record.on)
        if listing is None:
            raise MayNotReport(
                f"{unit.name} takes no part in task {self.task} on {record.on}{self._last_day(record)}", pointer="/unit"
            )
        self._check_measurement(task, record)
        self._check_first(record)
        yield self.stream, self._reported(record, listing)

    def _listing(self, record: Record, on: date) -> Listing | None:
        task = record.find(Task, self.task, on)
        return task and membership(self.unit, task, lambda unit: record.find(Unit, unit, on))

    def _succeeded(self, unit: Unit, record: Record) -> str:
        """Until when it could report, and who does now."""
        first = record.on
        for since, _, state in reversed(list(record.log.states(f"unit:{self.unit}"))):
            if since <= record.on:
                if not (isinstance(state, Unit) and state.successors):
                    break
                first = since
        by = ", ".join(unit.successors)
        return (
            f"{unit.name} was succeeded on {first} by {by}: it reports with an effectiveOn before that day alone, "
            f"and {by} from that day on"
        )

    def _last_day(self, record: Record) -> str:
        """The last day on which the unit took part, in words; nothing if it never did."""
        spans = list(record.log.states(f"task:{self.task}"))
        assigned = {one.unit for _, _, state in spans if isinstance(state, Task) for one in state.assignments}
        spans += [span for unit in sorted(assigned) for span in record.log.states(f"unit:{unit}")]
        ends = sorted({since for since, _, _ in spans if date.min < since <= record.on}, reverse=True)
        days = (since - timedelta(days=1) for since in ends)
        last = next((day for day in days if self._listing(record, day) == Listing.LISTED), None)
        return f": the last day on which it did was {last}" if last else ""

    def _check_measurement(self, task: Task, record: Record) -> None:
        if self.measurement is None:
            return
        target = next((one for one in task.targets if one.target == self.measurement.target), None)
        if target is None:
            known = ", ".join(f"{one.target} ({one.literal})" for one in task.targets) or "none"
            raise WrongMeasurement(
                f"task {self.task} has no target {self.measurement.target} on {record.on}; its targets: {known}",
                pointer="/measurement/target",
            )
        if target.unit != self.measurement.unit:
            raise WrongMeasurement(
                f"target {target.target} ({target.literal}) is counted in {target.unit}: give the figure in that unit",
                pointer="/measurement/unit",
            )

    def _reported(self, record: Record, listing: Listing) -> ProgressReported:
        return ProgressReported(
            self.period,
            self.status,
            record.seal(self.narrative) if self.narrative else None,
            self.measurement and Measurement(**msgspec.structs.asdict(self.measurement)),
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
        if record.on < first:
            raise WrongDate(
                f"a report for {self.period} cannot hold from {record.on}: the period begins on {first}",
                pointer="/effectiveOn",
            )
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

    @property
    def place(self) -> int:
        """The position of the first fact of its chain."""
        ...

    @property
    def effective_on(self) -> date:
        """The day from which it holds."""
        ...


class OwnReport(msgspec.Struct, frozen=True, rename="camel"):
    """A report as far as its unit's own word needs it."""

    unit: str
    period: str
    status: Status
    membership: Listing
    event: int
    place: int
    effective_on: date


class Said(NamedTuple):
    """One report as the status rule sees it."""

    unit: str
    report: Spoken


class Reported(msgspec.Struct, frozen=True, rename="camel"):
    """What a task's reports add up to.

    `of` counts the speakers of the closed sets, and is null where an open group is among them; `silent` are those of
    the closed sets who have not spoken.
    """

    status: Status | None
    count: int
    of: int | None
    silent: tuple[str, ...]
    latest: tuple[Spoken, ...]


def latest(reports: Iterable[Spoken]) -> Spoken:
    """The report that speaks for the latest day: the earlier of its period's end and the day from which it holds.

    At equal days the later place, so that a correction keeps its rank. If two shared a place, the shorter period.
    """

    def key(one: Spoken) -> tuple[date, int, date]:
        first, last = period_days(one.period)
        return min(last, one.effective_on), one.place, first

    return max(reports, key=key)


def reported(task: Duty, said: Sequence[Said], behind: FindBehind) -> Reported:
    """The leads' or, without one, all assignees' least advanced status; completed only if all of them have spoken."""
    speakers = _speakers(task, behind)
    by_unit: dict[str, list[Spoken]] = {}
    for one in said:
        by_unit.setdefault(one.unit, []).append(one.report)
    words = [_word(pair.unit.before, pair.end, by_unit) for pair in speakers.closed]
    silent = dict.fromkeys(pair.end for pair, word in zip(speakers.closed, words, strict=True) if word is None)
    spoken = [word for word in words if word]
    if speakers.open is not None:
        spoken += _open_words(speakers, by_unit)
    status = min((one.status for one in spoken), key=RANK.__getitem__, default=None)
    if status == Status.COMPLETED and silent:
        status = Status.IN_PROGRESS
    once = tuple({one.event: one for one in spoken}.values())  # one successor may speak for two
    of = len(speakers.closed) if speakers.open is None else None
    return Reported(status, len(spoken), of, tuple(silent), once)


def speaks_for(report: Spoken, days: tuple[date, date]) -> bool:
    """Whether a report is for these days: those that it speaks for meet them.

    It speaks for its period's first to the earlier of its last and the day from which it holds.
    """
    begin, end = period_days(report.period)
    return begin <= days[1] and min(end, report.effective_on) >= days[0]


def silent_in(days: tuple[date, date], task: Duty, said: Sequence[Said], behind: FindBehind) -> tuple[str, ...]:
    """Who should have reported for these days and has not: those who act for speakers of the closed sets, each once.

    `task` and who stands `behind` are as on the last of the days. Of a withdrawn task nobody is silent.
    """
    by_unit: dict[str, list[Spoken]] = {}
    for one in said:
        if speaks_for(one.report, days):
            by_unit.setdefault(one.unit, []).append(one.report)
    pairs = () if task.withdrawn else _speakers(task, behind).closed
    return tuple(dict.fromkeys(pair.end for pair in pairs if not _word(pair.unit.before, pair.end, by_unit)))


def own_word(
    units: Sequence[str], predecessors: Mapping[str, Sequence[str]], said: Mapping[str, Sequence[Spoken]]
) -> Spoken | None:
    """What these units themselves say of a task: the least advanced of their words, by `said`, each unit's reports.

    Until a unit has spoken, those it succeeded speak for it; who was succeeded by another of them speaks so alone. Of
    words that are equally advanced it is the one for the latest day. None: they have not reported.
    """
    followed = {one for unit in units if len(units) > 1 for one in _before(unit, predecessors)}
    spoken = [word for one in units if one not in followed and (word := _word(predecessors, one, said))]
    least = min((RANK[one.status] for one in spoken), default=None)
    return latest(one for one in spoken if RANK[one.status] == least) if spoken else None


def _before(unit: str, predecessors: Mapping[str, Sequence[str]]) -> set[str]:
    """All whom a unit succeeded, however long ago; in a circle not itself."""
    found = {unit}
    ahead = [unit]
    for one in ahead:
        new = [before for before in predecessors.get(one, ()) if before not in found]
        found.update(new)
        ahead += new
    return found - {unit}


class _Pair(NamedTuple):
    """Who should speak: a unit by the end of one branch of those who succeeded it."""

    unit: Succession
    end: str


class _Speakers(NamedTuple):
    """Who should speak: the pairs of the closed sets, and those of an open group, of which there may be none.

    `own` are those who stand behind units that the task itself names: they do not speak for an open group.
    """

    closed: Sequence[_Pair]
    open: Sequence[_Pair] | None
    own: Collection[str]


def _speakers(task: Duty, behind: FindBehind) -> _Speakers:
    leads = [one for one in task.assignments if one.role == Role.LEAD]
    resolved = [behind(one.unit) for one in leads or task.assignments]
    closed = _pairs(unit for one in resolved if not one.open for unit in one.units)
    if not any(one.open for one in resolved) and (leads or not task.open_ended):
        return _Speakers(closed, None, ())
    named = (behind(one.unit) for one in task.assignments)
    own = {unit for one in named if one.kind != UnitKind.GROUP for unit in one.units[0].before}
    others = own | {pair.unit.unit for pair in closed}
    members = (unit for one in resolved if one.open for unit in (*one.units, *one.former))
    return _Speakers(closed, _pairs(unit for unit in members if unit.unit not in others), own)


def _pairs(units: Iterable[Succession]) -> Sequence[_Pair]:
    """Each unit once, by the end of each of its branches."""
    return [_Pair(one, end) for one in {one.unit: one for one in units}.values() for end in one.ends]


def _word(before: Mapping[str, Sequence[str]], unit: str, by_unit: Mapping[str, Sequence[Spoken]]) -> Spoken | None:
    """What a unit said last or, until it has spoken, what the nearest of those did whom it succeeded."""
    if not before.get(unit):  # as with most
        said = by_unit.get(unit)
        return latest(said) if said else None
    seen = {unit}
    asked = [unit]
    while asked:
        if said := [report for one in asked for report in by_unit.get(one, ())]:
            return latest(said)
        asked = [one for one in dict.fromkeys(it for each in asked for it in before.get(each, ())) if one not in seen]
        seen.update(asked)
    return None


def _open_words(speakers: _Speakers, by_unit: Mapping[str, Sequence[Spoken]]) -> list[Spoken]:
    """What members and former members say, and whoever reported as unlisted."""
    pairs = speakers.open or ()
    words = [word for pair in pairs if (word := _word(pair.unit.before, pair.end, by_unit))]
    spoken_for = {*speakers.own} | {unit for pair in (*speakers.closed, *pairs) for unit in pair.unit.before}
    for unit, reports in by_unit.items():
        unlisted = [one for one in reports if one.membership == Listing.UNLISTED]
        if unlisted and unit not in spoken_for:
            words.append(latest(unlisted))
    return words


ReportCommands = ReportProgress
