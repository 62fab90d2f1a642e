"""The first page: how the newest plan stands, what needs attention, what was recorded last, and the way to the rest."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from litestar import get
from markupsafe import Markup

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.apart import Lines, drawn_apart
from api.pages.boards import board_of
from api.pages.datasets import catalogue_of
from api.pages.drawing import drawn
from api.pages.listed import ListPart, ListQuery, list_part
from api.pages.looks import looks_of
from api.pages.newest import newest_plans
from api.pages.standing import Backlog, Late, late, most_behind, summed_up, was_there
from api.pages.told import FactTold, facts_told
from api.pages.visit import Visit
from api.services.counted import counts_on, month_ends
from api.services.told import Names, task_of
from domain.values import last_quarter, shanghai_day
from projections.as_of import Moment, Rows
from projections.documents import name_of
from projections.views import events, tasks
from projections.views.counts import Tally, TaskCounts, reported_by, scheduled_by
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.duties import Duties
from projections.views.names import PLAN_VERSIONS, UNITS
from projections.views.plans import MEASURES, PARTS, PLAN_LIST, PlanView
from projections.views.plans import show as plans_among
from projections.views.tasks import TaskView
from projections.wanted import wanted

NEWEST: Final = 8
_AT_ONCE: Final = 10
INDEXED: Final = 100  # districts, before one is led to the page that has all of them
FEW_SHOWN: Final = 3  # of each kind that needs attention, and of those most behind


class Month(NamedTuple):
    """How a plan stood at a month's end."""

    on: date
    period: str
    counts: TaskCounts


class Newest(NamedTuple):
    """The newest plan as it stands: all that the first page tells of it."""

    plan: PlanView
    counts: TaskCounts
    board: Markup
    months: Sequence[Month]
    late: Sequence[Late]
    asked: bool  # whether it was there for the whole of the last quarter: else nobody was silent in it
    silent: Sequence[tuple[TaskView, int]]
    unproved: Sequence[TaskView]
    behind: Sequence[Backlog]
    spans: Mapping[str, tuple[date, date]]


@get("/", include_in_schema=False)
async def home(request: Ask) -> Answer:
    """How the newest plan stands, the newest changes, and the way to every other page."""
    visit = Visit(request, ListQuery)
    part = await list_part(visit, PLAN_LIST, _AT_ONCE, wanted(DISTRICTS), wanted(UNITS))
    newest = await _newest_plan(visit, part)
    districts = sorted(part.rows.of(DISTRICTS, DistrictRow), key=lambda one: one.code)
    several = len(part.views) > 1 or part.more or visit.given.after
    return drawn(
        "home.html",
        visit,
        part.moment,
        json="/v1/plans",
        csv="/v1/plans.csv",
        feed="/feeds/events.atom",
        catalogue=catalogue_of(visit, part.moment, part.views),
        newest=newest,
        said=summed_up(visit, newest.counts.reported_status, newest.counts.schedule_status.overdue) if newest else None,
        plans=await _standing(visit, part) if several else [],
        more=part.more,
        districts=districts[:INDEXED],
        more_districts=len(districts) > INDEXED,
        days=await _last_days(visit, part.moment, part.rows),
    )


async def _standing(visit: Visit[ListQuery], part: ListPart[PlanView]) -> list[tuple[PlanView, TaskCounts | None]]:
    """The plans of a part of their list, each with its counts."""
    return [(one, await counts_on(visit.request.reader, one.id, part.moment)) for one in part.views]


async def _newest_plan(visit: Visit[ListQuery], part: ListPart[PlanView]) -> Newest | None:
    """The newest plan, on the first part of the list, which alone shows it; None where there is no plan."""
    reader, moment = visit.request.reader, part.moment
    if visit.given.after or not part.views:
        return None
    newest = part.views[0].id if not part.more and len(part.views) == 1 else (await newest_plans(reader, moment))[0].id
    beside = (wanted(PLAN_VERSIONS, key=newest), wanted(PARTS, plan=newest), wanted(MEASURES, plan=newest))
    rows = await reader.read(moment, (*tasks.of_plan(newest), *beside))
    (plan,) = plans_among(rows)
    on, tally = moment.effective_on, Tally(rows, moment.effective_on)
    there = tally.tasks.by_plan.get(newest, ())
    live, counts = [one for one in there if not one.withdrawn], tally.of(there)
    lagging, asked = late(live, on, tally.units), was_there(plan.issued_on, counts.silent_in.period)
    return Newest(
        plan,
        counts,
        _board(visit, plan, tally, rows, on),
        await _months(visit, plan, moment),
        lagging,
        asked,
        _silent(live, rows, on) if asked else (),
        [one for one in live if one.evidence_status == "none"][:FEW_SHOWN],
        most_behind(lagging, counts.silent_in.units if asked else (), tally.units)[:FEW_SHOWN],
        _spans(on),
    )


def _board(visit: Visit[ListQuery], plan: PlanView, tally: Tally, rows: Rows, on: date) -> Markup:
    """Its board, which follows from its tasks as they are shown and from what its parts are called."""
    looks = looks_of(visit.request.reader.memory, tasks.shown_of(rows, on))
    key = name_of(*(one.name for one in looks)), name_of(rows.joined(PARTS))

    def shown() -> Mapping[str, Any]:
        there, lines = tally.tasks.by_plan.get(plan.id, ()), Lines(visit, looks)
        return {
            "board": board_of(plan, there),
            "plan": plan,
            "lines": lines,
            "key_of": lines.key_of,
            "reported": reported_by(there),
            "overdue": scheduled_by(there).overdue,
        }

    return drawn_apart(visit, "board.html", key, shown)


async def _months(visit: Visit[ListQuery], plan: PlanView, moment: Moment) -> list[Month]:
    """How the whole stood at each month's end of the plan's year, as it is known at the moment."""
    found: list[Month] = []
    for day in month_ends(plan.issued_on.year, moment.effective_on):
        counts = await counts_on(visit.request.reader, plan.id, msgspec.structs.replace(moment, effective_on=day))
        if counts:
            found.append(Month(day, f"{day:%Y-%m}", counts))
    return found


def _silent(live: Sequence[TaskView], rows: Rows, on: date) -> list[tuple[TaskView, int]]:
    """Tasks on which somebody was silent in the last quarter that is over, and how many were; those of most first."""
    duties, (_, days) = Duties(rows, on), last_quarter(on)
    found = [(task, len(duties.silent(task.id, days))) for task in live]
    return sorted(((task, count) for task, count in found if count), key=lambda one: (-one[1], one[0].number))[
        :FEW_SHOWN
    ]


def _spans(on: date) -> Mapping[str, tuple[date, date]]:
    """Between which days it is asked most what changed: in the last quarter that is over, since then, this year."""
    _, (first, last) = last_quarter(on)
    day = timedelta(days=1)
    return {"quarter": (first - day, last), "since": (last, on), "year": (date(on.year, 1, 1) - day, on)}


async def _last_days(visit: Visit[ListQuery], moment: Moment, rows: Rows) -> Sequence[tuple[date, Sequence[FactTold]]]:
    """What was recorded last, in words, by days, the newest first."""
    reader = visit.request.reader
    async with reader.slices.acquire() as connection:
        last = events.LogPage(after=max(0, moment.position - NEWEST), limit=NEWEST)
        newest = await events.log_page(connection, moment.position, last)
    of = sorted({task for fact in newest if (task := task_of(fact.stream))})
    named = rows.with_rows(await reader.read(moment, [wanted(tasks.TASKS, key=of)])) if of else rows
    days: dict[date, list[FactTold]] = {}
    for told in facts_told(reversed(newest), Names(named), visit):
        days.setdefault(shanghai_day(datetime.fromisoformat(told.fact.recorded_at)), []).append(told)
    return [*days.items()]
