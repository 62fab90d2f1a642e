"""Nodes by their ids: for each kind, which rows some of it are put together from, and how each is found among these."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from api.graphql.log import told
from api.graphql.moments import RowsWanted, Scene
from api.graphql.world import World
from projections.views import events, targets
from projections.views.events import EventView
from projections.views.reports import REPORTS, ReportRow
from projections.views.subjects import REPORT, SUBJECTS, UNIT, Subject
from projections.views.targets import TargetView
from projections.views.tasks import TARGETS, TASKS
from projections.wanted import wanted

_POSITION: Final = re.compile(r"[0-9]{1,16}")
Found = Mapping[str, Any]  # views by their plain ids


class NodeKind(msgspec.Struct, frozen=True):
    """A kind of node: its view, the rows that some of it want, and these by their plain ids, where they are there."""

    view: type[Any]
    wanted: Callable[[Sequence[str]], RowsWanted]
    found: Callable[[Scene, Sequence[str]], Awaitable[Found]]


def _of(subject: Subject[Any], found: Callable[[Scene, Sequence[str]], Awaitable[Found]] | None = None) -> NodeKind:
    """A kind of subject; its views are had from its rows alone, unless something else finds them."""

    async def among(scene: Scene, _: Sequence[str]) -> Found:
        return dict(subject.all(scene.rows, scene.moment.effective_on))

    return NodeKind(subject.view, lambda keys: subject.one(*keys), found or among)


async def _units(scene: Scene, _: Sequence[str]) -> Found:
    return World(scene.rows, scene.moment).units  # which are remembered


def _targets(keys: Sequence[str]) -> RowsWanted:
    above = sorted({key.rpartition("/")[0] for key in keys})
    return (wanted(TARGETS, key=list(keys)), wanted(TASKS, key=above), *targets.figures_of(task=tuple(above)))


async def _targets_found(scene: Scene, _: Sequence[str]) -> Found:
    return {f"{one.task}/{one.target}": one for one in targets.show(scene.rows)}


async def _reports(scene: Scene, _: Sequence[str]) -> Found:
    return {one.id: one for one in await told(scene, scene.rows.of(REPORTS, ReportRow))}


async def _events(scene: Scene, keys: Sequence[str]) -> Found:
    there = range(1, scene.moment.position + 1)
    positions = [int(key) for key in keys if _POSITION.fullmatch(key) and int(key) in there]
    async with scene.moments.reader.pool.acquire() as connection:
        return {str(one.position): one for one in await events.at(connection, positions, scene.moment.position)}


NODES: Final[dict[str, NodeKind]] = {kind.value: _of(one) for kind, one in SUBJECTS.items()} | {
    "unit": _of(UNIT, _units),
    "report": _of(REPORT, _reports),  # whose texts stand in the log
    "target": NodeKind(TargetView, _targets, _targets_found),
    "event": NodeKind(EventView, lambda _: (), _events),
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
