"""What changed between two moments: the views at both compared field by field, and the facts behind each change."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from domain.fact import tag
from domain.plan import PlanMeasureAdded, PlanPartAdded
from domain.report import ProgressReported
from domain.values import instant_text
from events.handle import Acquire
from events.recorded import Recorded
from events.steps import Work, at_once, in_steps
from projections.as_of import Moment, Rows, rows_at
from projections.memory import Memory
from projections.table import SliceTable
from projections.views import events, joined
from projections.views.history import Change
from projections.views.names import PLAN_VERSIONS, PLANS, UNITS, Directory, directory
from projections.views.reports import ReportRow
from projections.views.subjects import SUBJECTS, Kind, Subject
from projections.views.tasks import TaskView
from projections.wanted import Wanted, wanted

Key = tuple[Kind, str]  # and an id within it
Views = Mapping[Key, msgspec.Struct]
_KINDS: Final = tuple(Kind)
_NAMED: Final = frozenset(one.kind for one in SUBJECTS.values() if one.kind != Kind.PLAN and one.within is None)
COMPARED: Final = tuple(dict.fromkeys(table for one in SUBJECTS.values() for table in one.made_of))
# A version counts facts, which are told themselves, and a place is that of one.
UNTOLD: Final = frozenset({"version", "meta", "place"})


class Outcome(StrEnum):
    """What became of it from the one moment to the other."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Because(msgspec.Struct, frozen=True, rename="camel"):
    """A fact, of its own or of what it shows, that was recorded in between, or that holds since a day in between."""

    position: int
    type: str
    recorded_at: str
    effective_on: date
    reason: str | None
    authority: str | None


class Changed(msgspec.Struct, frozen=True):
    """What changed of one thing; of what came or went each field stands against null."""

    kind: Kind
    id: str
    change: Outcome
    changes: tuple[Change, ...]
    facts: tuple[Because, ...] = ()

    @property
    def key(self) -> Key:
        """Its kind and its id within it."""
        return self.kind, self.id


class Compared(NamedTuple):
    """What changed of one thing, as its views at both moments say; which facts lie behind it is still missing."""

    changed: Changed
    views: Sequence[msgspec.Struct]

    def around(self, known: Iterable[Directory]) -> joined.Ranges:
        """The streams of what it shows of others, where that may be what changed."""
        return joined.around(self.changed.kind, self.changed.id, self.views, known) if self.changed.changes else ()


async def changed_between(
    acquire: Acquire, plan: str | None, before: Moment, after: Moment, memory: Memory
) -> list[Changed] | None:
    """All that differs between two moments, with the facts behind it; of the whole record, or of one plan.

    None if the plan is there at neither moment. No connection is kept while what was read is compared.
    """
    then, now = await _at_both(acquire, (before, after), wanted_for(plan), memory)
    if plan is not None and not (then.any(PLANS) or now.any(PLANS)):
        return None
    work = plan_changes(then, before.effective_on, now, after.effective_on, plan)
    found = [one async for one in in_steps(work)]
    known = [directory(then), directory(now)]
    around = [one async for one in in_steps(one.around(known) for one in found)]
    own = {joined.range_of(stream_of(one.changed)) for one in found}
    async with acquire() as connection:
        facts = await events.of_ranges(connection, after.position, own.union(*around))
    return [one async for one in in_steps(explained(found, around, joined.FactsBetween(facts, before, after)))]


async def one_changed(
    acquire: Acquire, subject: Subject[Any], key: str, span: tuple[Moment, Moment], memory: Memory
) -> Changed | None:
    """What differs of one thing between two moments, with the facts behind it; None if it is there at neither."""
    rows = await _at_both(acquire, span, subject.one(key), memory)
    then, now = (_view(subject, key, own, moment) for own, moment in zip(rows, span, strict=True))
    if then is None and now is None:
        return None
    found = compared_views((subject.kind, key), then, now)
    around = found.around([directory(own) for own in rows if own.any(UNITS)])
    own = joined.range_of(subject.stream(key))
    async with acquire() as connection:
        facts = await events.of_ranges(connection, span[1].position, {own, *around})
    (one,) = at_once(explained([found], [around], joined.FactsBetween(facts, *span)))
    return one


async def _at_both(
    acquire: Acquire, span: tuple[Moment, Moment], wants: Sequence[Wanted], memory: Memory
) -> tuple[Rows, Rows]:
    """The rows of both moments."""
    async with acquire() as connection:
        then, now = [await rows_at(connection, moment, wants, memory) for moment in span]
    return then, now


def _view(subject: Subject[Any], key: str, rows: Rows, moment: Moment) -> msgspec.Struct | None:
    return next(iter(subject.show(rows, moment.effective_on, key)), None)


def wanted_for(plan: str | None) -> Sequence[Wanted]:
    """What a plan, or the whole record, is compared by."""
    return [wanted(table, **_within(table, plan)) for table in COMPARED]


def _within(table: SliceTable, plan: str | None) -> Mapping[str, str]:
    """Which rows of a table a plan is compared by: its own, or all where none belongs to a plan."""
    if plan is None:
        return {}
    return {"key": plan} if table in {PLANS, PLAN_VERSIONS} else {"plan": plan} if "plan" in table.table.c else {}


def plan_changes(before: Rows, on_before: date, after: Rows, on_after: date, plan: str | None = None) -> Work[Compared]:
    """What differs between the rows of two moments; of a plan only what has to do with it.

    Each change stands once: what a unit, a district or a platform has by being named in a task stands at the task.
    """
    then, now = (yield from _views(before, on_before)), (yield from _views(after, on_after))
    found = compared(then, now)
    if plan is None:
        yield from found
        return
    concerned = (yield from _concerned(then, directory(before))) | (yield from _concerned(now, directory(after)))
    for one in found:
        yield one if one and (one.changed.kind not in _NAMED or one.changed.key in concerned) else None


def compared(before: Views, after: Views) -> Work[Compared]:
    """What differs between two sets of views, kind by kind, by number or id."""
    places: list[tuple[Any, ...]] = []
    for key in {**before, **after}:  # nearly in order, which makes sorting short
        places.append((_order(key, after.get(key) or before[key]), key))
        yield None
    for _, key in sorted(places):
        one = compared_views(key, before.get(key), after.get(key))
        yield one if one.changed.change != Outcome.UNCHANGED else None


def compared_views(key: Key, before: msgspec.Struct | None, after: msgspec.Struct | None) -> Compared:
    """What differs between two views of one thing, with the views."""
    return Compared(between(key, before, after), [one for one in (before, after) if one is not None])


def between(key: Key, before: msgspec.Struct | None, after: msgspec.Struct | None) -> Changed:
    """What differs between two views of one thing."""
    if before == after:
        return Changed(*key, Outcome.UNCHANGED, ())
    changes = tuple(_changes(_fields(before), _fields(after)))
    if before is None or after is None:
        return Changed(*key, Outcome.ADDED if before is None else Outcome.REMOVED, changes)
    return Changed(*key, Outcome.CHANGED if changes else Outcome.UNCHANGED, changes)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for field in dict.fromkeys([*before, *after]):
        if before.get(field) != after.get(field):
            yield Change(field, before.get(field), after.get(field))


def _fields(view: msgspec.Struct | None) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(view) if view is not None else {}
    return {name: value for name, value in fields.items() if name not in UNTOLD}


def _order(key: Key, view: msgspec.Struct) -> tuple[Any, ...]:
    kind, id_ = key
    return _KINDS.index(kind), getattr(view, "plan", ""), getattr(view, "number", 0), id_


def _views(rows: Rows, on: date) -> Generator[None, None, Views]:
    """Every view that is compared, by what it is of; what is named in tasks without what it has by that."""
    found: dict[Key, msgspec.Struct] = {}
    for key, one in _each(rows, on):
        found[key] = one
        yield
    return found


def _each(rows: Rows, on: date) -> Iterator[tuple[Key, msgspec.Struct]]:
    for subject in SUBJECTS.values():
        yield from (((subject.kind, id_), one) for id_, one in subject.compared(rows, on))


def _concerned(views: Views, known: Directory) -> Generator[None, None, set[Key]]:
    """Whom tasks and reports name, who stands behind those, and their districts."""
    found: set[Key] = set()
    named: set[str] = set()
    for one in views.values():
        if isinstance(one, TaskView):
            named |= {part.assignee.id for part in one.assignments}
            found |= {(Kind.PLATFORM, platform.id) for platform in one.platforms}
        elif isinstance(one, ReportRow):
            named.add(one.unit)
        yield
    for one in named:
        found |= {(Kind.UNIT, unit) for unit in known.behind(one)}
        found |= {(Kind.DISTRICT, code) for code in known.districts(one)}
        yield
    return found


def explained(found: Sequence[Compared], around: Sequence[joined.Ranges], told: joined.FactsBetween) -> Work[Changed]:
    """The changes, each with those facts behind it that are about it, or about what it shows of others."""
    for (one, _), ranges in zip(found, around, strict=True):
        behind = list(_about(one, told.of(stream_of(one))))
        for fact in told.why(one.kind, one.id, ranges):
            behind += [fact] if fact else ()
            yield None
        yield msgspec.structs.replace(one, facts=because({fact.position: fact for fact in behind}.values()))


def stream_of(one: Changed) -> str:
    """The stream whose facts make a thing what it is."""
    return SUBJECTS[one.kind].stream(one.id)


def because(facts: Iterable[Recorded]) -> tuple[Because, ...]:
    """Facts, as they are told beside a change."""
    return tuple(
        Because(
            one.position,
            tag(one.fact),
            instant_text(one.recorded_at),
            one.effective_on,
            one.cause.reason,
            one.cause.authority,
        )
        for one in sorted(facts, key=lambda one: one.position)
    )


def _about(one: Changed, facts: Sequence[Recorded]) -> Iterator[Recorded]:
    """Those facts of a thing's stream that are about nothing else in it."""
    last = one.id.rpartition("/")[2]
    for recorded in facts:
        match recorded.fact:
            case PlanPartAdded(number=number):
                mine = one.kind == Kind.PART and str(number) == last
            case PlanMeasureAdded(number=number):
                mine = one.kind == Kind.MEASURE and str(number) == last
            case ProgressReported(period=period):
                mine = one.kind != Kind.REPORT or period == last
            case _:
                mine = one.kind not in {Kind.PART, Kind.MEASURE}
        if mine:
            yield recorded
