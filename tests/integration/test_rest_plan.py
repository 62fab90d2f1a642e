"""A plan's parts, measures, targets and platforms under addresses of their own, at any moment."""

from typing import Any

import pytest

from tests.conftest import PLAN, Site

MOMENTS: list[dict[str, str]] = [{}, {"asOf": "2023-06-30"}, {"position": "200"}, {"effectiveOn": "2024-01-31"}]


async def items(site: Site, path: str, **query: str) -> list[Any]:
    page = await site.get(path, limit=200, **query)
    assert page["next"] is None
    found: list[Any] = page["items"]
    return found


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_parts_and_measures_are_those_of_the_plan(told: Site, moment: dict[str, str]) -> None:
    plan = await told.get(PLAN, **moment)
    for name in ("parts", "measures"):
        listed = await items(told, f"{PLAN}/{name}", **moment)
        assert listed == plan[name] != []
        for one in listed:
            alone = await told.get(f"{PLAN}/{name}/{one['number']}", **moment)
            meta = alone.pop("meta")
            assert alone == one
            assert meta["position"] == plan["meta"]["position"]


async def test_measures_can_be_asked_for_by_part(told: Site) -> None:
    whole = await items(told, f"{PLAN}/measures")
    for part in ("1", "5", "6"):
        assert await items(told, f"{PLAN}/measures", part=part) == [one for one in whole if str(one["part"]) == part]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_targets_are_those_of_the_tasks_beside_their_task(told: Site, moment: dict[str, str]) -> None:
    tasks = await items(told, f"{PLAN}/tasks", **moment)
    reports = [one for one in (await told.get(f"{PLAN}/reports.json", **moment))["items"] if one["measurement"]]
    expected = [
        {"plan": task["plan"], "task": task["id"], "number": task["number"], **target}
        | {"reported": {(one["unit"]["id"], one["period"], one["measurement"]["value"]) for one in found}}
        for task in tasks
        for target in task["targets"]
        for found in [[one for one in reports if about(one) == (task["id"], target["target"])]]
    ]
    shown = await items(told, f"{PLAN}/targets", **moment)
    for one in shown:
        one["reported"] = {(each["unit"]["id"], each["period"], each["value"]) for each in one["reported"]}
    assert shown == expected


def about(report: Any) -> tuple[str, int]:
    """The target that a report's figure counts towards."""
    return report["task"], report["measurement"]["target"]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_platforms_name_the_tasks_that_name_them(told: Site, moment: dict[str, str]) -> None:
    tasks = await items(told, f"{PLAN}/tasks", **moment)
    platforms = await items(told, "/v1/platforms", **moment)
    for one in platforms:
        named = [task["id"] for task in tasks if one["id"] in {each["id"] for each in task["platforms"]}]
        assert [mention["task"] for mention in one["tasks"]] == named, one["id"]
        alone = await told.get(f"/v1/platforms/{one['id']}", **moment)
        assert {**alone, "meta": None} == {**one, "meta": None}
    assert await items(told, f"{PLAN}/platforms", **moment) == [one for one in platforms if one["tasks"]]


@pytest.mark.parametrize(
    "path",
    [
        f"{PLAN}/parts/6",
        f"{PLAN}/measures/17",
        "/v1/plans/x/parts",
        "/v1/plans/x/parts/1",
        "/v1/plans/x/measures",
        "/v1/plans/x/targets",
        "/v1/plans/x/platforms",
        "/v1/platforms/x",
        "/v1/platforms/x/history",
    ],
)
async def test_what_was_never_there_is_unknown(told: Site, path: str) -> None:
    assert (await told.problem(404, path))["code"] == "unknown_id"


@pytest.mark.parametrize("path", [f"{PLAN}/parts/3", f"{PLAN}/measures/7", f"{PLAN}/targets"])
async def test_what_came_later_says_from_when_it_is_there(told: Site, path: str) -> None:
    problem = await told.problem(404, path, position="50")
    assert problem["code"] == "not_at_this_moment"
    assert "from position" in problem["detail"]
