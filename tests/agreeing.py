"""What the tables and REST show of every subject, held against what the oracle works out from the facts alone."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from api.auditing.answers import AuditedLog
from api.auditing.comparing import FIELDS_COMPARED, differing_fields
from api.main import Service
from projections.as_of import AsOf
from projections.views.subjects import SUBJECTS
from projections.wanted import wanted


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
    assert all(
        one.keys() >= {*FIELDS_COMPARED[stream.partition(":")[0]]} for stream, one in found.items() if one is not None
    )
    return {stream: one for stream, one in found.items() if one is not None}


def differences(shown: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Where two accounts of all subjects differ."""
    found = [f"{stream}: {one}" for stream in shown.keys() ^ expected.keys() for one in ("there in one of them only",)]
    for stream in shown.keys() & expected.keys():
        found += [
            f"{stream}: {one}" for one in differing_fields(stream.partition(":")[0], shown[stream], expected[stream])
        ]
    return found
