"""A request's commands: load → fold → decide → append. What waits is decided together, while others are committed."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from domain.commands import AnyCommand
from domain.errors import Refused
from domain.plan_import import ImportPlan
from domain.undo import RetractPlan
from events.database import PATIENCE, Connection
from events.deciding import TooManyFacts, check_count, decide_all, proposed
from events.log import Log
from events.proposal import Appended, Conflict, IdempotencyKey, KeyReused, NewFact, Proposal, new_request_id, replay
from events.queue import NotBegun, Queue, Waiting
from events.recorded import Recorded
from events.remembered import NOTHING_AHEAD, Ahead, Fold, Loaded, Remembered, add_facts
from events.steps import Pace
from events.streams import Kept, Streams, find_requests, naming, streams_naming
from events.work import nobodys

SHORT: Final = 10  # commands of a request that others may wait for
TRIES: Final = 3  # of a list, before nobody else may write while it is decided,
MOST_HELD: Final = 500  # which it may ask for if it has no more commands
OVERTAKEN: Final = (
    f"others were writing there each of the {TRIES} times that it was decided; a list of at most {MOST_HELD} commands "
    "would have been let pass"
)


class Acquire(Protocol):
    """Lends a connection for reading, as a pool's `acquire` does."""

    def __call__(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for as long as the block lasts."""
        ...


class Request(NamedTuple):
    """What an office asks for."""

    commands: Sequence[AnyCommand]
    actor: str
    idempotency: IdempotencyKey | None = None

    @property
    def short(self) -> bool:
        """Whether it is decided so soon that others may wait for it."""
        long = any(isinstance(one, ImportPlan | RetractPlan) for one in self.commands)
        return len(self.commands) <= SHORT and not long


class Decided(NamedTuple):
    """What a request would record; for a dry run the pretended facts behind it; which commands would record nothing."""

    proposal: Proposal
    pretended: dict[str, list[Recorded]]
    unchanged: tuple[int, ...]

    def told(self, appended: Appended) -> Appended:
        """What became of it, with what the log does not know."""
        return appended if appended.replayed else appended._replace(unchanged=self.unchanged)


class Seen(NamedTuple):
    """The log as it was read: its size, the moment, what was loaded, and what was recorded under the requests' keys."""

    size: int
    instant: datetime
    loaded: Loaded
    kept: Mapping[tuple[str, str], Kept]

    def replayed(self, request: Request) -> Appended | None:
        """What an earlier request with the same key recorded; KeyReused if it had another body."""
        key = request.idempotency
        found = self.kept.get((request.actor, key.key)) if key else None
        return replay(key, *found) if key and found else None


Waits = Waiting[Request, Appended | None]


class Handler:
    """The whole service layer: one generic load → fold → decide → append → again.

    Short requests are decided one after the other, each on what those before it are about to record: those that have
    come while others were committed are loaded and decided meanwhile, and appended next.
    """

    def __init__(self, log: Log, acquire: Acquire, fold: Fold, streams: Streams) -> None:
        self._log = log
        self._streams = streams
        self._acquire = acquire
        self._fold = fold
        self._queue = Queue[Request, Appended | None]()
        self._deciding: asyncio.Task[None] | None = None
        self._committing: asyncio.Future[list[None]] | None = None
        self._ahead: dict[str, list[Recorded]] = {}  # what those have decided who are being committed

    @property
    def waiting(self) -> int:
        """How many requests wait to be decided."""
        return len(self._queue)

    async def handle(
        self, commands: Sequence[AnyCommand], actor: str, idempotency: IdempotencyKey | None = None
    ) -> Appended:
        """Record what the commands decide, all or nothing. Refused says why not.

        What somebody else's write overtook is decided again, in the end while nobody else may write; NotBegun if that
        would hold them up for too long.
        """
        request = Request(commands, actor, idempotency)
        check_count(commands)
        done = await (self._together(request) if request.short else self._alone(request))
        for _ in range(TRIES - 1 if len(commands) > 1 else 0):
            done = done or await self._alone(request)
        if done:
            return done
        if len(commands) > MOST_HELD:
            raise NotBegun(OVERTAKEN)
        return await self._undisturbed(request)

    async def close(self) -> None:
        """Begin nothing more, and see what was begun end."""
        self._queue.refuse(NotBegun("the server is stopping"))
        if begun := [one for one in (self._deciding, self._committing) if one]:
            await asyncio.wait(begun, timeout=PATIENCE)

    async def decide(self, commands: Sequence[AnyCommand], actor: str) -> Decided:
        """What the commands would record, and under which conditions; nothing is recorded. TooManyFacts if too many."""
        request = Request(commands, actor)
        check_count(commands)
        async with self._acquire() as connection:
            seen = await self._see(connection, [request])
        return await self._loading(request, seen, self._acquire)

    def _together(self, request: Request) -> asyncio.Future[Appended | None]:
        """What was recorded; None if it has to be decided again, apart from those who were decided with it."""
        answer = self._queue.put(request, len(request.commands))
        if self._deciding is None or self._deciding.done():
            self._deciding = nobodys(self._decide_who_waits())
        return answer

    async def _decide_who_waits(self) -> None:
        while batch := self._queue.begin():
            decided = await self._decided_together(batch)
            if self._committing and not self._committing.done():
                for waiting, _ in decided:
                    waiting.wait()
                await self._committing  # the log then knows what these rest on
            still = [(waiting, one) for waiting, one in decided if waiting.begin()]
            self._committing = asyncio.gather(*(self._append(*one) for one in still))

    async def _decided_together(self, batch: Sequence[Waits]) -> list[tuple[Waits, Decided]]:
        """Those of a batch that are to be appended; the others hear what became of them.

        Who lacks something has to wait for those who do not, so that what all lack is loaded at once.
        """
        decided: list[tuple[Waits, Decided]] = []
        committed = self._committing is None or self._committing.done()
        try:
            async with self._acquire() as connection:
                seen = await self._see(
                    connection, [one.asked for one in batch], NOTHING_AHEAD if committed else self._ahead
                )
            names = {one: _new_name(seen) for one in batch}
            while batch:
                batch, lacking = await self._decide_each(batch, seen, names, decided)
                if batch:
                    async with self._acquire() as connection:
                        await self._load(connection, lacking)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            for waiting in batch:
                waiting.hear(error)
        self._ahead = {}
        for _, one in decided:
            add_facts(self._ahead, one.pretended)
        return decided

    async def _decide_each(
        self, batch: Sequence[Waits], seen: Seen, names: Mapping[Waits, UUID], decided: list[tuple[Waits, Decided]]
    ) -> tuple[Sequence[Waits], Remembered]:
        """Add to `decided` who has all that it takes; the others, and what they lack."""
        still, lacking = list[Waits](), Remembered(self._fold, 0, seen.loaded)
        for waiting in batch:
            memory = Remembered(self._fold, seen.size, seen.loaded)
            try:
                one = seen.replayed(waiting.asked) or await self._decided(waiting.asked, seen, memory, names[waiting])
            except Exception as error:  # noqa: BLE001 - as above
                # It may have been refused for what will not be recorded after all.
                waiting.hear(None if isinstance(error, Refused) and memory.ahead else error)
                continue
            if one is None:
                lacking.lack(memory)
                still.append(waiting)
            elif isinstance(one, Appended):
                waiting.hear(one)
            else:
                decided.append((waiting, one))
                seen.loaded.expect(one.pretended)
        return still, lacking

    async def _append(self, waiting: Waits, decided: Decided) -> None:
        try:
            waiting.hear(await self._appended(decided, waiting.since))
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
            waiting.hear(error)

    async def _appended(self, decided: Decided, since: float | None = None) -> Appended | None:
        """What was recorded; None if somebody else wrote meanwhile what the decision rests on."""
        try:
            return decided.told(await self._log.append(decided.proposal, since))
        except Conflict:
            return None

    async def _alone(self, request: Request) -> Appended | None:
        """What was recorded; None as in `_appended`."""
        async with self._acquire() as connection:
            seen = await self._see(connection, [request])
        return seen.replayed(request) or await self._appended(await self._loading(request, seen, self._acquire))

    async def _undisturbed(self, request: Request) -> Appended:
        """What was recorded, decided while nobody else may write."""
        found: Decided | None = None

        async def decide(connection: Connection, instant: datetime) -> Proposal | Appended | Exception:
            nonlocal found
            try:
                seen = (await self._see(connection, [request]))._replace(instant=instant)
                if replayed := seen.replayed(request):
                    return replayed
                found = await self._loading(request, seen, lambda: nullcontext(connection))
            except (Refused, TooManyFacts, KeyReused) as error:
                return error
            return found.proposal

        appended = await self._log.append_held(decide, len(request.commands))
        return found.told(appended) if found else appended

    async def _loading(self, request: Request, seen: Seen, acquire: Acquire) -> Decided:
        """What a request decides; what it lacks is loaded as it goes."""
        memory = Remembered(self._fold, seen.size, seen.loaded)

        async def load() -> None:
            async with acquire() as connection:
                await self._load(connection, memory)

        decided = await self._decided(request, seen, memory, _new_name(seen), load)
        assert decided  # noqa: S101 - it can be loaded what it lacks
        return decided

    async def _decided(
        self,
        request: Request,
        seen: Seen,
        memory: Remembered,
        name: UUID,
        load: Callable[[], Awaitable[None]] | None = None,
    ) -> Decided | None:
        """What a request of this name decides; None if it lacks something that cannot be loaded now."""
        new, pace = list[NewFact](), Pace()
        for facts in decide_all(request.commands, memory, request.actor, seen.instant, name):
            if facts is None:
                if load is None:
                    return None
                await load()
            new += facts or ()
            await pace.rest()
        proposal = proposed(memory, request.actor, new, seen.instant, request.idempotency)
        return Decided(proposal, memory.pending, tuple(memory.unchanged))

    async def _see(self, connection: Connection, requests: Sequence[Request], ahead: Ahead = NOTHING_AHEAD) -> Seen:
        """The log as it is, with what the requests name.

        Their keys are looked for last: who was loaded what an earlier request with its key has made finds the key too.
        """
        loaded, pace = Loaded(ahead), Pace()
        named = Remembered(self._fold, 0, loaded)
        for command in chain.from_iterable(one.commands for one in requests):
            named.expect(command)
            await pace.rest()
        size, instant, facts = await self._streams.now(connection, await _named_streams(connection, named))
        loaded.facts |= facts
        keys = [(one.actor, one.idempotency.key) for one in requests if one.idempotency]
        return Seen(size, instant, loaded, await find_requests(connection, keys) if keys else {})

    async def _load(self, connection: Connection, memory: Remembered) -> None:
        """Everything that was asked for and is not there yet, in as many statements as there are kinds of it."""
        streams = await _named_streams(connection, memory)
        memory.facts |= await self._streams.read(connection, streams - memory.facts.keys())
        if memory.missing_names:
            memory.named |= await naming(connection, memory.missing_names)
        if memory.missing_below:
            memory.namers |= await streams_naming(connection, memory.missing_below)


def _new_name(seen: Seen) -> UUID:
    return new_request_id(seen.instant, secrets.token_bytes(10))


async def _named_streams(connection: Connection, memory: Remembered) -> set[str]:
    """The streams that are missing, by their names or by the positions of their facts."""
    if not memory.missing_positions:
        return memory.missing_streams
    asked = list(memory.missing_positions)
    rows = await connection.fetch("SELECT position, stream FROM events WHERE position = ANY($1::bigint[])", asked)
    memory.where |= dict.fromkeys(asked) | {row["position"]: row["stream"] for row in rows}
    return memory.missing_streams | {row["stream"] for row in rows}
