"""POST /graphql: a query in JSON, the answer in JSON, errors with the same codes as REST."""

from typing import Annotated, Any
from uuid import uuid4

import msgspec
from graphql import GraphQLError
from litestar import post
from msgspec import Meta

from api.graphql.errors import shortened
from api.graphql.execute import Answer as Found
from api.graphql.execute import answer
from api.http.answers import ALWAYS, JSON, ONCE, Answer, AtHead
from api.http.asking import NoParameters, asked
from api.http.body import checked, decoded
from api.http.documented import answers as documented
from api.http.question import Ask
from api.services.problems import note, trouble


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A GraphQL request, as GraphQL over HTTP has it."""

    query: Annotated[str, Meta(min_length=1)]
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


_DECODE = msgspec.json.Decoder(GraphQLRequest).decode


@post("/graphql", responses=documented(dict[str, Any], 413, 415), status_code=200, tags=["graphql"])
async def graphql(request: Ask) -> Answer:
    """Answer a GraphQL query. The schema is at /schema.graphql."""
    question = request.question
    asked(question.parameters, NoParameters)
    await checked(question.body)
    given = decoded(_DECODE, question.body)
    found = await answer(request.reader, given.query, given.variables or {}, given.operation_name)
    unpinned = [moment.position for moment in found.moments.moments if not moment.pinned]
    stays = ONCE if found.errors else AtHead(max(unpinned)) if unpinned else ALWAYS
    headers = {"Content-Type": JSON, "Cache-Control": "no-cache"}
    if found.moments.position is not None:
        headers["Log-Position"] = str(found.moments.position)
    return Answer(encoded(found), headers, stays)


def encoded(found: Found) -> bytes:
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
    note("graphql", what, error.original_error, extensions["traceId"])
    return {**formatted, "message": shortened(what.detail), "extensions": extensions}
