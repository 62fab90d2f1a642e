"""How many tasks of a plan stand how, on several days at once: what a chart of a year is drawn from."""

from datetime import date
from urllib.parse import urlencode

import msgspec
from litestar import get

from api.http.answers import Answer, etag_of, made
from api.http.asking import Clocks, Days, asked, clocks, day_of
from api.http.documented import answers as documented
from api.http.documented import operation
from api.http.paths import PlanKey
from api.http.question import Ask
from api.services.counted import counts_on
from projections.as_of import Meta, Moment
from projections.views.counts import TaskCounts
from projections.views.subjects import PLAN


class SummaryOfDay(msgspec.Struct, frozen=True, rename="camel"):
    """How many tasks stood how on a day; null where the plan is not there on it."""

    effective_on: date
    task_counts: TaskCounts | None


class Summary(msgspec.Struct, frozen=True):
    """A plan on several days, in the order in which they were asked for; `meta` names the last of them."""

    plan: str
    days: tuple[SummaryOfDay, ...]
    meta: Meta


@get(
    "/v1/plans/{plan:str}/summary",
    operation_class=operation(Days),
    responses=documented(Summary),
    tags=["plans"],
)
async def plan_summary(request: Ask, plan: PlanKey) -> Answer:
    """How many tasks of a plan stand how on each of up to 24 days, as one record showed them."""
    reader, query = request.reader, request.question.parameters
    given = asked(query, Days)
    asked_days = [day_of(one) for one in given.effective_on or ()]
    clock = Clocks(as_of=given.as_of, position=given.position, min_position=given.min_position)
    moment = await reader.moment(clocks(clock))
    days = asked_days or [moment.effective_on]
    counts = {day: await counts_on(reader, plan, msgspec.structs.replace(moment, effective_on=day)) for day in days}
    last = msgspec.structs.replace(moment, effective_on=days[-1])
    if not any(counts.values()):
        raise await reader.absent(PLAN, plan, last)
    shown = tuple(SummaryOfDay(day, counts[day]) for day in days)
    meta = msgspec.structs.replace(reader.meta(last, request.question.path, {}), self_=_address(request, moment, days))
    body = msgspec.json.encode(Summary(plan, shown, meta))
    answer = made(request, body, last, explicit_day=bool(asked_days))
    answer.headers["ETag"] = etag_of(body)  # which names one day of a moment, and covers all of these
    return answer


def _address(request: Ask, moment: Moment, days: list[date]) -> str:
    pins = {"position": moment.position, "effectiveOn": ",".join(map(str, days))}
    return f"{request.question.path}?{urlencode(pins, safe=',')}"
