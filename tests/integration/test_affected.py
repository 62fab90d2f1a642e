"""The dry run names every other subject that changes, with its fields: those that differ once it is recorded."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from api.cli.year import tell
from projections.views.affected import MOST_NAMED
from tests.conftest import PLAN, TASK, Site, copied

LISTS = {
    "plan": "/v1/plans",
    "part": f"{PLAN}/parts",
    "measure": f"{PLAN}/measures",
    "task": f"{PLAN}/tasks",
    "unit": "/v1/units",
    "district": "/v1/districts",
    "platform": "/v1/platforms",
}
TODAY = "2023-12-31"
LEAD, GROUP = "shi-fa-zhan-gai-ge-wei", "ge-qu-ren-min-zheng-fu"
COMMANDS: dict[str, dict[str, Any]] = {
    "a renaming": {"type": "unit.rename", "unit": LEAD, "name": "市发展改革局"},
    "a renaming that is still to come": {
        "type": "unit.rename",
        "unit": LEAD,
        "name": "局",
        "effectiveOn": "2024-03-01",
    },
    "a release": {"type": "task.release_unit", "task": "{task}", "unit": LEAD, "effectiveOn": "2023-10-01"},
    "a withdrawal": {"type": "task.withdraw", "task": "{task}", "effectiveOn": "2023-11-01"},
    "a report": {
        "type": "progress.report",
        "task": "{task}",
        "unit": LEAD,
        "period": "2023-12",
        "status": "completed",
        "narrative": "完成",
    },
    "a succession": {
        "type": "unit.succeed",
        "unit": LEAD,
        "successors": ["shi-shui-wu-ju"],
        "effectiveOn": "2023-09-01",
    },
    "a member that leaves": {"type": "group.remove_member", "unit": GROUP, "member": "{member}"},
    "a move": {"type": "task.move", "task": "{task}", "measure": 1},
    "another wording": {"type": "task.reword", "task": "{task}", "text": "推进信用建设。"},
    "an alias of a platform": {"type": "platform.add_alias", "platform": "{platform}", "alias": "信用"},
}


@pytest.fixture
async def year(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The demo's year, to be written to."""
    async with copied(server, folder, "fresh") as site:
        await tell(site.running)
        yield site


async def views(site: Site, position: int, on: str) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, path in LISTS.items():
        page = await site.get(path, position=position, effectiveOn=on, limit=200)
        for one in page["items"]:
            id_ = one.get("id") or one.get("code") or f"{one['plan']}/{one['number']}"
            found[kind, id_] = {name: value for name, value in one.items() if name not in {"version", "meta"}}
    return found


async def changed(site: Site, before: int, after: int, days: set[str]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for day in days:
        then, now = await views(site, before, day), await views(site, after, day)
        for key in then.keys() | now.keys():
            one, other = then.get(key, {}), now.get(key, {})
            names = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
            if names:
                found.setdefault(key, set()).update(names)
    return found


@pytest.mark.parametrize("sentence", COMMANDS)
async def test_the_dry_run_names_whoever_differs_once_it_is_recorded(year: Site, sentence: str) -> None:
    tasks = (await year.get(f"/v1/units/{LEAD}"))["tasks"]
    known = {
        "task": next(one["task"] for one in tasks if not one["via"]),
        "member": (await year.get(f"/v1/units/{GROUP}"))["members"][0]["id"],
        "platform": (await year.get("/v1/platforms"))["items"][0]["id"],
    }
    command = {
        name: value.format_map(known) if isinstance(value, str) else value for name, value in COMMANDS[sentence].items()
    } | {"reason": "试"}
    dry = (await year.send(command, dry_run=True)).json()
    receipt = await year.record(command)
    assert receipt["position"] == dry["position"]
    own = {tuple(one["stream"].split(":")) for one in receipt["facts"]}
    days = {TODAY} | {one["effectiveOn"] for one in receipt["facts"]}
    expected = await changed(year, receipt["facts"][0]["position"] - 1, receipt["position"], days)
    expected = {key: names for key, names in expected.items() if key not in own}
    assert {(one["kind"], one["id"]): {*one["fields"]} for one in dry["affected"]} == expected
    assert dry["affectedCount"] == len(expected)
    assert expected or sentence == "an alias of a platform"


async def test_a_voiding_is_looked_at_from_the_day_on_which_its_target_held(year: Site) -> None:
    rename = {"type": "unit.rename", "unit": LEAD, "name": "局", "reason": "试", "effectiveOn": "2023-06-01"}
    position = (await year.record(rename))["position"]
    await year.record({**rename, "name": "委", "effectiveOn": "2023-12-01"})
    void = {"type": "fact.void", "target": position, "reason": "误"}
    dry = (await year.send(void, dry_run=True)).json()  # today nobody sees it
    await year.record(void)
    expected = await changed(year, position + 1, position + 2, {"2023-06-01", TODAY})
    del expected["unit", LEAD]
    assert {(one["kind"], one["id"]): {*one["fields"]} for one in dry["affected"]} == expected != {}


async def test_of_many_the_first_hundred_are_named_and_all_are_counted(year: Site) -> None:
    units = [one for one in (await year.get("/v1/units", limit=200))["items"] if one["kind"] != "group"]
    renames = [{"type": "unit.rename", "unit": one["id"], "name": one["name"] + "甲", "reason": "试"} for one in units]
    dry = (await year.send(renames, dry_run=True)).json()
    assert len(dry["affected"]) == min(MOST_NAMED, dry["affectedCount"])
    assert {one["kind"] for one in dry["affected"]} >= {"task", "district"}


async def test_what_would_record_nothing_affects_nobody(year: Site) -> None:
    task = await year.get(f"{PLAN}/tasks/21")
    same = {"type": "task.reword", "task": TASK, "text": task["text"], "reason": "试"}
    dry = (await year.send(same, dry_run=True)).json()
    assert (dry["affected"], dry["affectedCount"], dry["unchanged"]) == ([], 0, [0])
    assert dry["position"] == (await year.get("/v1/plans"))["meta"]["position"]


async def test_of_a_record_too_large_to_be_looked_through_it_is_said_that_nobody_looked(
    year: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.views.affected._MOST_READ", 100_000)
    rename = {"type": "unit.rename", "unit": LEAD, "name": "局", "reason": "试"}
    dry = (await year.send(rename, dry_run=True)).json()
    assert (dry["affected"], dry["affectedCount"], len(dry["facts"])) == ([], None, 1)
