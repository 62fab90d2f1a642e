"""Long work in steps: between them whoever else waits for the event loop has its turn."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable, Iterator
from time import perf_counter
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
STEP: Final = 0.005  # seconds that work may go on before it rests, with the unit that ends it
PAUSE: Final = 0.0003  # seconds of rest: what hands requests over is another thread, which waits until the loop sleeps
FIRST_STEP: Final = 0.003  # the first time: what the same step of the loop did before the work began adds to it
_TURNS: Final = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]()


class Pace:
    """How long one piece of work has gone on since it last rested."""

    def __init__(self) -> None:
        self._since = perf_counter() + FIRST_STEP - STEP

    async def rest(self) -> None:
        """Between two units of work: let everybody else run if the step is over.

        However many such works there are, they take turns: of all of them one step is taken in a round of the loop.
        """
        if perf_counter() - self._since < STEP:
            return
        async with _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await asyncio.sleep(PAUSE)
        self._since = perf_counter()


Work = Iterable[T | None]  # yields what it makes, and None where it took its time and made nothing yet


async def in_steps(work: Work[T], pace: Pace | None = None) -> AsyncIterator[T]:
    """What a work makes, with the rests that it needs."""
    pace = pace or Pace()
    for one in work:
        if one is not None:
            yield one
        await pace.rest()


async def carried_out(work: Iterable[None], pace: Pace) -> None:
    """A work that makes nothing, with the rests that it needs."""
    for _ in work:
        await pace.rest()


def at_once(work: Work[T]) -> Iterator[T]:
    """What a work makes, without a rest."""
    return (one for one in work if one is not None)


def settle() -> None:
    """To be called once before serving: what is there by now stays, and is looked through for garbage no more.

    Looking through all objects, which Python does now and then, would be one step of a tenth of a second. What lives
    for a short time, cycles included, is still found young.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 1_000)
