"""The items of an export, one batch after the other, read by the very lists that the API shows."""

from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from api.services.reader import Reader
from projections.as_of import Moment, Rows
from projections.exports import Column, Export, FollowedFact
from projections.lists import EVERYTHING, Collection, Excerpt, Page, page, with_json
from projections.views import events
from projections.views.events import EventFilter
from projections.views.every_task import OfPlans
from projections.views.items import items_behind
from projections.views.names import PLANS, PlanRow
from projections.wanted import Wanted, wanted

ITEMS_READ: Final = 1_000  # items that are read at a time: nobody else waits for this process
PLANS_READ: Final = 16  # of whose items so many are read at a time, where there is a list of many plans
CHANGE_PUT: Final = "put"
CHANGE_GONE: Final = "gone"
_FACT: Final = msgspec.json.Decoder(FollowedFact).decode
_KNOWN: Final = 16  # bytes of the digest that an item is known again by


class ExportItem(NamedTuple):
    """An item's JSON, and a way to what its columns are told from; `gone` items have but their key."""

    json: bytes
    seen: Any
    gone: bool = False


Batches = AsyncIterator[Sequence[ExportItem]]


async def items(reader: Reader, export: Export, plan: str | None, moment: Moment, plans: Sequence[str] = ()) -> Batches:
    """All items of an export at a moment, in the order of the lists; of these `plans`, where it is a part."""
    if export.listed is None:
        async for batch in _facts(reader, plan, 0, moment):
            yield batch
        return
    listed = export.of_plan if plan is not None and export.of_plan else export.listed
    scopes = plans or ([plan] if plan is not None else await plans_at(reader, moment) if export.within else [""])
    if export.of_plans:
        for some in (scopes[at : at + PLANS_READ] for at in range(0, len(scopes), PLANS_READ)):
            async for batch in _listed(reader, export, export.of_plans, "", OfPlans(tuple(some)), moment):
                yield batch
        return
    for scope in scopes:
        async for batch in _listed(reader, export, listed, scope, listed.filter(), moment):
            yield batch


async def changed(reader: Reader, export: Export, plan: str | None, before: Moment, moment: Moment) -> Batches:
    """What is another at `moment` than it was `before`, and then what is gone; both hold on the same day.

    A fact never changes: what has changed is what came. Of other items their digests are held meanwhile.
    """
    if export.listed is None:
        async for batch in _facts(reader, plan, before.position, moment):
            yield [ExportItem(_put(one.json), one.seen) for one in batch]
        return
    key = _key_of(export)
    known: dict[tuple[str, ...], bytes] = {}
    async for batch in items(reader, export, plan, before):
        known |= {key(one.seen): _digest(one.json) for one in batch}
    async for batch in items(reader, export, plan, moment):
        yield [
            ExportItem(_put(one.json), one.seen) for one in batch if known.pop(key(one.seen), b"") != _digest(one.json)
        ]
    yield [_gone(export, one) for one in known]


def _key_of(export: Export) -> Callable[[Any], tuple[Any, ...]]:
    columns = {one.name: one for one in export.columns}
    told = [columns[name].values() for name in export.key]
    return lambda seen: tuple(one(seen) for one in told)


def _digest(json: bytes) -> bytes:
    return blake2b(json, digest_size=_KNOWN).digest()


def _put(json: bytes) -> bytes:
    return b'{"change":"put",' + json[1:]


def _gone(export: Export, key: tuple[Any, ...]) -> ExportItem:
    seen = dict(zip(export.key, key, strict=True))
    told: dict[str, Any] = {"change": CHANGE_GONE}
    for name, value in seen.items():
        above, _, last = name.rpartition(".")
        (told.setdefault(above, {}) if above else told)[last] = value
    return ExportItem(msgspec.json.encode(told), seen, gone=True)


async def plans_at(reader: Reader, moment: Moment) -> list[str]:
    """The plans that there are at a moment, in their order."""
    rows = await reader.read(moment, [wanted(PLANS)])
    return sorted(one.id for one in rows.of(PLANS, PlanRow))


async def _listed(  # noqa: PLR0913, PLR0917 - a list, what is asked of it, and when
    reader: Reader, export: Export, listed: Collection[Any, Any], scope: str, given: msgspec.Struct, moment: Moment
) -> AsyncIterator[Sequence[ExportItem]]:
    """A list from its first page to its last."""
    excerpt = Excerpt(ITEMS_READ if listed.paged else EVERYTHING)

    async def fetch(asked: Sequence[Wanted]) -> Rows:
        return await reader.read_once(moment, asked)

    while True:
        found = await page(fetch, listed, scope, given, moment, excerpt)
        place = listed.place(found.shown[-1].view, given) if found.shown else None
        found = await _told(reader, listed, found, scope, moment)
        if export.split is None:
            yield [ExportItem(one.json, one.view) for one in found.shown]
        else:
            yield [
                ExportItem(two.json, two.view) for one in found.shown for two in with_json([*export.split(one.view)])
            ]
        if not found.more:
            return
        excerpt = excerpt._replace(place=place)


async def _told(
    reader: Reader, listed: Collection[Any, Any], found: Page[Any], scope: str, moment: Moment
) -> Page[Any]:
    """A page with what stands beside its rows: texts, or counts of tasks."""
    if listed.told:
        async with reader.slices.acquire() as connection:
            return listed.told(found, await events.said_at(connection, [one.view.event for one in found.shown]))
    if listed.counting and found.shown:
        views = [one.view for one in found.shown]
        return found._replace(shown=with_json(await reader.counted(listed.counting, views, found.rows, moment, scope)))
    return found


async def _facts(reader: Reader, plan: str | None, after: int, moment: Moment) -> AsyncIterator[Sequence[ExportItem]]:
    about = EventFilter(plan=plan)
    while after < moment.position:
        async with reader.slices.acquire() as connection:
            found = await items_behind(connection, about, after, moment.position)
        yield [ExportItem(one.json, _Fact(one.json)) for one in found.items]
        after = found.position


class _Fact:
    """A fact that is read from its JSON once a column is told from it."""

    def __init__(self, json: bytes) -> None:
        self._json = json
        self._read: FollowedFact | None = None

    def __getattr__(self, name: str) -> Any:
        if self._read is None:
            self._read = _FACT(self._json)
        return getattr(self._read, name)


def row_of(columns: Sequence[Column]) -> Callable[[ExportItem], list[Any]]:
    """What tells the cells of an item: of what is gone, but its key's."""
    names, told = [one.name for one in columns], [one.values() for one in columns]

    def cells(item: ExportItem) -> list[Any]:
        seen = item.seen
        return [seen.get(name) for name in names] if item.gone else [one(seen) for one in told]

    return cells
