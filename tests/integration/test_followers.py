"""Followers of one unit, one district, one type through a random year of corrections: each ends with the API's state.

They know the log by its filtered feed alone. `make follow` goes through 500 corrections, CORRECTIONS=60 through fewer.
"""

import os
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from tests.conftest import PLAN, Site

CORRECTIONS = int(os.environ.get("CORRECTIONS", "120"))
PLAN_ID = PLAN.rpartition("/")[2]
UNITS = ("shi-ke-wei", "shi-gao-yuan", "chang-ning-qu-ren-min-zheng-fu", "huang-pu-qu-ren-min-zheng-fu")
DISTRICTS = ("310105", "310101")
DUE, NAMED, ASSIGNED = "task.deadline_set.v1", "unit.registered.v1,unit.renamed.v1", "task.unit_assigned.v1"
TASKS = [f"{PLAN_ID}/{number}" for number in (3, 8, 12, 21, 24)]
END = "2999-12-31"
Item = dict[str, Any]


class Follower:
    """Knows what its filter brings, page after page, and checks each time that its past is still the log's."""

    def __init__(self, site: Site, **query: str) -> None:
        self._site = site
        self._query = query
        self._after, self._root = 0, ""
        self.items: list[Item] = []
        self._targets: dict[int, Item] = {}  # of the chains that its facts belong to, from the first on

    async def follow(self) -> None:
        """Go on to the head."""
        expect = {"expect": self._root} if self._root else {}
        while True:
            query = {**self._query, **expect, "after": self._after, "limit": 50, "waitSeconds": 0}
            page = await self._site.get("/v1/events", **query)
            self.items += page["items"]
            for item in page["items"]:
                await self._learn_place(item)
            if page["next"] is None:
                self._after, self._root = page["meta"]["position"], page["meta"]["root"]
                return
            self._after, expect = page["items"][-1]["position"], {}

    async def _learn_place(self, item: Item) -> None:
        """A replacement stands in its target's place: ask for what the filter had no reason to bring."""
        self._targets[item["position"]] = item
        while (target := item["replaces"]) is not None and target not in self._targets:
            item = self._targets[target] = await self._site.get(f"/v1/events/{target}")

    def live(self, *types: str) -> list[Item]:
        """What was not undone of these types, in the order in which it holds: a correction in its target's place."""
        by = {undone(one): one for one in self.items}
        found = [one for one in self.items if one["type"] in types and one["position"] not in by]
        return sorted(found, key=lambda one: (since(one), place(one, self._targets)))


def undone(item: Item) -> int | None:
    """The position that a fact undoes."""
    return item["data"]["target"] if item["type"] == "fact.voided.v1" else item["replaces"]


def since(item: Item) -> str:
    """From when it holds: what a unit is founded on, always."""
    return "" if item["type"] in {"unit.registered.v1", "district.registered.v1"} else str(item["effectiveOn"])


def place(item: Item, of: dict[int, Item]) -> int:
    """Where the first of its chain stands."""
    while item["replaces"] is not None:
        item = of[item["replaces"]]
    return int(item["position"])


def assigned(items: Iterable[Item]) -> set[tuple[str, str, str]]:
    """Who takes part in which task, and how."""
    parts: dict[tuple[str, str], str] = {}
    for one in items:
        key = one["data"]["unit"], one["stream"].partition(":")[2]
        parts.pop(key, None)
        if one["type"] == ASSIGNED:
            parts[key] = one["data"]["role"]
    return {(unit, task, role) for (unit, task), role in parts.items()}


def names(items: Iterable[Item]) -> dict[str, str]:
    return {one["stream"].partition(":")[2]: one["data"]["name"] for one in items}


async def shown_parts(site: Site, path: str) -> set[tuple[str, str]]:
    """The tasks that name something directly, with the roles."""
    return {(one["task"], one["role"]) for one in (await site.get(path, effectiveOn=END))["tasks"] if not one["via"]}


async def edits(site: Site, random: Random) -> list[int]:
    """One random edit; the positions of what was recorded, none where a rule refuses it."""
    return await tried(site, {"reason": "试", **on(random), **random_edit(random)})


def on(random: Random) -> dict[str, str]:
    return {"effectiveOn": f"2023-{random.randint(1, 12):02}-{random.randint(1, 28):02}"}


def random_edit(random: Random) -> dict[str, Any]:
    task, unit = random.choice(TASKS), random.choice(UNITS)
    made: list[dict[str, Any]] = [
        {"type": "task.assign_unit", "task": task, "unit": unit, "role": random.choice(["lead", "support"])},
        {"type": "task.release_unit", "task": task, "unit": unit},
        {"type": "task.set_deadline", "task": task, "due": f"2023-{random.randint(1, 12):02}-28"},
        {"type": "unit.rename", "unit": unit, "name": f"{unit}{random.randint(1, 99)}"},
        {"type": "task.reword", "task": task, "text": f"改写{random.randint(1, 99)}"},
        {"type": "progress.report", "task": TASKS[4], "unit": unit, "period": f"2023-{random.randint(1, 12):02}"}
        | {"status": random.choice(["in_progress", "delayed", "completed"]), "narrative": "进展"},
    ]
    chosen = random.choice(made)
    if chosen["type"] == "task.assign_unit":
        chosen["literal"] = unit
    return chosen


async def tried(site: Site, command: dict[str, Any]) -> list[int]:
    answer = await site.send(command)
    assert answer.status_code in {200, 404, 422}, answer.text
    return [one["position"] for one in answer.json()["facts"]] if answer.status_code == 200 else []


async def correction(site: Site, random: Random, live: dict[int, Item]) -> bool:
    """Void a random fact, or put another in its place; whether a rule let it."""
    target = random.choice(sorted(live))
    if random.random() < 0.4:
        done = await tried(site, {"type": "fact.void", "target": target, "reason": "更正"})
    else:
        for _ in range(40):
            command = random_edit(random)
            if NAMES[command["type"]] == live[target]["type"]:
                break
        else:
            return False
        stream = live[target]["stream"].partition(":")[2]
        key = "unit" if command["type"] == "unit.rename" else "task"
        command[key] = stream
        if command["type"] == "progress.report":
            command["task"], command["unit"] = stream.rsplit("/", 1)
        done = await tried(site, {**command, "replaces": target, "reason": "更正"})
    if done:
        del live[target]
    await learn(site, live, done)
    return bool(done)


NAMES = {
    "task.assign_unit": ASSIGNED,
    "task.release_unit": "task.unit_released.v1",
    "task.set_deadline": DUE,
    "unit.rename": "unit.renamed.v1",
    "task.reword": "task.reworded.v1",
    "progress.report": "progress.reported.v1",
}


async def learn(site: Site, live: dict[int, Item], positions: Sequence[int]) -> None:
    """What may still be corrected."""
    for position in positions:
        item = await site.get(f"/v1/events/{position}")
        if item["type"] != "fact.voided.v1":
            live[position] = item


async def year(site: Site, followers: Sequence[Follower], corrections: int) -> None:
    """As many edits as corrections, in any order, followed all the time."""
    random, live, done = Random(corrections), dict[int, Item](), 0  # noqa: S311 - seeded, to be repeated
    await site.clock("2023-12-31T18:00:00+08:00")
    while done < corrections:
        await learn(site, live, await edits(site, random))
        if live and random.random() < 0.8:
            done += await correction(site, random, live)
        if random.random() < 0.1:
            for one in followers:
                await one.follow()
    for one in followers:
        await one.follow()


async def test_a_follower_of_one_unit_one_district_one_type_ends_with_the_state_of_the_api(site: Site) -> None:
    units = {unit: Follower(site, unit=unit) for unit in UNITS}
    districts = {code: Follower(site, district=code) for code in DISTRICTS}
    due, named, parts = (Follower(site, type=types) for types in (DUE, NAMED, f"{ASSIGNED},task.unit_released.v1"))
    await year(site, [*units.values(), *districts.values(), due, named, parts], CORRECTIONS)

    for unit, mine in units.items():
        shown = await site.get(f"/v1/units/{unit}", effectiveOn=END)
        assert names(mine.live("unit.registered.v1", "unit.renamed.v1")) == {unit: shown["name"]}
        own = assigned(mine.live(ASSIGNED, "task.unit_released.v1"))
        assert {(task, role) for who, task, role in own if who == unit} == await shown_parts(site, f"/v1/units/{unit}")
        reports = await site.get(f"{PLAN}/reports.json", unit=unit, effectiveOn=END)
        heard = mine.live("progress.reported.v1")
        assert {(one["task"], one["period"], one["status"], one["event"]) for one in reports["items"]} == {
            (task_of(one), one["data"]["period"], one["data"]["status"], one["position"]) for one in heard
        }
    for code, mine in districts.items():
        shown = await site.get(f"/v1/districts/{code}", effectiveOn=END)
        registered = {one["stream"]: one for one in mine.live("unit.registered.v1")}
        home = {stream.partition(":")[2] for stream, one in registered.items() if one["data"]["district"] == code}
        called = names(mine.live("unit.registered.v1", "unit.renamed.v1"))
        assert {one["id"]: one["name"] for one in shown["units"]} == {unit: called[unit] for unit in home}
        own = assigned(mine.live(ASSIGNED, "task.unit_released.v1"))
        theirs = {(task, role) for who, task, role in own if who in home}
        assert theirs == await shown_parts(site, f"/v1/districts/{code}")
    tasks = (await site.get(f"{PLAN}/tasks.json", effectiveOn=END))["items"]
    deadlines = {one["stream"].partition(":")[2]: one["data"]["due"] for one in due.live(DUE)}
    assert deadlines == {one["id"]: one["due"] for one in tasks if one["due"]}
    all_units = (await site.get("/v1/units.json", effectiveOn=END))["items"]
    called = names(named.live("unit.registered.v1", "unit.renamed.v1"))
    assert called == {one["id"]: one["name"] for one in all_units if one["kind"] != "group"}
    assert assigned(parts.live(ASSIGNED, "task.unit_released.v1")) == {
        (one["assignee"]["id"], task["id"], one["role"]) for task in tasks for one in task["assignments"]
    }
    assert undoings(parts.items) > CORRECTIONS // 10  # there was something that a filter could have hidden


def task_of(report: Item) -> str:
    return str(report["stream"].partition(":")[2].rpartition("/")[0])


def undoings(items: Iterable[Item]) -> int:
    return sum(undone(one) is not None for one in items)
