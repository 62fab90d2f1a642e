"""Clients nobody here wrote follow the record over connections that break: what they have is what /v1/events lists."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport
from httpx_sse import aconnect_sse

from tests.conftest import TASK, Site, copied
from tests.cutting import Wire, wire_to
from tests.interop.test_graphql_http import node

PLAN = TASK.partition("/")[0]
RECORDED = 60  # facts, while they are followed
QUERY = "subscription ($after: Position) { events(after: $after) { position } }"


class Followed(NamedTuple):
    """A record that is followed over a wire."""

    site: Site
    wire: Wire

    @property
    def last(self) -> int:
        """The position at which all of it is recorded."""
        return 352 + RECORDED

    async def names(self) -> list[str]:
        """The names of all events, as the list has them."""
        found: list[str] = []
        while page := (await self.site.get("/v1/events", after=len(found), limit=200))["items"]:
            found += [f"{self.site.running.reader.head.log}:{one['position']}" for one in page]
        return found

    async def record(self) -> None:
        """Record what is followed, and what undoes it, one fact at a time; cut the wire in the midst of it."""
        for number in range(0, RECORDED, 2):
            text = f"第{number}稿"
            await self.site.record({"type": "task.reword", "task": TASK, "text": text, "reason": "试"})
            await self.site.record({"type": "fact.void", "target": 353 + number, "reason": "试"})
            if number % 20 == 10:
                self.wire.cut()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def followed(server: str, folder: Path, bytes_: int) -> AsyncGenerator[Followed]:
    async with copied(server, folder) as site:
        port = site.http.base_url.port
        assert port
        async with wire_to(port, bytes_) as wire:
            yield Followed(site, wire)


async def graphql_ws(one: Followed) -> list[str]:
    said = await node("followed_graphql.mjs", f"ws://127.0.0.1:{one.wire.port}/graphql", "0", str(one.last))
    return [f"{one.site.running.reader.head.log}:{position}" for position in said]


async def eventsource(one: Followed) -> list[str]:
    return await node("followed_events.mjs", f"http://127.0.0.1:{one.wire.port}/v1/stream", str(one.last))


async def httpx_sse(one: Followed) -> list[str]:
    names: list[str] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{one.wire.port}", timeout=20) as http:
        while len(names) < one.last:
            headers = {"Last-Event-ID": names[-1]} if names else {}
            try:
                async with aconnect_sse(http, "GET", "/v1/stream", headers=headers) as source:
                    async for event in source.aiter_sse():
                        if not event.data:  # it takes the line that says when to come again for an event
                            continue
                        assert event.id == f"{one.site.running.reader.head.log}:{event.json()['position']}"
                        names.append(event.id)
                        if len(names) == one.last:
                            break
            except httpx.TransportError:
                continue
    return names


async def gql(one: Followed) -> list[str]:
    positions: list[int] = [0]
    while positions[-1] < one.last:
        # Of several protocols it looks for the chosen one under a header's name as it spells it, and misses ours.
        transport = WebsocketsTransport(
            url=f"ws://127.0.0.1:{one.wire.port}/graphql",
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        try:
            async with Client(transport=transport) as session:
                asked = GraphQLRequest(QUERY, variable_values={"after": positions[-1]})
                async with aclosing(session.subscribe(asked)) as answers:
                    async for answer in answers:
                        positions.append(answer["events"]["position"])
                        if positions[-1] == one.last:
                            break
        except (TransportError, OSError):
            continue
    return [f"{one.site.running.reader.head.log}:{position}" for position in positions[1:]]


@pytest.mark.parametrize(
    ("client", "bytes_"),
    [(graphql_ws, 15_000), (gql, 15_000), (eventsource, 70_000), (httpx_sse, 60_000)],
    ids=["graphql-ws", "gql", "eventsource", "httpx-sse"],
)
async def test_it_has_every_fact_once_whatever_breaks(
    server: str, folder: Path, client: Callable[[Followed], Awaitable[list[str]]], bytes_: int
) -> None:
    async with followed(server, folder, bytes_) as one, asyncio.timeout(60):
        names, _ = await asyncio.gather(client(one), one.record())
        assert len(names) == one.last
        assert names == await one.names()
        assert one.wire.cuts >= 3


async def test_eventsource_is_told_of_a_record_that_was_put_back(server: str, folder: Path) -> None:
    """It stands at a position that the record, restored without its last facts, does not reach."""
    async with followed(server, folder, 10**9) as one, copied(server, folder) as restored, asyncio.timeout(60):
        client = asyncio.create_task(eventsource(one))
        await one.site.record({"type": "task.reword", "task": TASK, "text": "改", "reason": "试"})
        while not one.site.running.tail.following:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        one.wire.to = int(restored.http.base_url.port or 0)
        one.wire.cut()
        *names, told = await client
    log = one.site.running.reader.head.log
    assert names == [f"{log}:{position}" for position in range(1, 354)]
    said: dict[str, Any] = json.loads(told.removeprefix("reset "))
    assert (said["yours"], said["here"]) == ({"log": log, "position": 353}, {"log": log, "position": 352})
