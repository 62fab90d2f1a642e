"""From a stream's facts to the slices of its tables; from an append to what it closes and opens."""

from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

from domain.fact import subject_of
from domain.record import State, StateSpan
from events.recorded import OPEN_END, Recorded
from events.steps import Work
from projections.fold import INFINITY, MINUS_INFINITY, Redone, Timeline, timeline
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


K = TypeVar("K")
R = TypeVar("R")
SlicePlace = tuple[tuple[str, str], date]  # table and key, first day
SliceRow = tuple[tuple[Any, ...], bytes]  # columns, JSON
Frame = Mapping[SlicePlace, tuple[date, SliceRow]]  # day after the last, and what is shown up to it
Rectangle = tuple[tuple[K, date], tuple[date, R], int | None, int]  # begun: None if before the first fact
Laid = dict[K, list[tuple[date, date, R]]]


def slices(tables: Tables, stream: str, facts: Sequence[Recorded]) -> Iterator[Slice]:
    """All slices of a stream, every state folded from its first fact: what `slice_changes` is verified against."""
    own, subject = _of(tables, stream)
    courses = _courses(own)
    begun: dict[SlicePlace, int] = {}
    showing: Frame = {}
    for size, fact in enumerate(facts, 1):
        frame = _done(_frame(own, subject, timeline(stream, facts[:size], OPEN_END)))
        for place, content in showing.items():
            if frame.get(place) != content:
                yield _slice(courses, place, content, begun.pop(place), fact.position)
        begun |= {place: fact.position for place in frame if place not in begun}
        showing = frame
    for place, position in begun.items():
        yield _slice(courses, place, showing[place], position, OPEN_END)
    yield from _counted(own, subject, facts, 0)


def shown(tables: Tables, stream: str, facts: Sequence[Recorded]) -> Work[Slice]:
    """The slices of a stream at its last fact alone."""
    own, subject = _of(tables, stream)
    courses = _courses(own)
    for one in facts[-1:]:
        frame = yield from _frame(own, subject, timeline(stream, facts, one.position))
        for place, content in frame.items():
            yield _slice(courses, place, content, one.position, OPEN_END)
        yield from _counted(own, subject, facts, len(facts) - 1)


_LAST_ROWS: Final = 2  # states whose rows are kept while a stream is gone through


def slice_changes(
    tables: Tables, stream: str, facts: Sequence[Recorded], new: int, fold: Timelines = Timeline
) -> Work[Closed | Slice]:
    """What the last `new` facts of a stream close and open: only what differs is touched, or looked at."""
    own, subject = _of(tables, stream)
    courses = _courses(own)
    known = len(facts) - new

    made: list[tuple[State, Mapping[tuple[str, str], SliceRow]]] = []  # what came last, which the next is held against

    def rows_of(state: State) -> Mapping[tuple[str, str], SliceRow]:
        for known_state, rows in made:
            if known_state is state:
                return rows
        rows = {(table.name, row.key): (row.columns, row.doc) for table in own for row in table.rows(subject, state)}
        made.insert(0, (state, rows))
        del made[_LAST_ROWS:]
        return rows

    for one in rectangles(fold(stream, facts[:known]), facts[known:], rows_of):
        if one is None:
            yield None
            continue
        place, content, begun, ended = one
        if begun is None:
            yield Closed(*place[0], place[1], ended)
        else:
            yield _slice(courses, place, content, begun, ended)
    if 0 < known < len(facts):
        yield from (Closed(table.name, subject, MINUS_INFINITY, facts[known].position) for table in own if table.counts)
    yield from _counted(own, subject, facts, known)


def rectangles(
    kept: Timeline, facts: Iterable[Recorded], rows_of: Callable[[State], Mapping[K, R]]
) -> Work[Rectangle[K, R]]:
    """What of a subject ends while facts are added to its timeline, and what begins: by key and first day.

    `rows_of` a state are what is shown of the subject where it is that, by key; the same row goes on over several
    states. Begun is None for what was shown before, ended is OPEN_END for what still is; what is so before and behind
    all is not told.
    """
    begun: dict[tuple[K, date], tuple[int, tuple[date, R]]] = {}
    for fact in facts:
        gone, come = yield from _differing(kept, kept.add(fact), rows_of)
        for place, content in gone.items():
            yield place, content, begun.pop(place)[0] if place in begun else None, fact.position
        begun |= {place: (fact.position, content) for place, content in come.items()}
        yield None
    for place, (position, content) in begun.items():
        yield place, content, position, OPEN_END


_Contents = dict[tuple[K, date], tuple[date, R]]


def _differing(
    kept: Timeline, redone: Redone, rows_of: Callable[[State], Mapping[K, R]]
) -> Generator[None, None, tuple[_Contents[K, R], _Contents[K, R]]]:
    """What was shown where a subject was folded once more and is not any more, and what is now, in their full length.

    What is behind these days or before them is looked at only as far as a row that differs goes on there.
    """
    since, until, before = redone
    ends = [day for day, _ in before[1:]] + [until] * bool(before)
    then = yield from _laid(((day, end, state) for (day, state), end in zip(before, ends, strict=True)), rows_of)
    now = yield from _laid(kept.within(since, until), rows_of)
    both = {key: (then.get(key, []), now.get(key, [])) for key in {**then, **now} if then.get(key) != now.get(key)}
    for ahead in (kept.earlier(since), kept.within(until, INFINITY)):
        open_ = list(both)
        for first, last, state in ahead:
            shown: Mapping[K, R] = rows_of(state) if open_ and state is not None else {}
            open_ = [key for key in open_ if key in shown and _goes_on(both[key], first, last, shown[key])]
            if not open_:
                break
            yield
    gone, come = (
        {(key, first): (last, row) for key, own in both.items() for first, last, row in own[side]} for side in (0, 1)
    )
    return (
        {place: content for place, content in gone.items() if come.get(place) != content},
        {place: content for place, content in come.items() if gone.get(place) != content},
    )


def _laid(
    spans: Iterable[tuple[date, date, State | None]], rows_of: Callable[[State], Mapping[K, R]]
) -> Generator[None, None, Laid[K, R]]:
    """The rows of a subject's states by key, along the effective clock."""
    laid: Laid[K, R] = {}
    for since, until, state in spans:
        for key, row in rows_of(state).items() if state is not None else ():
            _lay(laid.setdefault(key, []), since, until, row)
        yield
    return laid


def _lay(own: list[tuple[date, date, R]], since: date, until: date, row: R) -> None:
    """One more row of a key, behind all others or before them; the same row goes on."""
    if not own or own[-1][1] <= since:
        if own and own[-1][1] == since and own[-1][2] == row:
            since = own.pop()[0]
        own.append((since, until, row))
    else:
        if own[0][0] == until and own[0][2] == row:
            until = own.pop(0)[1]
        own.insert(0, (since, until, row))


def _goes_on(both: Iterable[list[tuple[date, date, R]]], since: date, until: date, row: R) -> bool:
    """Whether a row that touches one of these courses goes on in it: then it belongs to all of them."""
    touching = (one for own in both for one in (*own[:1], *own[-1:]))
    if not any((one[2] == row and until == one[0]) or (one[1] == since and one[2] == row) for one in touching):
        return False
    for own in both:
        _lay(own, since, until, row)
    return True


def _courses(tables: Tables) -> frozenset[str]:
    """The names of the tables that say their days in their JSON."""
    return frozenset(table.name for table in tables if table.course)


def _of(tables: Tables, stream: str) -> tuple[Tables, str]:
    """The tables of a stream's kind, and its subject."""
    kind, subject = subject_of(stream)
    return [table for table in tables if table.kind == kind], subject


def _frame(tables: Tables, subject: str, spans: Iterable[StateSpan]) -> Generator[None, None, Frame]:
    """What the tables show of a subject, along the effective clock."""
    shown: dict[SlicePlace, tuple[date, SliceRow]] = {}
    last: dict[tuple[str, str], SlicePlace] = {}
    for since, until, state in spans:
        for table in tables:
            for row in table.rows(subject, state):
                content, key = (row.columns, row.doc), (table.name, row.key)
                before = last.get(key)
                if before is None or shown[before] != (since, content):
                    before = last[key] = key, since
                shown[before] = until, content
        yield
    return shown


def _done(work: Generator[None, None, Frame]) -> Frame:
    """What a work comes to, without a rest."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def _counted(tables: Tables, subject: str, facts: Sequence[Recorded], known: int) -> Iterator[Slice]:
    """How many facts a subject has from each but the first `known` on, in the tables that count them."""
    ends = [*(one.position for one in facts[known + 1 :]), OPEN_END]
    for table in tables:
        for size, (fact, end) in enumerate(zip(facts[known:], ends, strict=False), known + 1):
            if table.counts:
                columns = table.counts(subject)
                yield Slice(table.name, subject, fact.position, end, MINUS_INFINITY, INFINITY, columns, b"%d" % size)


def _slice(
    courses: Container[str], place: SlicePlace, content: tuple[date, SliceRow], known_from: int, known_to: int
) -> Slice:
    (name, key), eff_from = place
    eff_to, (columns, doc) = content
    if name in courses:
        doc = b'{"since":"%s","until":"%s",' % (_day(eff_from), _day(eff_to)) + doc[1:]
    return Slice(name, key, known_from, known_to, eff_from, eff_to, columns, doc)


def _day(day: date) -> bytes:
    return day.isoformat().encode()
