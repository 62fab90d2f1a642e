"""`make fuzz`: spoilt requests at every door; the first that is answered badly is printed with its bytes."""

import asyncio
import re
from collections.abc import Callable

import msgspec

from tests.attacks.mutations import Mutator, Spoilt

AT_ONCE = 4
LONGEST = 2.0  # seconds for an answer
UNFINISHED = 0.3  # seconds for an answer to what is not whole
ASKED_TO_WAIT = 8.0  # seconds where the request itself asks to wait for a position


class Verdict(msgspec.Struct, frozen=True):
    """What was answered badly, and to which bytes."""

    what: str
    number: int
    request: bytes


async def fuzz(
    port: int, token: str, seed: int, count: int, told: Callable[[int], None] = lambda _: None
) -> list[Verdict]:
    """So many spoilt requests of a seed; those that were answered with a 5xx, by a reset, or late."""
    mutator = Mutator(seed, token)
    waiting = iter(range(count))
    found: list[Verdict] = []

    async def ask() -> None:
        for number in waiting:
            spoilt = mutator.next()
            if what := await verdict(port, spoilt):
                found.append(Verdict(what, number, spoilt.raw))
            told(1)

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    return found


async def verdict(port: int, spoilt: Spoilt) -> str | None:
    """What is wrong with the answer to a request, if anything. One that is not whole may be waited for in vain."""
    asked = re.search(rb"minPosition|waitSeconds", spoilt.raw)
    patience = (ASKED_TO_WAIT if asked else LONGEST) if spoilt.whole else UNFINISHED
    try:
        async with asyncio.timeout(patience):
            status, head = await _answer(port, spoilt.raw)
    except TimeoutError:
        return f"no answer within {patience} s" if spoilt.whole else None
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        return f"the connection broke: {error!r}" if spoilt.whole else None
    announced = status == 503 and b"retry-after:" in head.lower()
    return None if status < 500 or announced else f"{status}: {head!r}"


async def _answer(port: int, request: bytes) -> tuple[int, bytes]:
    """The status and the head of the answer, once its body has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
        if length and not request.startswith(b"HEAD"):
            await reader.readexactly(int(length[1]))
        return int(head.split(b" ", 2)[1]), head
    finally:
        writer.close()
