"""Every kind of subject, declared once: what makes it, where its rows lie, how it is read. All doors derive theirs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

import msgspec

from domain.directory import District, Platform, Unit
from domain.plan import Plan
from domain.record import State
from domain.report import Reports
from domain.task import Task
from projections.as_of import Rows
from projections.lists import Collection
from projections.table import SliceTable
from projections.views import districts, plans, platforms, tasks, units
from projections.views.districts import DISTRICT_LIST, DISTRICT_VERSIONS, DISTRICTS, DistrictView
from projections.views.duties import BEHIND, DUTIES
from projections.views.measured import MEASURED
from projections.views.names import PLAN_VERSIONS, PLANS, PLATFORM_VERSIONS, PLATFORMS, UNIT_VERSIONS, UNITS
from projections.views.plans import MEASURE_LIST, MEASURES, PART_LIST, PARTS, PLAN_LIST, MeasureView, PartView, PlanView
from projections.views.platforms import PLATFORM_LIST, PlatformView
from projections.views.report_list import PLAN_REPORTS
from projections.views.reports import REPORTS, ReportRow, ReportView
from projections.views.said import SAID
from projections.views.task_list import TASK_LIST
from projections.views.tasks import ASSIGNMENTS, TARGETS, TASK_VERSIONS, TASK_WORDS, TASKS, TaskView
from projections.views.units import MEMBERSHIPS, UNIT_LIST, UnitView
from projections.wanted import Wanted, wanted

V = TypeVar("V", bound=msgspec.Struct)


class Kind(StrEnum):
    """What a change is of."""  # so OpenAPI says, which knows kinds of subjects from changes alone

    PLAN = "plan"
    PART = "part"
    MEASURE = "measure"
    TASK = "task"
    REPORT = "report"
    UNIT = "unit"
    DISTRICT = "district"
    PLATFORM = "platform"


class Subject(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """A kind of subject.

    `state` is the fold of the stream that makes it; where that makes several of its kind it is `inner`, and its key
    ends with what it is called among them. `beside`: the streams whose names begin with its key are about it too.
    `table` keeps its rows by its key, `others` what else is sliced from its state. `list` lists them, where `within` is
    said those of one plan. `one(*keys)` is what those with these keys are put together from, `all(rows, on)` are those
    among the rows by key, a report without its texts, which stand in the log; `compared(rows, on)` the same without
    what other subjects say of them. `made_of` are the tables that all of them are put together from, `fields` those
    that single fields of the view need besides. `key` is the field of the view that holds it.
    """

    kind: Kind
    state: type[State]
    table: SliceTable
    view: type[msgspec.Struct]
    list: Collection[Any, Any]
    one: Callable[..., Sequence[Wanted]]
    all: Callable[[Rows, date], Iterable[tuple[str, V]]]
    compared: Callable[[Rows, date], Iterable[tuple[str, msgspec.Struct]]]
    made_of: tuple[SliceTable, ...]
    fields: Mapping[str, tuple[SliceTable, ...]] = {}
    others: tuple[SliceTable, ...] = ()
    within: Kind | None = None
    inner: bool = False
    beside: type[State] | None = None
    key: str = "id"

    def show(self, rows: Rows, on: date, key: str) -> Sequence[V]:
        """The one with a key, if it is among the rows, and no other."""
        return [one for its, one in self.all(rows, on) if its == key]

    def stream(self, key: str) -> str:
        """The stream whose facts make the one with a key what it is."""
        return f"{self.state.KIND}:{key.rpartition('/')[0] if self.inner else key}"

    def below(self, key: str) -> str:
        """How the names of the streams begin that are about it too; no stream's, where there are none."""
        return f"{self.beside.KIND}:{key}/" if self.beside else f"{self.stream(key)}/"


def _of_plans(*keys: str) -> Sequence[Wanted]:
    return plans.one(*dict.fromkeys(key.partition("/")[0] for key in keys))


def _parts(rows: Rows, _: date) -> Iterable[tuple[str, PartView]]:
    return ((f"{one.plan}/{one.number}", one) for one in plans.parts(rows))


def _measures(rows: Rows, _: date) -> Iterable[tuple[str, MeasureView]]:
    return ((f"{one.plan}/{one.number}", one) for one in plans.measures(rows))


def _reports(rows: Rows, _: date) -> Iterable[tuple[str, ReportRow]]:
    return ((one.id, one) for one in rows.of(REPORTS, ReportRow))


_PLAN: Final = (PLANS, PLAN_VERSIONS, PARTS, MEASURES, TASKS)

PLAN: Subject[PlanView] = Subject(
    kind=Kind.PLAN,
    state=Plan,
    table=PLANS,
    view=PlanView,
    list=PLAN_LIST,
    one=plans.one,
    all=lambda rows, _: ((one.id, one) for one in plans.show(rows)),
    compared=lambda rows, _: (
        (one.id, msgspec.structs.replace(one, parts=(), measures=())) for one in plans.show(rows)
    ),
    made_of=_PLAN,
    others=(PLAN_VERSIONS,),
)
PART: Subject[PartView] = Subject(
    kind=Kind.PART,
    state=Plan,
    table=PARTS,
    view=PartView,
    list=PART_LIST,
    one=_of_plans,
    all=_parts,
    compared=_parts,
    made_of=_PLAN,
    within=Kind.PLAN,
    inner=True,
)
MEASURE: Subject[MeasureView] = Subject(
    kind=Kind.MEASURE,
    state=Plan,
    table=MEASURES,
    view=MeasureView,
    list=MEASURE_LIST,
    one=_of_plans,
    all=_measures,
    compared=_measures,
    made_of=_PLAN,
    within=Kind.PLAN,
    inner=True,
)
TASK: Subject[TaskView] = Subject(
    kind=Kind.TASK,
    state=Task,
    table=TASKS,
    view=TaskView,
    list=TASK_LIST,
    one=tasks.one,
    all=tasks.by_id,
    compared=lambda rows, on: ((one.id, one) for one in tasks.each(rows, on)),
    made_of=(TASKS, TASK_VERSIONS, SAID, DUTIES, UNITS, BEHIND, PLATFORMS, PLANS),
    others=(TASK_VERSIONS, TASK_WORDS, ASSIGNMENTS, TARGETS, DUTIES),
    within=Kind.PLAN,
    beside=Reports,
)
REPORT: Subject[ReportRow] = Subject(
    kind=Kind.REPORT,
    state=Reports,
    table=REPORTS,
    view=ReportView,
    list=PLAN_REPORTS,
    one=lambda *keys: (wanted(REPORTS, key=keys), wanted(UNITS)),
    all=_reports,
    compared=_reports,
    made_of=(REPORTS, UNITS),
    others=(SAID, MEASURED),
    within=Kind.PLAN,
    inner=True,
)
UNIT: Subject[UnitView] = Subject(
    kind=Kind.UNIT,
    state=Unit,
    table=UNITS,
    view=UnitView,
    list=UNIT_LIST,
    one=units.one,
    all=lambda rows, _: ((one.id, one) for one in units.one_by_one(rows)),
    compared=lambda rows, _: ((one.id, msgspec.structs.replace(one, tasks=())) for one in units.one_by_one(rows)),
    made_of=(UNITS, UNIT_VERSIONS),
    fields={"tasks": (ASSIGNMENTS,)},
    others=(UNIT_VERSIONS, MEMBERSHIPS, BEHIND),
)
DISTRICT: Subject[DistrictView] = Subject(
    kind=Kind.DISTRICT,
    state=District,
    table=DISTRICTS,
    view=DistrictView,
    list=DISTRICT_LIST,
    one=districts.one,
    all=lambda rows, _: ((one.code, one) for one in districts.show(rows)),
    compared=lambda rows, _: ((one.code, msgspec.structs.replace(one, tasks=())) for one in districts.show(rows)),
    made_of=(DISTRICTS, DISTRICT_VERSIONS, UNITS),
    fields={"tasks": (ASSIGNMENTS,)},
    others=(DISTRICT_VERSIONS,),
    key="code",
)
PLATFORM: Subject[PlatformView] = Subject(
    kind=Kind.PLATFORM,
    state=Platform,
    table=PLATFORMS,
    view=PlatformView,
    list=PLATFORM_LIST,
    one=platforms.one,
    all=lambda rows, _: ((one.id, one) for one in platforms.show(rows)),
    compared=lambda rows, _: ((one.id, one) for one in platforms.alone(rows)),
    made_of=(PLATFORMS, PLATFORM_VERSIONS),
    fields={"tasks": (TASKS,)},
    others=(PLATFORM_VERSIONS,),
)

SUBJECTS: Final[Mapping[Kind, Subject[Any]]] = {
    one.kind: one for one in (PLAN, PART, MEASURE, TASK, REPORT, UNIT, DISTRICT, PLATFORM)
}
TABLES: Final = tuple(table for one in SUBJECTS.values() for table in (one.table, *one.others))


def whole() -> Iterable[Subject[Any]]:
    """The kinds that have streams of their own: each of their subjects has a history, and moments at which it grew."""
    return (one for one in SUBJECTS.values() if not one.inner)
