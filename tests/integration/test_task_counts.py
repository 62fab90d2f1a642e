"""Counts of tasks are what the list of tasks finds with the same filters, wherever they stand; and who is silent."""

from typing import Any

import pytest

from domain.values import last_quarter
from projections.views.counts import EvidenceCounts, ReportedCounts, ScheduleCounts
from projections.views.reports import EvidenceStatus
from projections.views.tasks import ReportedStatus, ScheduleStatus
from tests.conftest import PLAN, Site
from tests.unit.world import day

DISTRICT, LEAD = "310105", "shi-ke-wei"
TASK_ID = "shanghai-credit-2023/12"
WHERE: dict[str, dict[str, Any]] = {
    PLAN: {},
    f"{PLAN}/parts/3": {"part": 3},
    f"{PLAN}/measures/6": {"measure": 6},
    f"/v1/districts/{DISTRICT}": {"district": DISTRICT},
    "/v1/units/shi-fa-zhan-gai-ge-wei": {"unit": "shi-fa-zhan-gai-ge-wei"},
    "/v1/units/ge-qu-ren-min-zheng-fu": {"unit": "ge-qu-ren-min-zheng-fu"},
    "/v1/units/guo-jia-jin-rong-jian-du-guan-li-zong-ju-shang-hai-jian-guan-ju": {
        "unit": "guo-jia-jin-rong-jian-du-guan-li-zong-ju-shang-hai-jian-guan-ju"
    },
}
MOMENTS = [{}, {"position": "500", "effectiveOn": "2023-08-01"}, {"asOf": "2023-10-31"}, {"effectiveOn": "2024-02-01"}]


async def found(site: Site, given: dict[str, Any]) -> list[str]:
    return [one["id"] for one in (await site.get(f"{PLAN}/tasks.json", **given))["items"]]


def test_every_status_is_counted() -> None:
    assert ReportedCounts.__struct_fields__ == tuple(ReportedStatus)
    assert ScheduleCounts.__struct_fields__ == tuple(ScheduleStatus)
    assert EvidenceCounts.__struct_fields__ == tuple(EvidenceStatus)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
@pytest.mark.parametrize("path", WHERE)
async def test_each_count_is_a_filter_of_the_list_of_tasks(told: Site, path: str, moment: dict[str, str]) -> None:
    where = WHERE[path]
    counts = (await told.get(path, **moment))["taskCounts"]
    assert counts["withdrawn"] == len(await found(told, {**where, **moment, "withdrawn": "true"}))
    there = await found(told, {**where, **moment, "withdrawn": "false"})
    for name in ("reportedStatus", "scheduleStatus", "evidenceStatus"):
        assert sum(counts[name].values()) == len(there)
        for status, number in counts[name].items():
            given = {**where, **moment, name: status, "withdrawn": "false"}
            assert number == len(await found(told, given)), (name, status)
    silent = counts["silentIn"]
    assert silent["tasks"] == len(await found(told, {**where, **moment, "silentIn": silent["period"]}))
    for unit in silent["units"]:
        own = await found(told, {**where, "unit": unit["id"], **moment, "silentIn": silent["period"]})
        assert len(own) == unit["tasks"] or where.get("unit")


async def test_the_rows_of_a_page_have_the_counts_of_each(told: Site) -> None:
    for list_ in ("/v1/plans", f"{PLAN}/parts", f"{PLAN}/measures", "/v1/units", "/v1/districts"):
        for one in (await told.get(list_, limit=3))["items"]:
            key = next(one[name] for name in ("code", "id", "number") if name in one)
            assert (await told.get(f"{list_}/{key}"))["taskCounts"] == one["taskCounts"]


async def test_graphql_counts_the_same_wherever_such_a_view_appears(told: Site) -> None:
    counted = "reportedStatus { completed in_progress } silentIn { period tasks units { id: canonicalId name tasks } }"
    answer = await told.ask(
        f"""{{
        plan(id: "shanghai-credit-2023") {{ taskCounts {{ {counted} }} parts {{ number taskCounts {{ {counted} }} }} }}
        units(first: 5) {{ nodes {{ id: canonicalId taskCounts {{ {counted} }} }} }}
        district(code: "{DISTRICT}") {{ code taskCounts {{ {counted} }} }} }}"""
    )
    paths = {
        PLAN: answer["plan"],
        **{f"{PLAN}/parts/{one['number']}": one for one in answer["plan"]["parts"]},
        **{f"/v1/units/{one['id']}": one for one in answer["units"]["nodes"]},
        f"/v1/districts/{DISTRICT}": answer["district"],
    }
    for path, one in paths.items():
        rest = (await told.get(path))["taskCounts"]
        graph = one["taskCounts"]
        assert graph["silentIn"] == rest["silentIn"], path
        assert graph["reportedStatus"].items() <= rest["reportedStatus"].items(), path


async def test_who_took_no_part_in_a_quarter_is_not_silent_in_it(site: Site) -> None:
    """Who should have reported is asked of the period's last day, whether it has is asked of the day that is shown."""
    await site.clock("2023-10-12T09:00:00+08:00")
    edit = {"task": TASK_ID, "reason": "调整"}
    new = {"type": "task.assign_unit", "unit": "shi-shui-wu-ju", "role": "lead", **edit, "effectiveOn": "2023-10-09"}
    await site.record(new)
    assert await silent(site, TASK_ID) == [LEAD]
    assert (await site.get(f"{PLAN}/tasks/12"))["answered"]["of"] == 2
    before = await site.get(PLAN, effectiveOn="2023-03-31")  # the plan is of 28 March
    assert before["taskCounts"]["silentIn"] == {"period": "2022-Q4", "tasks": 0, "units": []}
    late = {"type": "progress.report", "task": TASK_ID, "unit": LEAD, "period": "2023-08", "narrative": "进展"}
    await site.record(late | {"status": "in_progress"})
    assert await silent(site, TASK_ID) == []
    assert TASK_ID in await found(site, {"silentIn": "2023-Q2", "unit": LEAD})
    assert TASK_ID not in await found(site, {"silentIn": "2023-Q3", "unit": LEAD})
    assert TASK_ID in await found(site, {"silentIn": "2023-Q4", "unit": "shi-shui-wu-ju"})
    assert await found(site, {"silentIn": "2024"}) == []


async def silent(site: Site, task: str) -> list[str]:
    key = task.rpartition("/")[2]
    measure = (await site.get(f"{PLAN}/tasks/{key}"))["measure"]
    units = (await site.get(f"{PLAN}/measures/{measure}"))["taskCounts"]["silentIn"]["units"]
    return [
        one["id"]
        for one in units
        if task in await found(site, {"silentIn": "2023-Q3", "unit": one["id"], "number": key})
    ]


async def test_a_withdrawn_task_is_counted_as_such_and_nowhere_else(site: Site) -> None:
    before = (await site.get(PLAN))["taskCounts"]
    await site.record({"type": "task.withdraw", "task": TASK_ID, "reason": "撤销"})
    counts = (await site.get(PLAN))["taskCounts"]
    assert (before["withdrawn"], counts["withdrawn"]) == (0, 1)
    assert sum(counts["reportedStatus"].values()) == sum(before["reportedStatus"].values()) - 1
    assert TASK_ID not in await found(site, {"silentIn": "2023-Q1"})


async def test_a_filter_by_no_period_is_refused_in_words(told: Site) -> None:
    for period in ("2023-Q5", "1800", "spring"):
        problem = await told.problem(400, f"{PLAN}/tasks", silentIn=period)
        assert "silentIn" in problem["detail"]


@pytest.mark.parametrize(
    ("on", "quarter", "first", "last"),
    [
        ("2023-09-30", "2023-Q2", "2023-04-01", "2023-06-30"),
        ("2023-10-01", "2023-Q3", "2023-07-01", "2023-09-30"),
        ("2024-01-01", "2023-Q4", "2023-10-01", "2023-12-31"),
        ("1900-01-01", "1899-Q4", "1899-10-01", "1899-12-31"),
    ],
)
def test_the_last_quarter_that_is_over(on: str, quarter: str, first: str, last: str) -> None:
    assert last_quarter(day(on)) == (quarter, (day(first), day(last)))


async def test_of_a_period_that_goes_on_the_day_that_is_shown_counts(told: Site) -> None:
    assert await found(told, {"silentIn": "2023-Q3", "effectiveOn": "2023-06-30"}) == []
    early, late = [await found(told, {"silentIn": "2023-Q3", "effectiveOn": f"2023-{on}"}) for on in ("07-01", "12-31")]
    assert set(late) < set(early)
    counts = (await told.get(PLAN, effectiveOn="2023-10-01"))["taskCounts"]["silentIn"]
    assert counts["tasks"] == len(await found(told, {"silentIn": "2023-Q3", "effectiveOn": "2023-10-01"}))


async def test_a_summary_has_the_counts_of_each_day_as_one_record_showed_them(told: Site) -> None:
    days = ["2023-06-30", "2023-12-31", "2023-09-30", "2022-01-01"]
    for moment in ({}, {"asOf": "2023-10-31"}, {"position": "500"}):
        summary = await told.get(f"{PLAN}/summary", effectiveOn=",".join(days), **moment)
        assert [one["effectiveOn"] for one in summary["days"]] == days
        for one in summary["days"][:3]:
            alone = await told.get(PLAN, effectiveOn=one["effectiveOn"], **moment)
            assert one["taskCounts"] == alone["taskCounts"]
        assert summary["days"][3]["taskCounts"] is None
        assert await told.get(summary["meta"]["self"]) == summary
    alone = await told.get(f"{PLAN}/summary")
    assert [one["taskCounts"] for one in alone["days"]] == [(await told.get(PLAN))["taskCounts"]]


async def test_other_days_are_another_answer(told: Site) -> None:
    one = await told.http.get(f"{PLAN}/summary", params={"effectiveOn": "2023-06-30,2023-12-31"})
    other = await told.http.get(f"{PLAN}/summary", params={"effectiveOn": "2023-07-31,2023-12-31"})
    assert one.headers["ETag"] != other.headers["ETag"]
    again = await told.http.get(str(one.url), headers={"If-None-Match": one.headers["ETag"]})
    assert again.status_code == 304


async def test_a_summary_refuses_what_it_cannot_tell(told: Site) -> None:
    many = ",".join(f"2023-{month:02}-{day_:02}" for month in range(1, 13) for day_ in (1, 15, 20))
    assert "24" in (await told.problem(400, f"{PLAN}/summary", effectiveOn=many))["detail"]
    await told.problem(400, f"{PLAN}/summary", effectiveOn="2023-06-31")
    await told.problem(400, f"{PLAN}/summary", effectiveOn="2023-06-30,")
    await told.problem(400, f"{PLAN}/summary", limit="3")
    early = await told.problem(404, f"{PLAN}/summary", effectiveOn="2020-01-01,2021-01-01")
    assert early["code"] == "not_at_this_moment"
    await told.problem(404, "/v1/plans/nothing/summary")
