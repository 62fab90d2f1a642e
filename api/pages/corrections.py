"""Corrections: each fact that replaces or voids another, both side by side, the last recorded first."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, NamedTuple

from litestar import get
from markupsafe import Markup
from msgspec import Meta

from api.http.answers import Answer
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.told import FactTold, as_recorded, facts_told, names_for
from api.pages.visit import PageQuery, Visit
from api.services.told import TOLD
from domain.values import shanghai_day
from projections.lists import WholeNumber
from projections.views import events
from projections.views.events import EventFilter, EventView, LogPage, undone_in

_AT_ONCE: Final = 50
_COUNTED: Final = 10_000  # beyond which nobody is told how many they are
_ALL: Final = EventFilter(corrections=True)


class CorrectionsQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which part of them is shown."""

    before: Annotated[WholeNumber | None, Meta(description="Those before this position.")] = None


class Correction(NamedTuple):
    """What was recorded, what stands in its place if anything does, and how many days later.

    `fields` are those in which both differ, or all that are void, each with what it said and what it says.
    """

    old: FactTold
    new: FactTold
    days: int
    fields: Sequence[tuple[Markup, Markup | None, Markup | None]]


@get("/corrections", include_in_schema=False)
async def corrections(request: Ask) -> Answer:
    """The facts that the events' filter of this name chooses, each beside what it corrects."""
    visit = Visit(request, CorrectionsQuery)
    moment = await request.reader.moment(visit.asked)
    place = visit.given.before or moment.position + 1
    async with request.reader.slices.acquire() as connection:
        found = await events.log_page(
            connection, moment.position, LogPage(corrections=True, before=place, limit=_AT_ONCE + 1)
        )
        months = await events.count_by_month(connection, moment.position, _ALL, _COUNTED + 1)
        shown = found[-_AT_ONCE:]
        undone = [target for one in shown if (target := undone_in(one)) is not None]
        old = {one.position: one for one in await events.at(connection, undone, moment.position)}
    told, count = await _told(visit, moment, shown, old), sum(some for _, some in months)
    return drawn(
        "corrections.html",
        visit,
        moment,
        json="/v1/events",
        data={"corrections": "true"},
        feed="/feeds/corrections.atom",
        erasable=True,
        since=shanghai_day(request.reader.head.recorded_at(1)),
        count=f"{_COUNTED:,}+" if count > _COUNTED else count,
        months=_year(dict(months), shanghai_day(request.reader.head.recorded_at(moment.position))),
        corrections=told,
        further=visit.link(visit.path, before=shown[0].position) if len(found) > _AT_ONCE else None,
    )


async def _told(
    visit: Visit[Any], moment: Any, shown: Sequence[EventView], old: Mapping[int, EventView]
) -> Sequence[Correction]:
    names = await names_for(visit, moment, shown)
    before = {one.fact.position: one for one in facts_told(old.values(), names, visit)}
    pairs = ((before[undone_in(one.fact) or 0], one) for one in reversed(facts_told(shown, names, visit)))
    return [Correction(was, now, _days(was.fact, now.fact), _differing(was, now, visit)) for was, now in pairs]


def _year(counts: Mapping[str, int], last: date) -> Sequence[tuple[str, int]]:
    """How many in each of the twelve months that end with that of a day."""
    months = ((last.year * 12 + last.month - 1 - back) for back in reversed(range(12)))
    names = (f"{month // 12:04}-{month % 12 + 1:02}" for month in months)
    return [(name, counts.get(name, 0)) for name in names]


def _days(old: EventView, new: EventView) -> int:
    first, then = (shanghai_day(datetime.fromisoformat(one.recorded_at)) for one in (old, new))
    return (then - first).days


def _differing(
    old: FactTold, new: FactTold, visit: Visit[Any]
) -> Sequence[tuple[Markup, Markup | None, Markup | None]]:
    """What the facts say otherwise; of a fact that is void all that it said."""
    void = new.fact.replaces is None
    was, now = _said(old, visit), {} if void else _said(new, visit)
    now |= {} if void else {visit.t("event.holds"): visit.day(new.fact.effective_on)}
    was |= {visit.t("event.holds"): visit.day(old.fact.effective_on)}
    return [(name, was.get(name), now.get(name)) for name in {**was, **now} if was.get(name) != now.get(name)]


def _said(one: FactTold, visit: Visit[Any]) -> dict[Markup, Markup]:
    """What a fact says, by the names of its fields: in words, or else as it was recorded."""
    texts = {text.digest: text for text in one.fact.disclosures}
    others = ((name, value) for name, value in one.fact.data.items() if name not in TOLD and value not in (None, []))
    return {
        **dict(one.details),
        **{Markup("<code>{}</code>").format(name): as_recorded(value, texts, visit) for name, value in others},
    }
