"""The numbers that a plan's tasks promise, each beside its task, with what was reported towards it."""

from collections.abc import Sequence
from datetime import date

import msgspec

from projections.as_of import Rows
from projections.lists import Collection, NoFilter, WholeNumber, with_json
from projections.views.measured import MEASURED, MeasuredRow
from projections.views.names import PLANS, UNITS, Named, directory
from projections.views.tasks import TARGETS, TASKS, NumberedTask, TargetRow
from projections.wanted import Wanted, wanted


class Measured(msgspec.Struct, frozen=True, rename="camel"):
    """What a unit reported towards a target for a period; its text stands under `self`."""

    unit: Named
    period: str
    value: str
    effective_on: date
    event: int
    self_: str = msgspec.field(name="self")


class TargetView(msgspec.Struct, frozen=True):
    """A number that a task's text promises: `literal` are the very words; `number` is the task's; `target` counts.

    `reported` is what units reported towards it, what was reported for the latest day first.
    """

    plan: str
    task: str
    number: int
    target: int
    literal: str
    value: str
    unit: str
    reported: tuple[Measured, ...]


def figures_of(**where: object) -> Sequence[Wanted]:
    """What is joined to targets: the figures of the same tasks, and the names of who reported them."""
    return (wanted(MEASURED, **where), wanted(UNITS))


def show(rows: Rows) -> list[TargetView]:
    """The targets among these rows."""
    numbers = {task.id: task.number for task in rows.of(TASKS, NumberedTask)}
    units = directory(rows)
    reported: dict[tuple[str, int], list[Measured]] = {}
    for one in sorted(rows.of(MEASURED, MeasuredRow), key=lambda one: (one.effective_on, one.event), reverse=True):
        figure = Measured(
            units.named(one.unit), one.period, one.value, one.effective_on, one.event, f"/v1/events/{one.event}"
        )
        reported.setdefault((one.task, one.target), []).append(figure)
    return [
        TargetView(
            one.plan,
            one.task,
            numbers[one.task],
            one.target,
            one.literal,
            one.value,
            one.unit,
            tuple(reported.get((one.task, one.target), ())),
        )
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
        *figures_of(plan=plan),
    ),
    shown=lambda rows, _: with_json(show(rows)),
    place=_place,
    places=lambda _: tuple[WholeNumber, WholeNumber, WholeNumber],
)
