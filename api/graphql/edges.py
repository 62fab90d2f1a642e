"""The edges of the graph: from each type to those beside it, each followed in memory at the moment of its root.

A name that REST has keeps its meaning (`task.measure` is a number): the edge beside it says `in…` where it goes up,
and `all…` where it goes down. A name with an id (`NamedUnit`) leads on to what it names.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from api.graphql.facts import Ask
from api.graphql.remembered import Depends
from api.graphql.world import Here, World
from projections.views.events import EventView
from projections.views.history import Version
from projections.views.subjects import SUBJECTS, Kind, Subject, whole

Follow = Callable[[Any, Here], Any]


class Edge(NamedTuple):
    """A field that is not kept in the view: `follow` finds it, by what it `depends` on beside the view."""

    name: str
    follow: Follow
    description: str = ""
    to: str = ""
    many: bool = False
    optional: bool = False
    depends: Depends = None

    def leads_to(self) -> type[msgspec.Struct]:
        """The view at the other end."""
        return VIEWS[self.to]


VIEWS: Final[dict[str, type[msgspec.Struct]]] = {
    **{one.kind.capitalize(): one.view for one in SUBJECTS.values()},
    "Event": EventView,
    "Version": Version,
}


def _one(name: str, to: str, find: Callable[[World, Any], Any], description: str, *, optional: bool = False) -> Edge:
    def follow(one: Any, here: Here) -> Any:
        return find(here.world, one)

    return Edge(name, follow, description, to, optional=optional)


def _many(name: str, to: str, find: Callable[[World, Any], Sequence[Any]], description: str) -> Edge:
    def follow(one: Any, here: Here) -> Any:
        return find(here.world, one)

    return Edge(name, follow, description, to, many=True)


def asked(kind: str, key: str) -> Ask:
    """The facts of a subject; a task's reports are facts about it too."""
    subject = SUBJECTS[Kind(kind)]
    return Ask(stream=subject.stream(key), below=subject.below(key) if subject.beside else "")


def _of_the_log(subject: Subject[Any]) -> tuple[Edge, Edge]:
    """What every subject with a stream has: its facts, and the versions that they make."""
    kind, key = subject.kind, subject.key
    return (
        _many(
            "history",
            "Version",
            lambda world, one: world.versions(asked(kind, getattr(one, key))),
            "Its versions on both clocks up to this moment, each with the fact that made it and what changed.",
        ),
        _many(
            "events",
            "Event",
            lambda world, one: world.facts(asked(kind, getattr(one, key))).views(),
            "The facts about it up to this moment, stream by stream.",
        ),
    )


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
        lambda world, one: next(iter(world.facts(Ask(position=one.event)).views()), None),
        "The fact that says it, with its texts where they are still there.",
        optional=True,
    )


_BESIDES: Final[dict[str, Iterable[Edge]]] = {
    "Plan": (_many("allTasks", "Task", lambda world, one: world.tasks_of(one.id), "All tasks, by number."),),
    "Part": (
        _in_plan(),
        _many("allMeasures", "Measure", lambda world, one: world.measures_of(one.plan, one.number), "Its measures."),
        _many(
            "allTasks", "Task", lambda world, one: world.tasks_of(one.plan, part=one.number), "Its tasks, by number."
        ),
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
        _many(
            "allTasks",
            "Task",
            lambda world, one: world.tasks_of(one.plan, measure=one.number),
            "Its tasks, by number.",
        ),
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
        _many("reports", "Report", lambda world, one: world.reports_of(one.id), "All reports on it, as they stand."),
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
    "Participation": (_in_task(),),
    "Unit": (
        _one(
            "inDistrict",
            "District",
            lambda world, one: world.districts.get(one.district),
            "The district that it is a unit of, if any.",
            optional=True,
        ),
    ),
    "Mention": (_in_task(),),
    "PlanTarget": (_in_task(),),
    "Report": (_in_task("onTask"), _recorded()),
    "ReportRef": (_recorded(),),
}


EDGES: Final[dict[str, Iterable[Edge]]] = _BESIDES | {
    name: (*_BESIDES.get(name, ()), *_of_the_log(one)) for one in whole() for name in (one.kind.capitalize(),)
}


def named(owner: str, field: str) -> str:
    """The type of an id with its name: which kind of thing it names depends on where it stands."""
    return "NamedPlatform" if (owner, field) == ("Task", "platforms") else "NamedUnit"
