"""The state that an audit folds itself, written as JSON or CSV, whole or as the difference between two moments."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final, TextIO

from api.auditing.answers import ShownAt
from api.auditing.kept import KeptFacts
from domain.values import instant_text
from projections.fold import RULES_VERSION

FIELDS_OF_A_STATE: Final = ("subject", "field", "value")
FIELDS_OF_A_CHANGE: Final = ("subject", "change", "field", "before", "after")


def moment_of(facts: KeptFacts, position: int, day: date, root: bytes, log: str) -> dict[str, Any]:
    """What a state is the state of."""
    return {
        "log": log,
        "position": position,
        "asOf": instant_text(facts.fact(position).recorded_at),
        "effectiveOn": day.isoformat(),
        "root": root.hex(),
        "rules": RULES_VERSION,
    }


def write_state(shown: ShownAt, streams: Iterable[str], moment: dict[str, Any], form: str, out: TextIO) -> int:
    """Every subject of these streams that is there, by the name of its stream; how many there are."""
    found = ((stream, shown.subject(stream)) for stream in streams)
    there = ((stream, one) for stream, one in found if one is not None)
    if form == "csv":
        rows = csv.writer(out)
        rows.writerow(FIELDS_OF_A_STATE)
        return sum(bool(_rows(rows, stream, one)) for stream, one in there)
    return _members(out, {"moment": moment}, "subjects", there)


def _rows(rows: Any, stream: str, subject: dict[str, Any]) -> int:
    rows.writerows((stream, name, _cell(value)) for name, value in subject.items())
    return len(subject)


def _members(out: TextIO, head: dict[str, Any], name: str, members: Iterator[tuple[str, Any]]) -> int:
    """One JSON object, whose last field is written member by member, a line each."""
    count = 0
    out.write(f"{json.dumps(head, ensure_ascii=False)[:-1]}, {json.dumps(name)}: {{")
    for count, (key, value) in enumerate(members, 1):
        out.write(
            f"{',' * (count > 1)}\n{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        )
    out.write("\n}}\n")
    return count


def write_difference(
    shown: tuple[ShownAt, ShownAt], streams: Iterable[str], moments: Any, form: str, out: TextIO
) -> int:
    """Every subject of these streams that is not the same at two moments, with what changed; how many there are."""
    changes = _changes(*shown, streams)
    if form == "csv":
        rows, count = csv.writer(out), 0
        rows.writerow(FIELDS_OF_A_CHANGE)
        for count, (stream, one) in enumerate(changes, 1):  # noqa: B007 - as above
            for each in one["changes"]:
                rows.writerow((stream, one["change"], each["field"], _cell(each["before"]), _cell(each["after"])))
        return count
    return _members(out, {"from": moments[0], "to": moments[1]}, "changes", changes)


def _changes(before: ShownAt, after: ShownAt, streams: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for stream in streams:
        there, here = before.subject(stream), after.subject(stream)
        old: dict[str, Any] = there or {}
        new: dict[str, Any] = here or {}
        fields = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        if fields:
            kind = "added" if there is None else "removed" if here is None else "changed"
            changed = [{"field": one, "before": old.get(one), "after": new.get(one)} for one in fields]
            yield stream, {"change": kind, "changes": changed}


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
