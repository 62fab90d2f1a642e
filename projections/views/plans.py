"""Plans with their parts and measures."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from domain.plan import Measure, Part, Plan
from projections.as_of import Meta, Rows
from projections.documents import structs_of
from projections.lists import Collection, NoFilter, Place, WholeNumber, with_json
from projections.table import INTEGER, TEXT, Row, slice_table
from projections.views.counts import TaskCounts, counting
from projections.views.names import PLAN_VERSIONS, PLANS, PlanRow
from projections.views.tasks import TASKS, of_plan
from projections.wanted import Keyset, Wanted, beside, page_of, wanted


class PartRow(Part, frozen=True, kw_only=True):
    """A part at one moment, as the table keeps it."""

    plan: str


class MeasureRow(Measure, frozen=True, kw_only=True):
    """A measure at one moment, as the table keeps it."""

    plan: str


def _part_rows(key: str, plan: Plan) -> Iterable[Row]:
    for one in plan.parts:
        row = PartRow(**msgspec.structs.asdict(one), plan=key)
        yield Row(f"{key}/{one.number}", (key, one.number), msgspec.json.encode(row))


def _measure_rows(key: str, plan: Plan) -> Iterable[Row]:
    for one in plan.measures:
        row = MeasureRow(**msgspec.structs.asdict(one), plan=key)
        yield Row(f"{key}/{one.number}", (key, one.number, one.part), msgspec.json.encode(row))


PARTS = slice_table("parts", Plan, PartRow, _part_rows, {"plan": TEXT, "number": INTEGER})
MEASURES = slice_table("measures", Plan, MeasureRow, _measure_rows, {"plan": TEXT, "number": INTEGER, "part": INTEGER})


class Counts(msgspec.Struct, frozen=True):
    """How many parts, measures and tasks there are."""

    parts: int
    measures: int
    tasks: int


class PartView(msgspec.Struct, frozen=True, rename="camel"):
    """A part with the numbers of its measures, and how many tasks it has."""

    plan: str
    number: int
    title: str
    measures: tuple[int, ...]
    tasks: int
    task_counts: TaskCounts | UnsetType = UNSET
    meta: Meta | UnsetType = UNSET


class MeasureView(msgspec.Struct, frozen=True, rename="camel"):
    """A measure: the table's title, the prose point and its heading, what no task carries of it, and its tasks."""

    plan: str
    number: int
    part: int
    title: str
    heading: str
    text: str
    unassigned: tuple[str, ...]
    tasks: int
    task_counts: TaskCounts | UnsetType = UNSET
    meta: Meta | UnsetType = UNSET


class PlanView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One plan as the record showed it at a moment; `document` is the SHA-256 of the file it was read from."""

    id: str
    title: str
    issuer: str
    document_number: str | None
    issued_on: date
    preamble: str
    document: str
    counts: Counts
    parts: tuple[PartView, ...]
    measures: tuple[MeasureView, ...]
    version: int
    task_counts: TaskCounts | UnsetType = UNSET
    meta: Meta | UnsetType = UNSET


_PLACE: Final = 200  # bytes that a task's place takes


class _Placed(msgspec.Struct, frozen=True):
    """Where a task is: all that a plan needs to know of it."""

    plan: str
    part: int | None
    measure: int | None


P = TypeVar("P", PartRow, MeasureRow, _Placed)


def one(*keys: str) -> Sequence[Wanted]:
    """What a single plan is put together from, or some."""
    own = (wanted(table, key=keys) for table in (PLANS, PLAN_VERSIONS))
    return (*own, *(wanted(table, plan=keys) for table in (PARTS, MEASURES, TASKS)))


def show(rows: Rows) -> list[PlanView]:
    """The plans among these rows, by id."""
    return sorted(_one_by_one(rows), key=lambda plan: plan.id)


def _one_by_one(rows: Rows) -> Iterator[PlanView]:
    """The same in the order of the rows."""
    parts, measures = _by_plan(rows.of(PARTS, PartRow)), _by_plan(rows.of(MEASURES, MeasureRow))
    tasks = _by_plan(_placed(rows))
    for plan in rows.of(PLANS, PlanRow):
        yield _view(
            plan,
            rows.count(PLAN_VERSIONS, plan.id),
            sorted(parts.get(plan.id, ()), key=lambda one: one.number),
            sorted(measures.get(plan.id, ()), key=lambda one: one.number),
            tasks.get(plan.id, ()),
        )


def _placed(rows: Rows) -> Sequence[_Placed]:
    """Where the tasks among these rows are: of their JSON it takes little."""
    digests = rows.joined(TASKS)
    return rows.memory.made(
        ("placed", digests),
        lambda: structs_of(rows.raw(TASKS), _Placed),
        lambda made: len(digests) + _PLACE * len(made),
    )


def parts(rows: Rows) -> list[PartView]:
    """The parts of the plans among these rows, by plan and number."""
    return [part for plan in show(rows) for part in plan.parts]


def measures(rows: Rows) -> list[MeasureView]:
    """The measures of the plans among these rows, by plan and number."""
    return [measure for plan in show(rows) for measure in plan.measures]


def _by_plan(these: Iterable[P]) -> Mapping[str, Sequence[P]]:
    by_plan: dict[str, list[P]] = {}
    for one in these:
        by_plan.setdefault(one.plan, []).append(one)
    return by_plan


def _view(
    plan: PlanRow, version: int, parts: Sequence[PartRow], measures: Sequence[MeasureRow], tasks: Sequence[_Placed]
) -> PlanView:
    in_part, in_measure = Counter(task.part for task in tasks), Counter(task.measure for task in tasks)
    return PlanView(
        id=plan.id,
        title=plan.title,
        issuer=plan.issuer,
        document_number=plan.document_number,
        issued_on=plan.issued_on,
        preamble=plan.preamble,
        document=f"sha256:{plan.document}",
        counts=Counts(len(parts), len(measures), len(tasks)),
        parts=tuple(
            PartView(
                part.plan,
                part.number,
                part.title,
                tuple(measure.number for measure in measures if measure.part == part.number),
                in_part[part.number],
            )
            for part in parts
        ),
        measures=tuple(
            MeasureView(
                one.plan,
                one.number,
                one.part,
                one.title,
                one.heading,
                one.text,
                one.unassigned,
                in_measure[one.number],
            )
            for one in measures
        ),
        version=version,
    )


def _plan_of(key: str) -> Sequence[Wanted]:
    """What the tasks of a plan are counted by, which is named alone or by what lies in it."""
    return of_plan(key.partition("/")[0])


PART_TASKS: Final = counting(
    lambda _: (),
    lambda part, there: (one for one in there.by_plan.get(part.plan, ()) if one.part == part.number),
    ahead=_plan_of,
)
MEASURE_TASKS: Final = counting(
    lambda _: (),
    lambda measure, there: (one for one in there.by_plan.get(measure.plan, ()) if one.measure == measure.number),
    ahead=_plan_of,
)
PLAN_TASKS: Final = counting(
    lambda views: of_plan(*(one.id for one in views)),
    lambda plan, there: there.by_plan.get(plan.id, ()),
    ahead=lambda key: of_plan(key) if key else (),
    inner={"parts": PART_TASKS, "measures": MEASURE_TASKS},
)


def _wanted(_scope: str, _given: NoFilter, after: Place | None, limit: int) -> Sequence[Wanted]:
    rows = page_of(wanted(PLANS), Keyset(("key",), after=after, limit=limit))
    inner = (beside(wanted(table), "plan", 0) for table in (PARTS, MEASURES, TASKS))
    return (rows, beside(wanted(PLAN_VERSIONS), "key", 0), *inner)


PLAN_LIST: Collection[PlanView, NoFilter] = Collection(
    name="plans",
    view=PlanView,
    filter=NoFilter,
    wanted=_wanted,
    shown=lambda rows, _: with_json([*_one_by_one(rows)]),
    place=lambda plan, _: (plan.id,),
    counting=PLAN_TASKS,
    paged=True,
)


class MeasureFilter(msgspec.Struct, frozen=True):
    """Which measures of a plan."""

    part: Annotated[WholeNumber | None, msgspec.Meta(description="Measures of this part.", examples=[3])] = None


PART_LIST: Collection[PartView, NoFilter] = Collection(
    name="parts",
    view=PartView,
    filter=NoFilter,
    wanted=lambda plan, _filter, _after, _limit: one(plan),
    shown=lambda rows, _: with_json(parts(rows)),
    place=lambda part, _: (part.number,),
    places=lambda _: tuple[WholeNumber],
    counting=PART_TASKS,
)
MEASURE_LIST: Collection[MeasureView, MeasureFilter] = Collection(
    name="measures",
    view=MeasureView,
    filter=MeasureFilter,
    wanted=lambda plan, _filter, _after, _limit: one(plan),
    shown=lambda rows, _: with_json(measures(rows)),
    place=lambda measure, _: (measure.number,),
    places=lambda _: tuple[WholeNumber],
    keeps=lambda given, _rows, _on: lambda measure: given.part in {None, measure.part},
    counting=MEASURE_TASKS,
)
