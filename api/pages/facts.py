"""One fact of the record: who recorded what, why, from when on, what it changed, and how its being there is checked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import get
from markupsafe import Markup

from api.http.answers import ONCE, Answer
from api.http.paths import At
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.told import Sides, as_recorded, facts_told, names_for, sides_of, text_told
from api.pages.visit import PageQuery, Visit
from api.pages.wording import word_by_word
from api.services.told import Names, subject
from events.notes import vkey_of
from events.steps import in_steps
from projections.as_of import Moment
from projections.views import events, history
from projections.views.events import DisclosureView, EventView, undone_in
from projections.views.history import Effective, Version

_DRAWN: Final = 20  # stretches of days on which a fact changed something


class ChangedDays(NamedTuple):
    """From when to when a fact changed what; where it reworded a text, that word by word."""

    effective: Effective
    sides: Sequence[Sides]
    wording: Markup | None


@get("/events/{position:int}", include_in_schema=False)
async def event(request: Ask, position: At) -> Answer:
    """One fact, as the record stood at the moment asked for."""
    visit = Visit(request, PageQuery)
    moment = await request.reader.moment(visit.asked)
    if not 1 <= position <= moment.position:
        return _beyond(visit, moment, position)
    async with request.reader.pool.acquire() as connection:
        (fact,) = await events.at(connection, [position], moment.position)
        own = await events.of_subject(connection, position, fact.stream, f"{fact.stream}/")
        key = await vkey_of(connection, moment.log)
    names = await names_for(visit, moment, [fact])
    (told,) = facts_told([fact], names, visit)
    versions = [one async for one in in_steps(history.versions(own, behind=position - 1))]
    texts = {one.digest: one for one in fact.disclosures}
    return drawn(
        "fact.html",
        visit,
        moment,
        json=f"/v1/events/{position}",
        erasable=True,
        script=key is not None,
        key=key,
        told=told,
        fact=fact,
        path=subject(fact.stream, names, visit)[1],
        undoes=undone_in(fact),
        request=_request(fact, moment),
        texts=[(one, text_told(one, visit)) for one in fact.disclosures],
        fields=_fields(fact, texts, visit),
        changes=[_changed(one, names, visit) for one in versions[:_DRAWN] if one.changes],
        cut=_DRAWN if len(versions) > _DRAWN else None,
        previous=position - 1 if position > 1 else None,
        following=position + 1 if position < moment.position else None,
    )


def _beyond(visit: Visit[PageQuery], moment: Moment, position: int) -> Answer:
    """The page of a fact that the record does not hold at a moment: which one is the last, and whether it is there."""
    there = 1 <= position <= visit.request.reader.head.size
    page = drawn(
        "nofact.html",
        visit,
        moment,
        json="/v1/events",
        position=position,
        detail=visit.request.reader.beyond(position, moment).detail,
        there=visit.link(visit.path, asOf=None, position=None, effectiveOn=None) if there else None,
    )
    headers = {name: value for name, value in page.headers.items() if name not in {"ETag", "Last-Modified"}}
    return Answer(page.content, headers | {"Cache-Control": "no-store"}, ONCE, 404)


def _request(fact: EventView, moment: Moment) -> Mapping[str, int]:
    """Where it stands among the facts of its request, as far as the record shows them."""
    first, count = fact.position - fact.in_request.index, fact.in_request.count
    last = min(first + count - 1, moment.position)
    return {"number": fact.in_request.index + 1, "count": count, "first": first, "last": last}


def _fields(fact: EventView, texts: Mapping[str, DisclosureView], visit: Visit[Any]) -> Sequence[tuple[str, Markup]]:
    """All fields of what was recorded, by the names that they have in it."""
    return [(name, as_recorded(value, texts, visit)) for name, value in fact.data.items() if value is not None]


def _changed(one: Version, names: Names, visit: Visit[Any]) -> ChangedDays:
    reworded = [each for each in one.changes if each.field == "text" and None not in (each.before, each.after)]
    others = [each for each in one.changes if each not in reworded]
    wording = [word_by_word(each.before, each.after, visit) for each in reworded]
    return ChangedDays(one.effective, sides_of(others, names, visit), next(iter(wording), None))
