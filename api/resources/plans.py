"""Plans: REST handlers over the view."""

from collections.abc import Sequence

from litestar import Response, get

from api import answers
from api.answers import Ask
from api.documented import READ, list_operation
from api.documented import answers as documented
from api.lists import Listing, listing
from api.paths import PlanKey
from api.reader import Subject
from projections.as_of import Moment, Rows
from projections.views import plans
from projections.views.names import PLANS
from projections.views.plans import PLAN_LIST, PlanView


def show(rows: Rows, _: Moment) -> Sequence[PlanView]:
    """The plans among these rows."""
    return plans.show(rows)


@get("/v1/plans", operation_class=list_operation(PLAN_LIST), responses=documented(Listing[PlanView]), tags=["plans"])
async def plan_list(request: Ask) -> Response[bytes]:
    """All plans as the record showed them."""
    return await listing(request, PLAN_LIST)


@get("/v1/plans/{plan:str}", operation_class=READ, responses=documented(PlanView), tags=["plans"])
async def one_plan(request: Ask, plan: PlanKey) -> Response[bytes]:
    """One plan with its parts and measures, as the record showed it."""
    return await answers.one(request, Subject("plan", PLANS, plan), plans.one(plan), show)
