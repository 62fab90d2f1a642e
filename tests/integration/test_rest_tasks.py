"""The filters of the list of tasks against a naive reading of the whole list, at many moments."""

import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from projections.views.tasks import ScheduleStatus
from tests.conftest import PLAN, Site

FILTERS: dict[str, list[str]] = {
    "number": ["1", "21", "67", "68"],
    "part": ["1", "3", "5", "6"],
    "measure": ["1", "5", "16"],
    "unit": ["shi-ke-wei", "shang-hai-yin-bao-jian-ju", "pu-dong-xin-qu-ren-min-zheng-fu", "ge-qu-ren-min-zheng-fu"],
    "role": ["lead", "by_duty", "responsible", "support", "named"],
    "district": ["310115", "310151"],
    "platform": ["yi-wang-tong-ban", "ke-ji-xin-yong-xin-xi-guan-li-ping-tai"],
    "reportedStatus": ["not_reported", "not_started", "blocked", "delayed", "in_progress", "completed"],
    "scheduleStatus": [one.value for one in ScheduleStatus],
    "q": ["信用", "融资", "浦东", "APP", "ａｐｐ", "市 信用", "各区", "一", "长三角", "不在其中", "信用 融资"],
    "sort": ["number", "-number", "due", "-due"],
}
MOMENTS: list[dict[str, str]] = [
    {},
    {"asOf": "2023-06-30"},
    {"asOf": "2023-08-20"},
    {"asOf": "2023-10-31"},
    {"position": "700"},
    {"effectiveOn": "2023-06-30"},
    {"position": "600", "effectiveOn": "2024-01-31"},
]


class Naive:
    """The whole list at a moment, and what stands beside it, filtered as its words say."""

    def __init__(self, tasks: list[Any], units: list[Any], districts: list[Any]) -> None:
        self.tasks = tasks
        self.parts = {unit["id"]: unit["tasks"] for unit in units}
        self.of_district = {one["code"]: one["tasks"] for one in districts}

    def ask(self, given: Mapping[str, str]) -> list[str]:
        found = [task for task in self.tasks if all(self.keeps(task, given, name) for name in given)]
        sort = given.get("sort", "number")
        ordered = sorted(found, key=lambda task: self.place(task, sort.strip("-")), reverse=sort.startswith("-"))
        return [task["id"] for task in ordered]

    @staticmethod
    def place(task: Any, sort: str) -> tuple[Any, ...]:
        due = task["due"] or "9999-12-31"
        place = (task["number"], int(task["id"].rpartition("/")[2]))
        return (due, *place) if sort == "due" else place

    def keeps(self, task: Any, given: Mapping[str, str], name: str) -> bool:
        value = given[name]
        match name:
            case "number" | "part" | "measure":
                return str(task[name]) == value
            case "reportedStatus" | "scheduleStatus":
                return task[name] == value
            case "platform":
                return value in {one["id"] for one in task["platforms"]}
            case "q":
                text = plain(" ".join([task["text"], *(one["literal"] for one in task["assignments"])]))
                return all(word in text for word in plain(value).split())
            case "unit":
                return bool(self.roles(task, self.parts.get(value, []), given))
            case "district":
                return bool(self.roles(task, self.of_district.get(value, []), given))
            case "role":
                return any(one["role"] == value for one in task["assignments"])
            case _:
                return True

    @staticmethod
    def roles(task: Any, parts: list[Any], given: Mapping[str, str]) -> set[str]:
        """The roles that somebody's own view gives it in a task, of those asked for."""
        mine = {part["role"] for part in parts if part["task"] == task["id"]}
        return mine & {given["role"]} if "role" in given else mine


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


async def naive(site: Site, moment: Mapping[str, str]) -> Naive:
    tasks = await site.get(f"{PLAN}/tasks", limit=200, **moment)
    units = await site.get("/v1/units", limit=200, **moment)
    districts = await site.get("/v1/districts", limit=200, **moment)
    assert tasks["next"] is units["next"] is districts["next"] is None
    return Naive(tasks["items"], units["items"], districts["items"])


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_each_value_of_each_filter_keeps_what_its_words_say(told: Site, moment: dict[str, str]) -> None:
    whole = await naive(told, moment)
    for name, values in FILTERS.items():
        for value in values:
            given = {name: value}
            found = await told.get(f"{PLAN}/tasks", limit=200, **given, **moment)
            assert [task["id"] for task in found["items"]] == whole.ask(given), given


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_filters_work_together(told: Site, moment: dict[str, str]) -> None:
    whole, random = await naive(told, moment), Random(str(moment))  # noqa: S311 - seeded, to be repeated
    for _ in range(60):
        names = random.sample(sorted(FILTERS), random.choice([2, 2, 2, 3, 3, 4]))
        given = {name: random.choice(FILTERS[name]) for name in names}
        if {"unit", "district"} <= given.keys():
            del given["district"]  # both must then be behind one and the same assignment: a test of its own
        limit = random.choice([1, 5, 200])
        page = await told.get(f"{PLAN}/tasks", limit=limit, **given, **moment)
        found = page["items"]
        while page["next"]:
            page = await told.get(page["next"])
            found += page["items"]
        assert [task["id"] for task in found] == whole.ask(given), given


async def test_the_filters_choose_something_in_the_demo(told: Site) -> None:
    whole = await naive(told, {})
    kept = {name: {value for value in values if whole.ask({name: value})} for name, values in FILTERS.items()}
    assert all(kept.values())
    assert {"completed", "in_progress"} <= kept["reportedStatus"]
    assert {"overdue", "completed_on_time"} & kept["scheduleStatus"]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_a_units_tasks_are_those_of_its_own_view(told: Site, moment: dict[str, str]) -> None:
    units = (await told.get("/v1/units", limit=200, **moment))["items"]
    for unit in units:
        found = await told.get(f"{PLAN}/tasks", limit=200, unit=unit["id"], **moment)
        assert {task["id"] for task in found["items"]} == {part["task"] for part in unit["tasks"]}, unit["id"]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_a_districts_tasks_are_those_of_its_own_view(told: Site, moment: dict[str, str]) -> None:
    districts = (await told.get("/v1/districts", limit=200, **moment))["items"]
    for district in districts:
        found = await told.get(f"{PLAN}/tasks", limit=200, district=district["code"], **moment)
        assert {task["id"] for task in found["items"]} == {part["task"] for part in district["tasks"]}


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_tasks_without_a_lead_are_those_that_give_nobody_this_role(told: Site, moment: dict[str, str]) -> None:
    tasks = (await told.get(f"{PLAN}/tasks", limit=200, **moment))["items"]
    led = {one["id"] for one in tasks if any(part["role"] == "lead" for part in one["assignments"])}
    assert 0 < len(led) < len(tasks)
    for given, kept in (("true", led), ("false", {one["id"] for one in tasks} - led)):
        found = (await told.get(f"{PLAN}/tasks", limit=200, hasLead=given, **moment))["items"]
        assert {one["id"] for one in found} == kept
    plan = PLAN.rpartition("/")[2]
    query = (
        f'{{ tasks(plan: "{plan}", hasLead: false, first: 200) {{ nodes {{ canonicalId assignments {{ role }} }} }} }}'
    )
    nodes = (await told.ask(query))["tasks"]["nodes"]
    assert nodes
    assert not any(part["role"] == "lead" for one in nodes for part in one["assignments"])


async def test_units_are_filtered_by_kind_district_and_words(told: Site) -> None:
    units = (await told.get("/v1/units", limit=200))["items"]
    for kind in {unit["kind"] for unit in units}:
        found = await told.get("/v1/units", limit=200, kind=kind)
        assert found["items"] == [unit for unit in units if unit["kind"] == kind]
    for code in ("310115", "310151"):
        found = await told.get("/v1/units", limit=200, district=code)
        assert found["items"] == [unit for unit in units if unit["district"] == code]
    for words in ("市场监管", "信用", "局 市"):
        found = await told.get("/v1/units", limit=200, q=words)
        named = {unit["id"]: plain(" ".join([unit["name"], *unit["aliases"]])) for unit in units}
        kept = [unit for unit in units if all(word in named[unit["id"]] for word in words.split())]
        assert found["items"] == kept
