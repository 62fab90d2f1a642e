"""Districts: their governments and every task that names them, directly or through a group."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from domain.directory import District
from projections.as_of import Meta, Rows
from projections.lists import Collection, NoFilter, Place, with_json
from projections.table import Row, slice_table, version_table
from projections.views import units
from projections.views.counts import TaskCounts, counting
from projections.views.names import Directory, Named, directory
from projections.views.units import Participation, Participations
from projections.wanted import Deferred, Keyset, Wanted, behind, page_of, wanted


class DistrictRow(District, frozen=True, kw_only=True):
    """A district at one moment, as the table keeps it."""

    code: str


def _rows(key: str, district: District) -> Iterable[Row]:
    yield Row(key, (), msgspec.json.encode(DistrictRow(district.name, code=key)))


DISTRICTS = slice_table("districts", District, DistrictRow, _rows, {}, version=2, shared=True)
DISTRICT_VERSIONS = version_table(District)


class DistrictView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One district as the record showed it at a moment: its GB/T 2260 code, its units, and their tasks."""

    code: str
    name: str
    units: tuple[Named, ...]
    tasks: tuple[Participation, ...]
    version: int
    task_counts: TaskCounts | UnsetType = UNSET
    meta: Meta | UnsetType = UNSET


def one(*codes: str) -> Sequence[Wanted]:
    """What a single district is put together from, or some."""
    return (wanted(DISTRICTS), wanted(DISTRICT_VERSIONS, key=codes), *units.taken_by(_within, *codes))


def _within(rows: Rows, _page: Keyset | None, *codes: str) -> Sequence[str]:
    """The units of some districts."""
    within = directory(rows).ways.within
    return [unit for code in codes for unit in within.get(code, ())]


def show(rows: Rows) -> list[DistrictView]:
    """The districts whose versions are among these rows, by code."""
    return sorted(_one_by_one(rows), key=lambda district: district.code)


def _one_by_one(rows: Rows) -> Iterator[DistrictView]:
    """The same in the order of the rows."""
    known = directory(rows)
    parts, within = Participations(rows, known), known.ways.within
    there = {one.code: one.name for one in rows.of(DISTRICTS, DistrictRow)}
    for code in rows.groups(DISTRICT_VERSIONS):
        if code in there:
            yield DistrictView(
                code=code,
                name=there[code],
                units=tuple(map(known.named, within.get(code, ()))),
                tasks=parts.of(*within.get(code, ())),
                version=rows.count(DISTRICT_VERSIONS, code),
            )


def _units_of(district: DistrictView, _: Directory) -> Callable[[str], bool]:
    return {one.id for one in district.units}.__contains__


DISTRICT_TASKS: Final = counting(units.rows_beside, units.tasks_taken, _units_of)


def _listed(rows: Rows, page: Keyset) -> Sequence[str]:
    """The districts of a page."""
    codes = sorted(one.code for one in rows.of(DISTRICTS, DistrictRow))
    return [*islice(behind(codes, page), page.limit)]


def _units_listed(rows: Rows, page: Keyset) -> Sequence[str]:
    return _within(rows, page, *_listed(rows, page))


def _wanted(_scope: str, _given: NoFilter, after: Place | None, limit: int) -> Sequence[Wanted]:
    page = Keyset(("key",), after=after, limit=limit)
    versions = page_of(wanted(DISTRICT_VERSIONS, key=Deferred(_listed, (), page)), Keyset(page.order))
    return (wanted(DISTRICTS), versions, *units.taken_by(_units_listed, page=page))


DISTRICT_LIST: Collection[DistrictView, NoFilter] = Collection(
    name="districts",
    view=DistrictView,
    filter=NoFilter,
    wanted=_wanted,
    shown=lambda rows, _: with_json([*_one_by_one(rows)]),
    place=lambda district, _: (district.code,),
    counting=DISTRICT_TASKS,
    paged=True,
)
