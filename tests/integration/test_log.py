"""The log, driven by hand-made proposals, over connections that fail where they are told to; no HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from domain.commands import AnyCommand
from domain.directory import RegisterUnit, UnitKind, UnitRegistered, UnitRenamed, UnitSucceeded
from domain.errors import Refused
from domain.fact import Fact
from domain.task import AssignUnit, RewordTask
from domain.undo import FactVoided, VoidFact
from domain.values import Role, shanghai_day
from events.database import SESSION, Connection, connect, statement, undisturbed
from events.demo import set_clock
from events.handle import Handler
from events.log import Held, Log
from events.proposal import (
    Appended,
    ClockBehind,
    Conflict,
    DiskFull,
    IdempotencyKey,
    KeyReused,
    NewFact,
    Proposal,
    Unacknowledged,
)
from events.queue import NotBegun
from events.recorded import Cause
from events.streams import Streams, read_streams
from projections.fold import Timeline
from projections.memory import Memory
from projections.verifying import verify
from projections.views.subjects import TABLES
from projections.writer import writer
from tests.conftest import IMPORTED_AT, TASK, database_of
from tests.conftest import Service as Running

DAY = shanghai_day(IMPORTED_AT)
WRITER = writer(TABLES)
MESSAGES = {
    "BEGIN": "BEGIN",
    "head": statement("head_for_update"),
    "conditions": statement("conditions"),
    "append": statement("append"),
    "COMMIT": "COMMIT",
}


class Faulty(Connection):
    """A connection that fails at one of its messages: before it is sent, or after it was answered."""

    at, when = "", "before"
    error: Exception = ConnectionResetError("the line was cut")

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        async with self._failing(query):
            return await super().execute(query, *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._failing(query):
            return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._failing(query):
            return await super().fetchrow(query, *args, **options)

    @asynccontextmanager
    async def _failing(self, query: str) -> AsyncGenerator[None]:
        struck = bool(self.at) and query.startswith(MESSAGES[self.at])
        if struck and self.when == "before":
            raise self.error
        yield
        if struck:
            raise self.error


class Line:
    """How the log calls the database, and where the next connection fails."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.called = 0
        self.at, self.when = "", "before"
        self.error: Exception = ConnectionResetError("the line was cut")

    async def __call__(self) -> Connection:
        self.called += 1
        connection = await asyncpg.connect(self.dsn, connection_class=Faulty, server_settings=SESSION)
        connection.at, connection.when, connection.error = self.at, self.when, self.error
        self.at = ""
        return connection

    async def ask(self, sql: str, *args: Any) -> Any:
        """First value of a statement, over a line of its own."""
        connection = await connect(self.dsn)
        try:
            return await connection.fetchval(sql, *args)
        finally:
            await connection.close()

    async def size(self) -> int:
        """How many facts there are."""
        return await self.ask("SELECT size FROM log_head")


@pytest.fixture
async def line(server: str) -> AsyncGenerator[Line]:
    """A record that holds nothing yet, on the day that the plan is imported."""
    async with database_of(server, "fresh") as dsn:
        connection = await connect(dsn)
        await set_clock(connection, IMPORTED_AT)
        await connection.close()
        yield Line(dsn)


@pytest.fixture
async def log(line: Line) -> AsyncGenerator[Log]:
    made = Log(line, WRITER)
    yield made
    await made.close()
    async with undisturbed(line.dsn) as connection:
        await verify(connection, TABLES)


def proposed(stream: str, fact: Fact, *, read: int = 0, key: str | None = None, **others: Any) -> Proposal:
    """What one request would have appended, decided on the day of the import."""
    idempotency = IdempotencyKey(key, b"body") if key else None
    known = {stream: others.pop("known", ())}
    versions = {stream: read, **others.pop("also_read", {})}
    cause = Cause("unit.register", uuid4(), "试", None)
    return Proposal(
        "office", [NewFact(stream, fact, DAY, None, cause)], versions, known, DAY, idempotency=idempotency, **others
    )


def a_unit(number: int, **others: Any) -> Proposal:
    """A request to register a unit."""
    return proposed(f"unit:u{number}", UnitRegistered(f"第{number}局", UnitKind.BODY), **others)


def told(one: Appended | Exception) -> tuple[tuple[int, ...], bool]:
    """Where a request's facts stand, and whether they did before."""
    assert isinstance(one, Appended)
    return one.positions, one.replayed


async def outcome(log: Log, proposal: Proposal) -> Appended | Exception:
    """What became of a request."""
    try:
        return await log.append(proposal)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", MESSAGES)
async def test_whatever_message_fails_the_answer_is_true_and_what_is_sent_again_is_recorded_once(
    line: Line, log: Log, at: str, when: str
) -> None:
    line.at, line.when = at, when
    failed = await outcome(log, a_unit(1, key="k"))
    assert isinstance(failed, Unacknowledged if at == "COMMIT" else NotBegun)
    assert await line.size() == (1 if (at, when) == ("COMMIT", "after") else 0)
    again = await log.append(a_unit(1, key="k"))
    assert told(again) == ((1,), (at, when) == ("COMMIT", "after"))
    assert told(await log.append(a_unit(2))) == ((2,), False)
    assert line.called == 2, "a connection that failed is not used again"


async def test_without_a_key_what_had_taken_effect_is_a_conflict_and_not_recorded_twice(line: Line, log: Log) -> None:
    line.at, line.when = "COMMIT", "after"
    assert isinstance(await outcome(log, a_unit(1)), Unacknowledged)
    assert isinstance(await outcome(log, a_unit(1)), Conflict)
    assert await line.size() == 1


@pytest.mark.parametrize("at", MESSAGES)
async def test_a_full_disk_is_named_and_whoever_breaks_off_while_committing_is_not_believed(
    line: Line, log: Log, at: str
) -> None:
    line.at, line.error = at, asyncpg.DiskFullError("could not extend file: No space left on device")
    setattr(line.error, "severity_en", "PANIC" if at == "COMMIT" else "ERROR")  # noqa: B010 - the driver sets it so
    assert isinstance(await outcome(log, a_unit(1)), Unacknowledged if at == "COMMIT" else DiskFull)
    assert log.full == (at != "COMMIT")
    assert (await log.append(a_unit(1))).positions == (1,)
    assert not log.full


async def test_a_commit_that_the_database_refuses_was_rolled_back(line: Line, log: Log) -> None:
    line.at, line.error = "COMMIT", asyncpg.DiskFullError("no room")
    setattr(line.error, "severity_en", "ERROR")  # noqa: B010 - the driver sets it so
    assert isinstance(await outcome(log, a_unit(1)), DiskFull)
    assert await line.size() == 0


async def test_a_database_that_does_not_take_the_call_begins_nothing_and_hears_of_the_next(line: Line) -> None:
    there, line.dsn = line.dsn, line.dsn.replace("/test_", "/no_test_")
    log = Log(line, WRITER)
    failed = await asyncio.gather(*(outcome(log, a_unit(number)) for number in range(5)))
    assert {type(one) for one in failed} == {NotBegun}
    line.dsn = there
    assert (await log.append(a_unit(1))).positions == (1,)
    await log.close()


@asynccontextmanager
async def held(line: Line) -> AsyncGenerator[None]:
    """Nobody can append for as long as the block lasts: somebody else holds the head."""
    connection = await connect(line.dsn)
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM log_head FOR UPDATE")
        yield
    await connection.close()


async def begun(log: Log, *proposals: Proposal) -> list["asyncio.Task[Appended | Exception]"]:
    """Requests of which the first has begun and the others wait."""
    tasks = list[asyncio.Task[Appended | Exception]]()
    for proposal in proposals:
        tasks.append(asyncio.create_task(outcome(log, proposal)))
        await asyncio.sleep(0.2 if len(tasks) == 1 else 0)
    return tasks


async def test_a_queue_that_is_full_refuses_at_once_and_takes_the_next_when_there_is_room(
    line: Line, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.queue.MAX_WAITING", 3)
    async with held(line):
        tasks = await begun(log, *map(a_unit, range(6)))
        await asyncio.sleep(0)
        assert [task.done() for task in tasks] == [False, False, False, False, True, True]
        assert all(isinstance(task.result(), NotBegun) for task in tasks[4:])
    answers = await asyncio.gather(*tasks)
    assert sum(isinstance(one, Appended) for one in answers) == 4
    assert await line.size() == 4
    assert isinstance(await outcome(log, a_unit(9)), Appended)


async def test_a_queue_is_bounded_in_facts_too(line: Line, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.queue.MAX_WAITING_FACTS", 2)
    async with held(line):
        tasks = await begun(log, *map(a_unit, range(4)))
        assert isinstance(await tasks[3], NotBegun)
    assert sum(isinstance(one, Appended) for one in await asyncio.gather(*tasks)) == 3


async def test_those_who_have_gone_keep_no_room(line: Line, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.queue.MAX_WAITING", 2)
    async with held(line):
        tasks = await begun(log, *map(a_unit, range(3)))
        for task in tasks[1:]:
            task.cancel()
        tasks += await begun(log, a_unit(3))
        assert not tasks[-1].done()
    assert isinstance(await tasks[-1], Appended)
    assert await line.size() == 2


async def test_a_batch_is_bounded_in_facts(line: Line, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.queue.MAX_BATCH_FACTS", 2)
    async with held(line):
        tasks = await begun(log, *map(a_unit, range(6)))
    assert all(isinstance(one, Appended) for one in await asyncio.gather(*tasks))
    transactions: int = await line.ask("SELECT count(DISTINCT xmin::text) FROM events")
    assert transactions == 4


async def test_who_has_waited_too_long_is_told_that_nothing_was_begun(
    line: Line, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.queue.PATIENCE", 0.3)
    async with held(line):
        first, second = await begun(log, a_unit(1), a_unit(2))
        assert isinstance(await asyncio.wait_for(second, 1), NotBegun)
        assert not first.done(), "what was begun takes as long as it takes"
    assert isinstance(await first, Appended)
    assert await line.ask("SELECT array_agg(stream) FROM events") == ["unit:u1"]


async def test_who_goes_while_waiting_has_recorded_nothing_and_who_goes_later_has(line: Line, log: Log) -> None:
    async with held(line):
        first, second, third = await begun(log, a_unit(1), a_unit(2), a_unit(3))
        first.cancel()
        second.cancel()
    assert told(await third) == ((2,), False)
    assert await line.ask("SELECT array_agg(stream ORDER BY position) FROM events") == ["unit:u1", "unit:u3"]


async def test_a_head_that_somebody_keeps_is_not_waited_for_for_ever(line: Line, log: Log) -> None:
    async with held(line):
        assert isinstance(await asyncio.wait_for(outcome(log, a_unit(1)), 5), NotBegun)
    assert isinstance(await outcome(log, a_unit(1)), Appended)


async def test_closing_finishes_what_was_begun_and_sends_the_others_away(line: Line, log: Log) -> None:
    async with held(line):
        first, second = await begun(log, a_unit(1), a_unit(2))
        closing = asyncio.create_task(log.close())
        await asyncio.sleep(0.1)
        assert not closing.done()
    await closing
    assert isinstance(await first, Appended)
    assert isinstance(await second, NotBegun)


async def test_closing_ends_even_if_the_commit_does_not(line: Line, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.log.PATIENCE", 0.2)
    async with held(line):
        (first,) = await begun(log, a_unit(1))
        await asyncio.wait_for(log.close(), 1)
        assert isinstance(await first, NotBegun)


# What a decision rests on is looked at again when it is recorded.


async def later(line: Line, instant: datetime) -> None:
    """Let it be later."""
    connection = await connect(line.dsn)
    await set_clock(connection, instant)
    await connection.close()


async def test_what_was_decided_on_monday_is_not_recorded_on_tuesday(line: Line, log: Log) -> None:
    await later(line, IMPORTED_AT + timedelta(days=1))
    assert isinstance(await outcome(log, a_unit(1)), Conflict)
    assert await line.size() == 0


async def test_a_conflict_fails_alone(line: Line, log: Log) -> None:
    async with held(line):
        tasks = await begun(log, a_unit(0), a_unit(1), a_unit(1), a_unit(2, read=3), a_unit(4))
    assert [type(await task) for task in tasks] == [Appended, Appended, Conflict, Conflict, Appended]


async def the_two(line: Line) -> tuple[Proposal, Proposal]:
    """A request that names the first unit, and one that voids it, both decided when neither had happened."""
    connection = await connect(line.dsn)
    known = await read_streams(connection, ["unit:u1", "unit:u2"])
    await connection.close()
    first, second = known["unit:u1"], known["unit:u2"]
    return (
        proposed("unit:u2", UnitSucceeded(("u1",)), read=1, also_read={"unit:u1": 1}, known=second),
        proposed("unit:u1", FactVoided(1), read=1, unnamed=frozenset({"unit:u1"}), known=first),
    )


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_a_subject_is_not_voided_while_another_request_names_it(
    line: Line, log: Log, *, in_one_batch: bool
) -> None:
    """Both were decided when nothing named it; whoever comes second is told."""
    await log.append(a_unit(1))
    await log.append(a_unit(2))
    named, voided = await the_two(line)
    if in_one_batch:
        async with held(line):
            tasks = await begun(log, a_unit(3), named, voided)
        answers = [await task for task in tasks[1:]]
    else:
        answers = [await outcome(log, named), await outcome(log, voided)]
    assert [type(one) for one in answers] == [Appended, Conflict]


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_what_rests_on_all_who_name_a_subject_is_decided_again_when_one_more_does(
    line: Line, log: Log, *, in_one_batch: bool
) -> None:
    """As a target that is voided while somebody reports on it for the first time, in a stream of its own."""
    await log.append(a_unit(1))
    await log.append(a_unit(2))
    naming, _ = await the_two(line)
    resting, late = (a_unit(3, unnamed_since={"unit:u1": size}) for size in (2, 3))
    if in_one_batch:
        async with held(line):
            tasks = await begun(log, a_unit(4), naming, msgspec.structs.replace(resting, unnamed_since={"unit:u1": 3}))
        assert [type(await task) for task in tasks] == [Appended, Appended, Conflict]
        return
    await log.append(naming)
    assert isinstance(await outcome(log, resting), Conflict)
    assert isinstance(await outcome(log, late), Appended)


async def test_nor_is_one_named_that_another_request_voids(line: Line, log: Log) -> None:
    await log.append(a_unit(1))
    await log.append(a_unit(2))
    async with held(line):
        tasks = await begun(log, a_unit(3), *reversed(await the_two(line)))
    assert [type(await task) for task in tasks[1:]] == [Appended, Conflict]


async def answered(line: Line, log: Log, *requests: Proposal, in_one_batch: bool) -> list[Appended | Exception]:
    """What becomes of requests behind another one: of all in one batch, or of each once the one before is recorded."""
    if not in_one_batch:
        await log.append(a_unit(9))
        return [await outcome(log, one) for one in requests]
    async with held(line):
        tasks = (await begun(log, a_unit(9), *requests))[1:]
    return [await task for task in tasks]


def a_renaming(name: str, *ahead: Proposal) -> Proposal:
    """A renaming of the first unit, decided when these were about to be recorded in its stream, one fact each."""
    requests = tuple(one.new[0].cause.request for one in ahead)
    return proposed("unit:u1", UnitRenamed(name), read=len(ahead), ahead={"unit:u1": requests})


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_a_request_may_rest_on_what_was_about_to_be_recorded(line: Line, log: Log, *, in_one_batch: bool) -> None:
    first = a_unit(1)
    second = a_renaming("二", first)
    requests = first, second, a_renaming("三", first, second)
    answers = await answered(line, log, *requests, in_one_batch=in_one_batch)
    assert [told(one) for one in answers] == [((2,), False), ((3,), False), ((4,), False)]


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_but_not_on_what_another_has_recorded_in_its_place(line: Line, log: Log, *, in_one_batch: bool) -> None:
    """A version does not say whose fact it is."""
    requests = a_unit(1), a_renaming("二", a_unit(1))
    answers = await answered(line, log, *requests, in_one_batch=in_one_batch)
    assert [type(one) for one in answers] == [Appended, Conflict]
    assert await line.ask("SELECT count(*) FROM events WHERE stream = 'unit:u1'") == 1


async def test_nor_on_what_this_log_has_not_recorded_just_before(line: Line, log: Log) -> None:
    """Whoever decides it again reads it."""
    first = a_unit(1)
    await log.append(first)
    await log.append(a_unit(2))
    assert isinstance(await outcome(log, a_renaming("二", first)), Conflict)


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_a_key_that_comes_twice_records_once(line: Line, log: Log, *, in_one_batch: bool) -> None:
    other = a_unit(3, key="k")
    other = Proposal(
        other.actor, other.new, other.read, other.known, DAY, idempotency=IdempotencyKey("k", b"another body")
    )
    requests = (a_unit(1, key="k"), a_unit(1, key="k"), other)
    answers = await answered(line, log, *requests, in_one_batch=in_one_batch)
    assert [told(one) for one in answers[:2]] == [((2,), False), ((2,), True)]
    assert isinstance(answers[2], KeyReused)


async def test_appending_stops_while_the_clock_is_seconds_behind_and_then_goes_on(line: Line, log: Log) -> None:
    await log.append(a_unit(1))
    await line.ask("UPDATE log_head SET recorded_at = demo_now + interval '6 seconds'")
    stopped = await outcome(log, a_unit(2))
    assert isinstance(stopped, ClockBehind)
    assert "6.0 s behind" in str(stopped)
    assert await line.size() == 1
    await later(line, IMPORTED_AT + timedelta(seconds=6))
    assert isinstance(await outcome(log, a_unit(2)), Appended)
    assert line.called == 1, "the line is in order"


async def test_recorded_at_never_goes_back_though_the_clock_did(line: Line, log: Log) -> None:
    await log.append(a_unit(1))
    await line.ask("UPDATE log_head SET recorded_at = demo_now + interval '4 seconds'")
    await log.append(a_unit(2))
    await later(line, IMPORTED_AT + timedelta(seconds=5))
    await log.append(a_unit(3))
    instants: list[datetime] = await line.ask("SELECT array_agg(recorded_at ORDER BY position) FROM events")
    assert [(one - IMPORTED_AT).total_seconds() for one in instants] == [0, 4, 5]


# The handler decides again when the log says so.

Meanwhile = Callable[[], Awaitable[Any]]


class Interrupted(Log):
    """A log to which something else happens between the first decision and its append."""

    def __init__(self, dsn: str, meanwhile: Meanwhile) -> None:
        super().__init__(lambda: connect(dsn), WRITER)
        self.decided: list[Proposal] = []
        self._meanwhile = meanwhile

    async def append(self, proposal: Proposal, since: float | None = None) -> Appended:
        self.decided.append(proposal)
        await self._meanwhile()
        return await super().append(proposal, since)

    async def append_held(self, decide: Held, size: int) -> Appended:
        async def noted(connection: Connection, instant: datetime) -> Proposal | Appended | Exception:
            decided = await decide(connection, instant)
            if isinstance(decided, Proposal):
                self.decided.append(decided)
            return decided

        return await super().append_held(noted, size)


@asynccontextmanager
async def interrupted(running: Running, meanwhile: Meanwhile) -> AsyncGenerator[tuple[Handler, Interrupted]]:
    """A handler whose first decision is overtaken."""
    log = Interrupted(running.dsn, meanwhile)
    try:
        yield Handler(log, running.pool.acquire, Timeline, Streams(Memory(1_000_000))), log
    finally:
        await log.close()


REWORD = RewordTask(task=TASK, text="改后的措辞", reason="试")


async def recorded_by(running: Running, *commands: AnyCommand) -> tuple[int, ...]:
    """The positions of what another request records."""
    return tuple(one.position for one in (await running.office.record(commands)).facts)


async def test_midnight_between_deciding_and_recording_is_decided_again(imported: Running) -> None:
    async def midnight() -> None:
        async with imported.pool.acquire() as connection:
            await set_clock(connection, datetime.fromisoformat("2023-04-04T00:00:01+08:00"))

    async with interrupted(imported, midnight) as (handler, log):
        receipt = await handler.handle([REWORD], "office")
    assert [one.today for one in log.decided] == [date(2023, 4, 3), date(2023, 4, 4)]
    async with imported.pool.acquire() as connection:
        row = await connection.fetchrow("SELECT recorded_at, entry FROM events WHERE position = $1", *receipt.positions)
    assert row
    assert shanghai_day(row["recorded_at"]) == date(2023, 4, 4)
    assert b'"effectiveOn":"2023-04-04"' in row["entry"]


async def test_who_would_void_what_was_named_meanwhile_is_refused(imported: Running) -> None:
    (registered,) = await recorded_by(imported, RegisterUnit(unit="xin-ju", name="新局", reason="试"))
    named = AssignUnit(task=TASK, unit="xin-ju", role=Role.SUPPORT, reason="试")

    async with interrupted(imported, lambda: recorded_by(imported, named)) as (handler, log):
        with pytest.raises(Refused, match="other facts name it"):
            await handler.handle([VoidFact(target=registered, reason="试")], "office")
    assert len(log.decided) == 1


async def test_who_would_name_what_was_voided_meanwhile_is_refused(imported: Running) -> None:
    (registered,) = await recorded_by(imported, RegisterUnit(unit="xin-ju", name="新局", reason="试"))
    named = AssignUnit(task=TASK, unit="xin-ju", role=Role.SUPPORT, reason="试")
    voided = VoidFact(target=registered, reason="试")

    async with interrupted(imported, lambda: recorded_by(imported, voided)) as (handler, log):
        with pytest.raises(Refused, match="xin-ju"):
            await handler.handle([named], "office")
    assert len(log.decided) == 1


KEY = IdempotencyKey("k", b"body")


@pytest.mark.parametrize(
    "command", [RegisterUnit(unit="xin-ju", name="新局", reason="试"), REWORD], ids=["refused_the_second_time", "idle"]
)
@pytest.mark.parametrize("when", ["before_deciding", "after_deciding"])
async def test_a_repeat_whose_first_try_was_recorded_meanwhile_is_replayed(
    imported: Running, command: AnyCommand, when: str
) -> None:
    async def first_try() -> None:
        receipts.append(await imported.office.record([command], IdempotencyKey("k", b"body")))

    async def nothing() -> None:
        """Let it pass."""

    receipts: list[Any] = []
    lends = 0

    @asynccontextmanager
    async def acquire() -> AsyncGenerator[Connection]:
        nonlocal lends
        lends += 1
        if lends == 1 and when == "before_deciding":
            await first_try()
        async with imported.pool.acquire() as connection:
            yield connection

    log = Interrupted(imported.dsn, first_try if when == "after_deciding" else nothing)
    receipt = await Handler(log, acquire, Timeline, Streams(Memory(1_000_000))).handle(
        [command], imported.settings.office, KEY
    )
    await log.close()
    assert receipt.replayed
    assert receipt.positions == tuple(one.position for one in receipts[0].facts)
    assert len(receipts) == 1


def test_the_statements_that_this_page_tells_apart_are_told_apart() -> None:
    texts = list(MESSAGES.values())
    assert all(not one.startswith(other) for one in texts for other in texts if one is not other)
    assert (Path(__file__).parents[2] / "events/sql/append.sql").read_text() == MESSAGES["append"]
