"""The real plan, end to end: what the document says is what the record answers."""

from collections import Counter
from typing import Any

from tests.conftest import PLAN, Site

PER_MEASURE = [7, 4, 5, 3, 4, 2, 2, 4, 3, 3, 5, 3, 5, 3, 8, 6]
DISTRICTS = {
    "310101": "黄浦区",
    "310104": "徐汇区",
    "310105": "长宁区",
    "310106": "静安区",
    "310107": "普陀区",
    "310109": "虹口区",
    "310110": "杨浦区",
    "310112": "闵行区",
    "310113": "宝山区",
    "310114": "嘉定区",
    "310115": "浦东新区",
    "310116": "金山区",
    "310117": "松江区",
    "310118": "青浦区",
    "310120": "奉贤区",
    "310151": "崇明区",
}
GROUP = "ge-qu-ren-min-zheng-fu"


async def tasks_of(site: Site) -> list[Any]:
    return (await site.get(f"{PLAN}/tasks"))["items"]


async def test_the_plan_has_5_parts_16_measures_and_67_tasks(site: Site) -> None:
    plan = await site.get(PLAN)
    assert plan["counts"] == {"parts": 5, "measures": 16, "tasks": 67}
    assert [part["number"] for part in plan["parts"]] == [1, 2, 3, 4, 5]
    assert [measure["tasks"] for measure in plan["measures"]] == PER_MEASURE
    assert plan["documentNumber"] == "沪发改信用〔2023〕2号"
    assert plan["document"] == "sha256:c689e1d7a77dfd439d26f5d1c25925957fdd0d67330751f17ebba17c8581307c"
    assert plan["preamble"].startswith("2023年全市信用工作坚持")


async def test_a_measure_publishes_the_prose_that_no_task_carries(site: Site) -> None:
    measures = (await site.get(PLAN))["measures"]
    unassigned = {one["number"]: one["unassigned"] for one in measures if one["unassigned"]}
    assert list(unassigned) == [4]
    (sentence,) = unassigned[4]
    assert sentence.startswith("扩大银行、保险、担保、信用服务等机构合作力度")
    assert measures[3]["title"] == "深化中小微企业融资信用服务创新试点"


async def test_154_pairs_of_task_and_assignee_carry_their_roles(site: Site) -> None:
    tasks = await tasks_of(site)
    roles = Counter(one["role"] for task in tasks for one in task["assignments"])
    assert roles == {"lead": 45, "by_duty": 105, "responsible": 3, "named": 1}
    led = [task for task in tasks if any(one["role"] == "lead" for one in task["assignments"])]
    assert len(led) == 38
    assert [task["number"] for task in tasks if task["openEnded"]] == [24]


async def test_3_groups_16_governments_and_37_other_bodies_are_named(site: Site) -> None:
    units = (await site.get("/v1/units"))["items"]
    assert Counter(unit["kind"] for unit in units) == {"group": 3, "district_government": 16, "body": 37}
    aliases = {unit["name"]: unit["aliases"] for unit in units if unit["aliases"]}
    assert aliases == {"市公共信用中心": ["市信用中心"], "人民银行上海总部": ["人行上海总部"]}
    named = {one["assignee"]["id"] for task in await tasks_of(site) for one in task["assignments"]}
    assert named <= {unit["id"] for unit in units}
    bodies = {unit["id"] for unit in units if unit["kind"] == "body"}
    assert bodies <= named


async def test_the_words_of_the_document_stay_beside_the_unit(site: Site) -> None:
    task = await site.get(f"{PLAN}/tasks/8")
    literals = {one["literal"]: one["assignee"]["name"] for one in task["assignments"]}
    assert literals["市信用中心"] == "市公共信用中心"
    assert task["source"]["line"] == 39


async def test_every_district_carries_its_code_and_the_tasks_that_name_it(site: Site) -> None:
    districts = (await site.get("/v1/districts"))["items"]
    assert {one["code"]: one["name"] for one in districts} == DISTRICTS
    group = await site.get(f"/v1/units/{GROUP}")
    assert (len(group["members"]), group["closed"]) == (16, True)
    numbers = [task["number"] for task in group["tasks"]]
    assert len(numbers) == 7
    for district in districts:
        through = [task["number"] for task in district["tasks"] if task["via"]]
        assert through == numbers
        assert all(task["via"][0]["id"] == GROUP for task in district["tasks"] if task["via"])
        assert [task for task in district["tasks"] if not task["via"]], "each district also has tasks of its own"


async def test_tasks_of_open_groups_alone_can_be_reported_on_by_any_unit(site: Site) -> None:
    await site.clock("2023-07-10T09:00:00+08:00")
    for number in (22, 28, 29, 44, 45):
        task = await site.get(f"{PLAN}/tasks/{number}")
        assert [one["assignee"]["kind"] for one in task["assignments"]] == ["group"]
        receipt = await site.record(
            {
                "type": "progress.report",
                "task": task["id"],
                "unit": "shi-ke-wei",
                "period": "2023-Q2",
                "status": "in_progress",
                "narrative": "已部署",
            }
        )
        assert receipt["facts"][0]["data"]["membership"] == "unlisted"
        answered = (await site.get(f"{PLAN}/tasks/{number}"))["answered"]
        assert answered == {"count": 1, "of": None, "silent": []}


async def test_targets_and_platforms_are_found_in_the_text(site: Site) -> None:
    tasks = {task["number"]: task for task in await tasks_of(site)}
    targets = {number: [one["literal"] for one in task["targets"]] for number, task in tasks.items() if task["targets"]}
    assert targets.keys() == {20, 21, 28}
    assert [one["value"] for one in tasks[20]["targets"]] == ["41", "2"]
    assert {one["name"] for one in tasks[18]["platforms"]} >= {"一网通办", "随申办"}
