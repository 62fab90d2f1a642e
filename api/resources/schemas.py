"""The API's own descriptions: OpenAPI 3.1 and the GraphQL schema."""

from litestar import Response, get

from api.answers import Ask
from api.graphql.schema import SCHEMA


@get("/openapi.json", include_in_schema=False)
async def openapi(request: Ask) -> Response[bytes]:
    """The OpenAPI 3.1 description."""
    from api.openapi import openapi_json  # noqa: PLC0415 - it describes the application that is wired from this module

    return Response(openapi_json(request.app), media_type="application/json")


@get("/schema.graphql", include_in_schema=False)
async def graphql_schema() -> Response[bytes]:
    """The GraphQL schema in SDL."""
    return Response(f"{SCHEMA.as_str()}\n".encode(), media_type="text/plain; charset=utf-8")
