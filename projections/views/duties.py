"""Who had to speak for a task on each day up to the one that is shown; since when it is completed, who is silent."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from domain.directory import FindBehind, FindUnit, Unit, UnitKind, resolve
from domain.report import Reported, Said, reported, silent_in
from domain.task import Task
from domain.values import Role, Status
from projections.as_of import Rows
from projections.documents import digest_of, name_of, structs_of
from projections.table import TEXT, Row, slice_table
from projections.views.said import SAID, SaidRow, said_of

_ROW: Final = 600  # bytes that a row takes beside the units in it,
_ID: Final = 80  # which take so much each
_STANDS: Final = 400  # bytes that what reports add up to takes beside the units in it
_NAMED: Final = 300  # bytes that the name of all who stand behind one takes, with the days on which that ends


class ShareRow(msgspec.Struct, frozen=True, array_like=True):
    """A unit's or a group's part in a task."""

    unit: str
    role: Role


class DutyRow(msgspec.Struct, frozen=True):
    """Who takes part in a task, from a day up to another: all that the status rule asks of it."""

    since: date
    until: date
    task: str
    assignments: tuple[ShareRow, ...]
    open_ended: bool
    withdrawn: bool

    @property
    def says(self) -> tuple[Any, ...]:
        """All but its days."""
        return self.assignments, self.open_ended, self.withdrawn


class BehindRow(msgspec.Struct, frozen=True):
    """Who stands behind a group or a unit that was succeeded, from a day up to another; of others there is no row."""

    since: date
    until: date
    id: str
    kind: UnitKind
    successors: tuple[str, ...]
    closed: bool | None
    members: tuple[str, ...]
    former_members: tuple[str, ...]

    @property
    def says(self) -> tuple[Any, ...]:
        """All but its days."""
        return self.kind, self.closed, self.successors, self.members, self.former_members

    @property
    def units(self) -> frozenset[str]:
        """All whom it names."""
        return frozenset((*self.successors, *self.members, *self.former_members))


R = TypeVar("R", DutyRow, BehindRow)


def _duty_rows(key: str, task: Task) -> Iterable[Row]:
    says = {
        "task": key,
        "assignments": [(one.unit, one.role) for one in task.assignments],
        "open_ended": task.open_ended,
        "withdrawn": task.withdrawn,
    }
    yield Row(key, (key.partition("/")[0],), msgspec.json.encode(says))


def _behind_rows(key: str, unit: Unit) -> Iterable[Row]:
    if unit.kind == UnitKind.GROUP or unit.successors:
        says = {"id": key} | {name: getattr(unit, name) for name in BehindRow.__struct_fields__[3:]}
        yield Row(key, (), msgspec.json.encode(says))


DUTIES: Final = slice_table("duties", Task, DutyRow, _duty_rows, {"plan": TEXT}, course=True)
BEHIND: Final = slice_table("behind", Unit, BehindRow, _behind_rows, {}, course=True, shared=True)


class _Courses(NamedTuple):
    """The rows of each task by their days, and what names them."""

    rows: Mapping[str, Sequence[DutyRow]]
    names: Mapping[str, bytes]


def _courses(rows: Rows) -> _Courses:
    def made() -> _Courses:
        found = _by_task(rows.raw(DUTIES))
        return _Courses(
            {task: [row for row, _ in some] for task, some in found.items()},
            {task: digest_of(b"".join(doc for _, doc in some)) for task, some in found.items()},
        )

    digests = rows.joined(DUTIES)
    return rows.memory.made(
        ("duties", digests),
        made,
        lambda made: (
            len(digests) + sum(_ROW + _ID * len(one.assignments) for some in made.rows.values() for one in some)
        ),
    )


def _by_task(raw: Sequence[bytes]) -> Mapping[str, Sequence[tuple[DutyRow, bytes]]]:
    """The rows of each task by their days, with their JSON."""
    found: dict[str, list[tuple[DutyRow, bytes]]] = {}
    for row, doc in zip(structs_of(raw, DutyRow), raw, strict=True):
        found.setdefault(row.task, []).append((row, doc))
    for some in found.values():
        some.sort(key=lambda one: one[0].since)
    return found


class UnitsBehind:
    """Who stood behind each unit and group, day by day."""

    def __init__(self, rows: Sequence[BehindRow]) -> None:
        self._rows: dict[str, list[BehindRow]] = {}
        for row in sorted(rows, key=lambda row: row.since):
            self._rows.setdefault(row.id, []).append(row)
        self.ends = sorted(row.until for row in rows)
        self._names: dict[str, tuple[bytes, Sequence[date]]] = {}
        units = sum(len(row.successors) + len(row.members) + len(row.former_members) for row in rows)
        self.weight = (_ROW + _NAMED) * len(rows) + 2 * _ID * units

    def on(self, day: date) -> FindUnit:
        """Those who have somebody behind them on a day."""

        def find(key: str) -> BehindRow | None:
            return on_day(day, self._rows[key]) if key in self._rows else None

        return find

    def resolved_on(self, day: date) -> FindBehind:
        """All who stand behind each on a day."""
        return partial(resolve, directory=self.on(day))

    def days(self, assignees: Iterable[str]) -> set[date]:
        """The days on which something changes of those who stand behind these, on whatever day they do."""
        return {day for row in self._closure(assignees) for day in (row.since, row.until)}

    def name_of(self, assignees: Iterable[str], on: date) -> bytes:
        """What names those who stand behind these on all days up to one: by it is known what follows from them."""
        found = [self._named(one) for one in assignees if one in self._rows]
        # What has ended by the day may have left no other row behind.
        return name_of(*(part for name, ends in found for part in (name, b"%d" % bisect_right(ends, on))))

    def _named(self, assignee: str) -> tuple[bytes, Sequence[date]]:
        if assignee not in self._names:
            rows = self._closure([assignee])
            name = digest_of(msgspec.json.encode(rows))
            self._names[assignee] = name, sorted({row.until for row in rows})
        return self._names[assignee]

    def with_all(self, units: Iterable[str]) -> set[str]:
        """These, and all who stand behind them on whatever day."""
        found = {*units}
        return found.union(*(row.units for row in self._closure(found)))

    def _closure(self, assignees: Iterable[str]) -> list[BehindRow]:
        """The rows of these, and of all who stand behind them on whatever day."""
        found = list[BehindRow]()
        ahead = list(dict.fromkeys(assignees))
        seen = set(ahead)
        for key in ahead:
            for row in self._rows.get(key, ()):
                found.append(row)
                behind = row.units - seen
                seen |= behind
                ahead += sorted(behind)
        return found


class Stands(NamedTuple):
    """What a task's reports add up to; if it is completed, the first day since which it has been without a break."""

    reported: Reported
    completed_on: date | None


class Reckoned:
    """What reports on tasks add up to on a day, whose `courses` up to it are known; nothing is remembered."""

    def __init__(self, courses: Mapping[str, Sequence[DutyRow]], behind: UnitsBehind, on: date) -> None:
        self._courses = courses
        self._behind = behind
        self._on = on
        self._now = cache(behind.resolved_on(on))  # few take part in many tasks

    def stands(self, task: str, said: Sequence[Said]) -> Stands:
        """What these reports on a task add up to."""
        course = self._courses[task]
        stands = reported(course[-1], said, self._now)
        unbroken = self.unbroken(task, said, Status.COMPLETED) if stands.status == Status.COMPLETED else ()
        return Stands(stands, min(unbroken, default=None))

    def unbroken(self, task: str, said: Sequence[Said], status: Status) -> Iterator[date]:
        """The days of change since which a task has had the status that it has, the latest first, up to a break.

        What was reported up to an earlier day is what holds by that day of what is reported now: no report ends.
        """
        course = self._courses[task]
        days = {one.since for one in course} | {one.report.effective_on for one in said}
        days |= self._behind.days(share.unit for duty in course for share in duty.assignments)
        first, *earlier = sorted((day for day in days if day <= self._on), reverse=True)
        yield first
        for day in earlier:
            duty = on_day(day, course)
            spoken = [one for one in said if one.report.effective_on <= day]
            if duty is None or reported(duty, spoken, self._behind.resolved_on(day)).status != status:
                return
            yield day


def reckoned(rows: Rows, on: date) -> Reckoned:
    """The same of the tasks among these rows, for who asks once."""
    return Reckoned(
        {task: [row for row, _ in some] for task, some in _by_task(rows.raw(DUTIES)).items()}, units_behind(rows), on
    )


def units_behind(rows: Rows) -> UnitsBehind:
    """Who stood behind each unit and group, by these rows."""
    return rows.memory.made(
        ("behind", rows.joined(BEHIND)),
        lambda: UnitsBehind(structs_of(rows.raw(BEHIND), BehindRow)),
        lambda made: made.weight,
    )


class Duties:
    """Who had to speak for the tasks among these rows, on each day up to the one that is shown."""

    def __init__(self, rows: Rows, on: date) -> None:
        self._rows = rows
        self._on = on
        self._courses = _courses(rows)
        self._behind = units_behind(rows)
        self._reckoned = Reckoned(self._courses.rows, self._behind, on)
        # What has ended by the day may have left no other row behind.
        self.name = name_of(rows.joined(BEHIND), b"%d" % bisect_right(self._behind.ends, on))
        self.names = self._courses.names

    def stands(self, task: str) -> Stands:
        """What the reports on a task add up to."""
        said = self._rows.groups(SAID).get(task, b"")
        return self._rows.memory.made(
            ("stands", said, self.names[task], self.behind(task)),
            lambda: self._reckoned.stands(task, self._said(task)),
            lambda made: len(said) + _STANDS + _ID * (len(made.reported.silent) + len(made.reported.latest)),
        )

    def unbroken(self, task: str) -> Iterator[date]:
        """The days of change since which a task's reports add up to what they do, the latest first; without any none.

        The last of them is the first day since which it has stood so without a break.
        """
        status = self.stands(task).reported.status
        return self._reckoned.unbroken(task, self._said(task), status) if status else iter(())

    def behind(self, task: str) -> bytes:
        """What names those who stood behind the ones who took part in a task, on each day up to the one shown."""
        units = dict.fromkeys(share.unit for duty in self._courses.rows[task] for share in duty.assignments)
        return self._behind.name_of(units, self._on)

    def silent(self, task: str, days: tuple[date, date]) -> Sequence[str]:
        """Who should have reported on a task for these days, as things stood on the last of them, and has not.

        While the days go on, it is the one that is shown; of those that have not begun nobody is silent.
        """
        if task not in self.names or days[0] > self._on:
            return ()
        said = self._rows.groups(SAID).get(task, b"")
        return self._rows.memory.made(
            ("silent", days, said, self.names[task], self.name),
            lambda: (self._silent(task, days),),
            lambda made: len(said) + _ID * (1 + len(made[0])),
        )[0]

    def _silent(self, task: str, days: tuple[date, date]) -> Sequence[str]:
        last = min(days[1], self._on)
        duty = on_day(last, self._courses.rows[task])
        return silent_in(days, duty, self._said(task), self._behind.resolved_on(last)) if duty else ()

    def _said(self, task: str) -> Sequence[Said]:
        return said_of(self._rows.of_group(SAID, task, SaidRow))


def on_day(day: date, course: Iterable[R]) -> R | None:
    """The row of a course that stands for a day."""
    return next((one for one in course if one.since <= day < one.until), None)
