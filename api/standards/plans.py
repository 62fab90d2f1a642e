"""A plan as a standard has it: read by the views that every door reads by, at any moment, and printed."""

from typing import Annotated

from litestar import get
from msgspec import Meta

from api.http.answers import Answer, made
from api.http.asking import Clocks, asked, clocks
from api.http.documented import answers, operation
from api.http.formats import PLAN_TYPES, PlanForm
from api.http.paths import PlanKey
from api.http.question import Ask
from api.services.phrases import Lang
from api.services.told import PlainVoice
from api.standards.stratml import StandingPlan, print_stratml
from events.work import in_a_thread
from projections.as_of import Moment
from projections.views import events, plans, targets, tasks
from projections.views.subjects import PLAN
from projections.views.tasks import TARGETS
from projections.wanted import wanted


class StratmlQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Both clocks, and the language around the plan's words."""

    lang: Annotated[Lang, Meta(description="zh, or en for English around the plan's Chinese words.")] = Lang.ZH


@get(
    "/v1/plans/{plan:str}/.stratml",
    operation_class=operation(StratmlQuery, suffixes=(PlanForm.STRATML,)),
    responses=answers(str),
    tags=["plans"],
)
async def plan_in_stratml(request: Ask, plan: PlanKey) -> Answer:
    """One plan with all its tasks as StratML Part 2 (ISO 17469) has it, as the record showed it."""
    reader, query = request.reader, request.question.parameters
    given = asked(query, StratmlQuery)
    own = (*plans.one(plan), *tasks.of_plan(plan), wanted(TARGETS, plan=plan), *targets.figures_of(plan=plan))
    moment, rows = await reader.rows(clocks(given), tuple(dict.fromkeys(own)))
    found = plans.show(rows)
    if not found:
        raise await reader.absent(PLAN, plan, moment)
    standing = StandingPlan(
        found[0],
        tasks.show(rows, moment.effective_on),
        targets.show(rows),
        await _entered_by(request, plan, moment),
        reader.meta(moment, request.question.address, query),
    )
    # No step of the event loop is as short as the printing of a long plan.
    body = await in_a_thread(print_stratml, standing, PlainVoice(given.lang), request.app.state.base)
    return made(request, body, moment, PLAN_TYPES[PlanForm.STRATML], explicit_day="effectiveOn" in query)


async def _entered_by(request: Ask, plan: str, moment: Moment) -> str:
    """The office that entered the plan into the record: the actor of its first fact."""
    async with request.reader.slices.acquire() as connection:
        first = events.LogPage(stream=f"plan:{plan}", limit=1)
        return (await events.log_page(connection, moment.position, first))[0].actor
