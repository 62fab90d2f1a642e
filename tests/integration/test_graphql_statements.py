"""No N+1: however deep a query goes, its rows come by one statement for each moment at which its roots stand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.graphql.execute import answer
from api.services.reader import Reader
from events.database import SESSION, Connection, Lanes
from projections.memory import Memory
from tests.conftest import Site

PLAN, TASK = "shanghai-credit-2023", "shanghai-credit-2023/21"
DEEP = """plan(id: "shanghai-credit-2023") { parts { allMeasures { inPart { title } allTasks { nodes {
    number assignments { assignee { unit { name inDistrict { name } tasks { number inTask { text } } } } }
    platforms { platform { tasks { inTask { reportedStatus } } } } } } } } }"""
EARLY = 'asOf: {date: "2023-06-30"}'
LIST = 'tasks(plan: "shanghai-credit-2023") { nodes { text assignments { assignee { unit { name } } } } }'
DRIVER = ("typeinfo_tree", "set_config('jit'")  # what asyncpg asks once of every connection that meets an array


class Counted:
    """The record behind a reader whose statements are counted."""

    def __init__(self, reader: Reader, statements: list[str]) -> None:
        self.reader, self.statements = reader, statements

    async def data(self, query: str) -> Any:
        """The data of a good answer; the statements are those of this query alone, whose rows have been seen before."""
        await answer(self.reader, query, {}, None)
        self.statements.clear()
        found = await answer(self.reader, query, {}, None)
        assert not found.errors, found.errors
        return found.data


class Listening(Lanes):
    """Lanes on which every statement is written down, but for what the driver asks for itself."""

    def __init__(self, dsn: str, statements: list[str]) -> None:
        super().__init__(dsn, 4, SESSION)
        self._statements = statements

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        async with super().acquire() as connection:
            with connection.query_logger(self._said):
                yield connection
                await asyncio.sleep(0)  # the driver says it a step later

    def _said(self, one: Any) -> None:
        if not any(word in one.query for word in DRIVER):
            self._statements.append(one.query)


@pytest.fixture
async def counted(told: Site) -> AsyncGenerator[Counted]:
    running = told.running
    statements: list[str] = []
    lanes = Listening(running.dsn, statements)
    there = running.reader
    yield Counted(Reader(lanes, lanes, there.head, there.license, there.memory), statements)
    await lanes.close()


def at(moment: str, query: str) -> str:
    """The same roots at another moment."""
    return query.replace('2023")', f'2023", {moment})')


async def test_a_deep_query_is_one_statement(counted: Counted) -> None:
    data = await counted.data(f"{{ {at(EARLY, DEEP)} }}")
    assert len(counted.statements) == 1
    assert sum(len(one["allTasks"]["nodes"]) for part in data["plan"]["parts"] for one in part["allMeasures"]) == 67


async def test_so_are_many_roots_at_one_moment(counted: Counted) -> None:
    await counted.data(
        f"""{{ {DEEP} {LIST} again: {LIST} other: task(id: "{TASK}") {{ text }} units {{ totalCount }}
            districts {{ nodes {{ name tasks {{ inTask {{ number }} }} }} }} platforms {{ nodes {{ name }} }} }}"""
    )
    assert len(counted.statements) == 1


async def test_since_when_tasks_are_completed_takes_no_statement_of_its_own(counted: Counted) -> None:
    completed = LIST.replace("text", "completedOn").replace('2023")', '2023", reportedStatus: completed)')
    data = await counted.data(f"{{ {DEEP} {completed} again: {LIST} }}")
    assert len(counted.statements) == 1
    assert data["tasks"]["nodes"]


async def test_rows_that_nobody_has_seen_yet_come_by_one_more(counted: Counted) -> None:
    counted.reader.memory = Memory(1_000_000)
    counted.statements.clear()
    found = await answer(counted.reader, f"{{ {DEEP} }}", {}, None)
    assert not found.errors
    assert len(counted.statements) == 2


async def test_two_moments_are_two_statements(counted: Counted) -> None:
    then = LIST.replace('2023")', '2023", asOf: {date: "2023-06-30"})')
    data = await counted.data(f"{{ now: {LIST} then: {then} later: {LIST} }}")
    assert len(counted.statements) == 2
    assert data["now"] == data["later"]
    assert data["now"] != data["then"]


async def test_nodes_of_all_kinds_at_one_moment_are_one_statement_whatever_their_number(counted: Counted) -> None:
    ids = ", ".join(f'"{kind}:{PLAN}/{number}"' for kind in ("task", "measure", "part") for number in range(1, 6))
    others = f'"plan:{PLAN}", "unit:shi-ke-wei", "district:310101"'
    data = await counted.data(
        f"{{ nodes(ids: [{ids}, {others}]) {{ id ... on Task {{ inPlan {{ title }} }} }} {LIST} }}"
    )
    assert len(counted.statements) == 1
    assert len({one["id"] for one in data["nodes"]}) == 18


async def test_so_are_all_that_are_not_there_one_more_for_each_kind(counted: Counted) -> None:
    counted.statements.clear()
    ids = ", ".join(f'"{kind}:nowhere/{number}"' for kind in ("task", "measure") for number in range(40))
    found = await answer(counted.reader, f"{{ nodes(ids: [{ids}]) {{ id }} }}", {}, None)
    assert len(found.errors) == 80
    assert len(counted.statements) <= 4


async def test_facts_are_one_more_however_many_ask_for_them(counted: Counted) -> None:
    data = await counted.data(
        """{ tasks(plan: "shanghai-credit-2023", first: 20) { nodes { number
            events { nodes { type } } history { nodes { stream } }
            latestReports { recordedAs { disclosures { value } } } reports { nodes { narrative { text } } } } } }"""
    )
    assert len(counted.statements) == 2
    nodes = data["tasks"]["nodes"]
    assert all(one["events"]["nodes"] and one["history"]["nodes"] for one in nodes)
    reports = [report for one in nodes for report in one["reports"]["nodes"]]
    texts = [report["narrative"]["text"] for report in reports if report["narrative"]]
    assert texts
    assert None not in texts


async def test_what_is_not_there_is_one_more(counted: Counted) -> None:
    counted.statements.clear()
    found = await answer(counted.reader, '{ task(id: "nowhere/1") { text } }', {}, None)
    assert len(found.errors) == 1
    assert len(counted.statements) == 2


async def test_a_query_that_is_refused_asks_for_nothing(counted: Counted) -> None:
    counted.statements.clear()
    for query in (
        "{ tusk }",
        "{",
        '{ task(id: "x/1", asOf: {position: 9999}) { text } }',
        "{ __schema { types { name } } }",
    ):
        await answer(counted.reader, query, {}, None)
    assert counted.statements == []
