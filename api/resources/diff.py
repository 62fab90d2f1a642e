"""What changed between two moments: of one thing, or everything at once."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import Answer, made
from api.http.asking import Paging, Sheet, asked, known, parameters_of, part_of
from api.http.cursors import NOT_OURS, another_moment, parse_cursor, print_cursor, started
from api.http.documented import answers as documented
from api.http.documented import operation
from api.http.lists import answer
from api.http.question import Ask
from api.http.spans import Between, Ends, Span, between_of, span_of
from api.resources.addresses import ADDRESSES, Described, handler
from api.services.problems import Fault, Trouble
from projections.as_of import AsOf
from projections.lists import EMPTY_ROWS, EVERYTHING, Collection, Page, with_json
from projections.views import diff
from projections.views.diff import Because, Changed, Outcome
from projections.views.history import Change
from projections.views.subjects import PLAN, Kind, Subject, whole


class Difference(msgspec.Struct, frozen=True):
    """What changed of one thing between two moments; of what came or went each field stands against null."""

    kind: Kind
    id: str
    change: Outcome
    changes: tuple[Change, ...]
    facts: tuple[Because, ...]
    meta: Between


class Differences(msgspec.Struct, frozen=True):
    """All that changed between two moments, kind by kind, by number or id."""

    items: tuple[Changed, ...]
    next: str | None
    meta: Between


class Narrowed(msgspec.Struct, frozen=True):
    """Which changes."""

    plan: Annotated[
        str | None,
        Meta(description="Only this plan and what has to do with it.", examples=["shanghai-credit-2023"]),
    ] = None
    kind: Annotated[Kind | None, Meta(description="Only changes of things of this kind.", examples=["task"])] = None


_DESCRIBED: Final = Described(operation(Ends), documented(Difference), "diff")
CHANGES: Collection[Changed, Narrowed] = Collection(
    name="changes",
    view=Changed,
    filter=Narrowed,
    wanted=lambda _scope, _filter, _after, _limit: (),  # it is read at two moments
    shown=lambda _rows, _moment: (),
    place=lambda changed, _: (changed.kind, changed.id),
    places=lambda _: tuple[str, str],
)


def _diff(subject: Subject[Any]) -> Any:
    """The handler of what changed of one thing; a problem if it is there at neither moment."""
    address, kind = ADDRESSES[subject.kind], subject.kind

    async def answer(request: Ask, key: str) -> Answer:
        query = request.question.parameters
        span = await span_of(request.reader, asked(query, Ends))
        acquire, memory = request.reader.slices.acquire, request.reader.memory
        found = await diff.one_changed(acquire, subject, key, (span.before, span.after), memory)
        if found is None:
            raise await request.reader.absent(subject, key, span.after)
        meta = between_of(span, request.reader.license, request.question.path, query)
        body = msgspec.json.encode(Difference(found.kind, found.id, found.change, found.changes, found.facts, meta))
        return made(request, body, span.moment, explicit_day=_explicit(query), links={"canonical": meta.self_})

    return handler(f"{kind}_diff", address.diff, f"{address.path}/diff", address.parts, _DESCRIBED, answer)


def _explicit(query: Mapping[str, str]) -> bool:
    """Whether the question itself names both days; a cursor names them too."""
    return "cursor" in query or {"fromEffectiveOn", "toEffectiveOn"} <= query.keys()


@get(
    "/v1/diff",
    operation_class=operation(Ends, Narrowed, Paging, Sheet),
    responses=documented(Differences),
    tags=["diff"],
)
async def all_changes(request: Ask) -> Answer:
    """Everything that changed between two moments, each with the facts behind it.

    Each change stands once: what a unit, a district or a platform has by being named in a task stands at the task.
    """
    query = request.question.parameters
    known(query, Ends, Narrowed, Paging, Sheet)
    narrowed, paging = part_of(query, Narrowed), part_of(query, Paging)
    span = await span_of(request.reader, part_of(query, Ends))
    found = await _changes(request, narrowed, span)
    start = _start(found, narrowed, span, paging.cursor)
    limit = EVERYTHING if request.question.whole else paging.limit
    page = found[start : start + limit]
    more = start + limit < len(found)
    meta = between_of(span, request.reader.license, request.question.address, query)
    following = _following(request, narrowed, span, page[-1]) if more else None
    shown = Page(with_json(page), more, EMPTY_ROWS)
    return answer(request, Changed, shown, following, meta, span.moment, explicit_day=_explicit(query))


async def _changes(request: Ask, narrowed: Narrowed, span: Span) -> list[Changed]:
    """All changes, or those of one plan; a problem if it is there at neither moment."""
    acquire, memory = request.reader.slices.acquire, request.reader.memory
    found = await diff.changed_between(acquire, narrowed.plan, span.before, span.after, memory)
    if found is None:
        raise await request.reader.absent(PLAN, narrowed.plan or "", span.after)
    return [one for one in found if narrowed.kind in {None, one.kind}]


def _scope(span: Span) -> str:
    return f"{span.before.position} {span.before.effective_on}"


def _start(found: Sequence[Changed], narrowed: Narrowed, span: Span, text: str | None) -> int:
    """Where the page begins: behind the place that the cursor names, at the very same moments."""
    if text is None:
        return 0
    cursor = parse_cursor(CHANGES, _scope(span), narrowed, text)
    if started(AsOf(position=span.after.position, effective_on=span.after.effective_on), cursor).resent:
        raise another_moment()
    places = [CHANGES.place(one, narrowed) for one in found]
    if cursor.place not in places:
        raise Trouble(400, "bad_cursor", NOT_OURS, [Fault("cursor", NOT_OURS)])
    return places.index(cursor.place) + 1


def _following(request: Ask, narrowed: Narrowed, span: Span, last: Changed) -> str:
    """The address of the next page, which names both moments: paging never mixes states."""
    rest = {name: value for name, value in request.question.parameters.items() if name not in parameters_of(Ends)}
    cursor = print_cursor(CHANGES, _scope(span), narrowed, span.after, CHANGES.place(last, narrowed), "")
    return f"{request.question.address}?{urlencode({**rest, **span.pins(), 'cursor': cursor})}"


HANDLERS: Final = [*(_diff(one) for one in whole()), all_changes]
