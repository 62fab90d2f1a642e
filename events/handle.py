"""A request's commands: load → fold → decide → append; decided once more if somebody wrote in between."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.commands import AnyCommand
from domain.errors import ReasonMissing, Refused, Stale, Unknown
from domain.fact import recordable
from domain.record import Past, Record, State, command_name
from domain.undo import FactVoided, VoidFact, check_live, check_replaced
from domain.values import LATEST, checked_date, shanghai_day
from events.database import Connection
from events.erasable import Sealer
from events.log import (
    Conflict,
    IdempotencyKey,
    Log,
    NewFact,
    Proposal,
    Receipt,
    find_request,
    is_named,
    new_request_id,
    now,
    read_streams,
)
from events.recorded import HEAD, Cause, Recorded

Fold = Callable[[str, Iterable[Recorded], int, date], State | None]
"""The state of a stream's subject at (position, date); `projections/fold.py` is handed in."""


class Acquire(Protocol):
    """Lends a connection for reading, as a pool's `acquire` does."""

    def __call__(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for as long as the block lasts."""
        ...


class Decided(NamedTuple):
    """What a request would record, and the pretended facts behind it, for a dry run."""

    proposal: Proposal
    pretended: dict[str, list[Recorded]]


class Remembered:
    """The log as a rule may ask it. What is not loaded answers as if absent and is noted in `missing_…`."""

    def __init__(self, fold: Fold, size: int) -> None:
        self._fold = fold
        self._size = size
        self.facts: dict[str, list[Recorded]] = {}
        self.where: dict[int, str | None] = {}
        self.named: dict[str, bool] = {}
        self.pending: dict[str, list[Recorded]] = {}
        self.replacing: int | None = None
        self.missing_streams: set[str] = set()
        self.missing_positions: set[int] = set()
        self.missing_names: set[str] = set()

    @property
    def complete(self) -> bool:
        """Whether every question was answered from what is loaded."""
        return not (self.missing_streams or self.missing_positions or self.missing_names)

    def forget_pending(self) -> None:
        """Begin to decide anew."""
        self.pending, self.replacing = {}, None
        self.missing_streams, self.missing_positions, self.missing_names = set(), set(), set()

    def state(self, stream: str, on: date) -> State | None:
        """The subject at (head, on), this request's earlier facts included and what is being replaced left out."""
        return self._fold(stream, self._standing(stream), HEAD, on)

    def past(self, position: int, field: str) -> Past:
        """The fact at `position`; Unknown if there is none."""
        if position not in self.where:
            self.missing_positions.add(position)
        stream = self.where.get(position)
        facts = self._all(stream) if stream else []
        found = next((one for one in facts if one.position == position), None)
        if found is None:
            raise Unknown(f"there is no fact at position {position}", pointer=f"/{field}")
        undone_by = next((one.position for one in facts if one.undoes == position), None)
        return Past(position, found.stream, self._founds(facts, found), found.effective_on, found.fact, undone_by)

    def _founds(self, facts: Sequence[Recorded], one: Recorded) -> bool:
        """Whether its subject would be gone without it: its first fact, or what took that one's place."""
        return self._fold(one.stream, [*facts, _void(one)], HEAD, LATEST) is None

    def referred(self, stream: str) -> bool:
        """Whether a live fact of another stream names the subject."""
        if stream not in self.named:
            self.missing_names.add(stream)
        return self.named.get(stream, False)

    def version(self, stream: str) -> int:
        """The stream's version, without this request's own facts."""
        self._all(stream)
        return len(self.facts.get(stream, ()))

    def pretend(self, new: NewFact, actor: str, instant: datetime) -> None:
        """Let the commands that follow see a fact of this request, at the position it would have now."""
        before = self._all(new.stream)
        position = self._size + 1 + sum(map(len, self.pending.values()))
        self.pending.setdefault(new.stream, []).append(
            Recorded(
                position,
                new.stream,
                len(before) + 1,
                actor,
                instant,
                new.effective_on,
                new.replaces,
                new.cause,
                new.fact,
            )
        )

    def _all(self, stream: str) -> list[Recorded]:
        if stream not in self.facts:
            self.missing_streams.add(stream)
        return [*self.facts.get(stream, ()), *self.pending.get(stream, ())]

    def _standing(self, stream: str) -> list[Recorded]:
        facts = self._all(stream)
        target = next((one for one in facts if one.position == self.replacing), None)
        if target is None:
            return facts
        return [*facts, _void(target)]


def _void(one: Recorded) -> Recorded:
    """A pretended fact that voids another, later than all."""
    void = FactVoided(one.position)
    return Recorded(HEAD, one.stream, 0, one.actor, one.recorded_at, one.effective_on, None, one.cause, void)


class Handler:
    """The whole service layer: one generic load → fold → decide → append → once more."""

    def __init__(self, log: Log, acquire: Acquire, fold: Fold) -> None:
        self._log = log
        self._acquire = acquire
        self._fold = fold

    async def handle(
        self, commands: Sequence[AnyCommand], actor: str, idempotency: IdempotencyKey | None = None
    ) -> Receipt:
        """Record what the commands decide, all or nothing. Refused says why not; Stale if others keep writing."""
        for last_try in (False, True):
            if replayed := await self._replayed(actor, idempotency):
                return replayed
            try:
                decided = await self.decide(commands, actor, idempotency)
            except Refused:
                # The same request may have been recorded since: then that, not a second one, is what was asked for.
                if replayed := await self._replayed(actor, idempotency):
                    return replayed
                raise
            try:
                return await self._log.append(decided.proposal)
            except Conflict as conflict:
                if last_try:
                    raise Stale(f"somebody else is writing there just now ({conflict}): ask again") from conflict
        raise AssertionError("unreachable")

    async def _replayed(self, actor: str, idempotency: IdempotencyKey | None) -> Receipt | None:
        """What an earlier request with the same key recorded; KeyReused if it had another body."""
        if idempotency is None:
            return None
        async with self._acquire() as connection:
            return await find_request(connection, actor, idempotency)

    async def decide(
        self, commands: Sequence[AnyCommand], actor: str, idempotency: IdempotencyKey | None = None
    ) -> Decided:
        """What the commands would record, and under which conditions; nothing is recorded."""
        async with self._acquire() as connection:
            size, instant = await now(connection)
            memory = Remembered(self._fold, size)
            request = new_request_id(instant, secrets.token_bytes(10))
            while True:
                memory.forget_pending()
                refused, new = None, list[NewFact]()
                try:
                    new = decide_all(commands, memory, actor, instant, request)
                except Refused as error:
                    refused = error
                if memory.complete:
                    break
                await _load(connection, memory)
        if refused:
            raise refused
        return Decided(_proposal(memory, actor, new, instant, idempotency), memory.pending)


def decide_all(
    commands: Sequence[AnyCommand], memory: Remembered, actor: str, instant: datetime, request: UUID
) -> list[NewFact]:
    """The facts of all commands, each decided on what the ones before it made."""
    new: list[NewFact] = []
    for index, command in enumerate(commands):
        try:
            facts = decide_one(command, memory, instant, request)
        except Refused as refused:
            refused.index = index
            raise
        for one in facts:
            memory.pretend(one, actor, instant)
        new.extend(facts)
    return new


def decide_one(command: AnyCommand, memory: Remembered, instant: datetime, request: UUID) -> list[NewFact]:
    """The facts of one command, in the envelopes that it gives them."""
    if command.reason is None and command.needs_reason():
        raise ReasonMissing("an edit of the public record says why: give a reason", pointer="/reason")
    today = shanghai_day(instant)
    target = memory.past(command.replaces, "replaces") if command.replaces is not None else None
    if target:
        check_live(target, "replaces")
    _check_version(command, memory)
    on = command.effective_on or (target.effective_on if target else command.default_date(today))
    sealer = Sealer(lambda: secrets.token_bytes(16))
    memory.replacing = command.replaces
    record = Record(memory, checked_date(on), today, sealer)
    new = [(stream, recordable(fact)) for stream, fact in command.decide(record)]
    memory.replacing = None
    if target:
        check_replaced(target, new)
    cause = Cause(command_name(command), request, command.reason, command.authority)
    return [NewFact(stream, fact, on, command.replaces, cause, sealer.behind(fact)) for stream, fact in new]


def _check_version(command: AnyCommand, memory: Remembered) -> None:
    if command.expected_version is None:
        return
    stream = memory.past(command.target, "target").stream if isinstance(command, VoidFact) else command.stream
    actual = memory.version(stream)
    if actual != command.expected_version:
        raise Stale(
            f"{stream}: expected version {command.expected_version}, is {actual}: read it again, then decide",
            pointer="/expectedVersion",
        )


def _proposal(
    memory: Remembered, actor: str, new: Sequence[NewFact], instant: datetime, idempotency: IdempotencyKey | None
) -> Proposal:
    return Proposal(
        actor,
        new,
        {stream: len(facts) for stream, facts in memory.facts.items()},
        {one.stream: memory.facts[one.stream] for one in new},
        shanghai_day(instant),
        frozenset(stream for stream, named in memory.named.items() if not named),
        idempotency,
    )


async def _load(connection: Connection, memory: Remembered) -> None:
    """Everything that was asked for and is not there yet, in as many statements as there are kinds of it."""
    for position in memory.missing_positions:
        memory.where[position] = None
    rows = await connection.fetch(
        "SELECT position, stream FROM events WHERE position = ANY($1::bigint[])", list(memory.missing_positions)
    )
    memory.where |= {row["position"]: row["stream"] for row in rows}
    streams = memory.missing_streams | {row["stream"] for row in rows}
    memory.facts |= await read_streams(connection, streams - memory.facts.keys())
    for stream in memory.missing_names:
        memory.named[stream] = await is_named(connection, stream)
