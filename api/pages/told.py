"""Facts and versions in words: what was done to what, from when on, why, and under which authority."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, cast

import msgspec
from markupsafe import Markup

from api.pages.fields import gone_and_come
from api.pages.visit import Visit
from api.services.told import TOLD, Names, said, task_of, telling
from domain.fact import subject_of
from domain.plan_import import ImportPlan
from domain.record import command_name
from events.recorded import Recorded
from projections.as_of import Moment
from projections.views.districts import DISTRICTS
from projections.views.events import DisclosureView, EventView, Presence
from projections.views.history import Change, Version
from projections.views.names import PLANS, PLATFORMS, UNITS, Named
from projections.views.subjects import Kind
from projections.views.tasks import TASKS
from projections.wanted import wanted

IMPORT: Final = command_name(ImportPlan)
Sides = tuple[Markup, Sequence[Markup], Sequence[Markup]]  # a field's name, what is gone, and what has come


class FactTold(msgspec.Struct, frozen=True):
    """A fact in words; `address` is the page of its subject, if it has one.

    `office` is the name of who recorded it, if that is a unit of the record.
    """

    fact: EventView
    office: str | None
    act: Markup
    subject: Markup
    address: str | None
    details: Sequence[tuple[Markup, Markup]]


class VersionTold(msgspec.Struct, frozen=True):
    """A version in words: each field that changed with what is gone and what has come, and what undid its fact.

    The versions that an import made are told as one, the last of them; `facts` are those of all of them.
    Of a report `reporter` is the unit whose it is.
    """

    version: Version
    reporter: Named | None
    told: FactTold
    changes: Sequence[Sides]
    undone: Recorded | None
    facts: Sequence[EventView]


async def names_for(visit: Visit[Any], moment: Moment, facts: Iterable[EventView]) -> Names:
    """How everything is called at a moment that these facts are about or name."""
    tasks = sorted({task for fact in facts if (task := task_of(fact.stream))})
    wants = (wanted(UNITS), wanted(PLANS), wanted(DISTRICTS), wanted(PLATFORMS))
    return Names(await visit.request.reader.read(moment, (*wants, *((wanted(TASKS, key=tasks),) if tasks else ()))))


def as_recorded(value: Any, texts: Mapping[str, DisclosureView], visit: Visit[Any]) -> Markup:
    """A value of a fact's field just as it was recorded; a text that stands beside it is told in its place."""
    match value:
        case {"_sd": str(digest)}:
            return text_told(texts[digest], visit)
        case dict():
            own = [(name, one) for name, one in cast("Mapping[str, Any]", value).items() if one is not None]
            parts = (Markup("<code>{}</code> {}").format(name, as_recorded(one, texts, visit)) for name, one in own)
            return visit.listed(list(parts))
        case list() | tuple():
            items = [as_recorded(one, texts, visit) for one in cast("Sequence[Any]", value)]
            return Markup("<br>").join(items) or visit.t("event.nothing")
        case bool():
            return visit.t("yes" if value else "no")
        case _:
            return visit.words(str(value))


def text_told(text: DisclosureView, visit: Visit[Any]) -> Markup:
    """A text that may be erased, or what became of it."""
    match text.state:
        case Presence.PRESENT:
            return visit.words(text.value or "")
        case Presence.ERASED:
            return visit.t("event.text.erased")
        case Presence.WITHHELD:
            return visit.t("event.text.withheld")


def facts_told(facts: Iterable[EventView], names: Names, visit: Visit[Any]) -> list[FactTold]:
    """Facts in words."""
    return [_told(fact, names, visit) for fact in facts]


def versions_told(
    versions: Iterable[Version], undoing: Mapping[int, Recorded], names: Names, visit: Visit[Any]
) -> list[VersionTold]:
    """Versions in words, the last recorded first; `undoing`: what undid a fact, by the fact's position.

    Those whose fact only cuts short what held before say nothing new, and are left out.
    """
    told = groupby((one for one in versions if one.changes), _together)
    return [_version(list(some), undoing, names, visit) for _, some in told][::-1]


def _together(version: Version) -> tuple[object, ...]:
    """What the versions share that are told as one."""
    cause, known = version.fact.cause, version.known.from_
    return (version.stream, cause.request) if cause.command == IMPORT else (known, version.effective.from_)


def _version(some: Sequence[Version], undoing: Mapping[int, Recorded], names: Names, visit: Visit[Any]) -> VersionTold:
    changes: dict[str, Change] = {}
    for one in (change for version in some for change in version.changes):
        before = changes[one.field].before if one.field in changes else one.before
        changes[one.field] = Change(one.field, before, one.after)
    last, facts = some[-1], list({one.fact.position: one.fact for one in some}.values())
    told, sides = _told(last.fact, names, visit), sides_of(changes.values(), names, visit)
    kind, key = subject_of(last.stream)
    unit = key.rpartition("/")[2]
    reporter = Named(unit, names.unit(unit)) if kind == Kind.REPORT else None
    return VersionTold(last, reporter, told, sides, undoing.get(last.fact.position), facts)


def sides_of(changes: Iterable[Change], names: Names, visit: Visit[Any]) -> list[Sides]:
    """Each field that a page tells of, with what is gone and what has come; not what something came without."""
    told = [one for one in changes if one.field in TOLD and (one.before, one.after) != (None, False)]
    return [(visit.t(f"field.{one.field}"), *_sides(one, names, visit)) for one in told]


def _told(fact: EventView, names: Names, visit: Visit[Any]) -> FactTold:
    about, path, act, details = telling(fact, names, visit)
    return FactTold(fact, names.office(fact.actor), act, about, visit.link(path) if path else None, details)


def _sides(change: Change, names: Names, visit: Visit[Any]) -> tuple[Sequence[Markup], Sequence[Markup]]:
    """What is gone and what has come, in words."""
    gone, come = gone_and_come(change)
    return (
        [said(change.field, one, names, visit) for one in gone],
        [said(change.field, one, names, visit) for one in come],
    )
