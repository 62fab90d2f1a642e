"""Step 8: parts and measures of both halves together: where each belongs, and what one half lacks."""

from collections.abc import Iterable, Iterator

from domain.document import numbers
from domain.document.compare import clauses, differing
from domain.document.draft import Doubt
from domain.document.lines import quote
from domain.document.prose import Prose
from domain.document.table import Table, TableTask


def part_of_measure(number: int, prose: Prose, table: Table) -> int:
    """Find a measure's part, 0 if it has none; where the halves differ, the half that knows both parts is believed.

    A half that lost a part's heading seems to put the measures below it under the part before.
    """
    point, measure = prose.points.get(number), table.measures.get(number)
    told, printed = (point.part if point else None), (measure.part if measure else None)
    if told is None or printed is None:
        return told or printed or 0
    return printed if printed not in prose.parts else told


def part_of_task(task: TableTask, prose: Prose, table: Table) -> int:
    """Find the part of the task's measure or, without one, of the last part row above it; 0 if there is none."""
    return part_of_measure(task.measure, prose, table) if task.measure else task.part or 0


def doubts_of(prose: Prose, table: Table) -> Iterator[Doubt]:
    """Everything that the two halves do not agree on above the level of sentences."""
    if not prose.points:
        yield Doubt("prose_missing", (), "No numbered point stands before the table, so it was compared with nothing.")
    else:
        yield from _titles(prose, table)
        yield from _absent(prose, table)
    parts = {number: part.line for found in (prose.parts, table.parts) for number, part in found.items()}
    measures = {number: item.line for found in (prose.points, table.measures) for number, item in found.items()}
    yield from numbers.gaps(parts.items(), "Part")
    yield from numbers.gaps(measures.items(), "Measure")
    yield from numbers.gaps(((task.number, task.line) for task in table.tasks), "Task")
    for found in (prose.parts, table.parts):
        yield from numbers.disorder(((part.number, part.line) for part in found.values()), "Part")
    yield from numbers.disorder(((item.number, item.line) for item in table.measures.values()), "Measure")
    yield from numbers.disorder(((task.number, task.line) for task in table.tasks), "Task")
    yield from _homeless(prose, table)


def _titles(prose: Prose, table: Table) -> Iterator[Doubt]:
    """Titles that read otherwise in the table than in the prose."""
    told = {("Measure", number): (point.heading, point.line) for number, point in prose.points.items()}
    told |= {("Part", number): (part.title, part.line) for number, part in prose.parts.items()}
    printed = {("Measure", number): (measure.title(), measure.line) for number, measure in table.measures.items()}
    printed |= {("Part", number): (part.title, part.line) for number, part in table.parts.items()}
    for (what, number), (words, line) in told.items():
        other, other_line = printed.get((what, number), (words, line))
        if clauses(words) != clauses(other):
            here, there = map(quote, differing(words, other))
            detail = f"Title of {what.lower()} {number}: the prose reads {here}, the table {there}."
            yield Doubt("prose_differs", (line, other_line), detail)


def _absent(prose: Prose, table: Table) -> Iterator[Doubt]:
    for what, told, printed in (("part", prose.parts, table.parts), ("measure", prose.points, table.measures)):
        for number in told.keys() - printed.keys():
            detail = f"{what.capitalize()} {number} of the prose has no row in the table."
            yield Doubt(f"{what}_not_in_table", (told[number].line,), detail)
        for number in printed.keys() - told.keys():
            detail = f"{what.capitalize()} {number} of the table does not stand in the prose."
            yield Doubt(f"{what}_not_in_prose", (printed[number].line,), detail)
    for number in prose.points.keys() & table.measures.keys():
        point, measure = prose.points[number], table.measures[number]
        if point.part != measure.part and point.part and measure.part:
            part = part_of_measure(number, prose, table)
            places = f"under part {point.part} in the prose, under part {measure.part} in the table"
            detail = f"Measure {number} stands {places}; taken as part {part}."
            yield Doubt("part_differs", (point.line, measure.line), detail)


def _homeless(prose: Prose, table: Table) -> Iterator[Doubt]:
    """Tasks that no measure or no part holds."""
    yield from _listed("task_without_measure", "measure", (task for task in table.tasks if not task.measure))
    partless = (task for task in table.tasks if not part_of_task(task, prose, table))
    yield from _listed("task_without_part", "part", partless)


def _listed(kind: str, what: str, tasks: Iterable[TableTask]) -> Iterator[Doubt]:
    if found := list(tasks):
        names = ", ".join(str(task.number) for task in found[:20]) + (" …" if len(found) > 20 else "")  # noqa: PLR2004
        yield Doubt(kind, tuple(task.line for task in found), f"No {what} stands above these tasks: {names}.")
