"""Several processes at one socket: a parent starts them, starts again whichever ends, and sees that all end with it.

A worker is a process like any other on the record's database, at a socket that it inherits. Between it and its parent
lies a channel: over it the worker reports, and by its end each knows of the other's.
"""

import asyncio
import logging
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NoReturn

LEAVE: Final = 6.5  # seconds in which a worker that is told to end may; those of the whole are 8 (cli/signals.py)
REST: Final = 1.0  # seconds between two starts in one place, at least: one that cannot start must not take a core
LONGEST_REPORT: Final = 4_000_000  # bytes

log = logging.getLogger("planrecord")

Starting = Callable[[int, int], Sequence[str]]  # by the descriptors of the socket and of the channel
Heard = Callable[[int, bytes], None]  # the number of a worker, from 1 on, and a report of it


class Workers:
    """So many processes of a `command` in an `environment`, all at the socket `taken`.

    `heard` is told each report; `started` counts the starts, those again included.
    """

    def __init__(self, command: Starting, environment: Mapping[str, str], taken: socket.socket, heard: Heard) -> None:
        self.started = 0
        self._command = command
        self._environment = environment
        self._taken = taken
        self._heard = heard

    async def run(self, count: int) -> NoReturn:
        """Keep so many running until cancelled; then none of them is left."""
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                group.create_task(self._keep(number))
        raise AssertionError("a worker's place is kept for ever")

    async def _keep(self, number: int) -> NoReturn:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                async with self._worker(number) as process:
                    how = _ending(process.pid, await process.wait())
            except OSError as error:  # the system has no process to spare
                how = f"could not be started ({error.strerror})"
            log.warning("worker %d %s: it is started again", number, how)
            await asyncio.sleep(began + REST - loop.time())

    @asynccontextmanager
    async def _worker(self, number: int) -> AsyncGenerator[Process]:
        """One of them, running; whatever ends the block, it has ended afterwards."""
        here, there = socket.socketpair()
        try:
            with there:
                process = await self._spawn(there)
            listening = asyncio.create_task(self._listen(number, here))
            try:
                yield process
            finally:
                await _end(process)
                listening.cancel()
        finally:
            here.close()

    async def _spawn(self, there: socket.socket) -> Process:
        self.started += 1
        descriptors = self._taken.fileno(), there.fileno()
        # In a session of its own: Ctrl-C is for the parent, which tells the workers.
        return await asyncio.create_subprocess_exec(
            *self._command(*descriptors),
            env=dict(self._environment),
            stdin=DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,
        )

    async def _listen(self, number: int, here: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=here, limit=LONGEST_REPORT)
        try:
            async for report in reader:
                self._heard(number, report)
        except (OSError, ValueError) as error:  # ValueError: a line that is too long
            log.warning("worker %d is not heard any more: %s", number, error)
        finally:
            writer.close()


def _ending(pid: int, code: int) -> str:
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"(process {pid}) {how}"


async def _end(process: Process) -> None:
    """Tell it to end, and see that it does."""
    for number, patience in ((signal.SIGTERM, LEAVE), (signal.SIGKILL, None)):
        if process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            log.warning("process %d did not end within %.1f s: it is killed", process.pid, LEAVE)
