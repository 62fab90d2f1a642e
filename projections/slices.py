"""From a stream's facts to the slices of its tables; from an append to what it closes and opens."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

from domain.fact import subject_of
from events.recorded import HEAD, Recorded
from projections.fold import timeline
from projections.table import SliceTable

Tables = Sequence[SliceTable]


class Slice(NamedTuple):
    """One row: table, key, recorded clock from–to (positions), effective clock from–to (days), columns, JSON."""

    table: str
    key: str
    known_from: int
    known_to: int
    eff_from: date
    eff_to: date
    columns: tuple[Any, ...]
    doc: bytes


Place = tuple[str, str, date]  # table, key, first day
Content = tuple[date, tuple[Any, ...], bytes]  # day after the last, columns, JSON


def cut(tables: Tables, stream: str, facts: Sequence[Recorded]) -> dict[Place, Content]:
    """What the tables show of a stream at its last fact, along the effective clock."""
    kind, subject = subject_of(stream)
    shown: dict[Place, Content] = {}
    last: dict[tuple[str, str], Place] = {}
    for since, until, state in timeline(stream, facts, HEAD):
        for table in tables:
            for row in table.rows(subject, state, len(facts)) if table.kind == kind else ():
                before = last.get((table.name, row.key))
                if before and shown[before] == (since, row.columns, row.doc):
                    shown[before] = (until, row.columns, row.doc)  # the same row goes on
                    continue
                place = last[table.name, row.key] = (table.name, row.key, since)
                shown[place] = (until, row.columns, row.doc)
    return shown


def slices(tables: Tables, stream: str, facts: Sequence[Recorded]) -> Iterator[Slice]:
    """All slices of a stream, from its first fact."""
    closed, opened = changes(tables, stream, facts, len(facts))
    assert not closed  # noqa: S101 - before its first fact a stream shows nothing
    yield from opened


class Closed(NamedTuple):
    """An open slice that ends with the fact at `known_to`."""

    table: str
    key: str
    eff_from: date
    known_to: int


def changes(tables: Tables, stream: str, facts: Sequence[Recorded], new: int) -> tuple[list[Closed], list[Slice]]:
    """What the last `new` facts of a stream close and open: only slices that differ are touched."""
    first = len(facts) - new
    closed: list[Closed] = []
    opened: list[Slice] = []
    frames = (
        (facts[size - 1].position, cut(tables, stream, facts[:size])) for size in range(first + 1, len(facts) + 1)
    )
    for place, content, begun, ended in stretches(cut(tables, stream, facts[:first]), frames):
        if begun is not None:
            opened.append(_slice(place, content, begun, ended))
        elif ended != HEAD:
            closed.append(Closed(*place, ended))
    return closed, opened


P = TypeVar("P")
C = TypeVar("C")


def stretches(
    showing: Mapping[P, C], frames: Iterable[tuple[int, Mapping[P, C]]]
) -> Iterator[tuple[P, C, int | None, int]]:
    """What was shown at which place, from which position to which, while one frame followed another.

    Begun is None for what `showing` showed before the first frame, ended is HEAD for what the last one still shows.
    """
    begun: dict[P, int | None] = dict.fromkeys(showing)
    for position, shown in frames:
        for place, content in showing.items():
            if shown.get(place) != content:
                yield place, content, begun.pop(place), position
        begun |= {place: position for place in shown if place not in begun}
        showing = shown
    for place, position in begun.items():
        yield place, showing[place], position, HEAD


def _slice(place: Place, content: Content, known_from: int, known_to: int) -> Slice:
    table, key, eff_from = place
    eff_to, columns, doc = content
    return Slice(table, key, known_from, known_to, eff_from, eff_to, columns, doc)
