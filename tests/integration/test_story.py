"""A year on the real plan, told under the demo's clock and asked for afterwards through both doors, on both clocks."""

from typing import Any

import pytest

from tests.conftest import PLAN, TASK, Site
from tests.doors import both

HEALTH = "shi-wei-sheng-jian-kang-wei"
BANKING = "shang-hai-yin-bao-jian-ju"
FINANCE = "guo-jia-jin-rong-jian-du-guan-li-zong-ju-shang-hai-jian-guan-ju"
NET = "shi-wang-xin-ban"
WRONG, RIGHT = "市委网信办", "市委网络安全和信息化委员会办公室"


class Told:
    """The positions at which the story was recorded."""

    report: int
    correction: int
    succession: int
    rename: int
    replacement: int
    void: int


async def record(site: Site, instant: str, *commands: dict[str, Any]) -> int:
    """Record at an instant; the position of the last fact."""
    await site.clock(instant)
    receipt = await site.record(*commands)
    return receipt["position"]


async def tell(site: Site) -> Told:
    told = Told()
    report = {
        "type": "progress.report",
        "task": TASK,
        "unit": HEALTH,
        "period": "2023-Q2",
        "narrative": "已覆盖全部公立医院",
    }
    told.report = await record(site, "2023-08-10T10:00:00+08:00", report | {"status": "completed"})
    told.correction = await record(
        site,
        "2023-09-05T10:00:00+08:00",
        report | {"status": "in_progress", "replaces": told.report, "reason": "两家医院尚未接入"},
    )
    told.succession = await record(
        site,
        "2023-10-12T10:00:00+08:00",
        {
            "type": "unit.register",
            "unit": FINANCE,
            "name": "国家金融监督管理总局上海监管局",
            "reason": "机构改革",
            "effectiveOn": "2023-07-20",
        },
        {
            "type": "unit.succeed",
            "unit": BANKING,
            "successors": [FINANCE],
            "reason": "机构改革",
            "effectiveOn": "2023-07-20",
        },
    )
    rename = {"type": "unit.rename", "unit": NET, "name": WRONG, "reason": "更名", "effectiveOn": "2023-05-01"}
    told.rename = await record(site, "2023-11-01T10:00:00+08:00", rename)
    told.replacement = await record(
        site,
        "2023-11-10T10:00:00+08:00",
        rename | {"name": RIGHT, "effectiveOn": "2023-06-01", "replaces": told.rename, "reason": "日期有误"},
    )
    told.void = await record(
        site, "2023-11-20T10:00:00+08:00", {"type": "fact.void", "target": told.replacement, "reason": "并未更名"}
    )
    await site.clock("2023-12-31T18:00:00+08:00")
    return told


@pytest.fixture
async def told(site: Site) -> Told:
    return await tell(site)


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("as_of", "on", "status", "count"),
    [
        ("2023-08-09", "2023-06-30", "not_reported", 0),  # before the report was filed nobody knew
        ("2023-08-10", "2023-06-29", "not_reported", 0),  # it speaks of the quarter's last day, not of the day before
        ("2023-08-10", "2023-06-30", "in_progress", 1),  # one of three has spoken: not completed
        ("2023-08-10", None, "in_progress", 1),
        ("2023-09-04", "2023-06-30", "in_progress", 1),
        ("2023-09-05", "2023-06-30", "in_progress", 1),
        ("2023-09-05", "2023-03-28", "not_reported", 0),
        (None, None, "in_progress", 1),
        (None, "2023-06-29", "not_reported", 0),
    ],
)
async def test_the_report_is_there_from_its_filing_and_holds_from_the_quarters_end(
    site: Site, as_of: str | None, on: str | None, status: str, count: int
) -> None:
    task = await both(site, "task", TASK, as_of, on)
    answered = task["answered"]
    assert (task["reportedStatus"], answered["count"], answered["of"]) == (status, count, 3)
    assert len(answered["silent"]) == 3 - count
    assert task["version"] == 5, "a report never changes its task's version"


async def test_the_correction_changes_what_is_known_not_when_it_holds(site: Site, told: Told) -> None:
    before = await both(site, "task", TASK, told.report, "2023-06-30")
    after = await both(site, "task", TASK, told.correction, "2023-06-30")
    assert [(one["status"], one["event"]) for one in before["latestReports"]] == [("completed", told.report)]
    assert [(one["status"], one["event"]) for one in after["latestReports"]] == [("in_progress", told.correction)]
    fact = await site.get(f"/v1/events/{told.correction}")
    assert (fact["effectiveOn"], fact["replaces"]) == ("2023-06-30", told.report)


@pytest.mark.usefixtures("told")
async def test_the_task_before_the_plan_and_the_record_before_its_beginning_are_not_there(site: Site) -> None:
    assert await both(site, "task", TASK, None, "2023-03-27") == "not_at_this_moment"
    assert await both(site, "task", TASK, None, "2023-03-28") != "not_at_this_moment"
    assert await both(site, "task", TASK, "2023-04-02", None) == "before_the_record"
    assert await both(site, "task", TASK, "2024-01-01", None) == "bad_moment"
    there = await site.problem(404, f"{PLAN}/tasks/21", effectiveOn="2023-03-27")
    assert "from 2023-03-28" in there["detail"]
    begins = await site.problem(404, f"{PLAN}/tasks/21", asOf="2023-04-02")
    assert "begins at 2023-04-03T01:00:00.000000Z" in begins["detail"]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("as_of", "on", "acting"),
    [
        ("2023-10-11", "2023-12-01", []),  # recorded later: in October nobody could read it
        ("2023-10-12", "2023-07-19", []),
        ("2023-10-12", "2023-07-20", [FINANCE]),
        (None, "2023-07-19", []),
        (None, None, [FINANCE]),
    ],
)
async def test_the_successor_acts_from_its_day_once_that_is_recorded(
    site: Site, as_of: str | None, on: str | None, acting: list[str]
) -> None:
    task = await both(site, "task", "shanghai-credit-2023/32", as_of, on)
    (assignment,) = [one for one in task["assignments"] if one["assignee"]["id"] == BANKING]
    assert [unit["id"] for unit in assignment["actingUnits"]] == acting
    assert assignment["literal"] == "上海银保监局"
    if acting:
        successor = await both(site, "unit", FINANCE, as_of, on)
        assert [(part["task"], part["via"][0]["kind"]) for part in successor["tasks"]] == [
            ("shanghai-credit-2023/32", "succession")
        ]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("as_of", "on", "name"),
    [
        ("2023-10-31", "2023-12-01", "市网信办"),  # before the rename was recorded
        ("2023-11-01", "2023-04-30", "市网信办"),
        ("2023-11-01", "2023-05-01", WRONG),
        ("2023-11-09", "2023-05-15", WRONG),
        ("2023-11-10", "2023-05-15", "市网信办"),  # replaced: the wrong date is gone
        ("2023-11-10", "2023-06-01", RIGHT),
        ("2023-11-19", None, RIGHT),
        ("2023-11-20", "2023-06-01", "市网信办"),  # voided: the replaced rename does not come back
        ("2023-11-20", "2023-05-15", "市网信办"),
        (None, "2020-01-01", "市网信办"),  # units are timeless
        (None, None, "市网信办"),
    ],
)
async def test_a_wrong_rename_is_replaced_and_the_replacement_voided(
    site: Site, as_of: str | None, on: str | None, name: str
) -> None:
    assert (await both(site, "unit", NET, as_of, on))["name"] == name
    if on is None or on >= "2023-03-28":
        task = await both(site, "task", "shanghai-credit-2023/67", as_of, on)
        names = {one["assignee"]["id"]: one["assignee"]["name"] for one in task["assignments"]}
        assert names[NET] == name, "names are joined at the same moment"


async def test_history_explains_which_fact_made_each_version(site: Site, told: Told) -> None:
    versions = (await site.get("/v1/units/shi-wang-xin-ban/history"))["items"]
    said = [
        (one["fact"]["position"], one["fact"]["type"], one["effective"]["from"], one["state"]["name"])
        for one in versions
        if one["known"]["from"] >= told.rename
    ]
    assert said == [
        (told.rename, "unit.renamed.v1", None, "市网信办"),
        (told.rename, "unit.renamed.v1", "2023-05-01", WRONG),
        (told.replacement, "unit.renamed.v1", None, "市网信办"),
        (told.replacement, "unit.renamed.v1", "2023-06-01", RIGHT),
        (told.void, "fact.voided.v1", None, "市网信办"),
    ]
    void = versions[-1]
    assert void["known"]["to"] is None
    assert void["fact"]["cause"]["reason"] == "并未更名"
    wrong = versions[2]
    assert wrong["changes"] == [{"field": "name", "before": "市网信办", "after": WRONG}]


async def test_a_tasks_history_tells_of_its_reports(site: Site, told: Told) -> None:
    versions = (await site.get(f"{PLAN}/tasks/21/history"))["items"]
    reports = [one for one in versions if one["stream"] == f"report:{TASK}/{HEALTH}"]
    assert [one["fact"]["position"] for one in reports] == [told.report, told.correction]
    assert [one["effective"]["from"] for one in reports] == ["2023-06-30", "2023-06-30"]
    assert [one["known"]["to"] for one in reports] == [told.correction, None]
    assert reports[1]["fact"]["disclosures"][0]["value"] == "已覆盖全部公立医院"
    assert reports[1]["standing"] == [told.correction]


async def test_history_itself_can_be_asked_for_as_of_a_position(site: Site, told: Told) -> None:
    versions = (await site.get("/v1/units/shi-wang-xin-ban/history", position=told.rename))["items"]
    assert max(one["fact"]["position"] for one in versions) == told.rename
    assert all(one["known"]["to"] is None or one["known"]["to"] <= told.rename for one in versions)


async def test_history_writes_instants_as_events_do(site: Site, told: Told) -> None:
    versions = (await site.get("/v1/units/shi-wang-xin-ban/history"))["items"]
    for one in versions:
        assert one["known"]["fromRecordedAt"] == one["fact"]["recordedAt"]
    (rename,) = [one for one in versions if one["known"]["from"] == told.rename and one["changes"]]
    assert rename["known"]["fromRecordedAt"] == "2023-11-01T02:00:00.000000Z"
    assert rename["known"]["toRecordedAt"] == "2023-11-10T02:00:00.000000Z"
