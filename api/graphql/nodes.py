"""Nodes by their ids: for each kind, which rows some of it are put together from, and how each is found among these."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from api.graphql.log import told
from api.graphql.reading import Question
from api.graphql.root import Scene
from api.graphql.world import World
from projections.views import districts, events, plans, platforms, targets, tasks, units
from projections.views.districts import DistrictView
from projections.views.events import EventView
from projections.views.names import UNITS
from projections.views.plans import MeasureView, PartView, PlanView
from projections.views.platforms import PlatformView
from projections.views.reports import REPORTS, ReportRow, ReportView
from projections.views.targets import TargetView
from projections.views.tasks import TARGETS, TASKS, TaskView
from projections.views.units import UnitView
from projections.wanted import wanted

_POSITION: Final = re.compile(r"[0-9]{1,16}")
Found = Mapping[str, Any]  # views by their plain ids


class Kind(msgspec.Struct, frozen=True):
    """A kind of node: its view, the rows that some of it want, and these by their plain ids, where they are there."""

    view: type[Any]
    wanted: Callable[[Sequence[str]], Question]
    found: Callable[[Scene, Sequence[str]], Awaitable[Found]]


def _among(views: Callable[[World], Found]) -> Callable[[Scene, Sequence[str]], Awaitable[Found]]:
    async def found(scene: Scene, _: Sequence[str]) -> Found:
        return views(World(scene.rows, scene.moment))

    return found


def _numbered(views: Callable[[PlanView], Iterable[PartView | MeasureView]]) -> Callable[[World], Found]:
    """The parts or the measures of the plans that were read."""
    return lambda world: {f"{one.plan}/{one.number}": one for plan in world.plans.values() for one in views(plan)}


def _above(keys: Sequence[str]) -> list[str]:
    """The plans of parts and measures, the tasks of targets."""
    return sorted({key.rpartition("/")[0] for key in keys})


def _plans_of(keys: Sequence[str]) -> Question:
    return plans.one(*_above(keys))


def _targets(keys: Sequence[str]) -> Question:
    return (wanted(TARGETS, key=list(keys)), wanted(TASKS, key=_above(keys)))


async def _targets_found(scene: Scene, _: Sequence[str]) -> Found:
    return {f"{one.task}/{one.target}": one for one in targets.show(scene.rows)}


async def _reports(scene: Scene, _: Sequence[str]) -> Found:
    return {one.id: one for one in await told(scene, scene.rows.of(REPORTS, ReportRow))}


async def _events(scene: Scene, keys: Sequence[str]) -> Found:
    there = range(1, scene.moment.position + 1)
    positions = [int(key) for key in keys if _POSITION.fullmatch(key) and int(key) in there]
    async with scene.moments.reader.pool.acquire() as connection:
        return {str(one.position): one for one in (await events.at(connection, positions)).views()}


NODES: Final[dict[str, Kind]] = {
    "plan": Kind(PlanView, lambda keys: plans.one(*keys), _among(lambda world: world.plans)),
    "part": Kind(PartView, _plans_of, _among(_numbered(lambda plan: plan.parts))),
    "measure": Kind(MeasureView, _plans_of, _among(_numbered(lambda plan: plan.measures))),
    "task": Kind(TaskView, lambda keys: tasks.one(*keys), _among(lambda world: world.tasks)),
    "target": Kind(TargetView, _targets, _targets_found),
    "unit": Kind(UnitView, lambda _: units.every(), _among(lambda world: world.units)),
    "district": Kind(DistrictView, lambda _: districts.every(), _among(lambda world: world.districts)),
    "platform": Kind(PlatformView, lambda keys: platforms.one(*keys), _among(lambda world: world.platforms)),
    "report": Kind(ReportView, lambda keys: (wanted(REPORTS, key=tuple(keys)), wanted(UNITS)), _reports),
    "event": Kind(EventView, lambda _: (), _events),
}


async def nodes_of(scene: Scene, kind: str, keys: Sequence[str]) -> Found:
    """These nodes of a kind, perhaps beside others; in place of each that is not there, why."""
    found = await NODES[kind].found(scene, keys)
    missing = [key for key in keys if key not in found]
    return {**found, **await scene.absent(kind, missing)} if missing else found


async def node_of(scene: Scene, kind: str, key: str) -> Any:
    """One node; an error that says from when to when it is there, otherwise."""
    found = (await nodes_of(scene, kind, [key]))[key]
    if isinstance(found, Exception):
        raise found
    return found
