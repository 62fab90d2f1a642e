"""The items of the API's lists, put together from what the fold shows and from the rows of tasks."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from api.auditing.answers import RANKS
from api.following.taking_part import ListItem, UnitWays, own_words, participations
from api.following.watched import WatchedMoment
from domain.values import quarter_before

_TASK: Final = (
    *("id", "plan", "number", "part", "measure", "text", "openEnded", "reportedStatus", "answered", "evidenceStatus"),
    *("scheduleStatus", "due", "completedOn", "withdrawn", "targets", "platforms", "source", "version"),
)
_UNIT: Final = ("id", "kind", "name", "aliases", "district", "closed", "members", "successors", "version")
_PLAN: Final = ("id", "title", "issuer", "documentNumber", "issuedOn", "preamble", "document", "version")
_MEASURE: Final = ("number", "part", "title", "heading", "text", "unassigned")
_REPORT: Final = ("unit", "period", "status", "membership", "evidenceStatus", "event")
_COUNTED: Final = {
    "reportedStatus": ("not_reported", *RANKS),
    "scheduleStatus": ("unspecified", "not_due", "due_soon", "overdue", "completed_on_time", "completed_late"),
    "evidenceStatus": ("none", "linked", "digested"),
}


class CountedTask(NamedTuple):
    """Of a task's row what its plan and its units count it by; `silent` are those of the last quarter."""

    part: int | None
    measure: int | None
    statuses: Mapping[str, str]
    withdrawn: bool
    silent: Sequence[str]


def task_item(shown: WatchedMoment, key: str) -> ListItem | None:
    """A task as the list of tasks has it."""
    found = shown.subject(f"task:{key}")
    if found is None:
        return None
    parts = ("assignee", "role", "literal", "actingUnits")
    reports = ({name: one[name] for name in _REPORT} for one in found["latestReports"])
    return {
        **{name: found[name] for name in _TASK},
        "assignments": [{name: one[name] for name in parts} for one in found["assignments"]],
        "latestReports": [one | {"self": f"/v1/events/{one['event']}"} for one in reports],
    }


def plan_item(shown: WatchedMoment, key: str) -> ListItem | None:
    """A plan as the list of plans has it, its tasks counted."""
    found = shown.subject(f"plan:{key}")
    if found is None:
        return None
    tasks = [*task_rows(shown, "plan = ?", key)]
    parts, measures = (sorted(found[name], key=lambda one: one["number"]) for name in ("parts", "measures"))

    def counted(chosen: list[CountedTask]) -> ListItem:
        return {"tasks": len(chosen), "taskCounts": task_counts(shown, chosen)}

    return {
        **{name: found[name] for name in _PLAN},
        "counts": {"parts": len(parts), "measures": len(measures), "tasks": len(tasks)},
        "parts": [
            {
                "plan": key,
                "number": one["number"],
                "title": one["title"],
                "measures": [each["number"] for each in measures if each["part"] == one["number"]],
                **counted([task for task in tasks if task.part == one["number"]]),
            }
            for one in parts
        ],
        "measures": [
            {
                "plan": key,
                **{name: one[name] for name in _MEASURE},
                **counted([task for task in tasks if task.measure == one["number"]]),
            }
            for one in measures
        ],
        "taskCounts": task_counts(shown, tasks),
    }


def unit_item(shown: WatchedMoment, key: str, *, lacks: Sequence[str]) -> ListItem | None:
    """A unit as the list of units has it, without what it lacks."""
    found = shown.subject(f"unit:{key}")
    if found is None:
        return None
    ways = UnitWays(shown)
    item = {
        **{name: found[name] for name in _UNIT},
        "memberOf": [*map(shown.named, ways.groups(key))],
        "predecessors": [*map(shown.named, ways.before(key))],
    }
    behind = {key} | {unit for branch in shown.behind(key) for unit in branch}
    return item if lacks else item | _of_tasks(shown, ways, [key], behind.__contains__)


def district_item(shown: WatchedMoment, code: str, *, lacks: Sequence[str]) -> ListItem | None:
    """A district as the list of districts has it, without what it lacks."""
    found = shown.subject(f"district:{code}")
    if found is None:
        return None
    ways = UnitWays(shown)
    units = [one for one, state in ways.naming(f"district:{code}") if state["district"] == code]
    item = {"code": code, "name": found["name"], "version": found["version"], "units": [*map(shown.named, units)]}
    return item if lacks else item | _of_tasks(shown, ways, units, {*units}.__contains__)


def _of_tasks(shown: WatchedMoment, ways: UnitWays, units: Sequence[str], whose: Callable[[str], bool]) -> ListItem:
    """The tasks of some units, as they take part in them, and how many stand how."""
    parts = [part for unit in units for part in participations(shown, ways, unit)]
    parts.sort(key=lambda part: (part["plan"], part["number"], part["task"], len(part["via"])))
    words = {task: own_words(shown, ways, units, task) for task in {part["task"] for part in parts}}
    tasks = [row for part in dict.fromkeys(part["task"] for part in parts) for row in task_rows(shown, "id = ?", part)]
    counts = task_counts(shown, tasks, whose)
    return {"tasks": [part | {"own": words[part["task"]]} for part in parts], "taskCounts": counts}


def task_rows(shown: WatchedMoment, where: str, key: str) -> Iterator[CountedTask]:
    """The rows of tasks that are there, as they are counted by."""
    if where == "id = ?":
        shown.log.read.add(f"=task:{key}")
    columns = f"part, measure, {', '.join(_COUNTED)}, withdrawn, silent"
    for part, measure, *statuses, withdrawn, silent in shown.log.copy.rows(
        f"SELECT {columns} FROM tasks WHERE {where} ORDER BY number, id",  # noqa: S608 - our own words
        key,
    ):
        stands = dict(zip(_COUNTED, statuses, strict=True))
        yield CountedTask(part, measure, stands, bool(withdrawn), json.loads(silent))


def task_counts(
    shown: WatchedMoment, rows: Sequence[CountedTask], whose: Callable[[str], bool] = lambda _: True
) -> ListItem:
    """How many tasks stand how; who is silent is one of those whom `whose` names."""
    there = [one for one in rows if not one.withdrawn]
    silent = [own for one in there if (own := [*filter(whose, one.silent)])]
    numbers = Counter(unit for own in silent for unit in own)
    units = [{**shown.named(unit), "tasks": numbers[unit]} for unit in sorted(numbers)]
    return {
        "withdrawn": len(rows) - len(there),
        **{
            name: {value: sum(one.statuses[name] == value for one in there) for value in values}
            for name, values in _COUNTED.items()
        },
        "silentIn": {"period": quarter_before(shown.on), "tasks": len(silent), "units": units},
    }
