"""The clients that people have: their compilers take the schema, and their caches put pages together at one moment."""

import asyncio
import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from api.cli.describe import OPENAPI
from domain.commands import AnyCommand
from tests.conftest import TASK, Site, copied
from tests.interop.test_graphql_http import HERE, INSTALLED, node

PLAN = TASK.partition("/")[0]
SCHEMA = str(OPENAPI / "schema.graphql")


async def test_codegen_knows_every_scalar() -> None:
    *scalars, task = await node("scalars.mjs", SCHEMA)
    own = {"Date string", "DateTime string", "Position number", "JSON unknown"}
    assert own <= set(scalars)
    assert len(scalars) == len(own) + 5  # GraphQL's own
    assert task == "Task is a Node"


async def test_relay_can_fetch_a_task_again_by_its_id(told: Site) -> None:
    folder = INSTALLED / "relay"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "relay", folder)
    (said,) = await node("relay.mjs", SCHEMA, str(folder))
    made: dict[str, str] = json.loads(said)
    assert made.keys() == {"TaskAgainQuery", "TasksAgainQuery", "PlanAgainQuery", "TaskPageQuery"}
    page = (await told.ask(made["TasksAgainQuery"], count=3))["tasks"]
    following = (await told.ask(made["TasksAgainQuery"], count=3, after=page["pageInfo"]["endCursor"]))["tasks"]
    assert [one["node"]["number"] for one in page["edges"] + following["edges"]] == [1, 2, 3, 4, 5, 6]
    first = page["edges"][0]["node"]
    assert (await told.ask(made["TaskAgainQuery"], id=first["id"]))["node"] == first
    then = (await told.ask(made["TaskAgainQuery"], id=f"task:{TASK}@361,2023-06-30"))["node"]
    assert (then["id"], then["reportedStatus"]) == (f"task:{TASK}@361,2023-06-30", "not_reported")
    await _pages_below_a_node(told, made["PlanAgainQuery"])


async def _pages_below_a_node(site: Site, query: str) -> None:
    """As `usePaginationFragment` loads them, whose arguments of the other way are null."""

    async def page(**way: Any) -> tuple[list[int], Any]:
        given = dict.fromkeys(("first", "after", "last", "before")) | way
        found = (await site.ask(query, id=f"plan:{PLAN}", **given))["node"]
        assert found["id"] == f"plan:{PLAN}"
        return [one["node"]["number"] for one in found["allTasks"]["edges"]], found["allTasks"]["pageInfo"]

    assert (await page(first=3))[0] == [1, 2, 3]
    numbers, info = await page(last=3)
    assert numbers == [65, 66, 67]
    assert (await page(last=3, before=info["startCursor"]))[0] == [62, 63, 64]


async def edit(site: Site, stop: asyncio.Event) -> int:
    """Renumber tasks without a pause, so that pages of several moments would not fit together."""
    random, recorded = Random(7), 0  # noqa: S311 - which tasks, nothing secret
    while not stop.is_set():
        one = {"type": "task.renumber", "task": f"{PLAN}/{random.randint(1, 67)}", "number": random.randint(1, 67)}
        await site.running.office.record([msgspec.convert(one | {"reason": "试"}, AnyCommand)])
        recorded += 1
    return recorded


@pytest.mark.parametrize(
    ("clocks", "end"),
    [
        ({}, ""),
        ({"asOf": {"position": 352}}, "@352,2023-04-03"),
        ({"asOf": {"position": 352}, "effectiveOn": "2023-06-30"}, "@352,2023-06-30"),
    ],
    ids=str,
)
async def test_caches_put_pages_of_one_moment_together(
    server: str, folder: Path, clocks: dict[str, Any], end: str
) -> None:
    async with copied(server, folder) as site:
        stop = asyncio.Event()
        writing = asyncio.create_task(edit(site, stop))
        address = f"{str(site.http.base_url).rstrip('/')}/graphql"
        said = [json.loads(line) for line in await node("paging.mjs", address, PLAN, json.dumps(clocks))]
        stop.set()
        assert await writing > 20
    assert [name for name, _ in said] == ["apollo", "urql", "apollo below a node", "urql below a node"]
    for _, ids in said:
        assert len(ids) == 67
        assert set(ids) == {f"task:{PLAN}/{key}{end}" for key in range(1, 68)}
