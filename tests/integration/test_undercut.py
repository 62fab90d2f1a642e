"""What a request undercuts on days behind it is told to who wrote it, by the dry run too, with its dates."""

from typing import Any

import pytest

from tests.conftest import TASK, Site

UNIT, HEIR, GROUP = "gou-wu", "ji-wu", "liang-qu"
PARTS = {"type": "task.assign_unit", "task": TASK, "unit": UNIT, "role": "named", "literal": "购物", "reason": "增"}
RELEASE = {"type": "task.release_unit", "task": TASK, "unit": UNIT, "reason": "减"}


@pytest.fixture
async def late(site: Site) -> Site:
    """The imported record at the end of 2025."""
    headers = {"Authorization": f"Bearer {site.running.token}"}
    await site.http.post("/v1/demo/clock", json={"now": "2025-12-31T18:00:00+08:00"}, headers=headers)
    return site


def edit(type_: str, **fields: Any) -> dict[str, Any]:
    return {"type": type_, "reason": "试", **fields}


def unit(key: str) -> dict[str, Any]:
    return edit("unit.register", unit=key, name=key, kind="body")


def report(by: str, period: str, **others: Any) -> dict[str, Any]:
    said = {"task": TASK, "unit": by, "period": period, "status": "in_progress", "narrative": "进展", **others}
    return {"type": "progress.report", **said}


async def undercut(site: Site, *commands: dict[str, Any]) -> list[str]:
    """What the receipt tells, which the dry run tells before and a repeated request again."""
    dry = (await site.send(list(commands), dry_run=True)).json()
    key = {"Idempotency-Key": f"key-{dry['position']}"}
    receipt = await site.record(*commands, **key)
    replayed = await site.record(*commands, **key)
    assert replayed["replayed"]
    assert dry["doubts"] == receipt["doubts"] == replayed["doubts"]
    assert {one["kind"] for one in receipt["doubts"]} <= {"undercut"}
    return [one["detail"] for one in receipt["doubts"]]


async def recorded(site: Site, *commands: dict[str, Any]) -> int:
    """The last position of commands that undercut nothing."""
    receipt = await site.record(*commands)
    assert receipt["doubts"] == []
    return receipt["position"]


async def test_a_release_that_changes_nothing_any_more_is_told_with_its_date(late: Site) -> None:
    await recorded(late, unit(UNIT), {**PARTS, "effectiveOn": "2023-05-01"})
    position = await recorded(late, {**RELEASE, "effectiveOn": "2023-08-01"})
    (told,) = await undercut(late, {**RELEASE, "effectiveOn": "2023-06-01"})
    assert told.startswith(f"position {position}, task.unit_released.v1 in task:{TASK} from 2023-08-01, ")
    assert "changes nothing any more" in told


async def test_so_are_an_assignment_and_a_withdrawal(late: Site) -> None:
    await recorded(late, unit(UNIT))
    later = await recorded(late, {**PARTS, "effectiveOn": "2023-08-01"})
    (told,) = await undercut(late, {**PARTS, "effectiveOn": "2023-06-01"})
    assert told.startswith(f"position {later}, task.unit_assigned.v1 in task:{TASK} from 2023-08-01, ")

    withdraw = edit("task.withdraw", task=TASK)
    out = await recorded(late, {**withdraw, "effectiveOn": "2023-09-01"})
    (told,) = await undercut(late, {**withdraw, "effectiveOn": "2023-07-01"})
    assert told.startswith(f"position {out}, task.withdrawn.v1 in task:{TASK} from 2023-09-01, ")


async def test_a_reinstatement_of_what_was_never_withdrawn_is_told_where_the_withdrawal_is_voided(late: Site) -> None:
    out = await recorded(late, edit("task.withdraw", task=TASK, effectiveOn="2023-07-01"))
    back = await recorded(late, edit("task.reinstate", task=TASK, effectiveOn="2023-08-01"))
    (told,) = await undercut(late, edit("fact.void", target=out))
    assert told.startswith(f"position {back}, task.reinstated.v1 in task:{TASK} from 2023-08-01, ")


async def test_so_are_the_addition_and_the_removal_of_a_member(late: Site) -> None:
    await recorded(late, unit(UNIT), edit("group.define", unit=GROUP, name="两区", closed=True))
    add = edit("group.add_member", unit=GROUP, member=UNIT)
    first = await recorded(late, {**add, "effectiveOn": "2023-06-01"})
    (told,) = await undercut(late, {**add, "effectiveOn": "2023-05-01"})
    assert told.startswith(f"position {first}, group.member_added.v1 in unit:{GROUP} from 2023-06-01, ")
    out = await recorded(late, edit("group.remove_member", unit=GROUP, member=UNIT, effectiveOn="2023-09-01"))
    (told,) = await undercut(late, edit("group.remove_member", unit=GROUP, member=UNIT, effectiveOn="2023-08-01"))
    assert told.startswith(f"position {out}, group.member_removed.v1 in unit:{GROUP} from 2023-09-01, ")


async def test_a_report_by_who_takes_no_part_any_more_is_told(late: Site) -> None:
    await recorded(late, unit(UNIT), {**PARTS, "effectiveOn": "2023-04-01"})
    said = await recorded(late, report(UNIT, "2023-Q2"))
    (told,) = await undercut(late, {**RELEASE, "effectiveOn": "2023-06-01"})
    assert told.startswith(f"position {said}, the report of {UNIT} on task {TASK} for 2023-Q2 from 2023-06-30: ")
    assert "takes no part" in told
    # It is told once: a later change does not make of it what it was already.
    (told,) = await undercut(late, {**RELEASE, "effectiveOn": "2023-05-01"})
    assert told.startswith(f"position {said + 1}, task.unit_released.v1 in task:{TASK} from 2023-06-01, ")


async def test_so_is_one_on_a_task_that_was_withdrawn_by_then(late: Site) -> None:
    lead = (await late.get(f"/v1/plans/{TASK.replace('/', '/tasks/')}"))["assignments"][0]["assignee"]["id"]
    said = await recorded(late, report(lead, "2023-Q2"))
    (told,) = await undercut(late, edit("task.withdraw", task=TASK, effectiveOn="2023-06-01"))
    assert told.startswith(f"position {said}, ")
    assert told.endswith("the task is withdrawn on that day")


async def test_so_is_one_by_who_was_succeeded_by_then_or_succeeded_nobody(late: Site) -> None:
    await recorded(late, unit(UNIT), unit(HEIR), {**PARTS, "effectiveOn": "2023-04-01"})
    said = await recorded(late, report(UNIT, "2023-Q3"))
    succeed = edit("unit.succeed", unit=UNIT)
    (told,) = await undercut(late, {**succeed, "successors": [HEIR], "effectiveOn": "2023-08-01"})
    assert told.startswith(f"position {said}, ")
    assert told.endswith(f"by that day the unit was succeeded by {HEIR}")
    taken = said + 1
    heirs = await recorded(late, report(HEIR, "2023-Q4"))
    (told,) = await undercut(late, edit("fact.void", target=taken))
    assert told.startswith(f"position {heirs}, the report of {HEIR} on task {TASK} for 2023-Q4 from 2023-12-31: ")
    assert "takes no part" in told


async def test_so_is_one_by_a_member_that_left_the_group(late: Site) -> None:
    group = edit("group.define", unit=GROUP, name="两区", closed=True)
    member = edit("group.add_member", unit=GROUP, member=UNIT, effectiveOn="2023-04-01")
    part = edit("task.assign_unit", task=TASK, unit=GROUP, role="named", literal="两区", effectiveOn="2023-04-01")
    await recorded(late, unit(UNIT), group, member, part)
    said = await recorded(late, report(UNIT, "2023-Q2"))
    removal = edit("group.remove_member", unit=GROUP, member=UNIT, effectiveOn="2023-05-01")
    (told,) = await undercut(late, removal)
    assert told.startswith(f"position {said}, ")


async def test_a_report_of_the_same_request_counts_too(late: Site) -> None:
    await recorded(late, unit(UNIT), {**PARTS, "effectiveOn": "2023-04-01"})
    (told,) = await undercut(late, report(UNIT, "2023-Q2"), {**RELEASE, "effectiveOn": "2023-06-01"})
    assert "the report of" in told


async def test_what_is_voided_with_what_it_stood_on_is_not_told(late: Site) -> None:
    assigned = await recorded(late, unit(UNIT), {**PARTS, "effectiveOn": "2023-04-01"})
    said = await recorded(late, report(UNIT, "2023-Q2"))
    gone = [edit("fact.void", target=one) for one in (said, assigned)]
    assert await undercut(late, *gone) == []


async def test_of_very_many_the_first_are_named_and_how_many_more(late: Site) -> None:
    units = [f"wu-{number}" for number in range(5)]
    await recorded(late, *map(unit, units), *({**PARTS, "unit": one, "effectiveOn": "2023-04-01"} for one in units))
    months = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)]
    await recorded(late, *(report(one, month) for one in units for month in months))
    told = await undercut(late, *({**RELEASE, "unit": one, "effectiveOn": "2023-12-31"} for one in units))
    assert len(told) == 101
    assert told[-1] == "20 more such facts and reports are not named here"


async def test_what_undercuts_nothing_has_no_doubts(late: Site) -> None:
    await recorded(late, unit(UNIT), {**PARTS, "effectiveOn": "2023-05-01"})
    assert await undercut(late, {**RELEASE, "effectiveOn": "2023-08-01"}) == []
    assert await undercut(late, edit("task.reword", task=TASK, text="甲", effectiveOn="2023-04-01")) == []
