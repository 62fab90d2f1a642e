"""What this process knows of the head, heard or unheard, and the lanes over which it asks."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from api.main import Service
from api.services.office import Office
from api.services.problems import Trouble
from api.services.reader import Reader
from domain.task import RewordTask
from events.database import GONE, SESSION, Connection, Lanes, connect, lanes_of
from events.demo import set_clock
from events.handle import Handler
from events.head import Head, watching
from events.streams import Streams
from projections.as_of import AsOf
from projections.fold import Timeline
from projections.memory import Memory
from tests.conftest import IMPORTED_AT, TASK


class HardOfHearing(Connection):
    """A connection that answers and to which no word of a new fact ever comes."""

    async def add_listener(self, channel: str, callback: Any) -> None:
        """Hear nothing."""


@asynccontextmanager
async def another_reader(running: Service, connection_class: type[Any] | None) -> AsyncGenerator[Reader]:
    """Another process's reader, which listens by such a connection, or by none."""

    async def call() -> Any:
        if connection_class is None:
            raise ConnectionRefusedError
        return await asyncpg.connect(running.dsn, server_settings=SESSION, connection_class=connection_class)

    async with lanes_of(running.dsn, 2) as lanes, watching(call, lanes) as head:
        reader = Reader(lanes, lanes, head, "", Memory(1_000_000))
        await until(lambda: head.listening == (connection_class is not None))
        yield reader


async def until(done: Any) -> None:
    """Wait until something is so, which it soon should be."""
    for _ in range(300):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it is not so")


async def reworded(running: Service, text: str) -> int:
    """The position of a fact that another process records."""
    return (await running.office.record([RewordTask(task=TASK, text=text, reason="试")])).position


async def position(reader: Reader, **asked: Any) -> int:
    """At which position a question is answered."""
    return (await reader.moment(AsOf(**asked))).position


@pytest.fixture
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found out by reading now and then."""
    monkeypatch.setattr("events.head.HEARTBEAT", 60)


@pytest.mark.usefixtures("no_heartbeat")
async def test_who_hears_nothing_asks_before_each_answer(imported: Service) -> None:
    async with another_reader(imported, None) as reader:
        for text in ("一", "二"):
            there = await reworded(imported, text)
            assert await position(reader) == there


@pytest.mark.usefixtures("no_heartbeat")
async def test_who_names_a_position_reads_it_though_word_of_it_was_lost(imported: Service) -> None:
    async with another_reader(imported, HardOfHearing) as reader:
        before = reader.head.size
        there = await reworded(imported, "一")
        assert await position(reader) == before, "word of it was lost"
        async with asyncio.timeout(1):
            assert await position(reader, min_position=there) == there


@pytest.mark.usefixtures("no_heartbeat")
async def test_whoever_is_told_that_it_is_recorded_reads_it_though_word_of_it_was_lost(imported: Service) -> None:
    async with another_reader(imported, HardOfHearing) as reader:
        handler = Handler(imported.log, imported.pool.acquire, Timeline, Streams(Memory(1_000_000)))
        office = Office(imported.pool, reader.head, handler, imported.settings.office)
        receipt = await office.record([RewordTask(task=TASK, text="一", reason="试")])
        assert await position(reader) == receipt.position


async def test_a_heartbeat_finds_what_was_lost(imported: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.head.HEARTBEAT", 0.2)
    async with another_reader(imported, HardOfHearing) as reader:
        there = await reworded(imported, "一")
        await until(lambda: reader.head.size == there)


async def test_a_log_is_learned_in_as_many_statements_as_it_takes(
    imported: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = imported.reader.head
    for some in (1, 100, known.size - 1, known.size):
        monkeypatch.setattr("events.head.INSTANTS_AT_ONCE", some)
        async with lanes_of(imported.dsn, 1) as lanes:
            head = Head(lanes)
            await head.refresh()
        assert (head.size, head.root) == (known.size, known.root)
        every = range(1, known.size + 1)
        assert [head.recorded_at(one) for one in every] == [known.recorded_at(one) for one in every]


async def test_an_answer_that_was_overtaken_teaches_nothing(imported: Service) -> None:
    """Of two that read at once the older answer may come last."""
    head = Head(imported.pool)
    async with imported.pool.acquire() as connection, imported.pool.acquire() as slow:
        late = Late(slow)
        reading = asyncio.create_task(head.read(late))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await late.asked.wait()
        there = await reworded(imported, "一")
        await head.read(connection)
        late.go.set()
        await reading
    assert head.size == there
    assert head.recorded_at(there) == head.recorded_at(there - 1) == IMPORTED_AT
    assert await position(Reader(imported.pool, imported.pool, head, "", Memory(0))) == there


class Late:
    """A connection whose answer is long on its way."""

    def __init__(self, connection: Connection) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self._connection = connection

    async def fetchrow(self, *args: Any) -> Any:
        row = await self._connection.fetchrow(*args)
        self.asked.set()
        await self.go.wait()
        return row


async def test_an_instant_that_the_head_has_not_passed_is_not_pinned(imported: Service) -> None:
    """More may be recorded at that very instant: whoever kept the answer for ever would be wrong."""
    await imported.reader.head.refresh()
    before = await imported.reader.moment(AsOf(as_of=IMPORTED_AT))
    assert not before.pinned
    there = await reworded(imported, "一")
    after = await imported.reader.moment(AsOf(as_of=IMPORTED_AT))
    assert (before.position, after.position) == (there - 1, there)
    async with imported.pool.acquire() as connection:
        await set_clock(connection, IMPORTED_AT + timedelta(days=2))
    await imported.reader.head.refresh()
    between = datetime.fromisoformat("2023-04-04T09:00:00+08:00")
    assert not (await imported.reader.moment(AsOf(as_of=between))).pinned
    await reworded(imported, "二")
    for instant in (IMPORTED_AT, between):
        moment = await imported.reader.moment(AsOf(as_of=instant))
        assert (moment.position, moment.pinned) == (there, True)


async def test_a_position_that_nobody_has_recorded_is_waited_for_and_then_refused(
    imported: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.reader.VISIBLE_WITHIN", 0.1)
    with pytest.raises(Trouble, match="is not visible yet"):
        await position(imported.reader, min_position=imported.reader.head.size + 1)


# Lanes


@pytest.fixture
async def lane(imported: Service) -> AsyncGenerator[Lanes]:
    """A single lane."""
    async with lanes_of(imported.dsn, 1) as lanes:
        yield lanes


async def backend(lane: Lanes) -> int:
    """Which connection is lent."""
    async with lane.acquire() as connection:
        return connection.get_server_pid()


async def doubted(lane: Lanes, how: str) -> None:
    """Leave a connection in a state that nobody knows."""
    async with lane.acquire() as connection:
        match how:
            case "cancelled":
                async with asyncio.timeout(0.1):
                    await connection.execute("SELECT pg_sleep(2)")
            case "timed out":
                await connection.execute("SELECT pg_sleep(2)", timeout=0.1)
            case "left in a transaction":
                await connection.execute("BEGIN")
            case "failed in a transaction":
                await connection.execute("BEGIN")
                await connection.execute("SELECT 1/0")
            case _:
                raise RuntimeError(how)


@pytest.mark.parametrize(
    "how", ["cancelled", "timed out", "left in a transaction", "failed in a transaction", "by a fault of ours"]
)
async def test_a_lane_in_doubt_is_not_lent_again(lane: Lanes, how: str) -> None:
    before = await backend(lane)
    assert await backend(lane) == before
    with suppress(TimeoutError, asyncpg.DivisionByZeroError, RuntimeError):
        await doubted(lane, how)
    assert await backend(lane) != before


async def test_one_whose_statement_was_refused_is(lane: Lanes) -> None:
    before = await backend(lane)
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with lane.acquire() as connection:
            await connection.execute("SELECT 1/0")
    assert await backend(lane) == before


async def test_a_lane_that_died_while_nobody_had_it_is_not_lent(lane: Lanes, imported: Service) -> None:
    before = await backend(lane)
    async with imported.pool.acquire() as connection:
        await connection.execute("SELECT pg_terminate_backend($1)", before)
    await asyncio.sleep(0.1)
    assert await backend(lane) != before


async def test_who_finds_no_lane_in_time_is_told_and_takes_none_from_the_next(
    lane: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.database.PATIENCE", 0.1)
    async with lane.acquire():
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await backend(lane)
    assert await backend(lane)


async def test_a_brief_loan_ends_whatever_its_statement_does(
    imported: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.database.PATIENCE", 0.6)
    async with lanes_of(imported.dsn, 1, brief=True) as lanes, asyncio.timeout(6):
        before = await backend(lanes)
        for _ in range(2):  # the one timer is set anew
            with pytest.raises(GONE):
                async with lanes.acquire() as connection:
                    await connection.execute("SELECT pg_sleep(20)")
        assert await backend(lanes) != before


async def test_who_waits_is_served_in_turn_and_who_gives_up_takes_no_room(lane: Lanes) -> None:
    order: list[int] = []

    async def wait(number: int) -> None:
        async with lane.acquire():
            order.append(number)

    async with lane.acquire():
        waiting = [asyncio.create_task(wait(number)) for number in range(6)]
        await asyncio.sleep(0)
        waiting[1].cancel()
    waiting[3].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [0, 2, 4, 5]
    assert await backend(lane)


async def test_who_waits_for_what_is_being_closed_is_told(imported: Service) -> None:
    lanes = Lanes(imported.dsn, 1, SESSION)
    async with lanes.acquire():
        waiting = asyncio.create_task(backend(lanes))
        await asyncio.sleep(0)
        await lanes.close()
    with pytest.raises(asyncpg.InterfaceError, match="being closed"):
        await waiting


async def test_a_statement_ends_at_the_database_too(lane: Lanes) -> None:
    async with lane.acquire() as connection:
        await connection.execute("SET statement_timeout = '100ms'")
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(2)")
    async with lane.acquire() as connection:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            assert await connection.fetchval("SELECT setting::int FROM pg_settings WHERE name = $1", name) > 0


async def test_closing_hangs_up_on_whoever_still_has_one(imported: Service) -> None:
    lanes = Lanes(imported.dsn, 1, SESSION)

    async def long() -> None:
        async with lanes.acquire() as connection:
            await connection.execute("SELECT pg_sleep(3)")

    task = asyncio.create_task(long())
    await asyncio.sleep(0.2)
    async with asyncio.timeout(1):
        await lanes.close()
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await task


async def test_a_connection_of_ones_own_has_an_end_to_every_statement(imported: Service) -> None:
    connection = await connect(imported.dsn)
    await connection.execute("SET statement_timeout = 0")
    async with asyncio.timeout(8):
        with pytest.raises(TimeoutError):
            await connection.execute("SELECT pg_sleep(20)")
    connection.terminate()


class Reached(Connection):
    """A connection over which word comes when the test says so."""

    say: Any = None

    async def add_listener(self, channel: str, callback: Any) -> None:
        self.say = lambda: callback(None, 0, channel, "")


async def test_whoever_stops_listening_at_the_moment_at_which_word_comes_stops(imported: Service) -> None:
    calls: list[Any] = []

    async def call() -> Any:
        calls.append(await asyncpg.connect(imported.dsn, server_settings=SESSION, connection_class=Reached))
        return calls[-1]

    async with asyncio.timeout(3), watching(call, imported.pool) as head:
        await until(lambda: head.listening)
        await asyncio.sleep(0.05)
        calls[0].say()
