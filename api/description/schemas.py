"""The API's own descriptions: OpenAPI 3.1 and the GraphQL schema."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Final

from litestar import Litestar, get

from api.catalogue.linkset import API_CATALOG
from api.description.events import SCHEMAS, event_schemas
from api.description.openapi import openapi_json, pretty
from api.graphql.schema import STRAWBERRY
from api.http.answers import JSON, Answer, same
from api.http.asking import NoParameters, asked
from api.http.paths import SchemaFile
from api.http.question import Ask
from api.services.problems import echo, unknown_address

SUFFIX: Final = ".schema.json"


@get("/openapi.json", include_in_schema=False)
async def openapi(request: Ask) -> Answer:
    """The OpenAPI 3.1 description."""
    asked(request.question.parameters, NoParameters)
    # It takes longer to make than a step of the event loop may, and is made once.
    body = await asyncio.to_thread(_description, request.app.state.described)
    return same(body, JSON, Link=f'<{API_CATALOG}>; rel="api-catalog"')


@get("/schema.graphql", include_in_schema=False)
async def graphql_schema(request: Ask) -> Answer:
    """The GraphQL schema in SDL."""
    asked(request.question.parameters, NoParameters)
    return same(_sdl(), "text/plain; charset=utf-8")


@get("/schemas/events/{name:str}", include_in_schema=False)
async def event_schema(request: Ask, name: SchemaFile) -> Answer:
    """The JSON Schema of one type of event."""
    asked(request.question.parameters, NoParameters)
    found = event_schemas().get(name.removesuffix(SUFFIX)) if name.endswith(SUFFIX) else None
    if found is None:
        known = ", ".join(f"{SCHEMAS}/{type_}{SUFFIX}" for type_ in event_schemas())
        raise unknown_address(f"there is no schema {echo(name)}; there are {known}")
    return same(pretty(found), "application/schema+json")


@cache
def _description(described: Callable[[], Litestar]) -> bytes:
    return openapi_json(described())


@cache
def _sdl() -> bytes:
    return f"{STRAWBERRY.as_str()}\n".encode()
