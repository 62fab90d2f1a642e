"""The process that makes exports, as the server sees it: started when one is ordered, ended when none has been."""

import asyncio
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from time import perf_counter
from typing import Final

import msgspec

from api.exports.orders import Order, OrderOutcome
from api.hosting.beside import module_command, same_modules
from api.hosting.logs import LogFormat
from api.http.limits import ClientAccount, CountedRequest
from api.services.problems import Trouble
from events.work import current_errand

MOST_ORDERS: Final = 50  # that wait to be carried out; each is kept for whoever asks again
MOST_OF_ONE: Final = 10  # of them that one client has ordered: nobody takes all places
IDLE: Final = 30.0  # seconds without an order after which the process ends
MADE_WITHIN: Final = 900.0  # seconds that an order may take
GONE_WITHIN: Final = 10.0  # seconds in which a process that was killed is gone
MOST_CHARGED: Final = 20.0  # seconds of a client's quota that an order may take: it is one file, for all who ask
LONGEST_REPLY: Final = 1 << 20  # bytes

log = logging.getLogger("planrecord")


class Workshop:
    """Carries out orders one after the other, whatever their number, in one process beside this one.

    It logs in the form of this one. `apart`: what it starts ends with it, and who ends this one does not end it.
    """

    def __init__(self, log_format: LogFormat, *, apart: bool) -> None:
        self._log_format = log_format
        self._apart = apart
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._leaving: Process | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._orders = Counter[ClientAccount | None]()

    async def carry_out(self, order: Order) -> OrderOutcome:
        """What becomes of an order; Trouble if too many wait, it takes too long, or the process dies."""
        whose = _whose()
        if self._orders.total() >= MOST_ORDERS or (whose and self._orders[whose] >= MOST_OF_ONE):
            detail = "too many exports are being made, for all or for you: ask again later"
            raise Trouble(503, "too_many_waiting", detail, Retry_After="30")
        self._orders[whose] += 1
        try:
            async with self._turn, _charged():
                return await self._replied(order)
        finally:
            self._orders[whose] -= 1
            self._orders = +self._orders  # without those who wait for nothing

    async def _replied(self, order: Order) -> OrderOutcome:
        process = await self._running()
        assert process.stdin  # noqa: S101 - as it was started
        assert process.stdout  # noqa: S101
        try:
            async with asyncio.timeout(MADE_WITHIN):
                process.stdin.write(msgspec.json.encode(order) + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
            reply = msgspec.json.decode(line, type=OrderOutcome) if line else None
        except TimeoutError as error:
            await self._kill()
            raise Trouble(503, "not_made", "making the export took too long", Retry_After="60") from error
        except (OSError, ValueError, msgspec.DecodeError) as error:  # it has died, or says what is no answer
            log.warning("the process that makes exports: %s", error)
            reply = None
        except BaseException:
            await self._kill()
            raise
        if reply is None:
            await self._kill()
            raise Trouble(503, "not_made", "the export was not made: ask again", Retry_After="5")
        self._closing = asyncio.get_running_loop().call_later(IDLE, self._dismiss)
        return reply

    async def _running(self) -> Process:
        if self._closing:
            self._closing.cancel()
            self._closing = None
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *module_command("api.exports.making", self._log_format),
                env={**os.environ, **same_modules()},
                stdin=PIPE,
                stdout=PIPE,
                limit=LONGEST_REPLY,
                start_new_session=self._apart,
            )
        return self._process

    def _dismiss(self) -> None:
        """Let the process end, which it does with its input."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
        self._leaving, self._process = self._process, None

    async def _kill(self) -> None:
        process, self._process = self._process, None
        await self._ended(process)

    async def _ended(self, process: Process | None) -> None:
        """Kill a process, with what it has started, and wait until it is gone."""
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                (os.killpg if self._apart else os.kill)(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):  # one that waits for a disk does not go before
            await asyncio.wait_for(process.wait(), GONE_WITHIN)

    async def close(self) -> None:
        """End the process now, with what it is making."""
        if self._closing:
            self._closing.cancel()
        for one in (self._process, self._leaving):
            await self._ended(one)


def _whose() -> ClientAccount | None:
    """The account of whoever orders; None where nothing is counted."""
    errand = current_errand()
    return errand.account if isinstance(errand, CountedRequest) else None


@asynccontextmanager
async def _charged() -> AsyncGenerator[None]:
    """Count what is done beside this process as the work of whoever ordered it."""
    errand, began = current_errand(), perf_counter()
    try:
        yield
    finally:
        now = perf_counter()
        if errand:
            errand.add(min(now - began, MOST_CHARGED), now)


@asynccontextmanager
async def workshop(log_format: LogFormat, *, apart: bool = True) -> AsyncGenerator[Workshop]:
    """The workshop for as long as the block lasts."""
    made = Workshop(log_format, apart=apart)
    try:
        yield made
    finally:
        await made.close()
