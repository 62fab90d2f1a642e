"""Facts as CloudEvents 1.0, in its JSON batch format: the page of the log, in envelopes that others' tools know."""

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.http.answers import Answer, made
from api.http.question import CLOUDEVENTS, Ask
from api.services.places import PublicBase
from domain.commands import FACTS
from projections.as_of import Meta, Moment
from projections.lists import Page
from projections.views.events import EventView, as_brought, undone_in

_DAY_BEGINS: Final = "T00:00:00+08:00"  # where the record's days begin


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as a CloudEvent 1.0. `source` and `id` name it for ever, `sequence` orders those of a source.

    `time` is when it holds from, `recordedtime` when the log took it; `correlationid` is its request, `causationid` the
    `id` of the fact that it undoes, if any. `data` is the item of /v1/events without `undoneBy` and `meta`.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | UnsetType = UNSET  # absent for a fact that was recorded as a type of an earlier release
    sequence: str
    recordedtime: str
    correlationid: str
    causationid: str | UnsetType = UNSET
    data: dict[str, Any]


def cloud_event(one: EventView, log: str, base: PublicBase) -> CloudEvent:
    """The envelope of a fact of a log."""
    undone = undone_in(one)
    return CloudEvent(
        id=str(one.position),
        source=base.link(f"/log/{log}"),
        type=one.type,
        subject=one.stream,
        time=f"{one.effective_on}{_DAY_BEGINS}",
        dataschema=base.whole(f"/schemas/events/{one.type}.schema.json") if one.type in FACTS else UNSET,
        sequence=f"{one.position:016}",
        recordedtime=one.recorded_at,
        correlationid=str(one.cause.request),
        causationid=UNSET if undone is None else str(undone),
        data=as_brought(one),
    )


def batch(  # noqa: PLR0913 - a page, its links, and what its headers are made from
    request: Ask, found: Page[EventView], following: str | None, meta: Meta, moment: Moment, *, explicit_day: bool
) -> Answer:
    """A page of facts as a batch; the page that follows stands in the header Link (RFC 8288)."""
    base: PublicBase = request.app.state.base
    body = msgspec.json.encode([cloud_event(one.view, moment.log, base) for one in found.shown])
    links = {"canonical": meta.self_} | ({"next": following} if following else {})
    return made(request, body, moment, CLOUDEVENTS, explicit_day=explicit_day, erasable=True, links=links)
