"""What reports say in figures of a task's targets: a table of its own, so that the lists of tasks need not read it."""

from collections.abc import Iterable
from datetime import date

import msgspec

from domain.report import Reports
from projections.table import TEXT, Row, slice_table


class MeasuredRow(msgspec.Struct, frozen=True):
    """A figure that a report gives for a target of its task."""

    task: str
    unit: str
    period: str
    target: int
    value: str
    event: int
    effective_on: date


def _rows(key: str, reports: Reports) -> Iterable[Row]:
    task, unit = key.rsplit("/", 1)
    plan = task.partition("/")[0]
    for one in reports.reports:
        figure = one.measurement
        if figure is not None and figure.target is not None:
            row = MeasuredRow(task, unit, one.period, figure.target, figure.value, one.event, one.effective_on)
            yield Row(f"{key}/{one.period}", (plan, task), msgspec.json.encode(row))


MEASURED = slice_table("measured", Reports, MeasuredRow, _rows, {"plan": TEXT, "task": TEXT})
