"""`planrecord read`: what the parser makes of an official document, and every doubt. Needs no server and no record."""

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from api.cli.screen import OUT, fail

if TYPE_CHECKING:
    from rich.table import Table

    from domain.document.draft import DraftTask, Reading

NO_PLAN: Final = 3


@click.command("read")
@click.argument("file", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def read_command(file: Any, *, as_json: bool) -> None:
    """Show the plan that FILE (or - for standard input) holds, and every doubt about it.

    Exit code 0 for a plan, also with doubts; 3 for what is no plan; 2 for what cannot be read at all.
    """
    from domain.document import read  # noqa: PLC0415 - `planrecord --help` need not load the reference data
    from domain.document.draft import UnreadableDocument  # noqa: PLC0415

    try:
        reading = read(file.read())
    except UnreadableDocument as error:
        fail(str(error), 2)
    if as_json:
        sys.stdout.write(json.dumps(as_values(reading), ensure_ascii=False, indent=2) + "\n")
    else:
        show_reading(reading)
    if not reading.is_plan:
        sys.exit(NO_PLAN)


def as_values(reading: "Reading") -> dict[str, Any]:
    """The answer in JSON; lines count from 1, `unit` is the registered name or null, `measure` is a number."""
    return {
        "isPlan": reading.is_plan,
        "title": reading.title,
        "tasks": [_task(task) for task in reading.tasks],
        "doubts": [{"kind": one.kind, "lines": list(one.lines), "detail": one.detail} for one in reading.doubts],
    }


def _task(task: "DraftTask") -> dict[str, Any]:
    return {
        "number": task.number,
        "text": task.text,
        "measure": task.measure,
        "assignments": [{"literal": one.literal, "unit": one.unit, "role": one.role.value} for one in task.assignments],
        "openEnded": task.open_ended,
        "due": task.due.isoformat() if task.due else None,
        "line": task.line,
    }


def show_reading(reading: "Reading") -> None:
    """The draft as a table, the doubts below it, each with its lines and the words concerned."""
    if reading.is_plan:
        OUT.print(reading.title or "(no title)", style="bold", markup=False)
        OUT.print(
            f"{len(reading.parts)} parts, {len(reading.measures)} measures, {len(reading.tasks)} tasks", markup=False
        )
        OUT.print(_table(reading), soft_wrap=False)
    else:
        OUT.print("This is no plan of a form known here.", style="bold", markup=False)
    OUT.print(f"\n{len(reading.doubts)} doubt{'' if len(reading.doubts) == 1 else 's'}", style="bold", markup=False)
    for one in reading.doubts:
        OUT.print(f"  {one.kind} ({_where(one.lines)}): {one.detail}", markup=False)


def _where(lines: tuple[int, ...]) -> str:
    if not lines:
        return "the whole"
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"


def _table(reading: "Reading") -> "Table":
    """Parts and measures as headings over their tasks, in the order of the document."""
    from rich.table import Table  # noqa: PLC0415 - only people need it
    from rich.text import Text  # noqa: PLC0415

    from domain.words import escaped  # noqa: PLC0415

    parts = {part.number: part.title for part in reading.parts}
    measures = {measure.number: measure.title for measure in reading.measures}
    table = Table("task", "line")
    for name in ("text", "who"):
        table.add_column(name, overflow="fold")  # Chinese has no blanks to wrap at; cut words would be lost
    above: tuple[int, int | None] = (0, None)
    for task in reading.tasks:
        if task.part != above[0]:
            table.add_section()
            title = f"part {task.part}: {parts.get(task.part, '')}"
            table.add_row("", "", Text(escaped(title), style="bold"), "")
        if task.measure and (task.part, task.measure) != above:
            table.add_row(
                "", "", Text(escaped(f"measure {task.measure}: {measures.get(task.measure, '')}"), style="italic"), ""
            )
        above = (task.part, task.measure)
        table.add_row(str(task.number), str(task.line), Text(escaped(task.text)), Text(escaped(_who(task))))
    return table


def _who(task: "DraftTask") -> str:
    """One unit a line, with its role; (?) for a unit that the directory does not know."""
    units = [f"{one.unit or f'{one.literal} (?)'} {one.role.value}" for one in task.assignments]
    return "\n".join([*units, "等"] if task.open_ended else units)
