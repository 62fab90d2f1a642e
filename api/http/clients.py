"""Clients that go away before they have their answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from api.services.problems import Trouble
from events.work import own_task

T = TypeVar("T")
Receive = Callable[[], Awaitable[Mapping[str, Any]]]  # as ASGI has it: the next message of the client
CLIENT_GONE: Final = 499  # as nginx notes it; nobody is there to read it


class Hearing:
    """The messages of one client, as ASGI gives them; whether it has gone is listened for by one task.

    What serves us takes a second one that listens, once the first was given up, for a client that has gone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone: asyncio.Task[None] | None = None

    async def __call__(self) -> Mapping[str, Any]:
        """The next message."""
        return await self._receive()

    def gone(self) -> asyncio.Task[None]:
        """It is done once the client has gone, whose request was read to its end."""
        if self._gone is None:
            self._gone = asyncio.create_task(_gone(self._receive))
        return self._gone

    def close(self) -> None:
        """Listen no more."""
        if self._gone:
            self._gone.cancel()


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The work's result; the work is cancelled if the client goes first, whose request was read to its end."""
    hearing = receive if isinstance(receive, Hearing) else Hearing(receive)
    task, gone = own_task(work), hearing.gone()
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Trouble(CLIENT_GONE, "client_gone", "the client has gone, or what it sent broke off")
        return task.result()
    finally:
        if hearing is not receive:
            hearing.close()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
