"""Step 11: what was read, as the draft."""

from collections.abc import Mapping
from datetime import date

from domain.document import responsible
from domain.document.deadlines import due_of, targets_of
from domain.document.draft import Doubt, DraftMeasure, DraftPart, DraftTask
from domain.document.lines import quote
from domain.document.names import UnitNames
from domain.document.prose import Prose
from domain.document.structure import part_of_measure, part_of_task
from domain.document.table import Table, TableTask


def parts_of(prose: Prose, table: Table) -> tuple[DraftPart, ...]:
    """List the parts of both halves by number, in the table's words where it has them."""
    parts = prose.parts | table.parts
    return tuple(DraftPart(number, parts[number].title, parts[number].line) for number in sorted(parts))


def measures_of(prose: Prose, table: Table, unassigned: Mapping[int, tuple[str, ...]]) -> tuple[DraftMeasure, ...]:
    """List the measures of both halves by number."""
    return tuple(
        _measure(number, prose, table, unassigned.get(number, ()))
        for number in sorted(prose.points.keys() | table.measures.keys())
    )


def _measure(number: int, prose: Prose, table: Table, unassigned: tuple[str, ...]) -> DraftMeasure:
    point, measure = prose.points.get(number), table.measures.get(number)
    heading = point.heading if point else ""
    return DraftMeasure(
        number=number,
        part=part_of_measure(number, prose, table),
        title=measure.title() if measure else heading,
        heading=heading,
        text=point.text if point else "",
        unassigned=unassigned,
        line=measure.line if measure else point.line if point else 0,
    )


def tasks_of(prose: Prose, table: Table, names: UnitNames) -> tuple[tuple[DraftTask, ...], list[Doubt]]:
    """List the tasks in the order of the table, with the doubts about their cells."""
    tasks: list[DraftTask] = []
    doubts: list[Doubt] = []
    for row in table.tasks:
        cell = responsible.read(row.units, row.lines, names)
        due, unclear = due_of(row.text)
        doubts.extend(cell.doubts)
        if unclear:
            detail = f"Task {row.number} sets no single explicit date, so none was taken: {quote(unclear)}."
            doubts.append(Doubt("deadline_unclear", row.lines, detail))
        tasks.append(_task(row, cell, part_of_task(row, prose, table), due))
    return tuple(tasks), doubts


def _task(row: TableTask, cell: responsible.Cell, part: int, due: date | None) -> DraftTask:
    return DraftTask(
        number=row.number,
        text=row.text,
        part=part,
        measure=row.measure,
        assignments=cell.assignments,
        open_ended=cell.open_ended,
        due=due,
        line=row.line,
        targets=targets_of(row.text),
    )
