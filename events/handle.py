"""A request's commands: load → fold → decide → append; decided again if somebody wrote in between."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from domain.commands import AnyCommand
from domain.directory import check_circle, moves_duties
from domain.errors import ReasonMissing, Refused, Stale, Unknown
from domain.fact import above, recordable, subject_of
from domain.record import New, Past, Record, State, StateSpan, command_name
from domain.report import ReportProgress
from domain.undo import FactVoided, VoidFact, check_live, check_replaced
from domain.values import checked_date, shanghai_day
from domain.words import check_words
from events.database import PATIENCE, Connection
from events.erasable import Sealer
from events.log import Log
from events.proposal import Appended, Conflict, IdempotencyKey, NewFact, Proposal, new_request_id
from events.queue import NotBegun
from events.recorded import OPEN_END, Cause, Recorded
from events.steps import Pace
from events.streams import Streams, find_request, head_now, naming, streams_naming

MAX_FACTS: Final = 2_000  # in one request
MAX_WEIGHT: Final = 5_000_000  # bytes of rows that one request may have written, roughly
OVERTAKEN: Final = f"others were writing there for {PATIENCE:.0f} s, one after the other"
SEND: Final = "send the others in requests of their own"
REWRITES: Final = (
    "a fact rewrites what its subject shows on every day from which that is something else, "
    f"and a request may rewrite {MAX_WEIGHT:,} bytes of the record: "
)


class TooManyFacts(Exception):
    """A request asks for more at once than those who wait behind it should wait for: it says how much would do."""


class Folding(Protocol):
    """A stream's facts, and the states that they fold to."""

    facts: list[Recorded]

    def copy(self) -> "Folding":
        """The same, to be added to by itself."""
        ...

    def add(self, fact: Recorded) -> None:
        """One more fact, later than all others."""
        ...

    def at(self, on: date) -> State | None:
        """The subject on a day, or None."""
        ...

    def spans(self) -> Iterable[StateSpan]:
        """All its states, along the effective clock."""
        ...

    def weight(self) -> int:
        """How much is written for one more fact, roughly, in bytes."""
        ...


Fold = Callable[[str, Sequence[Recorded]], Folding]
"""The facts of a stream, to be folded; `projections/fold.py` is handed in."""


class Acquire(Protocol):
    """Lends a connection for reading, as a pool's `acquire` does."""

    def __call__(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for as long as the block lasts."""
        ...


class Decided(NamedTuple):
    """What a request would record; for a dry run the pretended facts behind it; which commands would record nothing."""

    proposal: Proposal
    pretended: dict[str, list[Recorded]]
    unchanged: tuple[int, ...]


class Remembered:
    """The log as a rule may ask it. What is not loaded answers as if absent and is noted in `missing_…`."""

    def __init__(self, fold: Fold, size: int) -> None:
        self._fold = fold
        self.read_at = size
        self._size = size
        self._folded: dict[str, Folding] = {}
        self._left_out: tuple[str, Folding] | None = None
        self.facts: dict[str, list[Recorded]] = {}
        self.where: dict[int, str | None] = {}
        self.named: dict[str, frozenset[int]] = {}
        self.namers: dict[str, frozenset[str]] = {}
        self.voiding = frozenset[int]()
        self.pending: dict[str, list[Recorded]] = {}
        self.unchanged: list[int] = []
        self._naming: dict[str, set[int]] = {}  # by this request's own facts
        self._undone = set[int]()
        self.weight = 0
        self.forget_missing()

    @property
    def complete(self) -> bool:
        """Whether every question was answered from what is loaded."""
        return not (self.missing_streams or self.missing_positions or self.missing_names or self.missing_below)

    def forget_missing(self) -> None:
        """Begin to decide one command, perhaps once more."""
        self._left_out = None
        self.missing_streams = set[str]()
        self.missing_positions = set[int]()
        self.missing_names = set[str]()
        self.missing_below = set[str]()

    def expect(self, commands: Iterable[AnyCommand]) -> None:
        """Note as missing what the commands themselves name, so that it is loaded all at once."""
        for command in commands:
            if isinstance(command, VoidFact):
                self.missing_positions.add(command.target)
            else:
                self.missing_streams.add(command.stream)
            if isinstance(command, ReportProgress):
                self.missing_streams |= {*above(command.stream)}
            if command.replaces is not None:
                self.missing_positions.add(command.replaces)

    def state(self, stream: str, on: date) -> State | None:
        """The subject at (head, on), this request's earlier facts included and what is being replaced left out."""
        if self._left_out and self._left_out[0] == stream:
            return self._left_out[1].at(on)
        return self._of(stream).at(on)

    def past(self, position: int, field: str) -> Past:
        """The fact at `position`; Unknown if there is none."""
        if position not in self.where:
            self.missing_positions.add(position)
        stream = self.where.get(position)
        facts = self._of(stream).facts if stream else []
        found = next((one for one in facts if one.position == position), None)
        if found is None:
            raise Unknown(f"there is no fact at position {position}", pointer=f"/{field}")
        undone_by = next((one.position for one in facts if one.undoes == position), None)
        without = cache(lambda: self._without(found))
        return Past(
            position,
            found.stream,
            lambda on: without().at(on),
            lambda: [one for one in self.live(found.stream) if one != position],
            found.effective_on,
            found.fact,
            undone_by,
        )

    def live(self, stream: str) -> Sequence[int]:
        """The positions of the live facts of a stream, without those that this request voids."""
        facts = self._of(stream).facts
        gone = {one.undoes for one in facts} | self.voiding
        return [one.position for one in facts if one.position not in gone and not isinstance(one.fact, FactVoided)]

    def leave_out(self, past: Past) -> None:
        """Answer as if this fact were void, as it will be once it is replaced, until `forget_missing`."""
        found = next(one for one in self._of(past.stream).facts if one.position == past.position)
        self._left_out = (past.stream, self._without(found))

    def referred(self, stream: str) -> bool:
        """Whether a live fact of another stream names the subject, this request's own facts and voidings counted.

        Its later voidings too: if one of them is refused, so is the whole request.
        """
        if stream not in self.named:
            self.missing_names.add(stream)
        named = self.named.get(stream, frozenset()) | self._naming.get(stream, set())
        return not named <= self._undone | self.voiding

    def states(self, stream: str) -> Iterable[StateSpan]:
        """All that the subject is at the head, this request's earlier facts included."""
        return self._of(stream).spans()

    def below(self, stream: str) -> Iterable[str]:
        """The streams of other subjects whose facts name this one, this request's own included."""
        if stream not in self.namers:
            self.missing_below.add(stream)
        named = self.namers.get(stream, frozenset())
        return sorted(named | {one for one, own in self.pending.items() if any(stream in new.refers for new in own)})

    def version(self, stream: str) -> int:
        """The stream's version, without this request's own facts."""
        self._of(stream)
        return len(self.facts.get(stream, ()))

    def pretend(self, new: NewFact, actor: str, instant: datetime) -> None:
        """Let the commands that follow see a fact of this request, at the position it would have now."""
        folded = self._of(new.stream)
        one = self._recorded(new, actor, instant)
        self._size += 1
        self.pending.setdefault(new.stream, []).append(one)
        if new.undoes is not None:
            self._undone.add(new.undoes)
        if not isinstance(one.fact, FactVoided):  # which names nothing that it stands on
            for stream in one.refers:
                self._naming.setdefault(stream, set()).add(one.position)
        folded.add(one)
        self.weight += folded.weight()

    def states_with(self, new: NewFact, actor: str, instant: datetime) -> Sequence[StateSpan]:
        """All that the subject of a fact's stream will be with it, along the effective clock."""
        known = self._of(new.stream).facts
        return tuple(self._fold(new.stream, [*known, self._recorded(new, actor, instant)]).spans())

    def _recorded(self, new: NewFact, actor: str, instant: datetime) -> Recorded:
        return Recorded(
            self._size + 1,
            new.stream,
            len(self._of(new.stream).facts) + 1,
            actor,
            instant,
            new.effective_on,
            new.replaces,
            new.cause,
            new.fact,
        )

    def _of(self, stream: str) -> Folding:
        if stream not in self.facts:
            self.missing_streams.add(stream)
            return self._fold(stream, ())
        if stream not in self._folded:
            self._folded[stream] = self._fold(stream, self.facts[stream])
        return self._folded[stream]

    def _without(self, one: Recorded) -> Folding:
        without = self._of(one.stream).copy()
        without.add(_void(one))
        return without


def _void(one: Recorded) -> Recorded:
    """A pretended fact that voids another, later than all."""
    void = FactVoided(one.position)
    return Recorded(OPEN_END, one.stream, 0, one.actor, one.recorded_at, one.effective_on, None, one.cause, void)


class Handler:
    """The whole service layer: one generic load → fold → decide → append → again."""

    def __init__(self, log: Log, acquire: Acquire, fold: Fold, streams: Streams) -> None:
        self._log = log
        self._streams = streams
        self._acquire = acquire
        self._fold = fold
        self._turns = asyncio.Lock()

    async def handle(
        self, commands: Sequence[AnyCommand], actor: str, idempotency: IdempotencyKey | None = None
    ) -> Appended:
        """Record what the commands decide, all or nothing. Refused says why not.

        What somebody else's write overtook is decided again, for as long as PATIENCE; then it is NotBegun.
        """
        end = asyncio.get_running_loop().time() + PATIENCE
        done = await self._tried(commands, actor, idempotency)
        if done is None:
            async with self._turn(end):
                while (done := await self._tried(commands, actor, idempotency)) is None:
                    if asyncio.get_running_loop().time() > end:
                        raise NotBegun(OVERTAKEN)
        return done

    @asynccontextmanager
    async def _turn(self, end: float) -> AsyncGenerator[None]:
        """Those who were overtaken go one after the other: at once they would overtake each other again and again."""
        try:
            async with asyncio.timeout_at(end):
                await self._turns.acquire()
        except TimeoutError as error:
            raise NotBegun(OVERTAKEN) from error
        try:
            yield
        finally:
            self._turns.release()

    async def _tried(
        self, commands: Sequence[AnyCommand], actor: str, idempotency: IdempotencyKey | None
    ) -> Appended | None:
        """What was recorded; None if somebody else wrote meanwhile what the decision rests on."""
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
            appended = await self._log.append(decided.proposal)
        except Conflict:
            return None
        return appended if appended.replayed else appended._replace(unchanged=decided.unchanged)

    async def _replayed(self, actor: str, idempotency: IdempotencyKey | None) -> Appended | None:
        """What an earlier request with the same key recorded; KeyReused if it had another body."""
        if idempotency is None:
            return None
        async with self._acquire() as connection:
            return await find_request(connection, actor, idempotency)

    async def decide(
        self, commands: Sequence[AnyCommand], actor: str, idempotency: IdempotencyKey | None = None
    ) -> Decided:
        """What the commands would record, and under which conditions; nothing is recorded. TooManyFacts if too many."""
        if len(commands) > MAX_FACTS:
            raise TooManyFacts(f"a request holds at most {MAX_FACTS:,} commands, this one {len(commands):,}: {SEND}")
        async with self._acquire() as connection:
            size, instant = await head_now(connection)
            memory = Remembered(self._fold, size)
            memory.expect(commands)
            await self._load(connection, memory)
        request = new_request_id(instant, secrets.token_bytes(10))
        new, pace = list[NewFact](), Pace()
        for facts in decide_all(commands, memory, actor, instant, request):
            if facts is None:
                async with self._acquire() as connection:
                    await self._load(connection, memory)
            new += facts or ()
            await pace.rest()
        return Decided(_proposal(memory, actor, new, instant, idempotency), memory.pending, tuple(memory.unchanged))

    async def _load(self, connection: Connection, memory: Remembered) -> None:
        """Everything that was asked for and is not there yet, in as many statements as there are kinds of it."""
        streams = memory.missing_streams
        if memory.missing_positions:
            asked = list(memory.missing_positions)
            rows = await connection.fetch(
                "SELECT position, stream FROM events WHERE position = ANY($1::bigint[])", asked
            )
            memory.where |= dict.fromkeys(asked) | {row["position"]: row["stream"] for row in rows}
            streams = streams | {row["stream"] for row in rows}
        memory.facts |= await self._streams.read(connection, streams - memory.facts.keys())
        for stream in memory.missing_names:
            memory.named[stream] = await naming(connection, stream)
        if memory.missing_below:
            memory.namers |= await streams_naming(connection, memory.missing_below)


def decide_all(
    commands: Sequence[AnyCommand], memory: Remembered, actor: str, instant: datetime, request: UUID
) -> Iterator[list[NewFact] | None]:
    """The facts of each command, decided on what the ones before it made; None: first load what is missing.

    A command is decided once more only when something was loaded for it, those before it never.
    """
    made = 0
    memory.voiding = frozenset(one.target for one in commands if isinstance(one, VoidFact))
    for index, command in enumerate(commands):
        _check_words(command, index)
        while (facts := (yield from _decided(command, index, memory, actor, instant, request))) is None:
            yield None
        made += len(facts) if command.BOUNDED else 0
        if not facts:
            memory.unchanged.append(index)
        if made > MAX_FACTS:
            raise TooManyFacts(f"a request records at most {MAX_FACTS:,} facts: {_fitting(index)}")
        for one in facts:
            memory.pretend(one, actor, instant)
            yield []
        if memory.weight > MAX_WEIGHT and index:  # how much it rewrites is never too much for one command alone
            raise TooManyFacts(REWRITES + _fitting(index))
        yield facts


def _decided(  # noqa: PLR0913, PLR0917 - a command, what is known, and what stands in each envelope
    command: AnyCommand, index: int, memory: Remembered, actor: str, instant: datetime, request: UUID
) -> Generator[list[NewFact], None, list[NewFact] | None]:
    """The facts of one command, in steps; None if something was missing, so that it may have to say otherwise."""
    memory.forget_missing()
    facts: list[NewFact] = []
    try:
        for one in decide_one(command, memory, instant, request):
            memory.version(one.stream)  # whatever is written is read
            if moves_duties(one.stream, one.fact):
                after = memory.states_with(one, actor, instant)
                check_circle(subject_of(one.stream)[1], after, memory.states, command)
            facts.append(one)
            yield []
    except Refused as refused:
        if memory.complete:
            refused.index = index
            raise
    return facts if memory.complete else None


def _check_words(command: AnyCommand, index: int) -> None:
    """Its words are the same however often it is decided."""
    try:
        check_words(command)
    except Refused as refused:
        refused.index = index
        raise


def _fitting(index: int) -> str:
    if index == 0:
        return "its first command alone makes more"
    return f"its first {index:,} commands make no more than that. {SEND[0].upper()}{SEND[1:]}"


def decide_one(command: AnyCommand, memory: Remembered, instant: datetime, request: UUID) -> Iterator[NewFact]:
    """The facts of one command, in the envelopes that it gives them."""
    if command.reason is None and command.needs_reason():
        raise ReasonMissing("an edit of the public record says why: give a reason", pointer="/reason")
    today = shanghai_day(instant)
    target = memory.past(command.replaces, "replaces") if command.replaces is not None else None
    if target:
        check_live(target, "replaces")
    _check_version(command, memory)
    on = command.effective_on or (command.kept_date(target, today) if target else command.default_date(today))
    sealer = Sealer(lambda: secrets.token_bytes(16))
    if target:
        memory.leave_out(target)
    record = Record(memory, checked_date(on), today, sealer)
    cause = Cause(command_name(command), request, command.reason, command.authority)
    new: Iterable[New] = islice(command.decide(record), MAX_FACTS + 1 if command.BOUNDED else None)
    if target:
        new = list(new)
        check_replaced(target, new, record)
    for stream, fact in new:
        kept = recordable(fact)
        yield NewFact(stream, kept, on, command.replaces, cause, sealer.behind(kept))


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
        frozenset(memory.named),
        dict.fromkeys(memory.namers, memory.read_at),
        idempotency,
    )
