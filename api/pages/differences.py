"""What differs between two days as a page draws it: each field with both its values, and the changes in groups.

What is drawn is the list that `/v1/diff` gives, item by item and field by field: nothing is left out, nothing is added.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from markupsafe import Markup

from api.pages.fields import FieldTold, fields_told
from api.pages.visit import Visit
from api.services.told import Names, subject
from projections.views.diff import Changed, Outcome
from projections.views.subjects import SUBJECTS, Kind
from projections.views.tasks import ReportedStatus, ScheduleStatus

_RANK: Final = {str(status): rank for rank, status in enumerate(ReportedStatus)}


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


class Grouped(msgspec.Struct, frozen=True):
    """All changes: those of tasks by what they mean, where one may stand more than once, and the others."""

    tasks: Mapping[Trait, Sequence[TaskChanged]]
    others: Sequence[ChangeTold]


class Teller:
    """Tells changes in words, by the names and the words that the later day has."""

    def __init__(self, names: Names, words: Mapping[str, str], visit: Visit[Any]) -> None:
        self._names = names
        self._words = words
        self._visit = visit

    def all(self, changed: Iterable[Changed]) -> Grouped:
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
        return Grouped(found, others)

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
            fields_told(one.changes, self._names, self._visit),
        )


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
