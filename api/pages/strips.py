"""A task's year: who should report on it or has, quarter by quarter, and what each said when."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from api.pages.standing import left_out, was_there
from domain.directory import resolve
from domain.report import latest
from domain.values import Status, period_days
from projections.as_of import Rows
from projections.views.duties import Duties
from projections.views.names import Directory, Named, directory
from projections.views.said import SAID, SaidRow
from projections.views.tasks import TaskView
from projections.views.units import Via, ViaKind

_QUARTERS: Final = 8  # that are drawn at most, the last ones
_DRAWN: Final = 40  # units that are drawn at most
_Days = tuple[date, date]


class Quarter(NamedTuple):
    """What a unit said of a quarter, at which position; `silent`: nothing, though it should have."""

    period: str
    status: Status | None
    silent: bool
    event: int | None
    corrected: bool


class StripRow(NamedTuple):
    """A unit, through whom the task comes to it, who acts in its place, and its quarters."""

    unit: Named
    via: Sequence[Via]
    acting: Sequence[Named]
    cells: Sequence[Quarter]

    @property
    def silent(self) -> int:
        """How many quarters it is silent of."""
        return sum(one.silent for one in self.cells)


class Strip(NamedTuple):
    """The rows that are drawn, of how many, and where the deadline lies: in which column, how far into it.

    `left_out` is the quarter in which the plan was issued, where it was not there from the first day on.
    """

    quarters: Sequence[str]
    left_out: str | None
    rows: Sequence[StripRow]
    of: int
    due: float | None

    @property
    def counts(self) -> dict[str, int]:
        """How many cells have each status, as a legend takes them."""
        found: dict[str, int] = dict.fromkeys((*Status, "not_reported"), 0)
        for cell in (cell for row in self.rows for cell in row.cells):
            if cell.status or cell.silent:
                found[cell.status or "not_reported"] += 1
        return found

    @property
    def corrected(self) -> bool:
        """Whether one of the reports was corrected."""
        return any(cell.corrected for row in self.rows for cell in row.cells)


def strip(task: TaskView, issued_on: date, rows: Rows, on: date) -> Strip:
    """The quarters of the plan's year, and of those years that reports speak of, up to a day.

    They are those for the whole of which the plan, or a report before it, was there, and the one that goes on.

    Who is silent is said by the rule by which REST's `silentIn` says it; a report stands for each quarter that it
    speaks of: by `silent_in`, from its period's first day to the earlier of its last and that from which it holds.
    """
    duties, units = Duties(rows, on), directory(rows)
    said: dict[str, list[SaidRow]] = {}
    for one in rows.of_group(SAID, task.id, SaidRow):
        said.setdefault(one.unit, []).append(one)
    spoken = [period_days(one.period) for own in said.values() for one in own]
    years, since = {issued_on.year, *(last.year for _, last in spoken)}, min([issued_on, *(one for one, _ in spoken)])
    begun = [(name, days) for one in sorted(years) for name, days in _quarters(one) if days[0] <= on]
    quarters = [(name, days) for name, days in begun if was_there(since, name) or days[1] >= on][-_QUARTERS:]
    silent = [frozenset(duties.silent(task.id, days)) for _, days in quarters]
    ways = _ways(task, units)
    who = {*said, *(unit for own in silent for unit in own), *(one.id for one in task.answered.silent)}
    ordered = sorted(who, key=lambda unit: (ways.get(unit, (len(ways),))[0], unit))
    drawn = [
        StripRow(
            units.named(unit),
            ways[unit][1] if unit in ways else (),
            [units.named(end) for end in resolve(unit, units).acting],
            [
                _cell(name, days, said.get(unit, ()), silent=unit in own)
                for (name, days), own in zip(quarters, silent, strict=True)
            ],
        )
        for unit in ordered
    ]
    if len(drawn) > _DRAWN:
        drawn.sort(key=lambda row: -row.silent)
    return Strip(
        [name for name, _ in quarters], left_out(since, on), drawn[:_DRAWN], len(drawn), _place(task.due, quarters)
    )


def _quarters(year: int) -> Iterator[tuple[str, _Days]]:
    for number in range(1, 5):
        period = f"{year}-Q{number}"
        yield period, period_days(period)


def _cell(period: str, days: _Days, said: Iterable[SaidRow], *, silent: bool) -> Quarter:
    first, last = days
    own = [
        one
        for one in said
        if period_days(one.period)[0] <= last and min(period_days(one.period)[1], one.effective_on) >= first
    ]
    if not own:
        return Quarter(period, None, silent=silent, event=None, corrected=False)
    word = latest(own)
    return Quarter(period, word.status, silent=False, event=word.event, corrected=word.place != word.event)


def _ways(task: TaskView, units: Directory) -> dict[str, tuple[int, Sequence[Via]]]:
    """By unit where it stands among those who take part, and through whom the task comes to it."""
    found: dict[str, tuple[int, Sequence[Via]]] = {}
    for one in task.assignments:
        for member in resolve(one.assignee.id, units).units:
            group = Via(ViaKind.GROUP, one.assignee.id, one.assignee.name)
            before = Via(ViaKind.SUCCESSION, member.unit, units.named(member.unit).name)
            for unit in member.before:  # it, and all who succeeded it
                via = [group] * (member.unit != one.assignee.id) + [before] * (unit != member.unit)
                found.setdefault(unit, (len(found), via))
    return found


def _place(due: date | None, quarters: Sequence[tuple[str, _Days]]) -> float | None:
    """Where a day lies among the quarters, in columns from the left."""
    for at, (_, (first, last)) in enumerate(quarters):
        if due is not None and first <= due <= last:
            return at + ((due - first).days + 1) / ((last - first).days + 1)
    return None
