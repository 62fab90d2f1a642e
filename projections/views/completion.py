"""Since when tasks are completed: what stood on earlier days, read where a completed task is shown and nowhere else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Final, NamedTuple

from domain.directory import FindUnit
from domain.report import Said, reported
from domain.values import Status
from events.handle import Acquire
from projections.as_of import Moment, Rows
from projections.documents import digest_of, name_of, structs_of
from projections.table import SCHEMA
from projections.views.names import UNITS, Directory, UnitRow, directory
from projections.views.said import SAID, SaidRow, said_of
from projections.views.tasks import TASKS, TaskRow

_ID: Final = 60  # bytes that a task's id takes beside its letters
_DAY: Final = 200  # bytes that a day takes with the two names that it is remembered by

# What the record at a position shows of these tasks up to a day, and of units before the state that they have on it.
_EARLIER: Final = f"""SELECT 'tasks', key, eff_from, eff_to, digest, doc FROM {SCHEMA}.tasks
    WHERE key = ANY($3::text[]) AND known_from <= $1 AND known_to > $1 AND eff_from <= $2
UNION ALL SELECT 'units', key, eff_from, eff_to, digest, doc FROM {SCHEMA}.units
    WHERE known_from <= $1 AND known_to > $1 AND eff_to <= $2 ORDER BY 1, 2, 3"""


class _Earlier(NamedTuple):
    """A row of an earlier day, or of tasks also that of the day itself: from its first day up to another."""

    table: str
    key: str
    since: date
    until: date
    digest: bytes
    doc: bytes


async def with_completions(acquire: Acquire, moment: Moment, several: Sequence[Rows]) -> list[Rows]:
    """Rows of one moment, with the day since which each task among them is completed that is: one statement at most."""
    completed = [_completed(rows) for rows in several]
    wanted = sorted({task for some in completed for task in some})
    if not wanted:
        return list(several)
    async with acquire() as connection:
        found = await connection.fetch(_EARLIER, moment.position, moment.effective_on, wanted)
    earlier = [_Earlier(*row) for row in found]
    return [_dated(rows, some, earlier) if some else rows for rows, some in zip(several, completed, strict=True)]


def _completed(rows: Rows) -> Sequence[str]:
    """The tasks among these rows that are completed on their day; where no reports are wanted, none."""
    if not (rows.any(TASKS) and rows.any(SAID)):
        return ()
    name = name_of(rows.joined(TASKS), rows.joined(SAID), rows.joined(UNITS))
    return rows.memory.made(
        ("completed", name), lambda: tuple(_found(rows)), lambda made: sum(_ID + len(task) for task in made)
    )


def _found(rows: Rows) -> Iterator[str]:
    units = directory(rows)
    for task in structs_of(rows.raw(TASKS), TaskRow):
        if reported(task, _said(rows, task.id), units).status == Status.COMPLETED:
            yield task.id


def _said(rows: Rows, task: str) -> Sequence[Said]:
    return said_of(rows.of_group(SAID, task, SaidRow))


def _dated(rows: Rows, completed: Sequence[str], earlier: Sequence[_Earlier]) -> Rows:
    """The rows with the day of each of these tasks, which is remembered by all that it follows from."""
    units = [one for one in earlier if one.table == UNITS.name]
    past, name = _Past(rows, units), _name(rows.joined(UNITS), units)
    own: dict[str, list[_Earlier]] = {}
    for one in earlier:
        if one.table == TASKS.name:
            own.setdefault(one.key, []).append(one)

    def day(task: str) -> date:
        key = "completed on", name, _name(rows.groups(SAID)[task], own[task])
        return rows.memory.made(key, lambda: _first_day(own[task], _said(rows, task), past), lambda _: _DAY)

    return rows.with_completed({task: day(task) for task in completed})


def _name(digests: bytes, earlier: Iterable[_Earlier]) -> bytes:
    days = (f"{one.since} {one.until} ".encode() + one.digest for one in earlier)
    return digest_of(b"".join((digests, *days)))


class _Past:
    """All units on earlier days."""

    def __init__(self, rows: Rows, earlier: Sequence[_Earlier]) -> None:
        self._rows = rows
        self._earlier = earlier

    @cached_property
    def _now(self) -> Directory:
        return directory(self._rows)

    @cached_property
    def _then(self) -> Mapping[str, Sequence[tuple[date, date, UnitRow]]]:
        found: dict[str, list[tuple[date, date, UnitRow]]] = {}
        units = structs_of([one.doc for one in self._earlier], UnitRow)
        for one, unit in zip(self._earlier, units, strict=True):
            found.setdefault(one.key, []).append((one.since, one.until, unit))
        return found

    def on(self, day: date) -> FindUnit:
        """The units on a day."""

        def find(key: str) -> UnitRow | None:
            then = (unit for since, until, unit in self._then.get(key, ()) if since <= day < until)
            return next(then, None) or self._now(key)

        return find

    def days(self, assignees: Iterable[str]) -> set[date]:
        """The days on which something changes of those who stand behind these, on whatever day they do."""
        found = set[date]()
        ahead = list(dict.fromkeys(assignees))
        seen = set(ahead)
        for key in ahead:
            then = self._then.get(key, ())
            found |= {until for _, until, _ in then}
            for unit in filter(None, (self._now(key), *(unit for _, _, unit in then))):
                behind = {*unit.members, *unit.former_members, *unit.successors} - seen
                seen |= behind
                ahead += behind
        return found


def _first_day(earlier: Sequence[_Earlier], said: Sequence[Said], past: _Past) -> date:
    """The first day since which a task that is completed has been so without a break.

    What was reported up to an earlier day is what holds by that day of what is reported now: no report ends.
    """
    tasks = structs_of([one.doc for one in earlier], TaskRow)
    spans = [(one.since, one.until, task) for one, task in zip(earlier, tasks, strict=True)]
    days = {since for since, _, _ in spans} | {one.report.effective_on for one in said}
    days |= past.days(one.unit for task in tasks for one in task.assignments)
    first = date.max
    for day in sorted(days, reverse=True):
        task = next((task for since, until, task in spans if since <= day < until), None)
        spoken = [one for one in said if one.report.effective_on <= day]
        if task is None or reported(task, spoken, past.on(day)).status != Status.COMPLETED:
            return first
        first = day
    return first
