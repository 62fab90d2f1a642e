"""A fact in words, as pages and feeds say it: of what it is, what was done to it, and in which fields.

The words are those of `phrases.toml`; a `Voice` makes markup of them, or plain text.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from api.services.phrases import Lang, catalogue, day_text, period_text, seen
from domain.fact import subject_of
from projections.as_of import Rows
from projections.views.districts import DISTRICTS, DistrictRow
from projections.views.events import EventView
from projections.views.names import PLANS, PLATFORMS, PlanRow, PlatformRow, directory
from projections.views.tasks import TASKS, NumberedTask

# The fields of facts and states that are told: those for which there is a phrase, in the order of the phrases.
TOLD: Final = tuple(
    key.removeprefix("field.") for key in catalogue() if key.startswith("field.") and key != "field.position"
)
T = TypeVar("T", bound=str)


class Names:
    """How things are called at a moment, as far as its rows say it: others are called by their keys."""

    def __init__(self, rows: Rows) -> None:
        self._units = directory(rows)
        self._numbers = {one.id: one.number for one in rows.of(TASKS, NumberedTask)}
        self._called = {f"plan:{one.id}": one.title for one in rows.of(PLANS, PlanRow)}
        self._called |= {f"district:{one.code}": one.name for one in rows.of(DISTRICTS, DistrictRow)}
        self._called |= {f"platform:{one.id}": one.name for one in rows.of(PLATFORMS, PlatformRow)}

    def unit(self, key: str) -> str:
        """A unit's name."""
        return self._units.named(key).name

    def office(self, key: str) -> str | None:
        """The name of an office, if it is a unit of the record."""
        unit = self._units(key)
        return unit.name if unit else None

    def number(self, task: str) -> int:
        """A task's number; its key, where the task is not there at this moment."""
        return self._numbers.get(task, int(task.rpartition("/")[2]))

    def called(self, stream: str) -> str | None:
        """The name of a plan, a district or a platform, by its stream."""
        return self._called.get(stream)


class Voice(Protocol[T]):
    """How something is said: in a language, as markup or as plain text."""

    def t(self, key: str, **values: Any) -> T:
        """A phrase, with its values put in."""
        ...

    def words(self, text: str) -> T:
        """Words of the plan or of the record, which stay Chinese."""
        ...

    def key(self, text: str) -> T:
        """What a program calls something."""
        ...

    def day(self, day: date) -> T:
        """A day, as people write it."""
        ...

    def period(self, period: str) -> T:
        """A period of a report, as people write it."""
        ...

    def listed(self, items: Sequence[T]) -> T:
        """Several, one after the other."""
        ...


class PlainVoice:
    """Says it as plain text, in which what nobody sees stands by its code."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang

    def t(self, key: str, **values: Any) -> str:
        """A phrase, with its values put in."""
        return catalogue()[key][self.lang].format(**{name: seen(value) for name, value in values.items()})

    def words(self, text: str) -> str:
        """Words, as they are."""
        return str(seen(text))

    def key(self, text: str) -> str:
        """A key, as it is."""
        return str(seen(text))

    def day(self, day: date) -> str:
        """A day, as people of the language write it."""
        return day_text(self.lang, day)

    def period(self, period: str) -> str:
        """A period, as people of the language write it."""
        return period_text(self.lang, period)

    def listed(self, items: Sequence[str]) -> str:
        """Several, with commas between."""
        return ", ".join(items)


class InWords(NamedTuple, Generic[T]):
    """A fact in words: of what it is, and where that has its page, if it has one; what was done; in which fields."""

    subject: T
    path: str | None
    act: T
    details: Sequence[tuple[T, T]]


def telling(fact: EventView, names: Names, voice: Voice[T]) -> InWords[T]:
    """A fact in words. No text that may be erased is among them: of that a fact holds a digest alone."""
    about, path = subject(fact.stream, names, voice)
    act = voice.t(f"fact.{fact.type.rpartition('.')[0]}")
    if "target" in fact.data and fact.type.startswith("fact."):
        return InWords(about, path, act, [(voice.t("field.position"), voice.key(str(fact.data["target"])))])
    fields = [field for field in TOLD if fact.data.get(field) is not None]
    details = [(voice.t(f"field.{field}"), said(field, fact.data[field], names, voice)) for field in fields]
    return InWords(about, path, act, details)


def subject(stream: str, names: Names, voice: Voice[T]) -> tuple[T, str | None]:
    """What a stream is about, and where its page is."""
    kind, key = subject_of(stream)
    match kind:
        case "task":
            return voice.t("task.n", number=names.number(key)), page_path(stream)
        case "report":
            task, unit = key.rsplit("/", 1)
            who = voice.words(names.unit(unit))
            return voice.t("task.n.by", number=names.number(task), unit=who), task_path(task)
        case "unit":
            return voice.words(names.unit(key)), page_path(stream)
        case "log":
            return voice.t("the.log"), None
        case _:
            name = names.called(stream)
            return voice.key(key) if name is None else voice.words(name), page_path(stream)


def task_of(stream: str) -> str | None:
    """The task that a stream is about, if it is: itself, or a report on it."""
    kind, key = subject_of(stream)
    return {"task": key, "report": key.rpartition("/")[0]}.get(kind)


def page_path(stream: str) -> str | None:
    """The page of what a stream makes; None where that has none of its own."""
    kind, key = subject_of(stream)
    if kind == "task":
        return task_path(key)
    return f"/{kind}s/{key}" if kind in {"plan", "unit", "district"} else None


def task_path(task: str) -> str:
    """A task's page."""
    plan, _, key = task.partition("/")
    return f"/plans/{plan}/tasks/{key}"


def said(field: str, value: Any, names: Names, voice: Voice[T]) -> T:
    """A value of a field, in words."""
    match field, value:
        case _, bool():
            return voice.t("yes" if value else "no")
        case _, dict():
            return _structure(field, value, names, voice)  # pyright: ignore[reportUnknownArgumentType]
        case (("role" | "status" | "kind"), _):
            return voice.t(f"{field}.{value}")
        case "reportedStatus", _:
            return voice.t(f"status.{value}")
        case "scheduleStatus", _:
            return voice.t(f"schedule.{value}")
        case "due", _:
            return voice.day(value if isinstance(value, date) else date.fromisoformat(value))
        case "period", _:
            return voice.period(value)
        case "successors", list():
            units = [said(field, one, names, voice) for one in value]  # pyright: ignore[reportUnknownVariableType]
            return voice.listed(units) or voice.t("unit.successor.none")
        case (("unit" | "successor" | "successors" | "member"), _):
            return voice.words(names.unit(value))
        case _:
            return voice.words(str(value))


def _structure(field: str, value: dict[str, Any], names: Names, voice: Voice[T]) -> T:
    """An item of a list, as a state or as a view has it."""
    match field:
        case "assignments":
            unit = value["unit"] if "unit" in value else value["assignee"]["id"]
            return voice.t("who.how", who=voice.words(names.unit(unit)), how=voice.t(f"role.{value['role']}"))
        case "reports":
            return voice.t("who.how", who=voice.period(value["period"]), how=voice.t(f"status.{value['status']}"))
        case "targets":
            return voice.words(value["literal"])
        case _:  # a unit with its name
            return voice.words(names.unit(value["id"]))
