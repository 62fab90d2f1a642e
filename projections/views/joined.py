"""The facts of other subjects behind what one shows: a unit's name in its tasks, a group's members, tasks of a part.

A fact is one of them if folding it changes what is shown of its own subject at either moment, or did so and was undone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

import msgspec

from domain.commands import evolve_of
from domain.directory import Platform, Unit
from domain.fact import subject_of
from domain.report import Reports
from domain.task import Task
from events.recorded import Recorded
from events.steps import Work
from projections.as_of import Moment
from projections.fold import standing
from projections.views.names import Directory
from projections.views.subjects import Kind

Ranges = Sequence[tuple[str, str]]  # of streams' names: from one on, up to another
ShownFields = Mapping[str, frozenset[str]]  # of each kind of stream, the fields of its state
StateSeen = Mapping[str, Any] | None  # those fields, or none where the subject is not there
Telling = tuple[Recorded, Sequence[StateSeen]]  # a fact, and what was shown before it and what behind it
_UNIT: Final = frozenset(Unit.__struct_fields__) - {"aliases", "district"}
_IN_UNIT: Final[ShownFields] = {
    Unit.KIND: _UNIT,
    Task.KIND: frozenset({"number", "assignments"}),
    Reports.KIND: frozenset({"reports"}),
}
_COUNTED: Final[ShownFields] = {Task.KIND: frozenset({"part", "measure"})}
_SHOWN: Final[Mapping[Kind, ShownFields]] = {
    Kind.PLAN: {Task.KIND: frozenset()},  # whether it is there
    Kind.PART: _COUNTED,
    Kind.MEASURE: _COUNTED,
    Kind.TASK: {
        Unit.KIND: _UNIT,
        Platform.KIND: frozenset(Platform.__struct_fields__),
        Reports.KIND: frozenset(Reports.__struct_fields__),
    },
    Kind.REPORT: {},
    Kind.UNIT: _IN_UNIT,
    Kind.DISTRICT: {**_IN_UNIT, Unit.KIND: _UNIT | {"district"}},
    Kind.PLATFORM: {Task.KIND: frozenset({"number", "text"})},
}
_NAMING: Final[Mapping[str, tuple[str, ...]]] = {"id": (Unit.KIND, Platform.KIND), "task": (Task.KIND,)}


def around(kind: Kind, key: str, views: Iterable[msgspec.Struct], known: Iterable[Directory]) -> Ranges:
    """The streams of all that a subject's views show, and of who stands behind whom these directories know."""
    if kind in {Kind.PLAN, Kind.PART, Kind.MEASURE}:
        plan = key.partition("/")[0]
        return [_below(Task.KIND, plan)]
    named = {stream for view in views for stream in _named(msgspec.to_builtins(view))}
    units = [id_ for stream_kind, id_ in map(subject_of, named) if stream_kind == Unit.KIND]
    named |= {f"{Unit.KIND}:{one}" for directory in known for unit in units for one in directory.behind(unit)}
    found = [range_of(stream) for stream in sorted(named) if subject_of(stream) != (kind, key)]
    return [*found, _below(Reports.KIND, key)] if kind == Kind.TASK else found


def _below(kind: str, key: str) -> tuple[str, str]:
    return f"{kind}:{key}/", f"{kind}:{key}0"  # 0 comes after /


def range_of(stream: str) -> tuple[str, str]:
    """One stream's name as a range."""
    return stream, f"{stream}\x01"


def _named(value: Any) -> Iterator[str]:
    """The streams that a view's fields name."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if own := fields.get("own"):
            yield f"{Reports.KIND}:{fields['task']}/{own['unit']['id']}"
        for name, inner in fields.items():
            if isinstance(inner, str):
                yield from (f"{kind}:{inner}" for kind in _NAMING.get(name, ()))
            else:
                yield from _named(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Sequence[Any]", value):
            yield from _named(inner)


class FactsBetween:
    """Facts of many streams, and which of them tell why a view is another at the later of two moments than before.

    A fact does if it was recorded between the two, or holds since a day between them.
    """

    def __init__(self, facts: Iterable[Recorded], before: Moment, after: Moment) -> None:
        self._before, self._after = before, after
        self._by_stream: dict[str, list[Recorded]] = {}
        for one in facts:
            self._by_stream.setdefault(one.stream, []).append(one)
        self._streams = sorted(self._by_stream)
        self._known: dict[tuple[str, frozenset[str]], Sequence[Telling]] = {}

    def of(self, stream: str) -> Sequence[Recorded]:
        """The facts of a subject's own stream that do, whatever they are about."""
        own = self._by_stream.get(stream, ())
        since = {fact.position: day for day, fact, _ in standing(own, self._after.position)}
        return [one for one in own if self._lies_between(one, since.get(one.position, one.effective_on))]

    def why(self, kind: Kind, key: str, ranges: Ranges) -> Work[Recorded]:
        """The facts in these streams that do, and that change what the view of a subject shows of theirs."""
        place = int(key.rpartition("/")[2]) if kind in {Kind.PART, Kind.MEASURE} else None
        for low, high in ranges:
            for stream in self._streams[bisect_left(self._streams, low) : bisect_left(self._streams, high)]:
                shown = _SHOWN[kind].get(subject_of(stream)[0])
                for fact, values in self._telling(stream, shown) if shown is not None else ():
                    if place is None or any(one and one[kind] == place for one in values):
                        yield fact
                yield None

    def _telling(self, stream: str, shown: frozenset[str]) -> Sequence[Telling]:
        if (stream, shown) not in self._known:
            own = self._by_stream[stream]
            steps = {
                at: values for end in (self._before, self._after) for at, values in _steps(stream, own, end, shown)
            }
            found = [(one, steps.get(one.position) or steps.get(one.undoes or 0)) for one in self.of(stream)]
            self._known[stream, shown] = [(one, values) for one, values in found if values]
        return self._known[stream, shown]

    def _lies_between(self, fact: Recorded, since: date) -> bool:
        first, last = sorted((self._before.effective_on, self._after.effective_on))
        return self._before.position < fact.position <= self._after.position or (
            fact.position <= self._after.position and first < since <= last
        )


def _steps(
    stream: str, facts: Sequence[Recorded], moment: Moment, shown: frozenset[str]
) -> Iterator[tuple[int, Sequence[StateSeen]]]:
    """The facts by which the fold, up to a moment, comes to show something else: their positions, and both values."""
    folded, evolve = None, evolve_of(stream)
    for since, fact, place in standing(facts, moment.position):
        if since <= moment.effective_on:
            before, folded = folded, evolve(folded, fact.fact, fact.placed(place))
            values = _values(before, shown), _values(folded, shown)
            if values[0] != values[1]:
                yield fact.position, values


def _values(state: Any, shown: frozenset[str]) -> StateSeen:
    return None if state is None else {name: getattr(state, name) for name in shown}
