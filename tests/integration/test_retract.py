"""A plan that is retracted is gone from every list, its past stays, and a new import into its id begins anew."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from api.cli.year import tell
from domain.bundled import bundled_plan
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import PLAN, Site, copied, problem_of

PLAN_ID = PLAN.rpartition("/")[2]
RETRACT = {"type": "plan.retract", "plan": PLAN_ID, "reason": "误登"}


@pytest.fixture
async def year(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The demo's year, to be written to."""
    async with copied(server, folder, "fresh") as site:
        await tell(site.running)
        yield site


async def agrees(site: Site) -> None:
    async with site.running.pool.acquire() as connection:
        await verify(connection, TABLES)


async def test_a_retracted_plan_is_not_there_any_more_and_its_past_is(year: Site) -> None:
    size = (await year.get("/v1/plans"))["meta"]["position"]
    before = await year.get(f"{PLAN}/tasks", position=size)
    units = await year.get("/v1/units", limit=200)
    dry = (await year.send(RETRACT, dry_run=True)).json()
    receipt = await year.record(RETRACT)
    assert [one["data"] for one in dry["facts"]] == [one["data"] for one in receipt["facts"]]
    assert {one["type"] for one in receipt["facts"]} == {"fact.voided.v1"}
    assert {one["stream"].partition(":")[0] for one in receipt["facts"]} == {"plan", "task", "report"}
    assert len({one["cause"]["request"] for one in receipt["facts"]}) == 1
    assert (await year.get("/v1/plans"))["items"] == []
    for path in (PLAN, f"{PLAN}/tasks", f"{PLAN}/tasks/21"):
        assert (await year.problem(404, path))["code"] == "not_at_this_moment"
    kept = await year.get("/v1/units", limit=200)
    assert [one["name"] for one in kept["items"]] == [one["name"] for one in units["items"]]
    assert all(one["tasks"] == [] for one in kept["items"])
    assert (await year.get(f"{PLAN}/tasks", position=size))["items"] == before["items"]
    assert problem_of(await year.send(RETRACT), 404)["code"] == "unknown_id"
    await agrees(year)


async def test_a_new_import_takes_the_keys_from_1_again_and_histories_show_both_lives(site: Site) -> None:
    tasks = (await site.get(f"{PLAN}/tasks"))["items"]
    await site.record(RETRACT)
    plan = {name: getattr(bundled_plan(), name) for name in ("plan", "text", "issuer", "reason")}
    await site.record({"type": "plan.import", **plan, "issuedOn": bundled_plan().issued_on.isoformat()})
    again = (await site.get(f"{PLAN}/tasks"))["items"]
    assert [(one["id"], one["text"], one["assignments"]) for one in again] == [
        (one["id"], one["text"], one["assignments"]) for one in tasks
    ]
    history = await site.get(f"{PLAN}/tasks/1/history")
    assert [one["fact"]["type"] for one in history["items"]].count("task.added.v1") == 2
    await agrees(site)
