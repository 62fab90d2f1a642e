"""What changed between two days: the views at both compared, each change with the facts behind it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from litestar import get
from markupsafe import Markup
from msgspec import Meta

from api.http.answers import Answer
from api.http.question import Ask
from api.http.spans import Span
from api.pages.answered import that_fits
from api.pages.differences import Grouped, Teller, Trait
from api.pages.drawing import drawn
from api.pages.problems import absent
from api.pages.visit import PageQuery, Visit, address
from api.services.told import Names
from domain.errors import WrongDate
from domain.values import EARLIEST, last_quarter, parse_date
from projections.as_of import Moment, NoSuchMoment
from projections.views import diff, tasks
from projections.views.counts import ReportedCounts, Tally
from projections.views.districts import DISTRICTS
from projections.views.names import PLANS, PLATFORMS, UNITS, PlanRow
from projections.views.subjects import PLAN
from projections.views.tasks import TASKS
from projections.wanted import wanted

MONTH: Final = timedelta(days=30)
_MOST_PLANS: Final = 10  # whose tasks are counted together
_ALWAYS: Final = (Trait.WORSE, Trait.OVERDUE)  # said also where there is none
_FIRST: Final = 4  # of those that follow: said before all else
_SAID: Final = (
    *(Trait.COMPLETED, Trait.BETTER, Trait.WORSE, Trait.OVERDUE),
    *(Trait.REWORDED, Trait.DUTIES, Trait.LISTED, Trait.OTHER),
)


class ChangesQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Between which days, and of which plan."""

    from_: Annotated[str | None, Meta(description="The earlier day. Default: a month earlier.")] = msgspec.field(
        default=None, name="from"
    )
    to: Annotated[str | None, Meta(description="The later day. Default: the day that the page shows.")] = None
    plan: Annotated[str | None, Meta(description="Only what has to do with this plan.")] = None


class Preset(NamedTuple):
    """Two days between which people often ask, by a name: `quarter`, `last` or `year`."""

    name: str
    from_: date
    to: date


class _Worded(msgspec.Struct, frozen=True):
    """A task by its words."""

    id: str
    text: str


@get("/changes", include_in_schema=False)
async def changes(request: Ask) -> Answer:
    """What differs between two days, as the record knows it at one moment."""
    visit = Visit(request, ChangesQuery)
    moment, rows = await visit.rows((wanted(PLANS),))
    given, plans = visit.given, sorted(rows.of(PLANS, PlanRow), key=lambda one: one.id)
    to = _day("to", given.to) or moment.effective_on
    from_ = _day("from", given.from_) or max(to - MONTH, EARLIEST)
    before, after = _on(moment, from_), _on(moment, to)
    acquire, memory = request.reader.slices.acquire, request.reader.memory
    found = await diff.changed_between(acquire, given.plan, before, after, memory)
    if found is None:
        raise await absent(request, PLAN, given.plan or "", after)
    named = await request.reader.read(after, [*map(wanted, (PLANS, UNITS, TASKS, DISTRICTS, PLATFORMS))])
    words = {one.id: one.text for one in named.of(TASKS, _Worded)}
    told = Teller(Names(named), words, visit).all(found)
    chosen = [given.plan] if given.plan else [one.id for one in plans]
    return drawn(
        "changes.html",
        visit,
        moment,
        json=address("/v1/diff", {**Span(before, after).pins(), "plan": given.plan}),
        feed=f"/feeds/plans/{given.plan}.atom" if given.plan else "/feeds/events.atom",
        plans=plans,
        from_=from_,
        to=to,
        told=told,
        count=len(found),
        answer=_answer(told, visit) if found else None,
        stood=await _stood(request, (before, after), chosen),
        presets=presets(moment.effective_on, plans),
    )


async def _stood(request: Ask, days: Sequence[Moment], plans: Sequence[str]) -> Sequence[tuple[date, ReportedCounts]]:
    """How many tasks stood how on each day; of so many plans as can be seen at once."""
    if not 0 < len(plans) <= _MOST_PLANS:
        return ()
    tallies = [Tally(await request.reader.read(one, tasks.of_plan(*plans)), one.effective_on) for one in days]
    counts = [one.of(one.tasks.by_id.values()).reported_status for one in tallies]
    return [(day.effective_on, own) for day, own in zip(days, counts, strict=True)]


def presets(on: date, plans: Sequence[PlanRow]) -> Sequence[Preset]:
    """The quarter of a day, the one before, and the year: from its eve, or the first plan's day where that is later."""
    _, (first, last) = last_quarter(on)
    eve = max(date(on.year, 1, 1) - date.resolution, EARLIEST)
    year = max(eve, min((one.issued_on for one in plans), default=eve))
    return [
        Preset("quarter", max(last, EARLIEST), on),
        Preset("last", max(first - date.resolution, EARLIEST), max(last, EARLIEST)),
        Preset("year", year, on),
    ]


def _answer(told: Grouped, visit: Visit[Any]) -> Markup:
    """How many tasks came to stand how, in one sentence, as it has room; what else changed, where no task did."""
    if not any(told.tasks.values()):
        return visit.t("changes.others", count=len(told.others))

    def naming(some: Sequence[Trait]) -> Markup:
        numbers = {trait: len(told.tasks[trait]) for trait in some}
        said = [visit.t(f"turned.{one}", count=count) for one, count in numbers.items() if count or one in _ALWAYS]
        named = {task.key for trait in some for task in told.tasks[trait]}
        if rest := {task.key for own in told.tasks.values() for task in own} - named:
            said.append(visit.t(f"turned.{Trait.OTHER}", count=len(rest)))
        return visit.t("changes.answer", parts=visit.t("answer.and").join(said))

    return that_fits(naming(some) for some in (_SAID, _SAID[:_FIRST], _ALWAYS))


def _day(name: str, text: str | None) -> date | None:
    try:
        return parse_date(text) if text is not None else None
    except WrongDate as error:
        raise NoSuchMoment(f"{name}: {error}", parameter=name) from error


def _on(moment: Moment, day: date) -> Moment:
    """The same record, another day."""
    return msgspec.structs.replace(moment, effective_on=day)
