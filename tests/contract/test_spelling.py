"""One question has one spelling, so that one thing has one address."""

import pytest

from tests.conftest import PLAN, Site

ODD = {"+1", "01", "1_0", "%201", "1%20", "１", "-0", "1.0", "1e0", "0x1"}


@pytest.mark.parametrize("number", sorted(ODD))
async def test_a_number_in_an_address_is_written_in_digits_alone(shared: Site, number: str) -> None:
    assert (await shared.problem(404, f"/v1/events/{number}"))["code"] in {"unknown_address", "not_found"}
    assert (await shared.problem(404, f"{PLAN}/tasks/{number}/history"))["code"] in {"unknown_address", "not_found"}


@pytest.mark.parametrize("query", ["position=1.0", "position=%2B1", "position=01", "position=null", "position=1e0"])
async def test_a_number_in_a_query_is_written_in_digits_alone(shared: Site, query: str) -> None:
    assert (await shared.problem(400, f"{PLAN}?{query}"))["code"] == "bad_parameter"


@pytest.mark.parametrize("value", ["1", "True", "TRUE", "yes", ""])
async def test_a_truth_in_a_query_is_true_or_false(shared: Site, value: str) -> None:
    response = await shared.http.post(
        "/v1/commands",
        params={"dryRun": value},
        json={},
        headers={"Authorization": f"Bearer {shared.running.token}"},
    )
    assert (response.status_code, response.json()["code"]) == (400, "bad_parameter")


async def test_the_one_spelling_is_understood(shared: Site) -> None:
    assert (await shared.get("/v1/events/10", position=20))["position"] == 10
