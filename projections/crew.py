"""Work on the whole log by several processes, all of which see it as it was at one moment."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import connection as pipes
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from events.audit import Progress
from events.database import Connection, undisturbed
from events.steps import settle

P = ParamSpec("P")
T = TypeVar("T")
Piece = Callable[Concatenate[Connection, Progress, P], Coroutine[Any, Any, T]]
PROCESSES: Final = 2
_LOOKS: Final = 0.1  # seconds between two looks at how far the others are
_TOLD: Final = list[Any]()  # in a process of the crew: how many facts all have gone through; negative once it shall end


class Dismissed(Exception):
    """The crew is not wanted any more."""


class Crew:
    """Processes that share a snapshot of the database."""

    def __init__(self, pool: ProcessPoolExecutor, dsn: str, snapshot: str) -> None:
        self._pool = pool
        self._dsn = dsn
        self._snapshot = snapshot

    def send(self, part: Piece[P, T], *args: P.args, **_: P.kwargs) -> "Future[T]":
        """Have a part of the work done; `part` and what it is given stand in a module, or can be pickled."""
        return self._pool.submit(_work, self._dsn, self._snapshot, part, args)


@asynccontextmanager
async def crew(dsn: str, snapshot: str, progress: Progress) -> AsyncGenerator[Crew]:
    """A crew, whose processes end with the block, or with this process."""
    context = get_context("spawn")
    told = context.Value("q", 0)
    pool = ProcessPoolExecutor(PROCESSES, context, _begin, (told,))
    looking = asyncio.create_task(_look(told, progress))
    try:
        yield Crew(pool, dsn, snapshot)
    finally:
        looking.cancel()
        with told.get_lock():
            told.value = -1
        pool.shutdown(cancel_futures=True)


async def done(parts: "Sequence[Future[T]]") -> list[T]:
    """What the parts gave, once all are done; the first error ends the waiting."""
    return await asyncio.gather(*map(asyncio.wrap_future, parts))


async def _look(told: Any, progress: Progress) -> None:
    known = 0
    while True:
        await asyncio.sleep(_LOOKS)
        count = told.value
        progress(count - known)
        known = count


def _begin(told: Any) -> None:
    """In a process of the crew, first of all."""
    _TOLD.append(told)
    settle()  # 12 % of the time of `verify` went to looking through all objects
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the first process that ends the work
    Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    parent = parent_process()
    assert parent is not None  # noqa: S101 - it was spawned
    pipes.wait([parent.sentinel])
    os._exit(1)


def _progress(count: int) -> None:
    (told,) = _TOLD
    with told.get_lock():
        if told.value < 0:
            raise Dismissed
        told.value += count


def _work(dsn: str, snapshot: str, part: Callable[..., Awaitable[T]], args: Sequence[Any]) -> T:
    return asyncio.run(_within(dsn, snapshot, part, args))


async def _within(dsn: str, snapshot: str, part: Callable[..., Awaitable[T]], args: Sequence[Any]) -> T:
    async with undisturbed(dsn) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        return await part(connection, _progress, *args)
