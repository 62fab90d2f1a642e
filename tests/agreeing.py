"""What the tables and REST show of every subject, held against what the oracle works out from the facts alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

import msgspec

from api.auditing.answers import AuditedLog
from api.main import Service
from projections.as_of import AsOf
from projections.views.subjects import SUBJECTS
from projections.wanted import wanted

# The fields of each kind that must agree.
FIELDS: Final = {
    "plan": ("id", "title", "issuer", "issuedOn", "preamble", "document", "parts", "measures", "version"),
    "task": (
        *("id", "plan", "number", "part", "measure", "text", "assignments", "openEnded", "due", "withdrawn", "targets"),
        *("reportedStatus", "answered", "evidenceStatus", "scheduleStatus", "completedOn", "platforms"),
        *("latestReports", "source", "version"),
    ),
    "report": ("reports",),
    "unit": ("id", "kind", "name", "aliases", "district", "successors", "closed", "members", "version"),
    "district": ("code", "name"),
    "platform": ("id", "name", "aliases", "version"),
}
REPORT: Final = ("period", "status", "membership", "event", "effectiveOn")
# What has no order of its own.
UNORDERED: Final = {"silent": "id", "actingUnits": "id", "latestReports": "event", "reports": "period"}
SORTED: Final = {"parts": "number", "measures": "number"}


async def log_of(running: Service) -> AuditedLog:
    """The oracle of a record, which is given its leaves."""
    async with running.pool.acquire() as connection:
        rows = await connection.fetch("SELECT entry FROM events ORDER BY position")
    return AuditedLog.of(json.loads(row["entry"]) for row in rows)


def size_of(log: AuditedLog) -> int:
    """How many facts it has."""
    return sum(map(len, log.streams.values()))


async def tables_at(running: Service, position: int, day: date) -> dict[str, Any]:
    """All subjects as the tables have them, by stream."""
    tables = {table.name: table for one in SUBJECTS.values() for table in one.made_of}
    asked = AsOf(position=position, effective_on=day)
    _, rows = await running.reader.rows(asked, [wanted(one) for one in tables.values()])
    found: dict[str, Any] = {}
    for subject in SUBJECTS.values():
        for key, view in subject.all(rows, day):
            if not subject.inner:
                found[subject.stream(key)] = msgspec.to_builtins(view)
            elif subject.kind == "report":
                found.setdefault(subject.stream(key), {"reports": []})["reports"].append(msgspec.to_builtins(view))
    return found


def expected_at(log: AuditedLog, position: int, day: date) -> dict[str, Any]:
    """All subjects as the oracle has them, by stream."""
    there = log.at(position, day)
    found = {stream: there.subject(stream) for stream in there.streams}
    assert all(one.keys() >= {*FIELDS[stream.partition(":")[0]]} for stream, one in found.items() if one is not None)
    return {stream: one for stream, one in found.items() if one is not None}


def differences(shown: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Where two accounts of all subjects differ."""
    found = [f"{stream}: {one}" for stream in shown.keys() ^ expected.keys() for one in ("there in one of them only",)]
    for stream in shown.keys() & expected.keys():
        found += [f"{stream}: {one}" for one in differing(stream.partition(":")[0], shown[stream], expected[stream])]
    return found


def differing(kind: str, shown: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterable[str]:
    """The fields of one subject that differ, of those that the oracle, or a vector, says something of."""
    for field in expected.keys() & FIELDS[kind]:
        one, other = comparable(field, shown[field]), comparable(field, expected[field])
        if not agree(one, other):
            yield f"{field} is {one}, the oracle says {other}"


def comparable(field: str, value: Any) -> Any:
    """A value whose lists are in an order that says nothing where theirs does not."""
    if isinstance(value, Mapping):
        return {name: comparable(name, one) for name, one in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        given = cast("Sequence[Any]", value)
        items = [{name: one[name] for name in REPORT} if field == "reports" else comparable("", one) for one in given]
        key = UNORDERED.get(field) or SORTED.get(field)
        return sorted(items, key=lambda one: one[key]) if key and isinstance(next(iter(items), None), dict) else items
    return value


def agree(one: Any, other: Any) -> bool:
    """Whether two values are the same, objects in what both of them say."""
    if isinstance(one, dict) and isinstance(other, dict):
        mine, theirs = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        common = mine.keys() & theirs.keys()
        return bool(common) and all(agree(mine[name], theirs[name]) for name in common)
    if isinstance(one, list) and isinstance(other, list):
        left, right = cast("list[Any]", one), cast("list[Any]", other)
        return len(left) == len(right) and all(agree(*pair) for pair in zip(left, right, strict=True))
    return one == other
