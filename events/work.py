"""Whose work is done here: each step on the event loop, each loan of a connection, what is done beside the loop.

What waits costs nothing: for the database's turn, for another's answer, for a client, for the log to grow. A context
variable says for whom, set anew for each step, as what serves us runs all requests in one context.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from functools import partial
from time import perf_counter
from types import coroutine
from typing import Any, ParamSpec, Protocol, TypeVar

_P = ParamSpec("_P")
R = TypeVar("R")


class Errand(Protocol):
    """What is done for somebody who has asked."""

    def add(self, seconds: float, now: float) -> None:
        """Count work that has been done by `now` (`time.perf_counter`)."""
        ...

    def expect(self, *, more: bool) -> None:
        """Whether more is expected, which counts before it is done."""
        ...


_ERRAND: ContextVar[Errand | None] = ContextVar("errand", default=None)


def current_errand() -> Errand | None:
    """On whose errand this is done, if that is counted."""
    return _ERRAND.get()


async def counted(work: Coroutine[Any, Any, R], errand: Errand) -> R:
    """The work's result; all of its work counts as the errand's, as does that of the tasks which it begins."""
    context = copy_context()
    context.run(_ERRAND.set, errand)
    return await _steps(work, context, errand)


@coroutine
def _steps(work: Coroutine[Any, Any, R], context: Context, errand: Errand) -> Generator[Any, Any, R]:
    """What `await work` does, in a context of its own, with each step measured."""
    step = partial(work.send, None)
    while True:
        began = perf_counter()
        try:
            awaited = context.run(step)
        except StopIteration as end:
            return end.value
        finally:
            now = perf_counter()
            errand.add(now - began, now)
        try:
            step = partial(work.send, (yield awaited))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is meant for the work
            step = partial(work.throw, error)


async def in_a_thread(function: Callable[_P, R], *args: _P.args, **named: _P.kwargs) -> R:
    """What a thread beside the event loop makes of it, counted like a step on it."""
    began = perf_counter()
    try:
        return await asyncio.to_thread(function, *args, **named)
    finally:
        spend_since(began)


def spend_since(began: float) -> None:
    """Count the time from `began` on as work."""
    if errand := _ERRAND.get():
        now = perf_counter()
        errand.add(now - began, now)


@contextmanager
def resting() -> Generator[None]:
    """For as long as the block lasts no work is expected."""
    errand = _ERRAND.get()
    if errand is None:
        yield
        return
    errand.expect(more=False)
    try:
        yield
    finally:
        errand.expect(more=True)


def own_task(work: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
    """A task whose work counts as that of whoever begins it."""
    errand = _ERRAND.get()
    return asyncio.create_task(counted(work, errand) if errand else work)


def nobodys(work: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
    """A task whose work is done for all who wait for it, whoever began it."""
    return asyncio.create_task(work, context=Context())
