"""The log over REST as an agency follows it: filtered, in any form, and nothing is left out while it grows."""

import asyncio
import csv
import io
import json
from typing import Any

import pytest

from domain.commands import FACTS
from tests.conftest import PLAN, Site
from tests.integration.test_story import HEALTH

PLAN_ID = PLAN.rpartition("/")[2]


async def followed(site: Site, path: str = "/v1/events", **query: Any) -> list[Any]:
    """All events, page after page, as their links lead."""
    page = await site.get(path, **{"limit": 200, **query})
    items = page["items"]
    while page["next"]:
        page = await site.get(page["next"])
        items += page["items"]
    return items


def names(event: Any) -> set[str]:
    """The units that an event names: by its stream, or by its data."""
    kind, _, key = event["stream"].partition(":")
    own = {key} if kind == "unit" else {key.rpartition("/")[2]} if kind == "report" else set[str]()
    if event["type"] == "task.target_set.v1":
        return own  # its unit is one of measurement
    named = {event["data"][field] for field in ("unit", "member", "successor") if field in event["data"]}
    return own | named | {*event["data"].get("successors", ())}


async def test_events_of_a_type_a_stream_and_a_plan(told: Site) -> None:
    whole = await followed(told)
    assert [one["position"] for one in whole] == list(range(1, len(whole) + 1))
    for type_ in FACTS:
        assert await followed(told, type=type_) == [one for one in whole if one["type"] == type_]
    for stream in {one["stream"] for one in whole[::40]}:
        assert await followed(told, stream=stream) == [one for one in whole if one["stream"] == stream]
    within = (f"task:{PLAN_ID}/", f"report:{PLAN_ID}/")
    expected = [one for one in whole if one["stream"] == f"plan:{PLAN_ID}" or one["stream"].startswith(within)]
    assert await followed(told, plan=PLAN_ID) == expected
    assert (await told.problem(404, "/v1/events", plan="shanghai-credit"))["code"] == "unknown_id"  # part of one
    both = [one for one in expected if one["type"] == "task.reworded.v1"]
    assert await followed(told, plan=PLAN_ID, type="task.reworded.v1") == both != []


async def test_events_of_a_unit_are_its_own_and_those_that_name_it(told: Site) -> None:
    whole = await followed(told)
    for unit in {unit for one in whole for unit in names(one)}:
        assert await followed(told, unit=unit) == [one for one in whole if unit in names(one)], unit


async def test_events_of_a_district_are_its_own_and_its_units(told: Site) -> None:
    whole = await followed(told)
    home = {one["stream"].partition(":")[2]: one["data"]["district"] for one in whole if "district" in one["data"]}
    for code in {one for one in home.values() if one}:
        mine = {unit for unit, district in home.items() if district == code}
        expected = [one for one in whole if one["stream"] == f"district:{code}" or mine & names(one)]
        assert await followed(told, district=code) == expected, code


async def test_an_unknown_type_is_refused_since_nobody_would_ever_hear_of_it(shared: Site) -> None:
    problem = await shared.problem(400, "/v1/events", type="task.rewordet.v1")
    assert problem["errors"][0]["pointer"] == "type"
    assert "task.reworded.v1" in problem["detail"]


async def test_a_table_of_events_has_their_data_as_json(told: Site) -> None:
    items = (await told.get("/v1/events", after=352, limit=50))["items"]
    table = (await told.http.get("/v1/events.csv?after=352&limit=50")).content.decode()
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    columns = "v,position,stream,version,type,actor,recordedAt,effectiveOn,replaces,cause.command,cause.request,"
    beside = "leafHash,undoneBy.position,undoneBy.command,undoneBy.reason,inRequest.index,inRequest.count,disclosures"
    assert table.startswith(f"{columns}cause.reason,cause.authority,data,{beside}\r\n")
    assert [json.loads(row["data"]) for row in rows] == [one["data"] for one in items]
    assert [json.loads(row["disclosures"]) for row in rows] == [one["disclosures"] for one in items]


@pytest.mark.parametrize("query", [{}, {"plan": PLAN_ID}, {"unit": HEALTH}, {"type": "progress.reported.v1"}], ids=str)
@pytest.mark.parametrize("form", ["", ".ndjson"])
async def test_who_goes_on_from_where_it_was_up_to_date_misses_nothing(
    site: Site, query: dict[str, str], form: str
) -> None:
    writing = asyncio.create_task(report(site))
    heard: list[int] = []
    after = 0
    while not writing.done() or after < site.running.reader.head.size:
        answer = await site.http.get(f"/v1/events{form}", params={**query, "after": after, "limit": 7})
        events = [json.loads(line) for line in answer.text.splitlines()] if form else answer.json()["items"]
        heard += [one["position"] for one in events]
        after = events[-1]["position"] if "next" in answer.links else int(answer.headers["Log-Position"])
    await writing
    assert heard == [one["position"] for one in await followed(site, **query)]


async def report(site: Site) -> None:
    """Ten months of reports, one after the other."""
    await site.clock("2023-12-31T18:00:00+08:00")
    for month in range(3, 13):
        said = {"unit": HEALTH, "period": f"2023-{month:02}", "status": "in_progress", "narrative": "进展"}
        await site.record({"type": "progress.report", "task": f"{PLAN_ID}/21", **said, "effectiveOn": "2023-12-31"})
