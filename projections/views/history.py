"""How a subject came to be: its versions on both clocks, each with the fact that made it and what changed."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from domain.record import State
from domain.values import instant_text
from events.recorded import OPEN_END, Recorded
from events.steps import Work, at_once
from projections.fold import INFINITY, MINUS_INFINITY, Timeline
from projections.lists import Collection, Excerpt, NoFilter, Place, cut
from projections.slices import rectangles
from projections.views.events import EventView, Facts


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


def _rectangles(stream: str, facts: Sequence[Recorded]) -> Work[_Rectangle]:
    """The states of a stream on both clocks."""
    for one in rectangles(Timeline(stream), facts, lambda state: {stream: state}):
        yield None
        if one is not None:
            (_, since), (until, shown), begun, ended = one
            assert begun is not None  # noqa: S101 - before its first fact a stream shows nothing
            yield _Rectangle(begun, ended, since, until, shown)


def of(facts: Facts) -> tuple[Version, ...]:
    """The versions of every stream among these facts, as they were recorded."""
    return tuple(at_once(versions(facts)))


def versions(facts: Facts, excerpt: Excerpt | None = None) -> Work[Version]:
    """The same as a work; of a page of them, that page alone is put together."""
    streams: dict[str, list[Recorded]] = {}
    for one in facts.recorded:
        streams.setdefault(one.stream, []).append(one)
    found: list[_Rectangle] = []
    for stream, own in streams.items():
        for made in _rectangles(stream, own):
            yield None
            if made is not None:
                found.append(made)
    found.sort(key=_begun)
    chosen, _ = cut(found, excerpt, _begun) if excerpt else (found, False)
    yield from _told({stream: Timeline(stream) for stream in streams}, facts, chosen)


def _begun(made: _Rectangle) -> Place:
    return made.known_from, made.eff_from


def _told(kept: Mapping[str, Timeline], facts: Facts, chosen: Sequence[_Rectangle]) -> Work[Version]:
    """The rectangles as versions: the facts are told once more, as what was said before stands between them."""
    by_position = {one.position: one for one in sorted(facts.recorded, key=lambda one: one.position)}
    begun = {position: list(made) for position, made in groupby(chosen, key=lambda one: one.known_from)}
    for position, fact in by_position.items():
        timeline, mine = kept[fact.stream], begun.get(position, ())
        before = [timeline.at(one.eff_from) for one in mine]
        timeline.add(fact)
        yield None
        for one, said in zip(mine, before, strict=True):
            ended = by_position[one.known_to] if one.known_to != OPEN_END else None
            standing = tuple(made.position for made in timeline.standing(one.eff_from))
            yield _version(one, fact, ended, said, standing, facts.view(position))


def _version(  # noqa: PLR0913, PLR0917 - all that a version is made of
    one: _Rectangle,
    maker: Recorded,
    ended: Recorded | None,
    said: State | None,
    standing: tuple[int, ...],
    view: EventView,
) -> Version:
    state, before = _fields(one.state), _fields(said)
    return Version(
        maker.stream,
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
        view,
        standing,
    )


def _fields(state: State | None) -> dict[str, Any]:
    """A state as JSON values with the wire's names."""
    fields: dict[str, Any] = msgspec.to_builtins(state) if state is not None else {}
    return {camel(name): value for name, value in fields.items()}


def camel(name: str) -> str:
    """A field's name as the wire has it."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _day(day: date) -> date | None:
    return None if day in {MINUS_INFINITY, INFINITY} else day


def _place(version: Version, _: NoFilter) -> Place:
    """By the position that made it, then by its first day; an append touches a stream once in every position."""
    return version.known.from_, version.effective.from_ or MINUS_INFINITY


HISTORY_LIST: Collection[Version, NoFilter] = Collection(
    name="history",
    view=Version,
    filter=NoFilter,
    wanted=lambda _scope, _filter, _after, _limit: (),  # it is read from the log
    shown=lambda _rows, _moment: (),
    place=_place,
    places=lambda _: tuple[int, date],
)
