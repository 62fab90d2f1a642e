"""Exports that are there, being made, or ordered: each is made once, for all who ask for it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from api.exports.files import BLOCK, EXPORTS_FOLDER, ExportFiles
from api.exports.orders import Declined, Delivered, Filed, Order
from api.exports.workshop import Workshop, workshop
from api.hosting.logs import LogFormat
from api.services.problems import Trouble
from events.work import R, in_a_thread, own_task

FIRST_WAIT: Final = 10.0  # seconds that who asks first waits for it
ANOTHERS: Final = 0.5  # seconds between two looks at what another process makes
MOST_LOOKS: Final = 2_000  # which takes longer than an order may
ROOM_BESIDE: Final = 2 * BLOCK  # bytes for what is known of a file, and for the rest of its last block

log = logging.getLogger("planrecord")


class Exporting:
    """The exports of a process. `dsn` is where what makes them reads the record."""

    def __init__(self, dsn: str, files: ExportFiles, workshop: Workshop) -> None:
        self.dsn = dsn
        self.files = files
        self._workshop = workshop
        self._making: dict[str, asyncio.Task[Filed | Declined]] = {}

    @property
    def most(self) -> int:
        """Bytes that an export may have."""
        return self.files.most - ROOM_BESIDE

    async def found(self, name: str) -> Filed | Declined | None:
        """What is known of a file of that name, if it is there."""
        return await in_a_thread(self.files.found, name)

    async def ordered(self, name: str, order: Order) -> Filed | Declined | None:
        """What becomes of an order; None while it is still being made."""
        task = self._making.get(name)
        if task is None:
            task = self._making[name] = own_task(self._made(name, order))
            task.add_done_callback(lambda done: self._end(name, done))
        await asyncio.wait({task}, timeout=FIRST_WAIT)
        return task.result() if task.done() else None

    def _end(self, name: str, task: asyncio.Task[Filed | Declined]) -> None:
        del self._making[name]
        if not task.cancelled():
            task.exception()  # whoever waited was told; nobody need have

    async def _made(self, name: str, order: Order) -> Filed | Declined:
        await _on_disk(self.files.prepare, name)
        claim = await self._claimed(name)
        try:
            return await self.found(name) or await self._carried_out(name, order)
        finally:
            if claim is not None:
                self.files.give_up(name, claim)

    async def _claimed(self, name: str) -> int | None:
        """The right to make a file; None where another process has had it for so long that it may stand still."""
        for _ in range(MOST_LOOKS):
            if (claim := await _on_disk(self.files.claim, name)) is not None:
                return claim
            await asyncio.sleep(ANOTHERS)
        return None

    async def _carried_out(self, name: str, order: Order) -> Filed | Declined:
        try:
            reply = await self._workshop.carry_out(order)
        except BaseException:  # it was ended, and has tidied nothing up
            await in_a_thread(self.files.abandon, name)
            raise
        match reply:
            case Delivered(filed=said) | (Declined() as said):
                return await _on_disk(self.files.keep, name, said)
            case _ if reply.away:
                raise ConnectionError(reply.detail)  # the database went away: it is told as everywhere
            case _:
                raise RuntimeError(f"an export was not made: {reply.detail}")

    async def close(self) -> None:
        """Give up what is being made."""
        tasks = list(self._making.values())
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _on_disk(do: Callable[..., R], *given: Any) -> R:
    try:
        return await in_a_thread(do, *given)
    except OSError as error:  # the disk is full, or the folder nobody's to write
        log.warning("an export cannot be kept: %s", error)
        detail = "the export could not be made just now: ask again"
        raise Trouble(503, "not_made", detail, Retry_After="5") from error


@asynccontextmanager
async def exporting(dsn: str, data: Path, most: int, log_format: LogFormat) -> AsyncGenerator[Exporting]:
    """Exports kept in the data folder, in at most so many bytes, for as long as the block lasts."""
    async with workshop(log_format) as shop:
        made = Exporting(dsn, ExportFiles(data / EXPORTS_FOLDER, most), shop)
        try:
            yield made
        finally:
            await made.close()
