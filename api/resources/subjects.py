"""Subjects as the record showed them: one of each kind, all of them, and what else is listed."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from api.http import mementos
from api.http.answers import ONCE, Answer, TypedLink, ok
from api.http.asking import Clocks, asked, clocks
from api.http.documented import READ, list_operation
from api.http.documented import answers as documented
from api.http.formats import PLAN_TYPES, PlanForm
from api.http.lists import ListBody, listing
from api.http.question import Ask
from api.resources.addresses import ADDRESSES, Described, handler
from projections.as_of import Moment
from projections.lists import Collection
from projections.views.platforms import PLAN_PLATFORMS
from projections.views.report_list import PLAN_REPORTS, TASK_REPORTS
from projections.views.subjects import PLAN, SUBJECTS, TASK, Kind, Subject
from projections.views.targets import TARGET_LIST


class Listed(NamedTuple):
    """A list: what its handler is called and says, where it is, and `within` what it lies."""

    name: str
    words: str
    path: str
    parts: Mapping[str, Any]
    tag: str
    collection: Collection[Any, Any]
    within: Subject[Any] | None


def _one(kind: Kind) -> Any:
    """The handler of a single subject."""
    address, subject = ADDRESSES[kind], SUBJECTS[kind]

    async def answer(request: Ask, key: str) -> Answer:
        return await _shown(request, subject, key, address.standard)

    described = Described(READ, documented(subject.view), address.tag)
    return handler(f"one_{kind}", address.one, address.path, address.parts, described, answer)


async def _shown(request: Ask, subject: Subject[Any], key: str, standard: PlanForm | None) -> Answer:
    """The one with a key, as the record showed it, or the problem that says from when to when it is there."""
    question, reader = request.question, request.reader
    if mementos.asks(question, subject):
        location, links = await mementos.negotiated(question, reader, subject, key)
        return Answer(b"", {"Location": location, "Link": links, "Cache-Control": "no-cache"}, ONCE, 302)
    counting = subject.list.counting
    wants = dict.fromkeys((*subject.one(key), *(counting.ahead(key) if counting else ())))
    moment, rows = await reader.rows(clocks(asked(question.parameters, Clocks)), tuple(wants))
    view = next(iter(subject.show(rows, moment.effective_on, key)), None)
    if view is None:
        raise await reader.absent(subject, key, moment)
    if counting:
        (view,) = await reader.counted(counting, [view], rows, moment, key)
    meta = reader.meta(moment, question.path, question.parameters)
    times = mementos.links(question.path, subject)
    links = {**times, **({"alternate": _elsewhere(request, moment, standard)} if standard else {})}
    answer = ok(request, msgspec.structs.replace(view, meta=meta), moment, links=links)
    if times and moment.pinned:
        answer.headers["Memento-Datetime"] = mementos.http_date(moment.as_of)
    return answer


def _elsewhere(request: Ask, moment: Moment, form: PlanForm) -> TypedLink:
    """Where the same is given in a standard, at the same moment."""
    path = f"{request.question.path}.{form}"
    return TypedLink(request.reader.meta(moment, path, {}).self_, PLAN_TYPES[form])


def _all(kind: Kind) -> Any:
    """The handler of the list of a kind."""
    address, subject = ADDRESSES[kind], SUBJECTS[kind]
    within = SUBJECTS[subject.within] if subject.within else None
    return _list(Listed(f"{kind}_list", address.all, *address.above, address.tag, subject.list, within))


def _list(listed: Listed) -> Any:
    collection, within = listed.collection, listed.within

    async def answer(request: Ask, scope: str) -> Answer:
        return await listing(request, collection, scope=scope, within=within)

    described = Described(list_operation(collection), documented(ListBody[collection.view]), listed.tag)
    return handler(listed.name, listed.words, listed.path, listed.parts, described, answer)


_IN_PLAN, _IN_TASK = ADDRESSES[Kind.PLAN], ADDRESSES[Kind.TASK]
_OTHERS: Final = (
    Listed(
        "target_list",
        "The numbers that the tasks of a plan promise, by the task's number.",
        f"{_IN_PLAN.path}/targets",
        _IN_PLAN.parts,
        "plans",
        TARGET_LIST,
        PLAN,
    ),
    Listed(
        "plan_platforms",
        "The information systems that the tasks of a plan name, each with those tasks.",
        f"{_IN_PLAN.path}/platforms",
        _IN_PLAN.parts,
        "platforms",
        PLAN_PLATFORMS,
        PLAN,
    ),
    Listed(
        "plan_reports",
        "All reports on the tasks of a plan with their text, by the task's key, the unit and the period.",
        f"{_IN_PLAN.path}/reports",
        _IN_PLAN.parts,
        "reports",
        PLAN_REPORTS,
        PLAN,
    ),
    Listed(
        "task_reports",
        "All reports on one task with their text, by unit and period.",
        f"{_IN_TASK.path}/reports",
        _IN_TASK.parts,
        "reports",
        TASK_REPORTS,
        TASK,
    ),
)

HANDLERS: Final = [  # in the order in which OpenAPI has them
    made for kind in ADDRESSES for made in (*(map(_list, _OTHERS) if kind == Kind.TASK else ()), _all(kind), _one(kind))
]
