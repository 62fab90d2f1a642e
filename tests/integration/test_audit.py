"""Whatever is changed behind the log's back, by whoever may do anything in the database, `verify` names it."""
# ruff: noqa: S608 - statements of our own words

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.main import Service, service
from domain.commands import STREAMS, AnyCommand
from events import codec
from events.audit import Disagreement
from events.database import Connection
from projections.agreeing import ranges
from projections.table import SliceTable
from projections.verifying import verify, verify_together
from projections.views.subjects import TABLES
from projections.writer import column_names
from tests.conftest import REPORT, TASK, database_of, settings_for

SIZE = 354
FIGURE = {"value": "90", "unit": "%", "target": 1}
CORRECTED = REPORT | {"status": "completed", "replaces": 353, "reason": "更正", "measurement": FIGURE}


@pytest.fixture(scope="module")
async def record(server: str, folder: Path) -> AsyncGenerator[Service]:
    """The bundled plan, a report and its correction: no table is empty."""
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        for one in (REPORT, CORRECTED):
            await running.office.record([msgspec.convert(one, AnyCommand)])
        yield running


@asynccontextmanager
async def tampering(record: Service) -> AsyncGenerator[Connection]:
    """A superuser whom no trigger stops; nothing of what he does stays."""
    async with record.pool.acquire() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        try:
            await connection.execute("SET LOCAL session_replication_role = replica")
            yield connection
        finally:
            await transaction.rollback()


async def named(record: Service, statement: str, *arguments: Any) -> str:
    """What `verify` says after a statement that changes one row."""
    async with tampering(record) as connection:
        done = await connection.execute(statement, *arguments)
        assert done.rpartition(" ")[2] == "1", done
        with pytest.raises(Disagreement) as found:
            await verify(connection, TABLES)
        told: list[str] = []
        await verify(connection, TABLES, told.append)
    assert told[0] == str(found.value)
    return told[0]


async def test_what_nobody_touched_agrees(record: Service) -> None:
    async with tampering(record) as connection:
        assert (await verify(connection, TABLES)).position == SIZE


async def test_rows_that_are_too_many_to_ride_along_are_the_same_rows(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.log.MAX_RIDING", 100)
    rewording = {"type": "task.reword", "task": TASK, "reason": "试"}
    days = ("2023-05-01", "2023-04-20", "2023-05-01", "2023-06-01")
    reworded = [rewording | {"text": f"第{n}次", "effectiveOn": day} for n, day in enumerate(days * 10)]
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        for commands in (reworded, [REPORT], [CORRECTED | {"replaces": SIZE - 1 + len(reworded)}], reworded):
            await running.office.record([msgspec.convert(one, AnyCommand) for one in commands])
        async with running.pool.acquire() as connection:
            assert (await verify(connection, TABLES)).position == SIZE + 2 * len(reworded)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stream", "stream || 'x'"),
        ("version", "version + 100"),
        ("type", "'task.reworded.v1'"),
        ("recorded_at", "recorded_at + interval '1 microsecond'"),
        ("undoes", "351"),
        ("refers", "refers || 'unit:x'::text"),
        ("entry", "entry || ' '::bytea"),
        ("entry", "overlay(entry placing 'X'::bytea from 9)"),
    ],
)
@pytest.mark.parametrize("position", [17, 200, SIZE])
async def test_a_column_of_a_fact_is_compared_with_its_leaf(
    record: Service, position: int, column: str, value: str
) -> None:
    said = await named(record, f"UPDATE events SET {column} = {value} WHERE position = $1", position)
    assert f"position {position}" in said


@pytest.mark.parametrize(("value", "named_"), [("position + 1", SIZE + 1), ("0", 0)])
async def test_the_position_itself(record: Service, value: str, named_: int) -> None:
    said = await named(record, f"UPDATE events SET position = {value} WHERE position = $1", SIZE)
    assert said == f"position {named_}: it stands where position {1 if named_ == 0 else SIZE} should"


@pytest.mark.parametrize(
    "change", ["digest = digest || 'x'", "position = 353", "position = 400", "salt = 'x'", "value = '无'"]
)
async def test_the_text_behind_a_digest(record: Service, change: str) -> None:
    said = await named(record, f"UPDATE disclosures SET {change} WHERE position = $1", SIZE)
    assert "is not the one that the leaf seals" in said


@pytest.mark.parametrize("value", ["'{}'", "refers[2:]"])
async def test_a_name_that_a_fact_no_more_refers_to(record: Service, value: str) -> None:
    said = await named(record, f"UPDATE events SET refers = {value} WHERE position = $1", SIZE)
    assert said.startswith(f"position {SIZE}, column refers: the table has [")


async def test_a_fact_that_another_took_the_place_of(record: Service) -> None:
    """The columns agree with the leaf: only the tree knows better."""
    forged = """convert_to(replace(convert_from(entry, 'UTF8'), '"completed"', '"delayed"'), 'UTF8')"""
    said = await named(record, f"UPDATE events SET entry = {forged} WHERE position = $1", SIZE)
    assert said == f"tree node {SIZE - 1} of level 0, positions {SIZE} to {SIZE}, does not hold the hash of its leaves"


async def test_a_fact_that_is_older_than_the_one_before(record: Service) -> None:
    async with record.pool.acquire() as connection:
        leaf = codec.decode(await connection.fetchval("SELECT entry FROM events WHERE position = 200"))
    earlier = msgspec.structs.replace(leaf, recorded_at=leaf.recorded_at - timedelta(seconds=1))
    said = await named(
        record,
        "UPDATE events SET entry = $1, recorded_at = $2 WHERE position = 200",
        codec.encode(earlier),
        earlier.recorded_at,
    )
    assert said == "position 200 was recorded before position 199"


@pytest.mark.parametrize("position", [1, 200, SIZE])
async def test_a_fact_that_went_away(record: Service, position: int) -> None:
    said = await named(record, "DELETE FROM events WHERE position = $1", position)
    assert said.startswith((f"position {position + 1}: it stands where ", f"tree node {SIZE - 1} of level 0, "))


async def test_a_fact_that_came_to_it(record: Service) -> None:
    async with record.pool.acquire() as connection:
        leaf = codec.decode(await connection.fetchval("SELECT entry FROM events WHERE position = $1", SIZE))
    more = msgspec.structs.replace(leaf, position=SIZE + 1, version=leaf.version + 1)
    said = await named(
        record,
        "INSERT INTO events SELECT $1::bigint, stream, version + 1, type, recorded_at, undoes, refers, $2::bytea "
        "FROM (SELECT stream, version, type, recorded_at, NULL::bigint AS undoes, refers FROM events "
        "WHERE position = $1 - 1) AS last",
        SIZE + 1,
        codec.encode(msgspec.structs.replace(more, replaces=None)),
    )
    assert said.startswith(f"tree node {SIZE} of level 0, positions {SIZE + 1} to {SIZE + 1}, is missing")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("size = size - 1", f"the head says {SIZE - 1} facts, the log holds {SIZE}"),
        ("size = size + 1", f"the head says {SIZE + 1} facts, the log holds {SIZE}"),
        ("recorded_at = recorded_at - interval '1 microsecond'", "the head says "),
        ("recorded_at = recorded_at + interval '1 microsecond'", "the head says "),
        ("recorded_at = NULL", "the head says None"),
        ("frontier = frontier[2:]", "the root of the"),
        ("frontier = frontier || sha256('')", "the root of the"),
        ("frontier[2] = sha256('')", "the root of the"),
    ],
)
async def test_what_the_head_says(record: Service, change: str, said: str) -> None:
    assert (await named(record, f"UPDATE log_head SET {change}")).startswith(said)


NODES = [(0, 0), (0, 200), (0, SIZE - 1), (1, 176), (5, 10), (8, 0)]


@pytest.mark.parametrize(("level", "number"), NODES)
async def test_a_node_that_holds_another_hash(record: Service, level: int, number: int) -> None:
    said = await named(
        record, "UPDATE tree_nodes SET hash = sha256(hash) WHERE level = $1 AND number = $2", level, number
    )
    assert said.startswith(f"tree node {number} of level {level}, ")
    assert said.endswith(" does not hold the hash of its leaves")


@pytest.mark.parametrize(("level", "number"), NODES)
async def test_a_node_that_went_away(record: Service, level: int, number: int) -> None:
    said = await named(record, "DELETE FROM tree_nodes WHERE level = $1 AND number = $2", level, number)
    assert said.startswith(f"tree node {number} of level {level}, ")
    assert "is missing" in said


@pytest.mark.parametrize(("level", "number"), [(0, SIZE), (1, SIZE // 2), (5, SIZE >> 5), (8, 1), (9, 0), (62, 0)])
async def test_a_node_that_the_log_does_not_have(record: Service, level: int, number: int) -> None:
    said = await named(record, "INSERT INTO tree_nodes VALUES ($1, $2, sha256(''))", level, number)
    assert said.startswith(f"tree node {number} of level {level}, ")
    assert said.endswith(" is kept, and the log has no such node")


ANOTHER = {
    "text": "{0} = coalesce({0}, '') || 'x'",
    "bigint": "{0} = coalesce({0}, 0) - 1000",
    "date": "{0} = CASE WHEN isfinite({0}) THEN {0} + 1 ELSE '2000-01-01' END",
    "bytea": "{0} = {0} || '\\xff'",
}


@pytest.mark.parametrize(
    ("table", "column"), [(table.name, column) for table in TABLES for column in column_names(table)]
)
async def test_every_column_of_every_table(record: Service, table: str, column: str) -> None:
    async with record.pool.acquire() as connection:
        type_ = await connection.fetchval(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = $2",
            f"projections.{table}",
            column,
        )
    change = ANOTHER[type_].format(f'"{column}"')
    one = f"ctid = (SELECT max(ctid) FROM projections.{table})"
    assert (await named(record, f"UPDATE projections.{table} SET {change} WHERE {one}")).startswith(f"table {table}, ")


@pytest.mark.parametrize("table", [table.name for table in TABLES])
async def test_a_slice_that_went_away(record: Service, table: str) -> None:
    one = f"ctid = (SELECT min(ctid) FROM projections.{table})"
    assert ": missing: " in await named(record, f"DELETE FROM projections.{table} WHERE {one}")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_a_slice_that_came_to_it(record: Service, table: SliceTable) -> None:
    rest = ", ".join(f'"{name}"' for name in column_names(table)[1:])
    name = f"projections.{table.name}"
    said = await named(record, f"INSERT INTO {name} (key, {rest}) SELECT key || 'x', {rest} FROM {name} LIMIT 1")
    assert "the table has what the log does not say" in said


async def test_several_processes_name_the_same_differences(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.agreeing._SAMPLED", 50)
    async with database_of(server, "imported") as dsn:
        async with service(settings_for(dsn, folder)) as running:
            for one in (REPORT, CORRECTED):
                await running.office.record([msgspec.convert(one, AnyCommand)])
            async with running.pool.acquire() as connection:
                assert len(await ranges(connection, SIZE, 8)) > len(STREAMS)
                agreed = await verify(connection, TABLES)
                assert await verify_together(dsn, TABLES) == agreed
                await connection.execute("UPDATE projections.tasks SET part = 9 WHERE number % 10 = 1")
                await connection.execute("DELETE FROM projections.concerns WHERE position = 353")
                await connection.execute("INSERT INTO projections.request_spans VALUES (9, 9)")
                one, several = list[str](), list[str]()
                gone = list[int]()
                await verify(connection, TABLES, one.append)
            await verify_together(dsn, TABLES, several.append, gone.append)
        assert (len(one) > 10, sorted(several), sum(gone) <= 2 * SIZE) == (True, sorted(one), True)


async def test_what_a_chain_of_corrections_concerns_is_known_however_long_it_is(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.agreeing._REMEMBERED", 2)
    monkeypatch.setattr("events.audit.WINDOW", 3)
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        await running.office.record([msgspec.convert(REPORT, AnyCommand)])
        for number in range(12):
            again = CORRECTED | {"replaces": SIZE - 1 + number}
            await running.office.record([msgspec.convert(again, AnyCommand)])
        async with running.pool.acquire() as connection:
            assert (await verify(connection, TABLES)).position == SIZE + 11
