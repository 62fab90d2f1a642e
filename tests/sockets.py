"""A client of graphql-transport-ws, over the websockets of a library: what it says and hears, message by message."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = "graphql-transport-ws"
EVERY_FIELD = (
    "v position stream version type actor recordedAt effectiveOn replaces data leafHash id canonicalId "
    "cause { command request reason authority } inRequest { index count } disclosures { digest salt value state } "
)


class Line:
    """A connection, as its client has it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message, pings left out: they are answered."""
        while True:
            message = json.loads(await self.socket.recv())
            if message["type"] != "ping":
                return message
            await self.say(type="pong")

    async def subscribe(self, query: str, name: str = "1", **variables: Any) -> None:
        """Ask for an operation."""
        await self.say(id=name, type="subscribe", payload={"query": query, "variables": variables})

    async def events(self, count: int, name: str = "1") -> list[dict[str, Any]]:
        """The next facts of a subscription."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            message = await self.hear()
            assert (message["type"], message["id"]) == ("next", name), message
            assert message["payload"].keys() == {"data"}, message
            found.append(message["payload"]["data"]["events"])
        return found

    async def ended(self) -> tuple[int, str]:
        """The code and the words with which it is closed, whatever comes before."""
        with suppress(ConnectionClosed):
            while True:
                await self.socket.recv()
        return self.socket.close_code or 0, self.socket.close_reason or ""


@asynccontextmanager
async def bare(base: Any, *protocols: str) -> AsyncGenerator[Line]:
    """A connection over which nothing was said yet."""
    offered = [*map(Subprotocol, protocols)] or None
    url = f"{str(base).rstrip('/').replace('http', 'ws')}/graphql"
    async with connect(url, subprotocols=offered, max_size=None, ping_interval=None, proxy=None) as socket:
        yield Line(socket)


@asynccontextmanager
async def line(base: Any) -> AsyncGenerator[Line]:
    """A connection that is acknowledged."""
    async with bare(base, PROTOCOL) as opened:
        await opened.say(type="connection_init")
        assert await opened.hear() == {"type": "connection_ack"}
        yield opened
