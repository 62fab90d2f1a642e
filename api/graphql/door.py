"""POST /graphql: a query in JSON, the answer in JSON, errors with the same codes as REST."""

from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from graphql import GraphQLError
from litestar import Response, post
from msgspec import Meta

from api.answers import FOREVER, KEPT, Ask, reader
from api.asking import NoParameters, asked, query_of
from api.body import check_json, decoded, read_body
from api.documented import answers as documented
from api.graphql.errors import shortened
from api.graphql.execute import Answer, answer
from api.graphql.parsed import LONGEST
from api.problems import Trouble, log, trouble


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A GraphQL request, as GraphQL over HTTP has it."""

    query: Annotated[str, Meta(min_length=1)]
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


LONGEST_BODY: Final = 4 * LONGEST  # bytes
_DECODE = msgspec.json.Decoder(GraphQLRequest).decode


@post("/graphql", responses=documented(dict[str, Any], 413, 415), status_code=200, tags=["graphql"])
async def graphql(request: Ask) -> Response[bytes]:
    """Answer a GraphQL query. The schema is at /schema.graphql."""
    asked(query_of(request), NoParameters)
    given = decoded(_DECODE, await _body(request))
    found = await answer(reader(request), given.query, given.variables or {}, given.operation_name)
    if not found.errors:
        unpinned = [moment.position for moment in found.moments.moments if not moment.pinned]
        request.scope[KEPT] = max(unpinned, default=FOREVER)  # type: ignore[typeddict-unknown-key]
    headers = {"Cache-Control": "no-cache"}
    if found.moments.position is not None:
        headers["Log-Position"] = str(found.moments.position)
    return Response(encoded(found), status_code=200, media_type="application/json", headers=headers)


async def _body(request: Ask) -> bytes:
    """The request's bytes; Trouble for so many that the query, or what is given along with it, must be too long."""
    body = await read_body(request)
    if len(body) > LONGEST_BODY:
        detail = f"a query has at most {LONGEST:,} bytes, and {LONGEST_BODY:,} with its variables: ask for less at once"
        raise Trouble(413, "query_too_long", detail)
    check_json(body)
    return body


def encoded(found: Answer) -> bytes:
    """The answer's bytes; a query that was refused has no data at all, as the specification has it."""
    body: dict[str, Any] = {} if found.data is None else {"data": found.data}
    if found.errors:
        body["errors"] = [error_of(error) for error in found.errors]
    return msgspec.json.encode(body)


def error_of(error: GraphQLError) -> dict[str, Any]:
    """An error as GraphQL has it, with the code that REST would give, and never a stack trace."""
    formatted: dict[str, Any] = {**error.formatted, "message": shortened(error.message)}
    if error.original_error is None or isinstance(error.original_error, GraphQLError):
        return {**formatted, "extensions": {"code": "malformed"}}
    what = trouble(error.original_error)
    extensions: dict[str, Any] = {"code": what.code, "status": what.status, "traceId": uuid4().hex}
    if what.status >= 500:  # noqa: PLR2004
        unforeseen = error.original_error if what.code == "internal" else None
        log.error("graphql: %s, trace %s", what.code, extensions["traceId"], exc_info=unforeseen)
    return {**formatted, "message": shortened(what.detail), "extensions": extensions}
