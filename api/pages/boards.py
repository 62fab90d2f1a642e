"""A plan's board: its tasks by parts, each part with how its tasks stand; what is withdrawn stands beside it."""

from collections.abc import Sequence
from typing import NamedTuple

from api.pages.standing import in_full
from api.services.phrases import numeral
from projections.views.counts import ReportedCounts, reported_by
from projections.views.plans import PlanView
from projections.views.tasks import TaskView


class BoardRow(NamedTuple):
    """A part with its tasks, or those that belong to none: its number, its title as the plan writes it."""

    number: int | None
    title: str
    tasks: Sequence[TaskView]
    counts: ReportedCounts


class Board(NamedTuple):
    """A plan's parts with their tasks that are not withdrawn, and those that are; `most`: the tasks of the largest."""

    rows: Sequence[BoardRow]
    withdrawn: Sequence[TaskView]
    most: int


def board_of(plan: PlanView, there: Sequence[TaskView]) -> Board:
    """The board of a plan with its tasks."""
    titles = {part.number: f"{numeral(part.number)}、{part.title}" for part in plan.parts}
    of_part: dict[int | None, list[TaskView]] = {number: [] for number in titles}
    for task in there:
        of_part.setdefault(task.part, []).append(task)
    rows = [
        BoardRow(number, titles.get(number or 0, ""), [one for one in own if not one.withdrawn], reported_by(own))
        for number, own in of_part.items()
    ]
    withdrawn = [one for one in there if one.withdrawn]
    return Board(rows, withdrawn, max((in_full(one.counts) for one in rows), default=1))
