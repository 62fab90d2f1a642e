"""What differs between two days as a page draws it: each field with both its values, and the changes in groups.

What is drawn is the list that `/v1/diff` gives, item by item and field by field: nothing is left out, nothing is added.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec
from markupsafe import Markup

from api.pages.visit import Visit
from api.services.phrases import catalogue
from api.services.told import Names, said, subject
from projections.views.diff import Changed, Outcome
from projections.views.history import Change
from projections.views.subjects import SUBJECTS, Kind
from projections.views.tasks import ReportedStatus, ScheduleStatus

_RANK: Final = {str(status): rank for rank, status in enumerate(ReportedStatus)}
_DAYS: Final = frozenset({"due", "completedOn", "effectiveOn", "issuedOn"})


class Trait(StrEnum):
    """What a change of a task means; one can mean several things."""

    WORSE = "worse"
    OVERDUE = "overdue"
    COMPLETED = "completed"
    BETTER = "better"  # and not completed
    REWORDED = "reworded"
    DUTIES = "duties"
    LISTED = "listed"  # came, went, was withdrawn or reinstated
    OTHER = "other"


class FieldTold(NamedTuple):
    """A field that differs, by its name for programs and for people: of lists what is gone and what has come."""

    field: str
    name: Markup
    before: Sequence[Markup]
    after: Sequence[Markup]


class ChangeTold(msgspec.Struct, frozen=True):
    """A change in words; `address` is the page of what changed, if it has one; `words` are a task's own."""

    changed: Changed
    subject: Markup
    address: str | None
    words: str
    fields: Sequence[FieldTold]

    @property
    def turns(self) -> Sequence[FieldTold]:
        """The statuses that changed."""
        turned = (one for one in self.fields if one.field in {"reportedStatus", "scheduleStatus"})
        return list(turned) if self.changed.change is Outcome.CHANGED else ()


class TaskChanged(msgspec.Struct, frozen=True):
    """A task with what changed of itself, if anything did, and of the reports on it."""

    key: str
    own: ChangeTold
    reports: Sequence[ChangeTold]


class Differences(msgspec.Struct, frozen=True):
    """All changes: those of tasks by what they mean, where one may stand more than once, and the others."""

    tasks: Mapping[Trait, Sequence[TaskChanged]]
    others: Sequence[ChangeTold]


class Telling:
    """Tells changes in words, by the names and the words that the later day has."""

    def __init__(self, names: Names, words: Mapping[str, str], visit: Visit[Any]) -> None:
        self._names = names
        self._words = words
        self._visit = visit

    def all(self, changed: Iterable[Changed]) -> Differences:
        """All changes, in groups."""
        own: dict[str, Changed] = {}
        reports: dict[str, list[ChangeTold]] = {}
        others: list[ChangeTold] = []
        for one in changed:
            if one.kind is Kind.TASK:
                own[one.id] = one
            elif one.kind is Kind.REPORT:
                reports.setdefault(one.id.rsplit("/", 2)[0], []).append(self._told(one))
            else:
                others.append(self._told(one))
        found: dict[Trait, list[TaskChanged]] = {trait: [] for trait in Trait}
        for task in dict.fromkeys((*own, *reports)):
            its = own.get(task) or Changed(Kind.TASK, task, Outcome.UNCHANGED, ())
            told = TaskChanged(task, self._told(its), reports.get(task, ()))
            for trait in traits(its):
                found[trait].append(told)
        return Differences(found, others)

    def _told(self, one: Changed) -> ChangeTold:
        """A change in words."""
        t, last = self._visit.t, one.id.rpartition("/")[2]
        name, path = subject(SUBJECTS[one.kind].stream(one.id), self._names, self._visit)
        match one.kind:
            case "part" | "measure":
                name = t("changes.of", subject=name, part=t(f"field.{one.kind}"), number=last)
            case "report":
                name = self._visit.words(self._names.unit(one.id.split("/")[-2]))
            case _:
                pass
        words = next((str(change.after or change.before) for change in one.changes if change.field == "text"), None)
        return ChangeTold(
            one,
            name,
            self._visit.link(path) if path else None,
            words or self._words.get(one.id, ""),
            [self._field(change) for change in one.changes],
        )

    def _field(self, change: Change) -> FieldTold:
        """A field that differs, in words."""
        key = change.field
        name = self._visit.t(f"field.{key}") if f"field.{key}" in catalogue() else self._visit.t(f"compared.{key}")
        before, after = _items(change.before), _items(change.after)
        gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
        if not gone and not come:  # the same in another order, or nothing beside what is empty
            gone, come = before, after
        return FieldTold(key, name, [self._value(key, one) for one in gone], [self._value(key, one) for one in come])

    def _value(self, field: str, value: Any) -> Markup:
        """One value of a field in words."""
        visit, names = self._visit, self._names
        match field, value:
            case _, dict():
                return self._structure(field, value)  # pyright: ignore[reportUnknownArgumentType]
            case (("reportedStatus" | "status" | "scheduleStatus"), _):
                return self._badge(field, value)
            case "evidenceStatus", _:
                return visit.t(f"evidence.{value}")
            case "membership", _:
                return visit.t(f"membership.{value}")
            case "event", _:
                return visit.t("history.position", position=value)
            case "task", _:
                return visit.t("task.n", number=names.number(value))
            case "plan", _:
                return visit.words(names.called(f"plan:{value}") or value)
            case "district", _:
                return visit.words(names.called(f"district:{value}") or value)
            case _ if field in _DAYS:
                return visit.day(value if isinstance(value, date) else date.fromisoformat(value))
            case _:
                return said(field, value, names, visit)

    def _structure(self, field: str, value: dict[str, Any]) -> Markup:
        """A value that has parts."""
        visit = self._visit
        match field:
            case "answered":
                return self._answered(value)
            case "assignments":
                return self._assignment(value)
            case "latestReports":
                who = visit.words(value["unit"]["name"]), visit.period(value["period"])
                return Markup("{} {} {}").format(*who, self._badge("status", value["status"]))
            case "targets":
                parts = visit.words(value["literal"]), value["value"], visit.words(value["unit"])
                return visit.t("task.target", literal=parts[0], value=parts[1], unit=parts[2])
            case "measurement":
                return visit.words(f"{value['value']} {value['unit']}")
            case "narrative":
                return _code(value["_sd"])
            case "evidence":
                marks = (one for one in (value["title"] and value["title"]["_sd"], value["sha256"]) if one)
                return Markup(" ").join([visit.words(value["url"]), *map(_code, marks)])
            case "source":
                return Markup("{} {}").format(_code(value["document"]), value["line"] or "")
            case "counts":
                return visit.t("plan.counts", **value)
            case "tasks":
                return visit.t("task.n", number=value["number"])
            case _:  # with its name
                return visit.words(value["name"])

    def _answered(self, value: dict[str, Any]) -> Markup:
        """How many have reported, of how many, and who has not."""
        visit = self._visit
        silent = visit.listed([visit.words(one["name"]) for one in value["silent"]])
        of = value["of"] if value["of"] is not None else visit.t("answered.open")
        count = visit.t("answered.count", count=value["count"], of=of)
        return visit.t("answered.silent", count=count, names=silent) if silent else count

    def _assignment(self, value: dict[str, Any]) -> Markup:
        """Who takes part, how, in which very words, and who acts in its place."""
        visit = self._visit
        told = visit.t("who.how", who=visit.words(value["literal"]), how=visit.t(f"role.{value['role']}"))
        name = value["assignee"]["name"]
        acting = visit.listed([visit.words(one["name"]) for one in value["actingUnits"]])
        parts = [told]
        if name != value["literal"]:
            parts.append(visit.words(name))
        if acting:
            parts.append(visit.t("answered.acting", names=acting))
        return visit.listed(parts)

    def _badge(self, field: str, value: str) -> Markup:
        """A status as it is drawn everywhere."""
        words = self._visit.t(f"schedule.{value}" if field == "scheduleStatus" else f"status.{value}")
        return Markup('<span class="badge {}">{}</span>').format(value, words)


def traits(one: Changed) -> Sequence[Trait]:
    """What a change of a task means."""
    fields = {change.field: change for change in one.changes}
    if one.change in {Outcome.ADDED, Outcome.REMOVED}:
        return [Trait.LISTED]
    found: list[Trait] = []
    if status := fields.get("reportedStatus"):
        before, after = _RANK[status.before], _RANK[status.after]
        done = status.after == ReportedStatus.COMPLETED
        found.append(Trait.COMPLETED if done else Trait.BETTER if after > before else Trait.WORSE)
    if (schedule := fields.get("scheduleStatus")) and schedule.after == ScheduleStatus.OVERDUE:
        found.append(Trait.OVERDUE)
    found += [Trait.REWORDED] if "text" in fields else []
    found += [Trait.DUTIES] if fields.keys() & {"assignments", "openEnded"} else []
    found += [Trait.LISTED] if "withdrawn" in fields else []
    return found or [Trait.OTHER]


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _items(value: Any) -> Sequence[Any]:
    match value:
        case None:
            return ()
        case list() | tuple():
            return value  # pyright: ignore[reportUnknownVariableType]
        case _:
            return (value,)
