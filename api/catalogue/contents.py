"""What there is to take home at a moment, whatever form describes it: a page of plans, and what belongs to none."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from api.http.formats import SIDECAR, ExportForm, export_path
from api.http.question import Ask
from api.services.places import PublicBase
from api.services.reader import Reader
from domain.values import instant_text
from projections.as_of import AsOf, Moment
from projections.exports import EXPORTS, Export
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.moments import last_concerned
from projections.views.names import PLANS, PlanRow
from projections.wanted import Keyset, page_of, wanted

PLANS_AT_ONCE: Final = 20  # of a record that may have thousands: a graph of so many takes 0.4 s to make
OF_A_PLAN: Final = tuple(one for one in EXPORTS.values() if one.takes_plan)
OF_THE_DIRECTORY: Final = tuple(one for one in EXPORTS.values() if one.listed is not None and not one.within)
OF_THE_LOG: Final = tuple(one for one in EXPORTS.values() if one.listed is None)


class Pinned(NamedTuple):
    """The addresses of one moment, in full: they bring the same bytes for as long as nothing is erased."""

    reader: Reader
    base: PublicBase
    moment: Moment

    def whole(self, path: str, **query: str) -> str:
        """A path with both clocks and these parameters."""
        return self.base.whole(self.reader.meta(self.moment, path, query).self_)

    def export(self, export: Export, form: ExportForm, plan: str | None) -> str:
        """An export in a form: of one plan, or of all."""
        return self._export(export, form.value, plan)

    def table(self, export: Export, plan: str | None) -> str:
        """What CSVW says of an export's table."""
        return self._export(export, f"{ExportForm.CSV}{SIDECAR}.json", plan)

    def _export(self, export: Export, suffix: str, plan: str | None) -> str:
        return self.whole(export_path(export.name, suffix), **({"plan": plan} if plan else {}))

    def page(self, path: str) -> str:
        """A page for people: who asks for the head is led to what stays up to date."""
        return self.whole(path) if self.moment.pinned else self.base.whole(path)


class Contents(NamedTuple):
    """A page of plans, by id, at a moment. `changed`: when the newest fact of each was recorded.

    `provinces` are the GB/T 2260 codes above the record's districts. `first`: no page lies before this one;
    `following`: the plan behind which the next page begins, if there is one.
    """

    moment: Moment
    plans: Sequence[PlanRow]
    changed: Mapping[str, str]
    provinces: Sequence[str]
    first: bool
    following: str | None


async def contents(request: Ask, asked: AsOf, after: str | None) -> Contents:
    """What the record holds at a moment, of the plans those behind `after`; Trouble where there is no such moment."""
    reader = request.reader
    page = Keyset(("key",), after=(after,) if after else None, limit=PLANS_AT_ONCE + 1)
    moment, rows = await reader.rows(asked, (page_of(wanted(PLANS), page), wanted(DISTRICTS)))
    plans = rows.of(PLANS, PlanRow)
    shown = plans[:PLANS_AT_ONCE]
    async with reader.slices.acquire() as connection:
        changed = await last_concerned(connection, moment.position, [f"plan:{one.id}" for one in shown])
    codes = {f"{one.code[:2]}0000" for one in rows.of(DISTRICTS, DistrictRow)}
    return Contents(
        moment,
        shown,
        {one.id: instant_text(instant) for one, instant in zip(shown, changed, strict=True)},
        sorted(codes),
        first=not after,
        following=shown[-1].id if len(plans) > len(shown) else None,
    )
