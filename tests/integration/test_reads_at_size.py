"""A read does not know the rest: what it touches in the database is the same in a record six times as large.

The application answers here; each statement that it says is then planned and run once more as its connection would,
and the rows that each of its scans looked at are counted by table (EXPLAIN ANALYZE).
"""

import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import asyncpg
import msgspec
import pytest

from api.main import application, service
from api.pages import sitemaps
from domain.directory import RegisterPlatform
from events.database import PLANNED_ONCE, SESSION, Connection
from tests.benchmarks.invented import FACTS_EACH
from tests.benchmarks.large import load
from tests.benchmarks.statements import Ears, Heard, answer_of, literal
from tests.conftest import database_of, settings_for

TIMES = 6  # as many authorities has the large record
SMALL_TABLE = 300  # rows of a table that may be scanned
# Rows that a read may touch: a log of more facts has a higher tree, and other indexes serve as well in larger tables.
SLACK, OTHERWISE = 40, 2
UNIT, GROUP, DISTRICT = "c0000-shi-wei-sheng-jian-kang-wei", "c0000-ge-qu-ren-min-zheng-fu", "100001"
PLAN, PLATFORM = "c0000-credit-2021", "c0000-yi-wang-tong-ban"
THEN = "asOf=2022-06-30&effectiveOn=2022-06-DAY"
GRAPH_THEN = 'asOf: {date: "2022-06-30"}, effectiveOn: "2022-06-DAY"'
GRAPHS = [
    f'unit(id: "{UNIT}", THEN) {{ name memberOf {{ name }} tasks {{ number own {{ status }} }} }}',
    f'district(code: "{DISTRICT}", THEN) {{ units {{ name }} tasks {{ number via {{ name }} }} }}',
    f'plan(id: "{PLAN}", THEN) {{ title counts {{ tasks }} parts {{ title tasks }} }}',
    f'task(id: "{PLAN}/21", THEN) {{ text assignments {{ assignee {{ name }} }} }}',
    f'task(id: "{PLAN}/21", THEN) {{ inPlan {{ title }} inMeasure {{ allTasks {{ totalCount }} }} }}',
    f'task(id: "{PLAN}/21", THEN) {{ reports {{ nodes {{ period onTask {{ text }} }} }} }}',
    f'task(id: "{PLAN}/21", THEN) {{ events {{ nodes {{ position }} }} history {{ totalCount }} }}',
    f'unit(id: "{UNIT}", THEN) {{ history {{ nodes {{ fact {{ position }} }} }} }}',
    f'plan(id: "{PLAN}", THEN) {{ taskCounts {{ withdrawn }} allTasks(first: 5) {{ nodes {{ text }} }} }}',
    f'measure(plan: "{PLAN}", number: 3, THEN) {{ inPart {{ title taskCounts {{ withdrawn }} }} inPlan {{ title }} }}',
    f'targets(plan: "{PLAN}", THEN) {{ nodes {{ literal inTask {{ text inPlan {{ title }} }} }} }}',
    f'tasks(plan: "{PLAN}", THEN) {{ totalCount nodes {{ text reportedStatus latestReports {{ event }} }} }}',
    f'platform(id: "{PLATFORM}", THEN) {{ name tasks {{ number }} }}',
    "platforms(first: 4, THEN) { nodes { name tasks { number } } }",
    "units(first: 10, THEN) { nodes { name tasks { number } } }",
    "districts(first: 4, THEN) { nodes { name tasks { number } } }",
    "plans(first: 4, THEN) { nodes { title counts { tasks } } }",
]
READS = [
    f"/v1/plans/{PLAN}",
    f"/v1/plans/{PLAN}.stratml",
    f"/v1/plans/{PLAN}/parts",
    f"/v1/plans/{PLAN}/measures/3",
    f"/v1/plans/{PLAN}/summary",
    f"/v1/plans/{PLAN}/targets",
    f"/v1/plans/{PLAN}/platforms",
    f"/v1/plans/{PLAN}/reports?limit=20",
    f"/v1/plans/{PLAN}/tasks?limit=100",
    f"/v1/plans/{PLAN}/tasks?limit=10&sort=-due",
    f"/v1/plans/{PLAN}/tasks?unit={UNIT}",
    f"/v1/plans/{PLAN}/tasks?district={DISTRICT}&reportedStatus=delayed",
    f"/v1/plans/{PLAN}/tasks?platform={PLATFORM}",
    f"/v1/plans/{PLAN}/tasks/21",
    f"/v1/plans/{PLAN}/tasks/21/reports",
    f"/v1/plans/{PLAN}/tasks/21/history",
    f"/v1/units/{UNIT}",
    f"/v1/units/{GROUP}",
    f"/v1/units/{UNIT}/history",
    f"/v1/districts/{DISTRICT}",
    f"/v1/districts/{DISTRICT}/history",
    f"/v1/platforms/{PLATFORM}",
    f"/v1/platforms/{PLATFORM}/history",
    f"/v1/plans/{PLAN}/history",
    "/v1/platforms?limit=4",
    "/v1/plans?limit=4",
    "/v1/units?limit=10",
    "/v1/units?limit=2&kind=group",
    "/v1/districts?limit=4",
    f"/v1/events?unit={UNIT}&limit=20",
    "/",
    "/overdue",
    "/silent",
    "/search?q=21",
    "/search?q=%E4%BF%A1%E7%94%A8",
    "/units",
    "/districts",
    f"/plans/{PLAN}",
    f"/plans/{PLAN}/tasks/21",
    f"/units/{UNIT}",
    f"/districts/{DISTRICT}",
]
NUMBERS = count()


class Touched(NamedTuple):
    """The rows that the scans of one read looked at, by table, and the tables of which one was read through."""

    rows: Counter[str]
    through: set[str]


class Grown:
    """A record behind an application whose every statement is heard."""

    def __init__(self, app: Any, lanes: dict[str, Ears], own: dict[str, Connection]) -> None:
        self.app = app
        self._lanes = lanes
        self._own = own

    async def touched(self, read: str, then: str = THEN) -> Touched:
        """What a read touches, once what it needs whole is remembered: by the same of the day before."""
        await self._answered(read, then.replace("DAY", "29"))
        for lane in self._lanes.values():
            lane.heard.clear()
        await self._answered(read, then.replace("DAY", "30"))
        found = Touched(Counter(), set())
        for name, lane in self._lanes.items():
            for heard in lane.heard:
                for scan in _scans(await _explained(self._own[name], heard)):
                    table = scan["Relation Name"]
                    removed = (rows for what, rows in scan.items() if what.startswith("Rows Removed"))
                    found.rows[table] += round((scan["Actual Rows"] + sum(removed)) * scan["Actual Loops"])
                    if scan["Node Type"] == "Seq Scan" and await self._rows_of(table) > SMALL_TABLE:
                        found.through.add(table)
        assert found.rows, f"nothing was heard of {read}"
        return found

    async def _answered(self, read: str, then: str) -> None:
        if read.startswith("/"):
            await answer_of(self.app, f"{read}{'&' if '?' in read else '?'}{then}")
        else:
            query = f"{{ {read.replace('THEN', GRAPH_THEN).replace('DAY', then[-2:])} }}"
            body = await answer_of(self.app, f"/graphql?query={quote(query)}")
            assert b'"errors"' not in body, body

    async def _rows_of(self, table: str) -> float:
        return await self._own["pool"].fetchval("SELECT max(reltuples) FROM pg_class WHERE relname = $1", table)


async def _explained(connection: Connection, heard: Heard) -> Any:
    """The plan of a statement, prepared and run once."""
    name, arguments = f"heard_{next(NUMBERS)}", ", ".join(map(literal, heard.args))
    await connection.execute(f"PREPARE {name} AS {heard.sql}")
    executed = f"EXECUTE {name}({arguments})" if arguments else f"EXECUTE {name}"
    explained = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, FORMAT JSON) {executed}")
    return msgspec.json.decode(explained)[0]["Plan"]


def _scans(node: Any) -> Iterator[Any]:
    """The nodes of a plan that read a table."""
    if "Relation Name" in node:
        yield node
    for one in node.get("Plans", ()):
        yield from _scans(one)


@asynccontextmanager
async def grown(server: str, folder: Path, authorities: int, platforms: int = 0) -> AsyncGenerator[Grown]:
    """The invented record of so many authorities, with so many platforms more, of which no task knows."""
    async with database_of(server, "fresh") as dsn, service(settings_for(dsn, folder)) as running:
        await load(dsn, authorities * FACTS_EACH, lambda _: None)
        if platforms:
            await running.reader.newest()
            ids = [(f"no-{at}", f"第{at}号信息系统") for at in range(platforms)]
            await running.office.record([RegisterPlatform(platform=id_, name=name, reason="试") for id_, name in ids])
        lanes = {"slices": Ears(running.reader.slices), "pool": Ears(running.reader.pool)}
        sessions = {"slices": PLANNED_ONCE, "pool": SESSION}
        own: dict[str, Connection] = {
            name: await asyncpg.connect(dsn, server_settings=dict(session)) for name, session in sessions.items()
        }
        await own["pool"].execute("VACUUM ANALYZE")
        await running.reader.newest()
        running.reader.slices, running.reader.pool = lanes["slices"], lanes["pool"]  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield Grown(application(running), lanes, own)
        finally:
            for one in own.values():
                await one.close()


@pytest.fixture(scope="module")
async def both(server: str, folder: Path) -> AsyncGenerator[Sequence[Grown]]:
    async with grown(server, folder / "small", 1) as small, grown(server, folder / "large", TIMES) as large:
        yield small, large


async def test_the_first_page_leads_to_all_plans_and_to_the_pages_of_all_units_and_districts(
    both: Sequence[Grown],
) -> None:
    _, large = both
    found, address = list[str](), "/?effectiveOn=2024-06-30"
    while address:
        page = (await answer_of(large.app, address)).decode()
        found += re.findall('data-plan="([^"]*)"', page)
        assert 'href="/units?effectiveOn' in page.partition('id="units"')[2].partition("<ul")[2]
        (address,) = re.findall('<a rel="next" href="([^"]*)"', page) or [""]
        address = unescape(address)
    plans = msgspec.json.decode(await answer_of(large.app, "/v1/plans?effectiveOn=2024-06-30&limit=200"))["items"]
    assert found == [one["id"] for one in plans]
    assert len(found) > 40


MOST_PLATFORMS = 5_000
AT_THE_HEAD = "effectiveOn=2022-06-DAY"


@pytest.fixture(scope="module")
async def named(server: str, folder: Path) -> AsyncGenerator[Sequence[Grown]]:
    async with grown(server, folder / "few", 1) as few, grown(server, folder / "named", 1, MOST_PLATFORMS) as many:
        yield few, many


@pytest.mark.parametrize("read", [one for one in READS if "limit=1" in one or "platform" in one or "/21" in one])
async def test_nor_in_one_of_five_thousand_platforms(named: Sequence[Grown], read: str) -> None:
    few, many = [await one.touched(read, AT_THE_HEAD) for one in named]
    more = {table: (few.rows[table], now) for table, now in many.rows.items() if now > few.rows[table] + SLACK}
    assert not more, f"{read} touches more of these tables: (rows before, rows now) {more}"


@pytest.mark.parametrize("read", [*READS, *GRAPHS])
async def test_a_read_touches_no_more_in_a_record_six_times_as_large(both: Sequence[Grown], read: str) -> None:
    small, large = [await one.touched(read) for one in both]
    assert not large.through, f"{read} reads through {', '.join(sorted(large.through))}"
    rows = {table: (small.rows[table], now) for table, now in large.rows.items()}
    more = {table: (before, now) for table, (before, now) in rows.items() if now > OTHERWISE * before + SLACK}
    assert not more, f"{read} touches more of these tables: (rows before, rows now) {more}"


async def test_nor_does_a_part_of_the_sitemap(both: Sequence[Grown], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "PART_WIDTH", 100)
    small, large = [await one.touched("/sitemap.xml", "part=DAY") for one in both]  # the 29th, and then the 30th
    assert not large.through
    more = {table: (small.rows[table], now) for table, now in large.rows.items() if now > OTHERWISE * 100 + SLACK}
    assert not more, f"it touches more of these tables: (rows before, rows now) {more}"
