"""A fact of every kind: those of the golden leaves, and once more, bare, each that has optional fields."""

from datetime import date
from typing import Final

from domain.directory import UnitKind, UnitRegistered
from domain.fact import Fact
from domain.plan import PlanAdopted, PlanMeasureAdded, PlanPartAdded
from domain.report import ProgressReported
from domain.task import TaskAdded, TaskDeadlineSet, TaskMoved
from domain.values import Status
from events.codec import decode
from tests.golden.leaves import RELEASED

BARE: Final[tuple[Fact, ...]] = (
    PlanAdopted("要点", "市信用办", None, date(2023, 3, 28), "", "0" * 64),
    PlanPartAdded(5, "五"),
    PlanMeasureAdded(16, 5, "举措", "", ""),
    TaskAdded(1, None, None, "任务。"),
    TaskMoved(None, None),
    TaskDeadlineSet(None),
    ProgressReported("2023", Status.COMPLETED),
    UnitRegistered("市科委", UnitKind.BODY),
)
SAMPLES: Final[tuple[Fact, ...]] = (*(decode(leaf).fact for leaf in RELEASED.values()), *BARE)
