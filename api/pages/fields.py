"""Fields of views in words, each with what it was and what it is: all that a difference tells, and nothing else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from api.pages.visit import Visit
from api.services.phrases import catalogue
from api.services.told import Names, said
from projections.views.history import Change

_DAYS: Final = frozenset({"due", "completedOn", "effectiveOn", "issuedOn"})


class FieldTold(NamedTuple):
    """A field that differs, by its name for programs and for people: of lists what is gone and what has come."""

    field: str
    name: Markup
    before: Sequence[Markup]
    after: Sequence[Markup]


def fields_told(changes: Iterable[Change], names: Names, visit: Visit[Any]) -> Sequence[FieldTold]:
    """Every field that differs."""
    return [_field(one, names, visit) for one in changes]


def _field(change: Change, names: Names, visit: Visit[Any]) -> FieldTold:
    key = change.field
    name = visit.t(f"field.{key}") if f"field.{key}" in catalogue() else visit.t(f"compared.{key}")
    gone, come = gone_and_come(change)
    if not gone and not come:  # the same in another order
        gone, come = _items(change.before), _items(change.after)

    def told(values: Sequence[Any]) -> Sequence[Markup]:
        return [_value(key, one, names, visit) for one in values]

    return FieldTold(key, name, told(gone), told(come))


def gone_and_come(change: Change) -> tuple[Sequence[Any], Sequence[Any]]:
    """The values of a field that are gone, and those that have come; of a list only the items that differ."""
    before, after = _items(change.before), _items(change.after)
    return [one for one in before if one not in after], [one for one in after if one not in before]


def _items(value: Any) -> Sequence[Any]:
    match value:
        case None:
            return ()
        case list() | tuple():
            return value  # pyright: ignore[reportUnknownVariableType]
        case _:
            return (value,)


def _value(field: str, value: Any, names: Names, visit: Visit[Any]) -> Markup:
    """One value of a field in words."""
    match field, value:
        case _, dict():
            return _PARTS.get(field, _named)(visit, value)  # pyright: ignore[reportUnknownArgumentType]
        case (("reportedStatus" | "status" | "scheduleStatus"), _):
            return _badge(visit, field, value)
        case (("evidenceStatus" | "membership"), _):
            return visit.t(f"evidence.{value}") if field == "evidenceStatus" else visit.t(f"membership.{value}")
        case "event", _:
            return visit.t("history.position", position=value)
        case "task", _:
            return visit.t("task.n", number=names.number(value))
        case (("plan" | "district"), _):
            return visit.words(names.called(f"{field}:{value}") or value)
        case _ if field in _DAYS:
            return visit.day(value if isinstance(value, date) else date.fromisoformat(value))
        case _:
            return said(field, value, names, visit)


def _badge(visit: Visit[Any], field: str, value: str) -> Markup:
    """A status as it is drawn everywhere."""
    words = visit.t(f"schedule.{value}" if field == "scheduleStatus" else f"status.{value}")
    return Markup('<span class="badge {}">{}</span>').format(value, words)


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _named(visit: Visit[Any], value: Mapping[str, Any]) -> Markup:
    return visit.words(value["name"])


def _answered(visit: Visit[Any], value: Mapping[str, Any]) -> Markup:
    """How many have reported, of how many, and who has not."""
    silent = visit.listed([_named(visit, one) for one in value["silent"]])
    of = value["of"] if value["of"] is not None else visit.t("answered.open")
    count = visit.t("answered.count", count=value["count"], of=of)
    return visit.t("answered.silent", count=count, names=silent) if silent else count


def _assignment(visit: Visit[Any], value: Mapping[str, Any]) -> Markup:
    """Who takes part, how, in which very words, and who acts in its place."""
    literal, name = value["literal"], value["assignee"]["name"]
    parts = [visit.t("who.how", who=visit.words(literal), how=visit.t(f"role.{value['role']}"))]
    if name != literal:
        parts.append(visit.words(name))
    if value["actingUnits"]:
        acting = visit.listed([_named(visit, one) for one in value["actingUnits"]])
        parts.append(visit.t("answered.acting", names=acting))
    return visit.listed(parts)


def _report(visit: Visit[Any], value: Mapping[str, Any]) -> Markup:
    badge = _badge(visit, "status", value["status"])
    return Markup("{} {} {}").format(_named(visit, value["unit"]), visit.period(value["period"]), badge)


def _evidence(visit: Visit[Any], value: Mapping[str, Any]) -> Markup:
    marks = [value["title"] and value["title"]["_sd"], value["sha256"]]
    return Markup(" ").join([visit.words(value["url"]), *(_code(one) for one in marks if one)])


def _target(visit: Visit[Any], value: Mapping[str, Any]) -> Markup:
    literal, unit = visit.words(value["literal"]), visit.words(value["unit"])
    return visit.t("task.target", literal=literal, value=value["value"], unit=unit)


_PARTS: Final[Mapping[str, Callable[[Visit[Any], Mapping[str, Any]], Markup]]] = {
    "answered": _answered,
    "assignments": _assignment,
    "latestReports": _report,
    "evidence": _evidence,
    "targets": _target,
    "measurement": lambda visit, value: visit.words(f"{value['value']} {value['unit']}"),
    "narrative": lambda _, value: _code(value["_sd"]),
    "source": lambda _, value: Markup("{} {}").format(_code(value["document"]), value["line"] or ""),
    "counts": lambda visit, value: visit.t("plan.counts", **value),
    "tasks": lambda visit, value: visit.t("task.n", number=value["number"]),
}
