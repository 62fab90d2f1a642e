"""A part is not the whole: beside a task's status, a unit's, a group's and a district's own word."""

import csv
import io
import re
from typing import Any

from api.services.phrases import catalogue
from domain.values import RANK, Status
from tests.conftest import PLAN, Site

DISTRICT, GOVERNMENT = "310105", "chang-ning-qu-ren-min-zheng-fu"
GROUP, TASK_ID = "ge-qu-ren-min-zheng-fu", "shanghai-credit-2023/12"


async def words(told: Site) -> dict[str, dict[str, dict[str, Any]]]:
    """The latest report of each unit on each task, by the list of reports: the demo knows one a period."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for one in (await told.get(f"{PLAN}/reports.json"))["items"]:
        own = found.setdefault(one["task"], {})
        before = own.get(one["unit"]["id"])
        if before is None or before["period"] < one["period"]:
            own[one["unit"]["id"]] = one
    return found


def own(report: dict[str, Any] | None) -> dict[str, Any] | None:
    return report and {name: report[name] for name in ("status", "period", "event", "unit")}


async def test_none_of_the_tasks_that_a_districts_page_shows_as_completed_hides_that_it_never_reported(
    told: Site,
) -> None:
    said, district = await words(told), await told.get(f"/v1/districts/{DISTRICT}")
    assert {one["task"] for one in district["tasks"] if one["own"] is None}
    assert {one["task"] for one in district["tasks"] if one["own"]}
    for one in district["tasks"]:
        assert one["own"] == own(said.get(one["task"], {}).get(GOVERNMENT)), one["task"]
    page = (await told.http.get(f"/districts/{DISTRICT}")).text
    shown = re.findall(r'data-task="([^"]+)".*?data-field="own">(.*?)</span></span>', page, re.DOTALL)
    assert len(shown) == len({one["task"] for one in district["tasks"]})
    there = {one["task"] for one in district["tasks"] if one["own"]}
    assert {task for task, word in shown if catalogue()["status.not_reported"]["zh"] not in word} == there


async def test_a_units_own_word_is_its_latest_report_over_every_door(told: Site) -> None:
    said = await words(told)
    units = (await told.get("/v1/units", limit=200))["items"]
    bodies = [one for one in units if one["kind"] == "body" and not one["predecessors"]]
    for unit in bodies:
        for part in unit["tasks"]:
            assert part["own"] == own(said.get(part["task"], {}).get(unit["id"]))
    some = next(one for one in bodies if any(part["own"] for part in one["tasks"]))
    graph = await told.ask(
        "query Q($id: ID!) { unit(id: $id) { tasks { own { status period event unit { canonicalId name } } } } }",
        id=some["id"],
    )
    as_graph = [
        part["own"] and {**part["own"], "unit": {"canonicalId": part["own"]["unit"]["id"], "name": some["name"]}}
        for part in some["tasks"]
    ]
    assert [part["own"] for part in graph["unit"]["tasks"]] == as_graph
    rows = csv.DictReader(io.StringIO((await told.http.get("/v1/units.csv")).text))
    tasks = next(row["tasks"] for row in rows if row["id"] == some["id"])
    assert '"own":null' in tasks or '"own":{' in tasks


async def test_a_groups_own_word_is_the_least_advanced_of_its_members(told: Site) -> None:
    said, group = await words(told), await told.get(f"/v1/units/{GROUP}")
    members = {one["id"] for one in group["members"]}
    for part in group["tasks"]:
        spoken = [one for unit, one in said.get(part["task"], {}).items() if unit in members]
        least = min((RANK[Status(one["status"])] for one in spoken), default=None)
        assert (part["own"] and RANK[Status(part["own"]["status"])]) == least


async def test_a_successor_has_its_predecessors_word_until_it_speaks(site: Site) -> None:
    unit, new = "shi-ke-wei", "shi-ke-ji-ju"
    report = {"type": "progress.report", "task": TASK_ID, "unit": unit, "narrative": "进展"}
    succession = {"effectiveOn": "2023-07-20", "reason": "机构改革"}
    await site.clock("2023-10-12T09:00:00+08:00")
    await site.record(
        report | {"period": "2023-Q2", "status": "delayed"},
        {"type": "unit.register", "unit": new, "name": "市科技局", **succession},
        {"type": "unit.succeed", "unit": unit, "successors": [new], **succession},
    )
    assert await said_by(site, new) == (unit, "delayed")
    await site.record(report | {"unit": new, "period": "2023-Q3", "status": "completed"})
    assert await said_by(site, new) == (new, "completed")
    assert await said_by(site, unit) == (unit, "delayed")


async def said_by(site: Site, unit: str) -> tuple[str, str]:
    tasks = (await site.get(f"/v1/units/{unit}"))["tasks"]
    own = next(one["own"] for one in tasks if one["task"] == TASK_ID)
    return own["unit"]["id"], own["status"]


async def test_the_report_behind_another_own_word_stands_behind_a_units_difference(told: Site) -> None:
    span = {"from": "2023-09-30", "to": "2023-12-31"}
    for path in (f"/v1/districts/{DISTRICT}", f"/v1/units/{GOVERNMENT}"):
        found = await told.get(f"{path}/diff", **span)
        (tasks,) = found["changes"]
        assert tasks["field"] == "tasks"
        new = {part["own"]["event"] for part in tasks["after"] if part not in tasks["before"] and part["own"]}
        assert new
        assert new <= {one["position"] for one in found["facts"] if one["type"] == "progress.reported.v1"}
