"""Tasks: their rows, and a task as everybody reads it: names, reports and statuses joined at the same moment."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from domain.report import Listing
from domain.task import Assignment, Target, Task
from domain.values import Role, Status
from projections.as_of import Meta, Rows
from projections.documents import name_of, split_digests, structs_of
from projections.grams import grams_of
from projections.lists import Shown
from projections.table import DATE, INTEGER, TEXT, Row, slice_table, version_table, word_table
from projections.views.duties import BEHIND, DUTIES, Duties, Stands
from projections.views.mentions import Mentions, mentions
from projections.views.names import PLANS, PLATFORMS, UNITS, Assignee, Directory, Named, PlanRow, directory
from projections.views.reports import EvidenceStatus
from projections.views.said import SAID, SaidRow, evidence_of
from projections.wanted import Wanted, wanted

SOON: Final = timedelta(days=30)
_WEIGHT: Final = 3  # bytes that a view takes with its JSON for each byte of the JSON
_PLACE: Final = 300  # bytes that a task's digest, id and deadline take


class TaskRow(Task, frozen=True, kw_only=True):
    """A task at one moment, as the table keeps it."""

    id: str
    plan: str


class NumberedTask(msgspec.Struct, frozen=True):
    """A task by the number that people know it by: all that some need to know of its row."""

    id: str
    number: int


class AssignmentRow(Assignment, frozen=True, kw_only=True, rename=None):
    """A unit's part in a task."""

    task: str
    plan: str
    number: int


class TargetRow(Target, frozen=True, kw_only=True, rename=None):
    """A target of a task."""

    task: str
    plan: str


def _task_rows(key: str, task: Task) -> Iterable[Row]:
    plan = key.partition("/")[0]
    row = TaskRow(**msgspec.structs.asdict(task), id=key, plan=plan)
    ordinal = int(key.partition("/")[2])
    columns = (plan, task.number, ordinal, task.part, task.measure, task.due or date.max)
    yield Row(key, columns, msgspec.json.encode(row))


def _word_rows(key: str, task: Task) -> Iterable[Row]:
    """What a task is found by: its text, and the very words by which it names its units."""
    yield Row(key, (key, task.text), b"null")
    for one in task.assignments:
        yield Row(f"{key}/{one.unit}", (key, one.literal), b"null")


def _grams(columns: tuple[str, str]) -> tuple[str, str]:
    """The same with the grams for the text, and the plan as one more: few words are in it, which are found by that."""
    key, text = columns
    return key, " ".join(sorted({key.partition("/")[0], *grams_of(text)}))


def _assignment_rows(key: str, task: Task) -> Iterable[Row]:
    plan = key.partition("/")[0]
    for one in task.assignments:
        row = AssignmentRow(**msgspec.structs.asdict(one), task=key, plan=plan, number=task.number)
        yield Row(f"{key}/{one.unit}", (plan, key, one.unit, one.role.value), msgspec.json.encode(row))


def _target_rows(key: str, task: Task) -> Iterable[Row]:
    plan = key.partition("/")[0]
    for one in task.targets:
        row = TargetRow(**msgspec.structs.asdict(one), task=key, plan=plan)
        yield Row(f"{key}/{one.target}", (plan, key), msgspec.json.encode(row))


TASKS = slice_table(
    "tasks",
    Task,
    TaskRow,
    _task_rows,
    {
        "plan": TEXT,
        "number": INTEGER,
        "ordinal": INTEGER,  # the number in the key
        "part": INTEGER,
        "measure": INTEGER,
        "due": DATE,  # infinity where there is none
    },
    order=("plan", "number", "ordinal", "due"),
)
TASK_WORDS = word_table("task_words", Task, _word_rows, _grams)
ASSIGNMENTS = slice_table(
    "assignments", Task, AssignmentRow, _assignment_rows, {"plan": TEXT, "task": TEXT, "unit": TEXT, "role": TEXT}
)
TARGETS = slice_table("targets", Task, TargetRow, _target_rows, {"plan": TEXT, "task": TEXT})
TASK_VERSIONS = version_table(Task, {"plan": TEXT}, lambda key: (key.partition("/")[0],))


class ScheduleStatus(StrEnum):
    """How a task stands to its deadline: `unspecified` if it has none or is withdrawn, `due_soon` within 30 days."""

    UNSPECIFIED = "unspecified"
    NOT_DUE = "not_due"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    COMPLETED_ON_TIME = "completed_on_time"
    COMPLETED_LATE = "completed_late"


class ReportedStatus(StrEnum):
    """What the reports add up to: the least advanced of those who should speak."""

    NOT_REPORTED = "not_reported"
    NOT_STARTED = "not_started"
    BLOCKED = "blocked"
    DELAYED = "delayed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class AssignmentView(msgspec.Struct, frozen=True, rename="camel"):
    """Who takes part, how, in which very words, and who acts in its place since a succession."""

    assignee: Assignee
    role: Role
    literal: str
    acting_units: tuple[Named, ...]


class Answered(msgspec.Struct, frozen=True):
    """How many of those who should speak have spoken; `of` is null where an open group is among them.

    `silent` are those of the closed sets who have not.
    """

    count: int
    of: int | None
    silent: tuple[Named, ...]


class ReportRef(msgspec.Struct, frozen=True, rename="camel"):
    """A report that counts for the status, without its text, which stands under `self`."""

    unit: Named
    period: str
    status: Status
    membership: Listing
    evidence_status: EvidenceStatus
    event: int
    self_: str = msgspec.field(name="self")


class Source(msgspec.Struct, frozen=True):
    """Where the task was read: the SHA-256 of the document, and the line in it."""

    document: str
    line: int | None


class TaskView(msgspec.Struct, frozen=True, rename="camel", kw_only=True, weakref=True):
    """One task as the record showed it at a moment."""

    id: str
    plan: str
    number: int
    part: int | None
    measure: int | None
    text: str
    assignments: tuple[AssignmentView, ...]
    open_ended: bool
    reported_status: ReportedStatus
    answered: Answered
    evidence_status: EvidenceStatus
    schedule_status: ScheduleStatus
    due: date | None
    completed_on: date | None
    withdrawn: bool
    targets: tuple[Target, ...]
    platforms: tuple[Named, ...]
    latest_reports: tuple[ReportRef, ...]
    source: Source | None
    version: int
    meta: Meta | UnsetType = UNSET


def one(*keys: str) -> Sequence[Wanted]:
    """What a single task is put together from, or some."""
    plans = tuple(dict.fromkeys(key.partition("/")[0] for key in keys))
    own = (wanted(TASKS, key=keys), wanted(TASK_VERSIONS, key=keys), wanted(SAID, task=keys), wanted(DUTIES, key=keys))
    return (*own, *joined_to(*plans))


def of_plan(*plans: str) -> Sequence[Wanted]:
    """What all tasks of a plan are put together from, or of some."""
    own = (wanted(table, plan=plans) for table in (TASKS, TASK_VERSIONS, SAID, DUTIES))
    return (*own, *joined_to(*plans))


def joined_to(*plans: str) -> Sequence[Wanted]:
    """What is joined to any task of a plan, or of some, beside what is its own."""
    return (*_EVERYWHERE, wanted(PLANS, key=plans))


_EVERYWHERE: Final = (wanted(UNITS), wanted(BEHIND), wanted(PLATFORMS))


class _Plan(NamedTuple):
    """A plan's id, and its document by its SHA-256."""

    id: str
    document: str | None


class Beside:
    """What is joined to every task of a moment; put together only where a task's view is not remembered."""

    def __init__(self, rows: Rows, on: date) -> None:
        self._rows = rows
        self._on = on

    @cached_property
    def duties(self) -> Duties:
        """Who had to speak."""
        return Duties(self._rows, self._on)

    @cached_property
    def name(self) -> bytes:
        """What names all of it."""
        joined = map(self._rows.joined, (UNITS, PLATFORMS, PLANS))
        return name_of(*joined, self.duties.name)

    @cached_property
    def directory(self) -> Directory:
        """All units."""
        return directory(self._rows)

    @cached_property
    def platforms(self) -> Mentions:
        """All platforms."""
        return mentions(self._rows)

    @cached_property
    def plans(self) -> Mapping[str, _Plan]:
        """Of each plan what its tasks share."""

        def made() -> Mapping[str, _Plan]:
            rows = self._rows.of(PLANS, PlanRow)
            return {one.id: _Plan(one.id, one.document and f"sha256:{one.document}") for one in rows}

        digests = self._rows.joined(PLANS)
        return self._rows.memory.made(("plans of tasks", digests), made, lambda made: len(digests) + _PLACE * len(made))


# "name of task", its digest, those of its version and of its reports, the name of what is beside, how the day lies (an
# enum hashes in Python), and what names those who had to speak for it
_Key = tuple[str, bytes, bytes, bytes, bytes, str, bytes]


class _Dated(msgspec.Struct, frozen=True):
    """All that a list needs to know of a task before its view is found."""

    id: str
    due: date | None


class Due(StrEnum):
    """How a day lies to a deadline: all that a task's schedule asks of the day it is read on."""

    NEVER = "never"
    LATER = "later"
    SOON = "soon"
    PAST = "past"


_OPEN: Final = {
    Due.NEVER: ScheduleStatus.UNSPECIFIED,
    Due.LATER: ScheduleStatus.NOT_DUE,
    Due.SOON: ScheduleStatus.DUE_SOON,
    Due.PAST: ScheduleStatus.OVERDUE,
}


def show(rows: Rows, on: date) -> list[TaskView]:
    """The tasks among these rows, by number, as of the day that they stand on."""
    shown = [one.view for one in shown_of(rows, on)]
    return sorted(shown, key=lambda task: (task.number, int(task.id.partition("/")[2])))


def by_id(rows: Rows, on: date) -> Iterable[tuple[str, TaskView]]:
    """The same, each with its id."""
    return ((one.id, one) for one in show(rows, on))


def each(rows: Rows, on: date) -> Iterator[TaskView]:
    """The tasks among these rows, one after the other, in the order of the rows."""
    beside, own = Beside(rows, on), _tasks(rows)
    for key, document in zip(_keys(rows, own, beside, on), rows.raw(TASKS), strict=True):
        name = rows.memory.get(key) or _named(rows, document, beside, key)
        shown: Shown[TaskView] = rows.memory.get(("task", name)) or _shown(rows, document, beside, key, name)
        yield shown.view


def shown_of(rows: Rows, on: date) -> list[Shown[TaskView]]:
    """The tasks among these rows with their JSON, in the order of the rows.

    A task is a pure function of the rows that it is put together from, and is remembered by their digests, which earns
    8 times on `list-uncached-lean-round-trip`, 6 on `graphql-uncached`, 1.3 on `task-uncached`. Of all units it is only
    those that it shows; which they are is remembered by all.
    """
    beside = Beside(rows, on)
    keys = _keys(rows, _tasks(rows), beside, on)
    names: list[Any] = rows.memory.several(keys)
    if not all(names):
        found = zip(names, rows.raw(TASKS), keys, strict=True)
        names = [name or _named(rows, document, beside, key) for name, document, key in found]
    shown: list[Any] = rows.memory.several([("task", name) for name in names])
    if not all(shown):
        found = zip(shown, rows.raw(TASKS), keys, names, strict=True)
        shown = [one or _shown(rows, document, beside, key, name) for one, document, key, name in found]
    return shown


def _keys(rows: Rows, tasks: "_Tasks", beside: Beside, on: date) -> list[_Key]:
    """By what the name of each task is remembered."""
    versions, said, name, duties = rows.groups(TASK_VERSIONS), rows.groups(SAID), beside.name, beside.duties.names
    lies = {due: due_on(due, on).value for due in tasks.dues}
    return [
        ("name of task", digest, versions[task], said.get(task, b""), name, lies[due], duties[task])
        for digest, task, due in tasks.each
    ]


def _named(rows: Rows, document: bytes, beside: Beside, key: _Key) -> bytes:
    """What names the view of a task: all that it is put together from, and no other unit."""
    (task,), (_, digest, version, said, _, due, duty) = structs_of([document], TaskRow), key
    units = dict.fromkeys(one.unit for one in task.assignments)
    units |= dict.fromkeys(one.unit for one in rows.of_group(SAID, task.id, SaidRow))
    joined = rows.joined(PLATFORMS), rows.joined(PLANS)
    behind = beside.directory.name_of(units), beside.duties.behind(task.id)
    name = name_of(digest, version, said, duty, due.encode(), *joined, *behind)
    rows.memory.put(key, name, _PLACE + len(said))
    return name


class _Tasks(NamedTuple):
    """The tasks of a list: digest, id and deadline of each, and the deadlines that there are."""

    each: Sequence[tuple[bytes, str, date | None]]
    dues: Collection[date | None]


def _tasks(rows: Rows) -> _Tasks:
    digests = rows.joined(TASKS)

    def made() -> _Tasks:
        dated = zip(split_digests(digests), structs_of(rows.raw(TASKS), _Dated), strict=True)
        each = [(digest, one.id, one.due) for digest, one in dated]
        return _Tasks(each, {due for _, _, due in each})

    return rows.memory.made(("tasks", digests), made, lambda made: len(digests) + _PLACE * len(made.each))


def _shown(rows: Rows, document: bytes, beside: Beside, key: _Key, name: bytes) -> Shown[TaskView]:
    """A task that was not remembered, and is from now on."""
    (task,), (_, _, _, _, _, due, _) = structs_of([document], TaskRow), key
    said, stands = rows.of_group(SAID, task.id, SaidRow), beside.duties.stands(task.id)
    view = view_of(task, rows.count(TASK_VERSIONS, task.id), said, beside, stands, Due(due))
    shown = Shown(view, msgspec.json.encode(view), name)
    rows.memory.put(("task", name), shown, _WEIGHT * len(shown.json))
    return shown


def view_of(  # noqa: PLR0913, PLR0917 - all that a task is put together from
    task: TaskRow, version: int, reports: Sequence[SaidRow], beside: Beside, found: Stands, due: Due
) -> TaskView:
    """One task, as the reports on it stand, of whose day this is known."""
    directory, plan = beside.directory, beside.plans.get(task.plan) or _Plan(task.plan, None)
    by_event = {report.event: report for report in reports}
    stands, completed_on = found
    counted = [by_event[report.event] for report in stands.latest]
    return TaskView(
        id=task.id,
        plan=plan.id,
        number=task.number,
        part=task.part,
        measure=task.measure,
        text=task.text,
        assignments=tuple(_assignment(one, directory) for one in task.assignments),
        open_ended=task.open_ended,
        reported_status=ReportedStatus(stands.status or "not_reported"),
        answered=Answered(stands.count, stands.of, tuple(map(directory.named, stands.silent))),
        evidence_status=evidence_of(counted),
        schedule_status=schedule_status(task, due, completed_on),
        due=task.due,
        completed_on=completed_on,
        withdrawn=task.withdrawn,
        targets=task.targets,
        platforms=beside.platforms.among(task.text),
        latest_reports=tuple(_reference(report, directory) for report in counted),
        source=Source(plan.document, task.line) if plan.document else None,
        version=version,
    )


def _assignment(one: Assignment, directory: Directory) -> AssignmentView:
    return AssignmentView(directory.assignee(one.unit), one.role, one.literal, directory.acting(one.unit))


def _reference(report: SaidRow, directory: Directory) -> ReportRef:
    return ReportRef(
        directory.named(report.unit),
        report.period,
        report.status,
        report.membership,
        report.evidence_status,
        report.event,
        f"/v1/events/{report.event}",
    )


def due_on(due: date | None, on: date) -> Due:
    """How a day lies to a deadline."""
    if due is None:
        return Due.NEVER
    if on <= due - SOON:
        return Due.LATER
    return Due.SOON if on <= due else Due.PAST


def schedule_status(task: Task, due: Due, completed_on: date | None) -> ScheduleStatus:
    """How a task stands to its deadline, on a day that lies so to it."""
    if task.due is None or task.withdrawn:
        return ScheduleStatus.UNSPECIFIED
    if completed_on is not None:
        return ScheduleStatus.COMPLETED_ON_TIME if completed_on <= task.due else ScheduleStatus.COMPLETED_LATE
    return _OPEN[due]
