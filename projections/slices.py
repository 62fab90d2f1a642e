"""From a stream's facts to the slices of its tables; from an append to what it closes and opens."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

from domain.fact import subject_of
from events.recorded import OPEN_END, Recorded
from events.steps import Work, at_once
from projections.fold import StateSpan, Timeline, timeline
from projections.table import SliceTable

Tables = Sequence[SliceTable]
Timelines = Callable[[str, Sequence[Recorded]], Timeline]


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


class Closed(NamedTuple):
    """An open slice that ends with the fact at `known_to`."""

    table: str
    key: str
    eff_from: date
    known_to: int


SlicePlace = tuple[str, str, date]  # table, key, first day
Content = tuple[date, tuple[Any, ...], bytes]  # day after the last, columns, JSON
StreamVersion = tuple[
    int | None, int, Iterable[StateSpan]
]  # at which position, of how many facts, the states on all days


def slices(tables: Tables, stream: str, facts: Sequence[Recorded]) -> Iterator[Slice]:
    """All slices of a stream, every state folded from its first fact: what `slice_changes` is verified against."""
    versions = ((fact.position, size, timeline(stream, facts[:size], OPEN_END)) for size, fact in enumerate(facts, 1))
    for one in at_once(_touched(tables, stream, versions)):
        assert isinstance(one, Slice)  # noqa: S101 - before its first fact a stream shows nothing that could be closed
        yield one


def shown(tables: Tables, stream: str, facts: Sequence[Recorded]) -> Iterator[Slice]:
    """The slices of a stream at its last fact alone."""
    versions = [(one.position, len(facts), timeline(stream, facts, one.position)) for one in facts[-1:]]
    return (one for one in at_once(_touched(tables, stream, versions)) if isinstance(one, Slice))


def slice_changes(
    tables: Tables, stream: str, facts: Sequence[Recorded], new: int, fold: Timelines = Timeline
) -> Work[Closed | Slice]:
    """What the last `new` facts of a stream close and open: only slices that differ are touched."""
    return _touched(tables, stream, _growing(fold(stream, facts[: len(facts) - new]), facts[len(facts) - new :]))


def _growing(kept: Timeline, new: Iterable[Recorded]) -> Iterator[StreamVersion]:
    yield None, len(kept.facts), kept.spans()
    for fact in new:
        kept.add(fact)
        yield fact.position, len(kept.facts), kept.spans()


def _touched(tables: Tables, stream: str, versions: Iterable[StreamVersion]) -> Work[Closed | Slice]:
    courses = {table.name for table in tables if table.course}
    for one in stretches(_frames(tables, stream, versions)):
        if one is None:
            yield None
            continue
        place, content, begun, ended = one
        if begun is not None:
            made = _slice(place, content, begun, ended)
            yield _dated(made) if made.table in courses else made
        elif ended != OPEN_END:
            yield Closed(*place, ended)


P = TypeVar("P")
C = TypeVar("C")
Frame = tuple[int | None, Mapping[P, C]]
Stretch = tuple[P, C, int | None, int]


def _frames(tables: Tables, stream: str, versions: Iterable[StreamVersion]) -> Work[Frame[SlicePlace, Content]]:
    """What the tables show of a stream at each of its versions, along the effective clock."""
    kind, subject = subject_of(stream)
    own = [table for table in tables if table.kind == kind]
    for position, size, spans in versions:
        shown: dict[SlicePlace, Content] = {}
        last: dict[tuple[str, str], SlicePlace] = {}
        for since, until, state in spans:
            for table in own:
                for row in table.rows(subject, state, size):
                    before = last.get((table.name, row.key))
                    if before and shown[before] == (since, row.columns, row.doc):
                        shown[before] = (until, row.columns, row.doc)  # the same row goes on
                        continue
                    place = last[table.name, row.key] = (table.name, row.key, since)
                    shown[place] = (until, row.columns, row.doc)
            yield None
        yield position, shown


def stretches(frames: Work[Frame[P, C]]) -> Work[Stretch[P, C]]:
    """What was shown at which place, from which position to which, while one frame followed another.

    Begun is None for what the first frame shows if it has no position, ended is OPEN_END for what the last one shows.
    """
    begun: dict[P, int | None] = {}
    showing: Mapping[P, C] = {}
    for frame in frames:
        if frame is None:
            yield None
            continue
        position, shown = frame
        for place, content in showing.items():
            if shown.get(place) != content:
                assert position is not None  # noqa: S101 - the first frame follows nothing
                yield place, content, begun.pop(place), position
        begun |= {place: position for place in shown if place not in begun}
        showing = shown
    for place, position in begun.items():
        yield place, showing[place], position, OPEN_END


def _slice(place: SlicePlace, content: Content, known_from: int, known_to: int) -> Slice:
    table, key, eff_from = place
    eff_to, columns, doc = content
    return Slice(table, key, known_from, known_to, eff_from, eff_to, columns, doc)


def _dated(one: Slice) -> Slice:
    """The same with its days in its JSON, once it is known how far the same row goes on."""
    return one._replace(doc=b'{"since":"%s","until":"%s",' % (_day(one.eff_from), _day(one.eff_to)) + one.doc[1:])


def _day(day: date) -> bytes:
    return day.isoformat().encode()
