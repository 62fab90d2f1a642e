"""Websockets that mean ill: whatever they say, or do not, it costs little, ends, and delays no honest reader."""

import asyncio
import json
import os
import socket
import struct
import time
from base64 import b64encode
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from api.graphql.sockets import INIT_WITHIN, MOST_OPERATIONS
from api.hosting.serving import HEAD_PATIENCE, UNTAKEN
from tests.attacks.conftest import LONGEST_STEP, Victim
from tests.attacks.test_sockets import DELAYED, slowest, told
from tests.sockets import EVERY_FIELD, PROTOCOL, Line, bare, line

MANY = 1_000
HELD = 100_000  # bytes of memory that a connection may cost once it has gone
OPEN = 250_000  # bytes while it is there, with what granian reads and writes into
BATCH = 400_000  # bytes that who is behind has read for it, of which it takes none
HANDSHAKE = b"\r\n".join(
    (
        b"GET /graphql HTTP/1.1",
        b"Host: x",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Protocol: " + PROTOCOL.encode(),
        b"Sec-WebSocket-Key: " + b64encode(bytes(16)),
        b"",
        b"",
    )
)
ALL = {"type": "subscribe", "payload": {"query": f"subscription {{ events {{ {EVERY_FIELD} }} }}"}}


def base(victim: Victim) -> str:
    return f"http://127.0.0.1:{victim.port}"


def frame(text: str) -> bytes:
    """A message as a client sends it, under a mask of zeros."""
    content = text.encode()
    length = struct.pack("!B", 0x80 | len(content)) if len(content) < 126 else struct.pack("!BH", 0xFE, len(content))
    return b"\x81" + length + bytes(4) + content


def files(victim: Victim) -> int:
    return len(list(Path(f"/proc/{victim.process.pid}/fd").iterdir()))


async def no_more_files(victim: Victim, than: int, seconds: float) -> None:
    """Wait until its connections are gone."""
    end = time.monotonic() + seconds
    while files(victim) > than:
        assert time.monotonic() < end, f"{files(victim)} files are open, more than {than}"
        await asyncio.sleep(0.2)


async def test_a_thousand_that_say_nothing_delay_nobody_and_are_sent_away(victim: Victim) -> None:
    await slowest(victim.port)
    before, empty = files(victim), victim.holds()
    async with victim.costs() as cost:
        with ExitStack() as stack:
            for _ in range(MANY):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", victim.port), 5))
                one.sendall(HANDSHAKE)
            assert await slowest(victim.port) < DELAYED
            await victim.is_honest()
            assert victim.holds() - empty < MANY * OPEN
            await no_more_files(victim, before + 10, INIT_WITHIN + 10)
    assert cost.rss < MANY * HELD
    await victim.is_honest()


async def test_a_thousand_subscriptions_of_one_connection_are_twenty(victim: Victim) -> None:
    async with victim.costs() as cost, line(base(victim)) as opened:
        for number in range(MANY):
            await opened.say(
                id=str(number), type="subscribe", payload={"query": "subscription { events(after: 352) { v } }"}
            )
        refused = 0
        while refused < MANY - MOST_OPERATIONS:
            said = await opened.hear()
            assert (said["type"], said["payload"][0]["extensions"]["code"]) == ("error", "too_many_waiting")
            refused += 1
        await victim.is_honest()
    assert cost.longest <= LONGEST_STEP, cost
    assert cost.rss < MANY * HELD


async def test_who_never_reads_holds_little_and_is_dropped(victim: Victim) -> None:
    """Many subscribe to all there is and take none of it; the system drops them, as they would never say goodbye."""
    before = files(victim)
    async with victim.costs() as cost:
        with ExitStack() as stack:
            for _ in range(50):
                one = stack.enter_context(socket.socket())
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                one.settimeout(5)
                one.connect(("127.0.0.1", victim.port))
                one.sendall(HANDSHAKE + frame('{"type": "connection_init"}'))
                for number in range(MOST_OPERATIONS):
                    one.sendall(frame(json.dumps(ALL | {"id": str(number)})))
            assert await slowest(victim.port) < DELAYED
            await victim.is_honest()
            await no_more_files(victim, before + 10, UNTAKEN / 1_000 + 45)
    assert cost.rss < 50 * MOST_OPERATIONS * BATCH
    await victim.is_honest()


async def test_a_message_of_ten_megabytes_is_refused(victim: Victim) -> None:
    async with victim.costs() as cost, bare(base(victim), PROTOCOL) as opened:
        with suppress(ConnectionClosed):
            await opened.socket.send("x" * 10_000_000)
        assert (await opened.ended())[0] == 1009
    assert cost.longest <= LONGEST_STEP, cost
    assert cost.rss < 30_000_000
    await victim.is_honest()


@pytest.mark.parametrize("begun", [HANDSHAKE[:40], HANDSHAKE[:-2]], ids=["a line", "all but its end"])
async def test_half_a_handshake_is_not_waited_for(victim: Victim, begun: bytes) -> None:
    began = time.monotonic()
    async with told(victim.port, begun) as answer:
        assert await asyncio.wait_for(answer.read(), 2 * HEAD_PATIENCE / 1_000) == b""
    assert time.monotonic() - began == pytest.approx(HEAD_PATIENCE / 1_000, abs=3)


@pytest.mark.parametrize(
    "handshake",
    [
        HANDSHAKE.replace(b"Version: 13", b"Version: 7"),
        HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X"),
        HANDSHAKE.replace(b"GET /graphql", b"GET /v1/plans"),
    ],
    ids=["version", "no key", "address"],
)
async def test_a_handshake_that_is_none_is_answered_as_http(victim: Victim, handshake: bytes) -> None:
    async with told(victim.port, handshake) as answer:
        assert (await asyncio.wait_for(answer.readline(), 10)).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "garbage", [os.urandom(2_000), b"\x81\x05hello", b"\xff" * 100, b"\x89\xfe\xff\xff", b"\x88\x80"]
)
async def test_garbage_ends_a_connection(victim: Victim, garbage: bytes) -> None:
    """Frames that are none: without a mask, with bits that nothing has, a ping that is too long."""
    before = files(victim)
    async with victim.costs() as cost, told(victim.port, HANDSHAKE + garbage) as answer:
        assert (await answer.readline()).startswith(b"HTTP/1.1 101")
        await asyncio.wait_for(answer.read(), INIT_WITHIN + 5)
    assert cost.longest <= LONGEST_STEP, cost
    await no_more_files(victim, before + 2, 5)
    await victim.is_honest()


async def test_thousands_of_words_in_a_breath_delay_nobody(victim: Victim) -> None:
    """Pings, each of which is answered, and operations that are completed as soon as they are asked for."""
    async with AsyncExitStack() as stack:
        several = [await stack.enter_async_context(line(base(victim))) for _ in range(10)]

        async def chatter(opened: Line) -> None:
            for count in range(200):
                await opened.say(type="ping")
                await opened.say(id=str(count), type="subscribe", payload={"query": "{ plans { totalCount } }"})
                await opened.say(id=str(count), type="complete")

        async def listen(opened: Line) -> None:
            pongs = 0
            while pongs < 200:
                pongs += (await opened.hear())["type"] == "pong"

        async with victim.costs() as cost:
            _, delay = await asyncio.gather(
                asyncio.gather(*map(chatter, several), *map(listen, several)), slowest(victim.port)
            )
    assert cost.longest <= LONGEST_STEP, cost
    assert delay < 5 * DELAYED
    await victim.is_honest()
