"""What is drawn apart from the clocks that a visit carries: remembered, it is put in its place for each visit.

Earns 2 times on `page-uncached`: what the tasks of a plan look like follows from their views, whenever they are shown.
A drawing names the parts of which it is put together, so that each is kept once, and draws nothing where all are known.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from api.pages.blanks import CLOCK_FIELDS, link_apart, part_here, put_together
from api.pages.drawing import part_of_page
from api.pages.looks import Look
from api.pages.visit import COLONS, COMMAS, Visit
from projections.documents import digest_of, name_of
from projections.lists import Shown
from projections.views.tasks import TaskView

_PART_OF: Final = 100  # bytes that a drawing takes for each of its parts


class TaskLine(NamedTuple):
    """A task as a cell of a board, and as a line that opens."""

    cell: Markup
    line: Markup


class Drawing(NamedTuple):
    """What is drawn, with places for the parts that are remembered by these keys."""

    content: bytes
    parts: tuple[Hashable, ...]


def drawn_apart(visit: Visit[Any], template: str, key: Hashable, shown: Callable[[], Mapping[str, Any]]) -> Markup:
    """A part of a page that follows from its `key`, the language and nothing else; `shown` is what it shows.

    What is returned is its place among the visit's parts.
    """
    memory = visit.request.reader.memory
    own = "drawn apart", template, visit.lang.value, key
    known: Drawing | None = memory.get(own)
    parts: list[Any] = memory.several(known.parts) if known else []
    if known is None or not all(parts):
        known, parts = _drawn(visit, template, shown())
        memory.put(own, known, len(known.content) + _PART_OF * len(parts))
    visit.parts.append(put_together(known.content, parts))
    return part_here(len(visit.parts) - 1)


def _drawn(visit: Visit[Any], template: str, shown: Mapping[str, Any]) -> tuple[Drawing, list[bytes]]:
    """A part of a page, and the parts of that, as they are kept."""
    memory = visit.request.reader.memory
    keys, parts = list[Hashable](), list[bytes]()

    def kept(name: str, key: Hashable, caller: Callable[[], Markup]) -> Markup:
        """The place of a part that follows from a key of its own."""
        keys.append(("part", digest_of(repr((name, visit.lang, key)).encode())))  # it is looked up for each visit
        parts.append(memory.made(keys[-1], lambda: caller().encode(), len))
        return part_here(len(keys) - 1)

    content = part_of_page(template, clock_fields=CLOCK_FIELDS, kept=kept, **_beside(visit), **shown)
    return Drawing(content.encode(), tuple(keys)), parts


class Lines(dict[str, TaskLine]):
    """Each of some tasks by its id, drawn when it is looked at, with its clocks still to be put in."""

    def __init__(self, visit: Visit[Any], looks: Iterable[Shown[Look]]) -> None:
        super().__init__()
        self._visit = visit
        self._looks = {one.view.id: one for one in looks}

    def __missing__(self, task: str) -> TaskLine:
        one = self._looks[task]
        self[task] = self._visit.request.reader.memory.made(
            ("line of task", self._visit.lang.value, one.name),
            lambda: _line(self._visit, one.view),
            lambda made: 3 * (len(made.cell) + len(made.line)),
        )
        return self[task]

    def key_of(self, tasks: Iterable[TaskView]) -> Hashable:
        """What some of these tasks look like, as a key."""
        return name_of(*(self._looks[one.id].name for one in tasks))


def _line(visit: Visit[Any], task: Look) -> TaskLine:
    cell, _, line = part_of_page("line.html", task=task, **_beside(visit)).partition("<hr>")
    return TaskLine(Markup(cell.strip()), Markup(line.strip()))  # noqa: S704 - drawn by us


def _beside(visit: Visit[Any]) -> Mapping[str, Any]:
    """What every part shows beside its own."""
    signs = {"colon": COLONS[visit.lang], "comma": COMMAS[visit.lang]}
    return {"visit": visit, "t": visit.t, "words": visit.words, "day": visit.day, "link": link_apart, **signs}
