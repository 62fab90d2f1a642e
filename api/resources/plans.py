"""Plans with their parts, measures and targets: REST handlers over the views."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import get

from api.http import answers
from api.http.answers import Answer
from api.http.documented import READ, list_operation
from api.http.documented import answers as documented
from api.http.lists import Listing, listing
from api.http.paths import Ordinal, PlanKey
from api.http.question import Ask
from api.services.reader import Subject
from projections.as_of import Moment, Rows
from projections.views import plans
from projections.views.names import PLANS
from projections.views.plans import (
    MEASURE_LIST,
    MEASURES,
    PART_LIST,
    PARTS,
    PLAN_LIST,
    MeasureView,
    PartView,
    PlanView,
)
from projections.views.platforms import PLAN_PLATFORMS, PlatformView
from projections.views.targets import TARGET_LIST, TargetView


def show(rows: Rows, _: Moment) -> Sequence[PlanView]:
    """The plans among these rows."""
    return plans.show(rows)


def within(plan: str) -> Subject:
    """The plan that a list lies within."""
    return Subject("plan", PLANS, plan)


@get("/v1/plans", operation_class=list_operation(PLAN_LIST), responses=documented(Listing[PlanView]), tags=["plans"])
async def plan_list(request: Ask) -> Answer:
    """All plans as the record showed them."""
    return await listing(request, PLAN_LIST)


@get("/v1/plans/{plan:str}", operation_class=READ, responses=documented(PlanView), tags=["plans"])
async def one_plan(request: Ask, plan: PlanKey) -> Answer:
    """One plan with its parts and measures, as the record showed it."""
    return await answers.one(request, within(plan), plans.one(plan), show)


@get(
    "/v1/plans/{plan:str}/parts",
    operation_class=list_operation(PART_LIST),
    responses=documented(Listing[PartView]),
    tags=["plans"],
)
async def part_list(request: Ask, plan: PlanKey) -> Answer:
    """The parts of a plan, by number."""
    return await listing(request, PART_LIST, scope=plan, within=within(plan))


@get("/v1/plans/{plan:str}/parts/{number:int}", operation_class=READ, responses=documented(PartView), tags=["plans"])
async def one_part(request: Ask, plan: PlanKey, number: Ordinal) -> Answer:
    """One part of a plan, with the numbers of its measures."""
    subject = Subject("part", PARTS, f"{plan}/{number}")
    return await answers.one(request, subject, plans.one(plan), _numbered(number, lambda one: one.parts))


@get(
    "/v1/plans/{plan:str}/measures",
    operation_class=list_operation(MEASURE_LIST),
    responses=documented(Listing[MeasureView]),
    tags=["plans"],
)
async def measure_list(request: Ask, plan: PlanKey) -> Answer:
    """The measures of a plan, by number."""
    return await listing(request, MEASURE_LIST, scope=plan, within=within(plan))


@get(
    "/v1/plans/{plan:str}/measures/{number:int}",
    operation_class=READ,
    responses=documented(MeasureView),
    tags=["plans"],
)
async def one_measure(request: Ask, plan: PlanKey, number: Ordinal) -> Answer:
    """One measure of a plan: its title, its prose, and what no task carries of it."""
    subject = Subject("measure", MEASURES, f"{plan}/{number}")
    return await answers.one(request, subject, plans.one(plan), _numbered(number, lambda one: one.measures))


def _numbered(number: int, of: Callable[[PlanView], Sequence[Any]]) -> Callable[[Rows, Moment], Sequence[Any]]:
    return lambda rows, _: [one for plan in plans.show(rows) for one in of(plan) if one.number == number]


@get(
    "/v1/plans/{plan:str}/targets",
    operation_class=list_operation(TARGET_LIST),
    responses=documented(Listing[TargetView]),
    tags=["plans"],
)
async def target_list(request: Ask, plan: PlanKey) -> Answer:
    """The numbers that the tasks of a plan promise, by the task's number."""
    return await listing(request, TARGET_LIST, scope=plan, within=within(plan))


@get(
    "/v1/plans/{plan:str}/platforms",
    operation_class=list_operation(PLAN_PLATFORMS),
    responses=documented(Listing[PlatformView]),
    tags=["platforms"],
)
async def plan_platforms(request: Ask, plan: PlanKey) -> Answer:
    """The information systems that the tasks of a plan name, each with those tasks."""
    return await listing(request, PLAN_PLATFORMS, scope=plan, within=within(plan))
