"""What an answer of the API says of subjects, held against what follows from the facts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

# The fields of each kind that must agree.
FIELDS_COMPARED: Final = {
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
_REPORT: Final = ("period", "status", "membership", "event", "effectiveOn")
# What has no order of its own.
_UNORDERED: Final = {"silent": "id", "actingUnits": "id", "latestReports": "event", "reports": "period"}
_SORTED: Final = {"parts": "number", "measures": "number"}


def differing_fields(kind: str, shown: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterable[str]:
    """The fields of one subject that differ, of those that the facts, or a vector, say something of."""
    for field in expected.keys() & FIELDS_COMPARED[kind]:
        one, other = comparable(field, shown.get(field)), comparable(field, expected[field])
        if not agree(one, other):
            yield f"{field} is {one}, the log says {other}"


def comparable(field: str, value: Any) -> Any:
    """A value whose lists are in an order that says nothing where theirs does not."""
    if isinstance(value, Mapping):
        return {name: comparable(name, one) for name, one in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        given = cast("Sequence[Any]", value)
        items = [{name: one[name] for name in _REPORT} if field == "reports" else comparable("", one) for one in given]
        key = _UNORDERED.get(field) or _SORTED.get(field)
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
