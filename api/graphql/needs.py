"""What a field costs: the rows that it is put together from, and about how many there are of it."""

from typing import Final

from projections.table import SliceTable
from projections.views.districts import DISTRICTS
from projections.views.names import PLANS, UNITS
from projections.views.plans import MEASURES, PARTS
from projections.views.platforms import PLATFORMS
from projections.views.reports import REPORTS
from projections.views.said import SAID
from projections.views.tasks import ASSIGNMENTS, TASKS
from projections.wanted import Wanted, grouped, wanted

Needs = frozenset[Wanted]
NOTHING: Final[Needs] = frozenset()


def _all(*tables: SliceTable) -> Needs:
    """All rows of these tables."""
    return frozenset(grouped(wanted(one), "task") if one is SAID else wanted(one) for one in tables)


_PLAN: Final = _all(PLANS, PARTS, MEASURES, TASKS)
_TYPES: Final[dict[str, Needs]] = {
    "Plan": _PLAN,
    "Part": _PLAN,
    "Measure": _PLAN,
    "Task": _all(TASKS, SAID, UNITS, PLATFORMS, PLANS),
    "Unit": _all(UNITS),
    "District": _all(DISTRICTS, UNITS),
    "Platform": _all(PLATFORMS, TASKS),
    "Report": _all(REPORTS, UNITS),
}
_FIELDS: Final[dict[tuple[str, str], Needs]] = {
    ("Unit", "tasks"): _all(ASSIGNMENTS),
    ("District", "tasks"): _all(ASSIGNMENTS),
}

PAGE: Final = 0  # as many as a page has
_FEW: Final = 3
_SIZES: Final[dict[tuple[str, str], int]] = {
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
    return _TYPES.get(type_, NOTHING)


def needs_of_field(type_: str, field: str) -> Needs:
    """What a field needs beyond what its type does."""
    return _FIELDS.get((type_, field), NOTHING)


def size_of(type_: str, field: str) -> int:
    """About how many a list has, in a plan of the usual size."""
    return _SIZES.get((type_, field), 20 if field in {"history", "events"} else _FEW)
