"""What can be taken home whole: each export's items, its columns as a table, and what names one of its rows.

An item is a list's own, or a part of one. A table has a column wherever one will do: an object's fields are columns,
`answered.count`; a list is one cell, the ids of what is in it. JSON stands only in cells where each row is of another
shape.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from domain.directory import UnitKind
from domain.values import Role
from events.recorded import Cause
from projections.lists import Collection
from projections.views.districts import DISTRICT_LIST
from projections.views.events import EventView, InRequest
from projections.views.every_task import EVERY_TASK, OfPlans
from projections.views.names import Assignee, Named
from projections.views.platforms import PLAN_PLATFORMS, PLATFORM_LIST
from projections.views.report_list import PLAN_REPORTS
from projections.views.targets import TARGET_LIST
from projections.views.task_list import TASK_LIST
from projections.views.tasks import TaskView
from projections.views.units import UNIT_LIST, UnitView

SEPARATOR: Final = ";"  # between what a list's cell holds: ids, positions, numbers
LINES: Final = "\n"  # between wordings, which may hold any other sign


class ColumnType(StrEnum):
    """What a column's cells are; null is empty. A `list` is of texts. An `instant` has its zone, Z."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    INSTANT = "instant"
    BOOLEAN = "boolean"
    LIST = "list"
    JSON = "json"


class Column(NamedTuple):
    """A column: its `name`, the path of the field, and its 中文 `title`. `of`: what of each thing in a list is told."""

    name: str
    type: ColumnType
    title: str
    of: str = ""
    separator: str = SEPARATOR
    required: bool = False

    def values(self) -> Callable[[Any], Any]:
        """What tells the column's value of an item; None where there is nothing."""
        path = [_attribute(one) for one in self.name.split(".")]
        found = _at(path)
        if self.type is not ColumnType.LIST:
            return found
        if not self.of:
            return lambda item: [str(one) for one in found(item) or ()]
        each = _at([_attribute(one) for one in self.of.split(".")])
        return lambda item: [str(each(one)) for one in found(item) or ()]


def _attribute(name: str) -> str:
    """The attribute that is encoded under a name."""
    return re.sub("[A-Z]", lambda one: f"_{one[0].lower()}", name)


def _at(path: Sequence[str]) -> Callable[[Any], Any]:
    if len(path) == 1:
        return attrgetter(*path)

    def found(item: Any) -> Any:
        for name in path:
            if item is None:
                return None
            item = getattr(item, name)
        return item

    return found


class Assigned(msgspec.Struct, frozen=True, rename="camel"):
    """A unit's part in a task, beside what people know the task by."""

    task: str
    plan: str
    number: int
    part: int | None
    measure: int | None
    assignee: Assignee
    role: Role
    literal: str
    acting_units: tuple[Named, ...]
    text: str
    withdrawn: bool


class GroupNamed(msgspec.Struct, frozen=True):
    """A group; `closed`: the document lists its members."""

    id: str
    name: str
    closed: bool | None


class GroupMember(msgspec.Struct, frozen=True):
    """A member of a group."""

    group: GroupNamed
    member: Named


class FollowedFact(msgspec.Struct, frozen=True, rename="camel"):
    """A fact as it is followed, which is its JSON."""

    v: int
    position: int
    stream: str
    version: int
    type: str
    actor: str
    recorded_at: str
    effective_on: str
    replaces: int | None
    cause: Cause
    data: msgspec.Raw
    leaf_hash: str
    in_request: InRequest
    disclosures: msgspec.Raw


class Export(NamedTuple):
    """Something to be taken home: `key` names the columns that name a row, `split` what an item of the list brings.

    `listed` is the list that it is made of, of a plan each where it is `within` plans; without one it is the log's
    facts. `of_plan` is the list where one plan's are asked for, and None where no plan has its own. `of_plans` has the
    same items of many plans, one after the other, where there is a faster way to them.
    """

    name: str
    title: str
    words: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    listed: Collection[Any, Any] | None
    of_plan: Collection[Any, Any] | None = None
    of_plans: Collection[Any, OfPlans] | None = None
    within: bool = False
    split: Callable[[Any], Iterable[msgspec.Struct]] | None = None

    @property
    def view(self) -> type[msgspec.Struct]:
        """What the list that it is made of shows."""
        return self.listed.view if self.listed else EventView

    @property
    def takes_plan(self) -> bool:
        """Whether those of one plan can be asked for."""
        return self.of_plan is not None or self.listed is None


def _assigned(task: TaskView) -> Iterable[Assigned]:
    for one in task.assignments:
        yield Assigned(
            task.id,
            task.plan,
            task.number,
            task.part,
            task.measure,
            one.assignee,
            one.role,
            one.literal,
            one.acting_units,
            task.text,
            task.withdrawn,
        )


def _memberships(unit: UnitView) -> Iterable[GroupMember]:
    if unit.kind is UnitKind.GROUP:
        group = GroupNamed(unit.id, unit.name, unit.closed)
        yield from (GroupMember(group, one) for one in unit.members)


_TEXT, _INTEGER, _DECIMAL, _DATE, _INSTANT, _BOOLEAN, _LIST, _JSON = ColumnType


def _must(name: str, type_: ColumnType, title: str) -> Column:
    """A column that is never empty."""
    return Column(name, type_, title, required=True)


_COUNTS: Final = {
    "withdrawn": "已撤销任务数",
    "reportedStatus.not_reported": "尚未报送任务数",
    "reportedStatus.not_started": "尚未启动任务数",
    "reportedStatus.blocked": "推进受阻任务数",
    "reportedStatus.delayed": "进度滞后任务数",
    "reportedStatus.in_progress": "推进中任务数",
    "reportedStatus.completed": "已完成任务数",
    "scheduleStatus.unspecified": "未明确期限任务数",
    "scheduleStatus.not_due": "未到期任务数",
    "scheduleStatus.due_soon": "即将到期任务数",
    "scheduleStatus.overdue": "已逾期任务数",
    "scheduleStatus.completed_on_time": "按期完成任务数",
    "scheduleStatus.completed_late": "逾期完成任务数",
    "evidenceStatus.none": "未附佐证材料任务数",
    "evidenceStatus.linked": "佐证材料已附链接任务数",
    "evidenceStatus.digested": "佐证材料已附校验码任务数",
}
_COUNTED: Final = (
    *(_must(f"taskCounts.{name}", _INTEGER, title) for name, title in _COUNTS.items()),
    _must("taskCounts.silentIn.period", _TEXT, "最近结束的季度"),
    _must("taskCounts.silentIn.tasks", _INTEGER, "该季度尚有单位未报送的任务数"),
    Column("taskCounts.silentIn.units", _LIST, "该季度未报送的单位", "id"),
)
_TASK: Final = (
    _must("task", _TEXT, "任务编码"),
    _must("plan", _TEXT, "工作要点"),
    _must("number", _INTEGER, "任务序号"),
)
_PLACE: Final = (Column("part", _INTEGER, "部分"), Column("measure", _INTEGER, "举措"))
_VERSION: Final = _must("version", _INTEGER, "版本")

TASK_EXPORT: Final = Export(
    name="tasks",
    title="工作任务",
    words="The tasks of the plans, one row each; units, targets and reports are told by their ids.",
    key=("id",),
    columns=(
        _must("id", _TEXT, "任务编码"),
        *_TASK[1:],
        *_PLACE,
        _must("text", _TEXT, "任务内容"),
        Column("assignments", _LIST, "责任单位", "assignee.id"),
        _must("openEnded", _BOOLEAN, "是否含“等”字开放列举"),
        _must("reportedStatus", _TEXT, "进展"),
        _must("answered.count", _INTEGER, "已报送单位数"),
        Column("answered.of", _INTEGER, "应报送单位数"),
        Column("answered.silent", _LIST, "尚未报送单位", "id"),
        _must("evidenceStatus", _TEXT, "佐证材料"),
        _must("scheduleStatus", _TEXT, "期限情况"),
        Column("due", _DATE, "完成期限"),
        Column("completedOn", _DATE, "完成日期"),
        _must("withdrawn", _BOOLEAN, "是否撤销"),
        Column("targets", _LIST, "量化目标", "target"),
        Column("platforms", _LIST, "涉及平台", "id"),
        Column("latestReports", _LIST, "计入进展的报告(记录序号)", "event"),
        Column("source.document", _TEXT, "原文校验码(SHA-256)"),
        Column("source.line", _INTEGER, "原文行号"),
        _VERSION,
    ),
    listed=TASK_LIST,
    of_plan=TASK_LIST,
    of_plans=EVERY_TASK,
    within=True,
)
ASSIGNMENT_EXPORT: Final = Export(
    name="assignments",
    title="任务分工",
    words="Which unit takes part in which task, and how: a row for each assignment.",
    key=("task", "assignee.id"),
    columns=(
        *_TASK,
        *_PLACE,
        _must("assignee.kind", _TEXT, "责任主体类型"),
        _must("assignee.id", _TEXT, "责任单位编码"),
        _must("assignee.name", _TEXT, "责任单位"),
        _must("role", _TEXT, "分工"),
        _must("literal", _TEXT, "原文表述"),
        Column("actingUnits", _LIST, "现承担单位", "id"),
        _must("text", _TEXT, "任务内容"),
        _must("withdrawn", _BOOLEAN, "任务是否撤销"),
    ),
    listed=TASK_LIST,
    of_plan=TASK_LIST,
    of_plans=EVERY_TASK,
    within=True,
    split=_assigned,
)
UNIT_EXPORT: Final = Export(
    name="units",
    title="责任单位",
    words="Units and groups of units, with who belongs to whom, who succeeded whom, and how their tasks stand.",
    key=("id",),
    columns=(
        _must("id", _TEXT, "单位编码"),
        _must("kind", _TEXT, "类型"),
        _must("name", _TEXT, "名称"),
        Column("aliases", _LIST, "其他表述", separator=LINES),
        Column("district", _TEXT, "行政区划代码"),
        Column("closed", _BOOLEAN, "成员是否列明"),
        Column("members", _LIST, "成员", "id"),
        Column("memberOf", _LIST, "所属单位组合", "id"),
        Column("successors", _LIST, "职责承接单位", "id"),
        Column("predecessors", _LIST, "所承接的原单位", "id"),
        Column("tasks", _LIST, "任务", "task"),
        *_COUNTED,
        _VERSION,
    ),
    listed=UNIT_LIST,
)
MEMBERSHIP_EXPORT: Final = Export(
    name="memberships",
    title="单位组合成员",
    words="The members of the groups of units, a row each.",
    key=("group.id", "member.id"),
    columns=(
        _must("group.id", _TEXT, "单位组合编码"),
        _must("group.name", _TEXT, "单位组合"),
        Column("group.closed", _BOOLEAN, "成员是否列明"),
        _must("member.id", _TEXT, "成员编码"),
        _must("member.name", _TEXT, "成员"),
    ),
    listed=UNIT_LIST,
    split=_memberships,
)
DISTRICT_EXPORT: Final = Export(
    name="districts",
    title="各区",
    words="The districts by their GB/T 2260 codes, with their units and how their tasks stand.",
    key=("code",),
    columns=(
        _must("code", _TEXT, "行政区划代码"),
        _must("name", _TEXT, "名称"),
        Column("units", _LIST, "单位", "id"),
        Column("tasks", _LIST, "任务", "task"),
        *_COUNTED,
        _VERSION,
    ),
    listed=DISTRICT_LIST,
)
PLATFORM_EXPORT: Final = Export(
    name="platforms",
    title="信息平台",
    words="The information systems that tasks mention, with those tasks.",
    key=("id",),
    columns=(
        _must("id", _TEXT, "平台编码"),
        _must("name", _TEXT, "名称"),
        Column("aliases", _LIST, "其他表述", separator=LINES),
        Column("tasks", _LIST, "提及的任务", "task"),
        _VERSION,
    ),
    listed=PLATFORM_LIST,
    of_plan=PLAN_PLATFORMS,
)
TARGET_EXPORT: Final = Export(
    name="targets",
    title="量化目标",
    words="The numbers that tasks promise; what was reported towards each is told by its position in the log.",
    key=("task", "target"),
    columns=(
        _must("plan", _TEXT, "工作要点"),
        _must("task", _TEXT, "任务编码"),
        _must("number", _INTEGER, "任务序号"),
        _must("target", _INTEGER, "目标序号"),
        _must("literal", _TEXT, "原文表述"),
        _must("value", _DECIMAL, "目标值"),
        _must("unit", _TEXT, "计量单位"),
        Column("reported", _LIST, "已报送的数值(记录序号)", "event"),
    ),
    listed=TARGET_LIST,
    of_plan=TARGET_LIST,
    within=True,
)
REPORT_EXPORT: Final = Export(
    name="reports",
    title="进展报告",
    words="What units report on their tasks, a row for each unit, task and period, with its text where it is there.",
    key=("id",),
    columns=(
        _must("id", _TEXT, "报告编码"),
        _must("task", _TEXT, "任务编码"),
        _must("plan", _TEXT, "工作要点"),
        _must("unit.id", _TEXT, "单位编码"),
        _must("unit.name", _TEXT, "单位"),
        _must("period", _TEXT, "报告期"),
        _must("status", _TEXT, "进展"),
        Column("narrative.digest", _TEXT, "文字校验码"),
        Column("narrative.text", _TEXT, "文字"),
        Column("measurement.target", _INTEGER, "目标序号"),
        Column("measurement.value", _DECIMAL, "数值"),
        Column("measurement.unit", _TEXT, "计量单位"),
        Column("evidence", _JSON, "佐证材料"),
        _must("evidenceStatus", _TEXT, "佐证材料情况"),
        _must("membership", _TEXT, "报送单位是否列名"),
        _must("event", _INTEGER, "记录序号"),
        _must("recordedAt", _INSTANT, "记录时间"),
        _must("effectiveOn", _DATE, "对应日期"),
    ),
    listed=PLAN_REPORTS,
    of_plan=PLAN_REPORTS,
    within=True,
)
EVENT_EXPORT: Final = Export(
    name="events",
    title="记录",
    words="All facts of the log in order, with their reasons: what everything else follows from.",
    key=("position",),
    columns=(
        _must("v", _INTEGER, "格式版本"),
        _must("position", _INTEGER, "记录序号"),
        _must("stream", _TEXT, "对象"),
        _must("version", _INTEGER, "版本"),
        _must("type", _TEXT, "类型"),
        _must("actor", _TEXT, "记录单位"),
        _must("recordedAt", _INSTANT, "记录时间"),
        _must("effectiveOn", _DATE, "生效日期"),
        Column("replaces", _INTEGER, "更正的记录"),
        _must("cause.command", _TEXT, "操作"),
        _must("cause.request", _TEXT, "请求"),
        Column("cause.reason", _TEXT, "原因"),
        Column("cause.authority", _TEXT, "依据"),
        _must("data", _JSON, "内容"),
        _must("leafHash", _TEXT, "校验码"),
        _must("inRequest.index", _INTEGER, "请求内序号"),
        _must("inRequest.count", _INTEGER, "请求内记录数"),
        _must("disclosures", _JSON, "可删除的文字"),
    ),
    listed=None,
)

EXPORTS: Final[Mapping[str, Export]] = {
    one.name: one
    for one in (
        TASK_EXPORT,
        ASSIGNMENT_EXPORT,
        UNIT_EXPORT,
        MEMBERSHIP_EXPORT,
        DISTRICT_EXPORT,
        PLATFORM_EXPORT,
        TARGET_EXPORT,
        REPORT_EXPORT,
        EVENT_EXPORT,
    )
}
CHANGE: Final = _must("change", _TEXT, "变动")


def columns_of(export: Export, *, delta: bool = False) -> tuple[Column, ...]:
    """The columns of an export, or of what changed in it, which begins with `change`: put or gone.

    Of what is gone all but the key is empty.
    """
    if not delta:
        return export.columns
    return (CHANGE, *(one._replace(required=one.required and one.name in export.key) for one in export.columns))
