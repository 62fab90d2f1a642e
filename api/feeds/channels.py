"""The addresses of feeds: of the log by any filter, and short names for what people subscribe to."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from litestar import get

from api.feeds.atom import print_atom
from api.feeds.documents import FeedDocument, feed_entry, feed_id, feed_title, page_of_feed
from api.feeds.jsonfeed import JsonFeed, print_json_feed
from api.feeds.reading import FeedFacts, FeedQuery, facts_of, names_told
from api.http.answers import Answer, etag_of, made, noticed
from api.http.asking import asked, known, part_of
from api.http.documented import answers, operation
from api.http.formats import FEED_TYPES, FeedForm
from api.http.paths import Code, PlanKey, TaskNumber, UnitKey
from api.http.question import Ask
from api.services.places import PublicBase
from api.services.problems import Fault, Trouble
from api.services.reader import CLOCKS
from api.services.told import PlainVoice
from domain.values import instant_text
from events.demo import is_demo
from events.steps import in_steps
from projections.views.events import EventFilter

_FILTERED: Final = operation(FeedQuery, EventFilter, suffixes=(FeedForm.ATOM, FeedForm.JSON))
_SHORT: Final = operation(FeedQuery, suffixes=(FeedForm.ATOM,))
_RESPONSES: Final = answers(JsonFeed, 503)
IN_BOTH_FORMS: Final = ("/feeds/events", "/feeds/corrections")
_PRINTED: Final = {FeedForm.ATOM: print_atom, FeedForm.JSON: print_json_feed}


@get("/feeds/events", operation_class=_FILTERED, responses=_RESPONSES, tags=["feeds"])
async def event_feed(request: Ask) -> Answer:
    """What was recorded last, the newest first, as a feed with archives; it takes the filters of /v1/events."""
    query = request.question.parameters
    known(query, FeedQuery, EventFilter)
    return await _feed(request, part_of(query, EventFilter), part_of(query, FeedQuery))


@get("/feeds/corrections", operation_class=_FILTERED, responses=_RESPONSES, tags=["feeds"])
async def correction_feed(request: Ask) -> Answer:
    """What was corrected last, as a feed with archives: the replacements and voidings of what the filters bring."""
    query = request.question.parameters
    known(query, FeedQuery, EventFilter)
    about = part_of(query, EventFilter)
    if "corrections" in query and not about.corrections:
        detail = "this feed has corrections alone: leave the parameter out, or ask for /feeds/events"
        raise Trouble(400, "bad_parameter", detail, [Fault("corrections", detail)])
    return await _feed(request, msgspec.structs.replace(about, corrections=True), part_of(query, FeedQuery))


@get("/feeds/plans/{plan:str}", operation_class=_SHORT, responses=_RESPONSES, tags=["feeds"])
async def plan_feed(request: Ask, plan: PlanKey) -> Answer:
    """What was recorded last of a plan, its tasks, and the reports on them, as a feed with archives."""
    return await _short(request, EventFilter(plan=plan))


@get("/feeds/tasks/{plan:str}/{key:int}", operation_class=_SHORT, responses=_RESPONSES, tags=["feeds"])
async def task_feed(request: Ask, plan: PlanKey, key: TaskNumber) -> Answer:
    """What was recorded last of a task and the reports on it, as a feed with archives."""
    return await _short(request, EventFilter(task=f"{plan}/{key}"))


@get("/feeds/units/{unit:str}", operation_class=_SHORT, responses=_RESPONSES, tags=["feeds"])
async def unit_feed(request: Ask, unit: UnitKey) -> Answer:
    """What was recorded last of a unit or group, or names it, as a feed with archives."""
    return await _short(request, EventFilter(unit=unit))


@get("/feeds/districts/{code:str}", operation_class=_SHORT, responses=_RESPONSES, tags=["feeds"])
async def district_feed(request: Ask, code: Code) -> Answer:
    """What was recorded last of a district and its units, or names one of them, as a feed with archives."""
    return await _short(request, EventFilter(district=code))


async def _short(request: Ask, about: EventFilter) -> Answer:
    return await _feed(request, about, asked(request.question.parameters, FeedQuery))


async def _feed(request: Ask, about: EventFilter, given: FeedQuery) -> Answer:
    """A document of the feed. Its validator is that of its own bytes: most facts are none of this feed's."""
    form = request.question.suffix
    assert isinstance(form, FeedForm)  # noqa: S101 - no address of a feed lacks one
    found = await facts_of(request.reader, about, given)
    body = _PRINTED[form](await _document(request, about, given, found), _base(request))
    explicit = given.archive is not None or given.effective_on is not None
    answer = made(request, body, found.moment, FEED_TYPES[form], explicit_day=explicit)
    answer.headers["ETag"] = etag_of(body)
    return answer if found.moment.pinned else noticed(request, answer)


def _base(request: Ask) -> PublicBase:
    return request.app.state.base


async def _document(request: Ask, about: EventFilter, given: FeedQuery, found: FeedFacts) -> FeedDocument:
    reader, moment = request.reader, found.moment
    voice = PlainVoice(given.lang)
    names = await names_told(reader, moment, about, found.facts)
    told = (feed_entry(moment.log, one, names, voice) for one in reversed(found.facts))
    entries = [one async for one in in_steps(told)]
    asked_for = {name: value for name, value in request.question.query if name != "minPosition"}
    rest = {name: value for name, value in asked_for.items() if name not in (*CLOCKS, "archive")}
    last = found.facts[-1].recorded_at if found.facts else instant_text(reader.head.recorded_at(1))

    def archive(number: int | None) -> str | None:
        return None if number is None else _address(request, {**rest, "archive": str(number)})

    return FeedDocument(
        id=feed_id(moment.log, about, given.lang),
        title=feed_title(about, names, voice),
        notice=voice.t("demo.notice") if is_demo(moment.origin) else None,
        lang=given.lang,
        log=moment.log,
        origin=moment.origin,
        license=reader.license,
        own=_address(request, asked_for),
        current=_address(request, rest),
        page=page_of_feed(about, given.lang),
        previous=archive(found.previous),
        following=archive(found.following),
        archive=given.archive is not None,
        updated=last,
        entries=entries,
    )


def _address(request: Ask, query: Mapping[str, str]) -> str:
    """The feed's own path, with these parameters in one order."""
    address = request.question.address
    return f"{address}?{urlencode(sorted(query.items()))}" if query else address
