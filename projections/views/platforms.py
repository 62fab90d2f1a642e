"""Platforms: named information systems, and the tasks that mention each by name or alias."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from projections.as_of import Meta, Moment, Rows
from projections.lists import Collection, NoFilter, Shown, with_json
from projections.views.names import PLANS, PLATFORM_VERSIONS, PLATFORMS, PlatformRow
from projections.views.tasks import TASKS
from projections.wanted import Wanted, wanted


class Mention(msgspec.Struct, frozen=True):
    """A task that names a platform."""

    task: str
    plan: str
    number: int


class PlatformView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One named information system as the record showed it at a moment, and the tasks that name it, by number."""

    id: str
    name: str
    aliases: tuple[str, ...]
    tasks: tuple[Mention, ...]
    version: int
    meta: Meta | UnsetType = UNSET


class _Worded(msgspec.Struct, frozen=True):
    """A task's wording: all that a platform needs to know of it."""

    id: str
    plan: str
    number: int
    text: str


def one(*keys: str) -> Sequence[Wanted]:
    """What a single platform is put together from, or some."""
    return (wanted(PLATFORMS, key=keys), wanted(PLATFORM_VERSIONS, key=keys), wanted(TASKS))


def every() -> Sequence[Wanted]:
    """What all platforms are put together from."""
    return (wanted(PLATFORMS), wanted(PLATFORM_VERSIONS), wanted(TASKS))


def show(rows: Rows) -> list[PlatformView]:
    """The platforms among these rows, by id, with those of the tasks among them that name each."""
    tasks = sorted(rows.of(TASKS, _Worded), key=lambda task: (task.plan, task.number, int(task.id.rpartition("/")[2])))
    return [
        _view(rows, one, tuple(Mention(task.id, task.plan, task.number) for task in tasks if one.mentioned(task.text)))
        for one in _sorted(rows)
    ]


def alone(rows: Rows) -> list[PlatformView]:
    """The platforms among these rows, by id, without the tasks that name them."""
    return [_view(rows, one, ()) for one in _sorted(rows)]


def _sorted(rows: Rows) -> list[PlatformRow]:
    return sorted(rows.of(PLATFORMS, PlatformRow), key=lambda one: one.id)


def _view(rows: Rows, one: PlatformRow, tasks: tuple[Mention, ...]) -> PlatformView:
    version = rows.count(PLATFORM_VERSIONS, one.id)
    return PlatformView(id=one.id, name=one.name, aliases=one.aliases, tasks=tasks, version=version)


PLATFORM_LIST: Collection[PlatformView, NoFilter] = Collection(
    name="platforms",
    view=PlatformView,
    filter=NoFilter,
    wanted=lambda _scope, _filter, _after, _limit: every(),
    shown=lambda rows, _: with_json(show(rows)),
    place=lambda platform, _: (platform.id,),
)


def _mentioned(rows: Rows, _: Moment) -> Sequence[Shown[PlatformView]]:
    return with_json([platform for platform in show(rows) if platform.tasks])


PLAN_PLATFORMS: Collection[PlatformView, NoFilter] = Collection(
    name="platforms of a plan",
    view=PlatformView,
    filter=NoFilter,
    wanted=lambda plan, _filter, _after, _limit: (
        *(wanted(table) for table in (PLATFORMS, PLATFORM_VERSIONS)),
        wanted(TASKS, plan=plan),
        wanted(PLANS, key=plan),
    ),
    shown=_mentioned,
    place=lambda platform, _: (platform.id,),
)
