"""A plan in StratML: nothing of the plan is lost, nothing is invented, and it stands at the moment asked for."""

import re
from collections import Counter
from typing import Any

import pytest

from api.services.phrases import Lang, catalogue
from tests.conftest import PLAN, TASK, Site
from tests.feeds import fetched
from tests.stratml import ADDRESS, STRATML, assignments_of, each, plan_in, text

MOMENTS = ["", "?asOf=2023-06-30", "?position=700&effectiveOn=2023-05-31"]


async def wire(site: Site, query: str, what: str = "tasks") -> list[Any]:
    """The same from REST, whole."""
    return (await site.get(f"{PLAN}/{what}.json{query}"))["items"]


async def test_the_imported_plan_has_five_goals_sixty_seven_objectives_and_each_assignment_once(shared: Site) -> None:
    plan = await plan_in(shared)
    assert (len(each(plan, "Goal")), len(each(plan, "Objective"))) == (5, 67)
    assert len(set(assignments_of(plan))) == len(each(plan, "Stakeholder")) == 154
    assert plan.attrib["Type"] == "Performance_Plan"
    assert each(plan, "ActualResult") == []


@pytest.mark.parametrize("query", MOMENTS)
async def test_tasks_and_assignments_are_those_of_rest_at_the_same_moment(told: Site, query: str) -> None:
    plan, tasks = await plan_in(told, query), await wire(told, query)
    objectives = {text(one, "Identifier"): one for one in each(plan, "Objective")}
    assert len(objectives) == len(each(plan, "Objective")) == len(tasks)
    for task in tasks:
        objective = objectives[f"t-{task['id'].rpartition('/')[2]}"]
        assert text(objective, "Description") == task["text"]
        assert text(objective, "SequenceIndicator") == str(task["number"])
        assert ("已撤销" in text(objective, "Name")) == task["withdrawn"]
        said = [
            (text(one, "Name"), text(one, "Description").split("\n")[0])
            for one in objective.findall(f"{STRATML}Stakeholder")
        ]
        assert said == [(one["assignee"]["name"], f"原文用语：{one['literal']}") for one in task["assignments"]]
    told_of = Counter(assignments_of(plan))
    roles = catalogue()
    assert told_of == Counter(
        (task["id"].rpartition("/")[2], one["assignee"]["id"], roles[f"role.{one['role']}"][Lang.ZH])
        for task in tasks
        for one in task["assignments"]
    )


@pytest.mark.parametrize("query", MOMENTS)
async def test_what_was_promised_and_reported_in_figures_stands_with_its_periods(told: Site, query: str) -> None:
    plan, targets = await plan_in(told, query), await wire(told, query, "targets")
    figures = [
        one for one in each(plan, "PerformanceIndicator") if one.get("PerformanceIndicatorType") == "Quantitative"
    ]
    found = {
        text(one, "Identifier"): (
            text(one, "MeasurementDimension"),
            text(one, "UnitOfMeasurement"),
            text(one, "MeasurementInstance", "TargetResult", "NumberOfUnits"),
            [text(actual, "NumberOfUnits") for actual in each(one, "ActualResult")],
        )
        for one in figures
    }
    assert found == {
        f"t-{one['task'].rpartition('/')[2]}-{one['target']}": (
            one["literal"],
            one["unit"],
            one["value"],
            [each_["value"] for each_ in one["reported"]],
        )
        for one in targets
    }


async def test_the_reports_that_count_are_results_of_their_periods_without_their_text(told: Site) -> None:
    plan = await plan_in(told)
    assert plan.attrib["Type"] == "Performance_Report"
    progress = {
        text(one, "Identifier"): one
        for one in each(plan, "PerformanceIndicator")
        if one.get("PerformanceIndicatorType") == "Qualitative"
    }
    statuses = catalogue()
    for task in await wire(told, ""):
        refs = task["latestReports"]
        indicator = progress.pop(f"t-{task['id'].rpartition('/')[2]}-progress", None)
        assert (indicator is not None) == bool(refs or task["due"])
        if indicator is None:
            continue
        assert text(indicator, "MeasurementInstance", "TargetResult", "EndDate") == (task["due"] or "")
        results = each(indicator, "ActualResult")
        assert [text(one, "Descriptor", "DescriptorName") for one in results] == [one["unit"]["name"] for one in refs]
        assert [text(one, "Descriptor", "DescriptorValue") for one in results] == [
            statuses[f"status.{one['status']}"][Lang.ZH] for one in refs
        ]
        assert all(text(one, "StartDate") <= text(one, "EndDate") for one in results)
    assert not progress
    written = (await fetched(told, ADDRESS)).text
    narratives = {one["narrative"]["text"] for one in await wire(told, "", "reports") if one["narrative"]}
    assert len(narratives) == 3
    assert [one for one in narratives if one in written] == []


async def test_the_plan_says_of_itself_what_is_known_and_no_more(shared: Site) -> None:
    plan, wired = await plan_in(shared), await shared.get(PLAN)
    assert text(plan, "Name") == wired["title"]
    assert text(plan, "Description") == wired["preamble"]
    assert text(plan, "StrategicPlanCore", "Organization", "Name") == wired["issuer"]
    (known,) = each(plan, "AdministrativeInformation")
    assert text(known, "Identifier") == "plan-shanghai-credit-2023"
    assert text(known, "PublicationDate") == wired["issuedOn"]
    assert [one.tag for one in known if "Date" in one.tag] == [f"{STRATML}PublicationDate"]
    assert text(plan, "Submitter", "Identifier") == "office-shanghai-credit-office"
    about, meta = text(plan, "OtherInformation"), wired["meta"]
    assert catalogue()["demo.notice"][Lang.ZH] in about
    for said in (wired["document"], wired["documentNumber"], meta["root"], f"{meta['log']}:{meta['position']}"):
        assert said in about
    goals = each(plan, "Goal")
    assert [text(one, "Name") for one in goals] == [one["title"] for one in wired["parts"]]
    for goal in goals:
        measures = [one for one in wired["measures"] if str(one["part"]) == text(goal, "SequenceIndicator")]
        for one in measures:
            assert one["title"] in text(goal, "Description")
            assert one["text"] in text(goal, "OtherInformation")


async def test_its_source_is_this_very_document_for_ever(told: Site) -> None:
    answer = await fetched(told, f"{ADDRESS}?asOf=2023-06-30")
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    source = text(await plan_in(told, "?asOf=2023-06-30"), "AdministrativeInformation", "Source")
    assert source.startswith(f"{str(told.http.base_url).rstrip('/')}{ADDRESS}?position=")
    assert (await fetched(told, source)).content == answer.content


async def test_it_is_asked_for_again_and_kept_as_every_read_is(real: Site) -> None:
    head = await fetched(real, ADDRESS)
    assert head.headers["Cache-Control"] == "no-cache"
    again = await real.http.get(ADDRESS, headers={"If-None-Match": head.headers["ETag"]})
    assert again.status_code == 304
    pinned = await fetched(real, f"{ADDRESS}?position=300&effectiveOn=2023-06-30")
    assert pinned.headers["Cache-Control"] == "public, max-age=3600"
    assert pinned.headers["ETag"] != head.headers["ETag"]


async def test_the_plan_links_it_at_its_own_moment(told: Site) -> None:
    plan = await told.http.get(f"{PLAN}?asOf=2023-06-30")
    link = re.search(r'<([^>]*)>; rel="alternate"; type="application/xml"', plan.headers["Link"])
    assert link
    assert (await fetched(told, link[1])).content == (await fetched(told, f"{ADDRESS}?asOf=2023-06-30")).content
    assert "alternate" not in (await told.http.get(f"{PLAN}/tasks/21")).headers["Link"]


async def test_a_withdrawn_task_stays_and_says_so(site: Site) -> None:
    await site.record({"type": "task.withdraw", "task": TASK, "reason": "试"})
    plan = await plan_in(site)
    (objective,) = [one for one in each(plan, "Objective") if text(one, "Identifier") == "t-21"]
    assert text(objective, "Name") == "任务 21（已撤销）"
    assert "已撤销" in text(objective, "OtherInformation").split("\n")
    assert len(each(plan, "Objective")) == 67


@pytest.mark.usefixtures("words_of_old")
async def test_what_xml_cannot_hold_stands_by_its_code(site: Site) -> None:
    await site.record({"type": "task.reword", "task": TASK, "text": "a\u0001]]>&<b>\u202e\ufffe", "reason": "试"})
    (objective,) = [one for one in each(await plan_in(site), "Objective") if text(one, "Identifier") == "t-21"]
    assert text(objective, "Description") == "a⟨U+0001⟩]]>&<b>⟨U+202E⟩⟨U+FFFE⟩"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/plans.stratml",
        "/v1/units.stratml",
        "/v1/units/shi-ke-wei.stratml",
        f"{PLAN}/tasks.stratml",
        f"{PLAN}/tasks/21.stratml",
        f"{PLAN}/parts/3.stratml",
        f"{PLAN}/.stratml",
        f"{PLAN}/stratml",
        f"{PLAN}.stratml.stratml",
        f"{PLAN}.xml",
        "/v1/plans/none.stratml",
        "/feeds/plans/shanghai-credit-2023.stratml",
    ],
)
async def test_nothing_else_has_that_suffix(shared: Site, path: str) -> None:
    await shared.problem(404, path)


async def test_it_answers_as_every_read_where_a_moment_is_wrong(told: Site) -> None:
    assert (await told.problem(400, f"{ADDRESS}?asOf=30"))["code"] == "bad_moment"
    assert (await told.problem(404, f"{ADDRESS}?asOf=2022-12-31"))["code"] == "before_the_record"
    assert (await told.problem(404, f"{ADDRESS}?effectiveOn=2023-03-01"))["code"] == "not_at_this_moment"
    assert (await told.problem(400, f"{ADDRESS}?none=1"))["code"] == "unknown_parameter"
    assert (await told.problem(400, f"/v1/evidence?of={ADDRESS}"))["code"] == "bad_parameter"
