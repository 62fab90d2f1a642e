"""The root fields, each declared once: what it may be asked, which rows it wants, how they become its answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
import strawberry

from api.graphql.arguments import (
    CLOCK_ARGUMENTS,
    Given,
    begun,
    filter_of,
    filters,
)
from api.graphql.connections import (
    LONGEST_PAGE,
    PAGING,
    REQUIRED,
    Argument,
    ConnectionView,
    ListAt,
    connection,
    turn_of,
)
from api.graphql.errors import too_complex
from api.graphql.ids import ANY, TYPES, Id, parse_node
from api.graphql.log import DIFF, EVENTS, HISTORY, told
from api.graphql.moments import TABLE_OF, Inquiry, Root, Scene, Several
from api.graphql.needs import Plans
from api.graphql.nodes import NODES, node_of, nodes_of
from api.graphql.shapes import Node, PositionScalar, connection_of, shape
from api.http.cursors import Start, clocks_of
from api.services.problems import Trouble
from projections.as_of import AsOf, NoSuchMoment
from projections.lists import EVERYTHING, Collection, Excerpt, page, rows_of
from projections.views.districts import DISTRICT_LIST
from projections.views.plans import MEASURE_LIST, PART_LIST, PLAN_LIST
from projections.views.platforms import PLATFORM_LIST
from projections.views.report_list import PLAN_REPORTS
from projections.views.targets import TARGET_LIST
from projections.views.task_list import TASK_LIST
from projections.views.units import UNIT_LIST

_IN_PLANS: Final = ("plan", "part", "measure", "task", "report", "target")


def _single(kind: str, key: Argument) -> Root:
    """The one node with a key; an error that says from when to when it is there, otherwise."""

    def ask(given: Given, _: frozenset[str]) -> Inquiry:
        return _asked(kind, str(given.values[key.name]), given)

    return Root(kind, f"One {kind}, as the record showed it.", shape(NODES[kind].view), (key, *CLOCK_ARGUMENTS), ask)


def _numbered(kind: str) -> Root:
    """A part or a measure of a plan, by its number."""

    def ask(given: Given, _: frozenset[str]) -> Inquiry:
        return _asked(kind, f"{given.values['plan']}/{given.values['number']}", given)

    number = Argument("number", int, f"The number of the {kind} in its plan.", REQUIRED)
    return Root(kind, f"One {kind} of a plan.", shape(NODES[kind].view), (_PLAN, number, *CLOCK_ARGUMENTS), ask)


def _asked(kind: str, key: str, given: Given) -> Inquiry:
    async def answer(scene: Scene) -> Any:
        return await node_of(scene, kind, key)

    return Inquiry(given.start, NODES[kind].wanted([key]), answer, plans=_plans_of(kind, [key]))


def _plans_of(kind: str, keys: Sequence[str]) -> Plans:
    """The plans in which nodes of a kind lie, by their keys; None for a kind that lies in none."""
    return frozenset(key.partition("/")[0] for key in keys) if kind in _IN_PLANS else None


def _node(given: Given, _: frozenset[str]) -> Inquiry:
    """The node with an id, which says of which kind it is. It takes no clocks: Relay's compiler wants an id alone."""
    found = parse_node(given.values["id"])
    return _asked(found.kind, found.key, given)._replace(types=[TYPES[found.kind]])


def _nodes(given: Given, _: frozenset[str]) -> Several:
    """Nodes by their ids; those of one kind and moment are put together from the same rows."""
    ids: list[str] = given.values["ids"]
    if len(ids) > LONGEST_PAGE:
        raise too_complex(f"nodes takes at most {LONGEST_PAGE} ids, not {len(ids):,}: ask for some at a time")
    wrong: list[Exception | None] = [None] * len(ids)
    parts: dict[tuple[AsOf | None, str], list[tuple[int, Id]]] = {}
    for place, text in enumerate(ids):
        try:
            found = parse_node(text)
        except (Trouble, NoSuchMoment) as error:
            wrong[place] = error
        else:
            parts.setdefault((found.moment, found.kind), []).append((place, found))
    return Several([_part(_start(given, moment), kind, some) for (moment, kind), some in parts.items()], wrong)


def _start(given: Given, moment: AsOf | None) -> Start:
    """When the nodes stand whose ids name a moment, or none."""
    return begun(Start(moment, None, clocks_of(moment)), *given.cursors) if moment else given.start


def _part(start: Start, kind: str, some: Sequence[tuple[int, Id]]) -> tuple[Inquiry, Sequence[int]]:
    """What is asked of the nodes of one kind at one moment, and their places."""
    keys = list(dict.fromkeys(one.key for _, one in some))

    async def answer(scene: Scene) -> Sequence[Any]:
        found = await nodes_of(scene, kind, keys)
        return [found[one.key] for _, one in some]

    return Inquiry(
        start, NODES[kind].wanted(keys), answer, types=[TYPES[kind]] * len(some), plans=_plans_of(kind, keys)
    ), [at for at, _ in some]


def _listed(
    name: str,
    description: str,
    collection: Collection[Any, Any],
    within: tuple[str, Argument] | None = None,
    finish: Callable[[Scene, Sequence[Any]], Awaitable[list[Any]]] | None = None,
) -> Root:
    """A page of a list, as REST reads it. `finish` adds to its items what is read once the page is cut."""

    def ask(given: Given, selected: frozenset[str]) -> Inquiry:
        values = given.values
        scope = values[within[1].name] if within else ""
        chosen, turn = filter_of(values, collection.filter, scope), turn_of(values)
        listed = ListAt(collection, scope, chosen)
        excerpt, counted = turn.of(listed), "totalCount" in selected
        part = Excerpt(EVERYTHING) if counted else excerpt

        async def answer(scene: Scene) -> Any:
            await scene.moments.reader.check_named(chosen, scene.moment, scope)
            found = await page(scene.more, collection, scope, chosen, scene.moment, part, scene.rows)
            if within and not found.rows.any(TABLE_OF[within[0]]):
                raise (await scene.absent(within[0], [scope]))[scope]
            views = [one.view for one in found.shown]
            if counted:
                made = connection(listed._replace(items=views), excerpt, scene.here)
            else:
                made = ConnectionView(listed, excerpt, views, found.more, None, scene.here)
            return msgspec.structs.replace(made, nodes=await finish(scene, made.nodes)) if finish else made

        wants = rows_of(collection, scope, chosen, part)
        plans = _plans_of("plan", [scope]) if within else None
        return Inquiry(begun(given.start, turn.cursor), wants, answer, turn.limit, plans=plans)

    arguments = (*((within[1],) if within else ()), *filters(collection.filter), *CLOCK_ARGUMENTS, *PAGING)
    return Root(name, description, connection_of(collection.view), arguments, ask)


_PLAN: Final = Argument("plan", strawberry.ID, "The plan, as shanghai-credit-2023.", REQUIRED, "plan")
_CODE: Final = Argument("code", strawberry.ID, "Its GB/T 2260 code, as 310101, or its id.", REQUIRED, "district")


def _id(kind: str) -> Argument:
    return Argument("id", strawberry.ID, "Its id, with or without its kind and a moment.", REQUIRED, kind)


_NODE: Final = Argument("id", strawberry.ID, "Its id, with its kind, with or without a moment.", REQUIRED, ANY)
_NODE_IDS: Final = Argument("ids", list[strawberry.ID], "At most 200 such ids.", REQUIRED)
_AT: Final = Argument("position", PositionScalar, "Its position in the log.", REQUIRED)

ROOTS: Final[dict[str, Root]] = {
    root.name: root
    for root in (
        Root("node", "The node with an id, at the moment that the id names.", Node, (_NODE,), _node),
        Root(
            "nodes",
            "The nodes with these ids, in their order; null with an error where there is none.",
            list[Node | None],
            (_NODE_IDS,),
            _nodes,
            many=True,
        ),
        _single("plan", _id("plan")),
        _listed("plans", "All plans, by id.", PLAN_LIST),
        _numbered("part"),
        _numbered("measure"),
        _listed("parts", "The parts of a plan, by number.", PART_LIST, ("plan", _PLAN)),
        _listed("measures", "The measures of a plan, by number.", MEASURE_LIST, ("plan", _PLAN)),
        _listed("targets", "The numbers that the tasks of a plan promise.", TARGET_LIST, ("plan", _PLAN)),
        _single("task", _id("task")),
        _listed("tasks", "The tasks of a plan, filtered and sorted as REST does it.", TASK_LIST, ("plan", _PLAN)),
        _single("unit", _id("unit")),
        _listed("units", "Units and groups, by id.", UNIT_LIST),
        _single("district", _CODE),
        _listed("districts", "All districts, by code.", DISTRICT_LIST),
        _single("platform", _id("platform")),
        _listed("platforms", "Information systems that tasks mention, by id.", PLATFORM_LIST),
        _single("report", _id("report")),
        _listed(
            "reports", "Reports on the tasks of a plan, by task, unit and period.", PLAN_REPORTS, ("plan", _PLAN), told
        ),
        HISTORY,
        DIFF,
        _single("event", _AT),
        EVENTS,
    )
}
