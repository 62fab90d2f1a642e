"""The log: appends whole queues of requests in one transaction each."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from domain.fact import tag
from domain.undo import FactVoided
from domain.values import shanghai_day
from events import codec, merkle
from events.database import CHANNEL, GONE, PATIENCE, WRONG, Connection, close, statement
from events.erasable import Disclosure
from events.histogram import COUNTS, SECONDS, Histogram
from events.proposal import (
    Appended,
    ClockBehind,
    Conflict,
    DiskFull,
    IdempotencyKey,
    KeyReused,
    OtherShape,
    Proposal,
    Unacknowledged,
    replay,
)
from events.queue import NotBegun, Queue, Waiting
from events.recorded import Recorded
from events.steps import Pace, carried_out, in_steps
from events.work import nobodys

MAX_SECONDS_BEHIND: Final = 5.0
MAX_AT_ONCE: Final = 500  # facts that one statement may append: with their 20 values each that takes as long
MAX_RIDING: Final = 10_000  # values that one statement may carry of the tables' rows: to encode them takes 5 to 10 ms


class Written(NamedTuple):
    """A stream after an append: all its facts, the last `new` of which are new."""

    stream: str
    facts: Sequence[Recorded]
    new: int


class Write(NamedTuple):
    """A statement that rides along in the append's own, or follows it in pieces if all of them are long.

    `{}` stands for each of its parameters. These are lists of one length: an item of each makes a row. Of the writes
    of one append each stands after those that must precede it.
    """

    name: str
    sql: str
    args: Sequence[Sequence[Any]]


Held = Callable[[Connection, datetime], Awaitable[Proposal | Appended | Exception]]
"""Decides a request while the head is held, at the moment it is recorded: what to append, or what became of it."""

Writer = Callable[[Sequence[Written]], Awaitable[Sequence[Write]]]


async def nothing(_: Sequence[Written]) -> Sequence[Write]:
    """The writer of a log that nothing is derived from."""
    return ()


class Log:
    """One appender for a process. What arrives while a commit is in flight is appended by the next.

    `shape` is that of the tables that the writer knows (None: of none), and of another nothing is appended. `full` says
    that the last append found no room on the database's disk. Counted are the requests and the `facts` of each batch,
    the seconds for which a request `waits` for its own, and those of the `commits`.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], writer: Writer = nothing, shape: str | None = None
    ) -> None:
        self.full = False
        self.shape = shape
        self.batches, self.facts = Histogram(COUNTS), Histogram(COUNTS)
        self.waits, self.commits = Histogram(SECONDS), Histogram(SECONDS)
        self._connect = connect
        self._writer = writer
        self._queue = Queue[Proposal | Held, Appended]()
        self._last: Mapping[str, Sequence[Recorded]] = {}  # whole streams, as the last batch left them
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait to be begun."""
        return len(self._queue)

    async def append(self, proposal: Proposal, since: float | None = None) -> Appended:
        """Append all facts of a request or none. It may rest on facts that this log has appended just before.

        `since`: when the request began to wait, by the monotonic clock, if that was not now.

        Conflict, KeyReused, LeafError; ClockBehind, DiskFull or NotBegun if nothing was recorded and may be later;
        Unacknowledged if nobody can say. Whoever gives up waiting before it is begun has recorded nothing.
        """
        return await self._put(proposal, len(proposal.new), since)

    async def append_held(self, decide: Held, size: int) -> Appended:
        """As `append`, for a request of so many commands that is decided while nobody else may write."""
        return await self._put(decide, size)

    async def seek_room(self, connection: Connection) -> None:
        """Find out whether a disk that was full has room again, by writing something that is dropped; else DiskFull."""
        if not self.full:
            return
        try:
            async with connection.transaction():
                await connection.execute(statement("room"))
        except asyncpg.DiskFullError as error:
            raise DiskFull from error
        self.full = False

    async def close(self) -> None:
        """Finish the commit in flight, if it ends within the patience, and let go of the connection."""
        if self._task:
            self._task.cancel()
            if not (await asyncio.wait({self._task}, timeout=PATIENCE))[0]:
                self._hang_up()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._queue.refuse(NotBegun("the server is stopping"))
        if self._connection:
            await close(self._connection)
            self._connection = None

    def _put(self, asked: Proposal | Held, size: int, since: float | None = None) -> asyncio.Future[Appended]:
        if self._task is None:
            self._task = nobodys(self._run())
        return self._queue.put(asked, size, since)

    async def _run(self) -> None:
        while True:
            await self._queue.arrival()
            commit = asyncio.ensure_future(self._append())
            try:
                await asyncio.shield(commit)
            except asyncio.CancelledError:
                await commit
                raise

    async def _append(self) -> None:
        """Append what waits; nothing is begun before there is a connection to do it over."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._queue.refuse(_not_begun(error))
            return
        if batch := self._queue.begin(alone=callable):  # what is decided while the head is held
            await self._commit_or_fail(self._connection, batch)

    async def _commit_or_fail(self, connection: Connection, batch: Sequence[Waiting[Any, Appended]]) -> None:
        began = time.monotonic()
        try:
            answers = await self._commit(connection, [waiting.asked for waiting in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self.full = self.full or isinstance(error, DiskFull)
            self._hang_up()
            answers = [error] * len(batch)
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.hear(answer)
            self.waits.add(began - waiting.since)
        self.batches.add(len(batch))
        self.facts.add(sum(len(answer.positions) for answer in answers if isinstance(answer, Appended)))
        self.commits.add(time.monotonic() - began)

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.terminate()
            self._connection = None

    async def _commit(self, connection: Connection, asked: Sequence[Proposal | Held]) -> Sequence[Appended | Exception]:
        """Append a batch; of all its messages only the last can leave it open whether anything was recorded."""
        last, self._last = self._last, {}
        try:
            await connection.execute("BEGIN")
            answers, written = await self._answers(connection, asked, last)
        except Exception as error:
            raise _unwritten(error) from error
        try:
            await connection.execute("COMMIT")
        except Exception as error:
            if getattr(error, "severity_en", None) == "ERROR":  # refused, not broken off: it was rolled back
                raise _unwritten(error) from error
            raise Unacknowledged("the database went away before it had said that it was recorded") from error
        self._last = {one.stream: one.facts for one in written}
        return answers

    async def _answers(
        self, connection: Connection, asked: Sequence[Proposal | Held], last: Mapping[str, Sequence[Recorded]]
    ) -> tuple[Sequence[Appended | Exception], Sequence[Written]]:
        """What becomes of each request, and what is written, and not yet committed."""
        head = await connection.fetchrow(statement("head_for_update"))
        assert head is not None  # noqa: S101 - migrate() has made the one row
        if self.shape not in {None, head["shape"]}:
            return [OtherShape()] * len(asked), ()
        if head["seconds_behind"] > MAX_SECONDS_BEHIND:
            behind = ClockBehind(f"the database's clock is {head['seconds_behind']:.1f} s behind the last fact")
            return [behind] * len(asked), ()
        proposals: list[Proposal] = []
        for one in asked:
            decided = await one(connection, head["recorded_at"]) if callable(one) else one
            if not isinstance(decided, Proposal):  # nor is anybody else in this batch
                return [decided], ()
            proposals.append(decided)
        batch = Batch(head["size"], head["recorded_at"], await self._conditions(connection, proposals), last)
        pace = Pace()
        answers = await batch.judged(proposals, pace)
        await pace.rest()
        written = batch.written()
        await pace.rest()
        if batch.asked or written:
            await self._write(connection, batch, written, head["frontier"])
            self.full = False
        return answers, written

    @staticmethod
    async def _conditions(connection: Connection, proposals: Sequence[Proposal]) -> "Conditions":
        keys = [(one.actor, one.idempotency.key) for one in proposals if one.idempotency]
        named = [pair for one in proposals for pair in one.unnamed_since.items()]
        since = [stream for stream, _ in named], [size for _, size in named]
        rows = await connection.fetch(
            statement("conditions"),
            list({stream for one in proposals for stream in one.read}),
            list({stream for one in proposals for stream in one.unnamed}),
            [office for office, _ in keys],
            [key for _, key in keys],
            *since,
        )
        return Conditions(
            {row["name"]: row["number"] or 0 for row in rows if row["kind"] == "version"},
            _sets((row["name"], row["number"]) for row in rows if row["kind"] == "named"),
            {row["name"]: (row["body_hmac"], tuple(row["positions"])) for row in rows if row["kind"] == "request"},
            {row["name"]: row["number"] for row in rows if row["kind"] == "named since"},
        )

    async def _write(
        self, connection: Connection, batch: "Batch", written: Sequence[Written], frontier: Sequence[bytes]
    ) -> None:
        writes = await self._writer(written)
        riding = writes if sum(len(values) for write in writes for values in write.args) <= MAX_RIDING else ()
        size, tree, pace, args = batch.size - len(batch.appended), tuple(frontier), Pace(), list[Any]()
        for piece in batch.pieces():
            await pace.rest()
            tree, nodes = merkle.extend(tree, size, [one.leaf for one in piece.entries])
            size += len(piece.entries)
            args = [*piece.arguments(), size, tree, *([one[column] for one in nodes] for column in range(3))]
            if size < batch.size:
                await connection.execute(f"{statement('append')} SELECT", *args)
        sql = statement("append")
        for write in riding:
            numbers = [f"${len(args) + i}" for i in range(1, len(write.args) + 1)]
            sql += f", {write.name} AS ({write.sql.format(*numbers)})"
            args.extend(write.args)
        await connection.execute(f"{sql} SELECT pg_notify('{CHANNEL}', $17::bigint::text)", *args)
        for write in writes[len(riding) :]:
            await _write_apart(connection, write)


async def _write_apart(connection: Connection, write: Write) -> None:
    """Carry out what is too long to ride along, piece by piece: a statement's parameters are encoded in one step."""
    sql = write.sql.format(*(f"${number}" for number in range(1, len(write.args) + 1)))
    rows = MAX_RIDING // len(write.args)
    for begin in range(0, len(write.args[0]), rows):
        await connection.execute(sql, *(values[begin : begin + rows] for values in write.args))


def _unwritten(error: Exception) -> Exception:
    """Why nothing was recorded, where the transaction was not committed."""
    if isinstance(error, asyncpg.DiskFullError):
        return DiskFull("the database's disk is full")
    return _not_begun(error) if isinstance(error, (*GONE, *WRONG)) else error


def _not_begun(error: Exception) -> NotBegun:
    found = NotBegun("the database does not answer, or not as it should")
    found.__cause__ = error
    return found


class Conditions(NamedTuple):
    """What the database says of the streams and keys of a batch."""

    versions: dict[str, int]
    named: dict[str, set[int]]
    requests: dict[str, tuple[bytes, tuple[int, ...]]]
    last_named: dict[str, int]


def _sets(pairs: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, number in pairs:
        found.setdefault(name, set()).add(number)
    return found


class Batch:
    """The requests of one transaction, judged one after the other: one conflict never fails its neighbours.

    `last` are whole streams that requests may rest on which were decided before these were recorded.
    """

    def __init__(
        self,
        size: int,
        recorded_at: datetime,
        conditions: Conditions,
        last: Mapping[str, Sequence[Recorded]],
    ) -> None:
        self.size = size
        self.recorded_at = recorded_at
        self.appended: list[AppendedFact] = []
        self.asked: list[tuple[str, IdempotencyKey, tuple[int, ...]]] = []
        self._known: dict[str, Sequence[Recorded]] = {}  # of streams that are written: what was there before,
        self._new: dict[str, list[Recorded]] = {}  # and what is new
        self._conditions = conditions
        self._last = last

    async def judged(self, proposals: Sequence[Proposal], pace: Pace) -> list[Appended | Exception]:
        """What becomes of each request, in steps."""
        return [await self.judge(one, pace) for one in proposals]

    async def judge(self, proposal: Proposal, pace: Pace) -> Appended | Exception:
        """Accept, replay or refuse one request."""
        replay = self._replay(proposal)
        if replay is not None:
            return replay
        conflict = self._conflict(proposal)
        if conflict is not None:
            return conflict
        await pace.rest()
        try:
            recorded = [(one, codec.encode(one)) async for one in in_steps(self._recorded(proposal), pace)]
        except codec.LeafError as error:
            return error
        await carried_out(self._accept(proposal, recorded), pace)
        return Appended(
            tuple(one.position for one, _ in recorded),
            replayed=False,
            leaves=tuple(leaf for _, leaf in recorded),
            disclosures=tuple(disclosure for new in proposal.new for disclosure in new.disclosures),
        )

    def _replay(self, proposal: Proposal) -> Appended | Exception | None:
        key = proposal.idempotency
        before = self._conditions.requests.get(f"{proposal.actor} {key.key}") if key else None
        if key is None or before is None:
            return None
        try:
            return replay(key, *before)
        except KeyReused as reused:
            return reused

    def _conflict(self, proposal: Proposal) -> Exception | None:
        for stream, expected in proposal.read.items():
            actual = self._conditions.versions[stream]
            if actual != expected:
                return Conflict(stream, expected, actual)
        for stream in proposal.unnamed & self._conditions.named.keys():
            if others := self._conditions.named[stream].difference(one.undoes for one in proposal.new):
                return Conflict(stream, None, min(others))
        for stream, size in proposal.unnamed_since.items():
            if self._conditions.last_named.get(stream, 0) > size:
                return Conflict(stream, size, self._conditions.last_named[stream])
        for stream, requests in proposal.ahead.items():
            if requests != self._last_requests(stream, proposal.read[stream], len(requests)):
                return Conflict(stream, proposal.read[stream], None)
        if shanghai_day(self.recorded_at) != proposal.today:
            return Conflict("today", None, None)  # midnight passed between deciding and recording
        return None

    def _recorded(self, proposal: Proposal) -> Iterator[Recorded]:
        versions = dict(proposal.read)
        for position, new in enumerate(proposal.new, self.size + 1):
            versions[new.stream] += 1
            yield Recorded(
                position,
                new.stream,
                versions[new.stream],
                proposal.actor,
                self.recorded_at,
                new.effective_on,
                new.replaces,
                new.cause,
                new.fact,
            )

    def _accept(self, proposal: Proposal, recorded: Sequence[tuple[Recorded, bytes]]) -> Iterator[None]:
        self.size += len(recorded)
        for (one, leaf), new in zip(recorded, proposal.new, strict=True):
            yield None
            self.appended.append(AppendedFact(one, leaf, new.disclosures))
            self._new.setdefault(one.stream, []).append(one)
            self._conditions.versions[one.stream] = one.version
            if not isinstance(one.fact, FactVoided):  # which names nothing that it stands on
                for stream in one.refers:
                    self._conditions.named.setdefault(stream, set()).add(one.position)
                    self._conditions.last_named[stream] = one.position
            for positions in self._conditions.named.values() if one.undoes else ():
                positions.discard(one.undoes)
            if one.stream not in self._known:
                self._known[one.stream] = self._whole(proposal, one.stream)
        if proposal.idempotency:
            positions = tuple(one.position for one, _ in recorded)
            self.asked.append((proposal.actor, proposal.idempotency, positions))
            name = f"{proposal.actor} {proposal.idempotency.key}"
            self._conditions.requests[name] = (proposal.idempotency.body_hmac, positions)

    def _last_requests(self, stream: str, version: int, count: int) -> tuple[UUID, ...]:
        """Who has recorded the last facts of a stream of this version, as far as that is known here."""
        before = self._known.get(stream)
        if before is None:
            before = self._last.get(stream, ())
            if len(before) != version:
                return ()
        facts = [*before[-count:], *self._new.get(stream, ())]
        return tuple(one.cause.request for one in facts[-count:])

    def _whole(self, proposal: Proposal, stream: str) -> Sequence[Recorded]:
        """A stream as it was before this batch."""
        known = proposal.known.get(stream, ())
        return known if len(known) == proposal.read[stream] else self._last[stream]

    def written(self) -> list[Written]:
        """Every stream that was written, whole."""
        return [Written(stream, [*self._known[stream], *facts], len(facts)) for stream, facts in self._new.items()]

    def pieces(self) -> Iterator["PartOfBatch"]:
        """What is written, in pieces that can be put into a statement at once; at least one."""
        for begin in range(0, max(len(self.appended), 1), MAX_AT_ONCE):
            last = begin + MAX_AT_ONCE >= len(self.appended)
            yield PartOfBatch(self.recorded_at, self.appended[begin : begin + MAX_AT_ONCE], self.asked if last else ())


class AppendedFact(NamedTuple):
    """A fact that is appended, its leaf, and its texts."""

    recorded: Recorded
    leaf: bytes
    disclosures: Sequence[Disclosure]


class PartOfBatch(NamedTuple):
    """A part of a batch."""

    recorded_at: datetime
    entries: Sequence[AppendedFact]
    asked: Sequence[tuple[str, IdempotencyKey, tuple[int, ...]]]

    def arguments(self) -> list[Any]:
        """Parameters $1 to $16 of append.sql."""
        facts = [one.recorded for one in self.entries]
        disclosed = [(one.recorded.position, text) for one in self.entries for text in one.disclosures]
        return [
            self.recorded_at,
            [one.position for one in facts],
            [one.stream for one in facts],
            [one.version for one in facts],
            [tag(one.fact) for one in facts],
            [one.undoes for one in facts],
            [msgspec.json.encode(one.refers).decode() for one in facts],
            [one.leaf for one in self.entries],
            [one.digest for _, one in disclosed],
            [position for position, _ in disclosed],
            [one.salt for _, one in disclosed],
            [one.value for _, one in disclosed],
            [office for office, _, _ in self.asked],
            [key.key for _, key, _ in self.asked],
            [key.body_hmac for _, key, _ in self.asked],
            [",".join(map(str, positions)) for _, _, positions in self.asked],
        ]
