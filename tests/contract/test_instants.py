"""More than six digits of a second are cut, never rounded up, at every door."""

from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from click.testing import CliRunner

from api.cli import upkeep
from domain.values import instant_text
from tests.conftest import PLAN, Site

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
