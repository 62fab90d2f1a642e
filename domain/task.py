"""A task of the plan: its wording, its place, who takes part in it, its deadline and its targets."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, assert_never

import msgspec
from msgspec import Meta

from domain.directory import Unit
from domain.errors import AlreadyAssigned, IsWithdrawn, NotAssigned, NotWithdrawn, Unknown
from domain.fact import Fact, Ground
from domain.plan import Plan
from domain.record import Command, New, Record, State
from domain.values import Decimal, Name, Number, Role, TaskId, Text, UnitId, checked_date


class Assignment(msgspec.Struct, frozen=True, rename="camel"):
    """A unit's part in a task, with the very words it was read from."""

    unit: UnitId
    role: Role
    literal: str


class Target(msgspec.Struct, frozen=True, rename="camel"):
    """A number that the text promises: 41 个主要执法领域 is value "41", unit "个主要执法领域"; 全覆盖 is "100", "%"."""

    target: Number
    literal: str
    value: Decimal
    unit: str


class Task(State, frozen=True):
    """A task as its own facts leave it. Names, reports and whatever is computed are joined when it is read."""

    KIND: ClassVar[str] = "task"

    number: int
    part: int | None
    measure: int | None
    text: str
    open_ended: bool
    line: int | None
    assignments: tuple[Assignment, ...] = ()
    targets: tuple[Target, ...] = ()
    due: date | None = None
    withdrawn: bool = False

    def has(self) -> frozenset[Ground]:
        """Its targets."""
        return frozenset(("target", one.target) for one in self.targets)

    def stands_on(self) -> frozenset[Ground]:
        """The part and the measure of the plan that it is in."""
        named = {("part", self.part), ("measure", self.measure)}
        return frozenset((kind, number) for kind, number in named if number is not None)

    def assigned(self, unit: str) -> Assignment | None:
        """The part that this very unit has in the task, if any."""
        return next((one for one in self.assignments if one.unit == unit), None)


class TaskAdded(Fact, frozen=True, tag="task.added.v1"):
    """The task entered the plan; `line` is its line in the plan's document."""

    MOVES_DUTIES: ClassVar[bool] = True

    number: Number
    part: Number | None
    measure: Number | None
    text: Text
    open_ended: bool = False
    line: Number | None = None


class TaskReworded(Fact, frozen=True, tag="task.reworded.v1"):
    """The wording was changed. Why, and under which authority, is in the envelope's cause."""

    text: Text


class TaskRenumbered(Fact, frozen=True, tag="task.renumbered.v1"):
    """The printed number was changed; the task's key stays."""

    number: Number


class TaskMoved(Fact, frozen=True, tag="task.moved.v1"):
    """The task was moved to another part or measure."""

    part: Number | None
    measure: Number | None


class TaskUnitAssigned(Fact, frozen=True, tag="task.unit_assigned.v1"):
    """A unit or group took a role in the task; `literal` is the document's own wording of its name."""

    MOVES_DUTIES: ClassVar[bool] = True

    unit: UnitId
    role: Role
    literal: Name

    def holds_in(self, state: Task) -> bool:
        """Whether the unit has that very part."""
        found = state.assigned(self.unit)
        return found is not None and (found.role, found.literal) == (self.role, self.literal)

    def refers(self) -> tuple[str, ...]:
        """The unit."""
        return (f"unit:{self.unit}",)


class TaskUnitReleased(Fact, frozen=True, tag="task.unit_released.v1"):
    """A unit's part ended: the day before `effectiveOn` was its last."""

    MOVES_DUTIES: ClassVar[bool] = True

    unit: UnitId

    def holds_in(self, state: Task) -> bool:
        """Whether the unit has no part."""
        return state.assigned(self.unit) is None

    def refers(self) -> tuple[str, ...]:
        """The unit."""
        return (f"unit:{self.unit}",)


class TaskDeadlineSet(Fact, frozen=True, tag="task.deadline_set.v1"):
    """The last day for completing the task; null takes it away."""

    due: date | None


class TaskTargetSet(Fact, frozen=True, tag="task.target_set.v1"):
    """A number that the text promises was set; `target` counts within the task."""

    target: Number
    literal: Name
    value: Decimal
    unit: Name

    def gives(self) -> Ground:
        """The target."""
        return "target", self.target


class TaskWithdrawn(Fact, frozen=True, tag="task.withdrawn.v1"):
    """The task was taken out of the plan; it stays readable and takes no more reports."""

    MOVES_DUTIES: ClassVar[bool] = True

    def holds_in(self, state: Task) -> bool:
        """Whether it is withdrawn."""
        return state.withdrawn


class TaskReinstated(Fact, frozen=True, tag="task.reinstated.v1"):
    """A withdrawn task was put back."""

    MOVES_DUTIES: ClassVar[bool] = True

    def holds_in(self, state: Task) -> bool:
        """Whether it is not withdrawn."""
        return not state.withdrawn


TaskFact = (
    TaskAdded
    | TaskReworded
    | TaskRenumbered
    | TaskMoved
    | TaskUnitAssigned
    | TaskUnitReleased
    | TaskDeadlineSet
    | TaskTargetSet
    | TaskWithdrawn
    | TaskReinstated
)


def evolve(task: Task | None, fact: TaskFact) -> Task | None:
    """The task after one more fact; before it was added there is none."""
    if isinstance(fact, TaskAdded):
        return Task(fact.number, fact.part, fact.measure, fact.text, fact.open_ended, fact.line)
    if task is None:
        return None
    return msgspec.structs.replace(task, **_changed(task, fact))


def _changed(task: Task, fact: TaskFact) -> dict[str, object]:
    match fact:
        case TaskReworded(text):
            return {"text": text}
        case TaskRenumbered(number):
            return {"number": number}
        case TaskMoved(part, measure):
            return {"part": part, "measure": measure}
        case TaskUnitAssigned(unit, role, literal):
            others = tuple(one for one in task.assignments if one.unit != unit)
            return {"assignments": (*others, Assignment(unit, role, literal))}
        case TaskUnitReleased(unit):
            return {"assignments": tuple(one for one in task.assignments if one.unit != unit)}
        case TaskDeadlineSet(due):
            return {"due": due}
        case TaskTargetSet(target, literal, value, unit):
            others = tuple(one for one in task.targets if one.target != target)
            return {"targets": (*others, Target(target, literal, value, unit))}
        case TaskWithdrawn():
            return {"withdrawn": True}
        case TaskReinstated():
            return {"withdrawn": False}
        case TaskAdded():
            return {}
        case _:
            assert_never(fact)


class TaskCommand(Command, frozen=True, kw_only=True):
    """A command about one task."""

    task: TaskId

    @property
    def stream(self) -> str:
        """The task's stream."""
        return f"task:{self.task}"

    def in_force(self, record: Record) -> Task:
        """The task, if it is there and not withdrawn."""
        task = record.there(Task, self.task)
        if task.withdrawn:
            raise IsWithdrawn(f"task {self.task} is withdrawn on {record.on}", pointer="/task")
        return task


class RewordTask(TaskCommand, frozen=True, kw_only=True, tag="task.reword"):
    """Change the wording."""

    text: Text

    def decide(self, record: Record) -> Iterator[New]:
        """task.reworded, unless the text is the same."""
        if self.changes(self.in_force(record).text, self.text):
            yield self.stream, TaskReworded(self.text)


class RenumberTask(TaskCommand, frozen=True, kw_only=True, tag="task.renumber"):
    """Change the printed number."""

    number: Number

    def decide(self, record: Record) -> Iterator[New]:
        """task.renumbered, unless the number is the same."""
        if self.changes(self.in_force(record).number, self.number):
            yield self.stream, TaskRenumbered(self.number)


class MoveTask(TaskCommand, frozen=True, kw_only=True, tag="task.move"):
    """Move to another measure, whose part follows, or to a part of a plan that has no measures."""

    measure: Number | None = None
    part: Number | None = None

    def decide(self, record: Record) -> Iterator[New]:
        """task.moved; the part and the measure must be in the plan and belong together."""
        task = self.in_force(record)
        plan = record.there(Plan, self.task.partition("/")[0], "task")
        part = self.part
        if self.measure is not None:
            measure = plan.measure(self.measure)
            if measure is None:
                raise Unknown(f"the plan has no measure {self.measure} on {record.on}", pointer="/measure")
            if part not in {None, measure.part}:
                raise Unknown(f"measure {self.measure} is in part {measure.part}, not {part}", pointer="/part")
            part = measure.part
        elif part is None or plan.part(part) is None:
            raise Unknown(f"the plan has no part {part} on {record.on}: name a measure or a part", pointer="/part")
        if self.changes((task.part, task.measure), (part, self.measure)):
            yield self.stream, TaskMoved(part, self.measure)


class AssignUnit(TaskCommand, frozen=True, kw_only=True, tag="task.assign_unit"):
    """Give a unit or group a role; `literal` defaults to its name at that date."""

    unit: UnitId
    role: Role
    literal: Name | None = None

    def decide(self, record: Record) -> Iterator[New]:
        """task.unit_assigned, unless the unit already takes part."""
        task, unit = self.in_force(record), record.there(Unit, self.unit)
        there = task.assigned(self.unit)
        if there is not None:
            raise AlreadyAssigned(
                f"{unit.name} already takes part in task {self.task} on {record.on}, as {there.role}: "
                "release it first, or replace the fact that assigned it",
                pointer="/unit",
            )
        yield self.stream, TaskUnitAssigned(self.unit, self.role, self.literal or unit.name)


class ReleaseUnit(TaskCommand, frozen=True, kw_only=True, tag="task.release_unit"):
    """End a unit's part; the day before `effectiveOn` is its last."""

    unit: UnitId

    def decide(self, record: Record) -> Iterator[New]:
        """task.unit_released, if the unit takes part at that date."""
        if self.in_force(record).assigned(self.unit) is None:
            raise NotAssigned(f"{self.unit} takes no part in task {self.task} on {record.on}", pointer="/unit")
        yield self.stream, TaskUnitReleased(self.unit)


class SetDeadline(TaskCommand, frozen=True, kw_only=True, tag="task.set_deadline"):
    """Set the last day for completing the task, or take it away with null."""

    due: Annotated[date, Meta(description="The last day; null for none.")] | None

    def decide(self, record: Record) -> Iterator[New]:
        """task.deadline_set, unless it is the same."""
        due = checked_date(self.due) if self.due else None
        if self.changes(self.in_force(record).due, due):
            yield self.stream, TaskDeadlineSet(due)


class SetTarget(TaskCommand, frozen=True, kw_only=True, tag="task.set_target"):
    """Set a number that the text promises; `target` counts within the task."""

    target: Number
    literal: Name
    value: Decimal
    unit: Name

    def decide(self, record: Record) -> Iterator[New]:
        """task.target_set, unless it is the same."""
        new = Target(self.target, self.literal, self.value, self.unit)
        there = next((one for one in self.in_force(record).targets if one.target == self.target), None)
        if self.changes(there, new):
            yield self.stream, TaskTargetSet(self.target, self.literal, self.value, self.unit)


class WithdrawTask(TaskCommand, frozen=True, kw_only=True, tag="task.withdraw"):
    """Take the task out of the plan."""

    def decide(self, record: Record) -> Iterator[New]:
        """task.withdrawn, if it is not."""
        self.in_force(record)
        yield self.stream, TaskWithdrawn()


class ReinstateTask(TaskCommand, frozen=True, kw_only=True, tag="task.reinstate"):
    """Put a withdrawn task back."""

    def decide(self, record: Record) -> Iterator[New]:
        """task.reinstated, if it is withdrawn."""
        if not record.there(Task, self.task).withdrawn:
            raise NotWithdrawn(f"task {self.task} is not withdrawn on {record.on}", pointer="/task")
        yield self.stream, TaskReinstated()


TaskCommands = (
    RewordTask
    | RenumberTask
    | MoveTask
    | AssignUnit
    | ReleaseUnit
    | SetDeadline
    | SetTarget
    | WithdrawTask
    | ReinstateTask
)
