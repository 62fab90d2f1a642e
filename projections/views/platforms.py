"""Platforms: named information systems, and the tasks that mention each by name or alias."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec
from msgspec import UNSET, UnsetType

from projections.as_of import Meta, Moment, Rows
from projections.grams import pairs_of
from projections.lists import Collection, NoFilter, Place, Shown, with_json
from projections.views.mentions import mentions
from projections.views.names import PLANS, PLATFORM_VERSIONS, PLATFORMS, PlatformRow
from projections.views.tasks import TASK_WORDS, TASKS
from projections.wanted import Deferred, Keyset, Wanted, behind, holding, page_of, wanted


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
    return (wanted(PLATFORMS), wanted(PLATFORM_VERSIONS, key=keys), _mentioning(_these, *keys))


def _mentioning(platforms: Callable[..., Sequence[str]], *given: str, page: Keyset | None = None) -> Wanted:
    """The tasks whose words hold what some platforms are called: those that `platforms(rows, page, *given)` finds."""
    return holding(wanted(TASKS), TASK_WORDS, Deferred(_wordings, (platforms, *given), page))


def _these(_rows: Rows, _page: Keyset | None, *keys: str) -> Sequence[str]:
    return keys


def _wordings(rows: Rows, page: Keyset | None, platforms: Callable[..., Sequence[str]], *given: str) -> Sequence[str]:
    """The grams of each of the wordings for some platforms."""
    chosen = set(platforms(rows, page, *given))
    wordings = (wording for one in _all(rows) if one.id in chosen for wording in one.wordings)
    return sorted({" ".join(sorted(pairs_of(wording))) for wording in wordings})


def _all(rows: Rows) -> Sequence[PlatformRow]:
    return rows.of(PLATFORMS, PlatformRow)


def show(rows: Rows) -> list[PlatformView]:
    """The platforms whose versions are among these rows, by id, with those of the tasks among them that name each."""
    return sorted(_one_by_one(rows), key=lambda one: one.id)


def _one_by_one(rows: Rows) -> Iterator[PlatformView]:
    """The same in the order of the rows."""
    mentioned, found = _mentioned(rows), {one.id: one for one in _all(rows)}
    for key in rows.groups(PLATFORM_VERSIONS):
        if key in found:
            yield _view(rows, found[key], tuple(mentioned.get(key, ())))


def _mentioned(rows: Rows) -> dict[str, list[Mention]]:
    """Which of these tasks mention a platform, by its id."""
    found: dict[str, list[Mention]] = {}
    known = mentions(rows)
    tasks = sorted(rows.of(TASKS, _Worded), key=lambda task: (task.plan, task.number, int(task.id.rpartition("/")[2])))
    for task in tasks:
        for one in known.among(task.text):
            found.setdefault(one.id, []).append(Mention(task.id, task.plan, task.number))
    return found


def alone(rows: Rows) -> list[PlatformView]:
    """The platforms whose versions are among these rows, by id, without the tasks that name them."""
    there = rows.groups(PLATFORM_VERSIONS)
    return [_view(rows, one, ()) for one in sorted(_all(rows), key=lambda one: one.id) if one.id in there]


def _view(rows: Rows, one: PlatformRow, tasks: tuple[Mention, ...]) -> PlatformView:
    version = rows.count(PLATFORM_VERSIONS, one.id)
    return PlatformView(id=one.id, name=one.name, aliases=one.aliases, tasks=tasks, version=version)


def _listed(rows: Rows, page: Keyset) -> Sequence[str]:
    """The platforms of a page."""
    return [*islice(behind(sorted(one.id for one in _all(rows)), page), page.limit)]


def _wanted(_scope: str, _given: NoFilter, after: Place | None, limit: int) -> Sequence[Wanted]:
    page = Keyset(("key",), after=after, limit=limit)
    versions = page_of(wanted(PLATFORM_VERSIONS, key=Deferred(_listed, (), page)), Keyset(page.order))
    return (wanted(PLATFORMS), versions, _mentioning(_listed, page=page))


PLATFORM_LIST: Collection[PlatformView, NoFilter] = Collection(
    name="platforms",
    view=PlatformView,
    filter=NoFilter,
    wanted=_wanted,
    shown=lambda rows, _: with_json([*_one_by_one(rows)]),
    place=lambda platform, _: (platform.id,),
    paged=True,
)


def _of_plan(rows: Rows, _: Moment) -> Sequence[Shown[PlatformView]]:
    return with_json(show(rows))


PLAN_PLATFORMS: Collection[PlatformView, NoFilter] = Collection(
    name="platforms of a plan",
    view=PlatformView,
    filter=NoFilter,
    wanted=lambda plan, _filter, _after, _limit: (
        wanted(PLATFORMS),
        wanted(TASKS, plan=plan),
        wanted(PLANS, key=plan),
    ),
    besides=lambda rows: (wanted(PLATFORM_VERSIONS, key=[*_mentioned(rows)]),),
    shown=_of_plan,
    place=lambda platform, _: (platform.id,),
)
