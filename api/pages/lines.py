"""Tasks as lists and boards show them, each drawn once: what follows from its view is remembered with that.

Earns 2 times on `page-uncached`. The clocks that a visit carries stand in a place of their own, which nothing else
holds, and are put in for each page.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from api.pages.drawing import part_of_page
from api.pages.visit import Visit
from projections.lists import Shown
from projections.views.tasks import TaskView

CLOCKS_HERE: Final = Markup("\x00")  # of a text that is shown it would stand there by its code


class Line(NamedTuple):
    """A task as a cell of a board, and as a line that opens."""

    cell: str
    line: str


def lines_of(visit: Visit[Any], shown: Iterable[Shown[TaskView]]) -> Mapping[str, Line]:
    """Each task by its id."""
    clocks = str(escape(visit.link("")))
    memory = visit.request.reader.memory

    def placed(one: Shown[TaskView]) -> Line:
        key = "line of task", visit.lang, one.json
        drawn = memory.made(key, lambda: _drawn(visit, one.view), lambda made: 2 * (len(made.cell) + len(made.line)))
        return Line(*(Markup(text.replace(CLOCKS_HERE, clocks)) for text in drawn))  # noqa: S704 - drawn by us

    return {one.view.id: placed(one) for one in shown}


def _drawn(visit: Visit[Any], task: TaskView) -> Line:
    def link(path: str) -> Markup:
        return escape(path) + CLOCKS_HERE

    beside = {"task": task, "visit": visit, "t": visit.t, "words": visit.words, "day": visit.day, "link": link}
    cell, _, line = part_of_page("line.html", **beside).partition("<hr>")
    return Line(cell.strip(), line.strip())
