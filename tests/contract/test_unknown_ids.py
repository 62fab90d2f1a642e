"""A filter that names what is not in the record: both doors say so, and neither takes it for an empty list."""

import pytest

from tests.conftest import PLAN, TASK, Site

PLAN_ID = TASK.partition("/")[0]
LISTS = {
    f"{PLAN}/tasks": ("tasks", f'plan: "{PLAN_ID}", ', ("unit", "district", "platform")),
    f"{PLAN}/reports": ("reports", f'plan: "{PLAN_ID}", ', ("task", "unit", "district")),
    "/v1/units": ("units", "", ("district",)),
    "/v1/events": ("events", "", ("plan", "unit", "district", "stream")),
}
UNKNOWN = {"task": ("68", "4000"), "stream": ("task:nowhere/1", "shi-ke-wei", f"report:{TASK}/nobody", "x" * 3_000)}
CASES = [(path, *LISTS[path][:2], name) for path in LISTS for name in LISTS[path][2]]


@pytest.mark.parametrize(("path", "root", "scope", "name"), CASES)
async def test_what_nobody_is_called_is_404_at_both_doors(
    told: Site, path: str, root: str, scope: str, name: str
) -> None:
    for unknown in UNKNOWN.get(name, ("nobody", "310999", "x" * 3_000)):
        problem = await told.problem(404, path, **{name: unknown})
        assert problem["code"] == "unknown_id"
        assert problem["errors"][0]["pointer"] == name
        asked = {"query": f'{{ {root}({scope}{name}: "{unknown}") {{ nodes {{ __typename }} }} }}'}
        (error,) = (await told.http.post("/graphql", json=asked)).json()["errors"]
        assert error["extensions"]["code"] == "unknown_id"
        assert error["message"] == problem["detail"]


async def test_it_is_known_from_its_first_fact_on_whatever_the_day(told: Site) -> None:
    began = (await told.get("/v1/events", stream="unit:shi-ke-wei", limit=1))["items"][0]["position"]
    asked = {"unit": "shi-ke-wei", "effectiveOn": "1999-01-01"}
    assert (await told.problem(404, "/v1/events", **asked, position=began - 1))["code"] == "unknown_id"
    assert (await told.get("/v1/events", **asked, position=began))["items"]
