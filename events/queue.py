"""The requests that wait for the appender: so many, so long, and only while somebody waits for the answer."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from events.database import PATIENCE
from events.proposal import Appended, Proposal

MAX_WAITING: Final = 1_000  # requests
MAX_WAITING_FACTS: Final = 20_000
MAX_BATCH: Final = 256  # requests in one transaction
MAX_BATCH_FACTS: Final = 2_000  # and their facts, unless a single request has more


class NotBegun(Exception):
    """Nothing was begun, so nothing was recorded: send it again."""


class Waiting:
    """A request and the answer that it will have; until it is begun it may be given up."""

    def __init__(self, proposal: Proposal) -> None:
        loop = asyncio.get_running_loop()
        self.proposal = proposal
        self.since = time.monotonic()
        self.answer: asyncio.Future[Appended] = loop.create_future()
        self._end = loop.call_later(PATIENCE, self._give_up)

    def begin(self) -> bool:
        """Whether somebody still waits for it; from now on it takes as long as it takes."""
        self._end.cancel()
        return not self.answer.done()

    def _give_up(self) -> None:
        self.hear(NotBegun(f"it has waited for {PATIENCE:.0f} s behind others"))

    def hear(self, answer: Appended | Exception) -> None:
        """The answer, for whoever still waits for it."""
        self._end.cancel()
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Queue:
    """Who came first is begun first; one that finds too many before it is refused at once."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._facts = 0
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        """How many wait, those included who may have gone."""
        return len(self._waiting)

    def put(self, proposal: Proposal) -> asyncio.Future[Appended]:
        """The answer that a request will have; NotBegun if too many wait before it."""
        if len(self._waiting) >= MAX_WAITING or self._facts + len(proposal.new) > MAX_WAITING_FACTS:
            self._drop_the_gone()
        if len(self._waiting) >= MAX_WAITING or self._facts + len(proposal.new) > MAX_WAITING_FACTS:
            raise NotBegun(f"{len(self._waiting)} requests with {self._facts} facts wait to be recorded")
        waiting = Waiting(proposal)
        self._waiting.append(waiting)
        self._facts += len(proposal.new)
        self._arrived.set()
        return waiting.answer

    async def arrival(self) -> None:
        """Return once a request waits."""
        await self._arrived.wait()

    def begin(self) -> Sequence[Waiting]:
        """The next batch, which may be empty: whoever has gone or has waited too long is left out for good."""
        batch: list[Waiting] = []
        facts = 0
        while self._waiting and len(batch) < MAX_BATCH:
            facts += len(self._waiting[0].proposal.new)
            if batch and facts > MAX_BATCH_FACTS:
                break
            waiting = self._next()
            if waiting.begin():
                batch.append(waiting)
            else:
                facts -= len(waiting.proposal.new)
        return batch

    def refuse(self, why: NotBegun) -> None:
        """Send everybody away who waits."""
        while self._waiting:
            self._next().hear(why)

    def _next(self) -> Waiting:
        waiting = self._waiting.popleft()
        self._facts -= len(waiting.proposal.new)
        if not self._waiting:
            self._arrived.clear()
        return waiting

    def _drop_the_gone(self) -> None:
        still = [one for one in self._waiting if not one.answer.done()]
        self._waiting = deque(still)
        self._facts = sum(len(one.proposal.new) for one in still)
