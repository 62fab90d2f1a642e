"""Step 9: the cell 责任单位 as assignments: A、B牵头,C、D按职责分工负责."""

from collections.abc import Iterator, Sequence

import msgspec

from domain.document.draft import Doubt, DraftAssignment
from domain.document.lines import folded, quote
from domain.document.names import UnitNames, resolved
from domain.document.roles import Group, groups_of
from domain.values import Role

_Problem = tuple[str, str]  # kind and detail of a doubt


class Cell(msgspec.Struct, frozen=True):
    """What one cell says, and whether it leaves its list open (等)."""

    assignments: tuple[DraftAssignment, ...]
    open_ended: bool
    doubts: tuple[Doubt, ...]


def read(cell: str, lines: tuple[int, ...], names: UnitNames) -> Cell:
    """Read a cell as assignments in the order of its words, with a doubt about all that is not certain."""
    groups = groups_of(cell, names)
    some_role = any(group.role for group in groups)
    assignments = [
        DraftAssignment(literal, unit, group.role or Role.NAMED)
        for group in groups
        if not group.odd
        for literal, unit in resolved(group.items, names)
    ]
    kept, repeated = _distinct(assignments)
    problems = [] if groups else [("unit_cell_empty", "No unit is named for this task.")]
    problems += [problem for group in groups for problem in _roles(group, some_role=some_role)]
    problems += [*_unknown(kept), *repeated]
    open_ended = any(group.open_ended for group in groups)
    return Cell(tuple(kept), open_ended, tuple(Doubt(kind, lines, detail) for kind, detail in problems))


def _roles(group: Group, *, some_role: bool) -> Iterator[_Problem]:
    if group.odd:
        yield "unknown_role", f"What this asks of whom is not known here, so nobody was assigned: {quote(group.odd)}."
    elif group.role is None and some_role:
        words = quote("、".join(group.items))
        yield "unknown_role", f"{words} stands without a role beside units that have one: taken as named only."


def _unknown(assignments: Sequence[DraftAssignment]) -> Iterator[_Problem]:
    for assignment in assignments:
        if assignment.unit is None:
            yield "unknown_unit", f"{quote(assignment.literal)} is not in the directory."


def _distinct(assignments: Sequence[DraftAssignment]) -> tuple[list[DraftAssignment], list[_Problem]]:
    """Keep each unit once per role. One unit in two roles stays twice, as the document says both; either is a doubt."""
    kept: dict[tuple[str, Role], DraftAssignment] = {}
    named: set[str] = set()
    repeated: list[_Problem] = []
    for assignment in assignments:
        unit = assignment.unit or folded(assignment.literal)
        if unit in named:
            repeated.append(("duplicate_unit", f"{quote(assignment.literal)} is “{unit}” once more in this row."))
        named.add(unit)
        kept.setdefault((unit, assignment.role), assignment)
    return list(kept.values()), repeated
