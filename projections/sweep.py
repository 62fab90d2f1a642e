"""The slices of a stream by another way than an append takes: day by day, for all positions at once.

`slice_changes` goes from fact to fact and keeps a timeline of days up. Here the fold goes once from the first day to
the last, through the facts in the order of the rule (the day from which each holds, then its place), and carries what
the subject is at every position: a fact acts on just those at which it stands, from its own up to that of the one that
undoes it. Positions between which nothing differs are one stretch, so that this takes time by what differs, not by the
square of the facts; no position and no day is left out. It shares the rule's `evolve` and the tables' `rows` with an
append, and nothing else.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from domain.commands import Evolve, evolve_of
from domain.fact import subject_of
from domain.record import State
from domain.undo import FactVoided
from events.recorded import OPEN_END, Recorded
from projections.fold import INFINITY, MINUS_INFINITY
from projections.slices import Slice, Tables
from projections.table import SliceTable

_Key = tuple[int, str]  # the place of a table among those of the kind, and the key of a row
_Shown = tuple[date, tuple[Any, ...], bytes]  # the day since when, columns, JSON
_Ended = tuple[_Key, date, date, int, int, tuple[Any, ...], bytes]  # key, days, positions, columns, JSON


class _Acting(NamedTuple):
    """A fact as it is folded on a day: at the positions from `begun` up to `ended`."""

    since: date
    place: int
    begun: int
    ended: int
    fact: Recorded


class _Stretch:
    """Positions from `begun` up to the next stretch, over which the subject is and shows the same."""

    __slots__ = ("begun", "shows", "state")

    def __init__(self, begun: int, state: State | None, shows: Mapping[_Key, _Shown]) -> None:
        self.begun = begun
        self.state = state
        self.shows = shows


def sweep(tables: Tables, stream: str, facts: Sequence[Recorded]) -> Iterator[Slice]:
    """All slices of a stream, in no order."""
    kind, subject = subject_of(stream)
    own = [table for table in tables if table.kind == kind]
    return _joined(own, _ended(own, subject, evolve_of(stream), facts), _counted(own, subject, facts))


def _ended(own: Sequence[SliceTable], subject: str, evolve: Evolve, facts: Sequence[Recorded]) -> Iterator[_Ended]:
    """What is shown on all days, for each stretch of positions by itself."""
    stretches, begins = [_Stretch(0, None, {})], [0]
    for day, acting in groupby(sorted(_acting(facts), key=itemgetter(0, 1, 2)), key=itemgetter(0)):
        moved = [_act(stretches, begins, evolve, one) for one in acting]
        first = min(since for since, _ in moved)
        touched = stretches[bisect_left(begins, first) : bisect_left(begins, max(until for _, until in moved))]
        for at, stretch in enumerate(touched, bisect_left(begins, first)):
            shows = _shows(own, subject, stretch.state, day)
            yield from _gone(stretch, shows, day, _end(begins, at))
            stretch.shows = {key: _since(stretch.shows.get(key), row) for key, row in shows.items()}
        _merge(stretches, begins, bisect_left(begins, first), len(touched))
    for at, stretch in enumerate(stretches):
        yield from _gone(stretch, {}, INFINITY, _end(begins, at))


def _acting(facts: Sequence[Recorded]) -> Iterator[_Acting]:
    """The facts that are folded, with their days, places and positions."""
    ends: dict[int, int] = {}
    places: dict[int, int] = {}
    for one in facts:
        if one.undoes is not None:
            ends.setdefault(one.undoes, one.position)
        places[one.position] = places.get(one.replaces, one.position) if one.replaces else one.position
    founding = list[_Acting]()
    for one in facts:
        if isinstance(one.fact, FactVoided):
            continue
        acting = _Acting(one.effective_on, places[one.position], one.position, ends.get(one.position, OPEN_END), one)
        if one.fact.FOUNDS:
            founding.append(acting)
        else:
            yield acting
    yield from _founding(founding)


def _founding(acting: Sequence[_Acting]) -> Iterator[_Acting]:
    """The same with each day as it is: at any position the first by place of those that stand holds from −infinity."""
    borders = sorted({border for one in acting for border in (one.begun, one.ended)})
    for begun, ended in pairwise(borders):
        standing = [one for one in acting if one.begun <= begun < one.ended]
        first = min(standing, key=itemgetter(1), default=None)
        for one in standing:
            yield one._replace(since=MINUS_INFINITY if one is first else one.since, begun=begun, ended=ended)


def _act(stretches: list[_Stretch], begins: list[int], evolve: Evolve, one: _Acting) -> tuple[int, int]:
    """Fold a fact wherever it stands; from where to where that is."""
    at = _border(stretches, begins, one.begun)
    _border(stretches, begins, one.ended)
    placed = one.fact.placed(one.place)
    while at < len(begins) and begins[at] < one.ended:
        stretches[at].state = evolve(stretches[at].state, one.fact.fact, placed)
        at += 1
    return one.begun, one.ended


def _border(stretches: list[_Stretch], begins: list[int], position: int) -> int:
    """Have a stretch begin at a position."""
    at = bisect_left(begins, position)
    if position != OPEN_END and begins[at : at + 1] != [position]:
        before = stretches[at - 1]
        begins.insert(at, position)
        stretches.insert(at, _Stretch(position, before.state, before.shows))
    return at


def _merge(stretches: list[_Stretch], begins: list[int], first: int, touched: int) -> None:
    """Make one of neighbours that do not differ, among those that were touched and beside them."""
    for at in range(min(first + touched, len(begins) - 1), max(first - 1, 0), -1):
        one, before = stretches[at], stretches[at - 1]
        if one.state == before.state and one.shows == before.shows:
            del stretches[at], begins[at]


def _end(begins: Sequence[int], at: int) -> int:
    return begins[at + 1] if at + 1 < len(begins) else OPEN_END


def _shows(own: Sequence[SliceTable], subject: str, state: State | None, day: date) -> dict[_Key, _Shown]:
    if state is None:
        return {}
    return {
        (number, row.key): (day, row.columns, row.doc)
        for number, table in enumerate(own)
        for row in table.rows(subject, state)
    }


def _since(before: _Shown | None, row: _Shown) -> _Shown:
    """A row, from the day on from which it is shown."""
    return before if before is not None and before[1:] == row[1:] else row


def _gone(stretch: _Stretch, shows: Mapping[_Key, _Shown], day: date, end: int) -> Iterator[_Ended]:
    """What is no more shown from a day on."""
    for key, (since, columns, doc) in stretch.shows.items():
        there = shows.get(key)
        if there is None or there[2] != doc or there[1] != columns:
            yield key, since, day, stretch.begun, end, columns, doc


def _joined(own: Sequence[SliceTable], ended: Iterable[_Ended], counted: Iterable[Slice]) -> Iterator[Slice]:
    """Slices, each as long on the clock of positions as it is the same."""
    last: _Ended | None = None
    for one in sorted(ended, key=itemgetter(0, 1, 3)):
        if last and last[4] == one[3] and last[:3] == one[:3] and last[5:] == one[5:]:
            last = (*last[:4], one[4], *last[5:])
            continue
        if last:
            yield _slice(own, last)
        last = one
    if last:
        yield _slice(own, last)
    yield from counted


def _slice(own: Sequence[SliceTable], one: _Ended) -> Slice:
    (number, key), since, until, begun, end, columns, doc = one
    if own[number].course:
        doc = b'{"since":"%s","until":"%s",' % (since.isoformat().encode(), until.isoformat().encode()) + doc[1:]
    return Slice(own[number].name, key, begun, end, since, until, columns, doc)


def _counted(own: Sequence[SliceTable], subject: str, facts: Sequence[Recorded]) -> Iterator[Slice]:
    """How many facts the subject has from each on."""
    for table in own:
        if table.counts:
            columns = table.counts(subject)
            for number, one in enumerate(facts):
                end = facts[number + 1].position if number + 1 < len(facts) else OPEN_END
                count = b"%d" % (number + 1)
                yield Slice(table.name, subject, one.position, end, MINUS_INFINITY, INFINITY, columns, count)
