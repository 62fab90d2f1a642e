"""The API's own descriptions: OpenAPI 3.1 and the GraphQL schema."""

from hashlib import sha256

from litestar import Response, get

from api.answers import JSON, KEPT, Ask
from api.graphql.schema import SCHEMA


@get("/openapi.json", include_in_schema=False)
async def openapi(request: Ask) -> Response[bytes]:
    """The OpenAPI 3.1 description."""
    from api.openapi import openapi_json  # noqa: PLC0415 - it describes the application that is wired from this module

    return _same(request, openapi_json(request.app), JSON)


@get("/schema.graphql", include_in_schema=False)
async def graphql_schema(request: Ask) -> Response[bytes]:
    """The GraphQL schema in SDL."""
    return _same(request, f"{SCHEMA.as_str()}\n".encode(), "text/plain")


def _same(request: Ask, body: bytes, media_type: str) -> Response[bytes]:
    """An answer that stays the same as long as the process runs."""
    request.scope[KEPT] = True  # type: ignore[typeddict-unknown-key]
    headers = {"ETag": f'"{sha256(body).hexdigest()[:32]}"', "Cache-Control": "no-cache"}
    return Response(body, media_type=media_type, headers=headers)
