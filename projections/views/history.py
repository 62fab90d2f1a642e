"""How a subject came to be: its versions on both clocks, each with the fact that made it and what changed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from domain.record import State
from domain.values import instant_text
from events.recorded import OPEN_END, Recorded
from events.steps import Work, at_once, in_steps
from projections.fold import INFINITY, MINUS_INFINITY, Timeline
from projections.lists import Collection, Excerpt, NoFilter, Place, cut
from projections.memory import Memory
from projections.slices import rectangles
from projections.views.events import EventView, Facts

_NAMED: Final = 100  # facts that a version names which would begin: it is made of as many as its subject has
_STRETCH: Final = 230  # bytes that a stretch takes


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


class NewVersion(Version, frozen=True, rename="camel"):
    """A version that a request would make, with as many of the facts behind it as help to see why."""

    standing: Annotated[
        tuple[int, ...],
        Meta(description="The last 100 facts that it is folded from, in order: what comes last overrules."),
    ]
    standing_count: Annotated[int, Meta(description="How many there are.")]

    @classmethod
    def of(cls, one: Version) -> "NewVersion":
        """The same with the last of its facts."""
        last, count = one.standing[-_NAMED:], len(one.standing)
        return cls(one.stream, one.known, one.effective, one.state, one.changes, one.fact, last, count)


class Stretch(NamedTuple):
    """Over which positions and days a stream's subject is the same: a version, as far as its place tells of it."""

    known_from: int
    eff_from: date
    known_to: int
    eff_to: date
    stream: str


def stretches(facts: Facts, behind: int = 0) -> Work[Stretch]:
    """Those of every stream among these facts that begin behind a position, in no order."""
    for stream, own in _by_stream(facts.recorded).items():
        known = [one for one in own if one.position <= behind]
        kept = yield from Timeline.folded(stream, known)
        for one in rectangles(kept, own[len(known) :], lambda state, stream=stream: {stream: state}):
            yield None
            if one is None:
                continue
            (_, since), (until, _), begun, ended = one
            if begun is not None:
                yield Stretch(begun, since, ended, until, stream)


async def all_stretches(facts: Facts, stream: str, memory: Memory) -> Sequence[Stretch]:
    """Those of the subject of a stream, in their order, from its facts: remembered until it has one more.

    So a page of a history takes what it shows, and the facts before it folded once.
    """
    key = "history", stream, max(one.position for one in facts.recorded)
    known: Sequence[Stretch] | None = memory.get(key)
    if known is None:
        known = sorted([one async for one in in_steps(stretches(facts))])
        memory.put(key, known, _STRETCH * len(known))
    return known


def _by_stream(facts: Iterable[Recorded]) -> Mapping[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = {}
    for one in facts:
        found.setdefault(one.stream, []).append(one)
    return found


def of(facts: Facts) -> tuple[Version, ...]:
    """The versions of every stream among these facts, as they were recorded."""
    return tuple(at_once(versions(facts)))


def versions(
    facts: Facts, excerpt: Excerpt | None = None, *, behind: int = 0, known: Sequence[Stretch] = ()
) -> Work[Version]:
    """The same as a work: those behind a position, or a page of them, which alone is put together.

    `known` are the stretches of all of them, if somebody has them.
    """
    found = list(known)
    for made in () if known else stretches(facts, behind):
        yield None
        if made is not None:
            found.append(made)
    found.sort()
    chosen, _ = cut(found, excerpt, _begun) if excerpt else (found, False)
    if chosen:
        yield from _told(facts, chosen)


def _begun(made: Stretch) -> Place:
    return made.known_from, made.eff_from


def _told(facts: Facts, chosen: Sequence[Stretch]) -> Work[Version]:
    """The stretches as versions: the facts from the first to the last that begins one are told once more.

    What was said before stands between them.
    """
    first, last = chosen[0].known_from, chosen[-1].known_from
    by_position = {one.position: one for one in sorted(facts.recorded, key=lambda one: one.position)}
    begun = {position: list(made) for position, made in groupby(chosen, key=lambda one: one.known_from)}
    before_them = _by_stream(one for position, one in by_position.items() if position < first)
    kept = dict[str, Timeline]()
    for stream in {one.stream for one in chosen}:
        yield None
        kept[stream] = yield from Timeline.folded(stream, before_them.get(stream, ()))
    for position, fact in by_position.items():
        if not first <= position <= last or fact.stream not in kept:
            continue
        timeline, mine = kept[fact.stream], begun.get(position, ())
        before = [timeline.at(one.eff_from) for one in mine]
        timeline.add(fact)
        yield None
        for one, said in zip(mine, before, strict=True):
            ended = by_position[one.known_to] if one.known_to != OPEN_END else None
            standing = tuple(made.position for made in timeline.standing(one.eff_from))
            yield _version(one, fact, ended, (said, timeline.at(one.eff_from)), standing, facts.view(position))


def _version(  # noqa: PLR0913, PLR0917 - all that a version is made of
    one: Stretch,
    maker: Recorded,
    ended: Recorded | None,
    states: tuple[State | None, State | None],
    standing: tuple[int, ...],
    view: EventView,
) -> Version:
    before, state = map(_fields, states)
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
