"""The root fields, each declared once: what it may be asked, which rows it wants, how they become its answer."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import strawberry

from api.graphql.arguments import (
    CLOCKS,
    PAGING,
    REQUIRED,
    Argument,
    Given,
    begun,
    filter_of,
    filters,
    first_of,
)
from api.graphql.connections import Connection, connection_of
from api.graphql.log import EVENT, EVENTS, HISTORY, REPORT, told
from api.graphql.reading import Question
from api.graphql.root import SUBJECTS, Asked, Root, Scene
from api.graphql.shapes import shape
from api.graphql.world import World
from api.http.cursors import parse_cursor, print_cursor
from api.services.problems import Trouble
from projections.as_of import Rows
from projections.lists import Collection, page
from projections.views import districts, plans, platforms, tasks, units
from projections.views.districts import DISTRICT_LIST, DistrictView
from projections.views.plans import MEASURE_LIST, PART_LIST, PLAN_LIST, MeasureView, PartView, PlanView
from projections.views.platforms import PLATFORM_LIST, PlatformView
from projections.views.report_list import PLAN_REPORTS
from projections.views.targets import TARGET_LIST
from projections.views.task_list import TASK_LIST
from projections.views.tasks import TaskView
from projections.views.units import UNIT_LIST, UnitView

EVERYTHING: Final = 2**31  # more than any list holds


def _single(
    kind: str,
    view: type[Any],
    key: Argument,
    wants: Callable[[str], Question],
    among: Callable[[World], Mapping[str, Any]],
) -> Root:
    """The one node with a key; an error that says from when to when it is there, otherwise."""

    def ask(given: Given, _: frozenset[str]) -> Asked:
        wanted_key = given.values[key.name]

        async def answer(scene: Scene) -> Any:
            found = among(World(scene.rows, scene.moment)).get(wanted_key)
            if found is None:
                raise await scene.absent(kind, wanted_key)
            return found

        return Asked(given.moment, wants(wanted_key), answer, resent=given.resent)

    return Root(kind, f"One {kind}, as the record showed it.", shape(view), (key, *CLOCKS), ask)


def _numbered(kind: str, view: type[Any], find: Callable[[World, str, int], Any]) -> Root:
    """A part or a measure of a plan, by its number."""

    def ask(given: Given, _: frozenset[str]) -> Asked:
        plan, number = given.values["plan"], given.values["number"]

        async def answer(scene: Scene) -> Any:
            world = World(scene.rows, scene.moment)
            if plan not in world.plans:
                raise await scene.absent("plan", plan)
            found = find(world, plan, number)
            if found is None:
                raise Trouble(404, "unknown_id", f"there is no {kind} {number} in the plan {plan}")
            return found

        return Asked(given.moment, plans.one(plan), answer, resent=given.resent)

    which = Argument("number", int, f"The number of the {kind} in its plan.", REQUIRED)
    return Root(kind, f"One {kind} of a plan.", shape(view), (_PLAN, which, *CLOCKS), ask)


def _listed(
    name: str,
    description: str,
    collection: Collection[Any, Any],
    within: tuple[str, Argument] | None = None,
    finish: Callable[[Scene, list[Any]], Awaitable[list[Any]]] | None = None,
) -> Root:
    """A page of a list, as REST reads it. `finish` adds to its items what is read once the page is cut."""

    def ask(given: Given, selected: frozenset[str]) -> Asked:
        values = given.values
        scope = values[within[1].name] if within else ""
        chosen, first, text = filter_of(values, collection.filter, scope), first_of(values), values.get("after")
        start = begun(given, None if text is None else parse_cursor(collection, scope, chosen, text))
        after = start.place
        counted = "totalCount" in selected
        begin, limit = (None, EVERYTHING) if counted else (after, first)

        async def answer(scene: Scene) -> Any:
            await scene.moments.reader.check_named(chosen, scene.moment, scope)
            clocks = start.clocks or scene.moments.clocks
            found = await page(_fetch(scene), collection, scope, chosen, scene.moment, begin, limit)
            if within and not found.rows.any(SUBJECTS[within[0]]):
                raise await scene.absent(within[0], scope)
            views = [one.view for one in found.shown]
            total = len(views) if counted else None
            behind = _behind(collection, chosen, views, after) if counted else views
            cut = behind[:first]
            return Connection(
                nodes=await finish(scene, cut) if finish else cut,
                cursor=lambda one: print_cursor(
                    collection,
                    scope,
                    chosen,
                    scene.moment,
                    collection.place(one, chosen),
                    clocks,
                ),
                more=len(behind) > first if counted else found.more,
                behind=after is not None,
                total_count=total,
                here=scene.here,
            )

        wants = collection.wanted(scope, chosen, begin, limit + 1)
        return Asked(start.asked, wants, answer, first, start.resent, at_head=bool(after) and not start.clocks)

    arguments = (*((within[1],) if within else ()), *filters(collection.filter), *CLOCKS, *PAGING)
    return Root(name, description, connection_of(collection.view), arguments, ask)


def _fetch(scene: Scene) -> Callable[[Question], Awaitable[Rows]]:
    """The rows that were read with all others; further ones where a page that is sparse goes on."""
    ready = [scene.rows]

    async def fetch(question: Question) -> Rows:
        return ready.pop() if ready else await scene.moments.more(scene.moment, question)

    return fetch


def _behind(
    collection: Collection[Any, Any], chosen: Any, views: list[Any], after: tuple[Any, ...] | None
) -> list[Any]:
    if after is None:
        return views
    if collection.descending(chosen):
        return [one for one in views if collection.place(one, chosen) < after]
    return [one for one in views if collection.place(one, chosen) > after]


_PLAN: Final = Argument("plan", strawberry.ID, "The plan, as shanghai-credit-2023.", REQUIRED, "plan")
_CODE: Final = Argument("code", strawberry.ID, "Its GB/T 2260 code, as 310101, or its id.", REQUIRED, "district")


def _id(kind: str) -> Argument:
    return Argument("id", strawberry.ID, "Its id, with or without its kind and a moment.", REQUIRED, kind)


ROOTS: Final[dict[str, Root]] = {
    root.name: root
    for root in (
        _single("plan", PlanView, _id("plan"), plans.one, lambda world: world.plans),
        _listed("plans", "All plans, by id.", PLAN_LIST),
        _numbered("part", PartView, lambda world, plan, number: world.part(plan, number)),
        _numbered("measure", MeasureView, lambda world, plan, number: world.measure(plan, number)),
        _listed("parts", "The parts of a plan, by number.", PART_LIST, ("plan", _PLAN)),
        _listed("measures", "The measures of a plan, by number.", MEASURE_LIST, ("plan", _PLAN)),
        _listed("targets", "The numbers that the tasks of a plan promise.", TARGET_LIST, ("plan", _PLAN)),
        _single("task", TaskView, _id("task"), tasks.one, lambda world: world.tasks),
        _listed("tasks", "The tasks of a plan, filtered and sorted as REST does it.", TASK_LIST, ("plan", _PLAN)),
        _single("unit", UnitView, _id("unit"), lambda _: units.every(), lambda world: world.units),
        _listed("units", "Units and groups, by id.", UNIT_LIST),
        _single("district", DistrictView, _CODE, lambda _: districts.every(), lambda world: world.districts),
        _listed("districts", "All districts, by code.", DISTRICT_LIST),
        _single("platform", PlatformView, _id("platform"), platforms.one, lambda world: world.platforms),
        _listed("platforms", "Information systems that tasks mention, by id.", PLATFORM_LIST),
        REPORT,
        _listed(
            "reports", "Reports on the tasks of a plan, by task, unit and period.", PLAN_REPORTS, ("plan", _PLAN), told
        ),
        HISTORY,
        EVENT,
        EVENTS,
    )
}
