"""The read models, one file each: its rows, its shape, its assembly. `TABLES` lists every table there is."""

from typing import Final

from projections.table import SliceTable
from projections.views.districts import DISTRICTS
from projections.views.names import PLANS, UNITS
from projections.views.plans import MEASURES, PARTS
from projections.views.platforms import PLATFORMS
from projections.views.reports import REPORTS
from projections.views.said import SAID
from projections.views.tasks import ASSIGNMENTS, TARGETS, TASKS
from projections.views.units import MEMBERSHIPS

TABLES: Final[tuple[SliceTable, ...]] = (
    PLANS,
    PARTS,
    MEASURES,
    TASKS,
    ASSIGNMENTS,
    TARGETS,
    UNITS,
    MEMBERSHIPS,
    DISTRICTS,
    PLATFORMS,
    REPORTS,
    SAID,
)
