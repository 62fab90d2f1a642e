"""The peers: what each figure is compared with, plain ASGI applications with nothing around them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import graphql
import msgspec

from events.database import SESSION, lanes_of
from tests.benchmarks.load import HERE, Answer

App = Callable[[Any, Any, Any], Awaitable[None]]
POOL = 4  # as many connections as planrecord reads slices by


class Setup(msgspec.Struct, frozen=True):
    """What a server is told: where the record is, and what to answer."""

    dsn: str
    folder: str
    origin: str
    license: str
    plan: str
    answer: Answer


def messages(answer: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both messages of an answer that is always the same."""
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    return start, {"type": "http.response.body", "body": answer.body}


async def answered(send: Any, body: bytes) -> None:
    """Answer with JSON."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def posted(receive: Any) -> bytes:
    """The request's body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


@asynccontextmanager
async def bytes_(setup: Setup) -> AsyncGenerator[App]:
    """Bytes from memory; a request's body is read."""
    start, body = messages(setup.answer)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await posted(receive)
        await send(start)
        await send(body)

    yield app


@asynccontextmanager
async def round_trip(setup: Setup) -> AsyncGenerator[App]:
    """The same bytes after one empty statement through asyncpg's pool as it comes, which resets what it lent."""
    async with asyncpg.create_pool(setup.dsn, min_size=1, max_size=POOL, server_settings=SESSION) as pool:
        yield _after_one_statement(setup, pool.acquire)


@asynccontextmanager
async def lean_round_trip(setup: Setup) -> AsyncGenerator[App]:
    """The same over the very lanes that planrecord reads slices by: nothing but the statement."""
    async with lanes_of(setup.dsn, POOL, SESSION) as lanes:
        yield _after_one_statement(setup, lanes.acquire)


def _after_one_statement(setup: Setup, acquire: Callable[[], AbstractAsyncContextManager[Any]]) -> App:
    start, body = messages(setup.answer)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async with acquire() as connection:
            await connection.fetchval("SELECT 1")
        await send(start)
        await send(body)

    return app


@asynccontextmanager
async def json_agg(setup: Setup) -> AsyncGenerator[App]:
    """The same JSON, put together by one statement."""
    sql = (HERE / "json_agg.sql").read_text()
    async with lanes_of(setup.dsn, POOL) as pool:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            query = dict(parse_qsl(scope["query_string"].decode()))
            position, day = int(query["position"]), date.fromisoformat(query["effectiveOn"])
            async with pool.acquire() as connection:
                text = await connection.fetchval(sql, setup.plan, position, day, setup.license)
            await answered(send, text.encode())

        yield app


@asynccontextmanager
async def graphql_core(setup: Setup) -> AsyncGenerator[App]:
    """graphql-core's execution of the same query on ready objects; the document is parsed and validated once."""
    from api.graphql.schema import STRAWBERRY

    schema = graphql.build_schema(STRAWBERRY.as_str())
    document = graphql.parse((HERE / "tasks.graphql").read_text())
    assert not graphql.validate(schema, document)
    execute: Any = graphql.execute_sync  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    ready = msgspec.json.decode(setup.answer.body)["data"]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        variables = msgspec.json.decode(await posted(receive))["variables"]
        result = execute(schema, document, ready, variable_values=variables)
        await answered(send, msgspec.json.encode({"data": result.data}))

    yield app


@asynccontextmanager
async def bare_broadcaster(setup: Setup) -> AsyncGenerator[App]:
    """A future that all wait for: who posts has the same bytes sent to everybody, as a server-sent event."""
    loop = asyncio.get_running_loop()
    said: list[asyncio.Future[None]] = [loop.create_future()]
    event = b"id: 1\ndata: %b\n\n" % setup.answer.body

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await posted(receive)
            last, said[0] = said[0], loop.create_future()
            last.set_result(None)
            await answered(send, b"{}")
            return
        if scope["path"] != "/":
            await answered(send, setup.answer.body)
            return
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"retry: 2000\n\n", "more_body": True})
        while True:
            await asyncio.wait({said[0]})
            await send({"type": "http.response.body", "body": event, "more_body": True})

    yield app


PEERS = {
    "bare broadcaster": bare_broadcaster,
    "bytes": bytes_,
    "round trip": round_trip,
    "lean round trip": lean_round_trip,
    "json_agg": json_agg,
    "graphql-core": graphql_core,
}
