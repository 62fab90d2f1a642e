"""Nothing depends on what is remembered, which takes no more than its bound says, whatever is asked."""

import gc
import re
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from api.graphql.execute import answer
from api.graphql.world import World
from api.main import Service, service
from api.services.reader import Reader
from projections import as_of
from projections.as_of import AsOf, Moment, statement_of
from projections.lists import Excerpt, page
from projections.memory import Memory
from projections.views import plans, tasks
from projections.views.names import UNIT_VERSIONS, UNITS, directory
from projections.views.own import OWN
from projections.views.task_list import TASK_LIST, TaskFilter
from projections.views.tasks import ASSIGNMENTS
from projections.wanted import Form, wanted
from tests.conftest import PLAN, Site, database_of, serving, settings_for
from tests.integration.test_paging import PLAN as LARGE
from tests.integration.test_paging import fill

CREDIT = "shanghai-credit-2023"
TASKS = 2_000
HONEST = 1.2  # times what is counted may be taken
SLACK = 200_000  # bytes that a process takes one way or another
THEN = "position=600&effectiveOn=2023-09-30"
SPAN = "from=500&to=700&fromEffectiveOn=2023-06-30&toEffectiveOn=2023-12-31"
PINNED = [
    f"{PLAN}/tasks",
    f"{PLAN}/tasks?sort=-due&limit=7",
    f"{PLAN}/tasks?unit=shi-ke-wei",
    f"{PLAN}/tasks?reportedStatus=delayed&scheduleStatus=overdue",
    f"{PLAN}/tasks?q=信用&district=310115",
    f"{PLAN}/tasks.csv?limit=9",
    f"{PLAN}/tasks/21",
    f"{PLAN}/tasks/21/history",
    f"{PLAN}/tasks/21/reports",
    f"{PLAN}/reports?status=delayed",
    f"{PLAN}/targets",
    f"{PLAN}/platforms",
    f"{PLAN}/parts",
    f"{PLAN}/measures?part=2",
    PLAN,
    "/v1/plans",
    "/v1/units",
    "/v1/units/shi-ke-wei",
    "/v1/districts",
    "/v1/platforms",
    "/v1/platforms/yi-wang-tong-ban",
    "/",
    f"/plans/{CREDIT}",
    f"/plans/{CREDIT}/tasks/21",
    "/units",
]
SPANS = [
    *(f"{one}/diff?{SPAN}" for one in (PLAN, f"{PLAN}/tasks/21", "/v1/units/shi-ke-wei", "/v1")),
    "/changes?from=2023-06-30&to=2023-12-31",
]
QUERY = """query Q($at: Position!, $on: Date) { tasks(plan: "shanghai-credit-2023", first: 60, asOf: {position: $at},
    effectiveOn: $on) { nodes { id number reportedStatus scheduleStatus text
    platforms { canonicalId platform { id name } }
    assignments { assignee { canonicalId name unit { id name inDistrict { name } tasks { number via { name } } } } }
    latestReports { unit { canonicalId name } status } reports { nodes { status recordedAs { type } } }
    inMeasure { title } } }
    plan(id: "shanghai-credit-2023", asOf: {position: $at}, effectiveOn: $on) { title
    parts { allTasks { nodes { id } } } } }"""


NAMELESS = """query Q($at: Position!, $on: Date) { tasks(plan: "shanghai-credit-2023", asOf: {position: $at},
    effectiveOn: $on) { nodes { number reportedStatus scheduleStatus
    assignments { assignee { name unit { name tasks { number via { name } } } } } } } }"""


class Forgetful(Memory):
    """A memory that whatever is put into it drives out all that was there."""

    def put(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep this alone."""
        self.__init__(self.bound)
        super().put(key, value, weight)

    def offer(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep this alone."""
        self.__init__(self.bound)
        super().offer(key, value, weight)


def reader_with(memory: Memory, reader: Reader) -> Reader:
    return Reader(reader.pool, reader.slices, reader.head, reader.license, memory)


@asynccontextmanager
async def remembering(site: Site, memory: Memory) -> AsyncGenerator[Site]:
    """The same record, served by what remembers no more than that."""
    running = site.running
    other = msgspec.structs.replace(
        running,
        reader=reader_with(memory, running.reader),
        settings=msgspec.structs.replace(running.settings, cache_bytes=0),
    )
    async with serving(other) as served:
        yield served


async def answers(site: Site) -> dict[str, tuple[int, bytes]]:
    """What is answered at every address, and to the query, but for the port: a page as it stands now names its own."""
    base = str(site.http.base_url).rstrip("/").encode()
    found: dict[str, tuple[int, bytes]] = {}
    for path in [*(f"{one}{'&' if '?' in one else '?'}{THEN}" for one in PINNED), *SPANS]:
        got = await site.http.get(path)
        found[path] = got.status_code, got.content.replace(base, b"")
    for at, on in ((600, "2023-09-30"), (700, "2023-12-31"), (600, None)):
        got = await site.http.post("/graphql", json={"query": QUERY, "variables": {"at": at, "on": on}})
        found[f"{at} {on}"] = got.status_code, got.content
    return found


@pytest.mark.parametrize(
    "memory", [Memory(0), Memory(20_000), Memory(300_000), Forgetful(64_000_000)], ids=lambda one: type(one).__name__
)
async def test_every_answer_is_the_same_however_little_is_remembered(told: Site, memory: Memory) -> None:
    usual = await answers(told)
    assert {status for status, _ in usual.values()} == {200}
    async with remembering(told, memory) as other:
        for path, found in (await answers(other)).items():
            assert found == usual[path], path
    assert memory.size <= memory.bound


async def test_what_is_read_whole_is_read_once_for_as_long_as_it_stays_the_same(
    told: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[str]()

    def spied(memory: Memory, forms: tuple[Form, ...], *others: Any, **how: Any) -> tuple[str, list[str]]:
        read.extend(one.table.name for one in forms)
        return statement_of(memory, forms, *others, **how)

    monkeypatch.setattr(as_of, "statement_of", spied)
    reader = reader_with(Memory(50_000_000), told.running.reader)
    async with reader.pool.acquire() as connection:
        renamed = await connection.fetchval("SELECT max(position) FROM events WHERE stream LIKE 'unit:%'")
    for position in (renamed, renamed + 1, reader.head.size):  # what came since concerns no unit
        for day in (date(2023, 12, 30), date(2023, 12, 31)):
            await reader.rows(AsOf(position=position, effective_on=day), tasks.of_plan(CREDIT))
    assert read.count("tasks") > read.count("units") == 1
    await reader.rows(AsOf(position=renamed - 1, effective_on=date(2023, 12, 31)), tasks.of_plan(CREDIT))
    assert read.count("units") == 2


async def moments_of(reader: Reader, count: int, random: Random) -> list[Moment]:
    """Moments of the year at random, on both clocks."""
    size, first = reader.head.size, date(2023, 3, 28)
    asked = [AsOf(None, random.randint(351, size), first + timedelta(random.randint(0, 400))) for _ in range(count)]
    return [await reader.moment(one) for one in asked]


async def test_one_text_at_two_moments_never_mixes_what_stands_there(told: Site) -> None:
    usual = reader_with(Memory(64_000_000), told.running.reader)
    forgets = reader_with(Memory(0), told.running.reader)
    moments = await moments_of(usual, 15, Random(8))  # noqa: S311 - which moments are asked, nothing secret
    for moment in [*moments, *reversed(moments)]:
        given = {"at": moment.position, "on": moment.effective_on.isoformat()}
        found, expected = [await answer(one, QUERY, given, None) for one in (usual, forgets)]
        assert not found.errors
        assert msgspec.json.encode(found.data) == msgspec.json.encode(expected.data)
        found, expected = [await answer(one, NAMELESS, given, None) for one in (usual, forgets)]
        assert not found.errors
        assert msgspec.json.encode(found.data) == msgspec.json.encode(expected.data)


async def test_ids_are_those_of_the_moment_that_is_asked_for(told: Site) -> None:
    reader = reader_with(Memory(64_000_000), told.running.reader)
    for moment in await moments_of(reader, 10, Random(11)):  # noqa: S311 - as above
        found = await answer(reader, QUERY, {"at": moment.position, "on": moment.effective_on.isoformat()}, None)
        suffix = f"@{moment.position},{moment.effective_on}"
        ids = ids_in(found.data)
        assert len(ids) > 200
        assert all(one.endswith(suffix) for one in ids)
    now = await answer(reader, '{ tasks(plan: "shanghai-credit-2023") { nodes { id } } }', {}, None)
    assert not any("@" in one for one in ids_in(now.data))


def ids_in(data: Any) -> list[str]:
    """Every id in an answer."""
    return re.findall(r'"id":"([^"]*)"', msgspec.json.encode(data).decode())


Ask = Callable[[Reader, Moment], Awaitable[Any]]
EVERY_UNIT = tuple(map(wanted, (UNITS, UNIT_VERSIONS, ASSIGNMENTS, OWN)))


async def list_of(reader: Reader, moment: Moment, limit: int = 100) -> None:
    """A page of tasks."""
    await page(lambda wanted: reader.read(moment, wanted), TASK_LIST, CREDIT, TaskFilter(), moment, Excerpt(limit))


async def short_list_of(reader: Reader, moment: Moment) -> None:
    """A shorter one."""
    await list_of(reader, moment, 12)


async def directory_of(reader: Reader, moment: Moment) -> None:
    """The directory, with all that it may remember."""
    known = directory(await reader.read(moment, EVERY_UNIT))
    for unit in known.each():
        known.behind(unit.id)
        known.assignee(unit.id)


async def units_of(reader: Reader, moment: Moment) -> None:
    """Units with their tasks."""
    assert World(await reader.read(moment, EVERY_UNIT), moment).units


async def plan_of(reader: Reader, moment: Moment) -> None:
    """A plan, for which something of every task is read."""
    assert plans.show(await reader.read(moment, plans.one(CREDIT)))


async def graph_of(reader: Reader, moment: Moment) -> None:
    """Projections of tasks with and without their units, by statements with differing roots."""
    for selected in ("text", "number reportedStatus", "assignments { assignee { unit { name } } }"):
        for root in ("units { totalCount }", "platforms { nodes { name } }", ""):
            nodes = f'tasks(plan: "{CREDIT}", asOf: {{position: $p}}) {{ nodes {{ {selected} }} }}'
            query = f"query($p: Position!) {{ {root} {nodes} }}"
            assert not (await answer(reader, query, {"p": moment.position}, None)).errors


async def rows_of(reader: Reader, moment: Moment) -> None:
    """Rows that nothing is made of."""
    await reader.read(moment, tasks.of_plan(CREDIT))


async def whole(reader: Reader, moment: Moment) -> None:
    """Every task of the large plan at once, and the plan."""
    found = await reader.read(moment, tasks.of_plan(LARGE))
    assert len(tasks.show(found, moment.effective_on)) == TASKS
    (one,) = plans.show(await reader.read(moment, plans.one(LARGE)))
    assert one.counts.tasks == TASKS


async def taken(reader: Reader) -> int:
    """Bytes that are taken, once the connections keep small answers: the driver keeps what came last, and before."""
    for lanes in (reader.pool, reader.slices):
        async with lanes.acquire() as connection:
            for _ in range(3):
                await connection.fetchval("SELECT 1")
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def grown(reader: Reader, moments: list[Moment], ask: Ask) -> int:
    """Bytes that the process has more after this was asked at all moments, than after it was asked and forgotten."""
    tracemalloc.start()
    try:
        await ask(reader_with(Memory(0), reader), moments[-1])
        before = await taken(reader)
        for moment in moments:
            await ask(reader, moment)
        return await taken(reader) - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ask", [rows_of, list_of, directory_of, units_of, plan_of, graph_of])
async def test_each_kind_is_counted_with_all_that_it_takes(told: Site, ask: Ask) -> None:
    reader = reader_with(Memory(200_000_000), told.running.reader)
    moments = await moments_of(reader, 25, Random(9))  # noqa: S311 - as above
    assert await grown(reader, moments, ask) <= HONEST * reader.memory.size


@pytest.mark.parametrize(("ask", "count"), [(short_list_of, 2_000), (graph_of, 8), (units_of, 100)])
async def test_2_000_moments_take_no_more_than_the_bound(told: Site, ask: Ask, count: int) -> None:
    reader = reader_with(Memory(2_000_000), told.running.reader)
    moments = await moments_of(reader, count, Random(10))  # noqa: S311 - as above
    assert await grown(reader, moments, ask) <= HONEST * reader.memory.bound


@pytest.fixture(scope="module")
async def large(server: str, folder: Path) -> AsyncGenerator[Service]:
    """The imported record with a second plan of some thousand tasks."""
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        await fill(running, TASKS)
        yield running


@pytest.mark.parametrize("bound", [200_000_000, 20_000_000, 1_000_000, 0])
async def test_a_read_larger_than_the_bound_is_whole_and_what_fits_is_counted(large: Service, bound: int) -> None:
    reader = reader_with(Memory(bound), large.reader)
    moment = await reader.moment(AsOf())
    moments = [msgspec.structs.replace(moment, effective_on=date(2023, month, 5)) for month in (4, 8, 12)]
    size = await grown(reader, moments, whole)
    assert size <= HONEST * min(bound, reader.memory.size) + SLACK


PLAN_PAGE = f"/plans/{CREDIT}"
PAGES_DRAWN_APART = [PLAN_PAGE, f"{PLAN_PAGE}?lang=en", f"{PLAN_PAGE}?reportedStatus=in_progress", "/", "/?lang=en"]


def drawn_at_random() -> list[str]:
    """Pages that are put together of what was drawn apart, at 60 moments by chance."""
    chance, first = Random(3), date(2023, 4, 3)  # noqa: S311 - the same pages each time
    found: list[str] = []
    for number in range(60):
        page, day = PAGES_DRAWN_APART[number % 5], first + timedelta(days=chance.randrange(300))
        clocks = [f"position={chance.randrange(300, 750)}", f"effectiveOn={day}"]
        found.append(f"{page}{'&' if '?' in page else '?'}{'&'.join(clocks[: 1 + chance.randrange(2)])}")
    return found


@pytest.mark.parametrize("memory", [Memory(0), Forgetful(64_000_000)], ids=lambda one: type(one).__name__)
async def test_a_page_put_together_of_what_was_drawn_before_is_the_page_drawn_anew(told: Site, memory: Memory) -> None:
    pages = drawn_at_random()
    async with remembering(told, memory) as other:
        for page in pages:
            before, anew = await told.http.get(page), await other.http.get(page)
            assert (before.status_code, anew.status_code) == (200, 200), page
            assert before.content == anew.content, page
            assert not {0, 1} & {*before.content}, page


async def test_what_nobody_sees_in_a_question_fills_no_blank_of_its_page(told: Site) -> None:
    for odd in ("%00first%00", "%00", "%010%01", "%01"):
        answer = await told.http.get(f"{PLAN_PAGE}?q={odd}&position=700&effectiveOn=2023-10-31")
        assert answer.status_code in {200, 400}, odd
        assert not {0, 1} & {*answer.content}, odd
