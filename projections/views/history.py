"""How a subject came to be: its versions on both clocks, each with the fact that made it and what changed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec

from domain.record import State
from domain.values import instant_text
from events.recorded import HEAD, Recorded
from projections.fold import ALWAYS, FOREVER, standing, state, timeline
from projections.lists import Collection, NoFilter, Place
from projections.slices import stretches
from projections.views.events import Disclosed, EventView, Facts, event_view


class Known(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """From which position on the record says so, up to the position that says otherwise; null = still."""

    from_: int
    to: int | None
    from_recorded_at: str = msgspec.field(name="fromRecordedAt")
    to_recorded_at: str | None = msgspec.field(name="toRecordedAt")


class Effective(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """From which day on it holds, up to the day from which something else does; null = without end."""

    from_: date | None
    to: date | None


class Change(msgspec.Struct, frozen=True):
    """A field that this version has otherwise than what the record said before for the same day."""

    field: str
    before: Any
    after: Any


class Version(msgspec.Struct, frozen=True):
    """One version: `fact` made it; `standing` are the positions of all facts that it is folded from, in order."""

    stream: str
    known: Known
    effective: Effective
    state: dict[str, Any]
    changes: tuple[Change, ...]
    fact: EventView
    standing: tuple[int, ...]


class _Rectangle(NamedTuple):
    known_from: int
    known_to: int
    eff_from: date
    eff_to: date
    state: State
    before: State | None


def rectangles(stream: str, facts: Sequence[Recorded]) -> Iterator[_Rectangle]:
    """The states of a stream on both clocks, with what the record said before for the first of their days."""
    frames = (
        (fact.position, {since: (until, state) for since, until, state in timeline(stream, facts[:size], HEAD)})
        for size, fact in enumerate(facts, 1)
    )
    for since, (until, shown), begun, ended in stretches({}, frames):
        assert begun is not None  # noqa: S101 - before its first fact a stream shows nothing
        yield _Rectangle(begun, ended, since, until, shown, state(stream, facts, begun - 1, since))


def of(facts: Facts) -> tuple[Version, ...]:
    """The versions of every stream among these facts, as they were recorded."""
    streams: dict[str, list[Recorded]] = {}
    for one in facts.recorded:
        streams.setdefault(one.stream, []).append(one)
    found = [version for stream, own in streams.items() for version in versions(stream, own, facts.disclosed)]
    return tuple(sorted(found, key=lambda version: (version.known.from_, version.effective.from_ or ALWAYS)))


def versions(stream: str, facts: Sequence[Recorded], disclosed: Disclosed) -> list[Version]:
    """A stream's versions, from its facts."""
    by_position = {one.position: one for one in facts}
    made = sorted(rectangles(stream, facts), key=lambda one: (one.known_from, one.eff_from))
    return [_version(stream, one, by_position, disclosed) for one in made]


def _version(stream: str, one: _Rectangle, facts: Mapping[int, Recorded], disclosed: Disclosed) -> Version:
    ended = facts[one.known_to] if one.known_to != HEAD else None
    maker = facts[one.known_from]
    state, before = _fields(one.state), _fields(one.before)
    return Version(
        stream,
        Known(
            one.known_from,
            ended and ended.position,
            instant_text(maker.recorded_at),
            ended and instant_text(ended.recorded_at),
        ),
        Effective(_day(one.eff_from), _day(one.eff_to)),
        state,
        tuple(
            Change(field, before.get(field), state.get(field))
            for field in dict.fromkeys([*before, *state])
            if before.get(field) != state.get(field)
        ),
        event_view(maker, disclosed),
        tuple(
            fact.position for since, fact in standing(stream, facts.values(), one.known_from) if since <= one.eff_from
        ),
    )


def _fields(state: State | None) -> dict[str, Any]:
    """A state as JSON values with the wire's names."""
    fields: dict[str, Any] = msgspec.to_builtins(state) if state is not None else {}
    return {_camel(name): value for name, value in fields.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _day(day: date) -> date | None:
    return None if day in {ALWAYS, FOREVER} else day


def _place(version: Version, _: NoFilter) -> Place:
    """By the position that made it, then by its first day; an append touches a stream once in every position."""
    return version.known.from_, version.effective.from_ or ALWAYS


HISTORY: Collection[Version, NoFilter] = Collection(
    name="history",
    view=Version,
    filter=NoFilter,
    wanted=lambda _scope, _filter, _after, _limit: (),  # it is read from the log
    shown=lambda _rows, _moment: (),
    place=_place,
    places=lambda _: tuple[int, date],
)
