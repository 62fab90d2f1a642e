"""The edges of the graph: from each type to those beside it, each followed in memory at the moment of its root.

A name that REST has keeps its meaning (`task.measure` is a number): the edge beside it says `in…` where it goes up,
and `all…` where it goes down. A name with an id (`NamedUnit`) leads on to what it names.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from api.graphql.connections import ListAt
from api.graphql.needs import NO_NEEDS, Needs, all_of, of_plans
from api.graphql.remembered import Depends
from api.graphql.world import EVENT_LIST, EventFilter, FactsWanted, Here, World
from projections.lists import Counting, NoFilter
from projections.views.counts import TaskCounts
from projections.views.events import EventView
from projections.views.history import HISTORY_LIST, Version
from projections.views.own import OWN
from projections.views.report_list import TASK_REPORTS, ReportFilter
from projections.views.subjects import MEASURE, PART, PLAN, SUBJECTS, TASK, Kind, Subject
from projections.views.task_list import TASK_LIST, TaskFilter
from projections.views.tasks import ASSIGNMENTS

_TYPES: Final[dict[str, Needs]] = {one.kind.capitalize(): of_plans(*one.made_of) for one in SUBJECTS.values()} | {
    "TaskCounts": of_plans(*TASK.made_of)
}
_FIELDS: Final[dict[tuple[str, str], Needs]] = {
    (one.kind.capitalize(), field): all_of(*tables) for one in SUBJECTS.values() for field, tables in one.fields.items()
} | {("Participation", "own"): all_of(OWN)}

PAGE: Final = 0  # as many as a page has
_FEW: Final = 3
_FACTS: Final = 20  # about a subject
SIZES: Final[dict[tuple[str, str], int]] = {
    ("Plan", "parts"): 5,
    ("Plan", "measures"): 16,
    ("Plan", "allTasks"): 70,
    ("Part", "allTasks"): 14,
    ("Unit", "tasks"): 12,
    ("Unit", "members"): 2,  # 16 where it is a group, which few are
    ("District", "tasks"): 50,
}


def needs_of(type_: str) -> Needs:
    """What a node of this type is put together from."""
    return _TYPES.get(type_, NO_NEEDS)


def needs_of_field(type_: str, field: str) -> Needs:
    """What a field needs beyond what its type does."""
    return _FIELDS.get((type_, field), NO_NEEDS)


def size_of(type_: str, field: str) -> int:
    """About how many a list has, in a plan of the usual size."""
    return SIZES.get((type_, field), _FACTS if field in {"history", "events"} else _FEW)


def read_for(type_: str) -> int:
    """About how many facts a list of this type is read from as a whole, whatever is shown of it."""
    return _FACTS if type_ in {"Version", "Event"} else 0


Follow = Callable[[Any, Here], Any]


class Edge(NamedTuple):
    """A field that is not kept in the view: `follow` finds it, by what it `depends` on beside the view.

    One of `pages` finds a `ListAt`, of which a page is asked for. One that `leaves` leads to whatever plan, others stay
    in that of the value; `besides` is what it needs beyond what the nodes at its other end do.
    """

    name: str
    follow: Follow
    description: str = ""
    to: str = ""
    many: bool = False
    pages: bool = False
    optional: bool = False
    depends: Depends = None
    leaves: bool = False
    besides: Needs = NO_NEEDS

    def leads_to(self) -> type[msgspec.Struct]:
        """The view at the other end."""
        return VIEWS[self.to]


VIEWS: Final[dict[str, type[msgspec.Struct]]] = {
    **{one.kind.capitalize(): one.view for one in SUBJECTS.values()},
    "Event": EventView,
    "Version": Version,
    "TaskCounts": TaskCounts,
}


def _one(name: str, to: str, find: Callable[[World, Any], Any], description: str, *, optional: bool = False) -> Edge:
    def follow(one: Any, here: Here) -> Any:
        return find(here.world, one)

    return Edge(name, follow, description, to, optional=optional)


def _many(name: str, to: str, find: Callable[[World, Any], Sequence[Any]], description: str) -> Edge:
    def follow(one: Any, here: Here) -> Any:
        return find(here.world, one)

    return Edge(name, follow, description, to, many=True)


def _pages(name: str, to: str, find: Callable[[World, Any], ListAt], description: str) -> Edge:
    return _many(name, to, find, description)._replace(pages=True)


def facts_about(kind: str, key: str) -> FactsWanted:
    """The facts of a subject; a task's reports are facts about it too."""
    subject = SUBJECTS[Kind(kind)]
    return FactsWanted(stream=subject.stream(key), below=subject.below(key) if subject.beside else "")


def _of_the_log(subject: Subject[Any]) -> tuple[Edge, Edge]:
    """What every subject with a stream has: its facts, and the versions that they make."""
    kind, key = subject.kind, subject.key

    def versions(world: World, one: Any) -> ListAt:
        ask = facts_about(kind, getattr(one, key))
        return ListAt(HISTORY_LIST, ask.stream, NoFilter(), world.versions(ask))

    def facts(world: World, one: Any) -> ListAt:
        ask = facts_about(kind, getattr(one, key))
        found = world.facts(ask)

        def shown(some: Sequence[Any]) -> Sequence[EventView]:
            return [found.view(one.position) for one in some]

        return ListAt(EVENT_LIST, ask.stream, EventFilter(), found.recorded, shown)

    words = "Its versions on both clocks up to this moment, each with the fact that made it and what changed."
    return (
        _pages("history", "Version", versions, words),
        _pages("events", "Event", facts, "The facts about it up to this moment, in the order of the log."),
    )


def _tasks(description: str, within: str = "") -> Edge:
    """The tasks of a plan, or of its part or measure: the list that the root `tasks` gives with that filter."""

    def tasks(world: World, one: Any) -> ListAt:
        plan, number = (one.plan, {within: one.number}) if within else (one.id, {})
        return ListAt(TASK_LIST, plan, TaskFilter(**number), world.tasks_of(plan, **number))

    return _pages("allTasks", "Task", tasks, description)


def _counts(counting: Counting | None, *, within_plan: bool) -> Edge:
    def counts(world: World, one: Any) -> TaskCounts:
        assert counting  # noqa: S101 - of these kinds alone
        return world.counted(counting, one)

    edge = _one("taskCounts", "TaskCounts", counts, "How many of its tasks stand how.")
    return edge if within_plan else edge._replace(leaves=True, besides=all_of(ASSIGNMENTS))


def _reports(world: World, one: Any) -> ListAt:
    return ListAt(TASK_REPORTS, one.id, ReportFilter(), world.reports_of(one.id), world.told)


def _unit(key: str = "id") -> Edge:
    edge = _one(
        "unit", "Unit", lambda world, one: world.units.get(getattr(one, key)), "The unit itself.", optional=True
    )
    return edge._replace(depends=frozenset({"units"}))


def _in_plan() -> Edge:
    return _one("inPlan", "Plan", lambda world, one: world.plans[one.plan], "The plan that it is in.")


def _in_task(name: str = "inTask") -> Edge:
    return _one(name, "Task", lambda world, one: world.tasks[one.task], "The task itself.")


def _recorded() -> Edge:
    return _one(
        "recordedAs",
        "Event",
        lambda world, one: next(iter(world.facts(FactsWanted(position=one.event)).views()), None),
        "The fact that says it, with its texts where they are still there.",
        optional=True,
    )


_BESIDES: Final[dict[str, Iterable[Edge]]] = {
    "Plan": (_tasks("All tasks, by number."),),
    "Part": (
        _in_plan(),
        _many("allMeasures", "Measure", lambda world, one: world.measures_of(one.plan, one.number), "Its measures."),
        _tasks("Its tasks, by number.", "part"),
    ),
    "Measure": (
        _in_plan(),
        _one(
            "inPart",
            "Part",
            lambda world, one: world.part(one.plan, one.part),
            "The part that it is in.",
            optional=True,
        ),
        _tasks("Its tasks, by number.", "measure"),
    ),
    "Task": (
        _in_plan(),
        _one(
            "inPart",
            "Part",
            lambda world, one: world.part(one.plan, one.part),
            "The part that it is in, if any.",
            optional=True,
        ),
        _one(
            "inMeasure",
            "Measure",
            lambda world, one: world.measure(one.plan, one.measure),
            "The measure that it is in, if any.",
            optional=True,
        ),
        _pages("reports", "Report", _reports, "The reports on it, as they stand, by unit and period."),
    ),
    "Assignee": (_unit(),),
    "NamedUnit": (_unit(),),
    "NamedPlatform": (
        _one(
            "platform",
            "Platform",
            lambda world, one: world.platforms.get(one.id),
            "The platform itself.",
            optional=True,
        ),
    ),
    "Via": (_unit(),),
    "Participation": (_in_task()._replace(leaves=True),),
    "Unit": (
        _one(
            "inDistrict",
            "District",
            lambda world, one: world.districts.get(one.district),
            "The district that it is a unit of, if any.",
            optional=True,
        ),
    ),
    "Mention": (_in_task()._replace(leaves=True),),
    "PlanTarget": (_in_task(),),
    "Report": (_in_task("onTask"), _recorded()),
    "ReportRef": (_recorded(),),
}


_IN_PLANS: Final = (PLAN, PART, MEASURE)
_AFTER: Final[dict[str, Iterable[Edge]]] = {
    one.kind.capitalize(): (
        *((_counts(one.list.counting, within_plan=one in _IN_PLANS),) if one.list.counting else ()),
        *(() if one.inner else _of_the_log(one)),
    )
    for one in SUBJECTS.values()
}
EDGES: Final[dict[str, Iterable[Edge]]] = {
    name: (*_BESIDES.get(name, ()), *_AFTER.get(name, ())) for name in dict.fromkeys([*_BESIDES, *_AFTER])
}


def named(owner: str, field: str) -> str:
    """The type of an id with its name: which kind of thing it names depends on where it stands."""
    return "NamedPlatform" if (owner, field) == ("Task", "platforms") else "NamedUnit"
