"""What a follower's file holds, held against what the API shows."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, cast

import httpx

# What has no order of its own (api/auditing/comparing.py).
_UNORDERED: Final = {"silent": "id", "actingUnits": "id", "latestReports": "event"}
KEYS: Final = {"plans": "id", "tasks": "id", "units": "id", "districts": "code"}
OF_TASKS: Final = ("tasks", "taskCounts")


def read(path: Path, statement: str, *given: Any) -> list[tuple[Any, ...]]:
    """What somebody who reads the file is told."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(statement, given).fetchall()


def ordered(value: Any, name: str = "") -> Any:
    """The same, in one order where it has none."""
    if isinstance(value, dict):
        return {key: ordered(one, key) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        items = [ordered(one) for one in cast("list[Any]", value)]
        key = _UNORDERED.get(name)
        return sorted(items, key=lambda one: one[key]) if key else items
    return value


def kept(path: Path, table: str) -> dict[str, Any]:
    """The items of a table, by their ids."""
    rows = read(path, f"SELECT {KEYS[table]}, item FROM {table}")  # noqa: S608 - our own words
    return {key: ordered(json.loads(item)) for key, item in rows}


async def listed(http: httpx.AsyncClient, table: str, **clocks: Any) -> dict[str, Any]:
    """The items of the API's lists, by their ids."""
    if table != "tasks":
        return await _pages(http, f"/v1/{table}", KEYS[table], clocks)
    found: dict[str, Any] = {}
    for plan in await listed(http, "plans", **clocks):
        found |= await _pages(http, f"/v1/plans/{plan}/tasks", "id", clocks)
    return found


async def _pages(http: httpx.AsyncClient, path: str, key: str, clocks: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    address: str | None = str(httpx.URL(path, params={"limit": 200, **clocks}))
    while address:
        page = (await http.get(address)).raise_for_status().json()
        found |= {one[key]: ordered(one) for one in page["items"]}
        address = page["next"]
    return found


def holds(table: str, item: dict[str, Any], filters: dict[str, str]) -> bool:
    """Whether the tables of a part have what the API lists."""
    if not filters:
        return True
    ((name, key), *others) = filters.items()
    match name, table:
        case "plan", "plans" | "tasks":
            return not others and item.get("plan", item["id"]) == key
        case "district", "units" | "districts":
            return not others and item.get("code", item.get("district")) == key
        case _:
            return not others and table == f"{name}s" and item.get("id") == key


async def unlike(http: httpx.AsyncClient, path: Path) -> list[str]:
    """Where the tables are not what the API shows of the very same moment, of the part that is followed."""
    ((position, day, said),) = read(path, "SELECT position, effectiveOn, filters FROM follow")
    filters, found = json.loads(said), list[str]()
    plans = await listed(http, "plans", position=position, effectiveOn=day)
    for table in KEYS:
        theirs = await listed(http, table, position=position, effectiveOn=day)
        shown = {key: item for key, item in theirs.items() if holds(table, item, filters)}
        mine = kept(path, table)
        if table == "tasks":  # of a plan that is not there nobody lists any
            mine = {key: item for key, item in mine.items() if item["plan"] in plans}
        found += differing(table, mine, shown, OF_TASKS if filters and table in {"units", "districts"} else ())
    return found


def differing(table: str, mine: dict[str, Any], theirs: dict[str, Any], without: Sequence[str] = ()) -> list[str]:
    """What differs, in words; but for these fields."""
    found = [f"{table} {key} is there in one of them only" for key in mine.keys() ^ theirs.keys()]
    for key in mine.keys() & theirs.keys():
        shown = {name: one for name, one in theirs[key].items() if name not in without}
        found += [
            f"{table} {key}: {name} is {mine[key].get(name)}, the API says {shown.get(name)}"
            for name in mine[key].keys() | shown.keys()
            if mine[key].get(name) != shown.get(name)
        ]
    return found
