"""What needs attention in a plan, each with a page of its own: what is overdue or was late, and who was silent."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, NamedTuple

from litestar import get
from msgspec import Meta

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.newest import newest_plans
from api.pages.problems import absent
from api.pages.standing import late, left_out, was_there
from api.pages.visit import PageQuery, Visit
from domain.values import period_days
from events.steps import in_steps
from projections.as_of import Moment, Rows
from projections.lists import Words
from projections.views import tasks
from projections.views.duties import Duties
from projections.views.names import PLANS, Named, PlanRow, directory
from projections.views.subjects import PLAN
from projections.views.tasks import TaskView

_AT_ONCE: Final = 100  # units


class AttentionQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Of which plan: the newest, where none is named; and which units, where they are many."""

    plan: Annotated[str | None, Meta(description="The plan. Default: the newest one.")] = None
    after: Annotated[Words | None, Meta(description="What lies behind the unit with this id.")] = None


class Silence(NamedTuple):
    """A unit with the number of tasks on which it was silent, by quarter, and in all of them together."""

    unit: Named
    of_quarter: Mapping[str, int]
    tasks: int


class Looked(NamedTuple):
    """The plan that is looked at, with its live tasks; None where there is no plan."""

    moment: Moment
    plan: PlanRow | None
    rows: Rows | None
    live: Sequence[TaskView]


@get("/overdue", include_in_schema=False)
async def overdue(request: Ask) -> Answer:
    """What is overdue and what was completed late, by how many days."""
    visit = Visit(request, AttentionQuery)
    moment, plan, rows, live = await _looked(visit)
    found = late(live, moment.effective_on, directory(rows)) if rows else []
    return drawn(
        "overdue.html",
        visit,
        moment,
        **_where(plan, scheduleStatus="overdue"),
        plan=plan,
        late=found,
        still=sum(one.task.completed_on is None for one in found),
        longest=max((one.days for one in found), default=0),
    )


@get("/silent", include_in_schema=False)
async def silent(request: Ask) -> Answer:
    """Who should have reported and did not, by units and quarters."""
    visit = Visit(request, AttentionQuery)
    moment, plan, rows, live = await _looked(visit)
    quarters = _quarters(plan.issued_on, moment.effective_on) if plan else []
    tasks_of = dict.fromkeys(quarters, 0)
    units: dict[str, dict[str, int]] = {}
    if rows:
        async for quarter, silent_ones in in_steps(_silent(rows, moment.effective_on, live, quarters)):
            tasks_of[quarter] += 1
            for unit in silent_ones:
                own = units.setdefault(unit, {})
                own[quarter] = own.get(quarter, 0) + 1
    shown, last = _ranked(units, visit.given.after)
    named = directory(rows).named if rows else None
    return drawn(
        "silent.html",
        visit,
        moment,
        **_where(plan, silentIn=quarters[-1] if quarters else None),
        plan=plan,
        quarters=quarters,
        left_out=left_out(plan.issued_on, moment.effective_on) if plan else None,
        tasks_of=tasks_of,
        units={quarter: sum(quarter in own for own in units.values()) for quarter in quarters},
        silences=[Silence(named(unit), units[unit], sum(units[unit].values())) for unit in shown if named],
        more=visit.link(visit.path, plan=visit.given.plan, after=last) if last else None,
    )


def _ranked(units: Mapping[str, Mapping[str, int]], after: str | None) -> tuple[Sequence[str], str | None]:
    """Some of the units, those of most tasks first, behind one of them; and the last of them, if others follow."""
    ranked = sorted(units, key=lambda unit: (-sum(units[unit].values()), unit))
    behind = ranked.index(after) + 1 if after is not None and after in units else 0
    shown = ranked[behind : behind + _AT_ONCE]
    return shown, shown[-1] if len(ranked) > behind + _AT_ONCE else None


def _where(plan: PlanRow | None, **which: str | None) -> dict[str, Any]:
    """Where a program finds the same: the list of the plan's tasks, filtered."""
    if plan is None:
        return {"json": "/v1/plans", "feed": "/feeds/events.atom"}
    path = f"/v1/plans/{plan.id}/tasks"
    given = {name: value for name, value in which.items() if value}
    return {"json": path, "csv": f"{path}.csv", "data": given, "feed": f"/feeds/plans/{plan.id}.atom"}


async def _looked(visit: Visit[AttentionQuery]) -> Looked:
    reader = visit.request.reader
    moment, given = await reader.moment(visit.asked), visit.given.plan
    if given is None:
        plans = await newest_plans(reader, moment)
        if not plans:
            return Looked(moment, None, None, ())
        given = plans[0].id
    rows = await reader.read(moment, tasks.of_plan(given))
    plan = next(iter(rows.of(PLANS, PlanRow)), None)
    if plan is None:
        raise await absent(visit.request, PLAN, given, moment)
    return Looked(moment, plan, rows, [one for one in tasks.show(rows, moment.effective_on) if not one.withdrawn])


def _quarters(since: date, on: date) -> list[str]:
    """The quarters of a plan's year that were over on a day, and for the whole of which it was there."""
    each = (f"{since.year}-Q{quarter}" for quarter in range(1, 5))
    return [one for one in each if was_there(since, one) and period_days(one)[1] < on]


def _silent(
    rows: Rows, on: date, live: Sequence[TaskView], quarters: Sequence[str]
) -> Iterator[tuple[str, Sequence[str]] | None]:
    """For each quarter the tasks on which somebody was silent, with who."""
    duties = Duties(rows, on)
    for quarter in quarters:
        days = period_days(quarter)
        for task in live:
            units = duties.silent(task.id, days)
            yield (quarter, units) if units else None
