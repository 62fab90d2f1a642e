"""All steps in order: lines, zones, table, front, prose, comparison; then the draft."""

from collections.abc import Iterable, Sequence
from typing import Final

from domain.document import compare, form, front, prose, structure, table
from domain.document.assembly import measures_of, parts_of, tasks_of
from domain.document.draft import Doubt, Reading
from domain.document.lines import Line, cleaned, folded, text_of
from domain.document.names import names_of
from domain.document.reference import REFERENCE, Reference
from domain.document.zones import zones_of

_MOST_OF_A_KIND: Final = 1_000
_COLUMNS: Final = " | ".join(names[0] for names in form.COLUMNS)


def read(source: str | bytes, reference: Reference = REFERENCE) -> Reading:
    """Read an official document as a draft of the plan with every doubt, or a Reading that is no plan and says why.

    Bytes are UTF-8, with or without BOM; UnreadableDocument if they are not. No text raises.
    """
    lines, doubts = cleaned(text_of(source) if isinstance(source, bytes) else source)
    zones = zones_of(lines)
    if zones is None:
        return Reading(is_plan=False, doubts=_sorted([*doubts, _no_table(lines)]))
    begin = next((at for at, line in enumerate(zones.prose) if prose.is_mark(line)), len(zones.prose))
    title = front.title_of(zones.prose[:begin], zones.prose)
    printed = table.read(_without_heads(zones.table, title))
    doubts += [*zones.doubts, *printed.doubts]
    if not printed.tasks:
        detail = f"A table {_COLUMNS} begins here, but no row of it could be read, so this is no plan."
        return Reading(
            is_plan=False, doubts=_sorted([*doubts, Doubt("tasks_missing", (zones.table[0].number,), detail)])
        )
    told = prose.read(_without_heads(zones.prose[begin:], title), _titles(printed))
    opening = front.front_of(zones.prose[:begin], title)
    found = compare.comparison_of(told, printed)
    tasks, unsure = tasks_of(told, printed, names_of(reference))
    doubts += [
        *title.doubts,
        *opening.doubts,
        *told.doubts,
        *found.doubts,
        *structure.doubts_of(told, printed),
        *unsure,
    ]
    return Reading(
        is_plan=True,
        title=title.text,
        preamble=opening.preamble,
        parts=parts_of(told, printed),
        measures=measures_of(told, printed, found.unassigned),
        tasks=tasks,
        doubts=_sorted(doubts),
    )


def _no_table(lines: Sequence[Line]) -> Doubt:
    if not lines:
        return Doubt("document_empty", (), "The document holds no text.")
    head = lines[0].text[:200].lower()
    if head.startswith(("<!doctype", "<html", "<?xml", "%pdf", "pk")):
        return Doubt("not_plain_text", (lines[0].number,), "This is no plain text: save the document as text in UTF-8.")
    detail = f"No table with the columns {_COLUMNS} stands in this text, so it is no plan of a form known here."
    return Doubt("table_missing", (), detail)


def _without_heads(lines: Iterable[Line], title: front.Title) -> list[Line]:
    """Without the title and the caption, wherever a page repeats them."""
    return [line for line in lines if line.number not in title.caption and folded(line.text) not in title.heads]


def _titles(printed: table.Table) -> prose.Titles:
    return prose.Titles(
        parts={number: folded(part.title) for number, part in printed.parts.items()},
        measures={number: folded(measure.title()) for number, measure in printed.measures.items()},
    )


def _sorted(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Order doubts by line; of a kind that fills pages, the rest stands together, its lines still named one by one."""
    shown: dict[str, list[Doubt]] = {}
    for doubt in sorted(doubts, key=lambda doubt: (doubt.lines[:1], doubt.kind, doubt.detail)):
        shown.setdefault(doubt.kind, []).append(doubt)
    kept = [doubt for same in shown.values() for doubt in same[:_MOST_OF_A_KIND]]
    for kind, rest in ((kind, same[_MOST_OF_A_KIND:]) for kind, same in shown.items()):
        if rest:
            lines = tuple(dict.fromkeys(line for doubt in rest for line in doubt.lines))
            kept.append(Doubt(kind, lines, f"{len(rest)} more of this kind, the first: {rest[0].detail}"))
    return tuple(sorted(kept, key=lambda doubt: (doubt.lines[:1], doubt.kind, doubt.detail)))
