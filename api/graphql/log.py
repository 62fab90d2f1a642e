"""The log's own root fields: one fact, the facts in order, and the versions that a subject's facts make."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from api.graphql.arguments import (
    CLOCKS,
    PAGING,
    REQUIRED,
    Argument,
    Given,
    SubjectInput,
    begun,
    filter_of,
    filters,
    first_of,
)
from api.graphql.connections import Connection, connection_of
from api.graphql.edges import asked as facts_of
from api.graphql.facts import Ask
from api.graphql.ids import ANY
from api.graphql.root import Asked, Root, Scene
from api.graphql.shapes import shape
from api.http.cursors import parse_cursor, print_cursor
from events.steps import in_steps
from projections.lists import Collection
from projections.views import events, history, reports
from projections.views.events import EventView, LogPage
from projections.views.history import Version
from projections.views.names import directory
from projections.views.reports import ReportRow, ReportView


def _history(given: Given, _: frozenset[str]) -> Asked:
    """All versions of a subject, as they were recorded."""
    ((kind, key),) = given.values["of"].items()

    async def answer(scene: Scene) -> Any:
        world = scene.here.world
        ask = facts_of(kind, key)
        if not world.facts(ask).recorded:
            await scene.moments.learn(world)
        if not world.facts(ask).recorded:
            raise (await scene.absent(kind, [key]))[key]
        return [version async for version in in_steps(history.versions(world.facts(ask)))]

    return Asked(given.moment, (), answer, resent=given.resent)


async def told(scene: Scene, rows: Sequence[ReportRow]) -> list[ReportView]:
    """Reports with their texts, which stand in the log."""
    world, units = scene.here.world, directory(scene.rows)
    asked = [Ask(position=row.event) for row in rows]
    if [ask for ask in asked if not world.facts(ask).recorded]:  # each is asked for, as asking notes what is missing
        await scene.moments.learn(world)
    return [view for row, ask in zip(rows, asked, strict=True) for view in reports.show([row], units, world.facts(ask))]


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which facts."""

    type: Annotated[str | None, Meta(description="Facts of this type, as progress.reported.v1.")] = None
    stream: Annotated[str | None, Meta(description="Facts of this stream, as task:shanghai-credit-2023/21.")] = None
    plan: Annotated[str | None, Meta(description="Facts about this plan and whatever is in it.")] = None
    unit: Annotated[str | None, Meta(description="Facts about this unit, and those that name it.")] = None
    district: Annotated[str | None, Meta(description="Facts about this district and its units.")] = None


_LIST: Final[Collection[EventView, EventFilter]] = Collection(
    name="events",
    view=EventView,
    filter=EventFilter,
    wanted=lambda _scope, _filter, _after, _limit: (),
    shown=lambda _rows, _moment: (),
    place=lambda event, _: (event.position,),
    places=lambda _: tuple[int],
)


def _events(given: Given, _: frozenset[str]) -> Asked:
    """A page of the log, in order. It has no slices: its rows are the facts themselves."""
    values = given.values
    chosen, first, text = filter_of(values, EventFilter), first_of(values), values.get("after")
    start = begun(given, None if text is None else parse_cursor(_LIST, "", chosen, text))
    behind = start.place[0] if start.place else 0

    async def answer(scene: Scene) -> Any:
        await scene.moments.reader.check_named(chosen, scene.moment)
        clocks = start.clocks or scene.moments.clocks
        async with scene.moments.reader.pool.acquire() as connection:
            page = LogPage(after=behind, limit=first + 1, **msgspec.structs.asdict(chosen))
            views = (await events.log_page(connection, scene.moment.position, page)).views()
        return Connection(
            nodes=views[:first],
            cursor=lambda one: print_cursor(_LIST, "", chosen, scene.moment, (one.position,), clocks),
            more=len(views) > first,
            behind=behind > 0,
            total_count=None,
            here=scene.here,
        )

    return Asked(start.asked, (), answer, first, start.resent, at_head=behind > 0 and not start.clocks)


_OF: Final = Argument("of", SubjectInput, "Whose history.", REQUIRED, ANY)

HISTORY: Final = Root(
    "history",
    "A subject's versions on both clocks, as they were recorded, each with the fact that made it.",
    list[shape(Version)],
    (_OF, *CLOCKS),
    _history,
)
EVENTS: Final = Root(
    "events",
    "The facts of the log, in order.",
    connection_of(EventView, counted=False),
    (*filters(EventFilter), *CLOCKS, *PAGING),
    _events,
)
