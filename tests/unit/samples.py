"""A fact of every kind, and each of those with optional fields once full and once bare."""

from datetime import date
from typing import Final

from domain.directory import (
    DistrictRegistered,
    GroupDefined,
    GroupMemberAdded,
    GroupMemberRemoved,
    PlatformAliasAdded,
    PlatformRegistered,
    UnitAliasAdded,
    UnitKind,
    UnitRegistered,
    UnitRenamed,
    UnitSucceeded,
)
from domain.fact import Fact
from domain.plan import PlanAdopted, PlanMeasureAdded, PlanPartAdded
from domain.report import Evidence, Listing, Measurement, ProgressReported
from domain.task import (
    TaskAdded,
    TaskDeadlineSet,
    TaskMoved,
    TaskReinstated,
    TaskRenumbered,
    TaskReworded,
    TaskTargetSet,
    TaskUnitAssigned,
    TaskUnitReleased,
    TaskWithdrawn,
)
from domain.undo import FactVoided
from domain.values import Role, Sealed, Status

_DIGEST: Final = "0" * 64
_SEALED: Final = Sealed("A" * 43)

SAMPLES: Final[tuple[Fact, ...]] = (
    PlanAdopted("2023年工作要点", "市信用办", "沪发改信用〔2023〕2号", date(2023, 3, 28), "前言。", _DIGEST),
    PlanAdopted("要点", "市信用办", None, date(2023, 3, 28), "", _DIGEST),
    PlanPartAdded(1, "一、总体要求", 9),
    PlanPartAdded(5, "五"),
    PlanMeasureAdded(4, 1, "举措", "标题", "正文。", ("余句。",), 17),
    PlanMeasureAdded(16, 5, "举措", "", ""),
    TaskAdded(24, 2, 6, "任务。", open_ended=True, line=81),
    TaskAdded(1, None, None, "任务。"),
    TaskReworded("新的\t文字\n“引号”𠮷。"),
    TaskRenumbered(999_999),
    TaskMoved(2, 6),
    TaskMoved(None, None),
    TaskUnitAssigned("shi-ke-wei", Role.LEAD, "市科委"),
    TaskUnitReleased("shi-ke-wei"),
    TaskDeadlineSet(date(2023, 12, 31)),
    TaskDeadlineSet(None),
    TaskTargetSet(1, "41个主要执法领域", "41", "个主要执法领域"),
    TaskWithdrawn(),
    TaskReinstated(),
    ProgressReported(
        "2023-Q2",
        Status.DELAYED,
        _SEALED,
        Measurement("-12.50", "%", 1),
        (Evidence("https://a.invalid/1", _SEALED, _DIGEST), Evidence("https://a.invalid/2")),
        Listing.UNLISTED,
    ),
    ProgressReported("2023", Status.COMPLETED),
    UnitRegistered("黄浦区人民政府", UnitKind.DISTRICT_GOVERNMENT, "310101"),
    UnitRegistered("市科委", UnitKind.BODY),
    UnitRenamed("市科学技术委员会"),
    UnitAliasAdded("科委"),
    UnitSucceeded("shi-ke-wei-2"),
    GroupDefined("各区人民政府", closed=True),
    GroupMemberAdded("huang-pu-qu-ren-min-zheng-fu"),
    GroupMemberRemoved("huang-pu-qu-ren-min-zheng-fu"),
    DistrictRegistered("黄浦区"),
    PlatformRegistered("一网通办"),
    PlatformAliasAdded("信用中国(上海)"),
    FactVoided(1),
)
