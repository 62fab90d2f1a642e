"""Clients of a stream that take nothing: thousands of them cost little, delay nobody, and are sent away."""

import asyncio
import socket
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from api.http.front import TAKEN_WITHIN
from tests.attacks.conftest import LONGEST_STEP, Victim
from tests.attacks.test_sockets import DELAYED, MANY, slowest
from tests.conftest import TASK

EACH = 200_000  # bytes of memory that one of them may cost, most of them in what serves us
REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}


@contextmanager
def deaf(port: int, path: str, count: int = MANY) -> Generator[list[socket.socket]]:
    """Many who ask for a stream and take nothing of it."""
    with ExitStack() as stack:
        sockets: list[socket.socket] = []
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.connect(("127.0.0.1", port))
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            sockets.append(one)
        yield sockets


@pytest.mark.parametrize("path", ["/v1/stream?after=0", "/v1/stream.ndjson?after=0", "/v1/stream.ndjson?follow=false"])
async def test_thousands_that_take_nothing_cost_little_and_delay_nobody(victim: Victim, path: str) -> None:
    await slowest(victim.port)
    async with victim.costs() as cost:
        with deaf(victim.port, path):
            await asyncio.sleep(2)
            for number in range(5):
                text = f"{path} {number} " + "字" * 3_000
                answer = await victim.http.post("/v1/commands", json=REWORD | {"text": text}, headers=victim.bearer)
                assert answer.status_code == 200, answer.text
            assert await slowest(victim.port) < DELAYED
            await victim.is_honest()
    assert cost.rss < MANY * EACH, cost
    assert cost.longest <= LONGEST_STEP, cost
    await victim.is_honest()


async def test_who_takes_nothing_is_sent_away(victim: Victim) -> None:
    for number in range(60):  # more than the system takes for a client
        text = f"{number} " + "字" * 3_000
        answer = await victim.http.post("/v1/commands", json=REWORD | {"text": text}, headers=victim.bearer)
        assert answer.status_code == 200, answer.text
    began = time.monotonic()
    with deaf(victim.port, "/v1/stream?after=0", 3) as sockets:
        before = _established(victim.port)
        while _established(victim.port) > before - 3:
            assert time.monotonic() - began < TAKEN_WITHIN + 15
            await asyncio.sleep(0.5)
        assert time.monotonic() - began > TAKEN_WITHIN - 5
        for one in sockets:
            one.settimeout(10)
            with suppress(ConnectionResetError):
                while one.recv(100_000):
                    pass


def _established(port: int) -> int:
    """How many connections the port's server has, by the kernel's count."""
    with open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123
        rows = [line.split()[1:4] for line in table.readlines()[1:]]
    return sum(local.endswith(f":{port:04X}") and state == "01" for local, _, state in rows)
