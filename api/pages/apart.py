"""What is drawn apart from the clocks that a visit carries: remembered, it is put in its place for each visit.

Earns 2 times on `page-uncached`: what the tasks of a plan look like follows from their views, whenever they are shown.
The places of the clocks are held open by characters that stand nowhere else: of a text that is shown they would stand
there by their codes.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from api.pages.drawing import part_of_page
from api.pages.visit import CARRIED, Visit, address
from projections.lists import Shown
from projections.views.tasks import TaskView

FIRST: Final = Markup("\x00")  # of an address that has no parameters of its own,
FURTHER: Final = Markup("\x01")  # and of one that has,
FIELDS: Final = Markup("\x02")  # and of a form


class Line(NamedTuple):
    """A task as a cell of a board, and as a line that opens."""

    cell: Markup
    line: Markup


def link_apart(path: str, **own: object) -> Markup:
    """An address on this site with its own parameters, and the place of those that are carried."""
    return escape(address(path, own)) + (FURTHER if own else FIRST)


def drawn_apart(visit: Visit[Any], template: str, key: Hashable, shown: Callable[[], Mapping[str, Any]]) -> Markup:
    """A part of a page that follows from its `key`, the language and nothing else; `shown` is what it shows."""
    beside = {"visit": visit, "t": visit.t, "words": visit.words, "day": visit.day, "link": link_apart}
    drawn = visit.request.reader.memory.made(
        ("drawn apart", template, visit.lang, key),
        lambda: part_of_page(template, clock_fields=FIELDS, **beside, **shown()),
        lambda made: 3 * len(made),
    )
    return _in_place(visit, drawn)


def lines_of(visit: Visit[Any], shown: Iterable[Shown[TaskView]]) -> Mapping[str, Line]:
    """Each task by its id, with its clocks still to be put in."""
    memory = visit.request.reader.memory

    def line(one: Shown[TaskView]) -> Line:
        return memory.made(
            ("line of task", visit.lang, one.json),
            lambda: _line(visit, one.view),
            lambda made: 3 * (len(made.cell) + len(made.line)),
        )

    return {one.view.id: line(one) for one in shown}


def _line(visit: Visit[Any], task: TaskView) -> Line:
    beside = {"visit": visit, "t": visit.t, "words": visit.words, "day": visit.day, "link": link_apart}
    cell, _, line = part_of_page("line.html", task=task, **beside).partition("<hr>")
    return Line(Markup(cell.strip()), Markup(line.strip()))  # noqa: S704 - drawn by us


def _in_place(visit: Visit[Any], drawn: str) -> Markup:
    """A part of a page with the clocks of a visit."""
    carried = {name: visit.query[name] for name in CARRIED if name in visit.query}
    first = str(escape(address("", carried)))
    field = Markup('<input type="hidden" name="{}" value="{}">\n')
    fields = Markup().join(field.format(name, value) for name, value in carried.items())
    places = ((FIRST, first), (FURTHER, first.replace("?", "&amp;", 1)), (FIELDS, str(fields)))
    for place, clocks in places:
        drawn = drawn.replace(str(place), clocks)
    return Markup(drawn)  # noqa: S704 - drawn by us
