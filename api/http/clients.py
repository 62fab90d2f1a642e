"""Clients that go away before they have their answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from api.services.problems import Trouble

T = TypeVar("T")
Receive = Callable[[], Awaitable[Mapping[str, Any]]]  # as ASGI has it: the next message of the client
CLIENT_GONE: Final = 499  # as nginx notes it; nobody is there to read it


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The work's result; the work is cancelled if the client goes first, whose request was read to its end."""
    task, gone = asyncio.create_task(work), asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Trouble(CLIENT_GONE, "client_gone", "the client has gone")
        return task.result()
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
