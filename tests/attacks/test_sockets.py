"""Sockets that dribble: thousands of them delay nobody, and none of them for ever."""

import asyncio
import socket
import statistics
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress

import httpx
import pytest

from api.hosting.serving import HEAD_PATIENCE, LARGEST_HEAD
from tests.attacks.conftest import Victim
from tests.conftest import PLAN

MANY = 2_000
PROMISED = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
HALF = b"GET /v1/plans HTTP/1.1\r\nHost: x\r\nX-Na"
DELAYED = 0.2  # seconds in which 99 of 100 honest requests are answered, on a machine that does other things too
EACH = 60_000  # bytes of memory that one slow connection may cost


@contextmanager
def dribbling(port: int, begun: bytes) -> Generator[None]:
    """Many sockets, each with something that was begun and does not go on."""
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)).sendall(begun)
        yield


@asynccontextmanager
async def told(port: int, words: bytes) -> AsyncGenerator[asyncio.StreamReader]:
    """What is answered to some words."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    yield reader
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def slowest(port: int, count: int = 200) -> float:
    """Seconds in which 99 of 100 honest requests are answered, each over the same few connections."""
    seconds: list[float] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
        for _ in range(count):
            began = time.perf_counter()
            assert (await http.get(PLAN)).status_code == 200
            seconds.append(time.perf_counter() - began)
    return statistics.quantiles(seconds, n=100)[98]


@pytest.mark.parametrize("begun", [PROMISED, HALF], ids=["bodies", "heads"])
async def test_thousands_of_sockets_that_dribble_delay_nobody(victim: Victim, begun: bytes) -> None:
    await slowest(victim.port)
    async with victim.costs() as cost:
        with dribbling(victim.port, begun):
            assert await slowest(victim.port) < DELAYED
            await victim.is_honest()
    assert cost.rss < MANY * EACH
    await victim.is_honest()


async def test_a_head_that_does_not_end_is_not_waited_for(victim: Victim) -> None:
    async def waited(begun: bytes) -> float:
        began = time.monotonic()
        async with told(victim.port, begun) as answer:
            assert await asyncio.wait_for(answer.read(), 2 * HEAD_PATIENCE / 1_000) == b""
        return time.monotonic() - began

    for seconds in await asyncio.gather(waited(b""), waited(HALF)):
        assert seconds == pytest.approx(HEAD_PATIENCE / 1_000, abs=3)


async def test_a_head_that_is_too_long_is_refused(victim: Victim) -> None:
    for header in (
        b"X-Long: " + b"a" * 2 * LARGEST_HEAD,
        b"\r\n".join(b"X-%d: a" % number for number in range(20_000)),
    ):
        async with told(victim.port, b"GET /v1/plans HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n") as answer:
            assert b" 431 " in await asyncio.wait_for(answer.readline(), 10)
    await victim.is_honest()


async def test_http_2_has_no_door_of_its_own(victim: Victim) -> None:
    """Its streams and heads would need each of these bounds once more."""
    async with told(victim.port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))) as answer:
        words = await asyncio.wait_for(answer.read(), 15)
    assert not words or words.startswith(b"HTTP/1.1 4")
