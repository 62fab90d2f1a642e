"""Facts and versions in words: what was done to what, from when on, why, and under which authority."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from markupsafe import Markup

from api.pages.phrases import catalogue
from api.pages.visit import Visit
from domain.fact import subject_of
from projections.as_of import Rows
from projections.views.events import EventView, undone_in
from projections.views.history import Change, Version
from projections.views.names import directory
from projections.views.tasks import TASKS, NumberedTask, ReportRef

# The fields of facts and states that a page tells of: those for which there is a phrase, in the order of the phrases.
TOLD: Final = tuple(
    key.removeprefix("field.") for key in catalogue() if key.startswith("field.") and key != "field.position"
)
Sides = tuple[Markup, Sequence[Markup], Sequence[Markup]]  # a field's name, what is gone, and what has come


class Names:
    """How things are called at a moment."""

    def __init__(self, rows: Rows) -> None:
        self._units = directory(rows)
        self._numbers = {one.id: one.number for one in rows.of(TASKS, NumberedTask)}

    def unit(self, key: str) -> str:
        """A unit's name."""
        return self._units.named(key).name

    def number(self, task: str) -> int:
        """A task's number; its key, where the task is not there at this moment."""
        return self._numbers.get(task, int(task.rpartition("/")[2]))


class FactTold(msgspec.Struct, frozen=True):
    """A fact in words; `address` is the page of its subject, if it has one."""

    fact: EventView
    act: Markup
    subject: Markup
    address: str | None
    details: Sequence[tuple[Markup, Markup]]


class VersionTold(msgspec.Struct, frozen=True):
    """A version in words: each field that changed with what is gone and what has come, and what undid its fact."""

    version: Version
    told: FactTold
    changes: Sequence[Sides]
    undone: EventView | None


class ReportTold(msgspec.Struct, frozen=True):
    """A report that counts, with its text, or None where there is none or it is withheld, and its evidence."""

    ref: ReportRef
    narrative: str | None
    withheld: bool
    evidence: Sequence[tuple[str, str | None]]


def facts_told(facts: Iterable[EventView], names: Names, visit: Visit[Any]) -> list[FactTold]:
    """Facts in words."""
    return [_told(fact, names, visit) for fact in facts]


def versions_told(versions: Iterable[Version], names: Names, visit: Visit[Any]) -> list[VersionTold]:
    """Versions in words, but for those whose fact only cuts short what held before: they say nothing new."""
    every = list(versions)
    by = {target: one.fact for one in every if (target := undone_in(one.fact)) is not None}
    return [
        VersionTold(one, _told(one.fact, names, visit), sides_of(one.changes, names, visit), by.get(one.fact.position))
        for one in every
        if one.changes
    ]


def sides_of(changes: Iterable[Change], names: Names, visit: Visit[Any]) -> list[Sides]:
    """Each field that a page tells of, with what is gone and what has come."""
    told = [one for one in changes if one.field in TOLD]
    return [(visit.t(f"field.{one.field}"), *_sides(one, names, visit)) for one in told]


def reports_told(refs: Sequence[ReportRef], facts: Iterable[EventView]) -> list[ReportTold]:
    """The reports that count, each with what its fact says."""
    by_position = {fact.position: fact for fact in facts}
    return [_report(ref, by_position[ref.event]) for ref in refs]


def _report(ref: ReportRef, fact: EventView) -> ReportTold:
    texts = {one.digest: one.value for one in fact.disclosures}

    def text_of(sealed: dict[str, str] | None) -> str | None:
        return texts.get(sealed["_sd"]) if sealed else None

    narrative = text_of(fact.data["narrative"])
    withheld = fact.data["narrative"] is not None and narrative is None
    evidence = [(one["url"], text_of(one["title"])) for one in fact.data["evidence"]]
    return ReportTold(ref, narrative, withheld, evidence)


def _told(fact: EventView, names: Names, visit: Visit[Any]) -> FactTold:
    about, path = subject(fact.stream, names, visit)
    act = visit.t(f"fact.{fact.type.rpartition('.')[0]}")
    if "target" in fact.data and fact.type.startswith("fact."):
        details = [(visit.t("field.position"), Markup("{}").format(fact.data["target"]))]
    else:
        fields = [field for field in TOLD if fact.data.get(field) is not None]
        details = [(visit.t(f"field.{field}"), said(field, fact.data[field], names, visit)) for field in fields]
    return FactTold(fact, act, about, visit.link(path) if path else None, details)


def subject(stream: str, names: Names, visit: Visit[Any]) -> tuple[Markup, str | None]:
    """What a stream is about, and where its page is."""
    kind, key = subject_of(stream)
    match kind:
        case "task":
            return visit.t("task.n", number=names.number(key)), task_path(key)
        case "report":
            task, unit = key.rsplit("/", 1)
            who = visit.words(names.unit(unit))
            return visit.t("task.n.by", number=names.number(task), unit=who), task_path(task)
        case "unit":
            return visit.words(names.unit(key)), f"/units/{key}"
        case "log":
            return visit.t("the.log"), None
        case "plan" | "district":
            return Markup("{}").format(key), f"/{kind}s/{key}"
        case _:
            return Markup("{}").format(key), None


def task_of(stream: str) -> str | None:
    """The task that a stream is about, if it is: itself, or a report on it."""
    kind, key = subject_of(stream)
    return {"task": key, "report": key.rpartition("/")[0]}.get(kind)


def task_path(task: str) -> str:
    """A task's page."""
    plan, _, key = task.partition("/")
    return f"/plans/{plan}/tasks/{key}"


def said(field: str, value: Any, names: Names, visit: Visit[Any]) -> Markup:
    """A value of a field, in words."""
    match field, value:
        case _, bool():
            return visit.t("yes" if value else "no")
        case _, dict():
            return _structure(field, value, names, visit)  # pyright: ignore[reportUnknownArgumentType]
        case (("role" | "status" | "kind"), _):
            return visit.t(f"{field}.{value}")
        case "reportedStatus", _:
            return visit.t(f"status.{value}")
        case "scheduleStatus", _:
            return visit.t(f"schedule.{value}")
        case "due", _:
            return visit.day(value if isinstance(value, date) else date.fromisoformat(value))
        case "successors", list():
            units = [said(field, one, names, visit) for one in value]  # pyright: ignore[reportUnknownVariableType]
            return Markup(", ").join(units) or visit.t("unit.successor.none")
        case (("unit" | "successor" | "successors" | "member"), _):
            return visit.words(names.unit(value))
        case _:
            return visit.words(str(value))


def _structure(field: str, value: dict[str, Any], names: Names, visit: Visit[Any]) -> Markup:
    """An item of a list, as a state or as a view has it."""
    match field:
        case "assignments":
            unit = value["unit"] if "unit" in value else value["assignee"]["id"]
            return visit.t("who.how", who=visit.words(names.unit(unit)), how=visit.t(f"role.{value['role']}"))
        case "reports":
            return visit.t("who.how", who=value["period"], how=visit.t(f"status.{value['status']}"))
        case "targets":
            return visit.words(value["literal"])
        case _:  # a unit with its name
            return visit.words(names.unit(value["id"]))


def _sides(change: Change, names: Names, visit: Visit[Any]) -> tuple[Sequence[Markup], Sequence[Markup]]:
    """What is gone and what has come; of a list only the items that differ."""
    before, after = _items(change.before), _items(change.after)
    return (
        [said(change.field, one, names, visit) for one in before if one not in after],
        [said(change.field, one, names, visit) for one in after if one not in before],
    )


def _items(value: Any) -> Sequence[Any]:
    match value:
        case None:
            return ()
        case list() | tuple():
            return value  # pyright: ignore[reportUnknownVariableType]
        case _:
            return (value,)
