"""More than six digits of a second are cut, never rounded up, at every door."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from click.testing import CliRunner

from api.cli import upkeep
from domain.values import SHANGHAI, instant_text
from tests.conftest import PLAN, TASK, Site
from tests.integration.test_rest_events import followed

LATER: Final = "2023-06-01T09:00:00.000000Z"  # a round instant: one microsecond before it, and nines, round up to it


async def just_before(site: Site) -> tuple[str, int]:
    """The last instant before a fact, with more digits than count, and the position that is shown there."""
    await site.clock(LATER)
    command = {"type": "task.reword", "task": f"{PLAN.removeprefix('/v1/plans/')}/21", "text": "改", "reason": "试"}
    position = (await site.record(command))["position"]
    event = await site.get(f"/v1/events/{position}")
    assert event["recordedAt"] == LATER
    before = instant_text(datetime.fromisoformat(LATER) - timedelta(microseconds=1)).removesuffix("Z")
    return f"{before}999999Z", position - 1


async def test_as_of_is_cut(site: Site) -> None:
    instant, position = await just_before(site)
    assert (await site.get(f"{PLAN}/tasks/21", asOf=instant))["meta"]["position"] == position
    zoned = instant.replace("08:59", "16:59").replace("Z", "+08:00")
    assert (await site.get(f"{PLAN}/tasks/21", asOf=zoned))["meta"]["position"] == position
    assert (await site.get(f"{PLAN}/tasks/21", asOf=LATER))["meta"]["position"] == position + 1
    page = await site.http.get("/plans/shanghai-credit-2023/tasks/21", params={"asOf": instant}, follow_redirects=True)
    assert page.headers["Log-Position"] == str(position)


async def test_both_ends_of_a_difference_are_cut(site: Site) -> None:
    instant, position = await just_before(site)
    meta = (await site.get(f"{PLAN}/tasks/21/diff", **{"from": instant, "to": instant}))["meta"]
    assert (meta["from"]["position"], meta["to"]["position"]) == (position, position)


IN_GRAPHQL = [
    ('{{ plan(id: "shanghai-credit-2023", asOf: {{instant: "{0}"}}) {{ meta {{ position }} }} }}', None),
    (
        'query($at: DateTime) {{ plan(id: "shanghai-credit-2023", asOf: {{instant: $at}}) {{ meta {{ position }} }} }}',
        "at",
    ),
]


@pytest.mark.parametrize(("query", "variable"), IN_GRAPHQL, ids=["written", "a variable"])
async def test_an_instant_in_graphql_is_cut(site: Site, query: str, variable: str | None) -> None:
    instant, position = await just_before(site)
    query = query.format(instant).replace("DateTime)", "DateTime!)")
    variables = {variable: instant} if variable else {}
    assert (await site.ask(query, **variables))["plan"]["meta"]["position"] == position


async def test_an_instant_beside_a_cursor_is_cut(site: Site) -> None:
    instant, position = await just_before(site)
    first = await site.get(f"{PLAN}/tasks", asOf=instant, limit=1)
    cursor = httpx.URL(first["next"]).params["cursor"]
    for same in (instant, instant.replace("999999999999Z", "999999Z"), instant.replace("999Z", "1Z")):
        assert (await site.get(f"{PLAN}/tasks", asOf=same, limit=1, cursor=cursor))["meta"]["position"] == position


async def test_the_demos_clock_is_cut(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.running.token}", "Content-Type": "application/json"}
    for now in ("2023-06-01T09:00:00.9999999Z", "2023-06-01T09:00:00.99999\\u003999Z"):
        answer = await site.http.post("/v1/demo/clock", content=f'{{"now": "{now}"}}', headers=headers)
        assert answer.json() == {"now": "2023-06-01T09:00:00.999999Z"}


def test_the_command_that_sets_the_clock_cuts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(_: Any, moment: datetime) -> None:
        assert moment == datetime.fromisoformat("2023-06-01T09:00:00.999999Z")

    monkeypatch.setattr(upkeep, "_set", told)
    done = CliRunner().invoke(upkeep.clock_command, ["2023-06-01T09:00:00.9999999Z"])
    assert (done.exit_code, done.exception) == (0, None)


async def test_recorded_after_is_the_after_that_it_comes_to(told: Site) -> None:
    items = await followed(told)
    instants = sorted({one["recordedAt"] for one in items})
    assert len(instants) > 20
    for instant in (instants[0], *instants[3::7], instants[-1]):
        behind = [one for one in items if one["recordedAt"] > instant]
        assert await followed(told, recordedAfter=instant) == behind
        earlier = instant_text(datetime.fromisoformat(instant) - timedelta(microseconds=1))
        not_before = [one for one in items if one["recordedAt"] >= instant]
        assert await followed(told, recordedAfter=earlier.replace("Z", "9Z")) == not_before
        zoned = datetime.fromisoformat(instant).astimezone(SHANGHAI).isoformat()
        assert await followed(told, recordedAfter=zoned) == behind
    assert await followed(told, recordedAfter="2020-01-01T00:00:00Z") == items


async def test_what_goes_on_from_recorded_after_goes_on_by_position(told: Site) -> None:
    page = await told.get("/v1/events", recordedAfter="2023-06-30T00:00:00Z", limit=3, unit="shi-ke-wei")
    first = (await told.get("/v1/events", recordedAfter="2023-06-30T00:00:00Z", limit=1))["items"][0]["position"]
    assert "recordedAfter" not in page["next"]
    assert f"after={first - 1}&" in page["meta"]["self"]
    assert (await told.get(page["meta"]["self"]))["items"] == page["items"]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"recordedAfter": "2023-06-30"}, "is a day: give an instant"),
        ({"recordedAfter": "2023-06-30T12:00:00"}, "an instant needs its zone"),
        ({"recordedAfter": "2023-06-30T12:00:00 08:00"}, "sent as %2B"),
        ({"recordedAfter": "noon"}, "recordedAfter='noon' is neither"),
        ({"recordedAfter": ""}, "recordedAfter='' is neither"),
        ({"recordedAfter": "2024-06-30T12:00:00Z"}, "recordedAfter lies in the future: it is 2023-12-31T10:00:00"),
        ({"recordedAfter": "2023-06-30T12:00:00Z", "after": "1"}, "give after or recordedAfter, not both"),
    ],
)
async def test_a_recorded_after_that_is_none_is_a_problem(told: Site, query: dict[str, str], why: str) -> None:
    problem = await told.problem(400, "/v1/events", **query)
    assert problem["code"] == "bad_moment"
    assert why in problem["detail"]
    assert problem["errors"][0]["pointer"] == "recordedAfter"


async def test_recorded_after_waits_for_what_comes_next(site: Site) -> None:
    waiting = asyncio.create_task(site.get("/v1/events", recordedAfter="2023-04-03T01:00:00Z", waitSeconds=20))
    await asyncio.sleep(0.3)
    position = (await site.record({"type": "task.reword", "task": TASK, "text": "改", "reason": "试"}))["position"]
    assert [one["position"] for one in (await waiting)["items"]] == [position]
