"""What units take part in: of each task their own word beside the whole's, quarter by quarter, silent ones first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

import msgspec

from api.http.question import Ask
from domain.values import Role, period_days, quarter_before, shanghai_day
from projections.as_of import Moment, Rows
from projections.views import tasks
from projections.views.duties import Duties
from projections.views.names import PLANS, Directory, Named, PlanRow, directory
from projections.views.own import OwnWords, ReportOn
from projections.views.tasks import ReportedStatus, TaskView
from projections.views.units import Participation

_QUARTERS: Final = 4  # of a chart, at most
_LAST_REPORTS: Final = 5
_MOST_MEMBERS: Final = 60  # that are drawn one by one
NOT_SAID: Final = "silent"
NOTHING_DUE: Final = "free"  # who had nothing to report


class TaskTaken(msgspec.Struct, frozen=True):
    """A task with all the ways in which it comes to some units, and what they said of it in each quarter.

    `quarters` has a status, `silent` or `free`. `never`: they should have reported by now, and never have.
    """

    task: TaskView
    ways: Sequence[Participation]
    quarters: Mapping[str, str]
    never: bool

    @property
    def status(self) -> str:
        """Their own word."""
        return self.ways[0].own.status if self.ways[0].own else ReportedStatus.NOT_REPORTED

    @property
    def unasked(self) -> bool:
        """Whether they have said nothing because nothing was to be said: others speak for the task."""
        return not self.ways[0].own and set(self.quarters.values()) <= {NOTHING_DUE}

    @property
    def place(self) -> tuple[int, int]:
        """The silent ones first, those that are withdrawn last."""
        return (3 if self.task.withdrawn else 0 if self.never else 1 if not self.ways[0].own else 2, self.task.number)


class LastReport(NamedTuple):
    """A report, and when it was recorded."""

    task: TaskView
    unit: Named
    period: str
    status: str
    recorded_at: datetime

    @property
    def recorded_day(self) -> date:
        """The day on which it was, in Shanghai."""
        return shanghai_day(self.recorded_at)


class StillDue(NamedTuple):
    """The tasks on which there is still to be reported for a period, and by whom; `over`: its days are."""

    period: str
    last_day: date
    over: bool
    tasks: Sequence[tuple[TaskView, Sequence[Named]]]


class MemberWords(NamedTuple):
    """What one of several units says of each task that they all take part in: its own word, by the task's id."""

    unit: Named
    words: Mapping[str, str]

    @property
    def reported(self) -> int:
        """On how many it has reported."""
        return sum(word != ReportedStatus.NOT_REPORTED for word in self.words.values())


class Taken(msgspec.Struct, frozen=True):
    """All that some units take part in; withdrawn tasks are among `tasks`, and in no number."""

    tasks: Sequence[TaskTaken]
    quarters: Sequence[str]
    reports: Sequence[LastReport]
    due: Sequence[StillDue]
    members: Sequence[MemberWords]

    @property
    def live(self) -> Sequence[TaskTaken]:
        """Those that are not withdrawn, by number."""
        return sorted((one for one in self.tasks if not one.task.withdrawn), key=lambda one: one.task.number)

    @property
    def own(self) -> Mapping[str, int]:
        """How many have each status by their own word."""
        return by_status(one.status for one in self.live)

    @property
    def unasked(self) -> int:
        """On how many of those that they have not reported on nothing was to be reported by them."""
        return sum(one.unasked for one in self.live)

    @property
    def whole(self) -> Mapping[str, int]:
        """How many have each status by the word of all who should speak."""
        return by_status(one.task.reported_status for one in self.live)

    @property
    def stand(self) -> Mapping[str, int]:
        """How often each status stands in either bar."""
        return {status: count + self.whole[status] for status, count in self.own.items()}

    @property
    def of_members(self) -> Mapping[str, int]:
        """How often each status is a member's word."""
        return by_status(word for one in self.members for word in one.words.values())

    @property
    def seen(self) -> Mapping[str, int]:
        """How often each status stands in a quarter."""
        drawn = (status for one in self.live for status in one.quarters.values())
        return by_status(ReportedStatus.NOT_REPORTED if one == NOT_SAID else one for one in drawn if one != NOTHING_DUE)

    @property
    def other_role(self) -> Role | None:
        """The one role that they have where they do not lead, if it is one."""
        roles = {way.role for one in self.with_role(lead=False) for way in one.ways}
        return roles.pop() if len(roles) == 1 else None

    def with_role(self, *, lead: bool) -> Sequence[TaskTaken]:
        """Those that they lead, or the others."""
        return [one for one in self.live if lead == any(way.role is Role.LEAD for way in one.ways)]


async def taken(  # noqa: PLR0913, PLR0917 - some units, and what was read of them
    request: Ask,
    moment: Moment,
    rows: Rows,
    parts: Sequence[Participation],
    units: Sequence[str],
    whose: Callable[[str], bool],
) -> Taken:
    """What `units` take part in; `rows` hold their reports, `whose` tells for which silent ones they stand."""
    ways: dict[str, list[Participation]] = {}
    for part in parts:
        ways.setdefault(part.task, []).append(part)
    beside = await request.reader.read(moment, tasks.one(*ways))
    there = {one.id: one for one in tasks.show(beside, moment.effective_on)}
    known = directory(rows)
    words, speaking = OwnWords(rows, known), [one for unit in units for one in known.speaking(unit)]
    duties, on = Duties(beside, moment.effective_on), moment.effective_on

    def silent(task: TaskView, period: str) -> Sequence[str]:
        if task.withdrawn:
            return ()
        return [one for one in duties.silent(task.id, period_days(period)) if whose(one)]

    def word(task: TaskView, quarter: str) -> str:
        own = words.of(speaking, task.id, period_days(quarter))
        return own.status if own else NOT_SAID if silent(task, quarter) else NOTHING_DUE

    shown = [there[task] for task in ways if task in there]
    spoken = words.spoken({before for one in speaking for before in known.before(one)})
    issued = [one.issued_on for one in beside.of(PLANS, PlanRow)]
    begun = [period_days(one.report.period)[0] for one in spoken]
    quarters = _quarters(on, min((*issued, *begun), default=on))
    found = [
        TaskTaken(
            task,
            ways[task.id],
            {quarter: word(task, quarter) for quarter in quarters},
            not ways[task.id][0].own and any(whose(one.id) for one in task.answered.silent),
        )
        for task in shown
    ]
    return Taken(
        sorted(found, key=lambda one: one.place),
        quarters,
        _last_reports(request, spoken, known, there),
        _due(on, quarters, shown, silent, known),
        _members(speaking, [task for task in shown if not task.withdrawn], words, known),
    )


def _members(
    units: Sequence[str], shown: Sequence[TaskView], words: OwnWords, known: Directory
) -> Sequence[MemberWords]:
    """The word of each, where they are several and can be seen side by side."""

    def word(unit: str, task: str) -> str:
        own = words.of([unit], task)
        return own.status if own else ReportedStatus.NOT_REPORTED

    if not 1 < len(units) <= _MOST_MEMBERS:
        return ()
    return [MemberWords(known.named(unit), {task.id: word(unit, task.id) for task in shown}) for unit in units]


def by_status(values: Iterable[str]) -> Mapping[str, int]:
    """How many there are of each status."""
    found = dict.fromkeys(map(str, ReportedStatus), 0)
    for one in values:
        found[str(one)] += 1
    return found


def _quarters(on: date, first: date) -> Sequence[str]:
    """The quarter of the day and those before it that did not begin before a first day."""
    found = [_quarter_of(on)]
    while len(found) < _QUARTERS:
        before = quarter_before(period_days(found[0])[0])
        if period_days(before)[0] < first:
            break
        found.insert(0, before)
    return found


def _quarter_of(on: date) -> str:
    return f"{on.year}-Q{(on.month + 2) // 3}"


def _last_reports(
    request: Ask, spoken: Sequence[ReportOn], known: Directory, there: Mapping[str, TaskView]
) -> Sequence[LastReport]:
    """The reports that were recorded last, the newest first."""
    recorded_at = request.reader.head.recorded_at
    return [
        LastReport(there[task], known.named(one.unit), one.period, one.status, recorded_at(one.event))
        for task, one in spoken
        if task in there
    ][:_LAST_REPORTS]


def _due(
    on: date,
    quarters: Sequence[str],
    shown: Sequence[TaskView],
    silent: Callable[[TaskView, str], Sequence[str]],
    known: Directory,
) -> Sequence[StillDue]:
    """What is still to be reported for the last quarter that is over, if it is one of those drawn, and for this one."""
    found: list[StillDue] = []
    for period in quarters[-2:]:
        last_day = period_days(period)[1]
        each = [(task, [known.named(one) for one in own]) for task in shown if (own := silent(task, period))]
        found += [StillDue(period, last_day, last_day < on, each)] if each else []
    return found
