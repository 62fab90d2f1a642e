"""What a field costs: the rows that it is put together from, and about how many there are of it."""

from typing import Final

from projections.table import SliceTable
from projections.views.subjects import SUBJECTS
from projections.wanted import Wanted, wanted

Needs = frozenset[Wanted]
NO_NEEDS: Final[Needs] = frozenset()


def _all(*tables: SliceTable) -> Needs:
    """All rows of these tables."""
    return frozenset(map(wanted, tables))


_TYPES: Final[dict[str, Needs]] = {one.kind.capitalize(): _all(*one.made_of) for one in SUBJECTS.values()}
_FIELDS: Final[dict[tuple[str, str], Needs]] = {
    (one.kind.capitalize(), field): _all(*tables) for one in SUBJECTS.values() for field, tables in one.fields.items()
}

PAGE: Final = 0  # as many as a page has
_FEW: Final = 3
_FACTS: Final = 20  # about a subject
SIZES: Final[dict[tuple[str, str], int]] = {
    ("Plan", "parts"): 5,
    ("Plan", "measures"): 16,
    ("Plan", "allTasks"): 70,
    ("Part", "allTasks"): 14,
    ("Unit", "tasks"): 12,
    ("Unit", "members"): 2,  # 16 where it is a group, which few are
    ("District", "tasks"): 50,
}


def needs_of(type_: str) -> Needs:
    """What a node of this type is put together from."""
    return _TYPES.get(type_, NO_NEEDS)


def needs_of_field(type_: str, field: str) -> Needs:
    """What a field needs beyond what its type does."""
    return _FIELDS.get((type_, field), NO_NEEDS)


def size_of(type_: str, field: str) -> int:
    """About how many a list has, in a plan of the usual size."""
    return SIZES.get((type_, field), _FACTS if field in {"history", "events"} else _FEW)


def read_for(type_: str) -> int:
    """About how many facts a list of this type is read from as a whole, whatever is shown of it."""
    return _FACTS if type_ in {"Version", "Event"} else 0
