"""What changed between two days: the views at both compared, each change with the facts behind it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final

import msgspec
from litestar import get
from markupsafe import Markup
from msgspec import Meta

from api.http.answers import Answer
from api.http.question import Ask
from api.http.spans import Span
from api.pages.drawing import drawn
from api.pages.problems import absent
from api.pages.told import Sides, sides_of
from api.pages.visit import PageQuery, Visit, address
from api.services.told import Names, subject
from domain.errors import WrongDate
from domain.values import EARLIEST, parse_date
from projections.as_of import Moment, NoSuchMoment
from projections.views import diff
from projections.views.diff import Changed
from projections.views.names import PLANS, UNITS, PlanRow
from projections.views.subjects import PLAN, SUBJECTS
from projections.views.tasks import TASKS
from projections.wanted import wanted

MONTH: Final = timedelta(days=30)


class ChangesQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Between which days, and of which plan."""

    from_: Annotated[str | None, Meta(description="The earlier day. Default: a month earlier.")] = msgspec.field(
        default=None, name="from"
    )
    to: Annotated[str | None, Meta(description="The later day. Default: the day that the page shows.")] = None
    plan: Annotated[str | None, Meta(description="Only what has to do with this plan.")] = None


class ChangeTold(msgspec.Struct, frozen=True):
    """A change in words; `address` is the page of what changed, if it has one."""

    changed: Changed
    subject: Markup
    address: str | None
    sides: Sequence[Sides]


@get("/changes", include_in_schema=False)
async def changes(request: Ask) -> Answer:
    """What differs between two days, as the record knows it at one moment."""
    visit = Visit(request, ChangesQuery)
    moment, rows = await visit.rows((wanted(PLANS), wanted(UNITS), wanted(TASKS)))
    given, plans = visit.given, sorted(rows.of(PLANS, PlanRow), key=lambda one: one.id)
    to = _day("to", given.to) or moment.effective_on
    from_ = _day("from", given.from_) or max(to - MONTH, EARLIEST)
    before, after = _on(moment, from_), _on(moment, to)
    acquire, memory = request.reader.slices.acquire, request.reader.memory
    found = await diff.changed_between(acquire, given.plan, before, after, memory)
    if found is None:
        raise await absent(request, PLAN, given.plan or "", after)
    names = Names(rows)
    told = [_told(one, names, visit) for one in found]
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
        groups=_groups(told),
    )


def _day(name: str, text: str | None) -> date | None:
    try:
        return parse_date(text) if text is not None else None
    except WrongDate as error:
        raise NoSuchMoment(f"{name}: {error}", parameter=name) from error


def _on(moment: Moment, day: date) -> Moment:
    """The same record, another day."""
    return msgspec.structs.replace(moment, effective_on=day)


def _told(one: Changed, names: Names, visit: Visit[Any]) -> ChangeTold:
    name, path = subject(SUBJECTS[one.kind].stream(one.id), names, visit)
    last = one.id.rpartition("/")[2]
    match one.kind:
        case "part" | "measure":
            name = visit.t("changes.of", subject=name, part=visit.t(f"field.{one.kind}"), number=last)
        case "report":
            name = visit.t("who.how", who=name, how=last)
        case _:
            pass
    return ChangeTold(one, name, visit.link(path) if path else None, sides_of(one.changes, names, visit))


def _groups(told: Iterable[ChangeTold]) -> Mapping[str, Sequence[ChangeTold]]:
    """The changes by what they are of, in the order of their kinds."""
    groups: dict[str, list[ChangeTold]] = {}
    for one in told:
        groups.setdefault(one.changed.kind, []).append(one)
    return groups
