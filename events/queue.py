"""The requests that wait for the appender: so many, so long, and only while somebody waits for the answer."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from events.database import PATIENCE

MAX_WAITING: Final = 1_000  # requests
MAX_WAITING_FACTS: Final = 20_000
MAX_BATCH: Final = 256  # requests in one transaction
MAX_BATCH_FACTS: Final = 2_000  # and their facts, unless a single request has more


Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class NotBegun(Exception):
    """Nothing was begun, so nothing was recorded: send it again."""


class Waiting(Generic[Asked, Answer]):
    """A request of so many facts and the answer that it will have; while it waits to be begun it may be given up."""

    def __init__(self, asked: Asked, size: int, since: float | None) -> None:
        loop = asyncio.get_running_loop()
        self.asked = asked
        self.size = size
        self.since = since or time.monotonic()
        self.answer: asyncio.Future[Answer] = loop.create_future()
        self._until = loop.time() + PATIENCE
        self.wait()

    def wait(self) -> None:
        """Let it wait behind others, once more if it was begun: all its waiting has one end."""
        self._end = asyncio.get_running_loop().call_at(self._until, self._give_up)

    def begin(self) -> bool:
        """Whether somebody still waits for it; from now on it takes as long as it takes."""
        self._end.cancel()
        return not self.answer.done()

    def _give_up(self) -> None:
        self.hear(NotBegun(f"it has waited for {PATIENCE:.0f} s behind others"))

    def hear(self, answer: Answer | Exception) -> None:
        """The answer, for whoever still waits for it."""
        self._end.cancel()
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Queue(Generic[Asked, Answer]):
    """Who came first is begun first; one that finds too many before it is refused at once."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting[Asked, Answer]] = deque()
        self._facts = 0
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        """How many wait, those included who may have gone."""
        return len(self._waiting)

    def put(self, asked: Asked, size: int, since: float | None = None) -> asyncio.Future[Answer]:
        """The answer that a request of so many facts will have; NotBegun if too many wait before it.

        `since`: when it began to wait, by the monotonic clock, if that was not now.
        """
        if len(self._waiting) >= MAX_WAITING or self._facts + size > MAX_WAITING_FACTS:
            self._drop_the_gone()
        if len(self._waiting) >= MAX_WAITING or self._facts + size > MAX_WAITING_FACTS:
            raise NotBegun(f"{len(self._waiting)} requests with {self._facts} facts wait to be recorded")
        waiting = Waiting[Asked, Answer](asked, size, since)
        self._waiting.append(waiting)
        self._facts += size
        self._arrived.set()
        return waiting.answer

    async def arrival(self) -> None:
        """Return once a request waits."""
        await self._arrived.wait()

    def begin(self, alone: Callable[[Asked], bool] = lambda _: False) -> Sequence[Waiting[Asked, Answer]]:
        """The next batch, which may be empty: whoever has gone or has waited too long is left out for good.

        Who is to be `alone` shares it with nobody.
        """
        batch: list[Waiting[Asked, Answer]] = []
        facts = 0
        while self._waiting and len(batch) < MAX_BATCH:
            facts += self._waiting[0].size
            if batch and (facts > MAX_BATCH_FACTS or alone(batch[0].asked) or alone(self._waiting[0].asked)):
                break
            waiting = self._next()
            if waiting.begin():
                batch.append(waiting)
            else:
                facts -= waiting.size
        return batch

    def refuse(self, why: NotBegun) -> None:
        """Send everybody away who waits."""
        while self._waiting:
            self._next().hear(why)

    def _next(self) -> Waiting[Asked, Answer]:
        waiting = self._waiting.popleft()
        self._facts -= waiting.size
        if not self._waiting:
            self._arrived.clear()
        return waiting

    def _drop_the_gone(self) -> None:
        still = [one for one in self._waiting if not one.answer.done()]
        self._waiting = deque(still)
        self._facts = sum(one.size for one in still)
