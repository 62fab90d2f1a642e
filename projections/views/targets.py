"""The numbers that a plan's tasks promise, each beside its task."""

import msgspec

from projections.as_of import Rows
from projections.lists import Collection, NoFilter, WholeNumber, with_json
from projections.views.names import PLANS
from projections.views.tasks import TARGETS, TASKS, NumberedTask, TargetRow
from projections.wanted import wanted


class TargetView(msgspec.Struct, frozen=True):
    """A number that a task's text promises: `literal` are the very words; `number` is the task's; `target` counts."""

    plan: str
    task: str
    number: int
    target: int
    literal: str
    value: str
    unit: str


def show(rows: Rows) -> list[TargetView]:
    """The targets among these rows."""
    numbers = {task.id: task.number for task in rows.of(TASKS, NumberedTask)}
    return [
        TargetView(one.plan, one.task, numbers[one.task], one.target, one.literal, one.value, one.unit)
        for one in rows.of(TARGETS, TargetRow)
    ]


def _place(target: TargetView, _: NoFilter) -> tuple[int, int, int]:
    return target.number, int(target.task.partition("/")[2]), target.target


TARGET_LIST: Collection[TargetView, NoFilter] = Collection(
    name="targets",
    view=TargetView,
    filter=NoFilter,
    wanted=lambda plan, _filter, _after, _limit: (
        wanted(PLANS, key=plan),
        wanted(TARGETS, plan=plan),
        wanted(TASKS, plan=plan),
    ),
    shown=lambda rows, _: with_json(show(rows)),
    place=_place,
    places=lambda _: tuple[WholeNumber, WholeNumber, WholeNumber],
)
