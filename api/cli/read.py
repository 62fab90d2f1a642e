"""`planrecord read`: what the parser makes of an official document, and every doubt. Needs no server and no record."""

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from api.cli.shared import OUT, fail

if TYPE_CHECKING:
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
        show(reading)
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


def show(reading: "Reading") -> None:
    """The draft as a table, the doubts below it."""
    if reading.is_plan:
        OUT.print(reading.title or "(no title)", style="bold", markup=False)
        OUT.print(
            f"{len(reading.parts)} parts, {len(reading.measures)} measures, {len(reading.tasks)} tasks", markup=False
        )
        _table(reading)
    else:
        OUT.print("This is no plan of a form known here.", style="bold", markup=False)
    OUT.print(f"\n{len(reading.doubts)} doubt{'' if len(reading.doubts) == 1 else 's'}", style="bold", markup=False)
    for one in reading.doubts:
        where = f"lines {', '.join(map(str, one.lines))}" if one.lines else "the whole"
        OUT.print(f"  {one.kind} ({where}): {one.detail}", markup=False)


def _table(reading: "Reading") -> None:
    from rich.table import Table  # noqa: PLC0415 - only people need it
    from rich.text import Text  # noqa: PLC0415

    table = Table("task", "measure", "line", "text", "who")
    for task in reading.tasks:
        who = "、".join(f"{one.unit or one.literal + '(?)'} {one.role.value}" for one in task.assignments)
        table.add_row(
            str(task.number),
            str(task.measure or ""),
            str(task.line),
            Text(task.text),
            Text(who + (" 等" if task.open_ended else "")),
        )
    OUT.print(table)
