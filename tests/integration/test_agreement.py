"""Random commands at random dates, voided and replaced at random: the oracle and the tables agree everywhere."""

import contextlib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.main import Service, service
from domain.commands import AnyCommand
from domain.errors import Refused
from events.database import Connection
from events.recorded import Recorded
from events.streams import read_streams
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.agreeing import differences, expected_at, log_of, size_of, tables_at
from tests.conftest import database_of, settings_for

TASKS = [f"shanghai-credit-2023/{number}" for number in (21, 24, 25, 28, 32)]
UNITS = [
    "shi-wei-sheng-jian-kang-wei",
    "shi-ke-wei",
    "shi-gao-yuan",
    "huang-pu-qu-ren-min-zheng-fu",
    "shang-hai-yin-bao-jian-ju",
]
GROUPS = ["ge-qu-ren-min-zheng-fu", "ge-hang-ye-zhu-guan-bu-men"]  # a closed one and an open one
days = st.dates(date(2022, 6, 1), date(2024, 12, 31))
names = st.sampled_from(["甲局", "乙局", "丙局"])


def command(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Commands of one kind at any date, or at the default."""
    when = st.one_of(st.none(), days)
    return st.fixed_dictionaries(
        {"type": st.just(kind), "reason": st.just("试"), "effectiveOn": when, "undo": st.floats(0, 1), **fields}
    )


task, unit, group = st.sampled_from(TASKS), st.sampled_from(UNITS), st.sampled_from(GROUPS)
COMMANDS = st.one_of(
    command("task.reword", task=task, text=st.sampled_from(["一", "二", "三"])),
    command("task.renumber", task=task, number=st.integers(1, 5)),
    command("task.move", task=task, measure=st.integers(1, 16)),
    command("task.assign_unit", task=task, unit=unit | group, role=st.sampled_from(["lead", "by_duty", "support"])),
    command("task.release_unit", task=task, unit=unit | group),
    command("task.set_deadline", task=task, due=st.one_of(st.none(), days)),
    command(
        "progress.report",
        task=task,
        unit=unit,
        period=st.sampled_from(["2023", "2023-Q2", "2023-06"]),
        status=st.sampled_from(["not_started", "in_progress", "completed"]),
        narrative=st.sampled_from(["甲", "乙"]),
    ),
    command("unit.rename", unit=unit, name=names),
    command("unit.add_alias", unit=unit, alias=names),
    command("unit.succeed", unit=unit, successors=st.lists(unit, max_size=2, unique=True)),
    command("group.add_member", unit=group, member=unit),
    command("group.remove_member", unit=group, member=unit),
    command("fact.void"),
)


def undoing(raw: dict[str, Any], facts: Sequence[Recorded]) -> dict[str, Any]:
    """The command with a target where it voids, and in one case of three where it can replace."""
    undo = raw.pop("undo")
    mine = [one.position for one in facts]
    if raw["type"] == "fact.void":
        return {"target": mine[int(undo * (len(mine) - 1))] if mine else 1, **raw}
    alike = [one.position for one in facts if replaceable(one, raw)]
    return {**raw, "replaces": alike[-1]} if alike and undo < 1 / 3 else raw


def replaceable(one: Recorded, raw: dict[str, Any]) -> bool:
    """Whether a command may replace a fact: the same command made it, on the same subject."""
    subject = raw.get("task") or raw.get("unit")
    return one.cause.command == raw["type"] and str(subject) in one.stream


async def record_all(running: Service, commands: Iterable[dict[str, Any]]) -> int:
    """Record what the rules let through; how many commands that were."""
    accepted = 0
    for raw in commands:
        async with running.pool.acquire() as connection:
            facts = [fact for found in (await recent(connection)).values() for fact in found]
        asked = msgspec.convert(undoing(dict(raw), sorted(facts, key=lambda one: one.position)), AnyCommand)
        with contextlib.suppress(Refused):
            receipt = await running.office.record([asked])
            accepted += bool(receipt.facts)
    return accepted


async def recent(connection: Connection) -> dict[str, list[Recorded]]:
    """The streams that the commands touch."""
    rows = await connection.fetch("SELECT DISTINCT stream FROM events WHERE position > 352")
    return await read_streams(connection, [row["stream"] for row in rows])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(commands=st.lists(COMMANDS, min_size=5, max_size=25), seed=st.integers(0, 2**32))
async def test_the_oracle_and_the_tables_agree_at_every_moment(
    server: str, folder: Path, commands: list[dict[str, Any]], seed: int
) -> None:
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        await running.reader.head.refresh()
        await record_all(running, commands)
        await agree(running, Random(seed))  # noqa: S311 - which moments are probed, nothing secret


async def agree(running: Service, random: Random) -> None:
    """Probe moments at and around every change, and some at random."""
    log = await log_of(running)
    dates = {date.fromisoformat(item["effectiveOn"]) for items in log.streams.values() for item in items}
    edges = sorted({day + timedelta(days=step) for day in dates for step in (-1, 0)})
    for _ in range(12):
        position = random.randint(340, size_of(log))
        day = random.choice([*edges, date(2100, 1, 1), date(1900, 1, 1)])
        assert differences(await tables_at(running, position, day), expected_at(log, position, day)) == []
    async with running.pool.acquire() as connection:
        assert (await verify(connection, TABLES)).position == size_of(log)


async def test_random_commands_are_accepted_often_enough_to_mean_something(imported: Service) -> None:
    found: list[dict[str, Any]] = []

    @settings(max_examples=120, deadline=None, database=None, derandomize=True)
    @given(COMMANDS)
    def collect(raw: dict[str, Any]) -> None:
        found.append(raw)

    collect()
    accepted = await record_all(imported, found)
    assert accepted > len(found) / 4
    async with imported.pool.acquire() as connection:
        types = {row["type"] for row in await connection.fetch("SELECT DISTINCT type FROM events WHERE position > 352")}
        replaced = await connection.fetchval(
            "SELECT count(*) FROM events WHERE undoes IS NOT NULL AND type <> 'fact.voided.v1'"
        )
    assert "fact.voided.v1" in types
    assert len(types) >= 8
    assert replaced > 0


@pytest.mark.parametrize("seed", range(3))
async def test_no_two_slices_of_one_key_overlap_on_both_clocks(imported: Service, seed: int) -> None:
    found: list[dict[str, Any]] = []

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(st.tuples(COMMANDS, st.just(seed)))
    def collect(raw: tuple[dict[str, Any], int]) -> None:
        found.append(raw[0])

    collect()
    Random(seed).shuffle(found)  # noqa: S311 - an order, nothing secret
    await record_all(imported, found)
    async with imported.pool.acquire() as connection:
        for table in TABLES:
            overlapping = await connection.fetchval(
                f"""SELECT count(*) FROM projections.{table.name} a JOIN projections.{table.name} b ON a.key = b.key
                AND (a.known_from, a.eff_from) < (b.known_from, b.eff_from)
                AND int8range(a.known_from, a.known_to) && int8range(b.known_from, b.known_to)
                AND daterange(a.eff_from, a.eff_to) && daterange(b.eff_from, b.eff_to)"""  # noqa: S608 - own names
            )
            assert overlapping == 0, table.name
