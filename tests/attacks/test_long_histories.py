"""Much that changed, and a subject that changed often: whoever asks for it delays nobody."""

from typing import Any

import pytest

from tests.attacks.conftest import LONGEST_STEP, Victim
from tests.attacks.test_commands import reworded, send
from tests.conftest import PLAN, TASK
from tests.unit.documents.large import large

TASKS = 900


@pytest.fixture(scope="module")
async def changed(victim: Victim) -> Victim:
    """A record with four large plans, and a task that was reworded a thousand times with four dates."""
    plan = {"type": "plan.import", "text": large(TASKS), "issuer": "市", "issuedOn": "2023-04-01", "reason": "试"}
    for commands in (*([{**plan, "plan": f"gross-{number}"}] for number in range(4)), reworded(1_000, days=4)):
        assert (await send(victim, commands)).status_code == 200
    return victim


@pytest.mark.parametrize(
    ("address", "items"),
    [
        (f"{PLAN}/tasks/{TASK.rpartition('/')[2]}/history?limit=200", 200),
        ("/v1/diff?from=352&limit=200", 200),
        ("/v1/diff?from=352&plan=gross-1&kind=task&limit=200", 200),
    ],
)
async def test_a_page_of_much_that_changed_is_made_in_steps(changed: Victim, address: str, items: int) -> None:
    async with changed.costs() as cost:
        answer = await changed.http.get(address)
    assert len(answer.json()["items"]) == items
    assert cost.longest <= LONGEST_STEP, cost


async def test_a_history_folds_each_fact_once(changed: Victim) -> None:
    async with changed.costs() as cost:
        answer = await changed.http.get(f"{PLAN}/tasks/21/history?limit=200&minPosition=1")
    assert answer.status_code == 200
    assert cost.cpu < 0.5, cost  # 2 s where each of its states is folded from the first fact


async def test_a_dry_run_names_the_last_facts_that_a_version_stands_on_and_counts_them(changed: Victim) -> None:
    answer = await send(changed, reworded(220, days=110), dry_run=True)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < 2_000_000
    whole = await send(changed, reworded(220, days=110))
    last, first = whole.json()["position"], answer.json()["changes"][0]["known"]["from"]
    address = f"{PLAN}/tasks/{TASK.rpartition('/')[2]}/history?limit=200&position={last}"
    recorded, page = list[Any](), (await changed.http.get(address)).json()
    while page:
        recorded += [one for one in page["items"] if one["known"]["from"] >= first]
        page = (await changed.http.get(page["next"])).json() if page["next"] else None
    for one, same in zip(answer.json()["changes"], recorded, strict=True):
        assert (one["known"]["from"], one["effective"]) == (same["known"]["from"], same["effective"])
        assert one["standing"] == same["standing"][-100:]
        assert one["standingCount"] == len(same["standing"])
    assert max(one["standingCount"] for one in answer.json()["changes"]) > 1_000


async def test_a_large_plan_is_retracted_in_steps(changed: Victim) -> None:
    size = (await changed.http.get("/v1/plans")).json()["meta"]["position"]
    async with changed.costs() as cost:
        answer = await send(changed, [{"type": "plan.retract", "plan": "gross-3", "reason": "试"}])
    assert answer.status_code == 200, answer.text
    assert answer.json()["position"] - size == len(answer.json()["facts"]) > 1_500
    assert cost.longest <= LONGEST_STEP, cost
