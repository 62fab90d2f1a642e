"""Search: a task by its number, units and districts by the characters of their names, plans, and words of tasks.

Bounded, however large the record: names are looked through in steps, and words in the plans that were entered last.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from litestar import get
from markupsafe import Markup
from msgspec import Meta

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.newest import newest_plans
from api.pages.visit import PageQuery, Visit
from events.steps import in_steps
from projections.as_of import Moment, Rows
from projections.grams import searchable
from projections.lists import Excerpt, Words, page
from projections.views.districts import DISTRICTS
from projections.views.names import UNITS, PlanRow
from projections.views.task_list import TASK_LIST, TaskFilter
from projections.views.tasks import TaskView
from projections.wanted import Wanted, wanted

MOST_FOUND: Final = 30  # of each kind that are listed
_AT_ONCE: Final = 200  # tasks of a plan that are counted
_NUMBER: Final = re.compile(r"(?:第|任务|task)?\s*#?\s*([1-9][0-9]{0,8})\s*[项号]?", re.IGNORECASE)


class SearchQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is looked for."""

    q: Annotated[
        Words | None, Meta(description="A task's number, a unit, a district or a plan by name, words of tasks.")
    ] = None


class Called(msgspec.Struct, frozen=True):
    """What a row says of how its subject is called."""

    name: str
    id: str = ""
    code: str = ""
    aliases: tuple[str, ...] = ()


class SearchFound(NamedTuple):
    """What was found: of each kind those that fit best, and how many there are in all."""

    numbered: Sequence[TaskView]
    tasks: Sequence[TaskView]
    units: Sequence[Called]
    districts: Sequence[Called]
    plans: Sequence[Called]
    counts: dict[str, int]
    within: int


@get("/search", include_in_schema=False)
async def search(request: Ask) -> Answer:
    """Whatever is called so, or says so."""
    visit = Visit(request, SearchQuery)
    moment, rows = await visit.rows((wanted(UNITS), wanted(DISTRICTS)))
    q = visit.given.q or ""
    found = await _found(visit, moment, rows, q) if searchable(q).split() else None
    plans = await newest_plans(request.reader, moment)
    return drawn(
        "search.html",
        visit,
        moment,
        json=f"/v1/plans/{plans[0].id}/tasks" if plans else "/v1/plans",
        data={"q": q} if plans and q else None,
        q=q,
        found=found,
        said=_said(visit, found) if found else None,
    )


def _said(visit: Visit[Any], found: SearchFound) -> Markup | None:
    """How many were found of each kind, as a list in words; None if there are none."""
    said = [visit.t(f"search.{kind}", count=count) for kind, count in found.counts.items() if count]
    return visit.t("sum.comma").join(said) if said else None


async def _found(visit: Visit[SearchQuery], moment: Moment, rows: Rows, q: str) -> SearchFound:
    asked = "".join(searchable(q).split())
    plans = await newest_plans(visit.request.reader, moment)
    units = await _called(rows.raw(UNITS), asked)
    districts = await _called(rows.raw(DISTRICTS), asked)
    named = await _called([msgspec.json.encode({"name": one.title, "id": one.id}) for one in plans], asked)
    numbered, worded = await _numbered(visit, moment, plans, q), await _worded(visit, moment, plans, q)
    listed = {one.id for one in numbered}
    worded = [one for one in worded if one.id not in listed]
    counts = {
        "tasks": len(numbered) + len(worded),
        "units": len(units),
        "districts": len(districts),
        "plans": len(named),
    }
    most = MOST_FOUND
    return SearchFound(numbered, worded[:most], units[:most], districts[:most], named[:most], counts, len(plans))


async def _called(documents: Sequence[bytes], asked: str) -> list[Called]:
    """Those whose name or other name holds these characters in this order, the closest first."""

    def fitting() -> Iterator[tuple[int, Called] | None]:
        for document in documents:
            one = msgspec.json.decode(document, type=Called)
            spans = [span for name in (one.name, *one.aliases) if (span := stretch_in(asked, searchable(name)))]
            yield (min(spans), one) if spans else None

    found = [one async for one in in_steps(fitting())]
    return [one for _, one in sorted(found, key=lambda one: (one[0], len(one[1].name), one[1].id, one[1].code))]


def stretch_in(asked: str, name: str) -> int | None:
    """Over how many characters of a name those asked for stand in it in their order, from the first on; or None."""
    first = at = name.find(asked[0])
    if first < 0:
        return None
    for one in asked[1:]:
        at = name.find(one, at + 1)
        if at < 0:
            return None
    return at - first + 1


async def _numbered(visit: Visit[Any], moment: Moment, plans: Sequence[PlanRow], q: str) -> Sequence[TaskView]:
    """The tasks that have this number, in the plans entered last, the newest first."""
    number = _NUMBER.fullmatch(searchable(q).strip())
    found: list[TaskView] = []
    for plan in plans if number else ():
        found += await _listed(visit, moment, plan.id, TaskFilter(number=int(number[1]))) if number else ()
    return found


async def _worded(visit: Visit[Any], moment: Moment, plans: Sequence[PlanRow], q: str) -> list[TaskView]:
    """The tasks whose words these are, in the plans entered last, until there are more than are listed."""
    found: list[TaskView] = []
    for plan in plans:
        if len(found) <= MOST_FOUND:
            found += await _listed(visit, moment, plan.id, TaskFilter(q=q, withdrawn=False))
    return found


async def _listed(visit: Visit[Any], moment: Moment, plan: str, given: TaskFilter) -> list[TaskView]:
    """What the list of a plan's tasks shows first."""

    async def fetch(further: Sequence[Wanted]) -> Rows:
        return await visit.request.reader.read(moment, further)

    found = await page(fetch, TASK_LIST, plan, given, moment, Excerpt(_AT_ONCE))
    return [one.view for one in found.shown]
