"""/graphql: a query by POST or in the address, the answer as GraphQL over HTTP has it, errors with REST's codes."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from graphql import GraphQLError
from litestar import HttpMethod, Response, post, route
from msgspec import Meta

from api.graphql.errors import NotOffered, shortened
from api.graphql.execute import DEAREST, Executed, answer
from api.http.answers import ALWAYS, JSON, ONCE, UNLESS_ERASED, Answer, AtHead, cache_control, etag_of
from api.http.asking import Clocks, NoParameters, asked, clocks
from api.http.body import checked, decoded
from api.http.documented import answers as documented
from api.http.question import GRAPHQL, Ask
from api.http.traces import Trace
from api.services.problems import Fault, Trouble, note, trouble
from domain.misfit import misfit


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A GraphQL request, as GraphQL over HTTP has it."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class Parameters(msgspec.Struct, frozen=True, rename="camel"):
    """The same as a query string; both clocks hold for the roots that name none, so that the address may name them."""

    query: Annotated[str, Meta(description="The query.", examples=["{ plans { nodes { id title } } }"])]
    variables: Annotated[str | None, Meta(description="Its variables, an object in JSON.")] = None
    operation_name: Annotated[str | None, Meta(description="Which of its operations to execute.")] = None
    extensions: Annotated[str | None, Meta(description="An object in JSON; nothing in it is heeded.")] = None
    position: Annotated[int | None, Meta(description="What the log of this size showed.", examples=[354])] = None
    effective_on: Annotated[str | None, Meta(description="What held on this date.", examples=["2023-06-30"])] = None


_METHODS: Final = "GET, HEAD, OPTIONS, POST"
_DECODE = msgspec.json.Decoder(GraphQLRequest).decode
_MAP = msgspec.json.Decoder(dict[str, Any] | None).decode


@route("/graphql", http_method=HttpMethod.OPTIONS, status_code=204, include_in_schema=False)
async def methods() -> Response[None]:
    """What may be asked here. Litestar's own answer forgets the methods that are handled elsewhere."""
    return Response(None, headers={"Allow": _METHODS})


@post("/graphql", responses=documented(dict[str, Any], 406, 413, 415), status_code=200, tags=["graphql"])
async def graphql(request: Ask) -> Answer:
    """Answer a GraphQL query. The schema is at /schema.graphql."""
    question = request.question
    asked(question.parameters, NoParameters)
    await checked(request.content)
    given = decoded(_DECODE, request.content)
    found = await answer(request.reader, given.query, given.variables or {}, given.operation_name)
    return _answered(request, found, {"Cache-Control": "no-cache"})


async def by_get(request: Ask) -> Answer:
    """Answer a GraphQL query that stands in the address."""
    given = asked(request.question.parameters, Parameters)
    variables, _ = await _map("variables", given.variables), await _map("extensions", given.extensions)
    clock = clocks(Clocks(position=given.position, effective_on=given.effective_on))
    found = await answer(request.reader, given.query, variables, given.operation_name, clock)
    pinned = bool(found.moments.moments) and found.moments.pinned and not found.errors
    kept = cache_control(request.reader.head.origin, pinned=pinned, erasable=found.erasable)
    return _answered(request, found, {"Cache-Control": kept}, etag=True)


async def _map(name: str, text: str | None) -> dict[str, Any]:
    """A parameter that is an object in JSON."""
    content = (text or "null").encode()
    try:
        await checked(content)
        return _MAP(content) or {}
    except (Trouble, msgspec.DecodeError) as error:
        detail = (
            f"{name} is no object in JSON: {error.detail if isinstance(error, Trouble) else misfit(error).sentence}"
        )
        raise Trouble(400, "bad_parameter", detail, [Fault(name, detail)]) from error


def _answered(request: Ask, found: Executed, headers: dict[str, str], *, etag: bool = False) -> Answer:
    """The answer in the media type that is preferred, with the status that this media type wants."""
    media_type = request.question.result
    if not media_type:
        detail = f"an answer to GraphQL is {' or '.join(GRAPHQL)}: accept one of them"
        raise Trouble(406, "not_acceptable", detail)
    unpinned = [moment.position for moment in found.moments.moments if not moment.pinned]
    lasting = UNLESS_ERASED if found.erasable else ALWAYS
    stays = ONCE if found.errors else AtHead(max(unpinned)) if unpinned else lasting
    body = encoded(found, request.trace)
    headers["Content-Type"] = media_type
    if found.moments.position is not None:
        headers["Log-Position"] = str(found.moments.position)
    if etag and not found.errors:
        headers["ETag"] = etag_of(media_type.encode() + body)
    status = _status(request, found, media_type)
    if status == 405:  # noqa: PLR2004
        headers["Allow"] = _METHODS
    return Answer(body, headers, stays, status)


def _status(request: Ask, found: Executed, media_type: str) -> int:
    """GraphQL over HTTP: in plain JSON a well-formed request is always 200; else what was refused unread is 400."""
    if request.question.method == "GET" and any(isinstance(one, NotOffered) for one in found.errors):
        return 405
    return 400 if found.data is None and media_type != JSON else 200


def encoded(found: Executed, trace: Trace) -> bytes:
    """The answer's bytes; a query that was refused has no data at all, as the specification has it."""
    body: dict[str, Any] = {} if found.data is None else {"data": found.data}
    if found.errors:
        body["errors"] = errors_of(found.errors, trace)
    if found.data is not None:
        body["extensions"] = {"cost": {"asked": found.cost, "limit": DEAREST}}
    return msgspec.json.encode(body)


def errors_of(errors: Sequence[GraphQLError], trace: Trace) -> list[Any]:
    """Errors as GraphQL has them; what nobody foresaw is written down."""
    _note(errors, trace)
    return [error_of(error, trace) for error in errors]


def _note(errors: Sequence[GraphQLError], trace: Trace) -> None:
    """Write down what went wrong, once: what one root meets the others often meet, too."""
    originals = [one.original_error for one in errors]
    told = {(type(one), trouble(one).code): one for one in originals if one and not isinstance(one, GraphQLError)}
    for one in told.values():
        note("graphql", trouble(one), one, trace.id)


def error_of(error: GraphQLError, trace: Trace) -> dict[str, Any]:
    """An error as GraphQL has it, with the code that REST would give, and never a stack trace."""
    formatted: dict[str, Any] = {**error.formatted, "message": shortened(error.message)}
    if error.original_error is None or isinstance(error.original_error, GraphQLError):
        return {**formatted, "extensions": {"code": "malformed"}}
    what = trouble(error.original_error)
    extensions: dict[str, Any] = {"code": what.code, "status": what.status, "traceId": trace.id}
    return {**formatted, "message": shortened(what.detail), "extensions": extensions}
