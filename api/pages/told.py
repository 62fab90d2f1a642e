"""Facts and versions in words: what was done to what, from when on, why, and under which authority."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from markupsafe import Markup

from api.pages.visit import Visit
from api.services.told import TOLD, Names, said, telling
from projections.views.events import EventView, undone_in
from projections.views.history import Change, Version
from projections.views.tasks import ReportRef

Sides = tuple[Markup, Sequence[Markup], Sequence[Markup]]  # a field's name, what is gone, and what has come


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
    about, path, act, details = telling(fact, names, visit)
    return FactTold(fact, act, about, visit.link(path) if path else None, details)


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
