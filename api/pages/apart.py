"""What is drawn apart from the clocks that a visit carries: remembered, it is put in its place for each visit.

Earns 2 times on `page-uncached`: what the tasks of a plan look like follows from their views, whenever they are shown.
The places of the clocks are held open by characters that stand nowhere else: of a text that is shown they would stand
there by their codes.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from api.pages.drawing import part_of_page
from api.pages.visit import CARRIED, COLONS, COMMAS, Visit, address
from projections.documents import digest_of
from projections.lists import Shown
from projections.views.tasks import TaskView

FIRST_CLOCKS: Final = Markup("\x00")  # of an address that has no parameters of its own,
FURTHER_CLOCKS: Final = Markup("\x01")  # and of one that has,
CLOCK_FIELDS: Final = Markup("\x02")  # and of a form,
DATA_CLOCKS: Final = Markup("\x03")  # and of data, which speaks no language


class TaskLine(NamedTuple):
    """A task as a cell of a board, and as a line that opens."""

    cell: Markup
    line: Markup


def link_apart(path: str, **own: object) -> Markup:
    """An address on this site with its own parameters, and the place of those that are carried."""
    return escape(address(path, own)) + (FURTHER_CLOCKS if own else FIRST_CLOCKS)


def data_apart(path: str, **own: object) -> Markup:
    """The same of data, with parameters of its own."""
    return escape(address(path, own)) + DATA_CLOCKS


def drawn_apart(visit: Visit[Any], template: str, key: Hashable, shown: Callable[[], Mapping[str, Any]]) -> Markup:
    """A part of a page that follows from its `key`, the language and nothing else; `shown` is what it shows."""
    memory = visit.request.reader.memory

    def kept(name: str, key: Hashable, caller: Callable[[], Markup]) -> Markup:
        """Of such a part a part that follows from a key of its own."""
        return memory.made((name, visit.lang, key), caller, lambda made: 3 * len(made))

    drawn = memory.made(
        ("drawn apart", template, visit.lang, key),
        lambda: part_of_page(template, clock_fields=CLOCK_FIELDS, kept=kept, **_beside(visit), **shown()),
        lambda made: 3 * len(made),
    )
    return _in_place(visit, drawn)


def lines_of(visit: Visit[Any], shown: Iterable[Shown[TaskView]]) -> Mapping[str, TaskLine]:
    """Each task by its id, with its clocks still to be put in."""
    memory = visit.request.reader.memory

    def line(one: Shown[TaskView]) -> TaskLine:
        return memory.made(
            ("line of task", visit.lang, digest_of(one.json)),
            lambda: _line(visit, one.view),
            lambda made: 3 * (len(made.cell) + len(made.line)),
        )

    return {one.view.id: line(one) for one in shown}


def key_of(lines: Mapping[str, TaskLine]) -> Callable[[Iterable[TaskView]], Hashable]:
    """What some of these tasks look like, as a key."""
    return lambda tasks: digest_of("".join(lines[one.id].line for one in tasks).encode())


def _line(visit: Visit[Any], task: TaskView) -> TaskLine:
    cell, _, line = part_of_page("line.html", task=task, **_beside(visit)).partition("<hr>")
    return TaskLine(Markup(cell.strip()), Markup(line.strip()))  # noqa: S704 - drawn by us


def _beside(visit: Visit[Any]) -> Mapping[str, Any]:
    """What every part shows beside its own."""
    signs = {"colon": COLONS[visit.lang], "comma": COMMAS[visit.lang]}
    return {"visit": visit, "t": visit.t, "words": visit.words, "day": visit.day, "link": link_apart, **signs}


def _in_place(visit: Visit[Any], drawn: str) -> Markup:
    """A part of a page with the clocks of a visit."""
    carried = {name: visit.query[name] for name in CARRIED if name in visit.query}
    first = str(escape(address("", carried)))
    data = str(escape(address("", {name: value for name, value in carried.items() if name != "lang"})))
    field = Markup('<input type="hidden" name="{}" value="{}">\n')
    fields = Markup().join(field.format(name, value) for name, value in carried.items())
    places = (
        (FIRST_CLOCKS, first),
        (FURTHER_CLOCKS, first.replace("?", "&amp;", 1)),
        (CLOCK_FIELDS, str(fields)),
        (DATA_CLOCKS, data.replace("?", "&amp;", 1)),
    )
    for place, clocks in places:
        drawn = drawn.replace(str(place), clocks)
    return Markup(drawn)  # noqa: S704 - drawn by us
