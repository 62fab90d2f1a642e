"""Doors by which a record is followed, each as a client of it: what it brings, wherever the connection breaks."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.feeds import ids_of, links_of, parsed
from tests.sockets import line

Query = Mapping[str, Any]
PAGE = 7  # items: more than one page for most


class Door(ABC):
    """A client that follows by one door from a position on: the names that it was given, in their order.

    `go` reads on from where the last reading was cut, until it is cut itself; a door with an end comes to it.
    """

    def __init__(self, http: httpx.AsyncClient, log: str, query: Query, after: int) -> None:
        self.names: list[str] = []
        self.cuts = 0
        self.http = http
        self.log = log
        self.query = query
        self.after = after
        self._reading: asyncio.Task[None] | None = None

    @abstractmethod
    async def go(self) -> None:
        """Read until there is nothing more, or for ever."""

    def begin(self) -> None:
        """Read in the background."""
        self._reading = asyncio.create_task(self.go())

    async def cut(self) -> None:
        """Break the connection, whatever it is at."""
        self.cuts += 1
        await self.end()

    async def end(self) -> None:
        """Read no more."""
        if self._reading:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    def take(self, position: int) -> None:
        """One more fact was brought."""
        self.names.append(f"{self.log}:{position}")
        self.after = position


class LongPoll(Door):
    """`/v1/events?waitSeconds`."""

    async def go(self) -> None:
        """For ever."""
        while True:
            query = {**self.query, "after": self.after, "limit": PAGE, "waitSeconds": 2}
            page = (await self.http.get("/v1/events", params=query)).raise_for_status().json()
            for item in page["items"]:
                self.take(item["position"])
            if page["next"] is None:
                self.after = max(self.after, page["meta"]["position"])


class Lines(Door):
    """`/v1/stream.ndjson`."""

    async def go(self) -> None:
        """For ever."""
        query = {**self.query, "after": self.after}
        async with self.http.stream("GET", "/v1/stream.ndjson", params=query) as response:
            async for text in lines(response):
                if text:
                    self.take(json.loads(text)["position"])


class ServerSent(Door):
    """`/v1/stream`, which goes on by Last-Event-ID."""

    async def go(self) -> None:
        """For ever."""
        last = {"Last-Event-ID": self.names[-1]} if self.names else {}
        query = {**self.query, "after": self.after}
        async with self.http.stream("GET", "/v1/stream", params=query, headers=last) as response:
            name = ""
            async for text in lines(response):
                field, _, value = text.partition(": ")
                if field == "id":
                    name = value
                elif field == "data":
                    assert name == f"{self.log}:{json.loads(value)['position']}"
                    self.take(json.loads(value)["position"])


class Subscription(Door):
    """GraphQL's `subscription { events }`, over a websocket."""

    async def go(self) -> None:
        """For ever."""
        arguments = "".join(f", {name}: {argument(name, value)}" for name, value in self.query.items())
        query = f"subscription ($after: Position) {{ events(after: $after{arguments}) {{ position }} }}"
        async with line(self.http.base_url) as socket:
            try:
                await socket.subscribe(query, after=self.after)
                while True:
                    for event in await socket.events(1):
                        self.take(event["position"])
            finally:
                socket.socket.transport.abort()  # what it has not taken yet would keep it from a farewell


def argument(name: str, value: str) -> str:
    """A filter as it is said in GraphQL."""
    if name == "corrections":
        return value
    return json.dumps(value.split(",") if name == "type" else value, ensure_ascii=False)


class Pages(Door):
    """`/v1/events`, page by page."""

    async def go(self) -> None:
        """To the head."""
        address: str | None = str(httpx.URL("/v1/events", params={**self.query, "after": self.after, "limit": PAGE}))
        while address:
            await cut_short(self, address)
            page = (await self.http.get(address)).raise_for_status().json()
            for item in page["items"]:
                self.take(item["position"])
            address = page["next"]


class LinesToTheHead(Lines):
    """`/v1/stream.ndjson?follow=false`."""

    async def go(self) -> None:
        """To the head."""
        self.query = {**self.query, "follow": "false"}
        await cut_short(self, str(httpx.URL("/v1/stream.ndjson", params={**self.query, "after": self.after})))
        await super().go()


class CloudEvents(Door):
    """`/v1/events` as CloudEvents, page by page."""

    async def go(self) -> None:
        """To the head."""
        wish = {"Accept": "application/cloudevents-batch+json"}
        address = str(httpx.URL("/v1/events", params={**self.query, "after": self.after, "limit": PAGE}))
        while address:
            await cut_short(self, address, wish)
            page = (await self.http.get(address, headers=wish)).raise_for_status()
            for one in page.json():
                assert one["data"]["position"] == int(one["id"])
                self.take(int(one["id"]))
            address = page.links.get("next", {}).get("url", "")


class Atom(Door):
    """`/feeds/events.atom` and its archives, newest first, until what is known already."""

    address = "/feeds/events.atom"

    async def go(self) -> None:
        """To the head."""
        began, found = self.after, dict[int, str]()
        address = str(httpx.URL(self.address, params=self.query))
        while address:
            await cut_short(self, address)
            names, address = self.read((await self.http.get(address)).raise_for_status(), address)
            for name in names:  # an archive may hold what the document before it has too
                assert name.startswith(f"urn:planrecord:{self.log}:")
                found.setdefault(int(name.rpartition(":")[2]), name)
            if found and min(found) <= began:
                break
        for position in reversed([one for one in found if one > began]):
            self.take(position)

    def read(self, document: httpx.Response, address: str) -> tuple[list[str], str]:
        """The entries of a document, newest first, and the address of the one before."""
        feed = parsed(document.content)
        before = links_of(feed).get("prev-archive")
        return ids_of(feed), urljoin(address, before) if before else ""


class JsonFeed(Atom):
    """`/feeds/events.json`, page after page."""

    address = "/feeds/events.json"

    def read(self, document: httpx.Response, address: str) -> tuple[list[str], str]:
        """The items of a page, newest first, and the address of the one before."""
        del address
        return [one["id"] for one in document.json()["items"]], document.json().get("next_url", "")


async def cut_short(door: Door, address: str, headers: Mapping[str, str] | None = None) -> None:
    """Ask for something and hang up at its first bytes."""
    door.cuts += 1
    async with door.http.stream("GET", address, headers=headers) as response:
        async for _ in response.aiter_raw(16):
            return


async def lines(response: httpx.Response) -> AsyncIterator[str]:
    """The lines of a body in UTF-8, which end at line feeds and nowhere else."""
    rest = b""
    async for part in response.aiter_raw():
        *whole, rest = (rest + part).split(b"\n")
        for one in whole:
            yield one.decode()


LIVE: tuple[type[Door], ...] = (LongPoll, Lines, ServerSent, Subscription)
WITH_AN_END: tuple[type[Door], ...] = (Pages, LinesToTheHead, CloudEvents, Atom, JsonFeed)
Told = Callable[[], Awaitable[None]]


async def followed(http: httpx.AsyncClient, log: str, query: Query, after: int, tell: Sequence[Told]) -> list[Door]:
    """What every door brings of what is told while some follow, each of them cut on its way."""
    live = [door(http, log, query, after) for door in LIVE]
    ends = [door(http, log, query, after) for door in WITH_AN_END]
    for door in live:
        door.begin()
    try:
        for number, each in enumerate(tell):
            await each()
            if number == len(tell) // 2:
                await asyncio.gather(*(door.cut() for door in live))
                for door in live:
                    door.begin()
        await asyncio.gather(*(door.go() for door in ends))
        most = max(len(door.names) for door in ends)
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while any(len(door.names) < most for door in live):
                    await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)  # for what comes twice
    finally:
        await asyncio.gather(*(door.end() for door in live))
    return [*ends, *live]
