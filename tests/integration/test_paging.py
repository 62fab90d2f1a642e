"""A plan of 10,000 tasks: paged through while facts are appended, and searched by index."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.main import Service, appending, service
from domain.commands import AnyCommand
from domain.fact import Fact
from domain.plan import PlanAdopted
from domain.report import Listing, ProgressReported
from domain.task import TaskAdded, TaskDeadlineSet, TaskUnitAssigned
from domain.values import Role, Sealed, Status
from events.proposal import NewFact, Proposal
from events.recorded import Cause
from projections.as_of import AsOf
from projections.lists import Excerpt, rows_of
from projections.views import events
from projections.views.report_list import PLAN_REPORTS, PlanReportFilter
from projections.views.task_list import TASK_LIST, TaskFilter, TaskSort
from projections.wanted import Wanted, compiled, union_of
from tests.conftest import IMPORTED_AT, Site, database_of, serving, settings_for

TASKS = 10_000
PLAN = "ten-thousand"
LIST = f"/v1/plans/{PLAN}/tasks"
DAY = date(2023, 3, 28)
CAUSE = Cause("plan.import", UUID("018744a0-c680-7000-8000-000000000000"), "试", None)
UNITS = ("shi-ke-wei", "shi-wei-sheng-jian-kang-wei", "ge-qu-ren-min-zheng-fu")
WORDS = ("信用", "融资", "监管", "服务", "平台", "数据", "共享", "评价", "应用", "机制")
RARE = {3_000: "推进量子通信。", 7_000: "上线ＡＰＰ二期。", 9_000: "上线App一期。"}


def text_of(number: int, random: Random) -> str:
    return RARE.get(number) or "推进" + "".join(random.choice(WORDS) for _ in range(12)) + f"第{number}项。"


def facts_of(number: int, random: Random) -> Iterator[tuple[str, Fact]]:
    """A task that one or two take part in; every third has a deadline, every fifth a report."""
    stream = f"task:{PLAN}/{number}"
    yield stream, TaskAdded(number, 1, None, text_of(number, random))
    units = random.sample(UNITS, random.choice([1, 2]))
    for unit in units:
        yield stream, TaskUnitAssigned(unit, Role.BY_DUTY, f"单位{unit}")
    if number % 3 == 0:
        yield stream, TaskDeadlineSet(date(2023, 1 + number % 12, 1))
    if number % 5 == 0:
        report = f"report:{PLAN}/{number}/{units[0]}"
        yield report, ProgressReported("2023-Q1", Status.DELAYED, Sealed("A" * 43), membership=Listing.LISTED)


async def fill(running: Service, tasks: int = TASKS) -> None:
    """Append the plan through the log itself, as an import would, so that its slices are written along."""
    random = Random(10_000)  # noqa: S311 - seeded, to be repeated
    adopted = PlanAdopted("一万项", "市信用办", None, DAY, "", "a" * 64)
    facts = [(f"plan:{PLAN}", adopted), *(one for key in range(1, tasks + 1) for one in facts_of(key, random))]
    async with appending(str(running.settings.database_url)) as log:
        for chunk in chunks(facts, 2_000):
            new = [NewFact(stream, fact, DAY, None, CAUSE) for stream, fact in chunk]
            streams = dict.fromkeys((stream for stream, _ in chunk), 0)
            await log.append(Proposal("test", new, streams, dict.fromkeys(streams, ()), IMPORTED_AT.date()))
    async with running.pool.acquire() as connection:
        await connection.execute("VACUUM ANALYZE")  # autovacuum would come to it in a minute
    await running.reader.head.refresh()


def chunks(facts: list[tuple[str, Fact]], size: int) -> Iterator[list[tuple[str, Fact]]]:
    """Parts of about this size, none of which ends within a stream."""
    chunk: list[tuple[str, Fact]] = []
    for stream, fact in facts:
        if len(chunk) >= size and stream != chunk[-1][0]:
            yield chunk
            chunk = []
        chunk.append((stream, fact))
    yield chunk


@pytest.fixture(scope="module")
async def large(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The imported record with a second plan of 10,000 tasks, served."""
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        await fill(running)
        async with serving(running) as served:
            yield served


async def paged(site: Site, path: str, **query: Any) -> tuple[list[Any], dict[str, Any]]:
    """All rows as the pages give them, and what all of them resolved to."""
    page = await site.get(path, **query)
    rows, meta = page["items"], page["meta"]
    while page["next"]:
        page = await site.get(page["next"])
        assert {name: page["meta"][name] for name in ("position", "asOf", "effectiveOn")} == {
            name: meta[name] for name in ("position", "asOf", "effectiveOn")
        }
        rows += page["items"]
    return rows, meta


async def edit(running: Service, stop: asyncio.Event) -> int:
    """Renumber, reword and postpone tasks without a pause; how many facts that was."""
    random, recorded = Random(7), 0  # noqa: S311 - as above
    while not stop.is_set():
        task = f"{PLAN}/{random.randint(1, TASKS)}"
        edits: list[dict[str, Any]] = [
            {"type": "task.renumber", "task": task, "number": random.randint(1, TASKS)},
            {"type": "task.reword", "task": task, "text": f"改写{recorded}"},
            {"type": "task.set_deadline", "task": task, "due": f"2023-{random.randint(1, 12):02}-15"},
        ]
        await running.office.record([msgspec.convert(one | {"reason": "试"}, AnyCommand) for one in edits])
        recorded += len(edits)
    return recorded


@pytest.mark.parametrize(
    "query",
    [{}, {"sort": "-number"}, {"sort": "due"}, {"sort": "-due"}, {"unit": UNITS[0]}, {"q": "融资 信用"}],
    ids=str,
)
async def test_pages_are_of_one_state_while_facts_are_appended(large: Site, query: dict[str, str]) -> None:
    stop = asyncio.Event()
    writing = asyncio.create_task(edit(large.running, stop))
    await asyncio.sleep(0.1)
    rows, meta = await paged(large, LIST, limit=200, **query)
    stop.set()
    appended = await writing
    assert appended > 20
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert len(ids) == TASKS if query.keys() <= {"sort"} else 1_000 < len(ids) < TASKS
    moment = {"position": meta["position"], "effectiveOn": meta["effectiveOn"]}
    assert (await paged(large, LIST, limit=173, **moment, **query))[0] == rows


async def test_sorting_orders_all_10000(large: Site) -> None:
    rows, meta = await paged(large, LIST, limit=200)
    moment = {"position": meta["position"], "effectiveOn": meta["effectiveOn"]}

    def place(row: Any) -> tuple[int, int]:
        return row["number"], int(row["id"].rpartition("/")[2])

    assert rows == sorted(rows, key=place)
    by_due, _ = await paged(large, LIST, limit=200, sort="due", **moment)
    assert by_due == sorted(rows, key=lambda row: (row["due"] or "9999-12-31", *place(row)))
    backwards, _ = await paged(large, LIST, limit=200, sort="-due", **moment)
    assert backwards == by_due[::-1]


@pytest.mark.parametrize(
    ("words", "keys"),
    [("量子", {3_000}), ("app", {7_000, 9_000}), ("ＡＰＰ", {7_000, 9_000}), ("二", {7_000}), ("App 一", {9_000})],
)
async def test_rare_words_are_found_among_10000_tasks(large: Site, words: str, keys: set[int]) -> None:
    found = await large.get(LIST, q=words, position=await imported(large), effectiveOn="2023-04-03")
    assert {int(row["id"].rpartition("/")[2]) for row in found["items"]} == keys


@pytest.mark.parametrize(
    "words",
    [
        "融资 平台",
        "单位ge-qu 融资",
        "第1项 单位shi-ke-wei",
        "单位shi-ke-wei 单位ge-qu",
        "推进 信用 融资 监管 服务 第7",
        "用融",
    ],
)
async def test_what_is_found_is_what_holds_each_word_in_its_text_or_in_its_words_for_a_unit(
    large: Site, words: str
) -> None:
    moment = {"position": await imported(large), "effectiveOn": "2023-04-03"}
    rows, _ = await paged(large, LIST, limit=200, **moment)
    found, _ = await paged(large, LIST, limit=200, q=words, **moment)
    texts = {row["id"]: " ".join((row["text"], *(one["literal"] for one in row["assignments"]))) for row in rows}
    expected = [row["id"] for row in rows if all(word in texts[row["id"]] for word in words.split())]
    assert ([row["id"] for row in found], bool(expected)) == (expected, True)


async def imported(site: Site) -> int:
    """The position at which the plan was whole and nothing was edited yet."""
    async with site.running.pool.acquire() as connection:
        found: int = await connection.fetchval("SELECT max(position) FROM events WHERE entry LIKE '%plan.import%'")
        return found


def literal(value: Any) -> str:
    match value:
        case list():
            return "ARRAY[" + ",".join(map(literal, value)) + "]::text[]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case int():
            return str(value)
        case _:
            return "'" + str(value).replace("'", "''") + "'"


async def plan_of(site: Site, wanted: list[Wanted]) -> str:
    """How PostgreSQL carries out the very statement of a page, in a session like those that read slices."""
    moment = await site.running.reader.moment(AsOf())
    sql, names = compiled(union_of(tuple(one.form for one in wanted)))
    values: dict[str, Any] = {"position": moment.position, "day": moment.effective_on}
    for number, one in enumerate(wanted):
        values |= {f"{name}_{number}": value for name, value in one.values}
    async with site.running.reader.slices.acquire() as connection, connection.transaction():
        await connection.execute(f"PREPARE page AS {sql}")
        arguments = ", ".join(literal(values[name]) for name in names)
        (row,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE page({arguments})")
        await connection.execute("DEALLOCATE page")
    return str(row[0])


def indexes(plan: str, table: str) -> set[str]:
    """The indexes through which a table is read; the table's own name where it is read from end to end."""
    found = {name for name in re.findall(r'"Index Name": "(\w+)"', plan) if name.startswith(f"{table}_")}
    if re.search(rf'"Node Type": "Seq Scan",[^}}{{]*"Relation Name": "{table}"', plan):
        found.add(table)
    return found


@pytest.mark.parametrize("words", ["量子", "信用", "二", "app"])
async def test_words_are_found_by_index(large: Site, words: str) -> None:
    wanted = TASK_LIST.wanted(PLAN, TaskFilter(q=words, sort=TaskSort.NUMBER), None, 101)
    assert indexes(await plan_of(large, list(wanted)), "task_words") == {"task_words_words"}


async def test_a_page_of_tasks_or_of_reports_is_read_by_the_index_of_its_order(large: Site) -> None:
    wanted = TASK_LIST.wanted(PLAN, TaskFilter(), (5_000, 5_000), 101)
    assert indexes(await plan_of(large, list(wanted)), "tasks") == {"tasks_order"}
    page = PLAN_REPORTS.wanted(PLAN, PlanReportFilter(), (PLAN, 5_000, ""), 101)
    assert indexes(await plan_of(large, list(page)), "reports") == {"reports_order"}


async def test_a_page_backwards_is_read_by_the_same_index_and_no_further(large: Site) -> None:
    before = Excerpt(100, (5_000, 5_000), backwards=True)
    lists: list[tuple[Any, str, Any, Excerpt]] = [
        (TASK_LIST, "tasks", TaskFilter(), before),
        (TASK_LIST, "tasks", TaskFilter(), before._replace(place=None)),
        (TASK_LIST, "tasks", TaskFilter(sort=TaskSort.NUMBER_DOWN), before),
        (PLAN_REPORTS, "reports", PlanReportFilter(), Excerpt(100, (PLAN, 5_000, ""), backwards=True)),
    ]
    for collection, table, given, excerpt in lists:
        wanted = rows_of(collection, PLAN, given, excerpt)
        assert dict(wanted[0].values)["limit"] == 101
        assert indexes(await plan_of(large, list(wanted)), table) == {f"{table}_order"}


@pytest.mark.parametrize("asked", ["", "reportedStatus: delayed", 'unit: "shi-ke-wei"', "sort: due", "sort: due_down"])
async def test_pages_backwards_are_those_forwards(large: Site, asked: str) -> None:
    """Also where a filter leaves so few that a page looks through several readings."""
    query = f"""query ($way: Int, $last: Int, $after: String, $before: String) {{ tasks(plan: "{PLAN}", {asked}
        first: $way, last: $last, after: $after, before: $before) {{ nodes {{ canonicalId }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    first = (await large.ask(query, way=90))["tasks"]
    second = (await large.ask(query, way=90, after=first["pageInfo"]["endCursor"]))["tasks"]
    back = (await large.ask(query, last=90, before=second["pageInfo"]["startCursor"]))["tasks"]
    assert back["nodes"] == first["nodes"]
    assert (back["pageInfo"]["hasNextPage"], back["pageInfo"]["hasPreviousPage"]) == (True, False)
    within = (await large.ask(query, last=90, before=second["pageInfo"]["endCursor"]))["tasks"]
    assert within["nodes"] == [first["nodes"][-1], *second["nodes"][:-1]]
    assert within["pageInfo"]["hasPreviousPage"]


FILTERS: list[dict[str, Any]] = [
    {},
    {"type": ("unit.succeeded.v1",)},
    {"type": ("task.added.v1", "progress.reported.v1", "unit.renamed.v1")},
    {"stream": f"task:{PLAN}/77"},
    {"task": f"{PLAN}/75"},
    {"unit": "shi-gao-yuan"},
    {"unit": UNITS[0], "plan": PLAN},
    {"district": "310115"},
    {"authority": "沪信用办〔2023〕16号"},
    {"corrections": True, "plan": PLAN},
    {"plan": "shanghai-credit-2023"},
    {"plan": PLAN},
]


@pytest.mark.parametrize("about", FILTERS, ids=str)
async def test_a_page_of_events_reads_what_it_shows_however_often_it_was_planned(
    large: Site, about: dict[str, Any]
) -> None:
    for way in (events.LogPage(after=300, **about), events.LogPage(before=2**40, **about)):
        sql, values = events.page_statement(way)
        types = ["bigint", "bigint", "bigint", *["text[]"] * len(values)]
        given = ", ".join(map(literal, [way.before or way.after, 2**40, 101, *values]))
        async with large.running.reader.slices.acquire() as connection, connection.transaction():
            await connection.execute(f"PREPARE page ({', '.join(types)}) AS {sql}")
            for _ in range(10):
                await connection.execute(f"EXECUTE page({given})")
            (row,) = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page({given})")
            await connection.execute("DEALLOCATE page")
        read = {str(node): rows for node, rows in scans(json.loads(row[0])[0]["Plan"])}
        assert not [node for node in read if "Seq Scan" in node]
        assert max(read.values()) <= 101 * max(1, len(about.get("type", ()))), read


def scans(node: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Where tables are read, and how many rows each of these places reads, shown or not."""
    if "Relation Name" in node:
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield f"{node['Node Type']} {node['Relation Name']} {node.get('Index Name')}", rows * node["Actual Loops"]
    for one in node.get("Plans", ()):
        yield from scans(one)
