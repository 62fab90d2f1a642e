"""Reports over REST: filtered as their words say, their text beside its digest for as long as it is there."""

from typing import Any

import pytest

from tests.conftest import PLAN, TASK, Site

HEALTH = "shi-wei-sheng-jian-kang-wei"
FILTERS: dict[str, list[str]] = {
    "task": ["21", "25", "2"],
    "unit": [HEALTH, "pu-dong-xin-qu-ren-min-zheng-fu"],
    "period": ["2023-Q2", "2023-Q4", "2023"],
    "status": ["completed", "delayed", "blocked"],
    "membership": ["listed", "unlisted"],
    "district": ["310115", "310151"],
    "evidenceStatus": ["none", "linked", "digested"],
}


async def all_reports(site: Site, **query: str) -> list[Any]:
    page = await site.get(f"{PLAN}/reports", limit=200, **query)
    items = page["items"]
    while page["next"]:
        page = await site.get(page["next"])
        items += page["items"]
    return items


@pytest.mark.parametrize(
    "moment", [{}, {"asOf": "2023-08-20"}, {"position": "600", "effectiveOn": "2023-07-01"}], ids=str
)
async def test_each_filter_keeps_what_its_words_say(told: Site, moment: dict[str, str]) -> None:
    whole = await all_reports(told, **moment)
    units = {unit["id"]: unit for unit in (await told.get("/v1/units", limit=200, **moment))["items"]}

    def said(report: Any, name: str) -> str:
        match name:
            case "task":
                return report["task"].rpartition("/")[2]
            case "unit":
                return report["unit"]["id"]
            case "district":
                return str(units[report["unit"]["id"]]["district"])
            case _:
                return report[name]

    assert len(whole) > 50
    for name, values in FILTERS.items():
        for value in values:
            expected = [report for report in whole if said(report, name) == value]
            assert await all_reports(told, **{name: value}, **moment) == expected, (name, value)
    both = [one for one in whole if one["task"] == f"{TASK}" and one["status"] == "completed"]
    assert await all_reports(told, task="21", status="completed", **moment) == both


async def test_a_tasks_reports_are_those_of_its_plan(told: Site) -> None:
    of_plan = [report for report in await all_reports(told) if report["task"] == TASK]
    of_task = await told.get(f"{PLAN}/tasks/21/reports", limit=200)
    assert of_task["items"] == of_plan != []
    one = await told.get(f"{PLAN}/tasks/21")
    latest = {ref["event"] for ref in one["latestReports"]}
    assert latest <= {report["event"] for report in of_plan}


async def test_reports_come_by_the_tasks_key_the_unit_and_the_period(told: Site) -> None:
    whole = await all_reports(told)
    places = [(int(one["task"].rpartition("/")[2]), one["unit"]["id"], one["period"]) for one in whole]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


async def test_a_report_says_what_its_event_says(told: Site) -> None:
    for report in (await all_reports(told))[:20]:
        event = await told.get(f"/v1/events/{report['event']}")
        assert report["effectiveOn"] == event["effectiveOn"]
        assert report["recordedAt"] == event["recordedAt"]
        assert report["status"] == event["data"]["status"]
        assert report["narrative"]["digest"] == event["data"]["narrative"]["_sd"]
        assert report["narrative"]["text"] in {one["value"] for one in event["disclosures"]}


async def test_a_text_that_is_gone_leaves_its_digest_and_nobody_keeps_what_was_there(site: Site) -> None:
    report = {"type": "progress.report", "task": TASK, "unit": HEALTH, "period": "2023-Q1", "status": "completed"}
    evidence = [{"url": "https://example.org/1", "title": "张三的报告"}]
    await site.record(report | {"narrative": "张三说", "evidence": evidence, "reason": "试"})
    pinned = f"{PLAN}/tasks/21/reports?position={site.running.reader.head.size}&effectiveOn=2023-04-03"
    before = await site.http.get(pinned)
    assert before.headers["Cache-Control"] == "no-cache"
    (said,) = before.json()["items"]
    assert (said["narrative"]["text"], said["evidence"][0]["title"]["text"]) == ("张三说", "张三的报告")
    async with site.running.pool.acquire() as connection, connection.transaction():  # as an erasure does it
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM disclosures")
        await connection.execute("UPDATE log_head SET erasure_epoch = erasure_epoch + 1")
    await site.running.reader.head.refresh()
    (gone,) = (await site.get(pinned))["items"]
    assert gone["narrative"] == {"digest": said["narrative"]["digest"], "text": None}
    assert gone["evidence"][0]["title"] == {"digest": said["evidence"][0]["title"]["digest"], "text": None}
    for form in (".csv", ".ndjson"):
        assert "张三" not in (await site.http.get(pinned.replace("reports?", f"reports{form}?"))).text


async def test_a_text_that_was_put_in_the_place_of_another_is_withheld(site: Site) -> None:
    narrative = {"narrative": "原话", "evidence": [{"url": "https://example.org/1", "title": "原题"}]}
    report = {"type": "progress.report", "task": TASK, "unit": HEALTH, "period": "2023-Q1", "status": "delayed"}
    position = (await site.record(report | narrative | {"reason": "试"}))["position"]
    async with site.running.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE disclosures SET value = '假话' WHERE value = '原话'")
        await connection.execute(
            "UPDATE log_head SET erasure_epoch = erasure_epoch + 1"
        )  # so that nothing is remembered
    await site.running.reader.head.refresh()
    (shown,) = (await site.get(f"{PLAN}/tasks/21/reports"))["items"]
    assert (shown["narrative"]["text"], shown["evidence"][0]["title"]["text"]) == (None, "原题")
    report_ = f'report(id: "{shown["id"]}") {{ narrative {{ text }} recordedAs {{ disclosures {{ value }} }} }}'
    query = f"{{ event(position: {position}) {{ disclosures {{ value }} }} {report_} }}"
    data = (await site.http.post("/graphql", json={"query": query})).json()["data"]
    assert {one["value"] for one in data["event"]["disclosures"]} == {None, "原题"}
    assert data["report"]["narrative"] == {"text": None}
    assert "假话" not in str(data)
    tasks = ["/plans/shanghai-credit-2023/tasks/21", f"{PLAN}/tasks/21/history", f"{PLAN}/reports.csv"]
    pages = ["/v1/events", f"/v1/events/{position}", "/changes", *tasks]
    for address in pages:
        assert "假话" not in (await site.http.get(address)).text


async def test_a_report_is_corrected_in_its_place(site: Site) -> None:
    report = {"type": "progress.report", "task": TASK, "unit": HEALTH, "period": "2023-Q1", "narrative": "一"}
    first = await site.record(report | {"status": "completed", "reason": "试"})
    position = first["position"]
    await site.record(report | {"status": "delayed", "narrative": "二", "replaces": position, "reason": "改"})
    (then,) = (await site.get(f"{PLAN}/reports", position=position))["items"]
    (now,) = (await site.get(f"{PLAN}/reports"))["items"]
    assert (then["status"], then["narrative"]["text"], then["event"]) == ("completed", "一", position)
    assert (now["status"], now["narrative"]["text"], now["event"]) == ("delayed", "二", position + 1)
    assert then["id"] == now["id"] == f"{TASK}/{HEALTH}/2023-Q1"


async def test_the_reports_of_what_is_not_there_are_a_404_that_says_from_when_it_is(shared: Site) -> None:
    assert (await shared.problem(404, f"{PLAN}/tasks/999/reports"))["code"] == "unknown_id"
    assert (await shared.problem(404, "/v1/plans/x/reports"))["code"] == "unknown_id"
    early = await shared.problem(404, f"{PLAN}/tasks/21/reports", position=1)
    assert early["code"] == "not_at_this_moment"
    assert "position 189" in early["detail"]
