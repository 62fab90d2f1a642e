"""Step 7: the prose against the table: what one half says and the other does not."""

from collections.abc import Container, Iterable, Iterator, Mapping

import msgspec

from domain.document import form
from domain.document.draft import Doubt
from domain.document.lines import Line, Passage, divided, folded, quote
from domain.document.prose import Prose
from domain.document.table import Table, TableTask

_ALIKE = 0.6  # share of the shorter text's pairs of characters that both have
_EFFORT = 4_000_000  # characters compared in search of likeness, at most; beyond, each text is said by itself
_CONTEXT = 3


class Comparison(msgspec.Struct, frozen=True):
    """Sentences that no task carries, by measure, and every doubt."""

    unassigned: Mapping[int, tuple[str, ...]]
    doubts: tuple[Doubt, ...]


class _Orphan(msgspec.Struct, frozen=True):
    """A sentence that the other half lacks, and the task it belongs to in the table."""

    text: str
    lines: tuple[int, ...]
    task: int = 0


def comparison_of(prose: Prose, table: Table) -> Comparison:
    """Hold every sentence of a point against the tasks, every task against the point of its measure."""
    carried = {clause for task in table.tasks for clause in clauses(task.text)}
    written = {number: {c for s in point.sentences for c in clauses(s.text)} for number, point in prose.points.items()}
    lost = {number: list(_missing(point.sentences, carried)) for number, point in prose.points.items()}
    strange: dict[int, list[_Orphan]] = {}
    doubts = list(_misplaced(table.tasks, written))
    misplaced = {line for doubt in doubts for line in doubt.lines}
    for task in table.tasks:
        if task.measure in written and task.line not in misplaced:
            sentences = divided([Line(task.line, task.text)], form.SENTENCE)
            orphans = _missing(sentences, written[task.measure], task.number)
            strange.setdefault(task.measure, []).extend(orphans)
    pairs = _pairs(lost, strange)
    unassigned: dict[int, tuple[str, ...]] = {}
    for number, orphans in lost.items():
        alone = [orphan for orphan in orphans if orphan not in pairs.values()]
        unassigned[number] = tuple(orphan.text for orphan in alone)
        doubts.extend(_lost(orphan, number) for orphan in alone)
    doubts.extend(_strange(orphan, number, pairs) for number, orphans in strange.items() for orphan in orphans)
    return Comparison(unassigned, tuple(doubts))


def clauses(text: str) -> list[str]:
    """Cut folded text at full stops and semicolons, the unit in which both halves are compared."""
    return [clause for clause in form.CLAUSE_END.split(folded(text)) if clause]


def differing(words: str, others: str) -> tuple[str, str]:
    """Cut both texts from a little before their first difference to a little after their last."""
    start = _agreement(words, others)
    end = _agreement(words[start:][::-1], others[start:][::-1])
    before, after = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    return words[before : len(words) - after], others[before : len(others) - after]


def _agreement(words: str, others: str) -> int:
    pairs = zip(words, others, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(words), len(others)))


def _missing(sentences: Iterable[Passage], known: Container[str], task: int = 0) -> Iterator[_Orphan]:
    for sentence in sentences:
        if any(clause not in known for clause in clauses(sentence.text)):
            yield _Orphan(sentence.text, sentence.lines, task)


def _misplaced(tasks: Iterable[TableTask], written: Mapping[int, set[str]]) -> Iterator[Doubt]:
    """Tasks whose words stand in the point of another measure than the table puts them under."""
    home = {clause: number for number, found in written.items() for clause in found}
    for task in tasks:
        found = clauses(task.text)
        homes = {home.get(clause) for clause in found}
        if found and not any(clause in written.get(task.measure or 0, ()) for clause in found) and homes != {None}:
            points = ", ".join(str(number) for number in sorted(homes - {None}, key=str))
            place = f"measure {task.measure}" if task.measure else "no measure"
            yield Doubt(
                "measure_differs", task.lines, f"Task {task.number} stands under {place}, its words in point {points}."
            )


def _pairs(lost: Mapping[int, list[_Orphan]], strange: Mapping[int, list[_Orphan]]) -> dict[_Orphan, _Orphan]:
    """Find the sentence of the prose that a sentence of the table varies, where one is alike enough."""
    effort, pairs = _EFFORT, dict[_Orphan, _Orphan]()
    for number, orphans in strange.items():
        candidates = [(orphan, _bigrams(orphan.text)) for orphan in lost.get(number, ())]
        for orphan in orphans:
            own = _bigrams(orphan.text)
            effort -= sum(min(len(own), len(other)) for _, other in candidates) + len(candidates)
            if effort < 0:
                return pairs
            alike = [
                (len(own & other) / max(1, min(len(own), len(other))), other_orphan)
                for other_orphan, other in candidates
            ]
            best = max(alike, key=lambda pair: pair[0], default=None)
            if best and best[0] >= _ALIKE:
                pairs[orphan] = best[1]
    return pairs


def _bigrams(text: str) -> frozenset[str]:
    key = folded(text)
    return frozenset(key[at : at + 2] for at in range(len(key) - 1))


def _lost(orphan: _Orphan, number: int) -> Doubt:
    return Doubt(
        "prose_not_in_table", orphan.lines, f"No task carries this sentence of point {number}: {quote(orphan.text)}."
    )


def _strange(orphan: _Orphan, number: int, pairs: Mapping[_Orphan, _Orphan]) -> Doubt:
    twin = pairs.get(orphan)
    if twin is None:
        detail = f"Point {number} does not hold these words of task {orphan.task}: {quote(orphan.text)}."
        return Doubt("table_not_in_prose", orphan.lines, detail)
    prose, table = map(quote, differing(twin.text, orphan.text))
    return Doubt(
        "prose_differs", twin.lines + orphan.lines, f"Task {orphan.task}: the prose reads {prose}, the table {table}."
    )
