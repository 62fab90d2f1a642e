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
_LONGEST: Final = 2_000  # characters
_REPORT: Final = ("period", "status", "membership", "event", "effectiveOn")
# What has no order of its own.
_UNORDERED: Final = {"silent": "id", "actingUnits": "id", "latestReports": "event", "reports": "period"}
_SORTED: Final = {"parts": "number", "measures": "number"}


def differing_fields(kind: str, shown: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterable[str]:
    """The fields of one subject that differ, of those that the facts, or a vector, say something of."""
    for field in expected.keys() & FIELDS_COMPARED[kind]:
        one, other = comparable(field, shown.get(field)), comparable(field, expected[field])
        if not agree(one, other):
            yield f"{field} is {_told(one)}, the log says {_told(other)}"


def _told(value: Any) -> str:
    """A value as it is told: of one without end its beginning."""
    said = str(value)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def unexamined(kind: str, shown: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterable[str]:
    """What is shown and the facts, as they are folded here, say nothing of: `tasks`, `source.page`."""
    for field, value in shown.items():
        if field in expected and field in FIELDS_COMPARED[kind]:
            yield from (
                f"{field}{path}" for path in _beyond(comparable(field, value), comparable(field, expected[field]))
            )
        else:
            yield field


def _beyond(one: Any, other: Any) -> Iterable[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        mine, theirs = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        for name, value in mine.items():
            below = _beyond(value, theirs[name]) if name in theirs else [""]
            yield from (f".{name}{path}" for path in below)
    elif isinstance(one, list) and isinstance(other, list):
        pairs = zip(cast("list[Any]", one), cast("list[Any]", other), strict=False)  # of other lengths, they differ
        yield from (path for mine, theirs in pairs for path in _beyond(mine, theirs))


def comparable(field: str, value: Any) -> Any:
    """A value whose lists are in an order that says nothing where theirs does not; whatever it is, it may be wrong."""
    if isinstance(value, Mapping):
        return {name: comparable(name, one) for name, one in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        given = cast("Sequence[Any]", value)
        items: list[Any] = [_dated(one) if field == "reports" else comparable("", one) for one in given]
        key = _UNORDERED.get(field) or _SORTED.get(field)
        if key and all(isinstance(one, dict) for one in items):
            return sorted(items, key=lambda one: _place(one.get(key)))
        return items
    return value


def _dated(report: Any) -> Any:
    return {name: report.get(name) for name in _REPORT} if isinstance(report, Mapping) else report  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _place(value: Any) -> tuple[float, str]:
    """Where a value stands in an order: numbers by themselves, before words."""
    return (value, "") if isinstance(value, int | float) else (float("inf"), str(value))


def agree(one: Any, other: Any) -> bool:
    """Whether two values are the same, objects in what both of them say."""
    if isinstance(one, dict) and isinstance(other, dict):
        mine, theirs = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        common = mine.keys() & theirs.keys()
        return bool(common) and all(agree(mine[name], theirs[name]) for name in common)
    if isinstance(one, list) and isinstance(other, list):
        left, right = cast("list[Any]", one), cast("list[Any]", other)
        return len(left) == len(right) and all(agree(*pair) for pair in zip(left, right, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and one == other  # to Python, 1 is True
