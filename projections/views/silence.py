"""Who is silent: who should have reported for a period, as things stood on its last day, and has not."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import msgspec

from domain.report import silent_in
from domain.values import period_days, quarter_before
from projections.as_of import Rows
from projections.documents import name_of, split_digests, structs_of
from projections.views.names import UNITS, UnitRow, directory
from projections.views.said import SAID, SaidRow, said_of
from projections.views.tasks import TASKS, TaskRow
from projections.wanted import Wanted, on_another_day, wanted

TASKS_THEN: Final = TASKS._replace(name="tasks then")  # as they stood on the period's last day
UNITS_THEN: Final = UNITS._replace(name="units then")  # and those units that have been otherwise since
_PLACE: Final = 300  # bytes that a task's digest, id and place take
_ID: Final = 80  # bytes that a unit's id takes in what is remembered


class LastDay(NamedTuple):
    """The last day of a period or, while it goes on, the day that is shown; before it begins a day without tasks."""

    period: str

    def __call__(self, on: date) -> date:
        """On the day that is shown."""
        first, last = period_days(self.period)
        return min(last, on) if first <= on else date.min


def quarter_end(on: date) -> date:
    """The last day of the last quarter that was over on a day."""
    return date(on.year, (on.month - 1) // 3 * 3 + 1, 1) - date.resolution


def then(tasks: Wanted, day: LastDay | None = None) -> Sequence[Wanted]:
    """What is read besides to tell who is silent on these rows of TASKS_THEN: by a day, else in the last quarter."""
    on = day or quarter_end
    return (on_another_day(tasks, on), on_another_day(wanted(UNITS_THEN), on, ended=True))


class _There(msgspec.Struct, frozen=True):
    """A task that was there then."""

    id: str


def _there(rows: Rows) -> Mapping[str, tuple[bytes, int]]:
    """The digest of each task that was there then, and where it stands among the rows, by its id."""
    digests = rows.joined(TASKS_THEN)

    def made() -> Mapping[str, tuple[bytes, int]]:
        there = zip(structs_of(rows.raw(TASKS_THEN), _There), split_digests(digests), strict=True)
        return {one.id: (digest, place) for place, (one, digest) in enumerate(there)}

    return rows.memory.made(("tasks then", digests), made, lambda made: len(digests) + _PLACE * len(made))


class Silence:
    """Who is silent on the tasks among these rows, which hold what `then` asks for."""

    def __init__(self, rows: Rows, days: tuple[date, date]) -> None:
        self._rows = rows
        self._days = days
        self._there = _there(rows)
        self._name = name_of(f"{days[0]} {days[1]}".encode(), rows.joined(UNITS), rows.joined(UNITS_THEN))
        self._now = directory(rows)
        self._before = {one.id: one for one in rows.of(UNITS_THEN, UnitRow)}

    def of(self, task: str) -> Sequence[str]:
        """The ids of those who are silent on a task."""
        if task not in self._there:
            return ()
        digest, place = self._there[task]
        key = "silent", self._name, digest, self._rows.groups(SAID).get(task, b"")
        return self._rows.memory.made(key, lambda: self._found(task, place), lambda made: _ID * (1 + len(made)))[0]

    def _found(self, task: str, place: int) -> tuple[tuple[str, ...]]:
        (row,) = structs_of([self._rows.raw(TASKS_THEN)[place]], TaskRow)
        said = said_of(self._rows.of_group(SAID, task, SaidRow))
        return (silent_in(self._days, row, said, self._unit),)

    def _unit(self, key: str) -> UnitRow | None:
        return self._before.get(key) or self._now(key)


def in_last_quarter(rows: Rows, on: date) -> tuple[str, Silence]:
    """The last quarter that was over on a day, and who is silent in it."""
    last = quarter_end(on)
    return quarter_before(on), Silence(rows, (last.replace(month=last.month - 2, day=1), last))
