"""The log's own root fields: the facts in order, a subject's versions, and what changed of it between two moments."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from api.graphql.arguments import (
    CLOCK_ARGUMENTS,
    AsOfInput,
    Given,
    SubjectInput,
    begun,
    clocks_at,
    filter_of,
    filters,
)
from api.graphql.connections import PAGING, REQUIRED, Argument, ListAt, connection, turn_of
from api.graphql.edges import facts_about
from api.graphql.ids import ANY
from api.graphql.moments import Inquiry, Moments, Root, Scene
from api.graphql.shapes import connection_of, shape
from api.graphql.world import EVENT_LIST, EventFilter, FactsWanted
from api.http.cursors import Start, clocks_of
from api.http.spans import end_at, in_order
from events.steps import in_steps
from projections.as_of import Meta, Moment
from projections.lists import NoFilter
from projections.views import diff, events, history, reports
from projections.views.diff import Changed
from projections.views.events import EventView, LogPage
from projections.views.history import Version
from projections.views.names import directory
from projections.views.reports import ReportRow, ReportView
from projections.views.subjects import SUBJECTS, Kind


def _history(given: Given, selected: frozenset[str]) -> Inquiry:
    """A page of the versions of a subject, as they were recorded."""
    ((kind, key),) = given.values["of"].items()
    ask, turn = facts_about(kind, key), turn_of(given.values)
    listed = ListAt(history.HISTORY_LIST, ask.stream, NoFilter())
    excerpt = turn.of(listed)
    part = None if "totalCount" in selected else excerpt.wider

    async def answer(scene: Scene) -> Any:
        world = scene.here.world
        if not world.facts(ask).recorded:
            await scene.moments.learn(world)
        if not world.facts(ask).recorded:
            raise (await scene.absent(kind, [key]))[key]
        facts = world.facts(ask)
        known = await history.all_stretches(facts, ask.stream, world.memory)
        versions = [version async for version in in_steps(history.versions(facts, part, known=known))]
        return connection(listed._replace(items=versions), excerpt, scene.here)

    return Inquiry(begun(given.start, turn.cursor), (), answer, turn.limit)


async def told(scene: Scene, rows: Sequence[ReportRow]) -> list[ReportView]:
    """Reports with their texts, which stand in the log."""
    world, units = scene.here.world, directory(scene.rows)
    asked = [FactsWanted(position=row.event) for row in rows]
    if [ask for ask in asked if not world.facts(ask).recorded]:  # each is asked for, as asking notes what is missing
        await scene.moments.learn(world)
    return [view for row, ask in zip(rows, asked, strict=True) for view in reports.show([row], units, world.facts(ask))]


def _events(given: Given, _: frozenset[str]) -> Inquiry:
    """A page of the log."""
    chosen, turn = filter_of(given.values, EventFilter), turn_of(given.values)
    listed = ListAt(EVENT_LIST, "", chosen)
    excerpt = turn.of(listed)

    async def answer(scene: Scene) -> Any:
        position = scene.moment.position
        await scene.moments.reader.check_named(chosen, scene.moment)
        (place,) = excerpt.place or (position + 1 if excerpt.backwards else 0,)
        way = {"before" if excerpt.backwards else "after": place}
        page = LogPage(limit=excerpt.wider.limit, **way, **msgspec.structs.asdict(chosen))
        async with scene.moments.reader.slices.acquire() as connected:
            found = await events.log_page(connected, position, page)
        return connection(listed._replace(items=found), excerpt, scene.here)

    return Inquiry(begun(given.start, turn.cursor), (), answer, turn.limit)


_TWO_VIEWS: Final = 500  # values that it is worth to read a subject twice, and its facts, by statements of their own


class DifferenceView(Changed, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What changed of one thing between two moments; of what came or went each field stands against null."""

    from_: Meta
    meta: Meta


def _diff(given: Given, _: frozenset[str]) -> Inquiry:
    """What changed of a subject from one moment to another, which is the root's own."""
    values = given.values
    ((kind, key),) = values["of"].items()
    subject = SUBJECTS[Kind(kind)]

    async def earlier(moments: Moments) -> Moment:
        asked = clocks_at(values["from"], values.get("fromEffectiveOn"))
        return await moments.resolve(Start(asked, None, clocks_of(asked)))

    async def answer(scene: Scene) -> Any:
        moments, reader = scene.moments, scene.moments.reader
        span = in_order(await end_at("from", earlier(moments)), scene.moment)
        found = await diff.one_changed(reader.slices.acquire, subject, key, (span.before, span.after), reader.memory)
        if found is None:
            raise (await scene.absent(kind, [key]))[key]
        told_ = msgspec.structs.asdict(found)
        return DifferenceView(**told_, from_=moments.meta(span.before), meta=moments.meta(span.after))

    return Inquiry(given.start, (), answer, read=_TWO_VIEWS)


_OF: Final = Argument("of", SubjectInput, "Whose.", REQUIRED, ANY)
_FROM: Final = (
    Argument("from", AsOfInput, "The earlier moment: what the public record showed then.", REQUIRED),
    Argument("fromEffectiveOn", dt.date | None, "And what held on this date then. Default: the day of `from`."),
)

HISTORY: Final = Root(
    "history",
    "A subject's versions on both clocks, as they were recorded, each with the fact that made it.",
    connection_of(Version),
    (_OF, *CLOCK_ARGUMENTS, *PAGING),
    _history,
)
DIFF: Final = Root(
    "diff",
    "What changed of a subject from one moment to another, which asOf and effectiveOn name, with the facts behind it.",
    shape(DifferenceView),
    (_OF, *_FROM, *CLOCK_ARGUMENTS),
    _diff,
)
EVENTS: Final = Root(
    "events",
    "The facts of the log, in order.",
    connection_of(EventView),
    (*filters(EventFilter), *CLOCK_ARGUMENTS, *PAGING),
    _events,
)
